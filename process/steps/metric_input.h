/* What the metrics of one step are computed from, and the call that computes one of them.
 *
 * A row of the metric table (metric.h) carries how it is computed. The step assembler fills one
 * kl_metric_input per step and asks for every row; what a metric needs and is not there comes back
 * as kl_reason bits, never as a number. Times between contacts need neighbours: fill them when
 * known and ask again, or once when they are.
 *
 * Axes: contact->wrench is in lab axes as measured; mirroring of a left foot (methods 1.2) happens
 * here, so that right and left are one formula. Threads: any. RT safe.
 */
#ifndef KL_PROCESS_STEPS_METRIC_INPUT_H
#define KL_PROCESS_STEPS_METRIC_INPUT_H

#include "process/force/force_chain.h"
#include "process/steps/metric.h"
#include "process/steps/step.h"

struct kl_metric_input {
    const struct kl_contact *contact;
    unsigned measured; /* kl_plate.measured of the contact's stream */
    enum kl_side side; /* UNKNOWN: metrics whose sign depends on it are withheld */

    double midline_z_m; /* between the feet, lab Z; 0 on a split belt: the belt's middle */

    double body_weight_n; /* 0: not known */
    double height_m;      /* 0: not known */
    double speed_m_s;     /* belt speed; 0: not known */

    /* Loading rates: the rule for steps without an impact peak (KL_LOADING_IMPACT_PEAK: withhold
     * them), and whether it holds for all steps (methods 6: when only some steps of a bout have an
     * impact peak). */
    enum kl_loading_rule rule_without_impact;
    bool force_rule;

    /* Initial contacts of the following steps, session time, ns. Leave has_* false when the step
     * after is missing, cut or not there yet. */
    bool has_next, has_next2;
    double next_ic_ns, next2_ic_ns; /* IC_{k+1}, IC_{k+2} */

    /* Where the next foot landed, from kl_cop_landing_x of the next contact: refines step length.
     */
    bool has_next_landing_x;
    double next_landing_x_m;
};

/** One metric of one step.
 *  @param out  SI value; untouched unless 0 is returned
 *  @return 0, or the kl_reason bits why there is no value */
uint32_t kl_metric_compute(enum kl_metric_id id, const struct kl_metric_input *input, double *out);

/** The rule that KL_METRIC_VALR and KL_METRIC_VILR follow for this input: for kl_step. */
enum kl_loading_rule kl_metric_loading_rule(const struct kl_metric_input *input);

/** True when the step has an impact peak of its own (methods 6), whatever rule is in force: the
 *  assembler counts these to decide on force_rule. Needs contact and body weight. */
bool kl_metric_has_impact_peak(const struct kl_metric_input *input);

#endif
