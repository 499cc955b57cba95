#include "process/force/butterworth.h"

#include <criterion/criterion.h>

#include <math.h>

#define PI 3.14159265358979323846

/* |b0 + b1 z + b2 z^2|^2 on the unit circle. */
static double squared(double c0, double c1, double c2, double w)
{
    double re = c0 + c1 * cos(w) + c2 * cos(2 * w);
    double im = c1 * sin(w) + c2 * sin(2 * w);
    return re * re + im * im;
}

/* Power of one pass, which is the gain of two. */
static double power(const struct kl_butterworth *f, double frequency_hz, double rate_hz)
{
    double w = 2 * PI * frequency_hz / rate_hz;
    return squared(f->b0, f->b1, f->b0, w) / squared(1, f->a1, f->a2, w);
}

Test(butterworth, coefficients_at_50_hz_are_those_of_the_method_book)
{
    struct kl_butterworth f;
    cr_assert_eq(kl_butterworth_init(&f, 50, 1000), KL_OK);
    /* methods 3.2, given to 14 digits */
    cr_expect_float_eq(f.b0, 0.02956907471621, 1e-14);
    cr_expect_float_eq(f.b1, 2 * 0.02956907471621, 2e-14);
    cr_expect_float_eq(f.a1, -1.45810386046134, 1e-14);
    cr_expect_float_eq(f.a2, 0.57638015932619, 1e-14);
}

Test(butterworth, two_passes_lose_3_db_at_the_cutoff_and_nothing_at_rest)
{
    static const struct {
        const char *legend;
        double cutoff_hz, rate_hz;
    } rows[] = {
        {"default", 50, 1000}, {"KAM", 20, 1000},  {"old treadmill", 50, 300},
        {"fast", 100, 10000},  {"limit", 40, 100},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct kl_butterworth f;
        cr_assert_eq(kl_butterworth_init(&f, rows[i].cutoff_hz, rows[i].rate_hz), KL_OK);
        cr_expect_float_eq(power(&f, rows[i].cutoff_hz, rows[i].rate_hz), sqrt(0.5), 1e-9, "%s",
                           rows[i].legend);
        cr_expect_float_eq(power(&f, 0, rows[i].rate_hz), 1.0, 1e-9, "%s", rows[i].legend);
        cr_assert_eq(kl_butterworth_init_causal(&f, rows[i].cutoff_hz, rows[i].rate_hz), KL_OK);
        cr_expect_float_eq(power(&f, rows[i].cutoff_hz, rows[i].rate_hz), 0.5, 1e-9, "%s",
                           rows[i].legend);
    }
}

Test(butterworth, run_up_of_the_backward_pass_is_the_projects)
{
    struct kl_butterworth f;
    cr_assert_eq(kl_butterworth_init(&f, 50, 1000), KL_OK);
    cr_expect_eq(f.settle, 100); /* 100 ms, methods 3.3 */
    cr_assert_eq(kl_butterworth_init(&f, 20, 1000), KL_OK);
    cr_expect_float_eq((double)f.settle, 250, 2); /* 250 ms */
}

Test(butterworth, causal_pass_delays_slow_signals_by_4_5_ms)
{
    struct kl_butterworth f;
    cr_assert_eq(kl_butterworth_init_causal(&f, 50, 1000), KL_OK);
    /* sqrt(2) / (2 pi fc) = 4.50 ms (methods 3.3); 4.47 at 1 Hz */
    cr_expect_float_eq(kl_butterworth_delay(&f), 4.47, 0.01);
}

Test(butterworth, settled_state_keeps_a_constant)
{
    struct kl_butterworth f;
    cr_assert_eq(kl_butterworth_init(&f, 50, 300), KL_OK);
    const double input[KL_WRENCH_COUNT] = {1, -1000, 3e6, 0, 0.1, 1e-9};
    struct kl_butterworth_state state;
    kl_butterworth_settle(&f, &state, input);
    for (int i = 0; i < 1000; i++) {
        double output[KL_WRENCH_COUNT];
        kl_butterworth_step(&f, &state, input, output);
        for (size_t c = 0; c < KL_WRENCH_COUNT; c++) {
            cr_assert_float_eq(output[c], input[c], 1e-12 * fabs(input[c]) + 1e-300);
        }
    }
}

Test(butterworth, impossible_cutoffs_are_refused)
{
    static const struct {
        double cutoff_hz, rate_hz;
    } rows[] = {{0, 1000},  {-5, 1000},        {401, 1000},        {50, 0},
                {50, -300}, {50, (double)NAN}, {(double)NAN, 300}, {50, 124}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct kl_butterworth f = {.b0 = 42};
        cr_expect_eq(kl_butterworth_init(&f, rows[i].cutoff_hz, rows[i].rate_hz), KL_ERR_RANGE,
                     "row %zu", i);
        cr_expect_eq(f.b0, 42, "row %zu touched its output", i);
    }
}
