/* A zero-lag low-pass of one channel inside a window with margins: forward, then backward. */
#ifndef KL_PROCESS_MOTION_ZERO_LAG_H
#define KL_PROCESS_MOTION_ZERO_LAG_H

#include "process/force/butterworth.h"

/** @param x       [n] every stride-th double of it, in place
 *  @param filter  of kl_butterworth_init: the total gain is -3 dB at its cut-off
 *  Both passes start in the steady state of their first sample; the error of that has decayed
 *  filter->settle samples from either end. RT safe. */
static inline void kl_zero_lag(const struct kl_butterworth *filter, double *x, size_t n,
                               size_t stride)
{
    for (int pass = 0; pass < 2; pass++) {
        double start = x[pass == 0 ? 0 : (n - 1) * stride];
        double z0 = filter->steady0 * start;
        double z1 = filter->steady1 * start;
        for (size_t i = 0; i < n; i++) {
            double *at = &x[(pass == 0 ? i : n - 1 - i) * stride];
            double y = filter->b0 * *at + z0;
            z0 = filter->b1 * *at - filter->a1 * y + z1;
            z1 = filter->b0 * *at - filter->a2 * y;
            *at = y;
        }
    }
}

#endif
