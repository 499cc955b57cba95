/* The contacts of a virtual runner, one after the other, and the closed forms of one contact.
 *
 * methods 21.1, s = (t - onset)/tc in [0, 1], lab axes, right foot (left: mirrored):
 *     Fy/BW = A sin(pi s) + I sin^2(pi (s - s1)/(s2 - s1))      impulse BW T exactly
 *     Fx/BW = -B sin(2 pi s) (1 + k cos(2 pi s))                 impulse 0
 *     Fz/BW = -C sin(pi s)
 *     T_free = T0 BW H sin(pi s)
 *     COP   x = x_ic - v (t - onset) + Lf (0.1 + 0.75 s^0.8),  z = z_foot + 0.010 cos(pi s)
 *
 * The sequence depends on the runner alone: it is drawn contact by contact, whoever asks and
 * however often. Caller's memory, no allocation. Threads: one per struct.
 */
#ifndef KL_DEVICES_VIRTUAL_GAIT_H
#define KL_DEVICES_VIRTUAL_GAIT_H

#include "devices/noise.h"
#include "devices/virtual_runner.h"

#define KL_VIRTUAL_JITTER_MAX_SD 3.5 /* draws are cut here, so that limits can be checked */

/** Pulses of the angles over a stance, each with its own step-to-step variation. */
enum kl_virtual_pulse {
    KL_VIRTUAL_EVERSION = 0,
    KL_VIRTUAL_TIBIAL_ROTATION,
    KL_VIRTUAL_VALGUS,
    KL_VIRTUAL_HIP_ADDUCTION,
    KL_VIRTUAL_PELVIC_DROP,
    KL_VIRTUAL_TRUNK_SWAY,
    KL_VIRTUAL_PULSE_COUNT,
};

/** One contact: everything its closed forms need. */
struct kl_virtual_contact {
    uint64_t index; /* 0, 1, 2...; even: left */
    enum kl_side side;
    double onset_s; /* session time */
    double step_time_s, contact_time_s;
    double body_weight_n;
    double active_bw;                           /* A */
    double impact_bw, impact_start, impact_end; /* I, s1, s2 */
    double braking_bw, overstride;              /* B, k */
    double medial_bw;                           /* C of this contact */
    double free_moment_n_m;                     /* T0 BW H */
    double speed_m_s, foot_length_m;            /* v, Lf */
    double x_ic_m, z_foot_m;
    double pulse[KL_VIRTUAL_PULSE_COUNT]; /* amplitude of each angle pulse, of the runner's */
};

/** A step of the runner is due at `next_onset_s`. */
struct kl_virtual_gait {
    struct kl_virtual_runner runner;
    struct kl_noise noise;
    double deviation[2]; /* AR(1) state of T and of tc, in standard deviations */
    struct kl_noise pulse_noise;
    double pulse_deviation[KL_VIRTUAL_PULSE_COUNT];
    uint64_t made;
    double next_onset_s;
};

/** Starts the sequence; the runner must have passed kl_virtual_runner_check. */
void kl_virtual_gait_init(struct kl_virtual_gait *gait, const struct kl_virtual_runner *runner,
                          double first_onset_s);

/** The next contact of the sequence. */
void kl_virtual_gait_next(struct kl_virtual_gait *gait, struct kl_virtual_contact *out);

/** A contact with these times, standing at the place that keeps the moment balance. */
struct kl_virtual_contact kl_virtual_contact(const struct kl_virtual_runner *runner,
                                             enum kl_side side, double onset_s, double step_time_s,
                                             double contact_time_s);

/** Force of the ground on the runner, N, lab axes; zero outside 0 < s < 1.
 *  @param force  out [3] Fx, Fy, Fz */
void kl_virtual_contact_force(const struct kl_virtual_contact *contact, double s, double force[3]);

/** dFy/dt, N/s; 0 <= s <= 1. */
double kl_virtual_contact_loading(const struct kl_virtual_contact *contact, double s);

/** Free moment about +Y, N·m, lab axes. */
double kl_virtual_contact_free_moment(const struct kl_virtual_contact *contact, double s);

/** Centre of pressure on the belt surface, m, lab axes; 0 <= s <= 1. */
void kl_virtual_contact_cop(const struct kl_virtual_contact *contact, double s, double *x_m,
                            double *z_m);

/** Mean of z_cop weighted by Fy over the contact, m. Closed form. */
double kl_virtual_contact_weighted_z(const struct kl_virtual_contact *contact);

/** Wrench about the lab origin at session time t; zero outside the contact.
 *  @param wrench  out [6] in the order of enum kl_wrench */
void kl_virtual_contact_wrench(const struct kl_virtual_contact *contact, double t_s,
                               double wrench[KL_WRENCH_COUNT]);

/** +1 for the right foot, -1 for the left: what mirroring does to z, Fz, Mx, My (methods 1.2). */
static inline double kl_virtual_mirror(enum kl_side side)
{
    return side == KL_SIDE_LEFT ? -1.0 : 1.0;
}

#endif
