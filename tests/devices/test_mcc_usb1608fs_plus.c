#include "devices/drivers.h"
#include "driver_run.h"
#include "emulate_mcc_usb1608fs_plus.h"

#include <criterion/criterion.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define DRIVER (&kl_mcc_usb1608fs_plus_driver)

static const unsigned inputs[] = {0, 1, 2, 3, 4, 5, 6, 7};

static void eight_channels(struct lab *lab)
{
    lab_init(lab, "", 1000);
    lab_inputs(lab, "plate.belt", KL_KIND_FORCE, inputs, 8);
}

Test(mcc_usb1608fs_plus, the_scan_of_the_page_decodes)
{
    static const char scan[] = "\x00\x80\xE8\x80\xF4\x7E\xFF\xFF\x00\x00\x00\x40\x00\xC0\x01\x80";
    static const double volts[] = {0.000000,   0.070801,  -0.081787, 9.999695,
                                   -10.000000, -5.000000, 5.000000,  0.000305};
    struct lab lab;
    struct driver_run session = {0};
    eight_channels(&lab);
    cr_assert_eq(run_configure(&session, DRIVER, &lab.config), 1, "%s", session.fault.text);
    for (int i = 0; i < 2; i++) { /* back to back, cut at every third byte */
        run_feed(&session, scan, 16, 3);
    }
    cr_assert_eq(session.count, 2);
    for (size_t c = 0; c < 8; c++) {
        /* printed with 6 decimals */
        cr_expect_float_eq(session.sample[1].value[c], volts[c], 0.6e-6, "channel %zu", c);
    }
    cr_expect_eq(session.sample[1].quality, KL_QUALITY_CLIPPED, "0x0000 and 0xffff are the rails");
    cr_expect_eq(session.sample[1].device_ns, 1000000);
    run_release(&session);
}

Test(mcc_usb1608fs_plus, clipping_belongs_to_the_stream_of_the_channel)
{
    static const char scan[] = "\x00\x80\xFF\xFF\x01\x80";
    struct lab lab;
    struct driver_run session = {0};
    lab_init(&lab, "", 1000);
    lab_inputs(&lab, "emg.vmo.left", KL_KIND_EMG, (const unsigned[]){7}, 1);
    lab_inputs(&lab, "plate.left", KL_KIND_FORCE, (const unsigned[]){5, 2}, 2);
    cr_assert_eq(run_configure(&session, DRIVER, &lab.config), 2);
    run_feed(&session, scan, 6, 64);
    cr_assert_eq(session.count, 2);
    /* the device scans 2, 5, 7 whatever the lab file's order */
    cr_expect_float_eq(session.sample[0].value[0], 0.000305, 1e-6);
    cr_expect_eq(session.sample[0].quality, 0);
    cr_expect_float_eq(session.sample[1].value[0], 9.999695, 1e-6);
    cr_expect_float_eq(session.sample[1].value[1], 0, 1e-6);
    cr_expect_eq(session.sample[1].quality, KL_QUALITY_CLIPPED);
    run_release(&session);
}

static void expect_fault(struct lab *lab, const char *word)
{
    struct driver_run session = {0};
    cr_expect_eq(run_configure(&session, DRIVER, &lab->config), KL_ERR_RANGE, "%s", word);
    cr_expect_not_null(strstr(session.fault.text, word), "'%s' does not say '%s'",
                       session.fault.text, word);
    run_release(&session);
}

Test(mcc_usb1608fs_plus, impossible_labs_are_refused_in_words)
{
    struct lab lab;
    eight_channels(&lab);
    lab.config.rate_hz = 60000;
    expect_fault(&lab, "8 channels allow 1 to 50000 Hz");
    lab.config.rate_hz = 0.5;
    expect_fault(&lab, "rate 0.5 Hz");
    lab.config.rate_hz = 1000;
    lab_option(&lab, "range_v", "3");
    expect_fault(&lab, "allowed are 10, 5, 2.5, 2, 1.25, 1, 0.625, 0.3125");
    lab.option[0] = (struct kl_device_option){"differential", "yes"};
    expect_fault(&lab, "unknown option \"differential\"");
    lab.config.option_count = 0;
    lab.input[0][3] = 8;
    expect_fault(&lab, "input 8; the device has 0 to 7");
}

static int run_until(struct driver_run *run, struct emulator_link *link, int64_t until_ns)
{
    return run_link(run, &link->link, &link->now_ns, kl_seconds(until_ns - link->now_ns));
}

struct bench {
    struct lab lab;
    struct driver_run session;
    struct emulate_mcc_usb1608fs_plus device;
    struct emulator_link link;
};

/* A plate of six and a sync pulse; inputs not in the device's order. */
static void plate_and_sync(struct bench *bench, double rate_hz)
{
    memset(bench, 0, sizeof(*bench));
    emulate_mcc_usb1608fs_plus_init(&bench->device);
    lab_init(&bench->lab, "", rate_hz);
    lab_inputs(&bench->lab, "sync", KL_KIND_OTHER, (const unsigned[]){3}, 1);
    lab_inputs(&bench->lab, "plate.belt", KL_KIND_FORCE, (const unsigned[]){6, 5, 4, 2, 1, 0}, 6);
}

