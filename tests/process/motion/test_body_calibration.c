/* Oracle: the mountings of a body posed from closed forms (calibrated_body.h). */
#include "calibrated_body.h"
#include "process/motion/motion_window.h"

#include <criterion/criterion.h>

#include <string.h>

#define DEG (3.14159265358979323846 / 180)

static struct body body;
static struct kl_body_calibration *calibration;

static void setup(void)
{
    body_init(&body);
    calibration = kl_body_calibration_create();
    cr_assert_not_null(calibration);
}

static void teardown(void)
{
    kl_body_calibration_destroy(calibration);
    kl_body_calibration_destroy(NULL);
}

TestSuite(body_calibration, .init = setup, .fini = teardown);

static double angle_of(struct kl_quat q)
{
    return 2 * atan2(sqrt(q.x * q.x + q.y * q.y + q.z * q.z), fabs(q.w)) / DEG;
}

/* Error of a segment's alignment, deg; 1000 when there is none. */
static double error_of(enum kl_segment segment)
{
    struct kl_segment_alignment alignment;
    if (!kl_body_calibration_alignment(calibration, segment, &alignment)) {
        return 1000;
    }
    return angle_of(kl_quat_mul(kl_quat_conj(body.mounting[segment]), alignment.sensor_segment));
}

static const struct kl_calibration_finding *find(enum kl_calibration_finding_kind kind,
                                                 enum kl_segment a)
{
    static struct kl_calibration_finding findings[KL_FINDINGS_MAX];
    size_t count = kl_body_calibration_findings(calibration, findings);
    for (size_t i = 0; i < count; i++) {
        if (findings[i].kind == kind && (findings[i].a == a || findings[i].b == a)) {
            return &findings[i];
        }
    }
    return NULL;
}

Test(body_calibration, every_mounting_is_found_and_nothing_is_complained_about)
{
    body.wobble = 0.08;
    body_do_all(&body, calibration);
    struct kl_calibration_finding findings[KL_FINDINGS_MAX];
    size_t count = kl_body_calibration_findings(calibration, findings);
    cr_expect_eq(count, 0, "%s", findings[0].text);
    for (int s = 0; s < KL_SEGMENT_COUNT; s++) {
        /* wobble of 8 % of the movement; in the march it goes with the steps */
        cr_expect_lt(error_of((enum kl_segment)s), 1.5, "%s: %g deg",
                     kl_segment_text((enum kl_segment)s), error_of((enum kl_segment)s));
        cr_expect_eq((int)kl_body_calibration_sensor(calibration, (enum kl_segment)s), s);
    }
    for (int p = 0; p < KL_CALIBRATION_PHASE_COUNT; p++) {
        struct kl_calibration_check check;
        kl_body_calibration_check(calibration, (enum kl_calibration_phase)p, &check);
        cr_expect(check.pass, "%s: %s", kl_calibration_phase_text((enum kl_calibration_phase)p),
                  check.text);
        cr_expect_str_eq(check.text, "good");
        cr_expect(check.done);
    }
}

Test(body_calibration, the_figure_grows_while_a_phase_runs)
{
    body_do(&body, calibration, KL_CALIBRATION_STILL);
    kl_body_calibration_begin(calibration, KL_CALIBRATION_SQUATS, body.t_ns);
    size_t seen = 0;
    for (int i = 0; i < 32 * 200; i++) {
        for (int s = 0; s < KL_SEGMENT_COUNT; s++) {
            struct kl_vec w;
            struct kl_vec a;
            body_sample(&body, KL_CALIBRATION_SQUATS, i / 200.0, (enum kl_segment)s, &w, &a);
            kl_body_calibration_push(calibration, (enum kl_segment)s,
                                     body.t_ns + i * KL_NS_PER_S / 200, w, a);
        }
        if (i % 1000 == 999) {
            struct kl_calibration_check check;
            kl_body_calibration_check(calibration, KL_CALIBRATION_SQUATS, &check);
            cr_expect(check.running);
            cr_expect_geq(check.sensor[KL_SEGMENT_SHANK_RIGHT].repetitions, seen);
            seen = check.sensor[KL_SEGMENT_SHANK_RIGHT].repetitions;
            cr_expect_not(check.sensor[KL_SEGMENT_TRUNK].asked);
            if (i < 2000 || i > 3900) { /* five bends end after 16 s */
                cr_expect_eq(check.pass, i > 3900, "after %d s: %s", i / 200, check.text);
            }
        }
    }
    cr_expect(seen == 9 || seen == 10, "%zu", seen); /* the tenth ends just after 30 s */
}

