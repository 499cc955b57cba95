/* Oracles: methods 9.5 (the matrix of al -40, be 6, ga -8 deg), 1.3 (what each clinical sign means,
 * posed by hand), 1.2 (reflection). */
#include "process/motion/joint_angle.h"

#include <criterion/criterion.h>

#include <string.h>

#define DEG (3.14159265358979323846 / 180)

static const struct kl_quat identity = {1, 0, 0, 0};
static const struct kl_vec forward = {1, 0, 0};
static const struct kl_vec up = {0, 1, 0};
static const struct kl_vec right_hand = {0, 0, 1};

Test(joint_angle, the_example_of_the_method_book_goes_there_and_back)
{
    struct kl_joint_angles in = {-40 * DEG, 6 * DEG, -8 * DEG};
    static const double expected[3][3] = {
        {.74924, .63927, -.17315}, {-.64768, .76185, .01016}, {.13841, .10453, .98484}};
    struct kl_matrix r = kl_quat_matrix(kl_joint_rotation(in));
    for (int i = 0; i < 3; i++) {
        for (int k = 0; k < 3; k++) {
            cr_expect_float_eq(r.m[i][k], expected[i][k], 5e-6, "%d %d", i, k);
        }
    }
    struct kl_joint_angles out;
    cr_assert(kl_joint_angles_of(kl_joint_rotation(in), &out));
    cr_expect_float_eq(out.alpha_rad, in.alpha_rad, 1e-14);
    cr_expect_float_eq(out.beta_rad, in.beta_rad, 1e-14);
    cr_expect_float_eq(out.gamma_rad, in.gamma_rad, 1e-14);
}

Test(joint_angle, a_grid_of_angles_survives_the_round_trip)
{
    for (int al = -170; al <= 170; al += 17) {
        for (int be = -78; be <= 78; be += 13) {
            for (int ga = -170; ga <= 170; ga += 17) {
                struct kl_joint_angles in = {al * DEG, be * DEG, ga * DEG};
                struct kl_joint_angles out;
                cr_assert(kl_joint_angles_of(kl_joint_rotation(in), &out));
                /* rounding grows as 1 / cos(be) */
                cr_assert_float_eq(out.alpha_rad, in.alpha_rad, 1e-13, "%d %d %d", al, be, ga);
                cr_assert_float_eq(out.beta_rad, in.beta_rad, 1e-13, "%d %d %d", al, be, ga);
                cr_assert_float_eq(out.gamma_rad, in.gamma_rad, 1e-13, "%d %d %d", al, be, ga);
            }
        }
    }
}

Test(joint_angle, beyond_80_degrees_and_without_a_number_there_is_none)
{
    struct kl_joint_angles out = {1, 2, 3};
    cr_expect(kl_joint_angles_of(kl_quat_about(forward, 79.9 * DEG), &out));
    out.alpha_rad = 1;
    cr_expect_not(kl_joint_angles_of(kl_quat_about(forward, 80.1 * DEG), &out));
    cr_expect_not(kl_joint_angles_of(kl_quat_about(forward, -80.1 * DEG), &out));
    cr_expect_not(kl_joint_angles_of((struct kl_quat){(double)NAN, 0, 0, 0}, &out));
    cr_expect_eq(out.alpha_rad, 1);
}

/* Each clinical sign, posed as the words of methods 1.3 say, for a right limb. Proximal stays at
 * identity; the distal segment is turned so that the named end moves as named. */