static int begin(struct bench *bench)
{
    emulator_link_init(&bench->link, &emulate_mcc_usb1608fs_plus_ops, &bench->device, DRIVER->need);
    cr_assert_gt(run_configure(&bench->session, DRIVER, &bench->lab.config), 0, "%s",
                 bench->session.fault.text);
    return DRIVER->start(bench->session.state, &bench->link.link, &bench->session.fault);
}

static void check_values(const struct bench *bench, size_t stream, size_t from, size_t count,
                         unsigned range)
{
    const struct kl_sample **sample;
    cr_assert_geq(run_of(&bench->session, stream, &sample), from + count);
    for (size_t i = 0; i < count; i++) {
        const struct kl_sample *s = sample[from + i];
        double t_s = (double)i / bench->session.stream[stream].rate_hz;
        cr_assert_float_eq((double)s->device_ns * 1e-9, t_s, 1e-9);
        for (size_t c = 0; c < bench->session.stream[stream].channel_count; c++) {
            double meant =
                emulate_mcc_usb1608fs_plus_measured(bench->lab.input[stream][c], range, i);
            /* the same formula in another order of rounding */
            cr_assert_float_eq(s->value[c], meant, 1e-12, "stream %zu scan %zu channel %zu", stream,
                               i, c);
        }
    }
    free(sample);
}

static void end(struct bench *bench)
{
    cr_expect_eq(DRIVER->stop(bench->session.state, &bench->link.link), KL_OK);
    cr_expect_not(bench->device.running, "the device is left quiet");
    for (size_t i = 0; i < 8; i++) {
        cr_expect_eq(bench->device.range[i], 3, "ranges as they were found");
    }
    run_release(&bench->session);
}

Test(mcc_usb1608fs_plus, five_seconds_are_what_the_device_meant)
{
    static const struct {
        const char *range;
        unsigned code;
        double rate_hz, exact_hz;
    } row[] = {
        {"10", 0, 2000, 2000},
        {"2.5", 2, 1200, 40e6 / 33333},
        {"0.3125", 7, 10000, 10000},
        {"5", 1, 50, 50}, /* one small packet per scan */
    };
    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        struct bench bench;
        plate_and_sync(&bench, row[i].rate_hz);
        lab_option(&bench.lab, "range_v", row[i].range);
        bench.device.emulator.drift_ppm = -100;
        bench.device.runs = true; /* a crashed program left it scanning */
        bench.device.cal_pieces = i == 1;
        cr_assert_eq(begin(&bench), KL_OK, "%s", bench.session.fault.text);
        cr_expect_float_eq(bench.session.stream[1].rate_hz, row[i].exact_hz, 1e-9);
        int64_t until_ns = bench.link.now_ns + 5 * KL_NS_PER_S;
        cr_assert_eq(run_until(&bench.session, &bench.link, until_ns), KL_OK);
        /* 5 s, the device 100 ppm slow, 64 bytes and 20 ms of waiting still under way */
        double least = 5 * row[i].exact_hz * (1 - 1e-4) - 5 - row[i].exact_hz * 0.02;
        cr_expect_geq((double)bench.session.count / 2, least, "%s", row[i].range);
        cr_expect_leq((double)bench.session.count / 2, 5.02 * row[i].exact_hz);
        check_values(&bench, 0, 0, bench.session.count / 2, row[i].code);
        check_values(&bench, 1, 0, bench.session.count / 2, row[i].code);
        end(&bench);
    }
}

Test(mcc_usb1608fs_plus, the_start_packet_is_the_page_s)
{
    static const struct {
        const char *legend, *trigger, *sync_out, *clock;
        double rate_hz;
        size_t channels;
        const char *bytes;
    } row[] = {
        {"1000 Hz, 8 channels, continuous", "none", "no", "internal", 1000, 8,
         "\x00\x00\x00\x00\x3F\x9C\x00\x00\xFF\x00"},
        {"2000 Hz, 0-5, rising, SYNC out", "rising", "yes", "internal", 2000, 6,
         "\x00\x00\x00\x00\x1F\x4E\x00\x00\x3F\x06"},
        {"external clock", "none", "no", "external", 1000, 8,
         "\x00\x00\x00\x00\x00\x00\x00\x00\xFF\x00"},
    };
    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        struct bench bench;
        memset(&bench, 0, sizeof(bench));
        emulate_mcc_usb1608fs_plus_init(&bench.device);
        lab_init(&bench.lab, "", row[i].rate_hz);
        lab_inputs(&bench.lab, "plate.belt", KL_KIND_FORCE, inputs, row[i].channels);
        lab_option(&bench.lab, "trigger", row[i].trigger);
        lab_option(&bench.lab, "sync_out", row[i].sync_out);
        lab_option(&bench.lab, "clock", row[i].clock);
        cr_assert_eq(begin(&bench), KL_OK, "%s", bench.session.fault.text);
        cr_expect_arr_eq(bench.device.start, row[i].bytes, 10, "%s", row[i].legend);
        end(&bench);
    }
}

