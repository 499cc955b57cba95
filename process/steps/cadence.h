/* Steps per minute, counted and, independently, from the spectrum (methods 5).
 *
 * Counted: 60 N / (IC_k - IC_{k-N}), N = 20, over an unbroken chain of contacts. The check needs no
 * contacts: the vertical force of all plates, 200 Hz, in windows of 10.24 s, its largest peak
 * between 2 and 4 Hz. (The method book takes the trunk's acceleration; the force is the same signal
 * times the body's mass as long as no trunk sensor is worn.)
 *
 * Threads: create on one thread (FFTW plans are made there, with FFTW_ESTIMATE so that results
 * repeat); no allocation afterwards.
 */
#ifndef KL_PROCESS_STEPS_CADENCE_H
#define KL_PROCESS_STEPS_CADENCE_H

#include "acquire/stream.h"

#define KL_CADENCE_STEPS 20    /* N; methods 5 */
#define KL_CADENCE_CONTACTS 64 /* kept: more than 10.24 s of them at 4 Hz */
#define KL_CADENCE_WINDOW 2048 /* 10.24 s at KL_TOTAL_RATE_HZ */
#define KL_CADENCE_PADDED 8192 /* after zero-padding */
#define KL_CADENCE_HOP 200     /* 1 s */

struct kl_cadence;

/** @return NULL without memory */
struct kl_cadence *kl_cadence_create(void);
void kl_cadence_destroy(struct kl_cadence *cadence);

/** The next initial contact of the chain, session time, ns. */
void kl_cadence_contact(struct kl_cadence *cadence, double ic_ns);

/** The chain is broken: a step is missing. */
void kl_cadence_restart(struct kl_cadence *cadence);

/** Contacts before the newest one that cadence can be counted over now.
 *  @param ic_ns  out: IC_{k-N}; untouched when 0
 *  @return N, at most KL_CADENCE_STEPS */
uint32_t kl_cadence_reach(const struct kl_cadence *cadence, double *ic_ns);

/** Counted cadence, steps/s; 0 before N = 20 steps of one chain. */
double kl_cadence_counted(const struct kl_cadence *cadence);

/** One value of the total force.
 *  @param valid    false starts the window again: nothing is filled in
 *  @param walking  looks for the peak at 1.2-2.6 Hz, where steps of walking are (project setting),
 *                  instead of 2-4 Hz */
void kl_cadence_force(struct kl_cadence *cadence, double fy_n, bool valid, bool walking);

/** Spectral cadence of the newest window, steps/s; 0: no window yet, or no peak in the band. */
double kl_cadence_spectral(const struct kl_cadence *cadence);

/** The two differ by more than 1 step/min + 0.5 %. False while one is missing. Counted over the
 *  contacts of the last 10.24 s, so that both mean the same stretch of time. */
bool kl_cadence_disagrees(const struct kl_cadence *cadence);

#endif
