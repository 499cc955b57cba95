/* The truth of the virtual runner against the worked examples of methods 6, 7.4 and 21.1, against
 * closed forms, and against the signal itself. */
#include "devices/virtual_load.h"
#include "devices/virtual_truth.h"

#include <criterion/criterion.h>

#include <math.h>

static const double pi = 3.14159265358979323846;

/* The worked examples use g = 9.81; this mass has their body weight, 686.7 N, in our gravity. */
static const double example_mass_kg = 70 * 9.81 / 9.80665;
static const double example_bw_n = 70 * 9.81;

static struct kl_virtual_runner example(enum kl_virtual_strike strike)
{
    struct kl_virtual_runner runner = kl_virtual_runner_defaults();
    runner.mass_kg = example_mass_kg;
    runner.step_time_cv = 0;
    runner.quiet_s = 0;
    runner.stand_s = 0;
    kl_virtual_runner_strike(&runner, strike);
    return runner;
}

static struct kl_virtual_step first_step(const struct kl_virtual_runner *runner, double threshold_n)
{
    struct kl_virtual_step step;
    cr_assert_eq(kl_virtual_runner_truth(runner, 1.0, threshold_n, &step, 1), 1);
    return step;
}

/* Half a unit of the last printed digit. */
#define EXPECT_PRINTED(value, printed, digit) cr_expect_float_eq(value, printed, 0.501 * (digit))

Test(virtual_truth, half_sine_has_the_printed_numbers)
{
    struct kl_virtual_runner runner = example(KL_VIRTUAL_FOREFOOT);
    struct kl_virtual_step step = first_step(&runner, 0);
    EXPECT_PRINTED(step.active_peak_n, 1510.132, 1e-3);
    EXPECT_PRINTED(step.active_peak_n / example_bw_n, 2.199115, 1e-6);
    EXPECT_PRINTED(step.vertical_impulse_n_s, 240.345, 1e-3);
    cr_expect_eq(step.impact_peak_n, 0, "a half-sine has no impact peak");
    EXPECT_PRINTED(step.t20_s, 6.3275e-3, 1e-7);
    EXPECT_PRINTED(step.t80_s, 25.7292e-3, 1e-7);
    EXPECT_PRINTED(step.valr_n_s, 18547.2, 0.1);
    EXPECT_PRINTED(step.valr_n_s / example_bw_n, 27.0092, 1e-4);
    EXPECT_PRINTED(step.vilr_n_s / example_bw_n, 27.5476, 1e-4);
    cr_expect_eq(step.valr_n_s, step.valr_p13_n_s);
    EXPECT_PRINTED(0.6 * 599.7458 / (step.t80_s - step.t20_s), step.valr_n_s, 0.1); /* F13 */
}

Test(virtual_truth, a_threshold_shortens_a_half_sine_by_the_printed_time)
{
    struct kl_virtual_runner runner = example(KL_VIRTUAL_FOREFOOT);
    static const struct {
        double threshold_n, shorter_s;
    } row[] = {{50, 5.271e-3}, {20, 2.108e-3}, {0, 0}};
    for (size_t r = 0; r < 3; r++) {
        struct kl_virtual_step step = first_step(&runner, row[r].threshold_n);
        EXPECT_PRINTED(0.25 - step.contact_time_s, row[r].shorter_s, 1e-6);
        cr_expect_float_eq(step.ic_s - step.contact_s, step.off_s - step.to_s, 1e-9);
        cr_expect_float_eq(step.step_time_s, 0.35, 1e-12);
        cr_expect_float_eq(step.flight_time_s, 0.35 - step.contact_time_s, 1e-12);
    }
}

Test(virtual_truth, rearfoot_step_has_the_printed_numbers)
{
    struct kl_virtual_runner runner = example(KL_VIRTUAL_REARFOOT);
    struct kl_virtual_step step = first_step(&runner, 0);
    EXPECT_PRINTED(step.impact_peak_n / example_bw_n, 1.703844, 1e-6);
    EXPECT_PRINTED(step.time_to_impact_peak_s, 34.89e-3, 1e-5);
    EXPECT_PRINTED(step.impact_trough_n / example_bw_n, 1.352075, 1e-6);
    EXPECT_PRINTED(step.t20_s, 7.804e-3, 1e-6);
    EXPECT_PRINTED(step.t80_s, 23.004e-3, 1e-6);
    EXPECT_PRINTED(step.valr_n_s / example_bw_n, 67.255, 1e-3);
    EXPECT_PRINTED(step.vilr_n_s / example_bw_n, 72.179, 1e-3);
    EXPECT_PRINTED(step.active_peak_n / example_bw_n, 2.029469, 1e-6);
    cr_expect_float_eq(step.time_to_active_peak_s, 0.125, 1e-5);
}

