/* The driver: configuration, events, order and repeatability of its samples. */
#include "virtual_session.h"

#include <criterion/criterion.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct kl_driver *const driver = &kl_virtual_runner_driver;

Test(virtual_runner, streams_are_those_asked_for)
{
    static const struct {
        bool split, imu;
        int count;
        const char *name[4];
    } row[] = {
        {false, false, 1, {"plate.belt"}},
        {true, false, 2, {"plate.left", "plate.right"}},
        {false, true, 3, {"plate.belt", "imu.shank.left", "imu.shank.right"}},
        {true, true, 4, {"plate.left", "plate.right", "imu.shank.left", "imu.shank.right"}},
    };
    for (size_t r = 0; r < 4; r++) {
        struct kl_virtual_runner runner = kl_virtual_runner_defaults();
        runner.split_belt = row[r].split;
        runner.imu = row[r].imu;
        struct virtual_session session;
        virtual_session_start(&session, &runner);
        cr_assert_eq((int)session.stream_count, row[r].count, "row %zu", r);
        for (size_t i = 0; i < session.stream_count; i++) {
            const struct kl_stream *stream = &session.stream[i];
            cr_expect_str_eq(stream->name, row[r].name[i]);
            cr_expect_eq(stream->channel_count, 6);
            cr_expect_eq(stream->rate_hz, stream->kind == KL_KIND_FORCE ? 1000 : 200);
            cr_expect_str_eq(stream->unit[0], stream->kind == KL_KIND_FORCE ? "V" : "m/s^2");
        }
        virtual_session_free(&session);
    }
}

Test(virtual_runner, sides_belong_to_split_belts_only)
{
    struct kl_virtual_runner runner = virtual_session_plain_runner();
    struct virtual_session session;
    virtual_session_start(&session, &runner);
    cr_expect_eq(session.stream[0].plate.side, KL_SIDE_UNKNOWN);
    virtual_session_free(&session);
    runner.split_belt = true;
    virtual_session_start(&session, &runner);
    cr_expect_eq(session.stream[0].plate.side, KL_SIDE_LEFT);
    cr_expect_eq(session.stream[1].plate.side, KL_SIDE_RIGHT);
    virtual_session_free(&session);
}

Test(virtual_runner, default_configuration_needs_no_struct)
{
    void *state = calloc(1, driver->state_size);
    struct kl_stream stream[4];
    struct kl_fault fault = {""};
    cr_expect_eq(driver->configure(state, NULL, stream, 4, &fault), 3, "%s", fault.text);
    cr_expect_eq(driver->configure(state, NULL, stream, 2, &fault), KL_ERR_ARG);
    free(state);
}

/* A change of one field that must be refused, and the word that the message must contain. */
struct refusal {
    const char *word;
    size_t offset;
    double value;
};

Test(virtual_runner, values_outside_their_limits_are_refused_by_name)
{
    static const struct refusal row[] = {
#define ROW(name, value) {#name, offsetof(struct kl_virtual_runner, name), value}
        ROW(mass_kg, 70000),
        ROW(mass_kg, -1),
        ROW(mass_kg, (double)NAN),
        ROW(height_m, 175),
        ROW(speed_m_s, HUGE_VAL),
        ROW(step_time_s[1], 0),
        ROW(contact_time_s[0], 250),
        ROW(contact_time_s[0], 0.72),
        ROW(impact_bw[1], -0.1),
        ROW(impact_end[0], 0),
        ROW(impact_start[0], 0.3),
        ROW(overstride, 1),
        ROW(step_time_cv, 1.5),
        ROW(step_time_phi, 1),
        ROW(rate_hz, 0),
        ROW(imu_rate_hz, -5),
        ROW(plate_depth_m, 40),
        ROW(noise_scale, -1),
        ROW(quiet_s, -1),
        ROW(stand_s, (double)NAN),
#undef ROW
    };
    for (size_t r = 0; r < sizeof(row) / sizeof(row[0]); r++) {
        struct kl_virtual_runner runner = kl_virtual_runner_defaults();
        memcpy((char *)&runner + row[r].offset, &row[r].value, sizeof(double));
        struct kl_fault fault = {""};
        cr_expect_eq(kl_virtual_runner_check(&runner, &fault), KL_ERR_RANGE, "row %zu", r);
        char word[32];
        (void)snprintf(word, sizeof(word), "%.*s", (int)strcspn(row[r].word, "["), row[r].word);
        cr_expect_not_null(strstr(fault.text, word), "row %zu: %s", r, fault.text);
    }
    struct kl_virtual_runner runner = kl_virtual_runner_defaults();
    cr_expect_eq(kl_virtual_runner_check(&runner, NULL), KL_OK);
    runner.impact_bw[0] = 5; /* carries more than the whole step */
    runner.impact_end[0] = 1;
    cr_expect_eq(kl_virtual_runner_check(&runner, NULL), KL_ERR_RANGE);
    runner = kl_virtual_runner_defaults();
    memset(runner.subject, 'x', sizeof(runner.subject));
    cr_expect_eq(kl_virtual_runner_check(&runner, NULL), KL_ERR_RANGE);
    runner = kl_virtual_runner_defaults();
    runner.seed = UINT64_MAX;
    cr_expect_eq(kl_virtual_runner_check(&runner, NULL), KL_ERR_RANGE);
}

