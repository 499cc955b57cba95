/* The chain from samples to windows, on a body posed from closed forms (calibrated_body.h): the
 * march serves as gait, right leg on the ground from 1.6 s + 1.2 s k for 0.6 s. */
#include "calibrated_body.h"
#include "process/motion/heading.h"
#include "process/motion/motion_chain.h"
#include "process/motion/motion_metric.h"

#include <criterion/criterion.h>

#include <stdio.h>
#include <string.h>

#define PI 3.14159265358979323846
#define DEG (PI / 180)
#define CHANNELS 6
#define BLOCK_MAX 400

static struct body body;
static struct kl_motion_chain *chain;
static struct kl_body_calibration *calibration;
static struct kl_motion_window window;

static void describe(struct kl_stream *streams)
{
    static const char *const labels[CHANNELS] = {"ax", "ay", "az", "wx", "wy", "wz"};
    for (int s = 0; s < KL_SEGMENT_COUNT; s++) {
        streams[s] = (struct kl_stream){.kind = KL_KIND_IMU,
                                        .format = KL_FORMAT_DOUBLE64,
                                        .rate_hz = body.rate_hz,
                                        .channel_count = CHANNELS};
        (void)snprintf(streams[s].name, sizeof(streams[s].name), "imu.%s",
                       kl_segment_text((enum kl_segment)s));
        for (size_t c = 0; c < CHANNELS; c++) {
            (void)snprintf(streams[s].label[c], sizeof(streams[s].label[c]), "%s", labels[c]);
        }
    }
}

static void setup(void)
{
    static struct kl_stream streams[KL_SEGMENT_COUNT];
    body_init(&body);
    describe(streams);
    struct kl_fault fault = {""};
    cr_assert_eq(kl_motion_chain_create(streams, KL_SEGMENT_COUNT, NULL, &chain, &fault), KL_OK,
                 "%s", fault.text);
    calibration = kl_body_calibration_create();
}

static void teardown(void)
{
    kl_motion_chain_destroy(chain);
    kl_motion_chain_destroy(NULL);
    kl_body_calibration_destroy(calibration);
}

TestSuite(motion_chain, .init = setup, .fini = teardown);

/* What happens to samples on their way. */
struct fault_in_samples {
    enum kl_segment sensor;
    double from_s, to_s; /* of the phase */
    bool lost, clipped, not_a_number;
};

/* One phase in blocks of `block` samples, through chain and calibration. */
static void play(enum kl_calibration_phase phase, double length_s, size_t block,
                 const struct fault_in_samples *fault)
{
    static int64_t t_ns[BLOCK_MAX];
    static double value[BLOCK_MAX * CHANNELS];
    static uint32_t quality[BLOCK_MAX];
    size_t count = (size_t)(length_s * body.rate_hz);
    for (size_t first = 0; first < count; first += block) {
        for (int s = 0; s < KL_SEGMENT_COUNT; s++) {
            size_t n = 0;
            for (size_t i = first; i < count && i < first + block; i++) {
                double t_s = (double)i / body.rate_hz;
                struct kl_vec w;
                struct kl_vec a;
                body_sample(&body, phase, t_s, (enum kl_segment)s, &w, &a);
                bool hit = fault != NULL && (int)fault->sensor == s && t_s >= fault->from_s &&
                           t_s < fault->to_s;
                if (hit && fault->lost) {
                    continue;
                }
                t_ns[n] = body.t_ns + kl_nanoseconds(t_s);
                quality[n] = hit && fault->clipped ? KL_QUALITY_CLIPPED : 0;
                const double row[CHANNELS] = {a.x, a.y, a.z, w.x, w.y, w.z};
                memcpy(&value[n * CHANNELS], row, sizeof(row));
                if (hit && fault->not_a_number) {
                    value[n * CHANNELS + 4] = (double)NAN;
                }
                n++;
            }
            struct kl_block b = {(size_t)s, n, t_ns, value, quality};
            if (n > 0) {
                kl_motion_chain_push(chain, &b);
                kl_motion_chain_feed(chain, &b, calibration);
            }
        }
    }
    body.t_ns += kl_nanoseconds(length_s);
}

