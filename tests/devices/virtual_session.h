/* For tests: what a virtual runner's driver delivers, whole, with forces in lab axes. */
#ifndef KL_TESTS_DEVICES_VIRTUAL_SESSION_H
#define KL_TESTS_DEVICES_VIRTUAL_SESSION_H

#include "devices/virtual_runner.h"

enum { KL_TEST_STREAMS_MAX = 20 };

struct virtual_session {
    void *state;
    struct kl_stream stream[KL_TEST_STREAMS_MAX];
    size_t stream_count;
    struct kl_sample *sample; /* [count] in the order of the driver */
    size_t count, capacity;
};

/** Sets the driver up; fails the test when it refuses. */
void virtual_session_start(struct virtual_session *session, const struct kl_virtual_runner *runner);

/** Appends all samples before until_s, asked for `cap` at a time. */
void virtual_session_run(struct virtual_session *session, double until_s, size_t cap);

void virtual_session_free(struct virtual_session *session);

/** The wrench of a plate's sample through the calibration matrix of its stream.
 *  @param rounded  first round the volts to what the stream stores */
void virtual_session_wrench(const struct virtual_session *session, const struct kl_sample *sample,
                            bool rounded, double wrench[KL_WRENCH_COUNT]);

/** A runner without noise, jitter, quiet or standing part: contacts from 1.2 s on. */
struct kl_virtual_runner virtual_session_plain_runner(void);

#endif
