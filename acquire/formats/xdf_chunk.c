#include "acquire/formats/xdf_chunk.h"

#include <string.h>

const uint8_t kl_xdf_signature[KL_XDF_SIGNATURE_SIZE] = {
    0x43, 0xa5, 0x46, 0xdc, 0xcb, 0xf5, 0x41, 0x0f, 0xb3, 0x0e, 0xd5, 0x46, 0x73, 0x83, 0xcb, 0xe4,
};
#define SIGNATURE_ANCHOR 3 /* 0xdc: 0x43 begins every float between 128 and 512 */

static const struct {
    const char *word;
    size_t size;
} format_row[KL_XDF_FORMAT_COUNT] = {
    [KL_XDF_INT8] = {"int8", 1},       [KL_XDF_INT16] = {"int16", 2},
    [KL_XDF_INT32] = {"int32", 4},     [KL_XDF_INT64] = {"int64", 8},
    [KL_XDF_FLOAT32] = {"float32", 4}, [KL_XDF_DOUBLE64] = {"double64", 8},
    [KL_XDF_STRING] = {"string", 0},
};

const char *kl_xdf_format_text(enum kl_xdf_format format)
{
    return (unsigned)format < KL_XDF_FORMAT_COUNT ? format_row[format].word : "unknown";
}

enum kl_xdf_format kl_xdf_format_find(const char *word)
{
    for (int i = 0; i < KL_XDF_FORMAT_COUNT; i++) {
        if (strcmp(word, format_row[i].word) == 0) {
            return (enum kl_xdf_format)i;
        }
    }
    return KL_XDF_FORMAT_COUNT;
}

size_t kl_xdf_format_size(enum kl_xdf_format format)
{
    return (unsigned)format < KL_XDF_FORMAT_COUNT ? format_row[format].size : 0;
}

uint16_t kl_xdf_get_u16(const uint8_t *p)
{
    return (uint16_t)(p[0] | p[1] << 8);
}

