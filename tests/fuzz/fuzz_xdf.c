/* Any bytes as a recording: reading, verifying and the clock mapping survive them.
 *
 * The bytes are tried as they are (other people's files, damaged files of ours) and once more as
 * the content of a file of ours under marks that fit, because no random change ever makes a CRC
 * right.
 *
 * With clang and KL_LIBFUZZER: a libFuzzer target. Otherwise a program that replays the files given
 * as arguments, or, without any, makes seeds itself and damages them in ever the same ways. */
#include "acquire/crc32c.h"
#include "acquire/event_json.h"
#include "acquire/formats/xdf_block.h"
#include "acquire/formats/xdf_write.h"
#include "acquire/session_file.h"
#include "acquire/session_layout.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The name libFuzzer calls. NOLINTNEXTLINE(readability-identifier-naming) */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct kl_stream streams[] = {
    {.name = "plate",
     .kind = KL_KIND_FORCE,
     .format = KL_FORMAT_FLOAT32,
     .rate_hz = 1000,
     .channel_count = 2},
    {.name = "emg",
     .kind = KL_KIND_EMG,
     .format = KL_FORMAT_INT16,
     .rate_hz = 2000,
     .channel_count = 1},
};
#define STREAMS (sizeof(streams) / sizeof(streams[0]))

/* Values may be anything; times of other people's files must grow however theirs did. */
static void read_all(const uint8_t *data, size_t size, bool ours)
{
    struct kl_fault fault;
    struct kl_source *source = kl_session_open_bytes(data, size, "fuzz", &fault);
    if (source == NULL) {
        return;
    }
    int64_t before_ns[KL_STREAMS_MAX] = {0};
    struct kl_item item;
    volatile double sum = 0;
    while (kl_source_next(source, 0, &item, &fault) == KL_SOURCE_ITEM) {
        if (item.kind == KL_ITEM_EVENT) {
            sum = sum + (double)strlen(item.event.text);
            continue;
        }
        size_t stream = item.block.stream;
        if (stream >= source->stream_count || item.block.count == 0) {
            abort();
        }
        size_t channels = source->stream[stream].channel_count;
        for (size_t i = 0; i < item.block.count; i++) {
            if (!ours && before_ns[stream] != 0 && item.block.t_ns[i] <= before_ns[stream]) {
                abort();
            }
            before_ns[stream] = item.block.t_ns[i];
            sum = sum + item.block.value[i * channels + channels - 1];
            sum = sum + item.block.quality[i];
        }
    }
    (void)kl_session_remark(source);
    kl_source_close(source);
}

static void try_bytes(const uint8_t *data, size_t size)
{
    struct kl_verify_report report;
    struct kl_fault fault;
    read_all(data, size, kl_session_is_ours(data, size));
    int status = kl_session_verify_bytes(data, size, "fuzz", &report, &fault);
    if (status == KL_OK && report.ours && report.verified_bytes != size) {
        abort();
    }
}

/* Adds a mark over everything since the last one. */
static size_t add_mark(uint8_t *file, size_t size, struct kl_mark *mark, bool first, bool closed)
{
    uint64_t from = first ? 0 : mark->to;
    (void)kl_xdf_put_boundary(file + size);
    size += KL_XDF_BOUNDARY_SIZE;
    uint32_t crc = kl_crc32c(0, file + from, size - from);
    *mark = kl_mark_next(first ? NULL : mark, kl_session_role_id(STREAMS, KL_ROLE_INTEGRITY), 2.0,
                         size, crc, closed);
    kl_mark_write(mark, file + size);
    return size + KL_MARK_SIZE;
}

#define HEAD_MAX 8192

