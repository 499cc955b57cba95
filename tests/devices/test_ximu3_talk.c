/* The conversation with an x-IMU3, against a script and against an emulated device. */
#include "decoding.h"
#include "devices/drivers.h"
#include "emulate_ximu3.h"
#include "emulated_link.h"
#include "scripted_link.h"

#include <criterion/criterion.h>

#include <math.h>
#include <string.h>

static const struct kl_device_option with_everything[] = {
    {"magnetometer", "yes"}, {"battery", "yes"}, {"high_g_hz", "200"}};
static const struct kl_device_config everything = {.name = "ximu",
                                                   .placement = "shank.right",
                                                   .rate_hz = 200,
                                                   .option_count = 3,
                                                   .option = with_everything};
static const struct kl_device_option no_orientation[] = {{"orientation", "no"}};
static const struct kl_device_config plain = {.name = "ximu",
                                              .placement = "shank.right",
                                              .rate_hz = 400,
                                              .option_count = 1,
                                              .option = no_orientation};
static const struct kl_device_config usual = {.name = "ximu", .placement = "shank.right"};

enum { INERTIAL = 0, ORIENTATION, MAGNETOMETER, HIGH_G, BATTERY, STREAMS };

#define SECOND INT64_C(1000000000)
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define SAYS(text) text, sizeof(text) - 1
#define NOTHING NULL, 0

#define I1 "\xc9\x40\x42\x0f\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x80\x3f\x0a"
#define PONG "{\"ping\":{\"interface\":\"USB\",\"name\":\"x-IMU3\",\"sn\":\"01234567\"}}\n"

static struct decoding run;
static struct emulate_ximu3 ximu;
static struct emulated_link line;
static struct kl_fault fault;

Test(ximu3_talk, sets_what_differs_checks_it_and_puts_it_back)
{
    static const struct scripted_row row[] = {
        {SAYS("{\"ping\":null}\n"), SAYS("\0\0\x80\x3f\x0a" I1 PONG I1)},
        {SAYS("{\"binary_mode_enabled\":null}\n"), SAYS(I1 "{\"binary_mode_enabled\":true}\n")},
        {SAYS("{\"inertial_message_rate_divisor\":null}\n"),
         SAYS("{\"inertial_message_rate_divisor\":8}\n" I1)},
        {SAYS("{\"inertial_message_rate_divisor\":1}\n"),
         SAYS("{\"inertial_message_rate_divisor\":1}\n")},
        {SAYS("{\"apply\":null}\n"), SAYS(I1 I1 "{\"apply\":null}\n")},
        {SAYS("{\"binary_mode_enabled\":null}\n"), SAYS("{\"binary_mode_enabled\":true}\n")},
        {SAYS("{\"inertial_message_rate_divisor\":null}\n"),
         SAYS("{\"inertial_message_rate_divisor\":1}\n")},
        {NOTHING, SAYS(I1 I1)},
        {SAYS("{\"inertial_message_rate_divisor\":8}\n"),
         SAYS(I1 "{\"inertial_message_rate_divisor\":8}\n")},
        {SAYS("{\"apply\":null}\n"), SAYS("{\"apply\":null}\n")},
    };
    static const size_t chunk[] = {SIZE_MAX, 1};
    for (size_t k = 0; k < COUNT(chunk); k++) {
        static struct scripted_link link;
        scripted_link_init(&link, row, COUNT(row));
        link.chunk = chunk[k];
        decoding_init(&run, &kl_ximu3_driver, &plain);
        cr_assert_eq(kl_ximu3_driver.start(run.state, &link.link, &fault), KL_OK, "%s (row %zu)",
                     fault.text, link.next);
        cr_expect_eq(link.out_len, sizeof(I1) - 1, "the second message is left to the stream");
        link.out_len = 0;
        cr_expect_eq(kl_ximu3_driver.stop(run.state, &link.link), KL_OK);
        cr_expect_eq(link.next, COUNT(row), "row %zu, got %.*s", link.next, (int)link.got_len,
                     (const char *)link.got);
        cr_expect_not(link.wrong);
    }
}

