#include "devices/drivers.h"
#include "driver_run.h"
#include "emulate_openbci_cyton.h"
#include "scripted_link.h"

#include <criterion/criterion.h>

#include <string.h>

#define UV_PER_COUNT (4.5 / 24 / 8388607 * 1e6)

static struct driver_run run; /* too large for the stack; each test is its own process */
static struct lab lab;
static uint8_t bytes[200 * CYTON_FRAME];

/* protocols: emg_cyton_bitalino_trigno.md, vectors of section 1 */
static const char vector_42[] = "A0 2A 00 03 E8 FF FC 18 7F FF FF 80 00 00 00 00 00 00 00 01 FF FF "
                                "FF 12 34 56 1F 40 E0 C0 00 10 C0";
static const char vector_43[] = "A0 2B 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 "
                                "00 00 00 00 00 00 00 01 86 A0 C4";

static void two_muscles(void)
{
    lab_init(&lab, "", 0);
    lab_stream(&lab, "emg.vmo.right", KL_KIND_EMG, 1, 1);
    lab_stream(&lab, "emg.vl.right", KL_KIND_EMG, 1, 2);
}

static size_t clean(size_t frames)
{
    for (size_t n = 0; n < frames; n++) {
        emulate_cyton_frame(n, false, bytes + n * CYTON_FRAME);
    }
    return frames * CYTON_FRAME;
}

Test(openbci_cyton, decodes_the_vectors_of_the_protocol_page)
{
    static const double uv[8] = {22.351744, -22.351744, 187500.0,  -187500.022352,
                                 0,         0.022352,   -0.022352, 26666.659315};
    lab_init(&lab, "", 0);
    lab_option(&lab, "gain", "24");
    lab_stream(&lab, "emg.all", KL_KIND_EMG, 8, 1);
    lab_stream(&lab, "accel", KL_KIND_OTHER, 3, 21);
    lab_stream(&lab, "board", KL_KIND_OTHER, 1, 24);
    cr_assert_eq(run_configure(&run, &kl_openbci_cyton_driver, &lab.config), 3, "%s",
                 run.fault.text);
    size_t len = hex_bytes(vector_42, bytes, sizeof(bytes));
    len += hex_bytes(vector_43, bytes + len, sizeof(bytes) - len);
    cr_assert_eq(len, 2 * CYTON_FRAME);
    run_feed(&run, bytes, len, 7);
    cr_assert_eq(run.count, 6);
    for (size_t c = 0; c < 8; c++) { /* the page prints 1e-6 uV */
        cr_expect_float_eq(run.sample[0].value[c] * 1e6, uv[c], 1e-6, "channel %zu", c + 1);
    }
    cr_expect_eq(run.sample[0].quality, KL_QUALITY_CLIPPED);
    cr_expect(near(run.sample[1].value[0], 9.80665) && near(run.sample[1].value[1], -9.80665) &&
              near(run.sample[1].value[2], 0.002 * 9.80665));
    cr_expect_eq(run.sample[1].quality, 0);
    cr_expect_eq(run.sample[2].quality, KL_QUALITY_STALE, "type 0 tells no board time");
    cr_expect_eq(run.sample[3].quality, 0, "nothing lost between 42 and 43");
    cr_expect_eq(run.sample[3].device_ns, 4000000);
    cr_expect_eq(run.sample[4].quality, KL_QUALITY_STALE);
    cr_expect_eq(run.sample[5].value[0], 100.0, "board time 100000 ms");
}

Test(openbci_cyton, counts_what_the_radio_lost_and_wraps)
{
    two_muscles();
    cr_assert_gt(run_configure(&run, &kl_openbci_cyton_driver, &lab.config), 0);
    static const uint64_t sent[] = {253, 254, 255, 256, 260, 261};
    for (size_t i = 0; i < 6; i++) {
        emulate_cyton_frame(sent[i], false, bytes);
        run_feed(&run, bytes, CYTON_FRAME, CYTON_FRAME);
    }
    cr_assert_eq(run.count, 12);
    for (size_t i = 0; i < 6; i++) {
        const struct kl_sample *heard = &run.sample[2 * i + 1];
        cr_expect_eq(heard->device_ns, (int64_t)(sent[i] - 253) * 4000000, "row %zu", i);
        cr_expect_eq(heard->quality, i == 4 ? (unsigned)KL_QUALITY_GAP : 0, "row %zu", i);
        cr_expect(near(heard->value[0], emulate_cyton_count(sent[i], 2) * UV_PER_COUNT * 2 / 1e6));
    }
}

