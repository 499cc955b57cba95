/* What a sensor says while the runner stands still: gyroscope bias, gravity, and whether to
 * believe it.
 *
 * At least 5 s of one pose, at the start and again at the end of a session (methods 8.1). The same
 * pose twice also tells whether the gyroscope has drifted, and - gravity in the sensor's frame -
 * whether the strap has slipped on the segment (methods 9).
 * Caller's memory. Threads: any, one at a time. RT safe, kl_still_pose_check() apart (it prints).
 */
#ifndef KL_PROCESS_MOTION_STILL_POSE_H
#define KL_PROCESS_MOTION_STILL_POSE_H

#include "acquire/stream.h"
#include "process/motion/rotation.h"
#include "process/steps/body_weight.h"

#define KL_STILL_POSE_MIN_S 5.0             /* methods 8.1 */
#define KL_STILL_RATE_MAX_RAD_S 0.034906585 /* 2 deg/s from the mean, per axis */
#define KL_STILL_ACCELERATION_MAX_M_S2 0.5  /* from the mean, per axis */
#define KL_GRAVITY_ERROR_MAX_M_S2                                                                  \
    0.05                                     /* | |a| - g |: else the accelerometer is to be       \
                                                calibrated in six positions */
#define KL_GYRO_DRIFT_MAX_RAD_S 0.0087266463 /* 0.5 deg/s between start and end */
#define KL_STRAP_SLIP_MAX_RAD 0.0523598776   /* 3 deg between two still poses */

/** Why a still pose is not accepted; bits. */
enum kl_still_fault {
    KL_STILL_SHORT = 1 << 0,   /* fewer than 5 s of usable samples */
    KL_STILL_TURNED = 1 << 1,  /* the sensor turned */
    KL_STILL_SHAKEN = 1 << 2,  /* the sensor was shaken */
    KL_STILL_MISSING = 1 << 3, /* samples are missing or not numbers */
    KL_STILL_CLIPPED = 1 << 4, /* at a rail, while nothing moves: broken or misread */
    KL_STILL_GRAVITY = 1 << 5, /* only the accelerometer is off; bias and direction are good */
};

struct kl_still_pose {
    uint64_t count;
    double period_s;
    struct kl_vec w_first, a_first; /* the sums are of differences to these */
    struct kl_vec w_sum, a_sum;
    struct kl_vec w_low, w_high, a_low, a_high;
    uint32_t quality; /* all bits seen */
};

/** @return KL_OK or KL_ERR_RANGE for a rate that is not positive */
KL_CHECK int kl_still_pose_init(struct kl_still_pose *pose, double rate_hz);

void kl_still_pose_step(struct kl_still_pose *pose, struct kl_vec w_rad_s, struct kl_vec a_m_s2,
                        uint32_t quality);

/** Mean angular rate: the bias, rad/s; 0 without samples. */
struct kl_vec kl_still_pose_bias(const struct kl_still_pose *pose);

/** Mean acceleration, m/s^2, sensor frame: points up. */
struct kl_vec kl_still_pose_gravity(const struct kl_still_pose *pose);

/** kl_still_fault bits; 0: accepted. */
unsigned kl_still_pose_faults(const struct kl_still_pose *pose);

/** The same in words. `name`: the sensor's, for the message.
 *  @return KL_OK, or KL_ERR_DATA with the worst fault, what to do included. GRAVITY is a failure
 *          here too; ask kl_still_pose_faults() where bias and direction are enough. */
int kl_still_pose_check(const struct kl_still_pose *pose, const char *name, struct kl_fault *fault);

/** Change of the gyroscope's bias between two poses, rad/s; warn above KL_GYRO_DRIFT_MAX_RAD_S. */
double kl_still_pose_drift(const struct kl_still_pose *before, const struct kl_still_pose *after);

/** Angle between gravity in the sensor's frame in two equal poses, rad: how far the sensor has
 *  turned on its segment, but for a turn about the vertical, which gravity cannot show. The strap
 *  has slipped above KL_STRAP_SLIP_MAX_RAD. */
double kl_still_pose_slip(const struct kl_still_pose *before, const struct kl_still_pose *after);

#endif
