/* The scrolling force curve: every sample leaves its mark in one point per 5 ms (lowest and highest
 * value), so that a spike between two points is still seen. Threads: one; no allocation. */
#ifndef KL_PROCESS_TRACE_H
#define KL_PROCESS_TRACE_H

#include "process/force/force_chain.h"
#include "process/snapshot.h"

/** The point that is being filled. */
struct kl_trace {
    bool has_bin;
    int64_t bin; /* session time / point spacing */
    struct kl_trace_point point;
};

/** One sample of a plate; finished points go into plate->trace (a ring, oldest at trace_head).
 *  @param fy_n      vertical force, causal, N
 *  @param reach_ns  a sample stands for the time since the one before it when that is no longer
 *                   ago than this (slow plates); longer stretches are shown as missing */
void kl_trace_push(struct kl_trace *trace, struct kl_snapshot_plate *plate, int64_t t_ns,
                   double fy_n, bool contact, enum kl_side side, int64_t reach_ns);

/** The curve of one contact, 0-100 %, linear between samples.
 *  @param body_weight_n  0: not known, forces are in N / 1000 then */
void kl_curve_fill(struct kl_curve *curve, const struct kl_contact *contact, uint32_t step,
                   double body_weight_n);

#endif
