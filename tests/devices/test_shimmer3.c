#include "devices/drivers.h"
#include "devices/shimmer3_packet.h"
#include "driver_run.h"
#include "emulate_shimmer3.h"
#include "scripted_link.h"
#include "vectors.h"

#include <criterion/criterion.h>

#include <limits.h>
#include <math.h>
#include <string.h>

#define DEG 0.017453292519943295

static struct driver_run run;

static const uint8_t imu1[] = {0x00, 0xE0, 0xFF, 0xFF, 0xFF, 0x07, 0xFF, 0x07, 0xC1,
                               0x04, 0x00, 0x83, 0xFF, 0xBF, 0x05, 0x1E, 0x4C, 0x2F};
static const uint8_t imu2[] = {0x00, 0x20, 0x00, 0x00, 0xFF, 0x07, 0x52, 0x08, 0xC1,
                               0x04, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x0E, 0x6C};
static const uint8_t inquiry_adc[] = {0x02, 0x40, 0, 0x01, 0xFF, 0x01, 0x09, 0x01, 0x01, 0x12};
static const uint8_t inquiry_emg[] = {0x02, 0x20, 0, 0x08, 0, 0, 0, 3, 1, 0x1D, 0x1E, 0x1F};

static const struct kl_device_option low_noise[] = {
    {"accel", "low_noise"},
    {"gyro_deg_s", "250"},
    {"inquiry", "02 40 00 00 00 00 00 06 01 00 01 02 0A 0B 0C"}};
static const struct kl_device_option emg_only[] = {
    {"imu", "no"}, {"emg1", "vmo.left"}, {"emg2", "vl.left"}};
static const struct kl_device_option all[] = {
    {"magnetometer", "yes"}, {"emg1", "vmo.left"}, {"emg2", "vl.left"}};

static struct kl_device_config config(double rate_hz, const struct kl_device_option *option,
                                      size_t count)
{
    return (struct kl_device_config){.name = "shimmer",
                                     .placement = "shank.right",
                                     .rate_hz = rate_hz,
                                     .option = option,
                                     .option_count = count};
}

static void begin(const struct kl_device_config *lab, int streams)
{
    cr_assert_eq(run_configure(&run, &kl_shimmer3_driver, lab), streams, "%s", run.fault.text);
}

static void expect_values(const double *value, const double *expected, size_t count,
                          const char *what)
{
    for (size_t i = 0; i < count; i++) {
        cr_expect_float_eq(value[i], expected[i], 1e-6 * fabs(expected[i]) + 1e-12,
                           "%s %zu: %.9g, expected %.9g", what, i, value[i], expected[i]);
    }
}

/* -------------------------------------------------- packets, as the page has them */

Test(shimmer3, reads_the_inquiries_of_public_tests)
{
    static const uint8_t gyro[] = {0x02, 0x80, 2, 0, 0, 0, 5, 3, 1, 0x0A, 0x0B, 0x0C};
    struct kl_shimmer3_layout layout = {.crc_bytes = 0};
    cr_expect_eq(kl_shimmer3_layout_read(&layout, inquiry_adc, sizeof(inquiry_adc)), 0);
    cr_expect_eq(layout.divisor, 64);
    cr_expect_eq(layout.len, 6);
    cr_expect_eq(kl_shimmer3_find(&layout, 0x12), 0);
    cr_expect_eq(kl_shimmer3_layout_read(&layout, gyro, sizeof(gyro)), 0);
    cr_expect_eq(layout.divisor, 640);
    cr_expect_eq(layout.config[3], 5);
    cr_expect_eq(layout.len, 10);
    for (size_t cut = 1; cut < sizeof(gyro); cut++) {
        cr_expect_eq(kl_shimmer3_inquiry_length(false, gyro, cut), 0, "cut at %zu", cut);
    }
}

Test(shimmer3, refuses_inquiries_that_cannot_be)
{
    uint8_t bytes[sizeof(inquiry_adc)];
    struct kl_shimmer3_layout layout = {.divisor = 7};
    memcpy(bytes, inquiry_adc, sizeof(bytes));
    bytes[9] = 0x29; /* nobody knows this channel */
    cr_expect_eq(kl_shimmer3_layout_read(&layout, bytes, sizeof(bytes)), -0x29);
    bytes[7] = 0;
    cr_expect_eq(kl_shimmer3_layout_read(&layout, bytes, sizeof(bytes)), INT_MIN);
    bytes[7] = 33;
    cr_expect_eq(kl_shimmer3_inquiry_length(false, bytes, sizeof(bytes)), -1);
    cr_expect_eq(layout.divisor, 7, "untouched");
}

