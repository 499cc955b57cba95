#include "process/motion/joint_angle.h"

#define PI 3.14159265358979323846

/* methods 9.5 */
#define BETA_MAX_RAD (80 * PI / 180)

bool kl_joint_angles_of(struct kl_quat prox_dist, struct kl_joint_angles *out)
{
    struct kl_matrix r = kl_quat_matrix(prox_dist);
    double sine = r.m[2][1];
    if (!(fabs(sine) <= sin(BETA_MAX_RAD))) {
        return false;
    }
    *out = (struct kl_joint_angles){
        .alpha_rad = atan2(-r.m[0][1], r.m[1][1]),
        .beta_rad = asin(sine),
        .gamma_rad = atan2(-r.m[2][0], r.m[2][2]),
    };
    return true;
}

struct kl_quat kl_joint_rotation(struct kl_joint_angles angles)
{
    struct kl_quat z = kl_quat_about((struct kl_vec){0, 0, 1}, angles.alpha_rad);
    struct kl_quat x = kl_quat_about((struct kl_vec){1, 0, 0}, angles.beta_rad);
    struct kl_quat y = kl_quat_about((struct kl_vec){0, 1, 0}, angles.gamma_rad);
    return kl_quat_mul(kl_quat_mul(z, x), y);
}

#define LAB KL_SEGMENT_COUNT

/* [left, right] */
static const struct {
    enum kl_segment prox[2], dist[2];
} joints[KL_JOINT_COUNT] = {
    [KL_JOINT_HIP] = {{KL_SEGMENT_PELVIS, KL_SEGMENT_PELVIS},
                      {KL_SEGMENT_THIGH_LEFT, KL_SEGMENT_THIGH_RIGHT}},
    [KL_JOINT_KNEE] = {{KL_SEGMENT_THIGH_LEFT, KL_SEGMENT_THIGH_RIGHT},
                       {KL_SEGMENT_SHANK_LEFT, KL_SEGMENT_SHANK_RIGHT}},
    [KL_JOINT_ANKLE] = {{KL_SEGMENT_SHANK_LEFT, KL_SEGMENT_SHANK_RIGHT},
                        {KL_SEGMENT_FOOT_LEFT, KL_SEGMENT_FOOT_RIGHT}},
    [KL_JOINT_LUMBAR] = {{KL_SEGMENT_PELVIS, KL_SEGMENT_PELVIS},
                         {KL_SEGMENT_TRUNK, KL_SEGMENT_TRUNK}},
    [KL_JOINT_PELVIS] = {{LAB, LAB}, {KL_SEGMENT_PELVIS, KL_SEGMENT_PELVIS}},
    [KL_JOINT_TRUNK] = {{LAB, LAB}, {KL_SEGMENT_TRUNK, KL_SEGMENT_TRUNK}},
    [KL_JOINT_SHANK] = {{LAB, LAB}, {KL_SEGMENT_SHANK_LEFT, KL_SEGMENT_SHANK_RIGHT}},
    [KL_JOINT_THIGH] = {{LAB, LAB}, {KL_SEGMENT_THIGH_LEFT, KL_SEGMENT_THIGH_RIGHT}},
    [KL_JOINT_FOOT] = {{LAB, LAB}, {KL_SEGMENT_FOOT_LEFT, KL_SEGMENT_FOOT_RIGHT}},
};

void kl_joint_segments(enum kl_joint joint, enum kl_side side, enum kl_segment *prox,
                       enum kl_segment *dist)
{
    size_t column = side == KL_SIDE_LEFT ? 0 : 1;
    *prox = joints[joint].prox[column];
    *dist = joints[joint].dist[column];
}

enum axis { ALPHA, BETA, GAMMA };

/* methods 1.3, row by row. The rows for pelvis and trunk carry one sign for the right stance; the
 * reflection of a left one turns beta round, which gives the other sign of the book. */
