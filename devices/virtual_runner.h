/* A runner made of closed forms (methods 21): known truth for every metric.
 *
 * A driver like any other: its samples go through hub, file and pipeline. Its truth does not; it is
 * computed from the formulas and written beside the session.
 *
 * A session of this runner (session time; the first sample stands at KL_EPOCH_NS = 1 s):
 *
 *     1 s        1 + quiet_s            + stand_s      + 0.2 s
 *      | empty belt  | on, standing still, off | belt starts | contacts, left first ...
 *      TARE                 WEIGH              SPEED
 */
#ifndef KL_DEVICES_VIRTUAL_RUNNER_H
#define KL_DEVICES_VIRTUAL_RUNNER_H

#include "acquire/driver.h"

#define KL_GRAVITY_M_S2 9.80665 /* standard gravity, CGPM 1901; methods 22 */

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

/** Foot strikes of methods 21.1. */
enum kl_virtual_strike {
    KL_VIRTUAL_REARFOOT = 0,
    KL_VIRTUAL_HARD_REARFOOT,
    KL_VIRTUAL_MIDFOOT,
    KL_VIRTUAL_FOREFOOT,
    KL_VIRTUAL_STRIKE_COUNT,
};

/** The default runner of methods 21.4: rearfoot, 70 kg, 3.0 m/s, default noise, 4 s of empty belt
 *  and 4 s of standing. */
struct kl_virtual_runner kl_virtual_runner_defaults(void);

/** Sets the impact (I, s1, s2) of both sides to a preset of methods 21.1. */
void kl_virtual_runner_strike(struct kl_virtual_runner *runner, enum kl_virtual_strike strike);

/** Are all values inside their limits?
 *  @return KL_OK, or KL_ERR_RANGE with the field, its value and the limits in *fault */
int kl_virtual_runner_check(const struct kl_virtual_runner *runner, struct kl_fault *fault);

/** Its driver; config is a struct kl_virtual_runner, NULL for the defaults. */
extern const struct kl_driver kl_virtual_runner_driver;

/** Truth of one contact, from the formulas, by the product's definitions (methods 6): stance lies
 *  between the crossings of the threshold, times count from ic_s, impulses are those of the stance.
 *  Peaks are magnitudes; braking_impulse_n_s <= 0; z and moments in lab axes unless said. */
struct kl_virtual_step {
    enum kl_side side;
    double contact_s, off_s; /* onset and end of force, session seconds */
    double ic_s, to_s;       /* crossings of the threshold given to kl_virtual_runner_truth */
    double step_time_s;      /* to the next crossing upwards */
    double contact_time_s, flight_time_s;
    double active_peak_n, time_to_active_peak_s;
    double impact_peak_n, time_to_impact_peak_s, impact_trough_n; /* 0: no impact peak */
    double valr_n_s, vilr_n_s;         /* of the impact-peak rule, or P13 without one */
    double t20_s, t80_s;               /* of valr_n_s */
    double valr_p13_n_s, vilr_p13_n_s; /* by rule P13, whatever there is */
    double vertical_impulse_n_s, braking_impulse_n_s, propulsion_impulse_n_s;
    double peak_braking_n, time_to_peak_braking_s;
    double peak_propulsion_n, time_to_peak_propulsion_s;
    double braking_to_propulsion_s; /* zero crossing of Fx */
    double peak_medial_n, peak_lateral_n;
    double mediolateral_impulse_n_s;    /* mirrored to the right limb: < 0 is medial */
    double free_moment_peak_n_m;        /* mirrored: > 0 turns the foot inwards */
    double cop_mean_z_m, cop_range_z_m; /* over 20-80 % of stance */
    double cop_progression_m;           /* along the belt, x_cop + v t, over 20-80 % of stance */
    double cop_weighted_z_m;            /* force-weighted mean over the whole contact */
};

/** The truth of the contacts that begin in the first `seconds` of the session (counted from
 *  KL_EPOCH_NS), evaluated at 100 kHz from the formulas.
 *  @param threshold_n  contact threshold, N; 0: stance is the whole contact; below the mean force
 *  of every contact (about 1 BW), so that there is a stance
 *  @param out  [cap]; the first cap steps
 *  @return steps written to out, KL_ERR_RANGE (see kl_virtual_runner_check), KL_ERR_ARG or
 *          KL_ERR_MEM */
int kl_virtual_runner_truth(const struct kl_virtual_runner *runner, double seconds,
                            double threshold_n, struct kl_virtual_step *out, size_t cap);

/** Peak-to-peak vertical travel of the centre of mass over the mean stride (no jitter), m. */
double kl_virtual_runner_vertical_oscillation(const struct kl_virtual_runner *runner);

/** Instantaneous true wrench in lab axes about the lab origin at session time t, without noise
 *  (both feet summed). For tests of calibration and centre of pressure. Walks from the start of
 *  the session at every call: for many instants use devices/virtual_load.h. */
void kl_virtual_runner_wrench(const struct kl_virtual_runner *runner, double t_s, double wrench[6]);

#endif
