#include "acquire/stage.h"
#include "devices/drivers.h"
#include "devices/ximu3.h"
#include "driver_run.h"
#include "vectors.h"

#include <criterion/criterion.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

static const struct kl_device_option with_everything[] = {
    {"magnetometer", "yes"}, {"battery", "yes"}, {"high_g_hz", "1600"}};
static const struct kl_device_config everything = {.name = "ximu",
                                                   .placement = "shank.right",
                                                   .rate_hz = 400,
                                                   .option_count = 3,
                                                   .option = with_everything};
static const struct kl_device_config usual = {
    .name = "ximu", .placement = "shank.right", .rate_hz = 400};

/* Streams of `everything`. */
enum { INERTIAL = 0, ORIENTATION, MAGNETOMETER, HIGH_G, BATTERY, STREAMS };

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define TEXT(text) (const uint8_t *)(text), sizeof(text) - 1

/* The vectors of the protocol page: the maker's manual, and computed. */
static const struct {
    const char *id, *kind, *hex, *expected;
} page[] = {
    {"I1", "message", "C940420F000000000000000000000000000000000000000000000000000000803F0A",
     "I; t_us=1000000; gyr_deg_s=0 0 0; acc_g=0 0 1"},
    {"I2", "message", "C9DBDCD27BDBDC00000000000048410000F2C10000003F0000003D000080BD00807F3F0A",
     "I; t_us=175886858; gyr_deg_s=12.5 -30.25 0.5; acc_g=0.03125 -0.0625 0.998046875"},
    {"I3", "message", "C9DBDCDBDD01DBDC000000000000C0BF00407A430000003E0000003F000080BE0000803F0A",
     "I; t_us=167893770; gyr_deg_s=-1.5 250.25 0.125; acc_g=0.5 -0.25 1"},
    {"M", "message", "CD40420F00000000000000803F00000000000000000A",
     "M; t_us=1000000; mag_au=1 0 0"},
    {"Q1", "message", "D140420F00000000000000803F0000000000000000000000000A",
     "Q; t_us=1000000; quat_wxyz=1 0 0 0"},
    {"Q2", "message", "D1A025260000000000F304353F0000000000000000F304353F0A",
     "Q; t_us=2500000; quat_wxyz=0.707106769 0 0 0.707106769"},
    {"T", "message", "D440420F00000000000000C8410A", "T; t_us=1000000; temp_c=25"},
    {"B", "message", "C240420F00000000000000C84266668640000000400A",
     "B; t_us=1000000; percent=100 volts=4.19999981 status=2"},
    {"N", "message", "CE40420F0000000000427574746F6E20707265737365642E0A",
     "N; t_us=1000000; text=Button pressed."},
    {"bad_escape", "negative", "C9DB41000A", "reject: bad escape"},
};

/* Where the numbers of an expectation stand in the message. */
static const struct {
    const char *name;
    size_t first;
} field[] = {
    {"gyr_deg_s", 0}, {"acc_g", 3}, {"mag_au", 0}, {"quat_wxyz", 0}, {"temp_c", 0}, {"percent", 0},
};

