/* Total force, gait mode, body weight: what is known about the runner as a whole. */
#include "process/steps/body_weight.h"
#include "process/steps/gait_mode.h"
#include "process/steps/total_force.h"

#include <criterion/criterion.h>

#include <math.h>
#include <string.h>

/* A straight line through 1000, 300 and 77 samples a second: the mean of 5 ms is its middle. */
Test(total_force, mean_of_a_ramp_is_its_middle_whatever_the_rate)
{
    const double rates[] = {1000, 300, 77, 2000};
    for (size_t r = 0; r < 4; r++) {
        static struct kl_total_force total;
        kl_total_force_init(&total, 1);
        struct kl_total_value value;
        size_t n = 0, valid = 0;
        for (int i = 0; i < (int)rates[r]; i++) {
            int64_t t_ns = KL_EPOCH_NS + (int64_t)(i * 1e9 / rates[r]);
            kl_total_force_push(&total, 0, t_ns, 3e-7 * (double)(t_ns - KL_EPOCH_NS));
            while (kl_total_force_next(&total, &value)) {
                n++;
                valid += value.valid;
                cr_expect(!value.valid ||
                          fabs(value.fy_n - 3e-7 * (double)(value.t_ns - KL_EPOCH_NS)) < 1e-6);
            }
        }
        cr_expect_geq(valid, n - 1, "rate %g", rates[r]);
        cr_expect_geq(n, 196);
    }
}

Test(total_force, plates_are_added_and_a_late_one_is_waited_for)
{
    static struct kl_total_force total;
    kl_total_force_init(&total, 2);
    struct kl_total_value value;
    for (int i = 0; i < 500; i++) { /* the second plate is half a second behind */
        kl_total_force_push(&total, 0, KL_EPOCH_NS + i * 1000000, 100);
        if (i >= 250) {
            continue;
        }
        kl_total_force_push(&total, 1, KL_EPOCH_NS + i * 1000000, 20);
    }
    size_t n = 0;
    while (kl_total_force_next(&total, &value)) {
        cr_expect(value.valid);
        cr_expect_float_eq(value.fy_n, 120, 1e-9);
        n++;
    }
    cr_expect_eq(n, 49); /* 249 ms */
    /* More than a second behind: it is gone, and nothing is made up for it. */
    for (int i = 500; i < 1600; i++) {
        kl_total_force_push(&total, 0, KL_EPOCH_NS + i * 1000000, 100);
    }
    n = 0;
    while (kl_total_force_next(&total, &value)) {
        cr_expect_not(value.valid);
        n++;
    }
    cr_expect_geq(n, 260);
}

Test(total_force, gaps_are_not_filled)
{
    static struct kl_total_force total;
    kl_total_force_init(&total, 1);
    struct kl_total_value value;
    size_t valid = 0, missing = 0;
    for (int i = 0; i < 1000; i++) {
        if (i >= 400 && i < 450) {
            continue;
        }
        kl_total_force_push(&total, 0, KL_EPOCH_NS + i * 1000000, 100);
        while (kl_total_force_next(&total, &value)) {
            valid += value.valid;
            missing += !value.valid;
        }
    }
    cr_expect_eq(missing, 11); /* 399-450 ms touches 11 bins */
    cr_expect_eq(valid + missing, 199);
    /* Hours later, and a NaN: still in order, still no crash. */
    kl_total_force_push(&total, 0, KL_EPOCH_NS * 9000, 100);
    kl_total_force_push(&total, 0, KL_EPOCH_NS * 9000 + 1000000, (double)NAN);
    kl_total_force_push(&total, 0, KL_EPOCH_NS * 9000 + 12000000, 100);
    size_t n = 0;
    while (kl_total_force_next(&total, &value)) {
        cr_expect_not(value.valid);
        n++;
    }
    cr_expect_leq(n, KL_TOTAL_BINS + 2);
}

/* ------------------------------------------------------------------ gait mode */

