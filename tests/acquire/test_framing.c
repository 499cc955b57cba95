#include "acquire/framing.h"
#include "toy_device.h"

#include <criterion/criterion.h>

#include <math.h>
#include <string.h>

#define FRAMES 300
#define BYTES_MAX (FRAMES * (TOY_FRAME_MAX + 20))
#define SAMPLES_MAX (FRAMES + 50)

static const struct toy toy = {
    .stream_count = 2,
    .stream = {{"a", 100, 3, KL_FORMAT_INT16, 0}, {"b", 100, 6, KL_FORMAT_INT16, 0}},
};

/* A byte sequence and what came of it. */
struct run {
    uint8_t bytes[BYTES_MAX];
    size_t len;
    uint64_t state[256];
    struct kl_framing framing;
    struct kl_sample sample[SAMPLES_MAX];
    size_t count;
};

static void collect(void *self, const struct kl_sample *sample)
{
    struct run *run = self;
    cr_assert_lt(run->count, SAMPLES_MAX);
    /* only what is defined: channels beyond the stream's are not */
    struct kl_sample *kept = &run->sample[run->count++];
    *kept = (struct kl_sample){
        .stream = sample->stream, .device_ns = sample->device_ns, .quality = sample->quality};
    memcpy(kept->value, sample->value, toy.stream[sample->stream].channels * sizeof(double));
}

static void add(struct run *run, const uint8_t *bytes, size_t len)
{
    memcpy(run->bytes + run->len, bytes, len);
    run->len += len;
}

static void add_frames(struct run *run, uint64_t first, uint64_t end)
{
    for (uint64_t i = first; i < end; i++) {
        uint8_t frame[TOY_FRAME_MAX];
        add(run, frame, toy_frame_write(&toy, i % 2, i / 2, frame));
    }
}

static void decode(struct run *run, size_t chunk)
{
    struct kl_stream streams[2];
    struct kl_fault fault;
    run->count = 0;
    memset(run->state, 0, sizeof(run->state));
    cr_assert(toy_framed.state_size <= sizeof(run->state) &&
              toy_framed.configure(run->state, &toy, streams, 2, &fault) == 2);
    kl_framing_init(&run->framing, &toy_framed, run->state);
    for (size_t at = 0; at < run->len; at += chunk) {
        size_t left = run->len - at;
        kl_framing_feed(&run->framing, run->bytes + at, left < chunk ? left : chunk, collect, run);
    }
    kl_framing_finish(&run->framing, collect, run);
}

static struct run run; /* too large for the stack; each test is its own process */

static const uint8_t garbage[] = {0x00, 0xa5, 0xa5, 0x07, 0xff, 0xa5, 0x4d, 0x01};

static void fill_with_faults(void)
{
    add(&run, garbage, sizeof(garbage));
    add_frames(&run, 0, 100);
    run.bytes[run.len - 3] ^= 0x10; /* frame 99: a bit flipped */
    add_frames(&run, 100, 150);
    add(&run, garbage, sizeof(garbage));
    add_frames(&run, 150, 200);
    run.len -= 5; /* frame 199 is cut short */
    add_frames(&run, 200, 250);
    size_t at = run.len;
    add_frames(&run, 250, FRAMES);
    run.bytes[at + 1] = TOY_FRAME_MAX - 2; /* frame 250: length damaged upwards */
}

Test(framing, decodes_every_sample_of_a_clean_stream)
{
    add_frames(&run, 0, FRAMES);
    decode(&run, 64);
    cr_assert_eq(run.count, FRAMES);
    for (size_t i = 0; i < FRAMES; i++) {
        const struct kl_sample *sample = &run.sample[i];
        cr_expect_eq(sample->stream, i % 2);
        cr_expect_eq(sample->device_ns, (int64_t)(i / 2) * 10000000);
        cr_expect_eq(sample->quality, 0);
        cr_expect_eq(sample->value[2], rint(toy_value(i % 2, i / 2, 2)));
    }
    cr_expect_eq(run.framing.frames, FRAMES);
    cr_expect_eq(run.framing.bad, 0);
    cr_expect_eq(run.framing.skipped, 0);
}

Test(framing, does_not_depend_on_how_the_bytes_were_cut)
{
    static const size_t chunk[] = {1, 2, 3, 7, 64, 4096};
    static struct kl_sample reference[SAMPLES_MAX];
    fill_with_faults();
    decode(&run, run.len);
    size_t count = run.count;
    uint64_t frames = run.framing.frames, bad = run.framing.bad, skipped = run.framing.skipped;
    memcpy(reference, run.sample, sizeof(reference));
    for (size_t i = 0; i < sizeof(chunk) / sizeof(chunk[0]); i++) {
        decode(&run, chunk[i]);
        cr_expect_eq(run.count, count, "chunks of %zu", chunk[i]);
        cr_expect_eq(memcmp(run.sample, reference, count * sizeof(reference[0])), 0,
                     "chunks of %zu", chunk[i]);
        cr_expect_eq(run.framing.frames, frames);
        cr_expect_eq(run.framing.bad, bad);
        cr_expect_eq(run.framing.skipped, skipped);
    }
}