static void check(const struct vector *vector)
{
    static struct driver_run run;
    cr_assert_gt(run_configure(&run, &kl_ximu3_driver, &everything), 0);
    run_feed(&run, vector->bytes, vector->len, 3);
    run_finish(&run);
    if (strcmp(vector->kind, "negative") == 0) {
        cr_expect_eq(run.framing.frames, 0, "%s", vector->id);
        cr_expect_eq(run.framing.skipped, vector->len, "%s", vector->id);
        return;
    }
    cr_expect_eq(run.framing.frames, 1, "%s", vector->id);
    cr_expect_eq(run.framing.skipped, 0, "%s", vector->id);
    struct kl_ximu3_message message;
    cr_assert_eq(kl_ximu3_message(vector->bytes, vector->len, &message), KL_OK, "%s", vector->id);
    cr_expect_eq(message.letter, vector->expected[0], "%s", vector->id);
    double t_us[1] = {-1};
    cr_assert_eq(vectors_numbers(vector->expected, "t_us", t_us, 1), 1, "%s", vector->id);
    cr_expect_eq(message.t_us, (uint64_t)t_us[0], "%s", vector->id);
    for (size_t i = 0; i < COUNT(field); i++) {
        (void)vectors_agree(vector, field[i].name, message.value + field[i].first);
    }
    bool sample = message.letter != 'N' && message.letter != 'T';
    cr_assert_eq(run.count, sample ? 1U : 0U, "%s", vector->id);
    if (message.letter == 'I') {
        for (size_t i = 0; i < 3; i++) {
            cr_expect_eq(run.sample[0].value[i], 9.80665 * message.value[3 + i]);
            cr_expect_float_eq(run.sample[0].value[3 + i], message.value[i] / 57.29577951308232,
                               1e-12);
        }
    }
    if (sample) {
        cr_expect_eq(run.sample[0].device_ns, (int64_t)message.t_us * 1000);
    }
}

static void of_page(const char *id, struct vector *out)
{
    for (size_t i = 0; i < COUNT(page); i++) {
        if (strcmp(page[i].id, id) == 0) {
            (void)snprintf(out->id, sizeof(out->id), "%s", page[i].id);
            (void)snprintf(out->kind, sizeof(out->kind), "%s", page[i].kind);
            (void)snprintf(out->expected, sizeof(out->expected), "%s", page[i].expected);
            out->len = hex_bytes(page[i].hex, out->bytes, sizeof(out->bytes));
            return;
        }
    }
    cr_assert_fail("no vector %s", id);
}

Test(ximu3, decodes_the_vectors_of_the_page)
{
    static struct vector vector;
    for (size_t i = 0; i < COUNT(page); i++) {
        of_page(page[i].id, &vector);
        check(&vector);
    }
}

Test(ximu3, decodes_the_table_of_vectors)
{
    static struct vector row[VECTORS];
    size_t count = vectors_read("ximu3", row, VECTORS);
    for (size_t i = 0; i < count; i++) {
        check(&row[i]);
    }
    if (count == 0) {
        cr_skip_test("skipped: no vectors at " KL_DATA "/../protocols");
    }
    cr_expect_eq(count, 10);
}

Test(ximu3, reads_the_charge_and_the_voltage_of_the_battery)
{
    static struct vector vector;
    static struct driver_run run;
    of_page("B", &vector);
    cr_assert_gt(run_configure(&run, &kl_ximu3_driver, &everything), 0);
    run_feed(&run, vector.bytes, vector.len, 64);
    run_finish(&run);
    cr_assert_eq(run.count, 1);
    cr_expect_eq(run.sample[0].stream, BATTERY);
    cr_expect_eq(run.sample[0].value[0], 100);
    cr_expect_float_eq(run.sample[0].value[1], 4.2, 1e-6); /* float32 */
}

