/* Oracle: a window posed from closed forms. Pulses are A sin^2(pi s / 0.8) for s < 0.8 (methods
 * 21.2): top A at s = 0.4, steepest slope A pi / (0.8 tc). */
#include "process/motion/motion_metric.h"

#include <criterion/criterion.h>

#include <string.h>

#define PI 3.14159265358979323846
#define DEG (PI / 180)

#define IC_S 0.2532
#define TC_S 0.25
#define STRIDE_S 0.70

static double pulse(double s)
{
    return s > 0 && s < 0.8 ? pow(sin(PI * s / 0.8), 2) : 0;
}

static struct kl_quat turn(double alpha, double beta, double gamma)
{
    return kl_joint_rotation((struct kl_joint_angles){alpha * DEG, beta * DEG, gamma * DEG});
}

/* A right stance: eversion 10 deg, tibial rotation 6, varus 4, hip adduction 8 on top of 3, pelvic
 * drop 5, knee flexion 15 to 45, tibia 6 deg at contact. */
static void pose(struct kl_motion_window *window)
{
    *window = (struct kl_motion_window){
        .count = 242, .t0_ns = 5e9, .ic_s = IC_S, .to_s = IC_S + TC_S, .side = KL_SIDE_RIGHT};
    window->end_s = IC_S + STRIDE_S;
    for (size_t i = 0; i < window->count; i++) {
        double s = ((double)i / KL_MOTION_RATE_HZ - IC_S) / TC_S;
        double p = pulse(s);
        double stride = 2 * PI * s * TC_S / STRIDE_S;
        struct kl_quat pelvis = turn(0, -5 * p, 3 * sin(stride));
        struct kl_quat thigh = kl_quat_mul(pelvis, turn(30 - 5 * s, 3 + 8 * p, 0));
        /* a shank that only turns about its own axis on top of a constant lean: then the rate
         * integrates to the angle */
        struct kl_quat shank = kl_quat_mul(turn(6, 0, 0), turn(0, 0, 6 * p));
        struct kl_quat foot = kl_quat_mul(shank, turn(-4, 2 - 10 * p, -7 * p));
        window->segment[KL_SEGMENT_PELVIS].q[i] = pelvis;
        window->segment[KL_SEGMENT_THIGH_RIGHT].q[i] = thigh;
        window->segment[KL_SEGMENT_SHANK_RIGHT].q[i] = shank;
        window->segment[KL_SEGMENT_FOOT_RIGHT].q[i] = foot;
        window->segment[KL_SEGMENT_TRUNK].q[i] = turn(-8, 2 * p, 9 * cos(stride));
        double slope = s > 0 && s < 0.8 ? sin(2 * PI * s / 0.8) * PI / 0.8 / TC_S : 0;
        window->segment[KL_SEGMENT_SHANK_RIGHT].w_rad_s[i].y = 6 * DEG * slope;
    }
}

/* A knee with a known frontal pulse needs its own pose: thigh and shank posed by the joint. */
static void pose_knee(struct kl_motion_window *window, double varus_deg, double leak)
{
    for (size_t i = 0; i < window->count; i++) {
        double s = ((double)i / KL_MOTION_RATE_HZ - IC_S) / TC_S;
        double p = pulse(s);
        double flexion = 15 + 30 * p + (s > 1 ? 60 * pow(sin(PI * (s - 1) / 1.8), 2) : 0);
        double away = s > 1 ? 3 * sin(17 * s) : 0;
        struct kl_quat thigh = turn(20, 1, 0);
        window->segment[KL_SEGMENT_THIGH_RIGHT].q[i] = thigh;
        window->segment[KL_SEGMENT_SHANK_RIGHT].q[i] = kl_quat_mul(
            thigh, turn(-flexion, varus_deg * p + leak * flexion + (leak == 0 ? away : 0), 5 * p));
    }
}

static struct kl_motion_window window;

static double value(enum kl_motion_metric id)
{
    struct kl_motion_input input = {&window, NULL};
    double out = -1e9;
    uint32_t marks;
    cr_expect(kl_motion_metric_compute(id, &input, &out, &marks), "%s: marks %x",
              kl_motion_metric_get(id)->metric.key, marks);
    return out;
}

