/* The external moment about the knee, and what a stance's knee adduction moment comes to.
 *
 * Massless shank and foot: M = (COP - knee) x F + free moment = M_origin - knee x F, so no centre
 * of pressure has to be divided out of small forces. The adduction moment is its component about
 * the anterior axis of a NAMED frame; it tends to adduct the knee (loads the inner side) when
 * positive. Everything here is the right limb's: mirror a left one first (methods 1.2). Source:
 * methods 12.1. Threads: any. RT safe.
 */
#ifndef KL_PROCESS_KNEE_KNEE_MOMENT_H
#define KL_PROCESS_KNEE_KNEE_MOMENT_H

#include "process/motion/motion_window.h"

/** Whose x axis carries the name; the peak of a real runner changes by a factor of 2 to 3 with it,
 *  so numbers of two frames are never compared. */
enum kl_knee_frame {
    KL_KNEE_SHANK = 0, /* default: z is the functional knee axis */
    KL_KNEE_THIGH,     /* published running curves (Fukuchi 2017) */
    KL_KNEE_LAB,       /* the lab's frontal plane */
    KL_KNEE_FRAME_COUNT,
};

/** "shank", "thigh", "lab". */
const char *kl_knee_frame_text(enum kl_knee_frame frame);

/** Moment of the ground about the knee centre, N·m, lab axes.
 *  @param wrench  N, N·m about the lab origin  @param knee_m  knee joint centre, lab axes */
struct kl_vec kl_knee_moment(const double wrench[KL_WRENCH_COUNT], struct kl_vec knee_m);

/** The wrench of a left foot as the right foot would have made it, and back: polar (x, y, -z),
 * axial
 *  (-x, -y, z). Points and rotations: joint_angle.h. */
void kl_knee_mirror_wrench(double wrench[KL_WRENCH_COUNT]);

/** A moment over a stance, N·m, on an even grid. */
struct kl_knee_curve {
    size_t count;
    double dt_s;
    double ic_s, to_s; /* from the first sample */
    double value[KL_MOTION_SAMPLES];
};

/** What a stance comes to. Peaks leave the first tenth out, where the neglected inertia of shank
 * and foot is largest. */
struct kl_knee_peaks {
    double first_n_m; /* largest in 10-50 % of stance */
    bool has_second;
    double second_n_m;    /* largest in 50-90 %, a local maximum of 0.05 N·m/kg prominence */
    double impulse_n_m_s; /* of the positive part, whole stance */
    double abduction_n_m; /* largest of the negated moment in 10-90 %, >= 0 */
};

/** @param mass_kg  for the prominence of the second peak
 *  @return false (out untouched) for a stance of less than ten samples */
bool kl_knee_peaks_of(const struct kl_knee_curve *curve, double mass_kg, struct kl_knee_peaks *out);

/** First-order band of one moment (methods 12.3): what each uncertain length or angle does. */
struct kl_knee_errors {
    double sd_z_m, sd_y_m;           /* of the knee centre, sideways and up */
    double sd_yaw_rad, sd_pitch_rad; /* of the anterior axis */
};

/** SD of the adduction moment, N·m.
 *  sd^2 = (Fy sd_z)^2 + (Fz sd_y)^2 + (sd_yaw Mz)^2 + (sd_pitch My)^2 */
double kl_knee_band(const double wrench[KL_WRENCH_COUNT], struct kl_vec moment,
                    const struct kl_knee_errors *errors);

#endif
