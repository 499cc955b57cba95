#include "process/trace.h"

#include "process/force/cop.h"

#include <math.h>

#define POINT_NS (KL_NS_PER_S / KL_TRACE_RATE_HZ)

static void put(struct kl_snapshot_plate *plate, struct kl_trace_point point, int64_t bin)
{
    size_t at = (plate->trace_head + plate->trace_count) % KL_TRACE_SAMPLES;
    plate->trace[at] = point;
    if (plate->trace_count < KL_TRACE_SAMPLES) {
        plate->trace_count++;
    } else {
        plate->trace_head = (plate->trace_head + 1) % KL_TRACE_SAMPLES;
    }
    plate->trace_end_ns = (bin + 1) * POINT_NS;
}

/* Points between two samples: the line goes on over a short stretch, and is broken over a long
 * one. */
static void bridge(struct kl_trace *trace, struct kl_snapshot_plate *plate, int64_t to, bool near)
{
    struct kl_trace_point between = trace->point;
    if (!near) {
        between = (struct kl_trace_point){.low_n = NAN, .high_n = NAN};
    }
    int64_t from = trace->bin + 1;
    from = to - from > KL_TRACE_SAMPLES ? to - KL_TRACE_SAMPLES : from;
    for (int64_t bin = from; bin < to; bin++) {
        put(plate, between, bin);
    }
}

void kl_trace_push(struct kl_trace *trace, struct kl_snapshot_plate *plate, int64_t t_ns,
                   double fy_n, bool contact, enum kl_side side, int64_t reach_ns)
{
    int64_t bin = t_ns / POINT_NS;
    float value = (float)fy_n;
    if (trace->has_bin && bin <= trace->bin) {
        trace->point.low_n = fminf(trace->point.low_n, value);
        trace->point.high_n = fmaxf(trace->point.high_n, value);
        trace->point.contact = contact;
        trace->point.side = (uint8_t)side;
        return;
    }
    if (trace->has_bin) {
        put(plate, trace->point, trace->bin);
        bridge(trace, plate, bin, (bin - trace->bin - 1) * POINT_NS <= reach_ns);
    }
    trace->has_bin = true;
    trace->bin = bin;
    trace->point = (struct kl_trace_point){
        .low_n = value, .high_n = value, .side = (uint8_t)side, .contact = contact};
}

static void fill_cop(struct kl_curve *curve, const struct kl_contact *contact)
{
    size_t valid = 0, taken = 0;
    struct kl_cop cop;
    for (size_t i = 0; i < contact->count; i++) {
        valid += kl_cop_of_sample(contact, i, &cop);
    }
    size_t points = valid < KL_COP_POINTS ? valid : KL_COP_POINTS;
    curve->cop_count = 0;
    for (size_t i = 0; i < contact->count && curve->cop_count < points; i++) {
        if (!kl_cop_of_sample(contact, i, &cop)) {
            continue;
        }
        /* Evenly over the valid samples, first and last included. */
        size_t wanted = points > 1 ? curve->cop_count * (valid - 1) / (points - 1) : 0;
        if (taken++ == wanted) {
            curve->cop_x_m[curve->cop_count] = (float)cop.x_m;
            curve->cop_z_m[curve->cop_count++] = (float)cop.z_m;
        }
    }
}

void kl_curve_fill(struct kl_curve *curve, const struct kl_contact *contact, uint32_t step,
                   double body_weight_n)
{
    double scale = body_weight_n > 0 ? 1 / body_weight_n : 1e-3;
    double dt_ns = contact->dt_s * 1e9, span_ns = contact->to_ns - contact->ic_ns;
    curve->step = step;
    curve->contact_time_s = (float)(span_ns / 1e9);
    for (size_t k = 0; k < KL_CURVE_POINTS; k++) {
        double t_ns = contact->ic_ns + span_ns * (double)k / (KL_CURVE_POINTS - 1);
        double at = dt_ns > 0 ? (t_ns - (double)contact->t0_ns) / dt_ns : 0;
        at = fmin(fmax(at, 0), (double)contact->count - 1);
        size_t i = (size_t)at, next = i + 1 < contact->count ? i + 1 : i;
        double from_n = contact->wrench[i][KL_FY], to_n = contact->wrench[next][KL_FY];
        curve->fy_bw[k] = (float)(scale * (from_n + (at - (double)i) * (to_n - from_n)));
    }
    fill_cop(curve, contact);
}
