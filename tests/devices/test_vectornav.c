#include "devices/drivers.h"
#include "devices/vectornav.h"
#include "driver_run.h"
#include "vectors.h"

#include <criterion/criterion.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

static const struct kl_device_option with_everything[] = {{"magnetometer", "yes"}, {"sync", "yes"}};
static const struct kl_device_config everything = {.name = "vn",
                                                   .placement = "shank.right",
                                                   .rate_hz = 400,
                                                   .option_count = 2,
                                                   .option = with_everything};
static const struct kl_device_config usual = {
    .name = "vn", .placement = "shank.right", .rate_hz = 400};

/* Channels of `everything`. */
enum { AX = 0, WX = 3, MX = 6, QW = 9, SYNC = 13, CHANNELS = 14 };

/* The vectors of the protocol page: the makers' manual and library, and computed. */
static const struct {
    const char *id, *kind, *hex, *expected;
} page[] = {
    {"B1", "frame", "FA01080093502E42833EF13F48B504BB9288",
     "ypr_deg=43.578686 1.88472021 -0.00202496536"},
    {"B1b", "frame", "FA010900700500030A000000480E2C42084C37C110388BC2D4CB",
     "t_ns=43000006000; ypr_deg=43.0139465 -11.4560623 -69.6094971"},
    {"B2", "frame",
     "FA052101100100F2052A010000000000803E00000000000080BE000000000000000000001CC10000BC410000803E0"
     "00080BD0000003F1624",
     "t_ns=5000000000; gyr_rad_s=0.25 0 -0.25; acc_m_s2=0 0 -9.75; temp_c=23.5; mag_gauss=0.25 "
     "-0.0625 0.5"},
    {"B3a", "frame",
     "FA013121E010F5711F0100000000000000000000F304353FF304353F0AD7233C0AD7A3BC0000003FCDCCCC3DCDCC4"
     "CBE0AE81CC12A00000003CD",
     "t_ns=1234567500000; quat_xyzw=0 0 0.707106769 0.707106769; gyr_rad_s=0.00999999978 "
     "-0.0199999996 0.5; acc_m_s2=0.100000001 -0.200000003 -9.80665016; sync_in=42"},
    {"B3b", "frame",
     "FA01312180361B721F0100000000000000000000F304353FF304353F0AD7233C0AD7A3BC0000003FCDCCCC3DCDCC4"
     "CBE0AE81CC12A0000000F18",
     "t_ns=1234570000000; sync_in=42; step 2.5 ms"},
    {"B3c", "frame",
     "FA01312160A78D721F0100000000000000000000F304353FF304353F0AD7233C0AD7A3BC0000003FCDCCCC3DCDCC4"
     "CBE0AE81CC12B0000000A79",
     "t_ns=1234577500000; sync_in=43; step 7.5 ms at 400 Hz: 2 samples lost"},
    {"A1", "ascii",
     "24564E594D522C2B3130302E3934392C2D3030372E3333302C2B3030302E3731352C2D30302E303034392C2D30302"
     "E323434392C2B30302E353339372C2D30312E3235382C2D30302E3130302C2D30392E3730312C2D30302E30303030"
     "31382C2B30302E3030313132322C2D30302E3030303535312A36390D0A",
     "$VNYMR,+100.949,-007.330,+000.715,-00.0049,-00.2449,+00.5397,-01.258,-00.100,-09.701,-00."
     "000018,+00.001122,-00.000551*69"},
    {"A2", "ascii",
     "24564E514D522C2B302E3030343138332C2B302E3030313134392C2B302E3038393238352C2B302E3939353939372"
     "C2B30302E303131332C2D30302E323338342C2B30302E313830302C2B30302E3032302C2D30302E3039322C2D3039"
     "2E3638332C2D30302E3030303237322C2B30302E3030303832342C2B30302E3030303037332C54303030303030303"
     "534332A33440D0A",
     "$VNQMR,+0.004183,+0.001149,+0.089285,+0.995997,+00.0113,-00.2384,+00.1800,+00.020,-00.092,-"
     "09.683,-00.000272,+00.000824,+00.000073,T0000000543*3D"},
    {"A3", "ascii", "24564E4552522C31322A37320D0A", "$VNERR,12*72"},
    {"A4", "ascii", "24564E5252472C30312C564E2D323030542D43522A33310D0A",
     "$VNRRG,01,VN-200T-CR*31"},
};

