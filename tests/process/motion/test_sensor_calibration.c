/* Still pose, six positions, rest, clipping, strap: methods 8.1, 8.2. */
#include "process/motion/accelerometer_calibration.h"
#include "process/motion/clipping.h"
#include "process/motion/sensor_rest.h"
#include "process/motion/still_pose.h"

#include <criterion/criterion.h>

#include <math.h>
#include <string.h>

#define PI 3.14159265358979323846
#define DEG (PI / 180.0)
#define G KL_GRAVITY_M_S2

/* A pose of `seconds` at 100 Hz with a disturbance of one sample in the middle. */
static struct kl_still_pose posed(double seconds, struct kl_vec bias, struct kl_vec gravity,
                                  struct kl_vec w_more, struct kl_vec a_more, uint32_t quality)
{
    struct kl_still_pose pose;
    cr_assert_eq(kl_still_pose_init(&pose, 100), KL_OK);
    size_t count = (size_t)(seconds * 100 + 0.5);
    for (size_t i = 0; i < count; i++) {
        bool middle = i == count / 2;
        kl_still_pose_step(&pose, middle ? kl_vec_add(bias, w_more) : bias,
                           middle ? kl_vec_add(gravity, a_more) : gravity, middle ? quality : 0);
    }
    return pose;
}

Test(still_pose, accepts_and_refuses_as_the_method_book_says)
{
    static const struct {
        const char *legend;
        double seconds;
        struct kl_vec w_more, a_more;
        double gravity;
        uint32_t quality;
        unsigned faults;
        const char *words;
    } rows[] = {
        {"good", 5, {0, 0, 0}, {0, 0, 0}, G, 0, 0, ""},
        {"good although the sensor's clock is unsure",
         5,
         {0, 0, 0},
         {0, 0, 0},
         G,
         KL_QUALITY_CLOCK,
         0,
         ""},
        {"short", 4.98, {0, 0, 0}, {0, 0, 0}, G, 0, KL_STILL_SHORT, "5 s"},
        {"just still", 6, {1.99 * DEG, 0, 0}, {0, 0.49, 0}, G, 0, 0, ""},
        {"turned", 6, {0, 0, -2.1 * DEG}, {0, 0, 0}, G, 0, KL_STILL_TURNED, "2.1 deg/s"},
        {"shaken", 6, {0, 0, 0}, {0, 0.52, 0}, G, 0, KL_STILL_SHAKEN, "0.52 m/s^2"},
        {"missing", 6, {0, 0, 0}, {0, 0, 0}, G, KL_QUALITY_GAP, KL_STILL_MISSING, "missing"},
        {"not a number", 6, {(double)NAN, 0, 0}, {0, 0, 0}, G, 0, KL_STILL_MISSING, "missing"},
        {"clipped", 6, {0, 0, 0}, {0, 0, 0}, G, KL_QUALITY_CLIPPED, KL_STILL_CLIPPED, "rail"},
        {"gravity", 6, {0, 0, 0}, {0, 0, 0}, G + 0.06, 0, KL_STILL_GRAVITY, "+0.060"},
        {"gravity is good", 6, {0, 0, 0}, {0, 0, 0}, G - 0.045, 0, 0, ""},
        {"in g", 6, {0, 0, 0}, {0, 0, 0}, 1.0, 0, KL_STILL_GRAVITY, "six positions"},
    };
    struct kl_vec bias = {0.3 * DEG, -0.2 * DEG, 1.0 * DEG};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct kl_still_pose pose =
            posed(rows[i].seconds, bias, (struct kl_vec){0, rows[i].gravity, 0}, rows[i].w_more,
                  rows[i].a_more, rows[i].quality);
        cr_expect_eq(kl_still_pose_faults(&pose), rows[i].faults, "%s: %x", rows[i].legend,
                     kl_still_pose_faults(&pose));
        struct kl_fault fault = {""};
        int status = kl_still_pose_check(&pose, "imu.shank.right", &fault);
        cr_expect_eq(status, rows[i].faults == 0 ? KL_OK : KL_ERR_DATA, "%s", rows[i].legend);
        cr_expect(strstr(fault.text, rows[i].words) != NULL, "%s: %s", rows[i].legend, fault.text);
        struct kl_vec off = kl_vec_sub(kl_still_pose_bias(&pose), bias);
        cr_expect_lt(kl_vec_norm(off), 0.01 * DEG, "%s", rows[i].legend);
    }
}

