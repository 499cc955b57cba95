/* A disk that takes its time to confirm delays no write. The program has its own fdatasync, which
 * waits until the test lets it go. */
#include "acquire/recorder.h"
#include "acquire/session_file.h"

#include <criterion/criterion.h>

#include <stdatomic.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

static atomic_bool hold, held;

int fdatasync(int fd)
{
    (void)fd;
    while (atomic_load(&hold)) {
        const struct timespec pause = {.tv_nsec = 1000000};
        atomic_store(&held, true);
        (void)nanosleep(&pause, NULL);
    }
    return 0;
}

static const struct kl_stream stream = {
    .name = "a", .source = "t", .kind = KL_KIND_OTHER, .rate_hz = 1000, .channel_count = 1};

static void give(struct kl_recorder *recorder, int64_t i)
{
    const int64_t t_ns = KL_EPOCH_NS + i * 1000000;
    const double value = (double)i;
    const uint32_t quality = 0;
    const struct kl_item item = {.kind = KL_ITEM_BLOCK, .block = {0, 1, &t_ns, &value, &quality}};
    cr_assert(kl_recorder_item(recorder, &item));
}

/* Gives one sample per ms until `done`, 20 s at most. @return samples given so far */
static int64_t give_until(struct kl_recorder *recorder, int64_t i, bool (*done)(uint64_t, uint64_t),
                          uint64_t from)
{
    int64_t end = i + 20000;
    while (i < end && !done(kl_recorder_get(recorder).bytes_written, from)) {
        const struct timespec pause = {.tv_nsec = 1000000};
        give(recorder, i++);
        (void)nanosleep(&pause, NULL);
    }
    cr_assert_lt(i, end, "waited 20 s");
    return i;
}

static bool is_held(uint64_t written, uint64_t from)
{
    (void)written, (void)from;
    return atomic_load(&held);
}

static bool has_grown(uint64_t written, uint64_t from)
{
    return written > from + 10000;
}

Test(recorder, writes_on_while_the_disk_takes_its_time_to_confirm)
{
    char path[64];
    struct kl_fault fault = {""};
    (void)snprintf(path, sizeof(path), "/tmp/kneelab-sync-%d.xdf", (int)getpid());
    struct kl_recorder *recorder = kl_recorder_open(path, &stream, 1, 0, &fault);
    cr_assert_not_null(recorder, "%s", fault.text);
    atomic_store(&hold, true);
    int64_t given = give_until(recorder, 0, is_held, 0);
    given = give_until(recorder, given, has_grown, kl_recorder_get(recorder).bytes_written);
    cr_expect(atomic_load(&hold));
    atomic_store(&hold, false);
    cr_expect_eq(kl_recorder_close(recorder, &fault), KL_OK, "%s", fault.text);
    struct kl_source *source = kl_session_open(path, &fault);
    struct kl_item item;
    int64_t read = 0;
    while (kl_source_next(source, 0, &item, &fault) == KL_SOURCE_ITEM) {
        read += (int64_t)item.block.count;
    }
    cr_expect_eq(read, given);
    kl_source_close(source);
    (void)unlink(path);
}
