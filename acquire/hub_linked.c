/* The thread of a device behind a link: opens it, starts it, reads it, and when it is lost looks
 * for it until it is back.
 *
 *     look for it ──found──▶ start ──▶ read ──gone──▶ finish the frame, stop, close ─┐
 *         ▲   ▲                │         └──silent──▶ named; for long: the same ──────┤
 *         │   └────refused─────┘                                                     │
 *         └──────────────────────────────────────────────────────────────────────────┘
 */
#include "acquire/capture.h"
#include "acquire/hub_device.h"

#include <string.h>
#include <time.h>

/* Longest wait for bytes, so that a thread sees the stop flag (design.md section 4). */
#define READ_WAIT_NS INT64_C(100000000)
#define READ_BYTES 4096
#define QUESTION_BYTES 64
/* A lost device is looked for this often: back within 300 ms, of which opening and the driver's
 * conversation want their part. */
#define LOOK_NS INT64_C(20000000)
/* After a conversation that failed: the device may still be booting. */
#define REFUSED_NS INT64_C(250000000)
/* A device that has been silent for so many of its silences is opened and started anew: it may have
 * been switched off and on behind a bridge that stayed, and have lost its configuration. */
#define SILENCES_MAX 10
/* Longest sleep before the stop flag is looked at. */
#define NAP_NS INT64_C(20000000)

static void take_sample(void *self, const struct kl_sample *sample)
{
    struct kl_device *device = self;
    device->taken++;
    kl_device_push(device, sample, device->arrival_ns);
}

static void show_framing(struct kl_device *device)
{
    const struct kl_framing *framing = device->framing;
    atomic_store_explicit(&device->frames, framing->frames, memory_order_relaxed);
    atomic_store_explicit(&device->bad_frames, framing->bad, memory_order_relaxed);
    atomic_store_explicit(&device->skipped_bytes, framing->skipped, memory_order_relaxed);
    if (device->driver->battery != NULL) {
        int percent = device->driver->battery(device->state);
        atomic_store_explicit(&device->battery_percent,
                              percent >= 0 && percent <= 100 ? percent : -1, memory_order_relaxed);
    }
}

static void set_running(struct kl_device *device, bool running)
{
    if (running) {
        atomic_store_explicit(&device->since_ns, kl_monotonic_ns(), memory_order_relaxed);
    }
    atomic_store_explicit(&device->silent, false, memory_order_relaxed);
    atomic_store_explicit(&device->running, running, memory_order_release);
    kl_wake(device->wake_fd);
}

/* ------------------------------------------------------------------ opening */

static void wait_or_stop(const struct kl_device *device, int64_t wait_ns)
{
    for (int64_t until_ns = kl_monotonic_ns() + wait_ns; !kl_device_stopped(device);) {
        int64_t left_ns = until_ns - kl_monotonic_ns();
        if (left_ns <= 0) {
            return;
        }
        const struct timespec nap = {.tv_nsec = (long)(left_ns < NAP_NS ? left_ns : NAP_NS)};
        (void)nanosleep(&nap, NULL);
    }
}

/* @return KL_OK with device->link open, or a negative status shown as the device's fault */
static int open_link(struct kl_device *device)
{
    if (device->borrowed != NULL) {
        device->link = device->borrowed;
        return KL_OK;
    }
    struct kl_fault fault = {.text = ""};
    struct kl_link_found found = device->found; /* this thread alone writes it */
    struct kl_link *link = NULL;
    int status = kl_link_open(device->name, device->driver, &device->choice, &found, &link, &fault);
    if (status < 0) {
        /* that it is still gone says nothing new; that it is back but refused does */
        if (status != KL_ERR_GONE || !kl_device_has_fault(device)) {
            kl_device_recover(device);
            kl_device_fail(device, status, "opening", &fault);
        }
        return status;
    }
    (void)pthread_mutex_lock(&device->shown);
    device->found = found;
    (void)pthread_mutex_unlock(&device->shown);
    device->link = device->capture != NULL ? kl_capture_link(device->capture, link) : link;
    return KL_OK;
}

