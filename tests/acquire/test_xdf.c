#include "acquire/decimal.h"
#include "acquire/formats/xdf_chunk.h"
#include "acquire/formats/xdf_header.h"
#include "acquire/formats/xdf_index.h"
#include "acquire/formats/xdf_write.h"
#include "acquire/session_file.h"
#include "random_session.h"

#include <criterion/criterion.h>
#include <jansson.h>

#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Vectors A to C and the values of files D to F: the XDF notes of the project, section 5 (made and
 * read back with pyxdf). */
#define FILE_HEADER_A "<?xml version=\"1.0\"?><info><version>1.0</version></info>"
#define STREAM_HEADER_A                                                                            \
    "<info><name>FP1</name><type>Force</type><channel_count>2</channel_count>"                     \
    "<nominal_srate>1000</nominal_srate><channel_format>float32</channel_format></info>"
#define STREAM_HEADER_B                                                                            \
    "<info><name>M</name><type>Markers</type><channel_count>1</channel_count>"                     \
    "<nominal_srate>0</nominal_srate><channel_format>string</channel_format></info>"

static const uint8_t head_file[] = {0x01, 0x3a, 0x01, 0x00};
static const uint8_t head_stream[] = {0x01, 0xa0, 0x02, 0x00, 0x01, 0x00, 0x00, 0x00};
static const uint8_t boundary[] = {0x01, 0x12, 0x05, 0x00, 0x43, 0xa5, 0x46, 0xdc, 0xcb, 0xf5,
                                   0x41, 0x0f, 0xb3, 0x0e, 0xd5, 0x46, 0x73, 0x83, 0xcb, 0xe4};
static const uint8_t samples_a[] = {
    0x01, 0x2b, 0x03, 0x00, 0x01, 0x00, 0x00, 0x00, 0x01, 0x03, 0x08, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x24, 0x40, 0x00, 0x00, 0x80, 0x3f, 0x00, 0x00, 0x2f, 0x44, 0x00, 0x00, 0x00,
    0xc0, 0x3f, 0x00, 0x40, 0x2f, 0x44, 0x00, 0x00, 0x00, 0x00, 0x40, 0x00, 0xa0, 0x2f, 0x44};
static const uint8_t offsets_a[] = {
    0x01, 0x16, 0x04, 0x00, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x22, 0x40,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0xd0, 0x3f, 0x01, 0x16, 0x04, 0x00, 0x01, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x2c, 0x40, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0xd0, 0x3f};
static const uint8_t samples_b[] = {0x01, 0x22, 0x03, 0x00, 0x02, 0x00, 0x00, 0x00, 0x01,
                                    0x02, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x25,
                                    0x40, 0x01, 0x02, 0x48, 0x53, 0x08, 0x00, 0x00, 0x00,
                                    0x00, 0x00, 0x80, 0x26, 0x40, 0x01, 0x02, 0x54, 0x4f};

/* A file put together from pieces. */
struct pieces {
    uint8_t data[2048];
    size_t size;
};

static void add(struct pieces *file, const void *data, size_t size)
{
    memcpy(file->data + file->size, data, size);
    file->size += size;
}

static struct pieces start(void)
{
    struct pieces file = {.size = 0};
    add(&file, "XDF:", 4);
    add(&file, head_file, sizeof(head_file));
    add(&file, FILE_HEADER_A, strlen(FILE_HEADER_A));
    add(&file, head_stream, sizeof(head_stream));
    add(&file, STREAM_HEADER_A, strlen(STREAM_HEADER_A));
    return file;
}

