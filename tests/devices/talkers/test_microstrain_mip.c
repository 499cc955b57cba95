#include "decoding.h"
#include "devices/drivers.h"
#include "emulate_microstrain_mip.h"
#include "scripted_link.h"

#include <criterion/criterion.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define G 9.80665
/* Expected numbers are float32 printed with 9 digits (protocols/README.md). */
#define RELATIVE 1e-6
#define ROWS_MAX 40

static struct decoding decoding, other;

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
    cr_assert_eq(decoding_init(&decoding, &kl_microstrain_mip_driver, &lab), 1);
    const struct kl_stream *stream = &decoding.stream[0];
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
        cr_expect_eq(decoding_init(&decoding, &kl_microstrain_mip_driver, &row[i]), KL_ERR_RANGE,
                     "row %zu", i);
        cr_expect_not_null(strstr(decoding.fault.text, word[i]), "row %zu: %s", i,
                           decoding.fault.text);
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
    cr_assert_eq(decoding_init(&decoding, &kl_microstrain_mip_driver, &lab), 1);
    decoding_feed(&decoding, v1, sizeof(v1), sizeof(v1));
    cr_assert_eq(decoding.count, 1);
    cr_expect_eq(decoding.sample[0].device_ns, INT64_C(23067000000));
    cr_expect_eq(decoding.sample[0].quality, 0);
    for (size_t c = 0; c < 6; c++) {
        expect_near(decoding.sample[0].value[c], expected[c] * (c < 3 ? G : 1), "v1");
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
        cr_assert_eq(decoding_init(&decoding, &kl_microstrain_mip_driver, &lab), 1);
        decoding_feed(&decoding, bytes, len - row[r].cut, 1);
        decoding_finish(&decoding);
        cr_expect_eq(decoding.count, row[r].samples, "%s: %zu", row[r].legend, decoding.count);
        cr_expect_eq(decoding.framing.frames, row[r].frames, "%s", row[r].legend);
    }
}

Test(microstrain_mip, makes_no_sample_of_other_packets_and_of_fields_of_odd_size)
{
    struct kl_device_config lab = config(250, full, 1);
    cr_assert_eq(decoding_init(&decoding, &kl_microstrain_mip_driver, &lab), 1);
    decoding_feed(&decoding, mag_alone, sizeof(mag_alone), 5);
    decoding_feed(&decoding, odd_sizes, sizeof(odd_sizes), 5);
    cr_expect_eq(decoding.framing.frames, 2);
    cr_expect_eq(decoding.count, 0);
}

Test(microstrain_mip, says_when_a_wanted_field_is_not_there)
{
    struct kl_device_config lab = config(250, full, 1); /* wants mag and quaternion */
    cr_assert_eq(decoding_init(&decoding, &kl_microstrain_mip_driver, &lab), 1);
    decoding_feed(&decoding, v1, sizeof(v1), sizeof(v1));
    cr_assert_eq(decoding.count, 1);
    cr_expect(decoding.sample[0].quality & KL_QUALITY_INVALID);
    cr_expect(isnan(decoding.sample[0].value[6]) && isnan(decoding.sample[0].value[12]));
    cr_expect(isfinite(decoding.sample[0].value[5]));
}