/* The head of a file of ours with its mark, made once. @return its size */
static size_t make_head(uint8_t *file, struct kl_mark *mark)
{
    struct kl_session_head *head = kl_session_head_create(streams, STREAMS, NULL);
    if (head == NULL) {
        abort();
    }
    uint8_t *at = kl_xdf_put_bytes(file, KL_XDF_MAGIC, KL_XDF_MAGIC_SIZE);
    at = kl_xdf_put_xml(at, KL_XDF_FILE_HEADER, 0, head->file_xml, strlen(head->file_xml));
    for (size_t i = 0; i < head->entry_count; i++) {
        at = kl_xdf_put_xml(at, KL_XDF_STREAM_HEADER, head->entry[i].id, head->entry[i].xml,
                            strlen(head->entry[i].xml));
    }
    kl_session_head_destroy(head);
    return add_mark(file, (size_t)(at - file), mark, true, false);
}

/* A closed file of ours with `data` where its items belong. Freed by the caller. */
static uint8_t *wrap(const uint8_t *data, size_t size, size_t *out_size)
{
    static uint8_t head[HEAD_MAX];
    static struct kl_mark head_mark;
    static size_t head_size;
    if (head_size == 0) {
        head_size = make_head(head, &head_mark);
    }
    struct kl_mark mark = head_mark;
    size_t room = head_size + size + KL_XDF_BOUNDARY_SIZE + KL_MARK_SIZE;
    uint8_t *file = malloc(room);
    if (file == NULL) {
        abort();
    }
    memcpy(file, head, head_size);
    memcpy(file + head_size, data, size);
    *out_size = add_mark(file, head_size + size, &mark, false, true);
    if (*out_size != room) {
        abort();
    }
    return file;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    try_bytes(data, size);
    size_t wrapped_size = 0;
    uint8_t *wrapped = wrap(data, size, &wrapped_size);
    try_bytes(wrapped, wrapped_size);
    free(wrapped);
    struct kl_event event;
    char *text = NULL;
    if (kl_event_json_read((const char *)data, size, &event, &text, NULL) == KL_OK) {
        (void)kl_event_json_write(&event, NULL, 0);
        free(text);
    }
    return 0;
}

#ifndef KL_LIBFUZZER

/* Items of ours as the recorder writes them. */
static size_t make_items(uint8_t *out)
{
    static const int64_t t_ns[] = {KL_EPOCH_NS, KL_EPOCH_NS + 1000000};
    static const double value[] = {1, -2, 3.5, 4};
    static const uint32_t quality[] = {0, 1};
    uint8_t *at = out;
    for (size_t i = 0; i < STREAMS; i++) {
        struct kl_block block = {
            .stream = i, .count = 2, .t_ns = t_ns, .value = value, .quality = quality};
        at = kl_xdf_put_block(at, kl_session_data_id(i), &streams[i], &block, 0);
    }
    struct kl_event event = {.kind = KL_EVENT_SUBJECT, .value = {80, 1.83}, .text = "S01"};
    size_t size = kl_event_json_write(&event, NULL, 0);
    at = kl_xdf_put_string(at, kl_session_role_id(STREAMS, KL_ROLE_EVENTS), 1.0, size);
    return (size_t)(at - out) + kl_event_json_write(&event, (char *)at, size);
}

/* A file as others write it: an omitted stamp, offsets, strings, a footer. */
static size_t make_foreign(uint8_t *out)
{
    static const char head[] =
        "<info><name>A</name><type>EMG</type><channel_count>2</channel_count>"
        "<nominal_srate>100</nominal_srate><channel_format>int16</channel_format></info>";
    static const char markers[] =
        "<info><name>M</name><channel_count>1</channel_count><nominal_srate>0</nominal_srate>"
        "<channel_format>string</channel_format></info>";
    static const char footer[] = "<info><sample_count>2</sample_count></info>";
    static const char file[] = "<info><version>1.0</version></info>";
    uint8_t *at = kl_xdf_put_bytes(out, KL_XDF_MAGIC, KL_XDF_MAGIC_SIZE);
    at = kl_xdf_put_xml(at, KL_XDF_FILE_HEADER, 0, file, strlen(file));
    at = kl_xdf_put_xml(at, KL_XDF_STREAM_HEADER, 1, head, strlen(head));
    at = kl_xdf_put_xml(at, KL_XDF_STREAM_HEADER, 2, markers, strlen(markers));
    at = kl_xdf_put_chunk(at, KL_XDF_SAMPLES, 1, 2 + 13 + 5);
    at = kl_xdf_put_varlen(at, 2);
    *at++ = 8;
    at = kl_xdf_put_u32(kl_xdf_put_f64(at, 5.0), 77);
    *at++ = 0;
    at = kl_xdf_put_u32(at, 78);
    at = kl_xdf_put_boundary(at);
    for (int i = 0; i < 4; i++) {
        at = kl_xdf_put_clock_offset(at, 1, i, -0.1);
    }
    at = kl_xdf_put_string(at, 2, 5.5, 2);
    memcpy(at, "HS", 2);
    at = kl_xdf_put_xml(at + 2, KL_XDF_STREAM_FOOTER, 1, footer, strlen(footer));
    return (size_t)(at - out);
}

