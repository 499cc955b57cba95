/* Closed forms of one contact and the statistics of the sequence. Numbers: methods 6 and 21.1. */
#include "devices/virtual_gait.h"

#include <criterion/criterion.h>

#include <math.h>
#include <stdlib.h>

static const double pi = 3.14159265358979323846;

enum { FINE = 100000 }; /* intervals of the checks by trapezoid: error below 1e-9 of a peak */

static struct kl_virtual_runner runner_without_jitter(void)
{
    struct kl_virtual_runner runner = kl_virtual_runner_defaults();
    runner.step_time_cv = 0;
    return runner;
}

/* integral of force component `i` over the contact, N s */
static double impulse(const struct kl_virtual_contact *contact, int i)
{
    double sum = 0;
    for (int k = 1; k < FINE; k++) {
        double force[3];
        kl_virtual_contact_force(contact, (double)k / FINE, force);
        sum += force[i];
    }
    return sum / FINE * contact->contact_time_s;
}

Test(virtual_gait, active_amplitude_is_that_of_the_worked_example)
{
    struct kl_virtual_runner runner = runner_without_jitter();
    struct kl_virtual_contact contact = kl_virtual_contact(&runner, KL_SIDE_RIGHT, 0, 0.35, 0.25);
    cr_expect_float_eq(contact.active_bw, 2.029469, 5e-7); /* rearfoot, methods 6 */
    kl_virtual_runner_strike(&runner, KL_VIRTUAL_FOREFOOT);
    contact = kl_virtual_contact(&runner, KL_SIDE_RIGHT, 0, 0.35, 0.25);
    cr_expect_float_eq(contact.active_bw, 2.199115, 5e-7); /* half-sine, methods 6 */
}

Test(virtual_gait, every_contact_carries_body_weight_for_its_step_and_no_net_fore_aft_impulse)
{
    struct kl_virtual_runner runner = kl_virtual_runner_defaults();
    runner.step_time_cv = 0.03;
    runner.overstride = 0.4;
    runner.step_time_s[1] = 0.37;
    runner.contact_time_s[1] = 0.23;
    runner.impact_bw[1] = 1.4;
    runner.impact_start[1] = 0.03;
    runner.impact_end[1] = 0.19;
    struct kl_virtual_gait gait;
    kl_virtual_gait_init(&gait, &runner, 1.0);
    double body_weight_n = runner.mass_kg * 9.80665;
    double sideways = 0;
    for (int k = 0; k < 20; k++) {
        struct kl_virtual_contact contact;
        kl_virtual_gait_next(&gait, &contact);
        double expected = body_weight_n * contact.step_time_s;
        cr_expect_float_eq(impulse(&contact, 1), expected, 1e-7 * expected, "contact %d", k);
        cr_expect_float_eq(impulse(&contact, 0), 0, 1e-9 * expected, "contact %d", k);
        sideways += impulse(&contact, 2);
        if (k % 2 == 1) { /* left and right cancel in every stride */
            cr_expect_float_eq(sideways, 0, 1e-9 * expected, "contact %d", k);
        }
    }
}

Test(virtual_gait, horizontal_forces_and_free_moment_have_their_closed_forms)
{
    struct kl_virtual_runner runner = runner_without_jitter();
    double body_weight_n = runner.mass_kg * 9.80665;
    struct kl_virtual_contact contact = kl_virtual_contact(&runner, KL_SIDE_RIGHT, 0, 0.35, 0.25);
    double braking = 0;
    for (int k = 1; k < FINE; k++) {
        double force[3];
        kl_virtual_contact_force(&contact, (double)k / FINE, force);
        braking += fmin(force[0], 0) / FINE * contact.contact_time_s;
    }
    cr_expect_float_eq(braking / body_weight_n, -0.019894, 5e-7); /* B tc/pi, methods 21.1 */

    double force[3];
    kl_virtual_contact_force(&contact, 0.25, force);
    cr_expect_float_eq(force[0], -0.25 * body_weight_n, 1e-9);
    kl_virtual_contact_force(&contact, 0.5, force);
    cr_expect_float_eq(force[2], -0.06 * body_weight_n, 1e-9);
    cr_expect_float_eq(kl_virtual_contact_free_moment(&contact, 0.5), 0.003 * body_weight_n * 1.75,
                       1e-9);

    runner.overstride = 0.5;
    contact = kl_virtual_contact(&runner, KL_SIDE_RIGHT, 0, 0.35, 0.25);
    kl_virtual_contact_force(&contact, 0.125, force); /* cos(pi/4) = sin(pi/4) = sqrt(1/2) */
    cr_expect_float_eq(force[0], -0.25 * body_weight_n * sqrt(0.5) * (1 + 0.5 * sqrt(0.5)), 1e-9);
}

