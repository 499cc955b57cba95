#include "devices/drivers.h"
#include "driver_run.h"
#include "emulate_bertec_treadmill.h"

#include <criterion/criterion.h>

#include <math.h>
#include <string.h>

static struct driver_run run; /* too large for the stack; each test is its own process */
static struct lab lab;
static uint8_t bytes[300 * BERTEC_STATUS];

static size_t clean(size_t packets)
{
    for (size_t n = 0; n < packets; n++) {
        emulate_bertec_status(n, bytes + n * BERTEC_STATUS);
    }
    return packets * BERTEC_STATUS;
}

static void plug(void)
{
    lab_init(&lab, "", 0);
    cr_assert_eq(run_configure(&run, &kl_bertec_treadmill_driver, &lab.config), 1, "%s",
                 run.fault.text);
}

Test(bertec_treadmill, decodes_the_vector_of_the_protocol_page)
{
    /* treadmills.md, section 1: R 1.198 m/s, L -0.402 m/s, incline 5.00 deg */
    plug();
    cr_expect_str_eq(run.stream[0].label[0], "belt speed left");
    cr_expect_str_eq(run.stream[0].label[1], "belt speed right");
    cr_expect_eq(run.stream[0].kind, KL_KIND_TREADMILL);
    (void)hex_bytes("00 04 AE FE 6E 00 00 00 00 01 F4", bytes, sizeof(bytes));
    run_feed(&run, bytes, BERTEC_STATUS, 5);
    cr_assert_eq(run.count, 1);
    cr_expect(near(run.sample[0].value[0], -0.402));
    cr_expect(near(run.sample[0].value[1], 1.198));
    cr_expect(near(run.sample[0].value[2], 0.0872664626)); /* 5 deg */
}

Test(bertec_treadmill, does_not_depend_on_how_the_bytes_were_cut)
{
    size_t len = clean(200);
    lab_init(&lab, "", 0);
    bytes[3200] = 1; /* format of packet 100 */
    memmove(bytes + 4000, bytes + 4001, len - 4001);
    run_expect_same_in_chunks(&kl_bertec_treadmill_driver, &lab.config, bytes, len - 1);
}

Test(bertec_treadmill, asks_for_a_new_connection_where_its_place_is_lost)
{
    /* of packet 50, of moving belts: a byte removed at each place */
    for (size_t at = 0; at < BERTEC_STATUS; at++) {
        size_t len = clean(100);
        memmove(bytes + 50 * BERTEC_STATUS + at, bytes + 50 * BERTEC_STATUS + at + 1,
                len - 50 * BERTEC_STATUS - at - 1);
        plug();
        run_feed(&run, bytes, len - 1, 64);
        cr_expect(run.framing.gone, "byte %zu", at);
        /* a byte missing among the values is seen in the padding; one of the padding is seen when
         * the next packet has moved into its place */
        cr_expect(run.count == 50 || run.count == 51, "byte %zu: %zu", at, run.count);
    }
    memset(bytes, 0, sizeof(bytes)); /* standing belts: every place fits, none is guessed */
    plug();
    bytes[64] = 7;
    run_feed(&run, bytes, sizeof(bytes), 64);
    cr_expect_eq(run.count, 2);
    cr_expect(run.framing.gone);

    struct emulate_bertec device;
    struct emulator_link link;
    emulate_bertec_init(&device);
    emulator_link_init(&link, &emulator_ops, &device, kl_bertec_treadmill_driver.need);
    kl_framing_restart(&run.framing);
    cr_assert_eq(run_start(&run, &link.link), KL_OK);
    cr_expect_eq(run_link(&run, &link.link, &link.now_ns, 1), KL_OK);
    cr_expect_gt(run.count, 90);
    cr_expect_eq(run.sample[2].quality & KL_QUALITY_GAP, KL_QUALITY_GAP, "told once");
    cr_expect_eq(run.sample[3].quality, 0);
}

Test(bertec_treadmill, explains_each_failure_of_its_start)
{
    static struct emulate_bertec device;
    struct emulator_link link;
    struct kl_fault fault;
    plug();
    emulate_bertec_init(&device);
    emulator_link_init(&link, &emulator_ops, &device, kl_bertec_treadmill_driver.need);
    device.emulator.stalled_until_ns = 10 * KL_NS_PER_S;
    cr_expect_eq(kl_bertec_treadmill_driver.start(run.state, &link.link, &fault), KL_ERR_TIMEOUT);
    cr_expect_not_null(strstr(fault.text, "Remote Control"), "%s", fault.text);
    emulate_bertec_init(&device);
    emulator_break(&device.emulator, EMULATOR_BAD_CHECKSUM, 0, 1);
    cr_expect_eq(kl_bertec_treadmill_driver.start(run.state, &link.link, &fault), KL_ERR_DATA);
    cr_expect_not_null(strstr(fault.text, "zero padding"), "%s", fault.text);
    lab_init(&lab, "", 0);
    lab_option(&lab, "speed", "3");
    cr_expect_eq(run_configure(&run, &kl_bertec_treadmill_driver, &lab.config), KL_ERR_RANGE);
}