Test(ximu3_talk, names_what_went_wrong)
{
    static const struct scripted_row silent[] = {{SAYS("{\"ping\":null}\n"), NOTHING}};
    static const struct scripted_row refuses[] = {
        {SAYS("{\"ping\":null}\n"), SAYS(PONG)},
        {SAYS("{\"binary_mode_enabled\":null}\n"),
         SAYS("{\"binary_mode_enabled\":{\"error\":\"Unknown command\"}}\n")},
    };
    static const struct {
        const char *legend;
        const struct scripted_row *row;
        size_t count;
        int write_status, status;
        const char *word[3];
    } row[] = {
        {"silence", silent, 1, 0, KL_ERR_TIMEOUT, {"ping", "nothing came", "cable"}},
        {"refusal",
         refuses,
         2,
         0,
         KL_ERR_RANGE,
         {"binary_mode_enabled", "Unknown command", "firm"}},
        {"gone", silent, 1, KL_ERR_GONE, KL_ERR_GONE, {"ximu", "ping", ""}},
    };
    for (size_t r = 0; r < COUNT(row); r++) {
        static struct scripted_link link;
        scripted_link_init(&link, row[r].row, row[r].count);
        link.write_status = row[r].write_status;
        decoding_init(&run, &kl_ximu3_driver, &plain);
        fault.text[0] = '\0';
        int status = kl_ximu3_driver.start(run.state, &link.link, &fault);
        cr_expect_eq(status, row[r].status, "row %zu (%s): %d", r, row[r].legend, status);
        for (size_t i = 0; i < 3; i++) {
            cr_expect_not_null(strstr(fault.text, row[r].word[i]), "row %zu (%s): %s", r,
                               row[r].legend, fault.text);
        }
        cr_expect_lt(link.waited_ns, 3 * SECOND, "row %zu: a wait must end", r);
    }
}

/* ----------------------------------------------------------------- emulated */

static int start_emulated(const struct kl_device_config *config, size_t chunk)
{
    decoding_init(&run, &kl_ximu3_driver, config);
    emulated_link_init(&line, &ximu.emulator, 0, chunk);
    line.now_ns = SECOND / 50; /* it streamed before we came */
    fault.text[0] = '\0';
    return kl_ximu3_driver.start(run.state, &line.link, &fault);
}

/* Samples of a stream, in order. @return how many */
static size_t of_stream(size_t stream, const struct kl_sample **out, size_t cap)
{
    size_t count = 0;
    for (size_t i = 0; i < run.count && count < cap; i++) {
        if (run.sample[i].stream == stream) {
            out[count++] = &run.sample[i];
        }
    }
    return count;
}

/* Values of the last message of a letter fix the numbers of all before it. */
static void expect_values(size_t stream, char letter, unsigned k, int64_t period_ns)
{
    static const struct kl_sample *sample[DECODING_SAMPLES_MAX];
    size_t count = of_stream(stream, sample, DECODING_SAMPLES_MAX);
    unsigned first = emulate_ximu3_channel(letter);
    const double rad = 3.14159265358979323846 / 180;
    for (size_t i = 0; i < count; i++) {
        /* the next message of the letter stands at due_ns */
        int64_t since = (ximu.due_ns[k] / 1000 * 1000 - sample[i]->device_ns + period_ns / 2);
        uint64_t index = ximu.next[k] - (uint64_t)(since / period_ns);
        for (unsigned c = 0; c < run.stream[stream].channel_count; c++) {
            double expected = 0;
            if (letter == 'I') {
                expected = c < 3 ? 9.80665 * (double)emulator_value(index, first + 3 + c)
                                 : rad * (double)emulator_value(index, first + c - 3);
            } else {
                expected = (letter == 'H' ? 9.80665 : 1) * (double)emulator_value(index, first + c);
            }
            cr_assert_float_eq(sample[i]->value[c], expected, 1e-15 + 1e-12 * fabs(expected),
                               "%c %zu channel %u: %g, not %g", letter, i, c, sample[i]->value[c],
                               expected);
        }
    }
}

static void expect_everything(void)
{
    expect_values(INERTIAL, 'I', 0, 5000000);
    expect_values(ORIENTATION, 'Q', 1, 5000000);
    expect_values(MAGNETOMETER, 'M', 2, 50000000);
    expect_values(HIGH_G, 'H', 3, 5000000);
    expect_values(BATTERY, 'B', 4, 200000000);
}