static void calibrate(size_t block)
{
    static const double length_s[KL_CALIBRATION_PHASE_COUNT] = {10, 32, 22, 21, 8};
    for (int p = 0; p < KL_CALIBRATION_PHASE_COUNT; p++) {
        enum kl_calibration_phase phase = (enum kl_calibration_phase)p;
        kl_body_calibration_begin(calibration, phase, body.t_ns);
        play(phase, length_s[p], block, NULL);
        kl_body_calibration_end(calibration, body.t_ns);
        if (phase == KL_CALIBRATION_STILL || phase == KL_CALIBRATION_STILL_AGAIN) {
            /* 0.1 s after the newest sample: streams are late */
            unsigned kept = kl_motion_chain_still(chain, body.t_ns + KL_NS_PER_S / 10);
            cr_expect_eq(kept, (1u << KL_SEGMENT_COUNT) - 1);
        }
    }
    kl_motion_chain_adopt(chain, calibration);
}

/* The window of the right stance k of a march that started at start_ns. */
static void fill(int64_t start_ns, int k)
{
    double ic_ns = (double)start_ns + (1.6 + 1.2 * k) * 1e9;
    cr_assert_eq(
        kl_motion_window_fill(chain, ic_ns, ic_ns + 0.6e9, ic_ns + 1.2e9, KL_SIDE_RIGHT, &window),
        KL_OK);
}

static double value_of(enum kl_motion_metric id)
{
    struct kl_motion_input input = {&window, NULL};
    double out = -1000 * DEG;
    uint32_t marks = 0;
    (void)kl_motion_metric_compute(id, &input, &out, &marks);
    return out / DEG;
}

/* Truth of the march: the left leg swings while the right one stands, so the stance leg is still;
 * in swing the thigh goes to 65 deg and the shank to -25: the knee bends by 90. */
static double swing_peak(void)
{
    double angle[KL_MOTION_SAMPLES];
    bool valid[KL_MOTION_SAMPLES];
    uint32_t marks = kl_motion_curve(&window, KL_CLINICAL_KNEE_FLEXION, angle, valid);
    double peak = -1000;
    for (size_t i = 0; i < window.count; i++) {
        peak = valid[i] ? fmax(peak, angle[i] / DEG) : peak;
    }
    cr_expect_eq(marks & (KL_MOTION_MISSING | KL_MOTION_NOT_CALIBRATED | KL_MOTION_NO_SENSOR), 0);
    return peak;
}

Test(motion_chain, a_calibrated_body_shows_the_angles_it_was_posed_in)
{
    calibrate(40);
    int64_t start_ns = body.t_ns;
    play(KL_CALIBRATION_MARCH, 7, 40, NULL);
    fill(start_ns, 3);
    /* 20 Hz takes nothing from a wave of 0.6 s; the tilt of a quasi-static march of pure gravity
     * is exact, axes are found to a fraction of a degree */
    cr_expect_float_eq(swing_peak(), 90, 1.0, "%g", swing_peak());
    cr_expect_float_eq(value_of(KL_MOTION_KNEE_FLEXION_CONTACT), 0, 0.5);
    cr_expect_float_eq(value_of(KL_MOTION_TIBIA_INCLINATION), 0, 0.5);
    cr_expect_float_eq(value_of(KL_MOTION_EVERSION_EXCURSION), 0, 0.5);
    struct kl_quat now;
    cr_expect(kl_motion_chain_now(chain, KL_SEGMENT_PELVIS, &now));
}

Test(motion_chain, exchanged_sensors_end_up_where_they_are_worn)
{
    body.seat[KL_SEGMENT_THIGH_RIGHT] = KL_SEGMENT_SHANK_RIGHT;
    body.seat[KL_SEGMENT_SHANK_RIGHT] = KL_SEGMENT_THIGH_RIGHT;
    calibrate(40);
    cr_expect_eq(kl_motion_chain_segment(chain, KL_SEGMENT_THIGH_RIGHT), KL_SEGMENT_SHANK_RIGHT);
    kl_motion_chain_adopt(chain, calibration); /* again: nothing moves */
    int64_t start_ns = body.t_ns;
    play(KL_CALIBRATION_MARCH, 7, 40, NULL);
    fill(start_ns, 3);
    cr_expect_float_eq(swing_peak(), 90, 1.0, "%g", swing_peak());
}

