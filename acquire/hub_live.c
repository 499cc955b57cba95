/* The session thread's side of the rings: device time to session time, samples into stages. */
#include "acquire/hub_inside.h"

#include <string.h>

/* A linked device that is silent at the end of a timed session is waited for this long. */
#define GRACE_NS KL_NS_PER_S
/* One look at a device's clock is kept of so much time: what kl_clock keeps too. */
#define PAIR_NS INT64_C(250000000)

/* Host time of a record, and whether it is sure. */
static int64_t host_time(struct kl_device *device, const struct kl_record *record, bool *sure)
{
    if (device->time_meaning == KL_TIME_ARRIVAL) {
        struct kl_arrival_clock *clock = &device->arrival[record->stream];
        uint64_t *connection = &device->arrival_connection[record->stream];
        if (*connection != record->connection) {
            *connection = record->connection;
            kl_arrival_clock_reconnected(clock);
        }
        int64_t host_ns = kl_arrival_clock_step(clock, record->device_ns, record->arrival_ns);
        *sure = clock->jitter_ns < (double)KL_ARRIVAL_UNSURE_NS;
        return host_ns;
    }
    if (device->clock_connection != record->connection) {
        device->clock_connection = record->connection;
        /* a sample number does not count what was missed while the device was away */
        if (device->time_meaning == KL_TIME_INDEX) {
            kl_clock_restarted(&device->clock);
        } else {
            kl_clock_reconnected(&device->clock);
        }
    }
    int64_t host_ns = kl_clock_step(&device->clock, record->device_ns, record->arrival_ns);
    *sure = kl_clock_uncertainty(&device->clock) < KL_CLOCK_UNSURE_NS;
    return host_ns;
}

/* ----------------------------------------------------------- looks at clocks */

static void close_pair(struct kl_hub *hub, struct kl_device *device)
{
    if (device->pair_until_ns == 0) {
        return;
    }
    device->pair_until_ns = 0;
    if (hub->pair_count == KL_CLOCK_PAIRS) {
        hub->pair_first = (hub->pair_first + 1) % KL_CLOCK_PAIRS;
        hub->pair_count--;
    }
    hub->pair[(hub->pair_first + hub->pair_count++) % KL_CLOCK_PAIRS] = device->pair;
}

void kl_hub_close_pairs(struct kl_hub *hub)
{
    for (size_t d = 0; d < hub->device_count; d++) {
        close_pair(hub, hub->device[d]);
    }
}

bool kl_hub_clock(struct kl_hub *hub, struct kl_clock_pair *out)
{
    if (hub->pair_count == 0) {
        return false;
    }
    *out = hub->pair[hub->pair_first];
    hub->pair_first = (hub->pair_first + 1) % KL_CLOCK_PAIRS;
    hub->pair_count--;
    return true;
}

static void look_at_clock(struct kl_hub *hub, struct kl_device *device,
                          const struct kl_record *record, int64_t t_ns)
{
    struct kl_clock_pair *pair = &device->pair;
    int64_t arrival_ns = record->arrival_ns - hub->origin_ns + KL_EPOCH_NS;
    if (arrival_ns >= device->pair_until_ns || pair->connection != record->connection) {
        close_pair(hub, device);
        device->pair_until_ns = arrival_ns + PAIR_NS;
        memcpy(pair->device, device->name, sizeof(pair->device));
    } else if ((double)arrival_ns - (double)record->device_ns >=
               (double)pair->arrival_ns - (double)pair->device_ns) {
        return;
    }
    pair->connection = record->connection;
    pair->device_ns = record->device_ns;
    pair->arrival_ns = arrival_ns;
    pair->t_ns = t_ns;
}

/* ------------------------------------------------------------------- records */

/* -------------------------------------------------------------------- alarms */

static void watch(struct kl_device *device, const struct kl_record *record, uint64_t missed)
{
    if (device->rate == NULL) {
        return;
    }
    if (device->rate_connection != record->connection) {
        device->rate_connection = record->connection;
        for (size_t s = 0; s < device->stream_count; s++) {
            kl_rate_watch_init(&device->rate[s], device->nominal_hz[s]);
        }
    }
    kl_rate_watch_step(&device->rate[record->stream], record->arrival_ns, missed);
    atomic_store_explicit(&device->sampled_ns, record->arrival_ns, memory_order_relaxed);
    if (record->quality & KL_QUALITY_CLIPPED) {
        atomic_store_explicit(&device->clipped_ns, record->arrival_ns, memory_order_relaxed);
    }
}

