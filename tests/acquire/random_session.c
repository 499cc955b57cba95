#include "random_session.h"

#include "acquire/event_json.h"
#include "acquire/formats/xdf_block.h"
#include "acquire/formats/xdf_write.h"
#include "acquire/session_writer.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* xorshift64* (Vigna 2016): repeatable on every machine. */
static uint64_t next(uint64_t *state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * UINT64_C(2685821657736338717);
}

static double any_double(uint64_t *state)
{
    static const double awkward[] = {0.0,    -0.0, 0.1,   -1e300,
                                     5e-324, 1e22, 700.0, 12345678901234568.0};
    uint64_t bits = next(state);
    double value = 0;
    if (bits % 4 == 0) {
        return awkward[next(state) % (sizeof(awkward) / sizeof(awkward[0]))];
    }
    memcpy(&value, &bits, sizeof(value));
    return isfinite(value) ? value : 1.5;
}

static void fill_stream(struct kl_stream *stream, size_t i, uint64_t *state)
{
    static const struct {
        const char *name;
        enum kl_kind kind;
        enum kl_format format;
        size_t channels;
    } row[RANDOM_STREAMS] = {
        {"emg.vmo \xc3\xa4", KL_KIND_EMG, KL_FORMAT_INT16, 1},
        {"plate.left", KL_KIND_FORCE, KL_FORMAT_FLOAT32, 6},
        {"imu.\"<&>'.right", KL_KIND_IMU, KL_FORMAT_DOUBLE64, 9},
        {"treadmill\r\n\tx", KL_KIND_TREADMILL, KL_FORMAT_INT32, 2},
        {" other ", KL_KIND_OTHER, KL_FORMAT_FLOAT32, KL_CHANNELS_MAX},
    };
    memset(stream, 0, sizeof(*stream));
    (void)snprintf(stream->name, KL_NAME_MAX, "%s", row[i].name);
    (void)snprintf(stream->source, KL_NAME_MAX, "device %zu", i);
    stream->kind = row[i].kind;
    stream->format = row[i].format;
    stream->rate_hz = 1000.0 / (double)(i + 3);
    stream->channel_count = row[i].channels;
    for (size_t c = 0; c < row[i].channels; c++) {
        (void)snprintf(stream->label[c], KL_LABEL_MAX, "ch%zu", c);
        (void)snprintf(stream->unit[c], KL_UNIT_MAX, "N\xc2\xb7m");
    }
    if (stream->kind != KL_KIND_FORCE) {
        return;
    }
    struct kl_plate *plate = &stream->plate;
    plate->side = KL_SIDE_LEFT;
    plate->form = KL_PLATE_POINT;
    plate->measured = 0x2a;
    for (int c = 0; c < KL_PLATE_CHANNELS_MAX; c++) {
        plate->full_scale[c] = any_double(state);
        for (int m = 0; m < KL_WRENCH_COUNT; m++) {
            plate->matrix[m][c] = any_double(state);
        }
    }
    for (int corner = 0; corner < 4; corner++) {
        plate->corner_x_m[corner] = any_double(state);
        plate->corner_z_m[corner] = any_double(state);
    }
}

static void fill_event(struct kl_event *event, int64_t t_ns, uint64_t *state)
{
    static const char *const text[] = {"", "shoe A + 5\xc2\xb0 \"wedge\"", "a\nb\tc\\d\x01",
                                       "\xf0\x9f\x91\x9f", "{\"mark\":0} </info> XDF:"};
    *event = (struct kl_event){.kind = (enum kl_event_kind)(next(state) % KL_EVENT_KIND_COUNT),
                               .t_ns = t_ns,
                               .duration_ns = (int64_t)(next(state) >> 1),
                               .value = {any_double(state), any_double(state)},
                               .text = text[next(state) % (sizeof(text) / sizeof(text[0]))]};
    if (next(state) % 8 == 0) {
        event->value[1] = (double)NAN;
    }
}

static void fill_block(const struct random_session *session, struct kl_block *block, int64_t *t_ns,
                       size_t samples_max, uint64_t *state)
{
    block->stream = next(state) % session->stream_count;
    block->count = 1 + next(state) % samples_max;
    const struct kl_stream *stream = &session->stream[block->stream];
    int64_t *times = calloc(block->count, sizeof(*times));
    uint32_t *quality = calloc(block->count, sizeof(*quality));
    double *value = calloc(block->count * stream->channel_count, sizeof(*value));
    for (size_t i = 0; i < block->count; i++) {
        *t_ns += 1 + (int64_t)(next(state) % 10000000);
        times[i] = *t_ns;
        quality[i] = next(state) % 128;
        for (size_t c = 0; c < stream->channel_count; c++) {
            value[i * stream->channel_count + c] =
                kl_format_round(stream->format, any_double(state)) + 0.0; /* no -0 in integers */
        }
    }
    block->t_ns = times;
    block->quality = quality;
    block->value = value;
}

