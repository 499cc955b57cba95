/* Oracles: methods 12.1 (worked example), closed forms of half sines. */
#include "process/knee/knee_force.h"
#include "process/knee/knee_moment.h"
#include "process/motion/joint_angle.h"

#include <criterion/criterion.h>

#include <stdio.h>

#define DEG (3.14159265358979323846 / 180)
#define PI 3.14159265358979323846

static const struct kl_vec X = {1, 0, 0};
static const struct kl_vec Y = {0, 1, 0};
static const struct kl_vec Z = {0, 0, 1};

/* The wrench about the lab origin of force F and free moment T at a centre of pressure. */
static void wrench_at(struct kl_vec cop, struct kl_vec force, double free_moment,
                      double out[KL_WRENCH_COUNT])
{
    struct kl_vec m = kl_vec_cross(cop, force);
    const double all[KL_WRENCH_COUNT] = {force.x, force.y, force.z, m.x, m.y + free_moment, m.z};
    memcpy(out, all, sizeof(all));
}

Test(knee_moment, gives_the_worked_example_of_the_method_book)
{
    double wrench[KL_WRENCH_COUNT];
    wrench_at((struct kl_vec){.05, 0, -.04}, (struct kl_vec){-60, 1648.08, -30}, 3, wrench);
    struct kl_vec m = kl_knee_moment(wrench, (struct kl_vec){.02, .48, 0});
    cr_expect_float_eq(m.x, 80.3232, 1e-9);
    cr_expect_float_eq(m.y, 6.3, 1e-9);
    cr_expect_float_eq(m.z, 20.6424, 1e-9);
    struct kl_quat lean = kl_quat_about(Z, -20 * DEG);
    cr_expect_float_eq(kl_vec_dot(kl_quat_rotate(lean, X), m), 73.3244, 5e-5);
    struct kl_quat yaw = kl_quat_mul(lean, kl_quat_about(Y, 5 * DEG));
    cr_expect_float_eq(kl_vec_dot(kl_quat_rotate(yaw, X), m), 71.2463, 5e-5);
}

Test(knee_moment, a_mirrored_limb_gives_the_same_bits)
{
    struct kl_vec knee = {.02, .48, .09};
    struct kl_quat shank = kl_quat_unit((struct kl_quat){.98, .02, -.05, -.17});
    double right[KL_WRENCH_COUNT];
    wrench_at((struct kl_vec){.05, 0, .06}, (struct kl_vec){-60, 1600, 30}, 3, right);
    double left[KL_WRENCH_COUNT];
    wrench_at((struct kl_vec){.05, 0, -.06}, (struct kl_vec){-60, 1600, -30}, -3, left);
    kl_knee_mirror_wrench(left);
    cr_expect_arr_eq(left, right, sizeof(left));
    struct kl_vec there = kl_quat_rotate(kl_mirror_rotation(shank), X);
    struct kl_vec mirrored = kl_mirror_polar(kl_quat_rotate(shank, X));
    cr_expect_float_eq(kl_vec_norm(kl_vec_sub(there, mirrored)), 0, 1e-15);
    struct kl_vec back = kl_mirror_polar(kl_mirror_polar(knee));
    cr_expect_eq(back.z, knee.z);
}

/* Stance of 0.25 s from 0.25 s on, 200 Hz. */
static struct kl_knee_curve curve_of(double (*value)(double s))
{
    struct kl_knee_curve curve = {.count = 151, .dt_s = .005, .ic_s = .25, .to_s = .5};
    for (size_t i = 0; i < curve.count; i++) {
        double s = ((double)i * curve.dt_s - curve.ic_s) / (curve.to_s - curve.ic_s);
        curve.value[i] = s < 0 || s > 1 ? 0 : value(s);
    }
    return curve;
}

static double one_hump(double s)
{
    return 80 * sin(PI * s);
}

static double two_humps(double s)
{
    return 60 * sin(PI * s) + 25 * sin(3 * PI * s) - 2 * s;
}

static double other_way(double s)
{
    return -one_hump(s);
}

Test(knee_moment, one_hump_has_no_second_peak_and_the_impulse_of_a_half_sine)
{
    struct kl_knee_curve curve = curve_of(one_hump);
    struct kl_knee_peaks peaks;
    cr_assert(kl_knee_peaks_of(&curve, 70, &peaks));
    cr_expect_float_eq(peaks.first_n_m, 80, 1e-9);
    cr_expect_not(peaks.has_second);
    /* Closed form 2 A T / pi; trapezes of 5 ms err by (pi dt / T)^2 / 12 = 0.033 %. */
    cr_expect_float_eq(peaks.impulse_n_m_s, 80 * .25 * 2 / PI, 4e-4 * 80 * .25);
    cr_expect_eq(peaks.abduction_n_m, 0);
}

