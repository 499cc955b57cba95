#include "devices/drivers.h"
#include "driver_run.h"
#include "emulate_bitalino.h"
#include "scripted_link.h"

#include <criterion/criterion.h>

#include <string.h>

static struct driver_run run; /* too large for the stack; each test is its own process */
static struct lab lab;
static uint8_t bytes[400 * BITALINO_FRAME_MAX];

static double volts(unsigned count, unsigned full)
{
    return ((double)count / full - 0.5) * 3.3 / 1009;
}

static void channels(size_t count, bool digital)
{
    lab_init(&lab, "", 0);
    lab_stream(&lab, "emg", KL_KIND_EMG, count, 1);
    if (digital) {
        lab_stream(&lab, "sync", KL_KIND_OTHER, 2, 7);
    }
}

/* Frames are believed from three in a row on: the page's vector, then good ones behind it. */
static size_t with_followers(const char *hex, unsigned sequence, unsigned count)
{
    size_t len = hex_bytes(hex, bytes, sizeof(bytes));
    for (unsigned n = sequence + 1; n <= sequence + 3; n++) {
        len += emulate_bitalino_frame(n, count, bytes + len);
    }
    return len;
}

Test(bitalino, decodes_the_vectors_of_the_protocol_page)
{
    /* emg_cyton_bitalino_trigno.md, section 2 */
    static const struct {
        const char *hex;
        unsigned channels, sequence, i1, i2, count[6];
    } table[] = {
        {"00 98 5F", 1, 5, 1, 0, {512}},
        {"2C 01 28 63", 2, 6, 0, 0, {512, 300}},
        {"40 C0 00 02 04 C0 0B", 4, 0, 1, 1, {1, 2, 3, 4}},
        {"95 AA EA 7F 00 FC 5F F5", 6, 15, 0, 1, {1023, 0, 511, 682, 42, 21}},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        channels(table[i].channels, true);
        cr_assert_eq(run_configure(&run, &kl_bitalino_driver, &lab.config), 2, "%s",
                     run.fault.text);
        size_t len = with_followers(table[i].hex, table[i].sequence, table[i].channels);
        run_feed(&run, bytes, len, 2);
        cr_assert_eq(run.count, 8, "row %zu: %zu", i, run.count);
        for (unsigned c = 0; c < table[i].channels; c++) {
            double v = volts(table[i].count[c], c < 4 ? 1024 : 64);
            cr_expect_float_eq(run.sample[0].value[c], v, 1e-15, "row %zu channel %u", i, c);
        }
        cr_expect_eq(run.sample[1].value[0], table[i].i1, "row %zu", i);
        cr_expect_eq(run.sample[1].value[1], table[i].i2, "row %zu", i);
        cr_expect_eq(run.sample[0].quality, i == 3 ? (unsigned)KL_QUALITY_CLIPPED : 0);
    }
}

Test(bitalino, refuses_the_corrupted_vector)
{
    channels(6, false);
    cr_assert_gt(run_configure(&run, &kl_bitalino_driver, &lab.config), 0);
    size_t len = with_followers("95 AA EB 7F 00 FC 5F F5", 15, 6);
    run_feed(&run, bytes, len, len);
    cr_expect_eq(run.count, 3);
    cr_expect_eq(run.framing.bad, 1);
    cr_expect_eq(run.framing.skipped, 8);
}

Test(bitalino, scales_as_the_sensor_data_sheet_says)
{
    /* the page's figures, mV at the electrode */
    cr_expect_float_eq(volts(0, 1024) * 1e3, -1.6353, 5e-5);
    cr_expect_float_eq(volts(600, 1024) * 1e3, 0.28106, 5e-6);
    cr_expect_float_eq(volts(1023, 1024) * 1e3, 1.6321, 5e-5);
}

Test(bitalino, survives_what_comes_between_frames)
{
    static const struct {
        const char *legend, *before;
        size_t damaged, cut, dropped, samples;
        unsigned quality; /* of the first sample behind */
    } table[] = {
        {"good", "", 0, 0, 0, 20, 0},
        {"leading garbage", "A0 00 31", 0, 0, 0, 20, 0},
        {"wrong checksum", "", 1, 0, 0, 19, KL_QUALITY_GAP | KL_QUALITY_CHECKSUM},
        {"truncated", "", 0, 2, 0, 19, KL_QUALITY_GAP | KL_QUALITY_CHECKSUM},
        {"dropped", "", 0, 0, 1, 19, KL_QUALITY_GAP},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        channels(2, false);
        cr_assert_gt(run_configure(&run, &kl_bitalino_driver, &lab.config), 0);
        size_t len = hex_bytes(table[i].before, bytes, sizeof(bytes));
        for (uint64_t n = 0; n < 20; n++) {
            size_t size = emulate_bitalino_frame(n, 2, bytes + len);
            bytes[len + 1] ^= n == 10 && table[i].damaged ? 0x40 : 0;
            len += n != 10 ? size : table[i].dropped ? 0 : size - table[i].cut;
        }
        run_feed(&run, bytes, len, 3);
        cr_expect_eq(run.count, table[i].samples, "%s: %zu", table[i].legend, run.count);
        cr_expect_eq(run.sample[10].quality, table[i].quality, "%s", table[i].legend);
        cr_expect_eq(run.sample[10].device_ns, (table[i].samples == 20 ? 10 : 11) * 1000000LL);
    }
}

