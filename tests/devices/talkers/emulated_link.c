#include "emulated_link.h"

#define TICK_NS INT64_C(250000)

static bool same_speed(const struct emulated_link *self)
{
    return self->device_baud == 0 || self->baud == 0 || self->device_baud == self->baud;
}

static int link_read(struct kl_link *link, uint8_t *buf, size_t cap, int64_t wait_ns)
{
    struct emulated_link *self = (struct emulated_link *)link;
    size_t most = cap < self->chunk ? cap : self->chunk;
    int64_t until_ns = self->t_ns + wait_ns;
    if (self->gone) {
        return KL_ERR_GONE;
    }
    for (;;) {
        size_t count = emulator_give(self->emulator, self->t_ns, buf, most);
        for (size_t i = 0; i < count && !same_speed(self); i++) {
            buf[i] = (uint8_t)(buf[i] * 37U ^ 0xe5U); /* what a wrong speed makes of it */
        }
        if (count > 0 || self->t_ns >= until_ns) {
            return (int)count;
        }
        self->t_ns += until_ns - self->t_ns < TICK_NS ? until_ns - self->t_ns : TICK_NS;
    }
}

static int link_write(struct kl_link *link, const uint8_t *buf, size_t len, int64_t wait_ns)
{
    struct emulated_link *self = (struct emulated_link *)link;
    (void)wait_ns;
    if (self->gone) {
        return KL_ERR_GONE;
    }
    if (same_speed(self)) {
        self->emulator->take(self->emulator, self->t_ns, buf, len);
    }
    return (int)len;
}

static int link_set_baud(struct kl_link *link, unsigned baud)
{
    ((struct emulated_link *)link)->baud = baud;
    return KL_OK;
}

void emulated_link_init(struct emulated_link *link, struct emulator *emulator, size_t chunk)
{
    static const struct kl_link_ops ops = {
        .read = link_read, .write = link_write, .set_baud = link_set_baud};
    *link = (struct emulated_link){.link = {.ops = &ops}, .emulator = emulator, .chunk = chunk};
}
