#include "acquire/byte_queue.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define CACHE_LINE 64

/* In front of every record. The queue moves in units of this size, so that a header always fits
 * into what is left before the end of the memory. */
struct header {
    uint64_t size; /* bytes of the record, or SKIP */
    int64_t t_ns;
};
#define UNIT sizeof(struct header)
#define SKIP UINT64_MAX /* no record: go on at the beginning of the memory */

/* Positions count bytes for ever; position p lies at (p - origin) % capacity. The two ends lie in
 * cache lines of their own, or the threads would slow each other down. */
struct kl_byte_queue { /* NOLINT(clang-analyzer-optin.performance.Padding): just that */
    uint8_t *data;
    size_t capacity;
    /* Set by the producer, and only while the queue is empty; the consumer looks at it only while
     * it is not. `head` and `tail` order the two, so it needs no atomicity of its own. */
    uint64_t origin;
    uint64_t reserved; /* producer: position after the record being filled */
    uint64_t record;   /* producer: position of its header */
    size_t record_size;
    _Alignas(CACHE_LINE) _Atomic uint64_t head; /* written by the producer, read by the consumer */
    _Alignas(CACHE_LINE) _Atomic uint64_t tail; /* written by the consumer, read by the producer */
};

static size_t round_up(size_t size)
{
    return (size + UNIT - 1) / UNIT * UNIT;
}

static uint8_t *place(const struct kl_byte_queue *queue, uint64_t position)
{
    return queue->data + (position - queue->origin) % queue->capacity;
}

struct kl_byte_queue *kl_byte_queue_create(size_t capacity)
{
    if (capacity == 0 || capacity > SIZE_MAX / 2) {
        return NULL;
    }
    struct kl_byte_queue *queue = NULL;
    void *memory = NULL;
    if (posix_memalign(&memory, CACHE_LINE, sizeof(*queue)) != 0) {
        return NULL;
    }
    queue = memory;
    memset(queue, 0, sizeof(*queue));
    queue->capacity = round_up(capacity);
    queue->data = malloc(queue->capacity); /* untouched pages cost nothing */
    if (queue->data == NULL) {
        free(queue);
        return NULL;
    }
    atomic_init(&queue->head, 0);
    atomic_init(&queue->tail, 0);
    return queue;
}

void kl_byte_queue_destroy(struct kl_byte_queue *queue)
{
    if (queue != NULL) {
        free(queue->data);
        free(queue);
    }
}

uint8_t *kl_byte_queue_reserve(struct kl_byte_queue *queue, size_t size)
{
    if (size > queue->capacity - UNIT) {
        return NULL;
    }
    uint64_t head = atomic_load_explicit(&queue->head, memory_order_relaxed);
    uint64_t tail = atomic_load_explicit(&queue->tail, memory_order_acquire);
    if (head == tail) {
        queue->origin = head;
    }
    size_t need = UNIT + round_up(size);
    size_t to_end = queue->capacity - (size_t)((head - queue->origin) % queue->capacity);
    size_t skipped = need > to_end ? to_end : 0;
    if (head + skipped + need - tail > queue->capacity) {
        return NULL;
    }
    if (skipped > 0) {
        struct header skip = {.size = SKIP};
        memcpy(place(queue, head), &skip, sizeof(skip));
    }
    queue->record = head + skipped;
    queue->record_size = size;
    queue->reserved = queue->record + need;
    return place(queue, queue->record) + UNIT;
}

void kl_byte_queue_commit(struct kl_byte_queue *queue, int64_t t_ns)
{
    struct header header = {.size = queue->record_size, .t_ns = t_ns};
    memcpy(place(queue, queue->record), &header, sizeof(header));
    atomic_store_explicit(&queue->head, queue->reserved, memory_order_release);
}

uint64_t kl_byte_queue_begin(struct kl_byte_queue *queue)
{
    return atomic_load_explicit(&queue->tail, memory_order_relaxed);
}

const uint8_t *kl_byte_queue_peek(struct kl_byte_queue *queue, uint64_t *cursor, size_t *size,
                                  int64_t *t_ns)
{
    uint64_t head = atomic_load_explicit(&queue->head, memory_order_acquire);
    uint64_t position = *cursor;
    struct header header;
    if (position == head) {
        return NULL;
    }
    memcpy(&header, place(queue, position), sizeof(header));
    if (header.size == SKIP) {
        position += queue->capacity - (position - queue->origin) % queue->capacity;
        memcpy(&header, place(queue, position), sizeof(header)); /* a record always follows */
    }
    *size = (size_t)header.size;
    *t_ns = header.t_ns;
    *cursor = position + UNIT + round_up(*size);
    return place(queue, position) + UNIT;
}

void kl_byte_queue_release(struct kl_byte_queue *queue, uint64_t cursor)
{
    atomic_store_explicit(&queue->tail, cursor, memory_order_release);
}

size_t kl_byte_queue_used(const struct kl_byte_queue *queue)
{
    uint64_t tail = atomic_load_explicit(&queue->tail, memory_order_acquire);
    uint64_t head = atomic_load_explicit(&queue->head, memory_order_acquire);
    return (size_t)(head - tail);
}
