/* Two threads and a known sequence: every record arrives whole, in order, or is counted as lost.
 * A plain program, so that it runs under ThreadSanitizer. */
#include "acquire/ring.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#define RECORDS UINT64_C(2000000)
#define WORDS 9

struct record {
    uint64_t number;
    uint64_t lost_before;
    uint64_t word[WORDS];
};

struct stress {
    struct kl_ring *ring;
    uint64_t lost_at_end; /* written by the producer before `done` */
    atomic_bool done;
};

static void *produce(void *arg)
{
    struct stress *stress = arg;
    uint64_t lost = 0;
    for (uint64_t i = 0; i < RECORDS; i++) {
        struct record *record = kl_ring_reserve(stress->ring);
        if (record == NULL) {
            lost++;
            if (lost % 64 == 0) {
                (void)sched_yield();
            }
            continue;
        }
        record->number = i;
        record->lost_before = lost;
        for (size_t w = 0; w < WORDS; w++) {
            record->word[w] = i * (w + 3);
        }
        lost = 0;
        kl_ring_publish(stress->ring);
    }
    stress->lost_at_end = lost;
    atomic_store_explicit(&stress->done, true, memory_order_release);
    return NULL;
}

/* @return the number of wrong records */
static uint64_t consume(struct stress *stress, uint64_t *received, uint64_t *lost)
{
    uint64_t expected = 0, wrong = 0;
    for (;;) {
        bool done = atomic_load_explicit(&stress->done, memory_order_acquire);
        const struct record *record = kl_ring_front(stress->ring);
        if (record == NULL) {
            if (done) {
                return wrong;
            }
            (void)sched_yield();
            continue;
        }
        expected += record->lost_before;
        wrong += record->number != expected;
        for (size_t w = 0; w < WORDS; w++) {
            wrong += record->word[w] != record->number * (w + 3);
        }
        *lost += record->lost_before;
        ++*received;
        expected++;
        kl_ring_pop(stress->ring);
    }
}

int main(void)
{
    struct stress stress = {.ring = kl_ring_create(sizeof(struct record), 256)};
    if (stress.ring == NULL) {
        return EXIT_FAILURE;
    }
    atomic_init(&stress.done, false);
    pthread_t producer;
    if (pthread_create(&producer, NULL, produce, &stress) != 0) {
        kl_ring_destroy(stress.ring);
        return EXIT_FAILURE;
    }
    uint64_t received = 0, lost = 0;
    uint64_t wrong = consume(&stress, &received, &lost);
    (void)pthread_join(producer, NULL);
    lost += stress.lost_at_end;
    uint64_t dropped = kl_ring_dropped(stress.ring);
    kl_ring_destroy(stress.ring);
    printf("%llu received, %llu lost, %llu wrong\n", (unsigned long long)received,
           (unsigned long long)lost, (unsigned long long)wrong);
    return wrong == 0 && received + lost == RECORDS && dropped == lost && received > 0
               ? EXIT_SUCCESS
               : EXIT_FAILURE;
}
