#include "acquire/session_file.h"

#include "acquire/event_json.h"
#include "acquire/formats/xdf_block.h"
#include "acquire/formats/xdf_foreign.h"
#include "acquire/session_layout.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct session {
    struct kl_source base;
    struct kl_mapped_file file;
    struct kl_session_head *head;
    struct kl_session_walk walk;
    uint64_t lost_seen; /* damaged ranges already told by a gap */
    uint64_t not_understood;
    bool gap[KL_STREAMS_MAX];
    /* The block handed out last. */
    size_t cap, value_cap;
    int64_t *t_ns;
    uint32_t *quality;
    double *value;
    char *text;       /* of the event handed out last */
    char ending[160]; /* what open found about the end of the file */
    char remark[400];
};

static void session_close(struct kl_source *source)
{
    struct session *session = (struct session *)source;
    free(session->t_ns);
    free(session->quality);
    free(session->value);
    free(session->text);
    kl_session_head_destroy(session->head);
    kl_mapped_file_close(&session->file);
    free(session);
}

/* Room for n samples of `channels` values. */
static bool make_room(struct session *session, size_t n, size_t channels)
{
    if (n > session->cap) {
        int64_t *t_ns = realloc(session->t_ns, n * sizeof(*t_ns));
        session->t_ns = t_ns != NULL ? t_ns : session->t_ns;
        uint32_t *quality = realloc(session->quality, n * sizeof(*quality));
        session->quality = quality != NULL ? quality : session->quality;
        if (t_ns == NULL || quality == NULL) {
            return false;
        }
        session->cap = n;
    }
    if (n * channels > session->value_cap) {
        double *value = realloc(session->value, n * channels * sizeof(*value));
        if (value == NULL) {
            return false;
        }
        session->value = value;
        session->value_cap = n * channels;
    }
    return true;
}

/* @return KL_SOURCE_ITEM, KL_SOURCE_IDLE for "nothing in this chunk", or a negative status */
static int take_block(struct session *session, size_t index, const struct kl_xdf_chunk *chunk,
                      struct kl_item *item, struct kl_fault *fault)
{
    const struct kl_stream *stream = &session->head->stream[index];
    int64_t n = kl_xdf_block_count(stream, chunk);
    if (n < 0) {
        session->not_understood++;
        session->gap[index] = true;
        return KL_SOURCE_IDLE;
    }
    if (n == 0) {
        return KL_SOURCE_IDLE;
    }
    if (!make_room(session, (size_t)n, stream->channel_count)) {
        return kl_fault(fault, KL_ERR_MEM, "no memory for a block of %lld samples", (long long)n);
    }
    kl_xdf_block_read(stream, chunk, session->t_ns, session->value, session->quality);
    if (session->gap[index]) {
        session->gap[index] = false;
        session->quality[0] |= KL_QUALITY_GAP;
    }
    *item = (struct kl_item){.kind = KL_ITEM_BLOCK,
                             .block = {.stream = index,
                                       .count = (size_t)n,
                                       .t_ns = session->t_ns,
                                       .value = session->value,
                                       .quality = session->quality}};
    return KL_SOURCE_ITEM;
}

/* The one string of a Samples chunk of ours. */
static bool read_line(const struct kl_xdf_chunk *chunk, int64_t *t_ns, const char **text,
                      size_t *size)
{
    struct kl_xdf_samples samples;
    double stamp_s = 0;
    bool given = false;
    if (!kl_xdf_samples_begin(chunk, &samples) || samples.count != 1 ||
        !kl_xdf_samples_stamp(&samples, &given, &stamp_s) || !(stamp_s > -9e9 && stamp_s < 9e9) ||
        !kl_xdf_samples_string(&samples, text, size)) {
        return false;
    }
    *t_ns = kl_nanoseconds(stamp_s);
    return true;
}

