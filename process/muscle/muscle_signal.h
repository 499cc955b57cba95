/* The EMG of a session: the last seconds of every electrode, and stretches of it around a contact.
 *
 * Streams of kind EMG named emg.vmo.left, emg.vl.right, ...: their first channel, in V. Gaps stay
 * gaps: a stretch in which one lies says so. Threads: one. RT safe after _create.
 */
#ifndef KL_PROCESS_MUSCLE_MUSCLE_SIGNAL_H
#define KL_PROCESS_MUSCLE_MUSCLE_SIGNAL_H

#include "process/muscle/muscle_metric.h"

#define KL_MUSCLE_HELD_S 8.0 /* a step that waits for late streams, or one contraction */

struct kl_muscle_signals;

/** @return NULL without memory */
struct kl_muscle_signals *kl_muscle_signals_create(const struct kl_stream *streams, size_t count);
void kl_muscle_signals_destroy(struct kl_muscle_signals *signals);

/** The samples of a block; streams that are no EMG are passed over. */
void kl_muscle_signals_push(struct kl_muscle_signals *signals, const struct kl_block *block);

/** Newest sample of a muscle, session time. @return false: not worn, or nothing yet */
bool kl_muscle_signals_newest(const struct kl_muscle_signals *signals, enum kl_side side,
                              enum kl_muscle muscle, int64_t *t_ns);
bool kl_muscle_signals_has(const struct kl_muscle_signals *signals, enum kl_side side,
                           enum kl_muscle muscle);

/** Amplitude of a maximal contraction, V; 0: none yet. */
double kl_muscle_signals_reference(const struct kl_muscle_signals *signals, enum kl_side side,
                                   enum kl_muscle muscle);

/** A contraction is going on, or was begun and is not judged yet. */
bool kl_muscle_signals_contracting(const struct kl_muscle_signals *signals, int64_t now_ns);

/** All muscles contract as hard as they can from here for duration_ns: the largest half second of
 *  each becomes its reference when the trial is over; a stronger trial replaces a weaker one
 *  (methods 13: the best half second of three). One event for each trial, or one for all. */
void kl_muscle_signals_contract(struct kl_muscle_signals *signals, int64_t t_ns,
                                int64_t duration_ns);

/** Mains frequency that hum is looked for at, Hz; 0: none. */
void kl_muscle_signals_line(struct kl_muscle_signals *signals, double line_hz);

#define KL_MUSCLE_BOUT_STEPS 20 /* of the reference bout, per side [project] */

/** Another runner: with steps that begin at or after t_ns the reference bout begins anew, and
 *  contractions before t_ns no longer count. */
void kl_muscle_signals_runner(struct kl_muscle_signals *signals, int64_t t_ns);

/** Both muscles of the stance leg around a contact, in order. Without a maximal contraction of both
 *  the reference is the mean peak of the first KL_MUSCLE_BOUT_STEPS valid steps (methods 13); until
 *  then there is none.
 *  @param valid  the step may be part of the reference bout */
void kl_muscle_signals_step(struct kl_muscle_signals *signals, double ic_ns, double to_ns,
                            enum kl_side side, bool valid, struct kl_muscle_pair *out);

#endif
