#include "acquire/hub_device.h"

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* A simulated device gives what is due this often: half a block. */
#define PACE_NS INT64_C(5000000)
#define RING_RECORDS_MIN 256
/* A device that should have given three samples and gave no byte is silent; said within 250 ms. */
#define SILENCE_SAMPLES 3
#define SILENCE_NS_MIN INT64_C(200000000)
/* These bits say something about what was before the sample: they outlive a dropped one. */
#define LASTING_QUALITY ((uint32_t)(KL_QUALITY_GAP | KL_QUALITY_CHECKSUM))

int64_t kl_monotonic_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * KL_NS_PER_S + now.tv_nsec;
}

void kl_wake(int wake_fd)
{
    const uint64_t one = 1;
    /* fails only when a wake-up is pending already */
    ssize_t written = write(wake_fd, &one, sizeof(one));
    (void)written;
}

int kl_device_create(struct kl_device **out, const char *name, const struct kl_driver *driver,
                     const void *config, struct kl_link *link, struct kl_stream *streams,
                     size_t cap, struct kl_fault *fault)
{
    struct kl_device *device = calloc(1, sizeof(*device));
    void *state = calloc(1, driver->state_size > 0 ? driver->state_size : 1);
    bool linked = driver->generate == NULL;
    struct kl_framing *framing = linked ? calloc(1, sizeof(*framing)) : NULL;
    int status = kl_fault(fault, KL_ERR_MEM, "device %s: out of memory", name);
    if (device == NULL || state == NULL || (linked && framing == NULL)) {
        goto failed;
    }
    (void)kl_fault(fault, KL_ERR_RANGE, "device %s: driver %s refused its configuration", name,
                   driver->name); /* unless the driver says it better */
    status = driver->configure(state, config, streams, cap, fault);
    if (status < 0) {
        goto failed;
    }
    (void)snprintf(device->name, sizeof(device->name), "%s", name);
    device->driver = driver;
    device->state = state;
    device->linked = linked;
    device->borrowed = link;
    device->framing = framing;
    device->time_meaning = driver->time_of != NULL ? driver->time_of(state) : driver->time_meaning;
    device->stream_count = (size_t)status;
    device->wake_fd = -1;
    if (framing != NULL) {
        kl_framing_init(framing, driver, state);
    }
    kl_clock_init(&device->clock);
    atomic_init(&device->battery_percent, -1);
    (void)pthread_mutex_init(&device->shown, NULL); /* cannot fail without attributes */
    if (fault != NULL) {
        fault->text[0] = '\0';
    }
    *out = device;
    return status;
failed:
    free(framing);
    free(state);
    free(device);
    return status;
}

int kl_device_prepare(struct kl_device *device, const struct kl_stream *streams)
{
    double rate_hz = 0;
    double fastest_hz = 0;
    size_t widest = 0;
    for (size_t s = 0; s < device->stream_count; s++) {
        size_t channels = streams[s].channel_count;
        rate_hz += streams[s].rate_hz;
        fastest_hz = fmax(fastest_hz, streams[s].rate_hz);
        widest = channels > widest ? channels : widest;
        device->channels[s] = channels;
        kl_arrival_clock_init(&device->arrival[s], streams[s].rate_hz);
        device->nominal_hz[s] = streams[s].rate_hz;
    }
    device->rate = device->linked ? calloc(device->stream_count + 1, sizeof(*device->rate)) : NULL;
    if (device->linked && device->rate == NULL) {
        return KL_ERR_MEM;
    }
    int64_t silence_ns = kl_nanoseconds(SILENCE_SAMPLES / fastest_hz);
    device->silence_ns = silence_ns > SILENCE_NS_MIN ? silence_ns : SILENCE_NS_MIN;
    size_t records = (size_t)ceil(rate_hz * KL_RING_SECONDS);
    device->ring = kl_ring_create(sizeof(struct kl_record) + widest * sizeof(double),
                                  records > RING_RECORDS_MIN ? records : RING_RECORDS_MIN);
    return device->ring != NULL ? KL_OK : KL_ERR_MEM;
}

void kl_device_fail(struct kl_device *device, int status, const char *what,
                    const struct kl_fault *cause)
{
    (void)pthread_mutex_lock(&device->shown);
    if (device->fault.text[0] != '\0') {
        /* the first fault explains the others */
    } else if (cause != NULL && cause->text[0] != '\0') {
        device->fault = *cause;
    } else {
        (void)kl_fault(&device->fault, status, "device %s: %s: %s", device->name, what,
                       kl_status_text(status));
    }
    (void)pthread_mutex_unlock(&device->shown);
}

