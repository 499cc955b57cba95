#include "analog_lab.h"
#include "devices/drivers.h"
#include "driver_session.h"
#include "emulate_load_cells.h"

#include <criterion/criterion.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define PLAIN (&kl_load_cells_driver)
#define TIMED (&kl_load_cells_timed_driver)

/* The page's line: counter, c1..c4. */
static void four_cells(struct analog_lab *lab)
{
    analog_lab_init(lab, 80);
    analog_lab_stream(lab, "plate.belt", KL_KIND_FORCE, (const unsigned[]){1, 2, 3, 4}, 4);
    analog_lab_option(lab, "counter_column", "0");
}

static void feed(struct driver_session *session, const char *text)
{
    driver_session_feed(session, text, strlen(text), 5);
}

Test(load_cells, the_line_of_the_page_decodes)
{
    struct analog_lab lab;
    struct driver_session session;
    four_cells(&lab);
    cr_assert_eq(driver_session_begin(&session, PLAIN, &lab.config), 1, "%s", session.fault.text);
    feed(&session, "tail,77\n12345,8388607,-250,1024,77\n");
    cr_assert_eq(session.count, 1);
    static const double wanted[] = {8388607, -250, 1024, 77};
    for (size_t c = 0; c < 4; c++) {
        cr_expect_eq(session.sample[0].value[c], wanted[c]);
    }
    cr_expect_eq(session.sample[0].quality, KL_QUALITY_CLIPPED, "24 bits are full");
    cr_expect_eq(session.stream[0].rate_hz, 80);
    cr_expect_str_eq(session.stream[0].unit[3], "count");
    cr_expect_eq(session.stream[0].plate.full_scale[0], 8388607);
    driver_session_end(&session);
}

Test(load_cells, lines_are_judged_one_by_one)
{
    enum { BAD = KL_QUALITY_CHECKSUM, GAP = KL_QUALITY_GAP };
    static const struct {
        const char *legend, *text;
        size_t samples;
        uint32_t quality; /* of the last */
    } row[] = {
        {"two back to back", "x\n7,1,2,3,4\n8,1,2,3,4\n", 2, 0},
        {"CR LF and blanks", "x\n7, 1, 2, 3, 4\r\n8 ,1 ,2 ,3 ,4 \r\n", 2, 0},
        {"too few columns", "x\n7,1,2,3,4\n8,1,2,3\n9,1,2,3,4\n", 2, BAD | GAP},
        {"too many columns", "x\n7,1,2,3,4\n8,1,2,3,4,5\n9,1,2,3,4\n", 2, BAD | GAP},
        {"an empty column", "x\n7,1,2,3,4\n8,1,,3,4\n9,1,2,3,4\n", 2, BAD | GAP},
        {"an empty last column", "x\n7,1,2,3,4\n8,1,2,3,\n9,1,2,3,4\n", 2, BAD | GAP},
        {"a letter", "x\n7,1,2,3,4\n8,1,2x,3,4\n9,1,2,3,4\n", 2, BAD | GAP},
        {"an empty line", "x\n7,1,2,3,4\n\n8,1,2,3,4\n", 2, BAD},
        {"a line missing", "x\n7,1,2,3,4\n9,1,2,3,4\n", 2, GAP},
        {"the counter goes back", "x\n7,1,2,3,4\n0,1,2,3,4\n", 2, GAP},
        {"the counter wraps", "x\n4294967295,1,2,3,4\n0,1,2,3,4\n", 2, 0},
        {"a counter that is none", "x\n7,1,2,3,4\n7.5,1,2,3,4\n8,1,2,3,4\n", 2, BAD},
        {"a negative counter", "x\n7,1,2,3,4\n-8,1,2,3,4\n8,1,2,3,4\n", 2, BAD},
        {"not finished", "x\n7,1,2,3,4\n8,1,2,3,4", 1, 0},
        {"infinity", "x\n7,1,2,3,4\n8,1,2,3,1e999\n9,1,2,3,4\n", 2, BAD | GAP},
        {"the first line is never trusted", "7,1,2,3,4\n8,1,2,3,4\n", 1, 0},
    };
    struct analog_lab lab;
    four_cells(&lab);
    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        struct driver_session session;
        cr_assert_eq(driver_session_begin(&session, PLAIN, &lab.config), 1);
        feed(&session, row[i].text);
        cr_expect_eq(session.count, row[i].samples, "%s: %zu samples", row[i].legend,
                     session.count);
        cr_expect_eq(session.sample[session.count - 1].quality, row[i].quality, "%s: %u",
                     row[i].legend, session.sample[session.count - 1].quality);
        cr_expect_eq(session.sample[session.count - 1].value[3], 4, "%s", row[i].legend);
        driver_session_end(&session);
    }
}