Test(ximu3, reads_text_messages_as_binary_ones)
{
    static const struct {
        const char *legend;
        const uint8_t *text;
        size_t len;
        int status;
        char letter;
        uint64_t t_us;
        size_t count;
        double last;
    } row[] = {
        {"inertial", TEXT("I,1000000,0.0000,0.0000,0.0000,0.0000,0.0000,1.0000\n"), KL_OK, 'I',
         1000000, 6, 1.0},
        {"carriage return", TEXT("I,1000000,0.0000,0.0000,0.0000,0.0000,0.0000,1.0000\r\n"), KL_OK,
         'I', 1000000, 6, 1.0},
        {"a user's line", TEXT("A,1075887198,-0.0458,2.5299,-124.4267\n"), KL_OK, 'A', 1075887198,
         3, -124.4267},
        {"linear acceleration of 2026", TEXT("L,5,1,2,3\n"), KL_OK, 'L', 5, 3, 3},
        {"and before", TEXT("L,5,1,0,0,0,1,2,3\n"), KL_OK, 'L', 5, 7, 3},
        {"notification", TEXT("N,5,Button pressed.\n"), KL_OK, 'N', 5, 0, 0},
        {"an unknown letter", TEXT("X,5,1,2\n"), KL_OK, 'X', 5, 0, 0},
        {"a number short", TEXT("I,1000000,0.0,0.0,0.0,0.0,0.0\n"), KL_ERR_DATA, 0, 0, 0, 0},
        {"a number too many", TEXT("M,1,0.0,0.0,0.0,0.0\n"), KL_ERR_DATA, 0, 0, 0, 0},
        {"not a number", TEXT("M,1,0.0,x,0.0\n"), KL_ERR_DATA, 0, 0, 0, 0},
        {"time beyond any clock", TEXT("M,99999999999999999999,0,0,0\n"), KL_ERR_DATA, 0, 0, 0, 0},
        {"no time", TEXT("M,,0,0,0\n"), KL_ERR_DATA, 0, 0, 0, 0},
        {"no end", TEXT("M,1,0,0,0"), KL_ERR_DATA, 0, 0, 0, 0},
        {"an answer", TEXT("{\"ping\":null}\n"), KL_ERR_UNSUPPORTED, 0, 0, 0, 0},
    };
    for (size_t r = 0; r < COUNT(row); r++) {
        struct kl_ximu3_message message;
        int status = kl_ximu3_message(row[r].text, row[r].len, &message);
        cr_assert_eq(status, row[r].status, "row %zu (%s): %d", r, row[r].legend, status);
        if (status == KL_OK) {
            cr_expect_eq(message.letter, row[r].letter, "row %zu (%s)", r, row[r].legend);
            cr_expect_eq(message.t_us, row[r].t_us, "row %zu (%s)", r, row[r].legend);
            cr_assert_eq(message.count, row[r].count, "row %zu (%s)", r, row[r].legend);
            cr_expect(row[r].count == 0 || message.value[row[r].count - 1] == row[r].last);
        }
    }
}

#define I1 "\xc9\x40\x42\x0f\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x80\x3f\x0a"
#define T1 "\xd4\x40\x42\x0f\0\0\0\0\0\0\0\xc8\x41\x0a"

