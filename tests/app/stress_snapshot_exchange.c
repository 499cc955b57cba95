/* One thread publishes numbered snapshots, another takes them: each one taken is whole, and newer
 * than the one before. Runs under ThreadSanitizer. */
#include "app/snapshot_exchange.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define SNAPSHOTS 20000

static struct kl_snapshot_exchange *exchange;
static _Atomic int done;

static void *publish(void *argument)
{
    (void)argument;
    for (size_t i = 1; i <= SNAPSHOTS; i++) {
        struct kl_snapshot *back = kl_snapshot_exchange_back(exchange);
        /* first and last field carry the same number: a torn copy shows */
        back->t_ns = (int64_t)i;
        back->contacts = i;
        back->recording.speed = (double)i;
        kl_snapshot_exchange_publish(exchange);
    }
    atomic_store(&done, 1);
    return NULL;
}

int main(void)
{
    exchange = kl_snapshot_exchange_create();
    pthread_t thread;
    if (exchange == NULL || pthread_create(&thread, NULL, publish, NULL) != 0) {
        return 2;
    }
    int64_t last = 0;
    size_t taken = 0;
    int failures = 0;
    while (last < SNAPSHOTS) {
        bool over = atomic_load(&done) != 0; /* asked first: what is published by then must come */
        const struct kl_snapshot *newest = kl_snapshot_exchange_take(exchange);
        if (newest == NULL) {
            if (over) {
                (void)fprintf(stderr, "the last snapshot never came: %lld\n", (long long)last);
                failures++;
                break;
            }
            continue;
        }
        taken++;
        if (newest->t_ns <= last || newest->contacts != (size_t)newest->t_ns ||
            newest->recording.speed != (double)newest->t_ns) {
            failures++;
        }
        last = newest->t_ns;
    }
    (void)pthread_join(thread, NULL);
    kl_snapshot_exchange_destroy(exchange);
    (void)printf("%zu of %d snapshots taken, %d torn or out of order\n", taken, SNAPSHOTS,
                 failures);
    return failures == 0 ? 0 : 1;
}
