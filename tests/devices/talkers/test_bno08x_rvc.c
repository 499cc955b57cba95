#include "decoding.h"
#include "devices/drivers.h"
#include "emulate_bno08x_rvc.h"
#include "scripted_link.h"

#include <criterion/criterion.h>

#include <math.h>
#include <string.h>

#define MG 0.00980665
#define DEG 0.017453292519943295
#define FRAME 19
/* Expected numbers are those of the page, exact in decimal. */
#define RELATIVE 1e-6

static struct decoding decoding, other;

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
    cr_assert_eq(decoding_init(&decoding, &kl_bno08x_rvc_driver, &lab), 1, "%s",
                 decoding.fault.text);
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
    cr_expect_str_eq(decoding.stream[0].name, "imu.thigh.left");
    cr_expect_eq(decoding.stream[0].rate_hz, 100);
    cr_assert_eq(decoding.stream[0].channel_count, 7);
    cr_expect_str_eq(decoding.stream[0].label[3], "qw");
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
        cr_expect_eq(decoding_init(&decoding, &kl_bno08x_rvc_driver, &row[i]), KL_ERR_RANGE);
        cr_expect_not_null(strstr(decoding.fault.text, word[i]), "%s", decoding.fault.text);
    }
}

Test(bno08x_rvc, decodes_the_vectors_across_the_index_wrap)
{
    begin();
    decoding_feed(&decoding, vector[0], sizeof(vector), 5);
    decoding_feed(&decoding, vector[0], FRAME, 5); /* V4 does not follow V3: another must follow */
    cr_assert_eq(decoding.count, 4);
    for (size_t i = 0; i < 4; i++) {
        for (size_t c = 0; c < 3; c++) {
            cr_expect_float_eq(decoding.sample[i].value[c], vector_mg[i][c] * MG, 1e-9);
        }
        expect_orientation(decoding.sample[i].value + 3, vector_ypr_deg[i], "vector");
    }
    const struct kl_sample *s = decoding.sample;
    cr_expect_eq(s[1].device_ns - s[0].device_ns, 33 * 10000000); /* 222 to 255 */
    cr_expect_eq(s[1].quality, KL_QUALITY_GAP);
    cr_expect_eq(s[2].device_ns - s[1].device_ns, 10000000);
    cr_expect_eq(s[2].quality, 0, "255 to 0: nothing lost");
    cr_expect_eq(s[3].device_ns - s[2].device_ns, 170 * 10000000);
}

Test(bno08x_rvc, decodes_every_row_of_the_vector_table)
{
    static struct imu_vector row[8];
    int rows = read_imu_vectors("bno08x_rvc", row, 8);
    if (rows < 0) {
        cr_skip_test("skipped: no vectors at %s/../protocols", KL_DATA);
    }
    cr_assert_eq(rows, 5);
    for (int r = 0; r < rows; r++) {
        begin();
        bool bad = strcmp(row[r].kind, "negative") == 0;
        double mg[3] = {0}, ypr[3] = {0};
        decoding_feed(&decoding, vector[3], FRAME, FRAME); /* each needs one behind it */
        decoding_feed(&decoding, row[r].bytes, row[r].len, 2);
        decoding_feed(&decoding, vector[3], FRAME, FRAME);
        decoding_feed(&decoding, vector[3], FRAME, FRAME);
        cr_expect_eq(decoding.framing.frames, bad ? 1 : 3, "%s", row[r].id);
        if (bad) {
            continue;
        }
        cr_assert_eq(decoding.count, 3);
        cr_assert_eq(imu_vector_numbers(&row[r], "acc_mg", mg, 3), 3);
        cr_assert_eq(imu_vector_numbers(&row[r], "ypr_deg", ypr, 3), 3);
        for (size_t c = 0; c < 3; c++) {
            cr_expect_float_eq(decoding.sample[1].value[c], mg[c] * MG,
                               RELATIVE * fabs(mg[c] * MG) + 1e-15);
        }
        expect_orientation(decoding.sample[1].value + 3, ypr, row[r].id);
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
        decoding_feed(&decoding, bytes, len - row[r].cut, 1);
        decoding_finish(&decoding);
        cr_expect_eq(decoding.count, row[r].samples, "%s: %zu", row[r].legend, decoding.count);
        for (size_t i = 1; i < decoding.count; i++) {
            int64_t step = decoding.sample[i].device_ns - decoding.sample[i - 1].device_ns;
            cr_expect_eq((decoding.sample[i].quality & KL_QUALITY_GAP) != 0, step > 10000000, "%s",
                         row[r].legend);
        }
    }
}

/* ----------------------------------------------------------------- emulator */

static struct emulate_bno08x device;
static struct emulated_link link_;

static int start(size_t chunk)
{
    emulated_link_init(&link_, &device.emulator, chunk);
    begin();
    return kl_bno08x_rvc_driver.start(decoding.state, &link_.link, &decoding.fault);
}

/* The number of each sample follows from the last of the session, whose index is known. */
static void expect_truth(uint64_t first)
{
    for (size_t i = 0; i < decoding.count; i++) {
        const struct kl_sample *sample = &decoding.sample[i];
        uint64_t index =
            first + (uint64_t)((sample->device_ns - decoding.sample[0].device_ns) / 10000000);
        for (size_t c = 0; c < 3; c++) {
            cr_assert_float_eq(sample->value[c], MG * emulate_bno08x_value(index, 3 + c), 1e-12,
                               "sample %zu", i);
        }
        const double ypr[3] = {0.01 * emulate_bno08x_value(index, 0),
                               0.01 * emulate_bno08x_value(index, 1),
                               0.01 * emulate_bno08x_value(index, 2)};
        expect_orientation(sample->value + 3, ypr, "emulated");
    }
}