static int take_event(struct session *session, const struct kl_xdf_chunk *chunk,
                      struct kl_item *item, struct kl_fault *fault)
{
    struct kl_event event = {0};
    const char *text = NULL;
    size_t size = 0;
    if (!read_line(chunk, &event.t_ns, &text, &size)) {
        session->not_understood++;
        return KL_SOURCE_IDLE;
    }
    free(session->text);
    session->text = NULL;
    int status = kl_event_json_read(text, size, &event, &session->text, NULL);
    if (status == KL_ERR_MEM) {
        return kl_fault(fault, status, "no memory for an event");
    }
    if (status != KL_OK) {
        session->not_understood++;
        return KL_SOURCE_IDLE;
    }
    *item = (struct kl_item){.kind = KL_ITEM_EVENT, .event = event};
    return KL_SOURCE_ITEM;
}

static int session_next(struct kl_source *source, int64_t wait_ns, struct kl_item *item,
                        struct kl_fault *fault)
{
    (void)wait_ns;
    struct session *session = (struct session *)source;
    struct kl_xdf_chunk chunk;
    while (kl_session_walk_next(&session->walk, &chunk)) {
        if (session->walk.lost_ranges != session->lost_seen) {
            session->lost_seen = session->walk.lost_ranges;
            memset(session->gap, true, sizeof(session->gap));
        }
        const struct kl_session_entry *entry =
            chunk.tag == KL_XDF_SAMPLES ? kl_session_head_find(session->head, chunk.stream) : NULL;
        int answer = KL_SOURCE_IDLE;
        if (entry != NULL && entry->role == KL_ROLE_DATA) {
            answer = take_block(session, entry->stream, &chunk, item, fault);
        } else if (entry != NULL && entry->role == KL_ROLE_EVENTS) {
            answer = take_event(session, &chunk, item, fault);
        }
        if (answer != KL_SOURCE_IDLE) {
            return answer;
        }
    }
    return KL_SOURCE_END;
}

static const struct kl_source_ops session_ops = {session_next, session_close};

const char *kl_session_remark(struct kl_source *source)
{
    if (source->ops == &kl_xdf_foreign_ops) {
        return kl_xdf_foreign_remark(source);
    }
    if (source->ops != &session_ops) {
        return "";
    }
    struct session *session = (struct session *)source;
    int used = snprintf(session->remark, sizeof(session->remark), "%s", session->ending);
    if (session->walk.lost_ranges > 0) {
        used += snprintf(session->remark + used, sizeof(session->remark) - (size_t)used,
                         "%llu damaged ranges passed over; ",
                         (unsigned long long)session->walk.lost_ranges);
    }
    if (session->not_understood > 0) {
        (void)snprintf(session->remark + used, sizeof(session->remark) - (size_t)used,
                       "%llu entries of a newer version passed over; ",
                       (unsigned long long)session->not_understood);
    }
    return session->remark;
}

bool kl_session_damaged(const struct kl_source *source)
{
    if (source->ops == &kl_xdf_foreign_ops) {
        return kl_xdf_foreign_damaged(source);
    }
    if (source->ops != &session_ops) {
        return false;
    }
    const struct session *session = (const struct session *)source;
    return session->ending[0] != '\0' || session->walk.lost_ranges > 0;
}

static void look_at_end(struct session *session)
{
    struct kl_mark mark;
    size_t at = kl_mark_find_last(session->file.data, session->file.size, &mark);
    if (at == SIZE_MAX) {
        (void)snprintf(session->ending, sizeof(session->ending),
                       "no intact integrity mark: nothing in it can be believed; ");
        return;
    }
    session->base.duration_ns =
        mark.stamp_s > 0 && mark.stamp_s < 9e9 ? kl_nanoseconds(mark.stamp_s) - KL_EPOCH_NS : 0;
    if (!mark.closed) {
        (void)snprintf(session->ending, sizeof(session->ending),
                       "not closed, %zu bytes unverified; ",
                       session->file.size - at - KL_MARK_SIZE);
    }
}

