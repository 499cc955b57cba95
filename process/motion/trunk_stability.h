/* Local dynamic stability of the trunk, while a session runs: methods 14.
 *
 * One hundred strides in a row, every two minutes of data time, give one value. Its neighbours are
 * searched in small equal parts, so many per step, so that no step costs much; which part is done
 * when depends on the steps alone, and replay gives the same bits. Memory moves in _create and
 * _destroy only. Threads: one. RT safe else.
 */
#ifndef KL_PROCESS_MOTION_TRUNK_STABILITY_H
#define KL_PROCESS_MOTION_TRUNK_STABILITY_H

#include "process/motion/local_stability.h"
#include "process/motion/motion_window.h"

#define KL_STABILITY_EVERY_S 120.0 /* from one first stride to the next, methods 14 */

struct kl_trunk_stability;

/** @return NULL without memory */
struct kl_trunk_stability *kl_trunk_stability_create(void);
void kl_trunk_stability_destroy(struct kl_trunk_stability *stability);

/** Forgets everything. */
void kl_trunk_stability_reset(struct kl_trunk_stability *stability);

/** Every step in order of time, with its motion; NULL: none, which breaks the row of strides when
 *  it is of the foot that is counted. Strides whose start is not the end of the last one counted
 *  are those of the other foot, or begin a new row. */
void kl_trunk_stability_step(struct kl_trunk_stability *stability,
                             const struct kl_motion_window *window);

/** Does what is left of the value in work: at the end of a session, up to 1 s. */
void kl_trunk_stability_finish(struct kl_trunk_stability *stability);

/** The newest value: slope of the divergence per stride over its first half.
 *  @return how many values there were so far; 0: *out is untouched */
size_t kl_trunk_stability_get(const struct kl_trunk_stability *stability, double *out);

#endif