static void close_link(struct kl_device *device)
{
    if (device->link != device->borrowed) {
        kl_link_close(device->link);
    }
    device->link = NULL;
}

/* ------------------------------------------------------------------ reading */

/* What comes from here on follows a gap: how long it was, the time stamps tell. */
static void mark_gap(struct kl_device *device)
{
    for (size_t s = 0; s < device->stream_count; s++) {
        device->unsent_quality[s] |= KL_QUALITY_GAP;
    }
}

static void begin_connection(struct kl_device *device)
{
    if (++device->connection > 1) {
        mark_gap(device);
    }
    kl_framing_restart(device->framing);
    device->dropped = device->link->dropped;
    atomic_store_explicit(&device->connections, device->connection, memory_order_relaxed);
}

/* A frame that was cut off is looked through for good ones, and then forgotten. */
static void finish_framing(struct kl_device *device)
{
    device->arrival_ns = kl_monotonic_ns();
    kl_framing_finish(device->framing, take_sample, device);
    show_framing(device);
}

/* The link lost a piece of the stream before these bytes. @return whether counting goes on: a
 * device whose time is the number of its samples must be started anew */
static bool survives_drop(struct kl_device *device)
{
    uint64_t dropped = device->link->dropped;
    if (dropped == device->dropped) {
        return true;
    }
    device->dropped = dropped;
    kl_framing_finish(device->framing, take_sample, device); /* half a frame has no other half */
    show_framing(device);
    mark_gap(device);
    return device->time_meaning != KL_TIME_INDEX;
}

static void take_bytes(struct kl_device *device, const uint8_t *bytes, size_t len)
{
    int64_t stamped_ns = device->link->arrival_ns;
    device->arrival_ns = stamped_ns != 0 ? stamped_ns : kl_monotonic_ns();
    kl_framing_feed(device->framing, bytes, len, take_sample, device);
    show_framing(device);
    kl_wake(device->wake_fd);
}

static void show_silence(struct kl_device *device)
{
    struct kl_fault fault;
    (void)kl_fault(&fault, KL_ERR_TIMEOUT,
                   "device %s: no data for %lld ms at %s; is it switched on and set to stream?",
                   device->name, (long long)(device->silence_ns / 1000000),
                   device->found.where[0] != '\0' ? device->found.where : "its link");
    kl_device_recover(device);
    kl_device_fail(device, KL_ERR_TIMEOUT, "silent", &fault);
    set_running(device, false);
    atomic_store_explicit(&device->silent, true, memory_order_relaxed);
}

/* Puts the question that is due to a device that speaks only when asked.
 * @return KL_OK or a negative status; *wait_ns: how long to wait for what comes */
static int ask(struct kl_device *device, int64_t *wait_ns)
{
    uint8_t question[QUESTION_BYTES];
    *wait_ns = device->silence_ns < READ_WAIT_NS ? device->silence_ns : READ_WAIT_NS;
    if (device->driver->ask == NULL) {
        return KL_OK;
    }
    int count =
        device->driver->ask(device->state, kl_monotonic_ns(), question, sizeof(question), wait_ns);
    if (count > 0) {
        count = device->link->ops->write(device->link, question, (size_t)count, READ_WAIT_NS);
    }
    return count < 0 ? count : KL_OK;
}

/* @return KL_OK when stopped, KL_ERR_TIMEOUT when the device has been silent for long, or what
 *  reading failed with */
