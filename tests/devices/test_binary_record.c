#include "devices/drivers.h"
#include "devices/record_layout.h"
#include "driver_run.h"
#include "emulate_binary_record.h"

#include <criterion/criterion.h>

#include <math.h>
#include <string.h>

static struct driver_run run; /* too large for the stack; each test is its own process */
static struct lab lab;
static uint8_t bytes[300 * RECORD_BYTES];

static void describe(const char *checksum)
{
    lab_init(&lab, "", 500);
    lab_option(&lab, "sync", "A5 5a");
    lab_option(&lab, "length", "19");
    lab_option(&lab, "fields", "i16le@7*0.001 i16le@9*1e+1+2.5, i16le@11 f32be@13*-2");
    lab_option(&lab, "counter", "u8@2");
    lab_option(&lab, "time", "u32le@3");
    lab_option(&lab, "time_unit", "us");
    lab_option(&lab, "checksum", checksum);
    lab_stream(&lab, "cell.left", KL_KIND_OTHER, 4, 1);
}

static size_t clean(size_t records)
{
    for (size_t n = 0; n < records; n++) {
        emulate_record_write(n, 500, bytes + n * RECORD_BYTES);
    }
    return records * RECORD_BYTES;
}

static bool is_record(const struct kl_sample *heard, uint64_t n)
{
    return near(heard->value[0], emulate_record_value(n, 0) * 0.001) &&
           near(heard->value[1], emulate_record_value(n, 1) * 10.0 + 2.5) &&
           heard->value[2] == emulate_record_value(n, 2) &&
           heard->value[3] == (double)emulate_record_float(n) * -2;
}

Test(binary_record, knows_the_checksums_others_compute)
{
    /* "check" of each in G. Cook's CRC catalogue: of the nine digits; sums and Fletcher by hand */
    static const struct {
        const char *name, *stored;
    } table[] = {
        {"sum8@9", "DD"},
        {"neg8@9", "23"},
        {"xor8@9", "31"},
        {"fletcher16@9", "DD 15"}, /* 0x1DD and 0x915 modulo 256 */
        {"crc16-ccitt-be@9", "29 B1"},
        {"crc16-ccitt-le@9", "B1 29"},
        {"crc16-modbus-be@9", "4B 37"},
        {"crc16-modbus-le@9", "37 4B"},
        {"crc32-be@9", "CB F4 39 26"},
        {"crc32-le@9", "26 39 F4 CB"},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        const struct kl_record_sum *sum = NULL;
        size_t at = 0;
        uint8_t buf[16] = "123456789";
        cr_assert(kl_record_sum_read(table[i].name, strlen(table[i].name), 13, &sum, &at), "%s",
                  table[i].name);
        cr_expect_eq(hex_bytes(table[i].stored, buf + 9, 4), sum->size);
        cr_expect(kl_record_sum_fits(sum, buf, 0, at), "%s", table[i].name);
        buf[3] ^= 1;
        cr_expect(!kl_record_sum_fits(sum, buf, 0, at), "%s", table[i].name);
    }
}

