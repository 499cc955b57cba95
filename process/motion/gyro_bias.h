/* Bias and scale of a gyroscope, estimated at rest and while moving.
 *
 * At rest the low-passed rate is the bias. In motion the inclination correction that the low-passed
 * acceleration keeps asking for is the gyroscope's error, turned into the earth frame and delayed
 * by the same low-pass; its vertical part cannot be seen. A Kalman filter joins both (methods 8.2,
 * VQF sections 3.4 and 3.5).
 *
 * Beyond VQF: the error of a MEMS gyroscope is bias plus a share of the rate. Many turns in one
 * direction make 0.2 % of 400 deg/s a steady 0.8 deg/s, which VQF takes for bias or leaves as
 * tau x 0.8 deg of tilt. The scale of each axis is therefore a state of its own, with a prior of
 * the size that data sheets and calibrations name, and nearly constant: it moves over months.
 *
 * Also beyond VQF: a person who stands still passes the rest detector, swaying by 1 deg/s. The
 * rest measurement therefore counts as little as the rate is unquiet and as gravity turns.
 *
 * Neither changes within KL_GYRO_BIAS_STEP_S, so the filter runs once per such step on sums.
 * Caller's memory. Threads: any, one at a time. RT safe.
 */
#ifndef KL_PROCESS_MOTION_GYRO_BIAS_H
#define KL_PROCESS_MOTION_GYRO_BIAS_H

#include "process/motion/low_pass.h"
#include "process/motion/rotation.h"
#include "process/motion/sensor_rest.h"

#define KL_GYRO_BIAS_STEP_S 0.1
#define KL_GYRO_BIAS_STATES 6 /* bias x y z, scale error x y z */

/** What is summed over a step: by how much a unit of each state turns the earth frame. */
enum kl_gyro_bias_place {
    KL_GYRO_BIAS_ROW_X = 0,  /* about earth x: bias x y z, scale x y z */
    KL_GYRO_BIAS_ROW_Y = 6,  /* about earth y: the same */
    KL_GYRO_BIAS_ROW_Z = 12, /* about earth z: bias x y z */
    KL_GYRO_BIAS_NOW = 15,   /* the present states, about earth x and y */
    KL_GYRO_BIAS_SUMS = 17,
};

struct kl_gyro_bias_settings {
    double start_sd_rad_s;  /* standard uncertainty before anything is known */
    double forget_s;        /* in this time an exact bias becomes uncertain by 0.1 deg/s */
    double motion_sd_rad_s; /* uncertainty reached in motion; larger: slower */
    double rest_sd_rad_s;   /* uncertainty reached at rest */
    double max_rad_s;       /* per axis; also clips a single disagreement */
    double scale_sd;        /* standard uncertainty of the scale, 1; 0: the scale is exact */
};

/** VQF's: 0.5 deg/s, 100 s, 0.1 deg/s, 0.03 deg/s, 2 deg/s; and 0.5 % of scale. */
struct kl_gyro_bias_settings kl_gyro_bias_settings_defaults(void);

struct kl_gyro_bias {
    struct kl_gyro_bias_settings settings;
    uint32_t settle;        /* steps left until the low-passes have forgotten how they began */
    uint32_t length, count; /* samples of a step, and how many of it have come */
    double period_s;
    double motion_w, vertical_w, rest_w; /* measurement variances per step, (rad/s)^2 */
    double bias_v, scale_v;              /* variances added per step */
    /* delay: the low-pass that the correction has behind it. stride: takes from both sides what a
     * stride does to them, or its ripple would pass for an error of the gyroscope */
    struct kl_low_pass delay, stride;
    double sum[KL_GYRO_BIAS_SUMS], z0[KL_GYRO_BIAS_SUMS], z1[KL_GYRO_BIAS_SUMS];
    double turned[2]; /* rad, inclination correction of this step about earth x and y */
    double stride_z0[KL_GYRO_BIAS_SUMS + 2], stride_z1[KL_GYRO_BIAS_SUMS + 2];
    struct kl_vec rest_up; /* low-passed acceleration a step ago at rest, unit; 0: none */
    double state[KL_GYRO_BIAS_STATES];
    double p[KL_GYRO_BIAS_STATES][KL_GYRO_BIAS_STATES];
};

/** @param tau_s  that of the acceleration's low-pass: the correction is delayed by it
 *  @param settings  NULL: the defaults. @return KL_OK or KL_ERR_RANGE */
KL_CHECK int kl_gyro_bias_init(struct kl_gyro_bias *bias, double rate_hz, double tau_s,
                               const struct kl_gyro_bias_settings *settings);

/** The rate without the estimated errors. */
static inline struct kl_vec kl_gyro_bias_remove(const struct kl_gyro_bias *bias,
                                                struct kl_vec w_rad_s)
{
    const double *s = bias->state;
    return (struct kl_vec){w_rad_s.x - s[0] - s[3] * w_rad_s.x, w_rad_s.y - s[1] - s[4] * w_rad_s.y,
                           w_rad_s.z - s[2] - s[5] * w_rad_s.z};
}

/** The end of a step; by kl_gyro_bias_step only. */
void kl_gyro_bias_update(struct kl_gyro_bias *b, const struct kl_sensor_rest *rest);

/** One sample.
 *  @param earth_sensor  orientation after the correction
 *  @param w_rad_s       the rate as measured
 *  @param turned_x, turned_y  inclination correction of this sample about earth x and y, rad
 *  @param rest          the sensor's rest detector: at rest its low-passed rate is the bias */
static inline void kl_gyro_bias_step(struct kl_gyro_bias *bias, struct kl_quat earth_sensor,
                                     struct kl_vec w_rad_s, double turned_x, double turned_y,
                                     const struct kl_sensor_rest *rest)
{
    struct kl_matrix r = kl_quat_matrix(earth_sensor);
    const double w[3] = {w_rad_s.x, w_rad_s.y, w_rad_s.z};
    double *sum = bias->sum;
    for (int i = 0; i < 3; i++) {
        sum[KL_GYRO_BIAS_ROW_X + i] += r.m[0][i];
        sum[KL_GYRO_BIAS_ROW_X + 3 + i] += r.m[0][i] * w[i];
        sum[KL_GYRO_BIAS_ROW_Y + i] += r.m[1][i];
        sum[KL_GYRO_BIAS_ROW_Y + 3 + i] += r.m[1][i] * w[i];
        sum[KL_GYRO_BIAS_ROW_Z + i] += r.m[2][i];
    }
    bias->turned[0] += turned_x;
    bias->turned[1] += turned_y;
    if (++bias->count >= bias->length) {
        kl_gyro_bias_update(bias, rest);
    }
}

/** A bias known from a still pose. */
void kl_gyro_bias_set(struct kl_gyro_bias *bias, struct kl_vec bias_rad_s, double sd_rad_s);

/** After a gap: the low-passed history is forgotten, the estimates stay. */
void kl_gyro_bias_restart(struct kl_gyro_bias *bias);

/** Standard uncertainty of the bias about the two axes across `up` (sensor frame, unit), rad/s. */
double kl_gyro_bias_sd(const struct kl_gyro_bias *bias, struct kl_vec up);

#endif
