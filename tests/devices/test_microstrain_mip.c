#include "devices/drivers.h"
#include "driver_run.h"
#include "emulate_microstrain_mip.h"
#include "scripted_link.h"
#include "vectors.h"

#include <criterion/criterion.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define G 9.80665
/* Expected numbers are float32 printed with 9 digits (protocols/README.md). */
#define RELATIVE 1e-6
#define ROWS_MAX 40

static struct driver_run run;

static const struct kl_device_option plain[] = {{"orientation", "no"}};
static const struct kl_device_option full[] = {{"magnetometer", "yes"}};

static struct kl_device_config config(double rate_hz, const struct kl_device_option *option,
                                      size_t count)
{
    return (struct kl_device_config){.name = "mip",
                                     .placement = "shank.right",
                                     .rate_hz = rate_hz,
                                     .option = option,
                                     .option_count = count};
}

static void expect_near(double value, double expected, const char *what)
{
    cr_expect(fabs(value - expected) <= RELATIVE * fabs(expected), "%s: %.12g, expected %.12g",
              what, value, expected);
}

/* ------------------------------------------------------------ configuration */

Test(microstrain_mip, describes_its_stream)
{
    struct kl_device_config lab = config(0, full, 1);
    cr_assert_eq(run_configure(&run, &kl_microstrain_mip_driver, &lab), 1);
    const struct kl_stream *stream = &run.stream[0];
    cr_expect_str_eq(stream->name, "imu.shank.right");
    cr_expect_eq(stream->kind, KL_KIND_IMU);
    cr_expect_eq(stream->rate_hz, 250);
    cr_assert_eq(stream->channel_count, 13);
    cr_expect_str_eq(stream->label[0], "ax");
    cr_expect_str_eq(stream->unit[0], "m/s^2");
    cr_expect_str_eq(stream->label[5], "wz");
    cr_expect_str_eq(stream->unit[6], "T");
    cr_expect_str_eq(stream->label[9], "qw");
}

Test(microstrain_mip, refuses_what_it_cannot_do_and_says_what_is_allowed)
{
    static const struct kl_device_option unknown = {"magnetometre", "yes"};
    static const struct kl_device_option wrong = {"magnetometer", "maybe"};
    struct kl_device_config row[] = {config(0, &unknown, 1), config(0, &wrong, 1),
                                     config(-1, NULL, 0),    config((double)NAN, NULL, 0),
                                     config(5000, NULL, 0),  config(100, NULL, 0)};
    const char *const word[] = {"magnetometer, orientation",
                                "yes and no",
                                "1 to 1000",
                                "1 to 1000",
                                "1 to 1000",
                                "placement"};
    row[5].placement = "";
    for (size_t i = 0; i < 6; i++) {
        cr_expect_eq(run_configure(&run, &kl_microstrain_mip_driver, &row[i]), KL_ERR_RANGE,
                     "row %zu", i);
        cr_expect_not_null(strstr(run.fault.text, word[i]), "row %zu: %s", i, run.fault.text);
    }
}

/* ------------------------------------------------------------------ vectors */

static const uint8_t v1[] = {0x75, 0x65, 0x80, 0x4C, 0x0A, 0xD5, 0x00, 0x00, 0x00, 0x05, 0x5E, 0xE6,
                             0x7C, 0xC0, 0x0A, 0xD6, 0x00, 0x00, 0x00, 0x01, 0x4E, 0x43, 0x4A, 0x00,
                             0x0E, 0x04, 0x3D, 0x9E, 0xE8, 0x8D, 0x38, 0x7F, 0xDB, 0x00, 0xBF, 0x7A,
                             0xAF, 0x03, 0x0E, 0x05, 0xBB, 0x0C, 0x1E, 0x30, 0xBB, 0x57, 0x2E, 0x68,
                             0xBB, 0xAA, 0x24, 0xAE, 0x0E, 0x07, 0xBC, 0x8A, 0xAC, 0x80, 0xBC, 0x72,
                             0xC5, 0x0E, 0xBC, 0xC4, 0xE2, 0xC1, 0x0E, 0x08, 0x3E, 0xEE, 0x3D, 0x9F,
                             0xBD, 0x66, 0xDA, 0xDD, 0xC0, 0xAF, 0xDE, 0xF5, 0x91, 0x96};
static const uint8_t mag_alone[] = {0x75, 0x65, 0x80, 0x0E, 0x0E, 0x06, 0x3D, 0x7A, 0xFF, 0xD6,
                                    0x3E, 0x91, 0x9F, 0xE8, 0x3E, 0x79, 0xFF, 0xD6, 0xEA, 0xC9};
