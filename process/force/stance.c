#include "process/force/stance.h"

#include <string.h>

void kl_stance_backward(const struct kl_wrench_ring *ring, const struct kl_butterworth *filter,
                        uint64_t first, uint64_t last, double (*wrench)[KL_WRENCH_COUNT])
{
    struct kl_butterworth_state state;
    kl_butterworth_settle(filter, &state, ring->forward[kl_wrench_ring_slot(ring, last)]);
    for (uint64_t i = last + 1; i-- > first;) {
        kl_butterworth_step(filter, &state, ring->forward[kl_wrench_ring_slot(ring, i)],
                            wrench[i - first]);
    }
}

void kl_stance_correct(const struct kl_drift_line *line, uint64_t first, size_t count,
                       double (*wrench)[KL_WRENCH_COUNT])
{
    for (size_t i = 0; i < count; i++) {
        for (size_t c = 0; c < KL_WRENCH_COUNT; c++) {
            wrench[i][c] -= kl_drift_line_at(line, c, (double)(first + i));
        }
    }
}

/* Position between two neighbours, the first below and the second not, or the other way round. */
static double between(const double (*wrench)[KL_WRENCH_COUNT], size_t i, double threshold_n)
{
    double a = wrench[i][KL_FY];
    double b = wrench[i + 1][KL_FY];
    return (double)i + (threshold_n - a) / (b - a);
}

bool kl_stance_cross(const double (*wrench)[KL_WRENCH_COUNT], size_t count, size_t from, size_t to,
                     double threshold_n, struct kl_stance_crossings *out)
{
    size_t peak = from;
    for (size_t i = from; i <= to; i++) {
        peak = wrench[i][KL_FY] > wrench[peak][KL_FY] ? i : peak;
    }
    if (!(wrench[peak][KL_FY] >= threshold_n)) {
        return false;
    }
    size_t rise = peak;
    while (rise > 0 && wrench[rise - 1][KL_FY] >= threshold_n) {
        rise--;
    }
    size_t fall = peak;
    while (fall + 1 < count && wrench[fall + 1][KL_FY] >= threshold_n) {
        fall++;
    }
    struct kl_stance_crossings found = {.has_rise = rise > 0, .has_fall = fall + 1 < count};
    if (found.has_rise) {
        found.rise = between(wrench, rise - 1, threshold_n);
    }
    if (found.has_fall) {
        found.fall = between(wrench, fall, threshold_n);
    }
    *out = found;
    return true;
}
