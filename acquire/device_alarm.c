#include "acquire/device_alarm.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* What a port had kept before it was opened comes at once: not counted. */
#define SETTLE_NS INT64_C(100000000)
#define MARK_EVERY_NS INT64_C(50000000)
#define WINDOW_MIN_NS INT64_C(150000000)
/* An FTDI latency timer and a scheduling delay: what a batch may be late without a sign of it. */
#define JITTER_NS 25e6
/* One look may fall into the middle of a late batch; two in a row do not. */
#define ODD_LOOKS 2

void kl_rate_watch_init(struct kl_rate_watch *watch, double nominal_hz)
{
    memset(watch, 0, sizeof(*watch));
    watch->nominal_hz = nominal_hz;
}

/* Does the window from this mark to the newest one contradict the nominal rate? */
static bool contradicts(const struct kl_rate_watch *watch, const struct kl_rate_mark *from,
                        const struct kl_rate_mark *to, int64_t longest_ns)
{
    double window_ns = (double)(to->at_ns - from->at_ns);
    double due = watch->nominal_hz * window_ns / 1e9;
    double tolerance =
        KL_RATE_TOLERANCE * due + 1 + watch->nominal_hz * (JITTER_NS + (double)longest_ns) / 1e9;
    return fabs((double)(to->count - from->count) - due) > tolerance;
}

static void look(struct kl_rate_watch *watch)
{
    const struct kl_rate_mark *to = &watch->mark[(watch->first + watch->marks - 1) % KL_RATE_MARKS];
    int64_t longest_ns = 0;
    bool odd = false;
    for (size_t i = 0; i < watch->marks; i++) {
        const struct kl_rate_mark *mark = &watch->mark[(watch->first + i) % KL_RATE_MARKS];
        longest_ns = mark->longest_ns > longest_ns ? mark->longest_ns : longest_ns;
    }
    for (size_t i = 0; i + 1 < watch->marks; i++) {
        const struct kl_rate_mark *from = &watch->mark[(watch->first + i) % KL_RATE_MARKS];
        if (to->at_ns - from->at_ns < WINDOW_MIN_NS) {
            break;
        }
        bool now = contradicts(watch, from, to, longest_ns);
        odd |= now;
        if (i == 0 || now) { /* the shortest window that tells shows how it is now */
            watch->measured_hz =
                (double)(to->count - from->count) / (double)(to->at_ns - from->at_ns) * 1e9;
        }
    }
    watch->odd = odd ? watch->odd + 1 : 0;
}

/* A batch is complete: `count` samples up to its arrival. */
static void complete_batch(struct kl_rate_watch *watch)
{
    if (watch->arrival_ns - watch->begun_ns < SETTLE_NS) {
        watch->first = watch->marks = 0;
    } else if (watch->marks > 0) {
        const struct kl_rate_mark *last =
            &watch->mark[(watch->first + watch->marks - 1) % KL_RATE_MARKS];
        if (watch->arrival_ns - last->at_ns < MARK_EVERY_NS) {
            return;
        }
    }
    if (watch->marks == KL_RATE_MARKS) {
        watch->first = (watch->first + 1) % KL_RATE_MARKS;
        watch->marks--;
    }
    watch->mark[(watch->first + watch->marks++) % KL_RATE_MARKS] =
        (struct kl_rate_mark){watch->arrival_ns, watch->longest_ns, watch->count};
    watch->longest_ns = 0;
    look(watch);
}

void kl_rate_watch_step(struct kl_rate_watch *watch, int64_t arrival_ns, uint64_t missed)
{
    if (!watch->started) {
        watch->started = true;
        watch->begun_ns = watch->arrival_ns = arrival_ns;
    }
    if (arrival_ns != watch->arrival_ns) {
        watch->count += watch->coming;
        watch->coming = 0;
        complete_batch(watch);
        int64_t between_ns = arrival_ns - watch->arrival_ns;
        watch->longest_ns = between_ns > watch->longest_ns ? between_ns : watch->longest_ns;
        watch->arrival_ns = arrival_ns;
    }
    watch->coming += 1 + missed;
}

bool kl_rate_watch_alarm(const struct kl_rate_watch *watch)
{
    return watch->odd >= ODD_LOOKS;
}

void kl_device_alarm_text(unsigned alarms, double measured_hz, double nominal_hz, double battery,
                          char out[KL_DEVICE_STATE_MAX])
{
    out[0] = '\0';
    if (alarms & KL_ALARM_NO_DATA) {
        (void)snprintf(out, KL_DEVICE_STATE_MAX, "no data");
    } else if (alarms & KL_ALARM_RATE) {
        char words[64]; /* numbers of a device are short; others are cut */
        (void)snprintf(words, sizeof(words), "rate %.4g Hz, not %.4g", measured_hz, nominal_hz);
        (void)snprintf(out, KL_DEVICE_STATE_MAX, "%.31s", words);
    } else if (alarms & KL_ALARM_CLIPPING) {
        (void)snprintf(out, KL_DEVICE_STATE_MAX, "clipping");
    } else if (alarms & KL_ALARM_BATTERY) {
        (void)snprintf(out, KL_DEVICE_STATE_MAX, "battery %.0f %%", 100 * battery);
    }
}
