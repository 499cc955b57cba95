/* The body of the virtual runner: derivatives, gravity, closure with the forces, repetition. */
#include "devices/virtual_body.h"
#include "devices/virtual_imu.h"
#include "virtual_session.h"

#include <criterion/criterion.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double pi = 3.14159265358979323846;
static const double deg = 3.14159265358979323846 / 180;
static const double gravity = 9.80665;

/* A body with its contacts, asked at times that never decrease. */
struct scene {
    struct kl_virtual_runner runner;
    struct kl_virtual_body body;
    struct kl_virtual_load load;
};

static struct scene *scene_create(const struct kl_virtual_runner *runner)
{
    struct scene *scene = calloc(1, sizeof(*scene));
    cr_assert_not_null(scene);
    scene->runner = *runner;
    kl_virtual_body_init(&scene->body, runner);
    kl_virtual_load_init(&scene->load, runner);
    return scene;
}

static void posture_at(struct scene *scene, double t_s, struct kl_virtual_posture *out)
{
    kl_virtual_load_advance(&scene->load, t_s);
    kl_virtual_body_at(&scene->body, scene->load.contact, scene->load.count, t_s, out);
}

/* Pendulum of methods 21.3: theta = A sin(2 pi f t) about Z, sensor at (0, -r, 0):
 * w = (0, 0, theta'), f = (r theta'' + g sin theta, r theta'^2 + g cos theta, 0). */
Test(virtual_body, a_pendulum_feels_what_the_formula_says)
{
    const double amplitude = 0.6;
    const double w = 2 * pi * 1.3;
    const double r = 0.4;
    for (int k = 0; k < 100; k++) {
        double t = 0.01 * k;
        struct kl_virtual_course theta = {amplitude * sin(w * t), amplitude * w * cos(w * t),
                                          -amplitude * w * w * sin(w * t)};
        struct kl_virtual_pose pose = kl_virtual_pose_rest();
        kl_virtual_pose_turn(&pose, KL_VIRTUAL_Z, &theta);
        kl_virtual_pose_move(&pose, (const double[3]){0, -r, 0});
        double f[3];
        kl_virtual_pose_specific_force(&pose, f);
        cr_expect_float_eq(f[0], r * theta.acceleration + gravity * sin(theta.value), 1e-12);
        cr_expect_float_eq(f[1], r * theta.rate * theta.rate + gravity * cos(theta.value), 1e-12);
        cr_expect_float_eq(f[2], 0, 1e-12);
        cr_expect_float_eq(pose.w_rad_s[2], theta.rate, 1e-12);
    }
}

/* Oracle 12: al -40, be 6, ga -8 deg. */
Test(virtual_body, turns_about_z_x_y_give_the_worked_matrix_and_back)
{
    static const double row[3][3] = {
        {.74924, .63927, -.17315}, {-.64768, .76185, .01016}, {.13841, .10453, .98484}};
    struct kl_virtual_pose pose = kl_virtual_pose_rest();
    kl_virtual_pose_turn(&pose, KL_VIRTUAL_Z, &(struct kl_virtual_course){-40 * deg, 0, 0});
    kl_virtual_pose_turn(&pose, KL_VIRTUAL_X, &(struct kl_virtual_course){6 * deg, 0, 0});
    kl_virtual_pose_turn(&pose, KL_VIRTUAL_Y, &(struct kl_virtual_course){-8 * deg, 0, 0});
    for (int i = 0; i < 3; i++) {
        for (int j = 0; j < 3; j++) {
            cr_expect_float_eq(pose.r[i][j], row[i][j], 1e-5, "%d %d", i, j);
        }
    }
    double angle[3];
    kl_virtual_angles_of((const double(*)[3])pose.r, angle);
    cr_expect_float_eq(angle[0], -40 * deg, 1e-12);
    cr_expect_float_eq(angle[1], 6 * deg, 1e-12);
    cr_expect_float_eq(angle[2], -8 * deg, 1e-12);
}

/* Is t near an instant where the closed forms have a kink of an acceleration (the jump of
 * a difference there is no error)? */
