/* What a device family provides: constant data and pure functions. Nothing here names a cable.
 *
 * A driver explains bytes (frame, parse) and holds a conversation over a link (start, stop), or,
 * when it simulates, makes samples (generate). It knows no port, no thread and no other device.
 * The hub owns the thread, the link and the state's memory.
 */
#ifndef KL_ACQUIRE_DRIVER_H
#define KL_ACQUIRE_DRIVER_H

#include "acquire/stream.h"

/** A way to exchange bytes: serial port, USB device, TCP socket, capture file. */
struct kl_link {
    const struct kl_link_ops {
        /** Up to cap bytes within wait_ns. @return bytes (0: none in time) or a negative status */
        int (*read)(struct kl_link *link, uint8_t *buf, size_t cap, int64_t wait_ns);
        /** All bytes or a negative status. */
        int (*write)(struct kl_link *link, const uint8_t *buf, size_t len, int64_t wait_ns);
    } * ops;
};

/** Answer of a frame test. */
enum kl_frame { KL_FRAME_NEED_MORE = 0, KL_FRAME_VALID, KL_FRAME_INVALID };

/** What a sample's device time means. */
enum kl_time_meaning {
    KL_TIME_COUNTER = 0, /* the device's own clock */
    KL_TIME_INDEX,       /* sample number at the nominal rate */
    KL_TIME_ARRIVAL,     /* none: when the bytes came */
    KL_TIME_SESSION,     /* simulated: already session time */
};

/** One instant of one stream, as a driver delivers it. */
struct kl_sample {
    size_t stream;     /* index among the device's own streams */
    int64_t device_ns; /* device time in ns, unwrapped by the driver */
    uint32_t quality;  /* kl_quality bits */
    double value[KL_CHANNELS_MAX];
};

struct kl_driver {
    const char *name;  /* virtual_runner, xsens_mti: used in lab files */
    const char *label; /* for people */
    enum kl_time_meaning time_meaning;
    size_t state_size; /* bytes of state the hub provides, zeroed */
    size_t stream_max; /* streams of one device */

    /** Sets the state up from the device's part of the lab file (driver-specific struct) and says
     *  which streams will come. @return number of streams or a negative status */
    int (*configure)(void *state, const void *config, struct kl_stream *out, size_t cap,
                     struct kl_fault *fault);

    /* A device behind a link. */
    int (*start)(void *state, struct kl_link *link, struct kl_fault *fault);
    int (*stop)(void *state, struct kl_link *link);
    enum kl_frame (*frame)(const void *state, const uint8_t *buf, size_t len, size_t *frame_len);
    int (*parse)(void *state, const uint8_t *frame, size_t len, struct kl_sample *out, size_t cap);

    /* A simulated device: samples in order of time, all before until_ns (session time), at most
     * cap. @return samples written; fewer than cap means "no more before until_ns" */
    int (*generate)(void *state, int64_t until_ns, struct kl_sample *out, size_t cap);

    /** Events the device itself causes at its start (subject, speed...). @return how many;
     *  texts live as long as the state. May be NULL. */
    int (*events)(void *state, struct kl_event *out, size_t cap);

    /** Releases what configure acquired. May be NULL. */
    void (*release)(void *state);
};

#endif
