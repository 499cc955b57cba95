/* The last seconds of a plate: raw and forward-filtered wrench by running sample index. */
#ifndef KL_PROCESS_FORCE_WRENCH_RING_H
#define KL_PROCESS_FORCE_WRENCH_RING_H

#include "acquire/stream.h"

struct kl_wrench_ring {
    size_t capacity; /* a power of two */
    uint64_t next;   /* index of the next sample */
    int64_t *t_ns;
    uint32_t *quality;
    double (*raw)[KL_WRENCH_COUNT];
    double (*forward)[KL_WRENCH_COUNT];
};

/** Memory for at least so many samples. @return KL_OK or KL_ERR_MEM */
KL_CHECK int kl_wrench_ring_open(struct kl_wrench_ring *ring, size_t samples);
void kl_wrench_ring_close(struct kl_wrench_ring *ring);

/** Makes room for the next sample. @return its slot, for the four arrays */
static inline size_t kl_wrench_ring_advance(struct kl_wrench_ring *ring)
{
    return ring->next++ & (ring->capacity - 1);
}

static inline size_t kl_wrench_ring_slot(const struct kl_wrench_ring *ring, uint64_t index)
{
    return index & (ring->capacity - 1);
}

/** The sample is still there. */
static inline bool kl_wrench_ring_holds(const struct kl_wrench_ring *ring, uint64_t index)
{
    return index < ring->next && ring->next - index <= ring->capacity;
}

#endif