Test(still_pose, nothing_pushed_is_short_and_finite)
{
    struct kl_still_pose pose;
    cr_expect_eq(kl_still_pose_init(&pose, 0), KL_ERR_RANGE);
    cr_assert_eq(kl_still_pose_init(&pose, 100), KL_OK);
    cr_expect_eq(kl_still_pose_faults(&pose), KL_STILL_SHORT);
    cr_expect_eq(kl_vec_norm(kl_still_pose_bias(&pose)), 0);
}

Test(still_pose, drift_and_slip_between_two_poses)
{
    struct kl_vec none = {0, 0, 0};
    struct kl_vec g = {0.5, G, -0.3};
    struct kl_quat turn = kl_quat_about(kl_vec_unit((struct kl_vec){1, 0, 1}), 3.5 * DEG);
    struct kl_still_pose before = posed(5, none, (struct kl_vec){0, G, 0}, none, none, 0);
    struct kl_still_pose after =
        posed(5, (struct kl_vec){0.3 * DEG, 0, 0.4 * DEG},
              kl_quat_rotate(turn, (struct kl_vec){0, G + 0.02, 0}), none, none, 0);
    cr_expect_float_eq(kl_still_pose_drift(&before, &after), 0.5 * DEG, 1e-9);
    cr_expect_float_eq(kl_still_pose_slip(&before, &after), 3.5 * DEG, 1e-9);
    cr_expect_gt(kl_still_pose_slip(&before, &after), KL_STRAP_SLIP_MAX_RAD);
    cr_expect_float_eq(KL_STRAP_SLIP_MAX_RAD, 3 * DEG, 1e-9);
    cr_expect_float_eq(KL_GYRO_DRIFT_MAX_RAD_S, 0.5 * DEG, 1e-9);
    cr_expect_float_eq(KL_STILL_RATE_MAX_RAD_S, 2 * DEG, 1e-9);
    /* upside down is found, however large the angle */
    after = posed(5, none, kl_vec_scale(g, -1), none, none, 0);
    before = posed(5, none, g, none, none, 0);
    cr_expect_float_eq(kl_still_pose_slip(&before, &after), PI, 1e-6);
}

/* Measured = true / scale + bias, six poses laid a few degrees skew. */
static void six(const struct kl_accelerometer_calibration *truth, double skew_rad,
                struct kl_vec out[6])
{
    for (int i = 0; i < 6; i++) {
        double s = i % 2 == 0 ? G : -G;
        struct kl_vec v = {i / 2 == 0 ? s : 0, i / 2 == 1 ? s : 0, i / 2 == 2 ? s : 0};
        struct kl_vec axis = kl_vec_unit((struct kl_vec){1.0 + i, 2.0 - i, 0.5});
        v = kl_quat_rotate(kl_quat_about(axis, skew_rad), v);
        out[i] = (struct kl_vec){v.x / truth->scale.x + truth->bias_m_s2.x,
                                 v.y / truth->scale.y + truth->bias_m_s2.y,
                                 v.z / truth->scale.z + truth->bias_m_s2.z};
    }
}

Test(accelerometer, six_positions_give_back_bias_and_scale)
{
    struct kl_accelerometer_calibration truth = {.bias_m_s2 = {0.54, -0.61, 0.40},
                                                 .scale = {0.997, 1.002, 1.023}};
    static const double skews[] = {0, 3 * DEG, 10 * DEG};
    for (size_t i = 0; i < 3; i++) {
        struct kl_vec pose[6];
        six(&truth, skews[i], pose);
        struct kl_accelerometer_calibration c;
        struct kl_fault fault = {""};
        cr_assert_eq(kl_accelerometer_calibrate(pose, 6, &c, &fault), KL_OK, "%s", fault.text);
        cr_expect_lt(kl_vec_norm(kl_vec_sub(c.bias_m_s2, truth.bias_m_s2)), 1e-9, "row %zu", i);
        cr_expect_lt(kl_vec_norm(kl_vec_sub(c.scale, truth.scale)), 1e-9, "row %zu", i);
        cr_expect_lt(c.residual_m_s2, 1e-9);
        struct kl_vec a = kl_accelerometer_apply(&c, pose[3]);
        cr_expect_float_eq(kl_vec_norm(a), G, 1e-9);
    }
}

