/* What the samples say: calibration, weight, noise, and the moment balance of methods 7.4. */
#include "devices/virtual_load.h"
#include "devices/virtual_plate.h"
#include "virtual_session.h"

#include <criterion/criterion.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double pi = 3.14159265358979323846;
static const double gravity = 9.80665;

static void apply(const struct kl_stream *stream, const double *volts, double *wrench)
{
    for (int i = 0; i < KL_WRENCH_COUNT; i++) {
        wrench[i] = 0;
        for (int j = 0; j < KL_WRENCH_COUNT; j++) {
            wrench[i] += stream->plate.matrix[i][j] * volts[j];
        }
    }
}

/* Oracle 8: COP (0.10, -, -0.05), h 0.04, F (-100, 1000, 50), T 5 -> M about O' = (52, 5, 104). */
Test(virtual_signals, plate_measures_the_worked_example)
{
    struct kl_virtual_runner runner = virtual_session_plain_runner();
    struct kl_virtual_plate plate;
    kl_virtual_plate_init(&plate, &runner, KL_SIDE_UNKNOWN);
    struct kl_stream stream;
    kl_virtual_plate_describe(&plate, 1000, &stream);
    const double x = 0.10;
    const double z = -0.05;
    /* about O on the surface: (x, 0, z) x F + (0, 5, 0) */
    const double on_surface[6] = {-100, 1000, 50, -z * 1000, z * -100 - x * 50 + 5, x * 1000};
    double volts[6];
    cr_assert_eq(kl_virtual_plate_read(&plate, 1, on_surface, volts), 0);
    /* device frame: x left, y forward, z down, action on the plate; 100 100 500 N/V, 300 300 100
     * N m/V. -F = (100, -1000, -50) along (left, forward, down) = (50, 100, 1000);
     * -M' = (-52, -5, -104) -> (104, -52, 5) */
    const double expected[6] = {50 / 100.0,  100 / 100.0, 1000 / 500.0,
                                104 / 300.0, -52 / 300.0, 5 / 100.0};
    for (int j = 0; j < 6; j++) {
        cr_expect_float_eq(volts[j], expected[j], 1e-12, "channel %s: %g", stream.label[j],
                           volts[j]);
    }
    double w[6];
    apply(&stream, volts, w);
    cr_expect_float_eq(-w[KL_MX] / w[KL_FY], -0.05, 1e-12);
    cr_expect_float_eq(w[KL_MZ] / w[KL_FY], 0.10, 1e-12);
    cr_expect_float_eq(w[KL_MY] - z * w[KL_FX] + x * w[KL_FZ], 5, 1e-12);
}

Test(virtual_signals, calibration_matrix_inverts_every_plate)
{
    struct kl_virtual_runner runner = virtual_session_plain_runner();
    runner.plate_depth_m = 0.07;
    for (int side = 0; side < KL_SIDE_COUNT; side++) {
        struct kl_virtual_plate plate;
        kl_virtual_plate_init(&plate, &runner, (enum kl_side)side);
        struct kl_stream stream;
        kl_virtual_plate_describe(&plate, 1000, &stream);
        for (int i = 0; i < KL_WRENCH_COUNT; i++) {
            double in[6] = {0};
            double volts[6];
            double out[6];
            in[i] = 123;
            cr_assert_eq(kl_virtual_plate_read(&plate, 1, in, volts), 0);
            apply(&stream, volts, out);
            for (int j = 0; j < KL_WRENCH_COUNT; j++) {
                cr_expect_float_eq(out[j], in[j], 1e-12, "side %d, %d -> %d", side, i, j);
            }
        }
    }
}

