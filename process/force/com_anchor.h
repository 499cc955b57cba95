/* Where the centre of mass is, from the plates alone: methods 7.4.
 *
 * Twice integrated force gives how the centre of mass moves, not where it is. In steady running the
 * angular momentum about it is periodic, so over whole strides the moments balance, and that fixes
 * its place:
 *
 *     z0 = integral(z_cop Fy + y_com Fz - zeta Fy) dt / integral(Fy) dt      (x0 in the same way)
 *
 * Contacts of all plates are laid on one grid as they are accepted; flights are zero by themselves.
 * Threads: one. RT safe after _create.
 */
#ifndef KL_PROCESS_FORCE_COM_ANCHOR_H
#define KL_PROCESS_FORCE_COM_ANCHOR_H

#include "process/force/force_chain.h"

#define KL_COM_RATE_HZ 200
#define KL_COM_SPAN_S 14 /* at least 10 strides of running */
#define KL_COM_SAMPLES (KL_COM_RATE_HZ * KL_COM_SPAN_S)

struct kl_com_anchor;

/** @return NULL without memory */
struct kl_com_anchor *kl_com_anchor_create(void);
void kl_com_anchor_destroy(struct kl_com_anchor *anchor);

/** A contact of any plate, once, in order of time. */
void kl_com_anchor_contact(struct kl_com_anchor *anchor, const struct kl_contact *contact);

/** The centre of mass over a window of whole strides. */
struct kl_com {
    double t0_ns;
    size_t count;                /* samples at KL_COM_RATE_HZ from t0_ns on */
    double mass_kg;              /* mean Fy / g */
    double mean_fx_n, mean_fz_n; /* above 1 % of body weight: not steady, a hand-rail, a slope */
    bool steady;
    double x_m[KL_COM_SAMPLES], y_m[KL_COM_SAMPLES], z_m[KL_COM_SAMPLES]; /* lab axes */
};

/** @param from_ns, to_ns  initial contacts a whole number of strides apart (4 to 10 strides)
 *  @param height_m  y_com = 0.56 H + eta; 0: 1.75 (in steady running it drops out)
 *  @return false (out untouched) when the window is not wholly held or without force */
bool kl_com_anchor_find(const struct kl_com_anchor *anchor, double from_ns, double to_ns,
                        double height_m, struct kl_com *out);

/** Position at a time inside the window, lab axes, m. */
void kl_com_at(const struct kl_com *com, double t_ns, double *x_m, double *y_m, double *z_m);

#endif
