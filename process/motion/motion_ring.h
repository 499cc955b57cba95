/* The last seconds of one inertial sensor: orientation, rate and acceleration by time. */
#ifndef KL_PROCESS_MOTION_MOTION_RING_H
#define KL_PROCESS_MOTION_MOTION_RING_H

#include "acquire/stream.h"
#include "process/motion/rotation.h"

/** What a sample in the ring is worth; bits. */
enum kl_motion_flag {
    KL_MOTION_FLAG_CLIPPED = 1 << 0,
    KL_MOTION_FLAG_INVALID = 1 << 1,  /* not a number, bridged */
    KL_MOTION_FLAG_SETTLING = 1 << 2, /* the orientation has not settled */
};

struct kl_motion_sample {
    int64_t t_ns;
    uint32_t flags;
    struct kl_quat q;      /* sensor to a frame with y up whose heading is free */
    struct kl_vec w_rad_s; /* sensor frame, bias-free */
    struct kl_vec a_m_s2;  /* sensor frame */
};

struct kl_motion_ring {
    size_t capacity; /* a power of two */
    uint64_t next;   /* index of the next sample */
    struct kl_motion_sample *sample;
};

/** Memory for at least so many samples. @return KL_OK or KL_ERR_MEM */
KL_CHECK int kl_motion_ring_open(struct kl_motion_ring *ring, size_t samples);
void kl_motion_ring_close(struct kl_motion_ring *ring);

static inline struct kl_motion_sample *kl_motion_ring_at(const struct kl_motion_ring *ring,
                                                         uint64_t index)
{
    return &ring->sample[index & (ring->capacity - 1)];
}

static inline void kl_motion_ring_push(struct kl_motion_ring *ring,
                                       const struct kl_motion_sample *sample)
{
    *kl_motion_ring_at(ring, ring->next++) = *sample;
}

/** The samples that enclose a stretch of time.
 *  @param first  the last one at or before from_ns
 *  @param last   the first one at or after to_ns, > *first
 *  @return false (out untouched) when the ring does not reach as far to either side */
bool kl_motion_ring_span(const struct kl_motion_ring *ring, double from_ns, double to_ns,
                         uint64_t *first, uint64_t *last);

/** Between two samples: q by slerp, w straight. part in [0, 1]. */
void kl_motion_between(const struct kl_motion_sample *a, const struct kl_motion_sample *b,
                       double part, struct kl_quat *q, struct kl_vec *w_rad_s);

#endif