Test(shimmer3, reads_values_and_time_of_public_packets)
{
    static const uint8_t first[] = {0x00, 0xDE, 0xD0, 0xB2, 0x26, 0x07, 0xCB, 0x92};
    static const uint8_t next[] = {0x00, 0x1E, 0xD1, 0xB2, 0xFC, 0x06};
    struct kl_shimmer3_layout layout = {.crc_bytes = 0};
    cr_assert_eq(kl_shimmer3_layout_read(&layout, inquiry_adc, sizeof(inquiry_adc)), 0);
    cr_expect_eq(kl_shimmer3_ticks(&layout, first), 0xB2D0DE);
    cr_expect_eq(kl_shimmer3_raw(&layout, first, 0), 1830);
    cr_expect_eq(kl_shimmer3_raw(&layout, next, 0), 1788);
    cr_expect_eq(kl_shimmer3_tick_step(&layout, 0xB2D0DE, kl_shimmer3_ticks(&layout, next)), 64);
    cr_expect_eq(kl_shimmer3_tick_step(&layout, 0xFFFFE0, 0x20), 64, "across the wrap");
    cr_expect_eq(kl_shimmer3_crc(first, 6), 0x92CB);
}

Test(shimmer3, computes_the_crc_of_the_public_tests)
{
    static const uint8_t bytes[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11};
    static const uint16_t expected[] = {0x48AA, 0x2A5D, 0x8B17, 0x794E};
    static const uint8_t one = 0xff;
    for (size_t i = 0; i < 4; i++) {
        cr_expect_eq(kl_shimmer3_crc(bytes, 8 + i), expected[i], "%zu bytes", 8 + i);
    }
    cr_expect_eq(kl_shimmer3_crc(&one, 1), 0x65F4);
}

Test(shimmer3, reads_the_magnetometer_in_the_order_of_its_chip)
{
    static const uint8_t dlhc[] = {0x02, 0x40, 0, 0, 0, 0, 0, 3, 1, 7, 9, 8};
    static const uint8_t newer[] = {0x02, 0x40, 0, 0, 0, 0, 0, 3, 1, 7, 8, 9};
    static const uint8_t packet[] = {0, 0, 0, 0, 0x01, 0x02, 0x03, 0x04, 0xff, 0xfe};
    struct kl_shimmer3_layout layout = {.crc_bytes = 0};
    cr_assert_eq(kl_shimmer3_layout_read(&layout, dlhc, sizeof(dlhc)), 0);
    cr_expect_eq(kl_shimmer3_raw(&layout, packet, 1), 0x0304);
    cr_expect_eq(kl_shimmer3_raw(&layout, packet, 2), -2);
    cr_assert_eq(kl_shimmer3_layout_read(&layout, newer, sizeof(newer)), 0);
    cr_expect_eq(kl_shimmer3_raw(&layout, packet, 1), 0x0403);
    cr_expect_eq(kl_shimmer3_raw(&layout, packet, 2), (int16_t)0xfeff);
}

Test(shimmer3, reads_the_calibration_of_a_public_test)
{
    static const uint8_t gyro[] = {0,    0, 0,    0, 0,    0, 0x19, 0x96, 0x19, 0x96, 0x19,
                                   0x96, 0, 0x9C, 0, 0x9C, 0, 0,    0,    0,    0x9C};
    static const uint8_t wide[] = {0,    0, 0,    0, 0,    0, 0x06, 0x87, 0x06, 0x87, 0x06,
                                   0x87, 0, 0x9C, 0, 0x64, 0, 0,    0,    0,    0x9C};
    uint8_t erased[21];
    struct kl_shimmer3_calibration result =
        kl_shimmer3_calibration_read(KL_SHIMMER3_CALIBRATES_GYRO, gyro);
    cr_assert(result.valid);
    cr_expect_float_eq(result.matrix[0][1], -DEG / 65.5, 1e-12);
    cr_expect_float_eq(result.matrix[2][2], -DEG / 65.5, 1e-12);
    cr_expect_float_eq(result.matrix[0][0], 0, 1e-15);
    /* R = [0 -1 0; 1 0 0; 0 0 -1]: its inverse is its transpose */
    result = kl_shimmer3_calibration_read(KL_SHIMMER3_CALIBRATES_WIDE, wide);
    cr_expect_float_eq(result.matrix[0][1], 1 / 1671.0, 1e-12);
    cr_expect_float_eq(result.matrix[1][0], -1 / 1671.0, 1e-12);
    memset(erased, 0xff, sizeof(erased));
    cr_expect_not(kl_shimmer3_calibration_read(KL_SHIMMER3_CALIBRATES_WIDE, erased).valid);
    memset(erased, 0, sizeof(erased));
    cr_expect_not(kl_shimmer3_calibration_read(KL_SHIMMER3_CALIBRATES_WIDE, erased).valid);
}

