#include "app/snapshot_exchange.h"

#include <stdatomic.h>
#include <stdlib.h>

#define BUFFERS 3
#define FRESH 4u /* beside the index in `middle`: not taken yet */

struct kl_snapshot_exchange {
    unsigned back;           /* session thread only */
    unsigned front;          /* screen thread only */
    _Atomic unsigned middle; /* index, FRESH: written by both with exchange */
    struct kl_snapshot buffer[BUFFERS];
};

struct kl_snapshot_exchange *kl_snapshot_exchange_create(void)
{
    struct kl_snapshot_exchange *exchange = calloc(1, sizeof(*exchange));
    if (exchange != NULL) {
        exchange->back = 0;
        atomic_init(&exchange->middle, 1u);
        exchange->front = 2;
    }
    return exchange;
}

void kl_snapshot_exchange_destroy(struct kl_snapshot_exchange *exchange)
{
    free(exchange);
}

struct kl_snapshot *kl_snapshot_exchange_back(struct kl_snapshot_exchange *exchange)
{
    return &exchange->buffer[exchange->back];
}

void kl_snapshot_exchange_publish(struct kl_snapshot_exchange *exchange)
{
    unsigned old =
        atomic_exchange_explicit(&exchange->middle, exchange->back | FRESH, memory_order_acq_rel);
    exchange->back = old & ~FRESH;
}

const struct kl_snapshot *kl_snapshot_exchange_take(struct kl_snapshot_exchange *exchange)
{
    if ((atomic_load_explicit(&exchange->middle, memory_order_relaxed) & FRESH) == 0) {
        return NULL;
    }
    unsigned newest =
        atomic_exchange_explicit(&exchange->middle, exchange->front, memory_order_acq_rel);
    exchange->front = newest & ~FRESH;
    return &exchange->buffer[exchange->front];
}