Test(ximu3_talk, five_seconds_are_what_the_device_meant)
{
    static const size_t chunk[] = {1, 7, 64, SIZE_MAX};
    static const size_t expected[STREAMS] = {1000, 1000, 100, 1000, 25};
    for (size_t k = 0; k < COUNT(chunk); k++) {
        emulate_ximu3_init(&ximu);
        ximu.emulator.drift_ppm = 100;
        cr_assert_eq(start_emulated(&everything, chunk[k]), KL_OK, "%s", fault.text);
        emulated_link_stream(&line, &run, 5 * SECOND);
        for (size_t s = 0; s < STREAMS; s++) {
            static const struct kl_sample *sample[DECODING_SAMPLES_MAX];
            size_t count = of_stream(s, sample, DECODING_SAMPLES_MAX);
            /* a read more, and what stood in the line when it began */
            cr_expect(count + 3 >= expected[s] && count <= expected[s] + 12, "stream %zu: %zu", s,
                      count);
            for (size_t i = 0; i < count; i++) {
                cr_expect_eq(sample[i]->quality, 0, "stream %zu sample %zu: %x", s, i,
                             sample[i]->quality);
            }
        }
        expect_everything();
        cr_expect_leq(run.framing.bad, 1, "at most the message in which it began");
        cr_expect_eq(kl_ximu3_driver.stop(run.state, &line.link), KL_OK);
        cr_expect_str_eq(emulate_ximu3_setting(&ximu, "inertial_message_rate_divisor"), "8");
        cr_expect_str_eq(emulate_ximu3_setting(&ximu, "ahrs_message_rate_divisor"), "8");
        cr_expect_str_eq(emulate_ximu3_setting(&ximu, "high_g_accelerometer_message_rate_divisor"),
                         "64");
        cr_expect_eq(ximu.saves, 0);
    }
}

Test(ximu3_talk, starts_a_unit_that_speaks_text)
{
    emulate_ximu3_init(&ximu);
    (void)strcpy(ximu.setting[0].value, "false");
    (void)strcpy(ximu.setting[0].written, "false");
    cr_assert_eq(start_emulated(&usual, SIZE_MAX), KL_OK, "%s", fault.text);
    emulated_link_stream(&line, &run, SECOND);
    cr_expect_gt(run.count, 390, "two letters at 200 Hz");
    cr_expect_eq(kl_ximu3_driver.stop(run.state, &line.link), KL_OK);
    cr_expect_str_eq(emulate_ximu3_setting(&ximu, "binary_mode_enabled"), "false");
}

Test(ximu3_talk, every_fault_costs_what_it_must_and_is_told)
{
    static const struct {
        const char *legend;
        enum emulator_fault fault;
        unsigned count, lost;
        uint32_t quality; /* of the sample after it */
        bool skipped;
    } row[] = {
        {"a dropped message", EMULATOR_DROPPED_FRAME, 1, 1, KL_QUALITY_GAP, 0},
        {"dropped messages", EMULATOR_DROPPED_FRAME, 100, 100, KL_QUALITY_GAP, 0},
        {"garbage", EMULATOR_GARBAGE, 1, 0, KL_QUALITY_CHECKSUM, 1},
        {"a stall of a second", EMULATOR_STALL, 1, 0, 0, 0},
    };
    for (size_t r = 0; r < COUNT(row); r++) {
        emulate_ximu3_init(&ximu);
        for (size_t i = 3; i < 7; i++) { /* inertial messages only */
            (void)strcpy(ximu.setting[i].value, "0");
            (void)strcpy(ximu.setting[i].written, "0");
        }
        cr_assert_eq(start_emulated(&plain, SIZE_MAX), KL_OK, "%s", fault.text);
        uint64_t first = ximu.emulator.data;
        ximu.emulator.fault = row[r].fault;
        ximu.emulator.fault_at = first + 100;
        ximu.emulator.fault_count = row[r].count;
        ximu.emulator.stall_ns = SECOND;
        emulated_link_stream(&line, &run, 3 * SECOND);
        cr_expect_eq(run.count + row[r].lost, ximu.emulator.data - first, "row %zu (%s): %zu", r,
                     row[r].legend, run.count);
        for (size_t i = 0; i < run.count; i++) {
            cr_expect_eq(run.sample[i].quality, i == 100 ? row[r].quality : 0,
                         "row %zu (%s) sample %zu: %x", r, row[r].legend, i, run.sample[i].quality);
        }
        cr_expect_eq(run.framing.skipped > 0, row[r].skipped, "row %zu (%s)", r, row[r].legend);
        expect_values(INERTIAL, 'I', 0, 2500000);
    }
}