static const struct {
    const char *name;
    enum kl_vn_field field;
} field[] = {
    {"ypr_deg", KL_VN_YAW_PITCH_ROLL}, {"quat_xyzw", KL_VN_QUATERNION},
    {"gyr_rad_s", KL_VN_RATE},         {"acc_m_s2", KL_VN_ACCELERATION},
    {"mag_gauss", KL_VN_MAGNETIC},     {"temp_c", KL_VN_TEMPERATURE},
    {"sync_in", KL_VN_SYNC_IN},
};

static void check_packet(const struct vector *vector)
{
    struct kl_vn_data data;
    double any[16];
    cr_assert_eq(kl_vn_data(vector->bytes, vector->len, &data), KL_OK, "%s", vector->id);
    for (size_t i = 0; i < sizeof(field) / sizeof(field[0]); i++) {
        if (vectors_numbers(vector->expected, field[i].name, any, 16) > 0) {
            cr_expect(data.has >> field[i].field & 1, "%s: %s", vector->id, field[i].name);
            (void)vectors_agree(vector, field[i].name, data.value[field[i].field]);
        }
    }
    if (vectors_numbers(vector->expected, "t_ns", any, 1) == 1) {
        cr_expect_eq(data.startup_ns, (uint64_t)any[0], "%s", vector->id);
    }
}

static void check_line(const struct vector *vector)
{
    double found[16];
    double expected[16];
    /* the expectation is the line itself; its numbers by another reading of the text */
    size_t count = kl_vn_numbers(vector->bytes, vector->len, found, 16);
    size_t wanted = 0;
    char text[600];
    (void)snprintf(text, sizeof(text), "%s", vector->expected);
    text[strcspn(text, "*")] = '\0';
    char *comma = strchr(text, ',');
    while (comma != NULL && sscanf(comma + 1, "%lf", &expected[wanted]) == 1) {
        wanted++;
        comma = strchr(comma + 1, ',');
    }
    cr_expect_eq(count, strcmp(vector->id, "A4") == 0 ? 1 : wanted, "%s: %zu of %zu", vector->id,
                 count, wanted);
    for (size_t i = 0; i < count && i < wanted; i++) {
        cr_expect_eq(found[i], expected[i], "%s: %zu", vector->id, i);
    }
}

static void check(const struct vector *vector)
{
    static struct driver_run run;
    cr_assert_gt(run_configure(&run, &kl_vectornav_driver, &everything), 0);
    run_feed(&run, vector->bytes, vector->len, 3);
    run_finish(&run);
    cr_expect_eq(run.framing.frames, 1, "%s", vector->id);
    cr_expect_eq(run.framing.skipped, 0, "%s", vector->id);
    if (strcmp(vector->kind, "frame") == 0) {
        check_packet(vector);
    } else {
        check_line(vector);
    }
}

static void of_page(const char *id, struct vector *out)
{
    for (size_t i = 0; i < sizeof(page) / sizeof(page[0]); i++) {
        if (strcmp(page[i].id, id) == 0) {
            (void)snprintf(out->id, sizeof(out->id), "%s", page[i].id);
            (void)snprintf(out->kind, sizeof(out->kind), "%s", page[i].kind);
            (void)snprintf(out->expected, sizeof(out->expected), "%s", page[i].expected);
            out->len = hex_bytes(page[i].hex, out->bytes, sizeof(out->bytes));
            return;
        }
    }
    cr_assert_fail("no vector %s", id);
}

