#include "driver_run.h"

#include <criterion/criterion.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BYTES_MAX 200000
#define INSERTED_MAX 19

void lab_init(struct lab *lab, const char *placement, double rate_hz)
{
    *lab = (struct lab){.config = {.name = "dut", .placement = placement, .rate_hz = rate_hz}};
}

void lab_option(struct lab *lab, const char *key, const char *value)
{
    lab->option[lab->config.option_count++] = (struct kl_device_option){key, value};
    lab->config.option = lab->option;
}

void lab_stream(struct lab *lab, const char *name, enum kl_kind kind, size_t channels,
                uint8_t first)
{
    size_t s = lab->config.stream_count++;
    struct kl_stream *stream = &lab->stream[s];
    (void)snprintf(stream->name, sizeof(stream->name), "%s", name);
    stream->kind = kind;
    stream->channel_count = channels;
    for (size_t c = 0; c < channels; c++) {
        lab->input[s][c] = (uint8_t)(first + c);
    }
    lab->config.stream = lab->stream;
    lab->config.input = (const uint8_t(*)[KL_CHANNELS_MAX])lab->input;
}

int run_configure(struct driver_run *run, const struct kl_driver *driver, const struct lab *lab)
{
    cr_assert_leq(driver->state_size, sizeof(run->state));
    memset(run->state, 0, sizeof(run->state));
    run->driver = driver;
    run->count = 0;
    run->fault.text[0] = '\0';
    run->streams =
        driver->configure(run->state, &lab->config, run->stream, driver->stream_max, &run->fault);
    kl_framing_init(&run->framing, driver, run->state);
    return run->streams;
}

static void collect(void *self, const struct kl_sample *sample)
{
    struct driver_run *run = self;
    cr_assert_lt(run->count, RUN_SAMPLES_MAX);
    cr_assert_lt(sample->stream, (size_t)run->streams);
    struct heard *heard = &run->sample[run->count++];
    size_t channels = run->stream[sample->stream].channel_count;
    *heard = (struct heard){sample->stream, sample->device_ns, sample->quality, {0}};
    for (size_t c = 0; c < channels && c < RUN_VALUES_MAX; c++) {
        heard->value[c] = sample->value[c];
    }
}

void run_feed(struct driver_run *run, const uint8_t *bytes, size_t len, size_t chunk)
{
    for (size_t at = 0; at < len; at += chunk) {
        kl_framing_feed(&run->framing, bytes + at, len - at < chunk ? len - at : chunk, collect,
                        run);
    }
}

int run_link(struct driver_run *run, struct kl_link *link, const int64_t *now_ns, double seconds)
{
    const int64_t until_ns = *now_ns + kl_nanoseconds(seconds);
    while (*now_ns < until_ns) {
        uint8_t buf[4096];
        int64_t wait_ns = KL_NS_PER_S / 10;
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

static bool same(const struct heard *a, const struct heard *b)
{
    return a->stream == b->stream && a->device_ns == b->device_ns && a->quality == b->quality &&
           memcmp(a->value, b->value, sizeof(a->value)) == 0;
}

void run_expect_same_in_chunks(struct driver_run *run, const struct kl_driver *driver,
                               const struct lab *lab, const uint8_t *bytes, size_t len)
{
    static const size_t chunk[] = {1, 2, 3, 7, 64, 4096};
    static struct heard first[RUN_SAMPLES_MAX];
    cr_assert_gt(run_configure(run, driver, lab), 0, "%s", run->fault.text);
    run_feed(run, bytes, len, len);
    size_t count = run->count;
    uint64_t frames = run->framing.frames, bad = run->framing.bad, skipped = run->framing.skipped;
    memcpy(first, run->sample, count * sizeof(first[0]));
    cr_expect_gt(count, 0);
    for (size_t i = 0; i < sizeof(chunk) / sizeof(chunk[0]); i++) {
        cr_assert_gt(run_configure(run, driver, lab), 0);
        run_feed(run, bytes, len, chunk[i]);
        cr_assert_eq(run->count, count, "chunks of %zu: %zu samples, not %zu", chunk[i], run->count,
                     count);
        size_t differing = 0;
        for (size_t k = 0; k < count; k++) {
            differing += !same(&first[k], &run->sample[k]);
        }
        cr_expect_eq(differing, 0, "chunks of %zu", chunk[i]);
        cr_expect(run->framing.frames == frames && run->framing.bad == bad &&
                      run->framing.skipped == skipped,
                  "chunks of %zu", chunk[i]);
    }
}

/* The generator of the tests: Marsaglia's xorshift64. */
static uint64_t draw(uint64_t *seed, uint64_t below)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed % below;
}

static size_t put_fault(uint8_t *bytes, size_t len, size_t from, size_t until, uint64_t *seed)
{
    size_t at = from + (size_t)draw(seed, until - from);
    size_t more = 1 + (size_t)draw(seed, INSERTED_MAX);
    switch (draw(seed, 3)) {
    case 0:
        memmove(bytes + at, bytes + at + 1, len - at - 1);
        return len - 1;
    case 1:
        bytes[at] ^= (uint8_t)(1U << draw(seed, 8));
        return len;
    default:
        memmove(bytes + at + more, bytes + at, len - at);
        for (size_t i = 0; i < more; i++) {
            bytes[at + i] = (uint8_t)draw(seed, 256);
        }
        return len + more;
    }
}

struct fault_cost run_single_faults(struct driver_run *run, const struct kl_driver *driver,
                                    const struct lab *lab, const uint8_t *bytes, size_t len,
                                    size_t from, size_t until, size_t runs)
{
    static struct heard clean[RUN_SAMPLES_MAX];
    static uint8_t copy[BYTES_MAX];
    cr_assert_leq(len + INSERTED_MAX, sizeof(copy));
    cr_assert_gt(run_configure(run, driver, lab), 0, "%s", run->fault.text);
    run_feed(run, bytes, len, len);
    size_t count = run->count;
    memcpy(clean, run->sample, count * sizeof(clean[0]));
    struct fault_cost cost = {.runs = runs};
    uint64_t seed = 20260101;
    for (size_t r = 0; r < runs; r++) {
        memcpy(copy, bytes, len);
        size_t damaged = put_fault(copy, len, from, until, &seed);
        cr_assert_gt(run_configure(run, driver, lab), 0);
        run_feed(run, copy, damaged, damaged);
        size_t k = 0, lost = 0;
        for (size_t i = 0; i < run->count; i++) {
            size_t j = k;
            while (j < count &&
                   memcmp(run->sample[i].value, clean[j].value, sizeof(clean[j].value)) != 0) {
                j++;
            }
            if (j == count) {
                cost.wrong++;
            } else {
                lost += j - k;
                k = j + 1;
            }
        }
        lost += count - k;
        cost.more += lost > 1;
        cost.worst = lost > cost.worst ? lost : cost.worst;
    }
    cr_log_info("%zu single faults: at most %zu lost, %zu times more than one, %zu wrong",
                cost.runs, cost.worst, cost.more, cost.wrong);
    return cost;
}

size_t hex_bytes(const char *text, uint8_t *out, size_t cap)
{
    size_t count = 0;
    char *end = NULL;
    for (; count < cap; text = end) {
        unsigned long byte = strtoul(text, &end, 16);
        if (end == text) {
            break;
        }
        out[count++] = (uint8_t)byte;
    }
    return count;
}

bool near(double value, double expected)
{
    return fabs(value - expected) <= 1e-6 * fabs(expected);
}
