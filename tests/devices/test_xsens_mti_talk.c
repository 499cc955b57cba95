/* The conversation with an MTi, against a script and against an emulated device. */
#include "devices/drivers.h"
#include "driver_run.h"
#include "emulate_xsens_mti.h"
#include "scripted_link.h"

#include <criterion/criterion.h>

#include <math.h>
#include <string.h>

static const struct kl_device_option with_everything[] = {{"magnetometer", "yes"}};
static const struct kl_device_config everything = {
    .name = "mti", .placement = "shank.right", .option_count = 1, .option = with_everything};
static const struct kl_device_config usual = {.name = "mti", .placement = "shank.right"};

enum { CHANNELS = 13 };

#define SECOND INT64_C(1000000000)

/* The bytes of the protocol page, section 7. */
#define GOTO_CONFIG "\xfa\xff\x30\x00\xd1"
#define GOTO_CONFIG_ACK "\xfa\xff\x31\x00\xd0"
#define GOTO_MEASUREMENT "\xfa\xff\x10\x00\xf1"
#define GOTO_MEASUREMENT_ACK "\xfa\xff\x11\x00\xf0"
#define REQ_OUTPUT "\xfa\xff\xc0\x00\x41"
#define OTHER_OUTPUT "\xfa\xff\xc1\x08\x10\x20\xff\xff\x10\x60\xff\xff\x9c"
#define SET_OTHER "\xfa\xff\xc0\x08\x10\x20\xff\xff\x10\x60\xff\xff\x9d"
#define LIST_100                                                                                   \
    "\x10\x20\xff\xff\x10\x60\xff\xff\x20\x10\x00\x64\x40\x20\x00\x64\x80\x20\x00\x64"             \
    "\xc0\x20\x00\x64\xe0\x20\xff\xff"
#define SET_OUTPUT_100 "\xfa\xff\xc0\x1c" LIST_100 "\xeb"
#define SET_OUTPUT_100_ACK "\xfa\xff\xc1\x1c" LIST_100 "\xea"
#define ERROR_4 "\xfa\xff\x42\x01\x04\xba"
#define WAKE_UP "\xfa\xff\x3e\x00\xc3"
#define WAKE_UP_ACK "\xfa\xff\x3f\x00\xc2"
#define DATA "\xfa\xff\x36\x00\xcb"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct driver_run run;
static struct emulate_xsens_mti mti;
static struct emulator_link line;
static struct kl_fault fault;

static int start_scripted(struct scripted_link *link, const struct scripted_row *row, size_t count)
{
    scripted_link_init(link, row, count);
    cr_assert_gt(run_configure(&run, &kl_xsens_mti_driver, &everything), 0);
    return kl_xsens_mti_driver.start(run.state, &link->link, &fault);
}

Test(xsens_mti_talk, configures_and_puts_back_what_it_found)
{
    static const struct scripted_row row[] = {
        SAYS(GOTO_CONFIG, DATA DATA WAKE_UP),
        SAYS(WAKE_UP_ACK, DATA GOTO_CONFIG_ACK),
        SAYS(REQ_OUTPUT, OTHER_OUTPUT),
        SAYS(SET_OUTPUT_100, SET_OUTPUT_100_ACK),
        SAYS(GOTO_MEASUREMENT, GOTO_MEASUREMENT_ACK DATA),
        SAYS(GOTO_CONFIG, DATA DATA GOTO_CONFIG_ACK),
        SAYS(SET_OTHER, OTHER_OUTPUT),
    };
    static struct scripted_link link;
    cr_assert_eq(start_scripted(&link, row, COUNT(row)), KL_OK, "%s", fault.text);
    cr_expect_eq(link.out_len, sizeof(DATA) - 1, "the first data are left to the stream");
    cr_expect_eq(kl_xsens_mti_driver.stop(run.state, &link.link), KL_OK);
    cr_expect_eq(link.at, COUNT(row));
    cr_expect_not(link.surprised);
}

