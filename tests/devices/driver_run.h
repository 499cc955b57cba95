/* Runs a driver in a test: bytes or a link in, samples out. */
#ifndef KL_TESTS_DEVICES_DRIVER_RUN_H
#define KL_TESTS_DEVICES_DRIVER_RUN_H

#include "acquire/framing.h"
#include "lab.h"

#define RUN_STREAMS_MAX 16

/** All zero at first. */
struct driver_run {
    const struct kl_driver *driver;
    void *state;
    struct kl_stream stream[RUN_STREAMS_MAX];
    size_t streams;
    struct kl_framing framing;
    struct kl_sample *sample; /* [count] of all streams, in their order; other channels are 0 */
    size_t count, cap;
    struct kl_fault fault;
};

/** A fresh state. @return number of streams or the refusal's status, with the fault */
int run_configure(struct driver_run *run, const struct kl_driver *driver,
                  const struct kl_device_config *config);

/** Starts the device behind a link. @return what start said, with the fault */
int run_start(struct driver_run *run, struct kl_link *link);

/** Feeds bytes in chunks; no more bytes come. */
void run_feed(struct driver_run *run, const void *bytes, size_t len, size_t chunk);
void run_finish(struct driver_run *run);

/** Reads a link (and asks, where the driver does) for this long on its own clock, or until the
 *  driver asks for a new conversation (framing.gone). @return KL_OK or the link's error */
int run_link(struct driver_run *run, struct kl_link *link, const int64_t *now_ns, double seconds);

/** Frees what it holds, of the driver too. */
void run_release(struct driver_run *run);

/** Samples of one stream. @return how many; *out is malloc'ed */
size_t run_of(const struct driver_run *run, size_t stream, const struct kl_sample ***out);

/** Expects the same samples and counts from chunks of 1, 2, 3, 7, 64 and 4096 bytes. */
void run_expect_same_in_chunks(const struct kl_driver *driver,
                               const struct kl_device_config *config, const uint8_t *bytes,
                               size_t len);

/** What random single faults cost, one per run. */
struct fault_cost {
    size_t worst; /* samples lost in one run */
    size_t more;  /* runs that lost more than one */
    size_t wrong; /* runs with a sample that nobody sent */
};

enum { FAULT_REMOVED = 1, FAULT_FLIPPED = 2, FAULT_INSERTED = 4, FAULT_ANY = 7 };

/** A byte removed, a bit flipped, or 1 to 19 random bytes put in, at a random place.
 *  @param bytes, len  a clean stream, in which every sample's values differ from its neighbours'
 *  @param from, until  where faults are put
 *  @param kinds  FAULT_ bits */
struct fault_cost run_single_faults(const struct kl_driver *driver,
                                    const struct kl_device_config *config, const uint8_t *bytes,
                                    size_t len, size_t from, size_t until, unsigned kinds,
                                    size_t runs);

/** Bytes written as hexadecimal, with or without blanks. @return how many */
size_t hex_bytes(const char *text, uint8_t *out, size_t cap);

/** Reads a whole file. @return bytes, at most cap; 0 when it is not there */
size_t read_whole(const char *path, uint8_t *out, size_t cap);

/** True when relative difference is at most 1e-6 (float32 values printed with 9 digits). */
bool near(double value, double expected);

#endif
