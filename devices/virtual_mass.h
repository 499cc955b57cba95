/* Where the centre of mass of a virtual runner goes: the double integral of the forces it emits,
 * in closed form (methods 7.4 backwards).
 *
 * Without jitter the motion is periodic and exact. With jitter the integral would wander off the
 * belt; each step's surplus is taken back by a smooth displacement within that step (a few mm),
 * which stands for the legs and arms that carry less than their share. Threads: any.
 */
#ifndef KL_DEVICES_VIRTUAL_MASS_H
#define KL_DEVICES_VIRTUAL_MASS_H

#include "devices/virtual_gait.h"
#include "devices/virtual_pose.h"

/** The mean stride; index 0: the left step, 1: the right step. */
struct kl_virtual_mass {
    double start_m_s[2][3]; /* velocity at a contact, all earlier contacts completed */
    double start_m[2][3];   /* position at a contact, about the mean of the stride */
};

void kl_virtual_mass_init(struct kl_virtual_mass *mass, const struct kl_virtual_runner *runner);

/** Position about its mean, m, lab axes.
 *  @param contact  [count], oldest first; the step of time t is that of contact[at], whose
 *                  predecessor is contact[at - 1] unless it is the first of the session
 *  @param t_s  session time; before the first contact: the flight towards it
 *  @param out  [3] */
void kl_virtual_mass_at(const struct kl_virtual_mass *mass,
                        const struct kl_virtual_contact *contact, size_t at, double t_s,
                        struct kl_virtual_course out[3]);

#endif
