#include "devices/drivers.h"
#include "driver_run.h"
#include "emulate_witmotion.h"
#include "scripted_link.h"
#include "vectors.h"

#include <criterion/criterion.h>

#include <math.h>
#include <string.h>

#define G 9.80665
#define DEG 0.017453292519943295
#define PACKET 11
#define RELATIVE 1e-6 /* protocols/README.md */

static struct driver_run run;

static const struct kl_device_option no_orientation[] = {{"orientation", "no"}};
static const struct kl_device_option all[] = {{"magnetometer", "yes"}};

static struct kl_device_config config(double rate_hz, const struct kl_device_option *option,
                                      size_t count)
{
    return (struct kl_device_config){.name = "wit",
                                     .placement = "shank.left",
                                     .rate_hz = rate_hz,
                                     .option = option,
                                     .option_count = count};
}

static void begin(const struct kl_device_config *lab)
{
    cr_assert_eq(run_configure(&run, &kl_witmotion_driver, lab), 1, "%s", run.fault.text);
}

/* The packets of the page. */
static const uint8_t time_packet[] = {0x55, 0x50, 0x18, 0x06, 0x0F, 0x0D,
                                      0x2D, 0x1E, 0xFA, 0,    0x24};
static const uint8_t accel[] = {0x55, 0x51, 0x00, 0x04, 0x00, 0xFE, 0x00, 0x08, 0xE6, 0x09, 0x9F};
static const uint8_t accel_bad[] = {0x55, 0x51, 0, 0, 0, 0, 0, 0x08, 0xC4, 0x09, 0x7A};
static const uint8_t gyro[] = {0x55, 0x52, 0xE8, 0x03, 0x30, 0xF8, 0x00, 0x40, 0x00, 0x00, 0xFA};
static const uint8_t angle[] = {0x55, 0x53, 0x00, 0x20, 0x00, 0xF0, 0xFF, 0x7F, 0x5A, 0x2F, 0xBF};
static const uint8_t mag[] = {0x55, 0x54, 0x68, 0x01, 0x97, 0xFF, 0x7A, 0x00, 0xC4, 0x09, 0xEF};
static const uint8_t quaternion[] = {0x55, 0x59, 0x82, 0x5A, 0, 0, 0, 0, 0x82, 0x5A, 0x66};
static const uint8_t headers[] = {0x55, 0x51, 0x55, 0x51, 0x55, 0x52, 0x55, 0, 0x55, 0x55, 0xF2};

static void feed(const uint8_t packet[PACKET])
{
    run_feed(&run, packet, PACKET, 3);
}

Test(witmotion, describes_its_stream)
{
    struct kl_device_config lab = config(0, all, 1);
    begin(&lab);
    const struct kl_stream *stream = &run.stream[0];
    cr_expect_str_eq(stream->name, "imu.shank.left");
    cr_expect_eq(stream->rate_hz, 200);
    cr_assert_eq(stream->channel_count, 13);
    cr_expect_str_eq(stream->unit[6], "a.u.");
}

Test(witmotion, refuses_what_it_cannot_do_and_says_what_is_allowed)
{
    static const struct kl_device_option unknown = {"range", "16"};
    static const struct kl_device_option range = {"accel_g", "3"};
    static const struct kl_device_option baud = {"baud", "115201"};
    struct kl_device_config row[] = {config(125, NULL, 0), config(0, &unknown, 1),
                                     config(0, &range, 1), config(0, &baud, 1),
                                     config(0, NULL, 0),   config((double)NAN, NULL, 0)};
    const char *const word[] = {"200, 100", "accel_g", "2, 4, 8, 16", "921600", "placement", "200"};
    row[4].placement = "";
    for (size_t i = 0; i < 6; i++) {
        cr_expect_eq(run_configure(&run, &kl_witmotion_driver, &row[i]), KL_ERR_RANGE);
        cr_expect_not_null(strstr(run.fault.text, word[i]), "%s", run.fault.text);
    }
}

