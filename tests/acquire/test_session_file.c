#include "acquire/crc32c.h"
#include "acquire/event_json.h"
#include "acquire/integrity.h"
#include "acquire/session_file.h"
#include "random_session.h"

#include <criterion/criterion.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The ordinary build tries every bit and every cut. Under a sanitizer, ten times slower, it looks
 * at memory, not at places: every 31st bit and every 13th cut will do. */
#ifdef KL_SANITIZED
enum { BIT_STRIDE = 31, CUT_STRIDE = 13 };
#else
enum { BIT_STRIDE = 1, CUT_STRIDE = 1 };
#endif

/* A written session, in memory. Each test runs in a process of its own. */
static struct random_session *session;
static uint8_t *file;
static size_t size;

static void make(uint64_t seed, size_t streams, size_t items, size_t samples, size_t per_flush,
                 bool closed)
{
    const char *path = test_path("session.xdf");
    session = random_session_create(seed, streams, items, samples);
    cr_assert_eq(random_session_write(session, path, per_flush, closed), KL_OK);
    file = read_file(path, &size);
    cr_assert_not_null(file);
    (void)unlink(path);
}

static void clean(void)
{
    (void)rmdir(test_folder());
    free(file);
    if (session != NULL) {
        random_session_destroy(session);
    }
}

Test(crc32c, gives_the_values_of_the_standard)
{
    /* RFC 3720 B.4 and the check value of the CRC catalogue. */
    static const struct {
        const char *legend;
        uint8_t fill, step;
        size_t count;
        uint32_t crc;
    } row[] = {
        {"32 bytes of 0", 0x00, 0, 32, 0x8a9136aa},
        {"32 bytes of 0xff", 0xff, 0, 32, 0x62a8ab43},
        {"0, 1, ... 31", 0x00, 1, 32, 0x46dd794e},
    };
    uint8_t bytes[32];
    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        for (size_t k = 0; k < row[i].count; k++) {
            bytes[k] = (uint8_t)(row[i].fill + k * row[i].step);
        }
        cr_expect_eq(kl_crc32c(0, bytes, row[i].count), row[i].crc, "%s", row[i].legend);
        for (size_t cut = 0; cut <= row[i].count; cut++) {
            uint32_t crc = kl_crc32c(0, bytes, cut);
            cr_expect_eq(kl_crc32c(crc, bytes + cut, row[i].count - cut), row[i].crc,
                         "%s cut at %zu", row[i].legend, cut);
        }
    }
    cr_expect_eq(kl_crc32c(0, "123456789", 9), 0xe3069283);
}

Test(session_file, gives_back_every_bit, .fini = clean)
{
    for (uint64_t seed = 1; seed <= 20; seed++) {
        clean();
        make(seed, RANDOM_STREAMS, 200, 20, 1 + seed % 7, true);
        struct kl_fault fault = {""};
        struct kl_source *source = kl_session_open_bytes(file, size, "test", &fault);
        cr_assert_not_null(source, "%s", fault.text);
        cr_expect_str_eq(kl_session_remark(source), "");
        cr_assert_eq(source->stream_count, session->stream_count);
        for (size_t i = 0; i < session->stream_count; i++) {
            cr_expect(same_stream(&source->stream[i], &session->stream[i]), "stream %zu", i);
        }
        cr_expect_eq(match_items(session, source, false), (long)session->item_count, "seed %d",
                     (int)seed);
        struct kl_verify_report report;
        cr_expect_eq(kl_session_verify_bytes(file, size, "test", &report, &fault), KL_OK, "%s: %s",
                     fault.text, report.finding[0].text);
        cr_expect_eq(report.verified_bytes, size);
        cr_expect(report.ours && report.closed);
        for (size_t i = 0; i < report.finding_count; i++) {
            /* random times have gaps; footers must agree */
            cr_expect_not(strstr(report.finding[i].text, "footer") != NULL, "%s",
                          report.finding[i].text);
        }
    }
}

