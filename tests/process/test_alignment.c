/* The constant part of the offset between two devices: found from pulses and stamps whose true lag
 * is known, refused when it is not clear, and applied by the pipeline wherever the event stands. */
#include "process/alignment.h"
#include "session.h"

#include <criterion/criterion.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define SECONDS 8.0
#define SAMPLES_MAX 20000
#define STAMPS 5

static const double stamp_s[STAMPS] = {1.01013, 2.37062, 3.52087, 5.11041,
                                       6.48029}; /* a person is no clock */

#define PI 3.14159265358979323846
#define SHANK_KG 12 /* what an impact of the foot stops at once, and a little of the rest */

/* All rise at the same instant: a square pulse of 100 ms; a foot's acceleration at a stamp, 18 Hz
 * that die away (methods 21.3) on top of gravity; the force of that stamp, the mass that is stopped
 * times the same, and a half sine of 120 ms of the body's. */
static double pulse(double since_s)
{
    return since_s >= 0 && since_s < 0.1 ? 5.0 : 0.0;
}

static double impact_m_s2(double since_s)
{
    return since_s >= 0 ? 60 * exp(-since_s / 0.015) * sin(2 * PI * 18 * since_s) : 0;
}

static double stamp_force(double since_s)
{
    double load = since_s >= 0 && since_s < 0.12 ? 900 * sin(PI * since_s / 0.12) : 0;
    return load + SHANK_KG * impact_m_s2(since_s);
}

static double stamp_acceleration(double since_s)
{
    return fabs(9.80665 + impact_m_s2(since_s));
}

struct seen {
    int64_t t_ns[SAMPLES_MAX];
    double value[SAMPLES_MAX];
    struct kl_alignment_signal signal;
};

/* What a device sees whose times are late by lag_s. The noise is a fixed sequence. */
static void see(struct seen *seen, double (*shape)(double), double rate_hz, double lag_s,
                double noise)
{
    uint32_t random = 1;
    size_t count = (size_t)(SECONDS * rate_hz);
    for (size_t i = 0; i < count; i++) {
        double t_s = 0.00031 + (double)i / rate_hz, value = 0;
        for (size_t k = 0; k < STAMPS; k++) {
            double since_s = t_s - stamp_s[k];
            if (k == 0 || since_s >= -0.5) {
                value = shape(since_s);
            }
        }
        random = random * UINT32_C(1664525) + UINT32_C(1013904223);
        seen->t_ns[i] = KL_EPOCH_NS + kl_nanoseconds(t_s + lag_s);
        seen->value[i] = value + noise * ((double)random / 4294967296.0 - 0.5);
    }
    seen->signal = (struct kl_alignment_signal){seen->t_ns, seen->value, count};
}

static struct seen a, b;
static struct kl_alignment_work work;

Test(alignment, finds_the_lag_of_pulses_and_stamps)
{
    static const struct {
        const char *legend;
        double (*shape)(double), (*other)(double);
        double rate_hz, other_hz, lag_s, noise;
        double
            tolerance_s; /* half a sample of the slower one over five pulses; stamps: methods 2 */
    } row[] = {
        {"same pulse, 2 kHz, no lag", pulse, pulse, 2000, 2000, 0, 0, 0.1e-3},
        {"same pulse, 2 kHz and 1 kHz", pulse, pulse, 2000, 1000, 0.0123, 0.2, 0.3e-3},
        {"pulse, 1 kHz and 400 Hz, before", pulse, pulse, 1000, 400, -0.0371, 0.2, 0.6e-3},
        {"pulse, far", pulse, pulse, 1000, 400, 0.4567, 0.2, 0.6e-3},
        {"stamps, force and force", stamp_force, stamp_force, 1000, 300, 0.0204, 20, 0.5e-3},
        {"stamps, force and acceleration", stamp_force, stamp_acceleration, 1000, 400, 0.0150, 1,
         5e-3},
        {"stamps, force and acceleration", stamp_force, stamp_acceleration, 1000, 400, -0.0620, 1,
         5e-3},
    };
    for (size_t i = 0; i < COUNT(row); i++) {
        struct kl_alignment found;
        struct kl_fault fault = {""};
        see(&a, row[i].shape, row[i].rate_hz, 0, row[i].noise);
        see(&b, row[i].other, row[i].other_hz, row[i].lag_s, row[i].noise);
        cr_assert_eq(kl_alignment_find(&a.signal, &b.signal, &work, &found, &fault), KL_OK,
                     "%s: %s", row[i].legend, fault.text);
        double error_s = kl_seconds(found.lag_ns) - row[i].lag_s;
        printf("%-34s lag %7.2f ms: off by %6.3f ms, strength %.2f, next %.2f\n", row[i].legend,
               row[i].lag_s * 1e3, error_s * 1e3, found.strength, found.rival);
        cr_expect_leq(fabs(error_s), row[i].tolerance_s, "%s: %g ms", row[i].legend, error_s * 1e3);
    }
}