Test(virtual_truth, times_count_from_the_crossing_of_the_threshold)
{
    struct kl_virtual_runner runner = example(KL_VIRTUAL_REARFOOT);
    struct kl_virtual_step whole = first_step(&runner, 0);
    struct kl_virtual_step cut = first_step(&runner, 50);
    double later_s = cut.ic_s - whole.ic_s;
    cr_expect(later_s > 1e-3 && later_s < 4e-3, "%g s", later_s);
    cr_expect_float_eq(whole.ic_s, whole.contact_s, 1e-12);
    cr_expect_float_eq(whole.to_s, whole.off_s, 1e-12);
    cr_expect_float_eq(cut.time_to_impact_peak_s, whole.time_to_impact_peak_s - later_s, 1e-9);
    cr_expect_float_eq(cut.time_to_active_peak_s, whole.time_to_active_peak_s - later_s, 1e-9);
    cr_expect_float_eq(cut.t20_s, whole.t20_s - later_s, 1e-9);
    cr_expect_float_eq(cut.t80_s, whole.t80_s - later_s, 1e-9);
    cr_expect_float_eq(cut.braking_to_propulsion_s, whole.braking_to_propulsion_s - later_s, 1e-9);
    cr_expect_float_eq(cut.time_to_peak_braking_s, whole.time_to_peak_braking_s - later_s, 1e-9);
    cr_expect_float_eq(cut.valr_n_s, whole.valr_n_s, 1e-9);
    cr_expect_float_eq(cut.impact_peak_n, whole.impact_peak_n, 1e-9);
    /* what lies below the threshold: less than 50 N for 6 ms */
    cr_expect_lt(cut.vertical_impulse_n_s, whole.vertical_impulse_n_s);
    cr_expect_gt(cut.vertical_impulse_n_s, whole.vertical_impulse_n_s - 50 * 6e-3);
}

Test(virtual_truth, presets_have_the_printed_numbers)
{
    static const struct {
        const char *legend;
        enum kl_virtual_strike strike;
        double peak_bw, peak_s, valr, vilr; /* 0: not printed */
    } row[] = {
        {"rearfoot", KL_VIRTUAL_REARFOOT, 1.704, 34.9e-3, 67.3, 0},
        {"hard rearfoot", KL_VIRTUAL_HARD_REARFOOT, 1.730, 31.2e-3, 76.6, 82.2},
        {"midfoot, P13", KL_VIRTUAL_MIDFOOT, 0, 0, 42.6, 0},
        {"forefoot, P13", KL_VIRTUAL_FOREFOOT, 0, 0, 27.0, 0},
    };
    for (size_t r = 0; r < sizeof(row) / sizeof(row[0]); r++) {
        struct kl_virtual_runner runner = example(row[r].strike);
        struct kl_virtual_step step = first_step(&runner, 0);
        cr_expect_float_eq(step.impact_peak_n / example_bw_n, row[r].peak_bw, 5.01e-4, "%s: %g",
                           row[r].legend, step.impact_peak_n / example_bw_n);
        cr_expect_float_eq(step.time_to_impact_peak_s, row[r].peak_s, 0.501e-4, "%s: %g",
                           row[r].legend, step.time_to_impact_peak_s);
        cr_expect_float_eq(step.valr_n_s / example_bw_n, row[r].valr, 0.0501, "%s: %g",
                           row[r].legend, step.valr_n_s / example_bw_n);
        if (row[r].vilr > 0) {
            cr_expect_float_eq(step.vilr_n_s / example_bw_n, row[r].vilr, 0.0501, "%s: %g",
                               row[r].legend, step.vilr_n_s / example_bw_n);
        }
    }
}

Test(virtual_truth, rearfoot_oscillates_by_the_printed_height)
{
    struct kl_virtual_runner runner = example(KL_VIRTUAL_REARFOOT);
    /* accelerations scale with g, so does the travel */
    EXPECT_PRINTED(kl_virtual_runner_vertical_oscillation(&runner) * 9.81 / 9.80665, 66.1e-3, 1e-4);
}