Test(load_cells, separators_and_checksum)
{
    static const struct {
        const char *separator, *checksum, *text;
        size_t samples;
    } row[] = {
        {"semicolon", "none", "x\n7;1;2;3;4\n", 1}, {"tab", "none", "x\n7\t1\t2\t3\t4\n", 1},
        {"space", "none", "x\n7  1 2 3   4\n", 1},  {"comma", "none", "x\n7;1;2;3;4\n", 0},
        {"space", "none", "x\n7 1 2 3-4\n", 0},     {"comma", "xor", "x\n7,1,2,3,4*33\n", 1},
        {"comma", "xor", "x\n7,1,2,3,4*32\r\n", 0}, {"comma", "xor", "x\n7,1,2,3,4\n", 0},
        {"comma", "xor", "x\n7,1,2,3,4*3\n", 0},    {"comma", "xor", "x\n*00\n", 0},
    };
    /* 7 ^ , ^ 1 ^ , ^ 2 ^ , ^ 3 ^ , ^ 4 = 0x37 ^ 0x31 ^ 0x32 ^ 0x33 ^ 0x34 = 0x33 */
    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        struct analog_lab lab;
        struct driver_session session;
        four_cells(&lab);
        analog_lab_option(&lab, "separator", row[i].separator);
        analog_lab_option(&lab, "checksum", row[i].checksum);
        cr_assert_eq(driver_session_begin(&session, PLAIN, &lab.config), 1);
        feed(&session, row[i].text);
        cr_expect_eq(session.count, row[i].samples, "row %zu", i);
        driver_session_end(&session);
    }
}

static void expect_fault(const struct kl_driver *driver, struct analog_lab *lab, const char *word)
{
    struct driver_session session;
    cr_expect_eq(driver_session_begin(&session, driver, &lab->config), KL_ERR_RANGE, "%s", word);
    cr_expect_not_null(strstr(session.fault.text, word), "'%s' does not say '%s'",
                       session.fault.text, word);
    driver_session_end(&session);
}

Test(load_cells, impossible_labs_are_refused_in_words)
{
    struct analog_lab lab;
    four_cells(&lab);
    expect_fault(TIMED, &lab, "time_column is missing");
    analog_lab_option(&lab, "time_column", "5");
    expect_fault(PLAIN, &lab, "unknown option \"time_column\"");
    lab.option[1] = (struct kl_device_option){"columns", "4"};
    expect_fault(PLAIN, &lab, "column 4; a line has columns 0 to 3");
    lab.option[1] = (struct kl_device_option){"separator", "|"};
    expect_fault(PLAIN, &lab, "allowed are comma, semicolon, tab, space");
    lab.option[1] = (struct kl_device_option){"time_column", "0"};
    expect_fault(TIMED, &lab, "two different columns");
    lab.config.option_count = 1;
    lab.input[0][0] = 0;
    expect_fault(PLAIN, &lab, "column 0");
    lab.input[0][0] = 1;
    lab.config.rate_hz = 0.1;
    expect_fault(PLAIN, &lab, "rate 0.1 Hz");
    lab.config.stream_count = 0;
    expect_fault(PLAIN, &lab, "0 streams");
}

/* ---------------------------------------------------------------- against the emulator */

struct bench {
    struct analog_lab lab;
    struct driver_session session;
    struct emulate_load_cells device;
    struct emulator_link link;
    const struct kl_driver *driver;
};

static void board(struct bench *bench, const struct kl_driver *driver, double rate_hz)
{
    memset(bench, 0, sizeof(*bench));
    bench->driver = driver;
    bench->device.rate_hz = rate_hz;
    analog_lab_init(&bench->lab, rate_hz);
    analog_lab_stream(&bench->lab, "plate.belt", KL_KIND_FORCE, (const unsigned[]){5, 4, 3, 2}, 4);
    analog_lab_option(&bench->lab, "counter_column", "0");
    if (driver == TIMED) {
        analog_lab_option(&bench->lab, "time_column", "1");
    }
}

