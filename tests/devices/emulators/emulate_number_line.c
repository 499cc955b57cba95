#include "emulate_number_line.h"

#include "emulators.h"

#include <stdio.h>
#include <string.h>

#define COLUMNS 6

double emulate_number_line_value(uint64_t n, unsigned c)
{
    return (double)((n * 389 + c * 7001) % 40000) / 1000 - 20;
}

/* A line with its end, and with its sum. @return its length */
static size_t end_line(const char *text, bool checked, void *out)
{
    unsigned sum = 0;
    for (const char *c = text; *c != '\0'; c++) {
        sum ^= (unsigned char)*c;
    }
    int len = checked ? snprintf(out, EMULATOR_FRAME_MAX, "$%s*%02X\r\n", text, sum)
                      : snprintf(out, EMULATOR_FRAME_MAX, "%s\n", text);
    return (size_t)len;
}

static void send_header(struct emulate_number_line *self)
{
    char text[200], line[EMULATOR_FRAME_MAX];
    (void)snprintf(text, sizeof(text),
                   "BIMUH,1,7,%g,us,gz:deg/s,ax:m/s2,ay:g,az:m/s2,gx:rad/s,gy:rad/s",
                   self->rate_hz);
    emulator_send(&self->emulator, line, end_line(text, true, line));
}

static size_t sample(struct emulator *emulator, uint64_t n, uint8_t out[EMULATOR_FRAME_MAX])
{
    struct emulate_number_line *self = (struct emulate_number_line *)emulator;
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
        if (n == 0) {
            emulator_send(emulator, "rtcDate,rtcTime,aX,aY,aZ,gX,gY,gZ,output_Hz,\n", 45);
        }
        (void)snprintf(text, sizeof(text), "06/15/2024,13:45:30.25%s,%.3f,%u,", values,
                       self->rate_hz, count);
        break;
    default:
        (void)snprintf(text, sizeof(text), "%u,%u%s", count, us, values);
        break;
    }
    return end_line(text, self->format == EMULATE_BIMU, out);
}

static void obey(struct emulate_number_line *self, uint8_t command, int64_t now_ns)
{
    switch (emulator_command(&self->emulator)) {
    case EMULATOR_SOUND:
        break;
    case EMULATOR_WRONG_ANSWER:
        emulator_send(&self->emulator, "what?\r\n", 7);
        return;
    default:
        return;
    }
    if (command == '?') {
        send_header(self);
    } else if (command == '1' && self->emulator.rate_hz <= 0) {
        emulator_stream(&self->emulator, self->rate_hz, now_ns);
    } else if (command == '0') {
        emulator_stream(&self->emulator, 0, now_ns);
    }
}

static void hear(struct emulator *emulator, const uint8_t *buf, size_t len, int64_t now_ns)
{
    struct emulate_number_line *self = (struct emulate_number_line *)emulator;
    for (size_t i = 0; i < len && self->format == EMULATE_BIMU; i++) {
        obey(self, buf[i], now_ns);
    }
}

void emulate_number_line_init(struct emulate_number_line *self, enum emulate_line format,
                              double rate_hz)
{
    memset(self, 0, sizeof(*self));
    self->emulator.hear = hear;
    self->emulator.sample = sample;
    self->emulator.damage_place = 6;
    self->emulator.damage_mask = 0x40;
    self->emulator.first_due_ns = (int64_t)(1e9 / rate_hz);
    self->format = format;
    self->rate_hz = rate_hz;
    self->first_count = UINT32_MAX - 500;
    self->first_us = UINT32_MAX - 2000000;
    emulator_stream(&self->emulator, format == EMULATE_BIMU ? 0 : rate_hz, 0);
}

static void init(void *self)
{
    emulate_number_line_init(self, EMULATE_BIMU, 200);
}

/* The header says gz ax ay az gx gy, in deg/s, m/s2 and g. */
static void meant(const void *self, size_t stream, uint64_t k, double *value)
{
    static const double scale[6] = {1, 9.80665, 1, 1, 1, 0.017453292519943295};
    (void)self;
    (void)stream;
    for (unsigned c = 0; c < 6; c++) {
        value[c] = emulate_number_line_value(k, (c + 1) % 6) * scale[c];
    }
}

static const struct kl_device_option option[] = {{"format", "bimu"}};

static uint64_t settings(const void *self_)
{
    const struct emulate_number_line *self = self_;
    return self->emulator.rate_hz > 0;
}

const struct emulated_device emulated_number_line = {
    .driver = "number_line",
    .ops = &emulator_ops,
    .size = sizeof(struct emulate_number_line),
    .init = init,
    .config = {.name = "bimu",
               .placement = "shank.right",
               .rate_hz = 200,
               .option_count = 1,
               .option = option},
    .meant = meant,
    .settings = settings,
};
