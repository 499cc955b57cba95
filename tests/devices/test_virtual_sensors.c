/* What is worn: errors and ranges of the IMUs, muscles, belt, and the calibration before a run. */
#include "devices/virtual_emg.h"
#include "devices/virtual_imu.h"
#include "devices/virtual_parameters.h"
#include "virtual_session.h"

#include <criterion/criterion.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double pi = 3.14159265358979323846;
static const double deg = 3.14159265358979323846 / 180;
static const double gravity = 9.80665;

static size_t stream_named(const struct virtual_session *session, const char *name)
{
    size_t i = 0;
    while (i < session->stream_count && strcmp(session->stream[i].name, name) != 0) {
        i++;
    }
    cr_assert_lt(i, session->stream_count, "no stream %s", name);
    return i;
}

Test(virtual_sensors, each_sensor_asked_for_is_a_stream_in_the_order_of_the_table)
{
    struct kl_virtual_runner runner = virtual_session_plain_runner();
    for (unsigned k = 0; k < KL_VIRTUAL_SENSOR_COUNT; k++) {
        runner.sensors = KL_VIRTUAL_SENSOR(k);
        struct virtual_session session;
        virtual_session_start(&session, &runner);
        cr_assert_eq(session.stream_count, 2, "sensor %u", k);
        cr_expect_str_eq(session.stream[1].name, kl_virtual_sensor_text(k));
        virtual_session_free(&session);
    }
    runner.sensors = KL_VIRTUAL_SENSORS_ALL;
    struct virtual_session session;
    virtual_session_start(&session, &runner);
    cr_expect_eq(session.stream_count, 1 + KL_VIRTUAL_SENSOR_COUNT);
    cr_expect_eq(session.stream[stream_named(&session, "emg.vl.left")].kind, KL_KIND_EMG);
    cr_expect_eq(session.stream[stream_named(&session, "treadmill")].kind, KL_KIND_TREADMILL);
    cr_expect_str_eq(session.stream[stream_named(&session, "treadmill")].label[0], "belt speed");
    virtual_session_free(&session);
    cr_expect_str_eq(kl_virtual_sensor_text(KL_VIRTUAL_SENSOR_COUNT), "none");
}

Test(virtual_sensors, more_sensors_do_not_change_the_others_samples)
{
    struct kl_virtual_runner runner = kl_virtual_runner_defaults();
    struct virtual_session few;
    struct virtual_session all;
    virtual_session_start(&few, &runner);
    virtual_session_run(&few, 13, 1000);
    runner.sensors = KL_VIRTUAL_SENSORS_ALL;
    virtual_session_start(&all, &runner);
    virtual_session_run(&all, 13, 77);
    size_t at = 0;
    for (size_t n = 0; n < all.count; n++) {
        const struct kl_sample *sample = &all.sample[n];
        const char *name = all.stream[sample->stream].name;
        if (strncmp(name, "plate", 5) != 0 && strncmp(name, "imu.shank", 9) != 0) {
            continue;
        }
        cr_assert_lt(at, few.count);
        cr_assert_eq(sample->device_ns, few.sample[at].device_ns);
        cr_assert_arr_eq(sample->value, few.sample[at].value, 6 * sizeof(double));
        at++;
    }
    cr_expect_eq(at, few.count);
    virtual_session_free(&few);
    virtual_session_free(&all);
}

Test(virtual_sensors, gyro_and_accelerometer_have_the_default_errors)
{
    struct kl_virtual_runner runner = kl_virtual_runner_defaults();
    runner.stand_s = 30;
    struct virtual_session session;
    virtual_session_start(&session, &runner);
    virtual_session_run(&session, 31, 1000);
    double sum[6] = {0};
    double square[6] = {0};
    double n = 0;
    for (size_t k = 0; k < session.count; k++) {
        if (session.sample[k].stream == 1) {
            for (int j = 0; j < 6; j++) {
                double x = session.sample[k].value[j] - (j == 1 ? gravity : 0);
                sum[j] += x;
                square[j] += x * x;
            }
            n++;
        }
    }
    cr_assert_eq(n, 6000);
    for (int j = 0; j < 6; j++) {
        double mean = sum[j] / n;
        double sd = sqrt(square[j] / n - mean * mean);
        double expected = j < 3 ? 0.02 : 0.05 * deg;
        /* five standard errors; the walk of the bias: 0.003 deg/s sqrt(30 s) = 0.016 deg/s */
        cr_expect_float_eq(sd, expected, 5 * expected / sqrt(2 * n) + (j < 3 ? 0 : 0.01 * deg));
        cr_expect_float_eq(fabs(mean), j < 3 ? 0 : 0.3 * deg, j < 3 ? 0.0015 : 0.05 * deg);
    }
    virtual_session_free(&session);
}

