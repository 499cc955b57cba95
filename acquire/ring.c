#include "acquire/ring.h"

#include <stdalign.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define CACHE_LINE 64 /* bytes; x86-64 and most ARM cores */
#define RECORD_ALIGN 16
#define RECORDS_MAX (UINT32_C(1) << 30)
/* The indices start just short of their wrap, so that every session passes it early and a mistake
 * in the arithmetic cannot hide until the ring has been used for an hour. */
#define FIRST_INDEX (UINT32_MAX - 100)

/* Padded on purpose: what one thread writes shares no cache line with what the other one writes. */
/* NOLINTNEXTLINE(clang-analyzer-optin.performance.Padding) */
struct kl_ring {
    uint32_t mask;
    size_t stride; /* bytes from record to record */
    unsigned char *memory;

    alignas(CACHE_LINE) _Atomic uint32_t head; /* written by the producer, read by the consumer */
    uint32_t tail_seen;                        /* producer's own: tail when last looked at */
    _Atomic uint64_t dropped;                  /* written by the producer, read by any thread */

    alignas(CACHE_LINE) _Atomic uint32_t tail; /* written by the consumer, read by the producer */
    uint32_t head_seen;                        /* consumer's own: head when last looked at */
};

struct kl_ring *kl_ring_create(size_t record_size, size_t records)
{
    if (record_size == 0 || record_size > SIZE_MAX / 2 || records == 0 || records > RECORDS_MAX) {
        return NULL;
    }
    uint32_t capacity = 1;
    while (capacity < records) {
        capacity *= 2;
    }
    size_t stride = (record_size + RECORD_ALIGN - 1) / RECORD_ALIGN * RECORD_ALIGN;
    if (stride > SIZE_MAX / capacity) {
        return NULL;
    }
    struct kl_ring *ring = aligned_alloc(CACHE_LINE, sizeof(*ring));
    unsigned char *memory = aligned_alloc(RECORD_ALIGN, stride * capacity);
    if (ring == NULL || memory == NULL) {
        free(ring);
        free(memory);
        return NULL;
    }
    memset(memory, 0, stride * capacity); /* touches every page */
    memset(ring, 0, sizeof(*ring));
    ring->mask = capacity - 1;
    ring->stride = stride;
    ring->memory = memory;
    atomic_init(&ring->head, FIRST_INDEX);
    atomic_init(&ring->tail, FIRST_INDEX);
    atomic_init(&ring->dropped, 0);
    ring->tail_seen = FIRST_INDEX;
    ring->head_seen = FIRST_INDEX;
    return ring;
}

static void *record_at(const struct kl_ring *ring, uint32_t index)
{
    return ring->memory + (size_t)(index & ring->mask) * ring->stride;
}

void *kl_ring_reserve(struct kl_ring *ring)
{
    uint32_t head = atomic_load_explicit(&ring->head, memory_order_relaxed);
    if (head - ring->tail_seen > ring->mask) {
        ring->tail_seen = atomic_load_explicit(&ring->tail, memory_order_acquire);
        if (head - ring->tail_seen > ring->mask) {
            atomic_fetch_add_explicit(&ring->dropped, 1, memory_order_relaxed);
            return NULL;
        }
    }
    return record_at(ring, head);
}

void kl_ring_publish(struct kl_ring *ring)
{
    uint32_t head = atomic_load_explicit(&ring->head, memory_order_relaxed);
    atomic_store_explicit(&ring->head, head + 1, memory_order_release);
}

const void *kl_ring_front(struct kl_ring *ring)
{
    uint32_t tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);
    if (ring->head_seen == tail) {
        ring->head_seen = atomic_load_explicit(&ring->head, memory_order_acquire);
        if (ring->head_seen == tail) {
            return NULL;
        }
    }
    return record_at(ring, tail);
}

void kl_ring_pop(struct kl_ring *ring)
{
    uint32_t tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);
    atomic_store_explicit(&ring->tail, tail + 1, memory_order_release);
}

uint64_t kl_ring_dropped(const struct kl_ring *ring)
{
    return atomic_load_explicit(&ring->dropped, memory_order_relaxed);
}

size_t kl_ring_capacity(const struct kl_ring *ring)
{
    return (size_t)ring->mask + 1;
}

void kl_ring_destroy(struct kl_ring *ring)
{
    if (ring != NULL) {
        free(ring->memory);
        free(ring);
    }
}
