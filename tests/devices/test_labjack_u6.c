#include "devices/bytes.h"
#include "devices/drivers.h"
#include "driver_run.h"
#include "emulate_labjack_u6.h"

#include <criterion/criterion.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define DRIVER (&kl_labjack_u6_driver)

static const unsigned inputs[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13};

/* The protocol page's vectors were made with one plate of six channels. */
static void six_channels(struct lab *lab)
{
    lab_init(lab, "", 1000);
    lab_inputs(lab, "plate.belt", KL_KIND_FORCE, inputs, 6);
}

static const char six_good[] =
    "\x8B\xF9\x0A\xC0\xBF\x07\x00\x00\x00\x00\x00\x00\xF3\x82\x52\x8F\x94\x76\xF3\x82\xF3\x82\xF3"
    "\x82\x00\x00";
static const char six_59[] =
    "\xC8\xF9\x0A\xC0\xFB\x08\x00\x00\x00\x00\x07\x3B\xF3\x82\x52\x8F\x94\x76\xF3\x82\xF3\x82\xF3"
    "\x82\xFA\x00";
static const char six_60[] =
    "\x94\xF9\x0A\xC0\xC3\x0C\x89\x00\x00\x00\x08\x3C\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF"
    "\xFF\x02\x00";
static const char ramp_25[] =
    "\x10\xF9\x1D\xC0\x1D\x1B\x00\x00\x00\x00\xFF\x00\xF3\x82\x57\x83\xBB\x83\x1F\x84\x83\x84\xE7"
    "\x84\x4B\x85\xAF\x85\x13\x86\x77\x86\xDB\x86\x3F\x87\xA3\x87\x07\x88\x6B\x88\xCF\x88\x33\x89"
    "\x97\x89\xFB\x89\x5F\x8A\xC3\x8A\x27\x8B\x8B\x8B\xEF\x8B\x53\x8C\x01\x00";

enum { SIX = sizeof(six_good) - 1, RAMP = sizeof(ramp_25) - 1 };

static const double six_volts[] = {0, 1.0001569, -1.0001569, 0, 0, 0};

static void expect_six(const struct kl_sample *sample, const char *legend)
{
    for (size_t c = 0; c < 6; c++) {
        /* (36690 - 33523) * 3.1580578e-4 = 1.00015691; (33523 - 30356) * -3.1580580e-4 */
        cr_expect_float_eq(sample->value[c], six_volts[c], 1e-7, "%s: channel %zu: %.9g", legend, c,
                           sample->value[c]);
    }
}

Test(labjack_u6, vectors_of_the_page_decode)
{
    struct lab lab;
    struct driver_run session = {0};
    six_channels(&lab);
    cr_assert_eq(run_configure(&session, DRIVER, &lab.config), 1, "%s", session.fault.text);
    run_feed(&session, six_good, SIX, 64);
    cr_assert_eq(session.count, 1);
    expect_six(&session.sample[0], "no error");
    cr_expect_eq(session.sample[0].quality, 0);
    cr_expect_eq(session.sample[0].device_ns, 0);
    run_release(&session);

    /* counter 7 with recovery running, then counter 8: 137 scans were dropped, dummy included */
    cr_assert_eq(run_configure(&session, DRIVER, &lab.config), 1);
    run_feed(&session, six_59, SIX, 64);
    run_feed(&session, six_60, SIX, 64);
    cr_assert_eq(session.count, 1, "the dummy scan is no sample");
    expect_six(&session.sample[0], "error 59");
    uint8_t next[SIX]; /* counter 9 */
    memcpy(next, six_good, SIX);
    next[10] = 9;
    next[4] = (uint8_t)(next[4] + 9);
    next[0] = (uint8_t)(next[0] + 9);
    run_feed(&session, next, SIX, 64);
    cr_assert_eq(session.count, 2);
    cr_expect_eq(session.sample[1].quality, KL_QUALITY_GAP);
    cr_expect_eq(session.sample[1].device_ns, 138 * INT64_C(1000000));
    run_release(&session);
}

