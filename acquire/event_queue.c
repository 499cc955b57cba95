#include "acquire/event_queue.h"

#include <stdlib.h>
#include <string.h>

int kl_event_queue_init(struct kl_event_queue *queue)
{
    memset(queue, 0, sizeof(*queue));
    atomic_init(&queue->waiting, false);
    return pthread_mutex_init(&queue->lock, NULL) == 0 ? KL_OK : KL_ERR_MEM;
}

int kl_event_queue_put(struct kl_event_queue *queue, const struct kl_event *event)
{
    const char *text = event->text != NULL ? event->text : "";
    size_t size = strlen(text) + 1;
    char *copy = malloc(size);
    if (copy == NULL) {
        return KL_ERR_MEM;
    }
    memcpy(copy, text, size);
    char *spent = copy; /* what to free: the copy when there is no room, else the slot's old text */
    int status = KL_ERR_MEM;
    (void)pthread_mutex_lock(&queue->lock);
    if (queue->count < KL_EVENT_QUEUE_SLOTS) {
        size_t at = (queue->first + queue->count) % KL_EVENT_QUEUE_SLOTS;
        spent = queue->text[at];
        queue->text[at] = copy;
        queue->slot[at] = *event;
        queue->slot[at].text = copy;
        queue->count++;
        atomic_store_explicit(&queue->waiting, true, memory_order_release);
        status = KL_OK;
    }
    (void)pthread_mutex_unlock(&queue->lock);
    free(spent);
    return status;
}

bool kl_event_queue_take(struct kl_event_queue *queue, struct kl_event *event)
{
    if (!queue->lent && !atomic_load_explicit(&queue->waiting, memory_order_acquire)) {
        return false;
    }
    (void)pthread_mutex_lock(&queue->lock);
    if (queue->lent) {
        queue->first = (queue->first + 1) % KL_EVENT_QUEUE_SLOTS;
        queue->count--;
    }
    queue->lent = queue->count > 0;
    if (queue->lent) {
        *event = queue->slot[queue->first];
    }
    atomic_store_explicit(&queue->waiting, queue->count > (queue->lent ? 1 : 0),
                          memory_order_release);
    (void)pthread_mutex_unlock(&queue->lock);
    return queue->lent;
}

void kl_event_queue_release(struct kl_event_queue *queue)
{
    for (size_t i = 0; i < KL_EVENT_QUEUE_SLOTS; i++) {
        free(queue->text[i]);
    }
    (void)pthread_mutex_destroy(&queue->lock);
}
