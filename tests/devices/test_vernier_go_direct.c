#include "devices/drivers.h"
#include "driver_run.h"
#include "emulate_vernier_go_direct.h"

#include <criterion/criterion.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define DRIVER (&kl_vernier_go_direct_driver)

static void put_report(uint8_t report[64], const char *packet, size_t len)
{
    memset(report, 0, 64);
    report[0] = (uint8_t)len;
    memcpy(report + 1, packet, len);
}

static const char mask_2[] = "\x20\x11\x00\x00\x06\x02\x00\x02\x00\x00\xA0\x2F\x44\x00\x00\xA0\xBF";
static const char mask_6[] = "\x20\x19\x00\x00\x06\x06\x00\x02\x00\x00\x00\xAF\x43\x00\x40\xB0\x43"
                             "\x00\x80\xAF\x43\x00\x80\xB0\x43";

enum { MASK_2 = sizeof(mask_2) - 1, MASK_6 = sizeof(mask_6) - 1 };

Test(vernier_go_direct, vectors_of_the_page_decode)
{
    struct lab lab;
    struct driver_run session = {0};
    uint8_t report[64];
    lab_init(&lab, "", 1000);
    cr_assert_eq(run_configure(&session, DRIVER, &lab.config), 1, "%s", session.fault.text);
    cr_expect_str_eq(session.stream[0].name, "plate.belt");
    cr_expect_eq(session.stream[0].plate.measured, KL_PLATE_MEASURES_FY);
    put_report(report, mask_2, MASK_2);
    run_feed(&session, report, 64, 64);
    cr_assert_eq(session.count, 2);
    cr_expect_eq(session.sample[0].value[0], 702.5);
    cr_expect_eq(session.sample[1].value[0], -1.25);
    cr_expect_eq(session.sample[1].device_ns, 1000000);
    run_release(&session);

    lab_inputs(&lab, "plate.left", KL_KIND_FORCE, (const unsigned[]){1}, 1);
    lab_inputs(&lab, "plate.right", KL_KIND_FORCE, (const unsigned[]){2}, 1);
    cr_assert_eq(run_configure(&session, DRIVER, &lab.config), 2);
    put_report(report, mask_6, MASK_6);
    run_feed(&session, report, 64, 64);
    static const double wanted[] = {350.0, 352.5, 351.0, 353.0};
    cr_assert_eq(session.count, 4);
    for (size_t i = 0; i < 4; i++) {
        cr_expect_eq(session.sample[i].stream, i % 2);
        cr_expect_eq(session.sample[i].value[0], wanted[i]);
        cr_expect_eq(session.sample[i].device_ns, i < 2 ? 0 : 1000000);
    }
    run_release(&session);
}

Test(vernier_go_direct, every_kind_of_packet_is_understood_or_passed_over)
{
    static const struct {
        const char *legend, *packet;
        size_t len, samples;
        double value;
    } row[] = {
        {"wide mask, sensor 20 beside",
         "\x20\x13\0\0\x07\x02\0\x10\0\x01\0\0\0\x20\x41\0\0\x80\x3f", 19, 1, 10},
        {"one sensor, periodic", "\x20\x0c\0\0\x08\0\x01\x01\0\0\x20\x41", 12, 1, 10},
        {"one sensor, int32", "\x20\x0c\0\0\x09\0\x01\x01\xfe\xff\xff\xff", 12, 1, -2},
        {"another sensor alone", "\x20\x0c\0\0\x08\0\x03\x01\0\0\x20\x41", 12, 0, 0},
        {"start time", "\x20\x0c\0\0\x0c\0\x03\x01\0\0\x20\x41", 12, 0, 0},
        {"length too long for its rows", "\x20\x0d\0\0\x08\0\x01\x01\0\0\x20\x41\0", 13, 0, 0},
        {"rows beyond its length", "\x20\x0c\0\0\x08\0\x01\x02\0\0\x20\x41", 12, 0, 0},
        {"no such sensor", "\x20\x0c\0\0\x08\0\x20\x01\0\0\x20\x41", 12, 0, 0},
        {"empty mask", "\x20\x09\0\0\x06\0\0\x01\0", 9, 0, 0},
    };
    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        struct lab lab;
        struct driver_run session = {0};
        uint8_t reports[128];
        lab_init(&lab, "", 1000);
        lab_inputs(&lab, "plate.belt", KL_KIND_FORCE, (const unsigned[]){1}, 1);
        cr_assert_eq(run_configure(&session, DRIVER, &lab.config), 1);
        put_report(reports, row[i].packet, row[i].len);
        put_report(reports + 64, mask_2, MASK_2); /* what follows is not lost */
        run_feed(&session, reports, 128, 3);
        cr_assert_eq(session.count, row[i].samples + 2, "%s: %zu", row[i].legend, session.count);
        if (row[i].samples > 0) {
            cr_expect_eq(session.sample[0].value[0], row[i].value, "%s", row[i].legend);
        }
        cr_expect_eq(session.sample[session.count - 2].value[0], 702.5, "%s", row[i].legend);
        run_release(&session);
    }
}

