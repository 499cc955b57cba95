#include "acquire/formats/xdf_foreign.h"

#include "acquire/formats/xdf_index.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Data of one block: short enough that streams interleave finely, long enough to be quick. */
#define BLOCK_NS (50 * INT64_C(1000000))
/* Stamps further than this from the first are no time of a recording (30 years). */
#define SPAN_LIMIT_S 1e9
#define NOT_A_STREAM SIZE_MAX

/* One stream on its way out. */
struct lane {
    const struct kl_xdf_index_stream *from;
    size_t stream; /* NOT_A_STREAM: markers */
    int64_t *t_ns; /* [count] */
    uint32_t *quality;
    size_t at;
};

struct foreign {
    struct kl_source base;
    struct kl_mapped_file file;
    struct kl_xdf_index index;
    struct lane *lane; /* [lane_count] */
    size_t lane_count;
    struct kl_stream *stream;
    char *text; /* of the marker handed out last */
    char remark[512];
};

static void __attribute__((format(printf, 2, 3)))
remark(struct foreign *foreign, const char *format, ...)
{
    size_t used = strlen(foreign->remark);
    va_list args;
    va_start(args, format);
    (void)vsnprintf(foreign->remark + used, sizeof(foreign->remark) - used, format, args);
    va_end(args);
}

static void foreign_close(struct kl_source *source)
{
    struct foreign *foreign = (struct foreign *)source;
    for (size_t i = 0; i < foreign->lane_count; i++) {
        free(foreign->lane[i].t_ns);
        free(foreign->lane[i].quality);
    }
    free(foreign->lane);
    free(foreign->stream);
    free(foreign->text);
    kl_xdf_index_release(&foreign->index);
    kl_mapped_file_close(&foreign->file);
    free(foreign);
}

/* The strings of one sample, joined by blanks. */
static int take_marker(struct foreign *foreign, struct lane *lane, struct kl_item *item,
                       struct kl_fault *fault)
{
    const struct kl_xdf_index_stream *from = lane->from;
    size_t channels = from->header.channel_count;
    const struct kl_xdf_text *text = from->text + lane->at * channels;
    size_t size = 1;
    for (size_t c = 0; c < channels; c++) {
        size += text[c].size + 1;
    }
    free(foreign->text);
    foreign->text = malloc(size);
    if (foreign->text == NULL) {
        return kl_fault(fault, KL_ERR_MEM, "no memory for the text of a marker");
    }
    char *out = foreign->text;
    for (size_t c = 0; c < channels; c++) {
        memcpy(out, text[c].start, text[c].size);
        out += text[c].size;
        *out++ = c + 1 < channels ? ' ' : '\0';
    }
    *item = (struct kl_item){
        .kind = KL_ITEM_EVENT,
        .event = {.kind = KL_EVENT_MARKER, .t_ns = lane->t_ns[lane->at], .text = foreign->text}};
    lane->at++;
    return KL_SOURCE_ITEM;
}

static int take_block(struct lane *lane, struct kl_item *item)
{
    size_t first = lane->at;
    size_t end = first + 1;
    while (end < lane->from->count && lane->t_ns[end] - lane->t_ns[first] < BLOCK_NS) {
        end++;
    }
    *item = (struct kl_item){.kind = KL_ITEM_BLOCK,
                             .block = {.stream = lane->stream,
                                       .count = end - first,
                                       .t_ns = lane->t_ns + first,
                                       .value = lane->from->value + first * lane->from->channels,
                                       .quality = lane->quality + first}};
    lane->at = end;
    return KL_SOURCE_ITEM;
}

static int foreign_next(struct kl_source *source, int64_t wait_ns, struct kl_item *item,
                        struct kl_fault *fault)
{
    (void)wait_ns;
    struct foreign *foreign = (struct foreign *)source;
    struct lane *first = NULL;
    for (size_t i = 0; i < foreign->lane_count; i++) {
        struct lane *lane = &foreign->lane[i];
        if (lane->at < lane->from->count &&
            (first == NULL || lane->t_ns[lane->at] < first->t_ns[first->at])) {
            first = lane;
        }
    }
    if (first == NULL) {
        return KL_SOURCE_END;
    }
    return first->stream == NOT_A_STREAM ? take_marker(foreign, first, item, fault)
                                         : take_block(first, item);
}

const struct kl_source_ops kl_xdf_foreign_ops = {foreign_next, foreign_close};

const char *kl_xdf_foreign_remark(const struct kl_source *source)
{
    return ((const struct foreign *)source)->remark;
}

bool kl_xdf_foreign_damaged(const struct kl_source *source)
{
    const struct kl_xdf_index *index = &((const struct foreign *)source)->index;
    return index->damaged > 0 || index->torn;
}

/* --------------------------------------------------------------------- open */

/* Session time of every sample. Stamps that do not grow or are no time at all are put right behind
 * the one before and say so. */
