#include "acquire/session_layout.h"

#include "acquire/formats/xdf_header.h"

#include <jansson.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name, *type;
} role_row[KL_ROLE_COUNT] = {
    [KL_ROLE_EVENTS] = {"kneelab.session", "Markers"},
    [KL_ROLE_INTEGRITY] = {"kneelab.integrity", "Integrity"},
    [KL_ROLE_CLOCK] = {"kneelab.clock", "Clock"},
    [KL_ROLE_STEPS] = {"kneelab.steps", "Steps"},
    [KL_ROLE_FLAGS] = {"kneelab.flags", "Flags"},
};

const char *kl_session_role_name(enum kl_session_role role)
{
    return (unsigned)role < KL_ROLE_COUNT ? role_row[role].name : "data";
}

const struct kl_session_entry *kl_session_head_find(const struct kl_session_head *head, uint32_t id)
{
    for (size_t i = 0; i < head->entry_count; i++) {
        if (head->entry[i].id == id) {
            return &head->entry[i];
        }
    }
    return NULL;
}

uint32_t kl_session_head_role(const struct kl_session_head *head, enum kl_session_role role)
{
    for (size_t i = 0; i < head->entry_count; i++) {
        if (head->entry[i].role == role) {
            return head->entry[i].id;
        }
    }
    return 0;
}

void kl_session_head_destroy(struct kl_session_head *head)
{
    if (head == NULL) {
        return;
    }
    for (size_t i = 0; i < head->entry_count; i++) {
        free(head->entry[i].xml);
    }
    free(head->file_xml);
    free(head);
}

/* ------------------------------------------------------------------- create */

static bool stream_fits(const struct kl_stream *stream)
{
    return stream->channel_count >= 1 && stream->channel_count <= KL_CHANNELS_MAX &&
           stream->rate_hz > 0 && (unsigned)stream->kind < KL_KIND_COUNT &&
           (unsigned)stream->format <= KL_FORMAT_INT32;
}

static bool add_entry(struct kl_session_head *head, struct kl_session_entry entry)
{
    if (entry.xml == NULL || head->entry_count == KL_SESSION_ENTRIES_MAX) {
        free(entry.xml);
        return false;
    }
    head->entry[head->entry_count++] = entry;
    return true;
}

struct kl_session_head *kl_session_head_create(const struct kl_stream *streams, size_t count,
                                               struct kl_fault *fault)
{
    if (count > KL_STREAMS_MAX) {
        (void)kl_fault(fault, KL_ERR_RANGE, "a session holds at most %d streams, not %zu",
                       KL_STREAMS_MAX, count);
        return NULL;
    }
    struct kl_session_head *head = calloc(1, sizeof(*head));
    bool good = head != NULL && (head->file_xml = kl_xdf_file_header_text()) != NULL;
    for (size_t i = 0; i < count && good; i++) {
        if (!stream_fits(&streams[i])) {
            (void)kl_fault(fault, KL_ERR_RANGE,
                           "stream \"%s\" cannot be recorded: rate %g Hz, %zu channels (1 to %d)",
                           streams[i].name, streams[i].rate_hz, streams[i].channel_count,
                           KL_CHANNELS_MAX);
            kl_session_head_destroy(head);
            return NULL;
        }
        head->stream[head->stream_count++] = streams[i];
        good = add_entry(head, (struct kl_session_entry){.id = kl_session_data_id(i),
                                                         .role = KL_ROLE_DATA,
                                                         .stream = i,
                                                         .xml = kl_xdf_header_text(&streams[i])});
    }
    for (int role = 0; role < KL_ROLE_COUNT && good; role++) {
        char *xml = kl_xdf_string_header_text(role_row[role].name, role_row[role].type);
        good = add_entry(head, (struct kl_session_entry){
                                   .id = kl_session_role_id(count, (enum kl_session_role)role),
                                   .role = (enum kl_session_role)role,
                                   .xml = xml});
    }
    if (!good) {
        (void)kl_fault(fault, KL_ERR_MEM, "no memory for the head of a session file");
        kl_session_head_destroy(head);
        return NULL;
    }
    return head;
}