Test(virtual_sensors, a_value_beyond_the_range_is_clamped_and_marked)
{
    struct kl_virtual_runner runner = virtual_session_plain_runner();
    runner.sensors = KL_VIRTUAL_SENSOR(KL_VIRTUAL_SHANK_RIGHT);
    runner.imu_rate_hz = 1000;
    runner.accelerometer_range_m_s2 = 60;
    runner.gyro_range_rad_s = 8;
    struct virtual_session session;
    virtual_session_start(&session, &runner);
    virtual_session_run(&session, 6, 1000);
    int acceleration = 0;
    int rate = 0;
    for (size_t k = 0; k < session.count; k++) {
        const struct kl_sample *sample = &session.sample[k];
        if (sample->stream != 1) {
            continue;
        }
        bool beyond = false;
        for (int j = 0; j < 6; j++) {
            double range = j < 3 ? 60 : 8;
            cr_assert_leq(fabs(sample->value[j]), range);
            bool at = fabs(sample->value[j]) == range;
            beyond = beyond || at;
            acceleration += at && j < 3;
            rate += at && j >= 3;
        }
        cr_assert_eq(beyond, (sample->quality & KL_QUALITY_CLIPPED) != 0);
    }
    cr_expect_gt(acceleration, 10);
    cr_expect_gt(rate, 10);
    virtual_session_free(&session);
}

/* The shock of methods 21.3 at the tibia, 0.35 of it at the pelvis: -9.119 dB. */
Test(virtual_sensors, shock_follows_the_formula_and_is_damped_on_its_way_up)
{
    struct kl_virtual_runner hard = virtual_session_plain_runner();
    struct kl_virtual_runner soft = hard;
    hard.imu_rate_hz = soft.imu_rate_hz = 1000;
    hard.sensors = soft.sensors = KL_VIRTUAL_SENSORS_IMU;
    soft.tibial_shock_m_s2[0] = soft.tibial_shock_m_s2[1] = 0;
    struct virtual_session a;
    struct virtual_session b;
    virtual_session_start(&a, &hard);
    virtual_session_start(&b, &soft);
    virtual_session_run(&a, 5, 1000);
    virtual_session_run(&b, 5, 1000);
    cr_assert_eq(a.count, b.count);
    const double ic = 1.2 + 7 * 0.35; /* a right contact */
    double tibia = 0;
    double pelvis = 0;
    for (size_t k = 0; k < a.count; k++) {
        double t = kl_seconds(a.sample[k].device_ns) - ic;
        if (t < 0 || t > 0.08) {
            continue; /* later the speed it gave is taken back: below */
        }
        double shock = a.sample[k].value[1] - b.sample[k].value[1];
        double expected = 125 * exp(-t / 0.015) * sin(2 * pi * 18 * t);
        if (a.sample[k].stream == 1 + KL_VIRTUAL_SHANK_RIGHT) {
            cr_expect_float_eq(shock, expected, 1e-6, "%g s: %g", t, shock);
            tibia = fmax(tibia, shock);
        } else if (a.sample[k].stream == 1 + KL_VIRTUAL_SHANK_LEFT) {
            cr_expect_float_eq(shock, 0, 1e-6);
        } else if (a.sample[k].stream == 1 + KL_VIRTUAL_PELVIS) {
            cr_expect_float_eq(shock, 0.35 * expected, 1e-6);
            pelvis = fmax(pelvis, shock);
        }
    }
    cr_expect_float_eq(20 * log10(pelvis / tibia), -9.119, 1e-3);
    virtual_session_free(&a);
    virtual_session_free(&b);
}

/* Over a stride of a steady runner a sensor comes back to where it was: in the lab its mean
 * specific force is g upwards. Sampled at 1 kHz, the trapeze of smooth signals errs by less than
 * 1e-2. */
