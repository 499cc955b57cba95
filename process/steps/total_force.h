/* Vertical force of all plates together, 200 values a second, whatever the plates' rates.
 *
 * Weighing, gait mode and the spectral cadence look at the runner as a whole. Each plate's samples
 * are joined by straight lines and averaged over 5 ms of session time; a value comes out when every
 * plate has passed it. It is unfiltered and tared, not drift-corrected.
 *
 *     plate.left  ──mean per 5 ms──┐
 *                                  ├─▶ sum, when both are there
 *     plate.right ──mean per 5 ms──┘
 *
 * Plain struct of the caller; no allocation. Threads: one.
 */
#ifndef KL_PROCESS_STEPS_TOTAL_FORCE_H
#define KL_PROCESS_STEPS_TOTAL_FORCE_H

#include "acquire/stream.h"

#define KL_TOTAL_RATE_HZ 200              /* methods 5: rate of the spectral check */
#define KL_TOTAL_BIN_NS INT64_C(5000000)  /* 1 / KL_TOTAL_RATE_HZ */
#define KL_TOTAL_PLATES 4                 /* plates that are summed */
#define KL_TOTAL_BINS 512                 /* 2.56 s: more than a plate may lag */
#define KL_TOTAL_LATE_NS KL_NS_PER_S      /* a plate this far behind is not waited for */
#define KL_TOTAL_GAP_NS INT64_C(20000000) /* longer gaps are not bridged; methods 2 */

/** One 5 ms mean. Not valid: a plate has a gap there, or has stopped. */
struct kl_total_value {
    int64_t t_ns; /* middle of the 5 ms */
    double fy_n;
    bool valid;
};

struct kl_total_plate {
    bool has_last;
    int64_t last_ns;
    double last_n;
    int64_t first_bin, bin; /* of the first sample; the one being filled */
    double area;            /* N·ns in it so far */
    int64_t covered_ns;
    double mean_n[KL_TOTAL_BINS];
    bool valid[KL_TOTAL_BINS];
};

struct kl_total_force {
    size_t plate_count;
    struct kl_total_plate plate[KL_TOTAL_PLATES];
    bool started;
    int64_t next_bin, newest_ns;
};

void kl_total_force_init(struct kl_total_force *total, size_t plate_count);

/** One sample of one plate; what is missing shows in its time.
 *  @param plate  < plate_count */
void kl_total_force_push(struct kl_total_force *total, size_t plate, int64_t t_ns, double fy_n);

/** The next value, in order of time; false when there is none yet. Call until false. */
bool kl_total_force_next(struct kl_total_force *total, struct kl_total_value *out);

#endif
