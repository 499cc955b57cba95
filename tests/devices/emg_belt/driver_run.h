/* Runs a driver in a test: a lab file's part written in C, bytes or a link in, samples out. */
#ifndef KL_TESTS_DEVICES_DRIVER_RUN_H
#define KL_TESTS_DEVICES_DRIVER_RUN_H

#include "acquire/framing.h"

#define RUN_SAMPLES_MAX 24000
#define RUN_VALUES_MAX 9
#define RUN_STATE_MAX 32768
#define LAB_STREAMS_MAX 8

/** A device as a lab file describes it. */
struct lab {
    struct kl_device_config config;
    struct kl_device_option option[KL_DEVICE_OPTIONS_MAX];
    struct kl_stream stream[LAB_STREAMS_MAX];
    uint8_t input[LAB_STREAMS_MAX][KL_CHANNELS_MAX];
};

void lab_init(struct lab *lab, const char *placement, double rate_hz);
void lab_option(struct lab *lab, const char *key, const char *value);
/** A stream of `channels` inputs, from `first` on. */
void lab_stream(struct lab *lab, const char *name, enum kl_kind kind, size_t channels,
                uint8_t first);

struct heard {
    size_t stream;
    int64_t device_ns;
    uint32_t quality;
    double value[RUN_VALUES_MAX];
};

struct driver_run {
    const struct kl_driver *driver;
    struct kl_stream stream[KL_STREAMS_MAX];
    int streams;
    struct kl_fault fault;
    struct kl_framing framing;
    size_t count;
    struct heard sample[RUN_SAMPLES_MAX];
    _Alignas(16) uint8_t state[RUN_STATE_MAX];
};

/** A fresh state. @return number of streams or the refusal's status */
int run_configure(struct driver_run *run, const struct kl_driver *driver, const struct lab *lab);
void run_feed(struct driver_run *run, const uint8_t *bytes, size_t len, size_t chunk);

/** Reads a link (and asks, where the driver does) for this long on its own clock.
 *  @return KL_OK or the link's error */
int run_link(struct driver_run *run, struct kl_link *link, const int64_t *now_ns, double seconds);

/** Expects the same samples and counts from chunks of 1, 2, 3, 7, 64 and 4096 bytes. */
void run_expect_same_in_chunks(struct driver_run *run, const struct kl_driver *driver,
                               const struct lab *lab, const uint8_t *bytes, size_t len);

/** What random single faults (a byte removed, a bit flipped, 1 to 19 bytes inserted) cost. */
struct fault_cost {
    size_t runs;
    size_t worst; /* samples lost in one run */
    size_t more;  /* runs that lost more than one */
    size_t wrong; /* samples nobody sent, in all runs */
};

/** @param bytes, len  a clean stream, in which every sample's values differ from its neighbours'
 *  @param from, until  where faults are put */
struct fault_cost run_single_faults(struct driver_run *run, const struct kl_driver *driver,
                                    const struct lab *lab, const uint8_t *bytes, size_t len,
                                    size_t from, size_t until, size_t runs);

/** Bytes written as hexadecimal with blanks. @return how many */
size_t hex_bytes(const char *text, uint8_t *out, size_t cap);

/** True when relative difference is at most 1e-6 (float32 values printed with 9 digits). */
bool near(double value, double expected);

#endif
