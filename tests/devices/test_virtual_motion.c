/* The truth of motion and knee: closed forms, direct evaluation, and what each parameter moves. */
#include "devices/virtual_body.h"
#include "devices/virtual_parameters.h"
#include "virtual_session.h"

#include <criterion/criterion.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const double deg = 3.14159265358979323846 / 180;
static const double gravity = 9.80665;

enum { STEP_LEFT = 6, STEP_RIGHT = 7, STEPS = 8 }; /* long after the start */

static void truth_of(const struct kl_virtual_runner *runner, struct kl_virtual_step step[STEPS])
{
    struct kl_fault fault = {""};
    cr_assert_eq(kl_virtual_runner_check(runner, &fault), KL_OK, "%s", fault.text);
    cr_assert_eq(kl_virtual_runner_truth(runner, 60, 0, step, STEPS), STEPS);
}

static double value(const struct kl_virtual_step *step, size_t offset)
{
    double out = 0;
    memcpy(&out, (const char *)step + offset, sizeof(out));
    return out;
}

static const struct kl_virtual_parameter *parameter(const char *key)
{
    size_t count = 0;
    const struct kl_virtual_parameter *list = kl_virtual_parameters(&count);
    for (size_t i = 0; i < count; i++) {
        if (strcmp(list[i].key, key) == 0) {
            return &list[i];
        }
    }
    cr_assert_fail("no parameter %s", key);
    return NULL;
}

/* Pulses of methods 21.2: largest amplitude at s = 0.4, so the metrics of joints that nothing else
 * moves in their plane are the amplitudes themselves. */
Test(virtual_motion, pulses_come_back_as_excursions_exactly)
{
    struct kl_virtual_runner runner = virtual_session_plain_runner();
    static struct kl_virtual_step step[STEPS];
    truth_of(&runner, step);
    for (int k = STEP_LEFT; k <= STEP_RIGHT; k++) {
        const struct kl_virtual_motion *m = &step[k].motion;
        const double slope = 11 * deg * 3.14159265358979323846 / 0.8 / 0.25; /* A pi/(0.8 tc) */
        cr_expect_eq(m->gain, 1);
        cr_expect_float_eq(m->eversion_excursion_rad, 11 * deg, 1e-6);
        cr_expect_float_eq(m->peak_eversion_rad, 8 * deg, 1e-6);
        cr_expect_float_eq(m->time_to_peak_eversion, 0.4, 1e-4);
        cr_expect_float_eq(m->eversion_velocity_rad_s, slope, 1e-3 * slope);
        cr_expect_float_eq(m->knee_valgus_excursion_rad, 3 * deg, 1e-6);
        cr_expect_float_eq(m->knee_varus_excursion_rad, 0, 1e-9);
        cr_expect_float_eq(m->tibial_rotation_foot_rad, 7.5 * deg, 1e-6);
        cr_expect_float_eq(m->pelvic_drop_peak_rad, 5 * deg, 1e-6);
        cr_expect_float_eq(m->trunk_ipsilateral_lean_rad, 2 * deg, 1e-6);
        cr_expect_float_eq(m->trunk_forward_lean_rad, 6 * deg, 1e-9);
        cr_expect_float_eq(m->trunk_rotation_range_rad, 20 * deg, 1e-4);
        cr_expect_float_eq(m->coupling_ratio, m->eversion_excursion_rad / m->tibial_rotation_rad,
                           1e-12);
    }
}

/* A change of one parameter on one side, and what it must do to the metric it names there. */
struct effect {
    const char *key;
    double change; /* in the key's unit */
    const char *metric;
    double expected, tolerance; /* SI; tolerance 0: only the sign counts */
};

#define DEG (3.14159265358979323846 / 180)

/* Tolerances: 1e-6 where the joint's plane has nothing else in it; 1 deg where other planes show
 * through (hip adduction is read in a turned pelvis, the shank's own axis is off its rotation). */
