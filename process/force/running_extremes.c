#include "process/force/running_extremes.h"

#include <stdlib.h>

static int queue_open(struct kl_extreme_queue *queue, size_t capacity)
{
    queue->value = calloc(capacity, sizeof(*queue->value));
    queue->index = calloc(capacity, sizeof(*queue->index));
    return queue->value != NULL && queue->index != NULL ? KL_OK : KL_ERR_MEM;
}

int kl_running_extremes_open(struct kl_running_extremes *extremes, size_t window)
{
    /* A power of two above the window, so that positions wrap with a mask. */
    size_t capacity = 1;
    while (capacity <= window) {
        capacity *= 2;
    }
    *extremes = (struct kl_running_extremes){.window = window, .capacity = capacity};
    if (queue_open(&extremes->high, capacity) != KL_OK ||
        queue_open(&extremes->low, capacity) != KL_OK) {
        kl_running_extremes_close(extremes);
        return KL_ERR_MEM;
    }
    return KL_OK;
}

void kl_running_extremes_close(struct kl_running_extremes *extremes)
{
    free(extremes->high.value);
    free(extremes->high.index);
    free(extremes->low.value);
    free(extremes->low.index);
    *extremes = (struct kl_running_extremes){0};
}

void kl_running_extremes_reset(struct kl_running_extremes *extremes)
{
    extremes->high.head = extremes->high.count = 0;
    extremes->low.head = extremes->low.count = 0;
}

static void queue_push(struct kl_extreme_queue *queue, const struct kl_running_extremes *extremes,
                       double sign, uint64_t index, double value)
{
    size_t mask = extremes->capacity - 1;
    while (queue->count > 0 &&
           sign * queue->value[(queue->head + queue->count - 1) & mask] <= sign * value) {
        queue->count--;
    }
    if (queue->count > 0 && queue->index[queue->head] + extremes->window <= index) {
        queue->head = (queue->head + 1) & mask;
        queue->count--;
    }
    size_t tail = (queue->head + queue->count) & mask;
    queue->value[tail] = value;
    queue->index[tail] = index;
    queue->count++;
}

void kl_running_extremes_push(struct kl_running_extremes *extremes, uint64_t index, double value)
{
    queue_push(&extremes->high, extremes, 1.0, index, value);
    queue_push(&extremes->low, extremes, -1.0, index, value);
}

double kl_running_extremes_max(const struct kl_running_extremes *extremes)
{
    return extremes->high.value[extremes->high.head];
}

double kl_running_extremes_min(const struct kl_running_extremes *extremes)
{
    return extremes->low.value[extremes->low.head];
}