Test(virtual_sensors, a_sensor_has_no_mean_acceleration_over_a_stride)
{
    struct kl_virtual_runner runner = virtual_session_plain_runner();
    runner.imu_rate_hz = 1000;
    runner.sensors = KL_VIRTUAL_SENSORS_IMU;
    struct virtual_session session;
    virtual_session_start(&session, &runner);
    virtual_session_run(&session, 6, 1000);
    struct kl_virtual_load load;
    struct kl_virtual_body body;
    kl_virtual_load_init(&load, &runner);
    kl_virtual_body_init(&body, &runner);
    const double from = 1.2 + 10 * 0.35; /* all of the swing has grown by then */
    double mean[KL_VIRTUAL_SEGMENT_COUNT][3] = {{0}};
    for (size_t k = 0; k < session.count; k++) {
        double t = kl_seconds(session.sample[k].device_ns);
        int segment = (int)session.sample[k].stream - 1;
        if (segment < 0 || segment >= KL_VIRTUAL_SEGMENT_COUNT || t < from - 1e-6 ||
            t > from + 0.7 - 5e-4) {
            continue;
        }
        struct kl_virtual_posture posture;
        kl_virtual_load_advance(&load, t);
        kl_virtual_body_at(&body, load.contact, load.count, t, &posture);
        for (int row = 0; row < 3; row++) {
            for (int c = 0; c < 3; c++) {
                mean[segment][row] +=
                    posture.segment[segment].r[row][c] * session.sample[k].value[c] / 700;
            }
        }
    }
    for (int segment = 0; segment < KL_VIRTUAL_SEGMENT_COUNT; segment++) {
        cr_expect_float_eq(mean[segment][0], 0, 1e-2, "%d: %g", segment, mean[segment][0]);
        cr_expect_float_eq(mean[segment][1], KL_GRAVITY_M_S2, 1e-2, "%d: %g", segment,
                           mean[segment][1]);
        cr_expect_float_eq(mean[segment][2], 0, 1e-2, "%d: %g", segment, mean[segment][2]);
    }
    virtual_session_free(&session);
}

/* ------------------------------------------------------------------------ muscle */

static struct kl_virtual_runner muscular(void)
{
    struct kl_virtual_runner runner = virtual_session_plain_runner();
    runner.stand_s = 1;
    for (unsigned k = KL_VIRTUAL_EMG_VMO_LEFT; k <= KL_VIRTUAL_EMG_VL_RIGHT; k++) {
        runner.sensors |= KL_VIRTUAL_SENSOR(k);
    }
    return runner;
}

Test(virtual_sensors, maximal_contractions_have_the_amplitude_that_normalises)
{
    struct kl_virtual_runner runner = muscular();
    runner.mvc_trials = 3;
    double start_s = kl_virtual_timeline(&runner).part[KL_VIRTUAL_MVC].start_s;
    struct virtual_session session;
    virtual_session_start(&session, &runner);
    virtual_session_run(&session, start_s + 12, 1000);
    static const double rms_v[4] = {0.4e-3, 0.4e-3, 0.5e-3, 0.5e-3}; /* VMO l r, VL l r */
    double square[4] = {0};
    double n = 0;
    for (size_t k = 0; k < session.count; k++) {
        const struct kl_sample *sample = &session.sample[k];
        double in_s = fmod(kl_seconds(sample->device_ns) - start_s, 4);
        if (sample->stream > 0 && kl_seconds(sample->device_ns) > start_s && in_s > 0.3 &&
            in_s < 1.7) {
            square[sample->stream - 1] += sample->value[0] * sample->value[0];
            n += 0.25;
        }
    }
    for (int i = 0; i < 4; i++) { /* 430 Hz of band over 4.2 s: 1.7 % standard error, times 4 */
        cr_expect_float_eq(sqrt(square[i] / n), rms_v[i], 0.05 * rms_v[i], "%d: %g", i,
                           sqrt(square[i] / n));
    }
    virtual_session_free(&session);
}

/* Share of a muscle's power below and above a frequency, by its autocorrelation being a sum over a
 * single-frequency transform (Goertzel) on many segments. */
static double power_at(const double *x, size_t n, double hz, double rate_hz)
{
    double sum = 0;
    const size_t segment = 400; /* 0.2 s: 5 Hz */
    for (size_t from = 0; from + segment <= n; from += segment) {
        double c = 0;
        double s = 0;
        for (size_t i = 0; i < segment; i++) {
            double window = 0.5 - 0.5 * cos(2 * pi * (double)i / (double)segment);
            double phase = 2 * pi * hz / rate_hz * (double)i;
            c += window * x[from + i] * cos(phase);
            s += window * x[from + i] * sin(phase);
        }
        sum += c * c + s * s;
    }
    return sum;
}

