/* A link that plays a script: each row is what the host must write next and what comes back.
 *
 * What the host writes is compared with the row in hand; a byte that differs is remembered and the
 * link answers nothing more. A row without expectation gives its answer at once.
 */
#ifndef KL_TESTS_DEVICES_SCRIPTED_LINK_H
#define KL_TESTS_DEVICES_SCRIPTED_LINK_H

#include "acquire/driver.h"

struct scripted_row {
    const uint8_t *expect;
    size_t expect_len;
    const uint8_t *answer;
    size_t answer_len;
};

struct scripted_link {
    struct kl_link link;
    const struct scripted_row *row;
    size_t row_count;
    size_t chunk;      /* most bytes one read gives; 0: any */
    int fails;         /* negative: what read and write give once the script is over */
    size_t at;         /* row in hand */
    size_t written;    /* of its expect */
    size_t given;      /* of its answer */
    bool surprised;    /* the host wrote something else */
    size_t unexpected; /* row in which it did */
};

void scripted_link_init(struct scripted_link *link, const struct scripted_row *row, size_t count);

/** All rows were played and nothing else was written. */
bool scripted_link_done(const struct scripted_link *link);

#endif
