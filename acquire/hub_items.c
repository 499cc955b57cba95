/* The order of a session: which block or event comes next. */
#include "acquire/hub_inside.h"

#include <poll.h>
#include <unistd.h>

uint64_t kl_hub_stage_sample(struct kl_hub *hub, struct kl_device *device, size_t s, int64_t t_ns,
                             uint32_t quality, uint64_t lost_before, const double *value)
{
    struct kl_stage *stage = kl_hub_stage(hub, device, s);
    if (t_ns >= hub->end_ns) {
        stage->past_end = true;
        stage->lost += lost_before;
        return lost_before;
    }
    uint64_t missed = kl_stage_put(stage, t_ns, quality, lost_before, value);
    if (missed > 0) {
        atomic_fetch_add_explicit(&device->lost, missed, memory_order_relaxed);
    }
    return lost_before + missed;
}

static struct kl_device *device_of(struct kl_hub *hub, size_t stream)
{
    size_t d = hub->device_count - 1;
    while (hub->device[d]->first_stream > stream) {
        d--;
    }
    return hub->device[d];
}

static bool take_due(struct kl_hub *hub, int64_t until_ns, struct kl_item *item)
{
    if (hub->due_next >= hub->due_count || hub->due[hub->due_next].t_ns > until_ns) {
        return false;
    }
    *item = (struct kl_item){.kind = KL_ITEM_EVENT, .event = hub->due[hub->due_next++]};
    return true;
}

static bool take_operator(struct kl_hub *hub, struct kl_item *item)
{
    struct kl_event event;
    if (!kl_event_queue_take(&hub->queue, &event)) {
        return false;
    }
    event.t_ns = hub->newest_ns;
    *item = (struct kl_item){.kind = KL_ITEM_EVENT, .event = event};
    return true;
}

static bool take_lost(struct kl_hub *hub, size_t s, int64_t t_ns, struct kl_item *item)
{
    if (hub->stage[s].lost == 0) {
        return false;
    }
    *item = (struct kl_item){.kind = KL_ITEM_EVENT,
                             .event = {.kind = KL_EVENT_LOST,
                                       .t_ns = t_ns,
                                       .value = {(double)hub->stage[s].lost},
                                       .text = hub->stream[s].name}};
    hub->stage[s].lost = 0;
    return true;
}

/* The next block, and before it what belongs before it: a driver's event stands before every
 * sample at or after its time, whatever the blocks. */
static bool take_block(struct kl_hub *hub, struct kl_item *item)
{
    size_t s = hub->order[hub->order_next];
    const struct kl_stage *stage = &hub->stage[s];
    int64_t last_ns = stage->t_ns[stage->count - 1];
    if (take_due(hub, last_ns, item) || take_operator(hub, item) ||
        take_lost(hub, s, stage->lost_ns, item)) {
        return true;
    }
    *item = (struct kl_item){.kind = KL_ITEM_BLOCK, .block = kl_stage_block(stage, s)};
    hub->order_next++;
    hub->newest_ns = last_ns > hub->newest_ns ? last_ns : hub->newest_ns;
    atomic_fetch_add_explicit(&device_of(hub, s)->samples, stage->count, memory_order_relaxed);
    return true;
}

/* What is left when no block is: events that are due, and at the end the last losses. */
static bool take_event(struct kl_hub *hub, struct kl_item *item)
{
    int64_t until_ns = hub->ended ? hub->events_until_ns : hub->newest_ns;
    if (take_due(hub, until_ns, item) || take_operator(hub, item)) {
        return true;
    }
    for (size_t s = 0; hub->ended && s < hub->stream_count; s++) {
        if (take_lost(hub, s, hub->newest_ns, item)) {
            return true;
        }
    }
    return false;
}

/* Drivers' events that lie behind the last sample but before the planned end still count; when the
 * session was cut short, they do not. */
static void end(struct kl_hub *hub)
{
    bool whole =
        hub->end_ns != INT64_MAX && !atomic_load_explicit(&hub->stop, memory_order_relaxed);
    for (size_t d = 0; d < hub->device_count; d++) {
        whole &= !kl_device_has_fault(hub->device[d]);
    }
    hub->events_until_ns = whole ? hub->end_ns - 1 : hub->newest_ns;
    hub->ended = true;
    kl_hub_close_pairs(hub);
    atomic_store_explicit(&hub->stop, true, memory_order_relaxed);
}

/* The stages handed out are free again; looks for new samples. */
static void fill(struct kl_hub *hub)
{
    for (size_t i = 0; i < hub->order_count; i++) {
        kl_stage_clear(&hub->stage[hub->order[i]]);
    }
    hub->order_count = hub->order_next = 0;
    bool more = hub->fast ? kl_hub_fill_fast(hub) : kl_hub_fill_live(hub);
    if (!more) {
        end(hub);
    }
}

/* Sleeps until a device or an operator has something. @return false when the time is over */
static bool wait_until(struct kl_hub *hub, int64_t deadline_ns)
{
    int64_t left_ns = deadline_ns - kl_monotonic_ns();
    if (left_ns <= 0) {
        return false;
    }
    const int64_t ms_ns = 1000000;
    int64_t left_ms = (left_ns + ms_ns - 1) / ms_ns;
    struct pollfd wake = {.fd = hub->wake_fd, .events = POLLIN};
    if (poll(&wake, 1, left_ms < 1000 ? (int)left_ms : 1000) > 0) {
        uint64_t count;
        ssize_t got = read(hub->wake_fd, &count, sizeof(count)); /* back to "nothing happened" */
        (void)got;
    }
    return true;
}

int kl_hub_next(struct kl_source *source, int64_t wait_ns, struct kl_item *item,
                struct kl_fault *fault)
{
    (void)fault; /* a device that fails is not a failure of the session: kl_hub_devices tells */
    struct kl_hub *hub = (struct kl_hub *)source;
    int64_t deadline_ns = wait_ns > 0 ? kl_monotonic_ns() + wait_ns : 0;
    for (bool waited = true;;) {
        bool has_block = hub->order_next < hub->order_count;
        if (has_block ? take_block(hub, item) : take_event(hub, item)) {
            return KL_SOURCE_ITEM;
        }
        if (hub->ended) {
            return KL_SOURCE_END;
        }
        if (!waited) {
            return KL_SOURCE_IDLE;
        }
        fill(hub);
        if (hub->order_count == 0 && !hub->ended) {
            waited = !hub->fast && wait_ns > 0 && wait_until(hub, deadline_ns);
        }
    }
}
