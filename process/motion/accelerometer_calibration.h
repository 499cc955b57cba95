/* Bias and scale of an accelerometer from six still positions, each axis once up and once down.
 *
 * At rest the length of the true specific force is g, however the sensor is laid: so six poses that
 * differ enough give the six unknowns, and a box that stands a few degrees skew does no harm
 * (methods 8.1, once a month). Axes are taken as square to each other; what is left of skewness
 * shows in `residual`.
 * Pure. Threads: any.
 */
#ifndef KL_PROCESS_MOTION_ACCELEROMETER_CALIBRATION_H
#define KL_PROCESS_MOTION_ACCELEROMETER_CALIBRATION_H

#include "acquire/stream.h"
#include "process/motion/rotation.h"

/** a_true = scale * (a - bias), per axis. {0}, {1,1,1}: nothing is changed. */
struct kl_accelerometer_calibration {
    struct kl_vec bias_m_s2, scale;
    double residual_m_s2; /* largest | |a_true| - g | of the poses */
};

#define KL_ACCELEROMETER_POSES_MIN 6
#define KL_ACCELEROMETER_POSES_MAX 64

/** @param mean_m_s2  in [count] mean acceleration of each still pose, as measured
 *  @param out        untouched on error
 *  @return KL_OK; KL_ERR_ARG for fewer than 6 or more than 64 poses; KL_ERR_DATA when an axis was
 *          not laid both up and down within 45 deg, or the fit does not make sense (bias above 2
 *          m/s^2, scale more than 20 % off): wrong unit, range, or a pose that was not still
 *  Equation: min over b, s of sum (|s (a - b)|^2 - g^2)^2, Gauss-Newton from the axis pairs */
KL_CHECK int kl_accelerometer_calibrate(const struct kl_vec *mean_m_s2, size_t count,
                                        struct kl_accelerometer_calibration *out,
                                        struct kl_fault *fault);

/** The calibrated sample. RT safe. */
static inline struct kl_vec kl_accelerometer_apply(const struct kl_accelerometer_calibration *c,
                                                   struct kl_vec a_m_s2)
{
    return (struct kl_vec){c->scale.x * (a_m_s2.x - c->bias_m_s2.x),
                           c->scale.y * (a_m_s2.y - c->bias_m_s2.y),
                           c->scale.z * (a_m_s2.z - c->bias_m_s2.z)};
}

#endif