Test(binary_record, reads_every_type_of_number)
{
    static const struct {
        const char *field, *stored;
        double value;
    } table[] = {
        {"u8@0", "FE", 254},
        {"i8@0", "FE", -2},
        {"u16le@0", "01 80", 32769},
        {"u16be@0", "80 01", 32769},
        {"i16le@0", "FE FF", -2},
        {"i16be@0", "FF FE", -2},
        {"u24le@0", "01 02 80", 8389121},
        {"u24be@0", "80 02 01", 8389121},
        {"i24le@0", "FE FF FF", -2},
        {"i24be@0", "80 00 00", -8388608},
        {"u32le@0", "01 00 00 80", 2147483649.0},
        {"u32be@0", "80 00 00 01", 2147483649.0},
        {"i32le@0", "FE FF FF FF", -2},
        {"i32be@0", "FF FF FF FE", -2},
        {"u64le@0", "00 00 00 00 01 00 00 00", 4294967296.0},
        {"u64be@0", "00 00 00 01 00 00 00 00", 4294967296.0},
        {"f32le@0", "00 00 C0 BF", -1.5},
        {"f32be@0", "BF C0 00 00", -1.5},
        {"f64le@0", "00 00 00 00 00 00 F8 BF", -1.5},
        {"f64be@0", "BF F8 00 00 00 00 00 00", -1.5},
        {"u8@1*0.5", "00 07", 3.5},
        {"u8@1+1", "00 07", 0}, /* scale 1, offset 1: below */
        {"u8@1*2e-1+-3", "00 07", 1.4},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct kl_record_field field = {0};
        uint8_t buf[8] = {0};
        cr_assert(kl_record_field_read(table[i].field, strlen(table[i].field), 8, &field), "%s",
                  table[i].field);
        (void)hex_bytes(table[i].stored, buf, sizeof(buf));
        double value = field.type->read(buf + field.at);
        if (strchr(table[i].field, '*') == NULL && strchr(table[i].field, '+') == NULL) {
            cr_expect_eq(value, table[i].value, "%s", table[i].field);
        }
    }
    struct kl_record_field field = {0};
    cr_expect(kl_record_field_read("u8@1*2e-1+-3", 12, 8, &field) && field.scale == 0.2 &&
              field.offset == -3 && field.at == 1);
    cr_expect(kl_record_field_read("u8@1+1", 6, 8, &field) && field.scale == 1 &&
              field.offset == 1);
    cr_expect(kl_record_field_read("u8@1*1e+3", 9, 8, &field) && field.scale == 1000);
    static const char *const wrong[] = {"u9@1",
                                        "u8",
                                        "u8@",
                                        "u8@x",
                                        "u16le@7",
                                        "u8@-1",
                                        "u8@1*",
                                        "u8@1*x",
                                        "u8@1*2+",
                                        "",
                                        "@",
                                        "u8@8",
                                        "u8@99999999999999999999"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        cr_expect(!kl_record_field_read(wrong[i], strlen(wrong[i]), 8, &field), "%s", wrong[i]);
    }
}

Test(binary_record, decodes_as_described)
{
    describe("crc16-ccitt-be@17");
    cr_assert_eq(run_configure(&run, &kl_binary_record_driver, &lab.config), 1, "%s",
                 run.fault.text);
    cr_expect_eq(kl_binary_record_driver.time_of(run.state), KL_TIME_COUNTER);
    size_t len = clean(300);
    run_feed(&run, bytes, len, 7);
    cr_assert_eq(run.count, 300);
    for (size_t n = 0; n < 300; n++) {
        cr_expect(is_record(&run.sample[n], n), "record %zu", n);
        cr_expect_eq(run.sample[n].device_ns, (int64_t)n * 2000000, "the time wraps on the way");
        cr_expect_eq(run.sample[n].quality, 0);
    }
}

Test(binary_record, survives_what_comes_between_records)
{
    static const struct {
        const char *legend, *checksum;
        size_t damaged, cut, samples;
    } table[] = {
        {"good", "crc16-ccitt-be@17", 0, 0, 20},
        {"wrong checksum", "crc16-ccitt-be@17", 17, 0, 19},
        {"wrong value", "crc16-ccitt-be@17", 9, 0, 19},
        {"truncated", "crc16-ccitt-be@17", 0, 4, 19},
        {"good, no checksum", "none", 0, 0, 20},
        {"wrong sync, no checksum", "none", 1, 0, 19},
        {"truncated, no checksum: its start is believed", "none", 0, 4, 19},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        describe(table[i].checksum);
        cr_assert_gt(run_configure(&run, &kl_binary_record_driver, &lab.config), 0);
        size_t len = hex_bytes("A5 5A 00 A5", bytes, 4);
        for (uint64_t n = 0; n < 20; n++) {
            emulate_record_write(n, 500, bytes + len);
            bytes[len + table[i].damaged] ^= n == 10 && table[i].damaged ? 0x20 : 0;
            len += RECORD_BYTES - (n == 10 ? table[i].cut : 0);
        }
        run_feed(&run, bytes, len, 3);
        cr_expect_eq(run.count, table[i].samples, "%s: %zu", table[i].legend, run.count);
        cr_expect_eq((run.sample[run.count - 9].quality & KL_QUALITY_GAP) != 0,
                     table[i].samples < 20 && i < 6, "%s", table[i].legend);
    }
}

