/* Trackmaster and Woodway: the same questions, other digits. */
#include "devices/belt_query.h"
#include "devices/drivers.h"
#include "driver_run.h"
#include "emulate_belt_query.h"
#include "scripted_link.h"

#include <criterion/criterion.h>

#include <math.h>
#include <string.h>

static struct driver_run run; /* too large for the stack; each test is its own process */
static struct lab lab;
static uint8_t bytes[4096];

static void plug(const struct kl_driver *driver, const char *unit)
{
    lab_init(&lab, "", 0);
    lab_option(&lab, "unit", unit);
    cr_assert_eq(run_configure(&run, driver, &lab.config), 1, "%s", run.fault.text);
}

Test(belt_query, decodes_the_vectors_of_the_protocol_page)
{
    /* treadmills.md, sections 2 and 3; grade to angle: atan(grade / 100) */
    static const struct {
        const char *legend;
        const struct kl_driver *driver;
        const char *unit, *hex;
        double speed_m_s, incline_rad;
    } table[] = {
        {"4.0 mph, 5.0 %", &kl_trackmaster_driver, "mph", "D1 30 30 34 30 D2 30 30 35 30", 1.78816,
         0.0499583957},
        {"4.0 km/h", &kl_trackmaster_driver, "km/h", "D1 30 30 34 30 D2 30 30 30 30", 1.11111111,
         0},
        {"Woodway +3.1", &kl_woodway_driver, "mph", "D1 30 30 33 31 D2 30 30 30 30", 1.385824, 0},
        {"Woodway -1.5", &kl_woodway_driver, "mph", "D1 33 30 31 35 D2 30 31 30 30", -0.67056,
         0.0996686525},
        {"Woodway 29.9", &kl_woodway_driver, "mph", "D1 30 32 39 39 D2 30 30 30 30", 13.366496, 0},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        plug(table[i].driver, table[i].unit);
        size_t len = hex_bytes(table[i].hex, bytes, sizeof(bytes));
        run_feed(&run, bytes, len, 1);
        cr_assert_eq(run.count, 1, "%s", table[i].legend);
        cr_expect(near(run.sample[0].value[0], table[i].speed_m_s), "%s: %.9g", table[i].legend,
                  run.sample[0].value[0]);
        cr_expect_float_eq(run.sample[0].value[1], table[i].incline_rad, 1e-9, "%s",
                           table[i].legend);
    }
    cr_expect_str_eq(run.stream[0].label[0], "belt speed");
    cr_expect_str_eq(run.stream[0].label[1], "incline");
}

Test(belt_query, survives_what_comes_between_answers)
{
    static const struct {
        const char *legend, *hex;
        size_t samples;
        unsigned quality; /* of the last */
    } table[] = {
        {"two back to back", "D1 30 30 34 30 D2 30 30 35 30 D1 30 30 34 31 D2 30 30 35 30", 2, 0},
        {"leading garbage", "D1 30 FF 00 D1 30 30 34 31 D2 30 30 35 30", 1, 0},
        {"status between", "D1 30 30 34 31 D0 32 D2 30 30 35 30", 1, 0},
        {"letters in the digits",
         "D1 30 30 34 30 D2 30 30 35 30 D1 30 41 34 31 D1 30 30 34 31 D2 "
         "30 30 35 30",
         2, KL_QUALITY_CHECKSUM},
        {"truncated speed",
         "D1 30 30 34 30 D2 30 30 35 30 D1 30 30 D2 30 30 35 30 D1 30 30 34 32 "
         "D2 30 30 35 30",
         2, KL_QUALITY_GAP | KL_QUALITY_CHECKSUM},
        {"lost elevation", "D1 30 30 34 30 D1 30 30 34 31 D2 30 30 35 30", 1, KL_QUALITY_GAP},
        {"not recognised", "BF D1 30 30 34 31 D2 30 30 35 30", 1, KL_QUALITY_GAP},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        plug(&kl_trackmaster_driver, "mph");
        size_t len = hex_bytes(table[i].hex, bytes, sizeof(bytes));
        run_feed(&run, bytes, len, 3);
        cr_assert_eq(run.count, table[i].samples, "%s: %zu", table[i].legend, run.count);
        cr_expect_eq(run.sample[run.count - 1].quality, table[i].quality, "%s: %u", table[i].legend,
                     run.sample[run.count - 1].quality);
        run_expect_same_in_chunks(&kl_trackmaster_driver, &lab.config, bytes, len);
    }
}

Test(belt_query, insists_on_the_unit_that_no_answer_tells)
{
    lab_init(&lab, "", 0);
    cr_expect_eq(run_configure(&run, &kl_trackmaster_driver, &lab.config), KL_ERR_RANGE);
    cr_expect_not_null(strstr(run.fault.text, "unit: mph or unit: km/h"), "%s", run.fault.text);
    lab_init(&lab, "left", 0);
    cr_expect_eq(run_configure(&run, &kl_woodway_driver, &lab.config), 1);
    cr_expect_str_eq(run.stream[0].name, "treadmill.left");
    lab_init(&lab, "", 50);
    cr_expect_eq(run_configure(&run, &kl_woodway_driver, &lab.config), KL_ERR_RANGE);
}

Test(belt_query, explains_a_silent_or_strange_treadmill)
{
    static struct emulate_belt device;
    struct emulator_link link;
    struct kl_fault fault;
    char text[80];
    emulate_belt_init(&device, false);
    emulator_link_init(&link, &emulator_ops, &device, kl_woodway_driver.need);
    plug(&kl_trackmaster_driver, "mph");
    emulator_break(&device.emulator, EMULATOR_WRONG_ANSWER, 0, 2); /* the third try is good */
    cr_expect_eq(kl_trackmaster_driver.start(run.state, &link.link, &fault), KL_OK);
    emulator_break(&device.emulator, EMULATOR_WRONG_ANSWER, 0, 3);
    cr_expect_eq(kl_trackmaster_driver.start(run.state, &link.link, &fault), KL_ERR_DATA);
    emulator_break(&device.emulator, EMULATOR_NO_ANSWER, 0, UINT64_MAX);
    cr_expect_eq(kl_trackmaster_driver.start(run.state, &link.link, &fault), KL_ERR_TIMEOUT);
    cr_expect_not_null(strstr(fault.text, "question C0: expected D0"), "%s", fault.text);
    cr_expect_lt(link.now_ns, 3 * KL_NS_PER_S);
    device.emulator.fault = EMULATOR_SOUND;
    cr_expect_eq(kl_trackmaster_driver.identify(&link.link, text, sizeof(text)), KL_OK);
    cr_expect_str_eq(text, "Trackmaster treadmill, belt running");
    cr_expect_eq(kl_woodway_driver.identify(&link.link, text, sizeof(text)), KL_ERR_DATA,
                 "its C3 is a set speed, no firmware");
    device.woodway = true;
    cr_expect_eq(kl_woodway_driver.identify(&link.link, text, sizeof(text)), KL_OK);
    cr_expect_str_eq(text, "Woodway treadmill, firmware 1.2.3.4");
}
