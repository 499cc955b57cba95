/* The truth of motion, knee and muscle for one step: methods 10-13 applied to the noiseless body
 * on a grid of 2 kHz over stance. Shares no code with what it judges. Threads: one per struct. */
#ifndef KL_DEVICES_VIRTUAL_MOTION_TRUTH_H
#define KL_DEVICES_VIRTUAL_MOTION_TRUTH_H

#include "devices/virtual_body.h"
#include "devices/virtual_emg.h"
#include "devices/virtual_imu.h"

/** What is followed over stance; clinical signs, mirrored to the right limb. */
enum kl_virtual_signal {
    KL_SIGNAL_EVERSION = 0,  /* rad */
    KL_SIGNAL_TIBIA_ON_FOOT, /* internal rotation of the shank over the foot, rad */
    KL_SIGNAL_TIBIA_RATE,    /* of the shank about its own axis, rad/s */
    KL_SIGNAL_KNEE_FRONTAL,  /* + varus */
    KL_SIGNAL_KNEE_FLEXION,
    KL_SIGNAL_THIGH_FRONTAL, /* + adduction, against the lab */
    KL_SIGNAL_SHANK_FRONTAL,
    KL_SIGNAL_HIP_ADDUCTION,
    KL_SIGNAL_PELVIC_DROP,
    KL_SIGNAL_TRUNK_FORWARD,
    KL_SIGNAL_TRUNK_IPSILATERAL,
    KL_SIGNAL_TIBIA_FORWARD, /* inclination, + ankle ahead of knee */
    KL_SIGNAL_SHOCK_Y,       /* m/s^2 at the tibial sensor, less static gravity */
    KL_SIGNAL_SHOCK_R,
    KL_SIGNAL_KAM, /* N·m/kg, then one for each frame */
    KL_SIGNAL_COUNT = KL_SIGNAL_KAM + KL_VIRTUAL_FRAME_COUNT,
};

struct kl_virtual_motion_truth {
    struct kl_virtual_body body;
    struct kl_virtual_imu tibia[2]; /* left, right; axes of the shank */
    struct kl_virtual_burst vmo[2], vl[2];
    double mass_kg;
    size_t capacity;
    double *signal[KL_SIGNAL_COUNT]; /* [capacity] */
};

/** Memory for stances of this runner. @return KL_OK or KL_ERR_MEM */
int kl_virtual_motion_truth_init(struct kl_virtual_motion_truth *truth,
                                 const struct kl_virtual_runner *runner);

void kl_virtual_motion_truth_release(struct kl_virtual_motion_truth *truth);

/** @param contact  [count]: the contact before contact[at] if there was one, contact[at], and the
 *                  two after it
 *  @param out  in: side, ic_s and to_s; out: motion and muscle */
void kl_virtual_motion_truth_step(struct kl_virtual_motion_truth *truth,
                                  const struct kl_virtual_contact *contact, size_t count, size_t at,
                                  struct kl_virtual_step *out);

#endif