Test(ximu3, finds_messages_in_any_surroundings)
{
    static const struct {
        const char *legend;
        const uint8_t *bytes;
        size_t len;
        unsigned frames, skipped, samples;
    } row[] = {
        {"good", TEXT(I1), 1, 0, 1},
        {"back to back", TEXT(I1 I1), 2, 0, 2},
        {"the tail of another before it", TEXT("\0\0\x80\x3f\x0a" I1), 1, 5, 1},
        {"truncated", TEXT("\xc9\x40\x42\x0f\0\0\0"), 0, 7, 0},
        {"wrong escape", TEXT("\xc9\xdb\x41\0\x0a" I1), 1, 5, 1},
        {"escape at the end", TEXT("\xc9\x40\x42\xdb\x0a" I1), 1, 5, 1},
        {"wrong length", TEXT("\xc9\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x0a" I1), 1, 22, 1},
        {"end lost: the next is found", TEXT(T1 "\xc9\x40\x42\x0f\0\0\0\0\0\0" I1), 2, 10, 1},
        {"an unknown letter does not hide it", TEXT("\xd8\x40\x42\0\0\0\0\0\0\x01\x02" I1), 1, 11,
         1},
        {"an unknown letter", TEXT("\xd8\x40\x42\0\0\0\0\0\0\x01\x02\x0a" I1), 2, 0, 1},
        {"a notification", TEXT("\xce\x40\x42\x0f\0\0\0\0\0Hi.\x0a"), 1, 0, 0},
        {"AHRS status in text", TEXT("\xd5\x40\x42\x0f\0\0\0\0\0Initialising\x0a"), 1, 0, 0},
        {"AHRS status in numbers",
         TEXT("\xd5\x40\x42\x0f\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x0a"), 1, 0, 0},
        {"no letter", TEXT("\xff\x40\x42\x0f\0\0\0\0\0\x0a"), 0, 10, 0},
        {"of a chained unit", TEXT("^A" I1 I1), 2, 0, 1},
        {"chained twice", TEXT("^A^B{}\x0a"), 1, 2, 0},
        {"an answer", TEXT("{\"apply\":null}\x0a"), 1, 0, 0},
        {"an answer with a carriage return", TEXT("{\"apply\":null}\r\x0a"), 1, 0, 0},
        {"half an answer", TEXT("{\"apply\":nu\x0a" I1), 1, 12, 1},
        {"an empty line", TEXT("\x0a\x0a" I1), 1, 2, 1},
    };
    for (size_t r = 0; r < COUNT(row); r++) {
        static struct driver_run run;
        cr_assert_gt(run_configure(&run, &kl_ximu3_driver, &usual), 0);
        run_feed(&run, row[r].bytes, row[r].len, 1);
        run_finish(&run);
        cr_expect_eq(run.framing.frames, row[r].frames, "row %zu (%s): %llu", r, row[r].legend,
                     (unsigned long long)run.framing.frames);
        cr_expect_eq(run.framing.skipped, row[r].skipped, "row %zu (%s): %llu", r, row[r].legend,
                     (unsigned long long)run.framing.skipped);
        cr_expect_eq(run.count, row[r].samples, "row %zu (%s)", r, row[r].legend);
        run_expect_same_in_chunks(&kl_ximu3_driver, &usual, row[r].bytes, row[r].len);
    }
}

/* ---------------------------------------------------------------- the clock */

static size_t inertial(uint8_t *out, uint64_t t_us, const float number[6])
{
    uint8_t plain[33] = {0xc9};
    size_t len = 0;
    for (size_t i = 0; i < 8; i++) {
        plain[1 + i] = (uint8_t)(t_us >> (8 * i));
    }
    for (size_t i = 0; i < 6; i++) {
        uint32_t bits;
        memcpy(&bits, &number[i], sizeof(bits));
        for (size_t b = 0; b < 4; b++) {
            plain[9 + 4 * i + b] = (uint8_t)(bits >> (8 * b));
        }
    }
    for (size_t i = 0; i < sizeof(plain); i++) {
        if (plain[i] == 0x0a || plain[i] == 0xdb) {
            out[len++] = 0xdb;
            out[len++] = plain[i] == 0x0a ? 0xdc : 0xdd;
        } else {
            out[len++] = plain[i];
        }
    }
    out[len++] = 0x0a;
    return len;
}

Test(ximu3, tells_restarts_gaps_and_clipping)
{
    static const struct {
        const char *legend;
        uint64_t t_us;
        float gyro, acceleration;
        uint32_t quality;
    } row[] = {
        {"next", 1002500, 1, 1, 0},
        {"next, 0.3 % slow", 1002508, 1, 1, 0},
        {"one lost", 1005000, 1, 1, KL_QUALITY_GAP},
        {"restart", 2500, 1, 1, KL_QUALITY_GAP | KL_QUALITY_CLOCK},
        {"the same again", 1000000, 1, 1, KL_QUALITY_GAP | KL_QUALITY_CLOCK},
        {"24 g", 1002500, 1, -24, KL_QUALITY_CLIPPED},
        {"23 g", 1002500, 1, 23, 0},
        {"2000 deg/s", 1002500, 2000, 1, KL_QUALITY_CLIPPED},
        {"1950 deg/s", 1002500, -1950, 1, 0},
        {"bytes of ten", 168430090 /* 0x0A0A0A0A */, 1, 1, KL_QUALITY_GAP},
    };
    for (size_t r = 0; r < COUNT(row); r++) {
        static struct driver_run run;
        uint8_t bytes[160];
        const float first[6] = {1, 1, 1, 1, 1, 1};
        const float second[6] = {1, row[r].gyro, 1, 1, 1, row[r].acceleration};
        size_t len = inertial(bytes, 1000000, first);
        len += inertial(bytes + len, row[r].t_us, second);
        cr_assert_gt(run_configure(&run, &kl_ximu3_driver, &usual), 0);
        run_feed(&run, bytes, len, 64);
        run_finish(&run);
        cr_assert_eq(run.count, 2, "row %zu (%s)", r, row[r].legend);
        cr_expect_eq(run.sample[0].quality, 0);
        cr_expect_eq(run.sample[1].quality, row[r].quality, "row %zu (%s): %x", r, row[r].legend,
                     run.sample[1].quality);
        cr_expect_eq(run.sample[1].device_ns, (int64_t)row[r].t_us * 1000);
        cr_expect_eq(run.sample[1].value[2], 9.80665 * (double)row[r].acceleration);
    }
}

