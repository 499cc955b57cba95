/* Hands the newest snapshot from the session thread to the screen without locks.
 *
 * Three buffers: one is being written, one is being read, the third holds the newest whole one.
 * Writer: session thread. Reader: screen thread. Neither ever waits for the other.
 */
#ifndef KL_APP_SNAPSHOT_EXCHANGE_H
#define KL_APP_SNAPSHOT_EXCHANGE_H

#include "process/snapshot.h"

struct kl_snapshot_exchange;

/** @return NULL without memory */
struct kl_snapshot_exchange *kl_snapshot_exchange_create(void);
void kl_snapshot_exchange_destroy(struct kl_snapshot_exchange *exchange);

/** The writer's buffer, to be filled and then published. Threads: session. RT safe. */
struct kl_snapshot *kl_snapshot_exchange_back(struct kl_snapshot_exchange *exchange);
void kl_snapshot_exchange_publish(struct kl_snapshot_exchange *exchange);

/** The newest published snapshot, valid until the next call; NULL when there is none newer than
 *  the one returned last. Threads: screen. */
const struct kl_snapshot *kl_snapshot_exchange_take(struct kl_snapshot_exchange *exchange);

#endif
