/* How steps come into the snapshot: what is shown at once, what waits for the next contact, what
 * stays on screen meanwhile. Plain functions over plain data. Threads: one. RT safe. */
#ifndef KL_PROCESS_SNAPSHOT_STEPS_H
#define KL_PROCESS_SNAPSHOT_STEPS_H

#include "process/snapshot.h"
#include "process/steps/step_assembler.h"
#include "process/steps/step_statistics.h"

/** A contact shows at once, with its curve; what depends on the next one is still open in `step`
 *  (KL_REASON_NO_NEXT) and keeps its newest finished value. */
void kl_snapshot_contact(struct kl_snapshot *now, const struct kl_assembly *assembly,
                         const struct kl_step *step);

/** A step is finished: it replaces its contact, or fills what newer contacts of its side wait for.
 *  Where its foot was taken for the other one before, it disappears there. */
void kl_snapshot_step(struct kl_snapshot *now, const struct kl_step *step);

/** Mean, SD and number over the recent steps of a side, all metrics. */
void kl_snapshot_statistics(struct kl_snapshot_side *side,
                            const struct kl_step_statistics *statistics);

/** The newest counted cadence and its history, steps/min; 0: none. */
void kl_snapshot_cadence(struct kl_snapshot *now, double cadence_spm);

#endif
