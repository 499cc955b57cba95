#include "emulator.h"

#include <math.h>
#include <string.h>

void emulator_hear(struct emulator *self, const uint8_t *bytes, size_t len, int64_t now_ns)
{
    self->speak(self, now_ns); /* what was due before it heard */
    self->hear(self, bytes, len, now_ns);
}

size_t emulator_speak(struct emulator *self, int64_t now_ns, uint8_t *out, size_t cap)
{
    self->speak(self, now_ns);
    if (now_ns < self->stalled_until_ns) {
        return 0;
    }
    size_t take = self->out_len < cap ? self->out_len : cap;
    memcpy(out, self->out, take);
    self->out_len -= take;
    memmove(self->out, self->out + take, self->out_len);
    return take;
}

void emulator_send(struct emulator *self, const void *bytes, size_t len)
{
    if (len <= sizeof(self->out) - self->out_len) { /* a full buffer loses, as in a device */
        memcpy(self->out + self->out_len, bytes, len);
        self->out_len += len;
    }
}

static bool faulty(const struct emulator *self, uint64_t number)
{
    return number >= self->fault_at && number - self->fault_at < self->fault_count;
}

void emulator_send_data(struct emulator *self, const void *bytes, size_t len, int64_t now_ns)
{
    static const uint8_t garbage[] = {0xfa, 0xff, 0x36, 0x7b, 0x22, 0xc9, 0x00, 0x24, 0x56, 0x4e};
    uint64_t number = self->data++;
    enum emulator_fault fault = faulty(self, number) ? self->fault : EMULATOR_SOUND;
    size_t at = self->out_len;
    if (fault == EMULATOR_DROPPED_FRAME) {
        return;
    }
    if (fault == EMULATOR_GARBAGE) {
        emulator_send(self, garbage, sizeof(garbage));
    }
    emulator_send(self, bytes, len);
    if (fault == EMULATOR_BAD_CHECKSUM && self->out_len > at) {
        self->out[at + len - 2] ^= 0x10; /* not the last byte: it may be a terminator */
    }
    if (fault == EMULATOR_STALL && number == self->fault_at) {
        self->stalled_until_ns = now_ns + self->stall_ns;
    }
}

enum emulator_fault emulator_command(struct emulator *self)
{
    uint64_t number = self->commands++;
    bool answer = self->fault == EMULATOR_WRONG_ANSWER || self->fault == EMULATOR_NO_ANSWER;
    return answer && faulty(self, number) ? self->fault : EMULATOR_SOUND;
}

int64_t emulator_clock(const struct emulator *self, int64_t now_ns)
{
    return now_ns + llround((double)now_ns * self->drift_ppm * 1e-6);
}

float emulator_value(uint64_t index, unsigned c)
{
    return (float)(0.9 * sin(0.05 * (double)(index % 100000) + c) + 0.001 * c);
}

static int line_out(void *self, uint8_t endpoint, const uint8_t *bytes, size_t len, int64_t now_ns)
{
    (void)endpoint;
    emulator_hear(self, bytes, len, now_ns);
    return (int)len;
}

static int line_in(void *self, uint8_t endpoint, uint8_t *buf, size_t cap, int64_t now_ns)
{
    (void)endpoint;
    return (int)emulator_speak(self, now_ns, buf, cap);
}

const struct emulator_ops emulator_ops = {.out = line_out, .in = line_in};
