#include "devices/drivers.h"
#include "driver_run.h"
#include "emulate_bno08x_rvc.h"
#include "scripted_link.h"
#include "vectors.h"

#include <criterion/criterion.h>

#include <math.h>
#include <string.h>

#define MG 0.00980665
#define DEG 0.017453292519943295
#define FRAME 19
/* Expected numbers are those of the page, exact in decimal. */
#define RELATIVE 1e-6

static struct driver_run run;

static const struct kl_device_config lab = {.name = "bno", .placement = "thigh.left"};

/* The data sheet's example, then three of our own; V3 follows V2. */
static const uint8_t vector[4][FRAME] = {
    {0xAA, 0xAA, 0xDE, 0x01, 0x00, 0x92, 0xFF, 0x25, 0x08, 0x8D, 0xFE, 0xEC, 0xFF, 0xD1, 0x03, 0, 0,
     0, 0xE7},
    {0xAA, 0xAA, 0xFF, 0xB1, 0xB9, 0x27, 0x23, 0xFF, 0xFF, 0x00, 0x00, 0x00, 0x00, 0xE8, 0x03, 0, 0,
     0, 0x9C},
    {0xAA, 0xAA, 0x00, 0x4F, 0x46, 0xD8, 0xDC, 0x64, 0x00, 0x18, 0xFC, 0xF4, 0x01, 0x06, 0xFF, 0, 0,
     0, 0xBB},
    {0xAA, 0xAA, 0xAA, 0xAA, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0xE8, 0x03, 0, 0,
     0, 0x3F},
};
static const double vector_ypr_deg[4][3] = {
    {0.01, -1.10, 20.85}, {-179.99, 89.99, -0.01}, {179.99, -90, 1}, {1.70, 0, 0}};
static const double vector_mg[4][3] = {
    {-371, -20, 977}, {0, 0, 1000}, {-1000, 500, -250}, {0, 0, 1000}};

static void begin(void)
{
    cr_assert_eq(run_configure(&run, &kl_bno08x_rvc_driver, &lab), 1, "%s", run.fault.text);
}

/* Independent of the driver: the product of three elementary quaternions. */
static void product(const double a[4], const double b[4], double out[4])
{
    const double q[4] = {
        a[0] * b[0] - a[1] * b[1] - a[2] * b[2] - a[3] * b[3],
        a[0] * b[1] + a[1] * b[0] + a[2] * b[3] - a[3] * b[2],
        a[0] * b[2] - a[1] * b[3] + a[2] * b[0] + a[3] * b[1],
        a[0] * b[3] + a[1] * b[2] - a[2] * b[1] + a[3] * b[0],
    };
    memcpy(out, q, sizeof(q));
}

static void expect_orientation(const double *value, const double ypr_deg[3], const char *what)
{
    double half[3], q[4];
    for (size_t i = 0; i < 3; i++) {
        half[i] = ypr_deg[i] * DEG / 2;
    }
    const double qz[4] = {cos(half[0]), 0, 0, sin(half[0])};
    const double qy[4] = {cos(half[1]), 0, sin(half[1]), 0};
    const double qx[4] = {cos(half[2]), sin(half[2]), 0, 0};
    product(qz, qy, q);
    product(q, qx, q);
    for (size_t i = 0; i < 4; i++) {
        cr_expect_float_eq(value[i], q[i], 1e-12, "%s q%zu: %g, expected %g", what, i, value[i],
                           q[i]);
    }
}

Test(bno08x_rvc, describes_its_stream)
{
    begin();
    cr_expect_str_eq(run.stream[0].name, "imu.thigh.left");
    cr_expect_eq(run.stream[0].rate_hz, 100);
    cr_assert_eq(run.stream[0].channel_count, 7);
    cr_expect_str_eq(run.stream[0].label[3], "qw");
}