static const uint8_t odd_sizes[] = {0x75, 0x65, 0x80, 0x14, 0x02, 0x04, 0x08, 0x05, 0x01,
                                    0x02, 0x03, 0x04, 0x05, 0x06, 0x0A, 0x06, 0xAA, 0xBA,
                                    0xAC, 0xDE, 0xFF, 0xFF, 0x99, 0x55, 0x80, 0xF0};

Test(microstrain_mip, decodes_a_real_packet_of_the_vendors_tests)
{
    struct kl_device_config lab = config(250, plain, 1);
    static const double expected[] = {0.0775919929,   6.10006973e-05, -0.979232967,
                                      -0.00213802978, -0.00328340568, -0.00519236084};
    cr_assert_eq(run_configure(&run, &kl_microstrain_mip_driver, &lab), 1);
    run_feed(&run, v1, sizeof(v1), sizeof(v1));
    cr_assert_eq(run.count, 1);
    cr_expect_eq(run.sample[0].device_ns, INT64_C(23067000000));
    cr_expect_eq(run.sample[0].quality, 0);
    for (size_t c = 0; c < 6; c++) {
        expect_near(run.sample[0].value[c], expected[c] * (c < 3 ? G : 1), "v1");
    }
}

Test(microstrain_mip, takes_frames_whatever_stands_around_them)
{
    static const struct {
        const char *legend;
        size_t garbage, cut;
        unsigned copies;
        bool damaged;
        size_t samples, frames;
    } row[] = {
        {"good", 0, 0, 1, false, 1, 1},
        {"leading garbage", 9, 0, 1, false, 1, 1},
        {"wrong checksum", 0, 0, 1, true, 0, 0},
        {"truncated", 0, 1, 1, false, 0, 0},
        {"two back to back", 0, 0, 2, false, 2, 2},
        {"wrong, then good", 0, 0, 2, true, 1, 1},
    };
    static const uint8_t garbage[9] = {0x75, 0x65, 0x80, 0xff, 0x75, 0x75, 0x65, 0x00, 0x75};
    struct kl_device_config lab = config(250, plain, 1);
    for (size_t r = 0; r < sizeof(row) / sizeof(row[0]); r++) {
        uint8_t bytes[300];
        size_t len = row[r].garbage;
        memcpy(bytes, garbage, len);
        for (unsigned i = 0; i < row[r].copies; i++) {
            memcpy(bytes + len, v1, sizeof(v1));
            bytes[len + sizeof(v1) - 1] ^= row[r].damaged && i == 0 ? 1 : 0;
            len += sizeof(v1);
        }
        cr_assert_eq(run_configure(&run, &kl_microstrain_mip_driver, &lab), 1);
        run_feed(&run, bytes, len - row[r].cut, 1);
        run_finish(&run);
        cr_expect_eq(run.count, row[r].samples, "%s: %zu", row[r].legend, run.count);
        cr_expect_eq(run.framing.frames, row[r].frames, "%s", row[r].legend);
    }
}

Test(microstrain_mip, makes_no_sample_of_other_packets_and_of_fields_of_odd_size)
{
    struct kl_device_config lab = config(250, full, 1);
    cr_assert_eq(run_configure(&run, &kl_microstrain_mip_driver, &lab), 1);
    run_feed(&run, mag_alone, sizeof(mag_alone), 5);
    run_feed(&run, odd_sizes, sizeof(odd_sizes), 5);
    cr_expect_eq(run.framing.frames, 2);
    cr_expect_eq(run.count, 0);
}

Test(microstrain_mip, says_when_a_wanted_field_is_not_there)
{
    struct kl_device_config lab = config(250, full, 1); /* wants mag and quaternion */
    cr_assert_eq(run_configure(&run, &kl_microstrain_mip_driver, &lab), 1);
    run_feed(&run, v1, sizeof(v1), sizeof(v1));
    cr_assert_eq(run.count, 1);
    cr_expect(isnan(run.sample[0].value[6]) && isnan(run.sample[0].value[12]));
    cr_expect(isfinite(run.sample[0].value[5]));
}