static const struct effect effects[] = {
    {"eversion_deg", 4, "eversion_excursion_rad", 4 * DEG, 1e-6},
    {"eversion_deg", 4, "peak_eversion_rad", 4 * DEG, 1e-6},
    {"eversion_deg", 4, "eversion_velocity_rad_s", 1, 0},
    {"eversion_deg", 4, "kam_shank_peak1_n_m_kg", -1, 0}, /* the ankle rolls inwards */
    {"contact_inversion_deg", 2, "peak_eversion_rad", -2 * DEG, 1e-6},
    {"contact_inversion_deg", 2, "eversion_excursion_rad", 0, 1e-6},
    {"tibial_rotation_deg", 3, "tibial_rotation_foot_rad", 3 * DEG, 1e-6},
    {"tibial_rotation_deg", 3, "tibial_rotation_rad", 3 * DEG, 1 * DEG},
    {"tibial_rotation_deg", 3, "coupling_ratio", -1, 0},
    {"valgus_deg", 2, "knee_valgus_excursion_rad", 2 * DEG, 1e-6},
    {"valgus_deg", -6, "knee_varus_excursion_rad", 3 * DEG, 1e-6}, /* 3 - 6: a varus thrust */
    {"valgus_deg", 4, "shank_abduction_velocity_rad_s", 1, 0},
    {"valgus_deg", 4, "kam_shank_peak1_n_m_kg", -1, 0},
    {"hip_adduction_deg", 3, "hip_adduction_excursion_rad", 3 * DEG, 1 * DEG},
    {"hip_adduction_deg", 3, "hip_adduction_peak_rad", 1, 0},
    {"hip_adduction_deg", 3, "thigh_adduction_velocity_rad_s", 1, 0},
    {"pelvic_drop_deg", 2, "pelvic_drop_peak_rad", 2 * DEG, 1e-6},
    {"pelvic_drop_deg", 2, "pelvic_drop_mid_rad", 1.7 * DEG, 0.1 * DEG}, /* sin^2(0.5 pi/0.8) */
    {"trunk_sway_deg", 3, "trunk_ipsilateral_lean_rad", 3 * DEG, 1e-6},
    {"knee_varus_deg", 2, "kam_shank_peak1_n_m_kg", 1, 0},
    {"knee_flexion_offset_deg", 8, "knee_flexion_contact_rad", 8 * DEG, 0.1 * DEG},
    {"knee_flexion_offset_deg", 8, "knee_flexion_peak_rad", 8 * DEG, 0.1 * DEG},
    {"knee_flexion_offset_deg", 8, "tibia_inclination_rad", -4 * DEG, 0.5 * DEG},
    {"ankle_cop_offset_m", 0.01, "kam_lab_peak1_n_m_kg", -1, 0},
    {"wedge_deg", 5, "eversion_excursion_rad", -1.65 * DEG, 1e-6},
    {"wedge_deg", 5, "tibial_rotation_foot_rad", -2.5 * DEG, 1e-6},
    {"wedge_deg", 5, "kam_lab_peak1_n_m_kg", 1, 0}, /* the pressure goes medially */
    {"wedge_deg", -5, "kam_lab_peak1_n_m_kg", -1, 0},
    {"tibial_shock_m_s2", 50, "pta_y_m_s2", 1, 0},
    {"tibial_shock_m_s2", 50, "pta_r_m_s2", 1, 0},
    {"vmo_delay_s", 0.012, "onset_delay_s", 0.012, 1e-12},
    {"vmo_delay_s", 0.012, "vmo_vl_preactivation", -1, 0},
    {"vmo_gain", 0.3, "vmo_vl_preactivation", 1, 0},
    {"vmo_gain", -0.3, "vmo_vl_loading", -1, 0},
};

static size_t offset_of(const char *metric)
{
    size_t count = 0;
    const struct kl_virtual_truth_field *field = kl_virtual_motion_fields(&count);
    for (size_t i = 0; i < count; i++) {
        if (strcmp(field[i].key, metric) == 0) {
            return field[i].offset;
        }
    }
    cr_assert_fail("no metric %s", metric);
    return 0;
}

Test(virtual_motion, each_parameter_moves_the_metric_it_names_on_its_side_only)
{
    const struct kl_virtual_runner plain = virtual_session_plain_runner();
    static struct kl_virtual_step before[STEPS];
    truth_of(&plain, before);
    for (size_t r = 0; r < sizeof(effects) / sizeof(effects[0]); r++) {
        const struct effect *effect = &effects[r];
        const struct kl_virtual_parameter *p = parameter(effect->key);
        size_t offset = offset_of(effect->metric);
        for (unsigned side = 0; side < 2; side++) {
            struct kl_virtual_runner runner = plain;
            kl_virtual_parameter_set(&runner, p, side,
                                     kl_virtual_parameter_get(&plain, p, side) + effect->change);
            static struct kl_virtual_step after[STEPS];
            truth_of(&runner, after);
            int own = side == 0 ? STEP_LEFT : STEP_RIGHT;
            int other = side == 0 ? STEP_RIGHT : STEP_LEFT;
            double change = value(&after[own], offset) - value(&before[own], offset);
            double elsewhere = value(&after[other], offset) - value(&before[other], offset);
            if (effect->tolerance > 0) {
                cr_expect_float_eq(change, effect->expected, effect->tolerance,
                                   "%s -> %s, side %u: %g instead of %g", effect->key,
                                   effect->metric, side, change, effect->expected);
            } else {
                cr_expect_gt(change * effect->expected, 0, "%s -> %s, side %u: %g", effect->key,
                             effect->metric, side, change);
                cr_expect_gt(fabs(change), 1e-4, "%s -> %s: %g", effect->key, effect->metric,
                             change);
            }
            /* the pelvis' mean place follows both legs a little */
            cr_expect_lt(fabs(elsewhere), 0.15 * fabs(change) + 1e-3, "%s -> %s, other side: %g",
                         effect->key, effect->metric, elsewhere);
        }
    }
}

