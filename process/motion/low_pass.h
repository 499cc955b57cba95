/* A slow causal low-pass of several channels that starts as a running mean.
 *
 * A second-order filter of 3 s would need many seconds to forget where it began. For its first
 * `start` samples the output is the mean of what came so far; then the filter takes over in the
 * state in which that mean is steady (methods 8.2, VQF). The coefficients are those of the force
 * chain's Butterworth filter. Threads: one at a time. RT safe after _init.
 */
#ifndef KL_PROCESS_MOTION_LOW_PASS_H
#define KL_PROCESS_MOTION_LOW_PASS_H

#include "process/force/butterworth.h"

struct kl_low_pass {
    struct kl_butterworth filter;
    uint32_t start, count; /* samples of the running mean, and how many of them have come */
};

/** Cut-off sqrt(2) / (2 pi tau): the delay of slow signals is tau. @return KL_OK or KL_ERR_RANGE */
KL_CHECK int kl_low_pass_init(struct kl_low_pass *out, double tau_s, double rate_hz);

/** Still the mean of fewer than tau seconds. */
static inline bool kl_low_pass_starting(const struct kl_low_pass *f)
{
    return f->count < f->start;
}

/** One sample while it starts: call when kl_low_pass_starting. z0, z1 [n] are the states. */
void kl_low_pass_start(struct kl_low_pass *f, size_t n, const double *in, double *z0, double *z1,
                       double *out);

/** One sample of n channels; out may be in. */
static inline void kl_low_pass_step(struct kl_low_pass *f, size_t n, const double *in, double *z0,
                                    double *z1, double *out)
{
    if (kl_low_pass_starting(f)) {
        kl_low_pass_start(f, n, in, z0, z1, out);
        return;
    }
    for (size_t c = 0; c < n; c++) {
        double x = in[c];
        double y = f->filter.b0 * x + z0[c];
        z0[c] = f->filter.b1 * x - f->filter.a1 * y + z1[c];
        z1[c] = f->filter.b0 * x - f->filter.a2 * y;
        out[c] = y;
    }
}

#endif