Test(ximu3_talk, survives_lost_and_wrong_answers)
{
    static const struct {
        const char *legend;
        enum emulator_fault fault;
        unsigned at, count;
        int status;
    } row[] = {
        {"ping unheard", EMULATOR_NO_ANSWER, 0, 4, KL_OK},
        {"setting unheard", EMULATOR_NO_ANSWER, 3, 2, KL_OK},
        {"apply unheard", EMULATOR_NO_ANSWER, 7, 2, KL_OK},
        {"refused setting", EMULATOR_WRONG_ANSWER, 3, 1, KL_ERR_RANGE},
        {"refused apply", EMULATOR_WRONG_ANSWER, 7, 1, KL_ERR_RANGE},
        {"mute for ever", EMULATOR_NO_ANSWER, 0, 10000, KL_ERR_TIMEOUT},
        {"mute later", EMULATOR_NO_ANSWER, 5, 3, KL_ERR_TIMEOUT},
    };
    for (size_t r = 0; r < COUNT(row); r++) {
        emulate_ximu3_init(&ximu);
        ximu.emulator.fault = row[r].fault;
        ximu.emulator.fault_at = row[r].at;
        ximu.emulator.fault_count = row[r].count;
        int status = start_emulated(&usual, SIZE_MAX);
        cr_expect_eq(status, row[r].status, "row %zu (%s): %s", r, row[r].legend, fault.text);
        cr_expect_lt(line.now_ns, 8 * SECOND, "row %zu (%s)", r, row[r].legend);
        if (status != KL_OK) {
            cr_expect_str_eq(emulate_ximu3_setting(&ximu, "inertial_message_rate_divisor"), "8",
                             "row %zu (%s): put back", r, row[r].legend);
            cr_expect_str_eq(ximu.setting[1].written, "8", "row %zu (%s)", r, row[r].legend);
        }
    }
}

Test(ximu3_talk, says_when_the_unit_or_its_line_cannot)
{
    static const struct {
        const char *legend, *interface;
        bool mute, deaf;
        unsigned rate_hz;
        int status;
        const char *word;
    } row[] = {
        {"USB", "USB", false, false, 400, KL_OK, ""},
        {"UART, slow enough", "Serial", false, false, 100, KL_OK, ""},
        {"UART, too fast", "Serial", false, false, 400, KL_ERR_RANGE, "115200"},
        {"no data here", "USB", true, false, 200, KL_ERR_TIMEOUT, "usb_data_messages_enabled"},
        {"echoes and forgets", "USB", false, true, 200, KL_ERR_DATA, "inertial_message"},
    };
    for (size_t r = 0; r < COUNT(row); r++) {
        struct kl_device_config config = usual;
        config.rate_hz = row[r].rate_hz;
        emulate_ximu3_init(&ximu);
        ximu.interface = row[r].interface;
        ximu.mute = row[r].mute;
        ximu.deaf_setting = row[r].deaf;
        int status = start_emulated(&config, SIZE_MAX);
        cr_expect_eq(status, row[r].status, "row %zu (%s): %s", r, row[r].legend, fault.text);
        cr_expect_not_null(strstr(fault.text, row[r].word), "row %zu (%s): %s", r, row[r].legend,
                           fault.text);
    }
}

Test(ximu3_talk, identifies_a_unit_by_its_ping)
{
    char text[80] = "";
    emulate_ximu3_init(&ximu);
    emulated_link_init(&line, &ximu.emulator, 0, SIZE_MAX);
    line.now_ns = SECOND;
    cr_expect_eq(kl_ximu3_driver.identify(&line.link, text, sizeof(text)), KL_OK);
    cr_expect_str_eq(text, "x-IMU3, serial 01234567, over USB");
    cr_expect_eq(ximu.emulator.commands, 1);
    ximu.emulator.fault = EMULATOR_NO_ANSWER;
    ximu.emulator.fault_count = UINT64_MAX;
    cr_expect_eq(kl_ximu3_driver.identify(&line.link, text, sizeof(text)), KL_ERR_TIMEOUT);
}
