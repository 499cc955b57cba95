/* See shimmer3_packet.h. Layout of a packet:
 *
 *     offset  size   field
 *      0       1     00
 *      1       3     time stamp, u24 LE, 32768 Hz (oldest firmware: u16)
 *      4       ...   channels in the order of the inquiry, sizes below
 *      end-2   2     CRC, when switched on; low byte first
 *
 *     calibration block (big-endian): 3 i16 offset B, 3 i16 sensitivity K (gyro: x 100), 9 i8
 *     alignment R x 100; value = R^-1 diag(1/K) (raw - B) in m/s^2, deg/s, gauss
 */
#include "devices/shimmer3_packet.h"

#include "devices/bytes.h"
#include "devices/units.h"

#include <limits.h>
#include <math.h>
#include <string.h>

enum {
    INQUIRY = 0x02,
    MATRIX_AT = 12,
    GYRO_SENSITIVITY_PER_UNIT = 100,
    BLOCK_BYTES = 21,
};

enum kind {
    UNKNOWN = 0,
    U8,
    U16_LE,
    U16_BE,
    I16_LE,
    I16_BE,
    U24_BE,
    I24_BE,
    MAG_WORD,  /* byte order by the order of the ids */
    GYRO_WORD, /* byte order by the model */
    ACCEL_WORD,
};

static const uint8_t kind_bytes[] = {0, 1, 2, 2, 2, 2, 3, 3, 2, 2, 2};

static const uint8_t kind_of[] = {
    [0x00] = ACCEL_WORD, [0x01] = ACCEL_WORD, [0x02] = ACCEL_WORD,
    [0x03] = U16_LE, /* battery */
    [0x04] = I16_LE,     [0x05] = I16_LE,     [0x06] = I16_LE,
    [0x07] = MAG_WORD,   [0x08] = MAG_WORD,   [0x09] = MAG_WORD,
    [0x0a] = GYRO_WORD,  [0x0b] = GYRO_WORD,  [0x0c] = GYRO_WORD,
    [0x0d] = U16_LE,     [0x0e] = U16_LE,     [0x0f] = U16_LE, /* external inputs */
    [0x10] = U16_LE,     [0x11] = U16_LE,     [0x12] = U16_LE,
    [0x13] = U16_LE,                                             /* internal inputs */
    [0x14] = I16_BE,     [0x15] = I16_BE,     [0x16] = I16_BE,   /* alternative accel */
    [0x17] = MAG_WORD,   [0x18] = MAG_WORD,   [0x19] = MAG_WORD, /* alternative mag */
    [0x1a] = U16_BE,     [0x1b] = U24_BE,                        /* temperature, pressure */
    [0x1c] = U16_LE,                                             /* skin conductance */
    [0x1d] = U8,         [0x1e] = I24_BE,     [0x1f] = I24_BE,   /* EXG 1 */
    [0x20] = U8,         [0x21] = I24_BE,     [0x22] = I24_BE,   /* EXG 2 */
    [0x23] = I16_BE,     [0x24] = I16_BE,     [0x25] = I16_BE,
    [0x26] = I16_BE,                      /* EXG of 16 bit */
    [0x27] = U16_LE,     [0x28] = U16_LE, /* bridge amplifier */
};

static enum kind channel_kind(uint8_t id)
{
    return id < sizeof(kind_of) ? (enum kind)kind_of[id] : UNKNOWN;
}

static size_t head_bytes(bool model_3r)
{
    return 1 + 2 + (model_3r ? 7U : 4U) + 2; /* 02, divisor, config, channels, buffer size */
}

int kl_shimmer3_inquiry_length(bool model_3r, const uint8_t *buf, size_t len)
{
    size_t head = head_bytes(model_3r);
    if (len > 0 && buf[0] != INQUIRY) {
        return -1;
    }
    if (len < head) {
        return 0;
    }
    uint8_t channels = buf[head - 2];
    if (channels == 0 || channels > KL_SHIMMER3_CHANNELS_MAX) {
        return -1;
    }
    return len >= head + channels ? (int)(head + channels) : 0;
}