/* --------------------------------------------------------------- the driver */

Test(shimmer3, decodes_the_vectors_across_the_time_wrap)
{
    struct kl_device_config lab = config(512, low_noise, 3);
    static const double first[] = {0, 0, 10, 65.0 / 131 * DEG, -1 * DEG, -10 * DEG};
    begin(&lab, 1);
    cr_expect_eq(run.stream[0].rate_hz, 512);
    run_feed(&run, imu1, sizeof(imu1), 1);
    run_feed(&run, imu2, sizeof(imu2), 5);
    cr_assert_eq(run.count, 2);
    expect_values(run.sample[0].value, first, 6, "imu1");
    cr_expect_float_eq(run.sample[1].value[0], -1, 1e-9, "raw 2130 of y, turned to -x");
    cr_expect_eq(run.sample[1].device_ns - run.sample[0].device_ns, 1953125);
    cr_expect_eq(run.sample[0].quality | run.sample[1].quality, 0);
}

Test(shimmer3, decodes_the_emg_vectors)
{
    static const uint8_t packet[] = {0, 0xE8, 0x03, 0, 0x80, 0x01, 0x47, 0xAE, 0xFE, 0xB8, 0x52,
                                     0, 0x08, 0x04, 0, 0x80, 0xFF, 0xFF, 0xFF, 0x7F, 0xFF, 0xFF};
    uint8_t bytes[26];
    struct kl_device_config lab = config(1024, emg_only, 3);
    begin(&lab, 2);
    cr_expect_str_eq(run.stream[0].name, "emg.vmo.left");
    cr_expect_str_eq(run.stream[1].name, "emg.vl.left");
    cr_expect_eq(run.stream[0].kind, KL_KIND_EMG);
    cr_expect_str_eq(run.stream[0].unit[0], "V");
    cr_expect_eq(run.stream[0].rate_hz, 1024);
    for (size_t i = 0; i < 2; i++) {
        memcpy(bytes + 13 * i, packet + 11 * i, 11);
        uint16_t crc = kl_shimmer3_crc(bytes + 13 * i, 11);
        bytes[13 * i + 11] = (uint8_t)crc;
        bytes[13 * i + 12] = (uint8_t)(crc >> 8);
    }
    run_feed(&run, bytes, sizeof(bytes), 4);
    cr_assert_eq(run.count, 4);
    static const double expected[] = {2.016665e-3, -2.016665e-3, -0.02404e-6, 201.6667e-3};
    for (size_t i = 0; i < 4; i++) {
        cr_expect_eq(run.sample[i].stream, i % 2);
        cr_expect_float_eq(run.sample[i].value[0], expected[i], 1e-4 * fabs(expected[i]));
    }
    cr_expect_eq(run.sample[3].quality, KL_QUALITY_CLIPPED);
    cr_expect_eq(run.sample[2].quality, 0);
    cr_expect_eq(run.sample[2].device_ns - run.sample[0].device_ns, 976562);
}

