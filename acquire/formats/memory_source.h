/* A session held in memory as a source: what every reader of foreign files ends in.
 *
 * A foreign file has no order of arrival, so the order is made: blocks of about 50 ms, ordered by
 * first time stamp, then stream index; events come before the first block that does not begin
 * before them. The first sample stands at KL_EPOCH_NS.
 */
#ifndef KL_ACQUIRE_FORMATS_MEMORY_SOURCE_H
#define KL_ACQUIRE_FORMATS_MEMORY_SOURCE_H

#include "acquire/source.h"

/** Length of a block, as a live hub would hand it out. */
#define KL_MEMORY_BLOCK_S 0.05

/** One stream and all of its samples. Times count from any origin; all streams from the same. */
struct kl_memory_stream {
    struct kl_stream stream;
    size_t count;      /* samples */
    int64_t *t_ns;     /* [count] strictly increasing */
    double *value;     /* [count][channel_count] */
    uint32_t *quality; /* [count] */
};

/** What a reader collects before it becomes a source. All zero is empty. */
struct kl_memory {
    size_t stream_count, event_count;
    struct kl_memory_stream stream[KL_STREAMS_MAX];
#define KL_MEMORY_EVENTS_MAX 64
    struct kl_event event[KL_MEMORY_EVENTS_MAX]; /* times as those of the streams; text owned */
    size_t remark_count;
    char remark[160];  /* the first one */
    char missing[120]; /* data the file promises and does not hold; "" when it is whole */
};

/** Adds a stream of `count` samples with times k / rate_hz, values 0 and quality 0, to be filled.
 *  @return NULL without memory or room, or when it would last more than 30 years; the stream
 * otherwise, owned by `memory` */
struct kl_memory_stream *kl_memory_add(struct kl_memory *memory, const struct kl_stream *stream,
                                       size_t count);

/** Adds an event; text is copied. Events that do not fit are left out.
 *  @return KL_OK or KL_ERR_MEM */
int kl_memory_event(struct kl_memory *memory, const struct kl_event *event);

/** A remark of the reader, printf style, as a marker at the start. */
void kl_memory_remark(struct kl_memory *memory, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/** Marks samples with a channel that is not finite: NaN and KL_QUALITY_INVALID. */
void kl_memory_mark_invalid(struct kl_memory_stream *stream);

/** Frees what was collected. */
void kl_memory_release(struct kl_memory *memory);

/** Turns what was collected into a source, which owns it from here; *memory is emptied.
 *  @return NULL without memory (everything is released then) */
struct kl_source *kl_memory_source(struct kl_memory *memory);

/** What the file promises and does not hold; "" when it is whole, and for other kinds of sources.
 *  Borrowed. */
const char *kl_memory_missing(const struct kl_source *source);

/** The reader's first remark and how many there are; "" and 0 for other kinds of sources. */
const char *kl_memory_first_remark(const struct kl_source *source, size_t *count);

#endif
