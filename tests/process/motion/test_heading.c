/* Oracles: methods 9.4 (pure hinge with 17 deg drift -> 17.000 deg), closed forms of drift. */
#include "process/motion/heading.h"

#include <criterion/criterion.h>

#define PI 3.14159265358979323846
#define DEG (PI / 180)

static const struct kl_vec right_hand = {0, 0, 1};

Test(heading, of_a_turned_axis_is_the_angle_it_was_turned_by)
{
    for (int deg = -179; deg < 180; deg += 7) {
        struct kl_vec z = kl_quat_rotate(kl_heading_turn(deg * DEG), right_hand);
        cr_expect_float_eq(kl_heading_of(z), deg * DEG, 1e-14, "%d", deg);
    }
    cr_expect_float_eq(kl_heading_wrap(350 * DEG), -10 * DEG, 1e-14);
}

static const int64_t stride_ns = INT64_C(700000000);

/* Strides every 0.35 s (both feet), heading still + posture + drift. */
static double run(struct kl_heading_anchor *anchor, int64_t start_ns, int strides,
                  double posture_deg, double drift_deg_s)
{
    double heading = 0;
    for (int i = 0; i < strides; i++) {
        int64_t t = start_ns + i * stride_ns / 2;
        heading = (40 + posture_deg + drift_deg_s * kl_seconds(t - start_ns)) * DEG;
        kl_heading_anchor_stride(anchor, t, heading);
    }
    return heading / DEG;
}

Test(heading, soon_after_the_still_pose_the_posture_is_kept_and_drift_is_removed)
{
    struct kl_heading_anchor anchor;
    kl_heading_anchor_init(&anchor);
    double correction = 77;
    cr_expect_not(kl_heading_anchor_get(&anchor, KL_EPOCH_NS, &correction));
    kl_heading_anchor_still(&anchor, KL_EPOCH_NS, 40 * DEG);
    cr_assert(kl_heading_anchor_get(&anchor, KL_EPOCH_NS, &correction));
    cr_expect_float_eq(correction, 40 * DEG, 1e-14);
    double drift = 0.02; /* deg/s */
    double last = run(&anchor, 10 * KL_NS_PER_S, 4000, 12, drift);
    cr_assert(kl_heading_anchor_get(&anchor, 1400 * KL_NS_PER_S, &correction));
    /* The mean of 40 strides trails by half of 39 * 0.35 s, and so does the posture: the drift
     * within one ring, 0.14 deg, is all that is left. */
    double facing = last - correction / DEG;
    cr_expect_float_eq(facing, 12, 2 * 0.5 * 39 * 0.35 * drift + 0.01, "%g", facing);
}

Test(heading, nothing_jumps_while_the_posture_is_being_learnt)
{
    struct kl_heading_anchor anchor;
    kl_heading_anchor_init(&anchor);
    kl_heading_anchor_still(&anchor, KL_EPOCH_NS, 40 * DEG);
    (void)run(&anchor, 10 * KL_NS_PER_S, 10, 12, 0); /* a runner who settles in */
    (void)run(&anchor, 14 * KL_NS_PER_S, KL_ANCHOR_STRIDES - 10, 14, 0);
    double correction = 0;
    cr_assert(kl_heading_anchor_get(&anchor, 25 * KL_NS_PER_S, &correction));
    cr_expect_float_eq(correction, 40 * DEG, 1e-12);
}

Test(heading, long_after_the_still_pose_strides_face_as_the_pose_did)
{
    struct kl_heading_anchor anchor;
    kl_heading_anchor_init(&anchor);
    kl_heading_anchor_still(&anchor, KL_EPOCH_NS, 40 * DEG);
    double correction = 77;
    cr_expect_not(kl_heading_anchor_get(&anchor, 500 * KL_NS_PER_S, &correction));
    double last = run(&anchor, 500 * KL_NS_PER_S, KL_ANCHOR_STRIDES_MIN - 1, 12, 0);
    cr_expect_not(kl_heading_anchor_get(&anchor, 503 * KL_NS_PER_S, &correction));
    kl_heading_anchor_stride(&anchor, 503 * KL_NS_PER_S, last * DEG);
    cr_assert(kl_heading_anchor_get(&anchor, 503 * KL_NS_PER_S, &correction));
    cr_expect_float_eq(correction, last * DEG, 1e-12);
}

