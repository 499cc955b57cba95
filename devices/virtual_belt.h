/* The treadmill under a virtual runner: its speed, which dips a little in every stance, and its
 * incline. The runner's forces follow the mean speed. */
#ifndef KL_DEVICES_VIRTUAL_BELT_H
#define KL_DEVICES_VIRTUAL_BELT_H

#include "devices/noise.h"
#include "devices/virtual_gait.h"

struct kl_virtual_belt {
    double rate_hz, speed_m_s, variation, incline_rad;
    double start_s; /* the belt moves from here on */
    double noise_scale;
    struct kl_noise noise;
};

void kl_virtual_belt_init(struct kl_virtual_belt *belt, const struct kl_virtual_runner *runner);

/** Name and channels of the stream, as of real treadmills (devices/belt_stream.h). */
void kl_virtual_belt_describe(const struct kl_virtual_belt *belt, struct kl_stream *out);

/** One sample. @param value  out [2] speed m/s, incline rad */
void kl_virtual_belt_read(struct kl_virtual_belt *belt, const struct kl_virtual_contact *contact,
                          size_t count, double t_s, double *value);

#endif