struct random_session *random_session_create(uint64_t seed, size_t streams, size_t items,
                                             size_t samples_max)
{
    struct random_session *session = calloc(1, sizeof(*session));
    uint64_t state = seed * 2 + 1;
    int64_t t_ns = KL_EPOCH_NS;
    session->stream_count = streams;
    session->item_count = items;
    session->item = calloc(items, sizeof(*session->item));
    for (size_t i = 0; i < streams; i++) {
        fill_stream(&session->stream[i], i, &state);
    }
    for (size_t i = 0; i < items; i++) {
        struct kl_item *item = &session->item[i];
        if (next(&state) % 5 == 0) {
            item->kind = KL_ITEM_EVENT;
            fill_event(&item->event, t_ns, &state);
        } else {
            item->kind = KL_ITEM_BLOCK;
            fill_block(session, &item->block, &t_ns, samples_max, &state);
        }
    }
    return session;
}

void random_session_destroy(struct random_session *session)
{
    for (size_t i = 0; i < session->item_count; i++) {
        if (session->item[i].kind == KL_ITEM_BLOCK) {
            free((void *)(uintptr_t)session->item[i].block.t_ns);
            free((void *)(uintptr_t)session->item[i].block.quality);
            free((void *)(uintptr_t)session->item[i].block.value);
        }
    }
    free(session->item);
    free(session);
}

static double put_item(struct kl_session_writer *writer, const struct kl_item *item)
{
    const struct kl_session_head *head = writer->head;
    if (item->kind == KL_ITEM_BLOCK) {
        const struct kl_stream *stream = &head->stream[item->block.stream];
        uint8_t *room = kl_session_writer_reserve(writer, kl_xdf_block_size(stream, &item->block));
        (void)kl_xdf_put_block(room, kl_session_data_id(item->block.stream), stream, &item->block,
                               0);
        return kl_seconds(item->block.t_ns[item->block.count - 1]);
    }
    size_t size = kl_event_json_write(&item->event, NULL, 0);
    uint8_t *room = kl_session_writer_reserve(writer, kl_xdf_string_size(size));
    room = kl_xdf_put_string(room, kl_session_head_role(head, KL_ROLE_EVENTS),
                             kl_seconds(item->event.t_ns), size);
    (void)kl_event_json_write(&item->event, (char *)room, size);
    return kl_seconds(item->event.t_ns);
}

int random_session_write(const struct random_session *session, const char *path,
                         size_t items_per_flush, bool closed)
{
    struct kl_session_head *head =
        kl_session_head_create(session->stream, session->stream_count, NULL);
    struct kl_session_writer writer;
    struct kl_session_tally tally[KL_SESSION_ENTRIES_MAX] = {{0, 0, 0}};
    double newest_s = 1;
    (void)unlink(path);
    int status = kl_session_writer_open(&writer, path, head, NULL);
    for (size_t i = 0; i < session->item_count && status == KL_OK; i++) {
        const struct kl_item *item = &session->item[i];
        newest_s = fmax(newest_s, put_item(&writer, item));
        bool data = item->kind == KL_ITEM_BLOCK;
        size_t entry = data ? item->block.stream : session->stream_count;
        tally[entry].count += data ? item->block.count : 1;
        if (i % 10 == 9) {
            uint8_t *room = kl_session_writer_reserve(&writer, kl_xdf_string_size(2));
            memcpy(kl_xdf_put_string(room, kl_session_head_role(head, KL_ROLE_STEPS), newest_s, 2),
                   "{}", 2);
            tally[session->stream_count + KL_ROLE_STEPS].count++;
        }
        if ((i + 1) % items_per_flush == 0) {
            status = kl_session_writer_flush(&writer, newest_s, false);
        }
    }
    if (status == KL_OK && writer.gathered > 0) {
        status = kl_session_writer_flush(&writer, newest_s, false);
    }
    if (status == KL_OK && closed) {
        status = kl_session_writer_finish(&writer, newest_s, tally);
    }
    kl_session_writer_close(&writer);
    kl_session_head_destroy(head);
    return status;
}

/* The same bits: 0 is not -0 here, and NaN is NaN. */
static bool same_bits(const double *a, const double *b, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint64_t x = 0;
        uint64_t y = 0;
        memcpy(&x, &a[i], sizeof(x));
        memcpy(&y, &b[i], sizeof(y));
        if (x != y) {
            return false;
        }
    }
    return true;
}

