/* What the devices of a lab say in a short while, before the runner steps on: how fast samples
 * come, what plates show at rest and with somebody standing on them, noise, clipping, losses.
 */
#ifndef KL_APP_LAB_READING_H
#define KL_APP_LAB_READING_H

#include "app/lab.h"

struct kl_reading_wish {
    double seconds; /* of each window, > 0 */
    /** Wanted: a second window with somebody standing on the plates. Called between the windows,
     *  until it says true; each call may wait 100 ms at most. NULL: not wanted */
    bool (*stands)(void *self);
    void *self;
};

/** Sums of one window, one per channel. */
struct kl_reading_window {
    uint64_t samples;
    int64_t until_ns; /* session time; 0: not open */
    double mean[KL_CHANNELS_MAX];
    double square[KL_CHANNELS_MAX]; /* of deviations: n times the variance */
};

struct kl_reading_stream {
    const struct kl_stream *stream; /* of the lab */
    size_t device;                  /* of the lab */
    uint64_t samples, clipped, invalid;
    int64_t first_ns, last_ns; /* session time */
    double first_s, last_s;    /* of the host, when the first and the last block came */
    uint64_t first_block;      /* samples in the first block */
    struct kl_reading_window rest, standing;
};

struct kl_reading {
    size_t stream_count;
    struct kl_reading_stream stream[KL_STREAMS_MAX];
    struct kl_hub_device
        device[KL_LAB_DEVICES]; /* by the lab's number; zero when it was not there */
};

/** Opens and starts the devices that are there and listens.
 *  @param there  in [device_count]
 *  @return KL_OK with *out, whatever the devices said, or a negative status with *fault */
KL_CHECK int kl_lab_reading(const struct kl_lab *lab, const bool *there,
                            const struct kl_reading_wish *wish, struct kl_reading *out,
                            struct kl_fault *fault);

/** Samples per second: by the device's clock where it has one, else by the host's as they came (an
 *  index says nothing about how fast it counts); 0: too few came. */
double kl_reading_rate_hz(const struct kl_lab *lab, const struct kl_reading_stream *stream);

/** Standard deviation of a channel; 0: fewer than two samples. */
double kl_reading_sd(const struct kl_reading_window *window, size_t channel);

/** A plate's mean force and moment, untared, N and N·m in lab axes. */
void kl_reading_wrench(const struct kl_stream *stream, const struct kl_reading_window *window,
                       double wrench[KL_WRENCH_COUNT]);

/** Standard deviation of a plate's vertical force if its channels' noise is independent, N. */
double kl_reading_fy_sd(const struct kl_stream *stream, const struct kl_reading_window *window);

#endif