Test(shimmer3, decodes_every_row_of_the_vector_table)
{
    static struct vector row[20];
    int rows = (int)vectors_read("shimmer3", row, 20);
    if (rows == 0) {
        cr_skip_test("skipped: no vectors at %s/../protocols", KL_DATA);
    }
    cr_assert_eq(rows, 14);
    size_t checked = 0;
    for (int r = 0; r < rows; r++) {
        struct kl_shimmer3_layout layout = {.crc_bytes = 0};
        double number[4];
        const uint8_t *bytes = row[r].bytes;
        if (strncmp(row[r].id, "inquiry", 7) == 0) {
            cr_assert_eq(kl_shimmer3_layout_read(&layout, bytes, row[r].len), 0, "%s", row[r].id);
            cr_assert_eq(vectors_numbers(row[r].expected, "divisor", number, 1), 1);
            cr_expect_eq(layout.divisor, (uint16_t)number[0]);
            checked++;
        } else if (strncmp(row[r].id, "data", 4) == 0) {
            cr_assert_eq(kl_shimmer3_layout_read(&layout, inquiry_adc, sizeof(inquiry_adc)), 0);
            cr_assert_eq(vectors_numbers(row[r].expected, "ts", number, 1), 1);
            cr_expect_eq(kl_shimmer3_ticks(&layout, bytes), (uint32_t)number[0]);
            cr_assert_eq(vectors_numbers(row[r].expected, "ch12", number, 1), 1);
            cr_expect_eq(kl_shimmer3_raw(&layout, bytes, 0), (int32_t)number[0]);
            checked++;
        } else if (strncmp(row[r].id, "imu", 3) == 0) {
            static const uint8_t inquiry[] = {2, 64, 0, 0, 0, 0, 0, 6, 1, 0, 1, 2, 10, 11, 12};
            cr_assert_eq(kl_shimmer3_layout_read(&layout, inquiry, sizeof(inquiry)), 0);
            for (size_t g = 0; g < 2; g++) {
                cr_assert_eq(
                    vectors_numbers(row[r].expected, g == 0 ? "acc_raw" : "gyr_raw", number, 3), 3);
                for (size_t i = 0; i < 3; i++) {
                    cr_expect_eq(kl_shimmer3_raw(&layout, bytes, 3 * g + i), (int32_t)number[i]);
                }
            }
            uint16_t crc = kl_shimmer3_crc(bytes, 16);
            cr_expect(bytes[16] == (crc & 0xff) && bytes[17] == crc >> 8, "%s", row[r].id);
            checked++;
        } else if (strncmp(row[r].id, "emg", 3) == 0) {
            cr_assert_eq(kl_shimmer3_layout_read(&layout, inquiry_emg, sizeof(inquiry_emg)), 0);
            cr_assert_eq(vectors_numbers(row[r].expected, "exg", number, 2), 2);
            cr_expect_eq(kl_shimmer3_raw(&layout, bytes, 1), (int32_t)number[0]);
            cr_expect_eq(kl_shimmer3_raw(&layout, bytes, 2), (int32_t)number[1]);
            checked++;
        }
    }
    cr_expect_eq(checked, 9); /* the others are answers to commands this driver does not send */
}

Test(shimmer3, takes_packets_whatever_stands_around_them)
{
    static const uint8_t status[] = {0x8a, 0x71, 0x25};
    static const uint8_t ack[] = {0xff};
    static const uint8_t garbage[] = {0, 0, 0xff, 0x8a, 0x8a, 0};
    static const struct {
        const char *legend;
        const uint8_t *before;
        size_t before_len, cut;
        bool damaged; /* the first packet */
        size_t samples;
        uint64_t bad;
    } row[] = {
        {"good", NULL, 0, 0, false, 2, 0},
        {"leading garbage", garbage, sizeof(garbage), 0, false, 2, 1},
        {"a status nobody asked for", status, sizeof(status), 0, false, 2, 0},
        {"a late acknowledgement", ack, sizeof(ack), 0, false, 2, 0},
        {"wrong checksum", NULL, 0, 0, true, 1, 1},
        {"truncated", NULL, 0, 1, false, 1, 1},
    };
    struct kl_device_config lab = config(512, low_noise, 3);
    for (size_t r = 0; r < sizeof(row) / sizeof(row[0]); r++) {
        uint8_t bytes[64];
        size_t len = row[r].before_len;
        if (len > 0) {
            memcpy(bytes, row[r].before, len);
        }
        memcpy(bytes + len, imu1, sizeof(imu1));
        bytes[len + 6] ^= row[r].damaged ? 1 : 0;
        memcpy(bytes + len + sizeof(imu1), imu2, sizeof(imu2));
        len += sizeof(imu1) + sizeof(imu2) - row[r].cut;
        begin(&lab, 1);
        run_feed(&run, bytes, len, 1);
        run_finish(&run);
        cr_expect_eq(run.count, row[r].samples, "%s: %zu", row[r].legend, run.count);
        cr_expect_eq(run.framing.bad, row[r].bad, "%s", row[r].legend);
    }
}

