/* Oracles: methods 13 (Teager-Kaiser of a tone, simulated bursts) and closed forms. Bursts are
 * drawn as methods 21.4 draws them: Gaussian noise of 20-450 Hz times a raised cosine over a floor.
 */
#include "process/muscle/emg_filter.h"
#include "process/muscle/muscle_step.h"

#include <criterion/criterion.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define PI 3.14159265358979323846
#define RATE 2000.0

enum { COUNT = 1900 }; /* 0.95 s: IC at 0.6, toe-off at 0.85 */

static struct kl_muscle_scratch scratch;

/* A small generator of its own, so that the numbers are the same everywhere. */
static uint64_t seed = 88172645463325252u;

static double uniform(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return ((double)(seed >> 11) + .5) / 9007199254740992.0;
}

static double gauss(void)
{
    return sqrt(-2 * log(uniform())) * cos(2 * PI * uniform());
}

/* White noise of 20 to 450 Hz with SD 1. */
static void noise(double *x, size_t count)
{
    struct kl_emg_section high;
    struct kl_emg_section low;
    cr_assert_eq(kl_emg_high_pass(&high, 20, RATE), KL_OK);
    cr_assert_eq(kl_emg_low_pass(&low, 450, RATE), KL_OK);
    double square = 0;
    for (size_t i = 0; i < count; i++) {
        x[i] = gauss();
    }
    kl_emg_filter(&high, x, count);
    kl_emg_filter(&low, x, count);
    for (size_t i = 0; i < count; i++) {
        square += x[i] * x[i] / (double)count;
    }
    for (size_t i = 0; i < count; i++) {
        x[i] /= sqrt(square);
    }
}

/* What the muscle's own band-pass leaves of the amplitude of drawn noise: both have rounded
 * corners. */
static double kept_by_the_band(void)
{
    static double x[60000];
    struct kl_emg_section high;
    struct kl_emg_section low;
    double square = 0;
    noise(x, 60000);
    cr_assert_eq(kl_emg_high_pass(&high, 20, RATE), KL_OK);
    cr_assert_eq(kl_emg_low_pass(&low, 450, RATE), KL_OK);
    kl_emg_filter(&high, x, 60000);
    kl_emg_filter(&low, x, 60000);
    for (size_t i = 0; i < 60000; i++) {
        square += x[i] * x[i] / 60000;
    }
    return sqrt(square);
}

/* A burst from IC-90 to IC+110 ms, moved by delay_s, SD `volts` at its top over volts / snr. */
static void burst(double volts, double snr, double delay_s, double *out)
{
    noise(out, COUNT);
    for (size_t i = 0; i < COUNT; i++) {
        double t = (double)i / RATE - .6 - delay_s + .09;
        double envelope = t > 0 && t < .2 ? .5 * (1 - cos(2 * PI * t / .2)) : 0;
        out[i] *= volts * (envelope + 1 / snr);
    }
}

static struct kl_muscle_stretch stretch_of(const double *raw)
{
    return (struct kl_muscle_stretch){
        .rate_hz = RATE, .count = COUNT, .raw_v = raw, .ic_s = .6, .to_s = .85};
}

Test(muscle, energy_of_a_tone_is_that_of_the_book)
{
    double x[40];
    double energy[40];
    for (size_t i = 0; i < 40; i++) {
        x[i] = .3 * sin(2 * PI * 80 / RATE * (double)i + .7);
    }
    kl_teager_kaiser(x, 40, energy);
    for (size_t i = 0; i < 40; i++) {
        cr_expect_float_eq(energy[i], .0055661994, 5e-11);
    }
}

/* Gain of a filter for one frequency: a long tone's middle. */
static double gain(const struct kl_emg_section *section, double frequency_hz)
{
    static double x[20000];
    for (size_t i = 0; i < 20000; i++) {
        x[i] = sin(2 * PI * frequency_hz / RATE * (double)i);
    }
    kl_emg_filter(section, x, 20000);
    double most = 0;
    for (size_t i = 8000; i < 12000; i++) {
        most = fmax(most, fabs(x[i]));
    }
    return most;
}