Test(virtual_sensors, muscles_speak_between_20_and_450_hz)
{
    struct kl_virtual_runner runner = muscular();
    struct kl_virtual_emg emg;
    kl_virtual_emg_init(&emg, &runner, KL_VIRTUAL_EMG_VL_RIGHT);
    enum { SAMPLES = 40000 };
    static double x[SAMPLES];
    for (size_t i = 0; i < SAMPLES; i++) { /* no contact: the floor, a steady noise */
        (void)kl_virtual_emg_read(&emg, NULL, 0, 1 + (double)i / 2000, &x[i]);
    }
    double inside = power_at(x, SAMPLES, 150, 2000);
    cr_expect_lt(power_at(x, SAMPLES, 5, 2000), 0.05 * inside);
    cr_expect_lt(power_at(x, SAMPLES, 900, 2000), 0.05 * inside);
    cr_expect_gt(power_at(x, SAMPLES, 50, 2000), 0.5 * inside);
    cr_expect_gt(power_at(x, SAMPLES, 350, 2000), 0.4 * inside);
    cr_expect_lt(power_at(x, SAMPLES, 50, 2000), 1.5 * inside);
    runner.hum_v = 1e-3;
    kl_virtual_emg_init(&emg, &runner, KL_VIRTUAL_EMG_VL_RIGHT);
    for (size_t i = 0; i < SAMPLES; i++) {
        (void)kl_virtual_emg_read(&emg, NULL, 0, 1 + (double)i / 2000, &x[i]);
    }
    cr_expect_gt(power_at(x, SAMPLES, 50, 2000), 100 * inside, "mains hum");
}

Test(virtual_sensors, bursts_have_the_true_ratio_and_floor)
{
    struct kl_virtual_runner runner = muscular();
    runner.vmo_gain[0] = 0.6;
    runner.vmo_gain[1] = 1.2;
    struct virtual_session session;
    virtual_session_start(&session, &runner);
    virtual_session_run(&session, 80, 4096);
    static struct kl_virtual_step step[240];
    int count = kl_virtual_runner_truth(&runner, 78, 0, step, 240);
    for (int side = 0; side < 2; side++) {
        double sum[2] = {0}; /* |x| over MVC of VMO, VL in the loading window */
        double floor_sum = 0;
        double floor_n = 0;
        int k = 0;
        double truth = 0;
        for (size_t n = 0; n < session.count; n++) {
            const struct kl_sample *sample = &session.sample[n];
            double t = kl_seconds(sample->device_ns);
            if (sample->stream == 0 || ((int)sample->stream - 1) % 2 != side) {
                continue;
            }
            while (k + 1 < count && step[k + 1].contact_s <= t) {
                k++;
            }
            int muscle = ((int)sample->stream - 1) / 2;
            double x = fabs(sample->value[0]) / (muscle == 0 ? 0.4e-3 : 0.5e-3);
            bool own = step[k].side == (side == 0 ? KL_SIDE_LEFT : KL_SIDE_RIGHT);
            double s = (t - step[k].contact_s) / 0.25;
            if (own && s > 0 && s < 0.5) {
                sum[muscle] += x;
                truth = step[k].muscle.vmo_vl_loading;
            } else if (own && s > 0.6 && s < 1.2 && muscle == 1) {
                floor_sum += x;
                floor_n++;
            }
        }
        /* some 100 windows of 125 ms, 430 Hz of band: 1 % standard error */
        cr_expect_float_eq(sum[0] / sum[1], truth, 0.04 * truth, "side %d: %g %g", side,
                           sum[0] / sum[1], truth);
        /* mean |x| of a Gaussian is sqrt(2/pi) of its SD; floor 0.6/10 */
        cr_expect_float_eq(floor_sum / floor_n, 0.06 * sqrt(2 / pi), 0.003);
    }
    virtual_session_free(&session);
}

static double correlation(double crosstalk)
{
    struct kl_virtual_runner runner = muscular();
    runner.crosstalk = crosstalk;
    struct kl_virtual_emg vmo;
    struct kl_virtual_emg vl;
    kl_virtual_emg_init(&vmo, &runner, KL_VIRTUAL_EMG_VMO_LEFT);
    kl_virtual_emg_init(&vl, &runner, KL_VIRTUAL_EMG_VL_LEFT);
    double xy = 0;
    double xx = 0;
    double yy = 0;
    for (int i = 0; i < 20000; i++) {
        double x = 0;
        double y = 0;
        (void)kl_virtual_emg_read(&vmo, NULL, 0, 1 + i / 2000.0, &x);
        (void)kl_virtual_emg_read(&vl, NULL, 0, 1 + i / 2000.0, &y);
        xy += x * y;
        xx += x * x;
        yy += y * y;
    }
    return xy / sqrt(xx * yy);
}

