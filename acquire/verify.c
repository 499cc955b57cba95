#include "acquire/crc32c.h"
#include "acquire/formats/xdf_block.h"
#include "acquire/formats/xdf_header.h"
#include "acquire/mapped_file.h"
#include "acquire/session_file.h"
#include "acquire/session_layout.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A step between samples longer than this many nominal ones is told. */
#define GAP_SAMPLES 1.5

/* What was found about one stream id. */
struct tally {
    uint32_t id;
    uint64_t samples;
    double last_s;
    bool has_footer, after_damage;
    uint64_t footer_count;
};

struct verify {
    const uint8_t *buf;
    size_t len;
    struct kl_verify_report *report;
    struct kl_session_head *head; /* NULL: foreign, or damaged beyond reading */
    struct tally tally[KL_SESSION_ENTRIES_MAX];
    size_t tally_count;
    struct kl_mark before; /* the mark in front of the next one */
    size_t before_at;
    bool has_before;
    bool damage; /* a finding says so, stored or not */
};

static void __attribute__((format(printf, 5, 6)))
find(struct verify *verify, uint64_t offset, uint64_t length, bool damage, const char *format, ...)
{
    struct kl_verify_report *report = verify->report;
    verify->damage |= damage;
    report->findings_total++;
    if (report->finding_count == KL_FILE_FINDINGS_MAX) {
        return;
    }
    struct kl_finding *finding = &report->finding[report->finding_count++];
    *finding = (struct kl_finding){.offset = offset, .length = length, .damage = damage};
    va_list args;
    va_start(args, format);
    (void)vsnprintf(finding->text, sizeof(finding->text), format, args);
    va_end(args);
}

static struct tally *tally_of(struct verify *verify, uint32_t id)
{
    for (size_t i = 0; i < verify->tally_count; i++) {
        if (verify->tally[i].id == id) {
            return &verify->tally[i];
        }
    }
    if (verify->tally_count == KL_SESSION_ENTRIES_MAX) {
        return NULL;
    }
    struct tally *tally = &verify->tally[verify->tally_count++];
    *tally = (struct tally){.id = id};
    return tally;
}

/* ------------------------------------------------------------------ content */

static void check_block(struct verify *verify, const struct kl_session_entry *entry,
                        const struct kl_xdf_chunk *chunk, struct tally *tally)
{
    const struct kl_stream *stream = &verify->head->stream[entry->stream];
    int64_t n = kl_xdf_block_count(stream, chunk);
    if (n < 0) {
        find(verify, chunk->offset, chunk->size, true, "%s: its samples are not whole",
             stream->name);
        return;
    }
    size_t size = kl_xdf_format_size(kl_xdf_format_of(stream->format));
    size_t each = 1 + sizeof(double) + (stream->channel_count + 1) * size;
    const uint8_t *p = chunk->content + chunk->content_size - (size_t)n * each;
    for (int64_t i = 0; i < n; i++, p += each) {
        double stamp_s = kl_xdf_get_f64(p + 1);
        double step_s = stamp_s - tally->last_s;
        bool first = tally->samples == 0 && i == 0;
        if (!first && !tally->after_damage && step_s > GAP_SAMPLES / stream->rate_hz) {
            find(verify, chunk->offset, chunk->size, false,
                 "%s: no samples for %.4f s before %.4f s", stream->name, step_s, stamp_s);
        }
        if (!first && step_s <= 0) {
            find(verify, chunk->offset, chunk->size, false,
                 "%s: time goes back by %.6f s at %.4f s", stream->name, -step_s, stamp_s);
        }
        tally->after_damage = false;
        tally->last_s = stamp_s;
    }
    tally->samples += (uint64_t)n;
    verify->report->samples += (uint64_t)n;
}

static void check_chunk(struct verify *verify, const struct kl_xdf_chunk *chunk)
{
    const struct kl_session_entry *entry =
        verify->head != NULL ? kl_session_head_find(verify->head, chunk->stream) : NULL;
    bool counts = chunk->tag == KL_XDF_SAMPLES || chunk->tag == KL_XDF_STREAM_FOOTER;
    if (!counts || entry == NULL) {
        return;
    }
    struct tally *tally = tally_of(verify, chunk->stream);
    if (tally == NULL) {
        return;
    }
    if (chunk->tag == KL_XDF_STREAM_FOOTER) {
        tally->has_footer = kl_xdf_footer_count((const char *)chunk->content, chunk->content_size,
                                                &tally->footer_count);
    } else if (entry->role == KL_ROLE_DATA) {
        check_block(verify, entry, chunk, tally);
    } else {
        tally->samples++;
        verify->report->events += entry->role == KL_ROLE_EVENTS;
    }
}

