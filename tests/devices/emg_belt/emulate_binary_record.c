#include "emulate_binary_record.h"

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

static void hear(struct emulator *emulator, const uint8_t *buf, size_t len, int64_t now_ns)
{
    (void)emulator;
    (void)buf;
    (void)len;
    (void)now_ns;
}

static void tick(struct emulator *emulator, int64_t now_ns)
{
    struct emulate_record *self = (struct emulate_record *)emulator;
    while ((int64_t)((double)(self->made + 1) * 1e9 / self->rate_hz) <= now_ns) {
        uint8_t record[RECORD_BYTES];
        emulate_record_write(self->made++, self->rate_hz, record);
        emulator_frame(emulator, record, sizeof(record), now_ns);
    }
}

void emulate_record_init(struct emulate_record *self, double rate_hz)
{
    *self = (struct emulate_record){
        .emulator = {.hear = hear, .tick = tick, .damage_place = 5, .damage_mask = 0x10},
        .rate_hz = rate_hz};
}
