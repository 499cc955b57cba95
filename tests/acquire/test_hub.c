/* The hub with devices whose every sample is known. Fast mode needs no time at all; the few tests
 * by the clock run for fractions of a second and compare content, never timing. */
#include "acquire/hub.h"
#include "acquire/hub_device.h"
#include "seen.h"
#include "toy_device.h"

#include <criterion/criterion.h>

#include <math.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct toy plates = {
    .stream_count = 3,
    .stream = {{"plate.left", 1000, 6, KL_FORMAT_FLOAT32, 0},
               {"imu.shank.left", 300, 9, KL_FORMAT_INT16, 500000},
               {"treadmill", 10, 2, KL_FORMAT_DOUBLE64, 0}},
};

static const struct toy emg = {
    .stream_count = 1,
    .stream = {{"emg", 2000, 8, KL_FORMAT_INT32, 123}},
};

/* Runs the two toy devices to the end. */
static struct seen run_toys(bool fast, double seconds)
{
    struct kl_fault fault;
    struct kl_hub *hub = kl_hub_create();
    int plates_at = kl_hub_add(hub, "plates", &toy_generator, &plates, &fault);
    int emg_at = kl_hub_add(hub, "emg", &toy_generator, &emg, &fault);
    struct kl_source *source = kl_hub_start(hub, fast, seconds, &fault);
    cr_assert(plates_at == 0 && emg_at == 1 && source != NULL, "%s", fault.text);
    struct seen seen = seen_nothing();
    (void)seen_pull(&seen, source, UINT64_MAX);
    kl_hub_destroy(hub);
    return seen;
}

/* Samples of a toy stream before `seconds`, counted from its definition. */
static uint64_t due_samples(const struct toy_stream *stream, double seconds)
{
    uint64_t count = 0;
    while (toy_time(stream, count) < KL_EPOCH_NS + kl_nanoseconds(seconds)) {
        count++;
    }
    return count;
}

/* ------------------------------------------------------------------ content */

Test(hub, hands_out_every_sample_rounded_to_its_format)
{
    struct kl_fault fault;
    struct kl_hub *hub = kl_hub_create();
    cr_assert_eq(kl_hub_add(hub, "plates", &toy_generator, &plates, &fault), 0);
    struct kl_source *source = kl_hub_start(hub, true, 2.0, &fault);
    cr_assert_not_null(source);
    cr_assert_eq(source->stream_count, 3);
    cr_expect_str_eq(source->stream[1].source, "plates");
    uint64_t index[3] = {0};
    struct kl_item item;
    while (kl_source_next(source, 0, &item, &fault) == KL_SOURCE_ITEM) {
        size_t s = item.block.stream, channels = plates.stream[s].channels;
        for (size_t i = 0; i < item.block.count; i++, index[s]++) {
            cr_assert_eq(item.block.t_ns[i], toy_time(&plates.stream[s], index[s]));
            cr_assert_eq(item.block.quality[i], 0);
            for (size_t c = 0; c < channels; c++) {
                double value = toy_value(s, index[s], c);
                double stored = s == 0 ? (double)(float)value : s == 1 ? rint(value) : value;
                cr_assert_eq(item.block.value[i * channels + c], stored);
            }
        }
    }
    cr_expect_eq(index[0], 2000);
    cr_expect_eq(index[1], 600);
    cr_expect_eq(index[2], 20);
    struct kl_hub_device shown[2];
    cr_assert_eq(kl_hub_devices(hub, shown, 2), 1);
    cr_expect_eq(shown[0].samples, 2620);
    cr_expect_eq(shown[0].lost, 0);
    cr_expect_str_eq(shown[0].fault.text, "");
    kl_hub_destroy(hub);
}

Test(hub, ends_exactly_at_the_asked_time_fast)
{
    static const double seconds[] = {0.001, 0.0125, 0.1, 1.0, 3.3333};
    for (size_t k = 0; k < COUNT(seconds); k++) {
        struct seen seen = run_toys(true, seconds[k]);
        for (size_t s = 0; s < 3; s++) {
            cr_expect_eq(seen.samples[s], due_samples(&plates.stream[s], seconds[k]), "row %zu", k);
        }
        cr_expect_eq(seen.samples[3], due_samples(&emg.stream[0], seconds[k]), "row %zu", k);
        cr_expect_lt(seen.newest_ns, KL_EPOCH_NS + kl_nanoseconds(seconds[k]));
    }
}

Test(hub, gives_the_same_sequence_in_every_fast_run)
{
    struct seen first = run_toys(true, 5.0), second = run_toys(true, 5.0);
    cr_expect_eq(first.sequence, second.sequence);
    cr_expect(first.increasing);
    cr_expect(first.in_time_order);
    cr_expect_leq(first.block_max, 64);
}

