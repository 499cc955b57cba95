/* Statistics of steps: running mean and SD, windows of recent steps, and what neighbouring steps
 * being alike does to the uncertainty of a mean (methods 15, 17).
 *
 * Plain structs of the caller; no allocation. Threads: one.
 */
#ifndef KL_PROCESS_STEPS_STEP_STATISTICS_H
#define KL_PROCESS_STEPS_STEP_STATISTICS_H

#include "process/steps/step.h"

/** Mean and SD of everything so far, without keeping it (Welford 1962). */
struct kl_running {
    size_t n;
    double mean, m2;
};

void kl_running_add(struct kl_running *running, double value);

/** Sample SD (n - 1); 0 for fewer than two values. */
double kl_running_sd(const struct kl_running *running);

/** The most recent values, oldest dropped. */
#define KL_WINDOW_MAX 240
struct kl_window {
    size_t capacity; /* 1 - KL_WINDOW_MAX */
    size_t count, head;
    double value[KL_WINDOW_MAX]; /* ring; head is the oldest once full */
};

void kl_window_init(struct kl_window *window, size_t capacity);
void kl_window_add(struct kl_window *window, double value);

/** Mean, SD and uncertainty of a series in which neighbours are alike. */
struct kl_series {
    size_t n;
    double mean;
    double sd;    /* n - 1; 0 for n < 2 */
    double r1;    /* lag-1 autocorrelation, clamped to 0..0.9 */
    double n_eff; /* n (1 - r1) / (1 + r1) */
};

/** Of a window in order of time.
 *  r1 = sum (x_i - m)(x_{i+1} - m) / sum (x_i - m)^2, 0 for constant values.  Source: methods 15 */
struct kl_series kl_window_series(const struct kl_window *window);

/** Half width of an interval of the mean: t(probability, n_eff - 1) sd / sqrt(n_eff).
 *  @param probability  0.95 one-sided, 0.975 for a 95 % interval on both sides
 *  n_eff is taken as at least 2: with less nothing can be said, and the quantile does not exist. */
double kl_series_margin(const struct kl_series *series, double probability);

/** Statistics of one side's valid steps, all metrics. */
#define KL_STATISTICS_STEPS 60 /* steps, methods 17 */
struct kl_step_statistics {
    size_t steps; /* valid steps so far */
    struct kl_running running[KL_METRIC_COUNT];
    size_t count, head;
    double value[KL_STATISTICS_STEPS][KL_METRIC_COUNT];
    bool valid[KL_STATISTICS_STEPS][KL_METRIC_COUNT];
};

/** Takes a step in; steps that are not valid, and metrics that are not, are left out. */
void kl_step_statistics_add(struct kl_step_statistics *statistics, const struct kl_step *step);

/** Over the last KL_STATISTICS_STEPS valid steps.
 *  @return number of valid values n; mean and sd untouched when 0 (sd is 0 for one value) */
size_t kl_step_statistics_recent(const struct kl_step_statistics *statistics,
                                 enum kl_metric_id metric, double *mean, double *sd);

#endif