/* An accelerometer that is off by 0.5 m/s^2 and 4 % tilts a still pose by degrees; corrected, it
 * does not. */
Test(motion_chain, an_accelerometer_is_corrected_before_anything_looks_at_it)
{
    struct kl_accelerometer_calibration correction = {.bias_m_s2 = {0.5, -0.5, 0.3},
                                                      .scale = {1.04, 0.97, 1.02}};
    body.accelerometer = correction;
    kl_motion_chain_accelerometer(chain, KL_SEGMENT_SHANK_LEFT, &correction);
    calibrate(40);
    struct kl_segment_alignment alignment;
    cr_assert(kl_body_calibration_alignment(calibration, KL_SEGMENT_SHANK_LEFT, &alignment));
    cr_expect_float_eq(alignment.gravity_m_s2, 9.80665, 0.005);
    cr_assert(kl_body_calibration_alignment(calibration, KL_SEGMENT_SHANK_RIGHT, &alignment));
    cr_expect_gt(fabs(alignment.gravity_m_s2 - 9.80665), 0.01);
}

/* Reflecting the sensors' y axis and the lab's z axis makes the mirrored body; what is worn right
 * is worn left. */
Test(motion_chain, the_mirrored_body_gives_the_same_metrics_on_the_other_side)
{
    double right[KL_MOTION_SHOCK_AXIAL];
    for (int pass = 0; pass < 2; pass++) {
        teardown();
        setup();
        body.wobble = 0.1;
        body.noise_m_s2 = 0; /* it is drawn in the order of the sensors */
        body.noise_rad_s = 0;
        body.mirrored = pass == 1;
        calibrate(40);
        int64_t start_ns = body.t_ns;
        play(KL_CALIBRATION_MARCH, 7, 40, NULL);
        fill(start_ns, 3);
        if (pass == 1) {
            double ic_ns = (double)start_ns + (1.6 + 1.2 * 3) * 1e9;
            cr_assert_eq(kl_motion_window_fill(chain, ic_ns, ic_ns + 0.6e9, ic_ns + 1.2e9,
                                               KL_SIDE_LEFT, &window),
                         KL_OK);
        }
        for (int id = 0; id < KL_MOTION_SHOCK_AXIAL; id++) {
            double value = value_of((enum kl_motion_metric)id);
            if (pass == 0) {
                right[id] = value;
            } else {
                /* the filters see other numbers: rounding, not bits */
                cr_expect_float_eq(
                    value, right[id], 1e-7 * fmax(1, fabs(right[id])), "%s: %.12g, %.12g",
                    kl_motion_metric_get((enum kl_motion_metric)id)->metric.key, value, right[id]);
            }
        }
    }
}

Test(motion_chain, how_blocks_are_cut_changes_no_bit)
{
    static const size_t blocks[] = {1, 7, 64, 400};
    static struct kl_motion_window first;
    for (size_t b = 0; b < sizeof(blocks) / sizeof(blocks[0]); b++) {
        teardown();
        setup();
        body.noise_m_s2 = 0; /* the body's noise is drawn in the order of the blocks */
        body.noise_rad_s = 0;
        calibrate(blocks[b]);
        int64_t start_ns = body.t_ns;
        play(KL_CALIBRATION_MARCH, 7, blocks[b], NULL);
        fill(start_ns, 3);
        if (b == 0) {
            first = window;
        }
        for (int s = 0; s < KL_SEGMENT_COUNT; s++) {
            cr_expect_eq(memcmp(first.segment[s].q, window.segment[s].q,
                                window.count * sizeof(window.segment[s].q[0])),
                         0, "blocks of %zu: %s", blocks[b], kl_segment_text((enum kl_segment)s));
        }
    }
}