Test(session_file, cut_anywhere_opens_with_a_prefix_of_the_items, .fini = clean)
{
    make(7, RANDOM_STREAMS, 30, 4, 3, true);
    long before = 0;
    size_t opened = 0;
    for (size_t i = 0; i < size + CUT_STRIDE; i += CUT_STRIDE) {
        size_t cut = i < size ? i : size;
        struct kl_fault fault = {""};
        struct kl_source *source = kl_session_open_bytes(file, cut, "test", &fault);
        if (source == NULL) {
            cr_expect_eq(opened, 0, "opens shorter but not at %zu: %s", cut, fault.text);
            cr_expect_str_neq(fault.text, "", "cut at %zu", cut);
            continue;
        }
        opened += source->stream_count == session->stream_count;
        long found = match_items(session, source, false);
        cr_expect_geq(found, before, "cut at %zu: %ld items, %ld before", cut, found, before);
        before = found;
        struct kl_verify_report report;
        int status = kl_session_verify_bytes(file, cut, "test", &report, &fault);
        cr_expect_eq(status, cut == size ? KL_OK : KL_ERR_DATA, "cut at %zu", cut);
    }
    cr_expect_eq(before, (long)session->item_count);
}

/* Whether a finding that counts as damage contains the byte. */
static bool located(const struct kl_verify_report *report, size_t at)
{
    for (size_t i = 0; i < report->finding_count; i++) {
        const struct kl_finding *finding = &report->finding[i];
        if (finding->damage && at >= finding->offset && at < finding->offset + finding->length) {
            return true;
        }
    }
    return false;
}

/* What is wrong with the file as it stands, or NULL. No Criterion in here: each of its checks costs
 * more than reading the file. */
static const char *harmed(size_t at)
{
    struct kl_verify_report report;
    struct kl_fault fault;
    /* Between two marks stand at most three items, and a flip may spoil one range only. */
    const long least = (long)session->item_count - 3;
    if (kl_session_verify_bytes(file, size, "test", &report, &fault) != KL_ERR_DATA) {
        return "not found";
    }
    if (!located(&report, at) || report.damaged_ranges > 1) {
        return "not located";
    }
    struct kl_source *source = kl_session_open_bytes(file, size, "test", &fault);
    if (source == NULL) {
        return "does not open";
    }
    bool same = source->stream_count == session->stream_count;
    for (size_t i = 0; same && i < session->stream_count; i++) {
        same = same_stream(&source->stream[i], &session->stream[i]);
    }
    if (match_items(session, source, true) < least) {
        return "a wrong or too few items";
    }
    return same ? NULL : "a wrong stream";
}

/* Every second bit of the file, from bit `first` on. */
static void flip_every_bit(size_t first)
{
    make(3, 1, 12, 3, 3, true);
    cr_assert_str_eq(harmed(0), "not found");
    for (size_t bit = first; bit < 8 * size; bit += 2 * (size_t)BIT_STRIDE) {
        size_t at = bit / 8;
        uint8_t mask = (uint8_t)(1 << bit % 8);
        file[at] ^= mask;
        const char *wrong = harmed(at);
        if (wrong != NULL) {
            cr_expect(false, "bit %zu of byte %zu of %zu: %s", bit % 8, at, size, wrong);
        }
        file[at] ^= mask;
    }
}

/* Two halves, for two processors. */
Test(session_file, every_flipped_bit_is_found_located_and_harmless, .fini = clean)
{
    flip_every_bit(0);
}

Test(session_file, every_flipped_bit_is_found_located_and_harmless_too, .fini = clean)
{
    flip_every_bit(1);
}

Test(session_file, says_on_each_stream_that_a_range_is_missing, .fini = clean)
{
    make(11, RANDOM_STREAMS, 400, 3, 20, true);
    file[size / 2] ^= 0x10;
    struct kl_source *source = kl_session_open_bytes(file, size, "test", NULL);
    cr_assert_not_null(source);
    struct kl_item item;
    size_t at = 0;
    size_t gaps = 0;
    bool told[RANDOM_STREAMS] = {false};
    bool behind = false;
    while (kl_source_next(source, 0, &item, NULL) == KL_SOURCE_ITEM) {
        while (!same_item(session, &session->item[at], &item, true)) {
            behind = true;
            at++;
        }
        if (behind && item.kind == KL_ITEM_BLOCK && !told[item.block.stream]) {
            told[item.block.stream] = true;
            cr_expect(item.block.quality[0] & KL_QUALITY_GAP, "stream %zu", item.block.stream);
            gaps++;
        }
        at++;
    }
    cr_expect_eq(gaps, RANDOM_STREAMS);
    cr_expect_not_null(strstr(kl_session_remark(source), "1 damaged range"));
    kl_source_close(source);
}

