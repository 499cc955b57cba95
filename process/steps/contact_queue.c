#include "process/steps/contact_queue.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SLOTS 16   /* contacts of one plate that may wait: 4 s of them */
#define SPAN_S 2.0 /* longest contact with its margins; a stance over 0.8 s is dropped (4.1 E) */
#define ACCEPTED (KL_CONTACT_QUEUE_PLATES * SLOTS)

struct lane {
    size_t capacity;                   /* samples of one slot */
    double (*wrench)[KL_WRENCH_COUNT]; /* [SLOTS * capacity] */
    struct kl_queued_contact slot[SLOTS];
    size_t head, count, accepted; /* the oldest `accepted` of `count` are accepted */
    bool has_sample;
    int64_t newest_ns, watermark_ns;
};

struct kl_contact_queue {
    size_t plates;
    struct lane lane[KL_CONTACT_QUEUE_PLATES];
    unsigned char order[ACCEPTED]; /* plates of the accepted ones, oldest first */
    size_t accepted;
    bool started, ended;
    int64_t first_ns, newest_ns;
    double accepted_ns; /* IC of the newest accepted one */
    bool has_accepted;
    size_t late;
};

struct kl_contact_queue *kl_contact_queue_create(const double *rate_hz, size_t plates)
{
    if (plates > KL_CONTACT_QUEUE_PLATES) {
        return NULL;
    }
    struct kl_contact_queue *queue = calloc(1, sizeof(*queue));
    if (queue == NULL) {
        return NULL;
    }
    queue->plates = plates;
    for (size_t i = 0; i < plates; i++) {
        struct lane *lane = &queue->lane[i];
        lane->capacity = (size_t)ceil(SPAN_S * rate_hz[i]) + 2;
        lane->wrench = calloc(SLOTS * lane->capacity, sizeof(*lane->wrench));
        if (lane->wrench == NULL) {
            kl_contact_queue_destroy(queue);
            return NULL;
        }
    }
    return queue;
}

void kl_contact_queue_destroy(struct kl_contact_queue *queue)
{
    if (queue == NULL) {
        return;
    }
    for (size_t i = 0; i < queue->plates; i++) {
        free(queue->lane[i].wrench);
    }
    free(queue);
}

bool kl_contact_queue_push(struct kl_contact_queue *queue, size_t plate,
                           const struct kl_contact *contact)
{
    struct lane *lane = &queue->lane[plate];
    if ((queue->has_accepted && contact->ic_ns < queue->accepted_ns) || lane->count == SLOTS) {
        queue->late++;
        return false;
    }
    size_t at = (lane->head + lane->count) % SLOTS;
    double(*wrench)[KL_WRENCH_COUNT] = &lane->wrench[at * lane->capacity];
    size_t count = contact->count < lane->capacity ? contact->count : lane->capacity;
    memcpy(wrench, contact->wrench, count * sizeof(*wrench));
    lane->slot[at] =
        (struct kl_queued_contact){.contact = *contact, .plate = plate, .at_end = queue->ended};
    lane->slot[at].contact.wrench = (const double(*)[KL_WRENCH_COUNT])wrench;
    lane->slot[at].contact.count = count;
    lane->count++;
    return true;
}

void kl_contact_queue_plate(struct kl_contact_queue *queue, size_t plate, int64_t newest_ns,
                            int64_t watermark_ns)
{
    struct lane *lane = &queue->lane[plate];
    lane->has_sample = true;
    lane->newest_ns = newest_ns;
    lane->watermark_ns = watermark_ns;
    if (!queue->started || newest_ns < queue->first_ns) {
        queue->started = true;
        queue->first_ns = newest_ns;
    }
    queue->newest_ns = newest_ns > queue->newest_ns ? newest_ns : queue->newest_ns;
}

void kl_contact_queue_end(struct kl_contact_queue *queue)
{
    queue->ended = true;
}

double kl_contact_queue_limit(const struct kl_contact_queue *queue)
{
    if (queue->ended) {
        return HUGE_VAL;
    }
    double limit = HUGE_VAL;
    bool waits_for_any = false;
    for (size_t i = 0; i < queue->plates; i++) {
        const struct lane *lane = &queue->lane[i];
        if (lane->count == SLOTS) {
            return HUGE_VAL; /* nothing more fits: order by what is here */
        }
        int64_t seen_ns = lane->has_sample ? lane->newest_ns : queue->first_ns;
        if (queue->newest_ns - seen_ns >= KL_CONTACT_QUEUE_LATE_NS) {
            continue;
        }
        waits_for_any = true;
        limit = fmin(limit, lane->has_sample ? (double)lane->watermark_ns : -HUGE_VAL);
    }
    return waits_for_any ? limit : -HUGE_VAL;
}

const struct kl_queued_contact *kl_contact_queue_next(const struct kl_contact_queue *queue)
{
    const struct kl_queued_contact *first = NULL;
    for (size_t i = 0; i < queue->plates; i++) {
        const struct lane *lane = &queue->lane[i];
        if (lane->count == lane->accepted) {
            continue;
        }
        const struct kl_queued_contact *slot = &lane->slot[(lane->head + lane->accepted) % SLOTS];
        if (first == NULL || slot->contact.ic_ns < first->contact.ic_ns) {
            first = slot;
        }
    }
    return first != NULL && first->contact.ic_ns < kl_contact_queue_limit(queue) ? first : NULL;
}

void kl_contact_queue_accept(struct kl_contact_queue *queue)
{
    const struct kl_queued_contact *next = kl_contact_queue_next(queue);
    if (next != NULL) {
        queue->order[queue->accepted++] = (unsigned char)next->plate;
        queue->accepted_ns = next->contact.ic_ns;
        queue->has_accepted = true;
        queue->lane[next->plate].accepted++;
    }
}

size_t kl_contact_queue_accepted(const struct kl_contact_queue *queue)
{
    return queue->accepted;
}

const struct kl_queued_contact *kl_contact_queue_get(const struct kl_contact_queue *queue, size_t i)
{
    const struct lane *lane = &queue->lane[queue->order[i]];
    size_t before = 0;
    for (size_t k = 0; k < i; k++) {
        before += queue->order[k] == queue->order[i];
    }
    return &lane->slot[(lane->head + before) % SLOTS];
}

void kl_contact_queue_release(struct kl_contact_queue *queue)
{
    if (queue->accepted == 0) {
        return;
    }
    struct lane *lane = &queue->lane[queue->order[0]];
    lane->head = (lane->head + 1) % SLOTS;
    lane->count--;
    lane->accepted--;
    queue->accepted--;
    memmove(queue->order, queue->order + 1, queue->accepted);
}

size_t kl_contact_queue_late(const struct kl_contact_queue *queue)
{
    return queue->late;
}
