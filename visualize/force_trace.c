#include "visualize/force_trace.h"

#define POINT_NS (KL_NS_PER_S / KL_TRACE_RATE_HZ)

size_t kl_force_trace_count(const struct kl_snapshot *snapshot)
{
    return snapshot->plate_count < KL_SNAPSHOT_PLATES ? snapshot->plate_count : KL_SNAPSHOT_PLATES;
}

struct kl_force_trace kl_force_trace_get(const struct kl_snapshot *snapshot, size_t i)
{
    const struct kl_snapshot_plate *plate = &snapshot->plate[i];
    size_t count = plate->trace_count < KL_TRACE_SAMPLES ? plate->trace_count : KL_TRACE_SAMPLES;
    return (struct kl_force_trace){.plate = plate,
                                   /* To the nearest: points are POINT_NS apart. */
                                   .newest = (plate->trace_end_ns / (POINT_NS / 2) + 1) / 2,
                                   .count = (int64_t)count};
}

const struct kl_trace_point *kl_force_trace_point(const struct kl_force_trace *trace,
                                                  int64_t number)
{
    int64_t back = trace->newest - number;
    if (back < 0 || back >= trace->count) {
        return NULL;
    }
    size_t place = trace->plate->trace_head % KL_TRACE_SAMPLES + (size_t)(trace->count - 1 - back);
    return &trace->plate->trace[place < KL_TRACE_SAMPLES ? place : place - KL_TRACE_SAMPLES];
}

int64_t kl_force_trace_newest(const struct kl_snapshot *snapshot)
{
    int64_t newest = 0;
    for (size_t i = 0; i < kl_force_trace_count(snapshot); i++) {
        struct kl_force_trace trace = kl_force_trace_get(snapshot, i);
        if (trace.count > 0 && trace.newest > newest) {
            newest = trace.newest;
        }
    }
    return newest;
}