static int begin(struct bench *bench)
{
    emulator_link_init(&bench->link, &emulate_load_cells_ops, &bench->device, bench->driver->need);
    cr_assert_eq(driver_session_begin(&bench->session, bench->driver, &bench->lab.config), 1, "%s",
                 bench->session.fault.text);
    return bench->driver->start(bench->session.state, &bench->link.link, &bench->session.fault);
}

/* Lines the first sample and the last stand for, by their values; gaps in between. */
static void check_values(const struct bench *bench, size_t *gaps, size_t *bad)
{
    uint64_t line = 0;
    *gaps = *bad = 0;
    for (size_t i = 0; i < bench->session.count; i++) {
        const struct kl_sample *sample = &bench->session.sample[i];
        uint64_t before = line;
        while ((int32_t)sample->value[3] != emulate_load_cells_counts(0, line)) {
            cr_assert_lt(++line, bench->device.line + 1, "sample %zu stands for no line", i);
        }
        for (size_t c = 0; c < 4; c++) {
            cr_assert_eq(sample->value[c], emulate_load_cells_counts(3 - c, line), "line %llu",
                         (unsigned long long)line);
        }
        bool gap = i > 0 && line != before;
        bool reset = line == bench->device.reset_line && line > 0;
        cr_expect_eq((sample->quality & KL_QUALITY_GAP) != 0, gap || reset, "line %llu",
                     (unsigned long long)line);
        *gaps += gap ? 1 : 0;
        *bad += (sample->quality & KL_QUALITY_CHECKSUM) != 0 ? 1 : 0;
        cr_expect_eq((sample->quality & KL_QUALITY_CLIPPED) != 0, line == 100);
        line++;
    }
}

Test(load_cells, five_seconds_are_what_the_board_meant)
{
    static const struct {
        const struct kl_driver *driver;
        double rate_hz;
        bool checksum;
    } row[] = {{PLAIN, 80, false}, {TIMED, 1000, true}};
    for (size_t i = 0; i < 2; i++) {
        struct bench bench;
        size_t gaps, bad;
        board(&bench, row[i].driver, row[i].rate_hz);
        bench.device.checksum = row[i].checksum;
        bench.device.first_us = 4294967296U - 1500000; /* wraps after 1.5 s */
        analog_lab_option(&bench.lab, "checksum", row[i].checksum ? "xor" : "none");
        cr_assert_eq(begin(&bench), KL_OK, "%s", bench.session.fault.text);
        cr_assert_eq(driver_session_read(&bench.session, &bench.link, 5 * KL_NS_PER_S), KL_OK);
        cr_expect_geq((double)bench.session.count, 4.5 * row[i].rate_hz);
        check_values(&bench, &gaps, &bad);
        cr_expect_eq(gaps, 0);
        cr_expect_eq(bad, 0);
        for (size_t k = 1; k < bench.session.count && row[i].driver == TIMED; k++) {
            cr_assert_eq(bench.session.sample[k].device_ns - bench.session.sample[k - 1].device_ns,
                         1000000, "sample %zu: micros() wraps unseen", k);
        }
        cr_expect_eq(row[i].driver->stop(bench.session.state, &bench.link.link), KL_OK);
        driver_session_end(&bench.session);
    }
}

Test(load_cells, faults_cost_the_lines_they_hit)
{
    struct bench bench;
    size_t gaps, bad;
    board(&bench, TIMED, 1000);
    bench.device.checksum = true;
    bench.device.flip_line = 500;
    bench.device.drop_line = 700;
    bench.device.cut_line = 900;
    bench.device.garbage_line = 1100;
    bench.device.reset_line = 2000;
    analog_lab_option(&bench.lab, "checksum", "xor");
    cr_assert_eq(begin(&bench), KL_OK, "%s", bench.session.fault.text);
    cr_assert_eq(driver_session_read(&bench.session, &bench.link, 5 * KL_NS_PER_S), KL_OK);
    check_values(&bench, &gaps, &bad);
    cr_expect_eq(gaps, 3, "flipped, dropped, cut");
    cr_expect_eq(bad, 3, "flipped, cut, garbage");
    driver_session_end(&bench.session);
}