Test(virtual_signals, outlines_cover_the_belt_once)
{
    struct kl_virtual_runner runner = virtual_session_plain_runner();
    static const double range[KL_SIDE_COUNT][2] = {{-0.3, 0.3}, {-0.3, 0}, {0, 0.3}};
    for (int side = 0; side < KL_SIDE_COUNT; side++) {
        struct kl_virtual_plate plate;
        kl_virtual_plate_init(&plate, &runner, (enum kl_side)side);
        struct kl_stream stream;
        kl_virtual_plate_describe(&plate, 1000, &stream);
        double area = 0;
        for (int i = 0; i < 4; i++) {
            int j = (i + 1) % 4;
            const struct kl_plate *p = &stream.plate;
            area +=
                0.5 * (p->corner_x_m[i] * p->corner_z_m[j] - p->corner_x_m[j] * p->corner_z_m[i]);
            cr_expect(p->corner_z_m[i] == range[side][0] || p->corner_z_m[i] == range[side][1]);
        }
        cr_expect_float_eq(fabs(area), 1.8 * (range[side][1] - range[side][0]), 1e-12);
    }
}

/* volts rounded to storage -> wrench -> COP equals the formulas */
Test(virtual_signals, stored_volts_give_back_wrench_and_cop)
{
    for (int split = 0; split < 2; split++) {
        struct kl_virtual_runner runner = virtual_session_plain_runner();
        runner.step_time_cv = 0.015;
        runner.split_belt = split == 1;
        struct virtual_session session;
        virtual_session_start(&session, &runner);
        virtual_session_run(&session, 11, 1000);
        struct kl_virtual_load load;
        kl_virtual_load_init(&load, &runner);
        double worst_n = 0;
        double worst_m = 0;
        for (size_t k = 0; k < session.count; k++) {
            const struct kl_sample *sample = &session.sample[k];
            double feet[2][KL_WRENCH_COUNT];
            kl_virtual_load_at(&load, kl_seconds(sample->device_ns), feet);
            double truth[KL_WRENCH_COUNT];
            for (int i = 0; i < KL_WRENCH_COUNT; i++) {
                truth[i] = split == 1 ? feet[sample->stream][i] : feet[0][i] + feet[1][i];
            }
            double w[KL_WRENCH_COUNT];
            virtual_session_wrench(&session, sample, true, w);
            for (int i = 0; i < KL_WRENCH_COUNT; i++) {
                worst_n = fmax(worst_n, fabs(w[i] - truth[i]));
            }
            if (truth[KL_FY] > 100) {
                worst_m = fmax(worst_m, fabs(w[KL_MX] / w[KL_FY] - truth[KL_MX] / truth[KL_FY]));
                worst_m = fmax(worst_m, fabs(w[KL_MZ] / w[KL_FY] - truth[KL_MZ] / truth[KL_FY]));
            }
        }
        /* half a float32 step below 4 V is 1.2e-7 V: 6e-5 N of Fy, 3.6e-5 N m; 1e-3 N and 1 um are
         * a thousandth of any tolerance of methods 21.5 */
        cr_expect_lt(worst_n, 2.5e-4, "%g N", worst_n);
        cr_expect_lt(worst_m, 1e-6, "%g m", worst_m);
        virtual_session_free(&session);
    }
}

Test(virtual_signals, without_noise_the_empty_belt_reads_zero)
{
    struct kl_virtual_runner runner = virtual_session_plain_runner();
    runner.quiet_s = 2;
    struct virtual_session session;
    virtual_session_start(&session, &runner);
    virtual_session_run(&session, 3.2, 1000);
    for (size_t k = 0; k < session.count; k++) {
        for (int j = 0; j < 6; j++) {
            cr_assert_eq(session.sample[k].value[j], 0);
        }
    }
    virtual_session_free(&session);
}

