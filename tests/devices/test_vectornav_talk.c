/* The conversation with a VectorNav, against a script and against an emulated device. */
#include "devices/drivers.h"
#include "devices/vectornav.h"
#include "driver_run.h"
#include "emulate_vectornav.h"
#include "scripted_link.h"

#include <criterion/criterion.h>

#include <math.h>
#include <string.h>

static const struct kl_device_option with_sync[] = {{"sync", "yes"}};
static const struct kl_device_config page = {.name = "vn",
                                             .placement = "shank.right",
                                             .rate_hz = 400,
                                             .option_count = 1,
                                             .option = with_sync};
static const struct kl_device_config usual = {.name = "vn", .placement = "shank.right"};

enum { MX = 6, QW = 9, SYNC = 13, CHANNELS = 14, SWALLOWED = 3 };

#define SECOND INT64_C(1000000000)
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct driver_run run;
static struct emulate_vectornav vn;
static struct emulator_link line;
static struct kl_fault fault;

/* B3 of the page: mask 2131, and 2.5 ms later. */
#define B3A                                                                                        \
    "\xfa\x01\x31\x21\xe0\x10\xf5\x71\x1f\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\xf3\x04\x35" \
    "\x3f\xf3\x04\x35\x3f\x0a\xd7\x23\x3c\x0a\xd7\xa3\xbc\x00\x00\x00\x3f\xcd\xcc\xcc\x3d\xcd\xcc" \
    "\x4c\xbe\x0a\xe8\x1c\xc1\x2a\x00\x00\x00\x03\xcd"
#define B3B                                                                                        \
    "\xfa\x01\x31\x21\x80\x36\x1b\x72\x1f\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\xf3\x04\x35" \
    "\x3f\xf3\x04\x35\x3f\x0a\xd7\x23\x3c\x0a\xd7\xa3\xbc\x00\x00\x00\x3f\xcd\xcc\xcc\x3d\xcd\xcc" \
    "\x4c\xbe\x0a\xe8\x1c\xc1\x2a\x00\x00\x00\x0f\x18"

Test(vectornav_talk, speaks_the_commands_of_the_page)
{
    static const struct scripted_row row[] = {
        SAYS("$VNASY,0*4F\r\n", "$VNERR,12*72\r\n$VNASY,0*4F\r\n"),
        SAYS("$VNRRG,01*72\r\n", "$VNRRG,01,VN-200T-CR*31\r\n"),
        SAYS("$VNRRG,75*71\r\n", "$VNRRG,75,3,400,01,0321*3B31\r\n"),
        SAYS("$VNRRG,06*75\r\n", "$VNRRG,6,14*6C\r\n"),
        SAYS("$VNWRG,06,0*6C\r\n", "$VNWRG,06,0*6C\r\n"),
        SAYS("$VNWRG,75,1,2,01,2131*77\r\n", "$VNWRG,75,1,2,01,2131*77\r\n"),
        SAYS("$VNASY,1*4E\r\n", "$VNASY,1*4E\r\n" B3A B3B B3A B3B),
        SAYS("$VNASY,0*4F\r\n", B3A "$VNASY,0*4F\r\n"),
        SAYS("$VNWRG,75,3,400,01,0321*72\r\n", "$VNWRG,75,3,400,01,0321*72\r\n"),
        SAYS("$VNWRG,06,14*59\r\n", "$VNWRG,06,14*59\r\n"),
        SAYS("$VNASY,1*4E\r\n", "$VNASY,1*4E\r\n"),
    };
    static const size_t chunk[] = {0, 1};
    for (size_t k = 0; k < COUNT(chunk); k++) {
        static struct scripted_link link;
        scripted_link_init(&link, row, COUNT(row));
        link.chunk = chunk[k];
        cr_assert_gt(run_configure(&run, &kl_vectornav_driver, &page), 0);
        cr_assert_eq(kl_vectornav_driver.start(run.state, &link.link, &fault), KL_OK,
                     "%s (row %zu)", fault.text, link.at);
        cr_expect_eq(link.out_len, sizeof(B3B) - 1, "the fourth packet is left to the stream");
        cr_expect_eq(kl_vectornav_driver.stop(run.state, &link.link), KL_OK);
        cr_expect_eq(link.at, COUNT(row), "row %zu", link.at);
        cr_expect_not(link.surprised);
    }
}