Test(vernier_go_direct, impossible_labs_are_refused_in_words)
{
    static const struct {
        double rate_hz;
        unsigned sensor;
        const char *word;
    } row[] = {{20000, 1, "1 to 10000"}, {0.5, 1, "rate 0.5"}, {1000, 32, "numbers 0 to 31"}};
    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        struct lab lab;
        struct driver_run session = {0};
        lab_init(&lab, "", row[i].rate_hz);
        lab_inputs(&lab, "plate.belt", KL_KIND_FORCE, &row[i].sensor, 1);
        cr_expect_eq(run_configure(&session, DRIVER, &lab.config), KL_ERR_RANGE);
        cr_expect_not_null(strstr(session.fault.text, row[i].word), "%s", session.fault.text);
        run_release(&session);
    }
    struct lab lab;
    struct driver_run session = {0};
    lab_init(&lab, "", 1000);
    lab_option(&lab, "range", "1");
    cr_expect_eq(run_configure(&session, DRIVER, &lab.config), KL_ERR_RANGE);
    cr_expect_not_null(strstr(session.fault.text, "known are: none"), "%s", session.fault.text);
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
    struct emulate_vernier_go_direct device;
    struct emulator_link link;
};

static void plate(struct bench *bench, double rate_hz)
{
    memset(bench, 0, sizeof(*bench));
    emulate_vernier_go_direct_init(&bench->device);
    lab_init(&bench->lab, "", rate_hz);
    lab_inputs(&bench->lab, "plate.right", KL_KIND_FORCE, (const unsigned[]){3}, 1);
    lab_inputs(&bench->lab, "plate.left", KL_KIND_FORCE, (const unsigned[]){2}, 1);
}

static int begin(struct bench *bench)
{
    emulator_link_init(&bench->link, &emulate_vernier_go_direct_ops, &bench->device, DRIVER->need);
    cr_assert_gt(run_configure(&bench->session, DRIVER, &bench->lab.config), 0, "%s",
                 bench->session.fault.text);
    return DRIVER->start(bench->session.state, &bench->link.link, &bench->session.fault);
}

/* @return rows of all streams that no sample stands for */
static uint64_t check_values(const struct bench *bench, bool times)
{
    uint64_t missing = 0;
    for (size_t s = 0; s < bench->session.streams; s++) {
        const struct kl_sample **sample;
        size_t count = run_of(&bench->session, s, &sample);
        uint64_t row = 0;
        for (size_t i = 0; i < count; i++, row++) {
            uint64_t before = row;
            while (sample[i]->value[0] !=
                   (double)emulate_vernier_go_direct_value(bench->lab.input[s][0], row)) {
                cr_assert_lt(++row, bench->device.row + 1, "sample %zu stands for no row", i);
            }
            missing += row - before;
            cr_expect_eq((sample[i]->quality & KL_QUALITY_GAP) != 0, row != before, "row %llu",
                         (unsigned long long)row);
            cr_expect_eq((sample[i]->quality & KL_QUALITY_CLIPPED) != 0, row == 77);
            if (times) {
                double t_s = (double)row / bench->session.stream[s].rate_hz;
                cr_expect_float_eq((double)sample[i]->device_ns * 1e-9, t_s, 1e-9);
            }
        }
        free(sample);
    }
    return missing;
}

static void end(struct bench *bench)
{
    cr_expect_eq(DRIVER->stop(bench->session.state, &bench->link.link), KL_OK);
    cr_expect_not(bench->device.measuring, "the device is left quiet");
    run_release(&bench->session);
}

