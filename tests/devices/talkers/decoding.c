#include "decoding.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int decoding_init(struct decoding *self, const struct kl_driver *driver,
                  const struct kl_device_config *config)
{
    memset(self, 0, sizeof(*self));
    self->driver = driver;
    if (driver->state_size > sizeof(self->state)) {
        return KL_ERR_MEM;
    }
    int count =
        driver->configure(self->state, config, self->stream, DECODING_STREAMS_MAX, &self->fault);
    self->stream_count = count > 0 ? (size_t)count : 0;
    kl_framing_init(&self->framing, driver, self->state);
    return count;
}

static void keep(void *target, const struct kl_sample *sample)
{
    struct decoding *self = target;
    if (self->count < DECODING_SAMPLES_MAX && sample->stream < self->stream_count) {
        struct kl_sample *kept = &self->sample[self->count++];
        kept->stream = sample->stream;
        kept->device_ns = sample->device_ns;
        kept->quality = sample->quality;
        memcpy(kept->value, sample->value,
               self->stream[sample->stream].channel_count * sizeof(double));
    }
}

void decoding_feed(struct decoding *self, const uint8_t *bytes, size_t len, size_t chunk)
{
    for (size_t at = 0; at < len; at += chunk) {
        size_t left = len - at;
        kl_framing_feed(&self->framing, bytes + at, left < chunk ? left : chunk, keep, self);
    }
}

void decoding_finish(struct decoding *self)
{
    kl_framing_finish(&self->framing, keep, self);
}

static bool same_sample(const struct kl_sample *a, const struct kl_sample *b)
{
    return a->stream == b->stream && a->device_ns == b->device_ns && a->quality == b->quality &&
           memcmp(a->value, b->value, sizeof(a->value)) == 0;
}

bool decoding_same(const struct decoding *a, const struct decoding *b)
{
    for (size_t i = 0; i < a->count && i < b->count; i++) {
        if (!same_sample(&a->sample[i], &b->sample[i])) {
            return false;
        }
    }
    return a->count == b->count && a->framing.frames == b->framing.frames &&
           a->framing.bad == b->framing.bad && a->framing.skipped == b->framing.skipped;
}

int decoding_listen(struct decoding *self, struct emulated_link *link, int64_t for_ns)
{
    uint8_t bytes[4096];
    int64_t until_ns = link->t_ns + for_ns;
    while (link->t_ns < until_ns) {
        int64_t wait_ns = until_ns - link->t_ns;
        int count = link->link.ops->read(&link->link, bytes, sizeof(bytes), wait_ns);
        if (count < 0) {
            return count;
        }
        decoding_feed(self, bytes, (size_t)count, sizeof(bytes));
    }
    return KL_OK;
}

/* ------------------------------------------------------------------- damage */

static uint64_t draw(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state >> 11;
}

/* One fault somewhere behind the first tenth, which may still be finding the lock. */
static size_t damage(uint8_t *bytes, size_t len, unsigned kind, uint64_t *state)
{
    size_t at = len / 10 + (size_t)(draw(state) % (len - len / 5));
    if (kind == 0) {
        memmove(bytes + at, bytes + at + 1, len - at - 1);
        return len - 1;
    }
    if (kind == 1) {
        bytes[at] ^= (uint8_t)(1U << draw(state) % 8);
        return len;
    }
    size_t count = 1 + (size_t)(draw(state) % 19);
    memmove(bytes + at + count, bytes + at, len - at);
    for (size_t i = 0; i < count; i++) {
        bytes[at + i] = (uint8_t)draw(state);
    }
    return len + count;
}

static bool was_there(const struct decoding *whole, const struct kl_sample *sample, size_t *from)
{
    for (size_t i = *from; i < whole->count; i++) {
        if (memcmp(whole->sample[i].value, sample->value, sizeof(sample->value)) == 0) {
            *from = i + 1;
            return true;
        }
    }
    return false;
}

