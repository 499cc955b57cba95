#include "process/session_figures.h"

#include "process/motion/motion_metric.h"
#include "process/motion/trunk_stability.h"
#include "process/motion/variability.h"
#include "process/steps/step_statistics.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SPREAD_MIN 30 /* values; fewer say little about a spread, as in KL_VARIABILITY_MIN */
#define DEG (3.14159265358979323846 / 180)

struct kl_figures {
    double from_ns;
    struct kl_running_variability variability[KL_FIGURE_COUNT][KL_SIDE_COUNT];
    struct kl_running spread[KL_FIGURE_COUNT][KL_SIDE_COUNT];
    struct kl_curve_spread knee[KL_SIDE_COUNT];
    struct kl_shock_attenuation *shock[KL_SIDE_COUNT];
    struct kl_trunk_stability *stability;
    struct kl_running asymmetry[KL_ASYMMETRY_COUNT][KL_SIDE_COUNT];
};

typedef void read_figure(const struct kl_figures *figures, enum kl_figure_id id, enum kl_side side,
                         struct kl_figure_value *out);

static read_figure read_cv, read_spread, read_knee, read_attenuation, read_frequency,
    read_stability;

/* ------------------------------------------------------------------- tables */

#define CV(key, label, metric_id)                                                                  \
    {                                                                                              \
        .figure = {.metric = {key, label, "1", KL_DISPLAY_SCALE, "%", 100, 2, 0, 10,               \
                              KL_DIRECTION_NEUTRAL,                                                \
                              "SD about the line / mean, windows of 60 s (methods 14)"},           \
                   .needs = "60 s with 30 valid steps"},                                           \
        .read = read_cv, .metric = (metric_id)                                                     \
    }
#define NO_METRIC KL_METRIC_COUNT

static const struct row {
    struct kl_figure figure;
    read_figure *read;
    enum kl_metric_id metric; /* whose values are gathered */
} rows[KL_FIGURE_COUNT] = {
    [KL_FIGURE_STEP_TIME_CV] = CV("step_time_cv", "Step time CV", KL_METRIC_STEP_TIME),
    [KL_FIGURE_STRIDE_TIME_CV] = CV("stride_time_cv", "Stride time CV", KL_METRIC_STRIDE_TIME),
    [KL_FIGURE_CONTACT_TIME_CV] = CV("contact_time_cv", "Contact time CV", KL_METRIC_CONTACT_TIME),
    [KL_FIGURE_STEP_LENGTH_CV] = CV("step_length_cv", "Step length CV", KL_METRIC_STEP_LENGTH),
    [KL_FIGURE_KNEE_FRONTAL_SD] =
        {{{"knee_frontal_sd", "Knee frontal SD", "rad", KL_DISPLAY_SCALE, "deg", 1 / DEG, 2, 0, 5,
           KL_DIRECTION_NEUTRAL, "mean over the stride of the SD between strides (methods 14)"},
          "30 strides with thigh and shank calibrated, without cross-talk",
          true,
          false},
         read_knee,
         NO_METRIC},
    [KL_FIGURE_KNEE_VALGUS_SD] = {{{"knee_valgus_excursion_sd", "Knee valgus excursion SD", "rad",
                                    KL_DISPLAY_SCALE, "deg", 1 / DEG, 2, 0, 5, KL_DIRECTION_NEUTRAL,
                                    "SD over steps (methods 14)"},
                                   "30 steps with a valgus excursion",
                                   true,
                                   false},
                                  read_spread,
                                  (enum kl_metric_id)(KL_METRIC_MOTION +
                                                      KL_MOTION_KNEE_VALGUS_EXCURSION)},
    [KL_FIGURE_SHOCK_ATTENUATION] =
        {{{"shock_attenuation", "Shock attenuation", "dB", KL_DISPLAY_SCALE, "dB", 1, 1, -30, 5,
           KL_DIRECTION_NEUTRAL,
           "transfer tibia to trunk or pelvis, 10-20 Hz, last 50 steps (methods 11)"},
          "10 steps with tibia and trunk or pelvis sensors",
          true,
          false},
         read_attenuation,
         NO_METRIC},
    [KL_FIGURE_TIBIAL_FREQUENCY] = {{{"tibial_median_frequency", "Tibial median frequency", "Hz",
                                      KL_DISPLAY_SCALE, "Hz", 1, 1, 0, 40, KL_DIRECTION_NEUTRAL,
                                      "halves the power of the tibia, last 50 steps (methods 11)"},
                                     "10 steps with tibia and trunk or pelvis sensors",
                                     true,
                                     false},
                                    read_frequency,
                                    NO_METRIC},
    [KL_FIGURE_LOCAL_STABILITY] =
        {{{"local_stability", "Local divergence of the trunk", "1/stride", KL_DISPLAY_SCALE,
           "/stride", 1, 2, 0, 5, KL_DIRECTION_NEUTRAL,
           "Rosenstein, 100 strides, every 2 min; exploratory (methods 14)"},
          "100 strides in a row with a trunk sensor",
          false,
          true},
         read_stability,
         NO_METRIC},
};

