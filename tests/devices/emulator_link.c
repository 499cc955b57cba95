#include "emulator_link.h"

#include "emulator.h"

#include <stddef.h>

#define STEP_NS INT64_C(250000) /* twice as fine as the fastest sample */

/* The host and the device agree about the speed, or there is none. */
static bool same_speed(const struct emulator_link *self)
{
    const struct emulator *device = self->self;
    return self->baud == 0 || device->baud == 0 || self->baud == device->baud;
}

static int in_within(struct emulator_link *self, uint8_t endpoint, uint8_t *buf, size_t cap,
                     int64_t wait_ns)
{
    int64_t until_ns = self->now_ns + wait_ns;
    for (;;) {
        int got = self->ops->in(self->self, endpoint, buf, cap, self->now_ns);
        for (int i = 0; i < got && !same_speed(self); i++) {
            buf[i] = (uint8_t)(buf[i] * 37U ^ 0xe5U); /* what a wrong speed makes of it */
        }
        int64_t left_ns = until_ns - self->now_ns;
        if (got != 0 || left_ns <= 0) {
            return got;
        }
        self->now_ns += left_ns < STEP_NS ? left_ns : STEP_NS;
    }
}

static size_t cut(const struct emulator_link *self, size_t cap)
{
    return self->chunk > 0 && self->chunk < cap ? self->chunk : cap;
}

static int link_read(struct kl_link *link, uint8_t *buf, size_t cap, int64_t wait_ns)
{
    struct emulator_link *self = (struct emulator_link *)link;
    return in_within(self, self->stream_in, buf, cut(self, cap), wait_ns);
}

static int link_write(struct kl_link *link, const uint8_t *buf, size_t len, int64_t wait_ns)
{
    struct emulator_link *self = (struct emulator_link *)link;
    (void)wait_ns;
    self->written += len;
    return same_speed(self) ? self->ops->out(self->self, self->out, buf, len, self->now_ns)
                            : (int)len;
}

static int link_set_baud(struct kl_link *link, unsigned baud)
{
    ((struct emulator_link *)link)->baud = baud;
    return KL_OK;
}

static int link_transfer(struct kl_link *link, uint8_t endpoint, uint8_t *buf, size_t len,
                         int64_t wait_ns)
{
    struct emulator_link *self = (struct emulator_link *)link;
    if ((endpoint & 0x80) == 0) {
        return self->ops->out(self->self, endpoint, buf, len, self->now_ns);
    }
    int got = in_within(self, endpoint, buf, len, wait_ns);
    return got == 0 ? KL_ERR_TIMEOUT : got;
}

static int link_control(struct kl_link *link, uint8_t request_type, uint8_t request, uint16_t value,
                        uint16_t index, uint8_t *buf, size_t len, int64_t wait_ns)
{
    struct emulator_link *self = (struct emulator_link *)link;
    (void)wait_ns;
    return self->ops->control(self->self, request_type, request, value, index, buf, len,
                              self->now_ns);
}

static struct emulator_link *of_beside(struct kl_link *beside)
{
    return (struct emulator_link *)(void *)((char *)beside -
                                            offsetof(struct emulator_link, beside));
}

static int beside_read(struct kl_link *link, uint8_t *buf, size_t cap, int64_t wait_ns)
{
    struct emulator_link *self = of_beside(link);
    return in_within(self, EMULATOR_BESIDE, buf, cut(self, cap), wait_ns);
}

static int beside_write(struct kl_link *link, const uint8_t *buf, size_t len, int64_t wait_ns)
{
    struct emulator_link *self = of_beside(link);
    (void)wait_ns;
    return self->ops->out(self->self, EMULATOR_BESIDE, buf, len, self->now_ns);
}

static struct kl_link *link_beside(struct kl_link *link, uint16_t tcp_port, int64_t wait_ns)
{
    struct emulator_link *self = (struct emulator_link *)link;
    (void)wait_ns;
    self->beside_port = tcp_port;
    return self->refuses_beside ? NULL : &self->beside;
}

void emulator_link_init(struct emulator_link *link, const struct emulator_ops *ops, void *self,
                        const struct kl_link_need *need)
{
    static const struct kl_link_ops usb = {
        .read = link_read, .write = link_write, .control = link_control, .transfer = link_transfer};
    static const struct kl_link_ops serial = {
        .read = link_read, .write = link_write, .set_baud = link_set_baud};
    static const struct kl_link_ops tcp = {
        .read = link_read, .write = link_write, .beside = link_beside};
    static const struct kl_link_ops beside = {.read = beside_read, .write = beside_write};
    *link = (struct emulator_link){
        .link = {.ops = need->kind == KL_LINK_USB      ? &usb
                        : need->kind == KL_LINK_SERIAL ? &serial
                                                       : &tcp},
        .ops = ops,
        .self = self,
        .stream_in = need->stream_in,
        .out = need->out,
        .baud = need->kind == KL_LINK_SERIAL ? need->baud : 0,
        .beside = {.ops = &beside},
    };
}

void emulator_link_reopen(struct emulator_link *link)
{
    struct emulator *device = link->self;
    device->out_len = 0;
}