Test(bno08x_rvc, refuses_what_it_cannot_do_and_says_what_is_allowed)
{
    static const struct kl_device_option unknown = {"gyro", "yes"};
    struct kl_device_config row[] = {lab, lab, lab};
    const char *const word[] = {"100 Hz", "none", "placement"};
    row[0].rate_hz = 200;
    row[1].option = &unknown;
    row[1].option_count = 1;
    row[2].placement = "";
    for (size_t i = 0; i < 3; i++) {
        cr_expect_eq(run_configure(&run, &kl_bno08x_rvc_driver, &row[i]), KL_ERR_RANGE);
        cr_expect_not_null(strstr(run.fault.text, word[i]), "%s", run.fault.text);
    }
}

Test(bno08x_rvc, decodes_the_vectors_across_the_index_wrap)
{
    begin();
    run_feed(&run, vector[0], sizeof(vector), 5);
    run_feed(&run, vector[0], FRAME, 5); /* V4 does not follow V3: another must follow */
    cr_assert_eq(run.count, 4);
    for (size_t i = 0; i < 4; i++) {
        for (size_t c = 0; c < 3; c++) {
            cr_expect_float_eq(run.sample[i].value[c], vector_mg[i][c] * MG, 1e-9);
        }
        expect_orientation(run.sample[i].value + 3, vector_ypr_deg[i], "vector");
    }
    const struct kl_sample *s = run.sample;
    cr_expect_eq(s[1].device_ns - s[0].device_ns, 33 * 10000000); /* 222 to 255 */
    cr_expect_eq(s[1].quality, KL_QUALITY_GAP);
    cr_expect_eq(s[2].device_ns - s[1].device_ns, 10000000);
    cr_expect_eq(s[2].quality, 0, "255 to 0: nothing lost");
    cr_expect_eq(s[3].device_ns - s[2].device_ns, 170 * 10000000);
}

Test(bno08x_rvc, decodes_every_row_of_the_vector_table)
{
    static struct vector row[8];
    int rows = (int)vectors_read("bno08x_rvc", row, 8);
    if (rows == 0) {
        cr_skip_test("skipped: no vectors at %s/../protocols", KL_DATA);
    }
    cr_assert_eq(rows, 5);
    for (int r = 0; r < rows; r++) {
        begin();
        bool bad = strcmp(row[r].kind, "negative") == 0;
        double mg[3] = {0}, ypr[3] = {0};
        run_feed(&run, vector[3], FRAME, FRAME); /* each needs one behind it */
        run_feed(&run, row[r].bytes, row[r].len, 2);
        run_feed(&run, vector[3], FRAME, FRAME);
        run_feed(&run, vector[3], FRAME, FRAME);
        cr_expect_eq(run.framing.frames, bad ? 1 : 3, "%s", row[r].id);
        if (bad) {
            continue;
        }
        cr_assert_eq(run.count, 3);
        cr_assert_eq(vectors_numbers(row[r].expected, "acc_mg", mg, 3), 3);
        cr_assert_eq(vectors_numbers(row[r].expected, "ypr_deg", ypr, 3), 3);
        for (size_t c = 0; c < 3; c++) {
            cr_expect_float_eq(run.sample[1].value[c], mg[c] * MG,
                               RELATIVE * fabs(mg[c] * MG) + 1e-15);
        }
        expect_orientation(run.sample[1].value + 3, ypr, row[r].id);
    }
}