static struct kl_source *open_file(struct kl_mapped_file file, const char *name,
                                   struct kl_fault *fault)
{
    if (!kl_session_is_ours(file.data, file.size)) {
        return kl_xdf_foreign_open(file, name, fault);
    }
    struct session *session = calloc(1, sizeof(*session));
    if (session == NULL) {
        kl_mapped_file_close(&file);
        (void)kl_fault(fault, KL_ERR_MEM, "%s: no memory to read it", name);
        return NULL;
    }
    session->file = file;
    session->base.ops = &session_ops;
    session->head = kl_session_head_read(file.data, file.size, name, fault);
    if (session->head == NULL) {
        session_close(&session->base);
        return NULL;
    }
    session->base.stream = session->head->stream;
    session->base.stream_count = session->head->stream_count;
    session->walk = kl_session_walk_begin(file.data, file.size);
    look_at_end(session);
    return &session->base;
}

struct kl_source *kl_session_open(const char *path, struct kl_fault *fault)
{
    struct kl_mapped_file file;
    return kl_mapped_file_open(path, &file, fault) == KL_OK ? open_file(file, path, fault) : NULL;
}

struct kl_source *kl_session_open_bytes(const uint8_t *buf, size_t len, const char *name,
                                        struct kl_fault *fault)
{
    return open_file((struct kl_mapped_file){.data = buf, .size = len}, name, fault);
}

/* ------------------------------------------------------------------ derived */

/* @param wanted  who takes the lines of each role; NULL: nobody */
static int derived_lines(const struct kl_mapped_file *file, const struct kl_session_head *head,
                         kl_derived_line *const wanted[KL_ROLE_COUNT], void *self)
{
    struct kl_session_walk walk = kl_session_walk_begin(file->data, file->size);
    struct kl_xdf_chunk chunk;
    char *copy = NULL;
    int lines = 0;
    while (kl_session_walk_next(&walk, &chunk)) {
        const struct kl_session_entry *entry =
            chunk.tag == KL_XDF_SAMPLES ? kl_session_head_find(head, chunk.stream) : NULL;
        kl_derived_line *call =
            entry != NULL && entry->role < KL_ROLE_COUNT ? wanted[entry->role] : NULL;
        const char *text = NULL;
        size_t size = 0;
        int64_t t_ns = 0;
        if (call == NULL || !read_line(&chunk, &t_ns, &text, &size)) {
            continue;
        }
        char *larger = realloc(copy, size + 1);
        if (larger == NULL) {
            free(copy);
            return KL_ERR_MEM;
        }
        copy = larger;
        memcpy(copy, text, size);
        copy[size] = '\0';
        call(self, t_ns, copy);
        lines++;
    }
    free(copy);
    return lines;
}

static int lines_of(const char *path, kl_derived_line *const wanted[KL_ROLE_COUNT], void *self,
                    struct kl_fault *fault)
{
    struct kl_mapped_file file;
    int status = kl_mapped_file_open(path, &file, fault);
    if (status != KL_OK) {
        return status;
    }
    int lines = 0; /* other people's files have none */
    if (kl_session_is_ours(file.data, file.size)) {
        struct kl_session_head *head = kl_session_head_read(file.data, file.size, path, fault);
        lines = head != NULL ? derived_lines(&file, head, wanted, self) : KL_ERR_DATA;
        kl_session_head_destroy(head);
    }
    kl_mapped_file_close(&file);
    return lines;
}

int kl_session_derived(const char *path, kl_derived_line *step, kl_derived_line *flag, void *self,
                       struct kl_fault *fault)
{
    kl_derived_line *const wanted[KL_ROLE_COUNT] = {[KL_ROLE_STEPS] = step, [KL_ROLE_FLAGS] = flag};
    return lines_of(path, wanted, self, fault);
}

int kl_session_clock(const char *path, kl_derived_line *pair, void *self, struct kl_fault *fault)
{
    kl_derived_line *const wanted[KL_ROLE_COUNT] = {[KL_ROLE_CLOCK] = pair};
    return lines_of(path, wanted, self, fault);
}