static double nothing(double since_s)
{
    (void)since_s;
    return 0;
}

static double hum(double since_s)
{
    return sin(2 * PI * 10 * since_s);
}

Test(alignment, refuses_what_is_not_clear)
{
    struct kl_alignment found;
    struct kl_fault fault = {""};
    see(&a, pulse, 1000, 0, 0.2);
    see(&b, nothing, 400, 0, 1);
    cr_expect_eq(kl_alignment_find(&a.signal, &b.signal, &work, &found, &fault), KL_ERR_DATA);
    cr_expect_not_null(strstr(fault.text, "no lag within 500 ms fits clearly"), "%s", fault.text);
    see(&b, nothing, 400, 0, 0);
    cr_expect_eq(kl_alignment_find(&a.signal, &b.signal, &work, &found, &fault), KL_ERR_DATA);
    see(&a, hum, 1000, 0, 0);
    see(&b, hum, 1000, 0, 0); /* fits every 100 ms */
    cr_expect_eq(kl_alignment_find(&a.signal, &b.signal, &work, &found, &fault), KL_ERR_DATA);
    see(&b, pulse, 1000, 7.0, 0);
    cr_expect_eq(kl_alignment_find(&a.signal, &b.signal, &work, &found, &fault), KL_ERR_DATA);
    cr_expect_not_null(strstr(fault.text, "ms in common"), "%s", fault.text);
    see(&b, pulse, 1000, 0, 0);
    b.value[4000] = (double)NAN;
    cr_expect_eq(kl_alignment_find(&a.signal, &b.signal, &work, &found, &fault), KL_ERR_DATA);
    cr_expect_not_null(strstr(fault.text, "not a number"), "%s", fault.text);
    b.signal.count = 1;
    cr_expect_eq(kl_alignment_find(&a.signal, &b.signal, &work, &found, &fault), KL_ERR_DATA);
}

/* ------------------------------------------------------------- in the pipeline */

#define RATE_HZ 1000
#define LAG_NS INT64_C(12345678)

static struct session_log run_with(const struct kl_event *event, int64_t shift_ns)
{
    struct session_log log = {0};
    struct kl_settings settings = kl_settings_defaults();
    struct kl_stream plate = session_vertical_plate(RATE_HZ);
    (void)snprintf(plate.source, sizeof(plate.source), "plates");
    struct kl_pipeline *pipeline =
        kl_pipeline_create(&plate, 1, &settings, NULL, session_sink(&log));
    struct session_samples samples = session_samples(0, 1, 20 * RATE_HZ, RATE_HZ);
    for (size_t i = 0; i < samples.count; i++) {
        double t_s = fmod((double)i / RATE_HZ, 0.36);
        samples.value[i] = session_half_sine(t_s, 0.25, 0.36, 70 * 9.80665);
        samples.t_ns[i] += shift_ns;
    }
    if (event != NULL) {
        session_event(pipeline, event->kind, KL_EPOCH_NS, 0, event->value[0], event->value[1],
                      event->text);
    }
    session_block(pipeline, &samples, 0, samples.count);
    kl_pipeline_end(pipeline);
    session_samples_free(&samples);
    kl_pipeline_destroy(pipeline);
    return log;
}

/* The same bits as if the device had stamped its samples so; other sources are not touched. */
Test(alignment, shifts_the_times_of_its_source_to_the_nanosecond)
{
    const struct kl_alignment found = {.lag_ns = -LAG_NS, .strength = 0.5};
    struct kl_event event = kl_alignment_event(&found, "plates");
    struct session_log shifted = run_with(NULL, LAG_NS), aligned = run_with(&event, 0),
                       plain = run_with(NULL, 0);
    cr_assert_gt(plain.steps, 30);
    cr_expect_str_eq(aligned.text, shifted.text);
    cr_expect_str_neq(aligned.text, plain.text);
    session_log_free(&aligned);
    event.text = "imu.left";
    aligned = run_with(&event, 0);
    cr_expect_str_eq(aligned.text, plain.text);
    session_log_free(&aligned);
    event.text = "plates";
    event.value[0] = (double)NAN; /* from a damaged file */
    aligned = run_with(&event, 0);
    cr_expect_str_eq(aligned.text, plain.text);
    session_log_free(&aligned);
    session_log_free(&shifted);
    session_log_free(&plain);
}