Test(xsens_mti_talk, spares_the_flash_of_a_unit_that_is_already_right)
{
    static const struct scripted_row row[] = {
        SAYS(GOTO_CONFIG, GOTO_CONFIG_ACK),
        SAYS(REQ_OUTPUT, SET_OUTPUT_100_ACK),
        SAYS(GOTO_MEASUREMENT, GOTO_MEASUREMENT_ACK),
        SAYS(GOTO_CONFIG, GOTO_CONFIG_ACK),
    };
    static struct scripted_link link;
    cr_assert_eq(start_scripted(&link, row, COUNT(row)), KL_OK, "%s", fault.text);
    cr_expect_eq(kl_xsens_mti_driver.stop(run.state, &link.link), KL_OK);
    cr_expect_eq(link.at, COUNT(row));
    cr_expect_not(link.surprised);
}

Test(xsens_mti_talk, names_what_went_wrong)
{
    static const struct scripted_row silent[] = {SAYS(GOTO_CONFIG, "")};
    static const struct scripted_row mute_later[] = {
        SAYS(GOTO_CONFIG, GOTO_CONFIG_ACK),
        SAYS(REQ_OUTPUT, ""),
    };
    static const struct scripted_row refuses[] = {
        SAYS(GOTO_CONFIG, GOTO_CONFIG_ACK), SAYS(REQ_OUTPUT, OTHER_OUTPUT),
        SAYS(SET_OUTPUT_100, ERROR_4), SAYS(SET_OTHER, OTHER_OUTPUT), /* put back */
    };
    static const struct {
        const char *legend;
        const struct scripted_row *row;
        size_t count;
        int write_status, status;
        const char *word[3];
    } row[] = {
        {"silence", silent, 1, 0, KL_ERR_TIMEOUT, {"GotoConfig", "31", "cable"}},
        {"mute later", mute_later, 2, 0, KL_ERR_TIMEOUT, {"ReqOutputConfiguration", "C1", "cable"}},
        {"error",
         refuses,
         4,
         0,
         KL_ERR_DATA,
         {"SetOutputConfiguration", "error 4", "invalid mess"}},
        {"gone", silent, 1, KL_ERR_GONE, KL_ERR_GONE, {"mti", "", ""}},
    };
    for (size_t r = 0; r < COUNT(row); r++) {
        static struct scripted_link link;
        scripted_link_init(&link, row[r].row, row[r].count);
        if (row[r].write_status < 0) {
            scripted_link_init(&link, NULL, 0);
            link.fails = row[r].write_status;
        }
        cr_assert_gt(run_configure(&run, &kl_xsens_mti_driver, &everything), 0);
        fault.text[0] = '\0';
        int status = kl_xsens_mti_driver.start(run.state, &link.link, &fault);
        cr_expect_eq(status, row[r].status, "row %zu (%s): %d", r, row[r].legend, status);
        for (size_t i = 0; i < 3; i++) {
            cr_expect_not_null(strstr(fault.text, row[r].word[i]), "row %zu (%s): %s", r,
                               row[r].legend, fault.text);
        }
        cr_expect_lt(link.waited_ns, 4 * SECOND, "row %zu: a wait must end", r);
        cr_expect(row[r].write_status < 0 || link.at == row[r].count, "row %zu (%s)", r,
                  row[r].legend);
    }
}

/* ----------------------------------------------------------------- emulated */

static int start_emulated(const struct kl_device_config *config, unsigned host_baud)
{
    cr_assert_gt(run_configure(&run, &kl_xsens_mti_driver, config), 0);
    const struct kl_link_need *need = kl_xsens_mti_driver.need;
    while (host_baud == 0 && need->kind != KL_LINK_USB) {
        need++;
    }
    emulator_link_init(&line, &emulator_ops, &mti, need);
    line.baud = host_baud;
    line.chunk = 0;
    fault.text[0] = '\0';
    return kl_xsens_mti_driver.start(run.state, &line.link, &fault);
}