Test(framing, loses_only_the_damaged_frames_and_counts_them)
{
    fill_with_faults();
    decode(&run, 64);
    /* damaged: 99 (flip), 199 (cut), 250 (length); garbage costs none */
    cr_expect_eq(run.count, FRAMES - 3);
    cr_expect_eq(run.framing.frames, FRAMES - 3);
    cr_expect_eq(run.framing.bad, 5); /* and two runs of garbage */
    uint8_t frame[TOY_FRAME_MAX];
    size_t odd_len = toy_frame_write(&toy, 1, 0, frame),
           even_len = toy_frame_write(&toy, 0, 0, frame);
    cr_expect_eq(run.framing.skipped, 2 * sizeof(garbage) + odd_len + (odd_len - 5) + even_len);
}

Test(framing, marks_the_next_sample_of_each_stream_after_damage)
{
    add(&run, garbage, sizeof(garbage)); /* before the first frame: usual, no mark */
    add_frames(&run, 0, 10);
    run.bytes[run.len - 3] ^= 0x10; /* frame 9 */
    add_frames(&run, 10, 20);
    decode(&run, 7);
    cr_assert_eq(run.count, 19);
    for (size_t i = 0; i < run.count; i++) {
        unsigned expected = i == 9 || i == 10 ? KL_QUALITY_CHECKSUM : 0;
        cr_expect_eq(run.sample[i].quality, expected, "sample %zu", i);
    }
}

Test(framing, finds_good_frames_behind_an_unfinished_one_at_the_end)
{
    add_frames(&run, 0, 4);
    static const uint8_t head[] = {0xa5, TOY_FRAME_MAX - 2};
    add(&run, head, sizeof(head));
    add_frames(&run, 4, 5);
    decode(&run, 64);
    cr_expect_eq(run.count, 5);
    cr_expect_eq(run.framing.skipped, sizeof(head));
}

/* Drivers that never make up their mind, or claim lengths they have not got. */
/* NOLINTNEXTLINE(readability-non-const-parameter): the shape of a driver's frame */
static enum kl_frame wants_more(const void *state, const uint8_t *buf, size_t len, size_t *out)
{
    (void)state, (void)buf, (void)len, (void)out;
    return KL_FRAME_NEED_MORE;
}

static enum kl_frame claims(const void *state, const uint8_t *buf, size_t len, size_t *out)
{
    (void)state;
    *out = buf[0] == 0 ? 0 : len + buf[0];
    return KL_FRAME_VALID;
}

static int refuse(void *state, const uint8_t *buf, size_t len, struct kl_sample *out, size_t cap)
{
    (void)state, (void)buf, (void)len, (void)out, (void)cap;
    return KL_ERR_DATA;
}

Test(framing, survives_a_driver_that_waits_for_ever_or_claims_too_much)
{
    const struct kl_driver bad[] = {{.frame = wants_more, .parse = refuse},
                                    {.frame = claims, .parse = refuse}};
    for (size_t k = 0; k < 2; k++) {
        kl_framing_init(&run.framing, &bad[k], NULL);
        for (size_t i = 0; i < 3 * KL_FRAME_MAX; i++) {
            uint8_t byte = (uint8_t)i;
            kl_framing_feed(&run.framing, &byte, 1, collect, &run);
        }
        kl_framing_finish(&run.framing, collect, &run);
        cr_expect_eq(run.framing.skipped, 3 * KL_FRAME_MAX, "row %zu", k);
        cr_expect_eq(run.framing.bad, 1);
        cr_expect_eq(run.framing.frames, 0);
    }
}

/* Half a frame of a conversation that ended must not swallow the first frame of the next. */
Test(framing, forgets_half_a_frame_when_it_is_restarted)
{
    static struct run anew;
    struct kl_stream streams[2];
    struct kl_fault fault;
    uint8_t frame[TOY_FRAME_MAX];
    size_t len = toy_frame_write(&toy, 0, 1, frame);
    cr_assert_eq(toy_framed.configure(anew.state, &toy, streams, 2, &fault), 2);
    kl_framing_init(&anew.framing, &toy_framed, anew.state);
    kl_framing_feed(&anew.framing, frame, len, collect, &anew);
    kl_framing_feed(&anew.framing, frame, len - 1, collect, &anew);
    kl_framing_restart(&anew.framing);
    kl_framing_feed(&anew.framing, frame, len, collect, &anew);
    cr_expect_eq(anew.count, 2);
    cr_expect_eq(anew.sample[1].quality, 0, "whole, and no checksum was wrong");
    cr_expect_eq(anew.framing.skipped, len - 1);
    cr_expect_eq(anew.framing.frames, 2);
}