Test(microstrain_mip, decodes_every_row_of_the_vector_table)
{
    static struct imu_vector row[ROWS_MAX];
    int rows = read_imu_vectors("microstrain_mip", row, ROWS_MAX);
    if (rows < 0) {
        cr_skip_test("skipped: no vectors at %s/../protocols", KL_DATA);
    }
    cr_assert_eq(rows, 30);
    struct kl_device_config lab = config(250, full, 1);
    size_t samples = 0;
    for (int r = 0; r < rows; r++) {
        double expected[16];
        cr_assert_eq(decoding_init(&decoding, &kl_microstrain_mip_driver, &lab), 1);
        decoding_feed(&decoding, row[r].bytes, row[r].len, 3);
        cr_expect_eq(decoding.framing.frames, 1, "%s", row[r].id);
        cr_expect_eq(decoding.framing.skipped, 0, "%s", row[r].id);
        bool whole = strncmp(row[r].expected, "set=80;", 7) == 0 &&
                     imu_vector_numbers(&row[r], "04", expected, 3) == 3 &&
                     imu_vector_numbers(&row[r], "05", expected + 3, 3) == 3;
        cr_expect_eq(decoding.count, whole ? 1 : 0, "%s", row[r].id);
        if (decoding.count != 1) {
            continue;
        }
        samples++;
        const struct kl_sample *sample = &decoding.sample[0];
        for (size_t c = 0; c < 6; c++) {
            expect_near(sample->value[c], expected[c] * (c < 3 ? G : 1), row[r].id);
        }
        if (imu_vector_numbers(&row[r], "06", expected, 3) == 3) {
            for (size_t c = 0; c < 3; c++) {
                expect_near(sample->value[6 + c], expected[c] * 1e-4, row[r].id);
            }
        }
        if (imu_vector_numbers(&row[r], "0A", expected, 4) == 4) {
            for (size_t c = 0; c < 4; c++) {
                expect_near(sample->value[9 + c], expected[c], row[r].id);
            }
        }
        cr_expect_eq(imu_vector_numbers(&row[r], "D5", expected, 1), 1);
        cr_expect_eq(sample->device_ns, (int64_t)expected[0], "%s", row[r].id);
    }
    cr_expect_eq(samples, 4); /* P23, P24, P26, P30 */
}

/* ------------------------------------------------------------------ capture */

static uint8_t *capture(size_t *len)
{
    uint8_t *bytes = read_whole(KL_DATA "/captures/microstrain_mip/mip_data_part1.bin", len);
    if (bytes == NULL) {
        cr_skip_test("skipped: no recordings at %s", KL_DATA);
    }
    return bytes;
}

Test(microstrain_mip, decodes_the_capture_as_an_independent_decoder_did)
{
    size_t len = 0;
    uint8_t *bytes = capture(&len);
    struct kl_device_config lab = config(125, plain, 1);
    cr_assert_eq(decoding_init(&decoding, &kl_microstrain_mip_driver, &lab), 1);
    decoding_feed(&decoding, bytes, len, 64);
    cr_expect_eq(decoding.framing.frames, 5589); /* PROVENANCE.md */
    cr_expect_eq(decoding.framing.skipped, 0);
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
        cr_assert_lt(at, decoding.count);
        const struct kl_sample *sample = &decoding.sample[at++];
        cr_assert_eq(sample->device_ns, ref_ns);
        cr_assert_eq(sample->quality, 0, "no sample is missing in this capture");
        for (size_t c = 0; c < 6; c++) {
            expect_near(sample->value[c], expected[c] * (c < 3 ? G : 1), "capture");
        }
    }
    cr_expect_eq(at, decoding.count);
    cr_expect_eq(at, 2885); /* 23.08 s at 125 Hz */
    (void)fclose(file);
    free(bytes);
}

Test(microstrain_mip, does_not_depend_on_how_the_capture_was_cut)
{
    static const size_t chunk[] = {1, 2, 3, 7, 64, 4096};
    size_t len = 0;
    uint8_t *bytes = capture(&len);
    struct kl_device_config lab = config(125, plain, 1);
    cr_assert_eq(decoding_init(&other, &kl_microstrain_mip_driver, &lab), 1);
    decoding_feed(&other, bytes, len, len);
    for (size_t i = 0; i < 6; i++) {
        cr_assert_eq(decoding_init(&decoding, &kl_microstrain_mip_driver, &lab), 1);
        decoding_feed(&decoding, bytes, len, chunk[i]);
        cr_expect(decoding_same(&decoding, &other), "chunks of %zu", chunk[i]);
    }
    free(bytes);
}