static const struct kl_asymmetry asymmetries[KL_ASYMMETRY_COUNT] = {
    {KL_METRIC_CONTACT_TIME, 1.9}, {KL_METRIC_FLIGHT_TIME, 5.3},  {KL_METRIC_STEP_LENGTH, 2.2},
    {KL_METRIC_STEP_TIME, 2.2},    {KL_METRIC_ACTIVE_PEAK, 10.1}, {KL_METRIC_VALR, 16.7},
};

const struct kl_figure *kl_figure_get(enum kl_figure_id id)
{
    return &rows[id].figure;
}

const struct kl_asymmetry *kl_asymmetry_get(size_t index)
{
    return &asymmetries[index];
}

/* --------------------------------------------------------------------- life */

struct kl_figures *kl_figures_create(void)
{
    struct kl_figures *figures = calloc(1, sizeof(*figures));
    if (figures == NULL) {
        return NULL;
    }
    figures->stability = kl_trunk_stability_create();
    bool whole = figures->stability != NULL;
    for (unsigned s = KL_SIDE_LEFT; s < KL_SIDE_COUNT; s++) {
        figures->shock[s] = kl_shock_attenuation_create();
        whole = whole && figures->shock[s] != NULL;
    }
    if (!whole) {
        kl_figures_destroy(figures);
        return NULL;
    }
    return figures;
}

void kl_figures_destroy(struct kl_figures *figures)
{
    if (figures == NULL) {
        return;
    }
    kl_trunk_stability_destroy(figures->stability);
    for (unsigned s = 0; s < KL_SIDE_COUNT; s++) {
        kl_shock_attenuation_destroy(figures->shock[s]);
    }
    free(figures);
}

void kl_figures_reset(struct kl_figures *figures)
{
    figures->from_ns = 0;
    memset(figures->variability, 0, sizeof(figures->variability));
    memset(figures->spread, 0, sizeof(figures->spread));
    memset(figures->knee, 0, sizeof(figures->knee));
    memset(figures->asymmetry, 0, sizeof(figures->asymmetry));
    kl_trunk_stability_reset(figures->stability);
    for (unsigned s = KL_SIDE_LEFT; s < KL_SIDE_COUNT; s++) {
        kl_shock_attenuation_reset(figures->shock[s]);
    }
}

/* ------------------------------------------------------------------ gather */

/* A value of a step goes to its side and to both together. */
static void gather(struct kl_figures *figures, const struct kl_step *step, enum kl_side side)
{
    double t_s = (step->contact_ns - figures->from_ns) * 1e-9;
    for (int f = 0; f < KL_FIGURE_COUNT; f++) {
        enum kl_metric_id metric = rows[f].metric;
        if (metric != NO_METRIC && step->metric_reasons[metric] == 0) {
            kl_running_variability_add(&figures->variability[f][side], t_s, step->metric[metric]);
            kl_running_add(&figures->spread[f][side], step->metric[metric]);
        }
    }
}

static void gather_asymmetry(struct kl_figures *figures, const struct kl_step *step)
{
    for (size_t a = 0; a < KL_ASYMMETRY_COUNT; a++) {
        enum kl_metric_id metric = asymmetries[a].metric;
        if (step->metric_reasons[metric] == 0) {
            kl_running_add(&figures->asymmetry[a][step->side], step->metric[metric]);
        }
    }
}

