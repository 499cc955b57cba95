#include "emulate_binary_record.h"

#include "emulators.h"

#include <string.h>

int emulate_record_value(uint64_t n, unsigned c)
{
    return (int)((n * 389 + c * 7001) % 60000) - 30000;
}

float emulate_record_float(uint64_t n)
{
    return (float)(n % 10000) * 0.25f - 17.0f;
}

/* CRC-16/CCITT-FALSE, by the nibble (G. Cook's catalogue: check 0x29B1). */
static unsigned crc_ccitt(const uint8_t *p, size_t len)
{
    static const unsigned table[16] = {0x0000, 0x1021, 0x2042, 0x3063, 0x4084, 0x50a5,
                                       0x60c6, 0x70e7, 0x8108, 0x9129, 0xa14a, 0xb16b,
                                       0xc18c, 0xd1ad, 0xe1ce, 0xf1ef};
    unsigned crc = 0xffff;
    for (size_t i = 0; i < len; i++) {
        crc = (crc << 4 ^ table[(crc >> 12 ^ p[i] >> 4) & 15]) & 0xffff;
        crc = (crc << 4 ^ table[(crc >> 12 ^ p[i]) & 15]) & 0xffff;
    }
    return crc;
}

void emulate_record_write(uint64_t n, double rate_hz, uint8_t out[RECORD_BYTES])
{
    uint32_t us = 4294000000u + (uint32_t)((double)n * 1e6 / rate_hz);
    float value = emulate_record_float(n);
    uint32_t bits;
    memcpy(&bits, &value, sizeof(bits));
    out[0] = 0xA5;
    out[1] = 0x5A;
    out[2] = (uint8_t)n;
    for (unsigned i = 0; i < 4; i++) {
        out[3 + i] = (uint8_t)(us >> 8 * i);
        out[13 + i] = (uint8_t)(bits >> (24 - 8 * i));
    }
    for (unsigned c = 0; c < 3; c++) {
        unsigned stored = (unsigned)emulate_record_value(n, c);
        out[7 + 2 * c] = (uint8_t)stored;
        out[8 + 2 * c] = (uint8_t)(stored >> 8);
    }
    unsigned crc = crc_ccitt(out, 17);
    out[17] = (uint8_t)(crc >> 8);
    out[18] = (uint8_t)crc;
}

static size_t sample(struct emulator *self, uint64_t index, uint8_t out[EMULATOR_FRAME_MAX])
{
    emulate_record_write(index, self->rate_hz, out);
    return RECORD_BYTES;
}

void emulate_record_init(struct emulate_record *self, double rate_hz)
{
    memset(self, 0, sizeof(*self));
    self->emulator.sample = sample;
    self->emulator.damage_place = 5;
    emulator_stream(&self->emulator, rate_hz, 0);
}

static void init(void *self)
{
    emulate_record_init(self, 500);
}

static void meant(const void *self, size_t stream, uint64_t k, double *value)
{
    (void)self;
    (void)stream;
    value[0] = emulate_record_value(k, 0) * 0.001;
    value[1] = emulate_record_value(k, 1) * 10.0 + 2.5;
    value[2] = emulate_record_value(k, 2);
    value[3] = (double)emulate_record_float(k) * -2;
}

static const struct kl_stream streams[] = {
    {.name = "cell.left", .kind = KL_KIND_OTHER, .channel_count = 4}};
static const uint8_t input[1][KL_CHANNELS_MAX] = {{1, 2, 3, 4}};
static const struct kl_device_option option[] = {
    {"sync", "A5 5a"},
    {"length", "19"},
    {"fields", "i16le@7*0.001 i16le@9*1e+1+2.5, i16le@11 f32be@13*-2"},
    {"counter", "u8@2"},
    {"time", "u32le@3"},
    {"time_unit", "us"},
    {"checksum", "crc16-ccitt-be@17"},
};

const struct emulated_device emulated_binary_record = {
    .driver = "binary_record",
    .ops = &emulator_ops,
    .size = sizeof(struct emulate_record),
    .init = init,
    .config = {.name = "cell",
               .placement = "",
               .rate_hz = 500,
               .option_count = sizeof(option) / sizeof(option[0]),
               .option = option,
               .stream_count = 1,
               .stream = streams,
               .input = input},
    .meant = meant,
};
