/* Integers and floating point of a C3D file, whatever processor wrote them. */
#ifndef KL_ACQUIRE_FORMATS_C3D_BYTES_H
#define KL_ACQUIRE_FORMATS_C3D_BYTES_H

#include "acquire/formats/c3d.h"

#include <string.h>

#define KL_C3D_BLOCK 512u

static inline uint16_t kl_c3d_u16(const struct kl_c3d *c3d, const uint8_t *p)
{
    unsigned high = c3d->processor == KL_C3D_MIPS ? p[0] : p[1];
    unsigned low = c3d->processor == KL_C3D_MIPS ? p[1] : p[0];
    return (uint16_t)(high << 8 | low);
}

static inline int16_t kl_c3d_i16(const struct kl_c3d *c3d, const uint8_t *p)
{
    return (int16_t)kl_c3d_u16(c3d, p);
}

/** IEEE little or big endian, or VAX-F: its words are swapped and its exponent is 2 too large. */
static inline double kl_c3d_f32(const struct kl_c3d *c3d, const uint8_t *p)
{
    uint32_t bits;
    float value;
    if (c3d->processor == KL_C3D_MIPS) {
        bits = (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
    } else if (c3d->processor == KL_C3D_DEC) {
        if (p[0] == 0 && p[1] == 0) {
            return 0.0;
        }
        bits = (uint32_t)p[1] << 24 | (uint32_t)p[0] << 16 | (uint32_t)p[3] << 8 | p[2];
    } else {
        bits = (uint32_t)p[3] << 24 | (uint32_t)p[2] << 16 | (uint32_t)p[1] << 8 | p[0];
    }
    memcpy(&value, &bits, sizeof(value));
    return c3d->processor == KL_C3D_DEC ? (double)value / 4.0 : (double)value;
}

/** Reads the parameter section between begin and end into c3d->parameter.
 *  @return KL_OK or KL_ERR_MEM; records that make no sense end the reading with a remark */
KL_CHECK int kl_c3d_read_parameters(struct kl_c3d *c3d, size_t begin, size_t end);

/** Notes what was mended, printf style. More than KL_C3D_REMARKS_MAX are dropped. */
void kl_c3d_remark(struct kl_c3d *c3d, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
