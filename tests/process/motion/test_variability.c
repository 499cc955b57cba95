/* Oracles: methods 14 (L .9, R 1.0: ASI 10.526, SA 3.3475; logistic map 0.693; Zifchock's values),
 * closed forms. */
#include "process/motion/local_stability.h"
#include "process/motion/variability.h"

#include <criterion/criterion.h>

#define PI 3.14159265358979323846
#define DEG (PI / 180)

static uint32_t state = 4711;

static double uniform(void)
{
    state = state * 1664525u + 1013904223u;
    return ((double)(state >> 8) + 0.5) / 16777216.0;
}

static double gaussian(void)
{
    return sqrt(-2 * log(uniform())) * cos(2 * PI * uniform());
}

Test(variability, a_trend_is_no_variability)
{
    double t[400];
    double v[400];
    for (size_t i = 0; i < 400; i++) { /* 140 s: two whole windows */
        t[i] = 0.35 * (double)i;
        v[i] = 0.35 + 1e-4 * t[i] + (i % 2 == 0 ? 0.004 : -0.004);
    }
    struct kl_variability out = {.windows = 0};
    cr_assert(kl_variability_of(t, v, 400, &out));
    cr_expect_eq(out.windows, 2);
    /* alternating +-a about a line: SD a sqrt(n / (n - 2)), n = 172 and 171 */
    double expected = (0.004 * sqrt(172.0 / 170) / (0.35 + 1e-4 * 30) +
                       0.004 * sqrt(171.0 / 169) / (0.35 + 1e-4 * 90)) /
                      2;
    cr_expect_float_eq(out.cv, expected, 2e-6);
    cr_expect_float_eq(out.trend_per_s, 1e-4, 2e-6);
    cr_expect_not(kl_variability_of(t, v, 150, &out)); /* 52 s */
    cr_expect_not(kl_variability_of(t, v, 0, &out));
    cr_expect_eq(out.windows, 2);
}

Test(variability, asymmetry_has_the_values_of_the_method_book)
{
    double out = 0;
    cr_assert(kl_asymmetry_index(0.9, 1.0, &out));
    cr_expect_float_eq(out, 10.526, 5e-4);
    cr_assert(kl_symmetry_angle(0.9, 1.0, &out));
    cr_expect_float_eq(out, 3.3475, 5e-5);
    cr_assert(kl_symmetry_angle(-0.9, -1.0, &out));
    cr_expect_float_eq(out, 3.3475, 5e-5);
    cr_assert(kl_asymmetry_index(2, 2, &out));
    cr_expect_eq(out, 0);
    cr_expect_not(kl_asymmetry_index(-1, 1.5, &out));
    cr_expect_not(kl_asymmetry_index(0, 0, &out));
    cr_expect_not(kl_symmetry_angle(-1, 1.5, &out));
    cr_expect_not(kl_asymmetry_index((double)NAN, 1, &out));
    cr_expect_eq(out, 0);
}

Test(variability, spread_of_curves_is_the_mean_of_the_pointwise_sd)
{
    struct kl_curve_spread spread = {.count = 0};
    double out = 0;
    cr_expect_not(kl_curve_spread_get(&spread, &out));
    for (int stride = 0; stride < 50; stride++) {
        double curve[KL_CURVE_POINTS];
        for (size_t p = 0; p < KL_CURVE_POINTS; p++) {
            double sd = p < 51 ? 2 : 4;
            curve[p] = sin((double)p) + sd * (stride % 2 == 0 ? 1 : -1);
        }
        kl_curve_spread_add(&spread, curve);
    }
    cr_assert(kl_curve_spread_get(&spread, &out));
    cr_expect_float_eq(out, (51 * 2 + 50 * 4) / 101.0 * sqrt(50.0 / 49), 1e-12);
}

Test(variability, a_stride_curve_runs_from_contact_to_contact)
{
    static struct kl_motion_window window;
    window = (struct kl_motion_window){
        .count = 260, .ic_s = .25, .to_s = .5, .end_s = .95, .side = KL_SIDE_LEFT};
    for (size_t i = 0; i < window.count; i++) {
        struct kl_joint_angles knee = {.alpha_rad = -0.2,
                                       .beta_rad = -0.3 * ((double)i / KL_MOTION_RATE_HZ - .25)};
        window.segment[KL_SEGMENT_THIGH_LEFT].q[i] = (struct kl_quat){1, 0, 0, 0};
        window.segment[KL_SEGMENT_SHANK_LEFT].q[i] = kl_joint_rotation(knee);
    }
    double curve[KL_CURVE_POINTS];
    cr_assert_eq(kl_stride_curve(&window, KL_CLINICAL_KNEE_ADDUCTION, curve), 0);
    for (size_t p = 0; p < KL_CURVE_POINTS; p++) {
        cr_expect_float_eq(curve[p], 0.3 * 0.7 * (double)p / 100, 1e-12);
    }
    window.segment[KL_SEGMENT_SHANK_LEFT].marks = KL_MOTION_CROSS_TALK;
    cr_expect_eq(kl_stride_curve(&window, KL_CLINICAL_KNEE_ADDUCTION, curve), KL_MOTION_CROSS_TALK);
    cr_expect_eq(kl_stride_curve(&window, KL_CLINICAL_KNEE_FLEXION, curve), 0);
    window.end_s = 0;
    cr_expect_eq(kl_stride_curve(&window, KL_CLINICAL_KNEE_FLEXION, curve), KL_MOTION_NO_STRIDE);
}