static double standing(double t)
{
    return 686 + 5 * sin(3 * t);
}
static double empty(double t)
{
    return 3 * sin(40 * t);
}
static double walking(double t) /* two feet: 0.75-1.25 BW, two humps a step */
{
    return 686 * (1 + 0.1 * sin(11.5 * t) + 0.12 * sin(23 * t));
}
static double grounded(double t) /* one hump a step, 0.2-1.8 BW */
{
    return 686 * (1 - 0.8 * cos(17 * t));
}
static double running(double t)
{
    double in = fmod(t, 0.35);
    return in < 0.25 ? 1508 * sin(3.14159265 * in / 0.25) : 0;
}

Test(gait_mode, total_force_tells_what_the_runner_does)
{
    const struct {
        const char *legend;
        double (*force)(double t);
        double body_weight_n;
        enum kl_gait gait;
    } rows[] = {
        {"empty", empty, 0, KL_GAIT_NONE},
        {"empty, known weight", empty, 686, KL_GAIT_NONE},
        {"standing", standing, 0, KL_GAIT_STAND},
        {"standing", standing, 686, KL_GAIT_STAND},
        {"walking", walking, 0, KL_GAIT_WALK},
        {"walking", walking, 686, KL_GAIT_WALK},
        {"grounded", grounded, 686, KL_GAIT_GROUNDED},
        {"first steps", running, 686, KL_GAIT_NONE},
    };
    for (size_t r = 0; r < sizeof(rows) / sizeof(rows[0]); r++) {
        struct kl_gait_mode mode = {0};
        for (int i = 0; i < 500; i++) {
            struct kl_total_value value = {
                .t_ns = KL_EPOCH_NS + i * KL_TOTAL_BIN_NS,
                .fy_n = rows[r].force(i / 200.0),
                .valid = true,
            };
            (void)kl_gait_mode_force(&mode, &value, 50);
            if (i == 300) {
                cr_expect_eq(kl_gait_mode_get(&mode, rows[r].body_weight_n), KL_GAIT_NONE);
            }
        }
        cr_expect_eq(kl_gait_mode_get(&mode, rows[r].body_weight_n), rows[r].gait, "row %zu %s: %s",
                     r, rows[r].legend, kl_gait_text(kl_gait_mode_get(&mode, 0)));
    }
}

Test(gait_mode, running_is_eight_flights_in_ten_steps)
{
    const struct {
        int flights;
        enum kl_gait gait;
    } rows[] = {{10, KL_GAIT_RUN}, {8, KL_GAIT_RUN}, {7, KL_GAIT_NONE}};
    for (size_t r = 0; r < 3; r++) {
        struct kl_gait_mode mode = {.t_ns = KL_EPOCH_NS};
        for (int k = 0; k < 10; k++) {
            kl_gait_mode_step(&mode, KL_EPOCH_NS, k < rows[r].flights ? 0.02 : 0.019);
        }
        cr_expect_eq(kl_gait_mode_get(&mode, 686), rows[r].gait, "row %zu", r);
        mode.t_ns = KL_EPOCH_NS * 3; /* nothing for 2 s */
        cr_expect_eq(kl_gait_mode_get(&mode, 686), KL_GAIT_NONE);
    }
}

/* ----------------------------------------------------------------- body weight */

/* `seconds` of a total force, each value; then what the weight says. */
static void weigh(struct kl_body_weight *weight, double seconds, double mean_n, double swing_n)
{
    int64_t from_ns = KL_EPOCH_NS;
    kl_body_weight_weigh(weight, from_ns, (int64_t)(seconds * 1e9));
    for (int i = -100; i < 200 * 6; i++) {
        bool inside = i >= 0 && i < seconds * 200;
        struct kl_total_value value = {.t_ns = from_ns + i * KL_TOTAL_BIN_NS + 1,
                                       .fy_n =
                                           inside ? mean_n + (i % 2 ? swing_n : -swing_n) : 9999,
                                       .valid = true};
        kl_body_weight_force(weight, &value);
    }
}