Test(virtual_signals, weighing_finds_the_weight_and_a_still_runner)
{
    for (int noisy = 0; noisy < 2; noisy++) {
        for (int split = 0; split < 2; split++) {
            struct kl_virtual_runner runner = kl_virtual_runner_defaults();
            runner.split_belt = split == 1;
            runner.noise_scale = noisy;
            runner.imu = false;
            struct virtual_session session;
            virtual_session_start(&session, &runner);
            struct kl_event event[8];
            cr_assert_eq(kl_virtual_runner_driver.events(session.state, event, 8), 4);
            double from_s = kl_seconds(event[2].t_ns);
            double to_s = kl_seconds(event[2].t_ns + event[2].duration_ns);
            virtual_session_run(&session, to_s, 1000);
            double tare = 0;
            double sum = 0;
            double square = 0;
            int n = 0;
            int tare_n = 0;
            for (size_t k = 0; k + session.stream_count <= session.count;
                 k += session.stream_count) {
                double fy = 0;
                for (size_t i = 0; i < session.stream_count; i++) {
                    double w[KL_WRENCH_COUNT];
                    virtual_session_wrench(&session, &session.sample[k + i], true, w);
                    fy += w[KL_FY];
                }
                int64_t t_ns = session.sample[k].device_ns;
                if (t_ns < event[1].t_ns + event[1].duration_ns) {
                    tare += fy;
                    tare_n++;
                } else if (kl_seconds(t_ns) >= from_s) {
                    sum += fy;
                    square += fy * fy;
                    n++;
                }
            }
            double mean = sum / n;
            double sd = sqrt(square / n - mean * mean);
            /* noise-free: the sway's periods divide 3 s; noisy: drift since the tare, about 5 N per
             * plate, stays within the 2 % of methods 1.1 */
            double tolerance = noisy == 1 ? 0.02 * 70 * gravity : 1e-3;
            cr_expect_eq(n, 3000);
            cr_expect_float_eq(mean - tare / tare_n, 70 * gravity, tolerance, "%g N", mean);
            cr_expect_lt(sd, 0.01 * mean, "%g N", sd); /* quiet standing, methods 3.1 */
            cr_expect_gt(sd, 0.002 * mean, "%g N", sd);
            virtual_session_free(&session);
        }
    }
}

Test(virtual_signals, stepping_on_and_off_is_smooth)
{
    struct kl_virtual_runner runner = virtual_session_plain_runner();
    runner.quiet_s = 1;
    runner.stand_s = 2;
    struct virtual_session session;
    virtual_session_start(&session, &runner);
    virtual_session_run(&session, 4.2, 1000);
    double before = 0;
    for (size_t k = 0; k < session.count; k++) {
        double w[KL_WRENCH_COUNT];
        virtual_session_wrench(&session, &session.sample[k], false, w);
        /* raised cosine over 0.2 s: at most pi/2/0.2 of the weight per second */
        cr_assert_lt(fabs(w[KL_FY] - before), 70 * gravity * (pi / 2 / 0.2) * 1.05e-3);
        before = w[KL_FY];
    }
    cr_expect_eq(before, 0, "the belt is empty before the first contact");
    virtual_session_free(&session);
}

/* Least squares of noise on the known shape of the drift would hide a wrong size; so the drift is
 * computed here from methods 21.4 and must leave white noise of the given SD. */
Test(virtual_signals, noise_and_drift_have_the_default_sizes)
{
    struct kl_virtual_runner runner = kl_virtual_runner_defaults();
    runner.quiet_s = 60;
    runner.stand_s = 0;
    runner.imu = false;
    struct virtual_session session;
    virtual_session_start(&session, &runner);
    virtual_session_run(&session, 61, 1000);
    cr_assert_eq(session.count, 60000);
    static const double sd[6] = {1, 3, 1, 0.5, 0.3, 0.5};
    static const double share[6] = {0.1, 1, 0.1, 0.1, 0.1, 0.1};
    double sum[6] = {0};
    double square[6] = {0};
    double lag[6] = {0};
    double before[6] = {0};
    double n = (double)session.count;
    for (size_t k = 0; k < session.count; k++) {
        double w[KL_WRENCH_COUNT];
        virtual_session_wrench(&session, &session.sample[k], true, w);
        /* back to O' = (0, -h, 0), where the noise is specified */
        w[KL_MX] += 0.04 * w[KL_FZ];
        w[KL_MZ] -= 0.04 * w[KL_FX];
        double t = (double)k * 1e-3;
        double drift = 0.5 * t + 5 * sin(2 * pi * t / 60);
        for (int i = 0; i < 6; i++) {
            double rest = w[i] - share[i] * drift;
            sum[i] += rest;
            square[i] += rest * rest;
            lag[i] += rest * before[i];
            before[i] = rest;
        }
    }
    for (int i = 0; i < 6; i++) { /* five standard errors */
        cr_expect_float_eq(sum[i] / n, 0, 5 * sd[i] / sqrt(n), "component %d", i);
        cr_expect_float_eq(sqrt(square[i] / n), sd[i], 5 * sd[i] / sqrt(2 * n), "component %d", i);
        cr_expect_float_eq(lag[i] / square[i], 0, 5 / sqrt(n), "component %d", i);
    }
    virtual_session_free(&session);
}