Test(hub, gives_the_same_samples_by_the_clock_as_fast)
{
    struct seen fast = run_toys(true, 0.4), paced = run_toys(false, 0.4);
    cr_expect(paced.increasing);
    for (size_t s = 0; s < 4; s++) {
        cr_expect_gt(fast.samples[s], 0);
        cr_expect_eq(paced.samples[s], fast.samples[s], "stream %zu", s);
        cr_expect_eq(paced.content[s], fast.content[s], "stream %zu", s);
        cr_expect_eq(paced.lost_told[s], 0);
    }
}

static int generate_bad(void *state, int64_t until_ns, struct kl_sample *out, size_t cap)
{
    (void)until_ns, (void)cap;
    int *calls = state;
    if ((*calls)++ > 0) {
        return 0;
    }
    static const int64_t t_ns[] = {100, 100, 50, 200};
    for (size_t i = 0; i < COUNT(t_ns); i++) {
        out[i] = (struct kl_sample){.device_ns = KL_EPOCH_NS + t_ns[i], .value = {(double)i, 1}};
    }
    out[1].value[1] = (double)NAN;
    out[2].stream = 7; /* not declared */
    return (int)COUNT(t_ns);
}

static int configure_bad(void *state, const void *config, struct kl_stream *out, size_t cap,
                         struct kl_fault *fault)
{
    (void)state, (void)config, (void)cap, (void)fault;
    out[0] = (struct kl_stream){
        .name = "bad", .format = KL_FORMAT_INT16, .rate_hz = 100, .channel_count = 2};
    return 1;
}

Test(hub, mends_times_that_do_not_increase_and_marks_what_is_no_number)
{
    const struct kl_driver bad = {.name = "bad",
                                  .time_meaning = KL_TIME_SESSION,
                                  .state_size = sizeof(int),
                                  .configure = configure_bad,
                                  .generate = generate_bad};
    struct kl_fault fault;
    struct kl_hub *hub = kl_hub_create();
    cr_assert_eq(kl_hub_add(hub, "bad", &bad, NULL, &fault), 0);
    struct kl_source *source = kl_hub_start(hub, true, 1.0, &fault);
    struct kl_item item;
    cr_assert_eq(kl_source_next(source, 0, &item, &fault), KL_SOURCE_ITEM);
    cr_assert_eq(item.block.count, 3);
    cr_expect_eq(item.block.t_ns[0], KL_EPOCH_NS + 100);
    cr_expect_eq(item.block.t_ns[1], KL_EPOCH_NS + 101);
    cr_expect_eq(item.block.t_ns[2], KL_EPOCH_NS + 200);
    cr_expect_eq(item.block.quality[0], 0);
    cr_expect_eq(item.block.quality[1], KL_QUALITY_CLOCK | KL_QUALITY_INVALID);
    cr_expect_eq(item.block.value[2], 1.0);
    cr_expect_eq(item.block.value[3], 0.0);
    kl_hub_destroy(hub);
}

/* ------------------------------------------------------------------- events */

static struct toy with_events(void)
{
    struct toy toy = plates;
    toy.event_count = 4;
    toy.event[0] = (struct kl_event){.kind = KL_EVENT_SUBJECT, .t_ns = 0, .text = "S01"};
    toy.event[1] = (struct kl_event){
        .kind = KL_EVENT_CONDITION, .t_ns = KL_EPOCH_NS + 250500000, .text = "shoe A"};
    toy.event[2] = (struct kl_event){.kind = KL_EVENT_TARE, .t_ns = KL_EPOCH_NS, .text = NULL};
    toy.event[3] = (struct kl_event){
        .kind = KL_EVENT_MARKER, .t_ns = KL_EPOCH_NS + 400000000, .text = "beyond"};
    return toy;
}

Test(hub, puts_events_of_a_driver_before_every_sample_at_or_after_their_time)
{
    for (int fast = 0; fast < 2; fast++) {
        struct toy toy = with_events();
        struct kl_fault fault;
        struct kl_hub *hub = kl_hub_create();
        cr_assert_eq(kl_hub_add(hub, "toy", &toy_generator, &toy, &fault), 0);
        const struct kl_event note = {.kind = KL_EVENT_MARKER, .t_ns = 99, .text = "before"};
        cr_assert_eq(kl_hub_event(hub, &note), KL_OK);
        struct kl_source *source = kl_hub_start(hub, fast, 0.4, &fault);
        cr_assert_not_null(source);
        struct seen seen = seen_nothing();
        cr_expect_eq(seen_pull(&seen, source, UINT64_MAX), KL_SOURCE_END);
        cr_assert_eq(seen.event_count, 4, "mode %d: the one at the end is beyond it", fast);
        static const char *const text[] = {"S01", "", "before", "shoe A"};
        for (size_t i = 0; i < 4; i++) {
            cr_expect_str_eq(seen.text[i], text[i], "mode %d, event %zu", fast, i);
        }
        cr_expect_eq(seen.samples_before[2], 0);
        cr_expect_eq(seen.event[2].t_ns, KL_EPOCH_NS); /* stamped by the hub */
        cr_expect_eq(seen.event[3].t_ns, KL_EPOCH_NS + 250500000);
        cr_expect_leq(seen.samples_before[3], 251); /* samples 0..250 lie before 250.5 ms */
        if (fast) {
            cr_expect_eq(seen.samples_before[3], 250); /* its cell begins at 250 ms */
        }
        kl_hub_destroy(hub);
    }
}