static void check_content(struct verify *verify, const struct kl_range *range)
{
    struct kl_xdf_chunk chunk;
    size_t pos = range->from == 0 ? KL_XDF_MAGIC_SIZE : range->from;
    enum kl_xdf_walk found = KL_XDF_CHUNK;
    while ((found = kl_xdf_chunk_at(verify->buf, range->to, pos, &chunk)) == KL_XDF_CHUNK) {
        check_chunk(verify, &chunk);
        pos += chunk.size;
    }
    if (found != KL_XDF_END) {
        find(verify, pos, range->to - pos, true, "no XDF chunk can begin here");
    }
}

static const char *entry_name(const struct verify *verify, uint32_t id)
{
    const struct kl_session_entry *entry =
        verify->head != NULL ? kl_session_head_find(verify->head, id) : NULL;
    return entry == NULL                 ? "?"
           : entry->role == KL_ROLE_DATA ? verify->head->stream[entry->stream].name
                                         : kl_session_role_name(entry->role);
}

static void check_footers(struct verify *verify)
{
    uint32_t integrity =
        verify->head != NULL ? kl_session_head_role(verify->head, KL_ROLE_INTEGRITY) : 0;
    for (size_t i = 0; i < verify->tally_count; i++) {
        struct tally *tally = &verify->tally[i];
        tally->samples += tally->id == integrity && verify->report->closed; /* the last mark */
        if (tally->has_footer && tally->samples != tally->footer_count) {
            find(verify, 0, verify->len, false, "%s: %llu samples found, its footer counts %llu",
                 entry_name(verify, tally->id), (unsigned long long)tally->samples,
                 (unsigned long long)tally->footer_count);
        }
    }
}

/* -------------------------------------------------------------------- marks */

static void check_mark(struct verify *verify, const struct kl_range *range)
{
    const struct kl_mark *mark = &range->mark;
    struct kl_verify_report *report = verify->report;
    report->marks++;
    if (mark->to != range->to) {
        find(verify, range->to, KL_MARK_SIZE, true,
             "mark %llu was written at byte %llu and stands at %zu: bytes %s in front of it",
             (unsigned long long)mark->number, (unsigned long long)mark->to, range->to,
             mark->to > range->to ? "are missing" : "were put");
    }
    if (report->closed) {
        find(verify, range->to, KL_MARK_SIZE, true, "mark %llu follows the closing mark",
             (unsigned long long)mark->number);
    }
    if (verify->has_before && verify->before_at == range->from) {
        uint32_t crc = kl_crc32c(0, verify->buf + range->from, KL_MARK_SIZE);
        if (mark->number != verify->before.number + 1 || mark->previous_mark != crc) {
            find(verify, range->from, range->to - range->from, true,
                 "mark %llu does not follow mark %llu: a part of the file is missing or exchanged",
                 (unsigned long long)mark->number, (unsigned long long)verify->before.number);
        }
    }
    report->closed |= mark->closed;
    verify->before = *mark;
    verify->before_at = range->to;
    verify->has_before = true;
}

static void check_range(struct verify *verify, const struct kl_range *range)
{
    struct kl_verify_report *report = verify->report;
    uint64_t size = range->to - range->from;
    switch (range->verdict) {
    case KL_RANGE_INTACT:
        report->verified_bytes += size;
        check_content(verify, range);
        break;
    case KL_RANGE_DAMAGED:
        report->damaged_ranges++;
        for (size_t i = 0; i < verify->tally_count; i++) {
            verify->tally[i].after_damage = true;
        }
        find(verify, range->from, size, true,
             "bytes %zu to %zu are not what was written (up to %.3f s of session time); reading "
             "passes them over",
             range->from, range->to, range->marked ? range->mark.stamp_s : 0.0);
        break;
    case KL_RANGE_UNMARKED:
        find(verify, range->from, size, true,
             report->closed ? "%llu bytes after the closing mark"
                            : "not closed, %llu bytes unverified",
             (unsigned long long)size);
        break;
    }
    if (range->marked) {
        check_mark(verify, range);
    }
}

