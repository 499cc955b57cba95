#include "process/force/drift_line.h"

#include <math.h>

/* A flight of 20 ms biases its level by 7.7 N (methods 3.4). */
#define ANCHOR_MIN_S 0.040

struct kl_drift_anchor kl_drift_anchor_measure(const struct kl_wrench_ring *ring, double rate_hz,
                                               uint64_t from, uint64_t to)
{
    struct kl_drift_anchor anchor = {0};
    if (to <= from || (double)(to - from) < ANCHOR_MIN_S * rate_hz - 1e-6) {
        return anchor;
    }
    uint64_t length = to - from;
    uint64_t first = from + length / 4;
    uint64_t last = from + (3 * length) / 4; /* one after the window */
    if (last <= first || !kl_wrench_ring_holds(ring, first) ||
        !kl_wrench_ring_holds(ring, last - 1)) {
        return anchor;
    }
    double n = (double)(last - first);
    for (uint64_t i = first; i < last; i++) {
        const double *raw = ring->raw[kl_wrench_ring_slot(ring, i)];
        for (size_t c = 0; c < KL_WRENCH_COUNT; c++) {
            anchor.level[c] += raw[c];
        }
    }
    for (size_t c = 0; c < KL_WRENCH_COUNT; c++) {
        anchor.level[c] /= n;
    }
    for (uint64_t i = first; i < last; i++) {
        const double *raw = ring->raw[kl_wrench_ring_slot(ring, i)];
        for (size_t c = 0; c < KL_WRENCH_COUNT; c++) {
            double off = raw[c] - anchor.level[c];
            anchor.sd[c] += off * off;
        }
        double off_fy = raw[KL_FY] - anchor.level[KL_FY];
        anchor.covariance_mx_fy += (raw[KL_MX] - anchor.level[KL_MX]) * off_fy;
        anchor.covariance_mz_fy += (raw[KL_MZ] - anchor.level[KL_MZ]) * off_fy;
    }
    double freedom = n > 1 ? n - 1 : 1;
    for (size_t c = 0; c < KL_WRENCH_COUNT; c++) {
        anchor.sd[c] = sqrt(anchor.sd[c] / freedom);
    }
    anchor.covariance_mx_fy /= freedom;
    anchor.covariance_mz_fy /= freedom;
    anchor.index = 0.5 * (double)(first + last - 1);
    anchor.known = true;
    return anchor;
}

struct kl_drift_line kl_drift_line_between(const struct kl_drift_anchor *before,
                                           const struct kl_drift_anchor *after)
{
    struct kl_drift_line line = {0};
    const struct kl_drift_anchor *one = before->known ? before : after;
    if (!one->known) {
        return line;
    }
    line.origin = one->index;
    bool both = before->known && after->known && after->index > before->index;
    for (size_t c = 0; c < KL_WRENCH_COUNT; c++) {
        line.level[c] = one->level[c];
        if (both) {
            line.slope[c] = (after->level[c] - before->level[c]) / (after->index - before->index);
        }
    }
    return line;
}
