#include "fuzz_talker.h"

#include <stdlib.h>
#include <string.h>

#define STATE_BYTES 16384
#define STREAMS_MAX 8
#define READS_MAX 100000

struct fuzz_link {
    struct kl_link link;
    const uint8_t *data;
    size_t len, at;
    unsigned reads;
};

static int link_read(struct kl_link *link, uint8_t *buf, size_t cap, int64_t wait_ns)
{
    struct fuzz_link *self = (struct fuzz_link *)link;
    (void)wait_ns;
    if (self->at == self->len) {
        return KL_ERR_GONE;
    }
    if (++self->reads > READS_MAX) {
        abort(); /* a conversation without end */
    }
    size_t left = self->len - self->at;
    size_t piece = self->data[self->at] % 32; /* the data say how they are cut; 0: nothing came */
    size_t count = piece < left ? piece : left;
    count = count < cap ? count : cap;
    if (piece == 0) {
        self->at++;
        return 0;
    }
    memcpy(buf, self->data + self->at, count);
    self->at += count;
    return (int)count;
}

static int link_write(struct kl_link *link, const uint8_t *buf, size_t len, int64_t wait_ns)
{
    (void)link;
    (void)wait_ns;
    return buf != NULL ? (int)len : KL_ERR_IO;
}

static int link_set_baud(struct kl_link *link, unsigned baud)
{
    (void)link;
    return baud > 0 ? KL_OK : KL_ERR_ARG;
}

struct seen {
    size_t streams, samples;
};

static void sink(void *self, const struct kl_sample *sample)
{
    struct seen *seen = self;
    if (sample->stream >= seen->streams) {
        abort();
    }
    seen->samples++;
}

void fuzz_talker(const struct kl_driver *driver, const struct kl_device_config *lab, size_t count,
                 const uint8_t *data, size_t size)
{
    static const struct kl_link_ops ops = {
        .read = link_read, .write = link_write, .set_baud = link_set_baud};
    static uint64_t state[STATE_BYTES / 8];
    static struct kl_framing framing;
    struct kl_stream stream[STREAMS_MAX];
    struct kl_fault fault = {.text = ""};
    if (size < 2) {
        return;
    }
    memset(state, 0, driver->state_size);
    int streams =
        driver->state_size <= sizeof(state)
            ? driver->configure(state, &lab[(data[0] & 0x7f) % count], stream, STREAMS_MAX, &fault)
            : -1;
    if (streams < 1) {
        abort();
    }
    if (data[0] & 0x80) {
        char who[64];
        struct fuzz_link link = {.link = {.ops = &ops}, .data = data + 1, .len = size - 1};
        int status = driver->start(state, &link.link, &fault);
        (void)driver->stop(state, &link.link);
        link.at = status < 0 ? 0 : link.at;
        (void)(driver->identify != NULL ? driver->identify(&link.link, who, sizeof(who)) : 0);
        link.at = 0;
    }
    struct seen seen = {.streams = (size_t)streams};
    size_t cut = (size_t)data[1] * size / 256;
    kl_framing_init(&framing, driver, state);
    kl_framing_feed(&framing, data + 1, cut < size ? cut : size - 1, sink, &seen);
    kl_framing_feed(&framing, data + 1 + cut, size - 1 - cut, sink, &seen);
    kl_framing_finish(&framing, sink, &seen);
}
