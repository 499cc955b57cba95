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

static int out(void *self, uint8_t endpoint, const uint8_t *bytes, size_t len, int64_t now_ns)
{
    (void)self;
    (void)endpoint;
    (void)bytes;
    (void)now_ns;
    return (int)len; /* it does not listen */
}

static size_t print_line(const struct emulate_load_cells *self, char *text, size_t size)
{
    bool again = self->reset_line > 0 && self->line >= self->reset_line;
    uint64_t count = again ? self->line - self->reset_line : self->line;
    char separator = self->separator != 0 ? self->separator : ',';
    uint32_t first_us = again ? 0 : self->first_us;
    uint32_t us = first_us + (uint32_t)((double)count * 1e6 / self->rate_hz);
    size_t len = (size_t)snprintf(text, size, "%u%c%u", (unsigned)count, separator, (unsigned)us);
    for (size_t c = 0; c < (self->cells > 0 ? self->cells : 4); c++) {
        len += (size_t)snprintf(text + len, size - len, "%c%d", separator,
                                (int)emulate_load_cells_counts(c, self->line));
    }
    if (self->checksum) {
        unsigned sum = 0;
        for (size_t i = 0; i < len; i++) {
            sum ^= (uint8_t)text[i];
        }
        len += (size_t)snprintf(text + len, size - len, "*%02X", sum);
    }
    return len + (size_t)snprintf(text + len, size - len, "\r\n");
}

static void refill(struct emulate_load_cells *self)
{
    size_t at = 0;
    if (self->garbage_line > 0 && self->line == self->garbage_line) {
        memcpy(self->out, "\x80,\x01gar,bage\n", 12);
        at = 12;
    }
    size_t len = print_line(self, self->out + at, sizeof(self->out) - at);
    if (self->flip_line > 0 && self->line == self->flip_line) {
        self->out[at + 3] ^= 0x50;
    }
    if (self->cut_line > 0 && self->line == self->cut_line) {
        len = len / 2;
        self->out[at + len++] = '\n';
    }
    if (self->drop_line > 0 && self->line == self->drop_line) {
        len = 0;
    }
    self->line++;
    self->out_at = 0;
    self->out_len = at + len;
}

static int in(void *self_, uint8_t endpoint, uint8_t *buf, size_t cap, int64_t now_ns)
{
    struct emulate_load_cells *self = self_;
    (void)endpoint;
    if (self->gone) {
        return KL_ERR_GONE;
    }
    if (!self->begun) {
        self->begun = true;
        self->start_ns = now_ns;
    }
    if (self->silent) {
        return 0;
    }
    if (self->noise) {
        memset(buf, 0xe3, cap < 32 ? cap : 32);
        return cap < 32 ? (int)cap : 32;
    }
    double age_s = kl_seconds(now_ns - self->start_ns) * (1 + self->drift_ppm * 1e-6);
    while (self->out_at == self->out_len && (double)self->line < age_s * self->rate_hz) {
        refill(self);
    }
    size_t left = self->out_len - self->out_at;
    size_t take = left < cap ? left : cap;
    memcpy(buf, self->out + self->out_at, take);
    self->out_at += take;
    return (int)take;
}

const struct emulator_ops emulate_load_cells_ops = {.out = out, .in = in};

static void init_80(void *self)
{
    *(struct emulate_load_cells *)self = (struct emulate_load_cells){.rate_hz = 80};
}

/* Its micros() wraps after 1.5 s. */
static void init_1000(void *self)
{
    *(struct emulate_load_cells *)self = (struct emulate_load_cells){
        .rate_hz = 1000, .checksum = true, .first_us = UINT32_MAX - 1500000};
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
    {"counter_column", "0"}, {"time_column", "1"}, {"checksum", "xor"}};

const struct emulated_device emulated_load_cells = {
    .driver = "load_cells",
    .ops = &emulate_load_cells_ops,
    .size = sizeof(struct emulate_load_cells),
    .init = init_80,
    .config = {.name = "cells",
               .placement = "",
               .rate_hz = 80,
               .option_count = 1,
               .option = option,
               .stream_count = 1,
               .stream = streams,
               .input = input},
    .meant = meant,
};

const struct emulated_device emulated_load_cells_timed = {
    .driver = "load_cells_timed",
    .ops = &emulate_load_cells_ops,
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
