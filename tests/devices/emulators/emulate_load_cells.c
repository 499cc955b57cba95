#include "emulate_load_cells.h"

#include "emulators.h"

#include <stdio.h>
#include <string.h>

int32_t emulate_load_cells_counts(size_t cell, uint64_t line)
{
    if (line == 100 && cell == 2) {
        return -8388608; /* at the rail */
    }
    return (int32_t)((line * 7919 + cell * 104729) % 16000000) - 8000000;
}

static size_t sample(struct emulator *emulator, uint64_t line, uint8_t out[EMULATOR_FRAME_MAX])
{
    struct emulate_load_cells *self = (struct emulate_load_cells *)emulator;
    bool again = self->reset_line > 0 && line >= self->reset_line;
    uint64_t count = again ? line - self->reset_line : line;
    uint32_t us =
        (again ? 0 : self->first_us) + (uint32_t)((double)count * 1e6 / emulator->rate_hz);
    char *text = (char *)out;
    size_t len = (size_t)snprintf(text, EMULATOR_FRAME_MAX, "%u,%u", (unsigned)count, (unsigned)us);
    for (size_t c = 0; c < self->cells; c++) {
        len += (size_t)snprintf(text + len, EMULATOR_FRAME_MAX - len, ",%d",
                                (int)emulate_load_cells_counts(c, line));
    }
    if (self->checksum) {
        unsigned sum = 0;
        for (size_t i = 0; i < len; i++) {
            sum ^= out[i];
        }
        len += (size_t)snprintf(text + len, EMULATOR_FRAME_MAX - len, "*%02X", sum);
    }
    return len + (size_t)snprintf(text + len, EMULATOR_FRAME_MAX - len, "\r\n");
}

void emulate_load_cells_init(struct emulate_load_cells *self, double rate_hz)
{
    memset(self, 0, sizeof(*self));
    self->emulator.sample = sample;
    self->emulator.damage_place = 8;
    self->emulator.damage_mask = 0x50;
    self->emulator.first_due_ns = (int64_t)(1e9 / rate_hz);
    self->cells = 4;
    emulator_stream(&self->emulator, rate_hz, 0);
}

static void init_80(void *self)
{
    emulate_load_cells_init(self, 80);
    ((struct emulate_load_cells *)self)->checksum = true;
}

/* Its micros() wraps after 1.5 s. */
static void init_1000(void *self_)
{
    struct emulate_load_cells *self = self_;
    emulate_load_cells_init(self, 1000);
    self->checksum = true;
    self->first_us = UINT32_MAX - 1500000;
}

static void meant(const void *self, size_t stream, uint64_t k, double *value)
{
    (void)self;
    (void)stream;
    for (size_t c = 0; c < 4; c++) {
        value[c] = emulate_load_cells_counts(c, k);
    }
}

static const struct kl_stream streams[] = {
    {.name = "plate.belt", .kind = KL_KIND_FORCE, .channel_count = 4}};
static const uint8_t input[1][KL_CHANNELS_MAX] = {{2, 3, 4, 5}};
static const struct kl_device_option option[] = {
    {"counter_column", "0"}, {"checksum", "xor"}, {"time_column", "1"}};

const struct emulated_device emulated_load_cells = {
    .driver = "load_cells",
    .ops = &emulator_ops,
    .size = sizeof(struct emulate_load_cells),
    .init = init_80,
    .config = {.name = "cells",
               .placement = "",
               .rate_hz = 80,
               .option_count = 2,
               .option = option,
               .stream_count = 1,
               .stream = streams,
               .input = input},
    .meant = meant,
};

const struct emulated_device emulated_load_cells_timed = {
    .driver = "load_cells_timed",
    .ops = &emulator_ops,
    .size = sizeof(struct emulate_load_cells),
    .init = init_1000,
    .config = {.name = "cells",
               .placement = "",
               .rate_hz = 1000,
               .option_count = 3,
               .option = option,
               .stream_count = 1,
               .stream = streams,
               .input = input},
    .meant = meant,
};
