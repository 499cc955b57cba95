#include "devices/drivers.h"
#include "driver_run.h"
#include "emulate_delsys_trigno.h"
#include "emulators.h"
#include "scripted_link.h"

#include <criterion/criterion.h>

#include <math.h>
#include <string.h>

#define RATE_HZ (26 / 0.0135)

static struct driver_run run; /* too large for the stack; each test is its own process */
static struct lab lab;
static uint8_t bytes[50 * TRIGNO_SAMPLE];
static struct emulate_trigno device;
static struct emulator_link link_data;

static void two_muscles(void)
{
    lab_init(&lab, "", 0);
    lab_stream(&lab, "emg.vmo.right", KL_KIND_EMG, 1, 1);
    lab_stream(&lab, "emg.vl.right", KL_KIND_EMG, 1, 2);
}

static void plug(void)
{
    emulate_trigno_init(&device);
    emulator_link_init(&link_data, emulators_find("delsys_trigno")->ops, &device,
                       kl_delsys_trigno_driver.need);
    link_data.chunk = 100; /* never a whole number of samples */
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
    cr_assert_eq(run_configure(&run, &kl_delsys_trigno_driver, &lab.config), 2, "%s",
                 run.fault.text);
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
    run_expect_same_in_chunks(&kl_delsys_trigno_driver, &lab.config, bytes, sizeof(bytes) - 13);
    cr_assert_gt(run_configure(&run, &kl_delsys_trigno_driver, &lab.config), 0);
    run_feed(&run, bytes, sizeof(bytes) - 13, 7);
    cr_expect_eq(run.count, 2 * 49);
}

Test(delsys_trigno, passes_on_what_is_no_number)
{
    static const uint8_t nan_le[] = {0x00, 0x00, 0xC0, 0x7F};
    two_muscles();
    cr_assert_gt(run_configure(&run, &kl_delsys_trigno_driver, &lab.config), 0);
    memcpy(bytes + 4, nan_le, sizeof(nan_le));
    run_feed(&run, bytes, TRIGNO_SAMPLE, TRIGNO_SAMPLE);
    cr_assert_eq(run.count, 2);
    cr_expect_eq(run.sample[0].quality, 0);
    cr_expect_eq(run.sample[1].quality, 0);
    cr_expect(isnan(run.sample[1].value[0]));
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
    cr_assert_gt(run_configure(&run, &kl_delsys_trigno_driver, &lab.config), 0);
    scripted_link_init(&link, NULL, 0);
    scripted_link_init(&side, row, sizeof(row) / sizeof(row[0]));
    link.side = &side.link;
    side.chunk = 1;
    cr_expect_eq(kl_delsys_trigno_driver.start(run.state, &link.link, &fault), KL_OK, "%s",
                 fault.text);
    cr_expect_eq(link.side_port, 50040);
    cr_expect_eq(kl_delsys_trigno_driver.stop(run.state, &link.link), KL_OK);
    cr_expect(!side.surprised && side.at == side.rows, "row %zu", side.at);
    cr_expect_not(link.surprised, "nothing is said on the data port");
}

Test(delsys_trigno, explains_each_failure_of_its_start)
{
    static const struct {
        const char *legend;
        int samples;
        unsigned paired;
        bool no_port;
        enum emulator_fault fault;
        int status;
        const char *says;
    } table[] = {
        {"another rate", 27, 3, false, EMULATOR_SOUND, KL_ERR_RANGE, "rate_hz: 2000.000"},
        {"a slot without sensor", 26, 1, false, EMULATOR_SOUND, KL_ERR_DATA,
         "\"SENSOR 2 PAIRED?\""},
        {"no command port", 26, 3, true, EMULATOR_SOUND, KL_ERR_IO, "50040"},
        {"mute", 26, 3, false, EMULATOR_NO_ANSWER, KL_ERR_TIMEOUT, "ENDIANNESS?"},
        {"nonsense", 26, 3, false, EMULATOR_WRONG_ANSWER, KL_ERR_DATA, "Failure"},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct kl_fault fault;
        plug();
        device.samples_per_frame = table[i].samples;
        device.paired = table[i].paired;
        emulator_break(&device.emulator, table[i].fault, 0, 9);
        link_data.refuses_beside = table[i].no_port;
        two_muscles();
        cr_assert_gt(run_configure(&run, &kl_delsys_trigno_driver, &lab.config), 0);
        cr_expect_eq(kl_delsys_trigno_driver.start(run.state, &link_data.link, &fault),
                     table[i].status, "%s", table[i].legend);
        cr_expect_not_null(strstr(fault.text, table[i].says), "%s: %s", table[i].legend,
                           fault.text);
        cr_expect(!device.running && !device.little, "%s: restored", table[i].legend);
        cr_expect_lt(link_data.now_ns, 10 * KL_NS_PER_S);
    }
}