Test(virtual_motion, both_sides_alike_have_the_same_truth)
{
    struct kl_virtual_runner runner = virtual_session_plain_runner();
    static struct kl_virtual_step step[STEPS];
    truth_of(&runner, step);
    size_t count = 0;
    const struct kl_virtual_truth_field *field = kl_virtual_motion_fields(&count);
    for (size_t i = 0; i < count; i++) {
        double left = value(&step[STEP_LEFT], field[i].offset);
        double right = value(&step[STEP_RIGHT], field[i].offset);
        const char *key = field[i].key;
        if (strstr(key, "onset_s") != NULL) {
            cr_expect_float_eq(right - left, 0.35, 1e-9, "%s", key);
        } else if (strstr(key, "_z_m") != NULL) {
            cr_expect_float_eq(left, -right, 1e-9, "%s: %g %g", key, left, right);
        } else {
            cr_expect_float_eq(left, right, 1e-6 * fmax(1, fabs(left)), "%s: %g %g", key, left,
                               right);
        }
    }
}

/* Straight from methods 12.1 with what the streams say: joint centres and plate, 1 kHz, no noise.
 * x of the thigh frame comes from the thigh's IMU axes, so only the lab frame is rebuilt here. */
Test(virtual_motion, lab_frame_moment_is_that_of_the_streams)
{
    struct kl_virtual_runner runner = virtual_session_plain_runner();
    runner.rate_hz = runner.imu_rate_hz = 1000;
    runner.step_time_cv = 0.015;
    runner.angle_cv = 0.1;
    runner.sensors =
        KL_VIRTUAL_SENSOR(KL_VIRTUAL_JOINTS_LEFT) | KL_VIRTUAL_SENSOR(KL_VIRTUAL_JOINTS_RIGHT);
    struct virtual_session session;
    virtual_session_start(&session, &runner);
    virtual_session_run(&session, 11, 4096);
    cr_assert_str_eq(session.stream[1].name, "joints.left");
    cr_assert_str_eq(session.stream[2].label[3], "knee x");
    static struct kl_virtual_step step[40];
    int count = kl_virtual_runner_truth(&runner, 9, 0, step, 40);
    cr_assert_gt(count, 20);
    double w[KL_WRENCH_COUNT] = {0};
    for (int k = 5; k < count - 1; k++) {
        double peak1 = -HUGE_VAL;
        double impulse = 0;
        double mirror = step[k].side == KL_SIDE_LEFT ? -1 : 1;
        size_t marker = step[k].side == KL_SIDE_LEFT ? 1 : 2;
        double tc = step[k].off_s - step[k].contact_s;
        for (size_t n = 0; n < session.count; n++) {
            const struct kl_sample *sample = &session.sample[n];
            double s = (kl_seconds(sample->device_ns) - step[k].contact_s) / tc;
            if (s < -0.01 || s > 1) {
                continue;
            }
            if (sample->stream == 0) {
                virtual_session_wrench(&session, sample, false, w);
            } else if (sample->stream == marker && s > 0) {
                const double *knee = &sample->value[3];
                double m = w[KL_MX] - (knee[1] * w[KL_FZ] - knee[2] * w[KL_FY]);
                double kam = mirror * m / runner.mass_kg;
                peak1 = s >= 0.1 && s <= 0.5 ? fmax(peak1, kam) : peak1;
                impulse += fmax(kam, 0) * 1e-3;
            }
        }
        const struct kl_virtual_kam *truth = &step[k].motion.kam[KL_VIRTUAL_FRAME_LAB];
        /* the window's edge falls between samples of 1 ms: slope about 10 N m/kg/s */
        cr_expect_float_eq(peak1, truth->peak1_n_m_kg, 0.012, "step %d: %g %g", k, peak1,
                           truth->peak1_n_m_kg);
        cr_expect_float_eq(impulse, truth->impulse_n_m_s_kg, 1e-4, "step %d: %g %g", k, impulse,
                           truth->impulse_n_m_s_kg);
    }
    virtual_session_free(&session);
}

/* Oracle 16: KJC (.02,.48,0), COP (.05,0,-.04), F (-60, 2.4 BW, -30), T 3: 80.3232 N.m about X,
 * 73.3244 about the shank tilted by Rz(-20 deg). The contact is bent until it says so. */