Test(body_weight, weighing_takes_a_still_runner_and_says_why_not)
{
    const struct {
        double seconds, mean_n, swing_n, weighed_n;
        const char *problem;
    } rows[] = {
        {3, 686.47, 6, 686.47, ""},
        {5, 686.47, 0, 686.47, ""},
        {3, 686.47, 7, 0,
         "not still while weighing: SD 1.0 % of the mean (below 1 % needed); weigh "
         "again"},
        {3, -686.47, 1, 0, "plate reads -686 N: sign wrong?"},
        {2, 686.47, 0, 0, "weighed for 2.0 s: stand still for 3 s and weigh again"},
    };
    for (size_t r = 0; r < sizeof(rows) / sizeof(rows[0]); r++) {
        struct kl_body_weight weight = {0};
        weigh(&weight, rows[r].seconds, rows[r].mean_n, rows[r].swing_n);
        cr_expect_float_eq(kl_body_weight_get(&weight), rows[r].weighed_n, 1e-6, "row %zu", r);
        cr_expect_str_eq(kl_body_weight_problem(&weight), rows[r].problem, "row %zu: %s", r,
                         kl_body_weight_problem(&weight));
    }
}

Test(body_weight, entered_comes_before_weighed_before_the_running_mean)
{
    struct kl_body_weight weight = {0};
    cr_expect_str_eq(kl_body_weight_source(&weight), "");
    for (int k = 0; k < 19; k++) { /* 9 strides and a half */
        kl_body_weight_step(&weight, true, 700 * 0.35, 0.35);
    }
    cr_expect_eq(kl_body_weight_get(&weight), 0);
    kl_body_weight_step(&weight, true, 700 * 0.35, 0.35);
    cr_expect_float_eq(kl_body_weight_get(&weight), 700, 1e-9);
    cr_expect_str_eq(kl_body_weight_source(&weight), "running mean");
    weigh(&weight, 3, 690, 0);
    cr_expect_float_eq(kl_body_weight_get(&weight), 690, 1e-9);
    cr_expect_str_eq(kl_body_weight_source(&weight), "weighed");
    weight.entered_n = 680;
    cr_expect_eq(kl_body_weight_get(&weight), 680);
    cr_expect_str_eq(kl_body_weight_source(&weight), "entered");
    kl_body_weight_subject(&weight, 70);
    cr_expect_float_eq(kl_body_weight_get(&weight), 686.4655, 1e-9);
    cr_expect_eq(kl_body_weight_running(&weight), 0);
}

Test(body_weight, only_whole_strides_of_neighbouring_steps_count)
{
    struct kl_body_weight weight = {0};
    for (int k = 0; k < 12; k++) {
        /* A heavy and a light foot; after each stride a single step, then a broken one. */
        kl_body_weight_step(&weight, true, 1.1 * 700 * 0.35, 0.35);
        kl_body_weight_step(&weight, true, 0.9 * 700 * 0.35, 0.35);
        kl_body_weight_step(&weight, true, 9999, 0.35);
        kl_body_weight_step(&weight, false, 9999, 0.35);
    }
    cr_expect_eq(weight.strides, 12);
    cr_expect_float_eq(kl_body_weight_running(&weight), 700, 1e-9);
}

Test(body_weight, a_plate_that_disagrees_is_named)
{
    struct kl_body_weight weight = {0};
    kl_body_weight_subject(&weight, 70);
    kl_body_weight_look(&weight, -686, false);
    cr_expect_str_eq(kl_body_weight_problem(&weight), "plate reads -686 N: sign wrong?");
    kl_body_weight_look(&weight, 700, true); /* 2 %: shoes */
    cr_expect_str_eq(kl_body_weight_problem(&weight), "");
    kl_body_weight_look(&weight, 640, true);
    cr_expect_str_eq(kl_body_weight_problem(&weight), "plate reads 640 N, body weight 686 N "
                                                      "(-6.8 %): calibration, tare or entered mass "
                                                      "wrong?");
    kl_body_weight_look(&weight, 640, false); /* walking off does not clear it */
    cr_expect_str_neq(kl_body_weight_problem(&weight), "");
    kl_body_weight_look(&weight, 690, true);
    cr_expect_str_eq(kl_body_weight_problem(&weight), "");
    for (int k = 0; k < 20; k++) {
        kl_body_weight_step(&weight, true, 669 * 0.35, 0.35);
    }
    cr_expect_str_eq(kl_body_weight_problem(&weight), "mean force of the run 669 N, body weight "
                                                      "686 N (-2.5 %): calibration, hand-rail or "
                                                      "load?");
}
