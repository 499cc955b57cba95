#include "acquire/hub.h"

#include "acquire/hub_inside.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* Doubles hold int64 nanoseconds exactly for 30 days (design.md section 6). */
#define SECONDS_MAX (30.0 * 86400.0)

/* The hub owns the source: closing it ends the session, kl_hub_destroy frees it. */
static void close_source(struct kl_source *source)
{
    kl_hub_stop((struct kl_hub *)source);
}

struct kl_hub *kl_hub_create(void)
{
    static const struct kl_source_ops ops = {.next = kl_hub_next, .close = close_source};
    struct kl_hub *hub = calloc(1, sizeof(*hub));
    if (hub == NULL) {
        return NULL;
    }
    hub->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (hub->wake_fd < 0 || kl_event_queue_init(&hub->queue) != KL_OK) {
        if (hub->wake_fd >= 0) {
            (void)close(hub->wake_fd);
        }
        free(hub);
        return NULL;
    }
    atomic_init(&hub->stop, false);
    hub->source = (struct kl_source){.ops = &ops, .stream = hub->stream};
    hub->newest_ns = KL_EPOCH_NS;
    hub->cell_end_ns = KL_EPOCH_NS;
    hub->end_ns = INT64_MAX;
    return hub;
}

static int check_stream(const struct kl_hub *hub, const char *device, size_t index,
                        struct kl_fault *fault)
{
    const struct kl_stream *stream = &hub->stream[index];
    if (stream->name[0] == '\0' || stream->channel_count < 1 ||
        stream->channel_count > KL_CHANNELS_MAX || !(stream->rate_hz > 0) ||
        stream->rate_hz > 1e6) {
        return kl_fault(fault, KL_ERR_RANGE,
                        "device %s: stream '%s' has %zu channels at %g Hz; expected a name, 1 to "
                        "%d channels and a rate above 0 and up to 1 MHz",
                        device, stream->name, stream->channel_count, stream->rate_hz,
                        KL_CHANNELS_MAX);
    }
    for (size_t i = 0; i < index; i++) {
        if (strcmp(hub->stream[i].name, stream->name) == 0) {
            return kl_fault(fault, KL_ERR_RANGE,
                            "device %s: stream '%s' is also given by device %s; rename one of them",
                            device, stream->name, hub->stream[i].source);
        }
    }
    return KL_OK;
}

static int add(struct kl_hub *hub, const char *name, const struct kl_driver *driver,
               const void *config, struct kl_link *link, struct kl_fault *fault)
{
    if (driver->generate == NULL && link == NULL && driver->need_count == 0) {
        return kl_fault(fault, KL_ERR_UNSUPPORTED,
                        "device %s: driver %s does not say how it is reached", name, driver->name);
    }
    if (hub->started) {
        return kl_fault(fault, KL_ERR_ARG, "device %s: added after the session began", name);
    }
    if (hub->device_count == KL_STREAMS_MAX) {
        return kl_fault(fault, KL_ERR_RANGE, "device %s: more than %d devices", name,
                        KL_STREAMS_MAX);
    }
    const size_t first = hub->stream_count;
    struct kl_device *device = NULL;
    memset(&hub->stream[first], 0, (KL_STREAMS_MAX - first) * sizeof(hub->stream[0]));
    int count = kl_device_create(&device, name, driver, config, link, &hub->stream[first],
                                 KL_STREAMS_MAX - first, fault);
    if (count < 0) {
        return count;
    }
    for (size_t s = first; s < first + (size_t)count; s++) {
        struct kl_stream *stream = &hub->stream[s];
        memcpy(stream->source, device->name, sizeof(stream->source));
        int status = check_stream(hub, name, s, fault);
        if (status < 0) {
            kl_device_destroy(device);
            return status;
        }
    }
    device->first_stream = first;
    hub->stream_count += (size_t)count;
    hub->device[hub->device_count] = device;
    return (int)hub->device_count++;
}