Test(virtual_truth, horizontal_values_have_their_closed_forms)
{
    struct kl_virtual_runner runner = example(KL_VIRTUAL_REARFOOT);
    struct kl_virtual_step step[2];
    cr_assert_eq(kl_virtual_runner_truth(&runner, 2.0, 0, step, 2), 2);
    for (int i = 0; i < 2; i++) {
        double mirror = i == 0 ? -1 : 1;
        cr_expect_eq(step[i].side, i == 0 ? KL_SIDE_LEFT : KL_SIDE_RIGHT);
        EXPECT_PRINTED(step[i].braking_impulse_n_s / example_bw_n, -0.019894, 1e-6);
        cr_expect_float_eq(step[i].propulsion_impulse_n_s, -step[i].braking_impulse_n_s, 1e-9);
        cr_expect_float_eq(step[i].peak_braking_n, 0.25 * example_bw_n, 1e-5);
        cr_expect_float_eq(step[i].peak_propulsion_n, 0.25 * example_bw_n, 1e-5);
        cr_expect_float_eq(step[i].time_to_peak_braking_s, 0.0625, 1e-5);
        cr_expect_float_eq(step[i].time_to_peak_propulsion_s, 0.1875, 1e-5);
        cr_expect_float_eq(step[i].braking_to_propulsion_s, 0.125, 1e-12);
        cr_expect_float_eq(step[i].peak_medial_n, 0.06 * example_bw_n, 1e-5);
        cr_expect_float_eq(step[i].peak_lateral_n, 0, 1e-12);
        cr_expect_float_eq(step[i].mediolateral_impulse_n_s, -0.06 * example_bw_n * 2 / pi * 0.25,
                           1e-7);
        cr_expect_float_eq(step[i].free_moment_peak_n_m, 0.003 * example_bw_n * 1.75, 1e-9);
        cr_expect_float_eq(step[i].cop_weighted_z_m, mirror * 0.04, 1e-9);
        cr_expect_float_eq(step[i].cop_range_z_m, 0.010 * 2 * cos(0.2 * pi), 1e-12);
        cr_expect_float_eq(step[i].cop_progression_m,
                           0.152 * 1.75 * 0.75 * (pow(0.8, 0.8) - pow(0.2, 0.8)), 1e-12);
    }
    /* cos(pi s) is odd about mid-stance: its plain mean over 20-80 % is zero, and what remains is
     * the shift that cancels the early impact, toward the midline (the COP starts laterally) */
    cr_expect_lt(step[1].cop_mean_z_m, 0.04);
    cr_expect_gt(step[1].cop_mean_z_m, 0.037);
    cr_expect_float_eq(step[0].cop_mean_z_m, -step[1].cop_mean_z_m, 1e-12);
}

/* The same numbers from the summed wrench at 100 kHz, by rules written anew. */
Test(virtual_truth, agrees_with_the_signal)
{
    struct kl_virtual_runner runner = kl_virtual_runner_defaults();
    runner.quiet_s = 0;
    runner.stand_s = 0;
    runner.step_time_cv = 0.02;
    runner.contact_time_s[1] = 0.23;
    runner.impact_bw[0] = 1.2;
    runner.overstride = 0.3;
    enum { STEPS = 12 };
    const double threshold_n = 50;
    struct kl_virtual_step step[STEPS];
    cr_assert_eq(kl_virtual_runner_truth(&runner, 100, threshold_n, step, STEPS), STEPS);

    struct kl_virtual_load load;
    kl_virtual_load_init(&load, &runner);
    const double dt = 1e-5;
    int k = -1;
    bool in_stance = false;
    double fy_before = 0;
    double active = 0;
    double vertical = 0;
    double braking = 0;
    double peak_propulsion = 0;
    double weighted = 0;
    double weight = 0;
    for (long i = 0; k < STEPS - 1 || in_stance; i++) {
        double t = 1 + (double)i * dt;
        double w[2][KL_WRENCH_COUNT];
        kl_virtual_load_at(&load, t, w);
        double fx = w[0][KL_FX] + w[1][KL_FX];
        double fy = w[0][KL_FY] + w[1][KL_FY];
        if (!in_stance && fy > threshold_n) {
            in_stance = true;
            k++;
            active = vertical = braking = peak_propulsion = weighted = weight = 0;
            cr_expect_float_eq(step[k].ic_s, t, 1.1 * dt, "step %d", k);
            cr_expect_eq(step[k].side, w[0][KL_FY] > 0 ? KL_SIDE_LEFT : KL_SIDE_RIGHT);
        } else if (in_stance && fy <= threshold_n) {
            in_stance = false;
            cr_expect_float_eq(step[k].to_s, t, 1.1 * dt, "step %d", k);
            cr_expect_float_eq(step[k].active_peak_n, active, 1e-4, "step %d", k);
            /* ends of the stance: two samples of 50 N, 1e-5 s each */
            cr_expect_float_eq(step[k].vertical_impulse_n_s, vertical, 2e-3, "step %d", k);
            cr_expect_float_eq(step[k].braking_impulse_n_s, braking, 1e-3, "step %d", k);
            cr_expect_float_eq(step[k].peak_propulsion_n, peak_propulsion, 1e-4, "step %d", k);
            /* weights below the threshold (1 % of the impulse, 10 mm off the mean) are not here */
            cr_expect_float_eq(step[k].cop_weighted_z_m, weighted / weight, 1e-4, "step %d", k);
            if (k > 0) {
                cr_expect_float_eq(step[k - 1].step_time_s, step[k].ic_s - step[k - 1].ic_s, 1e-9);
                cr_expect_float_eq(step[k - 1].flight_time_s, step[k].ic_s - step[k - 1].to_s,
                                   1e-9);
            }
        }
        if (in_stance) {
            double since = (t - step[k].ic_s) / step[k].contact_time_s;
            active = since > 0.3 && since < 0.7 ? fmax(active, fy) : active;
            vertical += 0.5 * (fy + fy_before) * dt;
            braking += fmin(fx, 0) * dt;
            peak_propulsion = fmax(peak_propulsion, fx);
            weighted -= (w[0][KL_MX] + w[1][KL_MX]);
            weight += fy;
        }
        fy_before = fy;
    }
}