Test(xdf_write, writes_the_chunks_of_vector_a_byte_for_byte)
{
    struct pieces expected = start();
    add(&expected, boundary, sizeof(boundary));
    add(&expected, offsets_a, sizeof(offsets_a));
    uint8_t out[2048];
    memcpy(out, "XDF:", 4);
    uint8_t *at =
        kl_xdf_put_xml(out + 4, KL_XDF_FILE_HEADER, 0, FILE_HEADER_A, strlen(FILE_HEADER_A));
    cr_expect_eq(at - out - 4, 60);
    at = kl_xdf_put_xml(at, KL_XDF_STREAM_HEADER, 1, STREAM_HEADER_A, strlen(STREAM_HEADER_A));
    at = kl_xdf_put_boundary(at);
    at = kl_xdf_put_clock_offset(at, 1, 9.0, 0.25);
    at = kl_xdf_put_clock_offset(at, 1, 14.0, 0.25);
    cr_assert_eq((size_t)(at - out), expected.size);
    cr_expect_arr_eq(out, expected.data, expected.size);
}

Test(xdf_write, variable_length_integers_are_as_short_as_can_be)
{
    static const struct {
        uint64_t value;
        uint8_t bytes[9];
        size_t size;
    } row[] = {
        {0, {1, 0}, 2},
        {255, {1, 0xff}, 2},
        {256, {4, 0, 1, 0, 0}, 5},
        {70000, {4, 0x70, 0x11, 1, 0}, 5},
        {UINT32_MAX, {4, 0xff, 0xff, 0xff, 0xff}, 5},
        {UINT64_C(1) << 32, {8, 0, 0, 0, 0, 1, 0, 0, 0}, 9},
    };
    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        uint8_t out[9];
        size_t pos = 0;
        uint64_t value = 0;
        cr_expect_eq((size_t)(kl_xdf_put_varlen(out, row[i].value) - out), row[i].size);
        cr_expect_arr_eq(out, row[i].bytes, row[i].size, "row %zu", i);
        cr_expect(kl_xdf_varlen(out, row[i].size, &pos, &value) && value == row[i].value);
        for (size_t len = 0; len < row[i].size; len++) {
            pos = 0;
            cr_expect_not(kl_xdf_varlen(out, len, &pos, &value), "row %zu cut to %zu", i, len);
        }
    }
}

Test(xdf_index, reads_vector_a_and_moves_it_to_one_clock)
{
    struct pieces file = start();
    add(&file, boundary, sizeof(boundary));
    add(&file, samples_a, sizeof(samples_a));
    add(&file, offsets_a, sizeof(offsets_a));
    struct kl_xdf_index index;
    cr_assert_eq(kl_xdf_index_build(file.data, file.size, &index), KL_OK);
    cr_assert_eq(index.count, 1);
    const struct kl_xdf_index_stream *stream = &index.stream[0];
    static const double value[] = {1, 700, 1.5, 701, 2, 702.5};
    cr_assert_eq(stream->count, 3);
    cr_expect_arr_eq(stream->value, value, sizeof(value));
    cr_expect_eq(stream->stamp_s[0], 10.0);
    cr_expect_eq(stream->stamp_s[2], 10.001999999999999);
    cr_assert_eq(kl_xdf_index_clock(&index), KL_OK);
    for (int i = 0; i < 3; i++) {
        cr_expect_float_eq(stream->stamp_s[i], 10.25 + 0.001 * i, 1e-12, "sample %d", i);
    }
    cr_expect_not(index.torn);
    cr_expect_eq(index.damaged, 0);
    kl_xdf_index_release(&index);
}

Test(xdf_index, a_sample_cut_in_its_middle_is_left_out)
{
    struct pieces file = start();
    add(&file, samples_a, sizeof(samples_a));
    for (size_t cut = 1; cut < sizeof(samples_a); cut++) {
        struct kl_xdf_index index;
        cr_assert_eq(kl_xdf_index_build(file.data, file.size - cut, &index), KL_OK);
        size_t whole = cut <= 9 ? 2 : cut <= 18 ? 1 : 0; /* 9 bytes each but the first */
        cr_expect_eq(index.stream[0].count, whole, "cut by %zu: %zu", cut, index.stream[0].count);
        cr_expect(index.torn, "cut by %zu", cut);
        kl_xdf_index_release(&index);
    }
}