/* Without a checksum a flipped bit is not seen, unless it breaks the form; it costs its message. */
/* The rule of acquire/driver.h, for all drivers: they pass on, the hub's stage marks. */
Test(ximu3, passes_on_what_is_no_number_and_the_stage_marks_it)
{
    static struct driver_run run;
    struct kl_stage stage;
    uint8_t bytes[160];
    const float values[6] = {1, NAN, 1, 1, 1, INFINITY};
    size_t len = inertial(bytes, 1000000, values);
    cr_assert_gt(run_configure(&run, &kl_ximu3_driver, &usual), 0);
    run_feed(&run, bytes, len, 64);
    run_finish(&run);
    cr_assert_eq(run.count, 1);
    cr_expect(isnan(run.sample[0].value[4]) && isinf(run.sample[0].value[2]));
    cr_expect_eq(run.sample[0].quality & KL_QUALITY_INVALID, 0);
    cr_assert_eq(kl_stage_init(&stage, &run.stream[0]), KL_OK);
    (void)kl_stage_put(&stage, 1, run.sample[0].quality, 0, run.sample[0].value);
    cr_expect(stage.quality[0] & KL_QUALITY_INVALID);
    cr_expect(isfinite(stage.value[0]));
    kl_stage_release(&stage);
}

Test(ximu3, loses_the_damaged_message_to_a_single_fault)
{
    static uint8_t bytes[300 * 70];
    size_t len = 0;
    for (unsigned i = 0; i < 300; i++) {
        float number[6];
        for (unsigned c = 0; c < 6; c++) {
            number[c] = (float)(20 * sin(0.05 * i + c));
        }
        len += inertial(bytes + len, 10000000 + i * UINT64_C(2500), number);
    }
    static const unsigned kind[] = {1, 2, 4};
    for (size_t k = 0; k < COUNT(kind); k++) {
        struct fault_cost found =
            run_single_faults(&kl_ximu3_driver, &usual, bytes, len, 0, len, kind[k], 1000);
        /* A lost end may leave the bytes "^A" before the next message: that of a chained unit. */
        cr_expect_leq(found.worst, 2, "kind %u: %zu", kind[k], found.worst);
        cr_expect_leq(found.more, 1, "kind %u: %zu", kind[k], found.more);
        if (kind[k] == 1) { /* a byte removed breaks the length, unless it was half an escape */
            cr_expect_leq(found.wrong, 10, "%zu", found.wrong);
        }
    }
    run_expect_same_in_chunks(&kl_ximu3_driver, &usual, bytes, len);
}

/* --------------------------------------------------------------------- JSON */