Test(shimmer3, refuses_what_it_cannot_do_and_says_what_is_allowed)
{
    static const struct kl_device_option none[] = {{"imu", "no"}};
    static const struct kl_device_option accel[] = {{"accel", "narrow"}};
    static const struct kl_device_option unknown[] = {{"emg3", "vmo.left"}};
    static const struct kl_device_option empty[] = {{"emg1", ""}};
    static const struct kl_device_option inquiry[] = {{"inquiry", "02 zz"}};
    struct kl_device_config row[] = {
        config(0, none, 1),           config(0, accel, 1),   config(0, unknown, 1),
        config(0, empty, 1),          config(0, inquiry, 1), config(4000, NULL, 0),
        config((double)NAN, NULL, 0), config(1024, all, 3),  config(0, NULL, 0)};
    const char *const word[] = {"emg1: vmo.left", "low_noise", "emg2",   "vmo.left", "02 40 00",
                                "204.8",          "204.8",     "512 Hz", "placement"};
    row[8].placement = "";
    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        cr_expect_eq(run_configure(&run, &kl_shimmer3_driver, &row[i]), KL_ERR_RANGE, "row %zu", i);
        cr_expect_not_null(strstr(run.fault.text, word[i]), "row %zu: %s", i, run.fault.text);
    }
}

/* ----------------------------------------------------------------- emulator */

static struct emulate_shimmer3 device;
static struct emulator_link link_;

static int start(const struct kl_device_config *lab, int streams, size_t chunk)
{
    emulator_link_init(&link_, &emulator_ops, &device, kl_shimmer3_driver.need);
    link_.chunk = chunk;
    begin(lab, streams);
    return kl_shimmer3_driver.start(run.state, &link_.link, &run.fault);
}

/* value = R^-1 raw / K with the calibration that the emulator tells: wide accel and mag
 * R = [0 -1 0; 1 0 0; 0 0 -1], gyro R = [0 -1 0; -1 0 0; 0 0 -1]. */
static void truth(uint64_t index, double out[9])
{
    double raw[13];
    for (uint8_t id = 4; id < 13; id++) {
        raw[id] = emulate_shimmer3_value(index, id);
    }
    const double expected[9] = {raw[5] / 1671,         -raw[4] / 1671,        -raw[6] / 1671,
                                -raw[11] / 65.5 * DEG, -raw[10] / 65.5 * DEG, -raw[12] / 65.5 * DEG,
                                raw[8] / 667 * 1e-4,   -raw[7] / 667 * 1e-4,  -raw[9] / 667 * 1e-4};
    memcpy(out, expected, sizeof(expected));
}

/* Every sample is one the emulator made; gaps are marked.
 * @return IMU samples missing between the first and the last */
static size_t expect_truth(size_t channels, double period_ns)
{
    size_t missing = 0;
    int64_t first_ns = run.count > 0 ? run.sample[0].device_ns : 0, last_ns = first_ns;
    double start_value[9];
    uint64_t first = 0;
    for (truth(first, start_value);
         fabs(start_value[0] - run.sample[0].value[0]) > 1e-9 && first < 2000; first++) {
        truth(first + 1, start_value);
    }
    for (size_t i = 0; i < run.count; i++) {
        const struct kl_sample *sample = &run.sample[i];
        double at = (double)(sample->device_ns - first_ns) / period_ns;
        uint64_t index = first + (uint64_t)llround(at);
        cr_assert_float_eq(at, round(at), 1e-4);
        if (sample->stream == 0) {
            double expected[9];
            truth(index, expected);
            for (size_t c = 0; c < channels; c++) {
                cr_assert_float_eq(sample->value[c], expected[c], 1e-9, "sample %zu channel %zu", i,
                                   c);
            }
            size_t step = (size_t)llround((double)(sample->device_ns - last_ns) / period_ns);
            cr_expect_eq((sample->quality & KL_QUALITY_GAP) != 0, step > 1, "sample %zu", i);
            missing += step > 1 ? step - 1 : 0;
            last_ns = sample->device_ns;
        } else {
            double expected = emulate_shimmer3_value(index, (uint8_t)(0x1d + sample->stream)) *
                              2.42 / 8388607 / 12;
            cr_assert_float_eq(sample->value[0], expected, 1e-12);
        }
    }
    return missing;
}