Test(binary_record, loses_at_most_one_record_to_a_single_fault)
{
    size_t len = clean(60);
    describe("crc16-ccitt-be@17");
    struct fault_cost cost = run_single_faults(&kl_binary_record_driver, &lab.config, bytes, len,
                                               190, len - 190, FAULT_ANY, 1500);
    cr_expect_leq(cost.worst, 1);
    cr_expect_eq(cost.wrong, 0);
    memmove(bytes + 500, bytes + 501, len - 501);
    bytes[900] ^= 4;
    run_expect_same_in_chunks(&kl_binary_record_driver, &lab.config, bytes, len - 1);
}

Test(binary_record, marks_rails_and_passes_on_what_is_no_number)
{
    lab_init(&lab, "", 100);
    lab_option(&lab, "sync", "A5");
    lab_option(&lab, "length", "9");
    lab_option(&lab, "fields", "i16le@1 f32le@3 u16le@7");
    lab_stream(&lab, "a", KL_KIND_OTHER, 1, 1);
    lab_stream(&lab, "b", KL_KIND_OTHER, 1, 2);
    lab_stream(&lab, "c", KL_KIND_OTHER, 1, 3);
    cr_assert_eq(run_configure(&run, &kl_binary_record_driver, &lab.config), 3);
    cr_expect_eq(kl_binary_record_driver.time_of(run.state), KL_TIME_ARRIVAL);
    size_t len = hex_bytes("A5 FF 7F 00 00 C0 7F 00 00 A5", bytes, sizeof(bytes));
    run_feed(&run, bytes, len, len);
    cr_assert_eq(run.count, 3);
    cr_expect_eq(run.sample[0].quality, KL_QUALITY_CLIPPED);
    cr_expect_eq(run.sample[1].quality, 0);
    cr_expect(isnan(run.sample[1].value[0]));
    cr_expect_eq(run.sample[2].quality, 0, "0 is an ordinary value");
}

Test(binary_record, refuses_what_it_cannot_do_in_words)
{
    static const struct {
        const char *key, *value, *says;
    } table[] = {
        {"sync", "A", "hexadecimal"},        {"sync", "", "hexadecimal"},
        {"length", "1", "2 to 1024"},        {"fields", "i16le@18", "field 1"},
        {"fields", "", "fields is missing"}, {"counter", "i8@2", "unsigned"},
        {"time", "u32le@17", "unsigned"},    {"time_unit", "weeks", "weeks"},
        {"checksum", "crc7@17", "kinds:"},   {"checksum", "crc32-le@17", "kinds:"},
        {"checksum_from", "17", "behind"},   {"baud", "9600", "unknown option"},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        describe("crc16-ccitt-be@17");
        bool found = false;
        for (size_t k = 0; k < lab.config.option_count; k++) {
            if (strcmp(lab.option[k].key, table[i].key) == 0) {
                lab.option[k].value = table[i].value;
                found = true;
            }
        }
        if (!found) {
            lab_option(&lab, table[i].key, table[i].value);
        }
        cr_expect_eq(run_configure(&run, &kl_binary_record_driver, &lab.config), KL_ERR_RANGE,
                     "row %zu", i);
        cr_expect_not_null(strstr(run.fault.text, table[i].says), "row %zu: %s", i, run.fault.text);
    }
}