Test(labjack_u6, scans_cross_packets)
{
    struct lab lab;
    struct driver_run session = {0};
    lab_init(&lab, "", 1000);
    lab_inputs(&lab, "plate.left", KL_KIND_FORCE, inputs, 4);
    cr_assert_eq(run_configure(&session, DRIVER, &lab.config), 1);
    run_feed(&session, ramp_25, RAMP, 7);
    cr_assert_eq(session.count, 6, "25 samples are six scans of four and one sample over");
    for (size_t i = 0; i < 24; i++) {
        cr_expect_float_eq(session.sample[i / 4].value[i % 4], 3.1580578e-4 * 100 * (double)i, 1e-9,
                           "sample %zu", i);
    }
    run_release(&session);
}

Test(labjack_u6, counts_become_volts_and_rails_are_marked)
{
    static const struct {
        unsigned raw;
        double volts;
        bool clipped;
    } row[] = {
        {0, -10.5867578, true},     {8, -10.5842314, true},    {9, -10.5839156, false},
        {33522, -0.0003158, false}, {33523, 0, false},         {36690, 1.0001569, false},
        {65526, 10.1067324, false}, {65527, 10.1070482, true}, {65535, 10.1095746, true},
    };
    struct lab lab;
    six_channels(&lab);
    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        struct driver_run session = {0};
        uint8_t packet[SIX] = {0, 0xf9, 10, 0xc0};
        unsigned sum = 0;
        cr_assert_eq(run_configure(&session, DRIVER, &lab.config), 1);
        for (size_t c = 0; c < 6; c++) {
            unsigned raw = c == 2 ? row[i].raw : 33523;
            packet[12 + 2 * c] = (uint8_t)raw;
            packet[13 + 2 * c] = (uint8_t)(raw >> 8);
            sum += (raw & 0xff) + (raw >> 8);
        }
        packet[4] = (uint8_t)sum;
        packet[5] = (uint8_t)(sum >> 8);
        sum = 0xf9u + 10 + 0xc0 + packet[4] + packet[5];
        sum = (sum & 0xff) + (sum >> 8);
        packet[0] = (uint8_t)((sum & 0xff) + (sum >> 8));
        run_feed(&session, packet, SIX, 64);
        cr_assert_eq(session.count, 1, "raw %u", row[i].raw);
        /* the page prints 7 decimals */
        cr_expect_float_eq(session.sample[0].value[2], row[i].volts, 0.6e-7, "raw %u: %.9g",
                           row[i].raw, session.sample[0].value[2]);
        cr_expect_eq((session.sample[0].quality & KL_QUALITY_CLIPPED) != 0, row[i].clipped,
                     "raw %u", row[i].raw);
        run_release(&session);
    }
}

Test(labjack_u6, damaged_packets_cost_one_packet)
{
    static const struct {
        const char *legend;
        size_t lead, flip, cut; /* garbage before; byte of the first packet turned; bytes missing */
        size_t samples;
    } row[] = {
        {"two back to back", 0, 0, 0, 2},       {"leading garbage", 11, 0, 0, 2},
        {"checksum8 wrong", 0, 1, 0, 1},        {"checksum16 wrong", 0, 5, 0, 1},
        {"a sample wrong", 0, 15, 0, 1},        {"length too long", 0, 3, 0, 1},
        {"the first is truncated", 0, 0, 3, 1},
    };
    struct lab lab;
    six_channels(&lab);
    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        struct driver_run session = {0};
        uint8_t bytes[128];
        size_t len = row[i].lead;
        memset(bytes, 0xf9, len);
        memcpy(bytes + len, six_good, SIX);
        bytes[len + (row[i].flip > 0 ? row[i].flip - 1 : 0)] ^= row[i].flip > 0 ? 0x04 : 0;
        len += SIX - row[i].cut;
        memcpy(bytes + len, six_good, SIX);
        len += SIX;
        cr_assert_eq(run_configure(&session, DRIVER, &lab.config), 1);
        run_feed(&session, bytes, len, 5);
        cr_expect_eq(session.count, row[i].samples, "%s: %zu", row[i].legend, session.count);
        expect_six(&session.sample[session.count - 1], row[i].legend);
        run_release(&session);
    }
}

/* ---------------------------------------------------------------- configuration */

