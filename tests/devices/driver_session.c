#include "driver_session.h"

#include "acquire/clock.h"

#include <criterion/criterion.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const int64_t read_wait_ns = 5000000;

int driver_session_begin(struct driver_session *session, const struct kl_driver *driver,
                         const struct kl_device_config *config)
{
    memset(session, 0, sizeof(*session));
    session->driver = driver;
    session->state = calloc(1, driver->state_size);
    cr_assert_not_null(session->state);
    int count = driver->configure(session->state, config, session->stream, DRIVER_SESSION_STREAMS,
                                  &session->fault);
    session->stream_count = count > 0 ? (size_t)count : 0;
    kl_framing_init(&session->framing, driver, session->state);
    return count;
}

static void keep(void *self, const struct kl_sample *sample)
{
    struct driver_session *session = self;
    if (session->count == session->cap) {
        session->cap = session->cap * 2 + 1024;
        session->sample = realloc(session->sample, session->cap * sizeof(*session->sample));
        cr_assert_not_null(session->sample);
    }
    session->sample[session->count++] = *sample;
}

void driver_session_feed(struct driver_session *session, const void *bytes, size_t len,
                         size_t chunk)
{
    const uint8_t *at = bytes;
    while (len > 0) {
        size_t take = len < chunk ? len : chunk;
        /* of its own size, so that AddressSanitizer sees its end */
        uint8_t *copy = malloc(take);
        memcpy(copy, at, take);
        kl_framing_feed(&session->framing, copy, take, keep, session);
        free(copy);
        at += take;
        len -= take;
    }
}

int driver_session_read(struct driver_session *session, struct emulator_link *link,
                        int64_t until_ns)
{
    uint8_t bytes[4096];
    while (link->now_ns < until_ns) {
        int got = link->link.ops->read(&link->link, bytes, sizeof(bytes), read_wait_ns);
        if (got < 0) {
            return got;
        }
        driver_session_feed(session, bytes, (size_t)got, sizeof(bytes));
    }
    return KL_OK;
}

size_t driver_session_of(const struct driver_session *session, size_t stream,
                         const struct kl_sample ***out)
{
    const struct kl_sample **found = malloc((session->count + 1) * sizeof(struct kl_sample *));
    size_t count = 0;
    for (size_t i = 0; i < session->count; i++) {
        if (session->sample[i].stream == stream) {
            found[count++] = &session->sample[i];
        }
    }
    *out = found;
    return count;
}

void driver_session_end(struct driver_session *session)
{
    if (session->driver->release != NULL) {
        session->driver->release(session->state);
    }
    free(session->sample);
    free(session->state);
}

bool driver_session_equal(const struct driver_session *a, const struct driver_session *b)
{
    bool equal = a->count == b->count;
    for (size_t i = 0; equal && i < a->count; i++) {
        const struct kl_sample *x = &a->sample[i], *y = &b->sample[i];
        equal = x->stream == y->stream && x->device_ns == y->device_ns &&
                x->quality == y->quality && memcmp(x->value, y->value, sizeof(x->value)) == 0;
    }
    return equal;
}

static uint64_t next(uint64_t *random)
{
    *random ^= *random >> 12;
    *random ^= *random << 25;
    *random ^= *random >> 27;
    return *random * UINT64_C(2685821657736338717);
}

size_t damage_once(const uint8_t *bytes, size_t len, uint64_t *random, uint8_t *out)
{
    size_t at = next(random) % len;
    memcpy(out, bytes, len);
    switch (next(random) % 3) {
    case 0:
        memmove(out + at, out + at + 1, len - at - 1);
        return len - 1;
    case 1:
        out[at] ^= (uint8_t)(1u << next(random) % 8);
        return len;
    default: {
        size_t more = 1 + next(random) % 19;
        memmove(out + at + more, out + at, len - at);
        for (size_t i = 0; i < more; i++) {
            out[at + i] = (uint8_t)(next(random) >> 32);
        }
        return len + more;
    }
    }
}

struct clock_check {
    struct kl_clock clock;
    int64_t arrival_ns, start_ns;
    double true_rate;
    double *error_ns;
    size_t count, cap;
};

static void map_time(void *self, const struct kl_sample *sample)
{
    struct clock_check *check = self;
    if (sample->stream != 0) {
        return;
    }
    int64_t host_ns = kl_clock_step(&check->clock, sample->device_ns, check->arrival_ns);
    double true_ns = (double)sample->device_ns / check->true_rate + (double)check->start_ns;
    if (sample->device_ns > 30 * KL_NS_PER_S && check->count < check->cap) {
        check->error_ns[check->count++] = fabs((double)host_ns - true_ns);
    }
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double driver_session_clock_error(struct driver_session *session, struct emulator_link *link,
                                  int64_t start_ns, double true_rate, double seconds)
{
    struct clock_check check = {.start_ns = start_ns, .true_rate = true_rate};
    uint8_t bytes[4096];
    uint64_t random = 5;
    check.cap = (size_t)(seconds * session->stream[0].rate_hz);
    check.error_ns = calloc(check.cap, sizeof(double));
    cr_assert_not_null(check.error_ns);
    kl_clock_init(&check.clock);
    int64_t until_ns = start_ns + kl_nanoseconds(seconds);
    while (link->now_ns < until_ns) {
        uint64_t dice = next(&random);
        if (dice % 20 == 0) { /* the host is busy */
            link->now_ns += (int64_t)(1 + dice / 64 % 20) * 1000000;
        }
        int got = link->link.ops->read(&link->link, bytes, sizeof(bytes), 125000);
        cr_assert_geq(got, 0);
        check.arrival_ns = link->now_ns;
        kl_framing_feed(&session->framing, bytes, (size_t)got, map_time, &check);
    }
    cr_assert_gt(check.count, 100);
    qsort(check.error_ns, check.count, sizeof(double), ascending);
    double p99 = check.error_ns[check.count * 99 / 100];
    free(check.error_ns);
    return p99;
}