Test(vectornav, decodes_the_vectors_of_the_page)
{
    static struct vector vector;
    for (size_t i = 0; i < sizeof(page) / sizeof(page[0]); i++) {
        of_page(page[i].id, &vector);
        check(&vector);
    }
}

Test(vectornav, decodes_the_table_of_vectors)
{
    static struct vector row[VECTORS];
    size_t count = vectors_read("vectornav", row, VECTORS);
    for (size_t i = 0; i < count; i++) {
        check(&row[i]);
    }
    if (count == 0) {
        cr_skip_test("skipped: no vectors at " KL_DATA "/../protocols");
    }
    cr_expect_eq(count, 10);
}

Test(vectornav, makes_samples_in_si_with_the_scalar_first)
{
    static struct vector vector;
    static struct driver_run run;
    of_page("B3a", &vector);
    cr_assert_gt(run_configure(&run, &kl_vectornav_driver, &usual), 0);
    run_feed(&run, vector.bytes, vector.len, 64);
    run_finish(&run);
    cr_assert_eq(run.count, 1);
    const struct kl_sample *sample = &run.sample[0];
    const double expected[] = {0.1, -0.2, -9.80665, 0.01, -0.02, 0.5, 0.70710678, 0, 0, 0.70710678};
    for (size_t c = 0; c < 10; c++) { /* float32 */
        cr_expect(fabs(sample->value[c] - expected[c]) <= 1e-6 * fabs(expected[c]), "channel %zu",
                  c);
    }
    cr_expect_eq(sample->device_ns, 1234567500000);
    cr_expect_eq(sample->quality, 0);
    /* B2: gauss to tesla; no quaternion in it */
    of_page("B2", &vector);
    cr_assert_gt(run_configure(&run, &kl_vectornav_driver, &everything), 0);
    run_feed(&run, vector.bytes, vector.len, 64);
    run_finish(&run);
    cr_assert_eq(run.count, 1);
    cr_expect_eq(run.sample[0].value[MX], 0.25e-4);
    cr_expect_eq(run.sample[0].value[MX + 1], -0.0625 * 1e-4);
    cr_expect(isnan(run.sample[0].value[QW]));
    cr_expect_eq(run.sample[0].quality, 0);
}

Test(vectornav, finds_lost_packets_by_the_time_step)
{
    static struct vector vector;
    static struct driver_run run;
    uint8_t bytes[256];
    size_t len = 0;
    static const char *const id[] = {"B3a", "B3b", "B3c", "B3a"};
    for (size_t i = 0; i < 4; i++) {
        of_page(id[i], &vector);
        memcpy(bytes + len, vector.bytes, vector.len);
        len += vector.len;
    }
    cr_assert_gt(run_configure(&run, &kl_vectornav_driver, &everything), 0);
    run_feed(&run, bytes, len, 7);
    run_finish(&run);
    cr_assert_eq(run.count, 4);
    const uint32_t quality[] = {0, 0, KL_QUALITY_GAP, KL_QUALITY_GAP | KL_QUALITY_CLOCK};
    for (size_t i = 0; i < 4; i++) {
        /* these packets hold no magnetic field */
        cr_expect(isnan(run.sample[i].value[MX]));
        cr_expect_eq(run.sample[i].quality, quality[i], "%zu", i);
    }
    cr_expect_eq(run.sample[2].device_ns - run.sample[1].device_ns, 7500000);
    cr_expect_eq(run.sample[1].value[SYNC], 42);
    cr_expect_eq(run.sample[2].value[SYNC], 43);
    run_expect_same_in_chunks(&kl_vectornav_driver, &everything, bytes, len);
}

