/* Oracle of the reference bout: the mean of the peaks that the steps themselves report (methods
 * 13); of the cross-talk: r of a sum of two independent noises. Signals: noise, louder around every
 * contact. */
#include "process/muscle/muscle_signal.h"

#include <criterion/criterion.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

#define RATE 1000.0
#define STRIDE_S 0.7
#define STANCE_S 0.25
#define FIRST_S 1.0

enum { BLOCK = 100, STEPS = 24 };

static uint64_t seed = 88172645463325252u;

static double uniform(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return ((double)(seed >> 11) + .5) / 9007199254740992.0 - .5;
}

static struct kl_stream stream_of(const char *name)
{
    struct kl_stream stream = {.kind = KL_KIND_EMG, .rate_hz = RATE, .channel_count = 1};
    (void)snprintf(stream.name, sizeof(stream.name), "%s", name);
    return stream;
}

static double ic_ns(size_t step)
{
    return (double)KL_EPOCH_NS + 1e9 * (FIRST_S + STRIDE_S * (double)step);
}

/* Both muscles up to a time; shared: how much of VMO is heard in VL. */
static void feed_until(struct kl_muscle_signals *signals, size_t *fed, double until_ns,
                       double shared)
{
    int64_t t_ns[BLOCK];
    double vmo[BLOCK];
    double vl[BLOCK];
    uint32_t quality[BLOCK] = {0};
    while ((double)KL_EPOCH_NS + 1e9 * (double)*fed / RATE < until_ns) {
        for (size_t i = 0; i < BLOCK; i++, (*fed)++) {
            double t_s = (double)*fed / RATE;
            t_ns[i] = KL_EPOCH_NS + (int64_t)(1e9 * t_s);
            double since_s = fmod(t_s - FIRST_S + .1 + STRIDE_S, STRIDE_S);
            double loud = since_s < .25 ? 1e-3 : 2e-5;
            double own = uniform();
            vmo[i] = loud * own;
            vl[i] = loud * (1.5 * uniform() + shared * own);
        }
        struct kl_block block = {
            .stream = 0, .count = BLOCK, .t_ns = t_ns, .value = vmo, .quality = quality};
        kl_muscle_signals_push(signals, &block);
        block.stream = 1;
        block.value = vl;
        kl_muscle_signals_push(signals, &block);
    }
}

static void take_step(struct kl_muscle_signals *signals, size_t *fed, size_t step, bool valid,
                      double shared, struct kl_muscle_pair *pair)
{
    double to_ns = ic_ns(step) + 1e9 * STANCE_S;
    feed_until(signals, fed, to_ns + 3e8, shared);
    kl_muscle_signals_step(signals, ic_ns(step), to_ns, KL_SIDE_LEFT, valid, pair);
}

static struct kl_muscle_signals *create(void)
{
    const struct kl_stream streams[] = {stream_of("emg.vmo.left"), stream_of("emg.vl.left")};
    struct kl_muscle_signals *signals = kl_muscle_signals_create(streams, 2);
    cr_assert_not_null(signals);
    return signals;
}

static size_t find(const char *key)
{
    size_t m = 0;
    while (m < KL_MUSCLE_METRICS && strcmp(kl_muscle_metric_get(m)->key, key) != 0) {
        m++;
    }
    cr_assert_lt(m, (size_t)KL_MUSCLE_METRICS);
    return m;
}

Test(muscle_signal, without_contractions_twenty_valid_steps_are_the_reference)
{
    struct kl_muscle_signals *signals = create();
    size_t ratio = find("vmo_vl_loading");
    size_t fed = 0;
    double sum_v = 0;
    size_t counted = 0;
    struct kl_muscle_pair pair;
    double out = 0;
    for (size_t s = 0; s < STEPS; s++) {
        bool valid = s != 3 && s != 7; /* two that do not count */
        take_step(signals, &fed, s, valid, 0, &pair);
        cr_assert_eq(pair.step[KL_MUSCLE_VL].marks & KL_MUSCLE_MISSING, 0);
        if (valid && counted < KL_MUSCLE_BOUT_STEPS) {
            sum_v += pair.step[KL_MUSCLE_VL].peak_v;
            counted++;
        }
        uint32_t reasons = kl_muscle_metric_compute(ratio, &pair, &out);
        cr_expect_eq(reasons, s < 21 ? (uint32_t)KL_REASON_NOT_CALIBRATED : 0u, "step %zu", s);
    }
    /* the same sum of the same doubles */
    cr_expect_eq(pair.reference_v[KL_MUSCLE_VL], sum_v / KL_MUSCLE_BOUT_STEPS);
    cr_expect(pair.relative);
    cr_expect_eq(kl_muscle_metric_marks(ratio, &pair), KL_MARK_RELATIVE);
    cr_expect_eq(kl_muscle_metric_marks(find("vmo_delay"), &pair), 0, "a time is not relative");
    /* Both muscles are loud alike around every contact: near 1 by construction. */
    cr_expect_float_eq(out, 1, .2, "%g", out);
    kl_muscle_signals_destroy(signals);
}

Test(muscle_signal, contractions_take_the_place_of_the_bout_and_another_runner_begins_anew)
{
    struct kl_muscle_signals *signals = create();
    size_t fed = 0;
    struct kl_muscle_pair pair;
    kl_muscle_signals_contract(signals, KL_EPOCH_NS + (int64_t)1e9, (int64_t)2e9);
    for (size_t s = 0; s < STEPS; s++) {
        take_step(signals, &fed, s, true, 0, &pair);
    }
    cr_expect_not(pair.relative);
    cr_expect_gt(pair.reference_v[KL_MUSCLE_VMO], 0);
    kl_muscle_signals_runner(signals, (int64_t)ic_ns(STEPS));
    take_step(signals, &fed, STEPS, true, 0, &pair);
    cr_expect(pair.relative);
    cr_expect_eq(pair.reference_v[KL_MUSCLE_VMO], 0, "the bout of this runner is not whole");
    kl_muscle_signals_destroy(signals);
}

Test(muscle_signal, electrodes_that_hear_each_other_are_told_beside_the_value)
{
    static const struct {
        double shared;
        uint8_t marks;
    } rows[] = {{0, 0}, {.3, 0}, {.75, KL_MARK_CROSS_TALK}, {-.75, KL_MARK_CROSS_TALK}};
    size_t delay = find("vmo_delay");
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct kl_muscle_signals *signals = create();
        size_t fed = 0;
        struct kl_muscle_pair pair;
        take_step(signals, &fed, 0, true, rows[i].shared, &pair);
        /* r = k / sqrt(1.5^2 + k^2); some 250 loud samples: SE 0.06, two of it allowed */
        double meant = rows[i].shared / hypot(1.5, rows[i].shared);
        cr_expect_float_eq(pair.cross_talk, meant, .12, "%g: %g", rows[i].shared, pair.cross_talk);
        cr_expect_eq(kl_muscle_metric_marks(delay, &pair), rows[i].marks, "%g", rows[i].shared);
        kl_muscle_signals_destroy(signals);
    }
}