Test(vectornav_talk, names_what_went_wrong)
{
    static const struct scripted_row silent[] = {SAYS("$VNASY,0*4F\r\n", "")};
    static const struct scripted_row refuses[] = {
        SAYS("$VNASY,0*4F\r\n", "$VNASY,0*4F\r\n"), SAYS("$VNRRG,01*72\r\n", "$VNERR,09*78\r\n"),
        SAYS("$VNASY,1*4E\r\n", "$VNASY,1*4E\r\n"), /* as it was */
    };
    static const struct {
        const char *legend;
        const struct scripted_row *row;
        size_t count;
        int write_status, status;
        const char *word[3];
    } row[] = {
        {"silence", silent, 1, 0, KL_ERR_TIMEOUT, {"VNASY,0", "nothing came", "cable"}},
        {"error", refuses, 3, 0, KL_ERR_DATA, {"VNRRG,1", "VNERR,9", "unauthorised"}},
        {"gone", silent, 1, KL_ERR_GONE, KL_ERR_GONE, {"vn", "VNASY", ""}},
    };
    for (size_t r = 0; r < COUNT(row); r++) {
        static struct scripted_link link;
        scripted_link_init(&link, row[r].row, row[r].count);
        if (row[r].write_status < 0) {
            scripted_link_init(&link, NULL, 0);
            link.fails = row[r].write_status;
        }
        cr_assert_gt(run_configure(&run, &kl_vectornav_driver, &page), 0);
        fault.text[0] = '\0';
        int status = kl_vectornav_driver.start(run.state, &link.link, &fault);
        cr_expect_eq(status, row[r].status, "row %zu (%s): %d", r, row[r].legend, status);
        for (size_t i = 0; i < 3; i++) {
            cr_expect_not_null(strstr(fault.text, row[r].word[i]), "row %zu (%s): %s", r,
                               row[r].legend, fault.text);
        }
        cr_expect_lt(link.waited_ns, 3 * SECOND, "row %zu: a wait must end", r);
        cr_expect(row[r].write_status < 0 || link.at == row[r].count, "row %zu (%s)", r,
                  row[r].legend);
    }
}

/* ----------------------------------------------------------------- emulated */

static int start_emulated(const struct kl_device_config *config, unsigned host_baud, size_t chunk)
{
    cr_assert_gt(run_configure(&run, &kl_vectornav_driver, config), 0);
    emulator_link_init(&line, &emulator_ops, &vn, kl_vectornav_driver.need);
    line.baud = host_baud;
    line.chunk = chunk;
    fault.text[0] = '\0';
    return kl_vectornav_driver.start(run.state, &line.link, &fault);
}

Test(vectornav_talk, streams_magnetic_field_and_sync_pulses_as_meant)
{
    static const struct kl_device_option option[] = {{"magnetometer", "yes"}, {"sync", "yes"}};
    static const struct kl_device_config everything = {.name = "vn",
                                                       .placement = "shank.right",
                                                       .rate_hz = 400,
                                                       .option_count = 2,
                                                       .option = option};
    emulate_vectornav_init(&vn);
    vn.emulator.drift_ppm = -80;
    cr_assert_eq(start_emulated(&everything, 115200, 0), KL_OK, "%s", fault.text);
    cr_expect_eq(vn.emulator.baud, 460800, "78 bytes at 400 Hz do not fit 230400");
    run_link(&run, &line.link, &line.now_ns, 5);
    cr_expect(run.count >= 1995 && run.count <= 2010, "%zu", run.count);
    cr_expect_eq(run.sample[0].device_ns,
                 vn.power_up_ns + vn.start_ns + SWALLOWED * INT64_C(2500000));
    for (size_t i = 0; i < run.count; i++) {
        int64_t since_ns = run.sample[i].device_ns - vn.power_up_ns - vn.start_ns;
        uint64_t index = vn.first + (uint64_t)llround((double)since_ns * 400e-9);
        const double *value = run.sample[i].value;
        cr_expect_eq(run.sample[i].quality, 0);
        for (unsigned c = 0; c < 3; c++) {
            cr_assert_eq(value[c], (double)emulator_value(index, c), "sample %zu", i);
            cr_assert_eq(value[MX + c], 1e-4 * (double)emulator_value(index, MX + c));
            cr_assert_eq(value[QW + 1 + c], (double)emulator_value(index, QW + c));
        }
        cr_assert_eq(value[QW], (double)emulator_value(index, QW + 3), "the scalar comes first");
        cr_assert_eq(value[SYNC], 42 + (double)index);
    }
    cr_expect_eq(kl_vectornav_driver.stop(run.state, &line.link), KL_OK);
    cr_expect_eq(vn.mode, 0);
    cr_expect_eq(vn.emulator.baud, 115200);
    cr_expect_eq(vn.flash_writes, 0);
}

