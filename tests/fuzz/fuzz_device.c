#include "fuzz_device.h"

#include "acquire/framing.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define STATE_MAX 16384
#define STREAMS_MAX 16

/* A link whose answers are the input; when they are used up the device is gone. */
struct noise_link {
    struct kl_link link;
    const uint8_t *data;
    size_t size, chunk;
};

static int take(struct noise_link *self, uint8_t *buf, size_t cap)
{
    size_t count = self->size < self->chunk ? self->size : self->chunk;
    count = count < cap ? count : cap;
    if (count == 0) {
        return cap == 0 ? 0 : KL_ERR_GONE;
    }
    memcpy(buf, self->data, count);
    self->data += count;
    self->size -= count;
    return (int)count;
}

static int link_read(struct kl_link *link, uint8_t *buf, size_t cap, int64_t wait_ns)
{
    (void)wait_ns;
    return take((struct noise_link *)link, buf, cap);
}

static int link_write(struct kl_link *link, const uint8_t *buf, size_t len, int64_t wait_ns)
{
    (void)link, (void)buf, (void)wait_ns;
    return (int)len;
}

static int link_transfer(struct kl_link *link, uint8_t endpoint, uint8_t *buf, size_t len,
                         int64_t wait_ns)
{
    return endpoint & 0x80 ? link_read(link, buf, len, wait_ns)
                           : link_write(link, buf, len, wait_ns);
}

static int link_control(struct kl_link *link, uint8_t type, uint8_t request, uint16_t value,
                        uint16_t index, uint8_t *buf, size_t len, int64_t wait_ns)
{
    (void)request, (void)value, (void)index;
    struct noise_link *self = (struct noise_link *)link;
    self->chunk = len; /* answers of the asked length get further */
    return link_transfer(link, type & 0x80, buf, len, wait_ns);
}

struct promise {
    size_t streams;
    const struct kl_stream *stream;
};

static void check(void *self, const struct kl_sample *sample)
{
    const struct promise *promise = self;
    if (sample->stream >= promise->streams || sample->quality > 0x7f) {
        abort(); /* a stream or a quality that nobody declared */
    }
    for (size_t c = 0; c < promise->stream[sample->stream].channel_count; c++) {
        if (!isfinite(sample->value[c]) && (sample->quality & KL_QUALITY_INVALID) == 0) {
            abort(); /* not a number, and not said */
        }
    }
}

void fuzz_device(const struct kl_driver *driver, const struct kl_device_config *config,
                 const uint8_t *data, size_t size, size_t chunk)
{
    static const struct kl_link_ops ops = {
        .read = link_read, .write = link_write, .control = link_control, .transfer = link_transfer};
    static uint64_t state[STATE_MAX / sizeof(uint64_t)];
    static struct kl_stream stream[STREAMS_MAX];
    static struct kl_framing framing;
    struct kl_fault fault;
    struct noise_link link = {.link = {.ops = &ops}, .data = data, .size = size, .chunk = chunk};
    if (driver->state_size > sizeof(state)) {
        abort();
    }
    memset(state, 0, sizeof(state));
    int streams = driver->configure(state, config, stream, STREAMS_MAX, &fault);
    if (streams <= 0) {
        abort();
    }
    struct promise promise = {(size_t)streams, stream};
    kl_framing_init(&framing, driver, state);
    for (size_t at = 0; at < size; at += chunk) {
        size_t left = size - at;
        kl_framing_feed(&framing, data + at, left < chunk ? left : chunk, check, &promise);
    }
    kl_framing_finish(&framing, check, &promise);
    if (driver->start(state, &link.link, &fault) == KL_OK) {
        kl_framing_init(&framing, driver, state);
        kl_framing_feed(&framing, data, size, check, &promise);
    }
    link.data = data;
    link.size = size;
    (void)driver->stop(state, &link.link);
    if (driver->identify != NULL) {
        char text[64];
        link.data = data;
        link.size = size;
        (void)driver->identify(&link.link, text, sizeof(text));
    }
}
