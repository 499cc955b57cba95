/* What steps say together: variability, shock attenuation, stability, asymmetry (methods 11, 14).
 *
 * Two tables, like that of the metrics; a row is one place to add one. Figures are of the steps
 * since the last change of condition or runner, and only of valid ones. A figure that is not there
 * says what it needs.
 */
#ifndef KL_PROCESS_SESSION_FIGURES_H
#define KL_PROCESS_SESSION_FIGURES_H

#include "process/motion/motion_window.h"
#include "process/motion/tibial_shock.h"
#include "process/steps/step.h"

enum kl_figure_id {
    KL_FIGURE_STEP_TIME_CV = 0,
    KL_FIGURE_STRIDE_TIME_CV,
    KL_FIGURE_CONTACT_TIME_CV,
    KL_FIGURE_STEP_LENGTH_CV,
    KL_FIGURE_KNEE_FRONTAL_SD,
    KL_FIGURE_KNEE_VALGUS_SD,
    KL_FIGURE_SHOCK_ATTENUATION,
    KL_FIGURE_TIBIAL_FREQUENCY,
    KL_FIGURE_LOCAL_STABILITY,
    KL_FIGURE_COUNT,
};

struct kl_figure {
    struct kl_metric metric; /* key, label, units, source: as a metric's */
    const char *needs;       /* what a figure that is not there waits for */
    bool of_sides;           /* of a leg: not of both together */
    bool of_both;            /* of the runner: not of a side */
};

/** id < KL_FIGURE_COUNT. */
const struct kl_figure *kl_figure_get(enum kl_figure_id id);

struct kl_figure_value {
    bool valid;
    double value; /* SI */
    size_t n;     /* windows, steps, strides or rows of strides it is made of */
};

/** One metric of the left foot against the right. Source: methods 14 */
struct kl_asymmetry {
    enum kl_metric_id metric;
    double usual_percent; /* |ASI|, mean of trained runners (methods 14 [R32]) */
};

#define KL_ASYMMETRY_COUNT 6

/** index < KL_ASYMMETRY_COUNT. */
const struct kl_asymmetry *kl_asymmetry_get(size_t index);

struct kl_asymmetry_value {
    bool valid; /* both feet have values */
    size_t n[KL_SIDE_COUNT];
    double mean[KL_SIDE_COUNT];     /* SI */
    bool has_index;                 /* false: signs differ, only the difference says something */
    double asi_percent, sa_percent; /* + the right one is larger */
};

/** Plain data, for screen and files. */
struct kl_session_figures {
    double from_ns; /* contact of the first step; 0: none yet */
    struct kl_figure_value figure[KL_FIGURE_COUNT][KL_SIDE_COUNT]; /* UNKNOWN: both together */
    struct kl_asymmetry_value asymmetry[KL_ASYMMETRY_COUNT];
};

struct kl_figures;

/** @return NULL without memory. Nothing else allocates. */
struct kl_figures *kl_figures_create(void);
void kl_figures_destroy(struct kl_figures *figures);

/** Another condition or runner. */
void kl_figures_reset(struct kl_figures *figures);

/** A finished step, in order. RT safe: at most a few ms (kl_trunk_stability).
 *  @param window, shock  of this step; NULL: none */
void kl_figures_step(struct kl_figures *figures, const struct kl_step *step,
                     const struct kl_motion_window *window, const struct kl_shock_window *shock);

/** No more steps: what is in work is finished. */
void kl_figures_finish(struct kl_figures *figures);

void kl_figures_read(const struct kl_figures *figures, struct kl_session_figures *out);

#endif