Test(accelerometer, poses_that_cannot_be_fitted_are_refused_and_named)
{
    struct kl_accelerometer_calibration plain = {.scale = {1, 1, 1}};
    struct kl_accelerometer_calibration c = plain;
    struct kl_vec pose[6];
    struct kl_fault fault;
    six(&plain, 0, pose);
    cr_expect_eq(kl_accelerometer_calibrate(pose, 5, &c, &fault), KL_ERR_ARG);
    pose[3] = pose[2]; /* y up twice */
    cr_expect_eq(kl_accelerometer_calibrate(pose, 6, &c, &fault), KL_ERR_DATA);
    cr_expect(strstr(fault.text, "y down") != NULL, "%s", fault.text);
    six(&plain, 0, pose);
    for (int i = 0; i < 6; i++) {
        pose[i] = kl_vec_scale(pose[i], 1 / G); /* in g */
    }
    cr_expect_eq(kl_accelerometer_calibrate(pose, 6, &c, &fault), KL_ERR_DATA);
    cr_expect(strstr(fault.text, "unit") != NULL, "%s", fault.text);
    pose[0].x = (double)NAN;
    cr_expect_eq(kl_accelerometer_calibrate(pose, 6, &c, &fault), KL_ERR_DATA);
    cr_expect(c.scale.x == 1 && c.bias_m_s2.x == 0); /* untouched */
}

Test(clipping, two_samples_in_a_row_on_one_channel)
{
    static const struct {
        const char *legend;
        double x[5]; /* acceleration x, in ranges */
        double y[5];
        bool clipped[5];
        uint64_t events;
    } rows[] = {
        {"below", {0.97, 0.98, 0.97, -0.979, 0.9}, {0}, {0}, 0},
        {"one peak", {0.5, 1.0, 0.5, -1.0, 0.5}, {0}, {0}, 0},
        {"plateau", {0.5, 0.99, 0.99, 0.99, 0.5}, {0}, {0, 0, 1, 1, 0}, 1},
        {"negative", {-1, -1, 0, -1, -1}, {0}, {0, 1, 0, 0, 1}, 2},
        {"one channel after the other", {0, 1, 0, 1, 0}, {1, 0, 1, 0, 1}, {0}, 0},
    };
    struct kl_clipping_settings settings = {.acceleration_range_m_s2 = 16 * G,
                                            .rate_range_rad_s = 2000 * DEG};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct kl_clipping c;
        struct kl_clipping w;
        kl_clipping_init(&c, &settings);
        kl_clipping_init(&w, &settings);
        for (int k = 0; k < 5; k++) {
            struct kl_vec v = {rows[i].x[k], rows[i].y[k], 0};
            bool found = kl_clipping_step(&c, (struct kl_vec){0, 0, 0}, kl_vec_scale(v, 16 * G));
            cr_expect_eq(found, rows[i].clipped[k], "%s: sample %d", rows[i].legend, k);
            found = kl_clipping_step(&w, kl_vec_scale(v, 2000 * DEG), (struct kl_vec){0, 0, 0});
            cr_expect_eq(found, rows[i].clipped[k], "%s: sample %d of the rate", rows[i].legend, k);
        }
        cr_expect_eq(c.events, rows[i].events, "%s", rows[i].legend);
    }
    struct kl_clipping unknown;
    kl_clipping_init(&unknown, &(struct kl_clipping_settings){0, 0});
    for (int k = 0; k < 5; k++) {
        cr_expect_not(
            kl_clipping_step(&unknown, (struct kl_vec){1e6, 0, 0}, (struct kl_vec){0, 0, 0}));
    }
}

Test(sensor_rest, needs_a_second_and_a_half_below_both_limits)
{
    static const struct {
        const char *legend;
        double rate_deg_s, acceleration, bias_deg_s;
        bool rest;
    } rows[] = {
        {"still", 0, 0, 0, true},          {"with a bias", 0, 0, 1.5, true},
        {"a slow turn", 0, 0, 2.5, false}, {"below the limits", 1.8, 0.45, 0, true},
        {"turning", 2.4, 0, 0, false},     {"shaking", 0, 0.6, 0, false},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct kl_sensor_rest rest;
        cr_assert_eq(kl_sensor_rest_init(&rest, 200, NULL), KL_OK);
        bool early = false;
        bool now = false;
        for (size_t k = 0; k < 2000; k++) {
            double s = k % 2 == 0 ? 1 : -1; /* far above the low-pass: the deviation is all of it */
            now = kl_sensor_rest_step(
                &rest, (struct kl_vec){(rows[i].bias_deg_s + s * rows[i].rate_deg_s) * DEG, 0, 0},
                (struct kl_vec){0, s * rows[i].acceleration, G});
            early = early || (k < 290 && now);
        }
        cr_expect_eq(now, rows[i].rest, "%s", rows[i].legend);
        cr_expect_not(early, "%s", rows[i].legend);
        cr_expect_float_eq(kl_sensor_rest_rate(&rest).x, rows[i].bias_deg_s * DEG, 0.02 * DEG);
        cr_expect_float_eq(kl_sensor_rest_acceleration(&rest).z, G, 1e-6);
    }
}