int kl_hub_add(struct kl_hub *hub, const char *name, const struct kl_driver *driver,
               const void *config, struct kl_fault *fault)
{
    return add(hub, name, driver, config, NULL, fault);
}

int kl_hub_add_at(struct kl_hub *hub, const char *name, const struct kl_driver *driver,
                  const void *config, const struct kl_link_choice *choice, struct kl_fault *fault)
{
    int index = add(hub, name, driver, config, NULL, fault);
    if (index >= 0 && choice != NULL) {
        hub->device[index]->choice = *choice;
    }
    return index;
}

int kl_hub_capture(struct kl_hub *hub, const char *folder, struct kl_fault *fault)
{
    if (hub->started || hub->capture != NULL) {
        return kl_fault(fault, KL_ERR_ARG, "hub: capture asked for too late or twice");
    }
    hub->capture = kl_capture_create(folder, fault);
    return hub->capture != NULL ? KL_OK : KL_ERR_IO;
}

int kl_hub_add_link(struct kl_hub *hub, const char *name, const struct kl_driver *driver,
                    const void *config, struct kl_link *link, struct kl_fault *fault)
{
    return add(hub, name, driver, config, link, fault);
}

/* Asks the drivers for their events; ordered by time, equal ones in the order of the devices. */
static int collect_due(struct kl_hub *hub)
{
    hub->due = calloc(hub->device_count * KL_DEVICE_EVENTS_MAX, sizeof(*hub->due));
    if (hub->due == NULL) {
        return KL_ERR_MEM;
    }
    for (size_t d = 0; d < hub->device_count; d++) {
        struct kl_device *device = hub->device[d];
        struct kl_event event[KL_DEVICE_EVENTS_MAX];
        int count = device->driver->events == NULL
                        ? 0
                        : device->driver->events(device->state, event, KL_DEVICE_EVENTS_MAX);
        for (int i = 0; i < count && i < KL_DEVICE_EVENTS_MAX; i++) {
            size_t at = hub->due_count++;
            for (; at > 0 && hub->due[at - 1].t_ns > event[i].t_ns; at--) {
                hub->due[at] = hub->due[at - 1];
            }
            hub->due[at] = event[i];
            hub->due[at].text = event[i].text != NULL ? event[i].text : "";
        }
    }
    return KL_OK;
}

static int prepare(struct kl_hub *hub, struct kl_fault *fault)
{
    int64_t now_ns = kl_monotonic_ns();
    int status = collect_due(hub);
    for (size_t s = 0; s < hub->stream_count && status == KL_OK; s++) {
        status = kl_stage_init(&hub->stage[s], &hub->stream[s]);
    }
    for (size_t d = 0; d < hub->device_count && status == KL_OK; d++) {
        struct kl_device *device = hub->device[d];
        device->start_ns = now_ns;
        device->end_ns = hub->end_ns;
        device->stop = &hub->stop;
        device->wake_fd = hub->wake_fd;
        if (!device->linked) { /* simulated devices carry session time: they fix its origin */
            hub->has_origin = true;
            hub->origin_ns = now_ns;
        }
        status = hub->fast ? KL_OK : kl_device_prepare(device, &hub->stream[device->first_stream]);
    }
    return status == KL_OK ? KL_OK : kl_fault(fault, status, "hub: no memory for the rings");
}

/* One file per device behind a link. */
static int prepare_capture(struct kl_hub *hub, struct kl_fault *fault)
{
    int status = KL_OK;
    for (size_t d = 0; hub->capture != NULL && status == KL_OK && d < hub->device_count; d++) {
        struct kl_device *device = hub->device[d];
        if (device->linked && device->borrowed == NULL) {
            status =
                kl_capture_add(hub->capture, device->name, device->driver, &device->capture, fault);
        }
    }
    return status;
}