Test(body_calibration, a_restless_pose_is_refused_with_words)
{
    body.sway_rad_s = 6 * DEG;
    body_do_all(&body, calibration);
    struct kl_calibration_check check;
    kl_body_calibration_check(calibration, KL_CALIBRATION_STILL, &check);
    cr_expect_not(check.pass);
    cr_expect_not_null(strstr(check.text, "do not move"), "%s", check.text);
    cr_expect_eq(error_of(KL_SEGMENT_SHANK_LEFT), 1000);
}

Test(body_calibration, a_skipped_movement_costs_only_what_it_gives)
{
    body_do(&body, calibration, KL_CALIBRATION_STILL);
    body_do(&body, calibration, KL_CALIBRATION_BOWS);
    body_do(&body, calibration, KL_CALIBRATION_MARCH);
    cr_expect_lt(error_of(KL_SEGMENT_PELVIS), 0.5);
    cr_expect_lt(error_of(KL_SEGMENT_TRUNK), 0.5);
    cr_expect_eq(error_of(KL_SEGMENT_THIGH_LEFT), 1000);
    cr_expect_eq(error_of(KL_SEGMENT_SHANK_RIGHT), 1000);
    cr_expect_eq(error_of(KL_SEGMENT_FOOT_RIGHT), 1000); /* its sign hangs on the shank's axis */
    struct kl_calibration_check check;
    kl_body_calibration_check(calibration, KL_CALIBRATION_SQUATS, &check);
    cr_expect_not(check.pass);
    cr_expect_not_null(strstr(check.text, "not done"), "%s", check.text);
}

Test(body_calibration, a_sensor_that_is_not_worn_is_not_missed)
{
    body.worn[KL_SEGMENT_TRUNK] = false;
    body.worn[KL_SEGMENT_FOOT_LEFT] = false;
    body.worn[KL_SEGMENT_FOOT_RIGHT] = false;
    body_do_all(&body, calibration);
    for (int p = 0; p < KL_CALIBRATION_PHASE_COUNT; p++) {
        struct kl_calibration_check check;
        kl_body_calibration_check(calibration, (enum kl_calibration_phase)p, &check);
        cr_expect_eq(check.pass, p != KL_CALIBRATION_MARCH, "%s", check.text);
    }
    cr_expect_eq(error_of(KL_SEGMENT_TRUNK), 1000);
    cr_expect_lt(error_of(KL_SEGMENT_PELVIS), 0.5);
}

Test(body_calibration, a_sensor_that_died_is_named)
{
    body_do(&body, calibration, KL_CALIBRATION_STILL);
    body.worn[KL_SEGMENT_THIGH_LEFT] = false;
    body_do(&body, calibration, KL_CALIBRATION_SQUATS);
    struct kl_calibration_check check;
    kl_body_calibration_check(calibration, KL_CALIBRATION_SQUATS, &check);
    cr_expect_not(check.pass);
    cr_expect_not_null(strstr(check.text, "thigh.left: no samples"), "%s", check.text);
    cr_expect_lt(error_of(KL_SEGMENT_THIGH_RIGHT), 0.5);
}

