/* Exploratory measures of how strides follow each other: local dynamic stability and long-range
 * correlation (methods 14). Their meaning is open: never a flag by themselves. For analysis after
 * the fact or at fixed steps of data time: the cost grows with the square of the points.
 * Pure functions, caller's memory. Threads: any. */
#ifndef KL_PROCESS_MOTION_LOCAL_STABILITY_H
#define KL_PROCESS_MOTION_LOCAL_STABILITY_H

#include "acquire/stream.h"

struct kl_divergence_settings {
    size_t axes;    /* values per point: 3 of the trunk's angular rate */
    size_t copies;  /* of the point, delayed: 2 make a state of 6 */
    size_t lag;     /* points between copies: 25 of 100 per stride */
    size_t theiler; /* neighbours closer in time are no neighbours: 100, a stride */
    size_t fit;     /* points of the curve, from 0 on, that the slope is fitted to: 50 */
};

/** 3 axes, 2 copies, lag 25, Theiler window 100, fit over 0 to 0.5 stride (51 points). */
struct kl_divergence_settings kl_divergence_settings_defaults(void);

#define KL_DIVERGENCE_STRIDES 100 /* always the same number: the estimate depends on it */
#define KL_STRIDE_POINTS 100      /* each stride resampled to so many */

/** The same in parts, for a thread that must not be held up: begin, advance until it is done, get.
 *  However it is cut, the bits are the same. Series and neighbours are borrowed. */
#define KL_DIVERGENCE_FIT_MAX 512
struct kl_divergence {
    const double *series;
    size_t *neighbour; /* [states] */
    struct kl_divergence_settings settings;
    size_t states, found, points; /* neighbours and points of the curve that are done */
    bool failed;
    double curve[KL_DIVERGENCE_FIT_MAX]; /* mean ln distance */
};

/** @return as kl_divergence_slope: KL_ERR_ARG, KL_ERR_DATA for a value that is no number */
KL_CHECK int kl_divergence_begin(struct kl_divergence *work, const double *series, size_t n,
                                 const struct kl_divergence_settings *settings, size_t *neighbour);

/** Does up to `parts` parts: the neighbour of one state, or one point of the curve.
 *  @return whether parts are left */
bool kl_divergence_advance(struct kl_divergence *work, size_t parts);

/** @return KL_OK; KL_ERR_DATA when too few states have a neighbour or parts are left */
KL_CHECK int kl_divergence_get(const struct kl_divergence *work, double *out);

/** Slope of the mean logarithmic divergence of nearest neighbours, per point.
 *  @param series     in [n][axes]
 *  @param neighbour  [n] workspace
 *  @return KL_OK; KL_ERR_ARG for settings that leave no states; KL_ERR_DATA when too few states
 *          have a neighbour, or a value is no number (out untouched)
 *  Per stride: times KL_STRIDE_POINTS. Source: Rosenstein 1993, Physica D 65:117 */
KL_CHECK int kl_divergence_slope(const double *series, size_t n,
                                 const struct kl_divergence_settings *settings, size_t *neighbour,
                                 double *out);

/** Resamples one stride of a series to KL_STRIDE_POINTS even points.
 *  @param series  in [n][axes], even in time; first and end are positions in it, not whole
 *  @param out     out [KL_STRIDE_POINTS][axes]
 *  @return false when the stride is not inside the series */
bool kl_stride_resample(const double *series, size_t n, size_t axes, double first, double end,
                        double *out);

#define KL_SCALING_STRIDES_MIN 500

/** Scaling exponent alpha of detrended fluctuation analysis, of stride times.
 *  @param value    in [n], n > KL_SCALING_STRIDES_MIN
 *  @param profile  [n] workspace
 *  @return KL_OK; KL_ERR_ARG for too few; KL_ERR_DATA for values without spread or no numbers
 *  Boxes from 16 to n / 9 strides (Damouras 2010), first-order detrending. 0.5: no memory */
KL_CHECK int kl_scaling_exponent(const double *value, size_t n, double *profile, double *out);

#endif