static int read_link(struct kl_device *device)
{
    uint8_t bytes[READ_BYTES];
    enum { WAITED_FOR, HEARD, MISSED } state = WAITED_FOR;
    for (int64_t heard_ns = kl_monotonic_ns(); !kl_device_stopped(device);) {
        int64_t wait_ns;
        uint64_t taken = device->taken;
        int count = ask(device, &wait_ns);
        if (count == KL_OK) {
            count = device->link->ops->read(device->link, bytes, sizeof(bytes), wait_ns);
        }
        if (count < 0) {
            return count;
        }
        int64_t quiet_ns = kl_monotonic_ns() - heard_ns;
        if (count > 0) {
            if (!survives_drop(device)) {
                return KL_ERR_DATA;
            }
            take_bytes(device, bytes, (size_t)count);
            if (device->framing->gone) {
                return KL_ERR_GONE;
            }
        }
        /* All is well with the first sample: not with an open port, nor with bytes. A device that
         * was switched off and on behind its bridge may talk at another speed or of other things.
         */
        if (device->taken != taken) {
            heard_ns += quiet_ns;
            if (state != HEARD) {
                state = HEARD;
                kl_device_recover(device);
                set_running(device, true);
            }
        } else if (state != MISSED && quiet_ns >= device->silence_ns) {
            state = MISSED;
            show_silence(device);
        } else if (quiet_ns >= SILENCES_MAX * device->silence_ns) {
            return KL_ERR_TIMEOUT;
        }
    }
    return KL_OK;
}

static void show_lost(struct kl_device *device, int status)
{
    struct kl_fault fault = {.text = ""};
    if (device->framing->gone) {
        (void)kl_fault(&fault, status,
                       "device %s: what it sends at %s cannot be followed any more; it is opened "
                       "and started anew",
                       device->name, device->found.where);
    } else if (status == KL_ERR_DATA) {
        (void)kl_fault(&fault, status,
                       "device %s: this computer did not read it in time and lost a part; it is "
                       "started anew, close other programs",
                       device->name);
    } else if (device->borrowed == NULL) {
        (void)kl_fault(&fault, status,
                       "device %s: lost at %s: %s; it goes on by itself when it is back",
                       device->name, device->found.where, kl_status_text(status));
    }
    kl_device_recover(device);
    kl_device_fail(device, status, "reading", &fault);
}

/* One conversation: start, data, stop. @return what ended it; KL_ERR_DATA only when the device
 * refused to start */
static int converse(struct kl_device *device)
{
    struct kl_fault fault = {.text = ""};
    const struct kl_driver *driver = device->driver;
    int status = driver->start != NULL ? driver->start(device->state, device->link, &fault) : KL_OK;
    bool started = status >= 0;
    if (started) {
        begin_connection(device);
        status = read_link(device);
        set_running(device, false);
    }
    if (!started) {
        kl_device_recover(device);
        kl_device_fail(device, status, "start", &fault);
    } else if (status < 0) {
        if (status != KL_ERR_TIMEOUT) {
            show_lost(device, status);
        }
        finish_framing(device);
    }
    if (driver->stop != NULL) { /* restores what start changed, also after an error */
        int stopped = driver->stop(device->state, device->link);
        if (stopped < 0) {
            kl_device_fail(device, stopped, "stop", NULL);
        }
    }
    /* a driver that refuses may be talking to a device that boots */
    bool refused = !started && status != KL_ERR_GONE;
    bool anew = started && status == KL_ERR_DATA; /* nothing is wrong with the link */
    return refused ? KL_ERR_DATA : anew ? KL_ERR_TIMEOUT : status;
}

void kl_device_run_linked(struct kl_device *device)
{
    while (!kl_device_stopped(device)) {
        if (open_link(device) < 0) {
            wait_or_stop(device, LOOK_NS);
            continue;
        }
        int status = converse(device);
        close_link(device);
        if (device->borrowed != NULL && status < 0 && status != KL_ERR_TIMEOUT) {
            return; /* it cannot be opened again */
        }
        wait_or_stop(device, status == KL_ERR_DATA ? REFUSED_NS : LOOK_NS);
    }
}