Test(session_file, survives_zeros_garbage_and_lost_pieces, .fini = clean)
{
    make(5, RANDOM_STREAMS, 60, 5, 4, true);
    static const struct {
        const char *legend;
        size_t hole, insert;
        int fill; /* < 0: the bytes are removed */
    } row[] = {
        {"zeros, as after a power cut", 3000, 0, 0},
        {"ones", 500, 0, 0xff},
        {"a piece removed", 700, 0, -1},
        {"a page removed", 4096, 0, -1},
        {"garbage put in", 0, 333, 0x41},
    };
    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        for (size_t at = 0; at + row[i].hole < size; at += 97) {
            size_t kept = row[i].fill < 0 ? 0 : row[i].hole + row[i].insert;
            size_t rest = size - at - row[i].hole;
            uint8_t *copy = malloc(at + kept + rest);
            memcpy(copy, file, at);
            memset(copy + at, row[i].fill < 0 ? 0 : row[i].fill, kept);
            memcpy(copy + at + kept, file + at + row[i].hole, rest);
            size_t len = at + kept + rest;
            struct kl_verify_report report;
            struct kl_fault fault;
            cr_expect_lt(kl_session_verify_bytes(copy, len, "test", &report, &fault), 0,
                         "%s at %zu", row[i].legend, at);
            struct kl_source *source = kl_session_open_bytes(copy, len, "test", &fault);
            if (source != NULL) {
                cr_expect_geq(match_items(session, source, true), 0, "%s at %zu", row[i].legend,
                              at);
            }
            free(copy);
        }
    }
}

Test(session_file, a_repaired_copy_is_clean_and_holds_what_could_be_read, .fini = clean)
{
    make(9, RANDOM_STREAMS, 120, 5, 10, false);
    for (size_t at = 100; at < size; at += size / 5) {
        const char *from = test_path("damaged.xdf");
        const char *to = test_path("clean.xdf");
        struct kl_fault fault = {""};
        file[at] ^= 4;
        write_file(from, file, size);
        struct kl_source *source = kl_session_open_bytes(file, size, "test", &fault);
        cr_assert_not_null(source);
        long readable = match_items(session, source, true);
        (void)unlink(to);
        cr_assert_eq(kl_session_repair(from, to, &fault), KL_OK, "%s", fault.text);
        cr_expect_eq(kl_session_repair(from, to, &fault), KL_ERR_IO, "must not overwrite");
        struct kl_verify_report report;
        cr_expect_eq(kl_session_verify(to, &report, &fault), KL_OK, "%s", fault.text);
        cr_expect(report.closed);
        source = kl_session_open(to, &fault);
        cr_assert_not_null(source, "%s", fault.text);
        cr_expect(same_stream(&source->stream[0], &session->stream[0]));
        cr_expect_eq(match_items(session, source, true), readable, "byte %zu", at);
        file[at] ^= 4;
        (void)unlink(from);
        (void)unlink(to);
    }
    (void)rmdir(test_folder());
}

static void count_line(void *self, int64_t t_ns, const char *text)
{
    cr_expect_str_eq(text, "{}");
    cr_expect_geq(t_ns, KL_EPOCH_NS);
    (*(int *)self)++;
}

Test(session_file, derived_lines_come_back_and_survive_repair)
{
    const char *path = test_path("derived.xdf");
    const char *to = test_path("derived_copy.xdf");
    struct kl_fault fault = {""};
    struct random_session *made = random_session_create(2, RANDOM_STREAMS, 50, 3);
    cr_assert_eq(random_session_write(made, path, 7, true), KL_OK);
    int steps = 0;
    cr_expect_eq(kl_session_derived(path, count_line, NULL, &steps, &fault), 5, "%s", fault.text);
    cr_expect_eq(steps, 5);
    cr_assert_eq(kl_session_repair(path, to, &fault), KL_OK, "%s", fault.text);
    cr_expect_eq(kl_session_derived(to, count_line, NULL, &steps, &fault), 5);
    random_session_destroy(made);
    (void)unlink(path);
    (void)unlink(to);
    (void)rmdir(test_folder());
}