static bool near_kink(const struct kl_virtual_load *load, double t_s, double margin_s)
{
    static const double share[] = {0, 0.8, 1};
    for (size_t k = 0; k < load->count; k++) {
        for (size_t i = 0; i < 3; i++) {
            double kink_s = load->contact[k].onset_s + share[i] * load->contact[k].contact_time_s;
            if (fabs(t_s - kink_s) <= margin_s) {
                return true;
            }
        }
    }
    return false;
}

/* Largest disagreement of derivatives and differences over all segments. */
static void compare(const struct kl_virtual_posture p[3], double h, double worst[4])
{
    for (int k = 0; k < KL_VIRTUAL_SEGMENT_COUNT; k++) {
        const struct kl_virtual_pose *now = &p[1].segment[k];
        const struct kl_virtual_pose *before = &p[0].segment[k];
        const struct kl_virtual_pose *after = &p[2].segment[k];
        for (int i = 0; i < 3; i++) {
            double v = (after->p_m[i] - before->p_m[i]) / (2 * h);
            double a = (after->v_m_s[i] - before->v_m_s[i]) / (2 * h);
            double dw = (after->w_rad_s[i] - before->w_rad_s[i]) / (2 * h);
            worst[0] = fmax(worst[0], fabs(v - now->v_m_s[i]));
            worst[1] = fmax(worst[1], fabs(a - now->a_m_s2[i]));
            worst[2] = fmax(worst[2], fabs(dw - now->dw_rad_s2[i]));
        }
        /* w = vee(R^T dR/dt) */
        double s[3][3];
        for (int i = 0; i < 3; i++) {
            for (int j = 0; j < 3; j++) {
                s[i][j] = 0;
                for (int m = 0; m < 3; m++) {
                    s[i][j] += now->r[m][i] * (after->r[m][j] - before->r[m][j]) / (2 * h);
                }
            }
        }
        const double w[3] = {s[2][1], s[0][2], s[1][0]};
        for (int i = 0; i < 3; i++) {
            worst[3] = fmax(worst[3], fabs(w[i] - now->w_rad_s[i]));
        }
    }
}

static double check_derivatives(const struct kl_virtual_runner *runner, double from_s, double to_s)
{
    const double h = 1e-5;
    double worst[4] = {0};
    struct scene *scene = scene_create(runner);
    for (double t = from_s; t < to_s; t += 0.00317) {
        kl_virtual_load_advance(&scene->load, t - h);
        struct kl_virtual_posture p[3];
        posture_at(scene, t - h, &p[0]);
        posture_at(scene, t, &p[1]);
        posture_at(scene, t + h, &p[2]);
        if (!near_kink(&scene->load, t, 2 * h)) {
            compare(p, h, worst);
        }
    }
    free(scene);
    /* h^2/6 of a next derivative of up to 1e6 /s^3 of rates of 10 rad/s, and 1e-16/h of rounding */
    cr_expect_lt(worst[0], 1e-6, "v: %g", worst[0]);
    cr_expect_lt(worst[1], 2e-3, "a: %g", worst[1]);
    cr_expect_lt(worst[2], 2e-3, "dw: %g", worst[2]);
    cr_expect_lt(worst[3], 1e-6, "w: %g", worst[3]);
    return worst[0];
}

Test(virtual_body, velocities_and_accelerations_are_the_derivatives_of_the_places)
{
    struct kl_virtual_runner runner = kl_virtual_runner_defaults();
    runner.quiet_s = 0;
    runner.stand_s = 1;
    runner.step_time_s[1] = 0.38; /* uneven, with jitter, from the standing pose on */
    runner.contact_time_s[0] = 0.23;
    runner.step_time_cv = 0.03;
    runner.overstride = 0.4;
    (void)check_derivatives(&runner, 1.1, 9);
}

Test(virtual_body, walking_without_flight_has_derivatives_too)
{
    struct kl_virtual_runner runner = virtual_session_plain_runner();
    runner.step_time_s[0] = runner.step_time_s[1] = 0.55;
    runner.contact_time_s[0] = runner.contact_time_s[1] = 0.65;
    runner.speed_m_s = 1.3;
    (void)check_derivatives(&runner, 1.1, 9);
}

