#include "process/steps/step_statistics.h"

#include <gsl/gsl_cdf.h>

#include <assert.h>
#include <math.h>

#define R1_MAX 0.9    /* clamp of the autocorrelation, methods 15 */
#define N_EFF_MIN 2.0 /* project setting: one degree of freedom is the least a t interval takes */

void kl_running_add(struct kl_running *running, double value)
{
    running->n++;
    double before = value - running->mean;
    running->mean += before / (double)running->n;
    running->m2 += before * (value - running->mean);
}

double kl_running_sd(const struct kl_running *running)
{
    return running->n < 2 ? 0 : sqrt(running->m2 / (double)(running->n - 1));
}

void kl_window_init(struct kl_window *window, size_t capacity)
{
    assert(capacity >= 1 && capacity <= KL_WINDOW_MAX);
    window->capacity = capacity;
    window->count = 0;
    window->head = 0;
}

void kl_window_add(struct kl_window *window, double value)
{
    if (window->count < window->capacity) {
        window->value[window->count++] = value;
        return;
    }
    window->value[window->head] = value;
    window->head = (window->head + 1) % window->capacity;
}

struct kl_series kl_window_series(const struct kl_window *window)
{
    struct kl_series series = {.n = window->count};
    if (window->count == 0) {
        return series;
    }
    double sum = 0;
    for (size_t i = 0; i < window->count; i++) {
        sum += window->value[(window->head + i) % window->count];
    }
    series.mean = sum / (double)window->count;
    double square = 0, product = 0, last = 0;
    for (size_t i = 0; i < window->count; i++) {
        double d = window->value[(window->head + i) % window->count] - series.mean;
        square += d * d;
        product += i > 0 ? d * last : 0;
        last = d;
    }
    series.sd = window->count > 1 ? sqrt(square / (double)(window->count - 1)) : 0;
    series.r1 = square > 0 ? fmin(fmax(product / square, 0), R1_MAX) : 0;
    series.n_eff = (double)window->count * (1 - series.r1) / (1 + series.r1);
    return series;
}

double kl_series_margin(const struct kl_series *series, double probability)
{
    if (series->n < 2) {
        return 0;
    }
    double n_eff = fmax(series->n_eff, N_EFF_MIN);
    return gsl_cdf_tdist_Pinv(probability, n_eff - 1) * series->sd / sqrt(n_eff);
}

void kl_step_statistics_add(struct kl_step_statistics *statistics, const struct kl_step *step)
{
    if (!step->valid) {
        return;
    }
    size_t at = statistics->head;
    for (size_t m = 0; m < KL_METRIC_COUNT; m++) {
        bool valid = step->metric_reasons[m] == 0;
        statistics->valid[at][m] = valid;
        statistics->value[at][m] = valid ? step->metric[m] : 0;
        if (valid) {
            kl_running_add(&statistics->running[m], step->metric[m]);
        }
    }
    statistics->steps++;
    statistics->head = (at + 1) % KL_STATISTICS_STEPS;
    statistics->count += statistics->count < KL_STATISTICS_STEPS;
}

size_t kl_step_statistics_recent(const struct kl_step_statistics *statistics,
                                 enum kl_metric_id metric, double *mean, double *sd)
{
    /* Order does not matter to a mean, but a fixed one keeps the bits: oldest first. */
    struct kl_running window = {0};
    size_t oldest = statistics->head + KL_STATISTICS_STEPS - statistics->count;
    for (size_t i = 0; i < statistics->count; i++) {
        size_t at = (oldest + i) % KL_STATISTICS_STEPS;
        if (statistics->valid[at][metric]) {
            kl_running_add(&window, statistics->value[at][metric]);
        }
    }
    if (window.n > 0) {
        *mean = window.mean;
        *sd = kl_running_sd(&window);
    }
    return window.n;
}
