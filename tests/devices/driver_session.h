/* For tests of drivers: configure, talk, feed, and everything that came out. */
#ifndef KL_TESTS_DEVICES_DRIVER_SESSION_H
#define KL_TESTS_DEVICES_DRIVER_SESSION_H

#include "acquire/framing.h"
#include "emulator_link.h"

enum { DRIVER_SESSION_STREAMS = 16 };

struct driver_session {
    const struct kl_driver *driver;
    void *state;
    struct kl_stream stream[DRIVER_SESSION_STREAMS];
    size_t stream_count;
    struct kl_framing framing;
    struct kl_sample *sample; /* [count], all streams, in their order */
    size_t count, cap;
    struct kl_fault fault;
};

/** @return what configure said */
int driver_session_begin(struct driver_session *session, const struct kl_driver *driver,
                         const struct kl_device_config *config);

/** Feeds bytes in chunks. */
void driver_session_feed(struct driver_session *session, const void *bytes, size_t len,
                         size_t chunk);

/** Reads the link until its clock has reached until_ns. @return KL_OK or what read said */
int driver_session_read(struct driver_session *session, struct emulator_link *link,
                        int64_t until_ns);

/** Reads with bursts of 1 to 20 ms, some later, and maps device time by kl_clock as the hub does.
 *  @param true_rate  seconds of device time per second of the link's
 *  @return 99th percentile of |mapped - true| of stream 0 between 30 s and `seconds`, ns */
double driver_session_clock_error(struct driver_session *session, struct emulator_link *link,
                                  int64_t start_ns, double true_rate, double seconds);

/** Samples of one stream. @return how many; *out is malloc'ed */
size_t driver_session_of(const struct driver_session *session, size_t stream,
                         const struct kl_sample ***out);

void driver_session_end(struct driver_session *session);

/** Two sessions gave the same samples, bit for bit. */
bool driver_session_equal(const struct driver_session *a, const struct driver_session *b);

/** Random faults, one per run, into a recording: a byte removed, a bit flipped, or 1 to 19 random
 *  bytes put in. @return new length; out holds len + 20 */
size_t damage_once(const uint8_t *bytes, size_t len, uint64_t *random, uint8_t *out);

#endif