static void verify_ours(struct verify *verify, const char *name)
{
    struct kl_fault fault = {""};
    struct kl_range range;
    bool tail = false;
    verify->head = kl_session_head_read(verify->buf, verify->len, name, &fault);
    if (verify->head == NULL) {
        find(verify, 0, verify->len, true, "%.190s", fault.text);
    }
    struct kl_ranges ranges = kl_ranges_begin(verify->buf, verify->len);
    while (kl_ranges_next(&ranges, &range)) {
        check_range(verify, &range);
        tail = range.verdict == KL_RANGE_UNMARKED;
    }
    if (verify->has_before) {
        verify->report->verified_bytes += KL_MARK_SIZE; /* the last mark vouches for itself */
    }
    if (!verify->report->closed && !tail) {
        find(verify, verify->len, 0, true, "not closed, 0 bytes unverified");
    }
    check_footers(verify);
    kl_session_head_destroy(verify->head);
}

/* ------------------------------------------------------------------ foreign */

static void count_foreign(struct verify *verify, const struct kl_xdf_chunk *chunk)
{
    struct tally *tally = tally_of(verify, chunk->stream);
    struct kl_xdf_samples samples;
    if (tally == NULL) {
        return;
    }
    if (chunk->tag == KL_XDF_SAMPLES && kl_xdf_samples_begin(chunk, &samples)) {
        tally->samples += samples.count;
        verify->report->samples += samples.count;
    } else if (chunk->tag == KL_XDF_STREAM_FOOTER) {
        tally->has_footer = kl_xdf_footer_count((const char *)chunk->content, chunk->content_size,
                                                &tally->footer_count);
    }
}

static void verify_foreign(struct verify *verify)
{
    struct kl_verify_report *report = verify->report;
    struct kl_xdf_chunk chunk;
    size_t pos = KL_XDF_MAGIC_SIZE;
    find(verify, 0, verify->len, false,
         "no integrity marks: only its structure can be checked, not its values");
    for (;;) {
        enum kl_xdf_walk found = kl_xdf_chunk_at(verify->buf, verify->len, pos, &chunk);
        if (found == KL_XDF_END) {
            break;
        }
        if (found == KL_XDF_CHUNK) {
            if (chunk.tag == KL_XDF_SAMPLES || chunk.tag == KL_XDF_STREAM_FOOTER) {
                count_foreign(verify, &chunk);
            }
            pos += chunk.size;
            continue;
        }
        size_t next = kl_xdf_after_boundary(verify->buf, verify->len, pos);
        size_t end = next != SIZE_MAX ? next : verify->len;
        report->damaged_ranges++;
        find(verify, pos, end - pos, true,
             found == KL_XDF_TORN && next == SIZE_MAX ? "the file ends in the middle of a chunk"
                                                      : "no XDF chunk can begin here");
        pos = end;
    }
    check_footers(verify);
}

int kl_session_verify_bytes(const uint8_t *buf, size_t len, const char *name,
                            struct kl_verify_report *report, struct kl_fault *fault)
{
    bool ours = kl_session_is_ours(buf, len);
    bool magic = len >= KL_XDF_MAGIC_SIZE && memcmp(buf, KL_XDF_MAGIC, KL_XDF_MAGIC_SIZE) == 0;
    if (!ours && !magic) {
        return kl_fault(fault, KL_ERR_UNSUPPORTED,
                        "%s: is not an XDF file (it does not begin with \"XDF:\")", name);
    }
    struct verify *verify = calloc(1, sizeof(*verify));
    if (verify == NULL) {
        return kl_fault(fault, KL_ERR_MEM, "%s: no memory to verify it", name);
    }
    *report = (struct kl_verify_report){.ours = ours, .bytes = len};
    verify->buf = buf;
    verify->len = len;
    verify->report = report;
    if (ours) {
        verify_ours(verify, name);
    } else {
        verify_foreign(verify);
    }
    bool damage = verify->damage;
    free(verify);
    return damage ? kl_fault(fault, KL_ERR_DATA, "%s: damaged or not closed", name) : KL_OK;
}

int kl_session_verify(const char *path, struct kl_verify_report *report, struct kl_fault *fault)
{
    struct kl_mapped_file file;
    int status = kl_mapped_file_open(path, &file, fault);
    if (status == KL_OK) {
        status = kl_session_verify_bytes(file.data, file.size, path, report, fault);
        kl_mapped_file_close(&file);
    }
    return status;
}