static uint64_t next(uint64_t *state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * UINT64_C(2685821657736338717);
}

/* One to four changes: a bit, a byte that matters, a cut, a doubled piece. */
static size_t damage(uint8_t *data, size_t size, size_t cap, uint64_t *state)
{
    static const uint8_t matters[] = {0, 1, 2, 3, 4, 5, 6, 8, 0x7f, 0x80, 0xff, '<', '"'};
    for (uint64_t changes = 1 + next(state) % 4; changes > 0 && size > 1; changes--) {
        size_t at = next(state) % size;
        size_t piece = 1 + next(state) % 40;
        switch (next(state) % 5) {
        case 0:
            data[at] ^= (uint8_t)(1 << next(state) % 8);
            break;
        case 1:
        case 2:
            data[at] = matters[next(state) % sizeof(matters)];
            break;
        case 3:
            size = next(state) % 4 == 0 ? at + 1 : size;
            break;
        default:
            if (at + piece < size && size + piece < cap) {
                memmove(data + at + piece, data + at, size - at);
                size += piece;
            }
            break;
        }
    }
    return size;
}

#define ROUNDS 20000
#define SEED_MAX 65536

static int replay(const char *path)
{
    FILE *file = fopen(path, "rb");
    static uint8_t data[SEED_MAX * 64];
    if (file == NULL) {
        return 1;
    }
    size_t size = fread(data, 1, sizeof(data), file);
    (void)fclose(file);
    (void)LLVMFuzzerTestOneInput(data, size);
    return 0;
}

/* With "--seeds FOLDER": writes the seeds for libFuzzer. */
static void save(const char *folder, int i, const uint8_t *data, size_t size)
{
    char path[512];
    (void)snprintf(path, sizeof(path), "%s/seed_%d", folder, i);
    FILE *file = fopen(path, "wb");
    if (file != NULL) {
        (void)fwrite(data, 1, size, file);
        (void)fclose(file);
    }
}

int main(int argc, char **argv)
{
    bool seeds_only = argc == 3 && strcmp(argv[1], "--seeds") == 0;
    for (int i = 1; i < argc && !seeds_only; i++) {
        if (replay(argv[i]) != 0) {
            (void)fprintf(stderr, "%s cannot be read\n", argv[i]);
            return 1;
        }
    }
    if (argc > 1 && !seeds_only) {
        return 0;
    }
    static uint8_t seed[3][SEED_MAX];
    static uint8_t work[SEED_MAX];
    size_t size[3];
    size[0] = make_foreign(seed[0]);
    size[1] = make_items(seed[1]);
    uint8_t *wrapped = wrap(seed[1], size[1], &size[2]);
    memcpy(seed[2], wrapped, size[2]);
    free(wrapped);
    for (int i = 0; i < 3 && seeds_only; i++) {
        save(argv[2], i, seed[i], size[i]);
    }
    uint64_t state = 12345;
    for (int round = 0; round < ROUNDS && !seeds_only; round++) {
        int which = round % 3;
        memcpy(work, seed[which], size[which]);
        size_t changed = round < 3 ? size[which] : damage(work, size[which], SEED_MAX, &state);
        (void)LLVMFuzzerTestOneInput(work, changed);
    }
    (void)printf("%d rounds\n", seeds_only ? 0 : ROUNDS);
    return 0;
}

#endif
