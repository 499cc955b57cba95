/* The reported part of one contact: backward pass, drift line, crossings. Methods 3.3 and 4.1. */
#ifndef KL_PROCESS_FORCE_STANCE_H
#define KL_PROCESS_FORCE_STANCE_H

#include "process/force/butterworth.h"
#include "process/force/drift_line.h"

/** Runs the filter backward over samples [first, last] of the ring, from the steady state of the
 *  last one: with the forward pass behind it, zero lag.
 *  @param wrench  out [last - first + 1] */
void kl_stance_backward(const struct kl_wrench_ring *ring, const struct kl_butterworth *filter,
                        uint64_t first, uint64_t last, double (*wrench)[KL_WRENCH_COUNT]);

/** Subtracts the drift line. @param first  sample index of wrench[0] */
void kl_stance_correct(const struct kl_drift_line *line, uint64_t first, size_t count,
                       double (*wrench)[KL_WRENCH_COUNT]);

/** Where the vertical force rises and falls through the threshold. */
struct kl_stance_crossings {
    bool has_rise, has_fall;
    double rise, fall; /* positions in wrench, interpolated between samples */
};

/** Looks outwards from the largest force between two positions.
 *  @param from, to  where the contact is expected, < count
 *  @return false (out untouched) when the force does not reach the threshold there */
bool kl_stance_cross(const double (*wrench)[KL_WRENCH_COUNT], size_t count, size_t from, size_t to,
                     double threshold_n, struct kl_stance_crossings *out);

#endif
