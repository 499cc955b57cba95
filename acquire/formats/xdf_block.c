#include "acquire/formats/xdf_block.h"

#include "acquire/formats/xdf_write.h"

#include <math.h>

#define STAMP_SIZE (1 + sizeof(double)) /* its size byte, then the stamp */

/* Beyond this a stamp is no session time, and nanoseconds would not fit an int64_t. */
#define STAMP_LIMIT_S 9e9

enum kl_xdf_format kl_xdf_format_of(enum kl_format format)
{
    static const enum kl_xdf_format row[] = {
        [KL_FORMAT_FLOAT32] = KL_XDF_FLOAT32,
        [KL_FORMAT_DOUBLE64] = KL_XDF_DOUBLE64,
        [KL_FORMAT_INT16] = KL_XDF_INT16,
        [KL_FORMAT_INT32] = KL_XDF_INT32,
    };
    return row[format];
}

static size_t sample_size(const struct kl_stream *stream)
{
    size_t value = kl_xdf_format_size(kl_xdf_format_of(stream->format));
    return STAMP_SIZE + (stream->channel_count + 1) * value;
}

static size_t content_size(const struct kl_stream *stream, size_t count)
{
    return kl_xdf_varlen_size(count) + count * sample_size(stream);
}

size_t kl_xdf_block_size(const struct kl_stream *stream, const struct kl_block *block)
{
    return kl_xdf_chunk_size(KL_XDF_SAMPLES, content_size(stream, block->count));
}

static uint8_t *put_value(uint8_t *out, enum kl_format format, double value)
{
    switch (format) {
    case KL_FORMAT_FLOAT32:
        return kl_xdf_put_f32(out, (float)value);
    case KL_FORMAT_INT16:
        return kl_xdf_put_u16(out, (uint16_t)(int16_t)kl_format_round(format, value));
    case KL_FORMAT_INT32:
        return kl_xdf_put_u32(out, (uint32_t)(int32_t)kl_format_round(format, value));
    case KL_FORMAT_DOUBLE64:
        break;
    }
    return kl_xdf_put_f64(out, value);
}

uint8_t *kl_xdf_put_block(uint8_t *out, uint32_t id, const struct kl_stream *stream,
                          const struct kl_block *block, uint32_t first_quality)
{
    bool holds_nan = stream->format == KL_FORMAT_FLOAT32 || stream->format == KL_FORMAT_DOUBLE64;
    const double *value = block->value;
    out = kl_xdf_put_chunk(out, KL_XDF_SAMPLES, id, content_size(stream, block->count));
    out = kl_xdf_put_varlen(out, block->count);
    for (size_t i = 0; i < block->count; i++) {
        uint32_t quality = block->quality[i] | (i == 0 ? first_quality : 0);
        *out++ = sizeof(double);
        out = kl_xdf_put_f64(out, kl_seconds(block->t_ns[i]));
        for (size_t c = 0; c < stream->channel_count; c++, value++) {
            bool lost = !holds_nan && isnan(*value);
            quality |= lost ? (uint32_t)KL_QUALITY_INVALID : 0;
            out = put_value(out, stream->format, lost ? 0 : *value);
        }
        out = put_value(out, stream->format, (double)quality);
    }
    return out;
}

int64_t kl_xdf_block_count(const struct kl_stream *stream, const struct kl_xdf_chunk *chunk)
{
    struct kl_xdf_samples samples;
    size_t each = sample_size(stream);
    if (!kl_xdf_samples_begin(chunk, &samples)) {
        return KL_ERR_DATA;
    }
    size_t rest = samples.len - samples.pos;
    if (rest % each != 0 || rest / each != samples.count) {
        return KL_ERR_DATA;
    }
    for (const uint8_t *p = samples.buf + samples.pos; rest > 0; p += each, rest -= each) {
        double stamp_s = kl_xdf_get_f64(p + 1);
        if (p[0] != sizeof(double) || !(fabs(stamp_s) < STAMP_LIMIT_S)) {
            return KL_ERR_DATA;
        }
    }
    return (int64_t)samples.count;
}

static uint32_t read_quality(double value)
{
    return value >= 0 && value <= (double)INT32_MAX ? (uint32_t)value : KL_QUALITY_INVALID;
}

void kl_xdf_block_read(const struct kl_stream *stream, const struct kl_xdf_chunk *chunk,
                       int64_t *t_ns, double *value, uint32_t *quality)
{
    enum kl_xdf_format format = kl_xdf_format_of(stream->format);
    size_t size = kl_xdf_format_size(format);
    struct kl_xdf_samples samples;
    if (!kl_xdf_samples_begin(chunk, &samples)) {
        return;
    }
    const uint8_t *p = samples.buf + samples.pos;
    for (uint64_t i = 0; i < samples.count; i++) {
        t_ns[i] = kl_nanoseconds(kl_xdf_get_f64(p + 1));
        p += STAMP_SIZE;
        for (size_t c = 0; c < stream->channel_count; c++, p += size) {
            *value++ = kl_xdf_value(format, p);
        }
        quality[i] = read_quality(kl_xdf_value(format, p));
        p += size;
    }
}
