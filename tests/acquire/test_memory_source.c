#include "acquire/formats/memory_source.h"

#include <criterion/criterion.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

static struct kl_stream stream_of(const char *name, double rate_hz, size_t channels)
{
    struct kl_stream stream = {.kind = KL_KIND_OTHER,
                               .format = KL_FORMAT_DOUBLE64,
                               .rate_hz = rate_hz,
                               .channel_count = channels};
    strcpy(stream.name, name);
    return stream;
}

/* 1000 Hz and 100 Hz for a second; an event at 0.5 s. */
static struct kl_source *two_streams(void)
{
    static struct kl_memory memory;
    struct kl_stream fast = stream_of("fast", 1000.0, 2);
    struct kl_stream slow = stream_of("slow", 100.0, 1);
    struct kl_memory_stream *a = kl_memory_add(&memory, &fast, 1000);
    struct kl_memory_stream *b = kl_memory_add(&memory, &slow, 100);
    cr_assert(a != NULL && b != NULL);
    for (size_t i = 0; i < 1000; i++) {
        a->value[2 * i] = (double)i;
        a->value[2 * i + 1] = -(double)i;
    }
    for (size_t i = 0; i < 100; i++) {
        b->value[i] = 0.5 * (double)i;
    }
    const struct kl_event half = {.kind = KL_EVENT_MARKER, .t_ns = 500000000, .text = "half"};
    const struct kl_event before = {.kind = KL_EVENT_MARKER, .t_ns = -5, .text = "before"};
    cr_assert_eq(kl_memory_event(&memory, &half), KL_OK);
    cr_assert_eq(kl_memory_event(&memory, &before), KL_OK);
    kl_memory_remark(&memory, "remark %d", 1);
    return kl_memory_source(&memory);
}

Test(memory_source, items_are_ordered_by_first_time_then_stream)
{
    struct kl_source *source = two_streams();
    struct kl_item item;
    struct kl_fault fault;
    size_t next[2] = {0, 0};
    int64_t last_ns = 0;
    size_t last_stream = 0, blocks = 0, events = 0;
    static const char *const texts[] = {"before", "remark 1", "half"};
    cr_assert_eq(source->stream_count, 2);
    cr_expect_eq(source->duration_ns, KL_NS_PER_S);
    int answer;
    while ((answer = kl_source_next(source, 0, &item, &fault)) == KL_SOURCE_ITEM) {
        if (item.kind == KL_ITEM_EVENT) {
            cr_assert_lt(events, 3);
            cr_expect_str_eq(item.event.text, texts[events]);
            cr_expect_eq(item.event.t_ns, KL_EPOCH_NS + (events == 2 ? 500000000 : 0));
            cr_expect_geq(item.event.t_ns, last_ns);
            events++;
            continue;
        }
        const struct kl_block *b = &item.block;
        cr_expect(b->t_ns[0] > last_ns || (b->t_ns[0] == last_ns && b->stream > last_stream));
        last_ns = b->t_ns[0];
        last_stream = b->stream;
        size_t channels = source->stream[b->stream].channel_count;
        cr_expect_leq(b->count, b->stream == 0 ? 50 : 5); /* 50 ms */
        for (size_t i = 0; i < b->count; i++, next[b->stream]++) {
            int64_t step_ns = b->stream == 0 ? 1000000 : 10000000;
            cr_assert_eq(b->t_ns[i], KL_EPOCH_NS + (int64_t)next[b->stream] * step_ns);
            cr_assert_eq(b->value[i * channels],
                         (b->stream == 0 ? 1.0 : 0.5) * (double)next[b->stream]);
            cr_assert_eq(b->quality[i], 0);
        }
        blocks++;
    }
    cr_expect_eq(answer, KL_SOURCE_END);
    cr_expect_eq(kl_source_next(source, 0, &item, &fault), KL_SOURCE_END);
    cr_expect_eq(next[0], 1000);
    cr_expect_eq(next[1], 100);
    cr_expect_eq(blocks, 40);
    cr_expect_eq(events, 3);
    kl_source_close(source);
}

Test(memory_source, times_are_sample_numbers_divided_once)
{
    static struct kl_memory memory;
    struct kl_stream stream = stream_of("s", 300.0, 1);
    const struct kl_memory_stream *s = kl_memory_add(&memory, &stream, 300 * 3600);
    cr_assert_not_null(s);
    /* after an hour still the exact time: nothing adds up */
    cr_expect_eq(s->t_ns[1], 3333333);
    cr_expect_eq(s->t_ns[2], 6666667);
    cr_expect_eq(s->t_ns[300 * 3599], INT64_C(3599) * KL_NS_PER_S);
    kl_memory_release(&memory);
}

Test(memory_source, what_is_not_a_number_is_marked)
{
    static struct kl_memory memory;
    struct kl_stream stream = stream_of("s", 100.0, 2);
    struct kl_memory_stream *s = kl_memory_add(&memory, &stream, 3);
    s->value[1] = (double)INFINITY;
    s->value[4] = (double)NAN;
    kl_memory_mark_invalid(s);
    cr_expect_eq(s->quality[0], KL_QUALITY_INVALID);
    cr_expect_eq(s->quality[1], 0);
    cr_expect_eq(s->quality[2], KL_QUALITY_INVALID);
    cr_expect(isnan(s->value[1]) && isnan(s->value[4]));
    kl_memory_release(&memory);
}

Test(memory_source, impossible_rates_and_lengths_are_refused)
{
    static struct kl_memory memory;
    static const double rates[] = {0.0, -1.0, 1e-9, (double)NAN};
    for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
        struct kl_stream stream = stream_of("s", rates[i], 1);
        cr_expect_null(kl_memory_add(&memory, &stream, 3), "%g", rates[i]);
    }
    struct kl_stream stream = stream_of("s", 100.0, 1);
    cr_expect_null(kl_memory_add(&memory, &stream, 0));
    kl_memory_release(&memory);
}
