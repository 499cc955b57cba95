/* One row of the metric table: what people read, what it needs, how it is computed. Each subject
 * keeps its rows beside its arithmetic; metric.c puts them together. */
#ifndef KL_PROCESS_STEPS_METRIC_ROW_H
#define KL_PROCESS_STEPS_METRIC_ROW_H

#include "process/steps/metric_input.h"

/* What a row cannot do without. Each missing one is a reason. */
enum kl_metric_need {
    KL_NEED_IC = 1 << 0,
    KL_NEED_TO = 1 << 1,
    KL_NEED_NEXT = 1 << 2,
    KL_NEED_NEXT2 = 1 << 3,
    KL_NEED_SIDE = 1 << 4,
    KL_NEED_BODY_WEIGHT = 1 << 5,
    KL_NEED_SPEED = 1 << 6,
    KL_NEED_QUIET = 1 << 7,  /* depends on events or slopes: not with belt noise */
    KL_NEED_INSIDE = 1 << 8, /* a channel at its rail makes it wrong */
};

#define KL_NEED_CONTACT (KL_NEED_IC | KL_NEED_TO)

/** @param out  SI value  @return 0 or kl_reason bits */
typedef uint32_t kl_metric_function(const struct kl_metric_input *input, double *out);

struct kl_metric_row {
    struct kl_metric metric;
    unsigned needs;      /* kl_metric_need bits */
    unsigned components; /* of the plate, 1 << kl_wrench */
    kl_metric_function *compute;
};

/** The rows, in the order of enum kl_metric_id. */
extern const struct kl_metric_row kl_force_metric[KL_METRIC_FORCE_COUNT];

#endif