Test(variability, the_logistic_map_diverges_by_ln_2)
{
    static const double starts[] = {0.1, 0.23, 0.37, 0.61, 0.83};
    struct kl_divergence_settings settings = {
        .axes = 1, .copies = 2, .lag = 1, .theiler = 1, .fit = 5};
    size_t neighbour[500];
    double mean = 0;
    for (size_t s = 0; s < 5; s++) {
        double x[500];
        x[0] = starts[s];
        for (size_t i = 1; i < 500; i++) {
            x[i] = 4 * x[i - 1] * (1 - x[i - 1]);
        }
        double slope = 0;
        cr_assert_eq(kl_divergence_slope(x, 500, &settings, neighbour, &slope), KL_OK);
        /* five starts of the book lie within 0.690 to 0.696; ours are others */
        cr_expect_float_eq(slope, 0.693, 0.02, "start %g: %g", starts[s], slope);
        mean += slope / 5;
    }
    cr_expect_float_eq(mean, 0.693, 0.01, "%g", mean);
}

Test(variability, divergence_refuses_too_little_and_no_numbers)
{
    struct kl_divergence_settings settings = kl_divergence_settings_defaults();
    double x[300] = {0};
    size_t neighbour[100];
    double out = 7;
    cr_expect_eq(kl_divergence_slope(x, 100, &settings, neighbour, &out), KL_ERR_ARG);
    settings = (struct kl_divergence_settings){3, 2, 1, 1, 5};
    cr_expect_eq(kl_divergence_slope(x, 100, &settings, neighbour, &out), KL_ERR_DATA);
    x[7] = (double)NAN;
    cr_expect_eq(kl_divergence_slope(x, 100, &settings, neighbour, &out), KL_ERR_DATA);
    cr_expect_eq(out, 7);
}

Test(variability, a_stride_is_resampled_to_100_even_points)
{
    double series[2 * 80];
    for (size_t i = 0; i < 80; i++) {
        series[2 * i] = (double)i;
        series[2 * i + 1] = -3 * (double)i;
    }
    double out[2 * KL_STRIDE_POINTS];
    cr_assert(kl_stride_resample(series, 80, 2, 5.5, 75.5, out));
    for (size_t p = 0; p < KL_STRIDE_POINTS; p++) {
        cr_expect_float_eq(out[2 * p], 5.5 + 0.7 * (double)p, 1e-12);
        cr_expect_float_eq(out[2 * p + 1], -3 * (5.5 + 0.7 * (double)p), 1e-12);
    }
    cr_expect(kl_stride_resample(series, 80, 2, 0, 79, out));
    cr_expect_not(kl_stride_resample(series, 80, 2, 5, 79.5, out));
    cr_expect_not(kl_stride_resample(series, 80, 2, -1, 50, out));
}

Test(variability, scaling_is_a_half_without_memory_and_three_halves_for_a_walk)
{
    static double white[4000];
    static double walk[4000];
    static double profile[4000];
    double sum = 0;
    for (size_t i = 0; i < 4000; i++) {
        white[i] = 0.7 + 0.01 * gaussian();
        sum += white[i] - 0.7;
        walk[i] = sum;
    }
    double alpha = 0;
    cr_assert_eq(kl_scaling_exponent(white, 4000, profile, &alpha), KL_OK);
    cr_expect_float_eq(alpha, 0.5, 0.06, "%g", alpha); /* sampling error of one record */
    cr_assert_eq(kl_scaling_exponent(walk, 4000, profile, &alpha), KL_OK);
    cr_expect_float_eq(alpha, 1.5, 0.06, "%g", alpha);
    cr_expect_eq(kl_scaling_exponent(white, 500, profile, &alpha), KL_ERR_ARG);
    static const double flat[600] = {0};
    cr_expect_eq(kl_scaling_exponent(flat, 600, profile, &alpha), KL_ERR_DATA);
}