Test(xdf_index, reads_the_strings_of_vector_b_as_markers)
{
    struct pieces file = start();
    uint8_t *end = kl_xdf_put_xml(file.data + file.size, KL_XDF_STREAM_HEADER, 2, STREAM_HEADER_B,
                                  strlen(STREAM_HEADER_B));
    file.size = (size_t)(end - file.data);
    add(&file, samples_b, sizeof(samples_b));
    add(&file, samples_a, sizeof(samples_a));
    struct kl_source *source = kl_session_open_bytes(file.data, file.size, "B", NULL);
    cr_assert_not_null(source);
    cr_assert_eq(source->stream_count, 1);
    cr_expect_str_eq(source->stream[0].name, "FP1");
    cr_expect_eq(source->stream[0].kind, KL_KIND_OTHER, "no calibration, no force");
    static const struct {
        double t_s; /* since the first sample, which stands at 1 s */
        const char *text;
    } row[] = {{0.5, "HS"}, {1.25, "TO"}};
    struct kl_item item;
    cr_assert_eq(kl_source_next(source, 0, &item, NULL), KL_SOURCE_ITEM);
    cr_expect_eq(item.kind, KL_ITEM_BLOCK);
    cr_expect_eq(item.block.t_ns[0], KL_EPOCH_NS);
    for (size_t i = 0; i < 2; i++) {
        cr_assert_eq(kl_source_next(source, 0, &item, NULL), KL_SOURCE_ITEM);
        cr_expect_eq(item.kind, KL_ITEM_EVENT);
        cr_expect_eq(item.event.kind, KL_EVENT_MARKER);
        cr_expect_eq(item.event.t_ns, KL_EPOCH_NS + kl_nanoseconds(row[i].t_s));
        cr_expect_str_eq(item.event.text, row[i].text);
    }
    cr_expect_eq(kl_source_next(source, 0, &item, NULL), KL_SOURCE_END);
    kl_source_close(source);
}

Test(xdf_index, finds_its_way_back_at_the_next_boundary_as_in_vector_c)
{
    struct pieces file = start();
    static const uint8_t zeros[20];
    add(&file, boundary, sizeof(boundary));
    add(&file, zeros, sizeof(zeros));
    add(&file, boundary, sizeof(boundary));
    add(&file, samples_a, sizeof(samples_a));
    struct kl_xdf_index index;
    cr_assert_eq(kl_xdf_index_build(file.data, file.size, &index), KL_OK);
    cr_expect_eq(index.stream[0].count, 3);
    cr_expect_eq(index.damaged, 1);
    kl_xdf_index_release(&index);
    struct kl_verify_report report;
    struct kl_fault fault;
    cr_expect_eq(kl_session_verify_bytes(file.data, file.size, "C", &report, &fault), KL_ERR_DATA);
    cr_expect_not(report.ours);
    cr_expect_eq(report.damaged_ranges, 1);
    cr_expect_eq(report.samples, 3);

    const char *from = test_path("c.xdf");
    const char *to = test_path("c_clean.xdf");
    write_file(from, file.data, file.size);
    cr_assert_eq(kl_session_repair(from, to, &fault), KL_OK);
    cr_expect_eq(kl_session_verify(to, &report, &fault), KL_OK, "%s", fault.text);
    cr_expect_eq(report.samples, 3);
    (void)unlink(from);
    (void)unlink(to);
    (void)rmdir(test_folder());
}

/* ------------------------------------------------------- recordings of others */

static struct kl_xdf_index load(const char *name, uint8_t **data)
{
    char path[256];
    size_t size = 0;
    (void)snprintf(path, sizeof(path), "%s/%s", KL_DATA, name);
    if (access(path, R_OK) != 0) {
        cr_skip_test("skipped: no recordings at %s", KL_DATA);
    }
    struct kl_xdf_index index;
    *data = read_file(path, &size);
    cr_assert_eq(kl_xdf_index_build(*data, size, &index), KL_OK);
    cr_expect_not(index.torn);
    cr_expect_eq(index.damaged, 0);
    return index;
}

/* 1e-6 s: the conditioning of the robust fit. Values are float32 printed with 12 digits. */
#define STAMP_TOLERANCE_S 1e-6
#define VALUE_TOLERANCE 1e-9