static void expect_fault(struct lab *lab, const char *word)
{
    struct driver_run session = {0};
    cr_expect_eq(run_configure(&session, DRIVER, &lab->config), KL_ERR_RANGE, "%s", word);
    cr_expect_not_null(strstr(session.fault.text, word), "'%s' does not say '%s'",
                       session.fault.text, word);
    run_release(&session);
}

Test(labjack_u6, impossible_labs_are_refused_in_words)
{
    struct lab lab;
    six_channels(&lab);
    lab.config.rate_hz = 8334; /* 6 * 8333 = 50 k samples/s */
    expect_fault(&lab, "1 to 8333 Hz");
    lab.config.rate_hz = -1;
    expect_fault(&lab, "rate -1 Hz");
    lab.config.rate_hz = (double)NAN;
    expect_fault(&lab, "rate");
    lab.config.rate_hz = 1000;
    lab_option(&lab, "gain", "1");
    expect_fault(&lab, "unknown option \"gain\"; known are: range_v");
    lab.option[0] = (struct kl_device_option){"range_v", "5"};
    expect_fault(&lab, "allowed are 10, 1, 0.1, 0.01");
    lab.option[0] = (struct kl_device_option){"settling", "1.5"};
    expect_fault(&lab, "whole number from 0 to 9");
    lab.option[0] = (struct kl_device_option){"differential", "yes"};
    expect_fault(&lab, "input 1; the device has even inputs");
    lab_init(&lab, "", 1000);
    expect_fault(&lab, "0 streams");
    lab_inputs(&lab, "plate.belt", KL_KIND_FORCE, (const unsigned[]){0, 14}, 2);
    expect_fault(&lab, "input 14; the device has 0 to 13");
    lab.input[0][1] = 0;
    expect_fault(&lab, "used twice");
    lab_init(&lab, "", 1000);
    lab_inputs(&lab, "plate.belt", KL_KIND_FORCE, inputs, 9);
    expect_fault(&lab, "9 channels; 1 to 8");
    lab_init(&lab, "", 1000);
    lab_inputs(&lab, "sync", KL_KIND_OTHER, (const unsigned[]){193}, 1);
    expect_fault(&lab, "needs an analog input");
}

Test(labjack_u6, streams_are_described_as_the_lab_file_says)
{
    struct lab lab;
    struct driver_run session = {0};
    lab_init(&lab, "", 700); /* 4 MHz / 5714: not exactly 700 Hz */
    lab_inputs(&lab, "plate.left", KL_KIND_FORCE, inputs, 6);
    lab_inputs(&lab, "emg.vmo.right", KL_KIND_EMG, inputs + 8, 1);
    lab.stream[0].plate.full_scale[1] = 5;
    cr_assert_eq(run_configure(&session, DRIVER, &lab.config), 2);
    const struct kl_stream *plate = &session.stream[0];
    cr_expect_str_eq(plate->name, "plate.left");
    cr_expect_str_eq(plate->source, "dut");
    cr_expect_eq(plate->kind, KL_KIND_FORCE);
    cr_expect_eq(plate->format, KL_FORMAT_FLOAT32);
    cr_expect_float_eq(plate->rate_hz, 4e6 / 5714, 1e-9);
    cr_expect_str_eq(plate->unit[5], "V");
    cr_expect_eq(plate->plate.matrix[2][2], 100);
    cr_expect_eq(plate->plate.full_scale[0], 10, "the converter's, where none is given");
    cr_expect_eq(plate->plate.full_scale[1], 5, "the lab's");
    cr_expect_eq(session.stream[1].kind, KL_KIND_EMG);
    cr_expect_float_eq(session.stream[1].rate_hz, 4e6 / 5714, 1e-9);
    run_release(&session);
}

/* ---------------------------------------------------------------- against the emulator */

static int run_until(struct driver_run *run, struct emulator_link *link, int64_t until_ns)
{
    return run_link(run, &link->link, &link->now_ns, kl_seconds(until_ns - link->now_ns));
}

struct bench {
    struct lab lab;
    struct driver_run session;
    struct emulate_labjack_u6 device;
    struct emulator_link link;
};