Test(heading, a_runner_who_stepped_off_and_turned_starts_a_new_mean)
{
    struct kl_heading_anchor anchor;
    kl_heading_anchor_init(&anchor);
    kl_heading_anchor_still(&anchor, KL_EPOCH_NS, 40 * DEG);
    (void)run(&anchor, 10 * KL_NS_PER_S, 60, 12, 0);
    double correction = 0;
    int64_t t = 200 * KL_NS_PER_S; /* the filter drifted by 100 deg meanwhile */
    for (int i = 0; i < KL_ANCHOR_STRIDES_MIN; i++) {
        kl_heading_anchor_stride(&anchor, t + i * stride_ns / 2, (52 + 100) * DEG);
    }
    cr_assert(kl_heading_anchor_get(&anchor, t, &correction));
    cr_expect_float_eq(correction, 140 * DEG, 1e-12);
}

Test(heading, means_across_the_seam_of_the_circle)
{
    struct kl_heading_anchor anchor;
    kl_heading_anchor_init(&anchor);
    for (int i = 0; i < 20; i++) {
        kl_heading_anchor_stride(&anchor, KL_EPOCH_NS + i * stride_ns,
                                 (i % 2 == 0 ? 179 : -177) * DEG);
    }
    double correction = 0;
    cr_assert(kl_heading_anchor_get(&anchor, KL_EPOCH_NS, &correction));
    cr_expect_float_eq(kl_heading_wrap(correction - 181 * DEG), 0, 1e-12);
}

Test(heading, a_hinge_shows_the_17_degrees_its_frames_drifted_apart)
{
    struct kl_hinge_check check;
    kl_hinge_check_init(&check);
    double delta = 77;
    cr_expect_not(kl_hinge_check_get(&check, &delta));
    for (int i = 0; i < 4000; i++) {
        double t = i / 200.0;
        struct kl_quat thigh =
            kl_quat_mul(kl_heading_turn(0.1 * sin(9 * t)),
                        kl_quat_about((struct kl_vec){1, 0, 0}, 0.1 * sin(5 * t)));
        struct kl_quat shank =
            kl_quat_mul(thigh, kl_quat_about(right_hand, -0.6 * (1 - cos(9 * t))));
        thigh = kl_quat_mul(kl_heading_turn(17 * DEG), thigh);
        kl_hinge_check_step(&check, kl_quat_rotate(thigh, right_hand),
                            kl_quat_rotate(shank, right_hand), 0.005);
    }
    cr_assert(kl_hinge_check_get(&check, &delta));
    cr_expect_float_eq(delta / DEG, 17.000, 5e-4);
}

Test(heading, the_hinge_forgets_with_its_time_constant)
{
    struct kl_hinge_check check;
    kl_hinge_check_init(&check);
    double delta = 0;
    for (int i = 0; i < 8000; i++) { /* 40 s at 0, then 5 s at 2 deg */
        kl_hinge_check_step(&check, right_hand, right_hand, 0.005);
    }
    struct kl_vec turned = kl_quat_rotate(kl_heading_turn(2 * DEG), right_hand);
    for (int i = 0; i < 1000; i++) {
        kl_hinge_check_step(&check, turned, right_hand, 0.005);
    }
    cr_assert(kl_hinge_check_get(&check, &delta));
    /* 1 - 1/e of the way; sines of 2 deg are straight to 2e-4 */
    cr_expect_float_eq(delta / DEG, 2 * (1 - exp(-1)), 2e-3);
}
