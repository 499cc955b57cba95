/* The body of a virtual runner: eight segments and their joint centres at any time of a session.
 *
 *     centre of mass -> pelvis -> trunk
 *                        |-> hip -> thigh -> knee -> shank -> ankle -> foot     (each side)
 *
 * The pelvis follows the centre of mass that the emitted forces move (methods 7.4, 21.2); the legs
 * hang from it by their joint angles; mean hip adduction is such that the sole stands where the
 * centre of pressure says it does. So forces, centre of pressure and joint centres belong together
 * and the knee adduction moment has a truth. Before the run: standing (all axes along the lab's)
 * and the movements of the calibration.
 *
 * An insert (wedge_rad): a medial wedge takes eversion and tibial rotation away (Sinclair 2017,
 * [R41]) and moves the centre of pressure under the foot to the medial side. The lever arm at the
 * knee grows, but the shank's x axis turns back with the tibia and sees less of the flexion moment:
 * the moment rises in the lab frame and falls in the shank frame. A lab that wants one effect alone
 * sets ankle_cop_offset_m, eversion and tibial rotation by themselves.
 *
 * Caller's memory, no allocation. Threads: one writer at init, then any.
 */
#ifndef KL_DEVICES_VIRTUAL_BODY_H
#define KL_DEVICES_VIRTUAL_BODY_H

#include "devices/virtual_joint.h"
#include "devices/virtual_load.h"
#include "devices/virtual_mass.h"

struct kl_virtual_body {
    struct kl_virtual_timeline timeline;
    struct kl_virtual_size size;
    struct kl_virtual_swing swing;
    struct kl_virtual_mass mass;
    double stand_m[3]; /* pelvis while standing, lab */
    double run_m[3];   /* mean place of the pelvis while running, lab */
};

/** One moment. Origins: pelvis between the hip centres, trunk at the waist, thigh at the hip
 *  centre, shank at the knee centre, foot at the ankle centre. */
struct kl_virtual_posture {
    struct kl_virtual_pose segment[KL_VIRTUAL_SEGMENT_COUNT];
    double gain; /* 1: running, 0: standing or calibrating */
};

/** The runner must have passed kl_virtual_runner_check. */
void kl_virtual_body_init(struct kl_virtual_body *body, const struct kl_virtual_runner *runner);

/** @param contact  [count] around t, see kl_virtual_joints_at */
void kl_virtual_body_at(const struct kl_virtual_body *body,
                        const struct kl_virtual_contact *contact, size_t count, double t_s,
                        struct kl_virtual_posture *out);

/** External knee adduction moment of one contact at t (methods 12.1, massless shank and foot),
 *  N·m, about x of the shank, x of the thigh and lab X; zero outside the contact.
 *  @param out  [KL_VIRTUAL_FRAME_COUNT] mirrored to the right limb */
void kl_virtual_body_kam(const struct kl_virtual_posture *posture,
                         const struct kl_virtual_contact *contact, double t_s, double out[]);

/** Pelvis-side segment of a limb: left or right thigh, shank or foot. */
static inline int kl_virtual_limb(enum kl_virtual_segment left, enum kl_side side)
{
    return (int)left + (side == KL_SIDE_LEFT ? 0 : 1);
}

#endif
