#include "acquire/formats/xdf_index.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static struct kl_xdf_index_stream *find(struct kl_xdf_index *index, uint32_t id)
{
    for (size_t i = 0; i < index->count; i++) {
        if (index->stream[i].id == id) {
            return &index->stream[i];
        }
    }
    return NULL;
}

void kl_xdf_index_release(struct kl_xdf_index *index)
{
    for (size_t i = 0; i < index->count; i++) {
        struct kl_xdf_index_stream *stream = &index->stream[i];
        free(stream->stamp_s);
        free(stream->value);
        free(stream->quality);
        free(stream->text);
        free(stream->offsets.time_s);
        free(stream->offsets.value_s);
    }
    free(index->stream);
    *index = (struct kl_xdf_index){0};
}

/* Makes *array hold `count` elements; what it held stays. */
static bool resize(void *array, size_t count, size_t size)
{
    void *old = NULL;
    memcpy(&old, array, sizeof(old));
    if (size == 0 || count > SIZE_MAX / size) {
        return false;
    }
    void *larger = realloc(old, count * size);
    if (larger == NULL) {
        return false;
    }
    memcpy(array, &larger, sizeof(larger));
    return true;
}

static int add_header(struct kl_xdf_index *index, const struct kl_xdf_chunk *chunk)
{
    struct kl_xdf_header header;
    if (find(index, chunk->stream) != NULL || index->count == KL_XDF_INDEX_STREAMS_MAX) {
        return KL_OK; /* the first one counts */
    }
    if (kl_xdf_header_read((const char *)chunk->content, chunk->content_size, &header, NULL) !=
        KL_OK) {
        return KL_ERR_DATA;
    }
    if (index->count == index->cap) {
        size_t cap = index->cap > 0 ? index->cap * 2 : 8;
        if (!resize(&index->stream, cap, sizeof(*index->stream))) {
            return KL_ERR_MEM;
        }
        index->cap = cap;
    }
    struct kl_xdf_index_stream *stream = &index->stream[index->count++];
    memset(stream, 0, sizeof(*stream));
    stream->id = chunk->stream;
    stream->header = header;
    stream->channels = header.string ? header.channel_count : header.stream.channel_count;
    return KL_OK;
}

static int make_room(struct kl_xdf_index_stream *stream)
{
    if (stream->count < stream->cap) {
        return KL_OK;
    }
    size_t cap = stream->cap > 0 ? stream->cap * 2 : 64;
    if (cap > SIZE_MAX / stream->channels || !resize(&stream->stamp_s, cap, sizeof(double))) {
        return KL_ERR_MEM;
    }
    size_t values = cap * stream->channels;
    bool good =
        stream->header.string
            ? resize(&stream->text, values, sizeof(*stream->text))
            : resize(&stream->value, values, sizeof(double)) &&
                  (!stream->header.ours || resize(&stream->quality, cap, sizeof(*stream->quality)));
    stream->cap = good ? cap : stream->cap;
    return good ? KL_OK : KL_ERR_MEM;
}

/* Reads one sample's channels to the place of the next sample. */
static int read_channels(struct kl_xdf_index_stream *stream, struct kl_xdf_samples *samples)
{
    const struct kl_xdf_header *header = &stream->header;
    size_t size = kl_xdf_format_size(header->format);
    const uint8_t *values = NULL;
    /* Room is made only for channels that are really there, or a header of a few bytes could ask
     * for all memory. */
    size_t least = header->string ? 2 : size;
    if ((samples->len - samples->pos) / least < header->channel_count) {
        return KL_ERR_DATA;
    }
    int status = make_room(stream);
    if (status != KL_OK) {
        return status;
    }
    if (header->string) {
        struct kl_xdf_text *text = stream->text + stream->count * stream->channels;
        for (size_t c = 0; c < stream->channels; c++) {
            if (!kl_xdf_samples_string(samples, &text[c].start, &text[c].size)) {
                return KL_ERR_DATA;
            }
        }
        return KL_OK;
    }
    if (!kl_xdf_samples_values(samples, header->channel_count * size, &values)) {
        return KL_ERR_DATA;
    }
    for (size_t c = 0; c < stream->channels; c++) {
        stream->value[stream->count * stream->channels + c] =
            kl_xdf_value(header->format, values + c * size);
    }
    if (stream->quality != NULL) {
        const uint8_t *last = values + (header->channel_count - 1) * size;
        double quality = kl_xdf_value(header->format, last);
        bool known = quality >= 0 && quality <= (double)INT32_MAX;
        stream->quality[stream->count] = known ? (uint32_t)quality : KL_QUALITY_INVALID;
    }
    return KL_OK;
}

