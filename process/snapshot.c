#include "process/snapshot.h"

const char *kl_gait_text(enum kl_gait gait)
{
    static const char *const text[] = {
        [KL_GAIT_NONE] = "no runner",
        [KL_GAIT_STAND] = "standing",
        [KL_GAIT_WALK] = "walking",
        [KL_GAIT_RUN] = "running",
        [KL_GAIT_GROUNDED] = "running without flight",
    };
    return (unsigned)gait < sizeof(text) / sizeof(text[0]) ? text[gait] : "unknown";
}