/* Which frame the first sample was. */
static uint64_t first_index(void)
{
    for (uint64_t index = 0; index < 1000; index++) {
        if (fabs(decoding.sample[0].value[0] - MG * emulate_bno08x_value(index, 3)) < 1e-12 &&
            fabs(decoding.sample[0].value[1] - MG * emulate_bno08x_value(index, 4)) < 1e-12) {
            return index;
        }
    }
    cr_assert_fail("the first sample is none of the emulator's");
    return 0;
}

Test(bno08x_rvc, streams_what_the_device_means)
{
    static const size_t chunk[] = {1, 7, 4096};
    for (size_t r = 0; r < 3; r++) {
        emulate_bno08x_init(&device);
        cr_assert_eq(start(chunk[r]), KL_OK, "%s", decoding.fault.text);
        cr_expect_eq(decoding_listen(&decoding, &link_, 5 * KL_NS_PER_S), KL_OK);
        cr_expect_geq(decoding.count, 498);
        expect_truth(first_index());
        for (size_t i = 1; i < decoding.count; i++) {
            cr_assert_eq(decoding.sample[i].quality, 0);
        }
        cr_expect_eq(kl_bno08x_rvc_driver.stop(decoding.state, &link_.link), KL_OK);
        cr_expect_eq(device.heard, 0, "it must never be spoken to");
    }
}

Test(bno08x_rvc, survives_each_fault_and_counts_it)
{
    emulate_bno08x_init(&device);
    cr_assert_eq(start(64), KL_OK);
    device.emulator.faults =
        (struct emulator_faults){.bad_every = 70,
                                 .drop_every = 35,
                                 .garbage_every = 130,
                                 .stall_from_ns = link_.t_ns + KL_NS_PER_S,
                                 .stall_until_ns = link_.t_ns + 2 * KL_NS_PER_S};
    cr_expect_eq(decoding_listen(&decoding, &link_, 10 * KL_NS_PER_S), KL_OK);
    expect_truth(first_index());
    size_t lost = device.emulator.dropped + device.emulator.damaged, missing = 0;
    cr_expect_gt(lost, 30);
    for (size_t i = 1; i < decoding.count; i++) {
        int64_t step = decoding.sample[i].device_ns - decoding.sample[i - 1].device_ns;
        cr_expect_eq((decoding.sample[i].quality & KL_QUALITY_GAP) != 0, step > 10000000);
        missing += (size_t)(step / 10000000) - 1;
    }
    cr_expect_leq(missing, lost);
    cr_expect_geq(missing + 2, lost);
}

static uint8_t recorded[40000];

static size_t record(void)
{
    emulate_bno08x_init(&device);
    return emulator_give(&device.emulator, 20 * KL_NS_PER_S, recorded, sizeof(recorded));
}

Test(bno08x_rvc, loses_at_most_one_frame_to_a_single_fault)
{
    size_t len = record();
    struct decoding_damage result =
        decoding_damage(&kl_bno08x_rvc_driver, &lab, recorded, len, 1500);
    cr_expect_leq(result.worst_lost, 1, "%zu lost", result.worst_lost);
    /* an 8-bit sum lets one of 256 look-alikes pass (protocols/README.md, rule 10: 4 of 3000) */
    cr_expect_leq(result.false_runs, 2, "%zu", result.false_runs);
}

Test(bno08x_rvc, does_not_depend_on_how_the_bytes_were_cut)
{
    static const size_t chunk[] = {1, 2, 3, 7, 64, 4096};
    size_t len = record();
    for (size_t at = 500; at < len; at += 997) {
        recorded[at] ^= 0x40;
    }
    cr_assert_eq(decoding_init(&other, &kl_bno08x_rvc_driver, &lab), 1);
    decoding_feed(&other, recorded, len, len);
    cr_expect_gt(other.framing.bad, 20);
    for (size_t i = 0; i < 6; i++) {
        begin();
        decoding_feed(&decoding, recorded, len, chunk[i]);
        cr_expect(decoding_same(&decoding, &other), "chunks of %zu", chunk[i]);
    }
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
    decoding_feed(&decoding, bytes, sizeof(bytes), sizeof(bytes));
    cr_assert_eq(decoding.count, 1);
    cr_expect_eq(decoding.sample[0].quality, KL_QUALITY_CLIPPED);
}

Test(bno08x_rvc, says_what_to_check_when_nothing_comes)
{
    static const uint8_t garbage[400] = {0xaa, 0xaa, 0xaa};
    const struct scripted_row row[] = {{NULL, 0, garbage, sizeof(garbage)}};
    struct scripted_link script;
    char text[64];
    scripted_link_init(&script, row, 1);
    begin();
    cr_expect_eq(kl_bno08x_rvc_driver.start(decoding.state, &script.link, &decoding.fault),
                 KL_ERR_TIMEOUT);
    cr_expect_not_null(strstr(decoding.fault.text, "115200"));
    cr_expect(scripted_link_done(&script), "it must never be spoken to");
    emulate_bno08x_init(&device);
    emulated_link_init(&link_, &device.emulator, 16);
    cr_expect_eq(kl_bno08x_rvc_driver.identify(&link_.link, text, sizeof(text)), KL_OK);
    cr_expect_str_eq(text, "BNO08x in UART-RVC mode");
    link_.gone = true;
    cr_expect_eq(kl_bno08x_rvc_driver.identify(&link_.link, text, sizeof(text)), KL_ERR_GONE);
}