/* The first stream whose rate is off, else the fastest. */
static void show_rate(struct kl_device *device)
{
    size_t shown = 0;
    bool wrong = false;
    for (size_t s = 0; device->rate != NULL && s < device->stream_count && !wrong; s++) {
        wrong = kl_rate_watch_alarm(&device->rate[s]);
        shown = wrong || device->nominal_hz[s] > device->nominal_hz[shown] ? s : shown;
    }
    if (device->rate != NULL && device->stream_count > 0) {
        atomic_store_explicit(&device->wrong_rate, wrong, memory_order_relaxed);
        atomic_store_explicit(&device->measured_uhz,
                              (int64_t)(device->rate[shown].measured_hz * 1e6),
                              memory_order_relaxed);
        atomic_store_explicit(&device->nominal_uhz, (int64_t)(device->nominal_hz[shown] * 1e6),
                              memory_order_relaxed);
    }
}

/* Maps a record's time and stages it. Its stage has room. */
static void take(struct kl_hub *hub, struct kl_device *device, const struct kl_record *record)
{
    int64_t t_ns = record->device_ns;
    uint32_t quality = record->quality;
    if (device->time_meaning != KL_TIME_SESSION) {
        bool sure;
        int64_t host_ns = host_time(device, record, &sure);
        if (!hub->has_origin) { /* the session begins with its first sample */
            hub->has_origin = true;
            hub->origin_ns = host_ns;
        }
        t_ns = host_ns - hub->origin_ns + KL_EPOCH_NS;
        if (t_ns < KL_EPOCH_NS) {
            return; /* made before the session began */
        }
        quality |= sure ? 0 : KL_QUALITY_CLOCK;
        look_at_clock(hub, device, record, t_ns);
    }
    uint64_t missed = kl_hub_stage_sample(hub, device, record->stream, t_ns, quality,
                                          record->lost_before, record->value);
    watch(device, record, missed);
}

static bool past_end(struct kl_hub *hub, const struct kl_device *device)
{
    if (hub->end_ns == INT64_MAX || !device->linked) {
        return false; /* a simulated device ends by itself */
    }
    bool all = true;
    for (size_t s = 0; s < device->stream_count; s++) {
        all &= kl_hub_stage(hub, device, s)->past_end;
    }
    int64_t origin_ns = hub->has_origin ? hub->origin_ns : device->start_ns;
    return all || kl_monotonic_ns() - origin_ns > hub->end_ns - KL_EPOCH_NS + GRACE_NS;
}

/* What the device dropped last has no next sample to be marked on: it is told at the end. */
static void take_unsent_losses(struct kl_hub *hub, const struct kl_device *device)
{
    for (size_t s = 0; s < device->stream_count; s++) {
        kl_hub_stage(hub, device, s)->lost += device->unsent_lost[s];
    }
}

static void drain(struct kl_hub *hub, struct kl_device *device)
{
    /* asked before the ring is looked at: what was pushed before it became true is then seen */
    bool ended = atomic_load_explicit(&device->ended, memory_order_acquire);
    const struct kl_record *record;
    while ((record = kl_ring_front(device->ring)) != NULL) {
        if (kl_stage_full(kl_hub_stage(hub, device, record->stream))) {
            return; /* the rest in the next round */
        }
        take(hub, device, record);
        kl_ring_pop(device->ring);
    }
    if (ended) {
        take_unsent_losses(hub, device);
    }
    device->done = ended || past_end(hub, device);
}

static void show_clock(struct kl_device *device)
{
    if (device->clock.started) {
        atomic_store_explicit(&device->uncertainty_ns, kl_clock_uncertainty(&device->clock),
                              memory_order_relaxed);
        atomic_store_explicit(&device->drift_ppb,
                              (int64_t)(kl_clock_drift_ppm(&device->clock) * 1000),
                              memory_order_relaxed);
    }
}

bool kl_hub_fill_live(struct kl_hub *hub)
{
    bool open = false;
    for (size_t d = 0; d < hub->device_count; d++) {
        struct kl_device *device = hub->device[d];
        if (!device->done) {
            drain(hub, device);
            show_clock(device);
            show_rate(device);
        }
        open |= !device->done;
    }
    hub->order_count = 0;
    for (size_t s = 0; s < hub->stream_count; s++) {
        if (hub->stage[s].count > 0) {
            hub->order[hub->order_count++] = s;
        }
    }
    return open || hub->order_count > 0;
}
