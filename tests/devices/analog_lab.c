#include "analog_lab.h"

#include <stdio.h>
#include <string.h>

void analog_lab_init(struct analog_lab *lab, double rate_hz)
{
    memset(lab, 0, sizeof(*lab));
    lab->config = (struct kl_device_config){
        .name = "daq",
        .placement = "",
        .rate_hz = rate_hz,
        .option = lab->option,
        .stream = lab->stream,
        .input = (const uint8_t(*)[KL_CHANNELS_MAX])lab->input,
    };
}

void analog_lab_stream(struct analog_lab *lab, const char *name, enum kl_kind kind,
                       const unsigned *input, size_t count)
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
        stream->plate.matrix[c][c] = 100 + (double)s; /* to see that it arrives */
    }
}

void analog_lab_option(struct analog_lab *lab, const char *key, const char *value)
{
    lab->option[lab->config.option_count++] = (struct kl_device_option){key, value};
}