Test(virtual_sensors, crosstalk_is_seen_as_correlation)
{
    cr_expect_lt(fabs(correlation(0)), 0.03);
    cr_expect_gt(correlation(0.3), 0.3);
}

/* -------------------------------------------------------------------------- belt */

Test(virtual_sensors, belt_starts_with_the_run_and_dips_in_stance)
{
    struct kl_virtual_runner runner = virtual_session_plain_runner();
    runner.stand_s = 2;
    runner.sensors = KL_VIRTUAL_SENSOR(KL_VIRTUAL_TREADMILL);
    runner.treadmill_rate_hz = 100;
    runner.belt_variation = 0.05;
    runner.incline_rad = 0.02;
    struct virtual_session session;
    virtual_session_start(&session, &runner);
    virtual_session_run(&session, 9, 1000);
    double least = HUGE_VAL;
    for (size_t k = 0; k < session.count; k++) {
        const struct kl_sample *sample = &session.sample[k];
        if (sample->stream == 1) {
            double t = kl_seconds(sample->device_ns);
            cr_assert_eq(sample->value[1], 0.02);
            if (t < 3) {
                cr_assert_eq(sample->value[0], 0);
            } else {
                cr_assert_leq(sample->value[0], 3.0);
                least = fmin(least, sample->value[0]);
            }
        }
    }
    cr_expect_float_eq(least, 3.0 * 0.95, 0.001, "%g", least);
    virtual_session_free(&session);
}

/* ------------------------------------------------------------------- calibration */

Test(virtual_sensors, a_calibration_has_its_parts_in_order_and_markers)
{
    struct kl_virtual_runner runner = kl_virtual_runner_defaults();
    struct kl_virtual_timeline without = kl_virtual_timeline(&runner);
    cr_expect_eq(without.leave_s, 9);
    cr_expect_eq(without.off_s, 9);
    runner.still_s = 10;
    runner.knee_bends = 10;
    runner.bows = 5;
    runner.marching_s = 20;
    runner.mvc_trials = 3;
    struct kl_virtual_timeline timeline = kl_virtual_timeline(&runner);
    cr_expect_eq(timeline.still_end_s, without.still_end_s, "the weighing stays");
    static const double length_s[KL_VIRTUAL_PART_COUNT] = {10, 16, 12.5, 20, 12};
    double now_s = 9;
    for (int i = 0; i < KL_VIRTUAL_PART_COUNT; i++) {
        cr_expect_float_eq(timeline.part[i].start_s, now_s, 1e-9, "part %d", i);
        cr_expect_float_eq(timeline.part[i].end_s, now_s + length_s[i], 1e-9, "part %d", i);
        now_s += length_s[i] + 1;
    }
    cr_expect_float_eq(timeline.off_s, now_s, 1e-9);
    cr_expect_float_eq(timeline.leave_s, now_s + 4, 1e-9);

    struct virtual_session session;
    virtual_session_start(&session, &runner);
    struct kl_event event[16];
    int count = kl_virtual_runner_driver.events(session.state, event, 16);
    cr_assert_eq(count, 10);
    cr_expect_str_eq(event[3].text, "still");
    cr_expect_str_eq(event[7].text, "mvc");
    cr_expect_eq(event[3].kind, KL_EVENT_CALIBRATION);
    cr_expect_eq(event[4].duration_ns, INT64_C(16000000000));
    cr_expect_eq(event[8].kind, KL_EVENT_TARE, "the plate has drifted");
    for (int i = 1; i < count; i++) {
        cr_expect_geq(event[i].t_ns, event[i - 1].t_ns);
    }
    virtual_session_free(&session);
}

/* Methods 9.1-9.3: still is still; knee bends turn thigh and shank about z, against each other at
 * the knee, with more than 0.5 rad/s. */