/* Two plates of six, EMG and the digital sync line: 14 channels, the list not in order. */
static void full_lab(struct bench *bench, double rate_hz)
{
    memset(bench, 0, sizeof(*bench));
    emulate_labjack_u6_init(&bench->device);
    lab_init(&bench->lab, "", rate_hz);
    lab_inputs(&bench->lab, "plate.right", KL_KIND_FORCE, inputs + 6, 6);
    lab_inputs(&bench->lab, "plate.left", KL_KIND_FORCE, inputs, 6);
    lab_inputs(&bench->lab, "emg.vmo.right", KL_KIND_EMG, inputs + 13, 1);
    lab_inputs(&bench->lab, "sync", KL_KIND_OTHER, (const unsigned[]){193}, 1);
}

static int begin(struct bench *bench)
{
    emulator_link_init(&bench->link, &emulate_labjack_u6_ops, &bench->device, DRIVER->need);
    cr_assert_gt(run_configure(&bench->session, DRIVER, &bench->lab.config), 0, "%s",
                 bench->session.fault.text);
    return DRIVER->start(bench->session.state, &bench->link.link, &bench->session.fault);
}

static void end(struct bench *bench)
{
    cr_expect_eq(DRIVER->stop(bench->session.state, &bench->link.link), KL_OK);
    cr_expect_not(bench->device.streaming, "the device is left quiet");
    run_release(&bench->session);
}

/* Every sample says what the emulator meant for its scan: the device time tells which that is.
 * @return samples of the stream; *missing: scans that no sample stands for */
static size_t check_values(const struct bench *bench, size_t stream, uint64_t *missing)
{
    const struct kl_sample **sample;
    size_t count = run_of(&bench->session, stream, &sample);
    double rate_hz = bench->session.stream[stream].rate_hz;
    uint64_t expected = 0;
    *missing = 0;
    for (size_t i = 0; i < count; i++) {
        uint64_t scan = (uint64_t)llround((double)sample[i]->device_ns * 1e-9 * rate_hz);
        cr_assert_geq(scan, expected, "time goes on");
        cr_expect_eq((sample[i]->quality & KL_QUALITY_GAP) != 0, scan != expected,
                     "scan %llu, expected %llu, quality %u", (unsigned long long)scan,
                     (unsigned long long)expected, sample[i]->quality);
        *missing += scan - expected;
        expected = scan + 1;
        for (size_t c = 0; c < bench->session.stream[stream].channel_count; c++) {
            double meant = emulate_labjack_u6_measured(bench->lab.input[stream][c], scan);
            /* the same formula in another order of rounding */
            cr_assert_float_eq(sample[i]->value[c], meant, 1e-12, "scan %llu channel %zu",
                               (unsigned long long)scan, c);
        }
    }
    free(sample);
    return count;
}

/* Scans that n values of c channels touch at most. */
static uint64_t scans_of(uint64_t n, uint64_t c)
{
    return (n - 2) / c + 2;
}

/* 14 channels: at 500 Hz a packet is one scan of 14, above it has 25 values and scans cross
 * packets.
 */
