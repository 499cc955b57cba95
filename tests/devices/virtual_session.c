#include "virtual_session.h"

#include <criterion/criterion.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

void virtual_session_start(struct virtual_session *session, const struct kl_virtual_runner *runner)
{
    memset(session, 0, sizeof(*session));
    session->state = calloc(1, kl_virtual_runner_driver.state_size);
    cr_assert_not_null(session->state);
    struct kl_fault fault = {""};
    int count = kl_virtual_runner_driver.configure(session->state, runner, session->stream,
                                                   KL_TEST_STREAMS_MAX, &fault);
    cr_assert_gt(count, 0, "%s", fault.text);
    session->stream_count = (size_t)count;
}

void virtual_session_run(struct virtual_session *session, double until_s, size_t cap)
{
    for (;;) {
        if (session->capacity - session->count < cap) {
            session->capacity = 2 * session->capacity + cap;
            session->sample =
                realloc(session->sample, session->capacity * sizeof(*session->sample));
            cr_assert_not_null(session->sample);
            /* unused channels are not written: known bytes make runs comparable */
            memset(session->sample + session->count, 0,
                   (session->capacity - session->count) * sizeof(*session->sample));
        }
        int made = kl_virtual_runner_driver.generate(session->state, kl_nanoseconds(until_s),
                                                     session->sample + session->count, cap);
        cr_assert_geq(made, 0);
        session->count += (size_t)made;
        if ((size_t)made < cap) {
            return;
        }
    }
}

void virtual_session_free(struct virtual_session *session)
{
    free(session->sample);
    free(session->state);
}

void virtual_session_wrench(const struct virtual_session *session, const struct kl_sample *sample,
                            bool rounded, double wrench[KL_WRENCH_COUNT])
{
    const struct kl_stream *stream = &session->stream[sample->stream];
    for (int i = 0; i < KL_WRENCH_COUNT; i++) {
        wrench[i] = 0;
        for (size_t j = 0; j < stream->channel_count; j++) {
            double volts =
                rounded ? kl_format_round(stream->format, sample->value[j]) : sample->value[j];
            wrench[i] += stream->plate.matrix[i][j] * volts;
        }
    }
}

struct kl_virtual_runner virtual_session_plain_runner(void)
{
    struct kl_virtual_runner runner = kl_virtual_runner_defaults();
    runner.noise_scale = 0;
    runner.step_time_cv = 0;
    runner.angle_cv = 0;
    runner.quiet_s = 0;
    runner.stand_s = 0;
    runner.imu = false;
    return runner;
}
