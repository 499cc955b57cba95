#include "process/knee/knee_centre.h"

#define SHANK_PER_HEIGHT 0.246 /* Winter, as methods 12.4 */
#define THIGH_PER_HEIGHT 0.245
#define ANKLE_HEIGHT_M 0.08      /* methods 12.2, K2a: lever of foot roll */
#define ANKLE_TO_FOREFOOT_M 0.12 /* assumption: the pivot after heel-off, about 0.07 H */
#define COP_TO_ANKLE_M 0.05      /* assumption: mean COP of 30-60 % lies so far before the ankle */
#define COM_LEVER_M 0.05         /* methods 12.2, K2b: of trunk lean */
#define HIP_PER_ASIS_WIDTH 0.36  /* Bell 1990, as methods 12.2 */
#define DEG 0.017453292519943295

const char *kl_knee_level_text(enum kl_knee_level level)
{
    static const char *const text[KL_KNEE_LEVEL_COUNT] = {"K1", "K2a", "K2b", "K3"};
    return (unsigned)level < KL_KNEE_LEVEL_COUNT ? text[level] : "unknown level";
}

struct kl_body_lengths kl_body_lengths_from_height(double height_m)
{
    return (struct kl_body_lengths){.shank_m = SHANK_PER_HEIGHT * height_m,
                                    .thigh_m = THIGH_PER_HEIGHT * height_m};
}

struct kl_knee_errors kl_knee_errors_of(enum kl_knee_level level)
{
    /* methods 12.3. K3: markers on the plates of a real runner, 5 mm; K1: nothing but the plate. */
    static const struct kl_knee_errors error[KL_KNEE_LEVEL_COUNT] = {
        [KL_KNEE_K1] = {0.040, 0.020, 5 * DEG, 2 * DEG},
        [KL_KNEE_K2A] = {0.020, 0.020, 5 * DEG, 2 * DEG},
        [KL_KNEE_K2B] = {0.028, 0.020, 5 * DEG, 2 * DEG},
        [KL_KNEE_K3] = {0.005, 0.005, 2 * DEG, 1 * DEG},
    };
    return error[level];
}

static double belt_travel_m(const struct kl_knee_anchor *anchor, double t_s)
{
    return anchor->belt_m_s * (t_s - anchor->mid_s);
}

/* The ankle over the belt: flat until the foot pitches toes-down, then about the forefoot. */
static struct kl_vec ankle(const struct kl_limb_pose *pose, double t_s,
                           const struct kl_knee_anchor *anchor)
{
    const struct kl_matrix r = kl_quat_matrix(pose->foot);
    double pitch = asin(fmin(fmax(r.m[1][0], -1), 1)); /* of the foot's x axis, + toes up */
    double roll = atan2(r.m[2][1], r.m[1][1]);         /* + inversion */
    double down = pitch < 0 ? -pitch : 0;
    return (struct kl_vec){
        anchor->cop_x_m - COP_TO_ANKLE_M - belt_travel_m(anchor, t_s) +
            ANKLE_TO_FOREFOOT_M * (1 - cos(down)) + ANKLE_HEIGHT_M * sin(down),
        ANKLE_HEIGHT_M * cos(down) + ANKLE_TO_FOREFOOT_M * sin(down),
        anchor->cop_z_m - anchor->length.ankle_offset_m + ANKLE_HEIGHT_M * sin(roll),
    };
}

struct kl_vec kl_knee_centre(enum kl_knee_level level, const struct kl_limb_pose *pose, double t_s,
                             const struct kl_knee_anchor *anchor)
{
    struct kl_vec up = {0, anchor->length.shank_m, 0};
    if (level == KL_KNEE_K1) {
        struct kl_vec foot = {anchor->cop_x_m - COP_TO_ANKLE_M - belt_travel_m(anchor, t_s),
                              ANKLE_HEIGHT_M, anchor->cop_z_m - anchor->length.ankle_offset_m};
        return kl_vec_add(foot, up);
    }
    struct kl_vec knee = kl_vec_add(ankle(pose, t_s, anchor), kl_quat_rotate(pose->shank, up));
    if (level == KL_KNEE_K2B) {
        struct kl_vec hip = {0, 0, HIP_PER_ASIS_WIDTH * anchor->length.asis_width_m};
        struct kl_vec down = {0, -anchor->length.thigh_m, 0};
        struct kl_vec trunk_up = kl_quat_rotate(pose->trunk, (struct kl_vec){0, 1, 0});
        /* where the trunk's long axis points sideways is the sine of its lean */
        knee.z = anchor->com_z_m - COM_LEVER_M * trunk_up.z + kl_quat_rotate(pose->pelvis, hip).z +
                 kl_quat_rotate(pose->thigh, down).z;
    }
    return knee;
}