Test(shimmer3, streams_what_the_device_means_and_puts_everything_back)
{
    static const struct {
        const char *legend;
        const struct kl_device_option *option;
        size_t options;
        int streams;
        size_t channels, chunk;
        double rate_hz;
        uint16_t divisor;
        bool dlhc, has_crc, lose_start_ack;
    } row[] = {
        {"imu", NULL, 0, 1, 6, 4096, 0, 160, false, true, false},
        {"answers split over reads", NULL, 0, 1, 6, 1, 512, 64, false, true, false},
        {"imu, mag and emg", all, 3, 3, 9, 64, 512, 64, false, true, false},
        {"older magnetometer", all, 1, 1, 9, 7, 256, 128, true, true, false},
        {"no CRC in the firmware", NULL, 0, 1, 6, 64, 256, 128, false, false, false},
        {"acknowledgement of the start lost", NULL, 0, 1, 6, 64, 256, 128, false, true, true},
    };
    for (size_t r = 0; r < sizeof(row) / sizeof(row[0]); r++) {
        struct kl_device_config lab = config(row[r].rate_hz, row[r].option, row[r].options);
        emulate_shimmer3_init(&device);
        struct emulate_shimmer3 before = device;
        device.dlhc = row[r].dlhc;
        device.has_crc = row[r].has_crc;
        device.lose_start_ack = row[r].lose_start_ack;
        device.status_every = 50;
        cr_assert_eq(start(&lab, row[r].streams, row[r].chunk), KL_OK, "%s: %s", row[r].legend,
                     run.fault.text);
        cr_expect_eq(device.divisor, row[r].divisor);
        cr_expect_eq(device.crc_bytes, row[r].has_crc ? 2 : 0);
        cr_expect_eq(run_link(&run, &link_.link, &link_.now_ns, 5), KL_OK);
        double rate_hz = 32768.0 / row[r].divisor;
        cr_expect_geq(run.count, (size_t)((5 * rate_hz - 6) * row[r].streams), "%s: %zu",
                      row[r].legend, run.count);
        cr_expect_eq(expect_truth(row[r].channels, 1e9 / rate_hz), 0, "%s", row[r].legend);
        cr_expect_leq(run.framing.bad, 1, "%s", row[r].legend);
        cr_expect_eq(kl_shimmer3_driver.stop(run.state, &link_.link), KL_OK, "%s", row[r].legend);
        cr_expect_not(device.streaming);
        cr_expect_eq(device.divisor, before.divisor, "%s: rate is back", row[r].legend);
        cr_expect_eq(memcmp(device.sensors, before.sensors, 3), 0, "%s: sensors", row[r].legend);
        cr_expect_eq(memcmp(device.config, before.config, 4), 0, "%s: ranges", row[r].legend);
        cr_expect_eq(memcmp(device.exg, before.exg, 20), 0, "%s: EXG", row[r].legend);
        cr_expect_eq(device.crc_bytes, 0, "%s: CRC", row[r].legend);
    }
}

Test(shimmer3, sets_the_emg_chip_as_the_maker_does)
{
    static const uint8_t expected[10] = {0x03, 0xA8, 0x10, 0x69, 0x60, 0x20, 0, 0, 0x02, 0x03};
    struct kl_device_config lab = config(1000, emg_only, 3); /* 992.97: the chip's 1000 is above */
    emulate_shimmer3_init(&device);
    device.exg[0][1] = 0xa8; /* a newer board gives its clock out */
    cr_assert_eq(start(&lab, 2, 64), KL_OK, "%s", run.fault.text);
    cr_expect_eq(memcmp(device.exg[0], expected, 10), 0);
    cr_expect_eq(device.sensors[0], 0x10);
    cr_expect(device.config[3] & 1, "power of the expansion board");
}

static uint8_t recorded[60000];

/* Five seconds of a stream with CRC. */
static size_t record(void)
{
    emulate_shimmer3_init(&device);
    device.sensors[0] = 0x40; /* gyro */
    device.sensors[1] = 0x10; /* wide accel */
    device.divisor = 160;
    device.crc_bytes = 2;
    emulator_stream(&device.emulator, 204.8, 0);
    return (size_t)emulator_take(&device.emulator, recorded, sizeof(recorded), 5 * KL_NS_PER_S);
}