Test(labjack_u6, a_full_lab_streams_through_every_fault)
{
    static const struct {
        const char *legend;
        double rate_hz;
        enum emulator_fault fault;
        uint64_t count;                    /* of packets */
        uint64_t recovery, recovery_scans; /* the FIFO overflows: from, scans */
        bool runs;                         /* a crashed program left it streaming */
    } row[] = {
        {"sound", 2000, EMULATOR_SOUND, 0, 0, 0, true},
        {"dropped packet", 1000, EMULATOR_DROPPED_FRAME, 1, 0, 0, false},
        {"nine packets dropped", 2000, EMULATOR_DROPPED_FRAME, 9, 0, 0, false},
        {"bit flipped", 1000, EMULATOR_BAD_CHECKSUM, 1, 0, 0, false},
        {"garbage", 1000, EMULATOR_GARBAGE, 1, 0, 0, false},
        {"FIFO overflow in step", 500, EMULATOR_SOUND, 0, 600, 137, false},
        {"FIFO overflow across packets", 2000, EMULATOR_SOUND, 0, 1501, 1000, false},
        {"FIFO overflow at a packet's end", 2000, EMULATOR_SOUND, 0, 1513, 64, false},
    };
    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        struct bench bench;
        full_lab(&bench, row[i].rate_hz);
        bench.device.emulator.drift_ppm = 100;
        bench.device.runs = row[i].runs;
        bench.device.recovery_from_scan = row[i].recovery;
        bench.device.recovery_scans = row[i].recovery_scans;
        cr_assert_eq(begin(&bench), KL_OK, "%s: %s", row[i].legend, bench.session.fault.text);
        emulator_break(&bench.device.emulator, row[i].fault, 30, row[i].count);
        int64_t until_ns = bench.link.now_ns + 5 * KL_NS_PER_S;
        cr_assert_eq(run_until(&bench.session, &bench.link, until_ns), KL_OK);
        bool loses = row[i].fault != EMULATOR_SOUND && row[i].fault != EMULATOR_GARBAGE;
        /* the whole scans of the values that are gone at least, the scans they touch at most */
        uint64_t values = loses ? row[i].count * bench.device.per_packet : 0;
        uint64_t least = row[i].recovery_scans + values / 14;
        uint64_t most = row[i].recovery_scans + (loses ? scans_of(values, 14) : 0);
        for (size_t s = 0; s < 4; s++) {
            uint64_t missing = 0;
            size_t count = check_values(&bench, s, &missing);
            cr_expect(missing >= least && missing <= most,
                      "%s: stream %zu misses %llu scans, %llu to %llu are right", row[i].legend, s,
                      (unsigned long long)missing, (unsigned long long)least,
                      (unsigned long long)most);
            /* of the last packet what is not yet whole, and reads of 5 ms */
            cr_expect_float_eq((double)(count + missing), 5 * row[i].rate_hz, 12, "%s: %zu + %llu",
                               row[i].legend, count, (unsigned long long)missing);
        }
        end(&bench);
    }
}

Test(labjack_u6, configures_as_the_page_says)
{
    struct bench bench;
    memset(&bench, 0, sizeof(bench));
    lab_init(&bench.lab, "", 1200);
    lab_inputs(&bench.lab, "plate.belt", KL_KIND_FORCE, (const unsigned[]){0, 2, 4, 6, 8, 10}, 6);
    lab_option(&bench.lab, "differential", "yes");
    cr_assert_eq(begin(&bench), KL_OK, "%s", bench.session.fault.text);
    /* 6 differential channels, 24 samples per packet, 48 MHz / 40000 = 1200 Hz exactly */
    cr_expect_eq(bench.device.channels, 6);
    cr_expect_eq(bench.device.per_packet, 24);
    cr_expect_eq(bench.device.clock_hz, 48e6);
    cr_expect_eq(bench.device.interval, 40000);
    for (size_t i = 0; i < 6; i++) {
        cr_expect_eq(bench.device.input[i], 2 * i);
        cr_expect_eq(bench.device.option[i], 0x80);
    }
    cr_expect_eq(bench.session.stream[0].rate_hz, 1200);
    end(&bench);
}

Test(labjack_u6, sends_the_bytes_of_the_page)
{
    /* StreamConfig of six differential channels, ReadCal of block 2, ConfigU6 */
    static const char *const wanted[] = {
        "\x39\xF8\x0A\x11\x21\x04\x06\x01\x18\x00\x00\x08\x40\x9C\x00\x80\x02\x80\x04\x80\x06\x80"
        "\x08\x80\x0A\x80",
        "\x29\xF8\x01\x2D\x02\x00\x00\x02",
        "\x0B\xF8\x0A\x08\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
        "\x00\x00\x00\x00",
    };
    static const size_t wanted_len[] = {26, 8, 26};
    struct bench bench;
    memset(&bench, 0, sizeof(bench));
    lab_init(&bench.lab, "", 1200);
    lab_inputs(&bench.lab, "plate.belt", KL_KIND_FORCE, (const unsigned[]){0, 2, 4, 6, 8, 10}, 6);
    lab_option(&bench.lab, "differential", "yes");
    cr_assert_eq(begin(&bench), KL_OK);
    for (size_t i = 0; i < 3; i++) {
        bool seen = false;
        for (size_t k = 0; k < bench.device.heard_count; k++) {
            seen |= bench.device.heard_len[k] == wanted_len[i] &&
                    memcmp(bench.device.heard[k], wanted[i], wanted_len[i]) == 0;
        }
        cr_expect(seen, "command %zu was not sent byte for byte", i);
    }
    end(&bench);
}