static int events_of(double quiet_s, double stand_s, struct kl_event *out)
{
    struct kl_virtual_runner runner = kl_virtual_runner_defaults();
    runner.quiet_s = quiet_s;
    runner.stand_s = stand_s;
    struct virtual_session session;
    virtual_session_start(&session, &runner);
    int count = driver->events(session.state, out, 8);
    cr_expect_eq(driver->events(session.state, out, 1), KL_ERR_ARG, "no event is dropped silently");
    cr_expect_str_eq(out[0].text, "virtual");
    virtual_session_free(&session);
    return count;
}

Test(virtual_runner, events_stand_where_the_session_has_its_parts)
{
    struct kl_event event[8];
    cr_assert_eq(events_of(4, 4, event), 4);
    cr_expect_eq(event[0].kind, KL_EVENT_SUBJECT);
    cr_expect_eq(event[0].t_ns, KL_EPOCH_NS);
    cr_expect_eq(event[0].value[0], 70);
    cr_expect_eq(event[0].value[1], 1.75);
    cr_expect_eq(event[1].kind, KL_EVENT_TARE);
    cr_expect_eq(event[1].t_ns, KL_EPOCH_NS);
    cr_expect_eq(event[1].duration_ns, INT64_C(3500000000));
    cr_expect_eq(event[2].kind, KL_EVENT_WEIGH);
    cr_expect_eq(event[2].t_ns, INT64_C(5500000000)); /* half a second to step on */
    cr_expect_eq(event[2].duration_ns, INT64_C(3000000000));
    cr_expect_eq(event[3].kind, KL_EVENT_SPEED);
    cr_expect_eq(event[3].t_ns, INT64_C(9000000000));
    cr_expect_eq(event[3].value[0], 3.0);
    cr_expect_eq(event[3].value[1], 0);
    for (int i = 0; i < 4; i++) {
        cr_expect_not_null(event[i].text);
    }
}

Test(virtual_runner, parts_that_are_not_there_have_no_event)
{
    static const struct {
        double quiet_s, stand_s;
        int count;
        bool tare, weigh;
        double tare_s, weigh_s;
    } row[] = {
        {0, 0, 2, false, false, 0, 0},   {3.5, 0, 3, true, false, 3.0, 0},
        {1, 0, 3, true, false, 0.8, 0},  {0, 2.0, 3, false, true, 0, 1.3},
        {0, 0.7, 2, false, false, 0, 0}, {10, 10, 4, true, true, 9.5, 3.0},
    };
    for (size_t r = 0; r < sizeof(row) / sizeof(row[0]); r++) {
        struct kl_event event[8];
        int count = events_of(row[r].quiet_s, row[r].stand_s, event);
        cr_assert_eq(count, row[r].count, "row %zu: %d", r, count);
        bool tare = false;
        bool weigh = false;
        for (int i = 0; i < count; i++) {
            double seconds = kl_seconds(event[i].duration_ns);
            if (event[i].kind == KL_EVENT_TARE) {
                tare = true;
                cr_expect_float_eq(seconds, row[r].tare_s, 1e-9, "row %zu", r);
            } else if (event[i].kind == KL_EVENT_WEIGH) {
                weigh = true;
                cr_expect_float_eq(seconds, row[r].weigh_s, 1e-9, "row %zu", r);
            }
        }
        cr_expect_eq(tare, row[r].tare, "row %zu", r);
        cr_expect_eq(weigh, row[r].weigh, "row %zu", r);
    }
}

Test(virtual_runner, samples_come_in_order_of_time_then_stream_without_a_gap)
{
    struct kl_virtual_runner runner = kl_virtual_runner_defaults();
    runner.split_belt = true;
    runner.rate_hz = 300; /* 3.33 ms: must not drift */
    struct virtual_session session;
    virtual_session_start(&session, &runner);
    virtual_session_run(&session, 11, 1000);
    uint64_t next[4] = {0};
    for (size_t k = 0; k < session.count; k++) {
        const struct kl_sample *sample = &session.sample[k];
        double rate_hz = session.stream[sample->stream].rate_hz;
        double exact_ns = 1e9 + (double)next[sample->stream]++ * 1e9 / rate_hz;
        cr_assert_float_eq((double)sample->device_ns, exact_ns, 0.51);
        if (k > 0) {
            int64_t step_ns = sample->device_ns - sample[-1].device_ns;
            cr_assert(step_ns > 0 || (step_ns == 0 && sample->stream > sample[-1].stream));
        }
    }
    /* [1 s, 11 s): the sample at 11 s is not before 11 s */
    cr_expect_eq(next[0], 3000);
    cr_expect_eq(next[1], 3000);
    cr_expect_eq(next[2], 2000);
    cr_expect_eq(next[3], 2000);
    virtual_session_free(&session);
}

