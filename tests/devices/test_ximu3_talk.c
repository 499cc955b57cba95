/* The conversation with an x-IMU3, against a script and against an emulated device. */
#include "devices/drivers.h"
#include "driver_run.h"
#include "emulate_ximu3.h"
#include "scripted_link.h"

#include <criterion/criterion.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const struct kl_device_option no_orientation[] = {{"orientation", "no"}};
static const struct kl_device_config plain = {.name = "ximu",
                                              .placement = "shank.right",
                                              .rate_hz = 400,
                                              .option_count = 1,
                                              .option = no_orientation};
static const struct kl_device_config usual = {.name = "ximu", .placement = "shank.right"};

#define SECOND INT64_C(1000000000)
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define I1 "\xc9\x40\x42\x0f\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x80\x3f\x0a"
#define PONG "{\"ping\":{\"interface\":\"USB\",\"name\":\"x-IMU3\",\"sn\":\"01234567\"}}\n"

static struct driver_run run;
static struct emulate_ximu3 ximu;
static struct emulator_link line;
static struct kl_fault fault;

Test(ximu3_talk, sets_what_differs_checks_it_and_puts_it_back)
{
    static const struct scripted_row row[] = {
        SAYS("{\"ping\":null}\n", "\0\0\x80\x3f\x0a" I1 PONG I1),
        SAYS("{\"binary_mode_enabled\":null}\n", I1 "{\"binary_mode_enabled\":true}\n"),
        SAYS("{\"inertial_message_rate_divisor\":null}\n",
             "{\"inertial_message_rate_divisor\":8}\n" I1),
        SAYS("{\"inertial_message_rate_divisor\":1}\n", "{\"inertial_message_rate_divisor\":1}\n"),
        SAYS("{\"apply\":null}\n", I1 I1 "{\"apply\":null}\n"),
        SAYS("{\"binary_mode_enabled\":null}\n", "{\"binary_mode_enabled\":true}\n"),
        SAYS("{\"inertial_message_rate_divisor\":null}\n",
             "{\"inertial_message_rate_divisor\":1}\n"),
        SAYS("", I1 I1),
        SAYS("{\"inertial_message_rate_divisor\":8}\n",
             I1 "{\"inertial_message_rate_divisor\":8}\n"),
        SAYS("{\"apply\":null}\n", "{\"apply\":null}\n"),
    };
    static const size_t chunk[] = {0, 1};
    for (size_t k = 0; k < COUNT(chunk); k++) {
        static struct scripted_link link;
        scripted_link_init(&link, row, COUNT(row));
        link.chunk = chunk[k];
        cr_assert_gt(run_configure(&run, &kl_ximu3_driver, &plain), 0);
        cr_assert_eq(kl_ximu3_driver.start(run.state, &link.link, &fault), KL_OK, "%s (row %zu)",
                     fault.text, link.at);
        cr_expect_eq(link.out_len, sizeof(I1) - 1, "the second message is left to the stream");
        link.out_len = 0;
        cr_expect_eq(kl_ximu3_driver.stop(run.state, &link.link), KL_OK);
        cr_expect_eq(link.at, COUNT(row), "row %zu", link.at);
        cr_expect_not(link.surprised);
    }
}