Test(labjack_u6, a_slipped_channel_order_is_set_right_by_the_dummy_scan)
{
    /* 6 channels, 24 samples per packet; two samples are lost with nothing said, then a report */
    struct lab lab;
    struct driver_run session = {0};
    six_channels(&lab);
    cr_assert_eq(run_configure(&session, DRIVER, &lab.config), 1);
    uint8_t packet[14 + 2 * 24] = {0, 0xf9, 28, 0xc0, 0, 0, 10, 0, 0, 0, 0, 60};
    unsigned sum = 10 + 60;
    for (unsigned i = 0; i < 24; i++) {
        /* 4 samples of a torn scan, the dummy, two scans of channel number * 256, 2 over */
        unsigned raw = i < 4 ? 0x4000 : i < 10 ? 0xffff : 0x8000 + 0x100 * ((i - 10) % 6);
        packet[12 + 2 * i] = (uint8_t)raw;
        packet[13 + 2 * i] = (uint8_t)(raw >> 8);
        sum += (raw & 0xff) + (raw >> 8);
    }
    packet[4] = (uint8_t)sum;
    packet[5] = (uint8_t)(sum >> 8);
    sum = 0xf9u + 28 + 0xc0 + packet[4] + packet[5];
    sum = (sum & 0xff) + (sum >> 8);
    packet[0] = (uint8_t)((sum & 0xff) + (sum >> 8));
    run_feed(&session, packet, sizeof(packet), 64);
    cr_assert_eq(session.count, 2);
    cr_expect_eq(session.sample[0].quality, KL_QUALITY_GAP);
    cr_expect_eq(session.sample[0].device_ns, 10 * INT64_C(1000000));
    for (size_t c = 0; c < 6; c++) {
        double volts =
            (0x8000 + 0x100 * (double)c - 33523) * (c < 3 ? -1 * -3.1580580e-4 : 3.1580578e-4);
        cr_expect_float_eq(session.sample[1].value[c], volts, 1e-9, "channel %zu", c);
    }
    run_release(&session);
}

Test(labjack_u6, the_conversation_bears_a_bad_day)
{
    struct bench bench;
    full_lab(&bench, 1000);
    emulator_break(&bench.device.emulator, EMULATOR_WRONG_ANSWER, 0, 2);
    bench.device.stale_answers = 1;
    cr_expect_eq(begin(&bench), KL_OK, "%s", bench.session.fault.text);
    end(&bench);
    full_lab(&bench, 1000);
    emulator_break(&bench.device.emulator, EMULATOR_NO_ANSWER, 0, 2);
    cr_expect_eq(begin(&bench), KL_OK, "%s", bench.session.fault.text);
    end(&bench);
}

Test(labjack_u6, refusals_name_the_command_and_the_cure)
{
    struct bench bench;
    full_lab(&bench, 1000);
    bench.device.config_error = 58;
    cr_expect_eq(begin(&bench), KL_ERR_DATA);
    cr_expect_str_eq(bench.session.fault.text,
                     "labjack_u6: StreamConfig: the device answers error 58: scan rate refused");
    run_release(&bench.session);

    full_lab(&bench, 1000);
    bench.device.cal_blank = true;
    cr_expect_eq(begin(&bench), KL_ERR_DATA);
    cr_expect_not_null(strstr(bench.session.fault.text, "calibration: nominal"), "%s",
                       bench.session.fault.text);
    run_release(&bench.session);
    lab_option(&bench.lab, "calibration", "nominal");
    cr_expect_eq(begin(&bench), KL_OK, "%s", bench.session.fault.text);
    end(&bench);

    full_lab(&bench, 1000);
    emulator_break(&bench.device.emulator, EMULATOR_NO_ANSWER, 0, 1000);
    cr_expect_eq(begin(&bench), KL_ERR_TIMEOUT);
    cr_expect_not_null(strstr(bench.session.fault.text, "StreamStop within 1 s"), "%s",
                       bench.session.fault.text);
    cr_expect_leq(bench.link.now_ns, 10 * KL_NS_PER_S, "bounded");
    run_release(&bench.session);

    full_lab(&bench, 1000);
    bench.device.emulator.gone = true;
    cr_expect_eq(begin(&bench), KL_ERR_GONE);
    cr_expect_eq(DRIVER->stop(bench.session.state, &bench.link.link), KL_ERR_GONE);
    run_release(&bench.session);
}