Test(virtual_signals, the_drift_of_hours_stays_off_the_rail)
{
    struct kl_virtual_runner runner = kl_virtual_runner_defaults();
    struct kl_virtual_plate plate;
    kl_virtual_plate_init(&plate, &runner, KL_SIDE_UNKNOWN);
    const double nothing[6] = {0};
    for (int k = 0; k < 1000; k++) {
        double hour = 0.01 * k;
        double volts[6];
        cr_assert_eq(kl_virtual_plate_read(&plate, 1 + 3600 * hour, nothing, volts), 0);
        cr_assert_lt(fabs(volts[2]) * 500, 0.5 * 1200 + 5 + 20);
    }
}

/* ------------------------------------------------------- moment balance (7.4) */

/* Removes mean acceleration, integrates twice with zero-mean velocity and position. */
static void double_integral(const double *acceleration, size_t n, double dt, double *position)
{
    double mean = 0;
    for (size_t i = 0; i < n; i++) {
        mean += acceleration[i] / (double)n;
    }
    for (int pass = 0; pass < 2; pass++) {
        const double *from = pass == 0 ? acceleration : position;
        double before = from[0] - mean;
        double sum = 0;
        double next_mean = 0;
        for (size_t i = 0; i < n; i++) {
            double now = from[i] - mean;
            sum += i > 0 ? 0.5 * (now + before) * dt : 0;
            before = now;
            position[i] = sum;
            next_mean += sum / (double)n;
        }
        mean = next_mean;
    }
    for (size_t i = 0; i < n; i++) {
        position[i] -= mean;
    }
}

/* z0 and x0 of methods 7.4 over a window of samples at 1 kHz, from stored volts. */
static void balance(const struct kl_virtual_runner *runner, double from_s, double to_s, double *x0,
                    double *z0)
{
    struct virtual_session session;
    virtual_session_start(&session, runner);
    virtual_session_run(&session, to_s, 1000);
    double *w = calloc(session.count * 9, sizeof(*w));
    cr_assert_not_null(w);
    double *force[3] = {w, w + session.count, w + 2 * session.count};
    double *moment[3] = {w + 3 * session.count, w + 4 * session.count, w + 5 * session.count};
    double *position[3] = {w + 6 * session.count, w + 7 * session.count, w + 8 * session.count};
    size_t n = 0;
    for (size_t k = 0; k < session.count; k++) {
        if (kl_seconds(session.sample[k].device_ns) >= from_s) {
            double one[KL_WRENCH_COUNT];
            virtual_session_wrench(&session, &session.sample[k], true, one);
            for (int i = 0; i < 3; i++) {
                force[i][n] = one[i];
                moment[i][n] = one[3 + i];
            }
            n++;
        }
    }
    double dt = 1 / runner->rate_hz;
    for (int i = 0; i < 3; i++) { /* forces instead of accelerations: divided by the mass below */
        double_integral(force[i], n, dt, position[i]);
    }
    double top_x = 0;
    double top_z = 0;
    double bottom = 0;
    for (size_t i = 0; i < n; i++) {
        double y = 0.56 * runner->height_m + position[1][i] / runner->mass_kg;
        top_x += moment[2][i] + y * force[0][i] - position[0][i] / runner->mass_kg * force[1][i];
        top_z += -moment[0][i] + y * force[2][i] - position[2][i] / runner->mass_kg * force[1][i];
        bottom += force[1][i];
    }
    *x0 = top_x / bottom;
    *z0 = top_z / bottom;
    free(w);
    virtual_session_free(&session);
}