Test(vernier_go_direct, says_what_the_page_says)
{
    static const struct {
        size_t len;
        const char *bytes;
    } wanted[] = {
        {25, "\x58\x19\xFE\x3F\x1A\xA5\x4A\x06\x49\x07\x48\x08\x47\x09\x46\x0A\x45\x0B\x44\x0C\x43"
             "\x0D\x42\x0E\x41"},
        {5, "\x58\x05\xFD\x6A\x10"},
        {5, "\x58\x05\xFC\xAE\x55"},
        {5, "\x58\x05\xFB\xA9\x51"},
        {6, "\x58\x06\xFA\xA9\x50\x01"},
        {15, "\x58\x0F\xF9\xB1\x1B\xFF\x00\x10\x27\x00\x00\x00\x00\x00\x00"},
        /* mask 2 where the page has 0x0e: the sum is 12 less */
        {19, "\x58\x13\xF8\x7D\x18\xFF\x01\x02\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"},
        {11, "\x58\x0B\xF7\x6E\x19\xFF\x00\xFF\xFF\xFF\xFF"},
        {5, "\x58\x05\xF6\xA7\x54"},
    };
    struct bench bench;
    memset(&bench, 0, sizeof(bench));
    emulate_vernier_go_direct_init(&bench.device);
    lab_init(&bench.lab, "", 100);
    lab_inputs(&bench.lab, "plate.belt", KL_KIND_FORCE, (const unsigned[]){1}, 1);
    cr_assert_eq(begin(&bench), KL_OK, "%s", bench.session.fault.text);
    cr_expect_eq(DRIVER->stop(bench.session.state, &bench.link.link), KL_OK);
    cr_assert_eq(bench.device.heard_count, sizeof(wanted) / sizeof(wanted[0]));
    for (size_t i = 0; i < bench.device.heard_count; i++) {
        cr_expect_eq(bench.device.heard[i][0], wanted[i].len, "command %zu", i);
        cr_expect_arr_eq(bench.device.heard[i] + 1, wanted[i].bytes, wanted[i].len, "command %zu",
                         i);
    }
    run_release(&bench.session);
}

Test(vernier_go_direct, five_seconds_are_what_the_plate_meant)
{
    static const struct {
        uint8_t rows;
        bool wide, blank, runs, stale;
    } row[] = {
        {5, false, false, false, false},
        {7, false, true, true, false}, /* two reports */
        {20, true, false, true, true}, /* three reports */
        {3, false, false, false, true},
    };
    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        struct bench bench;
        plate(&bench, 1000);
        bench.device.rows = row[i].rows;
        bench.device.wide = row[i].wide;
        bench.device.blank_header = row[i].blank;
        bench.device.runs = row[i].runs;
        bench.device.stale = row[i].stale;
        bench.device.emulator.drift_ppm = 100;
        cr_assert_eq(begin(&bench), KL_OK, "row %zu: %s", i, bench.session.fault.text);
        int64_t until_ns = bench.link.now_ns + 5 * KL_NS_PER_S;
        cr_assert_eq(run_until(&bench.session, &bench.link, until_ns), KL_OK);
        cr_expect_geq(bench.session.count, 2 * 4970, "row %zu: %zu", i, bench.session.count);
        cr_expect_eq(check_values(&bench, true), 0);
        end(&bench);
    }
}

Test(vernier_go_direct, faults_are_survived_and_accounted_for)
{
    static const struct {
        const char *legend;
        enum emulator_fault fault;
        bool down;
        uint64_t told;
        uint64_t missing; /* rows, of both streams */
        bool times;       /* device time is exact behind it */
    } row[] = {
        {"wrong sum", EMULATOR_BAD_CHECKSUM, false, 0, 10, true},
        {"lost packet, counter up", EMULATOR_DROPPED_FRAME, false, 0, 10, true},
        {"lost packet, counter down", EMULATOR_DROPPED_FRAME, true, 0, 10, true},
        {"the device says it dropped", EMULATOR_SOUND, false, 100, 10, false},
    };
    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        struct bench bench;
        plate(&bench, 1000);
        bench.device.counts_down = row[i].down;
        bench.device.told_packet = row[i].told;
        cr_assert_eq(begin(&bench), KL_OK, "%s", bench.session.fault.text);
        emulator_break(&bench.device.emulator, row[i].fault, 100, 1);
        int64_t until_ns = bench.link.now_ns + 5 * KL_NS_PER_S;
        cr_assert_eq(run_until(&bench.session, &bench.link, until_ns), KL_OK);
        cr_expect_eq(check_values(&bench, row[i].times), row[i].missing, "%s", row[i].legend);
        end(&bench);
    }
}