static double number(const json_t *object, const char *key)
{
    return json_number_value(json_object_get(object, key));
}

static void expect_samples(const struct kl_xdf_index_stream *stream, const json_t *expected,
                           const char *legend)
{
    const json_t *rows = json_object_get(expected, "samples_at");
    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *row = json_array_get(rows, i);
        size_t at = (size_t)number(row, "index0");
        cr_assert_lt(at, stream->count);
        cr_expect_float_eq(stream->stamp_s[at], number(row, "time"), STAMP_TOLERANCE_S,
                           "%s stream %u sample %zu: %.9f", legend, stream->id, at,
                           stream->stamp_s[at]);
        const json_t *values = json_object_get(row, "values");
        for (size_t c = 0; c < json_array_size(values); c++) {
            const json_t *value = json_array_get(values, c);
            if (json_is_string(value)) {
                const struct kl_xdf_text *text = &stream->text[at * stream->channels + c];
                cr_expect(text->size == json_string_length(value) &&
                              memcmp(text->start, json_string_value(value), text->size) == 0,
                          "%s stream %u sample %zu", legend, stream->id, at);
            } else {
                double found = stream->value[at * stream->channels + c];
                double want = json_number_value(value);
                cr_expect_float_eq(found, want, VALUE_TOLERANCE * fmax(1, fabs(want)),
                                   "%s stream %u sample %zu", legend, stream->id, at);
            }
        }
    }
}

static void expect_stream(const struct kl_xdf_index *index, const json_t *expected, bool synced,
                          const char *legend)
{
    const struct kl_xdf_index_stream *stream = NULL;
    for (size_t i = 0; i < index->count; i++) {
        if (index->stream[i].id == (uint32_t)number(expected, "stream_id")) {
            stream = &index->stream[i];
        }
    }
    cr_assert_not_null(stream, "%s", legend);
    cr_expect_str_eq(stream->header.stream.name,
                     json_string_value(json_object_get(expected, "name")));
    cr_expect_eq(stream->header.rate_hz, number(expected, "nominal_srate"));
    cr_expect_eq((double)stream->count, number(expected, "samples"), "%s", legend);
    cr_expect_eq((double)stream->offsets.count, number(expected, "clock_offsets"), "%s", legend);
    cr_expect_str_eq(kl_xdf_format_text(stream->header.format),
                     json_string_value(json_object_get(expected, "channel_format")));
    const json_t *ends = json_object_get(expected, "time_first_last");
    if (stream->count > 0) {
        cr_expect_float_eq(stream->stamp_s[0], json_number_value(json_array_get(ends, 0)),
                           STAMP_TOLERANCE_S, "%s: %.9f", legend, stream->stamp_s[0]);
        cr_expect_float_eq(stream->stamp_s[stream->count - 1],
                           json_number_value(json_array_get(ends, 1)), STAMP_TOLERANCE_S,
                           "%s: %.9f", legend, stream->stamp_s[stream->count - 1]);
    }
    if (synced && stream->count > 1) {
        cr_expect_float_eq(stream->effective_rate_hz, number(expected, "effective_srate"), 1e-6,
                           "%s: %.9f", legend, stream->effective_rate_hz);
    }
    expect_samples(stream, expected, legend);
}

