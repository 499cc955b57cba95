/* How much a runner's steps differ: coefficient of variation, spread of curves, asymmetry
 * (methods 14). Pure functions and one accumulator in caller's memory. Threads: any. RT safe. */
#ifndef KL_PROCESS_MOTION_VARIABILITY_H
#define KL_PROCESS_MOTION_VARIABILITY_H

#include "process/motion/joint_angle.h"
#include "process/motion/motion_window.h"

#define KL_VARIABILITY_WINDOW_S 60.0
#define KL_VARIABILITY_MIN 30 /* values in a window; fewer say little about a spread */

struct kl_variability {
    double cv;          /* SD about the line / mean, 1; mean of the windows */
    double trend_per_s; /* of the value, mean of the windows */
    size_t windows;
};

/** The same, value by value, without keeping them; zero-initialised is empty. */
struct kl_running_variability {
    bool begun;
    double begin_s;         /* of the first value */
    double cv, trend_per_s; /* sums over the whole windows */
    size_t windows, w;      /* those with enough values; the number of the present one */
    size_t n;               /* values in the present window, and their moments about the mean */
    double mean_t, mean;    /* times from the start of the window */
    double tt, tv, vv;
};

/** Takes a value in; a value in a later window closes the present one. Times in order. */
void kl_running_variability_add(struct kl_running_variability *running, double t_s, double value);

/** Mean of the whole windows so far.
 *  @return false (out untouched) before the first with KL_VARIABILITY_MIN values */
bool kl_running_variability_get(const struct kl_running_variability *running,
                                struct kl_variability *out);

/** Coefficient of variation over windows of 60 s, each without its linear trend.
 *  @param t_s    in [n]  times, increasing
 *  @param value  in [n]  step time, stride time, contact time, step length
 *  @return false (out untouched) without one whole window of KL_VARIABILITY_MIN values, or with a
 *          mean of 0
 *  SD has n - 2 degrees of freedom: a line was taken out. Source: methods 14 */
bool kl_variability_of(const double *t_s, const double *value, size_t n,
                       struct kl_variability *out);

/* ------------------------------------------------------------------------- spread of curves */

#define KL_CURVE_POINTS 101

/** Running mean and spread of time-normalised curves; zero-initialised is empty. */
struct kl_curve_spread {
    size_t count;
    double mean[KL_CURVE_POINTS], squares[KL_CURVE_POINTS];
};

/** An angle over the stride of a window, at 0, 1, ... 100 %.
 *  @return 0, or kl_motion_mark bits why there is none; CROSS_TALK too, for knee adduction */
uint32_t kl_stride_curve(const struct kl_motion_window *window, enum kl_clinical angle,
                         double out_rad[KL_CURVE_POINTS]);

void kl_curve_spread_add(struct kl_curve_spread *spread, const double curve[KL_CURVE_POINTS]);

/** Mean over the points of the SD between curves: of knee adduction, the knee frontal SD.
 *  @return false (out untouched) before two curves */
bool kl_curve_spread_get(const struct kl_curve_spread *spread, double *out);

/* -------------------------------------------------------------------------------- asymmetry */

/** ASI = 200 (R - L) / (R + L), percent.
 *  @return false (out untouched) for values of different sign or both 0: report the difference */
bool kl_asymmetry_index(double left, double right, double *out_percent);

/** SA = (45 deg - atan(L / R)) / 90 deg x 100, percent (Zifchock 2008).
 *  @return false as above */
bool kl_symmetry_angle(double left, double right, double *out_percent);

#endif
