#include "devices/drivers.h"
#include "devices/xsens_mti_data.h"
#include "driver_run.h"
#include "vectors.h"

#include <criterion/criterion.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CAPTURES KL_DATA "/captures/xsens_mti/"

static const struct kl_device_option with_everything[] = {{"magnetometer", "yes"}};
static const struct kl_device_config everything = {
    .name = "mti", .placement = "shank.right", .option_count = 1, .option = with_everything};
static const struct kl_device_config usual = {.name = "mti", .placement = "shank.right"};

/* Channels of `everything`. */
enum { AX = 0, WX = 3, MX = 6, QW = 9, CHANNELS = 13 };

/* The vectors of the protocol page: real messages of an MTi-300 and an MTi-G-710, and computed. */
static const struct {
    const char *id, *kind, *hex, *expected;
} page[] = {
    {"V1", "frame",
     "FAFF3626102002468210600401C4FC3E2010103F71CE6CBEA56BCF3C613BD8BD691D25E020040040000312",
     "counter=18050; fine_ticks=29686846; quat_wxyz=0.944555998 -0.323088139 0.013747178 "
     "-0.05691256; status=0x00400003"},
    {"V2", "frame",
     "FAFF368B102002FB8510600401A498DE2010103F2A1463BED7EFA73CDEE5083F1DCEC940200CC1F246C3C1ECE076C"
     "28F853F40100CBD932CCCBD920A16BE3A6EEC40300C42519464C27B5A5AC1CCC0AE80200C40854D6DC125559EC090"
     "8E1F8030103F7FF8983BAA9EE5BC539EC0BBB9060CC0200C3EDC7439BE752B483FAF9A3F301004000186DEE020040"
     "04814018E",
     "counter=64389; fine_ticks=27564254; quat_wxyz=0.664373577 -0.421750277 0.02720882 "
     "0.616436541; acc_m_s2=-30.2845516 -29.6096001 -71.7602463; delta_v=-0.071862787 "
     "-0.0713082999 -0.182063758; free_acc_m_s2=52.3949127 -62.8382339 -25.5940819; "
     "gyr_rad_s=4.16570139 -10.3334026 -4.51734877; delta_q_wxyz=0.99988699 0.00520692999 "
     "-0.0129162669 -0.0056464728; mag_au=0.430574208 -0.239422917 1.37189472; pressure_pa=100062; "
     "status=0x00481401"},
    {"V3", "frame",
     "FAFF36511020023BDD20310CFFF04735FFFDC886073B35C8803218000000010001FFE3E0C4FFFFFFEC2595FFFFFFF"
     "464E8FFFFC023183FEAAE0FC0000000BFDBC9A7600000003FF9E2062000000008100441DB8000AC",
     "counter=15325; euler_deg=-0.982615471 -0.138544083 115.70063; delta_q_wxyz=1 -0.000429107808 "
     "-0.000302935718 -0.000177090988; mag_au=0.833747745 -0.434182972 1.61768162; temp_c=27.4375"},
    {"V4", "frame",
     "FAFF3637102002FE782010103F250C01BBCC0DD7BB22740C3F43AF57C0210C000F6422FFFBD622001C80030812066"
     "0000000001830130400018D2546",
     "counter=65144; quat_wxyz=0.644714415 -0.00622723578 -0.00247884076 0.764394224; "
     "mag_au=0.961946487 -0.260221481 1.78125286; temp_c=24.375; pressure_pa=101669"},
    {"V5", "frame",
     "FAFF3662102002A9861060040314ED5310100C07440BE007E301140D2F1837E020040180000740200CBC8E5466C0E"
     "82F10BF9AD29E40100CB935269FBD949930BC46234680200CBB425C343B1068DF3AE1C7E58030103F800001B778C7"
     "F03738D82737107FEEF7",
     "counter=43398; fine_ticks=51703123; utc=121900000 2019 1 20 13 47 24 55; status=0x01800007; "
     "acc_m_s2=-0.0173742287 -7.25574493 -1.20955253; delta_v=-0.000172758926 -0.072557807 "
     "-0.0120933708; gyr_rad_s=-0.00296570081 0.00220351643 0.00172257109; delta_q_wxyz=1.00000012 "
     "-1.48285035e-05 1.10175815e-05 8.6128548e-06"},
    {"V9", "frame",
     "FAFF3688102002AB1810600403159BEA1070040000143610100C23400C4007E301140D2F1C37E0200400000005202"
     "024BF7FFCAE3C2262113ADF1750B786F2003E2BB3B0BF7C6020BC24C28CBF7C5CDCBE2BB17040300C3B38CE9EBC30"
     "FD11BC6E6D002010103B7C2094BB542CD0BF439AFE3F25251A08100442134000C0200C3DAAA4903E41ED4E3E202DC"
     "F54",
     "counter=43800; fine_ticks=51747818; coarse_s=5174; utc=591400000 2019 1 20 13 47 28 55; "
     "status=0x00000005; rotmat_columns=-0.999949336 0.00991107617 0.00170204975 -1.60867348e-05 "
     "0.167677641 -0.985841751 -0.0100561492 -0.985791922 -0.167669058; "
     "free_acc_m_s2=0.00281993253 -0.0108025232 -0.0145523548; quat_wxyz=0.00384715665 "
     "-0.00323753431 -0.764083743 0.645097375; temp_c=36.8125; mag_au=0.0833216906 0.189381808 "
     "0.156424746"},
    {"V6a", "frame", "FAFF361B102002FFFF1060040000006440200C0000000000000000411CF5C327",
     "counter=65535; fine_ticks=100; acc_m_s2=0 0 9.81000042"},
    {"V6b", "frame", "FAFF361B10200200011060040000012C40200C0000000000000000411CF5C35B",
     "counter=1; fine_ticks=300; acc_m_s2=0 0 9.81000042"},
    {"goto_config", "command", "FAFF3000D1", "mid=30 payload=-"},
    {"goto_config_ack", "frame", "FAFF3100D0", "mid=31 payload=-"},
    {"goto_meas", "command", "FAFF1000F1", "mid=10 payload=-"},
    {"goto_meas_ack", "frame", "FAFF1100F0", "mid=11 payload=-"},
    {"did_ack", "frame", "FAFF0104037003F88E", "mid=01 payload=03 70 03 F8"},
    {"fw_ack", "frame", "FAFF130B010802000000250001153469",
     "mid=13 payload=01 08 02 00 00 00 25 00 01 15 34"},
    {"error4", "frame", "FAFF420104BA", "mid=42 payload=04"},
    {"error29", "frame", "FAFF42012995", "mid=42 payload=29"},
    {"set_out_100", "command", "FAFFC01C1020FFFF1060FFFF201000644020006480200064C0200064E020FFFFEB",
     "mid=C0 payload=10 20 FF FF 10 60 FF FF 20 10 00 64 40 20 00 64 80 20 00 64 C0 20 00 64 E0 20 "
     "FF FF"},
    {"set_out_400", "command", "FAFFC01C1020FFFF1060FFFF201001904020019080200190C0200064E020FFFF64",
     "mid=C0 payload=10 20 FF FF 10 60 FF FF 20 10 01 90 40 20 01 90 80 20 01 90 C0 20 00 64 E0 20 "
     "FF FF"},
    {"V1_badsum", "negative",
     "FAFF3626102002468210600401C4FC3E2010103F71CE6CBEA56BCF3C613BD8BD691D25E020040040000313",
     "reject (checksum off by one), then advance 1 byte"},
};

