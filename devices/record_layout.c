#include "devices/record_layout.h"

#include "devices/bytes.h"
#include "devices/text_number.h"

#include <string.h>

/* ------------------------------------------------------------------- types */

#define READ(name, expression)                                                                     \
    static double read_##name(const uint8_t *p)                                                    \
    {                                                                                              \
        return (double)(expression);                                                               \
    }
#define BITS(name, expression)                                                                     \
    static uint64_t bits_##name(const uint8_t *p)                                                  \
    {                                                                                              \
        return (uint64_t)(expression);                                                             \
    }

static uint32_t u24_be(const uint8_t *p)
{
    return (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2];
}

static int32_t i24(uint32_t bits)
{
    return (int32_t)bits - ((bits & 0x800000U) != 0 ? 0x1000000 : 0);
}

READ(u8, p[0])
READ(i8, (int8_t)p[0])
READ(u16le, kl_u16_le(p))
READ(u16be, kl_u16_be(p))
READ(i16le, kl_i16_le(p))
READ(i16be, kl_i16_be(p))
READ(u24le, kl_u24_le(p))
READ(u24be, u24_be(p))
READ(i24le, i24(kl_u24_le(p)))
READ(i24be, i24(u24_be(p)))
READ(u32le, kl_u32_le(p))
READ(u32be, kl_u32_be(p))
READ(i32le, kl_i32_le(p))
READ(i32be, kl_i32_be(p))
READ(u64le, kl_u64_le(p))
READ(u64be, kl_u64_be(p))
READ(f32le, kl_f32_le(p))
READ(f32be, kl_f32_be(p))
READ(f64le, kl_f64_le(p))
READ(f64be, kl_f64_be(p))
BITS(u8, p[0])
BITS(u16le, kl_u16_le(p))
BITS(u16be, kl_u16_be(p))
BITS(u24le, kl_u24_le(p))
BITS(u24be, u24_be(p))
BITS(u32le, kl_u32_le(p))
BITS(u32be, kl_u32_be(p))
BITS(u64le, kl_u64_le(p))
BITS(u64be, kl_u64_be(p))

static const struct kl_record_type types[] = {
    {"u8", 1, true, 0, UINT8_MAX, read_u8, bits_u8},
    {"i8", 1, false, INT8_MIN, INT8_MAX, read_i8, NULL},
    {"u16le", 2, true, 0, UINT16_MAX, read_u16le, bits_u16le},
    {"u16be", 2, true, 0, UINT16_MAX, read_u16be, bits_u16be},
    {"i16le", 2, false, INT16_MIN, INT16_MAX, read_i16le, NULL},
    {"i16be", 2, false, INT16_MIN, INT16_MAX, read_i16be, NULL},
    {"u24le", 3, true, 0, 0xffffff, read_u24le, bits_u24le},
    {"u24be", 3, true, 0, 0xffffff, read_u24be, bits_u24be},
    {"i24le", 3, false, -0x800000, 0x7fffff, read_i24le, NULL},
    {"i24be", 3, false, -0x800000, 0x7fffff, read_i24be, NULL},
    {"u32le", 4, true, 0, UINT32_MAX, read_u32le, bits_u32le},
    {"u32be", 4, true, 0, UINT32_MAX, read_u32be, bits_u32be},
    {"i32le", 4, false, INT32_MIN, INT32_MAX, read_i32le, NULL},
    {"i32be", 4, false, INT32_MIN, INT32_MAX, read_i32be, NULL},
    {"u64le", 8, true, 0, 0, read_u64le, bits_u64le},
    {"u64be", 8, true, 0, 0, read_u64be, bits_u64be},
    {"f32le", 4, false, 0, 0, read_f32le, NULL},
    {"f32be", 4, false, 0, 0, read_f32be, NULL},
    {"f64le", 8, false, 0, 0, read_f64le, NULL},
    {"f64be", 8, false, 0, 0, read_f64be, NULL},
};

/* --------------------------------------------------------------- checksums */

static uint32_t sum8(const uint8_t *p, size_t len)
{
    uint32_t sum = 0;
    for (size_t i = 0; i < len; i++) {
        sum += p[i];
    }
    return sum & 0xff;
}

/* What makes the sum of all bytes 0 (Xbus). */
static uint32_t neg8(const uint8_t *p, size_t len)
{
    return (0U - sum8(p, len)) & 0xff;
}

static uint32_t xor8(const uint8_t *p, size_t len)
{
    uint32_t sum = 0;
    for (size_t i = 0; i < len; i++) {
        sum ^= p[i];
    }
    return sum;
}

/* First sum in the high byte (MIP). */
static uint32_t fletcher16(const uint8_t *p, size_t len)
{
    uint32_t a = 0, b = 0;
    for (size_t i = 0; i < len; i++) {
        a = (a + p[i]) & 0xff;
        b = (b + a) & 0xff;
    }
    return a << 8 | b;
}

/* Polynomial 0x1021, start 0xFFFF: "CRC-16/CCITT-FALSE". */
static uint32_t crc16_ccitt(const uint8_t *p, size_t len)
{
    uint32_t crc = 0xffff;
    for (size_t i = 0; i < len; i++) {
        crc ^= (uint32_t)p[i] << 8;
        for (int bit = 0; bit < 8; bit++) {
            crc = (crc & 0x8000) != 0 ? crc << 1 ^ 0x1021 : crc << 1;
        }
        crc &= 0xffff;
    }
    return crc;
}

