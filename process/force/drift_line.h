/* In flight the true force is zero: what the plate says there is its drift. Methods 3.4.
 *
 * Each flight of at least 40 ms gives an anchor: mean of the raw channels over its central half.
 * A stance is corrected by the line through the anchors on its two sides.
 */
#ifndef KL_PROCESS_FORCE_DRIFT_LINE_H
#define KL_PROCESS_FORCE_DRIFT_LINE_H

#include "process/force/wrench_ring.h"

/** What one flight says about the zero of every channel. */
struct kl_drift_anchor {
    bool known;
    double index; /* mean sample index of the window */
    double level[KL_WRENCH_COUNT];
    double sd[KL_WRENCH_COUNT];
    double covariance_mx_fy, covariance_mz_fy;
};

/** The level a stance is corrected by, channel by channel: level + slope * (index - origin). */
struct kl_drift_line {
    double origin;
    double level[KL_WRENCH_COUNT];
    double slope[KL_WRENCH_COUNT];
};

/** Measures the flight [from, to) of sample indices (true times, filter delay taken off).
 *  @return an anchor that is not known when the flight is shorter than 40 ms or gone from the ring
 */
struct kl_drift_anchor kl_drift_anchor_measure(const struct kl_wrench_ring *ring, double rate_hz,
                                               uint64_t from, uint64_t to);

/** Line through both; with one anchor its level, with none zero. */
struct kl_drift_line kl_drift_line_between(const struct kl_drift_anchor *before,
                                           const struct kl_drift_anchor *after);

static inline double kl_drift_line_at(const struct kl_drift_line *line, size_t channel,
                                      double index)
{
    return line->level[channel] + line->slope[channel] * (index - line->origin);
}

#endif