static int set_times(struct lane *lane, double first_s)
{
    /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): add_lane sets it */
    size_t n = lane->from->count;
    double rate_hz = lane->from->header.rate_hz;
    int64_t step_ns = rate_hz > 1 ? (int64_t)(1e9 / rate_hz) : 1;
    int64_t before_ns = INT64_MIN;
    lane->t_ns = calloc(n > 0 ? n : 1, sizeof(int64_t));
    lane->quality = calloc(n > 0 ? n : 1, sizeof(uint32_t));
    if (lane->t_ns == NULL || lane->quality == NULL) {
        return KL_ERR_MEM;
    }
    for (size_t i = 0; i < n; i++) {
        double since_s = lane->from->stamp_s[i] - first_s;
        bool known = fabs(since_s) < SPAN_LIMIT_S; /* false for NaN too */
        int64_t t_ns = known ? KL_EPOCH_NS + kl_nanoseconds(since_s) : KL_EPOCH_NS;
        lane->quality[i] = lane->from->quality != NULL ? lane->from->quality[i] : 0;
        if (!known || (i > 0 && t_ns <= before_ns)) {
            t_ns = i > 0 ? before_ns + (step_ns > 0 ? step_ns : 1) : t_ns;
            lane->quality[i] |= KL_QUALITY_CLOCK;
        }
        lane->t_ns[i] = t_ns;
        before_ns = t_ns;
    }
    return KL_OK;
}

static void add_lane(struct foreign *foreign, const struct kl_xdf_index_stream *from)
{
    struct lane *lane = &foreign->lane[foreign->lane_count];
    const struct kl_xdf_header *header = &from->header;
    *lane = (struct lane){.from = from, .stream = NOT_A_STREAM};
    if (!header->string && !(header->rate_hz > 0)) {
        remark(foreign, "stream \"%s\" left out: no fixed rate; ", header->stream.name);
        return;
    }
    if (!header->string && foreign->base.stream_count == KL_STREAMS_MAX) {
        remark(foreign, "stream \"%s\" left out: more than %d streams; ", header->stream.name,
               KL_STREAMS_MAX);
        return;
    }
    if (!header->string) {
        lane->stream = foreign->base.stream_count++;
        foreign->stream[lane->stream] = header->stream;
        if (from->channels + header->ours < header->channel_count) {
            remark(foreign, "stream \"%s\": the first %zu of its %u channels; ",
                   header->stream.name, from->channels, header->channel_count);
        }
    }
    foreign->lane_count++;
}

static int prepare(struct foreign *foreign)
{
    const struct kl_xdf_index *index = &foreign->index;
    foreign->lane = calloc(index->count > 0 ? index->count : 1, sizeof(*foreign->lane));
    foreign->stream = calloc(KL_STREAMS_MAX, sizeof(*foreign->stream));
    if (foreign->lane == NULL || foreign->stream == NULL) {
        return KL_ERR_MEM;
    }
    if (index->damaged > 0) {
        remark(foreign, "%llu damaged places skipped; ", (unsigned long long)index->damaged);
    }
    if (index->torn) {
        remark(foreign, "the file ends in the middle of a chunk; ");
    }
    for (size_t i = 0; i < index->count; i++) {
        add_lane(foreign, &index->stream[i]);
    }
    double first_s = HUGE_VAL;
    for (size_t i = 0; i < foreign->lane_count; i++) {
        const struct kl_xdf_index_stream *from = foreign->lane[i].from;
        if (from->count > 0 && /* NOLINT(clang-analyzer-core.NullDereference): add_lane sets it */
            from->stamp_s[0] < first_s) {
            first_s = from->stamp_s[0];
        }
    }
    int64_t last_ns = KL_EPOCH_NS;
    for (size_t i = 0; i < foreign->lane_count; i++) {
        struct lane *lane = &foreign->lane[i];
        int status = set_times(lane, isfinite(first_s) ? first_s : 0);
        if (status != KL_OK) {
            return status;
        }
        size_t n = lane->from->count;
        last_ns = n > 0 && lane->t_ns[n - 1] > last_ns ? lane->t_ns[n - 1] : last_ns;
    }
    foreign->base.ops = &kl_xdf_foreign_ops;
    foreign->base.stream = foreign->stream;
    foreign->base.duration_ns = last_ns - KL_EPOCH_NS;
    return KL_OK;
}

struct kl_source *kl_xdf_foreign_open(struct kl_mapped_file file, const char *name,
                                      struct kl_fault *fault)
{
    struct foreign *foreign = calloc(1, sizeof(*foreign));
    if (foreign == NULL) {
        kl_mapped_file_close(&file);
        (void)kl_fault(fault, KL_ERR_MEM, "%s: no memory to read it", name);
        return NULL;
    }
    foreign->file = file;
    int status = kl_xdf_index_build(file.data, file.size, &foreign->index);
    if (status == KL_OK) {
        status = kl_xdf_index_clock(&foreign->index);
    }
    if (status == KL_OK) {
        status = prepare(foreign);
    }
    if (status == KL_OK) {
        return &foreign->base;
    }
    (void)kl_fault(fault, status,
                   status == KL_ERR_DATA ? "%s: is not an XDF file, or holds no stream"
                                         : "%s: no memory to read it",
                   name);
    foreign_close(&foreign->base);
    return NULL;
}
