/* A link whose other side is written down: what it expects to hear and what it answers then. */
#ifndef KL_TESTS_DEVICES_SCRIPTED_LINK_H
#define KL_TESTS_DEVICES_SCRIPTED_LINK_H

#include "acquire/driver.h"

struct scripted_row {
    const char *expect; /* bytes the host must write next; NULL: says the answer unasked */
    size_t expect_len;
    const char *answer;
    size_t answer_len;
};

#define SAYS(expect, answer)                                                                       \
    {                                                                                              \
        expect, sizeof(expect) - 1, answer, sizeof(answer) - 1                                     \
    }

struct scripted_link {
    struct kl_link link;
    const struct scripted_row *row;
    size_t rows, at; /* the row whose expectation is next */
    size_t heard;    /* bytes of it that came */
    const char *say; /* what is left of the answer */
    size_t say_len;
    size_t chunk;          /* longest read; 0: no limit */
    int fails;             /* status of every read and write once the rows are over; 0: silence */
    bool surprised;        /* the host wrote something else */
    int64_t waited_ns;     /* in reads that brought nothing */
    uint8_t written[4096]; /* all of it */
    size_t written_len;
    struct kl_link *side; /* what beside() gives */
    uint16_t side_port;
};

void scripted_link_init(struct scripted_link *link, const struct scripted_row *row, size_t rows);

#endif
