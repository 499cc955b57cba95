#include "devices/drivers.h"
#include "driver_run.h"
#include "emulate_number_line.h"
#include "scripted_link.h"

#include <criterion/criterion.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

#define G 9.80665
#define DEG (3.14159265358979323846 / 180)

static struct driver_run run; /* too large for the stack; each test is its own process */
static struct lab lab;

static void named(const char *format, const char *columns, double rate_hz)
{
    lab_init(&lab, "shank.right", rate_hz);
    lab_option(&lab, "format", format);
    if (columns != NULL) {
        lab_option(&lab, "columns", columns);
    }
}

static void say(const char *text)
{
    run_feed(&run, (const uint8_t *)text, strlen(text), 5);
}

/* protocols: generic_csv.md, part A (imu_vectors.tsv: generic_csv G1 to G5 are the same lines) */
#define HEADER "$BIMUH,1,7,200,us,ax:m/s2,ay:m/s2,az:m/s2,gx:rad/s,gy:rad/s,gz:rad/s*47\n"
#define LINE_0 "$BIMU,7,0,1000000,0.12,-0.34,9.79,0.001,-0.002,0.003*3A\n"
#define LINE_1 "$BIMU,7,1,1005000,0.11,-0.33,9.80,0.001,-0.001,0.002*3E\n"
#define LINE_END "$BIMU,7,4294967295,4294967295,0,0,9.80665,0,0,0*12\n"
#define MESSAGE "$BIMUE,7,3,fifo overflow*44\n"
#define BAD_SUM "$BIMU,7,1,1005000,0.11,-0.33,9.80,0.001,-0.001,0.002*3F\n"

Test(number_line, decodes_the_bimu_vectors)
{
    named("bimu", NULL, 200);
    cr_assert_eq(run_configure(&run, &kl_number_line_driver, &lab.config), 1, "%s", run.fault.text);
    cr_expect_str_eq(run.stream[0].name, "imu.shank.right");
    cr_expect_str_eq(run.stream[0].label[3], "wx");
    cr_expect_eq(kl_number_line_driver.time_of(run.state), KL_TIME_COUNTER);
    say(LINE_0); /* before the header: units unknown */
    say(HEADER LINE_0 MESSAGE LINE_1 BAD_SUM);
    static const double expected[2][6] = {{0.12, -0.34, 9.79, 0.001, -0.002, 0.003},
                                          {0.11, -0.33, 9.80, 0.001, -0.001, 0.002}};
    cr_assert_eq(run.count, 2);
    for (size_t i = 0; i < 2; i++) {
        for (size_t c = 0; c < 6; c++) {
            cr_expect_eq(run.sample[i].value[c], expected[i][c], "line %zu column %zu", i, c);
        }
        cr_expect_eq(run.sample[i].quality, 0);
        cr_expect_eq(run.sample[i].device_ns, (int64_t)i * 5000000);
    }
    cr_expect_eq(run.framing.bad, 1, "the wrong checksum is counted");
    say(LINE_END);
    cr_assert_eq(run.count, 3);
    cr_expect_eq(run.sample[2].value[2], 9.80665);
    cr_expect(run.sample[2].quality & KL_QUALITY_GAP);
}

Test(number_line, wraps_both_counters_without_a_gap)
{
    named("bimu", NULL, 200);
    cr_assert_gt(run_configure(&run, &kl_number_line_driver, &lab.config), 0);
    say(HEADER LINE_END "$BIMU,7,0,4704,0,0,9.80665,0,0,0*25\n");
    cr_assert_eq(run.count, 2);
    cr_expect_eq(run.sample[1].quality, 0);
    cr_expect_eq(run.sample[1].device_ns, 4705000);
}

Test(number_line, obeys_the_units_of_the_header)
{
    named("bimu", "ax gx mx temp", 200);
    cr_assert_eq(run_configure(&run, &kl_number_line_driver, &lab.config), 1);
    cr_expect_str_eq(run.stream[0].unit[2], "T");
    say("$BIMUH,1,7,200,us,temp:degC,gx:deg/s,ax:g,mx:G*49\n$BIMU,7,0,0,21.5,90,-1,0.5*2E\n");
    cr_assert_eq(run.count, 1);
    cr_expect(near(run.sample[0].value[0], -G) && near(run.sample[0].value[1], 90 * DEG) &&
              near(run.sample[0].value[2], 5e-5) && near(run.sample[0].value[3], 21.5));
}

