/* A link whose other side is written down: what it expects to hear and what it answers then. */
#ifndef KL_TESTS_DEVICES_SCRIPTED_LINK_H
#define KL_TESTS_DEVICES_SCRIPTED_LINK_H

#include "acquire/driver.h"

/** One turn: what the driver must write next and what comes back. expect_len 0: comes by itself. */
struct scripted_row {
    const void *expect;
    size_t expect_len;
    const void *answer;
    size_t answer_len;
};

/** A turn in two string literals. */
#define SAYS(expect, answer)                                                                       \
    {                                                                                              \
        expect, sizeof(expect) - 1, answer, sizeof(answer) - 1                                     \
    }

struct scripted_link {
    struct kl_link link;
    const struct scripted_row *row;
    size_t rows;
    size_t chunk;      /* most bytes of one read; 0: no limit */
    int fails;         /* < 0: status of reads and writes once the rows are over */
    size_t at;         /* the row that is expected */
    size_t heard;      /* bytes of it that came */
    bool surprised;    /* the driver wrote something else */
    uint8_t out[4096]; /* on their way to the driver */
    size_t out_len;
    int64_t waited_ns;    /* in reads that brought nothing */
    struct kl_link *side; /* what beside() gives */
    uint16_t side_port;   /* that it was asked for */
};

void scripted_link_init(struct scripted_link *link, const struct scripted_row *row, size_t rows);

/** All rows were played, everything was read of what they said, and nothing else was written. */
bool scripted_link_done(const struct scripted_link *link);

#endif