Test(virtual_sensors, calibration_movements_turn_the_segments_they_should)
{
    struct kl_virtual_runner runner = virtual_session_plain_runner();
    runner.stand_s = 1;
    runner.sensors = KL_VIRTUAL_SENSORS_IMU;
    runner.still_s = 2;
    runner.knee_bends = 2;
    runner.bows = 2;
    runner.marching_s = 4;
    struct kl_virtual_timeline timeline = kl_virtual_timeline(&runner);
    struct virtual_session session;
    virtual_session_start(&session, &runner);
    virtual_session_run(&session, timeline.off_s, 1000);
    double fastest[KL_VIRTUAL_PART_COUNT][KL_VIRTUAL_SEGMENT_COUNT][3];
    memset(fastest, 0, sizeof(fastest));
    double descent[KL_VIRTUAL_SEGMENT_COUNT] = {0};
    for (size_t n = 0; n < session.count; n++) {
        const struct kl_sample *sample = &session.sample[n];
        double t = kl_seconds(sample->device_ns);
        for (int part = 0; sample->stream > 0 && part < KL_VIRTUAL_MVC; part++) {
            const struct kl_virtual_span *span = &timeline.part[part];
            if (t >= span->start_s && t < span->end_s) {
                double *most = fastest[part][sample->stream - 1];
                for (int i = 0; i < 3; i++) {
                    most[i] = fmax(most[i], fabs(sample->value[3 + i]));
                }
            }
        }
        double down_s = t - timeline.part[KL_VIRTUAL_KNEE_BENDS].start_s;
        if (sample->stream > 0 && down_s > 0 && down_s < 0.8) {
            descent[sample->stream - 1] += sample->value[5];
        }
    }
    for (int k = 0; k < KL_VIRTUAL_SEGMENT_COUNT; k++) {
        for (int i = 0; i < 3; i++) {
            cr_expect_eq(fastest[KL_VIRTUAL_STILL][k][i], 0);
        }
        cr_expect_lt(fastest[KL_VIRTUAL_KNEE_BENDS][k][0], 1e-12);
        cr_expect_lt(fastest[KL_VIRTUAL_KNEE_BENDS][k][1], 1e-12);
    }
    for (int k = KL_VIRTUAL_THIGH_LEFT; k <= KL_VIRTUAL_SHANK_RIGHT; k++) {
        cr_expect_gt(fastest[KL_VIRTUAL_KNEE_BENDS][k][2], 0.5, "segment %d", k);
    }
    cr_expect_gt(descent[KL_VIRTUAL_THIGH_LEFT], 0, "thigh distal end forward");
    cr_expect_lt(descent[KL_VIRTUAL_SHANK_RIGHT], 0, "shank proximal end forward");
    cr_expect_gt(fastest[KL_VIRTUAL_BOWS][KL_VIRTUAL_TRUNK][2], 0.5);
    cr_expect_gt(fastest[KL_VIRTUAL_BOWS][KL_VIRTUAL_PELVIS][2], 0.5);
    cr_expect_lt(fastest[KL_VIRTUAL_BOWS][KL_VIRTUAL_THIGH_LEFT][2], 1e-9);
    cr_expect_gt(fastest[KL_VIRTUAL_MARCHING][KL_VIRTUAL_FOOT_LEFT][2], 1);
    cr_expect_gt(fastest[KL_VIRTUAL_MARCHING][KL_VIRTUAL_FOOT_RIGHT][2], 1);
    virtual_session_free(&session);
}

Test(virtual_sensors, parameters_out_of_range_are_refused_by_their_key)
{
    size_t count = 0;
    const struct kl_virtual_parameter *parameter = kl_virtual_parameters(&count);
    const double bad[] = {(double)NAN, HUGE_VAL, -HUGE_VAL};
    for (size_t k = 0; k < count; k++) {
        for (unsigned i = 0; i < parameter[k].count; i++) {
            for (size_t b = 0; b < 5; b++) {
                double value = b < 3   ? bad[b]
                               : b < 4 ? parameter[k].high * 1.01 + 1
                                       : parameter[k].low - fabs(parameter[k].low) * 0.01 - 0.01;
                struct kl_virtual_runner runner = kl_virtual_runner_defaults();
                kl_virtual_parameter_set(&runner, &parameter[k], i, value);
                struct kl_fault fault = {""};
                cr_expect_eq(kl_virtual_runner_check(&runner, &fault), KL_ERR_RANGE, "%s %g",
                             parameter[k].key, value);
                cr_expect_not_null(strstr(fault.text, parameter[k].key), "%s", fault.text);
            }
        }
    }
    struct kl_virtual_runner runner = kl_virtual_runner_defaults();
    runner.knee_bends = 2.5;
    cr_expect_eq(kl_virtual_runner_check(&runner, NULL), KL_ERR_RANGE);
    runner = kl_virtual_runner_defaults();
    runner.sensors = 1U << 30;
    cr_expect_eq(kl_virtual_runner_check(&runner, NULL), KL_ERR_RANGE);
}
