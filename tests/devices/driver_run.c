#include "driver_run.h"

#include <criterion/criterion.h>

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define INSERTED_MAX 19

static void release_state(struct driver_run *run)
{
    if (run->state != NULL && run->driver->release != NULL) {
        run->driver->release(run->state);
    }
    free(run->state);
    run->state = NULL;
}

int run_configure(struct driver_run *run, const struct kl_driver *driver,
                  const struct kl_device_config *config)
{
    release_state(run);
    run->driver = driver;
    run->count = 0;
    run->fault.text[0] = '\0';
    run->state = calloc(1, driver->state_size);
    cr_assert_not_null(run->state);
    int streams = driver->configure(run->state, config, run->stream, RUN_STREAMS_MAX, &run->fault);
    run->streams = streams > 0 ? (size_t)streams : 0;
    kl_framing_init(&run->framing, driver, run->state);
    return streams;
}

int run_start(struct driver_run *run, struct kl_link *link)
{
    run->fault.text[0] = '\0';
    return run->driver->start(run->state, link, &run->fault);
}

static void collect(void *self, const struct kl_sample *sample)
{
    struct driver_run *run = self;
    cr_assert_lt(sample->stream, run->streams);
    if (run->count == run->cap) {
        run->cap = run->cap * 2 + 1024;
        run->sample = realloc(run->sample, run->cap * sizeof(*run->sample));
        cr_assert_not_null(run->sample);
    }
    struct kl_sample *kept = &run->sample[run->count++];
    memset(kept, 0, sizeof(*kept)); /* so that two of them can be compared as bytes */
    kept->stream = sample->stream;
    kept->device_ns = sample->device_ns;
    kept->quality = sample->quality;
    memcpy(kept->value, sample->value,
           run->stream[sample->stream].channel_count * sizeof(sample->value[0]));
}

void run_feed(struct driver_run *run, const void *bytes, size_t len, size_t chunk)
{
    const uint8_t *at = bytes;
    while (len > 0) {
        size_t take = len < chunk ? len : chunk;
        uint8_t *copy = malloc(take); /* of its own size, so that AddressSanitizer sees its end */
        cr_assert_not_null(copy);
        memcpy(copy, at, take);
        kl_framing_feed(&run->framing, copy, take, collect, run);
        free(copy);
        at += take;
        len -= take;
    }
}

void run_finish(struct driver_run *run)
{
    kl_framing_finish(&run->framing, collect, run);
}

int run_link(struct driver_run *run, struct kl_link *link, const int64_t *now_ns, double seconds)
{
    const int64_t until_ns = *now_ns + kl_nanoseconds(seconds);
    while (*now_ns < until_ns && !run->framing.gone) {
        uint8_t buf[4096];
        int64_t wait_ns = KL_NS_PER_S / 100;
        if (run->driver->ask != NULL) {
            int asked = run->driver->ask(run->state, *now_ns, buf, sizeof(buf), &wait_ns);
            if (asked > 0) {
                (void)link->ops->write(link, buf, (size_t)asked, wait_ns);
            }
        }
        int count = link->ops->read(link, buf, sizeof(buf), wait_ns > 0 ? wait_ns : 1);
        if (count < 0) {
            return count;
        }
        run_feed(run, buf, (size_t)count, sizeof(buf));
    }
    return KL_OK;
}

void run_release(struct driver_run *run)
{
    release_state(run);
    free(run->sample);
    memset(run, 0, sizeof(*run));
}

size_t run_of(const struct driver_run *run, size_t stream, const struct kl_sample ***out)
{
    const struct kl_sample **found = malloc((run->count + 1) * sizeof(struct kl_sample *));
    size_t count = 0;
    cr_assert_not_null(found);
    for (size_t i = 0; i < run->count; i++) {
        if (run->sample[i].stream == stream) {
            found[count++] = &run->sample[i];
        }
    }
    *out = found;
    return count;
}

static void run_bytes(struct driver_run *run, const struct kl_driver *driver,
                      const struct kl_device_config *config, const uint8_t *bytes, size_t len,
                      size_t chunk)
{
    cr_assert_gt(run_configure(run, driver, config), 0, "%s", run->fault.text);
    run_feed(run, bytes, len, chunk);
    run_finish(run);
}