Test(witmotion, makes_a_sample_of_the_vectors_of_one_cycle)
{
    struct kl_device_config lab = config(0, all, 1);
    /* g, deg/s, counts, 1: what the page says of these packets */
    static const double expected[] = {0.5 * G,
                                      -0.25 * G,
                                      1.0 * G,
                                      61.03515625 * DEG,
                                      -122.0703125 * DEG,
                                      1000 * DEG,
                                      360,
                                      -105,
                                      122,
                                      23170.0 / 32768,
                                      0,
                                      0,
                                      23170.0 / 32768};
    begin(&lab);
    feed(time_packet);
    feed(accel);
    feed(gyro);
    feed(angle); /* not asked for: passed over */
    feed(mag);
    cr_expect_eq(run.count, 0);
    feed(quaternion);
    cr_assert_eq(run.count, 1);
    const struct kl_sample *sample = &run.sample[0];
    cr_expect_eq(sample->quality, 0);
    for (size_t c = 0; c < 13; c++) {
        cr_expect_float_eq(sample->value[c], expected[c], RELATIVE * fabs(expected[c]) + 1e-12,
                           "channel %zu: %.10g", c, sample->value[c]);
    }
    /* 2024-06-15 13:45:30.250 is 8872 days and 49530.25 s after 2000-03-01 */
    cr_expect_eq(sample->device_ns, INT64_C(8872) * 86400 * 1000000000 + INT64_C(49530250000000));
    cr_expect_eq(run.framing.frames, 6);
}

Test(witmotion, decodes_every_row_of_the_vector_table)
{
    static struct vector row[16];
    int rows = (int)vectors_read("witmotion", row, 16);
    if (rows == 0) {
        cr_skip_test("skipped: no vectors at %s/../protocols", KL_DATA);
    }
    cr_assert_eq(rows, 12);
    struct kl_device_config lab = config(0, all, 1);
    size_t compared = 0;
    for (int r = 0; r < rows; r++) {
        bool bad = strcmp(row[r].kind, "negative") == 0;
        uint8_t type = row[r].bytes[1];
        const uint8_t *cycle[] = {time_packet, accel, gyro, mag, quaternion};
        static const size_t first[] = {0, 0, 3, 6, 9}, count[] = {0, 3, 3, 3, 4};
        static const double scale[] = {0, 16 * G / 32768, 2000 * DEG / 32768, 1, 1.0 / 32768};
        double word[4];
        cr_assert_eq(row[r].len, PACKET);
        cr_assert_eq(vectors_numbers(row[r].expected, "words", word, 4), 4, "%s", row[r].id);
        begin(&lab);
        feed(gyro); /* finds the lock */
        for (size_t p = 0; p < 5; p++) {
            feed(cycle[p][1] == type && !bad ? row[r].bytes : cycle[p]);
        }
        cr_assert_eq(run.count, 1, "%s", row[r].id);
        for (size_t p = 1; p < 5; p++) {
            for (size_t c = 0; c < count[p] && cycle[p][1] == type && !bad; c++) {
                cr_expect_float_eq(run.sample[0].value[first[p] + c], word[c] * scale[p],
                                   RELATIVE * fabs(word[c] * scale[p]) + 1e-15, "%s", row[r].id);
                compared++;
            }
        }
        uint64_t frames = run.framing.frames;
        feed(row[r].bytes);
        cr_expect_eq(run.framing.frames, frames + (bad ? 0 : 1), "%s", row[r].id);
    }
    cr_expect_eq(compared, 3 * 5 + 4 * 2); /* W02 W03 W04 W06 W11, W08 W09 */
}

Test(witmotion, takes_packets_whatever_stands_around_them)
{
    static const struct {
        const char *legend;
        const uint8_t *packet[8]; /* fed in this order after a whole cycle */
        size_t samples;
        uint32_t quality; /* of the last sample */
    } row[] = {
        {"good", {time_packet, accel, gyro}, 2, 0},
        {"headers in the payload", {time_packet, headers, gyro}, 2, 0},
        {"wrong checksum", {time_packet, accel_bad, gyro}, 1, 0},
        {"wrong, then good",
         {time_packet, accel_bad, gyro, time_packet, accel, gyro},
         2,
         KL_QUALITY_GAP | KL_QUALITY_CHECKSUM},
        {"a packet of the cycle missing",
         {time_packet, gyro, time_packet, accel, gyro},
         2,
         KL_QUALITY_GAP},
        {"a cycle without time", {accel, gyro, time_packet, accel, gyro}, 2, KL_QUALITY_GAP},
        {"an answer in between", {time_packet, accel, quaternion, gyro}, 1, 0},
    };
    struct kl_device_config lab = config(0, no_orientation, 1);
    for (size_t r = 0; r < sizeof(row) / sizeof(row[0]); r++) {
        begin(&lab);
        feed(time_packet);
        feed(accel);
        feed(gyro);
        for (size_t p = 0; p < 8 && row[r].packet[p] != NULL; p++) {
            feed(row[r].packet[p]);
        }
        run_finish(&run);
        cr_assert_eq(run.count, row[r].samples, "%s: %zu", row[r].legend, run.count);
        cr_expect_eq(run.sample[run.count - 1].quality, row[r].quality, "%s: %x", row[r].legend,
                     run.sample[run.count - 1].quality);
    }
}

