/* Writes a session and, as text, what any other reader must find in it.
 * Usage: write_for_others FILE EXPECTED.txt */
#include "acquire/recorder.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define STREAMS 3
#define BLOCKS 50
#define SAMPLES 7
#define CHANNELS 2

static const struct kl_stream streams[STREAMS] = {
    {.name = "plate.left",
     .kind = KL_KIND_FORCE,
     .format = KL_FORMAT_FLOAT32,
     .rate_hz = 1000,
     .channel_count = CHANNELS},
    {.name = "imu.shank",
     .kind = KL_KIND_IMU,
     .format = KL_FORMAT_DOUBLE64,
     .rate_hz = 200,
     .channel_count = CHANNELS},
    {.name = "emg.vmo",
     .kind = KL_KIND_EMG,
     .format = KL_FORMAT_INT16,
     .rate_hz = 2000,
     .channel_count = CHANNELS},
};

/* Block `b` of a stream; its samples as text lines too. */
static bool record(struct kl_recorder *recorder, size_t stream, int b, FILE *text)
{
    int64_t t_ns[SAMPLES];
    double value[SAMPLES * CHANNELS];
    uint32_t quality[SAMPLES];
    for (int i = 0; i < SAMPLES; i++) {
        int at = b * SAMPLES + i;
        t_ns[i] = KL_EPOCH_NS + (int64_t)(at * 1e9 / streams[stream].rate_hz) + (int64_t)stream;
        quality[i] = (uint32_t)(at % 128);
        (void)fprintf(text, "sample %.17g", kl_seconds(t_ns[i]));
        for (int c = 0; c < CHANNELS; c++) {
            double wave = 1000 * sin(0.01 * at + c);
            value[i * CHANNELS + c] = kl_format_round(streams[stream].format, wave);
            (void)fprintf(text, " %.17g", value[i * CHANNELS + c]);
        }
        (void)fprintf(text, " %" PRIu32 "\n", quality[i]);
    }
    struct kl_item item = {
        .kind = KL_ITEM_BLOCK,
        .block = {
            .stream = stream, .count = SAMPLES, .t_ns = t_ns, .value = value, .quality = quality}};
    return kl_recorder_item(recorder, &item);
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        return 2;
    }
    struct kl_fault fault = {""};
    (void)unlink(argv[1]);
    struct kl_recorder *recorder = kl_recorder_open(argv[1], streams, STREAMS, 0, &fault);
    FILE *text = fopen(argv[2], "w");
    bool good = recorder != NULL && text != NULL;
    for (size_t stream = 0; stream < STREAMS && good; stream++) {
        (void)fprintf(text, "stream %s %d\n", streams[stream].name, CHANNELS + 1);
        for (int b = 0; b < BLOCKS && good; b++) {
            struct kl_item note = {
                .kind = KL_ITEM_EVENT,
                .event = {.kind = KL_EVENT_MARKER, .t_ns = KL_EPOCH_NS + b, .text = "a note"}};
            good = record(recorder, stream, b, text) && kl_recorder_item(recorder, &note) &&
                   kl_recorder_step(recorder, KL_EPOCH_NS + b, "{}");
        }
    }
    if (text != NULL) {
        (void)fprintf(text, "strings kneelab.session %d\nstrings kneelab.steps %d\n",
                      STREAMS * BLOCKS, STREAMS * BLOCKS);
        good &= fclose(text) == 0;
    }
    good &= kl_recorder_close(recorder, &fault) == KL_OK;
    (void)printf("%s\n", good ? "written" : fault.text);
    return good ? 0 : 1;
}
