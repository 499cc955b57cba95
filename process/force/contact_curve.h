/* A contact as a function of time since initial contact: the few questions all metrics ask. */
#ifndef KL_PROCESS_FORCE_CONTACT_CURVE_H
#define KL_PROCESS_FORCE_CONTACT_CURVE_H

#include "process/force/force_chain.h"

/** Contact time, s; meaningful when the contact is complete. */
double kl_contact_duration(const struct kl_contact *contact);

/** Time of a sample since initial contact, s. */
double kl_contact_time(const struct kl_contact *contact, size_t index);

/** Samples with from_s <= time <= to_s: [*first, *end).
 *  @return their number, 0 when there are none */
size_t kl_contact_samples(const struct kl_contact *contact, double from_s, double to_s,
                          size_t *first, size_t *end);

/** Value at a time, linear between samples, held beyond the ends.
 *  @param component  of the wrench */
double kl_contact_value(const struct kl_contact *contact, enum kl_wrench component, double t_s);

/** Sign that reflects a component of a left foot in the sagittal plane (methods 1.2): 1 or -1. */
double kl_mirror_sign(enum kl_side side, enum kl_wrench component);

#endif