Test(virtual_gait, left_is_the_mirror_of_right)
{
    struct kl_virtual_runner runner = runner_without_jitter();
    struct kl_virtual_contact right = kl_virtual_contact(&runner, KL_SIDE_RIGHT, 0, 0.35, 0.25);
    struct kl_virtual_contact left = kl_virtual_contact(&runner, KL_SIDE_LEFT, 0, 0.35, 0.25);
    /* polar (x, y, -z), axial (-x, -y, z): methods 1.2 */
    static const double sign[KL_WRENCH_COUNT] = {1, 1, -1, -1, -1, 1};
    for (int k = 0; k < 25; k++) {
        double t = 0.005 + 0.01 * k;
        double a[KL_WRENCH_COUNT];
        double b[KL_WRENCH_COUNT];
        kl_virtual_contact_wrench(&right, t, a);
        kl_virtual_contact_wrench(&left, t, b);
        for (int i = 0; i < KL_WRENCH_COUNT; i++) {
            cr_expect_eq(a[i], sign[i] * b[i], "component %d at %g s", i, t);
        }
    }
}

Test(virtual_gait, loading_is_the_derivative_of_the_vertical_force)
{
    struct kl_virtual_runner runner = runner_without_jitter();
    struct kl_virtual_contact contact = kl_virtual_contact(&runner, KL_SIDE_LEFT, 0, 0.35, 0.25);
    const double ds = 1e-6;
    for (int k = 0; k < 71; k++) {
        double s = 0.01 + 0.0137 * k;
        double before[3];
        double after[3];
        kl_virtual_contact_force(&contact, s - ds, before);
        kl_virtual_contact_force(&contact, s + ds, after);
        double slope = (after[1] - before[1]) / (2 * ds * contact.contact_time_s);
        /* central difference: rounding 1e-13 * 1500 N / 2e-6 / 0.25 s and third derivatives */
        cr_expect_float_eq(kl_virtual_contact_loading(&contact, s), slope, 0.01, "s %g", s);
    }
}

Test(virtual_gait, centre_of_pressure_inverts_the_wrench)
{
    struct kl_virtual_runner runner = runner_without_jitter();
    runner.com_x_m = 0.05;
    runner.com_z_m = 0.02;
    struct kl_virtual_contact contact = kl_virtual_contact(&runner, KL_SIDE_LEFT, 3, 0.35, 0.25);
    for (int k = 0; k < 14; k++) {
        double s = 0.01 + 0.07 * k;
        double w[KL_WRENCH_COUNT];
        double x = 0;
        double z = 0;
        kl_virtual_contact_wrench(&contact, 3 + s * 0.25, w);
        kl_virtual_contact_cop(&contact, s, &x, &z);
        /* methods 7.1 with h = 0 */
        cr_expect_float_eq(-w[KL_MX] / w[KL_FY], z, 1e-12);
        cr_expect_float_eq(w[KL_MZ] / w[KL_FY], x, 1e-12);
        cr_expect_float_eq(w[KL_MY] - z * w[KL_FX] + x * w[KL_FZ],
                           kl_virtual_contact_free_moment(&contact, s), 1e-9);
        /* the formulas of methods 21.1 */
        cr_expect_float_eq(x - contact.x_ic_m,
                           -3.0 * s * 0.25 + 0.152 * 1.75 * (0.1 + 0.75 * pow(s, 0.8)), 1e-12);
        cr_expect_float_eq(z - contact.z_foot_m, -0.010 * cos(pi * s), 1e-12);
    }
}