Test(vectornav, finds_frames_in_any_surroundings)
{
    static const uint8_t sealed_unknown[] = {0xfa, 0x01, 0x00, 0x80, 0x00, 0x00};
    static const struct {
        const char *legend;
        const void *bytes;
        size_t len;
        unsigned frames, skipped;
    } row[] = {
#define TEXT(text) text, sizeof(text) - 1
        {"good line", TEXT("$VNRRG,01*72\r\n"), 1, 0},
        {"line feed only", TEXT("$VNRRG,01*72\n"), 1, 0},
        {"16-bit sum", TEXT("$VNRRG,06,1,1*0865\r\n"), 1, 0},
        {"16-bit sum, 75", TEXT("$VNRRG,75,3,400,01,0321*3B31\r\n"), 1, 0},
        {"small digits", TEXT("$VNWRG,06,0*6c\r\n"), 1, 0},
        {"wrong sum", TEXT("$VNRRG,01*73\r\n"), 0, 14},
        {"no sum wanted", TEXT("$VNRRG,01*XX\r\n"), 0, 14},
        {"no sum", TEXT("$VNRRG,01\r\n"), 0, 11},
        {"sum of three digits", TEXT("$VNRRG,01*072\r\n"), 0, 15},
        {"two stars", TEXT("$VNRRG*00,01*72\r\n"), 0, 17},
        {"star after its end", TEXT("$VNRRG,01\r*\n"), 0, 12},
        {"another's line", TEXT("$GPGGA,1*5B\r\n"), 0, 13},
        {"leading garbage", TEXT("xx$VN$VNRRG,01*72\r\n"), 1, 5},
        {"truncated", TEXT("$VNRRG,01*7"), 0, 11},
        {"back to back", TEXT("$VNRRG,01*72\r\n$VNASY,0*4F\r\n"), 2, 0},
        {"binary in a line", TEXT("$VNRRG,\x01*72\r\n"), 0, 13},
        {"no groups", TEXT("\xfa\x00\x00\x00"), 0, 4},
        {"group 7", TEXT("\xfa\x40\x01\x00"), 0, 4},
        {"extension of groups", TEXT("\xfa\x81\x01\x00"), 0, 4},
        {"empty mask", TEXT("\xfa\x01\x00\x00"), 0, 4},
        {"extension of fields", sealed_unknown, sizeof(sealed_unknown), 0, 6},
        {"SatInfo", TEXT("\xfa\x08\x00\x40\x00\x00"), 0, 6},
        {"too long", TEXT("\xfa\x3f\xff\x7f\xff\x03\xff\x0f\xff\x3f\xff\x3f\xff\x1f"), 0, 14},
#undef TEXT
    };
    for (size_t r = 0; r < sizeof(row) / sizeof(row[0]); r++) {
        static struct driver_run run;
        cr_assert_gt(run_configure(&run, &kl_vectornav_driver, &usual), 0);
        run_feed(&run, row[r].bytes, row[r].len, 1);
        run_finish(&run);
        cr_expect_eq(run.framing.frames, row[r].frames, "row %zu (%s)", r, row[r].legend);
        cr_expect_eq(run.framing.skipped, row[r].skipped, "row %zu (%s): %llu", r, row[r].legend,
                     (unsigned long long)run.framing.skipped);
        cr_expect_eq(run.count, 0);
    }
}

/* A published line whose sum is wrong: it should be 44. */
Test(vectornav, refuses_a_published_line_with_a_wrong_sum)
{
    static const char rest[] = "VNQMR,-0.017057,-0.000767,+0.056534,+0.998255";
    char line[100];
    static struct driver_run run;
    size_t len = kl_vn_command(rest, line, sizeof(line));
    cr_assert_gt(run_configure(&run, &kl_vectornav_driver, &usual), 0);
    run_feed(&run, (uint8_t *)line, len, 64);
    run_finish(&run);
    cr_expect_eq(run.framing.frames, 1);
    line[len - 3] ^= 1;
    cr_assert_gt(run_configure(&run, &kl_vectornav_driver, &usual), 0);
    run_feed(&run, (uint8_t *)line, len, 64);
    run_finish(&run);
    cr_expect_eq(run.framing.frames, 0);
    cr_expect_eq(run.framing.bad, 1);
}