Test(session_file, what_is_no_recording_is_refused_with_the_place)
{
    static const char *const row[] = {"",
                                      "X",
                                      "XDF",
                                      "XDF:",
                                      "not an xdf file at all",
                                      "XDF:\x01\x02\x05",
                                      "XDF:\xff\xff\xff\xff\xff\xff\xff\xff"};
    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        struct kl_fault fault = {""};
        struct kl_source *source =
            kl_session_open_bytes((const uint8_t *)row[i], strlen(row[i]), "some/file.xdf", &fault);
        cr_expect_null(source, "row %zu", i);
        cr_expect_not_null(strstr(fault.text, "some/file.xdf"), "row %zu: %s", i, fault.text);
    }
    struct kl_fault fault = {""};
    cr_expect_null(kl_session_open("/nowhere/at/all.xdf", &fault));
    cr_expect_not_null(strstr(fault.text, "No such file"), "%s", fault.text);
    cr_expect_null(kl_session_open("/tmp", &fault));
}

Test(integrity, a_mark_is_read_only_when_every_bit_is_right)
{
    uint8_t bytes[KL_MARK_SIZE + 8];
    struct kl_mark first = kl_mark_next(NULL, 9, 1.0, 5000, 0x12345678, false);
    struct kl_mark mark = kl_mark_next(&first, 9, 2.5, 9000, 0x0badcafe, true);
    struct kl_mark found;
    memset(bytes, 0xaa, sizeof(bytes));
    kl_mark_write(&mark, bytes + 3);
    cr_assert_eq(kl_mark_find(bytes, sizeof(bytes), 0, &found), 3);
    cr_expect(found.number == 1 && found.from == 5000 && found.to == 9000 && found.closed &&
              found.crc == 0x0badcafe && found.previous_crc == 0x12345678 &&
              found.previous_from == 0 && found.stream == 9 && found.stamp_s == 2.5 &&
              found.previous_mark == mark.previous_mark);
    cr_expect_eq(kl_mark_find(bytes, sizeof(bytes), 4, &found), SIZE_MAX);
    for (size_t bit = 0; bit < KL_MARK_SIZE * 8; bit++) {
        bytes[3 + bit / 8] ^= (uint8_t)(1 << bit % 8);
        cr_expect_not(kl_mark_read(bytes, sizeof(bytes), 3, &found), "bit %zu", bit);
        bytes[3 + bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    for (size_t len = 0; len < KL_MARK_SIZE + 3; len++) {
        cr_expect_not(kl_mark_read(bytes, len, 3, &found), "length %zu", len);
    }
}

Test(event_json, refuses_what_is_no_event)
{
    static const struct {
        const char *json;
        int status;
    } row[] = {
        {"", KL_ERR_DATA},
        {"[]", KL_ERR_DATA},
        {"{\"kind\":\"tare\"}", KL_ERR_DATA},
        {"{\"kind\":\"tare\",\"duration_ns\":1,\"value\":[1],\"text\":\"\"}", KL_ERR_DATA},
        {"{\"kind\":\"tare\",\"duration_ns\":1,\"value\":[1,\"x\"],\"text\":\"\"}", KL_ERR_DATA},
        {"{\"kind\":\"tea\",\"duration_ns\":1,\"value\":[1,2],\"text\":\"\"}", KL_ERR_UNSUPPORTED},
        {"{\"kind\":\"tare\",\"duration_ns\":1,\"value\":[1,\"nan\"],\"text\":\"\"}", KL_OK},
    };
    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        struct kl_event event = {0};
        char *text = NULL;
        struct kl_fault fault;
        cr_expect_eq(kl_event_json_read(row[i].json, strlen(row[i].json), &event, &text, &fault),
                     row[i].status, "row %zu", i);
        free(text);
    }
}

Test(event_json, replaces_what_is_not_utf8_and_never_writes_too_far)
{
    struct kl_event event = {.kind = KL_EVENT_MARKER, .text = "a\xff\xc3(\xed\xa0\x80z"};
    size_t need = kl_event_json_write(&event, NULL, 0);
    for (size_t cap = 0; cap <= need; cap++) {
        char *out = malloc(cap + 1);
        out[cap] = 0x55;
        cr_expect_eq(kl_event_json_write(&event, out, cap), need);
        cr_expect_eq(out[cap], 0x55);
        if (cap == need) {
            char *text = NULL;
            cr_assert_eq(kl_event_json_read(out, need, &event, &text, NULL), KL_OK);
            cr_expect_str_eq(text,
                             "a\xef\xbf\xbd\xef\xbf\xbd(\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbdz");
            free(text);
        }
        free(out);
    }
}
