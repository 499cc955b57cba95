/* Angles between two segments in the words of a clinic: flexion, adduction, internal rotation.
 *
 * Grood & Suntay 1983, sequence ZXY: R = R_prox^T R_dist = Rz(alpha) Rx(beta) Ry(gamma); z is the
 * flexion axis of the proximal segment, y the long axis of the distal one, x floats between them.
 * Everything is written for the right limb; a left one is reflected in the sagittal plane first
 * (methods 1.2), so that signs and formulas are one set. Reflection only changes signs, so a
 * mirrored right limb gives the same bits when read as a left one. Threads: any. RT safe.
 */
#ifndef KL_PROCESS_MOTION_JOINT_ANGLE_H
#define KL_PROCESS_MOTION_JOINT_ANGLE_H

#include "process/motion/rotation.h"
#include "process/motion/segment.h"

struct kl_joint_angles {
    double alpha_rad; /* about z */
    double beta_rad;  /* about the floating x */
    double gamma_rad; /* about y */
};

/** Angles of a rotation.
 *  @param out  untouched when false is returned
 *  @return false when |beta| > 80 deg: alpha and gamma turn about one axis there, or q is no number
 *  Equation: al = atan2(-R01, R11), be = asin(R21), ga = atan2(-R20, R22). Source: methods 9.5 */
bool kl_joint_angles_of(struct kl_quat prox_dist, struct kl_joint_angles *out);

/** The rotation of these angles: the inverse. */
struct kl_quat kl_joint_rotation(struct kl_joint_angles angles);

/* ------------------------------------------------- reflection in the sagittal plane (z -> -z) */

/** Position, force, acceleration, centre of pressure. */
static inline struct kl_vec kl_mirror_polar(struct kl_vec v)
{
    return (struct kl_vec){v.x, v.y, -v.z};
}

/** Angular rate, moment. */
static inline struct kl_vec kl_mirror_axial(struct kl_vec v)
{
    return (struct kl_vec){-v.x, -v.y, v.z};
}

/** S R S with S = diag(1, 1, -1). */
static inline struct kl_quat kl_mirror_rotation(struct kl_quat q)
{
    return (struct kl_quat){q.w, -q.x, -q.y, q.z};
}

/* ------------------------------------------------------------------------- clinical angles */

enum kl_joint {
    KL_JOINT_HIP = 0,
    KL_JOINT_KNEE,
    KL_JOINT_ANKLE,  /* foot against shank */
    KL_JOINT_LUMBAR, /* trunk against pelvis */
    KL_JOINT_PELVIS, /* against the lab */
    KL_JOINT_TRUNK,  /* against the lab */
    KL_JOINT_SHANK,  /* against the lab */
    KL_JOINT_THIGH,  /* against the lab */
    KL_JOINT_FOOT,   /* against the lab */
    KL_JOINT_COUNT,
};

/** The two segments of a joint on a side. A segment against the lab has *prox = KL_SEGMENT_COUNT.
 */
void kl_joint_segments(enum kl_joint joint, enum kl_side side, enum kl_segment *prox,
                       enum kl_segment *dist);

/** Angles by their clinical names; each is positive in the sense of its name (methods 1.3). */
enum kl_clinical {
    KL_CLINICAL_HIP_FLEXION = 0,
    KL_CLINICAL_HIP_ADDUCTION,
    KL_CLINICAL_HIP_INTERNAL_ROTATION,
    KL_CLINICAL_KNEE_FLEXION,
    KL_CLINICAL_KNEE_ADDUCTION, /* varus */
    KL_CLINICAL_KNEE_INTERNAL_ROTATION,
    KL_CLINICAL_ANKLE_DORSIFLEXION,
    KL_CLINICAL_EVERSION,           /* foot against shank */
    KL_CLINICAL_FOOT_ROTATION,      /* internal, foot against shank */
    KL_CLINICAL_TIBIA_ROTATION,     /* internal, shank against foot: minus the one above */
    KL_CLINICAL_TIBIA_INCLINATION,  /* ankle ahead of knee */
    KL_CLINICAL_SHANK_ADDUCTION,    /* of the shank against the lab: distal end medial */
    KL_CLINICAL_THIGH_ADDUCTION,    /* of the thigh against the lab: distal end medial */
    KL_CLINICAL_PELVIC_DROP,        /* of the swing side */
    KL_CLINICAL_TRUNK_LEAN_FORWARD, /* head forward */
    KL_CLINICAL_TRUNK_LEAN_STANCE,  /* toward the stance side */
    KL_CLINICAL_TRUNK_ROTATION,     /* chest to the runner's left; not mirrored */
    KL_CLINICAL_LUMBAR_ROTATION,    /* trunk against pelvis, to the runner's left; not mirrored */
    KL_CLINICAL_COUNT,
};

/** "knee adduction", ... */
const char *kl_clinical_text(enum kl_clinical angle);

enum kl_joint kl_clinical_joint(enum kl_clinical angle);

/** One clinical angle of a limb from the orientations of its two segments in the lab.
 *  @param side  of the limb (of the stance, for pelvis and trunk); LEFT is reflected
 *  @param prox  segment to lab, as measured; identity for a segment against the lab
 *  @return false (out untouched) as kl_joint_angles_of, or for a side that is unknown
 *  Source: methods 1.3 */
bool kl_clinical_angle(enum kl_clinical angle, enum kl_side side, struct kl_quat prox,
                       struct kl_quat dist, double *out_rad);

#endif