Test(emg_filter, loses_3_db_at_its_cut_off_after_both_passes)
{
    struct kl_emg_section section;
    cr_assert_eq(kl_emg_high_pass(&section, 20, RATE), KL_OK);
    cr_expect_float_eq(gain(&section, 20), sqrt(.5), 1e-3);
    cr_expect_gt(gain(&section, 100), .998);
    cr_expect_lt(gain(&section, 2), 1e-3);
    cr_assert_eq(kl_emg_low_pass(&section, 450, RATE), KL_OK);
    cr_expect_float_eq(gain(&section, 450), sqrt(.5), 2e-3);
    cr_expect_gt(gain(&section, 50), .999);
    cr_assert_eq(kl_emg_notch(&section, 50, 30, RATE), KL_OK);
    cr_expect_lt(gain(&section, 50), 1e-3);
    cr_expect_gt(gain(&section, 60), .97);
    cr_expect_eq(kl_emg_low_pass(&section, 450, 900), KL_ERR_RANGE);
    cr_expect_eq(kl_emg_high_pass(&section, 0, 900), KL_ERR_RANGE);
}

/* Mean and SD of the onset's error over simulated bursts; part that was refused. */
static void onsets(double snr, double delay_s, size_t runs, double *mean, double *sd,
                   double *refused)
{
    static double raw[COUNT];
    double sum = 0;
    double square = 0;
    size_t n = 0;
    for (size_t i = 0; i < runs; i++) {
        burst(1e-3, snr, delay_s, raw);
        struct kl_muscle_stretch stretch = stretch_of(raw);
        struct kl_muscle_step step;
        kl_muscle_step_of(&stretch, &scratch, &step);
        if (step.has_onset) {
            sum += step.onset_s;
            square += step.onset_s * step.onset_s;
            n++;
        }
    }
    *refused = 1 - (double)n / (double)runs;
    *mean = n > 0 ? sum / (double)n : 0;
    *sd = n > 1 ? sqrt(square / (double)n - *mean * *mean) : 0;
}

Test(muscle, a_true_delay_comes_back_and_a_weak_signal_is_refused)
{
    double early, late, sd, refused;
    onsets(20, 0, 300, &early, &sd, &refused);
    (void)fprintf(stderr, "SNR 20: onset %.1f ms (SD %.1f), refused %.0f %%\n", 1e3 * early,
                  1e3 * sd, 100 * refused);
    cr_expect_lt(refused, .01);
    onsets(20, .010, 300, &late, &sd, &refused);
    /* methods 13: bias cancels in the difference, 10.1 +- 3.0 ms per step; 300 steps each: SE 0.5
     * ms */
    cr_expect_float_eq(late - early, .010, .0015, "%g ms", 1e3 * (late - early));
    onsets(3, 0, 200, &early, &sd, &refused);
    (void)fprintf(stderr, "SNR 3: refused %.0f %%\n", 100 * refused);
    cr_expect_gt(refused, .85); /* one step's estimate of the ratio varies by about 15 % */
    onsets(8, 0, 200, &early, &sd, &refused);
    (void)fprintf(stderr, "SNR 8: onset %.1f ms (SD %.1f), refused %.0f %%\n", 1e3 * early,
                  1e3 * sd, 100 * refused);
    cr_expect_lt(refused, .10);
}

Test(muscle, amplitude_is_in_proportion_and_its_windows_are_where_the_burst_is)
{
    static double raw[COUNT];
    double weak = 0;
    double strong = 0;
    double activation = 0;
    for (size_t i = 0; i < 60; i++) {
        struct kl_muscle_step step;
        struct kl_muscle_stretch stretch = stretch_of(raw);
        burst(1e-3, 20, 0, raw);
        kl_muscle_step_of(&stretch, &scratch, &step);
        cr_expect_eq(step.marks, 0);
        weak += step.loading_v / 60;
        activation += step.activation_v / 60;
        burst(2e-3, 20, 0, raw);
        kl_muscle_step_of(&stretch, &scratch, &step);
        strong += step.loading_v / 60;
    }
    cr_expect_float_eq(strong / weak, 2,
                       .1); /* 60 bursts of about 80 independent samples: 2 % SE */
    /* Mean |x| is SD sqrt(2/pi); the envelope is that of the burst behind the same 10 Hz filter.
     * Drawn noise loses 3 % of its power to the second band-pass; 60 bursts: SE 1.5 %. */
    static double envelope[COUNT];
    struct kl_emg_section smooth;
    cr_assert_eq(kl_emg_low_pass(&smooth, 10, RATE), KL_OK);
    double meant = 0;
    for (size_t i = 0; i < COUNT; i++) {
        double t = (double)i / RATE - .6 + .09;
        envelope[i] = (t > 0 && t < .2 ? .5 * (1 - cos(2 * PI * t / .2)) : 0) + 1 / 20.;
    }
    kl_emg_filter(&smooth, envelope, COUNT);
    for (size_t i = 1000; i < 1200; i++) {
        meant += 1e-3 * sqrt(2 / PI) * envelope[i] / 200;
    }
    meant *= kept_by_the_band();
    cr_expect_float_eq(activation, meant, .04 * meant, "%g %g", activation, meant);
}