Test(motion_metric, posed_excursions_peaks_and_velocities_come_back)
{
    static const struct {
        enum kl_motion_metric id;
        double expected, tolerance; /* of the grid of 5 ms: A pi^2 dt^2 / ... < 0.02 deg */
        double unit;
    } rows[] = {
        {KL_MOTION_EVERSION_EXCURSION, 10, 0.02, DEG},
        {KL_MOTION_EVERSION_PEAK, 8, 0.02, DEG},
        {KL_MOTION_EVERSION_PEAK_TIME, 0.4, 0.002, 1},
        {KL_MOTION_EVERSION_VELOCITY, 10 * PI / 0.8 / TC_S, 1.2, DEG},
        {KL_MOTION_TIBIAL_ROTATION, 6, 0.02, DEG},
        {KL_MOTION_TIBIAL_ROTATION_TO_FOOT, 7, 0.02, DEG},
        {KL_MOTION_COUPLING_RATIO, 10.0 / 6, 0.01, 1},
        {KL_MOTION_HIP_ADDUCTION_PEAK, 11, 0.02, DEG},
        {KL_MOTION_HIP_ADDUCTION_EXCURSION, 8, 0.02, DEG},
        {KL_MOTION_PELVIC_DROP_PEAK, 5, 0.02, DEG},
        {KL_MOTION_TRUNK_FORWARD_LEAN, 8, 0.01, DEG},
        {KL_MOTION_TRUNK_LATERAL_LEAN, 2, 0.02, DEG},
        {KL_MOTION_TRUNK_ROTATION_RANGE, 18, 0.02, DEG},
        {KL_MOTION_TIBIA_INCLINATION, 6, 0.01, DEG},
    };
    pose(&window);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        double found = value(rows[i].id) / rows[i].unit;
        cr_expect_float_eq(found, rows[i].expected, rows[i].tolerance, "%s: %g, not %g",
                           kl_motion_metric_get(rows[i].id)->metric.key, found, rows[i].expected);
    }
    cr_expect_float_eq(value(KL_MOTION_PELVIC_DROP_MID) / DEG, 5 * pulse(0.5), 0.02);
}

Test(motion_metric, knee_angles_come_back_and_varus_and_valgus_are_kept_apart)
{
    pose(&window);
    pose_knee(&window, 4, 0);
    cr_expect_float_eq(value(KL_MOTION_KNEE_VARUS_EXCURSION) / DEG, 4, 0.02);
    cr_expect_float_eq(value(KL_MOTION_KNEE_VALGUS_EXCURSION) / DEG, 0, 0.02);
    cr_expect_float_eq(value(KL_MOTION_KNEE_ROTATION_EXCURSION) / DEG, 5, 0.02);
    cr_expect_float_eq(value(KL_MOTION_KNEE_FLEXION_CONTACT) / DEG, 15, 0.05);
    cr_expect_float_eq(value(KL_MOTION_KNEE_FLEXION_PEAK) / DEG, 45, 0.05);
    cr_expect_lt(fabs(value(KL_MOTION_KNEE_CROSS_TALK)), KL_CROSS_TALK_MAX);
    pose_knee(&window, -3, 0);
    cr_expect_float_eq(value(KL_MOTION_KNEE_VARUS_EXCURSION) / DEG, 0, 0.02);
    cr_expect_float_eq(value(KL_MOTION_KNEE_VALGUS_EXCURSION) / DEG, 3, 0.02);
}

Test(motion_metric, a_frontal_angle_that_follows_flexion_shows_in_the_index)
{
    pose(&window);
    pose_knee(&window, 4, 0.1);
    cr_expect_float_eq(value(KL_MOTION_KNEE_CROSS_TALK), 1, 1e-6);
    pose_knee(&window, 4, -0.1);
    cr_expect_float_eq(value(KL_MOTION_KNEE_CROSS_TALK), -1, 1e-6);
}

Test(motion_metric, a_leak_of_a_tenth_of_a_degree_is_no_cross_talk_however_well_it_correlates)
{
    pose(&window);
    pose_knee(&window, 4, 0.002); /* 0.15 deg at 75 deg of flexion */
    struct kl_motion_input input = {&window, NULL};
    double out;
    uint32_t marks;
    cr_expect_not(kl_motion_metric_compute(KL_MOTION_KNEE_CROSS_TALK, &input, &out, &marks));
    cr_expect_eq(marks, KL_MOTION_TOO_SMALL);
}

