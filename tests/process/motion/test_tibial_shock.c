/* Oracles: methods 11 and 21.3: a decaying 18 Hz burst, halved amplitude -6.0206 dB, 0.35 -9.1186
 * dB; a pure tone's median frequency. */
#include "process/motion/motion_metric.h"

#include <criterion/criterion.h>

#include <string.h>

#define PI 3.14159265358979323846

static struct kl_shock_window window;

static void burst(struct kl_shock *shock, double amplitude)
{
    memset(shock, 0, sizeof(*shock));
    for (size_t i = 0; i < KL_SHOCK_SAMPLES; i++) {
        double t = (double)i / KL_SHOCK_RATE_HZ - KL_SHOCK_BEFORE_S;
        double y = t > 0 ? amplitude * exp(-t / 0.015) * sin(2 * PI * 18 * t) : 0;
        shock->raw_m_s2[i] = (struct kl_vec){0.2 * y, y, 0};
        shock->filtered_m_s2[i] = shock->raw_m_s2[i];
    }
}

Test(tibial_shock, peaks_of_a_burst_are_found_in_time_and_height)
{
    burst(&window.tibia, 100);
    struct kl_shock_peaks peaks;
    cr_assert_eq(kl_shock_peaks_of(&window.tibia, &peaks), 0);
    /* top where tan(2 pi 18 t) = 2 pi 18 * 0.015 */
    double t = atan(2 * PI * 18 * 0.015) / (2 * PI * 18);
    double top = 100 * exp(-t / 0.015) * sin(2 * PI * 18 * t);
    cr_expect_float_eq(peaks.axial_s, t, 0.5e-3);
    cr_expect_float_eq(peaks.axial_m_s2, top, 0.002 * top); /* half a grid step beside the top */
    cr_expect_float_eq(peaks.resultant_m_s2, top * sqrt(1.04), 0.002 * top);
}

Test(tibial_shock, a_saturated_sensor_gives_no_peak_but_says_so)
{
    burst(&window.tibia, 100);
    window.tibia.marks = KL_MOTION_CLIPPED;
    static struct kl_motion_window motion = {
        .count = 300, .ic_s = .3, .to_s = .5, .side = KL_SIDE_RIGHT};
    struct kl_motion_input input = {&motion, &window};
    double out = 77;
    uint32_t marks;
    cr_expect_not(kl_motion_metric_compute(KL_MOTION_SHOCK_AXIAL, &input, &out, &marks));
    cr_expect_eq(marks, KL_MOTION_CLIPPED);
    window.tibia.marks = 0;
    cr_expect(kl_motion_metric_compute(KL_MOTION_SHOCK_AXIAL, &input, &out, &marks));
    cr_expect_gt(out, 30);
}

Test(tibial_shock, attenuation_is_the_ratio_of_amplitudes)
{
    static const struct {
        double ratio, db;
    } rows[] = {{0.5, -6.0206}, {0.35, -9.1186}, {1, 0}, {2, 6.0206}};
    struct kl_shock_attenuation *attenuation = kl_shock_attenuation_create();
    cr_assert_not_null(attenuation);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        kl_shock_attenuation_reset(attenuation);
        double db = 77;
        for (int step = 0; step < 10; step++) {
            cr_expect_not(kl_shock_attenuation_get(attenuation, &db), "step %d", step);
            burst(&window.tibia, 60 + step);
            burst(&window.proximal, rows[i].ratio * (60 + step));
            cr_expect(kl_shock_attenuation_add(attenuation, &window));
        }
        cr_assert(kl_shock_attenuation_get(attenuation, &db));
        cr_expect_float_eq(db, rows[i].db, 5e-5);
    }
    kl_shock_attenuation_destroy(attenuation);
    kl_shock_attenuation_destroy(NULL);
}

Test(tibial_shock, median_frequency_of_a_tone_is_the_tone)
{
    struct kl_shock_attenuation *attenuation = kl_shock_attenuation_create();
    memset(&window, 0, sizeof(window));
    for (size_t i = 0; i < KL_SHOCK_SAMPLES; i++) {
        window.tibia.raw_m_s2[i].y = sin(2 * PI * 25 * (double)i / KL_SHOCK_RATE_HZ);
        window.proximal.raw_m_s2[i].y = window.tibia.raw_m_s2[i].y;
    }
    for (int step = 0; step < 10; step++) {
        cr_expect(kl_shock_attenuation_add(attenuation, &window));
    }
    double hz = 0;
    cr_assert(kl_shock_median_frequency(attenuation, &hz));
    cr_expect_float_eq(hz, 25, 0.5); /* half a bin */
    kl_shock_attenuation_destroy(attenuation);
}

Test(tibial_shock, a_step_with_a_marked_sensor_is_left_out_and_silence_has_no_ratio)
{
    struct kl_shock_attenuation *attenuation = kl_shock_attenuation_create();
    memset(&window, 0, sizeof(window));
    window.proximal.marks = KL_MOTION_MISSING;
    cr_expect_not(kl_shock_attenuation_add(attenuation, &window));
    window.proximal.marks = 0;
    double out = 77;
    for (int step = 0; step < 12; step++) {
        cr_expect(kl_shock_attenuation_add(attenuation, &window));
    }
    cr_expect_eq(kl_shock_attenuation_steps(attenuation), 12);
    cr_expect_not(kl_shock_attenuation_get(attenuation, &out));
    cr_expect_not(kl_shock_median_frequency(attenuation, &out));
    cr_expect_eq(out, 77);
    kl_shock_attenuation_destroy(attenuation);
}

Test(tibial_shock, only_the_last_fifty_steps_count)
{
    struct kl_shock_attenuation *attenuation = kl_shock_attenuation_create();
    double db = 0;
    for (int step = 0; step < 130; step++) {
        memset(&window, 0, sizeof(window));
        burst(&window.tibia, 60 + step % 7);
        /* 60 steps of a half, then 70 of 0.35: nothing of the first is left */
        burst(&window.proximal, (step < 60 ? 0.5 : 0.35) * (60 + step % 7));
        cr_expect(kl_shock_attenuation_add(attenuation, &window));
    }
    cr_expect_eq(kl_shock_attenuation_steps(attenuation), KL_SHOCK_STEPS);
    cr_assert(kl_shock_attenuation_get(attenuation, &db));
    cr_expect_float_eq(db, -9.1186, 5e-5);
    kl_shock_attenuation_destroy(attenuation);
}