Test(motion_chain, what_is_wrong_with_one_sensor_marks_it_alone_and_only_there)
{
    static const struct {
        const char *legend;
        struct fault_in_samples fault;
        uint32_t mark;
    } rows[] = {
        {"50 ms lost", {KL_SEGMENT_THIGH_RIGHT, 3.0, 3.05, true, false, false}, KL_MOTION_MISSING},
        {"clipped", {KL_SEGMENT_THIGH_RIGHT, 3.0, 3.01, false, true, false}, KL_MOTION_CLIPPED},
        {"not a number",
         {KL_SEGMENT_THIGH_RIGHT, 3.0, 3.01, false, false, true},
         KL_MOTION_MISSING},
        {"10 ms lost: bridged", {KL_SEGMENT_THIGH_RIGHT, 3.0, 3.01, true, false, false}, 0},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        teardown();
        setup();
        calibrate(40);
        int64_t start_ns = body.t_ns;
        play(KL_CALIBRATION_MARCH, 7, 40, &rows[i].fault);
        fill(start_ns, 1); /* 2.8 to 3.4 s */
        cr_expect_eq(window.segment[KL_SEGMENT_THIGH_RIGHT].marks, rows[i].mark, "%s: %x",
                     rows[i].legend, window.segment[KL_SEGMENT_THIGH_RIGHT].marks);
        cr_expect_eq(window.segment[KL_SEGMENT_SHANK_RIGHT].marks, 0, "%s", rows[i].legend);
        fill(start_ns, 3);
        cr_expect_eq(window.segment[KL_SEGMENT_THIGH_RIGHT].marks, 0, "%s: the one after next",
                     rows[i].legend);
        cr_expect_float_eq(swing_peak(), 90, 1.5, "%s: %g", rows[i].legend, swing_peak());
    }
}

Test(motion_chain, late_dead_and_absent_sensors_are_missing_and_nothing_else)
{
    calibrate(40);
    int64_t start_ns = body.t_ns;
    struct fault_in_samples dies = {KL_SEGMENT_THIGH_LEFT, 2.0, 99, true, false, false};
    play(KL_CALIBRATION_MARCH, 7, 40, &dies);
    fill(start_ns, 3);
    cr_expect_eq(window.segment[KL_SEGMENT_THIGH_LEFT].marks, KL_MOTION_MISSING);
    cr_expect_eq(window.segment[KL_SEGMENT_THIGH_RIGHT].marks, 0);
    cr_expect_gt(kl_motion_chain_newest(chain, KL_SEGMENT_THIGH_RIGHT),
                 kl_motion_chain_newest(chain, KL_SEGMENT_THIGH_LEFT));
    fill(start_ns, 4); /* ends at 7.6 s, later than the newest sample */
    cr_expect_eq(window.segment[KL_SEGMENT_THIGH_RIGHT].marks, KL_MOTION_MISSING);
}

Test(motion_chain, before_the_calibration_nothing_has_an_angle)
{
    int64_t start_ns = body.t_ns;
    play(KL_CALIBRATION_MARCH, 7, 40, NULL);
    fill(start_ns, 3);
    cr_expect_eq(window.segment[KL_SEGMENT_PELVIS].marks, KL_MOTION_NOT_CALIBRATED);
    struct kl_quat q;
    cr_expect_not(kl_motion_chain_now(chain, KL_SEGMENT_PELVIS, &q));
}

Test(motion_chain, a_sensor_that_was_not_there_keeps_no_heading)
{
    struct fault_in_samples dies = {KL_SEGMENT_TRUNK, 3.0, 99, true, false, false};
    play(KL_CALIBRATION_STILL, 8, 40, &dies);
    cr_expect_eq(kl_motion_chain_still(chain, body.t_ns),
                 ((1u << KL_SEGMENT_COUNT) - 1) & ~(1u << KL_SEGMENT_TRUNK));
}

