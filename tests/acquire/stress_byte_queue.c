/* One producer and one consumer on a small byte queue, as fast as they can: every record arrives
 * whole, in order and unchanged, or was refused. Runs under ThreadSanitizer. */
#include "acquire/byte_queue.h"

#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>

#define RECORDS 100000
#define CAPACITY 9000
#define SIZE_MOST 900

static uint64_t produced;

static size_t size_of(uint64_t i)
{
    return (size_t)(i * 7919 % SIZE_MOST);
}

static void *produce(void *arg)
{
    struct kl_byte_queue *queue = arg;
    for (uint64_t i = 0; i < RECORDS; i++) {
        size_t size = size_of(i);
        uint8_t *room = NULL;
        while ((room = kl_byte_queue_reserve(queue, size)) == NULL) {
            (void)sched_yield();
        }
        memset(room, (int)(i & 0xff), size);
        kl_byte_queue_commit(queue, (int64_t)i);
        produced++;
    }
    return NULL;
}

static int consume(struct kl_byte_queue *queue)
{
    uint64_t expected = 0;
    while (expected < RECORDS) {
        uint64_t cursor = kl_byte_queue_begin(queue);
        size_t size = 0;
        int64_t t_ns = 0;
        const uint8_t *record = NULL;
        int taken = 0;
        while (taken < 3 && (record = kl_byte_queue_peek(queue, &cursor, &size, &t_ns)) != NULL) {
            if (t_ns != (int64_t)expected || size != size_of(expected)) {
                (void)fprintf(stderr, "record %llu is %lld with %zu bytes\n",
                              (unsigned long long)expected, (long long)t_ns, size);
                return 1;
            }
            for (size_t k = 0; k < size; k++) {
                if (record[k] != (expected & 0xff)) {
                    (void)fprintf(stderr, "record %llu, byte %zu\n", (unsigned long long)expected,
                                  k);
                    return 1;
                }
            }
            expected++;
            taken++;
        }
        kl_byte_queue_release(queue, cursor);
        if (taken == 0) {
            (void)sched_yield();
        }
    }
    return kl_byte_queue_used(queue) == 0 ? 0 : 1;
}

int main(void)
{
    struct kl_byte_queue *queue = kl_byte_queue_create(CAPACITY);
    if (queue == NULL || kl_byte_queue_reserve(queue, CAPACITY * 2) != NULL) {
        return 1;
    }
    pthread_t producer;
    if (pthread_create(&producer, NULL, produce, queue) != 0) {
        return 1;
    }
    int failed = consume(queue);
    if (failed == 0) {
        (void)pthread_join(producer, NULL);
        failed = produced != RECORDS;
        kl_byte_queue_destroy(queue);
    }
    (void)printf("%d records, %s\n", RECORDS, failed ? "FAILED" : "all right");
    return failed;
}
