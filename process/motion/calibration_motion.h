/* What each sensor did during one phase of the body calibration: did it stand still, about which
 * axis did it turn, how far and how often.
 *
 * Samples are averaged over epochs of 20 ms of data time, so that neither the rate of a sensor nor
 * the cutting of blocks matters and sensors can be compared epoch by epoch. Memory moves in _open
 * and _close only. Threads: one at a time. RT safe but those two.
 */
#ifndef KL_PROCESS_MOTION_CALIBRATION_MOTION_H
#define KL_PROCESS_MOTION_CALIBRATION_MOTION_H

#include "process/motion/functional_axis.h"
#include "process/motion/segment.h"

#define KL_EPOCH_S 0.020
#define KL_EPOCHS_MAX 3000 /* a phase of 60 s; what comes later in it is ignored */

struct kl_epoch {
    struct kl_vec w_rad_s, a_m_s2; /* sums */
    uint32_t count;
};

struct kl_calibration_epochs {
    int64_t begin_ns, end_ns;
    size_t count;                            /* epochs touched so far, over all sensors */
    struct kl_epoch (*epoch)[KL_EPOCHS_MAX]; /* [KL_SEGMENT_COUNT] */
};

KL_CHECK int kl_calibration_epochs_open(struct kl_calibration_epochs *epochs);
void kl_calibration_epochs_close(struct kl_calibration_epochs *epochs);

/** A phase begins: forgets the one before. */
void kl_calibration_epochs_begin(struct kl_calibration_epochs *epochs, int64_t t_ns);

/** A sample; outside the phase, or not a number: ignored. */
void kl_calibration_epochs_add(struct kl_calibration_epochs *epochs, enum kl_segment sensor,
                               int64_t t_ns, struct kl_vec w_rad_s, struct kl_vec a_m_s2);

struct kl_calibration_still {
    double seconds;     /* of the longest stretch without motion */
    double now_s;       /* of the stretch that lasts until the newest epoch */
    struct kl_vec rate; /* mean over the longest: the gyroscope's bias, rad/s */
    struct kl_vec up;   /* mean acceleration over it, m/s^2 */
};

/** @return false (out untouched) without samples */
bool kl_calibration_still_of(const struct kl_calibration_epochs *epochs, enum kl_segment sensor,
                             struct kl_calibration_still *out);

struct kl_calibration_turn {
    double moving_s;           /* with |w| above the threshold */
    struct kl_vec axis;        /* unit; sign arbitrary */
    double quality;            /* Q */
    double range_rad;          /* of the angle about the axis */
    size_t repetitions;        /* there and back */
    struct kl_vec mean_a_m_s2; /* over the phase: which way gravity swung */
};

/** @param bias_rad_s  of the gyroscope
 *  @param moving_rad_s  rates below it say nothing about the axis
 *  @return false (out untouched) without samples that moved */
bool kl_calibration_turn_of(const struct kl_calibration_epochs *epochs, enum kl_segment sensor,
                            struct kl_vec bias_rad_s, double moving_rad_s,
                            struct kl_calibration_turn *out);

/** Correlation of two sensors' |w| over the epochs both have: legs that swing together.
 *  @return 0 where it is not defined */
double kl_calibration_likeness(const struct kl_calibration_epochs *epochs, enum kl_segment a,
                               enum kl_segment b);

/** Sum of w_a w_b^T over the epochs both have: v_a . (sum v_b) is positive when a about v_a and b
 *  about v_b turn the same way. */
struct kl_matrix kl_calibration_together(const struct kl_calibration_epochs *epochs,
                                         enum kl_segment a, enum kl_segment b);

/** First epoch in which a sensor turns faster than moving_rad_s; KL_EPOCHS_MAX: none. */
size_t kl_calibration_first_move(const struct kl_calibration_epochs *epochs, enum kl_segment sensor,
                                 double moving_rad_s);

#endif