Test(shimmer3, loses_at_most_one_packet_to_a_single_fault)
{
    struct kl_device_config lab = config(204.8, NULL, 0);
    struct fault_cost result =
        run_single_faults(&kl_shimmer3_driver, &lab, recorded, record(), record() / 10,
                          record() - record() / 10, FAULT_ANY, 1500);
    cr_expect_leq(result.worst, 1, "%zu lost", result.worst);
    cr_expect_eq(result.wrong, 0); /* 16-bit CRC */
}

Test(shimmer3, does_not_depend_on_how_the_bytes_were_cut)
{
    struct kl_device_config lab = config(204.8, NULL, 0);
    size_t len = record();
    for (size_t at = 500; at < len; at += 997) {
        recorded[at] ^= 0x40;
    }
    run_expect_same_in_chunks(&kl_shimmer3_driver, &lab, recorded, len);
}

Test(shimmer3, names_what_failed_and_leaves_the_unit_as_it_was)
{
    static const struct kl_device_option typical[] = {{"uncalibrated", "yes"}};
    static const struct kl_device_option typical_mag[] = {{"uncalibrated", "yes"},
                                                          {"magnetometer", "yes"}};
    static const struct {
        const char *legend;
        enum emulator_fault fault;
        unsigned faults;
        bool calibrated;
        const struct kl_device_option *option;
        size_t options;
        int status;
        const char *word;
    } row[] = {
        {"silent", EMULATOR_NO_ANSWER, 1000, true, NULL, 0, KL_ERR_TIMEOUT, "hardware (3F)"},
        {"refuses everything", EMULATOR_WRONG_ANSWER, 1000, true, NULL, 0, KL_ERR_DATA, "refused"},
        {"not calibrated", EMULATOR_SOUND, 0, false, NULL, 0, KL_ERR_DATA, "maker's tool"},
        {"chip not known", EMULATOR_SOUND, 0, false, typical, 1, KL_ERR_DATA, "magnetometer: yes"},
        {"typical values taken", EMULATOR_SOUND, 0, false, typical_mag, 2, KL_OK, ""},
        {"repeats what was not heard", EMULATOR_NO_ANSWER, 2, true, NULL, 0, KL_OK, ""},
    };
    for (size_t r = 0; r < sizeof(row) / sizeof(row[0]); r++) {
        struct kl_device_config lab = config(0, row[r].option, row[r].options);
        emulate_shimmer3_init(&device);
        device.calibrated = row[r].calibrated;
        emulator_break(&device.emulator, row[r].fault, 0, row[r].faults);
        cr_expect_eq(start(&lab, 1, 64), row[r].status, "%s: %s", row[r].legend, run.fault.text);
        cr_expect_not_null(strstr(run.fault.text, row[r].word), "%s: %s", row[r].legend,
                           run.fault.text);
        cr_expect_eq(device.divisor, row[r].status == KL_OK ? 160 : 640, "%s", row[r].legend);
    }
}

Test(shimmer3, says_who_it_is)
{
    static const uint8_t hardware[] = {0x3f}, hardware_yes[] = {0xff, 0x25, 0x0a};
    static const uint8_t firmware[] = {0x2e}, firmware_yes[] = {0xff, 0x2F, 3, 0, 0, 0, 0x0B, 0};
    const struct scripted_row row[] = {{hardware, 1, hardware_yes, 3},
                                       {firmware, 1, firmware_yes, 8}};
    struct scripted_link script;
    char text[64];
    scripted_link_init(&script, row, 2);
    cr_expect_eq(kl_shimmer3_driver.identify(&script.link, text, sizeof(text)), KL_OK);
    cr_expect_str_eq(text, "Shimmer3R, firmware 0.11.0");
    cr_expect(scripted_link_done(&script));
    emulate_shimmer3_init(&device);
    emulator_link_init(&link_, &emulator_ops, &device, kl_shimmer3_driver.need);
    link_.chunk = 4;
    cr_expect_eq(kl_shimmer3_driver.identify(&link_.link, text, sizeof(text)), KL_OK);
    cr_expect_str_eq(text, "Shimmer3, firmware 0.15.4");
    device.emulator.gone = true;
    cr_expect_eq(kl_shimmer3_driver.identify(&link_.link, text, sizeof(text)), KL_ERR_GONE);
}