static bool same_event(const struct kl_event *a, const struct kl_event *b)
{
    bool same = a->kind == b->kind && a->t_ns == b->t_ns && a->duration_ns == b->duration_ns &&
                strcmp(a->text, b->text) == 0;
    for (int i = 0; i < KL_EVENT_VALUES; i++) {
        same &=
            same_bits(&a->value[i], &b->value[i], 1) || (isnan(a->value[i]) && isnan(b->value[i]));
    }
    return same;
}

bool same_item(const struct random_session *session, const struct kl_item *item,
               const struct kl_item *found, bool may_gap)
{
    if (item->kind != found->kind) {
        return false;
    }
    if (item->kind == KL_ITEM_EVENT) {
        return same_event(&item->event, &found->event);
    }
    const struct kl_block *a = &item->block;
    const struct kl_block *b = &found->block;
    if (a->stream != b->stream || a->count != b->count) {
        return false;
    }
    size_t values = a->count * session->stream[a->stream].channel_count;
    uint32_t first = may_gap ? a->quality[0] | (b->quality[0] & KL_QUALITY_GAP) : a->quality[0];
    return memcmp(a->t_ns, b->t_ns, a->count * sizeof(*a->t_ns)) == 0 &&
           same_bits(a->value, b->value, values) && first == b->quality[0] &&
           memcmp(a->quality + 1, b->quality + 1, (a->count - 1) * sizeof(*a->quality)) == 0;
}

bool same_stream(const struct kl_stream *a, const struct kl_stream *b)
{
    bool same = strcmp(a->name, b->name) == 0 && strcmp(a->source, b->source) == 0 &&
                a->kind == b->kind && a->format == b->format &&
                same_bits(&a->rate_hz, &b->rate_hz, 1) && a->channel_count == b->channel_count;
    for (size_t c = 0; c < a->channel_count && same; c++) {
        same = strcmp(a->label[c], b->label[c]) == 0 && strcmp(a->unit[c], b->unit[c]) == 0;
    }
    const struct kl_plate *p = &a->plate;
    const struct kl_plate *q = &b->plate;
    return same && p->side == q->side && p->form == q->form && p->measured == q->measured &&
           same_bits(p->matrix[0], q->matrix[0], (size_t)KL_WRENCH_COUNT * KL_PLATE_CHANNELS_MAX) &&
           same_bits(p->full_scale, q->full_scale, KL_PLATE_CHANNELS_MAX) &&
           same_bits(p->corner_x_m, q->corner_x_m, 4) && same_bits(p->corner_z_m, q->corner_z_m, 4);
}

long match_items(const struct random_session *session, struct kl_source *source, bool skip_allowed)
{
    struct kl_item item;
    size_t at = 0;
    long found = 0;
    int answer = 0;
    while ((answer = kl_source_next(source, 0, &item, NULL)) == KL_SOURCE_ITEM) {
        while (skip_allowed && at < session->item_count &&
               !same_item(session, &session->item[at], &item, true)) {
            at++;
        }
        if (at == session->item_count ||
            !same_item(session, &session->item[at], &item, skip_allowed)) {
            found = -1;
            break;
        }
        at++;
        found++;
    }
    kl_source_close(source);
    return answer < 0 ? -1 : found;
}

const char *test_folder(void)
{
    static char folder[64];
    if (folder[0] == '\0' || access(folder, W_OK) != 0) {
        (void)snprintf(folder, sizeof(folder), "%s/kneelab-XXXXXX",
                       access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
        if (mkdtemp(folder) == NULL) {
            abort();
        }
    }
    return folder;
}

const char *test_path(const char *name)
{
    static char path[4][160];
    static unsigned turn;
    char *out = path[turn++ % 4];
    (void)snprintf(out, sizeof(path[0]), "%s/%s", test_folder(), name);
    return out;
}

uint8_t *read_file(const char *path, size_t *size)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        return NULL;
    }
    (void)fseek(file, 0, SEEK_END);
    *size = (size_t)ftell(file);
    rewind(file);
    uint8_t *data = malloc(*size + 1);
    if (fread(data, 1, *size, file) != *size) {
        free(data);
        data = NULL;
    }
    (void)fclose(file);
    return data;
}

void write_file(const char *path, const uint8_t *data, size_t size)
{
    FILE *file = fopen(path, "wb");
    if (file == NULL || fwrite(data, 1, size, file) != size || fclose(file) != 0) {
        abort();
    }
}