/* @param cut  the chunk reaches beyond the file: whole samples count */
static int add_samples(struct kl_xdf_index *index, const struct kl_xdf_chunk *chunk, bool cut)
{
    struct kl_xdf_index_stream *stream = find(index, chunk->stream);
    struct kl_xdf_samples samples;
    if (stream == NULL || !kl_xdf_samples_begin(chunk, &samples)) {
        return KL_ERR_DATA;
    }
    size_t before = stream->count;
    double before_s = stream->last_stamp_s;
    double step_s = stream->header.rate_hz > 0 ? 1 / stream->header.rate_hz : 0;
    for (uint64_t i = 0; i < samples.count; i++) {
        bool given = false;
        double stamp_s = stream->last_stamp_s + step_s;
        int status = kl_xdf_samples_stamp(&samples, &given, &stamp_s)
                         ? read_channels(stream, &samples)
                         : KL_ERR_DATA;
        if (status == KL_ERR_DATA && cut) {
            return KL_OK;
        }
        if (status != KL_OK) {
            stream->count = before;
            stream->last_stamp_s = before_s;
            return status;
        }
        stream->stamp_s[stream->count++] = stamp_s;
        stream->last_stamp_s = stamp_s;
    }
    if (samples.pos != samples.len && !cut) {
        stream->count = before;
        stream->last_stamp_s = before_s;
        return KL_ERR_DATA;
    }
    return KL_OK;
}

static int add_offset(struct kl_xdf_index *index, const struct kl_xdf_chunk *chunk)
{
    struct kl_xdf_index_stream *stream = find(index, chunk->stream);
    if (stream == NULL || chunk->content_size < 2 * sizeof(double)) {
        return KL_ERR_DATA;
    }
    double time_s = kl_xdf_get_f64(chunk->content);
    double value_s = kl_xdf_get_f64(chunk->content + sizeof(double));
    if (!isfinite(time_s) || !isfinite(value_s)) {
        return KL_ERR_DATA;
    }
    struct kl_xdf_offsets *offsets = &stream->offsets;
    if (offsets->count == stream->offset_cap) {
        size_t cap = stream->offset_cap > 0 ? stream->offset_cap * 2 : 16;
        if (!resize(&offsets->time_s, cap, sizeof(double)) ||
            !resize(&offsets->value_s, cap, sizeof(double))) {
            return KL_ERR_MEM;
        }
        stream->offset_cap = cap;
    }
    offsets->time_s[offsets->count] = time_s;
    offsets->value_s[offsets->count++] = value_s;
    return KL_OK;
}

static int add_chunk(struct kl_xdf_index *index, const struct kl_xdf_chunk *chunk)
{
    struct kl_xdf_index_stream *stream = NULL;
    switch (chunk->tag) {
    case KL_XDF_STREAM_HEADER:
        return add_header(index, chunk);
    case KL_XDF_SAMPLES:
        return add_samples(index, chunk, false);
    case KL_XDF_CLOCK_OFFSET:
        return add_offset(index, chunk);
    case KL_XDF_STREAM_FOOTER:
        /* A footer only informs: a broken one is passed over. */
        stream = find(index, chunk->stream);
        if (stream != NULL) {
            stream->has_footer = kl_xdf_footer_count((const char *)chunk->content,
                                                     chunk->content_size, &stream->footer_count);
        }
        return KL_OK;
    default:
        return KL_OK;
    }
}

int kl_xdf_index_build(const uint8_t *buf, size_t len, struct kl_xdf_index *index)
{
    *index = (struct kl_xdf_index){0};
    if (len < KL_XDF_MAGIC_SIZE || memcmp(buf, KL_XDF_MAGIC, KL_XDF_MAGIC_SIZE) != 0) {
        return KL_ERR_DATA;
    }
    struct kl_xdf_chunk chunk;
    size_t pos = KL_XDF_MAGIC_SIZE;
    for (;;) {
        enum kl_xdf_walk found = kl_xdf_chunk_at(buf, len, pos, &chunk);
        if (found == KL_XDF_END) {
            break;
        }
        int status = found == KL_XDF_CHUNK ? add_chunk(index, &chunk) : KL_ERR_DATA;
        if (status == KL_ERR_MEM) {
            return status;
        }
        if (status == KL_OK) {
            pos += chunk.size;
            continue;
        }
        size_t next = kl_xdf_after_boundary(buf, len, pos);
        if (next != SIZE_MAX) {
            index->damaged++;
            pos = next;
            continue;
        }
        index->torn = found == KL_XDF_TORN;
        index->damaged += found != KL_XDF_TORN;
        if (found == KL_XDF_TORN && chunk.tag == KL_XDF_SAMPLES &&
            add_samples(index, &chunk, true) == KL_ERR_MEM) {
            return KL_ERR_MEM;
        }
        break;
    }
    return index->count > 0 ? KL_OK : KL_ERR_DATA;
}

int kl_xdf_index_clock(struct kl_xdf_index *index)
{
    for (size_t i = 0; i < index->count; i++) {
        struct kl_xdf_index_stream *stream = &index->stream[i];
        const struct kl_xdf_header *header = &stream->header;
        if (stream->has_footer && stream->count > stream->footer_count &&
            kl_xdf_last_offset_is_stray(&stream->offsets)) {
            stream->offsets.count--;
            stream->count = (size_t)stream->footer_count;
        }
        int status = kl_xdf_clock_sync(&stream->offsets, stream->stamp_s, stream->count);
        if (status != KL_OK) {
            return status;
        }
        if (header->rate_hz > 0 && !header->can_drop_samples) {
            stream->effective_rate_hz =
                kl_xdf_dejitter(header->rate_hz, stream->stamp_s, stream->count);
        }
    }
    return KL_OK;
}