Test(hub, stamps_an_operators_event_with_the_newest_session_time)
{
    struct kl_fault fault;
    struct kl_hub *hub = kl_hub_create();
    cr_assert_eq(kl_hub_add(hub, "plates", &toy_generator, &plates, &fault), 0);
    struct kl_source *source = kl_hub_start(hub, true, 1.0, &fault);
    struct seen seen = seen_nothing();
    (void)seen_pull(&seen, source, 20);
    int64_t newest_ns = seen.newest_ns;
    char words[] = "shoe B";
    const struct kl_event event = {.kind = KL_EVENT_CONDITION, .value = {1, 2}, .text = words};
    cr_assert_eq(kl_hub_event(hub, &event), KL_OK);
    memset(words, 'x', sizeof(words) - 1); /* the hub has its own copy */
    (void)seen_pull(&seen, source, 1);
    cr_assert_eq(seen.event_count, 1);
    cr_expect_eq(seen.event[0].kind, KL_EVENT_CONDITION);
    cr_expect_eq(seen.event[0].t_ns, newest_ns);
    cr_expect_eq(seen.event[0].value[1], 2);
    cr_expect_str_eq(seen.text[0], "shoe B");
    kl_hub_destroy(hub);
}

Test(hub, refuses_events_when_too_many_wait)
{
    struct kl_hub *hub = kl_hub_create();
    const struct kl_event event = {.kind = KL_EVENT_MARKER};
    int accepted = 0;
    while (kl_hub_event(hub, &event) == KL_OK) {
        accepted++;
        cr_assert_leq(accepted, 256);
    }
    cr_expect_eq(accepted, 256);
    kl_hub_destroy(hub);
}

/* ------------------------------------------------------------------ the rest */

Test(hub, begins_with_the_first_sample_of_a_link_at_the_epoch)
{
    const struct toy toy = {.stream_count = 1, .stream = {{"a", 100, 2, KL_FORMAT_INT16, 0}}};
    uint8_t bytes[300 * TOY_FRAME_MAX];
    size_t len = 0;
    for (uint64_t i = 0; i < 300; i++) {
        len += toy_frame_write(&toy, 0, 77 + i, bytes + len); /* its clock runs since long */
    }
    struct toy_link link;
    toy_link_init(&link, bytes, len, 64);
    struct kl_fault fault;
    struct kl_hub *hub = kl_hub_create();
    cr_assert_eq(kl_hub_add_link(hub, "toy", &toy_framed, &toy, &link.link, &fault), 0);
    struct kl_source *source = kl_hub_start(hub, false, 0, &fault);
    struct kl_item item;
    int answer;
    do {
        answer = kl_source_next(source, SEEN_WAIT_NS, &item, &fault);
    } while (answer == KL_SOURCE_IDLE);
    cr_assert_eq(answer, KL_SOURCE_ITEM);
    cr_expect_eq(item.block.t_ns[0], KL_EPOCH_NS);
    cr_expect_eq(item.block.quality[0], KL_QUALITY_CLOCK); /* one arrival proves little */
    cr_expect_eq(item.block.value[0], rint(toy_value(0, 77, 0)));
    kl_hub_destroy(hub);
}

/* A link whose samples carry session time, 100 Hz from the epoch on, and which then stays silent:
 * once after a sample exactly at the end and more, once before the end (the hub waits a while). */
Test(hub, ends_exactly_at_the_asked_time_with_a_link)
{
    static const uint64_t sent[] = {300, 4}, expected[] = {10, 4};
    const struct toy toy = {.stream_count = 1,
                            .stream = {{"a", 100, 2, KL_FORMAT_INT16, KL_EPOCH_NS}}};
    struct kl_driver driver = toy_framed;
    driver.time_meaning = KL_TIME_SESSION;
    for (size_t k = 0; k < COUNT(sent); k++) {
        uint8_t bytes[300 * TOY_FRAME_MAX];
        size_t len = 0;
        for (uint64_t i = 0; i < sent[k]; i++) {
            len += toy_frame_write(&toy, 0, i, bytes + len);
        }
        struct toy_link link;
        toy_link_init(&link, bytes, len, 64);
        link.stays = true;
        struct kl_fault fault;
        struct kl_hub *hub = kl_hub_create();
        cr_assert_eq(kl_hub_add_link(hub, "toy", &driver, &toy, &link.link, &fault), 0);
        struct seen seen = seen_nothing();
        (void)seen_pull(&seen, kl_hub_start(hub, false, 0.1, &fault), UINT64_MAX);
        cr_expect_eq(seen.samples[0], expected[k], "row %zu", k);
        cr_expect_lt(seen.newest_ns, KL_EPOCH_NS + 100000000, "row %zu", k);
        kl_hub_destroy(hub);
    }
}

