#include "process/steps/step_statistics.h"

#include <criterion/criterion.h>

#include <math.h>

/* A fixed, dull sequence: no library random numbers whose bits may change. */
static double dull(unsigned i)
{
    return sin(0.7 * i) + 0.3 * sin(2.9 * i + 1) + 0.01 * i;
}

Test(step_statistics, running_mean_and_sd_equal_the_two_pass_formulas)
{
    struct kl_running running = {0};
    double sum = 0, square = 0;
    const unsigned n = 500;
    for (unsigned i = 0; i < n; i++) {
        kl_running_add(&running, 1e6 + dull(i));
        sum += dull(i);
    }
    for (unsigned i = 0; i < n; i++) {
        square += (dull(i) - sum / n) * (dull(i) - sum / n);
    }
    cr_expect_eq(running.n, n);
    cr_expect_float_eq(running.mean, 1e6 + sum / n, 1e-8);
    cr_expect_float_eq(kl_running_sd(&running), sqrt(square / (n - 1)), 1e-8);
    cr_expect_eq(kl_running_sd(&(struct kl_running){.n = 1, .mean = 3}), 0);
}

Test(step_statistics, a_window_holds_the_newest_values_in_order_of_time)
{
    struct kl_window window;
    kl_window_init(&window, 60);
    for (unsigned i = 0; i < 143; i++) {
        kl_window_add(&window, dull(i));
        unsigned n = i + 1 < 60 ? i + 1 : 60, first = i + 1 - n;
        double sum = 0, square = 0, product = 0;
        for (unsigned k = first; k <= i; k++) {
            sum += dull(k);
        }
        double mean = sum / n;
        for (unsigned k = first; k <= i; k++) {
            square += (dull(k) - mean) * (dull(k) - mean);
            product += k > first ? (dull(k) - mean) * (dull(k - 1) - mean) : 0;
        }
        struct kl_series series = kl_window_series(&window);
        double r1 = square > 0 ? fmin(fmax(product / square, 0), 0.9) : 0;
        cr_assert_eq(series.n, n);
        cr_expect_float_eq(series.mean, mean, 1e-12);
        cr_expect_float_eq(series.sd, n > 1 ? sqrt(square / (n - 1)) : 0, 1e-12);
        cr_expect_float_eq(series.r1, r1, 1e-9);
        cr_expect_float_eq(series.n_eff, n * (1 - r1) / (1 + r1), 1e-7);
    }
}

Test(step_statistics, autocorrelation_is_clamped_to_what_methods_allow)
{
    struct kl_window window;
    kl_window_init(&window, 100);
    for (unsigned i = 0; i < 100; i++) {
        kl_window_add(&window, i);
    }
    cr_expect_eq(kl_window_series(&window).r1, 0.9);
    kl_window_init(&window, 100);
    for (unsigned i = 0; i < 100; i++) {
        kl_window_add(&window, i % 2);
    }
    cr_expect_eq(kl_window_series(&window).r1, 0);
    kl_window_init(&window, 100);
    for (unsigned i = 0; i < 100; i++) {
        kl_window_add(&window, 5);
    }
    cr_expect_eq(kl_window_series(&window).r1, 0);
    cr_expect_eq(kl_window_series(&window).n_eff, 100);
}

Test(step_statistics, margin_is_the_tabled_t_quantile_times_the_standard_error)
{
    /* t(0.95, 59) = 1.6711, t(0.975, 59) = 2.0010, t(0.975, 1) = 12.7062: any printed table. */
    const struct {
        double n_eff, probability, t;
    } rows[] = {
        {60, 0.95, 1.67109}, {60, 0.975, 2.00100}, {2, 0.975, 12.7062}, {0.5, 0.975, 12.7062}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct kl_series series = {.n = 60, .sd = 3, .n_eff = rows[i].n_eff};
        double n_eff = fmax(rows[i].n_eff, 2);
        cr_expect_float_eq(kl_series_margin(&series, rows[i].probability),
                           rows[i].t * 3 / sqrt(n_eff), 1e-4, "row %zu", i);
    }
    cr_expect_eq(kl_series_margin(&(struct kl_series){.n = 1}, 0.95), 0);
}

Test(step_statistics, recent_values_come_from_the_last_sixty_valid_steps_only)
{
    static struct kl_step_statistics statistics;
    for (unsigned i = 0; i < 200; i++) {
        struct kl_step step = {.valid = i % 5 != 0};
        for (int m = 0; m < KL_METRIC_COUNT; m++) {
            step.metric[m] = dull(i) + m;
        }
        step.metric_reasons[KL_METRIC_VALR] = i % 3 == 0 ? KL_REASON_NOISE : 0;
        kl_step_statistics_add(&statistics, &step);
    }
    double sum = 0, valr_sum = 0;
    size_t n = 0, valr_n = 0;
    for (unsigned i = 200; i-- > 0 && n < 60;) {
        if (i % 5 == 0) {
            continue;
        }
        sum += dull(i);
        n++;
        valr_sum += i % 3 != 0 ? dull(i) + KL_METRIC_VALR : 0;
        valr_n += i % 3 != 0;
    }
    double mean = 0, sd = 0;
    cr_expect_eq(kl_step_statistics_recent(&statistics, KL_METRIC_CONTACT_TIME, &mean, &sd), 60);
    cr_expect_float_eq(mean, sum / 60, 1e-12);
    cr_expect_eq(kl_step_statistics_recent(&statistics, KL_METRIC_VALR, &mean, &sd), valr_n);
    cr_expect_float_eq(mean, valr_sum / (double)valr_n, 1e-12);
    cr_expect_eq(statistics.steps, 160);
    struct kl_step_statistics empty = {0};
    mean = 7;
    cr_expect_eq(kl_step_statistics_recent(&empty, KL_METRIC_VALR, &mean, &sd), 0);
    cr_expect_eq(mean, 7);
}