Test(bitalino, does_not_depend_on_how_the_bytes_were_cut)
{
    size_t len = 0;
    channels(4, false);
    for (uint64_t n = 0; n < 200; n++) {
        len += n == 60 ? 0 : emulate_bitalino_frame(n, 4, bytes + len);
        bytes[300] = 0xA0;
    }
    bytes[300] ^= 0x55;
    bytes[900] ^= 0x01;
    memmove(bytes + 1100, bytes + 1101, len - 1101);
    run_expect_same_in_chunks(&kl_bitalino_driver, &lab.config, bytes, len - 1);
}

Test(bitalino, loses_at_most_one_frame_to_a_single_fault)
{
    size_t len = 0;
    channels(4, false);
    for (uint64_t n = 0; n < 60; n++) {
        len += emulate_bitalino_frame(n, 4, bytes + len);
    }
    struct fault_cost cost = run_single_faults(&kl_bitalino_driver, &lab.config, bytes, len, 70,
                                               len - 70, FAULT_ANY, 1500);
    /* a byte more or less shifts the frame's end; what then stands there fits the CRC and the
     * expected sequence 1 time in 256, costs the next frame too and is wrong: 2/3 of the runs */
    cr_expect_leq(cost.worst, 2, "%zu", cost.worst);
    cr_expect_leq(cost.more, 10, "%zu", cost.more);
    cr_expect_leq(cost.wrong, 12, "%zu", cost.wrong);
}

Test(bitalino, refuses_what_it_cannot_do_in_words)
{
    lab_init(&lab, "vmo.left", 500);
    cr_expect_eq(run_configure(&run, &kl_bitalino_driver, &lab.config), KL_ERR_RANGE);
    cr_expect_not_null(strstr(run.fault.text, "1, 10, 100, 1000"), "%s", run.fault.text);
    lab_init(&lab, "", 0);
    lab_stream(&lab, "sync", KL_KIND_OTHER, 2, 7);
    cr_expect_eq(run_configure(&run, &kl_bitalino_driver, &lab.config), KL_ERR_RANGE);
    cr_expect_not_null(strstr(run.fault.text, "A1-A6"), "%s", run.fault.text);
    lab_init(&lab, "", 0);
    lab_stream(&lab, "emg.vmo.left", KL_KIND_EMG, 1, 1);
    lab_stream(&lab, "emg.vl.left", KL_KIND_EMG, 1, 1);
    cr_expect_eq(run_configure(&run, &kl_bitalino_driver, &lab.config), KL_ERR_RANGE);
    cr_expect_not_null(strstr(run.fault.text, "two muscles"), "%s", run.fault.text);
}

Test(bitalino, says_its_commands_in_order)
{
    static const struct scripted_row row[] = {SAYS("\x07", "BITalino_v5.2\n"), SAYS("\xC3", ""),
                                              SAYS("\x0D", "\x01"), SAYS("\0", "")};
    struct scripted_link link;
    struct kl_fault fault;
    channels(2, false);
    cr_assert_gt(run_configure(&run, &kl_bitalino_driver, &lab.config), 0);
    scripted_link_init(&link, row, 4);
    link.chunk = 2;
    cr_expect_eq(kl_bitalino_driver.start(run.state, &link.link, &fault), KL_OK, "%s", fault.text);
    cr_expect_eq(kl_bitalino_driver.stop(run.state, &link.link), KL_OK);
    cr_expect(!link.surprised && link.at == link.rows, "row %zu", link.at);
}

Test(bitalino, explains_each_failure_of_its_start)
{
    static const struct scripted_row old[] = {SAYS("\x07", "BITalinoV3.0\n")};
    static const struct scripted_row other[] = {SAYS("\x07", "OK\n"), SAYS("\xFF", ""),
                                                SAYS("\x07", "OK\n"), SAYS("\0", ""),
                                                SAYS("\x07", "OK\n")};
    static const struct scripted_row no_data[] = {SAYS("\x07", "BITalino_v5.2\n"), SAYS("\xC3", ""),
                                                  SAYS("\x0D", ""), SAYS("\0", "")};
    static const struct {
        const struct scripted_row *row;
        size_t rows;
        int status;
        const char *says;
    } table[] = {
        {old, 1, KL_ERR_UNSUPPORTED, "BITalinoV3.0"},
        {other, 5, KL_ERR_DATA, "naming BITalino, got OK"},
        {no_data, 4, KL_ERR_TIMEOUT, "start (0D)"},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct scripted_link link;
        struct kl_fault fault;
        channels(2, false);
        cr_assert_gt(run_configure(&run, &kl_bitalino_driver, &lab.config), 0);
        scripted_link_init(&link, table[i].row, table[i].rows);
        cr_expect_eq(kl_bitalino_driver.start(run.state, &link.link, &fault), table[i].status,
                     "row %zu", i);
        cr_expect_not_null(strstr(fault.text, table[i].says), "row %zu: %s", i, fault.text);
        cr_expect(!link.surprised && link.at == table[i].rows, "row %zu", i);
    }
}

Test(bitalino, is_recognised_politely)
{
    static struct emulate_bitalino device;
    struct emulator_link link;
    char text[80];
    emulate_bitalino_init(&device);
    emulator_link_init(&link, &emulator_ops, &device, kl_bitalino_driver.need);
    cr_expect_eq(kl_bitalino_driver.identify(&link.link, text, sizeof(text)), KL_OK);
    cr_expect_not_null(strstr(text, "BITalino_v5.2"));
    cr_expect_eq(link.written, 1);
    device.emulator.fault = EMULATOR_NO_ANSWER;
    device.emulator.fault_count = UINT64_MAX;
    cr_expect_eq(kl_bitalino_driver.identify(&link.link, text, sizeof(text)), KL_ERR_TIMEOUT);
    cr_expect_lt(link.now_ns, 3 * KL_NS_PER_S);
}