static int check_start(const struct kl_hub *hub, bool fast, double seconds, struct kl_fault *fault)
{
    if (hub->started || hub->stream_count == 0) {
        return kl_fault(fault, KL_ERR_ARG, "hub: %s",
                        hub->started ? "started twice" : "no device gives a stream");
    }
    if (!(seconds >= 0 && seconds <= SECONDS_MAX)) {
        return kl_fault(fault, KL_ERR_RANGE,
                        "hub: a session of %g s; expected 0 (until stopped) to %g s", seconds,
                        SECONDS_MAX);
    }
    for (size_t d = 0; fast && d < hub->device_count; d++) {
        if (hub->device[d]->linked) {
            return kl_fault(fault, KL_ERR_UNSUPPORTED,
                            "hub: device %s is real and cannot run fast; leave --fast out",
                            hub->device[d]->name);
        }
    }
    return KL_OK;
}

struct kl_source *kl_hub_start(struct kl_hub *hub, bool fast, double seconds,
                               struct kl_fault *fault)
{
    if (check_start(hub, fast, seconds, fault) != KL_OK) {
        return NULL;
    }
    hub->started = true;
    hub->fast = fast;
    hub->end_ns = seconds > 0 ? KL_EPOCH_NS + kl_nanoseconds(seconds) : INT64_MAX;
    hub->source.stream_count = hub->stream_count;
    if (prepare(hub, fault) != KL_OK || prepare_capture(hub, fault) != KL_OK) {
        return NULL;
    }
    for (size_t d = 0; d < hub->device_count; d++) {
        if (fast) {
            atomic_store_explicit(&hub->device[d]->running, true, memory_order_relaxed);
        }
        if (!fast && kl_device_start(hub->device[d], fault) != KL_OK) {
            atomic_store_explicit(&hub->stop, true, memory_order_relaxed);
            return NULL;
        }
    }
    return &hub->source;
}

/* ----------------------------------------------------- from the other threads */

int kl_hub_capture_state(struct kl_hub *hub, bool flush, struct kl_fault *fault)
{
    if (hub->capture == NULL) {
        return KL_OK;
    }
    if (flush) {
        kl_capture_flush(hub->capture);
    }
    return kl_capture_state(hub->capture, fault);
}

int kl_hub_event(struct kl_hub *hub, const struct kl_event *event)
{
    int status = kl_event_queue_put(&hub->queue, event);
    if (status == KL_OK) {
        kl_wake(hub->wake_fd);
    }
    return status;
}

void kl_hub_stop(struct kl_hub *hub)
{
    int saved = errno; /* may run inside a signal handler */
    atomic_store_explicit(&hub->stop, true, memory_order_relaxed);
    kl_wake(hub->wake_fd);
    errno = saved;
}

static unsigned alarms_of(const struct kl_device *device, const struct kl_hub_device *shown,
                          int64_t now_ns)
{
    int64_t sampled_ns = atomic_load_explicit(&device->sampled_ns, memory_order_relaxed);
    int64_t since_ns = atomic_load_explicit(&device->since_ns, memory_order_relaxed);
    int64_t clipped_ns = atomic_load_explicit(&device->clipped_ns, memory_order_relaxed);
    bool linked = device->linked && shown->running;
    int64_t newest_ns = sampled_ns > since_ns ? sampled_ns : since_ns;
    /* bytes may come that are no frames: a wrong speed, another mode */
    bool nothing = linked && now_ns - newest_ns > device->silence_ns;
    bool wrong_rate = linked && atomic_load_explicit(&device->wrong_rate, memory_order_relaxed);
    bool clipping = linked && clipped_ns > 0 && now_ns - clipped_ns < KL_CLIPPING_SHOWN_NS;
    bool battery = shown->battery >= 0 && shown->battery < KL_BATTERY_LOW;
    return (nothing || shown->silent ? (unsigned)KL_ALARM_NO_DATA : 0) |
           (wrong_rate ? (unsigned)KL_ALARM_RATE : 0) |
           (clipping ? (unsigned)KL_ALARM_CLIPPING : 0) |
           (battery ? (unsigned)KL_ALARM_BATTERY : 0);
}

