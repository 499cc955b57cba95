/* Bytes through a driver, as the hub does it, and what came of them. */
#ifndef KL_TESTS_DEVICES_DECODING_H
#define KL_TESTS_DEVICES_DECODING_H

#include "acquire/framing.h"

#define DECODING_SAMPLES_MAX 4096
#define DECODING_STATE_MAX 8192
#define DECODING_STREAMS_MAX 8

struct decoding {
    const struct kl_driver *driver;
    struct kl_framing framing;
    uint64_t state[DECODING_STATE_MAX / 8];
    struct kl_stream stream[DECODING_STREAMS_MAX];
    size_t stream_count;
    struct kl_sample sample[DECODING_SAMPLES_MAX]; /* channels beyond the stream's are 0 */
    size_t count;
};

/** Configures a driver; a refusal fails the test. */
void decoding_init(struct decoding *self, const struct kl_driver *driver,
                   const struct kl_device_config *config);

/** Feeds bytes in chunks. */
void decoding_feed(struct decoding *self, const uint8_t *bytes, size_t len, size_t chunk);

/** decoding_init, decoding_feed and the end of the bytes. */
void decoding_run(struct decoding *self, const struct kl_driver *driver,
                  const struct kl_device_config *config, const uint8_t *bytes, size_t len,
                  size_t chunk);

/** Decodes in chunks of 1, 2, 3, 7, 64 and 4096 bytes and expects the same every time. */
void decoding_expect_chunks_alike(const struct kl_driver *driver,
                                  const struct kl_device_config *config, const uint8_t *bytes,
                                  size_t len);

/** What random single faults did to a clean recording. */
struct decoding_faults {
    unsigned worst_lost; /* samples that were not found again, in the worst run */
    unsigned twice;      /* runs that lost more than one */
    unsigned wrong;      /* runs with a sample that was never sent */
};

/** One fault per run at a random place: a byte removed, a bit flipped, 1 to 19 random bytes put in.
 *  @param kinds  bits 1: removed, 2: flipped, 4: put in */
struct decoding_faults decoding_single_faults(const struct kl_driver *driver,
                                              const struct kl_device_config *config,
                                              const uint8_t *bytes, size_t len, unsigned kinds,
                                              unsigned runs);

/** Bytes from "FA FF 30"; blanks are allowed. @return how many */
size_t decoding_hex(const char *text, uint8_t *out, size_t cap);

/** Reads a whole file. @return bytes, or 0 when it is not there */
size_t decoding_read(const char *path, uint8_t *out, size_t cap);

#endif
