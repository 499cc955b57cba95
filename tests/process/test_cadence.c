#include "process/steps/cadence.h"
#include "process/steps/total_force.h"

#include <criterion/criterion.h>

#include <math.h>

static const double pi = 3.14159265358979323846;

/* Half-sine stances, 200 values a second, with a little more on every other foot. */
static void run(struct kl_cadence *cadence, double seconds, double step_s, double asymmetry)
{
    for (double t = 0; t < seconds; t += 1.0 / KL_TOTAL_RATE_HZ) {
        double k = floor(t / step_s), in = t - k * step_s, contact_s = 0.71 * step_s;
        double peak = 1500 * (1 + (fmod(k, 2) > 0 ? asymmetry : 0));
        double fy = in < contact_s ? peak * sin(pi * in / contact_s) : 0;
        kl_cadence_force(cadence, fy, true, false);
    }
}

Test(cadence, counted_is_exact_for_equal_steps)
{
    struct kl_cadence *cadence = kl_cadence_create();
    double first_ns = -1;
    for (int k = 0; k <= 60; k++) {
        kl_cadence_contact(cadence, 1e9 + 0.35e9 * k);
        double expected = k < 20 ? 0 : 171.4286 / 60; /* oracle 10 */
        cr_expect_float_eq(kl_cadence_counted(cadence), expected, 0.1 / 60, "contact %d", k);
        uint32_t reach = kl_cadence_reach(cadence, &first_ns);
        cr_expect_eq(reach, k < 20 ? (uint32_t)k : 20);
    }
    cr_expect_float_eq(first_ns, 1e9 + 0.35e9 * 40, 1);
    kl_cadence_restart(cadence);
    cr_expect_eq(kl_cadence_counted(cadence), 0);
    kl_cadence_destroy(cadence);
    kl_cadence_destroy(NULL);
}

Test(cadence, spectral_agrees_within_the_error_the_book_found)
{
    /* 0.12 steps/min at 10.24 s: oracle 10. */
    for (double spm = 150; spm <= 200; spm += 0.7) {
        struct kl_cadence *cadence = kl_cadence_create();
        run(cadence, 11, 60 / spm, 0.3); /* limping: a strong line at half the frequency */
        cr_expect_float_eq(60 * kl_cadence_spectral(cadence), spm, 0.03, "%g: %g", spm,
                           60 * kl_cadence_spectral(cadence));
        kl_cadence_destroy(cadence);
    }
}

Test(cadence, spectral_waits_for_a_whole_window_and_starts_again_after_a_gap)
{
    struct kl_cadence *cadence = kl_cadence_create();
    run(cadence, 10.2, 0.35, 0);
    cr_expect_eq(kl_cadence_spectral(cadence), 0);
    run(cadence, 1, 0.35, 0);
    cr_expect_gt(kl_cadence_spectral(cadence), 0);
    kl_cadence_force(cadence, 0, false, false);
    cr_expect_eq(kl_cadence_spectral(cadence), 0);
    run(cadence, 10.2, 0.35, 0);
    cr_expect_eq(kl_cadence_spectral(cadence), 0);
    kl_cadence_destroy(cadence);
}

Test(cadence, no_peak_is_no_cadence)
{
    struct kl_cadence *cadence = kl_cadence_create();
    for (int i = 0; i < 3000; i++) {
        kl_cadence_force(cadence, 686, true, false);
    }
    cr_expect_eq(kl_cadence_spectral(cadence), 0);
    kl_cadence_destroy(cadence);
}

Test(cadence, walking_is_looked_for_lower)
{
    struct kl_cadence *cadence = kl_cadence_create();
    for (int i = 0; i < 2300; i++) { /* 110 steps/min with a strong second harmonic */
        double phase = 2 * pi * 110 / 60 * i / KL_TOTAL_RATE_HZ;
        kl_cadence_force(cadence, 686 + 150 * sin(phase) + 120 * sin(2 * phase), true, true);
    }
    cr_expect_float_eq(60 * kl_cadence_spectral(cadence), 110, 0.2);
    kl_cadence_destroy(cadence);
}

Test(cadence, disagreement_needs_more_than_one_step_and_half_a_percent)
{
    const struct {
        double counted_spm;
        bool disagrees;
    } rows[] = {{171.43, false}, {173.0, false}, {173.6, true}, {169.9, false}, {169.3, true}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct kl_cadence *cadence = kl_cadence_create();
        cr_expect_not(kl_cadence_disagrees(cadence));
        run(cadence, 11, 0.35, 0);
        for (int k = 0; k < 70; k++) {
            kl_cadence_contact(cadence, 1e9 + 60e9 / rows[i].counted_spm * k);
        }
        cr_expect_eq(kl_cadence_disagrees(cadence), rows[i].disagrees, "row %zu", i);
        kl_cadence_destroy(cadence);
    }
}
