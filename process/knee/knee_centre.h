/* Where the knee is when nobody sees it: the levels of methods 12.2.
 *
 * No sensor here measures the knee's place. K2a hangs it on the foot, K2b on the centre of mass, K1
 * on the plate alone; each carries its own uncertainty, and none may be told as a value where
 * methods 12.2 allows differences only. Right limb; mirror a left one first.
 * Threads: any. RT safe.
 */
#ifndef KL_PROCESS_KNEE_KNEE_CENTRE_H
#define KL_PROCESS_KNEE_KNEE_CENTRE_H

#include "process/knee/knee_moment.h"

enum kl_knee_level {
    KL_KNEE_K1 = 0, /* plate only: a frontal load index, trend only */
    KL_KNEE_K2A,    /* foot anchor: differences, with band */
    KL_KNEE_K2B,    /* centre-of-mass anchor: differences, with band */
    KL_KNEE_K3,     /* motion capture: value with unit */
    KL_KNEE_LEVEL_COUNT,
};

/** "K1", "K2a", "K2b", "K3". */
const char *kl_knee_level_text(enum kl_knee_level level);

/** Lengths of the runner, entered; 0: not entered. */
struct kl_body_lengths {
    double shank_m, thigh_m; /* knee to ankle, hip to knee centre */
    double asis_width_m;     /* between the anterior superior iliac spines */
    double ankle_offset_m;   /* c: mean centre of pressure lateral of the ankle, from standing on
                                one leg on the plate */
};

/** Shank and thigh from height (Winter: 0.246 H, 0.245 H); allowed for K1 only (methods 12.4). */
struct kl_body_lengths kl_body_lengths_from_height(double height_m);

/** SD of the lever arm and of the axis at a level, one stance, same straps (methods 12.3). */
struct kl_knee_errors kl_knee_errors_of(enum kl_knee_level level);

/** How the stance limb and what is above it stand at one instant: segment to lab, right limb. */
struct kl_limb_pose {
    struct kl_quat trunk, pelvis, thigh, shank, foot;
};

/** What the anchors need, right limb. */
struct kl_knee_anchor {
    struct kl_body_lengths length;
    double cop_x_m, cop_z_m; /* mean in 30-60 % of stance, at the time mid_s */
    double mid_s;
    double belt_m_s; /* the foot travels back with the belt */
    double com_z_m;  /* z_com at the instant (methods 7.4); K2b */
};

/** Knee centre at one instant.
 *  K1:  z of the mean centre of pressure, knee one shank length and an ankle's height up.
 *  K2a: ankle over the foot: z = mean COP_z - c + 0.08 m sin(foot roll), height and place by foot
 *       pitch about the forefoot; knee = ankle + R_shank (0, L, 0).
 *  K2b: as K2a, but z = z_com - 0.05 m sin(trunk lean) + 0.36 ASIS width, down the thigh.
 *  @param t_s  of the instant, on the clock of anchor->mid_s */
struct kl_vec kl_knee_centre(enum kl_knee_level level, const struct kl_limb_pose *pose, double t_s,
                             const struct kl_knee_anchor *anchor);

#endif
