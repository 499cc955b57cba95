/* One stream's next block while its samples come in.
 *
 * Here a sample becomes what everyone sees: rounded to the stream's storage format, its time
 * strictly after the one before, its losses counted and marked. Both ways of running a hub, by the
 * clock and fast, go through it. Threads: session.
 */
#ifndef KL_ACQUIRE_STAGE_H
#define KL_ACQUIRE_STAGE_H

#include "acquire/stream.h"

/** A block holds at most this much time, but always room for KL_BLOCK_SAMPLES. */
#define KL_BLOCK_NS INT64_C(10000000)
#define KL_BLOCK_SAMPLES 64

struct kl_stage {
    const struct kl_stream *stream;
    size_t capacity, count;
    int64_t *t_ns;     /* [capacity] */
    double *value;     /* [capacity][channel_count] */
    uint32_t *quality; /* [capacity] */
    bool begun;        /* last_ns holds */
    int64_t last_ns;   /* time of the newest sample ever put */
    bool past_end;     /* a sample at or after the end of the session was seen */
    uint64_t lost;     /* samples lost before one of this block, not yet told */
    int64_t lost_ns;   /* where */
};

/** Allocates and touches the memory. @return KL_OK or KL_ERR_MEM */
int kl_stage_init(struct kl_stage *stage, const struct kl_stream *stream);

void kl_stage_release(struct kl_stage *stage);

static inline bool kl_stage_full(const struct kl_stage *stage)
{
    return stage->count == stage->capacity;
}

/** Takes one sample; the stage must not be full.
 *  @param quality      with KL_QUALITY_GAP the device itself missed samples: how many follows from
 *                      the time step
 *  @param lost_before  samples of the stream dropped since the last one
 *  @param value        in [channel_count]
 *  @return samples missed by the device itself, beyond lost_before. RT safe. */
uint64_t kl_stage_put(struct kl_stage *stage, int64_t t_ns, uint32_t quality, uint64_t lost_before,
                      const double *value);

/** The block as it stands; count > 0. Valid until kl_stage_clear. */
struct kl_block kl_stage_block(const struct kl_stage *stage, size_t stream);

/** Makes room for the next block; time and losses not yet told are kept. */
static inline void kl_stage_clear(struct kl_stage *stage)
{
    stage->count = 0;
}

#endif
