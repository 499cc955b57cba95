/* A hub of simulated devices without threads and without a clock: as fast as the machine can.
 *
 * Data time is cut into a fixed grid of cells. Every device is asked for all that lies in the next
 * cell; the cell's blocks are ordered by first time stamp, then stream index. Nothing depends on
 * when anyone asks, so every run is the same.
 */
#include "acquire/hub_inside.h"

/* Cells looked at before the caller is told that there is nothing yet: 10 s of data. */
#define CELLS_MAX 1000

/* Asks a device for its next samples in the cell. */
static void ask(struct kl_hub *hub, struct kl_device *device)
{
    int count =
        device->driver->generate(device->state, hub->cell_end_ns, device->sample, KL_DEVICE_BATCH);
    if (count < 0) {
        kl_device_fail(device, count, "simulation", NULL);
        atomic_store_explicit(&device->running, false, memory_order_release);
        device->done = true;
        count = 0;
    }
    device->fast_at = 0;
    device->fast_count = (size_t)count;
    device->fast_last = count < KL_DEVICE_BATCH;
}

/* Takes one device's samples of the cell into the stages.
 * @return false when a stage is full first; the rest stays in hand */
static bool pull(struct kl_hub *hub, struct kl_device *device)
{
    while (!device->fast_done) {
        if (device->fast_at == device->fast_count) {
            ask(hub, device);
        }
        for (; device->fast_at < device->fast_count; device->fast_at++) {
            const struct kl_sample *sample = &device->sample[device->fast_at];
            if (sample->stream >= device->stream_count) {
                continue; /* a driver that knows more streams than it declared */
            }
            if (kl_stage_full(kl_hub_stage(hub, device, sample->stream))) {
                return false;
            }
            (void)kl_hub_stage_sample(hub, device, sample->stream, sample->device_ns,
                                      sample->quality, 0, sample->value);
        }
        device->fast_done = device->fast_last;
    }
    return true;
}

/* By first time stamp; streams come in ascending order, and equal ones keep it. */
static void order_by_time(struct kl_hub *hub)
{
    hub->order_count = 0;
    for (size_t s = 0; s < hub->stream_count; s++) {
        if (hub->stage[s].count == 0) {
            continue;
        }
        size_t at = hub->order_count++;
        for (; at > 0 && hub->stage[hub->order[at - 1]].t_ns[0] > hub->stage[s].t_ns[0]; at--) {
            hub->order[at] = hub->order[at - 1];
        }
        hub->order[at] = s;
    }
}

/* Moves on to the next cell. @return false when there is none */
static bool open_cell(struct kl_hub *hub)
{
    bool any = false;
    for (size_t d = 0; d < hub->device_count; d++) {
        hub->device[d]->fast_done = hub->device[d]->done;
        any |= !hub->device[d]->done;
    }
    if (!any || hub->cell_end_ns >= hub->end_ns ||
        atomic_load_explicit(&hub->stop, memory_order_relaxed)) {
        return false;
    }
    int64_t left_ns = hub->end_ns - hub->cell_end_ns;
    hub->cell_end_ns += left_ns < KL_BLOCK_NS ? left_ns : KL_BLOCK_NS;
    return true;
}

bool kl_hub_fill_fast(struct kl_hub *hub)
{
    for (size_t i = 0; i < CELLS_MAX; i++) {
        if (!hub->cell_held && !open_cell(hub)) {
            return false;
        }
        hub->cell_held = false;
        for (size_t d = 0; d < hub->device_count; d++) {
            hub->cell_held |= !pull(hub, hub->device[d]);
        }
        order_by_time(hub);
        if (hub->order_count > 0) {
            break;
        }
    }
    return true;
}
