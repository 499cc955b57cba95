#include "acquire/formats/xdf_write.h"

#include <string.h>

uint8_t *kl_xdf_put_u16(uint8_t *out, uint16_t value)
{
    out[0] = (uint8_t)(value & 0xff);
    out[1] = (uint8_t)(value >> 8);
    return out + 2;
}

uint8_t *kl_xdf_put_u32(uint8_t *out, uint32_t value)
{
    out = kl_xdf_put_u16(out, (uint16_t)(value & 0xffff));
    return kl_xdf_put_u16(out, (uint16_t)(value >> 16));
}

uint8_t *kl_xdf_put_u64(uint8_t *out, uint64_t value)
{
    out = kl_xdf_put_u32(out, (uint32_t)(value & 0xffffffff));
    return kl_xdf_put_u32(out, (uint32_t)(value >> 32));
}

uint8_t *kl_xdf_put_f32(uint8_t *out, float value)
{
    uint32_t bits = 0;
    memcpy(&bits, &value, sizeof(bits));
    return kl_xdf_put_u32(out, bits);
}

uint8_t *kl_xdf_put_f64(uint8_t *out, double value)
{
    uint64_t bits = 0;
    memcpy(&bits, &value, sizeof(bits));
    return kl_xdf_put_u64(out, bits);
}

uint8_t *kl_xdf_put_bytes(uint8_t *out, const void *data, size_t size)
{
    memcpy(out, data, size);
    return out + size;
}

size_t kl_xdf_varlen_size(uint64_t value)
{
    return value <= UINT8_MAX ? 2 : value <= UINT32_MAX ? 5 : 9;
}

uint8_t *kl_xdf_put_varlen(uint8_t *out, uint64_t value)
{
    size_t size = kl_xdf_varlen_size(value);
    *out++ = (uint8_t)(size - 1);
    if (size == 2) {
        *out++ = (uint8_t)value;
        return out;
    }
    return size == 5 ? kl_xdf_put_u32(out, (uint32_t)value) : kl_xdf_put_u64(out, value);
}

static bool has_stream(enum kl_xdf_tag tag)
{
    return tag != KL_XDF_FILE_HEADER && tag != KL_XDF_BOUNDARY;
}

size_t kl_xdf_chunk_size(enum kl_xdf_tag tag, size_t content_size)
{
    size_t length = (has_stream(tag) ? 6 : 2) + content_size;
    return kl_xdf_varlen_size(length) + length;
}

uint8_t *kl_xdf_put_chunk(uint8_t *out, enum kl_xdf_tag tag, uint32_t stream, size_t content_size)
{
    out = kl_xdf_put_varlen(out, (has_stream(tag) ? 6 : 2) + content_size);
    out = kl_xdf_put_u16(out, (uint16_t)tag);
    return has_stream(tag) ? kl_xdf_put_u32(out, stream) : out;
}

uint8_t *kl_xdf_put_xml(uint8_t *out, enum kl_xdf_tag tag, uint32_t stream, const char *xml,
                        size_t size)
{
    out = kl_xdf_put_chunk(out, tag, stream, size);
    return kl_xdf_put_bytes(out, xml, size);
}

uint8_t *kl_xdf_put_boundary(uint8_t *out)
{
    out = kl_xdf_put_chunk(out, KL_XDF_BOUNDARY, 0, KL_XDF_SIGNATURE_SIZE);
    return kl_xdf_put_bytes(out, kl_xdf_signature, KL_XDF_SIGNATURE_SIZE);
}

uint8_t *kl_xdf_put_clock_offset(uint8_t *out, uint32_t stream, double collection_s,
                                 double offset_s)
{
    out = kl_xdf_put_chunk(out, KL_XDF_CLOCK_OFFSET, stream, 2 * sizeof(double));
    out = kl_xdf_put_f64(out, collection_s);
    return kl_xdf_put_f64(out, offset_s);
}

static size_t string_content(size_t size)
{
    return kl_xdf_varlen_size(1) + 1 + sizeof(double) + kl_xdf_varlen_size(size) + size;
}

size_t kl_xdf_string_size(size_t size)
{
    return kl_xdf_chunk_size(KL_XDF_SAMPLES, string_content(size));
}

uint8_t *kl_xdf_put_string(uint8_t *out, uint32_t stream, double stamp_s, size_t size)
{
    out = kl_xdf_put_chunk(out, KL_XDF_SAMPLES, stream, string_content(size));
    out = kl_xdf_put_varlen(out, 1);
    *out++ = sizeof(double);
    out = kl_xdf_put_f64(out, stamp_s);
    return kl_xdf_put_varlen(out, size);
}