void run_expect_same_in_chunks(const struct kl_driver *driver,
                               const struct kl_device_config *config, const uint8_t *bytes,
                               size_t len)
{
    static const size_t chunk[] = {1, 2, 3, 7, 64, 4096};
    struct driver_run whole = {0}, cut = {0};
    run_bytes(&whole, driver, config, bytes, len, len);
    for (size_t i = 0; i < sizeof(chunk) / sizeof(chunk[0]); i++) {
        run_bytes(&cut, driver, config, bytes, len, chunk[i]);
        cr_assert_eq(cut.count, whole.count, "chunks of %zu: %zu samples, not %zu", chunk[i],
                     cut.count, whole.count);
        cr_expect(whole.count == 0 ||
                      memcmp(cut.sample, whole.sample, whole.count * sizeof(whole.sample[0])) == 0,
                  "chunks of %zu", chunk[i]);
        cr_expect(cut.framing.frames == whole.framing.frames &&
                      cut.framing.bad == whole.framing.bad &&
                      cut.framing.skipped == whole.framing.skipped,
                  "chunks of %zu", chunk[i]);
    }
    run_release(&whole);
    run_release(&cut);
}

/* The generator of the tests: Marsaglia's xorshift64. */
static uint64_t draw(uint64_t *seed, uint64_t below)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return (*seed >> 11) % below;
}

static size_t put_fault(uint8_t *bytes, size_t len, size_t at, unsigned kinds, uint64_t *seed)
{
    unsigned kind = 0;
    do {
        kind = 1U << draw(seed, 3);
    } while ((kind & kinds) == 0);
    if (kind == FAULT_REMOVED) {
        memmove(bytes + at, bytes + at + 1, len - at - 1);
        return len - 1;
    }
    if (kind == FAULT_FLIPPED) {
        bytes[at] ^= (uint8_t)(1U << draw(seed, 8));
        return len;
    }
    size_t more = 1 + (size_t)draw(seed, INSERTED_MAX);
    memmove(bytes + at + more, bytes + at, len - at);
    for (size_t i = 0; i < more; i++) {
        bytes[at + i] = (uint8_t)draw(seed, 256);
    }
    return len + more;
}

/* Samples of the clean run that are missing, and whether there is one that it does not have. */
static size_t missing(const struct driver_run *clean, const struct driver_run *hurt, bool *wrong)
{
    size_t next = 0, found = 0;
    for (size_t i = 0; i < hurt->count; i++) {
        const struct kl_sample *sample = &hurt->sample[i];
        size_t k = next;
        while (k < clean->count &&
               memcmp(sample->value, clean->sample[k].value, sizeof(sample->value)) != 0) {
            k++;
        }
        *wrong |= k == clean->count;
        found += k < clean->count;
        next = k < clean->count ? k + 1 : next;
    }
    return clean->count - found;
}

struct fault_cost run_single_faults(const struct kl_driver *driver,
                                    const struct kl_device_config *config, const uint8_t *bytes,
                                    size_t len, size_t from, size_t until, unsigned kinds,
                                    size_t runs)
{
    struct driver_run clean = {0}, hurt = {0};
    struct fault_cost cost = {0};
    uint64_t seed = 20260101;
    uint8_t *copy = malloc(len + INSERTED_MAX);
    cr_assert_not_null(copy);
    run_bytes(&clean, driver, config, bytes, len, len);
    cr_expect_gt(clean.count, 0);
    for (size_t r = 0; r < runs; r++) {
        bool wrong = false;
        memcpy(copy, bytes, len);
        size_t at = from + (size_t)draw(&seed, until - from);
        size_t damaged = put_fault(copy, len, at, kinds, &seed);
        run_bytes(&hurt, driver, config, copy, damaged, damaged);
        size_t lost = missing(&clean, &hurt, &wrong);
        cost.more += lost > 1;
        cost.worst = lost > cost.worst ? lost : cost.worst;
        cost.wrong += wrong;
    }
    free(copy);
    run_release(&clean);
    run_release(&hurt);
    cr_log_info("%zu single faults: at most %zu lost, %zu times more than one, %zu wrong", runs,
                cost.worst, cost.more, cost.wrong);
    return cost;
}

static unsigned digit(char c)
{
    static const char digits[] = "0123456789abcdef";
    const char *at = strchr(digits, tolower((unsigned char)c));
    return c != '\0' && at != NULL ? (unsigned)(at - digits) : 16;
}

size_t hex_bytes(const char *text, uint8_t *out, size_t cap)
{
    size_t count = 0;
    for (const char *c = text; *c != '\0' && count < cap; c++) {
        if (digit(c[0]) < 16 && digit(c[1]) < 16) {
            out[count++] = (uint8_t)(digit(c[0]) << 4 | digit(c[1]));
            c++;
        }
    }
    return count;
}

size_t read_whole(const char *path, uint8_t *out, size_t cap)
{
    FILE *file = fopen(path, "rb");
    size_t count = file != NULL ? fread(out, 1, cap, file) : 0;
    if (file != NULL) {
        (void)fclose(file);
    }
    return count;
}

bool near(double value, double expected)
{
    return fabs(value - expected) <= 1e-6 * fabs(expected);
}