static const struct {
    const char *text;
    enum kl_joint joint;
    enum axis axis;
    double sign;
    bool global; /* not mirrored */
} table[KL_CLINICAL_COUNT] = {
    [KL_CLINICAL_HIP_FLEXION] = {"hip flexion", KL_JOINT_HIP, ALPHA, 1, false},
    [KL_CLINICAL_HIP_ADDUCTION] = {"hip adduction", KL_JOINT_HIP, BETA, 1, false},
    [KL_CLINICAL_HIP_INTERNAL_ROTATION] = {"hip internal rotation", KL_JOINT_HIP, GAMMA, 1, false},
    [KL_CLINICAL_KNEE_FLEXION] = {"knee flexion", KL_JOINT_KNEE, ALPHA, -1, false},
    [KL_CLINICAL_KNEE_ADDUCTION] = {"knee adduction", KL_JOINT_KNEE, BETA, 1, false},
    [KL_CLINICAL_KNEE_INTERNAL_ROTATION] = {"knee internal rotation", KL_JOINT_KNEE, GAMMA, 1,
                                            false},
    [KL_CLINICAL_ANKLE_DORSIFLEXION] = {"ankle dorsiflexion", KL_JOINT_ANKLE, ALPHA, 1, false},
    [KL_CLINICAL_EVERSION] = {"eversion", KL_JOINT_ANKLE, BETA, -1, false},
    [KL_CLINICAL_FOOT_ROTATION] = {"foot internal rotation", KL_JOINT_ANKLE, GAMMA, 1, false},
    [KL_CLINICAL_TIBIA_ROTATION] = {"tibial internal rotation", KL_JOINT_ANKLE, GAMMA, -1, false},
    [KL_CLINICAL_TIBIA_INCLINATION] = {"tibia inclination", KL_JOINT_SHANK, ALPHA, 1, false},
    [KL_CLINICAL_SHANK_ADDUCTION] = {"shank adduction", KL_JOINT_SHANK, BETA, 1, false},
    [KL_CLINICAL_THIGH_ADDUCTION] = {"thigh adduction", KL_JOINT_THIGH, BETA, 1, false},
    [KL_CLINICAL_PELVIC_DROP] = {"pelvic drop", KL_JOINT_PELVIS, BETA, -1, false},
    [KL_CLINICAL_TRUNK_LEAN_FORWARD] = {"trunk forward lean", KL_JOINT_TRUNK, ALPHA, -1, false},
    [KL_CLINICAL_TRUNK_LEAN_STANCE] = {"trunk lean to the stance side", KL_JOINT_TRUNK, BETA, 1,
                                       false},
    [KL_CLINICAL_TRUNK_ROTATION] = {"trunk rotation", KL_JOINT_TRUNK, GAMMA, 1, true},
    [KL_CLINICAL_LUMBAR_ROTATION] = {"trunk rotation against pelvis", KL_JOINT_LUMBAR, GAMMA, 1,
                                     true},
};

const char *kl_clinical_text(enum kl_clinical angle)
{
    return (unsigned)angle < KL_CLINICAL_COUNT ? table[angle].text : "none";
}

enum kl_joint kl_clinical_joint(enum kl_clinical angle)
{
    return table[angle].joint;
}

bool kl_clinical_angle(enum kl_clinical angle, enum kl_side side, struct kl_quat prox,
                       struct kl_quat dist, double *out_rad)
{
    if (!table[angle].global && side == KL_SIDE_UNKNOWN) {
        return false;
    }
    if (!table[angle].global && side == KL_SIDE_LEFT) {
        prox = kl_mirror_rotation(prox);
        dist = kl_mirror_rotation(dist);
    }
    /* as kl_joint_angles_of, but only the angle asked for: curves ask often */
    struct kl_matrix r = kl_quat_matrix(kl_quat_mul(kl_quat_conj(prox), dist));
    if (!(fabs(r.m[2][1]) <= sin(BETA_MAX_RAD))) {
        return false;
    }
    double value = 0;
    switch (table[angle].axis) {
    case ALPHA:
        value = atan2(-r.m[0][1], r.m[1][1]);
        break;
    case BETA:
        value = asin(r.m[2][1]);
        break;
    case GAMMA:
        value = atan2(-r.m[2][0], r.m[2][2]);
        break;
    }
    *out_rad = table[angle].sign * value;
    return true;
}