Test(ximu3, builds_commands_of_one_key)
{
    static const struct {
        const char *key, *value, *command;
    } row[] = {
        {"ping", "null", "{\"ping\":null}\n"},
        {"inertial_message_rate_divisor", "1", "{\"inertial_message_rate_divisor\":1}\n"},
        {"binary_mode_enabled", "true", "{\"binary_mode_enabled\":true}\n"},
    };
    for (size_t r = 0; r < COUNT(row); r++) {
        char out[64];
        size_t len = kl_ximu3_command(row[r].key, row[r].value, out, sizeof(out));
        cr_expect_eq(len, strlen(row[r].command));
        cr_expect_str_eq(out, row[r].command);
        cr_expect_eq(kl_ximu3_command(row[r].key, row[r].value, out, len), 0, "no room");
    }
}

Test(ximu3, reads_answers_of_every_form)
{
    static const struct {
        const char *legend, *json, *key;
        int status;
        const char *value;
    } row[] = {
        {"text", "{\"serial_number\":\"01234567\"}\n", "serial_number", KL_OK, "01234567"},
        {"number", "{\"a\":-1.5e3}\n", "a", KL_OK, "-1.5e3"},
        {"word", "{\"a\":true}\n", "a", KL_OK, "true"},
        {"blanks", " { \"a\" : 8 } \n", "a", KL_OK, "8"},
        {"the canonical key", "{\"serial_number\":null}\n", "Serial Number", KL_OK, "null"},
        {"another key", "{\"serial_number\":1}\n", "serial", KL_ERR_UNSUPPORTED, ""},
        {"a longer key", "{\"serial\":1}\n", "serial_number", KL_ERR_UNSUPPORTED, ""},
        {"second member", "{\"b\":[1,\"}\",{\"c\":2}],\"a\":3}\n", "a", KL_OK, "3"},
        {"object", "{\"ping\":{\"interface\":\"USB\"}}\n", "ping", KL_OK,
         "{\"interface\":\"USB\"}"},
        {"refusal", "{\"a\":{\"error\":\"Unable to write read-only setting\"}}\n", "a",
         KL_ERR_RANGE, "Unable to write read-only setting"},
        {"quotes inside", "{\"a\":\"say \\\"x\\\"\"}\n", "a", KL_OK, "say \"x\""},
        {"other letters", "{\"a\":\"\\u00e9t\\u00e9\"}\n", "a", KL_OK, "?t?"},
        {"empty object", "{}\n", "a", KL_ERR_UNSUPPORTED, ""},
        {"no object", "\"a\"\n", "a", KL_ERR_DATA, ""},
        {"no colon", "{\"a\"8}\n", "a", KL_ERR_DATA, ""},
        {"no value", "{\"a\":}\n", "a", KL_ERR_DATA, ""},
        {"no end of text", "{\"a\":\"8}\n", "a", KL_ERR_DATA, ""},
        {"no end of key", "{\"a:8}\n", "a", KL_ERR_DATA, ""},
        {"no end of object", "{\"b\":8", "a", KL_ERR_DATA, ""},
        {"key without quotes", "{a:8}", "a", KL_ERR_DATA, ""},
        {"backslash at the end", "{\"a\":\"\\", "a", KL_ERR_DATA, ""},
        {"half a letter", "{\"a\":\"\\u00", "a", KL_ERR_DATA, ""},
        {"nothing", "", "a", KL_ERR_DATA, ""},
    };
    for (size_t r = 0; r < COUNT(row); r++) {
        char out[KL_XIMU3_TEXT_MAX] = "";
        int status = kl_ximu3_answer((const uint8_t *)row[r].json, strlen(row[r].json), row[r].key,
                                     out, sizeof(out));
        cr_expect_eq(status, row[r].status, "row %zu (%s): %d", r, row[r].legend, status);
        cr_expect_str_eq(out, row[r].value, "row %zu (%s): %s", r, row[r].legend, out);
    }
}

Test(ximu3, cuts_texts_that_are_too_long)
{
    char json[400] = "{\"a\":\"";
    memset(json + 6, 'x', 300);
    memcpy(json + 306, "\"}\n", 4);
    char out[KL_XIMU3_TEXT_MAX];
    cr_expect_eq(kl_ximu3_answer((const uint8_t *)json, strlen(json), "a", out, sizeof(out)),
                 KL_OK);
    cr_expect_eq(strlen(out), sizeof(out) - 1);
}