int kl_shimmer3_layout_read(struct kl_shimmer3_layout *layout, const uint8_t *buf, size_t len)
{
    int whole = kl_shimmer3_inquiry_length(layout->model_3r, buf, len);
    if (whole <= 0) {
        return INT_MIN;
    }
    struct kl_shimmer3_layout read = {.model_3r = layout->model_3r,
                                      .short_time = layout->short_time,
                                      .crc_bytes = layout->crc_bytes};
    size_t head = head_bytes(layout->model_3r);
    read.divisor = kl_u16_le(buf + 1);
    memcpy(read.config, buf + 3, head - 5);
    read.channel_count = buf[head - 2];
    size_t at = read.short_time ? 3 : 4;
    for (size_t i = 0; i < read.channel_count; i++) {
        read.channel[i] = buf[head + i];
        enum kind kind = channel_kind(read.channel[i]);
        if (kind == UNKNOWN) {
            return -(int)read.channel[i];
        }
        read.offset[i] = (uint8_t)at;
        at += kind_bytes[kind];
    }
    read.len = (uint8_t)(at + read.crc_bytes); /* at most 4 + 32 * 3 + 2 */
    *layout = read;
    return 0;
}

size_t kl_shimmer3_status_bytes(const struct kl_shimmer3_layout *layout)
{
    return layout->model_3r ? 4 : 3;
}

int kl_shimmer3_find(const struct kl_shimmer3_layout *layout, uint8_t id)
{
    for (int i = 0; i < layout->channel_count; i++) {
        if (layout->channel[i] == id) {
            return i;
        }
    }
    return -1;
}

/* X Z Y is the order of the LSM303DLHC, which sends big-endian. */
static bool mag_is_big_endian(const struct kl_shimmer3_layout *layout, uint8_t id)
{
    uint8_t x = id >= 0x17 ? 0x17 : KL_SHIMMER3_MAG;
    int first = kl_shimmer3_find(layout, x);
    return first >= 0 && first + 1 < layout->channel_count && layout->channel[first + 1] == x + 2;
}

int32_t kl_shimmer3_raw(const struct kl_shimmer3_layout *layout, const uint8_t *packet, size_t len,
                        size_t i)
{
    if (layout->offset[i] + kind_bytes[channel_kind(layout->channel[i])] > len) {
        return 0;
    }
    const uint8_t *p = packet + layout->offset[i];
    uint8_t id = layout->channel[i];
    bool big = false;
    switch (channel_kind(id)) {
    case U8:
        return p[0];
    case U16_LE:
        return kl_u16_le(p);
    case U16_BE:
        return kl_u16_be(p);
    case U24_BE:
        return (int32_t)((uint32_t)p[0] << 16 | kl_u16_be(p + 1));
    case I24_BE:
        return (int32_t)((uint32_t)p[0] << 16 | kl_u16_be(p + 1)) - ((p[0] & 0x80) ? 1 << 24 : 0);
    case ACCEL_WORD:
        return layout->model_3r ? kl_i16_le(p) : kl_u16_le(p);
    case MAG_WORD:
        big = mag_is_big_endian(layout, id);
        break;
    case GYRO_WORD:
        big = !layout->model_3r;
        break;
    case I16_BE:
        big = true;
        break;
    case UNKNOWN:
    case I16_LE:
        break;
    }
    return big ? kl_i16_be(p) : kl_i16_le(p);
}

uint32_t kl_shimmer3_ticks(const struct kl_shimmer3_layout *layout, const uint8_t *packet,
                           size_t len)
{
    if (len < (layout->short_time ? 3U : 4U)) {
        return 0;
    }
    return layout->short_time ? kl_u16_le(packet + 1) : kl_u24_le(packet + 1);
}

uint32_t kl_shimmer3_tick_step(const struct kl_shimmer3_layout *layout, uint32_t from, uint32_t to)
{
    return (to - from) & (layout->short_time ? 0xffffU : 0xffffffU);
}

static uint16_t crc_step(uint16_t crc, uint8_t byte)
{
    unsigned c = (unsigned)crc >> 8 | (unsigned)crc << 8;
    c = (c ^ byte) & 0xffff;
    c ^= (c & 0xff) >> 4;
    c = (c ^ c << 12) & 0xffff;
    c ^= (c & 0xff) << 5;
    return (uint16_t)c;
}

uint16_t kl_shimmer3_crc(const uint8_t *buf, size_t len)
{
    uint16_t crc = 0xb0ca; /* start value of the maker */
    for (size_t i = 0; i < len; i++) {
        crc = crc_step(crc, buf[i]);
    }
    return len % 2 == 1 ? crc_step(crc, 0) : crc; /* the device's CRC unit takes words */
}

/* -------------------------------------------------------------- calibration */

/* m/s^2 is SI; deg/s and gauss are not. */
static double to_si(enum kl_shimmer3_block block)
{
    return block == KL_SHIMMER3_CALIBRATES_GYRO  ? KL_RAD_PER_DEG
           : block == KL_SHIMMER3_CALIBRATES_MAG ? KL_TESLA_PER_GAUSS
                                                 : 1;
}

