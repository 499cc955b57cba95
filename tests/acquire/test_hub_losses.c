/* Nothing goes missing without being counted, marked and told: samples that do not fit the ring,
 * samples that the device itself missed, and what a stalled consumer costs. */
#include "acquire/hub.h"
#include "acquire/hub_device.h"
#include "acquire/stage.h"
#include "seen.h"
#include "toy_device.h"

#include <criterion/criterion.h>

#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct toy plates = {
    .stream_count = 3,
    .stream = {{"plate.left", 1000, 6, KL_FORMAT_FLOAT32, 0},
               {"imu.shank.left", 300, 9, KL_FORMAT_INT16, 500000},
               {"treadmill", 10, 2, KL_FORMAT_DOUBLE64, 0}},
};

Test(hub, counts_marks_and_tells_what_a_device_missed_itself)
{
    struct toy toy = plates;
    toy.gap_from_ns = KL_EPOCH_NS + 100000000;
    toy.gap_until_ns = KL_EPOCH_NS + 150000000;
    struct kl_fault fault;
    struct kl_hub *hub = kl_hub_create();
    cr_assert_eq(kl_hub_add(hub, "toy", &toy_generator, &toy, &fault), 0);
    struct seen seen = seen_nothing();
    (void)seen_pull(&seen, kl_hub_start(hub, true, 0.5, &fault), UINT64_MAX);
    cr_expect_eq(seen.lost_told[0], 50);
    cr_expect_eq(seen.lost_told[1], 15);
    cr_expect_eq(seen.gaps[0], 1);
    cr_expect_eq(seen.samples[0] + seen.lost_told[0], 500);
    cr_expect_eq(seen.samples[1] + seen.lost_told[1], 150);
    size_t at = 0;
    while (at < seen.event_count && strcmp(seen.text[at], "plate.left") != 0) {
        at++;
    }
    cr_expect_eq(seen.event[at].kind, KL_EVENT_LOST);
    cr_expect_eq(seen.event[at].t_ns, KL_EPOCH_NS + 150000000);
    cr_expect_eq(seen.samples_before[at], 100); /* right before the sample that is marked */
    struct kl_hub_device shown;
    (void)kl_hub_devices(hub, &shown, 1);
    cr_expect_eq(shown.lost, 50 + 15 + 1); /* the treadmill's sample at 100 ms */
    kl_hub_destroy(hub);
}

/* The ring of a slow device holds 256 records: 300 are pushed, then there is room again. */
Test(hub, tells_a_loss_with_the_next_sample_that_fits)
{
    const struct toy toy = {.stream_count = 1, .stream = {{"a", 1, 2, KL_FORMAT_INT16, 0}}};
    struct kl_stream stream;
    struct kl_fault fault;
    struct kl_device *device = NULL;
    cr_assert_eq(kl_device_create(&device, "d", &toy_generator, &toy, NULL, &stream, 1, &fault), 1);
    cr_assert_eq(kl_device_prepare(device, &stream), KL_OK);
    struct kl_sample sample = {.value = {1, 2}};
    for (int i = 0; i < 300; i++) {
        sample.quality = i == 280 ? KL_QUALITY_CHECKSUM : 0;
        kl_device_push(device, &sample, 0);
    }
    sample.stream = 1; /* not declared: neither pushed nor counted */
    kl_device_push(device, &sample, 0);
    sample.stream = 0;
    for (int i = 0; i < 256; i++) {
        const struct kl_record *record = kl_ring_front(device->ring);
        cr_assert_not_null(record);
        cr_expect_eq(record->lost_before, 0);
        kl_ring_pop(device->ring);
    }
    for (int i = 0; i < 2; i++) {
        kl_device_push(device, &sample, 0);
        const struct kl_record *record = kl_ring_front(device->ring);
        cr_assert_not_null(record);
        cr_expect_eq(record->lost_before, i == 0 ? 44 : 0);
        cr_expect_eq(record->quality, i == 0 ? KL_QUALITY_CHECKSUM : 0);
        kl_ring_pop(device->ring);
    }
    kl_device_destroy(device);
}

/* Plays 60 frames of 100 Hz; of those, 20 are dropped by the link before the 31st, and half a frame
 * hangs over before them. */
struct dropping {
    struct kl_link link;
    uint64_t next;
};

#define DROP_FROM 30
#define DROP_UNTIL 50
#define DROP_END 80

static const struct toy hundred = {.stream_count = 1,
                                   .stream = {{"a", 100, 1, KL_FORMAT_INT16, 0}}};

static int dropping_read(struct kl_link *link, uint8_t *buf, size_t cap, int64_t wait_ns)
{
    struct dropping *self = (struct dropping *)link;
    (void)wait_ns;
    if (self->next == DROP_END || cap < TOY_FRAME_MAX) {
        return KL_ERR_GONE;
    }
    if (self->next == DROP_FROM) {
        self->next = DROP_UNTIL;
        return (int)toy_frame_write(&hundred, 0, DROP_FROM, buf) / 2;
    }
    link->dropped = self->next >= DROP_UNTIL ? 3 : 0; /* transfers: how many samples, time tells */
    link->arrival_ns = KL_NS_PER_S + (int64_t)self->next * 10000000;
    return (int)toy_frame_write(&hundred, 0, self->next++, buf);
}

