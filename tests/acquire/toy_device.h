/* Devices for tests of the hub: a generator whose every value is known, and a framed protocol over
 * a scripted link.
 */
#ifndef KL_TESTS_ACQUIRE_TOY_DEVICE_H
#define KL_TESTS_ACQUIRE_TOY_DEVICE_H

#include "acquire/driver.h"

#define TOY_STREAMS_MAX 8
#define TOY_EVENTS_MAX 4

/** One stream of the generator: sample i stands at KL_EPOCH_NS + first_ns + i / rate_hz. */
struct toy_stream {
    const char *name;
    double rate_hz;
    size_t channels;
    enum kl_format format;
    int64_t first_ns;
};

/** Configuration of both drivers. */
struct toy {
    size_t stream_count;
    struct toy_stream stream[TOY_STREAMS_MAX];
    size_t event_count;
    struct kl_event event[TOY_EVENTS_MAX];
    int64_t fails_ns;                  /* generate fails from this session time on; 0: never */
    int64_t gap_from_ns, gap_until_ns; /* the device itself misses what lies between */
};

int64_t toy_time(const struct toy_stream *stream, uint64_t index);

/** What channel c of sample `index` of stream s measures, before storage. */
double toy_value(size_t s, uint64_t index, size_t c);

/** Simulated: KL_TIME_SESSION. */
extern const struct kl_driver toy_generator;

/** Framed: a5, length of the rest, stream, time u32 LE in 100 us, values int16 LE, Fletcher-16.
 *  Values are toy_value of the sample number, rounded; device time is the sample's own. */
extern const struct kl_driver toy_framed;

#define TOY_FRAME_MAX 80

/** Writes the frame of one sample. @return its length */
size_t toy_frame_write(const struct toy *toy, size_t stream, uint64_t index,
                       uint8_t out[TOY_FRAME_MAX]);

/** A link that plays `bytes`, `chunk` at a time, and then is gone, or stays and is silent. */
struct toy_link {
    struct kl_link link;
    const uint8_t *bytes;
    size_t len, at, chunk;
    bool stays;
};

void toy_link_init(struct toy_link *link, const uint8_t *bytes, size_t len, size_t chunk);

#endif
