#include "devices/drivers.h"
#include "driver_run.h"
#include "emulate_delsys_trigno.h"
#include "scripted_link.h"

#include <criterion/criterion.h>

#include <math.h>
#include <string.h>

#define RATE_HZ (26 / 0.0135)

static struct driver_run run; /* too large for the stack; each test is its own process */
static struct lab lab;
static uint8_t bytes[50 * TRIGNO_SAMPLE];
static struct emulate_trigno device;
static struct emulator_link link_data, link_commands;
static int64_t now_ns;

static void two_muscles(void)
{
    lab_init(&lab, "", 0);
    lab_stream(&lab, "emg.vmo.right", KL_KIND_EMG, 1, 1);
    lab_stream(&lab, "emg.vl.right", KL_KIND_EMG, 1, 2);
}

static void plug(void)
{
    now_ns = 0;
    emulate_trigno_init(&device);
    emulator_link_init(&link_data, &device.data, &now_ns);
    emulator_link_init(&link_commands, &device.commands, &now_ns);
    link_data.side = &link_commands.link;
    link_data.chunk = 100; /* never a whole number of samples */
    link_commands.chunk = 3;
}

Test(delsys_trigno, decodes_the_vector_of_the_protocol_page)
{
    /* emg_cyton_bitalino_trigno.md, section 3: slot 1 150 uV, slot 2 -2.25 mV, slot 16 11 mV */
    size_t len = hex_bytes("52 49 1D 39 BC 74 13 BB", bytes, sizeof(bytes));
    len += 52;
    len += hex_bytes("58 39 34 3C", bytes + len, 4);
    cr_assert_eq(len, TRIGNO_SAMPLE);
    lab_init(&lab, "", 0);
    lab_stream(&lab, "emg.a", KL_KIND_EMG, 3, 1);
    lab_stream(&lab, "emg.b", KL_KIND_EMG, 1, 16);
    cr_assert_eq(run_configure(&run, &kl_delsys_trigno_driver, &lab), 2, "%s", run.fault.text);
    run_feed(&run, bytes, len, 7);
    cr_assert_eq(run.count, 2);
    cr_expect(near(run.sample[0].value[0], 150e-6) && near(run.sample[0].value[1], -2.25e-3));
    cr_expect_eq(run.sample[0].value[2], 0);
    cr_expect_eq(run.sample[0].quality, 0);
    cr_expect(near(run.sample[1].value[0], 0.011));
    cr_expect_eq(run.sample[1].quality, KL_QUALITY_CLIPPED);
}

Test(delsys_trigno, keeps_a_part_of_a_sample_until_the_rest_comes)
{
    for (size_t i = 0; i < sizeof(bytes); i++) {
        bytes[i] = (uint8_t)(i % 64 % 4 == 3 ? 0x39 : i * 7);
    }
    two_muscles();
    run_expect_same_in_chunks(&run, &kl_delsys_trigno_driver, &lab, bytes, sizeof(bytes) - 13);
    cr_expect_eq(run.count, 2 * 49);
}

Test(delsys_trigno, marks_what_is_no_number)
{
    static const uint8_t nan_le[] = {0x00, 0x00, 0xC0, 0x7F};
    two_muscles();
    cr_assert_gt(run_configure(&run, &kl_delsys_trigno_driver, &lab), 0);
    memcpy(bytes + 4, nan_le, sizeof(nan_le));
    run_feed(&run, bytes, TRIGNO_SAMPLE, TRIGNO_SAMPLE);
    cr_assert_eq(run.count, 2);
    cr_expect_eq(run.sample[0].quality, 0);
    cr_expect_eq(run.sample[1].quality, KL_QUALITY_INVALID);
}

