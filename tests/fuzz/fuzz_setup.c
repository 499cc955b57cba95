#include "fuzz_setup.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STATE_MAX 32768

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct kl_framing framing;
static struct kl_stream streams[KL_STREAMS_MAX];
static uint64_t samples;

/* What a driver may never do, whatever the bytes were. */
static void take(void *self, const struct kl_sample *sample)
{
    const size_t *count = self;
    if (sample->stream >= *count) {
        abort();
    }
    volatile double sum = 0; /* every declared channel must be defined */
    for (size_t c = 0; c < streams[sample->stream].channel_count; c++) {
        sum = sum + sample->value[c];
    }
    samples++;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static _Alignas(16) uint8_t state[STATE_MAX];
    const struct kl_driver *driver = fuzz_setup.driver;
    if (size < 1 || driver->state_size > sizeof(state)) {
        return 0;
    }
    const size_t chunk = 1 + data[0] / fuzz_setup.config_count;
    memset(state, 0, driver->state_size);
    int count = driver->configure(state, &fuzz_setup.config[data[0] % fuzz_setup.config_count],
                                  streams, driver->stream_max, NULL);
    if (count <= 0) {
        abort();
    }
    size_t stream_count = (size_t)count;
    kl_framing_init(&framing, driver, state);
    for (size_t at = 1; at < size; at += chunk) {
        kl_framing_feed(&framing, data + at, size - at < chunk ? size - at : chunk, take,
                        &stream_count);
    }
    kl_framing_finish(&framing, take, &stream_count);
    return 0;
}

#ifndef KL_LIBFUZZER

#define ROUNDS 20000
#define INPUT_MAX 2048

static uint64_t draw(uint64_t *seed)
{
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return *seed >> 33;
}

/* Seeds end to end, damaged here and there. */
int main(void)
{
    uint64_t seed = 1;
    for (int round = 0; round < ROUNDS; round++) {
        uint8_t input[INPUT_MAX];
        size_t len = 1;
        input[0] = (uint8_t)draw(&seed);
        while (len < sizeof(input)) {
            size_t pick = (size_t)draw(&seed) % fuzz_setup.seed_count;
            size_t size = fuzz_setup.seed_len[pick];
            size = size < sizeof(input) - len ? size : sizeof(input) - len;
            memcpy(input + len, fuzz_setup.seed[pick], size);
            len += size;
        }
        for (uint64_t i = draw(&seed) % 20; i > 0; i--) {
            input[draw(&seed) % sizeof(input)] = (uint8_t)draw(&seed);
        }
        size_t used = (size_t)draw(&seed) % (sizeof(input) + 1);
        uint8_t *copy = malloc(used + 1); /* of its own size, so that its end is watched */
        if (copy == NULL) {
            return 1;
        }
        memcpy(copy, input, used);
        (void)LLVMFuzzerTestOneInput(copy, used);
        free(copy);
    }
    (void)printf("%d rounds, %llu samples\n", ROUNDS, (unsigned long long)samples);
    return samples > 0 ? 0 : 1;
}

#endif
