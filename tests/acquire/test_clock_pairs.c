/* What the mapping of a device's clock was learnt from is in the session file, and the mapping can
 * be redone from it. */
#include "acquire/clock.h"
#include "acquire/hub.h"
#include "acquire/hub_device.h"
#include "acquire/recorder.h"
#include "acquire/session_file.h"
#include "toy_device.h"

#include <criterion/criterion.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MS INT64_C(1000000)
#define RATE_HZ 1000
#define SAMPLES 3000
#define HOST_START_NS (5 * KL_NS_PER_S)

static const struct toy toy = {.stream_count = 1,
                               .stream = {{"a", RATE_HZ, 1, KL_FORMAT_INT16, 0}}};

/* Gives one frame per read, as fast as it is asked, stamped as if sample i, made at i ms, came with
 * a transport that is quick every 50th time. */
struct stamped {
    struct kl_link link;
    uint64_t next;
};

static int64_t arrival_of(uint64_t i)
{
    return HOST_START_NS + (int64_t)i * MS + (i % 50 == 7 ? 0 : (int64_t)(i % 13 + 1) * MS / 4);
}

static int stamped_read(struct kl_link *link, uint8_t *buf, size_t cap, int64_t wait_ns)
{
    struct stamped *self = (struct stamped *)link;
    (void)wait_ns;
    if (self->next == SAMPLES || cap < TOY_FRAME_MAX) {
        return KL_ERR_GONE;
    }
    link->arrival_ns = arrival_of(self->next);
    return (int)toy_frame_write(&toy, 0, self->next++, buf);
}

static const struct kl_link_ops stamped_ops = {.read = stamped_read};

struct kept {
    size_t count;
    struct kl_clock_pair pair[64];
};

static void keep_line(void *self, int64_t t_ns, const char *text)
{
    struct kept *kept = self;
    cr_assert_lt(kept->count, sizeof(kept->pair) / sizeof(kept->pair[0]));
    struct kl_clock_pair *pair = &kept->pair[kept->count++];
    cr_expect_eq(kl_clock_pair_read(text, pair), KL_OK, "%s", text);
    cr_expect_eq(t_ns, pair->t_ns);
}

static void record_session(const char *path)
{
    struct stamped link = {.link = {.ops = &stamped_ops}};
    struct kl_fault fault = {""};
    struct kl_hub *hub = kl_hub_create();
    cr_assert_eq(kl_hub_add_link(hub, "toy \"1\"", &toy_framed, &toy, &link.link, &fault), 0);
    struct kl_source *source = kl_hub_start(hub, false, 0, &fault);
    struct kl_recorder *recorder =
        kl_recorder_open(path, source->stream, source->stream_count, 0, &fault);
    cr_assert_not_null(recorder, "%s", fault.text);
    int answer;
    do {
        struct kl_item item;
        struct kl_clock_pair pair;
        answer = kl_source_next(source, 10 * MS, &item, &fault);
        if (answer == KL_SOURCE_ITEM) {
            cr_expect(kl_recorder_item(recorder, &item));
        }
        while (kl_hub_clock(hub, &pair)) {
            cr_expect(kl_recorder_clock(recorder, &pair));
        }
    } while (answer != KL_SOURCE_END);
    cr_expect_eq(kl_recorder_close(recorder, &fault), KL_OK, "%s", fault.text);
    kl_hub_destroy(hub);
}

Test(clock_pairs, are_in_the_file_and_give_the_mapping_again)
{
    char path[64];
    struct kl_fault fault = {""};
    struct kept kept = {0};
    (void)snprintf(path, sizeof(path), "/tmp/kneelab-pairs-%d.xdf", (int)getpid());
    record_session(path);
    cr_assert_eq(kl_session_clock(path, keep_line, &kept, &fault), 12, "%s", fault.text);
    (void)unlink(path);
    struct kl_clock redone;
    kl_clock_init(&redone);
    for (size_t i = 0; i < kept.count; i++) {
        const struct kl_clock_pair *pair = &kept.pair[i];
        uint64_t sample = (uint64_t)(pair->device_ns / MS);
        cr_expect_str_eq(pair->device, "toy \"1\"");
        cr_expect_eq(pair->connection, 1);
        /* sample 0 came 0.25 ms late and stands at the epoch */
        cr_expect_eq(pair->arrival_ns, arrival_of(sample) - arrival_of(0) + KL_EPOCH_NS);
        cr_expect_eq(sample % 50, 7, "pair %zu is not the quickest of its stretch: sample %d", i,
                     (int)sample);
        int64_t t_ns = kl_clock_step(&redone, pair->device_ns, pair->arrival_ns);
        /* sample 0 was 250 us late; here a correction is bent away over half a second, two pairs,
         * so each pair leaves half of it. The hub saw all samples and was done long before. */
        cr_expect_leq(llabs(t_ns - pair->t_ns), (MS / 2 >> i) + 1, "pair %zu: %lld ns", i,
                      (long long)(t_ns - pair->t_ns));
    }
}

Test(clock_pairs, are_refused_when_they_are_damaged)
{
    static const char *const text[] = {
        "",
        "{",
        "[]",
        "{\"device\":\"a\",\"connection\":1,\"device_ns\":1,\"arrival_ns\":2}",
        "{\"device\":1,\"connection\":1,\"device_ns\":1,\"arrival_ns\":2,\"t_ns\":3}",
        "{\"device\":\"a\",\"connection\":1,\"device_ns\":\"1\",\"arrival_ns\":2,\"t_ns\":3}"};
    for (size_t i = 0; i < sizeof(text) / sizeof(text[0]); i++) {
        struct kl_clock_pair pair;
        cr_expect_eq(kl_clock_pair_read(text[i], &pair), KL_ERR_DATA, "row %zu", i);
    }
}

Test(clock_pairs, come_back_as_they_were_written)
{
    struct kl_clock_pair pair = {"a\\b\"c\n", UINT64_C(1) << 40, INT64_MIN, INT64_MAX, -1}, back;
    char line[KL_CLOCK_PAIR_TEXT];
    cr_assert_lt(kl_clock_pair_write(&pair, line), sizeof(line));
    cr_assert_eq(kl_clock_pair_read(line, &back), KL_OK, "%s", line);
    cr_expect_str_eq(back.device, "a\\b\"c?");
    cr_expect_eq(back.connection, pair.connection);
    cr_expect_eq(back.device_ns, INT64_MIN);
    cr_expect_eq(back.arrival_ns, INT64_MAX);
    cr_expect_eq(back.t_ns, -1);
    memset(pair.device, '"', sizeof(pair.device) - 1);
    pair.device[sizeof(pair.device) - 1] = '\0';
    pair.connection = UINT64_MAX / 2;
    pair.arrival_ns = pair.t_ns = INT64_MIN;
    cr_expect_lt(kl_clock_pair_write(&pair, line), sizeof(line));
    cr_expect_eq(kl_clock_pair_read(line, &back), KL_OK, "%s", line);
}