Test(number_line, decodes_openlog_artemis_lines)
{
    /* generic_csv.md, part B: the constructed example, and the line a user published */
    named("openlog", "aX aY aZ gX gY gZ mX mY mZ", 10);
    cr_assert_eq(run_configure(&run, &kl_number_line_driver, &lab.config), 1, "%s", run.fault.text);
    cr_expect_eq(kl_number_line_driver.time_of(run.state), KL_TIME_ARRIVAL);
    say("rtcDate,rtcTime,aX,aY,aZ,gX,gY,gZ,mX,mY,mZ,imu_degC,output_Hz,\r\n"
        "06/15/2024,13:45:30.25,12.21,-3.42,1001.46,0.15,-0.08,0.04,21.30,-5.25,-38.70,27.31,"
        "99.871,\r\n");
    static const double first[9] = {0.119739, -0.033539, 9.820968, 0.002618, -0.001396,
                                    0.000698, 21.30e-6,  -5.25e-6, -38.70e-6};
    cr_assert_eq(run.count, 1);
    for (size_t c = 0; c < 9; c++) { /* the page prints six decimals */
        cr_expect_float_eq(run.sample[0].value[c], first[c], c < 6 ? 5e-7 : 1e-15, "%zu", c);
    }
    say("aX,aY,aZ,gX,gY,gZ,mX,mY,mZ,imu_degC,humidity_%,degC,gps_Time,gps_Lat,gps_Long,gps_Alt,"
        "gps_AltMSL,gps_SIV,gps_FixType,gps_GroundSpeed,gps_Heading,gps_pDOP,gps_iTOW,output_Hz,\n"
        "933.11,-44.43,-300.29,-0.11,-0.81,-1.34,-48.15,55.35,32.55,29.56,50.78,25.43,"
        "19:04:37.500,375521219,1270743420,55976,37329,0,0,0,0,9999,241496000,1.001,\n");
    cr_assert_eq(run.count, 2);
    const double *v = run.sample[1].value;
    cr_expect_float_eq(sqrt(v[0] * v[0] + v[1] * v[1] + v[2] * v[2]), 0.981 * G, 0.0005 * G);
    say("933.11,-44.43,-300.29,-0.11\n"); /* torn */
    cr_expect_eq(run.count, 2);
}

Test(number_line, finds_losses_by_the_count_old_firmware_prints_without_a_title)
{
    named("openlog", "aX", 10);
    cr_assert_gt(run_configure(&run, &kl_number_line_driver, &lab.config), 0);
    say("aX,output_Hz,\n1,10,5,\n2,10,6,\n3,10,9,\n");
    cr_assert_eq(run.count, 3);
    cr_expect_eq(run.sample[1].quality, 0);
    cr_expect_eq(run.sample[2].quality, KL_QUALITY_GAP);
}

static void plain(const char *time, const char *counter)
{
    lab_init(&lab, "", 100);
    lab_stream(&lab, "plate.left", KL_KIND_OTHER, 2, 3);
    if (time != NULL) {
        lab_option(&lab, "time", time);
        lab_option(&lab, "time_unit", "ms");
    }
    if (counter != NULL) {
        lab_option(&lab, "counter", counter);
    }
}

Test(number_line, reads_plain_lines_with_any_separator)
{
    static const struct {
        const char *legend, *line;
        double a, b;
        size_t samples;
    } table[] = {
        {"commas", "1,10,2.5,-3e2\n", 2.5, -300, 1},
        {"semicolons", "1;10;2.5;-3\r\n", 2.5, -3, 1},
        {"tabs", "1\t10\t2.5\t-3\n", 2.5, -3, 1},
        {"blanks", " 1  10 2.5   -3\n", 2.5, -3, 1},
        {"comma and blank", "1, 10, 2.5, -3\n", 2.5, -3, 1},
        {"names", "n=1 t=10 a:2.5 b=-3\n", 2.5, -3, 1},
        {"text", "Hello, I am ready\n", 0, 0, 0},
        {"empty", "\n\r\n\n", 0, 0, 0},
        {"nan", "1,10,nan,3\n", 0, 0, 0},
        {"inf", "1,10,2,inf\n", 0, 0, 0},
        {"decimal comma", "1;10;2,5;3\n", 0, 0, 0},
        {"too few", "1,10,3\n", 0, 0, 0},
        {"too many", "1,10,3,4,5\n", 0, 0, 0},
        {"damaged number", "1,10,2.%,4\n", 0, 0, 0},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        plain("2", "1");
        lab_option(&lab, "fields", "4");
        cr_assert_eq(run_configure(&run, &kl_number_line_driver, &lab.config), 1, "%s",
                     run.fault.text);
        say("0,0,7,7\n");
        say(table[i].line);
        say("2,20,8,8\n");
        cr_assert_eq(run.count, 2 + table[i].samples, "%s: %zu", table[i].legend, run.count);
        const struct kl_sample *last = &run.sample[run.count - 1];
        cr_expect_eq(last->device_ns, 20000000);
        cr_expect_eq((last->quality & KL_QUALITY_GAP) != 0, table[i].samples == 0, "%s",
                     table[i].legend);
        if (table[i].samples == 1) {
            cr_expect_eq(run.sample[1].value[0], table[i].a, "%s", table[i].legend);
            cr_expect_eq(run.sample[1].value[1], table[i].b, "%s", table[i].legend);
        }
    }
}

