/* One device of a hub: its driver's state, its thread, and the ring that leads to the session.
 *
 * Internal to the hub. The device thread is the ring's producer; it either asks a simulated driver
 * for what is due by the clock, or reads a link, frames and parses.
 */
#ifndef KL_ACQUIRE_HUB_DEVICE_H
#define KL_ACQUIRE_HUB_DEVICE_H

#include "acquire/clock.h"
#include "acquire/framing.h"
#include "acquire/hub.h"
#include "acquire/ring.h"

#include <pthread.h>
#include <stdatomic.h>

/** Samples asked for at a time; 16 kHz for 4 ms. */
#define KL_DEVICE_BATCH 64

/** A sample on its way through the ring. */
struct kl_record {
    int64_t device_ns;
    int64_t arrival_ns;   /* host monotonic; 0 for simulated devices */
    uint64_t lost_before; /* samples of the stream that did not fit since the last one */
    uint32_t stream;      /* the device's own number */
    uint32_t quality;
    uint64_t connection; /* which start of the device it comes from */
    double value[];      /* as many as the device's widest stream has */
};

struct kl_device {
    /* fixed from kl_hub_start on */
    char name[KL_NAME_MAX];
    const struct kl_driver *driver;
    void *state;
    bool linked;                       /* talks through a link; false: simulated */
    struct kl_link *borrowed;          /* a link that is open already and never opened again */
    struct kl_link_choice choice;      /* else: what to open */
    struct kl_capture_file *capture;   /* NULL: its bytes are not kept */
    enum kl_time_meaning time_meaning; /* of this device, as configured */
    size_t first_stream, stream_count;
    size_t channels[KL_STREAMS_MAX]; /* of the device's own streams */
    double nominal_hz[KL_STREAMS_MAX];
    struct kl_ring *ring;
    int64_t start_ns;        /* host time of KL_EPOCH_NS, for simulated devices */
    int64_t end_ns;          /* session time at which nothing more is wanted */
    const atomic_bool *stop; /* written by any thread, read by this one */
    int wake_fd;             /* eventfd of the session thread */
    pthread_t thread;
    bool has_thread;

    /* the producer's own; read by the session thread when `ended` */
    struct kl_framing *framing; /* with a link */
    struct kl_link *link;       /* NULL: not open */
    uint64_t connection;        /* times started */
    uint64_t dropped;           /* kl_link.dropped, as far as it is told */
    uint64_t taken;             /* samples that its driver gave */
    int64_t silence_ns; /* without a byte or sample for so long, something is wrong; fixed */
    struct kl_sample sample[KL_DEVICE_BATCH];
    uint64_t unsent_lost[KL_STREAMS_MAX];    /* not yet told to the consumer */
    uint32_t unsent_quality[KL_STREAMS_MAX]; /* bits of dropped samples that outlive them */
    int64_t arrival_ns;                      /* of the bytes being parsed */

    /* the session thread's own */
    struct kl_clock clock;
    struct kl_arrival_clock arrival[KL_STREAMS_MAX];
    struct kl_clock_pair pair; /* the quickest delivery of this quarter second */
    int64_t pair_until_ns;     /* session time at which it is complete; 0: none is open */
    uint64_t clock_connection; /* of the newest record the clock saw */
    uint64_t arrival_connection[KL_STREAMS_MAX];
    struct kl_rate_watch *rate; /* [stream_count], owned; NULL: simulated */
    uint64_t rate_connection;
    size_t fast_at, fast_count; /* samples in hand, in fast mode */
    bool fast_last;             /* ... are the last of this cell of the grid */
    bool fast_done;             /* all of this cell were taken */
    bool done;

    /* read by any thread */
    atomic_bool running;   /* gives samples; written by the device's thread */
    atomic_bool ended;     /* its thread pushes nothing any more; ditto */
    pthread_mutex_t shown; /* guards fault and found: written when a device is lost or found */
    struct kl_fault fault; /* text "": none */
    struct kl_link_found found;
    _Atomic uint64_t connections;
    _Atomic uint64_t samples; /* handed out; written by the session thread */
    _Atomic uint64_t lost;    /* written by both threads */
    _Atomic uint64_t frames, bad_frames, skipped_bytes; /* written by the device's thread */
    _Atomic int64_t uncertainty_ns; /* of the clock; written by the session thread */
    _Atomic int64_t drift_ppb;      /* ditto */
    _Atomic int64_t sampled_ns;     /* host time of the newest sample; ditto */
    _Atomic int64_t clipped_ns;     /* host time of the newest clipped one, 0: none; ditto */
    _Atomic int64_t measured_uhz, nominal_uhz; /* of one stream; ditto */
    atomic_bool wrong_rate;                    /* ditto */
    _Atomic int64_t since_ns; /* host time at which it came back; written by the device's thread */
    atomic_bool silent;       /* ditto */
    atomic_int battery_percent; /* negative: not known; ditto */
};

/** Adds a device that talks through a link that is open already (borrowed until kl_hub_destroy):
 *  captures, and tests. @return as kl_hub_add */
int kl_hub_add_link(struct kl_hub *hub, const char *name, const struct kl_driver *driver,
                    const void *config, struct kl_link *link, struct kl_fault *fault);

/** Makes a device and asks its driver for the streams. @param streams  out [cap]
 *  @return number of streams with *out set, or a negative status with *fault */
int kl_device_create(struct kl_device **out, const char *name, const struct kl_driver *driver,
                     const void *config, struct kl_link *link, struct kl_stream *streams,
                     size_t cap, struct kl_fault *fault);

/** Memory for at least KL_RING_SECONDS of all its streams. @return KL_OK or KL_ERR_MEM */
int kl_device_prepare(struct kl_device *device, const struct kl_stream *streams);

#define KL_RING_SECONDS 6 /* design.md section 4 asks for 5 */

/** Starts the thread, all signals blocked. @return KL_OK or KL_ERR_IO with *fault */
int kl_device_start(struct kl_device *device, struct kl_fault *fault);

/** Puts one sample into the ring, or counts it as lost. Threads: the producer. */
void kl_device_push(struct kl_device *device, const struct kl_sample *sample, int64_t arrival_ns);

/** Shows a fault to the other threads, unless one is shown. Threads: the producer. */
void kl_device_fail(struct kl_device *device, int status, const char *what,
                    const struct kl_fault *cause);

/** All is well again. Threads: the producer. */
void kl_device_recover(struct kl_device *device);

/** Is a fault shown? Threads: any. */
bool kl_device_has_fault(struct kl_device *device);

/** The thread of a device behind a link: opens, starts, reads, loses and finds it again until the
 *  hub stops (hub_linked.c). */
void kl_device_run_linked(struct kl_device *device);

static inline bool kl_device_stopped(const struct kl_device *device)
{
    return atomic_load_explicit(device->stop, memory_order_relaxed);
}

/** Joins the thread (the stop flag must be set) and frees everything. NULL is allowed. */
void kl_device_destroy(struct kl_device *device);

/** CLOCK_MONOTONIC in ns. */
int64_t kl_monotonic_ns(void);

/** Wakes the session thread. Threads: any; safe in a signal handler. */
void kl_wake(int wake_fd);

#endif