Test(muscle, what_cannot_be_trusted_is_marked)
{
    static double raw[COUNT];
    static double worse[COUNT];
    burst(1e-3, 20, 0, raw);
    struct kl_muscle_stretch stretch = stretch_of(raw);
    struct kl_muscle_step step;

    stretch.quality = KL_QUALITY_GAP;
    kl_muscle_step_of(&stretch, &scratch, &step);
    cr_expect_eq(step.marks, KL_MUSCLE_MISSING);
    stretch.quality = KL_QUALITY_CLIPPED;
    kl_muscle_step_of(&stretch, &scratch, &step);
    cr_expect_eq(step.marks, KL_MUSCLE_RAIL);
    stretch.quality = 0;
    stretch.rail_v = 1e-3;
    kl_muscle_step_of(&stretch, &scratch, &step);
    cr_expect_eq(step.marks, KL_MUSCLE_RAIL);
    stretch.rail_v = 0;
    stretch.rate_hz = 250;
    kl_muscle_step_of(&stretch, &scratch, &step);
    cr_expect_eq(step.marks, KL_MUSCLE_RATE);

    for (size_t i = 0; i < COUNT; i++) { /* a swinging cable: 4 Hz, three times the signal */
        worse[i] = raw[i] + 1e-3 * sin(2 * PI * 4 * (double)i / RATE);
    }
    stretch = stretch_of(worse);
    kl_muscle_step_of(&stretch, &scratch, &step);
    cr_expect_eq(step.marks, KL_MUSCLE_ARTEFACT);

    for (size_t i = 0; i < COUNT; i++) {
        worse[i] = raw[i] + 2e-4 * sin(2 * PI * 50 * (double)i / RATE);
    }
    stretch.line_hz = 50;
    kl_muscle_step_of(&stretch, &scratch, &step);
    cr_expect_eq(step.marks, KL_MUSCLE_LINE_HUM);
    struct kl_muscle_step clean;
    stretch = stretch_of(raw);
    stretch.line_hz = 50;
    kl_muscle_step_of(&stretch, &scratch, &clean);
    cr_expect_eq(clean.marks, 0, "no hum, no notch");
    cr_expect_float_eq(step.loading_v, clean.loading_v, .15 * clean.loading_v);
    stretch.count = 100;
    kl_muscle_step_of(&stretch, &scratch, &clean);
    cr_expect_eq(clean.marks, KL_MUSCLE_MISSING);
}

Test(muscle, the_reference_is_the_largest_half_second)
{
    static double raw[8000];
    noise(raw, 8000);
    for (size_t i = 0; i < 8000; i++) {
        double t = (double)i / RATE;
        raw[i] *= t > 1.5 && t < 2.5 ? 2e-3 : 5e-4;
    }
    struct kl_muscle_stretch trial = {.rate_hz = RATE, .count = 8000, .raw_v = raw};
    uint32_t marks = 1;
    /* The second band-pass takes 3 % of what was drawn; half seconds of 400 independent samples
     * vary by 3.5 %. */
    double found = kl_muscle_reference(&trial, &scratch, &marks);
    cr_expect_float_eq(found, 2.04e-3 * kept_by_the_band(), .1e-3, "%g", found);
    cr_expect_eq(marks, 0);
    trial.count = 900;
    cr_expect_eq(kl_muscle_reference(&trial, &scratch, &marks), 0);
    cr_expect_eq(marks, KL_MUSCLE_MISSING);
}

Test(muscle, electrodes_that_hear_each_other_correlate)
{
    static double a[COUNT];
    static double b[COUNT];
    noise(a, COUNT);
    noise(b, COUNT);
    cr_expect_lt(fabs(kl_muscle_cross_talk(a, b, COUNT)), .1);
    for (size_t i = 0; i < COUNT; i++) {
        b[i] += .5 * a[i];
    }
    cr_expect_float_eq(kl_muscle_cross_talk(a, b, COUNT), .5 / sqrt(1.25), .05);
    cr_expect_eq(kl_muscle_cross_talk(a, b, 0), 0);
}