Test(number_line, believes_an_undescribed_line_when_three_are_alike)
{
    plain(NULL, NULL);
    lab_option(&lab, "scale", "2 0.5");
    cr_assert_gt(run_configure(&run, &kl_number_line_driver, &lab.config), 0);
    cr_expect_eq(kl_number_line_driver.time_of(run.state), KL_TIME_ARRIVAL);
    say("5,6\n1,2,3,4\n1,2,3,4\n1,2,3,4\n1,2,9,8\n");
    cr_assert_eq(run.count, 2);
    cr_expect(run.sample[1].value[0] == 18 && run.sample[1].value[1] == 4);
}

Test(number_line, drops_a_line_that_is_longer_than_any)
{
    static char line[3000];
    memset(line, '1', sizeof(line) - 1);
    plain(NULL, "1");
    lab_option(&lab, "fields", "4");
    cr_assert_gt(run_configure(&run, &kl_number_line_driver, &lab.config), 0);
    say("1,2,3,4\n");
    say(line);
    say(",2,3,4\n2,2,3,4\n");
    cr_expect_eq(run.count, 2);
    cr_expect_eq(run.framing.bad, 1);
}

Test(number_line, refuses_what_it_cannot_do_in_words)
{
    static const struct {
        const char *key, *value;
        double rate_hz;
        const char *says;
    } table[] = {
        {"time", "2", 100, "time_unit"},          {"time", "0", 100, "1 to 64"},
        {"speed", "2", 100, "unknown option"},    {"scale", "1 2 3", 100, "more numbers"},
        {"scale", "1 x", 100, "scale \"x\""},     {"separator", "|", 100, "comma"},
        {"counter", "1", 0, "rate_hz"},           {"format", "xml", 100, "plain, bimu, openlog"},
        {"columns", "ax", 100, "unknown option"},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        lab_init(&lab, "", table[i].rate_hz);
        lab_stream(&lab, "plate.left", KL_KIND_OTHER, 2, 3);
        lab_option(&lab, table[i].key, table[i].value);
        cr_expect_eq(run_configure(&run, &kl_number_line_driver, &lab.config), KL_ERR_RANGE,
                     "row %zu", i);
        cr_expect_not_null(strstr(run.fault.text, table[i].says), "row %zu: %s", i, run.fault.text);
    }
    named("bimu", "ax zz", 200);
    cr_expect_eq(run_configure(&run, &kl_number_line_driver, &lab.config), KL_ERR_RANGE);
    cr_expect_not_null(strstr(run.fault.text, "\"zz\""), "%s", run.fault.text);
}

Test(number_line, explains_what_is_wrong_with_a_header)
{
    static const struct scripted_row silent[] = {SAYS("?\n", "")};
    static const struct scripted_row stands[] = {
        SAYS("?\n", "$BIMUH,1,7,200,us,ax:m/s2,ay:m/s2,az:m/s2,gx:rad/s,gy:rad/s,gz:rad/s*47\n"),
        SAYS("1\n", "what?\n")};
    static const struct scripted_row other_rate[] = {
        SAYS("?\n", "$BIMUH,1,7,200,us,ax:m/s2,ay:m/s2,az:m/s2,gx:rad/s,gy:rad/s,gz:rad/s*47\n")};
    static const struct scripted_row no_gz[] = {SAYS("?\n", "$BIMUH,1,7,200,us,ax:m/s2*65\n")};
    static const struct {
        const struct scripted_row *row;
        size_t rows;
        double rate_hz;
        int status;
        const char *says;
    } table[] = {
        {silent, 1, 200, KL_ERR_TIMEOUT, "none came"},
        {stands, 2, 200, KL_ERR_TIMEOUT, "no line of data"},
        {other_rate, 1, 100, KL_ERR_RANGE, "rate_hz: 200"},
        {no_gz, 1, 200, KL_ERR_RANGE, "no column ay"},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct scripted_link link;
        struct kl_fault fault;
        named("bimu", NULL, table[i].rate_hz);
        cr_assert_gt(run_configure(&run, &kl_number_line_driver, &lab.config), 0);
        scripted_link_init(&link, table[i].row, table[i].rows);
        cr_expect_eq(kl_number_line_driver.start(run.state, &link.link, &fault), table[i].status,
                     "row %zu", i);
        cr_expect_not_null(strstr(fault.text, table[i].says), "row %zu: %s", i, fault.text);
    }
}

