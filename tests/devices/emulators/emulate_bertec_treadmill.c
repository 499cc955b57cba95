#include "emulate_bertec_treadmill.h"

#include "emulators.h"

#include <math.h>
#include <string.h>

int emulate_bertec_left(uint64_t n)
{
    return 2900 + (int)(n % 499);
}

int emulate_bertec_right(uint64_t n)
{
    return 3100 - (int)(n % 491);
}

int emulate_bertec_incline(uint64_t n)
{
    return (int)(n / 100 % 500) + 37;
}

static void put(uint8_t *out, int value)
{
    out[0] = (uint8_t)((unsigned)value >> 8);
    out[1] = (uint8_t)value;
}

void emulate_bertec_status(uint64_t n, uint8_t out[BERTEC_STATUS])
{
    memset(out, 0, BERTEC_STATUS);
    put(out + 1, emulate_bertec_right(n));
    put(out + 3, emulate_bertec_left(n));
    put(out + 9, emulate_bertec_incline(n));
}

static size_t sample(struct emulator *self, uint64_t index, uint8_t out[EMULATOR_FRAME_MAX])
{
    (void)self;
    emulate_bertec_status(index, out);
    return BERTEC_STATUS;
}

void emulate_bertec_init(struct emulate_bertec *self)
{
    memset(self, 0, sizeof(*self));
    self->emulator.sample = sample;
    self->emulator.damage_place = 1;
    emulator_stream(&self->emulator, 100, 0);
}

static void init(void *self)
{
    emulate_bertec_init(self);
}

static void meant(const void *self, size_t stream, uint64_t k, double *value)
{
    (void)self;
    (void)stream;
    value[0] = emulate_bertec_left(k) / 1e3;
    value[1] = emulate_bertec_right(k) / 1e3;
    value[2] = emulate_bertec_incline(k) / 100.0 * acos(-1) / 180;
}

const struct emulated_device emulated_bertec_treadmill = {
    .driver = "bertec_treadmill",
    .ops = &emulator_ops,
    .size = sizeof(struct emulate_bertec),
    .init = init,
    .config = {.name = "belt", .placement = ""},
    .meant = meant,
};