Test(vectornav, makes_the_commands_of_the_page)
{
    static const struct {
        const char *text, *command;
    } row[] = {
        {"VNRRG,01", "$VNRRG,01*72\r\n"},
        {"VNRRG,05", "$VNRRG,05*76\r\n"},
        {"VNRRG,54", "$VNRRG,54*72\r\n"},
        {"VNASY,0", "$VNASY,0*4F\r\n"},
        {"VNASY,1", "$VNASY,1*4E\r\n"},
        {"VNWRG,05,921600", "$VNWRG,05,921600*53\r\n"},
        {"VNWRG,06,0", "$VNWRG,06,0*6C\r\n"},
        {"VNWRG,75,1,2,01,2131", "$VNWRG,75,1,2,01,2131*77\r\n"},
        {"VNWRG,75,2,2,01,2131", "$VNWRG,75,2,2,01,2131*74\r\n"},
        {"VNWRG,75,1,2,05,0121,0110", "$VNWRG,75,1,2,05,0121,0110*5C\r\n"},
    };
    for (size_t r = 0; r < sizeof(row) / sizeof(row[0]); r++) {
        char out[64];
        size_t len = kl_vn_command(row[r].text, out, sizeof(out));
        cr_expect_eq(len, strlen(row[r].command));
        cr_expect_str_eq(out, row[r].command);
        cr_expect_eq(kl_vn_command(row[r].text, out, len), 0, "no room for the end");
    }
}

static size_t packet(uint8_t *out, uint64_t t_ns, float acceleration, float rate)
{
    const uint8_t head[] = {0xfa, 0x01, 0x21, 0x01}; /* TimeStartup, AngularRate, Accel */
    memset(out, 0, 64);
    memcpy(out, head, sizeof(head));
    for (size_t i = 0; i < 8; i++) {
        out[4 + i] = (uint8_t)(t_ns >> (8 * i));
    }
    uint32_t bits;
    memcpy(&bits, &rate, sizeof(bits));
    for (size_t i = 0; i < 4; i++) {
        out[12 + i] = (uint8_t)(bits >> (8 * i));
    }
    memcpy(&bits, &acceleration, sizeof(bits));
    for (size_t i = 0; i < 4; i++) {
        out[24 + i] = (uint8_t)(bits >> (8 * i));
    }
    uint16_t crc = kl_vn_crc(out + 1, 35);
    out[36] = (uint8_t)(crc >> 8);
    out[37] = (uint8_t)crc;
    return 38;
}

Test(vectornav, tells_restarts_gaps_and_clipping)
{
    static const struct kl_device_option no_orientation[] = {{"orientation", "no"}};
    const struct kl_device_config config = {.name = "vn",
                                            .placement = "foot.left",
                                            .rate_hz = 400,
                                            .option_count = 1,
                                            .option = no_orientation};
    static const struct {
        const char *legend;
        uint64_t t_ns;
        float acceleration, rate;
        uint32_t quality;
    } row[] = {
        {"next", 1002500000, 1, 1, 0},
        {"late by a quarter", 1003100000, 1, 1, 0},
        {"one lost", 1005000000, 1, 1, KL_QUALITY_GAP},
        {"restart", 2500000, 1, 1, KL_QUALITY_GAP | KL_QUALITY_CLOCK},
        {"the same again", 1000000000, 1, 1, KL_QUALITY_GAP | KL_QUALITY_CLOCK},
        {"beyond any clock", UINT64_MAX, 1, 1, KL_QUALITY_CLOCK},
        {"16 g", 1002500000, -156.9064F, 1, KL_QUALITY_CLIPPED},
        {"15 g", 1002500000, 147.1F, 1, 0},
        {"2000 deg/s", 1002500000, 1, 34.9066F, KL_QUALITY_CLIPPED},
        {"1900 deg/s", 1002500000, 1, -33.2F, 0},
    };
    for (size_t r = 0; r < sizeof(row) / sizeof(row[0]); r++) {
        static struct driver_run run;
        uint8_t bytes[128];
        size_t len = packet(bytes, 1000000000, 1, 1);
        len += packet(bytes + len, row[r].t_ns, row[r].acceleration, row[r].rate);
        cr_assert_gt(run_configure(&run, &kl_vectornav_driver, &config), 0);
        run_feed(&run, bytes, len, 64);
        run_finish(&run);
        cr_assert_eq(run.count, 2, "row %zu (%s)", r, row[r].legend);
        cr_expect_eq(run.sample[0].quality, 0);
        cr_expect_eq(run.sample[1].quality, row[r].quality, "row %zu (%s): %x", r, row[r].legend,
                     run.sample[1].quality);
        cr_expect_eq(run.sample[1].value[0], (double)row[r].acceleration);
        cr_expect_eq(run.sample[1].value[3], (double)row[r].rate);
    }
}