Test(virtual_signals, moment_balance_returns_the_centre_of_mass)
{
    static const struct {
        const char *legend;
        double x0, z0, right_step_s, right_contact_s, right_impact, overstride;
    } row[] = {
        {"the worked example's place", 0.037, 0.012, 0.35, 0.25, 0.9, 0},
        {"behind and left", -0.10, -0.06, 0.35, 0.25, 0.9, 0},
        {"overstriding", 0.037, 0.012, 0.35, 0.25, 0.9, 0.5},
        {"right step longer", 0.037, 0.012, 0.38, 0.25, 0.9, 0},
        {"right contact shorter, harder", 0.037, 0.012, 0.35, 0.22, 1.3, 0},
    };
    for (size_t r = 0; r < sizeof(row) / sizeof(row[0]); r++) {
        struct kl_virtual_runner runner = virtual_session_plain_runner();
        runner.com_x_m = row[r].x0;
        runner.com_z_m = row[r].z0;
        runner.step_time_s[1] = row[r].right_step_s;
        runner.contact_time_s[1] = row[r].right_contact_s;
        runner.impact_bw[1] = row[r].right_impact;
        runner.overstride = row[r].overstride;
        double stride_s = runner.step_time_s[0] + runner.step_time_s[1];
        double x0 = 0;
        double z0 = 0;
        balance(&runner, 1.15, 1.15 + 8 * stride_s, &x0, &z0); /* from mid-flight, whole strides */
        /* 1 mm: methods 21.5, noise-free. Exact but for the 1 kHz sums. */
        cr_expect_float_eq(x0, row[r].x0, 1e-4, "%s: x0 %.6f", row[r].legend, x0);
        cr_expect_float_eq(z0, row[r].z0, 1e-4, "%s: z0 %.6f", row[r].legend, z0);
    }
}

Test(virtual_signals, moment_balance_holds_with_jitter)
{
    struct kl_virtual_runner runner = virtual_session_plain_runner();
    runner.step_time_cv = 0.015;
    runner.com_x_m = 0.037;
    runner.com_z_m = 0.012;
    struct kl_virtual_step step[200];
    int count = kl_virtual_runner_truth(&runner, 60, 0, step, 200);
    double sum_x = 0;
    double sum_z = 0;
    double worst_x = 0;
    double worst_z = 0;
    int windows = 0;
    for (int k = 2; k + 20 < count; k += 20) { /* ten strides, from flight to flight */
        double x0 = 0;
        double z0 = 0;
        double from_s = 0.5 * (step[k - 1].off_s + step[k].contact_s);
        double to_s = 0.5 * (step[k + 19].off_s + step[k + 20].contact_s);
        balance(&runner, from_s, to_s, &x0, &z0);
        sum_x += x0 - 0.037;
        sum_z += z0 - 0.012;
        worst_x = fmax(worst_x, fabs(x0 - 0.037));
        worst_z = fmax(worst_z, fabs(z0 - 0.012));
        windows++;
    }
    cr_expect_geq(windows, 7);
    /* 1 mm: methods 21.5, noise-free. Jittered motion is not periodic, so a single window may be
     * off by what the runner really drifted (0.23 mm seen); the mean over a minute less so. */
    cr_expect_lt(worst_x, 1e-3, "x: worst %g m", worst_x);
    cr_expect_lt(worst_z, 1e-3, "z: worst %g m", worst_z);
    cr_expect_float_eq(sum_x / windows, 0, 2e-4, "x: mean %g m", sum_x / windows);
    cr_expect_float_eq(sum_z / windows, 0, 2e-4, "z: mean %g m", sum_z / windows);
}
