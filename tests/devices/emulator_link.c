#include "emulator_link.h"

static int in_within(struct emulator_link *self, uint8_t endpoint, uint8_t *buf, size_t cap,
                     int64_t wait_ns)
{
    int got = self->ops->in(self->self, endpoint, buf, cap, self->now_ns);
    if (got == 0) {
        self->now_ns += wait_ns;
        got = self->ops->in(self->self, endpoint, buf, cap, self->now_ns);
    }
    return got;
}

static int link_read(struct kl_link *link, uint8_t *buf, size_t cap, int64_t wait_ns)
{
    struct emulator_link *self = (struct emulator_link *)link;
    cap = self->chunk > 0 && self->chunk < cap ? self->chunk : cap;
    return in_within(self, self->stream_in, buf, cap, wait_ns);
}

static int link_write(struct kl_link *link, const uint8_t *buf, size_t len, int64_t wait_ns)
{
    struct emulator_link *self = (struct emulator_link *)link;
    (void)wait_ns;
    return self->ops->out(self->self, self->out, buf, len, self->now_ns);
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

static int link_set_baud(struct kl_link *link, unsigned baud)
{
    ((struct emulator_link *)link)->baud = baud;
    return KL_OK;
}

void emulator_link_init(struct emulator_link *link, const struct emulator_ops *ops, void *self,
                        const struct kl_link_need *need)
{
    static const struct kl_link_ops usb = {
        .read = link_read, .write = link_write, .control = link_control, .transfer = link_transfer};
    static const struct kl_link_ops serial = {
        .read = link_read, .write = link_write, .set_baud = link_set_baud};
    *link = (struct emulator_link){
        .link = {.ops = need->kind == KL_LINK_USB ? &usb : &serial},
        .ops = ops,
        .self = self,
        .stream_in = need->stream_in,
        .out = need->out,
    };
}