Test(virtual_gait, feet_stand_a_step_width_apart_about_the_centre_of_mass)
{
    struct kl_virtual_runner runner = runner_without_jitter();
    runner.com_z_m = 0.012;
    struct kl_virtual_contact left = kl_virtual_contact(&runner, KL_SIDE_LEFT, 0, 0.35, 0.25);
    struct kl_virtual_contact right = kl_virtual_contact(&runner, KL_SIDE_RIGHT, 0, 0.35, 0.25);
    cr_expect_float_eq(kl_virtual_contact_weighted_z(&left), 0.012 - 0.04, 1e-12);
    cr_expect_float_eq(kl_virtual_contact_weighted_z(&right), 0.012 + 0.04, 1e-12);
    /* the closed form of the weighted mean, against the trapezoid */
    double sum = 0;
    double weight = 0;
    for (int k = 1; k < FINE; k++) {
        double force[3];
        double x = 0;
        double z = 0;
        kl_virtual_contact_force(&right, (double)k / FINE, force);
        kl_virtual_contact_cop(&right, (double)k / FINE, &x, &z);
        sum += z * force[1];
        weight += force[1];
    }
    cr_expect_float_eq(sum / weight, 0.012 + 0.04, 1e-9);
}

Test(virtual_gait, contacts_alternate_without_a_hole)
{
    struct kl_virtual_runner runner = kl_virtual_runner_defaults();
    struct kl_virtual_gait gait;
    kl_virtual_gait_init(&gait, &runner, 2.5);
    double onset_s = 2.5;
    for (uint64_t k = 0; k < 1000; k++) {
        struct kl_virtual_contact contact;
        kl_virtual_gait_next(&gait, &contact);
        cr_assert_eq(contact.index, k);
        cr_assert_eq(contact.side, k % 2 == 0 ? KL_SIDE_LEFT : KL_SIDE_RIGHT);
        cr_assert_eq(contact.onset_s, onset_s);
        onset_s += contact.step_time_s;
    }
}

Test(virtual_gait, jitter_is_an_autoregressive_gaussian_of_the_given_size)
{
    enum { STEPS = 20000 };
    struct kl_virtual_runner runner = kl_virtual_runner_defaults();
    runner.step_time_s[1] = 0.36; /* each side about its own mean */
    struct kl_virtual_gait gait;
    kl_virtual_gait_init(&gait, &runner, 1);
    double sum[2] = {0};
    double square[2] = {0};
    double lag[2] = {0};
    double before[2] = {0};
    double cross = 0;
    for (int k = 0; k < STEPS; k++) {
        struct kl_virtual_contact contact;
        kl_virtual_gait_next(&gait, &contact);
        double mean_s = contact.side == KL_SIDE_LEFT ? 0.35 : 0.36;
        double d[2] = {contact.step_time_s / mean_s - 1, contact.contact_time_s / 0.25 - 1};
        for (int i = 0; i < 2; i++) {
            sum[i] += d[i];
            square[i] += d[i] * d[i];
            lag[i] += d[i] * before[i];
            before[i] = d[i];
        }
        cross += d[0] * d[1];
    }
    for (int i = 0; i < 2; i++) {
        /* five standard errors for n = 20000 and phi = 0.3 (variance inflation (1+phi)/(1-phi) of
         * the mean, (1+phi^2)/(1-phi^2) of the variance) */
        cr_expect_float_eq(sum[i] / STEPS, 0, 5 * 0.015 * sqrt(1.857 / STEPS), "series %d", i);
        cr_expect_float_eq(sqrt(square[i] / STEPS), 0.015, 5 * 0.015 * sqrt(1.198 / 2 / STEPS),
                           "series %d", i);
        cr_expect_float_eq(lag[i] / square[i], 0.3, 5 * sqrt((1 - 0.09) / STEPS), "series %d", i);
    }
    cr_expect_float_eq(cross / sqrt(square[0] * square[1]), 0, 5 * sqrt(1.198 / STEPS));
}