Test(virtual_motion, moment_of_the_worked_example)
{
    struct kl_virtual_posture posture;
    memset(&posture, 0, sizeof(posture));
    for (int k = 0; k < KL_VIRTUAL_SEGMENT_COUNT; k++) {
        posture.segment[k] = kl_virtual_pose_rest();
    }
    struct kl_virtual_pose *shank = &posture.segment[KL_VIRTUAL_SHANK_RIGHT];
    kl_virtual_pose_turn(shank, KL_VIRTUAL_Z, &(struct kl_virtual_course){-20 * deg, 0, 0});
    shank->p_m[0] = 0.02;
    shank->p_m[1] = 0.48;
    /* s = 0.4: Fx = -BW B sin(0.8 pi), Fy = BW A sin(0.4 pi), Fz = -BW C sin(0.4 pi) */
    const double fy = 1648.08;
    const double sine = sin(0.4 * 3.14159265358979323846);
    const double lf = 0.25;
    struct kl_virtual_contact contact = {
        .side = KL_SIDE_RIGHT,
        .step_time_s = 0.35,
        .contact_time_s = 0.25,
        .body_weight_n = 1,
        .active_bw = fy / sine,
        .braking_bw = 60 / sin(0.8 * 3.14159265358979323846),
        .medial_bw = 30 / sine,
        .free_moment_n_m = 3 / sine,
        .foot_length_m = lf,
        .x_ic_m = 0.05 - lf * (0.1 + 0.75 * pow(0.4, 0.8)),
        .z_foot_m = -0.04 - 0.010 * cos(0.4 * 3.14159265358979323846),
    };
    double kam[KL_VIRTUAL_FRAME_COUNT];
    kl_virtual_body_kam(&posture, &contact, 0.1, kam);
    cr_expect_float_eq(kam[KL_VIRTUAL_FRAME_LAB], 80.3232, 1e-4, "%g", kam[KL_VIRTUAL_FRAME_LAB]);
    cr_expect_float_eq(kam[KL_VIRTUAL_FRAME_SHANK], 73.3244, 1e-4, "%g",
                       kam[KL_VIRTUAL_FRAME_SHANK]);
}

Test(virtual_motion, default_runner_is_an_ordinary_runner)
{
    struct kl_virtual_runner runner = virtual_session_plain_runner();
    static struct kl_virtual_step step[STEPS];
    truth_of(&runner, step);
    const struct kl_virtual_motion *m = &step[STEP_RIGHT].motion;
    /* ranges of methods 10 and 20 */
    cr_expect(m->eversion_excursion_rad > 8 * deg && m->eversion_excursion_rad < 15 * deg);
    cr_expect(m->tibial_rotation_rad > 5 * deg && m->tibial_rotation_rad < 12 * deg);
    cr_expect(m->hip_adduction_excursion_rad > 4 * deg &&
              m->hip_adduction_excursion_rad < 15 * deg);
    cr_expect(m->pelvic_drop_peak_rad > 3 * deg && m->pelvic_drop_peak_rad < 7 * deg);
    cr_expect(m->knee_flexion_contact_rad > 10 * deg && m->knee_flexion_peak_rad < 60 * deg);
    cr_expect(m->kam[KL_VIRTUAL_FRAME_SHANK].peak1_n_m_kg > 0.5);
    cr_expect(m->kam[KL_VIRTUAL_FRAME_SHANK].peak1_n_m_kg < 1.5);
    cr_expect(m->pta_y_m_s2 > 4 * gravity && m->pta_y_m_s2 < 12 * gravity);
}

Test(virtual_motion, pulses_vary_from_step_to_step_as_told)
{
    struct kl_virtual_runner runner = kl_virtual_runner_defaults();
    runner.step_time_cv = 0;
    runner.angle_cv = 0.1;
    runner.angle_phi = 0.5;
    enum { MANY = 400 };
    struct kl_virtual_gait gait;
    kl_virtual_gait_init(&gait, &runner, 0);
    double sum = 0;
    double square = 0;
    double lag = 0;
    double before = 0;
    for (int k = 0; k < MANY * 10; k++) {
        struct kl_virtual_contact contact;
        kl_virtual_gait_next(&gait, &contact);
        double d = contact.pulse[KL_VIRTUAL_VALGUS] - 1;
        sum += d;
        square += d * d;
        lag += d * before;
        before = d;
    }
    double n = MANY * 10;
    /* five standard errors of an AR(1) series of phi 0.5: sqrt((1 + phi)/(1 - phi)/n) */
    cr_expect_float_eq(sum / n, 0, 0.1 * 5 * sqrt(3 / n));
    cr_expect_float_eq(sqrt(square / n), 0.1, 0.1 * 5 * sqrt(5.0 / 3 / 2 / n));
    cr_expect_float_eq(lag / square, 0.5, 5 * sqrt(0.75 / n));
}
