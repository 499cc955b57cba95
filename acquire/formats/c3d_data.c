/* The data section: frame by frame all points, then all analog channels subframe by subframe. */
#include "acquire/formats/c3d_bytes.h"

#include <math.h>
#include <stdio.h>

static size_t number_size(const struct kl_c3d *c3d)
{
    return c3d->is_float ? 4 : 2;
}

static const uint8_t *frame_at(const struct kl_c3d *c3d, size_t frame)
{
    size_t numbers = 4 * c3d->point_count + c3d->analog_count * c3d->subframe_count;
    return c3d->buf + c3d->data + frame * numbers * number_size(c3d);
}

/* SCALE or OFFSET of a channel; beyond 255 channels they go on in SCALE2, OFFSET2. */
static double analog_number(const struct kl_c3d *c3d, const char *name, size_t channel,
                            double missing)
{
    const size_t part = 255;
    char numbered[KL_C3D_NAME_MAX];
    (void)snprintf(numbered, sizeof(numbered), channel < part ? "%s" : "%s%zu", name,
                   channel / part + 1);
    return kl_c3d_number(c3d, kl_c3d_find(c3d, "ANALOG", numbered), channel % part, missing);
}

int kl_c3d_analog(const struct kl_c3d *c3d, size_t channel, double *out, size_t stride)
{
    if (channel >= c3d->analog_count) {
        return KL_ERR_ARG;
    }
    double offset = analog_number(c3d, "OFFSET", channel, 0.0);
    if (c3d->unsigned_analog && offset < 0 && offset >= -32768.0) {
        offset += 65536.0; /* an unsigned number in a signed field */
    }
    double gain = analog_number(c3d, "SCALE", channel, 1.0) * c3d->analog_gain;
    size_t size = number_size(c3d);
    size_t i = 0;
    for (size_t frame = 0; frame < c3d->frame_count; frame++) {
        const uint8_t *p = frame_at(c3d, frame) + (4 * c3d->point_count + channel) * size;
        for (size_t sub = 0; sub < c3d->subframe_count; sub++, p += c3d->analog_count * size) {
            double raw = c3d->is_float          ? kl_c3d_f32(c3d, p)
                         : c3d->unsigned_analog ? kl_c3d_u16(c3d, p)
                                                : kl_c3d_i16(c3d, p);
            out[stride * i++] = (raw - offset) * gain;
        }
    }
    return KL_OK;
}

bool kl_c3d_point(const struct kl_c3d *c3d, size_t frame, size_t point, double *xyz)
{
    if (frame >= c3d->frame_count || point >= c3d->point_count) {
        return false;
    }
    const uint8_t *p = frame_at(c3d, frame) + 4 * point * number_size(c3d);
    double value[3];
    int16_t mask;
    if (c3d->is_float) {
        double w = kl_c3d_f32(c3d, p + 12);
        if (!(fabs(w) < 2147483648.0)) {
            return false;
        }
        mask = (int16_t)(int32_t)w; /* some files write 65535.0 for -1 */
    } else {
        mask = kl_c3d_i16(c3d, p + 6);
    }
    for (size_t i = 0; i < 3; i++) {
        value[i] =
            c3d->is_float ? kl_c3d_f32(c3d, p + 4 * i) : kl_c3d_i16(c3d, p + 2 * i) * c3d->scale;
    }
    if (mask < 0) {
        return false;
    }
    memcpy(xyz, value, sizeof(value));
    return true;
}
