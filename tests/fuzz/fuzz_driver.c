#include "fuzz_driver.h"

#include "acquire/framing.h"

#include <stdlib.h>
#include <string.h>

#define STATE_MAX 8192
#define STREAMS_MAX 8

/* A link whose answers are the input; when they are used up the device is gone. */
struct noise_link {
    struct kl_link link;
    const uint8_t *data;
    size_t size, chunk;
};

static int link_read(struct kl_link *link, uint8_t *buf, size_t cap, int64_t wait_ns)
{
    struct noise_link *self = (struct noise_link *)link;
    (void)wait_ns;
    size_t take = self->size < self->chunk ? self->size : self->chunk;
    take = take < cap ? take : cap;
    if (take == 0) {
        return KL_ERR_GONE;
    }
    memcpy(buf, self->data, take);
    self->data += take;
    self->size -= take;
    return (int)take;
}

static int link_write(struct kl_link *link, const uint8_t *buf, size_t len, int64_t wait_ns)
{
    (void)link, (void)buf, (void)wait_ns;
    return (int)len;
}

static int link_set_baud(struct kl_link *link, unsigned baud)
{
    (void)link, (void)baud;
    return KL_OK;
}

static void check(void *self, const struct kl_sample *sample)
{
    if (sample->stream >= *(const size_t *)self) {
        abort(); /* a stream it did not declare */
    }
}

void fuzz_driver(const struct kl_driver *driver, const struct kl_device_config *config,
                 const uint8_t *data, size_t size)
{
    static const struct kl_link_ops ops = {
        .read = link_read, .write = link_write, .set_baud = link_set_baud};
    static uint64_t state[STATE_MAX / sizeof(uint64_t)];
    static struct kl_stream stream[STREAMS_MAX];
    static struct kl_framing framing;
    struct kl_fault fault;
    size_t chunk = size > 0 ? (size_t)data[0] + 1 : 1;
    struct noise_link link = {.link = {.ops = &ops}, .data = data, .size = size, .chunk = chunk};
    if (driver->state_size > sizeof(state)) {
        abort();
    }
    memset(state, 0, sizeof(state));
    int streams = driver->configure(state, config, stream, STREAMS_MAX, &fault);
    if (streams <= 0) {
        abort();
    }
    size_t count = (size_t)streams;
    kl_framing_init(&framing, driver, state);
    for (size_t at = 0; at < size; at += chunk) {
        size_t left = size - at;
        kl_framing_feed(&framing, data + at, left < chunk ? left : chunk, check, &count);
    }
    kl_framing_finish(&framing, check, &count);
    if (driver->start(state, &link.link, &fault) == KL_OK) {
        link.data = data; /* what streams then */
        link.size = size;
        kl_framing_init(&framing, driver, state);
        kl_framing_feed(&framing, data, size, check, &count);
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
