#include "process/motion/trunk_stability.h"

#include <stdlib.h>
#include <string.h>

#define AXES 3
#define POINTS ((size_t)KL_DIVERGENCE_STRIDES * KL_STRIDE_POINTS)
#define JOIN_NS 1e6 /* a stride begins where the last one ended */

/* So much per step: 1 to 2 ms, and done within the 200 steps of the next row. */
#define NEIGHBOURS_PER_STEP 60
#define CURVE_POINTS_PER_STEP 2

#define UNREADABLE                                                                                 \
    (KL_MOTION_NO_SENSOR | KL_MOTION_NOT_CALIBRATED | KL_MOTION_MISSING | KL_MOTION_CLIPPED |      \
     KL_MOTION_SETTLING)

struct kl_trunk_stability {
    size_t strides;            /* in the row so far */
    double first_ns, end_ns;   /* of the row */
    double next_ns;            /* no row begins before */
    double row[POINTS * AXES]; /* being collected */
    bool works;
    struct kl_divergence work;
    double series[POINTS * AXES]; /* in work */
    size_t neighbour[POINTS];
    size_t values;
    double value; /* per stride */
};

struct kl_trunk_stability *kl_trunk_stability_create(void)
{
    return calloc(1, sizeof(struct kl_trunk_stability));
}

void kl_trunk_stability_destroy(struct kl_trunk_stability *stability)
{
    free(stability);
}

void kl_trunk_stability_reset(struct kl_trunk_stability *stability)
{
    stability->strides = 0;
    stability->next_ns = 0;
    stability->works = false;
    stability->values = 0;
}

static void advance(struct kl_trunk_stability *stability, size_t parts)
{
    double slope;
    if (!stability->works || kl_divergence_advance(&stability->work, parts)) {
        return;
    }
    stability->works = false;
    if (kl_divergence_get(&stability->work, &slope) == KL_OK) {
        stability->value = slope * KL_STRIDE_POINTS;
        stability->values++;
    }
}

static void row_is_whole(struct kl_trunk_stability *stability)
{
    const struct kl_divergence_settings settings = kl_divergence_settings_defaults();
    stability->strides = 0;
    if (stability->works) {
        return; /* fewer steps than a row has: one foot only; this row is left out */
    }
    memcpy(stability->series, stability->row, sizeof(stability->series));
    stability->works = kl_divergence_begin(&stability->work, stability->series, POINTS, &settings,
                                           stability->neighbour) == KL_OK;
    stability->next_ns = stability->first_ns + KL_STABILITY_EVERY_S * 1e9;
}

static void take_stride(struct kl_trunk_stability *stability, const struct kl_motion_window *window)
{
    const struct kl_segment_motion *trunk = &window->segment[KL_SEGMENT_TRUNK];
    double begin_ns = window->t0_ns + 1e9 * window->ic_s;
    if (stability->strides > 0 && begin_ns < stability->end_ns - JOIN_NS) {
        return; /* of the other foot */
    }
    if (stability->strides > 0 && begin_ns > stability->end_ns + JOIN_NS) {
        stability->strides = 0; /* one is missing */
    }
    if (stability->strides == 0) {
        if (begin_ns < stability->next_ns) {
            return;
        }
        stability->first_ns = begin_ns;
    }
    double rate[KL_MOTION_SAMPLES * AXES];
    for (size_t i = 0; i < window->count; i++) {
        rate[i * AXES] = trunk->w_rad_s[i].x;
        rate[i * AXES + 1] = trunk->w_rad_s[i].y;
        rate[i * AXES + 2] = trunk->w_rad_s[i].z;
    }
    if (!kl_stride_resample(rate, window->count, AXES, window->ic_s * KL_MOTION_RATE_HZ,
                            window->end_s * KL_MOTION_RATE_HZ,
                            &stability->row[stability->strides * KL_STRIDE_POINTS * AXES])) {
        stability->strides = 0;
        return;
    }
    stability->end_ns = window->t0_ns + 1e9 * window->end_s;
    if (++stability->strides == KL_DIVERGENCE_STRIDES) {
        row_is_whole(stability);
    }
}

void kl_trunk_stability_step(struct kl_trunk_stability *stability,
                             const struct kl_motion_window *window)
{
    size_t left = stability->work.states - stability->work.found;
    size_t search = left < NEIGHBOURS_PER_STEP ? left : NEIGHBOURS_PER_STEP;
    advance(stability, left > 0 ? search : CURVE_POINTS_PER_STEP);
    if (window != NULL && window->end_s > 0 &&
        (window->segment[KL_SEGMENT_TRUNK].marks & (uint32_t)UNREADABLE) == 0) {
        take_stride(stability, window);
    }
}

void kl_trunk_stability_finish(struct kl_trunk_stability *stability)
{
    advance(stability, SIZE_MAX);
}

size_t kl_trunk_stability_get(const struct kl_trunk_stability *stability, double *out)
{
    if (stability->values > 0) {
        *out = stability->value;
    }
    return stability->values;
}
