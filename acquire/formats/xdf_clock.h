/* From the stamps in other people's XDF files to one clock, as the XDF community does it: each
 * stream's stamps are moved by a robust line through its clock offsets (piecewise where the sending
 * computer restarted), then the jitter of regular streams is taken out by a straight line over the
 * sample index.
 *
 * Results agree with pyxdf (commit 8ceb102a) to 1e-6 s; the conditioning of the normal equations
 * of its robust fit allows no more.
 * Threads: any. Not RT safe (memory for medians).
 */
#ifndef KL_ACQUIRE_FORMATS_XDF_CLOCK_H
#define KL_ACQUIRE_FORMATS_XDF_CLOCK_H

#include "acquire/stream.h"

/** Measured offsets of one stream: at `time_s` on its own clock, add `value_s`. */
struct kl_xdf_offsets {
    double *time_s, *value_s; /* [count] */
    size_t count;
};

/** Robust line value = c[0] + c[1] * time through n >= 2 offsets (Huber loss, 1000 ADMM steps).
 *  @return false, with c = 0, when all times are equal */
bool kl_xdf_robust_line(const double *time_s, const double *value_s, size_t n, double c[2]);

/** Moves stamps to the recorder's clock.
 *  @param stamp_s  in/out [n]
 *  @return KL_OK or KL_ERR_MEM */
KL_CHECK int kl_xdf_clock_sync(const struct kl_xdf_offsets *offsets, double *stamp_s, size_t n);

/** Replaces stamps by a line over the index, per segment without breaks (1 s or 500 samples).
 *  @param rate_hz  nominal, > 0
 *  @param stamp_s  in/out [n]
 *  @return effective rate, Hz; 0 for fewer than two samples */
double kl_xdf_dejitter(double rate_hz, double *stamp_s, size_t n);

/** Whether the last of at least three offsets does not belong to the others: together with more
 *  samples than the footer counts, the sign of a known bug of the recording software. */
bool kl_xdf_last_offset_is_stray(const struct kl_xdf_offsets *offsets);

#endif