void kl_figures_step(struct kl_figures *figures, const struct kl_step *step,
                     const struct kl_motion_window *window, const struct kl_shock_window *shock)
{
    kl_trunk_stability_step(figures->stability, window);
    if (!step->valid) {
        return;
    }
    if (figures->from_ns <= 0) {
        figures->from_ns = step->contact_ns;
    }
    gather(figures, step, KL_SIDE_UNKNOWN);
    if (step->side == KL_SIDE_UNKNOWN) {
        return;
    }
    gather(figures, step, step->side);
    gather_asymmetry(figures, step);
    double curve[KL_CURVE_POINTS];
    if (window != NULL && kl_stride_curve(window, KL_CLINICAL_KNEE_ADDUCTION, curve) == 0) {
        kl_curve_spread_add(&figures->knee[step->side], curve);
    }
    if (shock != NULL) {
        (void)kl_shock_attenuation_add(figures->shock[step->side], shock);
    }
}

void kl_figures_finish(struct kl_figures *figures)
{
    kl_trunk_stability_finish(figures->stability);
}

/* -------------------------------------------------------------------- read */

static void read_cv(const struct kl_figures *figures, enum kl_figure_id id, enum kl_side side,
                    struct kl_figure_value *out)
{
    struct kl_variability found;
    out->valid = kl_running_variability_get(&figures->variability[id][side], &found);
    if (out->valid) {
        out->value = found.cv;
        out->n = found.windows;
    }
}

static void read_spread(const struct kl_figures *figures, enum kl_figure_id id, enum kl_side side,
                        struct kl_figure_value *out)
{
    const struct kl_running *running = &figures->spread[id][side];
    out->n = running->n;
    out->valid = running->n >= SPREAD_MIN;
    out->value = out->valid ? kl_running_sd(running) : 0;
}

static void read_knee(const struct kl_figures *figures, enum kl_figure_id id, enum kl_side side,
                      struct kl_figure_value *out)
{
    (void)id;
    out->n = figures->knee[side].count;
    out->valid = out->n >= SPREAD_MIN && kl_curve_spread_get(&figures->knee[side], &out->value);
}

static void read_attenuation(const struct kl_figures *figures, enum kl_figure_id id,
                             enum kl_side side, struct kl_figure_value *out)
{
    (void)id;
    out->n = kl_shock_attenuation_steps(figures->shock[side]);
    out->valid = kl_shock_attenuation_get(figures->shock[side], &out->value);
}

static void read_frequency(const struct kl_figures *figures, enum kl_figure_id id,
                           enum kl_side side, struct kl_figure_value *out)
{
    (void)id;
    out->n = kl_shock_attenuation_steps(figures->shock[side]);
    out->valid = kl_shock_median_frequency(figures->shock[side], &out->value);
}

static void read_stability(const struct kl_figures *figures, enum kl_figure_id id,
                           enum kl_side side, struct kl_figure_value *out)
{
    (void)id;
    (void)side;
    out->n = kl_trunk_stability_get(figures->stability, &out->value);
    out->valid = out->n > 0;
}

static void read_asymmetry(const struct kl_running *running, struct kl_asymmetry_value *out)
{
    out->valid = running[KL_SIDE_LEFT].n > 0 && running[KL_SIDE_RIGHT].n > 0;
    for (unsigned s = 0; s < KL_SIDE_COUNT; s++) {
        out->n[s] = running[s].n;
        out->mean[s] = running[s].mean;
    }
    double left = running[KL_SIDE_LEFT].mean;
    double right = running[KL_SIDE_RIGHT].mean;
    out->has_index = out->valid && kl_asymmetry_index(left, right, &out->asi_percent) &&
                     kl_symmetry_angle(left, right, &out->sa_percent);
}

void kl_figures_read(const struct kl_figures *figures, struct kl_session_figures *out)
{
    memset(out, 0, sizeof(*out));
    out->from_ns = figures->from_ns;
    for (int f = 0; f < KL_FIGURE_COUNT; f++) {
        for (unsigned s = 0; s < KL_SIDE_COUNT; s++) {
            bool is_side = s != KL_SIDE_UNKNOWN;
            bool asked = is_side ? !rows[f].figure.of_both : !rows[f].figure.of_sides;
            if (asked) {
                rows[f].read(figures, (enum kl_figure_id)f, (enum kl_side)s, &out->figure[f][s]);
            }
        }
    }
    for (size_t a = 0; a < KL_ASYMMETRY_COUNT; a++) {
        read_asymmetry(figures->asymmetry[a], &out->asymmetry[a]);
    }
}