char *kl_session_head_copy_text(const struct kl_session_head *head)
{
    json_t *streams = json_array();
    for (size_t i = 0; i < head->entry_count; i++) {
        (void)json_array_append_new(
            streams,
            json_pack("{s:I,s:s}", "id", (json_int_t)head->entry[i].id, "xml", head->entry[i].xml));
    }
    json_t *root = json_pack("{s:{s:s,s:o}}", "head", "file",
                             head->file_xml != NULL ? head->file_xml : "", "streams", streams);
    char *text = root != NULL ? json_dumps(root, JSON_COMPACT) : NULL;
    json_decref(root);
    return text;
}

/* --------------------------------------------------------------------- read */

/* One stream header found in the file or in the copy. What does not parse is left out. */
static void add_header(struct kl_session_head *head, uint32_t id, const char *xml, size_t size)
{
    struct kl_xdf_header header;
    if (kl_session_head_find(head, id) != NULL ||
        kl_xdf_header_read(xml, size, &header, NULL) != KL_OK) {
        return;
    }
    struct kl_session_entry entry = {.id = id, .role = KL_ROLE_COUNT, .stream = SIZE_MAX};
    if (header.string) {
        for (int role = 0; role < KL_ROLE_COUNT; role++) {
            if (strcmp(header.stream.name, role_row[role].name) == 0) {
                entry.role = (enum kl_session_role)role;
            }
        }
    }
    if (entry.role == KL_ROLE_COUNT) {
        bool data = header.ours && header.stream.rate_hz > 0 &&
                    header.stream.channel_count + 1 == header.channel_count &&
                    head->stream_count < KL_STREAMS_MAX;
        if (!data) {
            return;
        }
        entry.stream = head->stream_count;
    }
    entry.xml = strndup(xml, size);
    if (add_entry(head, entry) && entry.role == KL_ROLE_DATA) {
        head->stream[head->stream_count++] = header.stream;
    }
}

/* Headers in [0, to), as chunks. */
static void read_chunks(struct kl_session_head *head, const uint8_t *buf, size_t to)
{
    struct kl_xdf_chunk chunk;
    size_t pos = KL_XDF_MAGIC_SIZE;
    while (kl_xdf_chunk_at(buf, to, pos, &chunk) == KL_XDF_CHUNK) {
        const char *xml = (const char *)chunk.content;
        if (chunk.tag == KL_XDF_FILE_HEADER && head->file_xml == NULL) {
            head->file_xml = strndup(xml, chunk.content_size);
        } else if (chunk.tag == KL_XDF_STREAM_HEADER) {
            add_header(head, chunk.stream, xml, chunk.content_size);
        }
        pos = chunk.offset + chunk.size;
    }
}

static bool read_copy(struct kl_session_head *head, const char *text, size_t size)
{
    json_t *root = json_loadb(text, size, 0, NULL);
    const json_t *copy = json_object_get(root, "head");
    const char *file = json_string_value(json_object_get(copy, "file"));
    const json_t *streams = json_object_get(copy, "streams");
    for (size_t i = 0; i < json_array_size(streams); i++) {
        const json_t *row = json_array_get(streams, i);
        const json_t *id = json_object_get(row, "id");
        const char *xml = json_string_value(json_object_get(row, "xml"));
        if (json_is_integer(id) && xml != NULL) {
            add_header(head, (uint32_t)json_integer_value(id), xml, strlen(xml));
        }
    }
    if (file != NULL && file[0] != '\0') {
        head->file_xml = strdup(file);
    }
    json_decref(root);
    return head->entry_count > 0;
}

#define COPY_START "{\"head\":"