Test(vectornav, loses_at_most_one_packet_to_a_single_fault)
{
    static uint8_t bytes[200 * 64];
    static const struct kl_device_option no_orientation[] = {{"orientation", "no"}};
    const struct kl_device_config config = {.name = "vn",
                                            .placement = "foot.left",
                                            .rate_hz = 400,
                                            .option_count = 1,
                                            .option = no_orientation};
    size_t len = 0;
    for (unsigned i = 0; i < 200; i++) {
        len += packet(bytes + len, 1000000000 + i * UINT64_C(2500000), (float)i * 0.1F,
                      (float)i * 0.01F);
    }
    struct fault_cost found =
        run_single_faults(&kl_vectornav_driver, &config, bytes, len, 0, len, 7, 1000);
    cr_expect_leq(found.worst, 1, "%zu", found.worst);
    cr_expect_eq(found.wrong, 0, "%zu: a CRC of 16 bits lets none of 1000 pass", found.wrong);
    run_expect_same_in_chunks(&kl_vectornav_driver, &config, bytes, len);
}

Test(vectornav, says_what_the_lab_file_may_say)
{
    static const struct {
        const char *legend, *placement, *key, *value;
        double rate_hz;
        int result;
        const char *word;
    } row[] = {
        {"plain", "shank.right", NULL, NULL, 0, 1, ""},
        {"800 Hz", "shank.right", "orientation", "no", 800, 1, ""},
        {"a seventh", "shank.right", NULL, NULL, 114.286, 1, ""},
        {"no placement", "", NULL, NULL, 0, KL_ERR_RANGE, "placement"},
        {"unknown key", "pelvis", "speed", "3", 0, KL_ERR_RANGE, "baud, magnetometer"},
        {"baud too high", "pelvis", "baud", "2000000", 0, KL_ERR_RANGE, "921600"},
        {"rate between", "pelvis", NULL, NULL, 500, KL_ERR_RANGE, "400 or 800"},
        {"rate too high", "pelvis", NULL, NULL, 1000, KL_ERR_RANGE, "1 to 800"},
    };
    for (size_t r = 0; r < sizeof(row) / sizeof(row[0]); r++) {
        uint64_t state[8192 / 8] = {0};
        struct kl_stream stream;
        struct kl_fault fault = {.text = ""};
        const struct kl_device_option option = {row[r].key, row[r].value};
        const struct kl_device_config config = {.name = "left shank sensor",
                                                .placement = row[r].placement,
                                                .rate_hz = row[r].rate_hz,
                                                .option_count = row[r].key != NULL,
                                                .option = &option};
        int result = kl_vectornav_driver.configure(state, &config, &stream, 1, &fault);
        cr_expect_eq(result, row[r].result, "row %zu (%s): %s", r, row[r].legend, fault.text);
        cr_expect_not_null(strstr(fault.text, row[r].word), "row %zu (%s): %s", r, row[r].legend,
                           fault.text);
        cr_expect(result > 0 || strstr(fault.text, "left shank sensor") != NULL, "row %zu", r);
    }
}