Test(hub, says_which_device_failed_and_goes_on_with_the_others)
{
    for (int fast = 0; fast < 2; fast++) {
        struct toy failing = emg;
        failing.fails_ns = KL_EPOCH_NS + 100000000;
        struct kl_fault fault;
        struct kl_hub *hub = kl_hub_create();
        cr_assert_eq(kl_hub_add(hub, "amplifier", &toy_generator, &failing, &fault), 0);
        cr_assert_eq(kl_hub_add(hub, "plates", &toy_generator, &plates, &fault), 1);
        struct seen seen = seen_nothing();
        (void)seen_pull(&seen, kl_hub_start(hub, fast, 0.3, &fault), UINT64_MAX);
        cr_expect_eq(seen.samples[0], 200, "mode %d", fast);
        cr_expect_eq(seen.samples[1], 300, "mode %d", fast);
        struct kl_hub_device shown[2];
        (void)kl_hub_devices(hub, shown, 2);
        cr_expect_str_eq(shown[0].fault.text, "device amplifier: simulation: the device is gone");
        cr_expect_not(shown[0].running);
        cr_expect_str_eq(shown[1].fault.text, "");
        kl_hub_destroy(hub);
    }
}

Test(hub, ends_when_it_is_stopped)
{
    for (int fast = 0; fast < 2; fast++) {
        struct kl_fault fault;
        struct kl_hub *hub = kl_hub_create();
        cr_assert_eq(kl_hub_add(hub, "plates", &toy_generator, &plates, &fault), 0);
        struct kl_source *source = kl_hub_start(hub, fast, 0, &fault);
        struct seen seen = seen_nothing();
        cr_expect_eq(seen_pull(&seen, source, 10), KL_SOURCE_ITEM);
        kl_hub_stop(hub);
        cr_expect_eq(seen_pull(&seen, source, UINT64_MAX), KL_SOURCE_END);
        struct kl_item item;
        cr_expect_eq(kl_source_next(source, SEEN_WAIT_NS, &item, &fault), KL_SOURCE_END);
        kl_hub_destroy(hub);
    }
}

Test(hub, refuses_what_cannot_run_and_says_why)
{
    struct kl_fault fault = {.text = ""};
    struct kl_hub *hub = kl_hub_create();
    cr_expect_null(kl_hub_start(hub, true, 1, &fault));
    cr_expect_str_eq(fault.text, "hub: no device gives a stream");
    cr_expect_eq(kl_hub_add(hub, "x", &toy_framed, &plates, &fault), KL_ERR_UNSUPPORTED);
    cr_expect(strstr(fault.text, "device x: driver toy_framed does not say how it is reached") !=
              NULL);
    cr_expect_eq(kl_hub_add(hub, "one", &toy_generator, &plates, &fault), 0);
    cr_expect_eq(kl_hub_add(hub, "two", &toy_generator, &plates, &fault), KL_ERR_RANGE);
    cr_expect_str_eq(fault.text, "device two: stream 'plate.left' is also given by device one; "
                                 "rename one of them");
    struct toy wide = emg;
    wide.stream[0].channels = KL_CHANNELS_MAX + 1;
    cr_expect_eq(kl_hub_add(hub, "wide", &toy_generator, &wide, &fault), KL_ERR_RANGE);
    wide.stream[0].channels = 1;
    wide.stream[0].rate_hz = (double)NAN;
    cr_expect_eq(kl_hub_add(hub, "slow", &toy_generator, &wide, &fault), KL_ERR_RANGE);
    static const double seconds[] = {-1, (double)NAN, (double)INFINITY, 1e9};
    for (size_t i = 0; i < COUNT(seconds); i++) {
        cr_expect_null(kl_hub_start(hub, true, seconds[i], &fault), "row %zu", i);
    }
    cr_expect_not_null(kl_hub_start(hub, true, 1, &fault));
    cr_expect_null(kl_hub_start(hub, true, 1, &fault));
    cr_expect_eq(kl_hub_add(hub, "late", &toy_generator, &emg, &fault), KL_ERR_ARG);
    kl_hub_destroy(hub);
    kl_hub_destroy(NULL);
}
