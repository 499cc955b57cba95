/* A driver with its framing and all samples it made of the bytes it was fed. */
#ifndef KL_TESTS_DEVICES_DECODING_H
#define KL_TESTS_DEVICES_DECODING_H

#include "acquire/framing.h"
#include "emulated_link.h"

#define DECODING_SAMPLES_MAX 12000
#define DECODING_STATE_BYTES 16384
#define DECODING_STREAMS_MAX 4

/** Too large for the stack. */
struct decoding {
    const struct kl_driver *driver;
    uint64_t state[DECODING_STATE_BYTES / 8];
    struct kl_stream stream[DECODING_STREAMS_MAX];
    size_t stream_count;
    struct kl_framing framing;
    size_t count;
    struct kl_sample sample[DECODING_SAMPLES_MAX]; /* channels beyond the stream's are 0 */
    struct kl_fault fault;
};

/** Zeroes everything and configures the driver. @return what configure gave */
int decoding_init(struct decoding *self, const struct kl_driver *driver,
                  const struct kl_device_config *config);

/** Feeds bytes, `chunk` at a time. */
void decoding_feed(struct decoding *self, const uint8_t *bytes, size_t len, size_t chunk);

/** No more bytes come. */
void decoding_finish(struct decoding *self);

/** Are both the same to the last bit? */
bool decoding_same(const struct decoding *a, const struct decoding *b);

/** Reads the link for so long (its own time) and feeds what comes. @return KL_OK or what read gave
 */
int decoding_listen(struct decoding *self, struct emulated_link *link, int64_t for_ns);

/** Good frames lost by the worst of `rounds` runs with one random fault each (a byte removed, a bit
 *  flipped, 1 to 19 random bytes inserted), and runs that accepted a false one (more samples than
 *  fed, or values that never were). */
struct decoding_damage {
    size_t worst_lost, false_runs;
};
struct decoding_damage decoding_damage(const struct kl_driver *driver,
                                       const struct kl_device_config *config, const uint8_t *bytes,
                                       size_t len, unsigned rounds);

/** Whole file, or NULL. The caller frees it. */
uint8_t *read_whole(const char *path, size_t *len);

/** One row of protocols/imu_vectors.tsv. */
struct imu_vector {
    char id[24], kind[24], expected[400];
    size_t len;
    uint8_t bytes[300];
};

/** The device's rows. @return how many, or -1 when the table is not there */
int read_imu_vectors(const char *device, struct imu_vector *out, size_t cap);

/** The numbers behind "key=" in a row's expectation. @return how many */
size_t imu_vector_numbers(const struct imu_vector *row, const char *key, double *out, size_t cap);

#endif