Test(witmotion, believes_a_first_packet_only_with_another_behind_it)
{
    struct kl_device_config lab = config(0, all, 1);
    uint8_t bytes[40] = {0x55, 0x55, 0x51};
    begin(&lab);
    memcpy(bytes + 3, accel, PACKET);
    run_feed(&run, bytes, sizeof(bytes), 1); /* zeros behind it */
    run_finish(&run);
    cr_expect_eq(run.framing.frames, 0);
}

Test(witmotion, marks_rails_and_times_that_cannot_be)
{
    struct kl_device_config lab = config(0, no_orientation, 1);
    uint8_t rail[PACKET], late[PACKET];
    memcpy(rail, gyro, PACKET);
    rail[2] = 0xff; /* 32767 for 1000 */
    rail[3] = 0x7f;
    rail[10] = (uint8_t)(rail[10] + 0xff + 0x7f - 0xe8 - 0x03);
    memcpy(late, time_packet, PACKET);
    late[5] = 24; /* hours, for 13 */
    late[10] = (uint8_t)(late[10] + 24 - 13);
    begin(&lab);
    feed(time_packet);
    feed(accel);
    feed(gyro);
    feed(late);
    feed(accel);
    feed(rail);
    cr_assert_eq(run.count, 2);
    cr_expect_eq(run.sample[1].quality, KL_QUALITY_CLIPPED | KL_QUALITY_CLOCK);
    cr_expect_eq(run.sample[1].device_ns - run.sample[0].device_ns, 5000000);
}

/* ----------------------------------------------------------------- emulator */

static struct emulate_witmotion device;
static struct emulator_link link_;

/* The sample whose first words are these. */
static uint64_t index_of(const struct kl_sample *sample, uint64_t from)
{
    for (uint64_t i = from; i < from + 3000; i++) {
        if (fabs(sample->value[0] - 16 * G / 32768 * emulate_witmotion_value(i, 0)) < 1e-9 &&
            fabs(sample->value[1] - 16 * G / 32768 * emulate_witmotion_value(i, 1)) < 1e-9 &&
            fabs(sample->value[2] - 16 * G / 32768 * emulate_witmotion_value(i, 2)) < 1e-9) {
            return i;
        }
    }
    cr_assert_fail("a sample that the emulator never made");
    return 0;
}

/* @return samples missing between the first and the last */
static size_t expect_truth(size_t channels)
{
    static const double scale[] = {2000 * DEG / 32768, 1, 1.0 / 32768};
    size_t missing = 0;
    uint64_t index = 0;
    for (size_t i = 0; i < run.count; i++) {
        const struct kl_sample *sample = &run.sample[i];
        uint64_t next = index_of(sample, index);
        missing += i > 0 ? next - index - 1 : 0;
        cr_expect(i == 0 || (sample->quality & KL_QUALITY_GAP) != 0 || next == index + 1,
                  "sample %zu: an unmarked gap", i);
        index = next;
        for (size_t c = 3; c < channels; c++) {
            size_t group = c < 6 ? 0 : c < 9 && channels == 13 ? 1 : 2;
            size_t source = channels == 10 && c >= 6 ? c + 3 : c;
            cr_assert_float_eq(sample->value[c],
                               scale[group] * emulate_witmotion_value(index, source), 1e-9);
        }
    }
    return missing;
}

