#include "emulate_number_line.h"

#include <stdio.h>
#include <string.h>

#define COLUMNS 6

double emulate_number_line_value(uint64_t n, unsigned c)
{
    return (double)((n * 389 + c * 7001) % 40000) / 1000 - 20;
}

static void put_line(struct emulate_number_line *self, const char *text, bool checked,
                     int64_t now_ns)
{
    char line[320];
    unsigned sum = 0;
    for (const char *c = text; *c != '\0'; c++) {
        sum ^= (unsigned char)*c;
    }
    int len = checked ? snprintf(line, sizeof(line), "$%s*%02X\r\n", text, sum)
                      : snprintf(line, sizeof(line), "%s\n", text);
    emulator_frame(&self->emulator, (const uint8_t *)line, (size_t)len, now_ns);
}

static void put_header(struct emulate_number_line *self)
{
    uint64_t frames = self->emulator.frames;
    char text[200];
    (void)snprintf(text, sizeof(text),
                   "BIMUH,1,7,%g,us,gz:deg/s,ax:m/s2,ay:g,az:m/s2,gx:rad/s,gy:rad/s",
                   self->rate_hz);
    put_line(self, text, true, 0);
    self->emulator.frames = frames; /* faults count data lines */
}

static void put_data(struct emulate_number_line *self, uint64_t n, int64_t now_ns)
{
    char text[300], values[200];
    size_t at = 0;
    for (unsigned c = 0; c < COLUMNS; c++) {
        at += (size_t)snprintf(values + at, sizeof(values) - at, ",%.3f",
                               emulate_number_line_value(n, c));
    }
    uint32_t count = self->first_count + (uint32_t)n;
    uint32_t us = self->first_us + (uint32_t)((double)n * 1e6 / self->rate_hz);
    switch (self->format) {
    case EMULATE_BIMU:
        (void)snprintf(text, sizeof(text), "BIMU,7,%u,%u%s", count, us, values);
        break;
    case EMULATE_OPENLOG:
        (void)snprintf(text, sizeof(text), "06/15/2024,13:45:30.25%s,%.3f,%u,", values,
                       self->rate_hz, count);
        break;
    default:
        (void)snprintf(text, sizeof(text), "%u,%u%s", count, us, values);
        break;
    }
    put_line(self, text, self->format == EMULATE_BIMU, now_ns);
}

static void hear(struct emulator *emulator, const uint8_t *buf, size_t len, int64_t now_ns)
{
    struct emulate_number_line *self = (struct emulate_number_line *)emulator;
    for (size_t i = 0; i < len && self->format == EMULATE_BIMU && !emulator->faults.mute; i++) {
        if (buf[i] == '?') {
            put_header(self);
        } else if (buf[i] == '1' && !self->running) {
            self->running = true;
            self->start_ns = now_ns;
        } else if (buf[i] == '0') {
            self->running = false;
        }
    }
}

static void tick(struct emulator *emulator, int64_t now_ns)
{
    struct emulate_number_line *self = (struct emulate_number_line *)emulator;
    while (self->running &&
           self->start_ns + (int64_t)((double)(self->made + 1) * 1e9 / self->rate_hz) <= now_ns) {
        if (self->format == EMULATE_OPENLOG && self->made == 0) {
            emulator_put(emulator, "rtcDate,rtcTime,aX,aY,aZ,gX,gY,gZ,output_Hz,\n", 45);
        }
        put_data(self, self->made++, now_ns);
    }
}

void emulate_number_line_init(struct emulate_number_line *self, enum emulate_line format,
                              double rate_hz)
{
    *self = (struct emulate_number_line){
        .emulator = {.hear = hear, .tick = tick, .damage_place = 6, .damage_mask = 0x40},
        .format = format,
        .running = format != EMULATE_BIMU,
        .rate_hz = rate_hz,
        .first_count = UINT32_MAX - 500,
        .first_us = UINT32_MAX - 2000000,
    };
}
