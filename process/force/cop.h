/* Centre of pressure and free moment from a wrench: methods 7.1 to 7.3. */
#ifndef KL_PROCESS_FORCE_COP_H
#define KL_PROCESS_FORCE_COP_H

#include "process/force/force_chain.h"

/** Where the force enters the belt and how it twists. */
struct kl_cop {
    double x_m, z_m;        /* lab axes */
    double free_moment_n_m; /* about +Y through the centre of pressure */
    double sd_x_m, sd_z_m;  /* from the flight-phase noise; 0 when that is not known */
};

/** Inverts a wrench.
 *  @param wrench   in [6] force N and moment N·m about O' = (0, -depth_m, 0)
 *  @param depth_m  h, how far O' lies below the belt surface; 0 for wrenches of the force chain
 *  @return false (out untouched) when Fy is 0 or not finite
 *  Equation: z = (h Fz - Mx)/Fy, x = (Mz + h Fx)/Fy, T = My - z Fx + x Fz. Source: methods 7.1 */
bool kl_cop_of_wrench(const double wrench[KL_WRENCH_COUNT], double depth_m, struct kl_cop *out);

/** Centre of pressure of one sample of a contact, when it can be trusted: Fy >= 100 N and its SD
 *  from the flight-phase noise <= 5 mm in both directions (methods 7.2; without that noise, or
 *  where the plate gives the point itself, by the
 *  force alone). Force and moment err together when the origin is far from the foot (a moment made
 *  from a given point does so fully), so their covariance counts: the SD is that of
 *  (dMx + z dFy)/Fy and (dMz - x dFy)/Fy, whatever the origin.
 *  @param index  < contact->count
 *  @return false (out untouched) when it cannot */
bool kl_cop_of_sample(const struct kl_contact *contact, size_t index, struct kl_cop *out);

/** Force-weighted mean of z over the contact, lab axes: tells left from right (methods 4.4).
 *  @return false when no sample has a valid centre of pressure */
bool kl_cop_mean_z(const struct kl_contact *contact, double *z_m);

/** Where the foot landed, brought back to the instant of contact with the belt: mean of
 *  x_cop + v (t - IC) over the first 20 % of stance after the centre of pressure is valid
 *  (methods 5, x_k).
 *  @return false for a cut contact or without valid centre of pressure */
bool kl_cop_landing_x(const struct kl_contact *contact, double speed_m_s, double *x_m);

#endif
