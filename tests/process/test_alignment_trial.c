/* Foot stamps and shared pulses of a whole session: offsets whose truth is known are found and
 * become events; what is not clear is refused in words. */
#include "process/alignment_trial.h"
#include "session.h"

#include <criterion/criterion.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

#define PI 3.14159265358979323846
#define STAMPS 5
#define SLICE_NS INT64_C(10000000)

enum { PLATE = 0, LEFT, RIGHT, PULSE_A, PULSE_B, STREAMS };

/* One course of a session: how late each stream's times are, and who stamps. */
struct scene {
    double lag_s[STREAMS];
    bool stamps[STREAMS]; /* LEFT, RIGHT: this foot stamps */
    bool pulses;
};

static const double stamp_s[STAMPS] = {1.01, 2.37, 3.52, 5.11, 6.48}; /* a person is no clock */

/* methods 21.3: 18 Hz that die away in 15 ms, on gravity; the force of the mass it stops, 12 kg,
 * and a half sine of the body's. */
static double impact_m_s2(double since_s)
{
    return since_s >= 0 ? 60 * exp(-since_s / 0.015) * sin(2 * PI * 18 * since_s) : 0;
}

static double force_n(double since_s)
{
    double load = since_s >= 0 && since_s < 0.12 ? 900 * sin(PI * since_s / 0.12) : 0;
    return load + 12 * impact_m_s2(since_s);
}

/* The left foot stamps in the first seven seconds, the right one in the next. */
static double stamped(double t_s, bool left, bool right, double (*shape)(double))
{
    double sum = 0;
    for (size_t k = 0; k < STAMPS; k++) {
        sum += left ? shape(t_s - stamp_s[k]) : 0;
        sum += right ? shape(t_s - 7 - stamp_s[k]) : 0;
    }
    return sum;
}

static void value_at(const struct scene *scene, size_t stream, double t_s, double *out)
{
    switch (stream) {
    case PLATE:
        out[0] = stamped(t_s, scene->stamps[LEFT], scene->stamps[RIGHT], force_n);
        return;
    case LEFT:
    case RIGHT:
        out[0] = 2.0;
        out[1] = 9.6 + stamped(t_s, stream == LEFT && scene->stamps[LEFT],
                               stream == RIGHT && scene->stamps[RIGHT], impact_m_s2);
        out[2] = 0.0;
        return;
    default:
        out[0] = scene->pulses && fmod(t_s, 1.0) < 0.05 ? 5.0 : 0.0;
    }
}

static void describe(struct kl_stream stream[STREAMS])
{
    static const char *const name[STREAMS] = {"plate.belt", "imu.foot.left", "imu.foot.right",
                                              "sync", "emg.sync"};
    static const char *const source[STREAMS] = {"daq", "left", "right", "daq", "emg"};
    static const double rate_hz[STREAMS] = {1000, 400, 300, 1000, 2000};
    static const char *const axis[] = {"ax", "ay", "az"};
    stream[PLATE] = session_vertical_plate(rate_hz[PLATE]);
    for (size_t s = 0; s < STREAMS; s++) {
        if (s != PLATE) {
            stream[s] = (struct kl_stream){.kind = KL_KIND_OTHER, .channel_count = 1};
        }
        if (s == LEFT || s == RIGHT) {
            stream[s].kind = KL_KIND_IMU;
            stream[s].channel_count = 3;
            for (size_t c = 0; c < 3; c++) {
                (void)snprintf(stream[s].label[c], KL_LABEL_MAX, "%s", axis[c]);
            }
        }
        stream[s].rate_hz = rate_hz[s];
        (void)snprintf(stream[s].name, KL_NAME_MAX, "%s", name[s]);
        (void)snprintf(stream[s].source, KL_NAME_MAX, "%s", source[s]);
    }
}

/* Seconds [from, to) of a scene, in blocks of 10 ms, streams in turn. */
static void feed(struct kl_alignment_trial *trial, const struct kl_stream *stream,
                 const struct scene *scene, double from_s, double to_s)
{
    for (int64_t at_ns = kl_nanoseconds(from_s); at_ns < kl_nanoseconds(to_s); at_ns += SLICE_NS) {
        for (size_t s = 0; s < STREAMS; s++) {
            int64_t t_ns[64];
            double value[64 * 3];
            uint32_t quality[64] = {0};
            struct kl_item item = {.kind = KL_ITEM_BLOCK, .block = {s, 0, t_ns, value, quality}};
            double first = ceil((double)at_ns / 1e9 * stream[s].rate_hz - 1e-6);
            for (size_t i = 0; i < 64; i++) {
                double t_s = (first + (double)i) / stream[s].rate_hz;
                if (t_s >= (double)(at_ns + SLICE_NS) / 1e9 - 1e-9) {
                    break;
                }
                t_ns[i] = KL_EPOCH_NS + kl_nanoseconds(t_s + scene->lag_s[s]);
                value_at(scene, s, t_s - from_s, &value[i * stream[s].channel_count]);
                item.block.count++;
            }
            kl_alignment_trial_item(trial, &item);
        }
    }
}

static void say(struct kl_alignment_trial *trial, const struct kl_event *event)
{
    const struct kl_item item = {.kind = KL_ITEM_EVENT, .event = *event};
    kl_alignment_trial_item(trial, &item);
}

static void begin(struct kl_alignment_trial *trial, const char *what, double t_s)
{
    say(trial, &(struct kl_event){.kind = KL_EVENT_CALIBRATION,
                                  .t_ns = KL_EPOCH_NS + kl_nanoseconds(t_s),
                                  .duration_ns = KL_ALIGNMENT_STAMPS_NS,
                                  .text = what});
}

