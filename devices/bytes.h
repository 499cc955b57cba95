/* Numbers in the bytes that devices send. No alignment is needed; the caller has checked that the
 * bytes are there. */
#ifndef KL_DEVICES_BYTES_H
#define KL_DEVICES_BYTES_H

#include <stdint.h>
#include <string.h>

static inline uint16_t kl_u16_le(const uint8_t *p)
{
    return (uint16_t)(p[0] | p[1] << 8);
}

static inline uint16_t kl_u16_be(const uint8_t *p)
{
    return (uint16_t)(p[0] << 8 | p[1]);
}

static inline uint32_t kl_u24_le(const uint8_t *p)
{
    return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16;
}

static inline int32_t kl_i24_be(const uint8_t *p)
{
    return (int32_t)((uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8) / 256;
}

static inline uint32_t kl_u32_le(const uint8_t *p)
{
    return kl_u16_le(p) | (uint32_t)kl_u16_le(p + 2) << 16;
}

static inline uint32_t kl_u32_be(const uint8_t *p)
{
    return (uint32_t)kl_u16_be(p) << 16 | kl_u16_be(p + 2);
}

static inline uint64_t kl_u64_le(const uint8_t *p)
{
    return kl_u32_le(p) | (uint64_t)kl_u32_le(p + 4) << 32;
}

static inline uint64_t kl_u64_be(const uint8_t *p)
{
    return (uint64_t)kl_u32_be(p) << 32 | kl_u32_be(p + 4);
}

static inline int16_t kl_i16_le(const uint8_t *p)
{
    return (int16_t)kl_u16_le(p);
}

static inline int16_t kl_i16_be(const uint8_t *p)
{
    return (int16_t)kl_u16_be(p);
}

static inline int32_t kl_i32_le(const uint8_t *p)
{
    return (int32_t)kl_u32_le(p);
}

static inline int32_t kl_i32_be(const uint8_t *p)
{
    return (int32_t)kl_u32_be(p);
}

/* The bits of an integer as IEEE 754, whatever the order of bytes of this machine. */
static inline float kl_f32_bits(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof(value));
    return value;
}

static inline float kl_f32_le(const uint8_t *p)
{
    return kl_f32_bits(kl_u32_le(p));
}

static inline float kl_f32_be(const uint8_t *p)
{
    return kl_f32_bits(kl_u32_be(p));
}

static inline double kl_f64_bits(uint64_t bits)
{
    double value;
    memcpy(&value, &bits, sizeof(value));
    return value;
}

static inline double kl_f64_le(const uint8_t *p)
{
    return kl_f64_bits(kl_u64_le(p));
}

static inline double kl_f64_be(const uint8_t *p)
{
    return kl_f64_bits(kl_u64_be(p));
}

#endif