Test(microstrain_mip, decodes_every_row_of_the_vector_table)
{
    static struct vector row[ROWS_MAX];
    int rows = (int)vectors_read("microstrain_mip", row, ROWS_MAX);
    if (rows == 0) {
        cr_skip_test("skipped: no vectors at %s/../protocols", KL_DATA);
    }
    cr_assert_eq(rows, 30);
    struct kl_device_config lab = config(250, full, 1);
    size_t samples = 0;
    for (int r = 0; r < rows; r++) {
        double expected[16];
        cr_assert_eq(run_configure(&run, &kl_microstrain_mip_driver, &lab), 1);
        run_feed(&run, row[r].bytes, row[r].len, 3);
        cr_expect_eq(run.framing.frames, 1, "%s", row[r].id);
        cr_expect_eq(run.framing.skipped, 0, "%s", row[r].id);
        bool whole = strncmp(row[r].expected, "set=80;", 7) == 0 &&
                     vectors_numbers(row[r].expected, "04", expected, 3) == 3 &&
                     vectors_numbers(row[r].expected, "05", expected + 3, 3) == 3;
        cr_expect_eq(run.count, whole ? 1 : 0, "%s", row[r].id);
        if (run.count != 1) {
            continue;
        }
        samples++;
        const struct kl_sample *sample = &run.sample[0];
        for (size_t c = 0; c < 6; c++) {
            expect_near(sample->value[c], expected[c] * (c < 3 ? G : 1), row[r].id);
        }
        if (vectors_numbers(row[r].expected, "06", expected, 3) == 3) {
            for (size_t c = 0; c < 3; c++) {
                expect_near(sample->value[6 + c], expected[c] * 1e-4, row[r].id);
            }
        }
        if (vectors_numbers(row[r].expected, "0A", expected, 4) == 4) {
            for (size_t c = 0; c < 4; c++) {
                expect_near(sample->value[9 + c], expected[c], row[r].id);
            }
        }
        cr_expect_eq(vectors_numbers(row[r].expected, "D5", expected, 1), 1);
        cr_expect_eq(sample->device_ns, (int64_t)expected[0], "%s", row[r].id);
    }
    cr_expect_eq(samples, 4); /* P23, P24, P26, P30 */
}

/* ------------------------------------------------------------------ capture */

static uint8_t *capture(size_t *len)
{
    static uint8_t bytes[1 << 20];
    *len = read_whole(KL_DATA "/captures/microstrain_mip/mip_data_part1.bin", bytes, sizeof(bytes));
    if (*len == 0) {
        cr_skip_test("skipped: no recordings at %s", KL_DATA);
    }
    return bytes;
}

Test(microstrain_mip, decodes_the_capture_as_an_independent_decoder_did)
{
    size_t len = 0;
    uint8_t *bytes = capture(&len);
    struct kl_device_config lab = config(125, plain, 1);
    cr_assert_eq(run_configure(&run, &kl_microstrain_mip_driver, &lab), 1);
    run_feed(&run, bytes, len, 64);
    cr_expect_eq(run.framing.frames, 5589); /* PROVENANCE.md */
    cr_expect_eq(run.framing.skipped, 0);
    FILE *file = fopen(KL_DATA "/captures/microstrain_mip/mip_data_part1.expected.csv", "r");
    cr_assert_not_null(file);
    char line[512];
    size_t at = 0;
    cr_assert_not_null(fgets(line, sizeof(line), file));
    while (fgets(line, sizeof(line), file) != NULL) {
        double expected[6];
        long long ref_ns = 0;
        int found = sscanf(line, "%*d,%*d,80,%*[^,],%lld,%*d,%lf,%lf,%lf,%lf,%lf,%lf", &ref_ns,
                           &expected[0], &expected[1], &expected[2], &expected[3], &expected[4],
                           &expected[5]);
        if (found != 7) {
            continue;
        }
        cr_assert_lt(at, run.count);
        const struct kl_sample *sample = &run.sample[at++];
        cr_assert_eq(sample->device_ns, ref_ns);
        cr_assert_eq(sample->quality, 0, "no sample is missing in this capture");
        for (size_t c = 0; c < 6; c++) {
            expect_near(sample->value[c], expected[c] * (c < 3 ? G : 1), "capture");
        }
    }
    cr_expect_eq(at, run.count);
    cr_expect_eq(at, 2885); /* 23.08 s at 125 Hz */
    (void)fclose(file);
}

Test(microstrain_mip, does_not_depend_on_how_the_capture_was_cut)
{
    size_t len = 0;
    uint8_t *bytes = capture(&len);
    struct kl_device_config lab = config(125, plain, 1);
    run_expect_same_in_chunks(&kl_microstrain_mip_driver, &lab, bytes, len);
}

Test(microstrain_mip, loses_at_most_one_frame_to_a_single_fault)
{
    size_t len = 0;
    uint8_t *bytes = capture(&len);
    struct kl_device_config lab = config(125, plain, 1);
    struct fault_cost result = run_single_faults(&kl_microstrain_mip_driver, &lab, bytes, 20000,
                                                 20000 / 10, 20000 - 20000 / 10, FAULT_ANY, 1500);
    cr_expect_leq(result.worst, 1, "%zu lost", result.worst);
    cr_expect_eq(result.wrong, 0); /* protocols/README.md, rule 10: none of 1500 */
}