/* Sensors worn on each other's segment. */
Test(body_calibration, exchanged_sensors_are_found_named_and_corrected)
{
    static const struct {
        const char *legend;
        enum kl_segment a, b;
        bool feet; /* worn: with three kinds the odd one out is known */
    } rows[] = {
        {"thigh and shank of one leg", KL_SEGMENT_THIGH_RIGHT, KL_SEGMENT_SHANK_RIGHT, true},
        {"shank and foot of one leg", KL_SEGMENT_SHANK_LEFT, KL_SEGMENT_FOOT_LEFT, true},
        {"thigh and foot of one leg", KL_SEGMENT_THIGH_LEFT, KL_SEGMENT_FOOT_LEFT, true},
        {"the shanks, feet worn", KL_SEGMENT_SHANK_LEFT, KL_SEGMENT_SHANK_RIGHT, true},
        {"the thighs, feet worn", KL_SEGMENT_THIGH_LEFT, KL_SEGMENT_THIGH_RIGHT, true},
        {"the shanks, no feet: the first knee tells", KL_SEGMENT_SHANK_LEFT, KL_SEGMENT_SHANK_RIGHT,
         false},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        teardown();
        setup();
        body.seat[rows[i].a] = rows[i].b;
        body.seat[rows[i].b] = rows[i].a;
        body.worn[KL_SEGMENT_FOOT_LEFT] = rows[i].feet;
        body.worn[KL_SEGMENT_FOOT_RIGHT] = rows[i].feet;
        body_do_all(&body, calibration);
        const struct kl_calibration_finding *finding = find(KL_FINDING_EXCHANGED, rows[i].a);
        cr_assert_not_null(finding, "%s", rows[i].legend);
        cr_expect(finding->corrected);
        cr_expect_not_null(strstr(finding->text, kl_segment_text(rows[i].b)), "%s", finding->text);
        cr_expect_eq(kl_body_calibration_sensor(calibration, rows[i].a), rows[i].b, "%s",
                     rows[i].legend);
        for (int s = 0; s < KL_SEGMENT_COUNT; s++) {
            if (body.worn[s]) {
                cr_expect_lt(error_of((enum kl_segment)s), 0.5, "%s: %s", rows[i].legend,
                             kl_segment_text((enum kl_segment)s));
            }
        }
    }
}

Test(body_calibration, all_sides_swapped_is_suspected_from_the_first_knee)
{
    static const enum kl_segment left[] = {KL_SEGMENT_THIGH_LEFT, KL_SEGMENT_SHANK_LEFT,
                                           KL_SEGMENT_FOOT_LEFT};
    for (size_t k = 0; k < 3; k++) {
        body.seat[left[k]] = (enum kl_segment)(left[k] + 1);
        body.seat[left[k] + 1] = left[k];
    }
    body_do_all(&body, calibration);
    const struct kl_calibration_finding *finding = find(KL_FINDING_SIDES, KL_SEGMENT_THIGH_LEFT);
    cr_assert_not_null(finding);
    cr_expect_not(finding->corrected); /* the runner may have begun with the left knee */
}

Test(body_calibration, a_foot_sensor_in_the_hand_of_a_bending_runner_is_withheld)
{
    body.seat[KL_SEGMENT_FOOT_LEFT] = KL_SEGMENT_THIGH_LEFT; /* both on the thigh */
    body_do_all(&body, calibration);
    const struct kl_calibration_finding *finding = find(KL_FINDING_NOT_THERE, KL_SEGMENT_FOOT_LEFT);
    cr_assert_not_null(finding);
    cr_expect_eq(error_of(KL_SEGMENT_FOOT_LEFT), 1000);
    cr_expect_lt(error_of(KL_SEGMENT_SHANK_LEFT), 0.5);
}

