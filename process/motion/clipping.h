/* Finds an inertial sensor at its rail.
 *
 * One sample near the range may be a true peak; two in a row on one channel are a plateau that the
 * motion did not have. What is cut off does not cancel over a stride: 5 g lost for 3 ms per stride
 * across gravity tilt the orientation by 1.2 deg (methods 8.3).
 * Caller's memory. Threads: any, one at a time. RT safe.
 */
#ifndef KL_PROCESS_MOTION_CLIPPING_H
#define KL_PROCESS_MOTION_CLIPPING_H

#include "acquire/stream.h"
#include "process/motion/rotation.h"

#define KL_CLIPPING_SHARE 0.98 /* of the range: a rail is rarely exactly the nominal one */
#define KL_CLIPPING_SAMPLES 2  /* consecutive, on one channel */

struct kl_clipping_settings {
    double rate_range_rad_s;        /* 0: not known, nothing is found */
    double acceleration_range_m_s2; /* 0: not known */
};

struct kl_clipping {
    struct kl_clipping_settings settings;
    uint32_t run[6]; /* samples in a row beyond the share: rate x y z, acceleration x y z */
    uint64_t events; /* plateaus since init */
};

void kl_clipping_init(struct kl_clipping *clipping, const struct kl_clipping_settings *settings);

/** One sample. @return this sample belongs to a plateau (its second sample or a later one) */
static inline bool kl_clipping_step(struct kl_clipping *clipping, struct kl_vec w_rad_s,
                                    struct kl_vec a_m_s2)
{
    if (clipping->settings.rate_range_rad_s == 0 &&
        clipping->settings.acceleration_range_m_s2 == 0) {
        return false;
    }
    const double value[6] = {w_rad_s.x, w_rad_s.y, w_rad_s.z, a_m_s2.x, a_m_s2.y, a_m_s2.z};
    bool clipped = false;
    for (int c = 0; c < 6; c++) {
        double range = c < 3 ? clipping->settings.rate_range_rad_s
                             : clipping->settings.acceleration_range_m_s2;
        bool beyond = range > 0 && fabs(value[c]) > KL_CLIPPING_SHARE * range;
        clipping->run[c] = beyond ? clipping->run[c] + (clipping->run[c] < UINT32_MAX) : 0;
        clipping->events += clipping->run[c] == KL_CLIPPING_SAMPLES;
        clipped = clipped || clipping->run[c] >= KL_CLIPPING_SAMPLES;
    }
    return clipped;
}

#endif
