#include "lab.h"

#include <stdio.h>

void lab_init(struct lab *lab, const char *placement, double rate_hz)
{
    *lab = (struct lab){.config = {.name = "dut", .placement = placement, .rate_hz = rate_hz}};
    lab->config.option = lab->option;
    lab->config.stream = lab->stream;
    lab->config.input = (const uint8_t(*)[KL_CHANNELS_MAX])lab->input;
}

void lab_option(struct lab *lab, const char *key, const char *value)
{
    lab->option[lab->config.option_count++] = (struct kl_device_option){key, value};
}

void lab_inputs(struct lab *lab, const char *name, enum kl_kind kind, const unsigned *input,
                size_t count)
{
    size_t s = lab->config.stream_count++;
    struct kl_stream *stream = &lab->stream[s];
    (void)snprintf(stream->name, sizeof(stream->name), "%s", name);
    stream->kind = kind;
    stream->channel_count = count;
    for (size_t c = 0; c < count && c < KL_CHANNELS_MAX; c++) {
        lab->input[s][c] = (uint8_t)input[c];
    }
    for (size_t c = 0; c < count && c < KL_WRENCH_COUNT && kind == KL_KIND_FORCE; c++) {
        stream->plate.matrix[c][c] = 100 + (double)s;
    }
}

void lab_stream(struct lab *lab, const char *name, enum kl_kind kind, size_t channels,
                unsigned first)
{
    unsigned input[KL_CHANNELS_MAX];
    for (size_t c = 0; c < channels && c < KL_CHANNELS_MAX; c++) {
        input[c] = first + (unsigned)c;
    }
    lab_inputs(lab, name, kind, input, channels);
}