Test(body_calibration, upside_down_is_named_and_used_as_it_sits)
{
    struct kl_vec up =
        kl_quat_rotate(body.mounting[KL_SEGMENT_SHANK_RIGHT], (struct kl_vec){0, 1, 0});
    kl_body_calibration_expect_up(calibration, KL_SEGMENT_SHANK_RIGHT, kl_vec_scale(up, -1));
    kl_body_calibration_expect_up(
        calibration, KL_SEGMENT_SHANK_LEFT,
        kl_quat_rotate(body.mounting[KL_SEGMENT_SHANK_LEFT], (struct kl_vec){1, 0, 0}));
    body_do_all(&body, calibration);
    cr_expect_not_null(find(KL_FINDING_UPSIDE_DOWN, KL_SEGMENT_SHANK_RIGHT));
    cr_expect_not_null(find(KL_FINDING_TURNED, KL_SEGMENT_SHANK_LEFT));
    cr_expect_lt(error_of(KL_SEGMENT_SHANK_RIGHT), 0.5);
}

Test(body_calibration, a_strap_that_slipped_by_more_than_3_degrees_marks_its_segment)
{
    static const struct {
        double deg;
        bool found;
    } rows[] = {{2.5, false}, {3.5, true}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        teardown();
        setup();
        struct kl_vec across =
            kl_quat_rotate(body.mounting[KL_SEGMENT_THIGH_LEFT], (struct kl_vec){1, 0, 0});
        body.slip[KL_SEGMENT_THIGH_LEFT] = kl_quat_about(across, rows[i].deg * DEG);
        body_do_all(&body, calibration);
        const struct kl_calibration_finding *finding =
            find(KL_FINDING_SLIPPED, KL_SEGMENT_THIGH_LEFT);
        cr_expect_eq(finding != NULL, rows[i].found, "%g deg", rows[i].deg);
        struct kl_segment_alignment alignment;
        cr_assert(kl_body_calibration_alignment(calibration, KL_SEGMENT_THIGH_LEFT, &alignment));
        cr_expect_eq(alignment.marks, rows[i].found ? KL_MOTION_STRAP : 0);
    }
}

Test(body_calibration, crooked_knee_bends_are_marked_and_explained)
{
    body.wobble = 0.25;
    body_do_all(&body, calibration);
    struct kl_calibration_check check;
    kl_body_calibration_check(calibration, KL_CALIBRATION_SQUATS, &check);
    cr_expect_not(check.pass);
    cr_expect_not_null(strstr(check.text, "axis quality"), "%s", check.text);
    struct kl_segment_alignment alignment;
    cr_assert(kl_body_calibration_alignment(calibration, KL_SEGMENT_THIGH_LEFT, &alignment));
    cr_expect_eq(alignment.marks, KL_MOTION_AXIS);
}

Test(body_calibration, samples_outside_phases_and_no_numbers_change_nothing)
{
    body_do(&body, calibration, KL_CALIBRATION_STILL);
    struct kl_vec bad = {(double)NAN, (double)INFINITY, 0};
    kl_body_calibration_push(calibration, KL_SEGMENT_TRUNK, body.t_ns, bad, bad);
    kl_body_calibration_begin(calibration, KL_CALIBRATION_SQUATS, body.t_ns);
    kl_body_calibration_push(calibration, KL_SEGMENT_TRUNK, body.t_ns, bad, bad);
    kl_body_calibration_push(calibration, KL_SEGMENT_TRUNK, 0, (struct kl_vec){0, 0, 0},
                             (struct kl_vec){0, 0, 0});
    kl_body_calibration_push(calibration, KL_SEGMENT_TRUNK, INT64_MAX, (struct kl_vec){0, 0, 0},
                             (struct kl_vec){0, 0, 0});
    struct kl_calibration_check check;
    kl_body_calibration_check(calibration, KL_CALIBRATION_SQUATS, &check);
    cr_expect_not(check.sensor[KL_SEGMENT_TRUNK].seen);
    kl_body_calibration_end(calibration, body.t_ns);
    kl_body_calibration_end(calibration, body.t_ns);
}
