/* Contacts of several plates, copied and put in order of time by watermarks in data time.
 *
 * Threads: one. No allocation after _create.
 */
#ifndef KL_PROCESS_STEPS_CONTACT_QUEUE_H
#define KL_PROCESS_STEPS_CONTACT_QUEUE_H

#include "process/force/force_chain.h"

#define KL_CONTACT_QUEUE_PLATES 4
#define KL_CONTACT_QUEUE_LATE_NS KL_NS_PER_S /* a plate this far behind is not waited for */

struct kl_contact_queue;

/** A contact in its place. */
struct kl_queued_contact {
    struct kl_contact contact; /* wrench belongs to the queue */
    size_t plate;
    bool at_end; /* delivered when the record was over: no gap ended it */
};

/** @param rate_hz  in [plates].  @return NULL without memory or with too many plates */
struct kl_contact_queue *kl_contact_queue_create(const double *rate_hz, size_t plates);
void kl_contact_queue_destroy(struct kl_contact_queue *queue);

/** A finished contact of a plate, copied. Contacts of one plate come in order.
 *  @return false when a later contact was accepted before (counted, not taken) */
bool kl_contact_queue_push(struct kl_contact_queue *queue, size_t plate,
                           const struct kl_contact *contact);

/** How far a plate is: its newest sample, and the time before which no contact of it begins any
 *  more. */
void kl_contact_queue_plate(struct kl_contact_queue *queue, size_t plate, int64_t newest_ns,
                            int64_t watermark_ns);

/** No more contacts. */
void kl_contact_queue_end(struct kl_contact_queue *queue);

/** No contact that begins before this will come any more. */
double kl_contact_queue_limit(const struct kl_contact_queue *queue);

/** The next contact in order, left in the queue; NULL when one may still come before it. */
const struct kl_queued_contact *kl_contact_queue_next(const struct kl_contact_queue *queue);

/** Accepts what kl_contact_queue_next gave: it moves to the end of the accepted ones. */
void kl_contact_queue_accept(struct kl_contact_queue *queue);

/** Accepted contacts not released yet, and the i-th of them, oldest first. */
size_t kl_contact_queue_accepted(const struct kl_contact_queue *queue);
const struct kl_queued_contact *kl_contact_queue_get(const struct kl_contact_queue *queue,
                                                     size_t i);

/** Forgets the oldest accepted one. */
void kl_contact_queue_release(struct kl_contact_queue *queue);

/** Contacts that came too late. */
size_t kl_contact_queue_late(const struct kl_contact_queue *queue);

#endif
