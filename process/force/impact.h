/* Active peak, impact peak and loading rates of the vertical force: methods 6.
 *
 * A loading rate depends on filter, cut-off and method: whoever shows it shows the rule beside it,
 * and rules are never mixed in one comparison.
 */
#ifndef KL_PROCESS_FORCE_IMPACT_H
#define KL_PROCESS_FORCE_IMPACT_H

#include "process/force/force_chain.h"
#include "process/steps/step.h"

/** Times are seconds since initial contact. */
struct kl_vertical_peaks {
    double active_n, active_s; /* F2: maximum in 30-70 % of stance */
    bool has_impact;
    double impact_n, impact_s; /* F1 */
};

/** @param contact        complete
 *  @param body_weight_n  for the 0.02 BW of the trough behind an impact peak; 0: F2 only
 *  @return false (out untouched) when no sample lies in 30-70 % of stance
 *  F1: first local maximum in 5-60 ms and before 35 % of stance, followed by a trough at least
 *  0.02 BW lower before F2. Source: methods 6 */
bool kl_vertical_peaks_of(const struct kl_contact *contact, double body_weight_n,
                          struct kl_vertical_peaks *out);

struct kl_loading_rate {
    double average_n_s;       /* VALR */
    double instantaneous_n_s; /* VILR: largest central difference in the same stretch */
};

/** Loading rates by one rule.
 *  @param rule  KL_LOADING_IMPACT_PEAK: 20-80 % of F1; KL_LOADING_P13: of the force at 13 % of
 *               stance (Willy 2008, Samaan 2014); A312: from 3 to 12 % of stance; POI: of the first
 *               point above 0.75 BW with a slope below 15 BW/s (Futrell 2018); BW50: from 50 N to
 *               BW + 50 N (Bredeweg 2013)
 *  @return 0, or kl_reason bits (out untouched): KL_REASON_NO_IMPACT_PEAK when the rule finds no
 *          point to measure to, KL_REASON_NO_BODY_WEIGHT when it needs that */
uint32_t kl_loading_rate_of(const struct kl_contact *contact, double body_weight_n,
                            enum kl_loading_rule rule, struct kl_loading_rate *out);

#endif