Test(mcc_usb1608fs_plus, an_overrun_ends_the_stream_and_a_restart_marks_it)
{
    struct bench bench;
    plate_and_sync(&bench, 1000);
    bench.device.overrun_at = 64 * 100; /* 457 scans and a piece of one */
    cr_assert_eq(begin(&bench), KL_OK);
    cr_assert_eq(run_until(&bench.session, &bench.link, 5 * KL_NS_PER_S), KL_ERR_IO);
    size_t before = bench.session.count;
    cr_expect_eq(before, 2 * 457);
    cr_expect(bench.device.overran);
    /* still halted: the start says which endpoint */
    cr_expect_eq(DRIVER->start(bench.session.state, &bench.link.link, &bench.session.fault),
                 KL_ERR_IO);
    cr_expect_not_null(strstr(bench.session.fault.text, "data endpoint"), "%s",
                       bench.session.fault.text);
    /* the link is opened again, which clears the halt, and framing begins anew */
    bench.device.halted = false;
    bench.device.overrun_at = 0;
    kl_framing_init(&bench.session.framing, DRIVER, bench.session.state);
    cr_assert_eq(DRIVER->start(bench.session.state, &bench.link.link, &bench.session.fault), KL_OK,
                 "%s", bench.session.fault.text);
    int64_t until_ns = bench.link.now_ns + KL_NS_PER_S;
    cr_assert_eq(run_until(&bench.session, &bench.link, until_ns), KL_OK);
    cr_assert_gt(bench.session.count, before + 1900);
    for (size_t i = before; i < bench.session.count; i++) {
        cr_expect_eq(bench.session.sample[i].quality, i < before + 2 ? KL_QUALITY_GAP : 0);
    }
    check_values(&bench, 1, before / 2, 900, 0);
    end(&bench);
}

Test(mcc_usb1608fs_plus, the_conversation_bears_a_bad_day_and_refusals_name_the_cure)
{
    struct bench bench;
    plate_and_sync(&bench, 1000);
    emulator_break(&bench.device.emulator, EMULATOR_NO_ANSWER, 0, 2);
    cr_expect_eq(begin(&bench), KL_OK, "%s", bench.session.fault.text);
    end(&bench);

    static const struct {
        size_t offset;
        int status;
        const char *word;
    } row[] = {
        {offsetof(struct emulate_mcc_usb1608fs_plus, cal_blank), KL_ERR_DATA, "have it calibrated"},
        {offsetof(struct emulate_mcc_usb1608fs_plus, range_stuck), KL_ERR_DATA, "read back"},
        {offsetof(struct emulate_mcc_usb1608fs_plus, emulator.gone), KL_ERR_GONE, "AIN_SCAN_STOP"},
    };
    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        plate_and_sync(&bench, 1000);
        *(bool *)((char *)&bench.device + row[i].offset) = true;
        cr_expect_eq(begin(&bench), row[i].status, "%s", row[i].word);
        cr_expect_not_null(strstr(bench.session.fault.text, row[i].word), "'%s' lacks '%s'",
                           bench.session.fault.text, row[i].word);
        cr_expect_not(bench.device.running);
        run_release(&bench.session);
    }
    plate_and_sync(&bench, 1000);
    bench.device.runs = bench.device.never_stops = true;
    cr_expect_eq(begin(&bench), KL_ERR_DATA);
    cr_expect_not_null(strstr(bench.session.fault.text, "still runs"), "%s",
                       bench.session.fault.text);
    run_release(&bench.session);
    plate_and_sync(&bench, 1000);
    emulator_break(&bench.device.emulator, EMULATOR_NO_ANSWER, 0, 1000);
    cr_expect_eq(begin(&bench), KL_ERR_TIMEOUT);
    run_release(&bench.session);
}

Test(mcc_usb1608fs_plus, says_who_it_is)
{
    struct bench bench;
    char text[80];
    plate_and_sync(&bench, 1000);
    emulator_link_init(&bench.link, &emulate_mcc_usb1608fs_plus_ops, &bench.device, DRIVER->need);
    cr_assert_eq(DRIVER->identify(&bench.link.link, text, sizeof(text)), KL_OK);
    cr_expect_str_eq(text, "USB-1608FS-Plus, serial 01A2B3C4");
}

Test(mcc_usb1608fs_plus, chunks_do_not_matter)
{
    static uint8_t bytes[14 * 500];
    struct lab lab;
    struct bench bench;
    plate_and_sync(&bench, 2000);
    for (size_t i = 0; i < sizeof(bytes); i++) {
        bytes[i] = (uint8_t)(i * 37 + i / 251);
    }
    lab = bench.lab;
    lab.config.stream = lab.stream;
    lab.config.option = lab.option;
    lab.config.input = (const uint8_t(*)[KL_CHANNELS_MAX])lab.input;
    run_expect_same_in_chunks(DRIVER, &lab.config, bytes, sizeof(bytes));
}