Test(xdf_index, agrees_with_pyxdf_on_every_recording)
{
    static const char *const name[] = {"xdf/minimal.xdf", "xdf/empty_streams.xdf",
                                       "xdf/clock_resets.xdf", "xdf/ssvep_example.xdf"};
    if (access(KL_DATA "/reference/xdf_pyxdf.json", R_OK) != 0) {
        cr_skip_test("skipped: no recordings at %s", KL_DATA);
    }
    json_t *reference = json_load_file(KL_DATA "/reference/xdf_pyxdf.json", 0, NULL);
    cr_assert_not_null(reference);
    for (size_t i = 0; i < sizeof(name) / sizeof(name[0]); i++) {
        uint8_t *data = NULL;
        struct kl_xdf_index index = load(name[i], &data);
        const json_t *modes = json_object_get(json_object_get(reference, "files"), name[i]);
        const char *mode = NULL;
        json_t *entry = NULL;
        for (int synced = 0; synced <= 1; synced++) {
            const char *wanted = synced ? "default" : "raw";
            void *at = json_object_iter((json_t *)(uintptr_t)modes);
            for (; at != NULL; at = json_object_iter_next((json_t *)(uintptr_t)modes, at)) {
                if (strncmp(json_object_iter_key(at), wanted, strlen(wanted)) == 0) {
                    mode = json_object_iter_key(at);
                    entry = json_object_iter_value(at);
                }
            }
            cr_assert_not_null(mode);
            const json_t *streams = json_object_get(entry, "streams");
            cr_expect_eq(json_array_size(streams), index.count, "%s", name[i]);
            if (synced) {
                cr_assert_eq(kl_xdf_index_clock(&index), KL_OK);
            }
            for (size_t k = 0; k < json_array_size(streams); k++) {
                expect_stream(&index, json_array_get(streams, k), synced, name[i]);
            }
        }
        kl_xdf_index_release(&index);
        free(data);
    }
    json_decref(reference);
}

Test(xdf_foreign, items_come_ordered_by_time_and_none_is_lost)
{
    static const struct {
        const char *name;
        size_t streams;
        uint64_t samples, events;
    } row[] = {
        {"xdf/minimal.xdf", 1, 9, 9},
        {"xdf/empty_streams.xdf", 2, 10, 1},
        {"xdf/clock_resets.xdf", 1, 27815, 175},
        {"xdf/ssvep_example.xdf", 1, 33002, 258},
    };
    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        char path[256];
        struct kl_fault fault = {""};
        (void)snprintf(path, sizeof(path), "%s/%s", KL_DATA, row[i].name);
        if (access(path, R_OK) != 0) {
            cr_skip_test("skipped: no recordings at %s", KL_DATA);
        }
        struct kl_source *source = kl_session_open(path, &fault);
        cr_assert_not_null(source, "%s", fault.text);
        cr_expect_eq(source->stream_count, row[i].streams, "%s", row[i].name);
        uint64_t samples = 0;
        uint64_t events = 0;
        int64_t before_ns = KL_EPOCH_NS;
        int64_t last_ns = 0;
        struct kl_item item;
        while (kl_source_next(source, 0, &item, &fault) == KL_SOURCE_ITEM) {
            bool block = item.kind == KL_ITEM_BLOCK;
            int64_t t_ns = block ? item.block.t_ns[0] : item.event.t_ns;
            cr_expect(samples + events > 0 || t_ns == KL_EPOCH_NS, "%s begins at %lld", row[i].name,
                      (long long)t_ns);
            cr_expect_geq(t_ns, before_ns, "%s", row[i].name);
            before_ns = t_ns;
            for (size_t k = 0; block && k < item.block.count; k++) {
                cr_expect_gt(item.block.t_ns[k], last_ns, "%s", row[i].name);
                last_ns = item.block.t_ns[k];
            }
            samples += block ? item.block.count : 0;
            events += !block;
        }
        cr_expect_eq(samples, row[i].samples, "%s: %llu samples", row[i].name,
                     (unsigned long long)samples);
        cr_expect_eq(events, row[i].events, "%s: %llu events", row[i].name,
                     (unsigned long long)events);
        kl_source_close(source);
        struct kl_verify_report report;
        cr_expect_eq(kl_session_verify(path, &report, &fault), KL_OK, "%s", fault.text);
        cr_expect_not(report.ours);
        cr_expect_not_null(strstr(report.finding[0].text, "no integrity marks"));
        cr_expect_eq(report.samples, row[i].samples + row[i].events);
    }
}

