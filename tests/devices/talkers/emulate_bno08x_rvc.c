#include "emulate_bno08x_rvc.h"

#include <math.h>
#include <string.h>

int emulate_bno08x_value(uint64_t index, size_t channel)
{
    static const double amplitude[] = {17999, 8000, 17000, 3000, 2000, 4000};
    return (int)lrint(amplitude[channel] * sin(0.013 * (double)index + (double)channel));
}

static size_t sample(struct emulator *emulator, uint64_t index, uint8_t out[EMULATOR_SAMPLE_MAX])
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

static void take(struct emulator *emulator, int64_t t_ns, const uint8_t *buf, size_t len)
{
    struct emulate_bno08x *self = (struct emulate_bno08x *)emulator;
    (void)t_ns;
    (void)buf;
    self->heard += len;
}

void emulate_bno08x_init(struct emulate_bno08x *self)
{
    memset(self, 0, sizeof(*self));
    self->emulator.take = take;
    self->emulator.sample = sample;
    emulator_stream(&self->emulator, 100, 300000000); /* 300 ms after power-on */
}