/* ------------------------------------------------------------- configuration */

Test(ximu3, says_what_the_lab_file_may_say)
{
    static const struct {
        const char *legend, *placement, *key, *value;
        double rate_hz;
        int result;
        const char *word;
    } row[] = {
        {"plain", "shank.right", NULL, NULL, 0, 2, ""},
        {"inertial only", "shank.right", "orientation", "no", 400, 1, ""},
        {"high g", "shank.right", "high_g_hz", "1600", 400, 3, ""},
        {"no placement", "", NULL, NULL, 0, KL_ERR_RANGE, "placement"},
        {"placement too long for a name", "the_very_long_name_of_a_segment.right", "magnetometer",
         "yes", 0, KL_ERR_RANGE, "shank.right"},
        {"unknown key", "pelvis", "speed", "3", 0, KL_ERR_RANGE, "battery, high_g_hz"},
        {"high g between", "pelvis", "high_g_hz", "1000", 0, KL_ERR_RANGE, "1600, 800"},
        {"rate between", "pelvis", NULL, NULL, 150, KL_ERR_RANGE, "100 or 200"},
        {"rate too high", "pelvis", NULL, NULL, 1000, KL_ERR_RANGE, "1 to 400"},
    };
    for (size_t r = 0; r < COUNT(row); r++) {
        uint64_t state[8192 / 8] = {0};
        struct kl_stream stream[STREAMS];
        struct kl_fault fault = {.text = ""};
        const struct kl_device_option option = {row[r].key, row[r].value};
        const struct kl_device_config config = {.name = "left shank sensor",
                                                .placement = row[r].placement,
                                                .rate_hz = row[r].rate_hz,
                                                .option_count = row[r].key != NULL,
                                                .option = &option};
        int result = kl_ximu3_driver.configure(state, &config, stream, STREAMS, &fault);
        cr_expect_eq(result, row[r].result, "row %zu (%s): %s", r, row[r].legend, fault.text);
        cr_expect_not_null(strstr(fault.text, row[r].word), "row %zu (%s): %s", r, row[r].legend,
                           fault.text);
        cr_expect(result > 0 || strstr(fault.text, "left shank sensor") != NULL, "row %zu", r);
    }
}

Test(ximu3, declares_a_stream_for_each_letter)
{
    static struct driver_run run;
    cr_assert_gt(run_configure(&run, &kl_ximu3_driver, &everything), 0);
    static const struct {
        const char *name;
        enum kl_kind kind;
        double rate_hz;
        size_t channels;
        const char *label, *unit;
    } row[STREAMS] = {
        {"imu.shank.right", KL_KIND_IMU, 400, 6, "ax", "m/s^2"},
        {"orientation.shank.right", KL_KIND_OTHER, 400, 4, "qw", "1"},
        {"magnetometer.shank.right", KL_KIND_OTHER, 20, 3, "mx", "1"},
        {"high_g.shank.right", KL_KIND_OTHER, 1600, 3, "ax", "m/s^2"},
        {"battery.shank.right", KL_KIND_OTHER, 5, 2, "charge", "%"},
    };
    cr_assert_eq(run.streams, STREAMS);
    for (size_t s = 0; s < STREAMS; s++) {
        cr_expect_str_eq(run.stream[s].name, row[s].name);
        cr_expect_eq(run.stream[s].kind, row[s].kind);
        cr_expect_eq(run.stream[s].rate_hz, row[s].rate_hz);
        cr_expect_eq(run.stream[s].channel_count, row[s].channels);
        cr_expect_str_eq(run.stream[s].label[0], row[s].label);
        cr_expect_str_eq(run.stream[s].unit[0], row[s].unit);
    }
}