/* Polynomial 0x8005 reflected, start 0xFFFF: "CRC-16/MODBUS". */
static uint32_t crc16_modbus(const uint8_t *p, size_t len)
{
    uint32_t crc = 0xffff;
    for (size_t i = 0; i < len; i++) {
        crc ^= p[i];
        for (int bit = 0; bit < 8; bit++) {
            crc = (crc & 1) != 0 ? crc >> 1 ^ 0xA001 : crc >> 1;
        }
    }
    return crc;
}

/* Polynomial 0x04C11DB7 reflected: "CRC-32" of Ethernet and zip. */
static uint32_t crc32(const uint8_t *p, size_t len)
{
    uint32_t crc = UINT32_MAX;
    for (size_t i = 0; i < len; i++) {
        crc ^= p[i];
        for (int bit = 0; bit < 8; bit++) {
            crc = (crc & 1) != 0 ? crc >> 1 ^ 0xEDB88320 : crc >> 1;
        }
    }
    return ~crc;
}

static const struct kl_record_sum sums[] = {
    {"sum8", 1, false, sum8},
    {"neg8", 1, false, neg8},
    {"xor8", 1, false, xor8},
    {"fletcher16", 2, true, fletcher16},
    {"crc16-ccitt-le", 2, false, crc16_ccitt},
    {"crc16-ccitt-be", 2, true, crc16_ccitt},
    {"crc16-modbus-le", 2, false, crc16_modbus},
    {"crc16-modbus-be", 2, true, crc16_modbus},
    {"crc32-le", 4, false, crc32},
    {"crc32-be", 4, true, crc32},
};

bool kl_record_sum_fits(const struct kl_record_sum *sum, const uint8_t *buf, size_t from, size_t at)
{
    uint32_t said = 0;
    for (size_t i = 0; i < sum->size; i++) {
        size_t place = sum->big_endian ? i : sum->size - 1 - i;
        said = said << 8 | buf[at + place];
    }
    return said == sum->compute(buf + from, at - from);
}

/* ------------------------------------------------------------ descriptions */

static bool read_place(const char *text, size_t len, size_t *at)
{
    uint64_t place = 0;
    if (!kl_text_whole(text, len, &place) || place >= KL_RECORD_MAX) {
        return false;
    }
    *at = (size_t)place;
    return true;
}

/* Where the first of these characters is; len: nowhere. */
static size_t find_any(const char *text, size_t from, size_t len, const char *wanted)
{
    size_t i = from;
    while (i < len && strchr(wanted, text[i]) == NULL) {
        i++;
    }
    return i;
}

bool kl_record_field_read(const char *text, size_t len, size_t length, struct kl_record_field *out)
{
    struct kl_record_field field = {.scale = 1};
    size_t at = find_any(text, 0, len, "@");
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        if (strlen(types[i].name) == at && memcmp(types[i].name, text, at) == 0) {
            field.type = &types[i];
        }
    }
    size_t times = find_any(text, at, len, "*+"); /* a number's own + is found below */
    if (field.type == NULL || at == len || !read_place(text + at + 1, times - at - 1, &field.at)) {
        return false;
    }
    size_t plus = times;
    if (times < len && text[times] == '*') {
        plus = find_any(text, times + 1, len, "+");
        if (plus > times + 1 && plus < len && (text[plus - 1] == 'e' || text[plus - 1] == 'E')) {
            plus = find_any(text, plus + 1, len, "+"); /* 1e+3 */
        }
        if (!kl_text_number(text + times + 1, plus - times - 1, &field.scale)) {
            return false;
        }
    }
    if (plus < len && !kl_text_number(text + plus + 1, len - plus - 1, &field.offset)) {
        return false;
    }
    if (field.at + field.type->size > length) {
        return false;
    }
    *out = field;
    return true;
}

bool kl_record_sum_read(const char *text, size_t len, size_t length,
                        const struct kl_record_sum **sum, size_t *at)
{
    size_t name = find_any(text, 0, len, "@");
    for (size_t i = 0; i < sizeof(sums) / sizeof(sums[0]); i++) {
        if (strlen(sums[i].name) == name && memcmp(sums[i].name, text, name) == 0) {
            size_t place = 0;
            if (name == len || !read_place(text + name + 1, len - name - 1, &place) ||
                place + sums[i].size > length) {
                return false;
            }
            *sum = &sums[i];
            *at = place;
            return true;
        }
    }
    return false;
}

static int hex_digit(char c)
{
    static const char digits[] = "0123456789abcdef";
    const char *found = c != '\0' ? strchr(digits, c >= 'A' && c <= 'F' ? c - 'A' + 'a' : c) : NULL;
    return found != NULL ? (int)(found - digits) : -1;
}

size_t kl_record_sync_read(const char *text, uint8_t out[KL_RECORD_SYNC_MAX])
{
    size_t count = 0;
    for (text += strspn(text, " "); *text != '\0'; text += strspn(text, " ")) {
        int high = hex_digit(text[0]), low = high >= 0 ? hex_digit(text[1]) : -1;
        if (low < 0 || count == KL_RECORD_SYNC_MAX) {
            return 0;
        }
        out[count++] = (uint8_t)(high * 16 + low);
        text += 2;
    }
    return count;
}