Test(ximu3_talk, names_what_went_wrong)
{
    static const struct scripted_row silent[] = {SAYS("{\"ping\":null}\n", "")};
    static const struct scripted_row refuses[] = {
        SAYS("{\"ping\":null}\n", PONG),
        SAYS("{\"binary_mode_enabled\":null}\n",
             "{\"binary_mode_enabled\":{\"error\":\"Unknown command\"}}\n"),
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
        if (row[r].write_status < 0) {
            scripted_link_init(&link, NULL, 0);
            link.fails = row[r].write_status;
        }
        cr_assert_gt(run_configure(&run, &kl_ximu3_driver, &plain), 0);
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
    cr_assert_gt(run_configure(&run, &kl_ximu3_driver, config), 0);
    emulator_link_init(&line, &emulator_ops, &ximu, kl_ximu3_driver.need);
    line.baud = 0;
    line.chunk = chunk;
    line.now_ns = SECOND / 50; /* it streamed before we came */
    fault.text[0] = '\0';
    return kl_ximu3_driver.start(run.state, &line.link, &fault);
}

/* Values of the last message of a letter fix the numbers of all before it. @return samples */
static size_t expect_values(size_t stream, char letter, unsigned k, int64_t period_ns)
{
    const struct kl_sample **sample;
    size_t count = run_of(&run, stream, &sample);
    unsigned first = emulate_ximu3_channel(letter);
    const double rad = acos(-1) / 180;
    for (size_t i = 0; i < count; i++) {
        /* the next message of the letter stands at due_ns; messages have whole microseconds */
        int64_t since_ns = ximu.due_ns[k] / 1000 * 1000 - sample[i]->device_ns;
        uint64_t index = ximu.next[k] - (uint64_t)((since_ns + period_ns / 2) / period_ns);
        for (unsigned c = 0; c < run.stream[stream].channel_count; c++) {
            double expected =
                (letter == 'H' ? 9.80665 : 1) * (double)emulator_value(index, first + c);
            if (letter == 'I') {
                expected = c < 3 ? 9.80665 * (double)emulator_value(index, first + 3 + c)
                                 : rad * (double)emulator_value(index, first + c - 3);
            }
            /* the same product in another order of rounding */
            cr_assert_float_eq(sample[i]->value[c], expected, 1e-15 + 1e-12 * fabs(expected),
                               "%c %zu channel %u: %g, not %g", letter, i, c, sample[i]->value[c],
                               expected);
        }
        cr_expect_eq(sample[i]->quality, 0, "%c %zu: %x", letter, i, sample[i]->quality);
    }
    free(sample);
    return count;
}

Test(ximu3_talk, every_kind_of_message_says_what_was_meant)
{
    static const struct kl_device_option option[] = {
        {"magnetometer", "yes"}, {"battery", "yes"}, {"high_g_hz", "200"}};
    static const struct kl_device_config everything = {.name = "ximu",
                                                       .placement = "shank.right",
                                                       .rate_hz = 200,
                                                       .option_count = 3,
                                                       .option = option};
    static const struct {
        char letter;
        int64_t period_ns;
        size_t count; /* in 5 s */
    } stream[] = {{'I', 5000000, 1000},
                  {'Q', 5000000, 1000},
                  {'M', 50000000, 100},
                  {'H', 5000000, 1000},
                  {'B', 200000000, 25}};
    emulate_ximu3_init(&ximu);
    ximu.emulator.drift_ppm = 100;
    cr_assert_eq(start_emulated(&everything, 0), KL_OK, "%s", fault.text);
    run_link(&run, &line.link, &line.now_ns, 5);
    for (size_t s = 0; s < COUNT(stream); s++) {
        size_t count = expect_values(s, stream[s].letter, (unsigned)s, stream[s].period_ns);
        /* a read more, and what stood in the line when it began */
        cr_expect(count + 3 >= stream[s].count && count <= stream[s].count + 12, "%c: %zu",
                  stream[s].letter, count);
    }
    cr_expect_leq(run.framing.bad, 1, "at most the message in which it began");
    cr_expect_eq(kl_ximu3_driver.stop(run.state, &line.link), KL_OK);
    cr_expect_str_eq(emulate_ximu3_setting(&ximu, "high_g_accelerometer_message_rate_divisor"),
                     "64");
    cr_expect_eq(ximu.saves, 0);
}

Test(ximu3_talk, starts_a_unit_that_speaks_text)
{
    emulate_ximu3_init(&ximu);
    (void)strcpy(ximu.setting[0].value, "false");
    (void)strcpy(ximu.setting[0].written, "false");
    cr_assert_eq(start_emulated(&usual, 0), KL_OK, "%s", fault.text);
    run_link(&run, &line.link, &line.now_ns, 1);
    cr_expect_gt(run.count, 390, "two letters at 200 Hz");
    cr_expect_eq(kl_ximu3_driver.stop(run.state, &line.link), KL_OK);
    cr_expect_str_eq(emulate_ximu3_setting(&ximu, "binary_mode_enabled"), "false");
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
        int status = start_emulated(&config, 0);
        cr_expect_eq(status, row[r].status, "row %zu (%s): %s", r, row[r].legend, fault.text);
        cr_expect_not_null(strstr(fault.text, row[r].word), "row %zu (%s): %s", r, row[r].legend,
                           fault.text);
    }
}

Test(ximu3_talk, identifies_a_unit_by_its_ping)
{
    char text[80] = "";
    emulate_ximu3_init(&ximu);
    emulator_link_init(&line, &emulator_ops, &ximu, kl_ximu3_driver.need);
    line.baud = 0;
    line.chunk = 0;
    line.now_ns = SECOND;
    cr_expect_eq(kl_ximu3_driver.identify(&line.link, text, sizeof(text)), KL_OK);
    cr_expect_str_eq(text, "x-IMU3, serial 01234567, over USB");
    cr_expect_eq(ximu.emulator.commands, 1);
    ximu.emulator.fault = EMULATOR_NO_ANSWER;
    ximu.emulator.fault_count = UINT64_MAX;
    cr_expect_eq(kl_ximu3_driver.identify(&line.link, text, sizeof(text)), KL_ERR_TIMEOUT);
}
