#include "acquire/formats/memory_source.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Time stays far inside int64_t nanoseconds whatever rate a file claims. */
static const double seconds_max = 1e9;

struct memory_source {
    struct kl_source head;
    struct kl_memory memory;
    struct kl_stream stream[KL_STREAMS_MAX];
    size_t at[KL_STREAMS_MAX]; /* next sample of each stream */
    size_t event_at;
};

struct kl_memory_stream *kl_memory_add(struct kl_memory *memory, const struct kl_stream *stream,
                                       size_t count)
{
    if (memory->stream_count == KL_STREAMS_MAX || count == 0 || !(stream->rate_hz > 0) ||
        !((double)count / stream->rate_hz <= seconds_max)) {
        return NULL;
    }
    struct kl_memory_stream *s = &memory->stream[memory->stream_count];
    *s = (struct kl_memory_stream){.stream = *stream, .count = count};
    s->t_ns = malloc(count * sizeof(*s->t_ns));
    s->value = calloc(count, stream->channel_count * sizeof(*s->value));
    s->quality = calloc(count, sizeof(*s->quality));
    memory->stream_count++; /* from here _release frees it, whole or not */
    if (s->t_ns == NULL || s->value == NULL || s->quality == NULL) {
        return NULL;
    }
    for (size_t i = 0; i < count; i++) {
        /* i times 1e9 first: exact, so that only the division rounds */
        s->t_ns[i] = (int64_t)llround((double)i * 1e9 / stream->rate_hz);
    }
    return s;
}

int kl_memory_event(struct kl_memory *memory, const struct kl_event *event)
{
    if (memory->event_count == KL_MEMORY_EVENTS_MAX) {
        return KL_ERR_MEM;
    }
    char *text = strdup(event->text);
    if (text == NULL) {
        return KL_ERR_MEM;
    }
    struct kl_event *copy = &memory->event[memory->event_count++];
    *copy = *event;
    copy->text = text;
    return KL_OK;
}

void kl_memory_remark(struct kl_memory *memory, const char *format, ...)
{
    char text[sizeof(((struct kl_fault *)NULL)->text)];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    if (memory->remark_count++ == 0) {
        (void)snprintf(memory->remark, sizeof(memory->remark), "%.159s", text);
    }
    (void)kl_memory_event(memory, &(struct kl_event){.kind = KL_EVENT_MARKER, .text = text});
}

void kl_memory_mark_invalid(struct kl_memory_stream *stream)
{
    size_t channels = stream->stream.channel_count;
    for (size_t i = 0; i < stream->count; i++) {
        for (size_t c = 0; c < channels; c++) {
            double *value = &stream->value[i * channels + c];
            if (!isfinite(*value)) {
                *value = (double)NAN;
                stream->quality[i] |= KL_QUALITY_INVALID;
            }
        }
    }
}

void kl_memory_release(struct kl_memory *memory)
{
    for (size_t i = 0; i < memory->stream_count; i++) {
        free(memory->stream[i].t_ns);
        free(memory->stream[i].value);
        free(memory->stream[i].quality);
    }
    for (size_t i = 0; i < memory->event_count; i++) {
        free((char *)memory->event[i].text);
    }
    *memory = (struct kl_memory){0};
}

/* The stream whose next sample is the earliest, the first of equals; stream_count: none left. */
static size_t earliest_stream(const struct memory_source *self)
{
    size_t best = self->memory.stream_count;
    int64_t best_ns = INT64_MAX;
    for (size_t i = 0; i < self->memory.stream_count; i++) {
        const struct kl_memory_stream *s = &self->memory.stream[i];
        if (self->at[i] < s->count && s->t_ns[self->at[i]] < best_ns) {
            best = i;
            best_ns = s->t_ns[self->at[i]];
        }
    }
    return best;
}

static size_t block_length(const struct kl_stream *stream)
{
    double samples = stream->rate_hz * KL_MEMORY_BLOCK_S;
    return samples < 1.0 ? 1 : (size_t)fmin(samples, 1e6);
}

