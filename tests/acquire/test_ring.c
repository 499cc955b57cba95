#include "acquire/ring.h"

#include <criterion/criterion.h>

#include <string.h>

struct record {
    uint64_t number;
    uint8_t body[37];
};

static bool push(struct kl_ring *ring, uint64_t number)
{
    struct record *record = kl_ring_reserve(ring);
    if (record == NULL) {
        return false;
    }
    record->number = number;
    memset(record->body, (int)(number & 0xff), sizeof(record->body));
    kl_ring_publish(ring);
    return true;
}

Test(ring, gives_back_what_was_put_in_across_the_wrap_of_its_indices)
{
    struct kl_ring *ring = kl_ring_create(sizeof(struct record), 5);
    cr_assert_not_null(ring);
    cr_expect_eq(kl_ring_capacity(ring), 8);
    uint64_t in = 0, out = 0;
    for (int round = 0; round < 100; round++) {
        for (int i = 0; i < 7; i++) {
            cr_assert(push(ring, in++));
        }
        for (int i = 0; i < 7; i++) {
            const struct record *record = kl_ring_front(ring);
            cr_assert_not_null(record);
            cr_expect_eq(record->number, out);
            cr_expect_eq(record->body[36], (uint8_t)out);
            out++;
            kl_ring_pop(ring);
        }
        cr_expect_null(kl_ring_front(ring));
    }
    cr_expect_eq(kl_ring_dropped(ring), 0);
    kl_ring_destroy(ring);
}

Test(ring, full_ring_drops_newest_and_counts_it)
{
    struct kl_ring *ring = kl_ring_create(sizeof(struct record), 4);
    for (uint64_t i = 0; i < 4; i++) {
        cr_expect(push(ring, i));
    }
    cr_expect_not(push(ring, 4));
    cr_expect_not(push(ring, 5));
    cr_expect_eq(kl_ring_dropped(ring), 2);
    for (uint64_t i = 0; i < 4; i++) {
        cr_expect_eq(((const struct record *)kl_ring_front(ring))->number, i);
        kl_ring_pop(ring);
    }
    cr_expect_null(kl_ring_front(ring));
    cr_expect(push(ring, 6));
    cr_expect_eq(((const struct record *)kl_ring_front(ring))->number, 6);
    kl_ring_destroy(ring);
}

Test(ring, refuses_sizes_that_make_no_ring)
{
    cr_expect_null(kl_ring_create(0, 8));
    cr_expect_null(kl_ring_create(8, 0));
    cr_expect_null(kl_ring_create(SIZE_MAX, 8));
    cr_expect_null(kl_ring_create(SIZE_MAX / 4, 1024));
    cr_expect_null(kl_ring_create(8, (size_t)1 << 31));
    kl_ring_destroy(NULL);
}
