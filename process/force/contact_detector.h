/* Finds contacts on a drifting vertical force, causally: methods 4.1.
 *
 * A threshold alone does not start on a badly tared plate. This detector carries its own flight
 * level: it finds it on the flat stretch between two contacts, follows it from flight to flight,
 * and forgets it when a stance lasts too long. Its events are provisional; reported times come
 * from the zero-lag signal.
 *
 *     no level ──plateau──▶ (replay of the last 1.2 s) ──▶ flight ──▶ stance ──▶ flight ...
 *         ▲                                                             │
 *         └────────────────────── stance > 0.8 s ───────────────────────┘
 *
 * Pure: samples in, events out; time is the sample index. Threads: one. RT safe after _open.
 */
#ifndef KL_PROCESS_FORCE_CONTACT_DETECTOR_H
#define KL_PROCESS_FORCE_CONTACT_DETECTOR_H

#include "process/force/running_extremes.h"

enum kl_contact_event_kind {
    KL_CONTACT_BEGINS = 0, /* index: first sample at 50 N or more */
    KL_CONTACT_CUT,        /* index: the segment starts here, inside a contact */
    KL_CONTACT_TOE_OFF,    /* index: first sample below 50 N; the flight starts */
    KL_CONTACT_DROPPED,    /* the contact that began last was none */
    KL_CONTACT_FLIGHT,     /* index: flight from here on, without a contact before it */
};

struct kl_contact_event {
    enum kl_contact_event_kind kind;
    uint64_t index;
};

/* Enough for a replay of 1.2 s in which nothing but the confirmation times separates events. */
#define KL_CONTACT_EVENTS_MAX 256

enum kl_contact_state {
    KL_CONTACT_NO_LEVEL = 0, /* A */
    KL_CONTACT_AT_START,     /* level kept over a gap: the next sample decides */
    KL_CONTACT_IN_FLIGHT,    /* C */
    KL_CONTACT_IN_STANCE,
    KL_CONTACT_IGNORED, /* stance whose start is not known: waiting for its end */
};

struct kl_contact_detector {
    double rate_hz;
    size_t window, plateau, confirm, flight_max, stance_max; /* samples */
    size_t delay; /* of the causal filter, samples: raw events are this much earlier */

    struct kl_running_extremes long_range, short_range;
    double *y, *raw; /* [capacity] the last samples by index */
    size_t capacity;
    uint64_t start, next; /* first sample of the segment; index of the next sample */
    uint64_t fresh_until; /* the tare is fresh before this index */

    enum kl_contact_state state;
    double level_n, slope_n, arm_n; /* at level_index; per sample */
    double level_index;
    bool has_measured; /* a whole flight was measured before */
    double measured_n, measured_index;
    uint64_t flight_from, stance_from;
    uint64_t crossing, below_from;
    bool has_crossing;
    size_t above, below; /* samples in a row */
    double body_weight_n;

    struct kl_contact_event event[KL_CONTACT_EVENTS_MAX]; /* of the last push */
    size_t event_count;
};

/** @param delay  of the causal filter behind y against raw, samples
 *  @return KL_OK or KL_ERR_MEM */
KL_CHECK int kl_contact_detector_open(struct kl_contact_detector *detector, double rate_hz,
                                      size_t delay);
void kl_contact_detector_close(struct kl_contact_detector *detector);

/** A new segment starts at the next sample: start of the record, a gap, a tare.
 *  @param keep_level  the flight level still holds */
void kl_contact_detector_restart(struct kl_contact_detector *detector, bool keep_level);

/** The segment is over. A contact that has passed the arming force, if not yet for long enough to
 * be sure, counts: it cannot prove itself any more.
 *  @return number of events in detector->event (0 or 1) */
size_t kl_contact_detector_end(struct kl_contact_detector *detector);

/** The plate was tared just now: for so many samples a noisy flight near 0 N is believed. */
void kl_contact_detector_tared(struct kl_contact_detector *detector, uint64_t fresh_samples);

/** One sample. @param y_n causal filtered vertical force, N  @param raw_n unfiltered, N; finite
 *  @return number of events in detector->event, oldest first */
size_t kl_contact_detector_push(struct kl_contact_detector *detector, double y_n, double raw_n);

/** Flight level at the last sample; false while it is not known. */
bool kl_contact_detector_level(const struct kl_contact_detector *detector, double *level_n);

#endif
