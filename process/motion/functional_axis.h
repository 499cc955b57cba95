/* The axis a segment turned about, from its angular rates: the direction of largest second moment.
 *
 * A knee that bends turns thigh and shank about its flexion axis; noise and soft tissue spread the
 * rate around it. Quality Q = l1 / (l1 + l2 + l3) of the moment's eigenvalues: 1 is a pure hinge,
 * 1/3 has no axis at all (methods 9.3). Caller's memory. Threads: any. RT safe.
 */
#ifndef KL_PROCESS_MOTION_FUNCTIONAL_AXIS_H
#define KL_PROCESS_MOTION_FUNCTIONAL_AXIS_H

#include "acquire/stream.h"
#include "process/motion/rotation.h"

/** Sum of w w^T; zero-initialised is empty. */
struct kl_axis_moment {
    struct kl_matrix sum;
    size_t count;
};

void kl_axis_moment_add(struct kl_axis_moment *moment, struct kl_vec w_rad_s);

/** @param axis     unit vector; its sign is arbitrary
 *  @param quality  Q
 *  @return false (out untouched) without samples or motion */
bool kl_axis_moment_get(const struct kl_axis_moment *moment, struct kl_vec *axis, double *quality);

#endif