/* By the sample time of the device: 100 ticks of 0.1 ms each. */
static void expect_values(uint64_t first)
{
    for (size_t i = 0; i < run.count; i++) {
        int64_t since_ns = run.sample[i].device_ns - run.sample[0].device_ns;
        uint64_t index = first + (uint64_t)llround((double)since_ns * 100e-9);
        for (unsigned c = 0; c < CHANNELS; c++) {
            cr_assert_eq(run.sample[i].value[c], (double)emulator_value(index, c),
                         "sample %zu (message %llu) channel %u", i, (unsigned long long)index, c);
        }
    }
}

Test(xsens_mti_talk, every_fault_costs_its_messages_and_no_time)
{
    static const struct {
        const char *legend;
        enum emulator_fault fault;
        unsigned count, lost;
        uint32_t quality; /* of the sample after it */
    } row[] = {
        {"none", EMULATOR_SOUND, 0, 0, 0},
        {"one bad checksum", EMULATOR_BAD_CHECKSUM, 1, 1, KL_QUALITY_GAP | KL_QUALITY_CHECKSUM},
        {"ten bad checksums", EMULATOR_BAD_CHECKSUM, 10, 10, KL_QUALITY_GAP | KL_QUALITY_CHECKSUM},
        {"a dropped frame", EMULATOR_DROPPED_FRAME, 1, 1, KL_QUALITY_GAP},
        {"dropped frames", EMULATOR_DROPPED_FRAME, 100, 100, KL_QUALITY_GAP},
        {"garbage", EMULATOR_GARBAGE, 1, 0, KL_QUALITY_CHECKSUM},
        {"a stall of a second", EMULATOR_STALL, 1, 0, 0},
    };
    for (size_t r = 0; r < COUNT(row); r++) {
        emulate_xsens_mti_init(&mti);
        mti.emulator.drift_ppm = 50;
        cr_assert_eq(start_emulated(&everything, 115200), KL_OK, "%s", fault.text);
        uint64_t first = mti.first;
        emulator_break(&mti.emulator, row[r].fault, first + 100 - mti.emulator.frames,
                       row[r].count);
        run_link(&run, &line.link, &line.now_ns, 5);
        cr_expect_eq(run.count + row[r].lost, mti.emulator.frames - first, "row %zu (%s): %zu", r,
                     row[r].legend, run.count);
        cr_assert_gt(run.count, 350);
        cr_expect_eq(run.sample[0].device_ns, (29686846 + mti.start_ns / 100000) * INT64_C(100000));
        for (size_t i = 0; i < run.count; i++) {
            cr_expect_eq(run.sample[i].quality, i == 100 ? row[r].quality : 0,
                         "row %zu (%s) sample %zu: %x", r, row[r].legend, i, run.sample[i].quality);
            unsigned before = i >= 100 ? row[r].lost : 0;
            cr_expect_eq(run.sample[i].device_ns - run.sample[0].device_ns,
                         (int64_t)(i + before) * 10000000, "row %zu sample %zu", r, i);
        }
        expect_values(first);
    }
}

Test(xsens_mti_talk, finds_a_unit_set_to_another_speed)
{
    static const struct {
        const char *baud;
        unsigned device, rate_hz;
        int status;
        const char *word;
    } row[] = {
        {NULL, 115200, 100, KL_OK, ""},
        {NULL, 921600, 400, KL_OK, ""},
        {NULL, 9600, 4, KL_OK, ""},
        {"460800", 460800, 400, KL_OK, ""},
        {"460800", 115200, 100, KL_ERR_TIMEOUT, "GotoConfig"},
        {NULL, 115200, 400, KL_ERR_RANGE, "115200"},
        {NULL, 230400, 400, KL_ERR_RANGE, "921600"},
    };
    for (size_t r = 0; r < COUNT(row); r++) {
        const struct kl_device_option option = {"baud", row[r].baud};
        const struct kl_device_config config = {.name = "mti",
                                                .placement = "pelvis",
                                                .rate_hz = row[r].rate_hz,
                                                .option_count = row[r].baud != NULL,
                                                .option = &option};
        emulate_xsens_mti_init(&mti);
        mti.emulator.baud = row[r].device;
        int status = start_emulated(&config, 115200);
        cr_expect_eq(status, row[r].status, "row %zu: %s", r, fault.text);
        cr_expect_not_null(strstr(fault.text, row[r].word), "row %zu: %s", r, fault.text);
        if (status == KL_OK) {
            run_link(&run, &line.link, &line.now_ns, 1);
            cr_expect(run.count + 1 >= row[r].rate_hz && run.count <= row[r].rate_hz + 11U,
                      "row %zu: %zu", r, run.count);
        }
    }
}