Test(motion_chain, times_that_make_no_stance_are_refused)
{
    static const struct {
        double ic_ns, to_ns;
    } rows[] = {{5e9, 5e9}, {5e9, 4e9}, {5e9, 9e9}, {(double)NAN, 5e9}, {5e9, (double)INFINITY}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        cr_expect_eq(
            kl_motion_window_fill(chain, rows[i].ic_ns, rows[i].to_ns, 0, KL_SIDE_LEFT, &window),
            KL_ERR_RANGE, "%zu", i);
        cr_expect_eq(window.count, 0);
    }
}

Test(motion_chain, two_streams_of_one_segment_are_refused_by_name)
{
    static struct kl_stream streams[KL_SEGMENT_COUNT];
    describe(streams);
    (void)snprintf(streams[0].name, sizeof(streams[0].name), "imu.pelvis");
    struct kl_motion_chain *other = NULL;
    struct kl_fault fault = {""};
    cr_expect_eq(kl_motion_chain_create(streams, KL_SEGMENT_COUNT, NULL, &other, &fault),
                 KL_ERR_RANGE);
    cr_expect_not_null(strstr(fault.text, "imu.pelvis"), "%s", fault.text);
    describe(streams);
    (void)snprintf(streams[1].label[4], sizeof(streams[1].label[4]), "gyro");
    cr_assert_eq(kl_motion_chain_create(streams, KL_SEGMENT_COUNT, NULL, &other, &fault), KL_OK);
    cr_expect_not(kl_motion_chain_has(other, KL_SEGMENT_PELVIS)); /* no rate: left out */
    cr_expect(kl_motion_chain_has(other, KL_SEGMENT_TRUNK));
    kl_motion_chain_destroy(other);
}

Test(motion_chain, strides_feed_the_anchor_and_the_hinge)
{
    calibrate(40);
    int64_t start_ns = body.t_ns;
    double residual = 1;
    double talk = 1;
    cr_expect_not(kl_motion_chain_residual(chain, KL_SIDE_RIGHT, &residual));
    cr_expect_not(kl_motion_chain_cross_talk(chain, KL_SIDE_RIGHT, &talk));
    play(KL_CALIBRATION_MARCH, 7, 40, NULL);
    for (int k = 0; k < 4; k++) {
        fill(start_ns, k);
        kl_motion_chain_stride(chain, &window);
    }
    cr_assert(kl_motion_chain_residual(chain, KL_SIDE_RIGHT, &residual));
    cr_expect_lt(residual / DEG, 0.5, "%g", residual / DEG);
    /* this knee is a hinge: what leaks is too small for an index */
    cr_expect_not(kl_motion_chain_cross_talk(chain, KL_SIDE_RIGHT, &talk));
    cr_expect_not(kl_motion_chain_residual(chain, KL_SIDE_LEFT, &residual));
}

Test(motion_chain, the_shock_window_is_acceleration_without_the_gravity_of_the_pose)
{
    calibrate(40);
    int64_t start_ns = body.t_ns;
    play(KL_CALIBRATION_MARCH, 7, 40, NULL);
    static struct kl_shock_window shock;
    kl_shock_window_fill(chain, (double)start_ns + 5.25e9, KL_SIDE_RIGHT, &shock);
    cr_expect_eq(shock.tibia.marks, 0);
    cr_expect_eq(shock.proximal.marks, 0);
    cr_expect_eq(shock.proximal_segment, KL_SEGMENT_TRUNK);
    double largest = 0;
    for (size_t i = 0; i < 300; i++) { /* the right leg stands: 5.2 to 5.8 s */
        largest = fmax(largest, kl_vec_norm(shock.tibia.filtered_m_s2[i]));
    }
    cr_expect_lt(largest, 0.25, "%g", largest); /* noise, and 0.5 deg of axis */
    kl_shock_window_fill(chain, (double)start_ns + 6.9e9, KL_SIDE_RIGHT, &shock);
    cr_expect_eq(shock.tibia.marks, KL_MOTION_MISSING);
    kl_shock_window_fill(chain, (double)start_ns + 5e9, KL_SIDE_UNKNOWN, &shock);
    cr_expect(shock.tibia.marks & KL_MOTION_NO_SIDE);
}