Test(joint_angle, clinical_signs_are_those_of_the_words)
{
    static const struct {
        enum kl_clinical angle;
        struct kl_vec axis; /* the distal segment is turned about it by +10 deg */
        struct kl_vec point, moves;
        const char *legend;
    } rows[] = {
        /* thigh's knee end (0,-1,0) swings forward (+x) */
        {KL_CLINICAL_HIP_FLEXION, {0, 0, 1}, {0, -1, 0}, {1, 0, 0}, "knee swings forward"},
        /* toes (1,0,0) up */
        {KL_CLINICAL_ANKLE_DORSIFLEXION, {0, 0, 1}, {1, 0, 0}, {0, 1, 0}, "toes up"},
        /* heel to buttock: shank's ankle end backwards */
        {KL_CLINICAL_KNEE_FLEXION, {0, 0, -1}, {0, -1, 0}, {-1, 0, 0}, "heel to buttock"},
        /* distal end medial: for a right limb towards -z */
        {KL_CLINICAL_HIP_ADDUCTION, {1, 0, 0}, {0, -1, 0}, {0, 0, -1}, "knee medial"},
        {KL_CLINICAL_KNEE_ADDUCTION, {1, 0, 0}, {0, -1, 0}, {0, 0, -1}, "ankle medial: varus"},
        {KL_CLINICAL_SHANK_ADDUCTION, {1, 0, 0}, {0, -1, 0}, {0, 0, -1}, "ankle medial"},
        /* eversion: the sole faces away from the midline, its (0,-1,0) turns to +z */
        {KL_CLINICAL_EVERSION, {-1, 0, 0}, {0, -1, 0}, {0, 0, 1}, "sole faces lateral"},
        /* toes toward the midline: -z */
        {KL_CLINICAL_HIP_INTERNAL_ROTATION, {0, 1, 0}, {1, 0, 0}, {0, 0, -1}, "toes medial"},
        {KL_CLINICAL_KNEE_INTERNAL_ROTATION, {0, 1, 0}, {1, 0, 0}, {0, 0, -1}, "toes medial"},
        {KL_CLINICAL_FOOT_ROTATION, {0, 1, 0}, {1, 0, 0}, {0, 0, -1}, "toes medial"},
        {KL_CLINICAL_TIBIA_ROTATION, {0, -1, 0}, {1, 0, 0}, {0, 0, 1}, "foot lateral to tibia"},
        {KL_CLINICAL_TIBIA_INCLINATION, {0, 0, 1}, {0, -1, 0}, {1, 0, 0}, "ankle ahead of knee"},
        /* right stance: the left half (-z) of the pelvis sinks */
        {KL_CLINICAL_PELVIC_DROP, {-1, 0, 0}, {0, 0, -1}, {0, -1, 0}, "swing side lower"},
        {KL_CLINICAL_TRUNK_LEAN_FORWARD, {0, 0, -1}, {0, 1, 0}, {1, 0, 0}, "head forward"},
        {KL_CLINICAL_TRUNK_LEAN_STANCE, {1, 0, 0}, {0, 1, 0}, {0, 0, 1}, "head to the right"},
        /* chest to the runner's left: -z */
        {KL_CLINICAL_TRUNK_ROTATION, {0, 1, 0}, {1, 0, 0}, {0, 0, -1}, "chest to the left"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct kl_quat q = kl_quat_about(rows[i].axis, 10 * DEG);
        struct kl_vec shift = kl_vec_sub(kl_quat_rotate(q, rows[i].point), rows[i].point);
        cr_expect_gt(kl_vec_dot(shift, rows[i].moves), 0.1, "the pose: %s", rows[i].legend);
        double value = 0;
        cr_assert(kl_clinical_angle(rows[i].angle, KL_SIDE_RIGHT, identity, q, &value));
        cr_expect_float_eq(value, 10 * DEG, 1e-14, "%s: %s", kl_clinical_text(rows[i].angle),
                           rows[i].legend);
        /* the mirrored body, read as left */
        cr_assert(kl_clinical_angle(rows[i].angle, KL_SIDE_LEFT, identity, kl_mirror_rotation(q),
                                    &value));
        double expected = rows[i].angle == KL_CLINICAL_TRUNK_ROTATION ? -10 * DEG : 10 * DEG;
        cr_expect_float_eq(value, expected, 1e-14, "left: %s", rows[i].legend);
    }
}

/* -0.0 equals 0.0, and NaN nothing: bits say more. */
static uint64_t bits(double value)
{
    uint64_t out;
    memcpy(&out, &value, sizeof(out));
    return out;
}

Test(joint_angle, a_mirrored_limb_read_as_left_gives_the_same_bits)
{
    for (int i = 0; i < 200; i++) {
        struct kl_quat prox = kl_joint_rotation(
            (struct kl_joint_angles){.3 * sin(i), .2 * sin(1.7 * i), .4 * sin(2.3 * i)});
        struct kl_quat dist = kl_joint_rotation(
            (struct kl_joint_angles){.9 * sin(3.1 * i), .3 * sin(.7 * i), .2 * sin(5.3 * i)});
        for (int a = 0; a < KL_CLINICAL_COUNT; a++) {
            double right = 0;
            double left = 1;
            if (a == KL_CLINICAL_TRUNK_ROTATION || a == KL_CLINICAL_LUMBAR_ROTATION) {
                continue;
            }
            cr_assert(kl_clinical_angle((enum kl_clinical)a, KL_SIDE_RIGHT, prox, dist, &right));
            cr_assert(kl_clinical_angle((enum kl_clinical)a, KL_SIDE_LEFT, kl_mirror_rotation(prox),
                                        kl_mirror_rotation(dist), &left));
            cr_assert_eq(bits(left), bits(right), "%s", kl_clinical_text((enum kl_clinical)a));
        }
    }
}

Test(joint_angle, turning_the_lab_leaves_a_joint_angle)
{
    struct kl_quat lab = kl_quat_mul(kl_quat_about(up, 1.1), kl_quat_about(right_hand, .3));
    struct kl_quat thigh = kl_joint_rotation((struct kl_joint_angles){.4, .1, -.1});
    struct kl_quat shank = kl_joint_rotation((struct kl_joint_angles){-.5, -.05, .2});
    double here = 0;
    double there = 1;
    cr_assert(kl_clinical_angle(KL_CLINICAL_KNEE_ADDUCTION, KL_SIDE_RIGHT, thigh, shank, &here));
    cr_assert(kl_clinical_angle(KL_CLINICAL_KNEE_ADDUCTION, KL_SIDE_RIGHT, kl_quat_mul(lab, thigh),
                                kl_quat_mul(lab, shank), &there));
    cr_expect_float_eq(here, there, 1e-14);
}

Test(joint_angle, a_mirrored_rotation_is_s_r_s)
{
    struct kl_quat q = kl_quat_unit((struct kl_quat){.3, -.5, .2, .9});
    struct kl_matrix r = kl_quat_matrix(q);
    struct kl_matrix s = kl_quat_matrix(kl_mirror_rotation(q));
    static const double d[3] = {1, 1, -1};
    for (int i = 0; i < 3; i++) {
        for (int k = 0; k < 3; k++) {
            cr_expect_float_eq(s.m[i][k], d[i] * r.m[i][k] * d[k], 1e-15);
        }
    }
    struct kl_vec w = {1, 2, 3};
    cr_expect_float_eq(kl_mirror_axial(w).x, -1, 0);
    cr_expect_float_eq(kl_mirror_polar(w).z, -3, 0);
}

Test(joint_angle, the_side_must_be_known)
{
    double value = 7;
    cr_expect_not(
        kl_clinical_angle(KL_CLINICAL_EVERSION, KL_SIDE_UNKNOWN, identity, identity, &value));
    cr_expect_eq(value, 7);
}