Test(xsens_mti_talk, streams_over_direct_usb_at_the_full_rate)
{
    const struct kl_device_config config = {.name = "mti", .placement = "pelvis", .rate_hz = 400};
    emulate_xsens_mti_init(&mti);
    cr_assert_eq(start_emulated(&config, 0), KL_OK, "%s", fault.text); /* no speed to set */
    run_link(&run, &line.link, &line.now_ns, 5);
    cr_expect(run.count >= 1999 && run.count <= 2005, "%zu", run.count);
}

Test(xsens_mti_talk, says_when_the_unit_gives_less_than_asked)
{
    static const struct {
        const char *legend;
        unsigned rate_max_hz;
        bool no_orientation;
        const char *word;
    } row[] = {
        {"slower", 50, false, "gives 50"},
        {"no filter", 400, true, "orientation"},
    };
    for (size_t r = 0; r < COUNT(row); r++) {
        emulate_xsens_mti_init(&mti);
        mti.rate_max_hz = row[r].rate_max_hz;
        mti.no_orientation = row[r].no_orientation;
        cr_expect_eq(start_emulated(&usual, 115200), KL_ERR_RANGE);
        cr_expect_not_null(strstr(fault.text, row[r].word), "row %zu (%s): %s", r, row[r].legend,
                           fault.text);
        cr_expect_eq(mti.list[9], 0x30, "row %zu (%s): put back", r, row[r].legend);
    }
}

Test(xsens_mti_talk, keeps_the_configuration_when_asked_to)
{
    static const struct kl_device_option keep[] = {{"keep_configuration", "yes"}};
    const struct kl_device_config config = {
        .name = "mti", .placement = "pelvis", .option_count = 1, .option = keep};
    emulate_xsens_mti_init(&mti);
    for (int session = 0; session < 3; session++) {
        cr_assert_eq(start_emulated(&config, 115200), KL_OK, "%s", fault.text);
        cr_expect_eq(kl_xsens_mti_driver.stop(run.state, &line.link), KL_OK);
    }
    cr_expect_eq(mti.writes, 1);
}

Test(xsens_mti_talk, identifies_a_unit_and_leaves_it_as_it_was)
{
    for (int measuring = 0; measuring < 2; measuring++) {
        char text[80] = "";
        emulate_xsens_mti_init(&mti);
        mti.measuring = measuring == 1;
        emulator_link_init(&line, &emulator_ops, &mti, kl_xsens_mti_driver.need);
        line.baud = 115200;
        line.chunk = 0;
        line.now_ns = SECOND;
        cr_expect_eq(kl_xsens_mti_driver.identify(&line.link, text, sizeof(text)), KL_OK);
        cr_expect_str_eq(text, "MTi-300, device 037003F8, firmware 1.8.2");
        cr_expect_eq(mti.measuring, measuring == 1);
        cr_expect_eq(mti.writes, 0);
    }
    char text[80] = "unchanged";
    mti.emulator.fault = EMULATOR_NO_ANSWER;
    mti.emulator.fault_count = UINT64_MAX;
    cr_expect_eq(kl_xsens_mti_driver.identify(&line.link, text, sizeof(text)), KL_ERR_TIMEOUT);
}