Test(vernier_go_direct, what_does_not_fit_is_named)
{
    static const struct {
        const char *legend;
        unsigned left, right;
        double rate_hz;
        bool short_answers, gone;
        unsigned silent;
        int status;
        const char *word;
    } row[] = {
        {"no such sensor", 2, 7, 1000, false, false, 0, KL_ERR_DATA, "no sensor 7; it has 0x1e"},
        {"no force", 2, 4, 1000, false, false, 0, KL_ERR_DATA, "\"Temperature\" in C"},
        {"too fast", 2, 3, 2000, false, false, 0, KL_ERR_RANGE, "allows 1000 Hz at most"},
        {"exclusive", 1, 3, 1000, false, false, 0, KL_ERR_RANGE, "cannot run together"},
        {"short answer", 2, 3, 1000, true, false, 0, KL_ERR_DATA, "expected an answer of 154"},
        {"one answer lost", 2, 3, 1000, false, false, 1, KL_OK, ""},
        {"silent", 2, 3, 1000, false, false, 1000, KL_ERR_TIMEOUT, "no answer to INIT"},
        {"unplugged", 2, 3, 1000, false, true, 0, KL_ERR_GONE, "cannot be read"},
    };
    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        struct bench bench;
        plate(&bench, row[i].rate_hz);
        bench.lab.input[0][0] = (uint8_t)row[i].right;
        bench.lab.input[1][0] = (uint8_t)row[i].left;
        bench.device.short_answers = row[i].short_answers;
        emulator_break(&bench.device.emulator, EMULATOR_NO_ANSWER, 0, row[i].silent);
        bench.device.emulator.gone = row[i].gone;
        cr_expect_eq(begin(&bench), row[i].status, "%s: %s", row[i].legend,
                     bench.session.fault.text);
        cr_expect_not_null(strstr(bench.session.fault.text, row[i].word), "%s: '%s'", row[i].legend,
                           bench.session.fault.text);
        cr_expect_leq(bench.link.now_ns, 10 * KL_NS_PER_S, "%s: bounded", row[i].legend);
        run_release(&bench.session);
    }
}

Test(vernier_go_direct, says_who_it_is_and_finds_its_own_sensor)
{
    struct bench bench;
    char text[96];
    plate(&bench, 1000);
    emulator_link_init(&bench.link, &emulate_vernier_go_direct_ops, &bench.device, DRIVER->need);
    cr_assert_eq(DRIVER->identify(&bench.link.link, text, sizeof(text)), KL_OK);
    cr_expect_str_eq(text, "Vernier GDX-FPL, GDX-FPL 0B100123, serial 0B100123");
    cr_expect_not(bench.device.measuring);

    bench.lab.config.stream_count = 0;
    cr_assert_eq(begin(&bench), KL_OK, "%s", bench.session.fault.text);
    cr_expect_eq(bench.device.mask, 0x02, "the default sensor");
    end(&bench);
}

/* 128 packets of five rows. @return bytes */
static size_t record(struct bench *bench, uint8_t bytes[64 * 128])
{
    size_t len = 0;
    plate(bench, 1000);
    bench->device.rows = 5; /* 49 bytes: one report */
    cr_assert_eq(begin(bench), KL_OK);
    while (len < (size_t)64 * 128) {
        int got =
            bench->link.link.ops->read(&bench->link.link, bytes + len, 64 * 128 - len, 5000000);
        cr_assert_geq(got, 0);
        len += (size_t)got;
    }
    run_release(&bench->session);
    return len;
}

Test(vernier_go_direct, chunks_do_not_matter)
{
    static uint8_t bytes[64 * 128];
    struct bench bench;
    size_t len = record(&bench, bytes);
    run_expect_same_in_chunks(DRIVER, &bench.lab.config, bytes, len);
}

Test(vernier_go_direct, a_random_bit_costs_the_packet_it_hits)
{
    static uint8_t bytes[64 * 128];
    struct bench bench;
    size_t len = record(&bench, bytes);
    uint64_t random = 99;
    for (int round = 0; round < 1500; round++) {
        struct bench live; /* its conversation shows that sums can be checked */
        random = random * 6364136223846793005u + 1442695040888963407u;
        /* not at first: what the counter is, the driver learns from a few packets */
        size_t at = 640 + (size_t)(random >> 33) % (len - 640);
        uint8_t bit = (uint8_t)(1U << (random >> 60 & 7));
        plate(&live, 1000);
        live.device.rows = 5;
        cr_assert_eq(begin(&live), KL_OK);
        bytes[at] ^= bit;
        run_feed(&live.session, bytes, len, 512);
        bytes[at] ^= bit;
        live.device.row = (uint64_t)128 * 5;
        /* the packet of five rows in two streams; the report's padding is not looked at */
        cr_expect_geq(live.session.count, 128 * 10 - 10, "round %d: %zu", round,
                      live.session.count);
        cr_expect_leq(check_values(&live, false), 10, "round %d, byte %zu", round, at);
        run_release(&live.session);
    }
}