Test(xdf_clock, finds_the_two_lines_of_a_clock_that_was_reset)
{
    /* Oracle: coefficients of a second implementation, noted with clock_resets.xdf. */
    uint8_t *data = NULL;
    struct kl_xdf_index index = load("xdf/clock_resets.xdf", &data);
    const struct kl_xdf_offsets *offsets = &index.stream[0].offsets;
    for (size_t i = 0; i < index.count; i++) {
        offsets = index.stream[i].id == 2 ? &index.stream[i].offsets : offsets;
    }
    cr_assert_eq(offsets->count, 115);
    static const struct {
        size_t first, count;
        double c0, c1;
    } row[] = {{0, 82, -652339.5202885, -1.16968627e-6}, {82, 33, 1121.1667631433, -4.3545034e-6}};
    for (size_t i = 0; i < 2; i++) {
        double c[2];
        cr_expect(kl_xdf_robust_line(offsets->time_s + row[i].first,
                                     offsets->value_s + row[i].first, row[i].count, c));
        /* The two coefficients trade against each other at t ~ 650000 s; their line does not. */
        double t = offsets->time_s[row[i].first];
        cr_expect_float_eq(c[0] + c[1] * t, row[i].c0 + row[i].c1 * t, 2e-6, "line %zu", i);
        /* The slope is known to 1e-10: 6e-8 s over the ten minutes of this recording. */
        cr_expect_float_eq(c[1], row[i].c1, 1e-10, "line %zu: %.9g", i, c[1]);
    }
    kl_xdf_index_release(&index);
    free(data);
}

Test(xdf_clock, a_fit_without_spread_leaves_the_stamps_alone)
{
    double time_s[] = {5, 5, 5};
    double value_s[] = {1, 2, 3};
    double stamp_s[] = {5, 6};
    struct kl_xdf_offsets offsets = {time_s, value_s, 3};
    cr_expect_eq(kl_xdf_clock_sync(&offsets, stamp_s, 2), KL_OK);
    cr_expect_eq(stamp_s[0], 5.0);
    cr_expect_eq(stamp_s[1], 6.0);
}

/* ------------------------------------------------------------------ headers */

Test(xdf_header, refuses_what_is_no_header)
{
    static const char *const row[] = {
        "",
        "<info>",
        "<info/>",
        "<info><channel_count>0</channel_count></info>",
        "<info><channel_count>1</channel_count><nominal_srate>x</nominal_srate></info>",
        "<info><channel_count>1</channel_count><nominal_srate>1</nominal_srate></info>",
        "<info><channel_count>1</channel_count><nominal_srate>-1</nominal_srate>"
        "<channel_format>int8</channel_format></info>",
        "<info><channel_count>1e99</channel_count><nominal_srate>1</nominal_srate>"
        "<channel_format>int8</channel_format></info>",
        /* entities that grow: refused before they are expanded */
        "<!DOCTYPE info [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;&a;&a;&a;\">]>"
        "<info><name>&b;</name><channel_count>1</channel_count><nominal_srate>1</nominal_srate>"
        "<channel_format>int8</channel_format></info>",
    };
    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        struct kl_xdf_header header;
        cr_expect_eq(kl_xdf_header_read(row[i], strlen(row[i]), &header, NULL), KL_ERR_DATA,
                     "row %zu", i);
    }
}

Test(decimal, numbers_survive_in_a_language_with_a_comma)
{
    static const double row[] = {0.1, -0.0, 9.80665, 5e-324, 1.7976931348623157e308, 123456789.0};
    const char *comma = setlocale(LC_ALL, "de_DE.UTF-8"); /* where it is installed */
    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        char text[KL_DECIMAL_MAX];
        double back = 1;
        cr_expect_eq(kl_decimal_write(row[i], text), strlen(text));
        cr_expect_null(strchr(text, ','), "%s in %s", text, comma != NULL ? comma : "C");
        cr_expect(kl_decimal_read(text, &back) && memcmp(&back, &row[i], sizeof(back)) == 0, "%s",
                  text);
    }
    double untouched = 7;
    static const char *const bad[] = {"", " ", "x", "1 2", "1,5", "1x"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        cr_expect_not(kl_decimal_read(bad[i], &untouched), "\"%s\"", bad[i]);
        cr_expect_eq(untouched, 7.0);
    }
}
