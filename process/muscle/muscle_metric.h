/* What VMO and VL around one contact give to the table of metrics: methods 13. */
#ifndef KL_PROCESS_MUSCLE_MUSCLE_METRIC_H
#define KL_PROCESS_MUSCLE_MUSCLE_METRIC_H

#include "process/muscle/muscle_step.h"
#include "process/steps/metric.h"
#include "process/steps/step.h"

#define KL_MUSCLE_CROSS_TALK_MAX 0.3 /* |r| of raw VMO and VL, methods 13 */

enum kl_muscle { KL_MUSCLE_VMO = 0, KL_MUSCLE_VL, KL_MUSCLE_COUNT };

/** Both muscles of the stance leg. */
struct kl_muscle_pair {
    bool worn[KL_MUSCLE_COUNT];
    struct kl_muscle_step step[KL_MUSCLE_COUNT];
    double reference_v[KL_MUSCLE_COUNT]; /* amplitude of a maximal contraction, or of the reference
                                            bout; 0: none yet */
    bool relative;     /* the reference is a bout: a ratio there is 1 by construction */
    double cross_talk; /* of both raw signals; 0 unless both are readable */
};

/** Row `index` of KL_MUSCLE_METRICS. */
const struct kl_metric *kl_muscle_metric_get(size_t index);

/** @param out  SI; untouched unless 0 is returned  @return 0 or kl_reason bits */
uint32_t kl_muscle_metric_compute(size_t index, const struct kl_muscle_pair *pair, double *out);

/** What is to be said beside a valid value: kl_mark bits. */
uint8_t kl_muscle_metric_marks(size_t index, const struct kl_muscle_pair *pair);

#endif
