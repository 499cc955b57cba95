/* Operator's events on their way into the sequence: from any thread to the session thread.
 *
 * A lock guards the slots, because events are rare; whether any wait is one atomic, so that the
 * session thread takes no lock while there are none. The text of an event is copied by the thread
 * that puts it, and freed by the one that reuses its slot: the session thread moves no memory.
 */
#ifndef KL_ACQUIRE_EVENT_QUEUE_H
#define KL_ACQUIRE_EVENT_QUEUE_H

#include "acquire/stream.h"

#include <pthread.h>
#include <stdatomic.h>

#define KL_EVENT_QUEUE_SLOTS 256

struct kl_event_queue {
    pthread_mutex_t lock;
    struct kl_event slot[KL_EVENT_QUEUE_SLOTS]; /* under the lock; text is the queue's */
    char *text[KL_EVENT_QUEUE_SLOTS];
    size_t first;        /* oldest waiting or lent */
    size_t count;        /* waiting or lent */
    bool lent;           /* the session thread still uses the oldest. Its own */
    atomic_bool waiting; /* written under the lock, read by the session thread without it */
};

/** @return KL_OK or KL_ERR_MEM */
int kl_event_queue_init(struct kl_event_queue *queue);

/** Copies an event, text included (NULL: ""). Threads: any.
 *  @return KL_OK, or KL_ERR_MEM when KL_EVENT_QUEUE_SLOTS wait already */
int kl_event_queue_put(struct kl_event_queue *queue, const struct kl_event *event);

/** Lends the oldest event until the next call. Threads: session. @return false: none waits */
bool kl_event_queue_take(struct kl_event_queue *queue, struct kl_event *event);

/** Frees the texts. No other thread may use the queue any more. */
void kl_event_queue_release(struct kl_event_queue *queue);

#endif
