/* Which foot is it? Methods 4.4, plate part.
 *
 * On one belt the feet alternate, and each lands on its own side of the midline. Steps are counted
 * in a chain; D sums the lateral position of the force with alternating sign over the last 20
 * usable steps. Its sign names the even steps, its size against the scatter says how sure that is:
 *
 *     D = sum (-1)^k (z_k - median z),  q = |D| / (s sqrt n),  s = SD after removing the +-mean
 *
 * Below q = 3 the side is unknown: step width in running can be near zero. Whatever may have hidden
 * a step (a missing one, a gap) breaks the chain, and a broken chain knows nothing until it is
 * long enough again, so feet are never swapped.
 * Plain struct of the caller; no allocation. Threads: one.
 */
#ifndef KL_PROCESS_STEPS_LATERALITY_H
#define KL_PROCESS_STEPS_LATERALITY_H

#include "acquire/stream.h"

#define KL_LATERALITY_STEPS 20          /* n, steps; methods 4.4 */
#define KL_LATERALITY_CONFIDENCE 3.0    /* q needed; methods 4.4 */
#define KL_LATERALITY_CONFIDENCE_MAX 99 /* q shown at most: without scatter it has no bound */

struct kl_laterality {
    bool odd;           /* parity of the newest step of the chain */
    bool has_step;      /* the chain has one */
    size_t count, head; /* usable steps, ring of the last n */
    double z_m[KL_LATERALITY_STEPS];
    bool z_odd[KL_LATERALITY_STEPS];
    enum kl_side even;   /* the foot of even steps; UNKNOWN when q is too small */
    double midline_z_m;  /* median of z over the last n: between the feet */
    double confidence_q; /* 0 until n steps are in */
};

/** Forgets everything: the next step starts a chain. */
void kl_laterality_restart(struct kl_laterality *laterality);

/** The next step of the chain.
 *  @param usable  valid, without gap, and z_m is known: it enters D; else it is only counted
 *  @param z_m     force-weighted mean of the centre of pressure, lab Z (runner's right), m
 *  @return its foot, as far as known now */
enum kl_side kl_laterality_step(struct kl_laterality *laterality, bool usable, double z_m);

/** The foot that lands `ahead` steps after the newest one (1: the next). */
enum kl_side kl_laterality_ahead(const struct kl_laterality *laterality, unsigned ahead);

#endif