/* The head is damaged: looks for the copy among the intact samples of the integrity stream. */
static bool find_copy(struct kl_session_head *head, const uint8_t *buf, size_t len)
{
    struct kl_session_walk walk = kl_session_walk_begin(buf, len);
    struct kl_xdf_chunk chunk;
    while (kl_session_walk_next(&walk, &chunk)) {
        struct kl_xdf_samples samples;
        const char *text = NULL;
        size_t size = 0;
        double stamp_s = 0;
        bool given = false;
        if (chunk.tag == KL_XDF_SAMPLES && walk.range.mark.stream == chunk.stream &&
            kl_xdf_samples_begin(&chunk, &samples) &&
            kl_xdf_samples_stamp(&samples, &given, &stamp_s) &&
            kl_xdf_samples_string(&samples, &text, &size) && size > strlen(COPY_START) &&
            memcmp(text, COPY_START, strlen(COPY_START)) == 0) {
            return read_copy(head, text, size);
        }
    }
    return false;
}

struct kl_session_head *kl_session_head_read(const uint8_t *buf, size_t len, const char *name,
                                             struct kl_fault *fault)
{
    struct kl_session_head *head = calloc(1, sizeof(*head));
    if (head == NULL) {
        (void)kl_fault(fault, KL_ERR_MEM, "%s: no memory for its head", name);
        return NULL;
    }
    struct kl_ranges ranges = kl_ranges_begin(buf, len);
    struct kl_range range;
    bool any = kl_ranges_next(&ranges, &range);
    bool magic = len >= KL_XDF_MAGIC_SIZE && memcmp(buf, KL_XDF_MAGIC, KL_XDF_MAGIC_SIZE) == 0;
    if (any && magic && range.verdict != KL_RANGE_DAMAGED) {
        /* UNMARKED: the recording stopped before its first mark; no sample will be believed. */
        read_chunks(head, buf, range.to);
    } else {
        head->from_copy = true;
        (void)find_copy(head, buf, len);
    }
    if (head->file_xml == NULL) {
        head->file_xml = kl_xdf_file_header_text();
    }
    bool complete = true;
    for (int role = 0; role < KL_ROLE_COUNT; role++) {
        complete &= kl_session_head_role(head, (enum kl_session_role)role) != 0;
    }
    if (!complete) {
        (void)kl_fault(fault, KL_ERR_DATA,
                       "%s: the list of streams at its start is %s; nothing can be read safely",
                       name,
                       head->from_copy ? "damaged, and so is the copy of it"
                                       : "not complete: the recording stopped while it began");
        kl_session_head_destroy(head);
        return NULL;
    }
    return head;
}

bool kl_session_is_ours(const uint8_t *buf, size_t len)
{
    static const char sign[] = "<kneelab>"; /* in our FileHeader, the first chunk */
    struct kl_mark mark;
    struct kl_xdf_chunk chunk;
    return kl_mark_find(buf, len, 0, &mark) != SIZE_MAX ||
           (kl_xdf_chunk_at(buf, len, KL_XDF_MAGIC_SIZE, &chunk) == KL_XDF_CHUNK &&
            chunk.tag == KL_XDF_FILE_HEADER &&
            kl_xdf_find(chunk.content, chunk.content_size, 0, sign, strlen(sign), 1) != SIZE_MAX);
}

/* --------------------------------------------------------------------- walk */

struct kl_session_walk kl_session_walk_begin(const uint8_t *buf, size_t len)
{
    return (struct kl_session_walk){.ranges = kl_ranges_begin(buf, len)};
}

bool kl_session_walk_next(struct kl_session_walk *walk, struct kl_xdf_chunk *chunk)
{
    for (;;) {
        if (walk->inside) {
            enum kl_xdf_walk found =
                kl_xdf_chunk_at(walk->ranges.buf, walk->range.to, walk->pos, chunk);
            if (found == KL_XDF_CHUNK) {
                walk->pos += chunk->size;
                return true;
            }
            walk->inside = false;
            walk->lost_ranges += found != KL_XDF_END;
        }
        if (!kl_ranges_next(&walk->ranges, &walk->range)) {
            return false;
        }
        walk->inside = walk->range.verdict == KL_RANGE_INTACT;
        walk->lost_ranges += walk->range.verdict == KL_RANGE_DAMAGED;
        walk->pos = walk->range.from == 0 ? KL_XDF_MAGIC_SIZE : walk->range.from;
    }
}
