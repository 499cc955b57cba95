/* Belt speed for steps: what a treadmill streams, and what was entered where none does. */
#include "process/belt_speed.h"
#include "session.h"

#include <criterion/criterion.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

static struct kl_stream treadmill(double rate_hz, const char *const label[], size_t channels)
{
    struct kl_stream stream = {.kind = KL_KIND_TREADMILL, .rate_hz = rate_hz, .name = "treadmill"};
    stream.channel_count = channels;
    for (size_t c = 0; c < channels; c++) {
        (void)snprintf(stream.label[c], KL_LABEL_MAX, "%s", label[c]);
    }
    return stream;
}

static const char *const one_belt[] = {"belt speed", "incline"};
static const char *const two_belts[] = {"belt speed left", "belt speed right", "incline"};
static const char *const no_incline[] = {"belt speed"};

static bool step(struct kl_belt_speed *belt, double t_s, const double *value, struct kl_event *out)
{
    int64_t t_ns = kl_nanoseconds(t_s);
    uint32_t quality = 0;
    struct kl_block block = {.count = 1, .t_ns = &t_ns, .value = value, .quality = &quality};
    return kl_belt_speed_step(belt, &block, 0, t_ns, out);
}

/* A belt that breathes by 2 % and a tachometer of 3 mm/s: told once, and once for each change. */
Test(belt_speed, a_belt_that_breathes_is_told_once_and_a_change_once)
{
    struct kl_stream stream = treadmill(10, one_belt, 2);
    struct kl_belt_speed *belt = kl_belt_speed_create(&stream, 1);
    static const struct {
        double from_s, speed, slope;
    } course[] = {{1, 0, 0}, {6, 3.0, 0}, {20, 3.04, 0}, {30, 3.5, 0}, {40, 3.5, 0.01}, {50, 0, 0}};
    struct kl_event event = {0};
    double told[16], at_s[16], slope[16];
    size_t count = 0;
    for (int i = 10; i < 600; i++) {
        double t_s = i / 10.0;
        size_t now = 0;
        while (now + 1 < 6 && course[now + 1].from_s <= t_s) {
            now++;
        }
        double value[] = {course[now].speed * (1 - 0.02 * pow(sin(9.0 * i), 2)) +
                              0.003 * sin(1.7 * i),
                          course[now].slope};
        if (step(belt, t_s, value, &event)) {
            cr_assert_lt(count, 16);
            told[count] = event.value[0];
            slope[count] = event.value[1];
            at_s[count++] = t_s;
        }
    }
    static const struct {
        double at_s, speed, slope, tolerance;
    } row[] = {
        /* twice each: in the middle of the change, and settled a window later. Tolerances: what is
         * no change; then half of the breathing */
        {1.5, 0, 0, 0.05},        {2.6, 0, 0, 0.05},        {6.5, 3.0, 0, 0.07},
        {7.6, 2.97, 0, 0.03},     {30.5, 3.47, 0, 0.07},    {31.6, 3.47, 0, 0.03},
        {40.5, 3.47, 0.01, 0.03}, {41.6, 3.47, 0.01, 0.03}, {50.5, 0, 0, 0.05},
    };
    size_t k = 0;
    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        while (k < count && at_s[k] < row[i].at_s - 0.25) {
            k++;
        }
        bool there = k < count && fabs(at_s[k] - row[i].at_s) <= 0.25;
        cr_expect(there || i == 1, "row %zu: none; next at %g s", i, k < count ? at_s[k] : 0);
        cr_expect(!there || fabs(told[k] - row[i].speed) <= row[i].tolerance, "row %zu: %g m/s", i,
                  told[k]);
        cr_expect(!there || fabs(slope[k] - row[i].slope) <= 1e-12, "row %zu: %g rad", i, slope[k]);
    }
    cr_expect_leq(count, 10, "%zu", count);
    kl_belt_speed_destroy(belt);
}

Test(belt_speed, of_two_belts_those_that_move_count)
{
    struct kl_stream stream = treadmill(100, two_belts, 3);
    static const struct {
        const char *legend;
        double value[3], speed;
    } row[] = {
        {"both", {3.0, 3.02, 0.02}, 3.01},      {"the right one stands", {3.0, 0.004, 0.02}, 3.0},
        {"both stand", {0.01, 0.004, 0.02}, 0}, {"one is broken", {(double)NAN, 2.5, 0.02}, 2.5},
        {"backwards", {-1, -1, 0.02}, 0},
    };
    for (size_t r = 0; r < sizeof(row) / sizeof(row[0]); r++) {
        struct kl_belt_speed *belt = kl_belt_speed_create(&stream, 1);
        struct kl_event event = {.value = {-9, -9}};
        for (int i = 0; i < 200; i++) {
            (void)step(belt, 1 + i / 100.0, row[r].value, &event);
        }
        cr_expect(fabs(event.value[0] - row[r].speed) <= 1e-12, "%s: %g", row[r].legend,
                  event.value[0]);
        cr_expect_eq(event.value[1], 0.02, "%s", row[r].legend);
        kl_belt_speed_destroy(belt);
    }
}

