/* A queue of byte records between one producer and one consumer: how the session thread hands the
 * recorder what is to be written, without ever waiting for a disk.
 *
 * A record is whole or not there, and lies in one piece, so that it is encoded in place. The memory
 * is touched only as far as it fills: whenever the queue is empty it starts again at its beginning,
 * so that a queue sized for a minute of a stalled disk costs a few pages while the disk obeys.
 *
 *     producer: reserve, fill, commit        consumer: begin, peek, peek, ..., release
 *
 * Threads: one producer, one consumer; kl_byte_queue_used from any.
 */
#ifndef KL_ACQUIRE_BYTE_QUEUE_H
#define KL_ACQUIRE_BYTE_QUEUE_H

#include "acquire/stream.h"

struct kl_byte_queue;

/** @param capacity  bytes, rounded up to a multiple of 16. NULL without memory */
struct kl_byte_queue *kl_byte_queue_create(size_t capacity);
void kl_byte_queue_destroy(struct kl_byte_queue *queue);

/** Room for one record of `size` bytes, or NULL when it does not fit now. Producer. RT safe. */
uint8_t *kl_byte_queue_reserve(struct kl_byte_queue *queue, size_t size);

/** Hands over the record reserved last. @param t_ns  session time of its newest sample */
void kl_byte_queue_commit(struct kl_byte_queue *queue, int64_t t_ns);

/** Where the consumer stands: the oldest record not released. Consumer. */
uint64_t kl_byte_queue_begin(struct kl_byte_queue *queue);

/** The record at *cursor, which then moves to the next. NULL when there is none yet. Consumer. */
const uint8_t *kl_byte_queue_peek(struct kl_byte_queue *queue, uint64_t *cursor, size_t *size,
                                  int64_t *t_ns);

/** Gives the room of all records before `cursor` back to the producer. Consumer. */
void kl_byte_queue_release(struct kl_byte_queue *queue, uint64_t cursor);

/** Bytes taken, records and their headers. Threads: any. */
size_t kl_byte_queue_used(const struct kl_byte_queue *queue);

#endif
