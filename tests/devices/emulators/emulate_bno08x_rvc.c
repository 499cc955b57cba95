#include "emulate_bno08x_rvc.h"

#include "emulators.h"

#include <math.h>
#include <string.h>

int emulate_bno08x_value(uint64_t index, size_t channel)
{
    static const double amplitude[] = {17999, 8000, 17000, 3000, 2000, 4000};
    return (int)lrint(amplitude[channel] * sin(0.013 * (double)index + (double)channel));
}

static size_t sample(struct emulator *emulator, uint64_t index, uint8_t out[EMULATOR_FRAME_MAX])
{
    unsigned sum = 0;
    (void)emulator;
    memset(out, 0, 19);
    out[0] = 0xaa;
    out[1] = 0xaa;
    out[2] = (uint8_t)index;
    for (size_t c = 0; c < 6; c++) {
        unsigned raw = (uint16_t)(int16_t)emulate_bno08x_value(index, c);
        out[3 + 2 * c] = (uint8_t)raw;
        out[4 + 2 * c] = (uint8_t)(raw >> 8);
    }
    for (size_t i = 2; i < 18; i++) {
        sum += out[i];
    }
    out[18] = (uint8_t)sum;
    return 19;
}

void emulate_bno08x_init(struct emulate_bno08x *self)
{
    memset(self, 0, sizeof(*self));
    self->emulator.baud = 115200;
    self->emulator.sample = sample;
    self->emulator.first_due_ns = 300000000; /* after power-on */
    emulator_stream(&self->emulator, 100, 0);
}

static void init(void *self)
{
    emulate_bno08x_init(self);
}

/* Acceleration, then the quaternion of yaw, pitch, roll (z, y', x''): the product of the three,
 * written out. */
static void meant(const void *self, size_t stream, uint64_t k, double *value)
{
    const double half_rad = 0.005 * 0.017453292519943295;
    double c[3], s[3];
    (void)self;
    (void)stream;
    for (size_t i = 0; i < 3; i++) {
        value[i] = 0.00980665 * emulate_bno08x_value(k, 3 + i);
        c[i] = cos(half_rad * emulate_bno08x_value(k, i));
        s[i] = sin(half_rad * emulate_bno08x_value(k, i));
    }
    value[3] = c[0] * c[1] * c[2] + s[0] * s[1] * s[2];
    value[4] = c[0] * c[1] * s[2] - s[0] * s[1] * c[2];
    value[5] = c[0] * s[1] * c[2] + s[0] * c[1] * s[2];
    value[6] = s[0] * c[1] * c[2] - c[0] * s[1] * s[2];
}

const struct emulated_device emulated_bno08x_rvc = {
    .driver = "bno08x_rvc",
    .ops = &emulator_ops,
    .size = sizeof(struct emulate_bno08x),
    .init = init,
    .config = {.name = "bno", .placement = "thigh.left"},
    .meant = meant,
};