static const char *const pulse[] = {"sync", "emg.sync"};

/* Twice: at the start, and at the end with one clock moved by 8 ms. Truth: the lags. Tolerance of
 * stamps 5 ms (methods 2). */
Test(alignment_trial, stamps_are_found_taken_back_and_a_change_is_told)
{
    struct kl_stream stream[STREAMS];
    describe(stream);
    struct kl_alignment_trial *trial = kl_alignment_trial_create(stream, STREAMS, NULL, 0);
    cr_assert_not_null(trial);
    cr_expect(kl_alignment_trial_stamps(trial));
    struct scene scene = {.lag_s = {0, 0.0312, -0.0177}, .stamps = {false, true, true}};
    double offset_s[STREAMS] = {0};
    for (int round = 0; round < 2; round++) {
        struct kl_alignment_finding finding;
        size_t found = 0;
        double from_s = 20.0 * round;
        scene.lag_s[RIGHT] += round * 0.008;
        begin(trial, KL_ALIGNMENT_STAMPS, from_s);
        feed(trial, stream, &scene, from_s, from_s + 18);
        while (kl_alignment_trial_next(trial, &finding)) {
            size_t s = strcmp(finding.event.text, "left") == 0 ? LEFT : RIGHT;
            cr_expect(finding.accepted, "%s", finding.text);
            cr_expect_eq(finding.event.kind, KL_EVENT_ALIGNMENT);
            offset_s[s] = finding.event.value[0];
            printf("%s: off by %.3f ms: %s\n", finding.event.text,
                   1e3 * (offset_s[s] + scene.lag_s[s]), finding.text);
            cr_expect(fabs(offset_s[s] + scene.lag_s[s]) <= 5e-3, "%s", finding.text);
            cr_expect_eq(finding.changed, round == 1 && s == RIGHT, "%s", finding.text);
            say(trial, &finding.event);
            found++;
        }
        cr_expect_eq(found, 2, "round %d", round);
    }
    kl_alignment_trial_destroy(trial);
}

Test(alignment_trial, stamps_that_were_not_made_are_refused_in_words)
{
    struct kl_stream stream[STREAMS];
    struct kl_alignment_finding finding;
    describe(stream);
    struct kl_alignment_trial *trial = kl_alignment_trial_create(stream, STREAMS, NULL, 0);
    const struct scene scene = {.stamps = {false, true, false}};
    begin(trial, KL_ALIGNMENT_STAMPS, 0);
    feed(trial, stream, &scene, 0, 18);
    size_t accepted = 0, refused = 0;
    while (kl_alignment_trial_next(trial, &finding)) {
        accepted += finding.accepted;
        refused += !finding.accepted;
        cr_expect(finding.accepted == (strcmp(finding.event.text, "left") == 0), "%s",
                  finding.text);
        cr_expect(finding.accepted || strstr(finding.text, "stamp five times") != NULL, "%s",
                  finding.text);
    }
    cr_expect_eq(accepted, 1);
    cr_expect_eq(refused, 1);
    kl_alignment_trial_destroy(trial);

    trial = kl_alignment_trial_create(stream, 1, NULL, 0); /* a plate alone */
    cr_expect_not(kl_alignment_trial_stamps(trial));
    begin(trial, KL_ALIGNMENT_STAMPS, 0);
    cr_assert(kl_alignment_trial_next(trial, &finding));
    cr_expect_not_null(strstr(finding.text, "nothing to align"), "%s", finding.text);
    kl_alignment_trial_destroy(trial);
}

Test(alignment_trial, a_shared_pulse_is_found_by_itself_and_looked_at_again_at_the_end)
{
    static const struct {
        const char *legend;
        double lag_s, later_s;
        bool pulses, accepted, changed;
    } row[] = {
        {"late by 23.4 ms", 0.0234, 0.0234, true, true, false},
        {"early by 41 ms", -0.041, -0.041, true, true, false},
        {"moved by 7 ms", 0.0234, 0.0304, true, true, true},
        {"no cable", 0.0234, 0.0234, false, false, false},
    };
    for (size_t r = 0; r < sizeof(row) / sizeof(row[0]); r++) {
        struct kl_stream stream[STREAMS];
        struct kl_alignment_finding finding = {.text = ""};
        describe(stream);
        struct kl_alignment_trial *trial = kl_alignment_trial_create(stream, STREAMS, pulse, 2);
        struct scene scene = {.lag_s = {[PULSE_B] = row[r].lag_s}, .pulses = row[r].pulses};
        feed(trial, stream, &scene, 0, 70);
        cr_assert(kl_alignment_trial_next(trial, &finding), "%s", row[r].legend);
        cr_expect_eq(finding.accepted, row[r].accepted, "%s: %s", row[r].legend, finding.text);
        cr_expect_str_eq(finding.event.text, "emg");
        if (row[r].accepted) {
            /* half a sample of the slower one */
            cr_expect(fabs(finding.event.value[0] + row[r].lag_s) <= 0.5e-3, "%s: %g",
                      row[r].legend, finding.event.value[0]);
            say(trial, &finding.event);
        }
        cr_expect_not(kl_alignment_trial_next(trial, &finding), "told once");
        scene.lag_s[PULSE_B] = row[r].later_s;
        feed(trial, stream, &scene, 70, 95);
        kl_alignment_trial_end(trial);
        cr_assert(kl_alignment_trial_next(trial, &finding), "%s", row[r].legend);
        cr_expect_eq(finding.changed, row[r].changed, "%s: %s", row[r].legend, finding.text);
        kl_alignment_trial_destroy(trial);
    }
}