/* ----------------------------------------------------------------- emulator */

static struct emulate_mip device;
static struct emulator_link link_;

static int begin(const struct kl_device_config *lab, size_t chunk)
{
    emulator_link_init(&link_, &emulator_ops, &device, kl_microstrain_mip_driver.need);
    link_.chunk = chunk;
    cr_assert_eq(run_configure(&run, &kl_microstrain_mip_driver, lab), 1, "%s", run.fault.text);
    return kl_microstrain_mip_driver.start(run.state, &link_.link, &run.fault);
}

/* Every sample says what the emulator meant at that index. */
static void expect_truth(double rate_hz, size_t channels)
{
    for (size_t i = 0; i < run.count; i++) {
        const struct kl_sample *sample = &run.sample[i];
        double at = (double)(sample->device_ns - EMULATE_MIP_FIRST_NS) * 1e-9 * rate_hz;
        uint64_t index = (uint64_t)llround(at);
        cr_assert_float_eq(at, (double)index, 1e-3);
        for (size_t c = 0; c < channels; c++) {
            double scale = c < 3 ? G : c >= 6 && c < 9 && channels == 13 ? 1e-4 : 1;
            double expected = scale * (double)emulate_mip_value(index, c);
            cr_assert_float_eq(sample->value[c], expected, 1e-12, "sample %zu channel %zu", i, c);
        }
    }
}

Test(microstrain_mip, streams_what_the_device_means)
{
    static const struct {
        const char *legend;
        bool legacy, knows_overrange, foreign;
        unsigned base_hz;
        double rate_hz;
        size_t chunk;
    } row[] = {
        {"current model", false, true, false, 1000, 500, 4096},
        {"answers split over reads", false, true, false, 1000, 250, 1},
        {"no overrange field", false, false, false, 500, 250, 64},
        {"older model", true, false, false, 100, 100, 4096},
        {"filter data between", false, true, true, 1000, 250, 7},
    };
    for (size_t r = 0; r < sizeof(row) / sizeof(row[0]); r++) {
        struct kl_device_config lab = config(row[r].rate_hz, full, 1);
        emulate_mip_init(&device);
        device.legacy = row[r].legacy;
        device.knows_overrange = row[r].knows_overrange;
        device.foreign_data = row[r].foreign;
        device.base_hz = row[r].base_hz;
        cr_assert_eq(begin(&lab, row[r].chunk), KL_OK, "%s: %s", row[r].legend, run.fault.text);
        cr_expect_eq(run_link(&run, &link_.link, &link_.now_ns, 5), KL_OK);
        cr_expect_geq(run.count, (size_t)(5 * row[r].rate_hz) - 2, "%s: %zu", row[r].legend,
                      run.count);
        cr_expect_leq(run.framing.bad, 1); /* the rest of a packet that start began to read */
        expect_truth(row[r].rate_hz, 13);
        for (size_t i = 1; i < run.count; i++) {
            uint32_t expected =
                row[r].knows_overrange &&
                        llround((double)(run.sample[i].device_ns - EMULATE_MIP_FIRST_NS) * 1e-9 *
                                row[r].rate_hz) %
                                100 ==
                            99
                    ? KL_QUALITY_CLIPPED
                    : 0;
            cr_assert_eq(run.sample[i].quality, expected, "%s %zu", row[r].legend, i);
        }
        cr_expect_eq(kl_microstrain_mip_driver.stop(run.state, &link_.link), KL_OK);
        cr_expect(device.idle, "%s", row[r].legend);
        cr_expect_eq(device.format[3], 8, "%s: the format it had is back", row[r].legend);
    }
}