uint32_t kl_xdf_get_u32(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

uint64_t kl_xdf_get_u64(const uint8_t *p)
{
    return (uint64_t)kl_xdf_get_u32(p) | (uint64_t)kl_xdf_get_u32(p + 4) << 32;
}

static float get_f32(const uint8_t *p)
{
    uint32_t bits = kl_xdf_get_u32(p);
    float value = 0;
    memcpy(&value, &bits, sizeof(value));
    return value;
}

double kl_xdf_get_f64(const uint8_t *p)
{
    uint64_t bits = kl_xdf_get_u64(p);
    double value = 0;
    memcpy(&value, &bits, sizeof(value));
    return value;
}

bool kl_xdf_varlen(const uint8_t *buf, size_t len, size_t *pos, uint64_t *value)
{
    size_t at = *pos;
    if (at >= len) {
        return false;
    }
    size_t size = buf[at++];
    if ((size != 1 && size != 4 && size != 8) || len - at < size) {
        return false;
    }
    *value = size == 1 ? buf[at] : size == 4 ? kl_xdf_get_u32(buf + at) : kl_xdf_get_u64(buf + at);
    *pos = at + size;
    return true;
}

static bool has_stream(uint16_t tag)
{
    return tag == KL_XDF_STREAM_HEADER || tag == KL_XDF_SAMPLES || tag == KL_XDF_CLOCK_OFFSET ||
           tag == KL_XDF_STREAM_FOOTER;
}

enum kl_xdf_walk kl_xdf_chunk_at(const uint8_t *buf, size_t len, size_t pos,
                                 struct kl_xdf_chunk *out)
{
    *out = (struct kl_xdf_chunk){.offset = pos};
    if (pos >= len) {
        return KL_XDF_END;
    }
    size_t width = buf[pos];
    if (width != 1 && width != 4 && width != 8) {
        return KL_XDF_BROKEN;
    }
    size_t at = pos;
    uint64_t length = 0;
    if (!kl_xdf_varlen(buf, len, &at, &length)) {
        return KL_XDF_TORN;
    }
    if (length < 2) {
        return KL_XDF_BROKEN;
    }
    bool torn = length > len - at;
    size_t have = torn ? len - at : (size_t)length;
    if (have < 2) {
        return KL_XDF_TORN;
    }
    uint16_t tag = kl_xdf_get_u16(buf + at);
    size_t head = has_stream(tag) ? 6 : 2;
    if (length < head) {
        return KL_XDF_BROKEN;
    }
    if (have < head) {
        return KL_XDF_TORN;
    }
    out->tag = tag;
    out->stream = head == 6 ? kl_xdf_get_u32(buf + at + 2) : 0;
    out->size = at + have - pos;
    out->content = buf + at + head;
    out->content_size = have - head;
    return torn ? KL_XDF_TORN : KL_XDF_CHUNK;
}

size_t kl_xdf_find(const uint8_t *buf, size_t len, size_t pos, const void *needle,
                   size_t needle_size, size_t anchor)
{
    const uint8_t *wanted = needle;
    while (pos < len && len - pos >= needle_size) {
        /* The anchor may lie only where a whole needle around it still fits. */
        size_t span = len - pos - needle_size + 1;
        const uint8_t *hit = memchr(buf + pos + anchor, wanted[anchor], span);
        if (hit == NULL) {
            return SIZE_MAX;
        }
        pos = (size_t)(hit - buf) - anchor;
        if (memcmp(buf + pos, wanted, needle_size) == 0) {
            return pos;
        }
        pos++;
    }
    return SIZE_MAX;
}

size_t kl_xdf_after_boundary(const uint8_t *buf, size_t len, size_t pos)
{
    size_t at =
        kl_xdf_find(buf, len, pos, kl_xdf_signature, KL_XDF_SIGNATURE_SIZE, SIGNATURE_ANCHOR);
    return at == SIZE_MAX ? SIZE_MAX : at + KL_XDF_SIGNATURE_SIZE;
}

bool kl_xdf_samples_begin(const struct kl_xdf_chunk *chunk, struct kl_xdf_samples *samples)
{
    *samples = (struct kl_xdf_samples){.buf = chunk->content, .len = chunk->content_size};
    return kl_xdf_varlen(samples->buf, samples->len, &samples->pos, &samples->count);
}

bool kl_xdf_samples_stamp(struct kl_xdf_samples *samples, bool *given, double *stamp_s)
{
    if (samples->pos >= samples->len) {
        return false;
    }
    /* Other readers take every size but 0 for "8 bytes follow"; so it is done here. */
    bool follows = samples->buf[samples->pos] != 0;
    if (follows) {
        if (samples->len - samples->pos < 1 + sizeof(double)) {
            return false;
        }
        *stamp_s = kl_xdf_get_f64(samples->buf + samples->pos + 1);
        samples->pos += sizeof(double);
    }
    samples->pos++;
    *given = follows;
    return true;
}

bool kl_xdf_samples_values(struct kl_xdf_samples *samples, size_t size, const uint8_t **values)
{
    if (samples->len - samples->pos < size) {
        return false;
    }
    *values = samples->buf + samples->pos;
    samples->pos += size;
    return true;
}

bool kl_xdf_samples_string(struct kl_xdf_samples *samples, const char **text, size_t *size)
{
    size_t at = samples->pos;
    uint64_t length = 0;
    if (!kl_xdf_varlen(samples->buf, samples->len, &at, &length) || length > samples->len - at) {
        return false;
    }
    *text = (const char *)samples->buf + at;
    *size = (size_t)length;
    samples->pos = at + (size_t)length;
    return true;
}

double kl_xdf_value(enum kl_xdf_format format, const uint8_t *p)
{
    switch (format) {
    case KL_XDF_INT8:
        return (int8_t)p[0];
    case KL_XDF_INT16:
        return (int16_t)kl_xdf_get_u16(p);
    case KL_XDF_INT32:
        return (int32_t)kl_xdf_get_u32(p);
    case KL_XDF_INT64:
        return (double)(int64_t)kl_xdf_get_u64(p);
    case KL_XDF_FLOAT32:
        return (double)get_f32(p);
    case KL_XDF_DOUBLE64:
        return kl_xdf_get_f64(p);
    case KL_XDF_STRING:
    case KL_XDF_FORMAT_COUNT:
        break;
    }
    return 0;
}
