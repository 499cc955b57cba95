/* The constant part of the offset between two devices' clocks, from what both have seen: a pulse on
 * an analog input of each, or foot stamps (force plate and accelerometer of the foot).
 *
 * No clock can see the constant part of a transport (acquire/clock.h). Both signals are put on one
 * grid of 1 ms, differentiated with one kernel, and shifted against each other; the shift that fits
 * best, with a parabola through its neighbours, is the lag (methods 2). For stamps give the
 * vertical force and the length of the acceleration vector: their derivatives are dFy/dt and jerk.
 *
 * What is found enters the session as a KL_EVENT_ALIGNMENT: -lag_ns for the source of `other`. The
 * pipeline adds it to the times of that source from there on, live as in a replay.
 *
 * Pure, no allocation. SI, int64 ns.
 */
#ifndef KL_PROCESS_ALIGNMENT_H
#define KL_PROCESS_ALIGNMENT_H

#include "acquire/stream.h"

#define KL_ALIGNMENT_GRID_MAX 20000                /* ms: five stamps and a pause */
#define KL_ALIGNMENT_LAG_MAX_NS INT64_C(500000000) /* half of the shortest pause between stamps */
#define KL_ALIGNMENT_CHANGE_MAX_NS                                                                 \
    INT64_C(5000000) /* from start to end of a session, methods 2                                  \
                      */

/** Samples of one channel, times increasing. Borrowed. */
struct kl_alignment_signal {
    const int64_t *t_ns;
    const double *value;
    size_t count;
};

struct kl_alignment {
    int64_t lag_ns;  /* the same happens so much later in `other` */
    double strength; /* correlation at the lag, up to 1 */
    double rival;    /* best correlation elsewhere */
};

/** Memory for kl_alignment_find; large, not for a stack. */
struct kl_alignment_work {
    double plain[KL_ALIGNMENT_GRID_MAX];
    double slope[2][KL_ALIGNMENT_GRID_MAX];
    double fit[2 * KL_ALIGNMENT_LAG_MAX_NS / 1000000 + 1];
};

/** Finds the lag in the newest 20 s that both have.
 *  @return KL_OK; KL_ERR_DATA with *fault when there is less than 2 s in common, a value is no
 *          number, or no lag fits clearly better than all others (*out tells how it was) */
KL_CHECK int kl_alignment_find(const struct kl_alignment_signal *reference,
                               const struct kl_alignment_signal *other,
                               struct kl_alignment_work *work, struct kl_alignment *out,
                               struct kl_fault *fault);

/** The event that takes a lag back. @param source  of kl_stream.source; borrowed by the event */
struct kl_event kl_alignment_event(const struct kl_alignment *alignment, const char *source);

/** What an event adds to the times of a stream, ns. @return false when it is not about the stream
 */
bool kl_alignment_applies(const struct kl_event *event, const struct kl_stream *stream,
                          int64_t *offset_ns);

#endif