Test(virtual_body, calibration_movements_have_derivatives_too)
{
    struct kl_virtual_runner runner = virtual_session_plain_runner();
    runner.stand_s = 1;
    runner.knee_bends = 2;
    runner.bows = 1;
    runner.marching_s = 4;
    struct scene *scene = scene_create(&runner);
    struct kl_virtual_timeline timeline = scene->body.timeline;
    free(scene);
    for (int part = KL_VIRTUAL_KNEE_BENDS; part <= KL_VIRTUAL_BOWS; part++) {
        (void)check_derivatives(&runner, timeline.part[part].start_s + 0.001,
                                timeline.part[part].end_s - 0.001);
    }
    (void)check_derivatives(&runner, timeline.part[KL_VIRTUAL_MARCHING].start_s + 0.001,
                            timeline.part[KL_VIRTUAL_MARCHING].start_s + 0.999);
}

/* a turned by the vector w dt (Rodrigues). */
static void advance(double r[3][3], const double w[3], double dt)
{
    double angle = sqrt(w[0] * w[0] + w[1] * w[1] + w[2] * w[2]) * dt;
    if (angle < 1e-15) {
        return;
    }
    double n[3];
    for (int i = 0; i < 3; i++) {
        n[i] = w[i] * dt / angle;
    }
    double c = cos(angle);
    double s = sin(angle);
    double e[3][3] = {
        {c + n[0] * n[0] * (1 - c), n[0] * n[1] * (1 - c) - n[2] * s,
         n[0] * n[2] * (1 - c) + n[1] * s},
        {n[1] * n[0] * (1 - c) + n[2] * s, c + n[1] * n[1] * (1 - c),
         n[1] * n[2] * (1 - c) - n[0] * s},
        {n[2] * n[0] * (1 - c) - n[1] * s, n[2] * n[1] * (1 - c) + n[0] * s,
         c + n[2] * n[2] * (1 - c)},
    };
    double out[3][3] = {{0}};
    for (int i = 0; i < 3; i++) {
        for (int j = 0; j < 3; j++) {
            for (int m = 0; m < 3; m++) {
                out[i][j] += r[i][m] * e[m][j];
            }
        }
    }
    memcpy(r, out, sizeof(out));
}

Test(virtual_body, integrating_a_gyro_for_ten_seconds_gives_the_orientation)
{
    struct kl_virtual_runner runner = kl_virtual_runner_defaults();
    runner.noise_scale = 0;
    runner.imu_rate_hz = 1000;
    runner.sensors = KL_VIRTUAL_SENSORS_IMU;
    runner.soft_tissue_rad = 1 * deg;
    runner.gyro_range_rad_s = 100;
    for (int k = 0; k < KL_VIRTUAL_SEGMENT_COUNT; k++) {
        runner.mounting_rad[k][0] = 0.3;
        runner.mounting_rad[k][2] = -0.4;
    }
    struct virtual_session session;
    virtual_session_start(&session, &runner);
    virtual_session_run(&session, 20, 4096);
    struct scene *scene = scene_create(&runner);
    static double r[KL_VIRTUAL_SEGMENT_COUNT][3][3];
    static double before[KL_VIRTUAL_SEGMENT_COUNT][3];
    static bool begun[KL_VIRTUAL_SEGMENT_COUNT];
    double worst = 0;
    for (size_t n = 0; n < session.count; n++) {
        const struct kl_sample *sample = &session.sample[n];
        double t = kl_seconds(sample->device_ns);
        if (sample->stream == 0 || t < 10) {
            continue;
        }
        int k = (int)sample->stream - 1; /* one plate, then the segments in their order */
        struct kl_virtual_posture posture;
        posture_at(scene, t, &posture);
        struct kl_virtual_imu imu;
        kl_virtual_imu_init(&imu, &runner, (enum kl_virtual_segment)k);
        struct kl_virtual_pose pose =
            kl_virtual_imu_pose(&imu, &posture, scene->load.contact, scene->load.count, t);
        const double *w = &sample->value[3];
        if (!begun[k]) {
            memcpy(r[k], pose.r, sizeof(pose.r));
            begun[k] = true;
        } else {
            double mean[3] = {(w[0] + before[k][0]) / 2, (w[1] + before[k][1]) / 2,
                              (w[2] + before[k][2]) / 2};
            advance(r[k], mean, 1e-3);
            double trace = 0;
            for (int i = 0; i < 9; i++) {
                trace += r[k][i / 3][i % 3] * pose.r[i / 3][i % 3];
            }
            worst = fmax(worst, acos(fmin(fmax((trace - 1) / 2, -1), 1)));
        }
        memcpy(before[k], w, sizeof(before[k]));
    }
    /* 0.05 deg; trapezoid of 1 ms: 1e-6/12 of the change of dw, about 1e3 rad/s^2, per kink */
    cr_expect_lt(worst, 0.05 * deg, "%g deg", worst / deg);
    free(scene);
    virtual_session_free(&session);
}

