#include "emulated_link.h"

static bool same_speed(const struct emulated_link *self)
{
    return self->baud == 0 || self->baud == self->emulator->baud;
}

static int link_read(struct kl_link *link, uint8_t *buf, size_t cap, int64_t wait_ns)
{
    struct emulated_link *self = (struct emulated_link *)link;
    size_t take = cap < self->chunk ? cap : self->chunk;
    size_t count = emulator_speak(self->emulator, self->now_ns, buf, take);
    if (count == 0) {
        self->now_ns += wait_ns;
        count = emulator_speak(self->emulator, self->now_ns, buf, take);
    }
    for (size_t i = 0; i < count && !same_speed(self); i++) {
        buf[i] ^= 0x5a;
    }
    return (int)count;
}

static int link_write(struct kl_link *link, const uint8_t *buf, size_t len, int64_t wait_ns)
{
    struct emulated_link *self = (struct emulated_link *)link;
    (void)wait_ns;
    if (same_speed(self)) {
        emulator_hear(self->emulator, buf, len, self->now_ns);
    }
    return (int)len;
}

static int link_set_baud(struct kl_link *link, unsigned baud)
{
    struct emulated_link *self = (struct emulated_link *)link;
    self->baud = baud;
    return KL_OK;
}

void emulated_link_init(struct emulated_link *link, struct emulator *emulator, unsigned baud,
                        size_t chunk)
{
    static const struct kl_link_ops serial = {
        .read = link_read, .write = link_write, .set_baud = link_set_baud};
    static const struct kl_link_ops other = {.read = link_read, .write = link_write};
    *link = (struct emulated_link){.link = {.ops = baud == 0 ? &other : &serial},
                                   .emulator = emulator,
                                   .chunk = chunk,
                                   .baud = baud};
}

void emulated_link_stream(struct emulated_link *link, struct decoding *decoding, int64_t for_ns)
{
    const int64_t wait_ns = 10000000;
    uint8_t bytes[4096];
    for (int64_t until_ns = link->now_ns + for_ns; link->now_ns < until_ns;) {
        int count = link_read(&link->link, bytes, sizeof(bytes), wait_ns);
        decoding_feed(decoding, bytes, (size_t)count, sizeof(bytes));
    }
}
