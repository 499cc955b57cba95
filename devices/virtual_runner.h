/* A runner made of closed forms (methods 21): known truth for every metric.
 *
 * A driver like any other: its samples go through hub, file and pipeline. Its truth does not; it is
 * computed from the formulas and written beside the session.
 */
#ifndef KL_DEVICES_VIRTUAL_RUNNER_H
#define KL_DEVICES_VIRTUAL_RUNNER_H

#include "acquire/driver.h"

/** Everything adjustable; SI units. Sides: [0] left, [1] right. */
struct kl_virtual_runner {
    double mass_kg, height_m, speed_m_s;
    double step_time_s[2], contact_time_s[2];            /* T and tc */
    double impact_bw[2], impact_start[2], impact_end[2]; /* I, s1, s2 */
    double braking_bw, overstride;                       /* B, k */
    double mediolateral_bw;                              /* C */
    double free_moment_bwh;                              /* T0 */
    double step_width_m;
    double com_x_m, com_z_m;            /* x0, z0 */
    double step_time_cv, step_time_phi; /* jitter of T and tc */
    double rate_hz, imu_rate_hz;
    double plate_depth_m; /* h */
    double noise_scale;   /* 1: default noise and drift; 0: none */
    double quiet_s;       /* empty belt before the runner: for the tare */
    double stand_s;       /* standing still: for weighing */
    bool split_belt;      /* plate.left, plate.right; else plate.belt */
    bool imu;             /* imu.shank.left/right as far as the demo shows */
    uint64_t seed;
    char subject[32];
};

/** The default runner of methods 21.4: rearfoot, 70 kg, 3.0 m/s, default noise. */
struct kl_virtual_runner kl_virtual_runner_defaults(void);

/** Its driver; config is a struct kl_virtual_runner. */
extern const struct kl_driver kl_virtual_runner_driver;

/** Truth of one contact, from the formulas. */
struct kl_virtual_step {
    enum kl_side side;
    double contact_s, off_s; /* onset and end of force, session seconds */
    double ic_s, to_s;       /* crossings of the threshold given to kl_virtual_runner_truth */
    double step_time_s;
    double active_peak_n, impact_peak_n, time_to_impact_peak_s; /* 0: no impact peak */
    double valr_n_s, vilr_n_s; /* of the impact-peak rule, or P13 without one */
    double vertical_impulse_n_s, braking_impulse_n_s, propulsion_impulse_n_s;
    double peak_braking_n, peak_propulsion_n;
    double free_moment_peak_n_m;
    double cop_mean_z_m; /* force-weighted */
};

/** The truth of the steps that begin before `seconds`, evaluated at 100 kHz from the formulas.
 *  @return steps written to out (at most cap) or a negative status */
int kl_virtual_runner_truth(const struct kl_virtual_runner *runner, double seconds,
                            double threshold_n, struct kl_virtual_step *out, size_t cap);

/** Instantaneous true wrench in lab axes about the lab origin at session time t, without noise
 *  (both feet summed). For tests of calibration and centre of pressure. */
void kl_virtual_runner_wrench(const struct kl_virtual_runner *runner, double t_s, double wrench[6]);

#endif