Test(load_cells, device_time_wraps_and_begins_again)
{
    static const struct {
        const char *legend, *text;
        int64_t step_ns; /* from the first sample to the second */
        uint32_t quality;
    } row[] = {
        {"on", "x\n1000,1\n2000,2\n", 1000000, 0},
        {"wrap", "x\n4294967295,1\n999,2\n", 1000000, 0},
        {"late", "x\n1000,1\n5000,2\n", 4000000, KL_QUALITY_GAP},
        {"reset", "x\n3000000,1\n5000,2\n", 5000000 - INT64_C(3000000000), KL_QUALITY_GAP},
    };
    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        struct analog_lab lab;
        struct driver_session session;
        analog_lab_init(&lab, 1000);
        analog_lab_stream(&lab, "plate.belt", KL_KIND_FORCE, (const unsigned[]){1}, 1);
        analog_lab_option(&lab, "time_column", "0");
        cr_assert_eq(driver_session_begin(&session, TIMED, &lab.config), 1);
        feed(&session, row[i].text);
        cr_assert_eq(session.count, 2);
        cr_expect_eq(session.sample[1].device_ns - session.sample[0].device_ns, row[i].step_ns,
                     "%s", row[i].legend);
        cr_expect_eq(session.sample[1].quality, row[i].quality, "%s", row[i].legend);
        driver_session_end(&session);
    }
}

Test(load_cells, what_does_not_fit_is_named)
{
    static const struct {
        const char *legend;
        size_t cells;
        bool silent, noise, gone;
        int status;
        const char *word;
    } row[] = {
        {"wrong columns", 3, false, false, false, KL_ERR_DATA, "lines have 5 columns, expected 6"},
        {"silent", 0, true, false, false, KL_ERR_TIMEOUT, "nothing came within 3 s"},
        {"wrong speed", 0, false, true, false, KL_ERR_DATA, "no line of numbers"},
        {"unplugged", 0, false, false, true, KL_ERR_GONE, "cannot be read"},
    };
    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        struct bench bench;
        board(&bench, PLAIN, 80);
        bench.device.cells = row[i].cells;
        bench.device.silent = row[i].silent;
        bench.device.noise = row[i].noise;
        bench.device.gone = row[i].gone;
        cr_expect_eq(begin(&bench), row[i].status, "%s", row[i].legend);
        cr_expect_not_null(strstr(bench.session.fault.text, row[i].word), "%s: '%s'", row[i].legend,
                           bench.session.fault.text);
        cr_expect_leq(bench.link.now_ns, 4 * KL_NS_PER_S, "bounded");
        driver_session_end(&bench.session);
    }
}

Test(load_cells, chunks_do_not_matter_and_random_faults_cost_two_lines_at_most)
{
    static const size_t chunk[] = {1, 2, 3, 7, 64, 4096};
    static uint8_t bytes[16 * 1024], damaged[16 * 1024 + 32];
    struct bench bench;
    size_t len = 0;
    board(&bench, PLAIN, 1000);
    bench.device.checksum = true;
    analog_lab_option(&bench.lab, "checksum", "xor");
    cr_assert_eq(begin(&bench), KL_OK);
    while (len + 256 < sizeof(bytes)) {
        int got = bench.link.link.ops->read(&bench.link.link, bytes + len, 256, 1000000);
        cr_assert_geq(got, 0);
        len += (size_t)got;
    }
    driver_session_end(&bench.session);
    struct driver_session whole, other;
    cr_assert_eq(driver_session_begin(&whole, PLAIN, &bench.lab.config), 1);
    driver_session_feed(&whole, bytes, len, len);
    cr_assert_gt(whole.count, 200);
    for (size_t i = 0; i < sizeof(chunk) / sizeof(chunk[0]); i++) {
        cr_assert_eq(driver_session_begin(&other, PLAIN, &bench.lab.config), 1);
        driver_session_feed(&other, bytes, len, chunk[i]);
        cr_expect(driver_session_equal(&whole, &other), "chunks of %zu", chunk[i]);
        driver_session_end(&other);
    }
    uint64_t random = 7;
    for (int run = 0; run < 1500; run++) {
        size_t damaged_len = damage_once(bytes, len, &random, damaged);
        cr_assert_eq(driver_session_begin(&other, PLAIN, &bench.lab.config), 1);
        driver_session_feed(&other, damaged, damaged_len, 512);
        /* two: a line end that is gone joins two lines */
        cr_expect(other.count + 2 >= whole.count && other.count <= whole.count + 1, "run %d: %zu",
                  run, other.count);
        driver_session_end(&other);
    }
    driver_session_end(&whole);
}