Test(knee_moment, two_humps_have_a_second_peak_that_must_stand_out)
{
    struct kl_knee_curve curve = curve_of(two_humps);
    struct kl_knee_peaks peaks;
    cr_assert(kl_knee_peaks_of(&curve, 70, &peaks));
    cr_expect(peaks.has_second);
    cr_expect_float_eq(peaks.second_n_m, two_humps(.76), .05); /* its maximum, by hand */
    cr_expect_gt(peaks.first_n_m, peaks.second_n_m);
    cr_assert(kl_knee_peaks_of(&curve, 1000, &peaks)); /* 50 N.m of prominence asked for */
    cr_expect_not(peaks.has_second);
}

Test(knee_moment, a_moment_the_other_way_is_abduction_and_no_impulse)
{
    struct kl_knee_curve curve = curve_of(other_way);
    struct kl_knee_peaks peaks;
    cr_assert(kl_knee_peaks_of(&curve, 70, &peaks));
    cr_expect_float_eq(peaks.abduction_n_m, 80, 1e-9);
    cr_expect_eq(peaks.impulse_n_m_s, 0);
    curve.to_s = curve.ic_s + .01;
    cr_expect_not(kl_knee_peaks_of(&curve, 70, &peaks), "too short");
}

Test(knee_moment, the_band_is_that_of_the_error_budget)
{
    /* methods 12.3: 10 mm at 2.4 BW of 70 kg = 0.235 N.m/kg; 5 deg of a 2 N.m/kg flexion moment =
     * 0.17 N.m/kg (both with g = 9.81) */
    const double wrench[KL_WRENCH_COUNT] = {0, 2.4 * 70 * 9.81, 0, 0, 0, 0};
    struct kl_knee_errors lever = {.sd_z_m = .010};
    cr_expect_float_eq(kl_knee_band(wrench, (struct kl_vec){0, 0, 0}, &lever) / 70, .235, 5e-4);
    struct kl_knee_errors yaw = {.sd_yaw_rad = 5 * DEG};
    cr_expect_float_eq(kl_knee_band(wrench, (struct kl_vec){0, 0, 140}, &yaw) / 70, .1745, 5e-5);
}

Test(knee_force, slow_forces_come_through_and_lie_on_the_windows_grid)
{
    enum { COUNT = 700 };
    static double wrench[COUNT][KL_WRENCH_COUNT];
    for (size_t i = 0; i < COUNT; i++) {
        double t = (double)i * 1e-3 - .2;
        wrench[i][KL_FY] = t > 0 && t < .3 ? 1000 * pow(sin(PI * t / .3), 4) : 0;
        wrench[i][KL_MX] = -.1 * wrench[i][KL_FY];
    }
    struct kl_contact contact = {.count = COUNT,
                                 .t0_ns = KL_EPOCH_NS,
                                 .dt_s = 1e-3,
                                 .wrench = (const double(*)[KL_WRENCH_COUNT])wrench};
    static struct kl_motion_window window = {.count = 120};
    window.t0_ns = (double)KL_EPOCH_NS + .0127e9;
    struct kl_knee_force *force = kl_knee_force_create(1000, KL_KNEE_CUTOFF_HZ);
    cr_assert_not_null(force);
    static double out[KL_MOTION_SAMPLES][KL_WRENCH_COUNT];
    cr_assert(kl_knee_force_fill(force, &contact, &window, out));
    for (size_t i = 0; i < window.count; i++) {
        double t = (double)i / KL_MOTION_RATE_HZ + .0127 - .2;
        double meant = t > 0 && t < .3 ? 1000 * pow(sin(PI * t / .3), 4) : 0;
        /* sin^4 has its power below 7 Hz, where a 20 Hz filter of fourth order takes under 0.7 % */
        cr_expect_float_eq(out[i][KL_FY], meant, 7, "%zu", i);
        cr_expect_float_eq(out[i][KL_MX], -.1 * out[i][KL_FY], 1e-9);
    }
    kl_knee_force_destroy(force);
    cr_expect_null(kl_knee_force_create(40, KL_KNEE_CUTOFF_HZ));
}
