#include "emulator.h"

#include <math.h>
#include <string.h>

void emulator_stream(struct emulator *self, double rate_hz, int64_t t_ns)
{
    self->streaming = rate_hz > 0;
    self->rate_hz = rate_hz;
    self->begun_ns = t_ns;
    self->next = 0;
}

void emulator_send(struct emulator *self, const uint8_t *bytes, size_t len)
{
    for (size_t i = 0; i < len && self->len < EMULATOR_BYTES; i++) {
        self->out[(self->from + self->len++) % EMULATOR_BYTES] = bytes[i];
    }
}

bool emulator_deaf(struct emulator *self)
{
    bool deaf = self->faults.deaf > 0;
    self->faults.deaf -= deaf ? 1 : 0;
    return deaf;
}

bool emulator_refuses(struct emulator *self)
{
    bool refuses = self->faults.refuse > 0;
    self->faults.refuse -= refuses ? 1 : 0;
    return refuses;
}

static bool hit(unsigned every, uint64_t index)
{
    return every > 0 && index % every == every / 2;
}

static void make_sample(struct emulator *self, uint64_t index)
{
    static const uint8_t garbage[] = {0x75, 0x65, 0x80, 0x55, 0xaa, 0xaa, 0x00, 0xff, 0x8a};
    uint8_t bytes[EMULATOR_SAMPLE_MAX];
    size_t len = self->sample(self, index, bytes);
    if (hit(self->faults.drop_every, index)) {
        self->dropped++;
        return;
    }
    if (hit(self->faults.garbage_every, index)) {
        emulator_send(self, garbage, sizeof(garbage));
    }
    if (hit(self->faults.bad_every, index)) {
        size_t bit = (size_t)(index * 2654435761U) % (8 * len);
        bytes[bit / 8] ^= (uint8_t)(1U << bit % 8);
        self->damaged++;
    }
    emulator_send(self, bytes, len);
}

size_t emulator_give(struct emulator *self, int64_t t_ns, uint8_t *buf, size_t cap)
{
    while (self->streaming) {
        double since_s = (double)self->next / self->rate_hz * (1 + self->drift_ppm * 1e-6);
        if (self->begun_ns + (int64_t)llround(since_s * 1e9) > t_ns) {
            break;
        }
        make_sample(self, self->next++);
    }
    if (t_ns >= self->faults.stall_from_ns && t_ns < self->faults.stall_until_ns) {
        return 0;
    }
    size_t count = self->len < cap ? self->len : cap;
    for (size_t i = 0; i < count; i++) {
        buf[i] = self->out[(self->from + i) % EMULATOR_BYTES];
    }
    self->from = (self->from + count) % EMULATOR_BYTES;
    self->len -= count;
    return count;
}
