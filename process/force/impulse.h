/* Integrals, extremes and zero crossings of a force over a contact: methods 6. */
#ifndef KL_PROCESS_FORCE_IMPULSE_H
#define KL_PROCESS_FORCE_IMPULSE_H

#include "process/force/force_chain.h"

/** Integrals from initial contact to toe-off, the force taken as straight between samples; the
 *  parts above and below zero separately. N·s */
struct kl_impulse {
    double positive_n_s, negative_n_s; /* negative <= 0 */
};

/** @param contact  complete, count >= 2 */
struct kl_impulse kl_impulse_of(const struct kl_contact *contact, enum kl_wrench component);

/** Largest and smallest sample between initial contact and toe-off and when, s since contact. */
struct kl_force_extremes {
    double max_n, max_s, min_n, min_s;
};

/** @return false (out untouched) when the contact holds no sample */
bool kl_force_extremes_of(const struct kl_contact *contact, enum kl_wrench component,
                          struct kl_force_extremes *out);

/** First time after from_s (before toe-off) at which the force rises through zero, s.
 *  @return false (out untouched) when it does not */
bool kl_force_rises_through_zero(const struct kl_contact *contact, enum kl_wrench component,
                                 double from_s, double *out_s);

#endif