Test(witmotion, streams_what_the_device_means)
{
    static const struct {
        const char *legend;
        const struct kl_device_option *option;
        size_t options, channels, chunk;
        double rate_hz, real_share;
        bool answers_reads;
        unsigned device_baud;
    } row[] = {
        {"at once", NULL, 0, 10, 4096, 200, 1, true, 115200},
        {"answers split over reads", NULL, 0, 10, 1, 200, 1, true, 115200},
        {"all channels, high speed", all, 1, 13, 64, 200, 1, true, 921600},
        {"180 Hz for 200", NULL, 0, 10, 64, 200, 0.9, true, 115200},
        {"older firmware, low speed", no_orientation, 1, 6, 7, 20, 1, false, 9600},
    };
    for (size_t r = 0; r < sizeof(row) / sizeof(row[0]); r++) {
        struct kl_device_config lab = config(row[r].rate_hz, row[r].option, row[r].options);
        emulate_witmotion_init(&device);
        device.answers_reads = row[r].answers_reads;
        device.real_share = row[r].real_share;
        emulator_link_init(&link_, &emulator_ops, &device, kl_witmotion_driver.need);
        link_.chunk = row[r].chunk;
        link_.baud = 115200;
        device.emulator.baud = row[r].device_baud;
        begin(&lab);
        cr_assert_eq(kl_witmotion_driver.start(run.state, &link_.link, &run.fault), KL_OK, "%s: %s",
                     row[r].legend, run.fault.text);
        cr_expect_eq(link_.baud, row[r].device_baud);
        cr_expect_eq(run_link(&run, &link_.link, &link_.now_ns, 5), KL_OK);
        double rate_hz = row[r].rate_hz * row[r].real_share;
        cr_expect_geq(run.count, (size_t)(5 * rate_hz) - 2, "%s: %zu", row[r].legend, run.count);
        cr_expect_eq(expect_truth(row[r].channels), 0);
        for (size_t i = 1; i < run.count; i++) {
            int64_t step = run.sample[i].device_ns - run.sample[i - 1].device_ns;
            cr_assert_eq(run.sample[i].quality, 0, "%s sample %zu", row[r].legend, i);
            cr_assert_float_eq((double)step, 1e9 / rate_hz, 1e6, "whole milliseconds");
        }
        cr_expect_eq(kl_witmotion_driver.stop(run.state, &link_.link), KL_OK);
        cr_expect_eq(device.saves, 0, "flash must not be written");
        if (row[r].answers_reads) {
            cr_expect_eq(device.reg[2], 0x1e, "%s: content is back", row[r].legend);
            cr_expect_eq(device.reg[3], 6, "rate is back");
            cr_expect_eq(device.reg[0x1f], 4, "bandwidth is back");
        }
    }
}

static uint8_t recorded[60000];

static size_t record(void)
{
    emulate_witmotion_init(&device);
    device.reg[2] = 0x207; /* time, accel, gyro, quaternion */
    device.reg[3] = 0x0b;
    emulator_stream(&device.emulator, 200, 0);
    return (size_t)emulator_take(&device.emulator, recorded, sizeof(recorded), 5 * KL_NS_PER_S);
}

Test(witmotion, loses_at_most_one_sample_to_a_single_fault)
{
    struct kl_device_config lab = config(200, NULL, 0);
    struct fault_cost result =
        run_single_faults(&kl_witmotion_driver, &lab, recorded, record(), record() / 10,
                          record() - record() / 10, FAULT_ANY, 1500);
    cr_expect_leq(result.worst, 1, "%zu lost", result.worst);
    /* an 8-bit sum lets one of 256 look-alikes pass (protocols/README.md, rule 10: 4 of 3000) */
    cr_expect_leq(result.wrong, 2, "%zu", result.wrong);
}

Test(witmotion, does_not_depend_on_how_the_bytes_were_cut)
{
    struct kl_device_config lab = config(200, NULL, 0);
    size_t len = record();
    for (size_t at = 500; at < len; at += 997) {
        recorded[at] ^= 0x40;
    }
    run_expect_same_in_chunks(&kl_witmotion_driver, &lab, recorded, len);
}