Test(motion_metric, thrust_velocities_are_those_of_thigh_and_shank_against_the_lab)
{
    pose(&window);
    for (size_t i = 0; i < window.count; i++) {
        double s = ((double)i / KL_MOTION_RATE_HZ - IC_S) / TC_S;
        window.segment[KL_SEGMENT_SHANK_RIGHT].q[i] = turn(0, 5 * pulse(s), 0);
        window.segment[KL_SEGMENT_THIGH_RIGHT].q[i] = turn(0, -3 * pulse(s), 0);
    }
    double steepest = PI / 0.8 / TC_S * DEG;
    /* a central difference of 10 ms sees sin(x)/x = 0.997 of the steepest slope */
    cr_expect_float_eq(value(KL_MOTION_SHANK_ADDUCTION_VELOCITY), 5 * steepest, 0.03 * steepest);
    cr_expect_float_eq(value(KL_MOTION_THIGH_ABDUCTION_VELOCITY), 3 * steepest, 0.03 * steepest);
    cr_expect_leq(value(KL_MOTION_SHANK_ABDUCTION_VELOCITY), 0.01);
}

Test(motion_metric, a_segment_that_never_leans_that_way_has_no_thrust_and_no_negative_one)
{
    pose(&window);
    for (size_t i = 0; i < window.count; i++) {
        double s = ((double)i / KL_MOTION_RATE_HZ - IC_S) / TC_S;
        window.segment[KL_SEGMENT_SHANK_RIGHT].q[i] = turn(0, 5 * s, 0); /* adducts all the time */
        window.segment[KL_SEGMENT_THIGH_RIGHT].q[i] = turn(0, -3 * s, 0);
    }
    cr_expect_float_eq(value(KL_MOTION_SHANK_ADDUCTION_VELOCITY), 5 * DEG / TC_S, 1e-9);
    cr_expect_float_eq(value(KL_MOTION_THIGH_ABDUCTION_VELOCITY), 3 * DEG / TC_S, 1e-9);
    cr_expect_eq(value(KL_MOTION_SHANK_ABDUCTION_VELOCITY), 0);
    cr_expect_eq(value(KL_MOTION_THIGH_ADDUCTION_VELOCITY), 0);
}

static void mirror(struct kl_motion_window *w)
{
    static struct kl_segment_motion swap;
    for (int s = 0; s < KL_SEGMENT_COUNT; s++) {
        for (size_t i = 0; i < w->count; i++) {
            w->segment[s].q[i] = kl_mirror_rotation(w->segment[s].q[i]);
            w->segment[s].w_rad_s[i] = kl_mirror_axial(w->segment[s].w_rad_s[i]);
        }
    }
    for (int s = KL_SEGMENT_THIGH_LEFT; s < KL_SEGMENT_COUNT; s += 2) {
        swap = w->segment[s];
        w->segment[s] = w->segment[s + 1];
        w->segment[s + 1] = swap;
    }
    w->side = w->side == KL_SIDE_RIGHT ? KL_SIDE_LEFT : KL_SIDE_RIGHT;
}

/* -0.0 equals 0.0, and NaN nothing: bits say more. */
static uint64_t bits(double value)
{
    uint64_t out;
    memcpy(&out, &value, sizeof(out));
    return out;
}

Test(motion_metric, the_mirrored_body_gives_the_same_bits_on_the_other_side)
{
    double right[KL_MOTION_METRIC_COUNT];
    pose(&window);
    pose_knee(&window, 4, 0.1); /* else nothing leaks in swing, and there is no index */
    for (int id = 0; id < KL_MOTION_SHOCK_AXIAL; id++) {
        right[id] = value((enum kl_motion_metric)id);
    }
    mirror(&window);
    for (int id = 0; id < KL_MOTION_SHOCK_AXIAL; id++) {
        double left = value((enum kl_motion_metric)id);
        bool range = id == KL_MOTION_TRUNK_ROTATION_RANGE || id == KL_MOTION_TRUNK_PELVIS_RANGE;
        if (range) { /* not mirrored: largest and smallest change places */
            cr_expect_float_eq(left, right[id], 1e-15);
        } else {
            cr_expect_eq(bits(left), bits(right[id]), "%s",
                         kl_motion_metric_get((enum kl_motion_metric)id)->metric.key);
        }
    }
}