Test(bno08x_rvc, takes_frames_whatever_stands_around_them)
{
    static const struct {
        const char *legend;
        uint8_t before[4];
        size_t before_len, frames, cut;
        int damaged; /* frame whose sum is wrong; -1: none */
        size_t samples;
    } row[] = {
        {"good", {0}, 0, 3, 0, -1, 3},
        {"leading garbage", {0xaa, 0xaa, 0xaa, 0x01}, 4, 3, 0, -1, 3},
        {"wrong checksum in the middle", {0}, 0, 5, 0, 2, 4},
        {"truncated", {0}, 0, 3, 1, -1, 2},
        {"one alone is not believed", {0}, 0, 1, 0, -1, 0},
        {"the first wrong: locks on the next", {0}, 0, 4, 0, 0, 3},
    };
    for (size_t r = 0; r < sizeof(row) / sizeof(row[0]); r++) {
        uint8_t bytes[200];
        size_t len = row[r].before_len;
        memcpy(bytes, row[r].before, len);
        for (size_t i = 0; i < row[r].frames; i++) {
            memcpy(bytes + len, vector[3], FRAME);
            bytes[len + 2] = (uint8_t)(10 + i);
            bytes[len + 18] =
                (uint8_t)(i + (0x100 + 0x3f - 0xaa + 10) + (row[r].damaged == (int)i));
            len += FRAME;
        }
        begin();
        run_feed(&run, bytes, len - row[r].cut, 1);
        run_finish(&run);
        cr_expect_eq(run.count, row[r].samples, "%s: %zu", row[r].legend, run.count);
        for (size_t i = 1; i < run.count; i++) {
            int64_t step = run.sample[i].device_ns - run.sample[i - 1].device_ns;
            cr_expect_eq((run.sample[i].quality & KL_QUALITY_GAP) != 0, step > 10000000, "%s",
                         row[r].legend);
        }
    }
}

/* ----------------------------------------------------------------- emulator */

static struct emulate_bno08x device;
static struct emulator_link link_;

static uint8_t recorded[40000];

static size_t record(void)
{
    emulate_bno08x_init(&device);
    return (size_t)emulator_take(&device.emulator, recorded, sizeof(recorded), 20 * KL_NS_PER_S);
}

Test(bno08x_rvc, loses_at_most_one_frame_to_a_single_fault)
{
    size_t len = record();
    struct fault_cost result = run_single_faults(&kl_bno08x_rvc_driver, &lab, recorded, len,
                                                 len / 10, len - len / 10, FAULT_ANY, 1500);
    cr_expect_leq(result.worst, 1, "%zu lost", result.worst);
    /* an 8-bit sum lets one of 256 look-alikes pass (protocols/README.md, rule 10: 4 of 3000) */
    cr_expect_leq(result.wrong, 2, "%zu", result.wrong);
}

Test(bno08x_rvc, marks_a_saturated_accelerometer)
{
    uint8_t bytes[2 * FRAME];
    memcpy(bytes, vector[3], FRAME);
    memcpy(bytes + FRAME, vector[3], FRAME);
    bytes[13] = 0x40; /* 8000 mg */
    bytes[14] = 0x1f;
    bytes[18] = (uint8_t)(bytes[18] + 0x40 + 0x1f - 0xe8 - 0x03);
    begin();
    run_feed(&run, bytes, sizeof(bytes), sizeof(bytes));
    cr_assert_eq(run.count, 1);
    cr_expect_eq(run.sample[0].quality, KL_QUALITY_CLIPPED);
}

Test(bno08x_rvc, says_what_to_check_when_nothing_comes)
{
    static const uint8_t garbage[400] = {0xaa, 0xaa, 0xaa};
    const struct scripted_row row[] = {{NULL, 0, garbage, sizeof(garbage)}};
    struct scripted_link script;
    char text[64];
    scripted_link_init(&script, row, 1);
    begin();
    cr_expect_eq(kl_bno08x_rvc_driver.start(run.state, &script.link, &run.fault), KL_ERR_TIMEOUT);
    cr_expect_not_null(strstr(run.fault.text, "115200"));
    cr_expect(scripted_link_done(&script), "it must never be spoken to");
    emulate_bno08x_init(&device);
    emulator_link_init(&link_, &emulator_ops, &device, kl_bno08x_rvc_driver.need);
    link_.chunk = 16;
    cr_expect_eq(kl_bno08x_rvc_driver.identify(&link_.link, text, sizeof(text)), KL_OK);
    cr_expect_str_eq(text, "BNO08x in UART-RVC mode");
    device.emulator.gone = true;
    cr_expect_eq(kl_bno08x_rvc_driver.identify(&link_.link, text, sizeof(text)), KL_ERR_GONE);
}
