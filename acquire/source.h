/* Where a session's items come from: a hub of live devices, a simulated runner, a file.
 *
 * All of them look the same: a list of streams, then items in one order. The session loop pulls
 * items, hands each to the recorder and to the pipeline, and cannot tell a replay from a live run;
 * that is what makes both give the same bits.
 *
 * Ownership: the source owns what its items point to; it stays valid until the next call.
 * Threads: one thread pulls.
 */
#ifndef KL_ACQUIRE_SOURCE_H
#define KL_ACQUIRE_SOURCE_H

#include "acquire/stream.h"

/** Answer of kl_source_next besides a negative status. */
enum kl_source_answer {
    KL_SOURCE_IDLE = 0, /* nothing within the wait; ask again (live sources only) */
    KL_SOURCE_ITEM = 1, /* *item is filled */
    KL_SOURCE_END = 2,  /* the session is over */
};

struct kl_source;

/** What each kind of source provides. */
struct kl_source_ops {
    int (*next)(struct kl_source *source, int64_t wait_ns, struct kl_item *item,
                struct kl_fault *fault);
    void (*close)(struct kl_source *source);
};

/** The common head; each kind embeds it as its first member. */
struct kl_source {
    const struct kl_source_ops *ops;
    const struct kl_stream *stream; /* [stream_count] fixed for life */
    size_t stream_count;
    int64_t duration_ns; /* known length (files), else 0 */
};

/** The next item of the session.
 *  @param wait_ns  longest wait for a live source; files never wait
 *  @return kl_source_answer, or a negative status with the place and the cure in *fault */
static inline KL_CHECK int kl_source_next(struct kl_source *source, int64_t wait_ns,
                                          struct kl_item *item, struct kl_fault *fault)
{
    return source->ops->next(source, wait_ns, item, fault);
}

/** Releases the source and everything it owns. NULL is allowed. */
static inline void kl_source_close(struct kl_source *source)
{
    if (source != NULL) {
        source->ops->close(source);
    }
}

#endif
