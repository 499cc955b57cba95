/* Which way an inertial sensor is turned, sample by sample, from angular rate and acceleration.
 *
 * A gyroscope alone keeps the orientation for seconds and then drifts; an accelerometer knows where
 * up is, but only on average, because a runner's shank accelerates by several g. So the rate is
 * integrated into an almost inertial frame, the acceleration is low-passed there - where the
 * periodic accelerations of running cancel over a stride - and what is left points up (methods 8.2;
 * Laidig & Seel 2023, doi 10.1016/j.inffus.2022.10.014, "VQF", own implementation).
 *
 * Earth axes here: z up, heading free (there is no magnetometer: treadmill motors, steel frame).
 * Sensor axes: as the device gives them. w rad/s, a m/s^2 (specific force: +g up at rest).
 * Causal and deterministic: the same samples give the same bits however they are cut into blocks.
 * Caller's memory, no allocation. Threads: any, one at a time per object. RT safe.
 */
#ifndef KL_PROCESS_MOTION_ORIENTATION_H
#define KL_PROCESS_MOTION_ORIENTATION_H

#include "acquire/stream.h"
#include "process/motion/clipping.h"
#include "process/motion/gyro_bias.h"
#include "process/motion/rotation.h"
#include "process/motion/sensor_rest.h"

/** Why an orientation is less good than usual, or missing; bits of kl_orientation_marks(). */
enum kl_orientation_mark {
    KL_ORIENTATION_NONE = 1 << 0,     /* no usable sample yet: q is identity and means nothing */
    KL_ORIENTATION_SETTLING = 1 << 1, /* fewer than settle_s since the start or the last restart */
    KL_ORIENTATION_GAP = 1 << 2,      /* samples were missing within the last settle_s */
    KL_ORIENTATION_CLIPPED = 1 << 3,  /* a rail was hit within the last settle_s */
    KL_ORIENTATION_INVALID = 1 << 4,  /* this sample was not a number and was bridged */
};

/** Tunable, independent of the rate. */
struct kl_orientation_settings {
    double tau_s; /* low-pass of the acceleration: smaller trusts the accelerometer sooner, larger
                     suppresses motion longer. Cut-off sqrt(2) / (2 pi tau) */
    double settle_s; /* for how long a start, a gap or a clipped sample is marked */
    double delay_s;  /* how late the sensor's own low-pass makes its signals (data sheet); the
                        orientation is turned on by it at the present rate */
    double gap_s;    /* a gap up to here is bridged with the mean rate of its ends; a longer one
                        starts the accelerometer part anew */
    struct kl_gyro_bias_settings bias;
    struct kl_sensor_rest_settings rest;
    struct kl_clipping_settings clipping; /* ranges of the sensor; 0: not known */
};

/** tau 3 s, settle 6 s, no delay, gaps to 0.1 s bridged; methods 8.2. Ranges unknown. */
struct kl_orientation_settings kl_orientation_settings_defaults(void);

/** Caller's memory; to be read through the functions below. */
struct kl_orientation {
    struct kl_orientation_settings settings;
    double period_s;
    int64_t late_ns, very_late_ns; /* a sample this much after the last one: some are missing */
    struct kl_quat gyro;           /* sensor to the almost inertial frame */
    struct kl_quat tilt;           /* almost inertial to earth */
    struct kl_quat earth;          /* tilt * gyro: sensor to earth, without the delay */
    struct kl_low_pass filter;
    double z0[3], z1[3];            /* of the acceleration in the almost inertial frame */
    uint32_t group, group_count;    /* samples that share one correction, and how many have come */
    struct kl_vec group_a, group_w; /* their sums: acceleration, inertial frame; rate as measured */
    struct kl_gyro_bias bias;
    struct kl_sensor_rest rest;
    struct kl_clipping clipping;
    struct kl_vec measured_rad_s; /* rate of the last sample, as measured */
    struct kl_vec rate_rad_s;     /* and without its errors */
    struct kl_vec before_rad_s;   /* that of the sample before it */
    int64_t t_ns;                 /* of the last sample */
    int64_t start_ns;             /* of the first one, or of the first after a long gap */
    int64_t gap_ns, clipped_ns;   /* when this happened last */
    bool has_sample, had_gap, had_clipping, invalid;
    double swing[2], swing_mean[2], swing_variance[2]; /* of the correction, rad, about x and y */
};

/** Prepares an orientation for a sensor of `rate_hz` (nominal, > 0).
 *  @param settings  NULL: the defaults
 *  @return KL_OK; KL_ERR_RANGE for a rate or a setting that is not positive and finite */
KL_CHECK int kl_orientation_init(struct kl_orientation *o, double rate_hz,
                                 const struct kl_orientation_settings *settings);

/** One sample.
 *  @param t_ns     its session time, increasing; only gaps are read from it, the step of time is
 *                  the nominal one (jitter of a clock is no rotation)
 *  @param w_rad_s  angular rate in the sensor frame, bias not removed
 *  @param a_m_s2   specific force in the sensor frame
 *  @param quality  kl_quality bits of the sample */
void kl_orientation_push(struct kl_orientation *o, int64_t t_ns, struct kl_vec w_rad_s,
                         struct kl_vec a_m_s2, uint32_t quality);

/** Sensor to earth (z up): v_earth = kl_quat_rotate(q, v_sensor). Unit length. */
struct kl_quat kl_orientation_get(const struct kl_orientation *o);

/** Angular rate of the last sample without bias and scale error, rad/s, sensor frame. */
struct kl_vec kl_orientation_rate(const struct kl_orientation *o);

/** Estimated gyroscope bias, rad/s, sensor frame. */
struct kl_vec kl_orientation_bias(const struct kl_orientation *o);

/** A bias known from a still pose, rad/s, with its standard uncertainty sd_rad_s > 0. */
void kl_orientation_set_bias(struct kl_orientation *o, struct kl_vec bias_rad_s, double sd_rad_s);

/** The sensor has lain or stood still for rest.min_s. */
bool kl_orientation_at_rest(const struct kl_orientation *o);

/** Estimated inclination error, rad: what the low-passed acceleration still swings by (residual
 *  ripple of the motion) and what the bias uncertainty turns in tau. Heading is not in it. */
double kl_orientation_tilt_sd(const struct kl_orientation *o);

/** kl_orientation_mark bits of the last sample. */
uint32_t kl_orientation_marks(const struct kl_orientation *o);

#endif
