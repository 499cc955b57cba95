/* Lost samples and unwrapped time, from what a self-made device sends with each sample: a counter,
 * a time, both or neither. Set up once, stepped per sample. Pure; RT safe. */
#ifndef KL_DEVICES_COUNTED_TIME_H
#define KL_DEVICES_COUNTED_TIME_H

#include "acquire/driver.h"

struct kl_counted_time {
    /* what the device sends */
    uint64_t counter_mask; /* 2^bits - 1; 0: no counter */
    uint64_t time_wrap;    /* ticks after which the time begins again; 0: none */
    bool has_time, wraps;
    double tick_ns, period_ns;

    bool started;
    uint64_t last_count, last_ticks;
    int64_t index;   /* samples since the first, lost ones included */
    int64_t time_ns; /* unwrapped, from the first on */
    uint64_t lost, resets;
};

/** What device times then mean: the device's time, else the counter, else none. */
enum kl_time_meaning kl_counted_time_meaning(const struct kl_counted_time *time);

/** One sample. @param count  ignored without a counter  @param ticks  ignored without a time
 *  @param quality  bits are added: GAP after a loss; GAP and CLOCK after a restart or a sample out
 *                  of order, where nothing says how long the break was
 *  @return device time, ns */
int64_t kl_counted_time_step(struct kl_counted_time *time, uint64_t count, uint64_t ticks,
                             uint32_t *quality);

#endif