Test(delsys_trigno, says_its_commands_on_the_command_port_and_takes_them_back)
{
    static const struct scripted_row row[] = {
        {NULL, 0, "Delsys Trigno System Digital Protocol Version 3.6.0\r\n\r\n", 55},
        SAYS("ENDIANNESS?\r\n\r\n", "BIG\r\n\r\n"),
        SAYS("ENDIAN LITTLE\r\n\r\n", "OK\r\n\r\n"),
        SAYS("FRAME INTERVAL?\r\n\r\n", "0.0135\r\n\r\n"),
        SAYS("MAX SAMPLES EMG?\r\n\r\n", "26\r\n\r\n"),
        SAYS("SENSOR 1 PAIRED?\r\n\r\n", "YES\r\n\r\n"),
        SAYS("SENSOR 2 PAIRED?\r\n\r\n", "YES\r\n\r\n"),
        SAYS("START\r\n\r\n", "OK\r\n\r\n"),
        SAYS("STOP\r\n\r\n", "OK\r\n\r\n"),
        SAYS("ENDIAN BIG\r\n\r\n", "OK\r\n\r\n"),
    };
    struct scripted_link link, side;
    struct kl_fault fault;
    two_muscles();
    cr_assert_gt(run_configure(&run, &kl_delsys_trigno_driver, &lab), 0);
    scripted_link_init(&link, NULL, 0);
    scripted_link_init(&side, row, sizeof(row) / sizeof(row[0]));
    link.side = &side.link;
    side.chunk = 1;
    cr_expect_eq(kl_delsys_trigno_driver.start(run.state, &link.link, &fault), KL_OK, "%s",
                 fault.text);
    cr_expect_eq(link.side_port, 50040);
    cr_expect_eq(kl_delsys_trigno_driver.stop(run.state, &link.link), KL_OK);
    cr_expect(!side.surprised && side.at == side.rows, "row %zu", side.at);
    cr_expect_eq(link.written_len, 0, "nothing is said on the data port");
}

Test(delsys_trigno, explains_each_failure_of_its_start)
{
    static const struct {
        const char *legend;
        int samples;
        unsigned paired;
        bool no_port;
        struct emulator_faults faults;
        int status;
        const char *says;
    } table[] = {
        {"another rate", 27, 3, false, {0}, KL_ERR_RANGE, "rate_hz: 2000.000"},
        {"a slot without sensor", 26, 1, false, {0}, KL_ERR_DATA, "\"SENSOR 2 PAIRED?\""},
        {"no command port", 26, 3, true, {0}, KL_ERR_IO, "50040"},
        {"mute", 26, 3, false, {.mute = true}, KL_ERR_TIMEOUT, "ENDIANNESS?"},
        {"nonsense", 26, 3, false, {.wrong_answers = 9}, KL_ERR_DATA, "Failure"},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct kl_fault fault;
        plug();
        device.samples_per_frame = table[i].samples;
        device.paired = table[i].paired;
        device.commands.faults = table[i].faults;
        link_data.side = table[i].no_port ? NULL : link_data.side;
        two_muscles();
        cr_assert_gt(run_configure(&run, &kl_delsys_trigno_driver, &lab), 0);
        cr_expect_eq(kl_delsys_trigno_driver.start(run.state, &link_data.link, &fault),
                     table[i].status, "%s", table[i].legend);
        cr_expect_not_null(strstr(fault.text, table[i].says), "%s: %s", table[i].legend,
                           fault.text);
        cr_expect(!device.running && !device.little, "%s: restored", table[i].legend);
        cr_expect_lt(now_ns, 10 * KL_NS_PER_S);
    }
}

Test(delsys_trigno, streams_five_seconds_from_its_emulator_through_a_stall)
{
    for (int stalls = 0; stalls < 2; stalls++) {
        struct kl_fault fault;
        plug();
        device.data.faults.stall_at = stalls ? 3000 : 0;
        device.data.faults.stall_ns = 400000000;
        two_muscles();
        cr_assert_gt(run_configure(&run, &kl_delsys_trigno_driver, &lab), 0);
        cr_assert_eq(kl_delsys_trigno_driver.start(run.state, &link_data.link, &fault), KL_OK, "%s",
                     fault.text);
        cr_expect_eq(run_link(&run, &link_data.link, &now_ns, 6.6), KL_OK);
        cr_assert_gt(run.count, 2 * 5 * 1925);
        for (size_t k = 0; k < run.count; k++) {
            const struct heard *heard = &run.sample[k];
            cr_assert_eq(heard->value[0],
                         (double)emulate_trigno_volts(k / 2, (unsigned)heard->stream + 1));
            cr_assert_float_eq((double)heard->device_ns, (double)(k / 2) * 1e9 / RATE_HZ, 1.0);
            cr_assert_eq(heard->quality, 0);
        }
        cr_expect_eq(kl_delsys_trigno_driver.stop(run.state, &link_data.link), KL_OK);
        cr_expect(!device.running && !device.little);
    }
}

Test(delsys_trigno, tells_when_the_server_hangs_up)
{
    struct kl_fault fault;
    plug();
    device.data.faults.hang_up_at = 500;
    two_muscles();
    cr_assert_gt(run_configure(&run, &kl_delsys_trigno_driver, &lab), 0);
    cr_assert_eq(kl_delsys_trigno_driver.start(run.state, &link_data.link, &fault), KL_OK);
    cr_expect_eq(run_link(&run, &link_data.link, &now_ns, 5), KL_ERR_GONE);
}
