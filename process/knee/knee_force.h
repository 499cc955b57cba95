/* The wrench of one stance as the knee arithmetic needs it: low-passed at 20 Hz without lag, like
 * the motion it is combined with, on the grid of the motion window (methods 10, 12.1).
 *
 * The contact comes out of the force chain at its own cut-off (50 Hz): what that takes below 20 Hz
 * is under 0.1 % of anything slower than 10 Hz. Outside the contact's samples the force is 0.
 * Threads: one per object.
 */
#ifndef KL_PROCESS_KNEE_KNEE_FORCE_H
#define KL_PROCESS_KNEE_KNEE_FORCE_H

#include "process/force/force_chain.h"
#include "process/motion/motion_window.h"

#define KL_KNEE_CUTOFF_HZ 20.0

struct kl_knee_force;

/** For a plate of this rate. @param cutoff_hz  -3 dB of both passes; KL_KNEE_CUTOFF_HZ
 *  @return NULL without memory or below 2.5 x the cut-off */
struct kl_knee_force *kl_knee_force_create(double rate_hz, double cutoff_hz);
void kl_knee_force_destroy(struct kl_knee_force *force);

/** @param out  [window->count][6] N, N·m about the lab origin, at the window's times
 *  @return false when the contact has no samples or more than fit. RT safe */
bool kl_knee_force_fill(struct kl_knee_force *force, const struct kl_contact *contact,
                        const struct kl_motion_window *window, double (*out)[KL_WRENCH_COUNT]);

#endif