Test(virtual_body, a_standing_sensor_measures_gravity_along_its_mounting)
{
    struct kl_virtual_runner runner = kl_virtual_runner_defaults();
    runner.noise_scale = 0;
    runner.sensors = KL_VIRTUAL_SENSORS_IMU;
    runner.mounting_rad[KL_VIRTUAL_SHANK_LEFT][0] = 20 * deg;
    struct virtual_session session;
    virtual_session_start(&session, &runner);
    virtual_session_run(&session, 8, 4096);
    for (size_t n = 0; n < session.count; n++) {
        const struct kl_sample *sample = &session.sample[n];
        if (sample->stream == 0) {
            continue;
        }
        double turn = sample->stream == 1 + KL_VIRTUAL_SHANK_LEFT ? 20 * deg : 0;
        cr_assert_float_eq(sample->value[0], gravity * sin(turn), 1e-12);
        cr_assert_float_eq(sample->value[1], gravity * cos(turn), 1e-12);
        for (int i = 2; i < 6; i++) {
            cr_assert_float_eq(sample->value[i], 0, 1e-12);
        }
    }
    virtual_session_free(&session);
}

Test(virtual_body, without_noise_and_jitter_every_stride_repeats)
{
    struct kl_virtual_runner runner = virtual_session_plain_runner();
    runner.step_time_s[0] = 0.36;
    struct scene *scene = scene_create(&runner);
    const double stride_s = 0.71;
    enum { INSTANTS = 71 };
    static struct kl_virtual_posture first[INSTANTS];
    double worst = 0;
    for (int stride = 0; stride < 20; stride++) {
        for (int k = 0; k < INSTANTS; k++) {
            struct kl_virtual_posture now;
            posture_at(scene, 4.123 + stride * stride_s + 0.01 * k, &now);
            if (stride == 0) {
                first[k] = now;
            }
            for (int i = 0; i < KL_VIRTUAL_SEGMENT_COUNT; i++) {
                for (int j = 0; j < 9; j++) {
                    worst = fmax(worst, fabs(now.segment[i].r[j / 3][j % 3] -
                                             first[k].segment[i].r[j / 3][j % 3]));
                }
                for (int j = 0; j < 3; j++) {
                    worst = fmax(worst, fabs(now.segment[i].p_m[j] - first[k].segment[i].p_m[j]));
                }
            }
        }
    }
    /* rounding of session times: 1e-15 of 20 s times 10 rad/s */
    cr_expect_lt(worst, 1e-12, "%g", worst);
    free(scene);
}