Test(vectornav_talk, finds_speeds_ports_and_models)
{
    static const struct {
        const char *legend, *model;
        unsigned baud, host_baud, port, base_hz;
        double rate_hz;
        int status;
        const char *word;
    } row[] = {
        {"as bought", "VN-100T-CR", 115200, 115200, 1, 800, 200, KL_OK, ""},
        {"set to 921600", "VN-100T-CR", 921600, 115200, 1, 800, 800, KL_OK, ""},
        {"set to 9600", "VN-100T-CR", 9600, 115200, 1, 800, 50, KL_OK, ""},
        {"second port", "VN-200T-CR", 115200, 115200, 2, 800, 200, KL_OK, ""},
        {"over TCP", "VN-200T-CR", 115200, 0, 1, 800, 200, KL_OK, ""},
        {"VN-300", "VN-300R-CR", 115200, 115200, 1, 400, 200, KL_OK, ""},
        {"VN-300 too fast", "VN-300R-CR", 115200, 115200, 1, 400, 800, KL_ERR_RANGE, "400 Hz"},
        {"slower than it should", "VN-100T-CR", 115200, 115200, 1, 400, 200, KL_ERR_RANGE, "100.0"},
        {"not connected", "VN-100T-CR", 115200, 115200, 0, 800, 200, KL_ERR_TIMEOUT, "port 1 or 2"},
    };
    for (size_t r = 0; r < COUNT(row); r++) {
        struct kl_device_config config = usual;
        config.rate_hz = row[r].rate_hz;
        emulate_vectornav_init(&vn);
        vn.model = row[r].model;
        vn.emulator.baud = row[r].baud;
        vn.port = row[r].port;
        vn.base_hz = row[r].base_hz;
        int status = start_emulated(&config, row[r].host_baud, 0);
        cr_expect_eq(status, row[r].status, "row %zu (%s): %s", r, row[r].legend, fault.text);
        cr_expect_not_null(strstr(fault.text, row[r].word), "row %zu (%s): %s", r, row[r].legend,
                           fault.text);
        if (status == KL_OK) {
            run_link(&run, &line.link, &line.now_ns, 1);
            cr_expect(fabs((double)run.count - row[r].rate_hz) <= 12, "row %zu (%s): %zu", r,
                      row[r].legend, run.count);
            cr_expect_eq(kl_vectornav_driver.stop(run.state, &line.link), KL_OK);
        }
        cr_expect_eq(vn.emulator.baud, row[r].baud, "row %zu (%s): put back", r, row[r].legend);
        cr_expect_eq(vn.ascii, 14, "row %zu (%s): put back", r, row[r].legend);
    }
}

Test(vectornav_talk, identifies_a_unit_without_touching_it)
{
    static const unsigned baud[] = {115200, 921600};
    for (size_t k = 0; k < COUNT(baud); k++) {
        char text[80] = "";
        emulate_vectornav_init(&vn);
        vn.emulator.baud = baud[k];
        emulator_link_init(&line, &emulator_ops, &vn, kl_vectornav_driver.need);
        line.baud = 115200;
        line.chunk = 0;
        line.now_ns = SECOND;
        cr_expect_eq(kl_vectornav_driver.identify(&line.link, text, sizeof(text)), KL_OK);
        cr_expect_str_eq(text, "VN-100T-CR, serial 0100012345, firmware 2.0.0.1");
        cr_expect_not(vn.paused);
        cr_expect_eq(vn.ascii, 14);
    }
    char text[80] = "unchanged";
    vn.emulator.fault = EMULATOR_NO_ANSWER;
    vn.emulator.fault_count = UINT64_MAX;
    cr_expect_eq(kl_vectornav_driver.identify(&line.link, text, sizeof(text)), KL_ERR_TIMEOUT);
}