Test(virtual_truth, single_wrench_equals_the_walk)
{
    struct kl_virtual_runner runner = kl_virtual_runner_defaults();
    struct kl_virtual_load load;
    kl_virtual_load_init(&load, &runner);
    for (int k = 0; k < 75; k++) {
        double t = 1 + 0.173 * k;
        double feet[2][KL_WRENCH_COUNT];
        double one[KL_WRENCH_COUNT];
        kl_virtual_load_at(&load, t, feet);
        kl_virtual_runner_wrench(&runner, t, one);
        for (int i = 0; i < KL_WRENCH_COUNT; i++) {
            cr_expect_eq(one[i], feet[0][i] + feet[1][i], "component %d at %g s", i, t);
        }
    }
}

Test(virtual_truth, overlapping_contacts_add_up)
{
    struct kl_virtual_runner runner = example(KL_VIRTUAL_FOREFOOT);
    runner.step_time_s[0] = runner.step_time_s[1] = 0.55; /* walking: both feet for 0.1 s */
    runner.contact_time_s[0] = runner.contact_time_s[1] = 0.65;
    struct kl_virtual_load load;
    kl_virtual_load_init(&load, &runner);
    struct kl_virtual_gait gait;
    kl_virtual_gait_init(&gait, &runner, 1.2);
    struct kl_virtual_contact contact[10];
    for (int k = 0; k < 10; k++) {
        kl_virtual_gait_next(&gait, &contact[k]);
    }
    int both = 0;
    for (int i = 0; i < 500; i++) {
        double t = 1 + 0.01 * i;
        double feet[2][KL_WRENCH_COUNT];
        kl_virtual_load_at(&load, t, feet);
        double expected[2] = {0, 0};
        for (int k = 0; k < 10; k++) {
            double w[KL_WRENCH_COUNT];
            kl_virtual_contact_wrench(&contact[k], t, w);
            expected[k % 2] += w[KL_FY];
        }
        cr_expect_eq(feet[0][KL_FY], expected[0], "%g s", t);
        cr_expect_eq(feet[1][KL_FY], expected[1], "%g s", t);
        both += expected[0] > 0 && expected[1] > 0;
    }
    cr_expect_gt(both, 50);
}

Test(virtual_truth, covers_the_contacts_that_begin_in_time)
{
    struct kl_virtual_runner runner = example(KL_VIRTUAL_REARFOOT);
    struct kl_virtual_step step[100];
    static const struct {
        double seconds;
        size_t cap;
        int steps; /* onsets at 0.2, 0.55, 0.9, ... after the first sample */
    } row[] = {{0, 100, 0}, {-3, 100, 0},   {0.19, 100, 0}, {0.21, 100, 1},
               {1, 100, 3}, {9.9, 100, 28}, {10, 5, 5},     {10, 0, 0}};
    for (size_t r = 0; r < sizeof(row) / sizeof(row[0]); r++) {
        cr_expect_eq(kl_virtual_runner_truth(&runner, row[r].seconds, 50, step, row[r].cap),
                     row[r].steps, "row %zu", r);
    }
    cr_expect_eq(kl_virtual_runner_truth(&runner, 1, -1, step, 100), KL_ERR_ARG);
    cr_expect_eq(kl_virtual_runner_truth(&runner, 1, 2000, step, 100), KL_ERR_ARG,
                 "no contact reaches this");
    cr_expect_eq(kl_virtual_runner_truth(&runner, 1, (double)NAN, step, 100), KL_ERR_ARG);
    cr_expect_eq(kl_virtual_runner_truth(&runner, HUGE_VAL, 50, step, 100), KL_ERR_ARG);
    runner.mass_kg = 0;
    cr_expect_eq(kl_virtual_runner_truth(&runner, 1, 50, step, 100), KL_ERR_RANGE);
}
