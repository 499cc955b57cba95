/* What came out of a source, in a form that tests can compare. */
#ifndef KL_TESTS_ACQUIRE_SEEN_H
#define KL_TESTS_ACQUIRE_SEEN_H

#include "acquire/source.h"

#define SEEN_EVENTS_MAX 64
#define SEEN_WAIT_NS INT64_C(100000000)

struct seen {
    uint64_t samples[KL_STREAMS_MAX];
    uint64_t content[KL_STREAMS_MAX]; /* digest of times, values and quality, in order */
    uint64_t sequence;                /* digest of everything with block borders and events */
    uint64_t lost_told[KL_STREAMS_MAX];
    uint64_t gaps[KL_STREAMS_MAX];
    int64_t last_ns[KL_STREAMS_MAX];
    int64_t newest_ns;
    size_t block_max;
    bool increasing, in_time_order;
    int64_t first_ns; /* of the block before: for in_time_order */
    size_t event_count;
    struct kl_event event[SEEN_EVENTS_MAX];
    char text[SEEN_EVENTS_MAX][32];
    uint64_t samples_before[SEEN_EVENTS_MAX]; /* samples of stream 0 that came before the event */
};

struct seen seen_nothing(void);

/** Pulls at most `items` items, and waits for them. Asserts that the source does not fail.
 *  @return the last answer of the source */
int seen_pull(struct seen *seen, struct kl_source *source, uint64_t items);

#endif