struct decoding_damage decoding_damage(const struct kl_driver *driver,
                                       const struct kl_device_config *config, const uint8_t *bytes,
                                       size_t len, unsigned rounds)
{
    static struct decoding whole, hurt;
    struct decoding_damage result = {0};
    uint64_t state = 88172645463325252U;
    uint8_t *work = malloc(len + 32);
    if (work == NULL || decoding_init(&whole, driver, config) < 0) {
        free(work);
        return (struct decoding_damage){.worst_lost = SIZE_MAX};
    }
    decoding_feed(&whole, bytes, len, 4096);
    decoding_finish(&whole);
    for (unsigned round = 0; round < rounds; round++) {
        memcpy(work, bytes, len);
        size_t changed = damage(work, len, round % 3, &state);
        (void)decoding_init(&hurt, driver, config);
        decoding_feed(&hurt, work, changed, 4096);
        decoding_finish(&hurt);
        size_t found = 0, from = 0;
        for (size_t i = 0; i < hurt.count; i++) {
            size_t next = from;
            if (was_there(&whole, &hurt.sample[i], &next)) {
                from = next;
                found++;
            }
        }
        size_t lost = whole.count - found;
        result.worst_lost = lost > result.worst_lost ? lost : result.worst_lost;
        result.false_runs += found < hurt.count ? 1 : 0;
    }
    free(work);
    return result;
}

/* ------------------------------------------------------------------ vectors */

uint8_t *read_whole(const char *path, size_t *len)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        return NULL;
    }
    uint8_t *bytes = NULL;
    if (fseek(file, 0, SEEK_END) == 0) {
        long size = ftell(file);
        rewind(file);
        bytes = size > 0 ? malloc((size_t)size + 1) : NULL;
        *len = bytes != NULL ? fread(bytes, 1, (size_t)size, file) : 0;
        if (bytes != NULL) {
            bytes[*len] = 0;
        }
    }
    (void)fclose(file);
    return bytes;
}

static size_t hex(const char *text, uint8_t *out, size_t cap)
{
    size_t len = 0;
    for (char *end = NULL; len < cap; text = end) {
        unsigned long byte = strtoul(text, &end, 16);
        if (end == text) {
            break;
        }
        out[len++] = (uint8_t)byte;
    }
    return len;
}

int read_imu_vectors(const char *device, struct imu_vector *out, size_t cap)
{
    char line[4096];
    int count = 0;
    FILE *file = fopen(KL_DATA "/../protocols/imu_vectors.tsv", "r");
    if (file == NULL) {
        return -1;
    }
    while (fgets(line, sizeof(line), file) != NULL && (size_t)count < cap) {
        char *column[6] = {line};
        for (int c = 1; c < 6; c++) {
            char *tab = column[c - 1] != NULL ? strchr(column[c - 1], '\t') : NULL;
            column[c] = tab != NULL ? tab + 1 : NULL;
            if (tab != NULL) {
                *tab = '\0';
            }
        }
        if (column[5] == NULL || strcmp(column[0], device) != 0) {
            continue;
        }
        struct imu_vector *row = &out[count++];
        (void)snprintf(row->id, sizeof(row->id), "%s", column[1]);
        (void)snprintf(row->kind, sizeof(row->kind), "%s", column[2]);
        (void)snprintf(row->expected, sizeof(row->expected), "%s", column[5]);
        row->len = hex(column[4], row->bytes, sizeof(row->bytes));
    }
    (void)fclose(file);
    return count;
}

size_t imu_vector_numbers(const struct imu_vector *row, const char *key, double *out, size_t cap)
{
    char word[32];
    (void)snprintf(word, sizeof(word), "; %s=", key);
    const char *text = strstr(row->expected, word);
    if (text != NULL) {
        text += strlen(word);
    } else if (strncmp(row->expected, word + 2, strlen(word + 2)) == 0) {
        text = row->expected + strlen(word + 2);
    }
    size_t count = 0;
    while (text != NULL && count < cap) {
        char *end = NULL;
        double value = strtod(text, &end);
        if (end == text) {
            break;
        }
        out[count++] = value;
        text = end;
    }
    return count;
}