/* Inverse by cofactors; alignments are near permutations. @return false when there is none */
static bool invert(double r[3][3], double out[3][3])
{
    double det = 0;
    for (int i = 0; i < 3; i++) {
        for (int j = 0; j < 3; j++) {
            int a = (j + 1) % 3, b = (j + 2) % 3, c = (i + 1) % 3, d = (i + 2) % 3;
            out[i][j] = r[a][c] * r[b][d] - r[a][d] * r[b][c];
        }
        det += r[0][i] * out[i][0];
    }
    for (int i = 0; i < 9; i++) {
        out[i / 3][i % 3] /= det;
    }
    return fabs(det) > 0.1; /* of a rotation: 1 */
}

static struct kl_shimmer3_calibration combine(enum kl_shimmer3_block block, const double offset[3],
                                              const double sensitivity[3], double alignment[3][3])
{
    struct kl_shimmer3_calibration result = {.valid = true};
    double inverse[3][3];
    if (!invert(alignment, inverse)) {
        return (struct kl_shimmer3_calibration){.valid = false};
    }
    for (int i = 0; i < 3; i++) {
        result.offset[i] = offset[i];
        for (int j = 0; j < 3; j++) {
            if (sensitivity[j] == 0) {
                return (struct kl_shimmer3_calibration){.valid = false};
            }
            result.matrix[i][j] = to_si(block) * inverse[i][j] / sensitivity[j];
        }
    }
    return result;
}

struct kl_shimmer3_calibration kl_shimmer3_calibration_read(enum kl_shimmer3_block block,
                                                            const uint8_t *buf, size_t len)
{
    double offset[3], sensitivity[3], alignment[3][3];
    bool erased = true;
    if (len < BLOCK_BYTES) {
        return (struct kl_shimmer3_calibration){.valid = false};
    }
    double per_unit = block == KL_SHIMMER3_CALIBRATES_GYRO ? GYRO_SENSITIVITY_PER_UNIT : 1;
    for (size_t i = 0; i < BLOCK_BYTES; i++) {
        erased &= buf[i] == 0xff;
    }
    for (size_t i = 0; i < 3; i++) {
        offset[i] = kl_i16_be(buf + 2 * i);
        sensitivity[i] = kl_i16_be(buf + 6 + 2 * i) / per_unit;
        for (size_t j = 0; j < 3; j++) {
            unsigned byte = buf[MATRIX_AT + 3 * i + j];
            alignment[i][j] = ((int)byte - (byte >= 0x80 ? 0x100 : 0)) / 100.0;
        }
    }
    return erased ? (struct kl_shimmer3_calibration){.valid = false}
                  : combine(block, offset, sensitivity, alignment);
}

struct kl_shimmer3_calibration kl_shimmer3_calibration_default(enum kl_shimmer3_block block,
                                                               unsigned range, bool dlhc)
{
    static const double gyro[] = {131, 65.5, 32.8, 16.4};     /* 250 500 1000 2000 deg/s */
    static const double wide_dlhc[] = {1631, 135, 815, 408};  /* 2 16 4 8 g */
    static const double wide_other[] = {1671, 209, 836, 418}; /* 2 16 4 8 g */
    static const double offset_accel[3] = {2047, 2047, 2047}, none[3] = {0, 0, 0};
    double board[3][3] = {{0, -1, 0}, {-1, 0, 0}, {0, 0, -1}};
    double dlhc_chip[3][3] = {{-1, 0, 0}, {0, 1, 0}, {0, 0, -1}};
    double other_chip[3][3] = {{0, -1, 0}, {1, 0, 0}, {0, 0, -1}};
    double k = 83; /* low-noise accelerometer */
    range &= 3;
    if (block == KL_SHIMMER3_CALIBRATES_GYRO) {
        k = gyro[range];
    } else if (block == KL_SHIMMER3_CALIBRATES_MAG) {
        k = dlhc ? 1100 : 667;
    } else if (block == KL_SHIMMER3_CALIBRATES_WIDE) {
        k = dlhc ? wide_dlhc[range] : wide_other[range];
    }
    bool on_board =
        block == KL_SHIMMER3_CALIBRATES_LOW_NOISE || block == KL_SHIMMER3_CALIBRATES_GYRO;
    const double sensitivity[3] = {k, k, k};
    return combine(block, block == KL_SHIMMER3_CALIBRATES_LOW_NOISE ? offset_accel : none,
                   sensitivity,
                   on_board ? board
                   : dlhc   ? dlhc_chip
                            : other_chip);
}