static const enum emulator_fault faults[] = {
    EMULATOR_SOUND,   EMULATOR_BAD_CHECKSUM, EMULATOR_DROPPED_FRAME,
    EMULATOR_GARBAGE, EMULATOR_CUT_FRAME,    EMULATOR_STALL,
};

Test(number_line, streams_five_seconds_of_plain_lines_through_every_fault)
{
    for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
        static struct emulate_number_line device;
        struct emulator_link link;
        struct kl_fault fault;
        emulate_number_line_init(&device, EMULATE_PLAIN, 200);
        emulator_break(&device.emulator, faults[i], 300, 1);
        emulator_link_init(&link, &emulator_ops, &device, kl_number_line_driver.need);
        lab_init(&lab, "", 200);
        lab_option(&lab, "counter", "1");
        lab_option(&lab, "time", "2");
        lab_option(&lab, "time_unit", "us");
        lab_option(&lab, "fields", "8");
        lab_stream(&lab, "numbers", KL_KIND_OTHER, 6, 3);
        cr_assert_gt(run_configure(&run, &kl_number_line_driver, &lab.config), 0);
        cr_assert_eq(kl_number_line_driver.start(run.state, &link.link, &fault), KL_OK);
        cr_expect_eq(run_link(&run, &link.link, &link.now_ns, 5.1), KL_OK);
        size_t lost = i >= 1 && i <= 4;
        cr_expect(run.count + lost >= 1000, "row %zu: %zu", i, run.count);
        size_t wrong = 0;
        for (size_t k = 0; k < run.count; k++) {
            uint64_t n = (uint64_t)(run.sample[k].device_ns + 2500000) / 5000000 + 1;
            for (unsigned c = 0; c < 6; c++) {
                wrong += fabs(run.sample[k].value[c] - emulate_number_line_value(n, c)) > 1e-9;
            }
        }
        /* without a checksum a digit that is missing is another number */
        cr_expect_leq(wrong, i == 4 ? 1 : 0, "row %zu: %zu", i, wrong);
    }
}

Test(number_line, streams_five_seconds_of_openlog)
{
    static struct emulate_number_line device;
    struct emulator_link link;
    struct kl_fault fault;
    emulate_number_line_init(&device, EMULATE_OPENLOG, 50);
    emulator_link_init(&link, &emulator_ops, &device, kl_number_line_driver.need);
    named("openlog", NULL, 50);
    cr_assert_gt(run_configure(&run, &kl_number_line_driver, &lab.config), 0);
    cr_assert_eq(kl_number_line_driver.start(run.state, &link.link, &fault), KL_OK, "%s",
                 fault.text);
    cr_expect_eq(run_link(&run, &link.link, &link.now_ns, 5.1), KL_OK);
    cr_expect_geq(run.count, 250);
    for (size_t k = 0; k < run.count; k++) {
        cr_assert_float_eq(run.sample[k].value[0], emulate_number_line_value(k, 0) * G / 1000,
                           1e-12);
        cr_assert_float_eq(run.sample[k].value[5], emulate_number_line_value(k, 5) * DEG, 1e-12);
        cr_assert_eq(run.sample[k].quality, 0);
    }
    cr_expect_eq(link.written, 0, "a key would open its menu");
}

Test(number_line, does_not_depend_on_how_the_bytes_were_cut)
{
    static struct emulate_number_line device;
    static uint8_t bytes[60000];
    emulate_number_line_init(&device, EMULATE_BIMU, 200);
    emulator_break(&device.emulator, EMULATOR_CUT_FRAME, 120, 3);
    device.emulator.hear(&device.emulator, (const uint8_t *)"?1", 2, 0);
    int len = emulator_take(&device.emulator, bytes, sizeof(bytes), KL_NS_PER_S);
    named("bimu", NULL, 200);
    run_expect_same_in_chunks(&kl_number_line_driver, &lab.config, bytes, (size_t)len);
    struct fault_cost cost = run_single_faults(&kl_number_line_driver, &lab.config, bytes,
                                               (size_t)len, 500, (size_t)len - 200, FAULT_ANY, 600);
    /* a missing line end costs both lines; XOR of 8 bit does not see an exchange of two */
    cr_expect_leq(cost.worst, 2);
    cr_expect_leq(cost.wrong, 2, "%zu", cost.wrong);
}
