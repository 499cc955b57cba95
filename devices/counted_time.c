#include "devices/counted_time.h"

#include <math.h>

#define BYTE_MASK 0xff  /* a counter this short wraps too often to tell a restart from a loss */
#define GAP_PERIODS 1.5 /* a step of time that is nearer to two periods than to one */

enum kl_time_meaning kl_counted_time_meaning(const struct kl_counted_time *time)
{
    return time->has_time            ? KL_TIME_COUNTER
           : time->counter_mask != 0 ? KL_TIME_INDEX
                                     : KL_TIME_ARRIVAL;
}

/* @return samples from the last one to this */
static int64_t step_count(struct kl_counted_time *time, uint64_t count, uint32_t *quality)
{
    uint64_t lost = (count - time->last_count - 1) & time->counter_mask;
    if (lost > time->counter_mask / 2 && time->counter_mask > BYTE_MASK) {
        time->resets++;
        *quality |= KL_QUALITY_GAP | KL_QUALITY_CLOCK;
        return 1;
    }
    *quality |= lost > 0 ? KL_QUALITY_GAP : 0;
    time->lost += lost;
    return 1 + (int64_t)lost;
}

static void step_time(struct kl_counted_time *time, uint64_t ticks, uint32_t *quality)
{
    uint64_t step = ticks - time->last_ticks;
    uint64_t half = UINT64_MAX / 2;
    if (time->wraps && time->time_wrap != 0) {
        half = time->time_wrap / 2;
        step = ticks >= time->last_ticks ? step : time->time_wrap - time->last_ticks + ticks;
    }
    if (step > half || (step == 0 && time->distinct)) {
        time->resets++;
        *quality |= KL_QUALITY_GAP | KL_QUALITY_CLOCK;
        time->time_ns += time->absolute ? 0 : (int64_t)time->period_ns;
        return;
    }
    double step_ns = fmin((double)step * time->tick_ns, 1e17); /* 3 years: keeps int64 safe */
    if (time->counter_mask == 0 && step_ns > GAP_PERIODS * time->period_ns) {
        time->lost += (uint64_t)fmax(round(step_ns / time->period_ns) - 1, 0);
        *quality |= KL_QUALITY_GAP;
    }
    time->time_ns = time->time_ns < INT64_MAX / 2 ? time->time_ns + llround(step_ns) : 0;
}

int64_t kl_counted_time_step(struct kl_counted_time *time, uint64_t count, uint64_t ticks,
                             uint32_t *quality)
{
    count &= time->counter_mask;
    if (time->time_wrap != 0 && ticks >= time->time_wrap) {
        time->wraps = false; /* wider than was thought */
    }
    if (!time->started) {
        time->started = true;
    } else {
        time->index += time->counter_mask != 0 ? step_count(time, count, quality) : 1;
        if (time->has_time) {
            step_time(time, ticks, quality);
        }
    }
    time->time_ns = time->absolute ? (int64_t)ticks : time->time_ns;
    time->last_count = count;
    time->last_ticks = ticks;
    return time->has_time ? time->time_ns : llround((double)time->index * time->period_ns);
}

void kl_counted_time_restart(struct kl_counted_time *time)
{
    time->started = false;
    time->index = time->time_ns = 0;
}

struct kl_counted_time kl_counted_time_absolute(double period_ns, bool distinct)
{
    return (struct kl_counted_time){.has_time = true,
                                    .absolute = true,
                                    .distinct = distinct,
                                    .tick_ns = 1,
                                    .period_ns = period_ns};
}