Test(openbci_cyton, survives_what_comes_between_frames)
{
    static const struct {
        const char *legend, *before;
        size_t damaged, cut, samples; /* damaged: byte of frame 2; cut: bytes missing at its end */
        uint64_t bad, skipped;
    } table[] = {
        {"good", "", 0, 0, 8, 0, 0},
        {"leading garbage with heads in it", "A0 00 A0 A0 11", 0, 0, 8, 1, 5},
        {"wrong stop byte", "", 32, 0, 7, 1, 33},
        {"wrong head", "", 33, 0, 7, 1, 33}, /* 33 % 33: byte 0 */
        {"truncated", "", 0, 10, 7, 1, 23},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        two_muscles();
        lab.config.stream_count = 1;
        cr_assert_gt(run_configure(&run, &kl_openbci_cyton_driver, &lab.config), 0);
        size_t len = hex_bytes(table[i].before, bytes, sizeof(bytes)), first = len;
        for (uint64_t n = 0; n < 8; n++) {
            emulate_cyton_frame(n, false, bytes + len);
            len += CYTON_FRAME - (n == 2 ? table[i].cut : 0);
        }
        if (table[i].damaged > 0) {
            bytes[first + 2 * CYTON_FRAME + table[i].damaged % CYTON_FRAME] ^= 0x10;
        }
        run_feed(&run, bytes, len, 5);
        cr_expect_eq(run.count, table[i].samples, "%s: %zu", table[i].legend, run.count);
        cr_expect_eq(run.framing.bad, table[i].bad, "%s", table[i].legend);
        cr_expect_eq(run.framing.skipped, table[i].skipped, "%s: %lu", table[i].legend,
                     (unsigned long)run.framing.skipped);
    }
}

Test(openbci_cyton, does_not_depend_on_how_the_bytes_were_cut)
{
    two_muscles();
    size_t len = clean(200);
    bytes[50 * CYTON_FRAME + 32] = 0;
    bytes[90 * CYTON_FRAME] = 0;
    memmove(bytes + 120 * CYTON_FRAME + 9, bytes + 120 * CYTON_FRAME + 10,
            len - 120 * CYTON_FRAME - 10);
    run_expect_same_in_chunks(&kl_openbci_cyton_driver, &lab.config, bytes, len - 1);
}

Test(openbci_cyton, loses_at_most_one_frame_to_a_single_fault)
{
    two_muscles();
    lab.config.stream_count = 1;
    size_t len = clean(60);
    /* no checksum: a flipped bit within the samples cannot be seen; values then differ */
    struct fault_cost cost = run_single_faults(&kl_openbci_cyton_driver, &lab.config, bytes, len,
                                               10 * CYTON_FRAME, 50 * CYTON_FRAME, FAULT_ANY, 1500);
    cr_expect_leq(cost.worst, 1);
    /* flipped bits: 1/3 of the runs, 24 flips in 33 * 8 bits of them within the muscle's 3 bytes;
     * insertions and removals behind it: up to the same again */
    cr_expect_leq(cost.wrong, 100, "%zu", cost.wrong);
}

Test(openbci_cyton, refuses_what_it_cannot_do_in_words)
{
    static const struct {
        const char *legend, *key, *value;
        double rate_hz;
        uint8_t input;
        enum kl_kind kind;
        const char *says;
    } table[] = {
        {"rate", "gain", "12", 1000, 1, KL_KIND_EMG, "250"},
        {"key", "gian", "12", 0, 1, KL_KIND_EMG, "gain, montage, bias"},
        {"gain", "gain", "16", 0, 1, KL_KIND_EMG, "1, 2, 4, 6, 8, 12, 24"},
        {"input", "gain", "12", 0, 9, KL_KIND_EMG, "1-8 (EMG)"},
        {"kind", "gain", "12", 0, 1, KL_KIND_FORCE, "kind emg"},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        lab_init(&lab, "", table[i].rate_hz);
        lab_option(&lab, table[i].key, table[i].value);
        lab_stream(&lab, "emg.vmo.left", table[i].kind, 1, table[i].input);
        cr_expect_eq(run_configure(&run, &kl_openbci_cyton_driver, &lab.config), KL_ERR_RANGE, "%s",
                     table[i].legend);
        cr_expect_not_null(strstr(run.fault.text, table[i].says), "%s: %s", table[i].legend,
                           run.fault.text);
    }
    lab_init(&lab, "", 0);
    cr_expect_eq(run_configure(&run, &kl_openbci_cyton_driver, &lab.config), KL_ERR_RANGE);
    lab_init(&lab, "vmo.left", 0);
    cr_expect_eq(run_configure(&run, &kl_openbci_cyton_driver, &lab.config), 1);
    cr_expect_str_eq(run.stream[0].name, "emg.vmo.left");
    cr_expect_str_eq(run.stream[0].unit[0], "V");
}