Test(microstrain_mip, says_and_understands_the_bytes_of_the_makers_documents)
{
    static const uint8_t ping[] = {0x75, 0x65, 0x01, 0x02, 0x02, 0x01, 0xE0, 0xC6};
    static const uint8_t ping_yes[] = {0x75, 0x65, 0x01, 0x04, 0x04, 0xF1, 0x01, 0x00, 0xD5, 0x6A};
    static const uint8_t idle[] = {0x75, 0x65, 0x01, 0x02, 0x02, 0x02, 0xE1, 0xC7};
    /* a stale acknowledgement and data stand before the one that counts */
    static const uint8_t idle_yes[] = {0x75, 0x65, 0x01, 0x04, 0x04, 0xF1, 0x01, 0x00, 0xD5, 0x6A,
                                       0x75, 0x65, 0x80, 0x0E, 0x0E, 0x06, 0x3D, 0x7A, 0xFF, 0xD6,
                                       0x3E, 0x91, 0x9F, 0xE8, 0x3E, 0x79, 0xFF, 0xD6, 0xEA, 0xC9,
                                       0x75, 0x65, 0x01, 0x04, 0x04, 0xF1, 0x02, 0x00, 0xD6, 0x6C};
    static const uint8_t base[] = {0x75, 0x65, 0x0C, 0x03, 0x03, 0x0E, 0x80, 0x7A, 0x7E};
    static const uint8_t base_yes[] = {0x75, 0x65, 0x0C, 0x09, 0x04, 0xF1, 0x0E, 0x00,
                                       0x05, 0x8E, 0x80, 0x03, 0xE8, 0xF0, 0x58};
    const struct scripted_row row[] = {
        {ping, sizeof(ping), ping_yes, sizeof(ping_yes)},
        {idle, sizeof(idle), idle_yes, sizeof(idle_yes)},
        {base, sizeof(base), base_yes, sizeof(base_yes)},
    };
    struct scripted_link script;
    struct kl_device_config lab = config(300, plain, 1); /* refused once the base rate is known */
    for (size_t chunk = 1; chunk <= 64; chunk *= 4) {
        scripted_link_init(&script, row, 3);
        script.chunk = chunk;
        script.fails = KL_ERR_GONE;
        cr_assert_eq(run_configure(&run, &kl_microstrain_mip_driver, &lab), 1);
        cr_expect_eq(kl_microstrain_mip_driver.start(run.state, &script.link, &run.fault),
                     KL_ERR_RANGE, "chunks of %zu", chunk);
        cr_expect_not_null(strstr(run.fault.text, "1000 Hz"), "%s", run.fault.text);
        cr_expect(scripted_link_done(&script), "chunks of %zu: row %zu", chunk, script.at);
    }
}

Test(microstrain_mip, repeats_what_was_not_heard_and_finds_another_speed)
{
    struct kl_device_config lab = config(250, plain, 1);
    emulate_mip_init(&device);
    emulator_break(&device.emulator, EMULATOR_NO_ANSWER, 0, 2);
    device.emulator.baud = 460800;
    emulator_link_init(&link_, &emulator_ops, &device, kl_microstrain_mip_driver.need);
    link_.chunk = 4096;
    cr_assert_eq(run_configure(&run, &kl_microstrain_mip_driver, &lab), 1);
    cr_expect_eq(kl_microstrain_mip_driver.start(run.state, &link_.link, &run.fault), KL_OK, "%s",
                 run.fault.text);
    cr_expect_eq(link_.baud, 460800);
}

Test(microstrain_mip, names_the_step_that_failed)
{
    static const struct {
        const char *legend;
        enum emulator_fault fault;
        double rate_hz;
        int status;
        const char *word;
    } row[] = {
        {"silent", EMULATOR_NO_ANSWER, 250, KL_ERR_TIMEOUT, "ping"},
        {"refuses everything", EMULATOR_WRONG_ANSWER, 250, KL_ERR_DATA, "idle"},
        {"rate that does not divide", EMULATOR_SOUND, 300, KL_ERR_RANGE, "1000 Hz"},
    };
    for (size_t r = 0; r < sizeof(row) / sizeof(row[0]); r++) {
        struct kl_device_config lab = config(row[r].rate_hz, plain, 1);
        emulate_mip_init(&device);
        emulator_break(&device.emulator, row[r].fault, 0, 1000);
        cr_expect_eq(begin(&lab, 4096), row[r].status, "%s", row[r].legend);
        cr_expect_not_null(strstr(run.fault.text, row[r].word), "%s: %s", row[r].legend,
                           run.fault.text);
        cr_expect_eq(device.format[3], 8, "%s: left as it was", row[r].legend);
    }
}

Test(microstrain_mip, says_who_it_is)
{
    char text[128] = "";
    emulate_mip_init(&device);
    emulator_link_init(&link_, &emulator_ops, &device, kl_microstrain_mip_driver.need);
    link_.chunk = 16;
    cr_expect_eq(kl_microstrain_mip_driver.identify(&link_.link, text, sizeof(text)), KL_OK);
    cr_expect_str_eq(text, "3DM-CX5-AR, serial 6253.106910, firmware 1103");
    cr_expect_eq(device.idle, false, "left as it was");
    emulator_break(&device.emulator, EMULATOR_NO_ANSWER, 0, 1000);
    cr_expect_eq(kl_microstrain_mip_driver.identify(&link_.link, text, sizeof(text)),
                 KL_ERR_TIMEOUT);
}
