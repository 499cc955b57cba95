#include "devices/xsens_mti_data.h"

#include "devices/bytes.h"

#define ITEM_HEAD 3 /* u16 id, u8 size */
#define UTC_BYTES 12

/* How the bytes of a field are read. */
enum form { REAL = 0, WHOLE, UTC };

static const struct row {
    uint16_t id; /* without coordinate system and format */
    enum kl_mti_field field;
    enum form form;
    size_t count; /* REAL: elements; WHOLE: bytes */
} rows[] = {
    {0x0810, KL_MTI_TEMPERATURE, REAL, 1},  {0x1010, KL_MTI_UTC, UTC, UTC_BYTES},
    {0x1020, KL_MTI_COUNTER, WHOLE, 2},     {0x1060, KL_MTI_TIME_FINE, WHOLE, 4},
    {0x1070, KL_MTI_TIME_COARSE, WHOLE, 4}, {0x2010, KL_MTI_QUATERNION, REAL, 4},
    {0x2020, KL_MTI_MATRIX, REAL, 9},       {0x2030, KL_MTI_EULER, REAL, 3},
    {0x3010, KL_MTI_PRESSURE, WHOLE, 4},    {0x4010, KL_MTI_DELTA_V, REAL, 3},
    {0x4020, KL_MTI_ACCELERATION, REAL, 3}, {0x4030, KL_MTI_FREE_ACCELERATION, REAL, 3},
    {0x8020, KL_MTI_RATE_OF_TURN, REAL, 3}, {0x8030, KL_MTI_DELTA_Q, REAL, 4},
    {0xc020, KL_MTI_MAGNETIC, REAL, 3},     {0xe010, KL_MTI_STATUS, WHOLE, 1},
    {0xe020, KL_MTI_STATUS, WHOLE, 4},
};

static const size_t real_width[] = {4, 4, 6, 8}; /* by the format bits */

static double real_of(const uint8_t *p, unsigned format)
{
    switch (format) {
    case 0:
        return (double)kl_f32_be(p);
    case 1:
        return kl_i32_be(p) / 1048576.0; /* 2^20 */
    case 2:
        return (double)kl_i16_be(p + 4) + kl_u32_be(p) / 4294967296.0; /* 2^32 */
    default:
        return kl_f64_be(p);
    }
}

static void take_utc(const uint8_t *p, double *out)
{
    out[0] = kl_u32_be(p);
    out[1] = kl_u16_be(p + 4);
    for (size_t i = 2; i < 8; i++) {
        out[i] = p[4 + i];
    }
}

static int take_field(const struct row *row, unsigned format, const uint8_t *p, size_t size,
                      double *out)
{
    if (row->form == UTC) {
        if (size != UTC_BYTES) {
            return KL_ERR_DATA;
        }
        take_utc(p, out);
        return KL_OK;
    }
    if (row->form == WHOLE) {
        uint32_t whole = 0;
        for (size_t i = 0; i < size; i++) {
            whole = whole << 8 | p[i];
        }
        *out = whole;
        return size == row->count ? KL_OK : KL_ERR_DATA;
    }
    if (size != row->count * real_width[format]) {
        return KL_ERR_DATA;
    }
    for (size_t i = 0; i < row->count; i++) {
        out[i] = real_of(p + i * real_width[format], format);
    }
    return KL_OK;
}

static const struct row *row_of(uint16_t id)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (rows[i].id == (id & 0xfff0)) {
            return &rows[i];
        }
    }
    return NULL;
}

int kl_mti_data(const uint8_t *payload, size_t len, struct kl_mti_data *out)
{
    out->has = 0;
    for (size_t at = 0; at < len;) {
        if (len - at < ITEM_HEAD || len - at - ITEM_HEAD < payload[at + 2]) {
            return KL_ERR_DATA;
        }
        uint16_t id = kl_u16_be(payload + at);
        size_t size = payload[at + 2];
        const struct row *row = row_of(id);
        if (row != NULL) {
            if (take_field(row, id & 3U, payload + at + ITEM_HEAD, size, out->value[row->field]) !=
                KL_OK) {
                return KL_ERR_DATA;
            }
            out->has |= 1U << row->field;
        }
        at += ITEM_HEAD + size;
    }
    return KL_OK;
}