#define RESET "OpenBCI V3 8-16 channel\nFirmware: v3.1.1\n$$$"
#define SET "Success: Channel set$$$"

Test(openbci_cyton, says_its_commands_in_order_and_takes_them_back)
{
    static const struct scripted_row row[] = {
        SAYS("s", "\xA0junk"),  SAYS("v", RESET),         SAYS("d", "defaults$$$"),
        SAYS("x1050100X", SET), SAYS("x2050100X", SET),   SAYS("x3101000X", SET),
        SAYS("x4101000X", SET), SAYS("x5101000X", SET),   SAYS("x6101000X", SET),
        SAYS("x7101000X", SET), SAYS("x8101000X", SET),   SAYS("b", "\xA0"),
        SAYS("s", ""),          SAYS("d", "defaults$$$"),
    };
    struct scripted_link link;
    struct kl_fault fault;
    two_muscles();
    cr_assert_gt(run_configure(&run, &kl_openbci_cyton_driver, &lab.config), 0);
    scripted_link_init(&link, row, sizeof(row) / sizeof(row[0]));
    link.chunk = 3; /* answers split over reads */
    cr_expect_eq(kl_openbci_cyton_driver.start(run.state, &link.link, &fault), KL_OK, "%s",
                 fault.text);
    cr_expect_eq(kl_openbci_cyton_driver.stop(run.state, &link.link), KL_OK);
    cr_expect(!link.surprised && link.at == link.rows, "row %zu", link.at);
}

Test(openbci_cyton, explains_each_failure_of_its_start)
{
    static const struct scripted_row silent[] = {SAYS("s", "")};
    static const struct scripted_row off[] = {SAYS("s", ""),
                                              SAYS("v", "Failure: Communications timeout$$$")};
    static const struct scripted_row other[] = {SAYS("s", ""), SAYS("v", "Marlin 1.0$$$")};
    static const struct scripted_row refused[] = {
        SAYS("s", ""), SAYS("v", RESET),  SAYS("d", "ok$$$"), SAYS("x1050100X", "Failure: slow$$$"),
        SAYS("s", ""), SAYS("d", "ok$$$")};
    static const struct {
        const struct scripted_row *row;
        size_t rows;
        int status;
        const char *says;
    } table[] = {
        {silent, 1, KL_ERR_TIMEOUT, "\"v\": expected an answer ending in $$$"},
        {off, 2, KL_ERR_DATA, "Communications timeout"},
        {other, 2, KL_ERR_DATA, "Marlin"},
        {refused, 6, KL_ERR_DATA, "x1050100X"},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct scripted_link link;
        struct kl_fault fault;
        two_muscles();
        cr_assert_gt(run_configure(&run, &kl_openbci_cyton_driver, &lab.config), 0);
        scripted_link_init(&link, table[i].row, table[i].rows);
        cr_expect_eq(kl_openbci_cyton_driver.start(run.state, &link.link, &fault), table[i].status,
                     "row %zu", i);
        cr_expect_not_null(strstr(fault.text, table[i].says), "row %zu: %s", i, fault.text);
        cr_expect_eq(link.at, table[i].rows, "row %zu: defaults restored", i);
        cr_expect_lt(link.waited_ns, 10 * KL_NS_PER_S);
    }
}

Test(openbci_cyton, is_recognised_politely)
{
    static struct emulate_cyton device;
    struct emulator_link link;
    char text[80];
    emulate_cyton_init(&device);
    emulator_link_init(&link, &emulator_ops, &device, kl_openbci_cyton_driver.need);
    cr_expect_eq(kl_openbci_cyton_driver.identify(&link.link, text, sizeof(text)), KL_OK);
    cr_expect_str_eq(text, "OpenBCI Cyton, firmware v3.1.1");
    cr_expect_eq(link.written, 1);
    device.emulator.fault = EMULATOR_NO_ANSWER;
    device.emulator.fault_count = UINT64_MAX;
    cr_expect_eq(kl_openbci_cyton_driver.identify(&link.link, text, sizeof(text)), KL_ERR_TIMEOUT);
    cr_expect_lt(link.now_ns, 3 * KL_NS_PER_S);
}