static const struct {
    const char *name;
    enum kl_mti_field field;
} field[] = {
    {"counter", KL_MTI_COUNTER},        {"fine_ticks", KL_MTI_TIME_FINE},
    {"coarse_s", KL_MTI_TIME_COARSE},   {"utc", KL_MTI_UTC},
    {"quat_wxyz", KL_MTI_QUATERNION},   {"rotmat_columns", KL_MTI_MATRIX},
    {"euler_deg", KL_MTI_EULER},        {"pressure_pa", KL_MTI_PRESSURE},
    {"temp_c", KL_MTI_TEMPERATURE},     {"delta_v", KL_MTI_DELTA_V},
    {"acc_m_s2", KL_MTI_ACCELERATION},  {"free_acc_m_s2", KL_MTI_FREE_ACCELERATION},
    {"gyr_rad_s", KL_MTI_RATE_OF_TURN}, {"delta_q_wxyz", KL_MTI_DELTA_Q},
    {"mag_au", KL_MTI_MAGNETIC},        {"status", KL_MTI_STATUS},
};

/* The payload of a whole frame, as the page says, without the driver. */
static const uint8_t *payload(const struct vector *vector, size_t *len)
{
    size_t head = vector->bytes[3] == 0xff ? 6 : 4;
    *len = vector->len - head - 1;
    return vector->bytes + head;
}

