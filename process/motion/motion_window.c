#include "process/motion/motion_window.h"

static const char *const texts[KL_MOTION_MARK_COUNT] = {
    "no sensor",
    "not calibrated",
    "samples missing or late",
    "sensor at its rail",
    "strap slipped",
    "functional axis unsure",
    "cross-talk suspected",
    "heading unsure",
    "settling",
    "side unknown",
    "next contact unknown",
    "excursion below 2 deg",
    "angle beyond 80 deg",
    "no stance in the window",
};

const char *kl_motion_mark_text(enum kl_motion_mark bit)
{
    for (unsigned i = 0; i < KL_MOTION_MARK_COUNT; i++) {
        if ((unsigned)bit == 1u << i) {
            return texts[i];
        }
    }
    return "unknown";
}