void kl_device_recover(struct kl_device *device)
{
    (void)pthread_mutex_lock(&device->shown);
    device->fault.text[0] = '\0';
    (void)pthread_mutex_unlock(&device->shown);
}

bool kl_device_has_fault(struct kl_device *device)
{
    (void)pthread_mutex_lock(&device->shown);
    bool has = device->fault.text[0] != '\0';
    (void)pthread_mutex_unlock(&device->shown);
    return has;
}

void kl_device_push(struct kl_device *device, const struct kl_sample *sample, int64_t arrival_ns)
{
    size_t s = sample->stream;
    if (s >= device->stream_count) {
        return; /* a driver that knows more streams than it declared */
    }
    struct kl_record *record = kl_ring_reserve(device->ring);
    if (record == NULL) {
        device->unsent_lost[s]++;
        device->unsent_quality[s] |= sample->quality & LASTING_QUALITY;
        atomic_fetch_add_explicit(&device->lost, 1, memory_order_relaxed);
        return;
    }
    record->device_ns = sample->device_ns;
    record->arrival_ns = arrival_ns;
    record->lost_before = device->unsent_lost[s];
    record->stream = (uint32_t)s;
    record->connection = device->connection;
    record->quality = sample->quality | device->unsent_quality[s];
    memcpy(record->value, sample->value, device->channels[s] * sizeof(double));
    device->unsent_lost[s] = 0;
    device->unsent_quality[s] = 0;
    kl_ring_publish(device->ring);
}

/* ---------------------------------------------------------------- simulated */

static void sleep_until(int64_t host_ns)
{
    struct timespec until = {.tv_sec = (time_t)(host_ns / KL_NS_PER_S),
                             .tv_nsec = (long)(host_ns % KL_NS_PER_S)};
    (void)clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
}

/* @return KL_OK or the driver's negative status */
static int generate_until(struct kl_device *device, int64_t until_ns)
{
    int count;
    do {
        count = device->driver->generate(device->state, until_ns, device->sample, KL_DEVICE_BATCH);
        for (int i = 0; i < count; i++) {
            kl_device_push(device, &device->sample[i], 0);
        }
    } while (count == KL_DEVICE_BATCH && !kl_device_stopped(device));
    return count < 0 ? count : KL_OK;
}

static void run_simulated(struct kl_device *device)
{
    for (int64_t due_ns = device->start_ns; !kl_device_stopped(device);) {
        int64_t now_ns = kl_monotonic_ns();
        int64_t until_ns = now_ns - device->start_ns + KL_EPOCH_NS;
        until_ns = until_ns < device->end_ns ? until_ns : device->end_ns;
        int status = generate_until(device, until_ns);
        if (status < 0) {
            kl_device_fail(device, status, "simulation", NULL);
            return;
        }
        if (until_ns == device->end_ns) {
            return;
        }
        kl_wake(device->wake_fd);
        due_ns = due_ns + PACE_NS > now_ns ? due_ns + PACE_NS : now_ns + PACE_NS;
        sleep_until(due_ns);
    }
}

static void *run(void *arg)
{
    struct kl_device *device = arg;
    if (device->linked) {
        kl_device_run_linked(device);
    } else {
        run_simulated(device);
    }
    atomic_store_explicit(&device->running, false, memory_order_relaxed);
    atomic_store_explicit(&device->ended, true, memory_order_release);
    kl_wake(device->wake_fd);
    return NULL;
}

int kl_device_start(struct kl_device *device, struct kl_fault *fault)
{
    sigset_t all, before;
    (void)sigfillset(&all);
    /* a device behind a link runs when it was found and started */
    atomic_store_explicit(&device->running, !device->linked, memory_order_relaxed);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before); /* signals are the main thread's */
    int error = pthread_create(&device->thread, NULL, run, device);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    device->has_thread = error == 0;
    if (error != 0) {
        atomic_store_explicit(&device->running, false, memory_order_relaxed);
        return kl_fault(fault, KL_ERR_IO, "device %s: the system gave no thread: %s", device->name,
                        strerror(error));
    }
    return KL_OK;
}

void kl_device_destroy(struct kl_device *device)
{
    if (device == NULL) {
        return;
    }
    if (device->has_thread) {
        (void)pthread_join(device->thread, NULL);
    }
    if (device->driver->release != NULL) {
        device->driver->release(device->state);
    }
    (void)pthread_mutex_destroy(&device->shown);
    kl_ring_destroy(device->ring);
    free(device->rate);
    free(device->framing);
    free(device->state);
    free(device);
}