static int memory_next(struct kl_source *source, int64_t wait_ns, struct kl_item *item,
                       struct kl_fault *fault)
{
    struct memory_source *self = (struct memory_source *)source;
    (void)wait_ns;
    (void)fault;
    size_t index = earliest_stream(self);
    bool ended = index == self->memory.stream_count;
    const struct kl_memory_stream *s = ended ? NULL : &self->memory.stream[index];
    if (self->event_at < self->memory.event_count &&
        (ended || self->memory.event[self->event_at].t_ns <= s->t_ns[self->at[index]])) {
        *item =
            (struct kl_item){.kind = KL_ITEM_EVENT, .event = self->memory.event[self->event_at++]};
        return KL_SOURCE_ITEM;
    }
    if (ended) {
        return KL_SOURCE_END;
    }
    size_t at = self->at[index];
    size_t count = block_length(&s->stream);
    count = count < s->count - at ? count : s->count - at;
    *item = (struct kl_item){
        .kind = KL_ITEM_BLOCK,
        .block = {.stream = index,
                  .count = count,
                  .t_ns = s->t_ns + at,
                  .value = s->value + at * s->stream.channel_count,
                  .quality = s->quality + at},
    };
    self->at[index] += count;
    return KL_SOURCE_ITEM;
}

static void memory_close(struct kl_source *source)
{
    struct memory_source *self = (struct memory_source *)source;
    kl_memory_release(&self->memory);
    free(self);
}

static const struct kl_source_ops memory_ops = {.next = memory_next, .close = memory_close};

/* Moves the first sample of all to KL_EPOCH_NS and finds the length, the last sample's own spacing
 * included: 9000 samples at 300 Hz are 30 s. */
static int64_t shift_to_epoch(struct kl_memory *memory)
{
    int64_t first = INT64_MAX;
    int64_t end = INT64_MIN;
    for (size_t i = 0; i < memory->stream_count; i++) {
        const struct kl_memory_stream *s = &memory->stream[i];
        int64_t s_end = s->t_ns[s->count - 1] + (int64_t)llround(1e9 / s->stream.rate_hz);
        first = s->t_ns[0] < first ? s->t_ns[0] : first;
        end = s_end > end ? s_end : end;
    }
    for (size_t i = 0; i < memory->stream_count; i++) {
        struct kl_memory_stream *s = &memory->stream[i];
        for (size_t k = 0; k < s->count; k++) {
            s->t_ns[k] += KL_EPOCH_NS - first;
        }
    }
    for (size_t i = 0; i < memory->event_count; i++) {
        struct kl_event *event = &memory->event[i];
        event->t_ns += KL_EPOCH_NS - first;
        event->t_ns = event->t_ns < KL_EPOCH_NS ? KL_EPOCH_NS : event->t_ns;
    }
    return end - first;
}

static void sort_events(struct kl_memory *memory)
{
    for (size_t i = 1; i < memory->event_count; i++) { /* stable, few */
        for (size_t k = i; k > 0 && memory->event[k].t_ns < memory->event[k - 1].t_ns; k--) {
            struct kl_event swap = memory->event[k];
            memory->event[k] = memory->event[k - 1];
            memory->event[k - 1] = swap;
        }
    }
}

struct kl_source *kl_memory_source(struct kl_memory *memory)
{
    struct memory_source *self = calloc(1, sizeof(*self));
    if (self == NULL) {
        kl_memory_release(memory);
        return NULL;
    }
    if (memory->stream_count > 0) {
        self->head.duration_ns = shift_to_epoch(memory);
    }
    sort_events(memory);
    for (size_t i = 0; i < memory->stream_count; i++) {
        self->stream[i] = memory->stream[i].stream;
    }
    self->head.ops = &memory_ops;
    self->head.stream = self->stream;
    self->head.stream_count = memory->stream_count;
    self->memory = *memory;
    *memory = (struct kl_memory){0};
    return &self->head;
}

const char *kl_memory_missing(const struct kl_source *source)
{
    return source->ops == &memory_ops ? ((const struct memory_source *)source)->memory.missing : "";
}

const char *kl_memory_first_remark(const struct kl_source *source, size_t *count)
{
    const struct memory_source *self = (const struct memory_source *)source;
    *count = source->ops == &memory_ops ? self->memory.remark_count : 0;
    return *count > 0 ? self->memory.remark : "";
}