Test(belt_speed, what_is_entered_holds_while_no_belt_streams)
{
    struct kl_stream stream = treadmill(10, no_incline, 1);
    struct kl_belt_speed *belt = kl_belt_speed_create(&stream, 1);
    struct kl_event event = {0};
    const struct kl_event early = {
        .kind = KL_EVENT_SPEED, .t_ns = KL_EPOCH_NS, .value = {2.5, 0.01}, .text = ""};
    struct kl_event later = early;
    const double speed = 3.0;
    cr_expect(kl_belt_speed_entered(belt, &early), "nothing has streamed yet");
    size_t told = 0;
    for (int i = 0; i < 20; i++) {
        told += step(belt, 1 + i / 10.0, &speed, &event);
    }
    cr_expect_eq(told, 1);
    cr_expect_eq(event.value[0], 3.0);
    cr_expect_eq(event.value[1], 0.01, "the slope entered: this treadmill does not tell it");
    later.t_ns = 3 * KL_NS_PER_S;
    cr_expect_not(kl_belt_speed_entered(belt, &later));
    later.t_ns = 8 * KL_NS_PER_S;
    cr_expect(kl_belt_speed_entered(belt, &later), "silent for 5 s");
    for (int i = 0; i < 20; i++) {
        told += step(belt, 10 + i / 10.0, &speed, &event);
    }
    cr_expect_eq(told, 2, "it came back");
    kl_belt_speed_destroy(belt);
}

/* ------------------------------------------------------------- in the pipeline */

#define RATE_HZ 1000
#define BELT_HZ 10

/* Twenty seconds of running; the belt goes from 3 to 3.5 m/s after ten. */
static struct session_log run_with(size_t chunk)
{
    struct session_log log = {0};
    struct kl_settings settings = kl_settings_defaults();
    struct kl_stream stream[2] = {session_vertical_plate(RATE_HZ), treadmill(BELT_HZ, one_belt, 2)};
    struct kl_pipeline *pipeline =
        kl_pipeline_create(stream, 2, &settings, NULL, session_sink(&log));
    struct session_samples plate = session_samples(0, 1, 20 * RATE_HZ, RATE_HZ);
    struct session_samples belt = session_samples(1, 2, 20 * BELT_HZ, BELT_HZ);
    for (size_t i = 0; i < plate.count; i++) {
        plate.value[i] =
            session_half_sine(fmod((double)i / RATE_HZ, 0.36), 0.25, 0.36, 70 * 9.80665);
    }
    for (size_t i = 0; i < belt.count; i++) {
        belt.value[2 * i] = i < belt.count / 2 ? 3.0 : 3.5;
    }
    session_event(pipeline, KL_EVENT_SUBJECT, KL_EPOCH_NS, 0, 70, 1.75, "R1");
    session_event(pipeline, KL_EVENT_SPEED, KL_EPOCH_NS, 0, 2.0, 0, "");
    for (size_t s = 0; s < 20; s++) { /* second by second, belt first */
        for (size_t i = 0; i < BELT_HZ; i += chunk) {
            size_t to = i + chunk < BELT_HZ ? i + chunk : BELT_HZ;
            session_block(pipeline, &belt, s * BELT_HZ + i, s * BELT_HZ + to);
        }
        session_block(pipeline, &plate, s * RATE_HZ, (s + 1) * RATE_HZ);
    }
    kl_pipeline_end(pipeline);
    session_samples_free(&plate);
    session_samples_free(&belt);
    kl_pipeline_destroy(pipeline);
    return log;
}

Test(belt_speed, steps_have_the_speed_the_belt_streamed)
{
    struct session_log log = run_with(BELT_HZ), cut = run_with(1), cut3 = run_with(3);
    cr_assert_gt(log.steps, 30);
    cr_expect_str_eq(log.text, cut.text, "cutting blocks changes nothing");
    cr_expect_str_eq(log.text, cut3.text);
    for (size_t i = 0; i < log.steps; i++) {
        double t_s = log.step[i].contact_ns / 1e9 - 1;
        /* 0.5 s until anything is said, and as long until the median of a second has moved */
        double wanted = t_s < 0.4 ? 2.0 : t_s < 10 ? 3.0 : 3.5;
        bool between = (t_s >= 0.4 && t_s < 0.7) || (t_s >= 10 && t_s < 10.7);
        cr_expect(between || log.step[i].speed_m_s == wanted, "step at %g s: %g m/s", t_s,
                  log.step[i].speed_m_s);
    }
    session_log_free(&log);
    session_log_free(&cut);
    session_log_free(&cut3);
}