Test(hub, counts_and_marks_what_the_link_dropped)
{
    static const struct kl_link_ops ops = {.read = dropping_read};
    static const enum kl_time_meaning meaning[] = {KL_TIME_COUNTER, KL_TIME_INDEX};
    for (size_t k = 0; k < COUNT(meaning); k++) {
        struct dropping link = {.link = {.ops = &ops}};
        struct kl_driver driver = toy_framed;
        struct kl_fault fault;
        struct kl_hub *hub = kl_hub_create();
        driver.time_meaning = meaning[k];
        cr_assert_eq(kl_hub_add_link(hub, "toy", &driver, &hundred, &link.link, &fault), 0);
        struct seen seen = seen_nothing();
        (void)seen_pull(&seen, kl_hub_start(hub, false, 0, &fault), UINT64_MAX);
        struct kl_hub_device shown;
        (void)kl_hub_devices(hub, &shown, 1);
        /* a device that counts samples is started anew, and the read that told is not believed */
        uint64_t unread = meaning[k] == KL_TIME_INDEX ? 1 : 0;
        cr_expect_eq(shown.connections, 1 + unread, "row %zu", k);
        cr_expect_eq(seen.samples[0], 60 - unread, "row %zu", k);
        cr_expect_eq(seen.gaps[0], 1, "row %zu: %d", k, (int)seen.gaps[0]);
        cr_expect_eq(shown.lost, 20 + unread, "row %zu: %d", k, (int)shown.lost);
        cr_expect_eq(seen.lost_told[0], 20 + unread, "row %zu", k);
        cr_expect_eq(shown.bad_frames, 1, "row %zu: half a frame", k);
        kl_hub_destroy(hub);
    }
}

Test(stage, marks_counts_and_keeps_losses_until_they_are_told)
{
    static const struct {
        const char *legend;
        int64_t t_ns; /* 100 Hz: 10 ms apart when nothing is missing */
        uint32_t quality, quality_after;
        uint64_t lost_before, missed, lost;
    } row[] = {
        {"first sample, gap before it: nothing to count from", 0, KL_QUALITY_GAP, KL_QUALITY_GAP, 0,
         0, 0},
        {"next", 10000000, 0, 0, 0, 0, 0},
        {"3 did not fit the ring", 50000000, 0, KL_QUALITY_GAP, 3, 0, 3},
        {"the device missed 2", 80000000, KL_QUALITY_GAP, KL_QUALITY_GAP, 0, 2, 5},
        {"4 missing, 1 of them here", 130000000, KL_QUALITY_GAP, KL_QUALITY_GAP, 1, 3, 9},
        {"missing, but time says nothing", 140000000, KL_QUALITY_GAP, KL_QUALITY_GAP, 0, 1, 10},
        {"time off by a third of a period", 163000000, KL_QUALITY_GAP, KL_QUALITY_GAP, 0, 1, 11},
    };
    const struct kl_stream stream = {.rate_hz = 100, .channel_count = 1};
    const double value = 1;
    struct kl_stage stage;
    cr_assert_eq(kl_stage_init(&stage, &stream), KL_OK);
    for (size_t i = 0; i < COUNT(row); i++) {
        cr_expect_eq(kl_stage_put(&stage, row[i].t_ns, row[i].quality, row[i].lost_before, &value),
                     row[i].missed, "%s", row[i].legend);
        cr_expect_eq(stage.quality[i], row[i].quality_after, "%s", row[i].legend);
        cr_expect_eq(stage.lost, row[i].lost, "%s", row[i].legend);
    }
    cr_expect_eq(stage.lost_ns, 50000000);
    kl_stage_clear(&stage);
    cr_expect_eq(stage.lost, 11);
    kl_stage_release(&stage);
}

#define STALL_SECONDS 20
#define STALL_RATE 1000

/* A link that plays 20 s of frames at once, while nobody pulls: the ring holds 8192 of 20000, as
 * when the consumer stalls. Nothing may go missing without being counted. */
Test(hub, accounts_for_every_sample_when_the_consumer_stalls)
{
    const struct toy toy = {.stream_count = 1,
                            .stream = {{"a", STALL_RATE, 6, KL_FORMAT_INT16, 0}}};
    uint8_t *bytes = malloc((size_t)STALL_SECONDS * STALL_RATE * TOY_FRAME_MAX);
    cr_assert_not_null(bytes);
    size_t len = 0;
    for (uint64_t i = 0; i < STALL_SECONDS * STALL_RATE; i++) {
        len += toy_frame_write(&toy, 0, i, bytes + len);
    }
    struct toy_link link;
    toy_link_init(&link, bytes, len, 777);
    struct kl_fault fault;
    struct kl_hub *hub = kl_hub_create();
    cr_assert_eq(kl_hub_add_link(hub, "toy", &toy_framed, &toy, &link.link, &fault), 0);
    struct kl_source *source = kl_hub_start(hub, false, 0, &fault);
    cr_assert_not_null(source);
    struct kl_hub_device shown;
    do { /* the reader is done when it says so, however long that takes */
        (void)kl_hub_devices(hub, &shown, 1);
    } while (shown.running || shown.fault.text[0] == '\0'); /* not yet started, or reading */
    struct seen seen = seen_nothing();
    cr_expect_eq(seen_pull(&seen, source, UINT64_MAX), KL_SOURCE_END);
    (void)kl_hub_devices(hub, &shown, 1);
    cr_expect_eq(seen.samples[0], 8192); /* 6 s, to the next power of two */
    cr_expect_eq(seen.samples[0] + seen.lost_told[0], STALL_SECONDS * STALL_RATE);
    cr_expect_eq(shown.samples, seen.samples[0]);
    cr_expect_eq(shown.lost, seen.lost_told[0]);
    cr_expect_eq(shown.frames, STALL_SECONDS * STALL_RATE);
    cr_expect(seen.increasing);
    cr_expect_not(shown.running);
    cr_expect_str_eq(shown.fault.text, "device toy: reading: the device is gone");
    kl_hub_destroy(hub);
    free(bytes);
}
