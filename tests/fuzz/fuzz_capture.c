/* Any bytes as a capture, played to the driver it names. With an even first byte ('k' is odd) the
 * rest becomes records whose checksums are right, for the driver of the second byte. */
#include "acquire/capture.h"
#include "acquire/crc32c.h"
#include "acquire/framing.h"
#include "devices/registry.h"
#include "emulators.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SEALED_MAX 65536
#define STREAMS_MAX 16
#define READS_MAX 100000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint64_t samples, starts;

static void put_le(uint8_t *out, uint64_t value, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) {
        out[i] = (uint8_t)(value >> 8 * i);
    }
}

/* One record: its kind and length are the first two bytes. */
static size_t seal_record(const uint8_t *data, size_t left, size_t number, uint8_t *out)
{
    size_t len = left > 1 ? data[1] : 0;
    len = left > 2 && len < left - 2 ? len : left > 2 ? left - 2 : 0;
    put_le(out, 1000000 * number, 8);
    put_le(out + 8, len | (uint64_t)(data[0] % 6) << 24, 4);
    memcpy(out + 12, data + (left > 2 ? 2 : 0), len);
    put_le(out + 12 + len, kl_crc32c(0, out, 12 + len), 4);
    return len + 16;
}

static size_t seal(const uint8_t *data, size_t size, uint8_t *out)
{
    const char *driver = emulators_get((size > 1 ? data[1] : 0) % emulators_count())->driver;
    size_t len = (size_t)snprintf((char *)out, 200,
                                  "kneelab capture: 1\ndevice: a\ndriver: %s\nmade: "
                                  "2026-01-01T00:00:00Z\nsoftware: f\nnotes: \n\n",
                                  driver);
    size_t number = 0;
    for (size_t at = 2; at < size && len + 300 < SEALED_MAX; number++) {
        size_t record = seal_record(data + at, size - at, number, out + len);
        at += record - 16 + 2;
        len += record;
    }
    return len;
}

static void check(void *self, const struct kl_sample *sample)
{
    if (sample->stream >= *(const size_t *)self) {
        abort();
    }
    samples++;
}

static void play(const struct kl_capture_reader *reader)
{
    static struct kl_framing framing;
    static struct kl_stream stream[STREAMS_MAX];
    const struct kl_driver *driver = kl_registry_find(reader->driver);
    const struct emulated_device *device = emulators_find(reader->driver);
    struct kl_capture_player player;
    struct kl_fault fault;
    void *state = device != NULL ? calloc(1, driver->state_size) : NULL;
    if (state == NULL) {
        return;
    }
    int streams = driver->configure(state, &device->config, stream, STREAMS_MAX, &fault);
    size_t count = streams > 0 ? (size_t)streams : 0;
    kl_capture_player_init(&player, reader);
    if (count > 0 && driver->start(state, &player.link, &fault) == KL_OK) {
        starts++;
    }
    kl_framing_init(&framing, driver, state);
    for (int reads = 0; count > 0; reads++) {
        uint8_t bytes[512];
        int got = player.link.ops->read(&player.link, bytes, sizeof(bytes), 1000000);
        if (got <= 0) {
            break; /* gone, or it waits for a question that does not come */
        }
        if (reads > READS_MAX) {
            abort(); /* a capture without end */
        }
        kl_framing_feed(&framing, bytes, (size_t)got, check, &count);
    }
    (void)driver->stop(state, &player.link);
    if (driver->release != NULL) {
        driver->release(state);
    }
    free(state);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t sealed[SEALED_MAX];
    struct kl_capture_reader reader, records;
    struct kl_capture_record record;
    struct kl_fault fault;
    size_t len = size;
    if (size > 1 && data[0] % 2 == 0) {
        len = seal(data, size, sealed);
        data = sealed;
    }
    if (kl_capture_open("fuzz", data, len, &reader, &fault) != KL_OK) {
        return 0;
    }
    records = reader;
    for (size_t count = 0; kl_capture_next(&records, &record); count++) {
        if (count > len) {
            abort(); /* records without bytes */
        }
    }
    play(&reader);
    return 0;
}

#ifndef KL_LIBFUZZER

#define ROUNDS 40000
#define INPUT_MAX 2048

/* Random records for every driver, and captures whose bytes are wrong here and there. */
int main(void)
{
    static uint8_t sealed[SEALED_MAX];
    uint64_t random = 1;
    for (int round = 0; round < ROUNDS; round++) {
        uint8_t input[INPUT_MAX];
        for (size_t i = 0; i < sizeof(input); i++) {
            random = random * 6364136223846793005u + 1442695040888963407u;
            input[i] = (uint8_t)(random >> 40);
        }
        size_t size = 2 + (size_t)(random >> 33) % (sizeof(input) - 2);
        input[0] &= 0xfe;
        (void)LLVMFuzzerTestOneInput(input, size);
        size_t len = seal(input, size, sealed);
        sealed[(random >> 20) % len] ^= 0x10;
        uint8_t *copy = malloc(len); /* of its own size, so that its end is watched */
        if (copy == NULL) {
            return 1;
        }
        memcpy(copy, sealed, len);
        copy[0] = 'k';
        (void)LLVMFuzzerTestOneInput(copy, len);
        free(copy);
    }
    (void)printf("%d rounds, %llu starts, %llu samples\n", ROUNDS, (unsigned long long)starts,
                 (unsigned long long)samples);
    return samples > 0 ? 0 : 1;
}

#endif
