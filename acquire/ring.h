/* Hands records from one thread to one other thread without a lock.
 *
 * One producer, one consumer, roles fixed for life. A record goes through whole or not at all: a
 * full ring drops the newest record and counts it, so that interleaved channels can never slip.
 * The indices run freely and are reduced only at access; the fill is their unsigned difference:
 *
 *       tail (consumer)          head (producer)
 *         v                        v
 *    [ . | r | r | r | r | r | r | . | . | . ]      head - tail = 6 records
 *
 * All memory is allocated and touched by kl_ring_create, so no page fault happens later.
 */
#ifndef KL_ACQUIRE_RING_H
#define KL_ACQUIRE_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct kl_ring;

/** A ring for at least `records` records of `record_size` bytes each.
 *  @param record_size  bytes, > 0; every record starts at a 16-byte boundary
 *  @param records      > 0; rounded up to a power of two, at most 2^30
 *  @return NULL for a size out of range or without memory */
struct kl_ring *kl_ring_create(size_t record_size, size_t records);

/** The place for the next record, to be filled and then published.
 *  @return NULL when the ring is full; the record is then lost and has been counted
 *  Threads: producer. RT safe. */
void *kl_ring_reserve(struct kl_ring *ring);

/** Hands the record last reserved to the consumer. Threads: producer. RT safe. */
void kl_ring_publish(struct kl_ring *ring);

/** The oldest record, valid until kl_ring_pop. @return NULL when the ring is empty
 *  Threads: consumer. RT safe. */
const void *kl_ring_front(struct kl_ring *ring);

/** Gives the place of the oldest record back; only after kl_ring_front gave a record.
 *  Threads: consumer. RT safe. */
void kl_ring_pop(struct kl_ring *ring);

/** Records dropped because the ring was full. Threads: any. */
uint64_t kl_ring_dropped(const struct kl_ring *ring);

/** Records the ring holds when full. Threads: any. */
size_t kl_ring_capacity(const struct kl_ring *ring);

/** NULL is allowed. Both threads must have left the ring. */
void kl_ring_destroy(struct kl_ring *ring);

#endif
