#include "process/motion/clipping.h"

#include <math.h>

void kl_clipping_init(struct kl_clipping *clipping, const struct kl_clipping_settings *settings)
{
    *clipping = (struct kl_clipping){.settings = *settings};
}

bool kl_clipping_step(struct kl_clipping *clipping, struct kl_vec w_rad_s, struct kl_vec a_m_s2)
{
    const double value[6] = {w_rad_s.x, w_rad_s.y, w_rad_s.z, a_m_s2.x, a_m_s2.y, a_m_s2.z};
    bool clipped = false;
    for (int c = 0; c < 6; c++) {
        double range = c < 3 ? clipping->settings.rate_range_rad_s
                             : clipping->settings.acceleration_range_m_s2;
        /* the sign counts: from one rail to the other is no plateau, but no motion does that */
        bool beyond = range > 0 && fabs(value[c]) > KL_CLIPPING_SHARE * range;
        clipping->run[c] = beyond ? clipping->run[c] + (clipping->run[c] < UINT32_MAX) : 0;
        clipping->events += clipping->run[c] == KL_CLIPPING_SAMPLES;
        clipped = clipped || clipping->run[c] >= KL_CLIPPING_SAMPLES;
    }
    return clipped;
}