Test(witmotion, names_what_failed)
{
    static const struct {
        const char *legend;
        const struct kl_device_option *option;
        size_t options;
        unsigned device_baud, known_types;
        double rate_hz, real_share;
        int status;
        const char *word;
    } row[] = {
        {"wrong kind of device", NULL, 0, 31250, 0x3ff, 200, 1, KL_ERR_TIMEOUT, "three packets"},
        {"line too slow", NULL, 0, 9600, 0x3ff, 200, 1, KL_ERR_RANGE, "19 Hz"},
        {"no quaternion", NULL, 0, 115200, 0x1f, 200, 1, KL_ERR_DATA, "packets 59"},
        {"far from its rate", NULL, 0, 115200, 0x3ff, 200, 0.5, KL_ERR_DATA, "100.0"},
        {"all at 115200", all, 1, 115200, 0x3ff, 200, 1, KL_ERR_RANGE, "188 Hz"},
    };
    for (size_t r = 0; r < sizeof(row) / sizeof(row[0]); r++) {
        struct kl_device_config lab = config(row[r].rate_hz, row[r].option, row[r].options);
        emulate_witmotion_init(&device);
        device.known_types = row[r].known_types;
        device.real_share = row[r].real_share;
        emulator_link_init(&link_, &emulator_ops, &device, kl_witmotion_driver.need);
        link_.chunk = 4096;
        device.emulator.baud = row[r].device_baud;
        begin(&lab);
        cr_expect_eq(kl_witmotion_driver.start(run.state, &link_.link, &run.fault), row[r].status,
                     "%s", row[r].legend);
        cr_expect_not_null(strstr(run.fault.text, row[r].word), "%s: %s", row[r].legend,
                           run.fault.text);
        cr_expect_eq(device.reg[2], 0x1e, "%s: left as it was", row[r].legend);
    }
}

Test(witmotion, says_the_commands_of_the_makers_documents)
{
    static const uint8_t stream[] = {0x55, 0x52, 0xE8, 0x03, 0x30, 0xF8, 0x00, 0x40, 0, 0, 0xFA,
                                     0x55, 0x52, 0xE8, 0x03, 0x30, 0xF8, 0x00, 0x40, 0, 0, 0xFA,
                                     0x55, 0x52, 0xE8, 0x03, 0x30, 0xF8, 0x00, 0x40, 0, 0, 0xFA};
    static const uint8_t answer[] = {0x55, 0x5F, 0x06, 0, 0, 0, 0, 0, 0, 0, 0xBA};
    static const uint8_t version[] = {0xff, 0xaa, 0x27, 0x2e, 0x00};
    static const uint8_t read_output[] = {0xff, 0xaa, 0x27, 0x02, 0x00};
    static const uint8_t read_bandwidth[] = {0xff, 0xaa, 0x27, 0x1f, 0x00};
    static const uint8_t unlock[] = {0xff, 0xaa, 0x69, 0x88, 0xb5};
    static const uint8_t content[] = {0xff, 0xaa, 0x02, 0x07, 0x02};
    static const uint8_t rate[] = {0xff, 0xaa, 0x03, 0x0b, 0x00};
    const struct scripted_row name[] = {{NULL, 0, stream, sizeof(stream)},
                                        {version, 5, answer, sizeof(answer)}};
    const struct scripted_row set[] = {{NULL, 0, stream, sizeof(stream)},
                                       {read_output, 5, answer, sizeof(answer)},
                                       {read_bandwidth, 5, answer, sizeof(answer)},
                                       {unlock, 5, stream, PACKET},
                                       {content, 5, stream, PACKET},
                                       {unlock, 5, NULL, 0},
                                       {rate, 5, NULL, 0}};
    struct kl_device_config lab = config(200, NULL, 0);
    struct scripted_link script;
    char text[64];
    scripted_link_init(&script, name, 2);
    cr_expect_eq(kl_witmotion_driver.identify(&script.link, text, sizeof(text)), KL_OK);
    cr_expect_str_eq(text, "WitMotion, firmware word 6");
    cr_expect(scripted_link_done(&script));
    scripted_link_init(&script, set, 7);
    script.fails = KL_ERR_GONE;
    begin(&lab);
    cr_expect_eq(kl_witmotion_driver.start(run.state, &script.link, &run.fault), KL_ERR_GONE);
    cr_expect(scripted_link_done(&script), "row %zu", script.at);
}