static void check_fields(const struct vector *vector)
{
    struct kl_mti_data data;
    size_t len = 0;
    const uint8_t *bytes = payload(vector, &len);
    cr_assert_eq(kl_mti_data(bytes, len, &data), KL_OK, "%s", vector->id);
    for (size_t i = 0; i < sizeof(field) / sizeof(field[0]); i++) {
        double any[16];
        bool named = vectors_numbers(vector->expected, field[i].name, any, 16) > 0;
        cr_expect_eq(kl_mti_has(&data, field[i].field), named, "%s: %s", vector->id, field[i].name);
        (void)vectors_agree(vector, field[i].name, data.value[field[i].field]);
    }
}

static void check_sample(const struct vector *vector, const struct driver_run *run)
{
    double any[16];
    bool sample = vectors_numbers(vector->expected, "acc_m_s2", any, 16) > 0 ||
                  vectors_numbers(vector->expected, "quat_wxyz", any, 16) > 0;
    cr_assert_eq(run->count, sample ? 1U : 0U, "%s", vector->id);
    if (sample) {
        (void)vectors_agree(vector, "acc_m_s2", run->sample[0].value + AX);
        (void)vectors_agree(vector, "gyr_rad_s", run->sample[0].value + WX);
        (void)vectors_agree(vector, "mag_au", run->sample[0].value + MX);
        (void)vectors_agree(vector, "quat_wxyz", run->sample[0].value + QW);
        double ticks[1] = {0};
        bool timed = vectors_numbers(vector->expected, "fine_ticks", ticks, 1) == 1;
        cr_expect_eq(run->sample[0].device_ns, (int64_t)ticks[0] * 100000, "%s", vector->id);
        cr_expect_eq((run->sample[0].quality & KL_QUALITY_CLOCK) == 0, timed, "%s", vector->id);
    }
}

