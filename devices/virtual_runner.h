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
 *
 * With a calibration (methods 9.1) its parts follow the weighing, each under a marker
 * ("calibration: still", ": knee bends", ": bows", ": marching", ": mvc") that lasts as long as the
 * part; then the belt is empty for quiet_s once more, for another TARE, before it starts.
 */
#ifndef KL_DEVICES_VIRTUAL_RUNNER_H
#define KL_DEVICES_VIRTUAL_RUNNER_H

#include "acquire/driver.h"
#include "devices/virtual_motion.h"

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
    bool imu;             /* imu.shank.left and imu.shank.right, whatever `sensors` says */
    unsigned sensors;     /* KL_VIRTUAL_SENSOR bits: what else is worn and streamed */

    /* Motion, methods 21.2: each a pulse over stance on top of the runner's swing. */
    double eversion_rad[2], contact_inversion_rad[2];
    double tibial_rotation_rad[2], valgus_rad[2], hip_adduction_rad[2], pelvic_drop_rad[2];
    double trunk_sway_rad[2]; /* lean to the stance side */
    /* Posture while running. */
    double knee_varus_rad[2], knee_flexion_offset_rad[2];
    double trunk_lean_rad, trunk_rotation_rad, pelvis_rotation_rad;
    double ankle_cop_offset_m[2]; /* the centre of pressure lies this far lateral of the ankle */
    double wedge_rad[2];        /* insert; > 0 medial (lifts the inner edge), see virtual_body.h */
    double angle_cv, angle_phi; /* step-to-step variation of the pulses, AR(1) */
    double inter_asis_m;

    /* What the sensors are and how they sit. */
    double emg_rate_hz, treadmill_rate_hz;
    double mounting_rad[KL_VIRTUAL_SEGMENT_COUNT][3]; /* about z, x, y of the segment (ZXY) */
    double tibial_shock_m_s2[2];                      /* A_s of methods 21.3 */
    double soft_tissue_rad;                           /* 12 Hz, damped, after each contact */
    double accelerometer_range_m_s2, gyro_range_rad_s;

    /* Muscle, methods 21.4. */
    double vmo_delay_s[2], vmo_gain[2];
    double emg_snr, crosstalk, hum_v;

    /* Treadmill. */
    double belt_variation; /* dip of the belt's speed in each stance, of the speed */
    double incline_rad;

    /* Calibration before the run (methods 9.1), after the weighing; 0: left out. */
    double still_s;
    double knee_bends, bows, marching_s, mvc_trials; /* counts are whole numbers */

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
    struct kl_virtual_motion motion;
    struct kl_virtual_muscle muscle;
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
