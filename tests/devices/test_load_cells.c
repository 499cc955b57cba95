#include "devices/drivers.h"
#include "driver_run.h"
#include "emulate_load_cells.h"

#include <criterion/criterion.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define PLAIN (&kl_load_cells_driver)
#define TIMED (&kl_load_cells_timed_driver)

/* The page's line: counter, c1..c4. */
static void four_cells(struct lab *lab)
{
    lab_init(lab, "", 80);
    lab_inputs(lab, "plate.belt", KL_KIND_FORCE, (const unsigned[]){1, 2, 3, 4}, 4);
    lab_option(lab, "counter_column", "0");
}

static void feed(struct driver_run *session, const char *text)
{
    run_feed(session, text, strlen(text), 5);
}

Test(load_cells, the_line_of_the_page_decodes)
{
    struct lab lab;
    struct driver_run session = {0};
    four_cells(&lab);
    cr_assert_eq(run_configure(&session, PLAIN, &lab.config), 1, "%s", session.fault.text);
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
    run_release(&session);
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
    struct lab lab;
    four_cells(&lab);
    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        struct driver_run session = {0};
        cr_assert_eq(run_configure(&session, PLAIN, &lab.config), 1);
        feed(&session, row[i].text);
        cr_expect_eq(session.count, row[i].samples, "%s: %zu samples", row[i].legend,
                     session.count);
        cr_expect_eq(session.sample[session.count - 1].quality, row[i].quality, "%s: %u",
                     row[i].legend, session.sample[session.count - 1].quality);
        cr_expect_eq(session.sample[session.count - 1].value[3], 4, "%s", row[i].legend);
        run_release(&session);
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
        struct lab lab;
        struct driver_run session = {0};
        four_cells(&lab);
        lab_option(&lab, "separator", row[i].separator);
        lab_option(&lab, "checksum", row[i].checksum);
        cr_assert_eq(run_configure(&session, PLAIN, &lab.config), 1);
        feed(&session, row[i].text);
        cr_expect_eq(session.count, row[i].samples, "row %zu", i);
        run_release(&session);
    }
}

static void expect_fault(const struct kl_driver *driver, struct lab *lab, const char *word)
{
    struct driver_run session = {0};
    cr_expect_eq(run_configure(&session, driver, &lab->config), KL_ERR_RANGE, "%s", word);
    cr_expect_not_null(strstr(session.fault.text, word), "'%s' does not say '%s'",
                       session.fault.text, word);
    run_release(&session);
}

Test(load_cells, impossible_labs_are_refused_in_words)
{
    struct lab lab;
    four_cells(&lab);
    expect_fault(TIMED, &lab, "time_column is missing");
    lab_option(&lab, "time_column", "5");
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
        struct lab lab;
        struct driver_run session = {0};
        lab_init(&lab, "", 1000);
        lab_inputs(&lab, "plate.belt", KL_KIND_FORCE, (const unsigned[]){1}, 1);
        lab_option(&lab, "time_column", "0");
        cr_assert_eq(run_configure(&session, TIMED, &lab.config), 1);
        feed(&session, row[i].text);
        cr_assert_eq(session.count, 2);
        cr_expect_eq(session.sample[1].device_ns - session.sample[0].device_ns, row[i].step_ns,
                     "%s", row[i].legend);
        cr_expect_eq(session.sample[1].quality, row[i].quality, "%s", row[i].legend);
        run_release(&session);
    }
}

/* ---------------------------------------------------------------- against the emulated board */

static struct emulate_load_cells board;
static struct emulator_link line;

/* The board at 1000 lines a second. @return what start says */
static int begin(struct driver_run *run, struct lab *lab)
{
    lab_init(lab, "", 1000);
    lab_inputs(lab, "plate.belt", KL_KIND_FORCE, (const unsigned[]){2, 3, 4, 5}, 4);
    lab_option(lab, "counter_column", "0");
    lab_option(lab, "checksum", board.checksum ? "xor" : "none");
    lab_option(lab, "columns", "6");
    emulator_link_init(&line, &emulator_ops, &board, PLAIN->need);
    cr_assert_eq(run_configure(run, PLAIN, &lab->config), 1, "%s", run->fault.text);
    return run_start(run, &line.link);
}

static size_t noise(struct emulator *self, uint64_t index, uint8_t out[EMULATOR_FRAME_MAX])
{
    (void)self;
    memset(out, 0xf0 | (int)(index % 7), 40); /* of a port at another speed */
    return 40;
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
        {"silent", 4, true, false, false, KL_ERR_TIMEOUT, "nothing came within 3 s"},
        {"wrong speed", 4, false, true, false, KL_ERR_DATA, "no line of numbers"},
        {"unplugged", 4, false, false, true, KL_ERR_GONE, "cannot be read"},
    };
    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        struct driver_run run = {0};
        struct lab lab;
        emulate_load_cells_init(&board, 1000);
        board.cells = row[i].cells;
        board.emulator.sample = row[i].noise ? noise : board.emulator.sample;
        board.emulator.gone = row[i].gone;
        emulator_stream(&board.emulator, row[i].silent ? 0 : 1000, 0);
        cr_expect_eq(begin(&run, &lab), row[i].status, "%s", row[i].legend);
        cr_expect_not_null(strstr(run.fault.text, row[i].word), "%s: '%s'", row[i].legend,
                           run.fault.text);
        cr_expect_leq(line.now_ns, 4 * KL_NS_PER_S, "%s: bounded", row[i].legend);
        run_release(&run);
    }
}

Test(load_cells, a_random_fault_costs_the_lines_it_hits)
{
    static uint8_t bytes[16 * 1024];
    struct driver_run run = {0};
    struct lab lab;
    size_t len = 0;
    emulate_load_cells_init(&board, 1000);
    board.checksum = true;
    cr_assert_eq(begin(&run, &lab), KL_OK, "%s", run.fault.text);
    while (len + 256 < sizeof(bytes)) {
        int got = line.link.ops->read(&line.link, bytes + len, 256, 1000000);
        cr_assert_geq(got, 0);
        len += (size_t)got;
    }
    run_release(&run);
    struct fault_cost cost =
        run_single_faults(PLAIN, &lab.config, bytes, len, 0, len, FAULT_ANY, 1500);
    cr_expect_leq(cost.worst, 2, "a line end that is gone joins two lines; %zu", cost.worst);
    /* the sum has 8 bits: up to 19 random bytes in a line pass it once in 256, if they are digits
     */
    cr_expect_leq(cost.wrong, 1, "%zu", cost.wrong);
}
