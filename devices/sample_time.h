/* Device time of successive samples: what a step of it means.
 *
 * A step of more than one and a half periods is a gap (the hub counts how many are missing from
 * the step), a step backwards is a device that was reset. Nothing is filled.
 */
#ifndef KL_DEVICES_SAMPLE_TIME_H
#define KL_DEVICES_SAMPLE_TIME_H

#include "acquire/stream.h"

/** Zeroed: nothing seen yet. */
struct kl_sample_time {
    bool begun;
    int64_t last_ns;
};

/** Takes the device time of the next sample.
 *  @return quality bits: KL_QUALITY_GAP after a gap; with KL_QUALITY_CLOCK when time went back */
static inline uint32_t kl_sample_time_step(struct kl_sample_time *time, int64_t device_ns,
                                           int64_t period_ns)
{
    bool begun = time->begun;
    int64_t last_ns = time->last_ns;
    time->begun = true;
    time->last_ns = device_ns;
    if (!begun) {
        return 0;
    }
    if (device_ns < last_ns) {
        return KL_QUALITY_GAP | KL_QUALITY_CLOCK;
    }
    /* unsigned: two damaged times may lie further apart than int64 holds */
    uint64_t step = (uint64_t)device_ns - (uint64_t)last_ns;
    return step > (uint64_t)period_ns + (uint64_t)period_ns / 2 ? KL_QUALITY_GAP : 0;
}

#endif
