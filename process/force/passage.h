/* Provisional events become finished contacts: methods 3.3 to 3.5.
 *
 * A passage is one foot on the plate, from the detector's events until it is handed out. It waits
 * until the flight after it is known, or 250 ms of it; then the backward pass runs over it and the
 * line between the two flights is taken off. Everything is decided by sample index, so that it does
 * not matter when somebody asks for the result.
 */
#ifndef KL_PROCESS_FORCE_PASSAGE_H
#define KL_PROCESS_FORCE_PASSAGE_H

#include "process/force/butterworth.h"
#include "process/force/contact_detector.h"
#include "process/force/drift_line.h"
#include "process/force/force_chain.h"
#include "process/force/wrench_ring.h"

#define KL_PASSAGES_MAX 64
#define KL_NOISE_FLIGHTS 9 /* an odd number: the median is one of them */

struct kl_passage {
    uint64_t first, last; /* samples of the backward pass */
    uint64_t begin, end;  /* provisional contact, filter delay included */
    uint64_t segment;     /* first sample after the start, gap or tare before it */
    bool has_ic, has_to, ended, ready, flight_known;
    struct kl_drift_anchor before, after;
    double belt_noise_n;
};

struct kl_passages {
    double rate_hz, threshold_n;
    bool point_given;             /* KL_PLATE_POINT */
    struct kl_butterworth filter; /* of the forward and the backward pass */
    size_t delay, forward_delay;  /* of the detector's signal and of the forward pass, samples */
    size_t open_flight;           /* samples; a longer flight is not waited for */
    struct kl_wrench_ring ring;
    struct kl_contact_detector detector;

    int64_t record_start_ns;
    uint64_t segment;     /* index of its first sample */
    uint64_t flight_from; /* true time: delay taken off */
    struct kl_drift_anchor anchor;
    double flight_sd_n[KL_NOISE_FLIGHTS]; /* of Fy; the newest at (flights - 1) % their number */
    size_t flights;

    struct kl_passage open; /* the foot that is down */
    bool has_open;
    struct kl_passage waiting[KL_PASSAGES_MAX]; /* oldest first, from head */
    size_t head, count;
    uint64_t promised; /* no contact begins before this sample any more */

    double (*stance)[KL_WRENCH_COUNT]; /* the contact handed out last */
    size_t stance_capacity;
};

/** Memory and filter. @param passages  zeroed
 *  @return KL_OK, KL_ERR_MEM or KL_ERR_RANGE (cut-off); close in any case */
KL_CHECK int kl_passages_open(struct kl_passages *passages, double rate_hz,
                              const struct kl_force_settings *settings, size_t detector_delay);
void kl_passages_close(struct kl_passages *passages);

/** After a sample has been put into the ring. @param live_fy_n  what the detector looks at */
void kl_passages_push(struct kl_passages *passages, double live_fy_n, double raw_fy_n);

/** The segment is over: what is pending is finished with what is there. */
void kl_passages_end_segment(struct kl_passages *passages);

/** Ends the segment and starts the next with the sample to come.
 *  @param keep_level  the flight level still holds: a gap, no tare */
void kl_passages_begin_segment(struct kl_passages *passages, bool keep_level);

/** The next finished contact; false when there is none. */
bool kl_passages_take(struct kl_passages *passages, struct kl_contact *out);

/** Time before which no contact begins any more; INT64_MIN before the first sample. */
int64_t kl_passages_watermark(const struct kl_passages *passages);

#endif