/* Runs 14 s, cut as told, and gives the samples away. */
static struct virtual_session run_cut(const struct kl_virtual_runner *runner, unsigned cut_seed)
{
    struct virtual_session session;
    virtual_session_start(&session, runner);
    double t = 1;
    while (cut_seed != 0 && t < 14.9) {
        cut_seed = cut_seed * 1103515245U + 12345U;
        t += (double)(cut_seed >> 16 & 0xff) * 0.0011; /* 0 to 0.28 s, some of them nothing */
        virtual_session_run(&session, fmin(t, 15), 1 + (cut_seed >> 24) % 37);
    }
    virtual_session_run(&session, 15, 4096);
    return session;
}

static bool same_values(const struct kl_sample *a, const struct kl_sample *b)
{
    for (int j = 0; j < 6; j++) {
        if (a->value[j] != b->value[j]) {
            return false;
        }
    }
    return true;
}

static bool same_samples(const struct virtual_session *a, const struct virtual_session *b)
{
    if (a->count != b->count) {
        return false;
    }
    for (size_t k = 0; k < a->count; k++) {
        const struct kl_sample *x = &a->sample[k];
        const struct kl_sample *y = &b->sample[k];
        if (x->stream != y->stream || x->device_ns != y->device_ns || x->quality != y->quality ||
            !same_values(x, y)) {
            return false;
        }
    }
    return true;
}

Test(virtual_runner, samples_do_not_depend_on_how_they_are_asked_for)
{
    struct kl_virtual_runner runner = kl_virtual_runner_defaults();
    for (int split = 0; split < 2; split++) {
        runner.split_belt = split == 1;
        struct virtual_session whole = run_cut(&runner, 0);
        for (unsigned cut_seed = 1; cut_seed <= 3; cut_seed++) {
            struct virtual_session cut = run_cut(&runner, cut_seed);
            cr_expect(same_samples(&whole, &cut), "split %d, cut %u", split, cut_seed);
            virtual_session_free(&cut);
        }
        virtual_session_free(&whole);
    }
}

Test(virtual_runner, a_seed_repeats_and_another_differs)
{
    struct kl_virtual_runner runner = kl_virtual_runner_defaults();
    struct virtual_session a = run_cut(&runner, 0);
    struct virtual_session b = run_cut(&runner, 0);
    runner.seed = 2;
    struct virtual_session c = run_cut(&runner, 0);
    cr_expect(same_samples(&a, &b));
    cr_expect_not(same_samples(&a, &c));
    /* without noise only the steps can differ, and they do */
    runner.noise_scale = 0;
    struct virtual_session d = run_cut(&runner, 0);
    runner.seed = 3;
    struct virtual_session e = run_cut(&runner, 0);
    cr_expect_not(same_samples(&d, &e));
    virtual_session_free(&a);
    virtual_session_free(&b);
    virtual_session_free(&c);
    virtual_session_free(&d);
    virtual_session_free(&e);
}

Test(virtual_runner, imus_and_belts_do_not_change_each_others_samples)
{
    struct kl_virtual_runner runner = kl_virtual_runner_defaults();
    struct virtual_session with = run_cut(&runner, 0);
    runner.imu = false;
    struct virtual_session without = run_cut(&runner, 0);
    size_t j = 0;
    for (size_t k = 0; k < with.count; k++) {
        if (with.sample[k].stream == 0) {
            cr_assert(same_values(&with.sample[k], &without.sample[j]));
            j++;
        }
    }
    cr_expect_eq(j, without.count);
    virtual_session_free(&with);
    virtual_session_free(&without);
}

Test(virtual_runner, a_force_beyond_the_rail_is_marked_and_clamped)
{
    struct kl_virtual_runner runner = virtual_session_plain_runner();
    runner.mass_kg = 250; /* 2.03 BW x 250 kg = 4976 N: just inside 5000 N */
    struct virtual_session session;
    virtual_session_start(&session, &runner);
    virtual_session_run(&session, 3, 1000);
    for (size_t k = 0; k < session.count; k++) {
        cr_assert_eq(session.sample[k].quality, 0);
    }
    virtual_session_free(&session);

    runner.contact_time_s[0] = 0.2; /* the left foot goes over */
    virtual_session_start(&session, &runner);
    virtual_session_run(&session, 3, 1000);
    int clipped = 0;
    for (size_t k = 0; k < session.count; k++) {
        const struct kl_sample *sample = &session.sample[k];
        bool at_rail = false;
        for (int j = 0; j < 6; j++) {
            cr_assert_leq(fabs(sample->value[j]), 10.0);
            at_rail = at_rail || fabs(sample->value[j]) == 10.0;
        }
        cr_assert_eq(at_rail, (sample->quality & KL_QUALITY_CLIPPED) != 0);
        clipped += at_rail;
    }
    cr_expect_gt(clipped, 10);
    virtual_session_free(&session);
}