Test(virtual_body, left_is_the_mirror_image_of_right_half_a_stride_later)
{
    struct kl_virtual_runner runner = virtual_session_plain_runner();
    struct scene *a = scene_create(&runner);
    struct scene *b = scene_create(&runner);
    double worst = 0;
    for (int k = 0; k < 140; k++) {
        double t = 4.1 + 0.005 * k;
        struct kl_virtual_posture left;
        struct kl_virtual_posture right;
        posture_at(a, t, &left);
        posture_at(b, t + 0.35, &right);
        for (int i = KL_VIRTUAL_THIGH_LEFT; i < KL_VIRTUAL_SEGMENT_COUNT; i += 2) {
            for (int j = 0; j < 9; j++) {
                double sign = (j / 3 == 2) != (j % 3 == 2) ? -1 : 1;
                worst = fmax(worst, fabs(left.segment[i].r[j / 3][j % 3] -
                                         sign * right.segment[i + 1].r[j / 3][j % 3]));
            }
            for (int j = 0; j < 3; j++) {
                double sign = j == 2 ? -1 : 1;
                worst =
                    fmax(worst, fabs(left.segment[i].p_m[j] - sign * right.segment[i + 1].p_m[j]));
            }
        }
    }
    cr_expect_lt(worst, 1e-12, "%g", worst);
    free(a);
    free(b);
}

/* m a = F - m g: without frontal pulses the pelvis is the centre of mass. */
Test(virtual_body, the_emitted_forces_move_the_pelvis)
{
    struct kl_virtual_runner runner = virtual_session_plain_runner();
    for (int i = 0; i < 2; i++) {
        runner.eversion_rad[i] = runner.valgus_rad[i] = 0;
        runner.hip_adduction_rad[i] = runner.pelvic_drop_rad[i] = 0;
    }
    runner.step_time_s[1] = 0.37;
    runner.contact_time_s[0] = 0.23;
    runner.overstride = 0.5;
    struct scene *scene = scene_create(&runner);
    double sum[3] = {0};
    const double stride_s = 0.72;
    enum { INSTANTS = 7200 };
    for (int k = 0; k < INSTANTS; k++) {
        double t = 4 + stride_s * k / INSTANTS;
        double feet[2][KL_WRENCH_COUNT];
        struct kl_virtual_posture posture;
        posture_at(scene, t, &posture);
        kl_virtual_load_at(&scene->load, t, feet);
        const struct kl_virtual_pose *pelvis = &posture.segment[KL_VIRTUAL_PELVIS];
        for (int i = 0; i < 3; i++) {
            double f = feet[0][i] + feet[1][i];
            double expected = f / runner.mass_kg - (i == 1 ? gravity : 0);
            cr_assert_float_eq(pelvis->a_m_s2[i], expected, 1e-9, "%d at %g", i, t);
            sum[i] += pelvis->p_m[i] / INSTANTS;
        }
    }
    cr_expect_float_eq(sum[2], runner.com_z_m, 1e-6, "%g", sum[2]);
    free(scene);
}

Test(virtual_body, the_sole_stands_where_the_centre_of_pressure_says)
{
    struct kl_virtual_runner runner = virtual_session_plain_runner();
    runner.com_z_m = 0.02;
    struct scene *scene = scene_create(&runner);
    for (int step = 10; step < 14; step++) {
        for (int k = 30; k <= 50; k += 5) { /* the heel rises then */
            double t = 1.2 + 0.35 * step + 0.0025 * k;
            struct kl_virtual_posture posture;
            posture_at(scene, t, &posture);
            const struct kl_virtual_contact *own =
                &scene->load.contact[kl_virtual_step_at(scene->load.contact, scene->load.count, t)];
            double x = 0;
            double z = 0;
            kl_virtual_contact_cop(own, (t - own->onset_s) / own->contact_time_s, &x, &z);
            struct kl_virtual_pose foot =
                posture.segment[kl_virtual_limb(KL_VIRTUAL_FOOT_LEFT, own->side)];
            kl_virtual_pose_move(&foot, (const double[3]){0, -scene->body.size.ankle_m, 0});
            double mirror = kl_virtual_mirror(own->side);
            /* 5 mm lateral of the sole at mid-stance, and 10 mm cos(pi s) of its own */
            double beside = mirror * (z - foot.p_m[2]);
            cr_expect_float_eq(beside, 0.005 + 0.010 * cos(pi * 0.01 * k), 0.005, "%d %d: %g", step,
                               k, beside);
            cr_expect_lt(fabs(foot.p_m[1]), 0.02, "%g m above the belt", foot.p_m[1]);
            cr_expect_lt(fabs(x - foot.p_m[0]), 0.15, "%g m ahead", x - foot.p_m[0]);
        }
    }
    free(scene);
}
