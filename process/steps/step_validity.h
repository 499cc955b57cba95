/* Which contacts and steps may be reported: methods 4.2, with the marks of 3.4 and 3.6.
 *
 * Pure functions. Threads: any.
 */
#ifndef KL_PROCESS_STEPS_STEP_VALIDITY_H
#define KL_PROCESS_STEPS_STEP_VALIDITY_H

#include "process/force/force_chain.h"
#include "process/steps/step.h"

/* The other reasons are marks and leave a step valid: the zero moved, a gap was patched, the belt
 * changed speed. Belt noise and saturation refuse the metrics they spoil (metric.c), not the step.
 */
#define KL_REASONS_INVALID                                                                         \
    ((uint32_t)KL_REASON_CUT | (uint32_t)KL_REASON_CONTACT_RANGE |                                 \
     (uint32_t)KL_REASON_STEP_RANGE | (uint32_t)KL_REASON_FLIGHT_RANGE |                           \
     (uint32_t)KL_REASON_PEAK_RANGE | (uint32_t)KL_REASON_MISSED_STEP |                            \
     (uint32_t)KL_REASON_NO_NEXT | (uint32_t)KL_REASON_WARMING_UP |                                \
     (uint32_t)KL_REASON_CROSSOVER | (uint32_t)KL_REASON_SIGN)

/** Time from contact to contact that a single step can take: 240-550 ms. */
bool kl_step_time_valid(double time_s);

/** What a contact shows by itself, without its neighbours, as kl_reason bits.
 *  @param at_end         the end of the record, not a gap, ended it
 *  @param body_weight_n  0: not known, the peak is not judged */
uint32_t kl_contact_reasons(const struct kl_contact *contact, bool at_end, double body_weight_n);

/** Impulse of Fy from flight to flight, N·s: with the 0.25 % that lies below the threshold, for the
 *  mean over strides (methods 3.1).
 *  @param flight_s  the flight after it; <= 0: not known */
double kl_contact_impulse(const struct kl_contact *contact, double flight_s);

#endif
