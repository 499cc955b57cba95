/* The angles of a virtual runner's joints at any time (methods 21.2): four harmonics of the stride
 * for the swing of the legs, sin^2 pulses over stance for what the metrics ask about.
 *
 *     pulse(s) = sin^2(pi s / 0.8), 0 <= s <= 0.8       largest, 1, at s = 0.4
 *
 * Left limbs are written as right ones (methods 1.2). The phase of the stride runs through the
 * contacts as a spline with two smooth derivatives, so that jitter shakes no sensor. While the
 * runner comes into swing everything grows smoothly from the standing pose, in which every angle
 * is 0. Threads: any.
 */
#ifndef KL_DEVICES_VIRTUAL_JOINT_H
#define KL_DEVICES_VIRTUAL_JOINT_H

#include "devices/virtual_gait.h"
#include "devices/virtual_pose.h"

/** Angles of a segment against its neighbour: about z, x, y in this order (methods 9.5), positive
 *  as these rotations are for a right limb. Trunk and pelvis: against the lab. Hip: against a
 *  pelvis that does not turn about its own long axis, so that the legs swing straight ahead. */
struct kl_virtual_joint {
    struct kl_virtual_course z, x, y;
};

struct kl_virtual_joints {
    struct kl_virtual_joint trunk, pelvis;
    struct kl_virtual_joint hip[2], knee[2], ankle[2]; /* left, right */
    struct kl_virtual_course shift_z; /* of the pelvis, m, + right: keeps the foot where it is */
    struct kl_virtual_course gain;    /* of the running motion: 0 standing, 1 running */
};

#define KL_VIRTUAL_HARMONICS 4

/** a0 + sum c_n cos(n phi) + s_n sin(n phi), rad. */
struct kl_virtual_series {
    double mean, c[KL_VIRTUAL_HARMONICS], s[KL_VIRTUAL_HARMONICS];
};

/** What the angles are made of; index: left, right. */
struct kl_virtual_swing {
    double start_s; /* the motion grows from here on */
    struct kl_virtual_series hip[2], knee[2], ankle[2];
    double pulse_rad[KL_VIRTUAL_PULSE_COUNT][2]; /* wedge included */
    double hip_adduction_rad[2];                 /* while running, outside of the pulse */
    double knee_varus_rad[2], contact_inversion_rad[2];
    double trunk_lean_rad, trunk_rotation_rad, pelvis_rotation_rad;
    double shift_m_rad[KL_VIRTUAL_PULSE_COUNT]; /* of the pelvis per amplitude of a pulse */
};

/** Lengths of methods 12 (Winter): of the height. */
struct kl_virtual_size {
    double thigh_m, shank_m, ankle_m; /* ankle above the sole */
    double hip_m;                     /* hip centre from the middle of the pelvis */
};

struct kl_virtual_size kl_virtual_size(const struct kl_virtual_runner *runner);

/** @param start_s  session time at which the runner leaves the standing pose */
void kl_virtual_swing_init(struct kl_virtual_swing *swing, const struct kl_virtual_runner *runner,
                           double start_s);

/** Which contact's step is time t in: the last one that began, else the first. */
size_t kl_virtual_step_at(const struct kl_virtual_contact *contact, size_t count, double t_s);

/** @param contact  [count] around t, oldest first: the one before the step of t (if there was one)
 *                  and the one after it must be among them */
void kl_virtual_joints_at(const struct kl_virtual_swing *swing,
                          const struct kl_virtual_contact *contact, size_t count, double t_s,
                          struct kl_virtual_joints *out);

#endif
