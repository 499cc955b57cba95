/* A link that plays a conversation: expects bytes, answers bytes, and can fail. */
#ifndef KL_TESTS_DEVICES_SCRIPTED_LINK_H
#define KL_TESTS_DEVICES_SCRIPTED_LINK_H

#include "acquire/driver.h"

/** One turn: what the driver must send, and what comes back. expect_len 0: comes by itself. */
struct scripted_row {
    const void *expect;
    size_t expect_len;
    const void *answer;
    size_t answer_len;
};

/** Set up by scripted_link_init; fields below `row_count` may be changed before use. */
struct scripted_link {
    struct kl_link link;
    const struct scripted_row *row;
    size_t row_count;
    size_t chunk;      /* most bytes of one read */
    int write_status;  /* < 0: every write fails so */
    int silent_status; /* < 0: reads fail so when the script has nothing to say */
    size_t next;       /* row that is expected */
    bool wrong;        /* the driver sent something else */
    uint8_t got[256];  /* bytes of the driver that are no whole row yet */
    size_t got_len;
    uint8_t out[4096]; /* on their way to the driver */
    size_t out_len;
    int64_t waited_ns; /* in silent reads */
};

void scripted_link_init(struct scripted_link *link, const struct scripted_row *row,
                        size_t row_count);

#endif
