#include "decoding.h"

#include <criterion/criterion.h>

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void collect(void *self, const struct kl_sample *sample)
{
    struct decoding *decoding = self;
    cr_assert_lt(decoding->count, DECODING_SAMPLES_MAX);
    cr_assert_lt(sample->stream, decoding->stream_count);
    struct kl_sample *kept = &decoding->sample[decoding->count++];
    memset(kept, 0, sizeof(*kept)); /* so that two of them can be compared as bytes */
    kept->stream = sample->stream;
    kept->device_ns = sample->device_ns;
    kept->quality = sample->quality;
    memcpy(kept->value, sample->value,
           decoding->stream[sample->stream].channel_count * sizeof(double));
}

void decoding_init(struct decoding *self, const struct kl_driver *driver,
                   const struct kl_device_config *config)
{
    struct kl_fault fault = {.text = ""};
    memset(self->state, 0, sizeof(self->state));
    self->driver = driver;
    self->count = 0;
    cr_assert_leq(driver->state_size, sizeof(self->state));
    int streams =
        driver->configure(self->state, config, self->stream, DECODING_STREAMS_MAX, &fault);
    cr_assert_gt(streams, 0, "%s", fault.text);
    self->stream_count = (size_t)streams;
    kl_framing_init(&self->framing, driver, self->state);
}

void decoding_feed(struct decoding *self, const uint8_t *bytes, size_t len, size_t chunk)
{
    for (size_t at = 0; at < len; at += chunk) {
        size_t left = len - at;
        kl_framing_feed(&self->framing, bytes + at, left < chunk ? left : chunk, collect, self);
    }
}

void decoding_run(struct decoding *self, const struct kl_driver *driver,
                  const struct kl_device_config *config, const uint8_t *bytes, size_t len,
                  size_t chunk)
{
    decoding_init(self, driver, config);
    decoding_feed(self, bytes, len, chunk);
    kl_framing_finish(&self->framing, collect, self);
}

void decoding_expect_chunks_alike(const struct kl_driver *driver,
                                  const struct kl_device_config *config, const uint8_t *bytes,
                                  size_t len)
{
    static const size_t chunk[] = {1, 2, 3, 7, 64, 4096};
    static struct decoding whole, cut;
    decoding_run(&whole, driver, config, bytes, len, len);
    for (size_t i = 0; i < sizeof(chunk) / sizeof(chunk[0]); i++) {
        decoding_run(&cut, driver, config, bytes, len, chunk[i]);
        cr_expect_eq(cut.count, whole.count, "chunks of %zu", chunk[i]);
        cr_expect_eq(memcmp(cut.sample, whole.sample, whole.count * sizeof(whole.sample[0])), 0,
                     "chunks of %zu", chunk[i]);
        cr_expect_eq(cut.framing.frames, whole.framing.frames, "chunks of %zu", chunk[i]);
        cr_expect_eq(cut.framing.bad, whole.framing.bad, "chunks of %zu", chunk[i]);
        cr_expect_eq(cut.framing.skipped, whole.framing.skipped, "chunks of %zu", chunk[i]);
    }
}

static bool same(const struct kl_sample *a, const struct kl_sample *b)
{
    return a->stream == b->stream && a->device_ns == b->device_ns &&
           memcmp(a->value, b->value, sizeof(a->value)) == 0;
}

/* Both are in order: what is in `a` and not in `b`. */
static unsigned missing(const struct decoding *a, const struct decoding *b)
{
    unsigned count = 0;
    size_t from = 0;
    for (size_t i = 0; i < a->count; i++) {
        size_t j = from;
        while (j < b->count && !same(&a->sample[i], &b->sample[j])) {
            j++;
        }
        count += j == b->count;
        from = j == b->count ? from : j + 1;
    }
    return count;
}

struct decoding_faults decoding_single_faults(const struct kl_driver *driver,
                                              const struct kl_device_config *config,
                                              const uint8_t *bytes, size_t len, unsigned kinds,
                                              unsigned runs)
{
    static struct decoding clean, hurt;
    struct decoding_faults found = {0, 0, 0};
    uint8_t *copy = malloc(len + 20);
    unsigned seed = 1;
    cr_assert_not_null(copy);
    decoding_run(&clean, driver, config, bytes, len, len);
    for (unsigned run = 0; run < runs;) {
        unsigned kind = 1U << (unsigned)rand_r(&seed) % 3;
        if ((kinds & kind) == 0) {
            continue;
        }
        run++;
        size_t at = (size_t)rand_r(&seed) % len;
        size_t take = kind == 1 ? 1 : 0;
        size_t put = kind == 4 ? 1 + (size_t)rand_r(&seed) % 19 : 0;
        memcpy(copy, bytes, at);
        for (size_t i = 0; i < put; i++) {
            copy[at + i] = (uint8_t)((unsigned)rand_r(&seed) >> 4);
        }
        memcpy(copy + at + put, bytes + at + take, len - at - take);
        unsigned flip = kind == 2 ? 1U << (unsigned)rand_r(&seed) % 8 : 0;
        copy[at] = (uint8_t)(copy[at] ^ flip);
        decoding_run(&hurt, driver, config, copy, len + put - take, 64);
        unsigned lost = missing(&clean, &hurt);
        found.worst_lost = lost > found.worst_lost ? lost : found.worst_lost;
        found.twice += lost > 1;
        found.wrong += missing(&hurt, &clean) > 0;
    }
    free(copy);
    return found;
}

size_t decoding_hex(const char *text, uint8_t *out, size_t cap)
{
    size_t count = 0;
    while (*text != '\0' && count < cap) {
        if (isxdigit((unsigned char)text[0]) && isxdigit((unsigned char)text[1])) {
            const char two[3] = {text[0], text[1], '\0'};
            out[count++] = (uint8_t)strtoul(two, NULL, 16);
            text++;
        }
        text++;
    }
    return count;
}

size_t decoding_read(const char *path, uint8_t *out, size_t cap)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        return 0;
    }
    size_t count = fread(out, 1, cap, file);
    (void)fclose(file);
    return count;
}
