#include "devices/lab_streams.h"

#include <stdio.h>
#include <string.h>

#define LIST_MAX 192

static const struct kl_input_range *range_of(const struct kl_input_rule *rule, uint8_t input)
{
    for (size_t i = 0; i < rule->range_count; i++) {
        if (input >= rule->range[i].first && input <= rule->range[i].last) {
            return &rule->range[i];
        }
    }
    return NULL;
}

static const char *list(const struct kl_input_rule *rule, char out[LIST_MAX])
{
    size_t at = 0;
    for (size_t i = 0; i < rule->range_count && at < LIST_MAX; i++) {
        const struct kl_input_range *range = &rule->range[i];
        int len = snprintf(out + at, LIST_MAX - at, "%s%u-%u (%s)", i > 0 ? ", " : "", range->first,
                           range->last, range->what);
        at += len > 0 ? (size_t)len : 0;
    }
    return out;
}

static int take_channel(const struct kl_device_config *config, const struct kl_input_rule *rule,
                        struct kl_stream *stream, size_t c, uint8_t input, struct kl_fault *fault)
{
    char all[LIST_MAX];
    const struct kl_input_range *range = range_of(rule, input);
    if (range == NULL) {
        return kl_fault(fault, KL_ERR_RANGE,
                        "device %s: stream %s: %s has no input %u; inputs are %s", config->name,
                        stream->name, rule->driver, input, list(rule, all));
    }
    if (range->kind != KL_KIND_COUNT && range->kind != stream->kind) {
        return kl_fault(fault, KL_ERR_RANGE,
                        "device %s: stream %s is of kind %s, but input %u of %s is %s: kind %s",
                        config->name, stream->name, kl_kind_text(stream->kind), input, rule->driver,
                        range->what, kl_kind_text(range->kind));
    }
    if (range->unit != NULL && stream->unit[c][0] != '\0' &&
        strcmp(stream->unit[c], range->unit) != 0) {
        return kl_fault(fault, KL_ERR_RANGE,
                        "device %s: stream %s: input %u comes in \"%s\", not in \"%s\"",
                        config->name, stream->name, input, range->unit, stream->unit[c]);
    }
    if (range->unit != NULL) {
        (void)snprintf(stream->unit[c], KL_UNIT_MAX, "%s", range->unit);
    }
    if (stream->label[c][0] == '\0' && stream->channel_count == 1) {
        (void)snprintf(stream->label[c], KL_LABEL_MAX, "%s", kl_kind_text(stream->kind));
    } else if (stream->label[c][0] == '\0') {
        (void)snprintf(stream->label[c], KL_LABEL_MAX, "%s %u", kl_kind_text(stream->kind), input);
    }
    return KL_OK;
}

static int check_once(const struct kl_device_config *config, const struct kl_lab_streams *map,
                      const struct kl_stream *out, size_t s, struct kl_fault *fault)
{
    for (size_t before = 0; before < s; before++) {
        if (strcmp(out[before].name, out[s].name) == 0) {
            return kl_fault(fault, KL_ERR_RANGE, "device %s: two streams are called %s",
                            config->name, out[s].name);
        }
    }
    unsigned seen[UINT8_MAX + 1] = {0};
    for (size_t i = 0; i <= s; i++) {
        for (size_t c = 0; c < map->stream[i].channels; c++) {
            uint8_t input = map->stream[i].input[c];
            if (out[i].kind == KL_KIND_EMG && ++seen[input] > 1) {
                return kl_fault(fault, KL_ERR_RANGE,
                                "device %s: input %u is two muscles (%s); give each its own",
                                config->name, input, out[s].name);
            }
        }
    }
    return KL_OK;
}

static int take_stream(const struct kl_device_config *config, const struct kl_input_rule *rule,
                       const struct kl_stream *wanted, const uint8_t *input,
                       struct kl_lab_stream *map, struct kl_stream *out, struct kl_fault *fault)
{
    if (wanted->name[0] == '\0' || wanted->channel_count == 0 ||
        wanted->channel_count > KL_CHANNELS_MAX) {
        return kl_fault(fault, KL_ERR_RANGE,
                        "device %s: stream \"%s\" has %zu channels; give it a name and 1 to %d",
                        config->name, wanted->name, wanted->channel_count, KL_CHANNELS_MAX);
    }
    *out = *wanted;
    out->rate_hz = rule->rate_hz;
    out->format = rule->format;
    if (out->source[0] == '\0') {
        (void)snprintf(out->source, sizeof(out->source), "%s", config->name);
    }
    map->channels = wanted->channel_count;
    for (size_t c = 0; c < wanted->channel_count; c++) {
        int status = take_channel(config, rule, out, c, input[c], fault);
        if (status != KL_OK) {
            return status;
        }
        map->input[c] = input[c];
    }
    return KL_OK;
}

/* No streams described: what the placement says, from the driver's usual input. */
static int take_placement(const struct kl_device_config *config, const struct kl_input_rule *rule,
                          struct kl_lab_streams *map, struct kl_stream *out, struct kl_fault *fault)
{
    char all[LIST_MAX];
    if (rule->only == 0 || config->placement[0] == '\0') {
        return kl_fault(fault, KL_ERR_RANGE,
                        "device %s: only the lab knows what the inputs of %s are: describe its "
                        "streams with the input of each channel; inputs are %s",
                        config->name, rule->driver, list(rule, all));
    }
    const struct kl_input_range *range = range_of(rule, rule->only);
    struct kl_stream stream = {.kind = range->kind, .channel_count = 1};
    (void)snprintf(stream.name, sizeof(stream.name), "%s.%.*s", rule->prefix,
                   (int)(KL_NAME_MAX - 8), config->placement);
    int status = take_stream(config, rule, &stream, &rule->only, &map->stream[0], out, fault);
    map->count = 1;
    return status == KL_OK ? 1 : status;
}

int kl_lab_streams_take(const struct kl_device_config *config, const struct kl_input_rule *rule,
                        struct kl_lab_streams *map, struct kl_stream *out, size_t cap,
                        struct kl_fault *fault)
{
    *map = (struct kl_lab_streams){0};
    if (cap == 0 || config->stream_count > cap || config->stream_count > KL_STREAMS_MAX) {
        return kl_fault(fault, KL_ERR_RANGE, "device %s: %zu streams; %s has room for %zu",
                        config->name, config->stream_count, rule->driver, cap);
    }
    if (config->stream_count == 0) {
        return take_placement(config, rule, map, out, fault);
    }
    for (size_t s = 0; s < config->stream_count; s++) {
        int status = take_stream(config, rule, &config->stream[s], config->input[s],
                                 &map->stream[s], &out[s], fault);
        if (status == KL_OK) {
            status = check_once(config, map, out, s, fault);
        }
        if (status != KL_OK) {
            return status;
        }
    }
    map->count = config->stream_count;
    return (int)map->count;
}

bool kl_lab_streams_use(const struct kl_lab_streams *map, uint8_t input)
{
    for (size_t s = 0; s < map->count; s++) {
        if (memchr(map->stream[s].input, input, map->stream[s].channels) != NULL) {
            return true;
        }
    }
    return false;
}
