#include "emulator.h"

#include <string.h>

#define STEP_NS INT64_C(1000000) /* a USB frame */

void emulator_put(struct emulator *self, const void *bytes, size_t len)
{
    size_t room = EMULATOR_OUT_MAX - self->out_len;
    len = len < room ? len : room;
    memcpy(self->out + self->out_len, bytes, len);
    self->out_len += len;
}

void emulator_frame(struct emulator *self, const uint8_t *frame, size_t len, int64_t now_ns)
{
    static const uint8_t garbage[] = {0x00, 0xA0, 0x55, 0xA5, 0xD1, 0x31, 0xC0};
    const struct emulator_faults *faults = &self->faults;
    uint8_t copy[2048];
    uint64_t number = ++self->frames;
    if (number == faults->hang_up_at) {
        self->gone = true;
    }
    if (number == faults->stall_at) {
        self->silent_until_ns = now_ns + faults->stall_ns;
    }
    if (number == faults->garbage_at) {
        emulator_put(self, garbage, sizeof(garbage));
    }
    if (number == faults->drop_at || len > sizeof(copy)) {
        return;
    }
    memcpy(copy, frame, len);
    if (number == faults->damage_at) {
        copy[len - self->damage_place] ^= self->damage_mask;
    }
    if (number == faults->cut_at) {
        len--;
        memmove(copy + len / 2, copy + len / 2 + 1, len - len / 2);
    }
    emulator_put(self, copy, len);
}

void emulator_answer(struct emulator *self, const char *text)
{
    if (self->faults.mute) {
        return;
    }
    if (self->faults.wrong_answers > 0) {
        self->faults.wrong_answers--;
        text = "Failure: what?\n$$$\r\n\r\n";
    }
    emulator_put(self, text, strlen(text));
}

int emulator_speak(struct emulator *self, int64_t now_ns, uint8_t *out, size_t cap)
{
    self->tick(self, now_ns);
    if (self->out_len == 0 && self->gone) {
        return KL_ERR_GONE;
    }
    size_t len = now_ns < self->silent_until_ns ? 0 : self->out_len < cap ? self->out_len : cap;
    memcpy(out, self->out, len);
    self->out_len -= len;
    memmove(self->out, self->out + len, self->out_len);
    return (int)len;
}

static int link_read(struct kl_link *link, uint8_t *buf, size_t cap, int64_t wait_ns)
{
    struct emulator_link *self = (struct emulator_link *)link;
    cap = self->chunk != 0 && cap > self->chunk ? self->chunk : cap;
    int64_t until_ns = *self->now_ns + wait_ns;
    for (;;) {
        int count = emulator_speak(self->emulator, *self->now_ns, buf, cap);
        if (count != 0 || *self->now_ns >= until_ns) {
            return count;
        }
        int64_t left_ns = until_ns - *self->now_ns;
        *self->now_ns += left_ns < STEP_NS ? left_ns : STEP_NS;
    }
}

static int link_write(struct kl_link *link, const uint8_t *buf, size_t len, int64_t wait_ns)
{
    struct emulator_link *self = (struct emulator_link *)link;
    (void)wait_ns;
    for (size_t i = 0; i < len && self->written_len < sizeof(self->written); i++) {
        self->written[self->written_len++] = buf[i];
    }
    if (self->emulator->gone) {
        return KL_ERR_GONE;
    }
    self->emulator->hear(self->emulator, buf, len, *self->now_ns);
    return (int)len;
}

static struct kl_link *link_beside(struct kl_link *link, uint16_t tcp_port, int64_t wait_ns)
{
    (void)tcp_port;
    (void)wait_ns;
    return ((struct emulator_link *)link)->side;
}

void emulator_link_init(struct emulator_link *link, struct emulator *emulator, int64_t *now_ns)
{
    static const struct kl_link_ops ops = {
        .read = link_read, .write = link_write, .beside = link_beside};
    *link = (struct emulator_link){.link = {.ops = &ops}, .emulator = emulator, .now_ns = now_ns};
}