static void check(const struct vector *vector)
{
    static struct driver_run run;
    cr_assert_gt(run_configure(&run, &kl_xsens_mti_driver, &everything), 0);
    run_feed(&run, vector->bytes, vector->len, 3);
    run_finish(&run);
    if (strcmp(vector->kind, "negative") == 0) {
        cr_expect_eq(run.framing.frames, 0, "%s", vector->id);
        cr_expect_eq(run.framing.skipped, vector->len, "%s", vector->id);
        return;
    }
    cr_expect_eq(run.framing.frames, 1, "%s", vector->id);
    cr_expect_eq(run.framing.skipped, 0, "%s", vector->id);
    if (vector->bytes[2] == 0x36) {
        check_fields(vector);
        check_sample(vector, &run);
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

Test(xsens_mti, decodes_the_vectors_of_the_page)
{
    static struct vector vector;
    for (size_t i = 0; i < sizeof(page) / sizeof(page[0]); i++) {
        of_page(page[i].id, &vector);
        check(&vector);
    }
}

Test(xsens_mti, decodes_the_table_of_vectors)
{
    static struct vector row[VECTORS];
    size_t count = vectors_read("xsens_mti", row, VECTORS);
    for (size_t i = 0; i < count; i++) {
        check(&row[i]);
    }
    if (count == 0) {
        cr_skip_test("skipped: no vectors at " KL_DATA "/../protocols");
    }
    cr_expect_eq(count, 20);
}

Test(xsens_mti, skips_an_unknown_field_of_an_extended_message)
{
    /* V7: counter 65535, fine time 4294967196, and 248 bytes of id 7020 */
    static struct driver_run run;
    uint8_t bytes[300] = {0xfa, 0xff, 0x36, 0xff, 0x01, 0x07, 0x10, 0x20, 0x02, 0xff, 0xff,
                          0x10, 0x60, 0x04, 0xff, 0xff, 0xff, 0x9c, 0x70, 0x20, 0xf8};
    for (size_t i = 0; i < 248; i++) {
        bytes[21 + i] = (uint8_t)i;
    }
    bytes[269] = 0x5b;
    struct kl_mti_data data;
    cr_assert_eq(kl_mti_data(bytes + 6, 263, &data), KL_OK);
    cr_expect_eq(data.has, 1U << KL_MTI_COUNTER | 1U << KL_MTI_TIME_FINE);
    cr_expect_eq(data.value[KL_MTI_TIME_FINE][0], 4294967196.0);
    cr_assert_gt(run_configure(&run, &kl_xsens_mti_driver, &usual), 0);
    run_feed(&run, bytes, 270, 7);
    run_finish(&run);
    cr_expect_eq(run.framing.frames, 1);
    cr_expect_eq(run.count, 0); /* no sensor field: not a sample */
}

Test(xsens_mti, reads_the_fixed_point_formats)
{
    /* V8 */
    static const uint8_t latitude[] = {0x40, 0x21, 0x0c, 0x03, 0x9a, 0xdf, 0x03, 0x00,
                                       0xbe, 0x1f, 0x81, 0xff, 0xf0, 0x00, 0x00};
    struct kl_mti_data data;
    cr_assert_eq(kl_mti_data(latitude, sizeof(latitude), &data), KL_OK);
    cr_expect_float_eq(data.value[KL_MTI_ACCELERATION][0], 57.679446220, 1e-9); /* 9 decimals */
    cr_expect_float_eq(data.value[KL_MTI_ACCELERATION][1], 11.882691383, 1e-9);
    cr_expect_eq(data.value[KL_MTI_ACCELERATION][2], -1.0);
}

Test(xsens_mti, refuses_payloads_whose_sizes_do_not_fit)
{
    static const struct {
        const char *legend, *hex;
        int status;
    } row[] = {
        {"empty", "", KL_OK},
        {"size passes the end", "1020030000", KL_ERR_DATA},
        {"id without size", "1020", KL_ERR_DATA},
        {"counter of three bytes", "102003000000", KL_ERR_DATA},
        {"acceleration of two values", "4020080000000000000000", KL_ERR_DATA},
        {"float64 acceleration of float32 size", "40230c000000000000000000000000", KL_ERR_DATA},
        {"UTC of four bytes", "10100400000000", KL_ERR_DATA},
        {"unknown id", "701002ffff", KL_OK},
        {"unknown id without data", "701000", KL_OK},
        {"pressure with format bits", "30130400018d25", KL_OK},
    };
    for (size_t r = 0; r < sizeof(row) / sizeof(row[0]); r++) {
        uint8_t bytes[64];
        struct kl_mti_data data;
        size_t len = hex_bytes(row[r].hex, bytes, sizeof(bytes));
        cr_expect_eq(kl_mti_data(bytes, len, &data), row[r].status, "row %zu (%s)", r,
                     row[r].legend);
    }
}

Test(xsens_mti, finds_frames_in_any_surroundings)
{
    static const struct {
        const char *legend, *hex;
        unsigned frames, skipped;
    } row[] = {
        {"good", "FAFF3000D1", 1, 0},
        {"bus id 1", "FA013000CF", 1, 0},
        {"leading garbage", "00FAFA36FAFF3000D1", 1, 4},
        {"preamble twice", "FAFAFF3000D1", 1, 1},
        {"wrong checksum", "FAFF3000D2", 0, 5},
        {"truncated", "FAFF3000", 0, 4},
        {"back to back", "FAFF3000D1FAFF1000F1", 2, 0},
        {"a frame inside a broken one", "FAFF3605FAFF3000D100", 1, 5},
        {"extended, but short", "FAFF36FF0010", 0, 6},
        {"extended beyond 2048", "FAFF36FF0801", 0, 6},
        {"data without payload", "FAFF3600CB", 1, 0},
        {"data that do not fit", "FAFF3603102005CA" /* size 5, nothing there */, 0, 8},
    };
    for (size_t r = 0; r < sizeof(row) / sizeof(row[0]); r++) {
        static struct driver_run run;
        uint8_t bytes[64];
        size_t len = hex_bytes(row[r].hex, bytes, sizeof(bytes));
        cr_assert_gt(run_configure(&run, &kl_xsens_mti_driver, &usual), 0);
        run_feed(&run, bytes, len, 1);
        run_finish(&run);
        cr_expect_eq(run.framing.frames, row[r].frames, "row %zu (%s)", r, row[r].legend);
        cr_expect_eq(run.framing.skipped, row[r].skipped, "row %zu (%s)", r, row[r].legend);
    }
}

/* ------------------------------------------------------------ counters, time */

static size_t message(uint8_t *out, uint16_t counter, uint32_t fine, uint32_t status)
{
    static const uint8_t rest[] = {0x40, 0x20, 0x0c, 0, 0, 0, 0, 0, 0, 0, 0, 0x41, 0x1c, 0xf5, 0xc3,
                                   0x80, 0x20, 0x0c, 0, 0, 0, 0, 0, 0, 0, 0, 0,    0,    0,    0};
    const uint8_t head[] = {0xfa,
                            0xff,
                            0x36,
                            5 + 7 + sizeof(rest) + 7,
                            0x10,
                            0x20,
                            0x02,
                            (uint8_t)(counter >> 8),
                            (uint8_t)counter,
                            0x10,
                            0x60,
                            0x04,
                            (uint8_t)(fine >> 24),
                            (uint8_t)(fine >> 16),
                            (uint8_t)(fine >> 8),
                            (uint8_t)fine};
    const uint8_t tail[] = {0xe0,
                            0x20,
                            0x04,
                            (uint8_t)(status >> 24),
                            (uint8_t)(status >> 16),
                            (uint8_t)(status >> 8),
                            (uint8_t)status};
    memcpy(out, head, sizeof(head));
    memcpy(out + sizeof(head), rest, sizeof(rest));
    memcpy(out + sizeof(head) + sizeof(rest), tail, sizeof(tail));
    size_t len = sizeof(head) + sizeof(rest) + sizeof(tail);
    unsigned sum = 0;
    for (size_t i = 1; i < len; i++) {
        sum += out[i];
    }
    out[len] = (uint8_t)(0x100 - (sum & 0xff));
    return len + 1;
}

Test(xsens_mti, unwraps_counters_and_tells_gaps_resets_and_clipping)
{
    static const struct {
        const char *legend;
        uint16_t counter[2];
        uint32_t fine[2], status;
        int64_t step; /* ticks */
        uint32_t quality;
    } row[] = {
        {"next", {7, 8}, {100, 200}, 3, 100, 0},
        {"counter wraps", {65535, 0}, {100, 200}, 3, 100, 0},
        {"one lost across the wrap (V6)", {65535, 1}, {100, 300}, 3, 200, KL_QUALITY_GAP},
        {"time wraps at 2^32", {7, 8}, {4294967250U, 54}, 3, 100, 0},
        {"time wraps at a day", {7, 8}, {863999950U, 50}, 3, 100, 0},
        {"wrong order", {8, 7}, {200, 100}, 3, -100, KL_QUALITY_GAP | KL_QUALITY_CLOCK},
        {"the same again", {8, 8}, {200, 200}, 3, 0, KL_QUALITY_GAP | KL_QUALITY_CLOCK},
        {"restart", {900, 0}, {5000000, 10}, 3, -4999990, KL_QUALITY_GAP | KL_QUALITY_CLOCK},
        {"accelerometer x clipped", {7, 8}, {100, 200}, 0x00080103, 100, KL_QUALITY_CLIPPED},
        {"gyro z clipped", {7, 8}, {100, 200}, 0x00002003, 100, KL_QUALITY_CLIPPED},
        {"clipped, axis not named", {7, 8}, {100, 200}, 0x00080003, 100, KL_QUALITY_CLIPPED},
        {"magnetometer clipped, not used", {7, 8}, {100, 200}, 0x00084003, 100, 0},
    };
    static const struct kl_device_option no_orientation[] = {{"orientation", "no"}};
    const struct kl_device_config config = {
        .name = "mti", .placement = "foot.left", .option_count = 1, .option = no_orientation};
    for (size_t r = 0; r < sizeof(row) / sizeof(row[0]); r++) {
        static struct driver_run run;
        uint8_t bytes[256];
        size_t len = message(bytes, row[r].counter[0], row[r].fine[0], 3);
        len += message(bytes + len, row[r].counter[1], row[r].fine[1], row[r].status);
        cr_assert_gt(run_configure(&run, &kl_xsens_mti_driver, &config), 0);
        run_feed(&run, bytes, len, 64);
        run_finish(&run);
        cr_assert_eq(run.count, 2, "row %zu (%s)", r, row[r].legend);
        cr_expect_eq(run.sample[0].quality, 0, "row %zu (%s)", r, row[r].legend);
        cr_expect_eq(run.sample[1].quality, row[r].quality, "row %zu (%s): %x", r, row[r].legend,
                     run.sample[1].quality);
        cr_expect_eq(run.sample[1].device_ns - run.sample[0].device_ns, row[r].step * 100000,
                     "row %zu (%s)", r, row[r].legend);
    }
}

Test(xsens_mti, tells_the_clipping_of_a_real_shaken_unit)
{
    static struct vector vector;
    static struct driver_run run;
    of_page("V2", &vector);
    cr_assert_gt(run_configure(&run, &kl_xsens_mti_driver, &everything), 0);
    run_feed(&run, vector.bytes, vector.len, 64);
    run_finish(&run);
    cr_assert_eq(run.count, 1);
    cr_expect_eq(run.sample[0].quality, KL_QUALITY_CLIPPED);
}

/* v_earth = q v q*: at rest it is (0, 0, g), z up (protocols/README). */
Test(xsens_mti, orientation_turns_the_sensor_into_the_earth)
{
    static struct vector vector;
    static struct driver_run run;
    of_page("V2", &vector);
    cr_assert_gt(run_configure(&run, &kl_xsens_mti_driver, &everything), 0);
    run_feed(&run, vector.bytes, vector.len, 64);
    run_finish(&run);
    const double *q = run.sample[0].value + QW;
    /* the page: q (dv x 400) q* = 52.3949, -62.8382, -15.7969 */
    const double v[3] = {-0.071862787 * 400, -0.0713082999 * 400, -0.182063758 * 400};
    const double expected[3] = {52.3949, -62.8382, -15.7969};
    double t[3];
    for (int i = 0; i < 3; i++) {
        t[i] = 2 * (q[1 + (i + 1) % 3] * v[(i + 2) % 3] - q[1 + (i + 2) % 3] * v[(i + 1) % 3]);
    }
    for (int i = 0; i < 3; i++) {
        double turned = v[i] + q[0] * t[i] + q[1 + (i + 1) % 3] * t[(i + 2) % 3] -
                        q[1 + (i + 2) % 3] * t[(i + 1) % 3];
        cr_expect_float_eq(turned, expected[i], 1e-3, "axis %d: %g", i, turned); /* 4 decimals */
    }
}

/* ------------------------------------------------------------------ captures */

static const struct capture {
    const char *file;
    unsigned frames, samples;
    bool motion; /* acceleration and rate of turn; else orientation and magnetic field */
} captures[] = {
    {"mtig710_1_float32", 100, 96, true},
    {"mtig710_2_fp1220", 100, 96, true},
    {"mtig710_5_float32_full", 100, 92, false},
};

#define CAPTURE_MAX 20000

static size_t load(const struct capture *capture, uint8_t *bytes)
{
    char path[512];
    (void)snprintf(path, sizeof(path), CAPTURES "%s.bin", capture->file);
    size_t len = read_whole(path, bytes, CAPTURE_MAX);
    if (len == 0) {
        cr_skip_test("skipped: no recordings at " KL_DATA);
    }
    return len;
}

Test(xsens_mti, decodes_captures_however_they_are_cut)
{
    static uint8_t bytes[CAPTURE_MAX];
    static struct driver_run run;
    for (size_t i = 0; i < 3; i++) {
        size_t len = load(&captures[i], bytes);
        run_expect_same_in_chunks(&kl_xsens_mti_driver, &everything, bytes, len);
        cr_assert_gt(run_configure(&run, &kl_xsens_mti_driver, &everything), 0);
        run_feed(&run, bytes, len, 64);
        run_finish(&run);
        cr_expect_eq(run.framing.frames, captures[i].frames, "%s", captures[i].file);
        cr_expect_eq(run.framing.skipped, 0, "%s", captures[i].file);
        cr_expect_eq(run.count, captures[i].samples, "%s: %zu", captures[i].file, run.count);
        for (size_t s = 1; s < run.count; s++) { /* no packet is missing, GNSS ones count too */
            cr_expect_eq(run.sample[s].quality & (KL_QUALITY_GAP | KL_QUALITY_CLOCK), 0);
            cr_expect_gt(run.sample[s].device_ns, run.sample[s - 1].device_ns);
        }
    }
}

/* What another program decoded: paragraphs of "Name(...):" and "  X:value". */
static const struct {
    const char *name;
    enum kl_mti_field field;
    size_t count;
} golden[] = {
    {"PacketCounter", KL_MTI_COUNTER, 1},
    {"SampleTimeFine", KL_MTI_TIME_FINE, 1},
    {"SampleTimeCoarse", KL_MTI_TIME_COARSE, 1},
    {"EulerAngles", KL_MTI_EULER, 3},
    {"Quaternion", KL_MTI_QUATERNION, 4},
    {"RotationMatrix", KL_MTI_MATRIX, 9},
    {"Acceleration", KL_MTI_ACCELERATION, 3},
    {"FreeAcceleration", KL_MTI_FREE_ACCELERATION, 3},
    {"DeltaV", KL_MTI_DELTA_V, 3},
    {"DeltaQ", KL_MTI_DELTA_Q, 4},
    {"RateOfTurn", KL_MTI_RATE_OF_TURN, 3},
    {"MagneticField", KL_MTI_MAGNETIC, 3},
    {"BaroPressure", KL_MTI_PRESSURE, 1},
    {"Temperature", KL_MTI_TEMPERATURE, 1},
};

static size_t golden_row(const char *line)
{
    size_t len = strcspn(line, "(:");
    size_t row = 0;
    while (row < sizeof(golden) / sizeof(golden[0]) &&
           (strlen(golden[row].name) != len || strncmp(golden[row].name, line, len) != 0)) {
        row++;
    }
    return row;
}

/* Compares one message with its paragraph. @return values compared */
static unsigned compare(const struct kl_mti_data *data, FILE *text)
{
    char line[256];
    unsigned compared = 0;
    size_t row = SIZE_MAX;
    size_t element = 0;
    while (fgets(line, sizeof(line), text) != NULL && line[0] != '\n') {
        if (line[0] != ' ') {
            row = golden_row(line);
            element = 0;
            continue;
        }
        if (row >= sizeof(golden) / sizeof(golden[0]) || element >= golden[row].count) {
            continue; /* not one of ours */
        }
        const char *colon = strchr(line, ':');
        double expected = strtod(colon != NULL ? colon + 1 : line, NULL);
        cr_expect(kl_mti_has(data, golden[row].field), "%s", golden[row].name);
        double found = data->value[golden[row].field][element++];
        /* both are the same bits of float32 or fixed point, printed in full */
        cr_expect(fabs(found - expected) <= 1e-12 * fabs(expected), "%s: %.17g, not %.17g",
                  golden[row].name, found, expected);
        compared++;
    }
    return compared;
}

Test(xsens_mti, agrees_with_the_independent_decoding_of_the_captures)
{
    static uint8_t bytes[CAPTURE_MAX];
    unsigned compared = 0;
    for (size_t i = 0; i < 3; i++) {
        size_t len = load(&captures[i], bytes);
        char path[512];
        (void)snprintf(path, sizeof(path), CAPTURES "%s.golden.txt", captures[i].file);
        FILE *text = fopen(path, "r");
        cr_assert_not_null(text);
        for (size_t at = 0; at < len;) {
            size_t frame_len = 0;
            struct kl_mti_data data;
            cr_assert_eq(kl_xsens_mti_driver.frame(NULL, bytes + at, len - at, &frame_len),
                         KL_FRAME_VALID);
            size_t head = bytes[at + 3] == 0xff ? 6 : 4;
            cr_assert_eq(kl_mti_data(bytes + at + head, frame_len - head - 1, &data), KL_OK);
            compared += compare(&data, text);
            at += frame_len;
        }
        (void)fclose(text);
    }
    cr_expect_eq(compared, 5658, "%u", compared); /* lines of these fields in the three files */
}

Test(xsens_mti, loses_at_most_one_frame_to_a_single_fault)
{
    static uint8_t bytes[CAPTURE_MAX];
    for (size_t i = 0; i < 3; i++) {
        size_t len = load(&captures[i], bytes);
        struct fault_cost found =
            run_single_faults(&kl_xsens_mti_driver, &everything, bytes, len, 0, len, 7, 500);
        cr_expect_leq(found.worst, 1, "%s: %zu", captures[i].file, found.worst);
        /* an 8-bit sum lets 1 of 256 pass; the page counted 4 of 3000 */
        cr_expect_leq(found.wrong, 5, "%s: %zu", captures[i].file, found.wrong);
    }
}

/* ------------------------------------------------------------- configuration */

Test(xsens_mti, says_what_the_lab_file_may_say)
{
    static const struct {
        const char *legend, *placement, *key, *value;
        double rate_hz;
        int result;
        const char *word;
    } row[] = {
        {"plain", "shank.right", NULL, NULL, 0, 1, ""},
        {"400 Hz", "shank.right", "baud", "921600", 400, 1, ""},
        {"no placement", "", NULL, NULL, 0, KL_ERR_RANGE, "placement"},
        {"placement with a blank", "left foot", NULL, NULL, 0, KL_ERR_RANGE, "left foot"},
        {"unknown key", "pelvis", "speed", "3", 0, KL_ERR_RANGE, "keep_configuration"},
        {"not a flag", "pelvis", "orientation", "maybe", 0, KL_ERR_RANGE, "yes and no"},
        {"not a number", "pelvis", "baud", "fast", 0, KL_ERR_RANGE, "4800 to 4000000"},
        {"rate between", "pelvis", NULL, NULL, 150, KL_ERR_RANGE, "100 or 200"},
        {"rate too high", "pelvis", NULL, NULL, 1000, KL_ERR_RANGE, "1 to 400"},
        {"no rate at all", "pelvis", NULL, NULL, (double)NAN, KL_ERR_RANGE, "1 to 400"},
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
        int result = kl_xsens_mti_driver.configure(state, &config, &stream, 1, &fault);
        cr_expect_eq(result, row[r].result, "row %zu (%s): %s", r, row[r].legend, fault.text);
        cr_expect_not_null(strstr(fault.text, row[r].word), "row %zu (%s): %s", r, row[r].legend,
                           fault.text);
        cr_expect(result > 0 || strstr(fault.text, "left shank sensor") != NULL, "row %zu", r);
    }
}

Test(xsens_mti, declares_the_stream_of_an_inertial_sensor)
{
    static struct driver_run run;
    cr_assert_gt(run_configure(&run, &kl_xsens_mti_driver, &everything), 0);
    cr_expect_eq(run.streams, 1);
    cr_expect_str_eq(run.stream[0].name, "imu.shank.right");
    cr_expect_eq(run.stream[0].kind, KL_KIND_IMU);
    cr_expect_eq(run.stream[0].channel_count, CHANNELS);
    cr_expect_str_eq(run.stream[0].label[AX], "ax");
    cr_expect_str_eq(run.stream[0].unit[AX], "m/s^2");
    cr_expect_str_eq(run.stream[0].label[WX + 2], "wz");
    cr_expect_str_eq(run.stream[0].unit[WX], "rad/s");
    cr_expect_str_eq(run.stream[0].label[MX], "mx");
    cr_expect_str_eq(run.stream[0].label[QW], "qw");
    cr_expect_eq(run.stream[0].rate_hz, 100);
}