Test(motion_metric, what_is_missing_is_said_and_leaves_the_others_untouched)
{
    static const struct {
        const char *legend;
        enum kl_segment segment;
        uint32_t mark;
        enum kl_motion_metric lost, kept;
        bool kept_is_marked;
    } rows[] = {
        {"dead thigh", KL_SEGMENT_THIGH_RIGHT, KL_MOTION_MISSING, KL_MOTION_KNEE_VARUS_EXCURSION,
         KL_MOTION_EVERSION_EXCURSION, false},
        {"no foot sensor", KL_SEGMENT_FOOT_RIGHT, KL_MOTION_NO_SENSOR, KL_MOTION_EVERSION_PEAK,
         KL_MOTION_TIBIAL_ROTATION, false},
        {"shank not calibrated", KL_SEGMENT_SHANK_RIGHT, KL_MOTION_NOT_CALIBRATED,
         KL_MOTION_TIBIA_INCLINATION, KL_MOTION_PELVIC_DROP_PEAK, false},
        {"cross-talk", KL_SEGMENT_SHANK_RIGHT, KL_MOTION_CROSS_TALK,
         KL_MOTION_KNEE_VALGUS_EXCURSION, KL_MOTION_KNEE_FLEXION_PEAK, true},
        {"heading", KL_SEGMENT_SHANK_RIGHT, KL_MOTION_HEADING, KL_MOTION_KNEE_ROTATION_EXCURSION,
         KL_MOTION_TIBIAL_ROTATION, true},
        {"settling", KL_SEGMENT_PELVIS, KL_MOTION_SETTLING, KL_MOTION_HIP_ADDUCTION_PEAK,
         KL_MOTION_KNEE_FLEXION_PEAK, false},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        pose(&window);
        window.segment[rows[i].segment].marks = rows[i].mark;
        struct kl_motion_input input = {&window, NULL};
        double out = 77;
        uint32_t marks = 0;
        cr_expect_not(kl_motion_metric_compute(rows[i].lost, &input, &out, &marks), "%s",
                      rows[i].legend);
        cr_expect_eq(out, 77);
        cr_expect_eq(marks, rows[i].mark, "%s", rows[i].legend);
        cr_expect(kl_motion_metric_compute(rows[i].kept, &input, &out, &marks), "%s",
                  rows[i].legend);
        cr_expect_eq(marks, rows[i].kept_is_marked ? rows[i].mark : 0, "%s", rows[i].legend);
    }
}

Test(motion_metric, a_window_without_side_stride_or_stance_refuses_what_needs_them)
{
    pose(&window);
    struct kl_motion_input input = {&window, NULL};
    double out = 77;
    uint32_t marks;
    window.end_s = 0;
    cr_expect_not(kl_motion_metric_compute(KL_MOTION_TRUNK_ROTATION_RANGE, &input, &out, &marks));
    cr_expect_eq(marks, KL_MOTION_NO_STRIDE);
    window.side = KL_SIDE_UNKNOWN;
    cr_expect_not(kl_motion_metric_compute(KL_MOTION_EVERSION_PEAK, &input, &out, &marks));
    cr_expect_eq(marks, KL_MOTION_NO_SIDE);
    window.side = KL_SIDE_RIGHT;
    for (int id = 0; id < KL_MOTION_METRIC_COUNT; id++) { /* and no memory is touched outside */
        static const struct {
            size_t count;
            double ic_s, to_s;
        } bad[] = {{0, 0, 0}, {10, .2, .5}, {200, -.3, .1}, {200, .5, .2}, {384, .3, 1e9}};
        for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
            window.count = bad[i].count;
            window.ic_s = bad[i].ic_s;
            window.to_s = bad[i].to_s;
            cr_expect_not(
                kl_motion_metric_compute((enum kl_motion_metric)id, &input, &out, &marks));
        }
    }
    cr_expect_eq(out, 77);
}

Test(motion_metric, a_coupling_ratio_of_small_excursions_is_withheld)
{
    pose(&window);
    for (size_t i = 0; i < window.count; i++) {
        window.segment[KL_SEGMENT_SHANK_RIGHT].w_rad_s[i].y *= 0.3; /* 1.8 deg */
    }
    struct kl_motion_input input = {&window, NULL};
    double out;
    uint32_t marks;
    cr_expect_not(kl_motion_metric_compute(KL_MOTION_COUPLING_RATIO, &input, &out, &marks));
    cr_expect_eq(marks, KL_MOTION_TOO_SMALL);
}

Test(motion_metric, every_row_has_its_words)
{
    for (int id = 0; id < KL_MOTION_METRIC_COUNT; id++) {
        const struct kl_motion_metric_row *row = kl_motion_metric_get((enum kl_motion_metric)id);
        cr_assert_not_null(row->metric.key, "%d", id);
        cr_assert_not_null(row->metric.label);
        cr_assert_not_null(row->metric.unit);
        cr_assert_not_null(row->metric.source);
        for (int other = 0; other < id; other++) {
            cr_expect_str_neq(row->metric.key,
                              kl_motion_metric_get((enum kl_motion_metric)other)->metric.key);
        }
    }
    for (unsigned i = 0; i < KL_MOTION_MARK_COUNT; i++) {
        cr_expect_str_neq(kl_motion_mark_text((enum kl_motion_mark)(1u << i)), "unknown");
    }
}