Test(microstrain_mip, loses_at_most_one_frame_to_a_single_fault)
{
    size_t len = 0;
    uint8_t *bytes = capture(&len);
    struct kl_device_config lab = config(125, plain, 1);
    struct decoding_damage result =
        decoding_damage(&kl_microstrain_mip_driver, &lab, bytes, 20000, 1500);
    cr_expect_leq(result.worst_lost, 1, "%zu lost", result.worst_lost);
    cr_expect_eq(result.false_runs, 0); /* protocols/README.md, rule 10: none of 1500 */
    free(bytes);
}

/* ----------------------------------------------------------------- emulator */

static struct emulate_mip device;
static struct emulated_link link_;

static int begin(const struct kl_device_config *lab, size_t chunk)
{
    emulated_link_init(&link_, &device.emulator, chunk);
    cr_assert_eq(decoding_init(&decoding, &kl_microstrain_mip_driver, lab), 1, "%s",
                 decoding.fault.text);
    return kl_microstrain_mip_driver.start(decoding.state, &link_.link, &decoding.fault);
}

/* Every sample says what the emulator meant at that index. */
static void expect_truth(double rate_hz, size_t channels)
{
    for (size_t i = 0; i < decoding.count; i++) {
        const struct kl_sample *sample = &decoding.sample[i];
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
        cr_assert_eq(begin(&lab, row[r].chunk), KL_OK, "%s: %s", row[r].legend,
                     decoding.fault.text);
        cr_expect_eq(decoding_listen(&decoding, &link_, 5 * KL_NS_PER_S), KL_OK);
        cr_expect_geq(decoding.count, (size_t)(5 * row[r].rate_hz) - 2, "%s: %zu", row[r].legend,
                      decoding.count);
        cr_expect_leq(decoding.framing.bad, 1); /* the rest of a packet that start began to read */
        expect_truth(row[r].rate_hz, 13);
        for (size_t i = 1; i < decoding.count; i++) {
            uint32_t expected =
                row[r].knows_overrange &&
                        llround((double)(decoding.sample[i].device_ns - EMULATE_MIP_FIRST_NS) *
                                1e-9 * row[r].rate_hz) %
                                100 ==
                            99
                    ? KL_QUALITY_CLIPPED
                    : 0;
            cr_assert_eq(decoding.sample[i].quality, expected, "%s %zu", row[r].legend, i);
        }
        cr_expect_eq(kl_microstrain_mip_driver.stop(decoding.state, &link_.link), KL_OK);
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
        cr_assert_eq(decoding_init(&decoding, &kl_microstrain_mip_driver, &lab), 1);
        cr_expect_eq(kl_microstrain_mip_driver.start(decoding.state, &script.link, &decoding.fault),
                     KL_ERR_RANGE, "chunks of %zu", chunk);
        cr_expect_not_null(strstr(decoding.fault.text, "1000 Hz"), "%s", decoding.fault.text);
        cr_expect(scripted_link_done(&script), "chunks of %zu: row %zu", chunk, script.at);
    }
}

Test(microstrain_mip, survives_each_fault_and_counts_it)
{
    struct kl_device_config lab = config(250, plain, 1);
    emulate_mip_init(&device);
    cr_assert_eq(begin(&lab, 4096), KL_OK, "%s", decoding.fault.text);
    device.emulator.faults =
        (struct emulator_faults){.bad_every = 100,
                                 .drop_every = 70,
                                 .garbage_every = 130,
                                 .stall_from_ns = link_.t_ns + KL_NS_PER_S,
                                 .stall_until_ns = link_.t_ns + 2 * KL_NS_PER_S};
    cr_expect_eq(decoding_listen(&decoding, &link_, 5 * KL_NS_PER_S), KL_OK);
    size_t lost = device.emulator.dropped + device.emulator.damaged;
    cr_expect_gt(lost, 20);
    size_t begun = device.emulator.next;
    cr_expect_geq(decoding.count + lost, begun - 2);
    cr_expect_leq(decoding.count + lost, begun + 1); /* one may be both dropped and damaged */
    expect_truth(250, 6);
    size_t missing = 0;
    for (size_t i = 1; i < decoding.count; i++) {
        int64_t step = decoding.sample[i].device_ns - decoding.sample[i - 1].device_ns;
        bool gap = decoding.sample[i].quality & KL_QUALITY_GAP;
        cr_expect_eq(gap, step > 4000000, "sample %zu", i);
        missing += (size_t)(step / 4000000) - 1;
    }
    cr_expect_leq(missing, lost);
    cr_expect_geq(missing + 2, lost); /* at the edges nobody can tell */
}

