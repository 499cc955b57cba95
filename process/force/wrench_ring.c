#include "process/force/wrench_ring.h"

#include <stdlib.h>

int kl_wrench_ring_open(struct kl_wrench_ring *ring, size_t samples)
{
    size_t capacity = 1;
    while (capacity < samples) {
        capacity *= 2;
    }
    *ring = (struct kl_wrench_ring){.capacity = capacity};
    ring->t_ns = calloc(capacity, sizeof(*ring->t_ns));
    ring->quality = calloc(capacity, sizeof(*ring->quality));
    ring->raw = calloc(capacity, sizeof(*ring->raw));
    ring->forward = calloc(capacity, sizeof(*ring->forward));
    if (ring->t_ns == NULL || ring->quality == NULL || ring->raw == NULL || ring->forward == NULL) {
        kl_wrench_ring_close(ring);
        return KL_ERR_MEM;
    }
    return KL_OK;
}

void kl_wrench_ring_close(struct kl_wrench_ring *ring)
{
    free(ring->t_ns);
    free(ring->quality);
    free(ring->raw);
    free(ring->forward);
    *ring = (struct kl_wrench_ring){0};
}
