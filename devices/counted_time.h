/* Lost samples and unwrapped time, from what a device sends with each sample: a counter, a time,
 * both or neither. Set up once, stepped per sample. Nothing is filled: a step of time of more than
 * one and a half periods is a gap, a step backwards is a device that was reset. Pure; RT safe. */
#ifndef KL_DEVICES_COUNTED_TIME_H
#define KL_DEVICES_COUNTED_TIME_H

#include "acquire/driver.h"

struct kl_counted_time {
    /* what the device sends */
    uint64_t counter_mask; /* 2^bits - 1; 0: no counter */
    uint64_t time_wrap;    /* ticks after which the time begins again; 0: none */
    bool has_time, wraps;
    bool absolute; /* ticks are ns as int64, kept as they are */
    bool distinct; /* ticks are so fine that no two samples share one: the same again is a reset */
    double tick_ns, period_ns;

    bool started;
    uint64_t last_count, last_ticks;
    int64_t index;   /* samples since the first, lost ones included */
    int64_t time_ns; /* unwrapped, from the first on; absolute: the device's */
    uint64_t lost, resets;
};

/** Of a device that sends a time of its own, made ns, and no counter: absolute. */
struct kl_counted_time kl_counted_time_absolute(double period_ns, bool distinct);

/** What device times then mean: the device's time, else the counter, else none. */
enum kl_time_meaning kl_counted_time_meaning(const struct kl_counted_time *time);

/** Begins again, after a (re)start of the device; what it sends stays as it is. */
void kl_counted_time_restart(struct kl_counted_time *time);

/** One sample. @param count  ignored without a counter  @param ticks  ignored without a time
 *  @param quality  bits are added: GAP after a loss; GAP and CLOCK after a restart or a sample out
 *                  of order, where nothing says how long the break was
 *  @return device time, ns */
int64_t kl_counted_time_step(struct kl_counted_time *time, uint64_t count, uint64_t ticks,
                             uint32_t *quality);

#endif
