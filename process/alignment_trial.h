/* The test of the devices' clocks against each other at the start of a session, and again at its
 * end (methods 2): foot stamps, or a pulse that several devices see.
 *
 *     KL_EVENT_CALIBRATION "stamps" ─▶ vertical force of the plate, |a| of the foot sensors ─┐
 *     streams that carry a pulse ───▶ their last 20 s ───────────────────────────────────────┤
 *                                                        kl_alignment_find ◀─────────────────┘
 *                                                              └─▶ KL_EVENT_ALIGNMENT, or why not
 *
 * Only a live session holds one: what it finds is posted into the sequence, recorded, and used from
 * there by live pipeline and replay alike. Nothing is computed again on a replay.
 *
 * Threads: one. No allocation after _create.
 */
#ifndef KL_PROCESS_ALIGNMENT_TRIAL_H
#define KL_PROCESS_ALIGNMENT_TRIAL_H

#include "process/alignment.h"

#define KL_ALIGNMENT_STAMPS "stamps" /* text of the KL_EVENT_CALIBRATION: five stamps from here */
#define KL_ALIGNMENT_PULSE "sync"    /* likewise: look at the pulse of the last 20 s again */
#define KL_ALIGNMENT_STAMPS_NS (15 * KL_NS_PER_S) /* five of each foot, a second or more apart */

struct kl_alignment_trial;

/** What was found about one source. */
struct kl_alignment_finding {
    bool accepted;         /* else text says why not and what to do */
    bool changed;          /* by more than KL_ALIGNMENT_CHANGE_MAX_NS since the last time */
    struct kl_event event; /* accepted: KL_EVENT_ALIGNMENT; its text lives as long as the trial */
    char text[256];        /* for people */
};

/** @param streams  of the session, copied
 *  @param pulse    in [pulse_count] names of the streams whose first channel carries the shared
 *                  pulse; the first is what others are shifted to. May be none
 *  @return NULL without memory */
struct kl_alignment_trial *kl_alignment_trial_create(const struct kl_stream *streams, size_t count,
                                                     const char *const *pulse, size_t pulse_count);
void kl_alignment_trial_destroy(struct kl_alignment_trial *trial);

/** Stamps can be seen: a plate, and a foot sensor on another clock. */
bool kl_alignment_trial_stamps(const struct kl_alignment_trial *trial);

/** Every item of the session, alignment events too. */
void kl_alignment_trial_item(struct kl_alignment_trial *trial, const struct kl_item *item);

/** No more items: looks at the pulse once more. */
void kl_alignment_trial_end(struct kl_alignment_trial *trial);

/** The next finding. @return false: none */
bool kl_alignment_trial_next(struct kl_alignment_trial *trial, struct kl_alignment_finding *out);

#endif
