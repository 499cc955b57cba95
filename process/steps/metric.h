/* The one table of metrics. Screen, CSV, JSON, flags and statistics read it; a metric that is not
 * computed is not in it. Adding a metric is one row here and one row in metric_<subject>.c. */
#ifndef KL_PROCESS_STEPS_METRIC_H
#define KL_PROCESS_STEPS_METRIC_H

#include <stdbool.h>
#include <stddef.h>

#define KL_MOTION_METRICS 28
#define KL_KNEE_METRICS 19
#define KL_MUSCLE_METRICS 5

enum kl_metric_id {
    KL_METRIC_CONTACT_TIME = 0,
    KL_METRIC_FLIGHT_TIME,
    KL_METRIC_STEP_TIME,
    KL_METRIC_STRIDE_TIME,
    KL_METRIC_DUTY_FACTOR,
    KL_METRIC_CADENCE,
    KL_METRIC_STEP_LENGTH,
    KL_METRIC_ACTIVE_PEAK,
    KL_METRIC_TIME_TO_ACTIVE_PEAK,
    KL_METRIC_IMPACT_PEAK,
    KL_METRIC_TIME_TO_IMPACT_PEAK,
    KL_METRIC_VALR,
    KL_METRIC_VILR,
    KL_METRIC_VERTICAL_IMPULSE,
    KL_METRIC_PEAK_BRAKING,
    KL_METRIC_TIME_TO_PEAK_BRAKING,
    KL_METRIC_BRAKING_IMPULSE,
    KL_METRIC_PEAK_PROPULSION,
    KL_METRIC_PROPULSION_IMPULSE,
    KL_METRIC_BRAKING_TO_PROPULSION,
    KL_METRIC_PEAK_MEDIAL_FORCE,
    KL_METRIC_PEAK_LATERAL_FORCE,
    KL_METRIC_MEDIOLATERAL_IMPULSE,
    KL_METRIC_FREE_MOMENT_PEAK,
    KL_METRIC_COP_MEAN_ML,
    KL_METRIC_COP_RANGE_ML,
    KL_METRIC_COP_PROGRESSION,
    KL_METRIC_FORCE_COUNT,

    /* Beside the plates, in the order of their own tables: motion_metric.h, knee_metric.h,
     * muscle_metric.h. */
    KL_METRIC_MOTION = KL_METRIC_FORCE_COUNT,
    KL_METRIC_KNEE = KL_METRIC_MOTION + KL_MOTION_METRICS,
    KL_METRIC_MUSCLE = KL_METRIC_KNEE + KL_KNEE_METRICS,
    KL_METRIC_COUNT = KL_METRIC_MUSCLE + KL_MUSCLE_METRICS,
};

/** How an SI value is shown to people. */
enum kl_display {
    KL_DISPLAY_SCALE = 0, /* value * scale */
    KL_DISPLAY_BW,        /* value / body weight * scale */
    KL_DISPLAY_BWH,       /* value / (body weight * height) * scale */
};

/** What a larger value means; a comparison and an arrow need it, a verdict does not follow. */
enum kl_direction { KL_DIRECTION_NEUTRAL = 0, KL_DIRECTION_LOWER_LOAD, KL_DIRECTION_HIGHER_LOAD };

struct kl_metric {
    const char *key;   /* contact_time */
    const char *label; /* Contact time */
    const char *unit;  /* SI: s, N, N/s, ... */
    enum kl_display display;
    const char *display_unit; /* ms, BW, BW/s, ... */
    double display_scale;
    int decimals;              /* of the displayed value */
    double plot_min, plot_max; /* displayed units */
    enum kl_direction direction;
    const char *source; /* formula and where it comes from */
};

/** Row of the table; id < KL_METRIC_COUNT. */
const struct kl_metric *kl_metric_get(enum kl_metric_id id);

/** Finds a key; KL_METRIC_COUNT when there is none. */
enum kl_metric_id kl_metric_find(const char *key);

/** Converts an SI value for display.
 *  @param body_weight_n, height_m  0: not known
 *  @return false (out untouched) when the conversion needs what is not known */
bool kl_metric_display(const struct kl_metric *metric, double value, double body_weight_n,
                       double height_m, double *out);

#endif
