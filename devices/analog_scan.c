#include "devices/analog_scan.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Slot of an input, or slot_count when it is not yet in the scan. */
static size_t find_slot(const struct kl_analog_scan *scan, unsigned input)
{
    size_t slot = 0;
    while (slot < scan->slot_count && scan->input[slot] != input) {
        slot++;
    }
    return slot;
}

static int add_input(struct kl_analog_scan *scan, const struct kl_analog_limits *limits,
                     const struct kl_stream *stream, unsigned input, struct kl_fault *fault)
{
    if (!limits->input_allowed(input)) {
        return kl_fault(fault, KL_ERR_RANGE, "%s: stream %s: input %u; the device has %s",
                        limits->driver, stream->name, input, limits->inputs_text);
    }
    if (find_slot(scan, input) < scan->slot_count) {
        return kl_fault(fault, KL_ERR_RANGE,
                        "%s: stream %s: input %u is used twice; each input belongs to one channel",
                        limits->driver, stream->name, input);
    }
    if (scan->slot_count >= limits->slot_max) {
        return kl_fault(fault, KL_ERR_RANGE, "%s: stream %s: more than %zu channels in all",
                        limits->driver, stream->name, limits->slot_max);
    }
    size_t at = scan->slot_count++;
    while (limits->ascending && at > 0 && scan->input[at - 1] > input) {
        scan->input[at] = scan->input[at - 1];
        at--;
    }
    scan->input[at] = (uint8_t)input;
    return KL_OK;
}

static void describe(const struct kl_analog_limits *limits, const struct kl_device_config *config,
                     size_t index, struct kl_stream *out)
{
    *out = config->stream[index];
    out->format = KL_FORMAT_FLOAT32; /* 24 bits: 1 uV of 10 V, the converters have 16 or 18 */
    if (out->source[0] == '\0') {
        (void)snprintf(out->source, sizeof(out->source), "%s", config->name);
    }
    for (size_t c = 0; c < out->channel_count; c++) {
        if (out->unit[c][0] == '\0') {
            (void)snprintf(out->unit[c], sizeof(out->unit[c]), "V");
        }
        if (out->label[c][0] == '\0') {
            (void)snprintf(out->label[c], sizeof(out->label[c]), "in%u",
                           (unsigned)config->input[index][c]);
        }
        if (out->kind == KL_KIND_FORCE && c < KL_PLATE_CHANNELS_MAX &&
            out->plate.full_scale[c] == 0) {
            out->plate.full_scale[c] = limits->full_scale_v;
        }
    }
}

int kl_analog_scan_configure(struct kl_analog_scan *scan, const struct kl_analog_limits *limits,
                             const struct kl_device_config *config, struct kl_stream *out,
                             size_t cap, struct kl_fault *fault)
{
    size_t count = config->stream_count;
    memset(scan, 0, sizeof(*scan));
    if (count == 0 || count > KL_ANALOG_STREAMS_MAX || count > cap || config->input == NULL) {
        return kl_fault(fault, KL_ERR_RANGE,
                        "%s: %zu streams; give 1 to %d, each with the inputs of its channels",
                        limits->driver, count, (int)KL_ANALOG_STREAMS_MAX);
    }
    for (size_t s = 0; s < count; s++) {
        const struct kl_stream *stream = &config->stream[s];
        size_t most = stream->kind == KL_KIND_FORCE ? KL_PLATE_CHANNELS_MAX : KL_CHANNELS_MAX;
        if (stream->channel_count == 0 || stream->channel_count > most) {
            return kl_fault(fault, KL_ERR_RANGE, "%s: stream %s has %zu channels; 1 to %zu are",
                            limits->driver, stream->name, stream->channel_count, most);
        }
        for (size_t c = 0; c < stream->channel_count; c++) {
            int status = add_input(scan, limits, stream, config->input[s][c], fault);
            if (status != KL_OK) {
                return status;
            }
        }
    }
    scan->stream_count = count;
    for (size_t s = 0; s < count; s++) {
        describe(limits, config, s, &out[s]);
        scan->channels[s] = out[s].channel_count;
        for (size_t c = 0; c < out[s].channel_count; c++) {
            scan->slot[s][c] = (uint8_t)find_slot(scan, config->input[s][c]);
        }
    }
    return (int)count;
}

void kl_analog_scan_rate(struct kl_analog_scan *scan, struct kl_stream *out, double clock_hz,
                         double divider)
{
    scan->period_ns = divider * 1e9 / clock_hz;
    for (size_t s = 0; s < scan->stream_count; s++) {
        out[s].rate_hz = clock_hz / divider;
    }
}

void kl_analog_scan_reset(struct kl_analog_scan *scan)
{
    /* what came before a restart ended somewhere: the first sample after it follows a gap */
    scan->pending = scan->scan > 0 ? KL_QUALITY_GAP : scan->pending;
    scan->scan = 0;
}

void kl_analog_scan_skip(struct kl_analog_scan *scan, uint64_t count, uint32_t quality)
{
    scan->scan += count;
    scan->pending |= quality;
}

int kl_analog_scan_emit(struct kl_analog_scan *scan, const double *value, uint32_t clipped,
                        struct kl_sample *out, size_t cap)
{
    if (cap < scan->stream_count) {
        return KL_ERR_ARG;
    }
    int64_t device_ns = (int64_t)llround((double)scan->scan * scan->period_ns);
    for (size_t s = 0; s < scan->stream_count; s++) {
        out[s] = (struct kl_sample){.stream = s, .device_ns = device_ns, .quality = scan->pending};
        for (size_t c = 0; c < scan->channels[s]; c++) {
            unsigned slot = scan->slot[s][c];
            out[s].value[c] = value[slot];
            out[s].quality |= clipped >> slot & 1u ? KL_QUALITY_CLIPPED : 0;
        }
    }
    scan->pending = 0;
    scan->scan++;
    return (int)scan->stream_count;
}
