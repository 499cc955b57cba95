/* The points of the scrolling force curve, numbered from session time 0: whatever the ring in the
 * snapshot looks like, the same point keeps its number. */
#ifndef KL_VISUALIZE_FORCE_TRACE_H
#define KL_VISUALIZE_FORCE_TRACE_H

#include "process/snapshot.h"

struct kl_force_trace {
    const struct kl_snapshot_plate *plate;
    int64_t newest; /* number of the newest point */
    int64_t count;
};

/** Plates of a snapshot, at most KL_SNAPSHOT_PLATES. */
size_t kl_force_trace_count(const struct kl_snapshot *snapshot);

/** Trace of plate i < kl_force_trace_count. */
struct kl_force_trace kl_force_trace_get(const struct kl_snapshot *snapshot, size_t i);

/** A point by its number; NULL when the snapshot does not hold it. */
const struct kl_trace_point *kl_force_trace_point(const struct kl_force_trace *trace,
                                                  int64_t number);

/** Number of the newest point of any plate; 0: none. */
int64_t kl_force_trace_newest(const struct kl_snapshot *snapshot);

#endif
