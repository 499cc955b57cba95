/* Zero-lag filters over one stretch of EMG, in place: methods 13.
 *
 * Every filter is second order, run forward and backward, so fourth order without lag; cut-offs are
 * -3 dB of both passes together. Ends begin in the steady state of their first sample, and their
 * first and last 50 ms are not to be read. Threads: any. RT safe.
 */
#ifndef KL_PROCESS_MUSCLE_EMG_FILTER_H
#define KL_PROCESS_MUSCLE_EMG_FILTER_H

#include "acquire/stream.h"

/** One second-order section. */
struct kl_emg_section {
    double b0, b1, b2, a1, a2;
};

/** @return KL_OK or KL_ERR_RANGE (out untouched): a cut-off at or above 0.48 of the rate */
KL_CHECK int kl_emg_high_pass(struct kl_emg_section *out, double cutoff_hz, double rate_hz);
KL_CHECK int kl_emg_low_pass(struct kl_emg_section *out, double cutoff_hz, double rate_hz);

/** Takes one frequency out. @param quality  Q: centre frequency / width */
KL_CHECK int kl_emg_notch(struct kl_emg_section *out, double frequency_hz, double quality,
                          double rate_hz);

/** Forward and backward. @param x  inout [count] */
void kl_emg_filter(const struct kl_emg_section *section, double *x, size_t count);

#endif