Test(microstrain_mip, repeats_what_was_not_heard_and_finds_another_speed)
{
    struct kl_device_config lab = config(250, plain, 1);
    emulate_mip_init(&device);
    device.emulator.faults.deaf = 2;
    emulated_link_init(&link_, &device.emulator, 4096);
    link_.baud = 115200;
    link_.device_baud = 460800;
    cr_assert_eq(decoding_init(&decoding, &kl_microstrain_mip_driver, &lab), 1);
    cr_expect_eq(kl_microstrain_mip_driver.start(decoding.state, &link_.link, &decoding.fault),
                 KL_OK, "%s", decoding.fault.text);
    cr_expect_eq(link_.baud, 460800);
}

Test(microstrain_mip, names_the_step_that_failed)
{
    static const struct {
        const char *legend;
        unsigned deaf, refuse;
        double rate_hz;
        int status;
        const char *word;
    } row[] = {
        {"silent", 1000, 0, 250, KL_ERR_TIMEOUT, "ping"},
        {"refuses everything", 0, 1000, 250, KL_ERR_DATA, "idle"},
        {"rate that does not divide", 0, 0, 300, KL_ERR_RANGE, "1000 Hz"},
    };
    for (size_t r = 0; r < sizeof(row) / sizeof(row[0]); r++) {
        struct kl_device_config lab = config(row[r].rate_hz, plain, 1);
        emulate_mip_init(&device);
        device.emulator.faults.deaf = row[r].deaf;
        device.emulator.faults.refuse = row[r].refuse;
        cr_expect_eq(begin(&lab, 4096), row[r].status, "%s", row[r].legend);
        cr_expect_not_null(strstr(decoding.fault.text, row[r].word), "%s: %s", row[r].legend,
                           decoding.fault.text);
        cr_expect_eq(device.format[3], 8, "%s: left as it was", row[r].legend);
    }
}

Test(microstrain_mip, ends_at_once_when_the_cable_is_out)
{
    struct kl_device_config lab = config(250, plain, 1);
    emulate_mip_init(&device);
    cr_assert_eq(begin(&lab, 4096), KL_OK);
    link_.gone = true;
    cr_expect_eq(decoding_listen(&decoding, &link_, KL_NS_PER_S), KL_ERR_GONE);
    cr_expect_eq(kl_microstrain_mip_driver.stop(decoding.state, &link_.link), KL_ERR_GONE);
    cr_expect_eq(begin(&lab, 4096), KL_OK, "and starts again when it is back");
}

Test(microstrain_mip, says_who_it_is)
{
    char text[128] = "";
    emulate_mip_init(&device);
    emulated_link_init(&link_, &device.emulator, 16);
    cr_expect_eq(kl_microstrain_mip_driver.identify(&link_.link, text, sizeof(text)), KL_OK);
    cr_expect_str_eq(text, "3DM-CX5-AR, serial 6253.106910, firmware 1103");
    cr_expect_eq(device.idle, false, "left as it was");
    device.emulator.faults.deaf = 1000;
    cr_expect_eq(kl_microstrain_mip_driver.identify(&link_.link, text, sizeof(text)),
                 KL_ERR_TIMEOUT);
}
