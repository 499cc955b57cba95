#include "acquire/stage.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

int kl_stage_init(struct kl_stage *stage, const struct kl_stream *stream)
{
    memset(stage, 0, sizeof(*stage));
    /* twice the nominal number: a device may run fast, and a grid cell may catch one more */
    size_t capacity = (size_t)(2 * stream->rate_hz * (double)KL_BLOCK_NS / 1e9) + 1;
    stage->stream = stream;
    stage->capacity = capacity > KL_BLOCK_SAMPLES ? capacity : KL_BLOCK_SAMPLES;
    stage->t_ns = calloc(stage->capacity, sizeof(*stage->t_ns));
    stage->value = calloc(stage->capacity * stream->channel_count, sizeof(*stage->value));
    stage->quality = calloc(stage->capacity, sizeof(*stage->quality));
    if (stage->t_ns == NULL || stage->value == NULL || stage->quality == NULL) {
        kl_stage_release(stage);
        return KL_ERR_MEM;
    }
    /* calloc may hand out untouched pages: no page fault later */
    memset(stage->t_ns, 0, stage->capacity * sizeof(*stage->t_ns));
    memset(stage->value, 0, stage->capacity * stream->channel_count * sizeof(*stage->value));
    memset(stage->quality, 0, stage->capacity * sizeof(*stage->quality));
    return KL_OK;
}

void kl_stage_release(struct kl_stage *stage)
{
    free(stage->t_ns);
    free(stage->value);
    free(stage->quality);
    memset(stage, 0, sizeof(*stage));
}

/* Samples that fit between two neighbours so far apart; at least 1, because one is said to miss. */
static uint64_t missing(const struct kl_stage *stage, int64_t t_ns)
{
    double periods = (double)(t_ns - stage->last_ns) * 1e-9 * stage->stream->rate_hz;
    return periods > 2 ? (uint64_t)(periods - 0.5) : 1;
}

/* Stores one value as the file will hold it. @return false when it is not a number */
static bool store(enum kl_format format, double value, double *out)
{
    bool number = isfinite(value);
    bool integer = format == KL_FORMAT_INT16 || format == KL_FORMAT_INT32;
    /* no integer means "no number": 0, and the quality bit says that it is not one */
    *out = number || !integer ? kl_format_round(format, value) : 0;
    return number;
}

uint64_t kl_stage_put(struct kl_stage *stage, int64_t t_ns, uint32_t quality, uint64_t lost_before,
                      const double *value)
{
    uint64_t missed = 0;
    if (stage->begun && t_ns <= stage->last_ns) {
        t_ns = stage->last_ns + 1;
        quality |= KL_QUALITY_CLOCK;
    }
    if (stage->begun && (quality & KL_QUALITY_GAP)) {
        uint64_t all = missing(stage, t_ns); /* what was dropped on the way here is among them */
        missed = all > lost_before ? all - lost_before : 0;
    }
    if (lost_before + missed > 0) {
        quality |= KL_QUALITY_GAP;
        stage->lost_ns = stage->lost == 0 ? t_ns : stage->lost_ns;
        stage->lost += lost_before + missed;
    }
    const size_t channels = stage->stream->channel_count;
    double *row = stage->value + stage->count * channels;
    for (size_t c = 0; c < channels; c++) {
        quality |= store(stage->stream->format, value[c], &row[c]) ? 0 : KL_QUALITY_INVALID;
    }
    stage->t_ns[stage->count] = t_ns;
    stage->quality[stage->count] = quality;
    stage->count++;
    stage->last_ns = t_ns;
    stage->begun = true;
    return missed;
}

struct kl_block kl_stage_block(const struct kl_stage *stage, size_t stream)
{
    return (struct kl_block){
        .stream = stream,
        .count = stage->count,
        .t_ns = stage->t_ns,
        .value = stage->value,
        .quality = stage->quality,
    };
}
