#include "process/steps/total_force.h"

#include <math.h>

void kl_total_force_init(struct kl_total_force *total, size_t plate_count)
{
    *total = (struct kl_total_force){
        .plate_count = plate_count < KL_TOTAL_PLATES ? plate_count : KL_TOTAL_PLATES,
    };
}

static void close_bin(struct kl_total_plate *plate)
{
    size_t at = (size_t)(plate->bin % KL_TOTAL_BINS);
    double mean = plate->area / (double)KL_TOTAL_BIN_NS;
    plate->valid[at] = plate->covered_ns == KL_TOTAL_BIN_NS && isfinite(mean);
    plate->mean_n[at] = plate->valid[at] ? mean : 0;
    plate->bin++;
    plate->area = 0;
    plate->covered_ns = 0;
}

/* Bins that nothing fills: at most a ring of them needs to be told so. */
static void skip_to(struct kl_total_plate *plate, int64_t bin)
{
    close_bin(plate);
    if (bin - plate->bin > KL_TOTAL_BINS) {
        plate->bin = bin - KL_TOTAL_BINS;
    }
    while (plate->bin < bin) {
        close_bin(plate);
    }
}

/* The straight line from the last sample to this one, cut at the edges of bins. */
static void fill(struct kl_total_plate *plate, int64_t t_ns, double fy_n)
{
    const int64_t from_ns = plate->last_ns;
    const double from_n = plate->last_n, slope = (fy_n - from_n) / (double)(t_ns - from_ns);
    for (int64_t at_ns = from_ns; at_ns < t_ns;) {
        int64_t edge_ns = (plate->bin + 1) * KL_TOTAL_BIN_NS;
        int64_t end_ns = edge_ns < t_ns ? edge_ns : t_ns;
        double middle_n = from_n + slope * ((double)(at_ns + end_ns) / 2 - (double)from_ns);
        plate->area += middle_n * (double)(end_ns - at_ns);
        plate->covered_ns += end_ns - at_ns;
        if (end_ns == edge_ns) {
            close_bin(plate);
        }
        at_ns = end_ns;
    }
}

void kl_total_force_push(struct kl_total_force *total, size_t plate, int64_t t_ns, double fy_n)
{
    if (plate >= total->plate_count) {
        return;
    }
    struct kl_total_plate *p = &total->plate[plate];
    int64_t bin = t_ns / KL_TOTAL_BIN_NS;
    if (!p->has_last) {
        p->has_last = true;
        p->first_bin = p->bin = bin;
        if (!total->started || bin < total->next_bin) {
            total->started = true;
            total->next_bin = bin;
        }
    } else if (t_ns <= p->last_ns) {
        return; /* streams are increasing; a clock that is not gives nothing to average */
    } else if (t_ns - p->last_ns > KL_TOTAL_GAP_NS) {
        if (bin > p->bin) {
            skip_to(p, bin);
        }
    } else {
        fill(p, t_ns, fy_n);
    }
    p->last_ns = t_ns;
    p->last_n = fy_n;
    total->newest_ns = t_ns > total->newest_ns ? t_ns : total->newest_ns;
}

bool kl_total_force_next(struct kl_total_force *total, struct kl_total_value *out)
{
    int64_t ready = INT64_MAX;
    bool all = true;
    double sum = 0;
    for (size_t i = 0; i < total->plate_count; i++) {
        const struct kl_total_plate *p = &total->plate[i];
        bool waits = p->has_last && p->last_ns > total->newest_ns - KL_TOTAL_LATE_NS;
        ready = waits && p->bin < ready ? p->bin : ready;
        bool there = p->has_last && total->next_bin >= p->first_bin && total->next_bin < p->bin &&
                     total->next_bin + KL_TOTAL_BINS >= p->bin &&
                     p->valid[total->next_bin % KL_TOTAL_BINS];
        sum += there ? p->mean_n[total->next_bin % KL_TOTAL_BINS] : 0;
        all = all && there;
    }
    if (!total->started || ready == INT64_MAX || total->next_bin >= ready) {
        return false;
    }
    if (total->next_bin + KL_TOTAL_BINS < ready) { /* after a very long gap: jump, say so once */
        total->next_bin = ready - KL_TOTAL_BINS;
        all = false;
    }
    *out = (struct kl_total_value){
        .t_ns = total->next_bin * KL_TOTAL_BIN_NS + KL_TOTAL_BIN_NS / 2,
        .fy_n = all ? sum : 0,
        .valid = all,
    };
    total->next_bin++;
    return true;
}