Test(labjack_u6, a_restart_marks_its_first_sample)
{
    struct bench bench;
    full_lab(&bench, 1000);
    cr_assert_eq(begin(&bench), KL_OK);
    cr_assert_eq(run_until(&bench.session, &bench.link, KL_NS_PER_S), KL_OK);
    cr_assert_eq(DRIVER->stop(bench.session.state, &bench.link.link), KL_OK);
    cr_assert_eq(DRIVER->start(bench.session.state, &bench.link.link, &bench.session.fault), KL_OK);
    size_t before = bench.session.count;
    cr_assert_eq(run_until(&bench.session, &bench.link, bench.link.now_ns + KL_NS_PER_S / 10),
                 KL_OK);
    cr_assert_gt(bench.session.count, before + 8);
    for (size_t s = 0; s < 8; s++) {
        cr_expect_eq(bench.session.sample[before + s].quality,
                     s < 4 ? (unsigned)KL_QUALITY_GAP : 0u);
    }
    cr_expect_eq(bench.session.sample[before].device_ns, 0);
    end(&bench);
}

Test(labjack_u6, says_who_it_is)
{
    struct bench bench;
    char text[80];
    full_lab(&bench, 1000);
    bench.device.pro = true;
    emulator_link_init(&bench.link, &emulate_labjack_u6_ops, &bench.device, DRIVER->need);
    cr_assert_eq(DRIVER->identify(&bench.link.link, text, sizeof(text)), KL_OK);
    cr_expect_str_eq(text, "LabJack U6-Pro, firmware 1.26, serial 123456789");
    cr_expect_eq(bench.device.config_writes, 0);
}

/* ---------------------------------------------------------------- chunks and random faults */

/* The streams of the full lab, the sync line last. */
static size_t record(uint8_t *bytes, size_t cap, struct lab *lab, double rate_hz, size_t streams)
{
    struct bench bench;
    size_t len = 0;
    full_lab(&bench, rate_hz);
    bench.lab.config.stream_count = streams;
    cr_assert_eq(begin(&bench), KL_OK);
    while (len + 4096 <= cap) {
        int got = bench.link.link.ops->read(&bench.link.link, bytes + len, 4096, 5000000);
        cr_assert_geq(got, 0);
        len += (size_t)got;
    }
    *lab = bench.lab;
    lab->config.stream = lab->stream;
    lab->config.option = lab->option;
    lab->config.input = (const uint8_t(*)[KL_CHANNELS_MAX])lab->input;
    end(&bench);
    return len;
}

Test(labjack_u6, chunks_do_not_matter)
{
    static uint8_t bytes[64 * 1024];
    struct lab lab;
    size_t len = record(bytes, sizeof(bytes), &lab, 2000, 4);
    run_expect_same_in_chunks(DRIVER, &lab.config, bytes, len);
}

Test(labjack_u6, a_random_fault_costs_at_most_one_packet)
{
    static uint8_t bytes[16 * 1024];
    struct lab lab;
    size_t len = record(bytes, sizeof(bytes), &lab, 1000, 3);
    struct fault_cost cost =
        run_single_faults(DRIVER, &lab.config, bytes, len, 64, len, FAULT_FLIPPED, 1000);
    /* not the first packet: no document says that the counter begins with 0, so what stands before
     * the first one heard is not known, and scans are counted from it. A packet of 25 values of 13
     * channels, three streams; without the sync line, whose samples do not differ */
    cr_expect_leq(cost.worst, 3 * scans_of(25, 13), "%zu", cost.worst);
    cr_expect_eq(cost.wrong, 0);
    /* USB loses no byte. Where one goes or comes all the same, the sum does not see that the others
     * moved: 1 in 256 passes it, 3 of 1000 (10: four standard deviations above) */
    cost = run_single_faults(DRIVER, &lab.config, bytes, len, 64, len, FAULT_ANY, 1000);
    cr_expect_leq(cost.wrong, 10, "%zu", cost.wrong);
}