static void show_alarms(const struct kl_device *device, struct kl_hub_device *shown, int64_t now_ns)
{
    shown->silent = atomic_load_explicit(&device->silent, memory_order_relaxed);
    shown->measured_hz =
        (double)atomic_load_explicit(&device->measured_uhz, memory_order_relaxed) / 1e6;
    shown->nominal_hz =
        (double)atomic_load_explicit(&device->nominal_uhz, memory_order_relaxed) / 1e6;
    shown->battery =
        (double)atomic_load_explicit(&device->battery_percent, memory_order_relaxed) / 100;
    shown->alarms = alarms_of(device, shown, now_ns);
}

bool kl_hub_device_state(const struct kl_hub_device *device, char out[KL_DEVICE_STATE_MAX])
{
    const char *state = device->driver->generate != NULL ? "simulated" : "streaming";
    const char *away = device->fault.text[0] == '\0' ? "stopped"
                       : device->connections == 0    ? "not found"
                                                     : "lost";
    kl_device_alarm_text(device->alarms, device->measured_hz, device->nominal_hz, device->battery,
                         out);
    /* that it is away is graver than its battery */
    if (out[0] == '\0' || (!device->running && !device->silent)) {
        (void)snprintf(out, KL_DEVICE_STATE_MAX, "%s", device->running ? state : away);
    }
    return device->alarms != 0 || !device->running;
}

size_t kl_hub_devices(const struct kl_hub *hub, struct kl_hub_device *out, size_t cap)
{
    size_t count = hub->device_count < cap ? hub->device_count : cap;
    int64_t now_ns = kl_monotonic_ns();
    for (size_t d = 0; d < count; d++) {
        struct kl_device *device = hub->device[d];
        struct kl_hub_device *shown = &out[d];
        memset(shown, 0, sizeof(*shown));
        memcpy(shown->name, device->name, sizeof(shown->name));
        shown->driver = device->driver;
        shown->samples = atomic_load_explicit(&device->samples, memory_order_relaxed);
        shown->lost = atomic_load_explicit(&device->lost, memory_order_relaxed);
        shown->frames = atomic_load_explicit(&device->frames, memory_order_relaxed);
        shown->bad_frames = atomic_load_explicit(&device->bad_frames, memory_order_relaxed);
        shown->skipped_bytes = atomic_load_explicit(&device->skipped_bytes, memory_order_relaxed);
        shown->uncertainty_ns = atomic_load_explicit(&device->uncertainty_ns, memory_order_relaxed);
        shown->drift_ppm =
            (double)atomic_load_explicit(&device->drift_ppb, memory_order_relaxed) / 1000;
        shown->running = atomic_load_explicit(&device->running, memory_order_relaxed);
        shown->connections = atomic_load_explicit(&device->connections, memory_order_relaxed);
        show_alarms(device, shown, now_ns);
        (void)pthread_mutex_lock(&device->shown);
        memcpy(shown->where, device->found.where, sizeof(shown->where));
        shown->fault = device->fault;
        (void)pthread_mutex_unlock(&device->shown);
    }
    return count;
}

void kl_hub_destroy(struct kl_hub *hub)
{
    if (hub == NULL) {
        return;
    }
    atomic_store_explicit(&hub->stop, true, memory_order_relaxed);
    for (size_t d = 0; d < hub->device_count; d++) {
        kl_device_destroy(hub->device[d]);
    }
    kl_capture_destroy(hub->capture);
    for (size_t s = 0; s < hub->stream_count; s++) {
        kl_stage_release(&hub->stage[s]);
    }
    kl_event_queue_release(&hub->queue);
    (void)close(hub->wake_fd);
    free(hub->due);
    free(hub);
}
