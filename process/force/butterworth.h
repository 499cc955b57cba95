/* The one low-pass filter of the force chain: second-order Butterworth, run forward and backward.
 *
 * Run twice, the total gain at the cut-off is -3 dB: the design frequency is corrected for the two
 * passes (some packages do not correct; the session records the convention with the cut-off).
 * Sections are in direct form II transposed, double precision: methods 3.2 and 3.3.
 */
#ifndef KL_PROCESS_FORCE_BUTTERWORTH_H
#define KL_PROCESS_FORCE_BUTTERWORTH_H

#include "acquire/stream.h"

/** Derived once from cut-off and rate. b2 equals b0. */
struct kl_butterworth {
    double b0, b1, a1, a2;
    double steady0, steady1; /* state per unit of a constant input */
    size_t settle;           /* samples after which a wrong start has decayed below 1e-12 of it */
};

/** Samples per second needed for each Hz of cut-off; beyond it the bilinear transform bends. */
#define KL_RATE_PER_CUTOFF 2.5

/** @param cutoff_hz  -3 dB point of the forward-backward filter, Hz, 0 < cutoff <= rate / 2.5
 *  @param rate_hz    sampling rate, Hz
 *  @return KL_OK or KL_ERR_RANGE (out untouched)
 *  Equation: C = (sqrt 2 - 1)^(1/4), K = tan(pi fc/fs)/C, ... Source: methods 3.2 */
KL_CHECK int kl_butterworth_init(struct kl_butterworth *out, double cutoff_hz, double rate_hz);

/** The same for a single causal pass that loses 3 dB at the cut-off by itself: the live curve and
 *  the contact detector. */
KL_CHECK int kl_butterworth_init_causal(struct kl_butterworth *out, double cutoff_hz,
                                        double rate_hz);

/** Delay of one pass for slow signals, samples. */
double kl_butterworth_delay(const struct kl_butterworth *filter);

/** States of one section per channel, filtered side by side. */
struct kl_butterworth_state {
    double z0[KL_WRENCH_COUNT], z1[KL_WRENCH_COUNT];
};

/** The state in which a constant input stays what it is. */
static inline void kl_butterworth_settle(const struct kl_butterworth *filter,
                                         struct kl_butterworth_state *state,
                                         const double input[KL_WRENCH_COUNT])
{
    for (size_t c = 0; c < KL_WRENCH_COUNT; c++) {
        state->z0[c] = filter->steady0 * input[c];
        state->z1[c] = filter->steady1 * input[c];
    }
}

/** One sample of all channels; output may be input. RT safe. */
static inline void kl_butterworth_step(const struct kl_butterworth *filter,
                                       struct kl_butterworth_state *state,
                                       const double input[KL_WRENCH_COUNT],
                                       double output[KL_WRENCH_COUNT])
{
    for (size_t c = 0; c < KL_WRENCH_COUNT; c++) {
        double x = input[c];
        double y = filter->b0 * x + state->z0[c];
        state->z0[c] = filter->b1 * x - filter->a1 * y + state->z1[c];
        state->z1[c] = filter->b0 * x - filter->a2 * y;
        output[c] = y;
    }
}

#endif
