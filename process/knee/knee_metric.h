/* What a knee step and the centre of mass give to the table of metrics. */
#ifndef KL_PROCESS_KNEE_KNEE_METRIC_H
#define KL_PROCESS_KNEE_KNEE_METRIC_H

#include "process/knee/knee_step.h"
#include "process/steps/metric.h"

/** Centre of mass at a stance (methods 7.4). */
struct kl_com_step {
    uint32_t reasons;
    double oscillation_m;
    double overstride_m; /* first valid centre of pressure ahead of the centre of mass */
    double
        cop_to_com_m; /* mean sideways distance of centre of pressure and mass, outwards, 20-80 % */
};

/** Row `index` of KL_KNEE_METRICS. */
const struct kl_metric *kl_knee_metric_get(size_t index);

/** @param stride_s  0: not known
 *  @param out       SI; untouched unless 0 is returned
 *  @return 0 or kl_reason bits */
uint32_t kl_knee_metric_compute(size_t index, const struct kl_knee_step *knee,
                                const struct kl_com_step *com, double belt_m_s, double stride_s,
                                double *out);

/** @param com  NULL: not found
 *  @param side    of the foot: decides what is outwards
 *  @param step_s  step time: the vertical range is that of one step, without the drift that a
 *                 double integral collects over several; <= 0: not known */
void kl_com_step_of(const struct kl_contact *contact, unsigned measured, enum kl_side side,
                    const struct kl_com *com, double step_s, struct kl_com_step *out);

#endif
