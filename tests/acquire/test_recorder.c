#include "acquire/recorder.h"
#include "acquire/session_file.h"
#include "random_session.h"

#include <criterion/criterion.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void nap(long ms)
{
    struct timespec pause = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    (void)nanosleep(&pause, NULL);
}

static struct kl_stream one_stream(void)
{
    struct kl_stream stream = {.name = "plate.belt",
                               .source = "test",
                               .kind = KL_KIND_OTHER,
                               .format = KL_FORMAT_DOUBLE64,
                               .rate_hz = 1000,
                               .channel_count = 1,
                               .label = {"Fz"},
                               .unit = {"N"}};
    return stream;
}

/* Sample i of a counting stream: value i at 1 s + i ms. */
static bool count_item(struct kl_recorder *recorder, uint64_t i, size_t n)
{
    int64_t t_ns[64];
    double value[64];
    uint32_t quality[64] = {0};
    for (size_t k = 0; k < n; k++) {
        t_ns[k] = KL_EPOCH_NS + (int64_t)(i + k) * 1000000;
        value[k] = (double)(i + k);
    }
    struct kl_item item = {
        .kind = KL_ITEM_BLOCK,
        .block = {.stream = 0, .count = n, .t_ns = t_ns, .value = value, .quality = quality}};
    return kl_recorder_item(recorder, &item);
}

/* Samples 0, 1, 2, ... of a file, or -1 when one of them is wrong. */
static long count_back(const char *path)
{
    struct kl_fault fault = {""};
    struct kl_source *source = kl_session_open(path, &fault);
    cr_assert_not_null(source, "%s", fault.text);
    long next = 0;
    struct kl_item item;
    while (next >= 0 && kl_source_next(source, 0, &item, &fault) == KL_SOURCE_ITEM) {
        for (size_t k = 0; item.kind == KL_ITEM_BLOCK && k < item.block.count; k++) {
            bool right = item.block.value[k] == (double)next &&
                         item.block.t_ns[k] == KL_EPOCH_NS + next * 1000000 &&
                         item.block.quality[k] == 0;
            next = right ? next + 1 : -1;
            if (!right) {
                break;
            }
        }
    }
    kl_source_close(source);
    return next;
}

Test(recorder, what_goes_in_comes_back_bit_for_bit)
{
    const char *path = test_path("session.xdf");
    struct random_session *session = random_session_create(21, RANDOM_STREAMS, 3000, 20);
    struct kl_fault fault = {""};
    struct kl_recorder *recorder =
        kl_recorder_open(path, session->stream, session->stream_count, 0, &fault);
    cr_assert_not_null(recorder, "%s", fault.text);
    for (size_t i = 0; i < session->item_count; i++) {
        cr_assert(kl_recorder_item(recorder, &session->item[i]));
        if (i % 100 == 0) {
            cr_assert(kl_recorder_step(recorder, KL_EPOCH_NS, "step"));
            cr_assert(kl_recorder_flag(recorder, KL_EPOCH_NS, "flag"));
        }
    }
    cr_expect_eq(kl_recorder_close(recorder, &fault), KL_OK, "%s", fault.text);
    struct kl_verify_report report;
    cr_expect_eq(kl_session_verify(path, &report, &fault), KL_OK, "%s", report.finding[0].text);
    cr_expect_eq(report.verified_bytes, report.bytes);
    for (size_t i = 0; i < report.finding_count; i++) {
        cr_expect_null(strstr(report.finding[i].text, "footer"), "%s", report.finding[i].text);
    }
    struct kl_source *source = kl_session_open(path, &fault);
    cr_assert_not_null(source, "%s", fault.text);
    cr_expect_eq(match_items(session, source, false), (long)session->item_count);
    struct stat info;
    cr_assert_eq(stat(path, &info), 0);
    cr_expect_eq(info.st_mode & 0777, 0600, "private data");
    random_session_destroy(session);
    (void)unlink(path);
    (void)rmdir(test_folder());
}

Test(recorder, refuses_with_the_cure)
{
    struct kl_stream stream = one_stream();
    struct kl_fault fault = {""};
    const char *path = test_path("taken.xdf");
    write_file(path, (const uint8_t *)"mine", 4);
    cr_expect_null(kl_recorder_open(path, &stream, 1, 0, &fault));
    cr_expect_not_null(strstr(fault.text, "never overwritten"), "%s", fault.text);
    size_t size = 0;
    uint8_t *kept = read_file(path, &size);
    cr_expect_eq(size, 4);
    free(kept);
    (void)unlink(path);

    cr_expect_null(kl_recorder_open("/nowhere/at/all.xdf", &stream, 1, 0, &fault));
    cr_expect_not_null(strstr(fault.text, "create the folder"), "%s", fault.text);
    cr_expect_null(kl_recorder_open("/proc/session.xdf", &stream, 1, 0, &fault));
    cr_expect_not_null(strstr(fault.text, "/proc/session.xdf"), "%s", fault.text);
    stream.rate_hz = 0;
    cr_expect_null(kl_recorder_open(path, &stream, 1, 0, &fault));
    cr_expect_not_null(strstr(fault.text, "plate.belt"), "%s", fault.text);
    (void)rmdir(test_folder());
}

Test(recorder, a_read_only_folder_is_named)
{
    const char *folder = test_folder();
    const char *path = test_path("session.xdf");
    struct kl_stream stream = one_stream();
    struct kl_fault fault = {""};
    cr_assert_eq(chmod(folder, 0500), 0);
    int probe = open(path, O_CREAT | O_RDWR, 0600);
    if (probe >= 0) { /* root may write anywhere */
        (void)close(probe);
        (void)unlink(path);
        (void)rmdir(folder);
        cr_skip_test("skipped: this user may write to a read-only folder");
    }
    cr_expect_null(kl_recorder_open(path, &stream, 1, 0, &fault));
    cr_expect_not_null(strstr(fault.text, "may write to"), "%s", fault.text);
    (void)rmdir(folder);
}

Test(recorder, a_full_queue_drops_whole_items_and_the_file_says_so)
{
    const char *path = test_path("session.xdf");
    struct kl_stream stream = one_stream();
    struct kl_fault fault = {""};
    struct kl_recorder *recorder = kl_recorder_open(path, &stream, 1, 8192, &fault);
    cr_assert_not_null(recorder, "%s", fault.text);
    uint64_t dropped = 0;
    uint64_t next = 0;
    for (; dropped < 10; next += 8) { /* faster than any wake-up */
        dropped += !count_item(recorder, next, 8);
    }
    struct kl_recorder_state state = kl_recorder_get(recorder);
    cr_expect_eq(state.lost_items, 10);
    while (kl_recorder_get(recorder).bytes_queued > 0) {
        nap(1);
    }
    cr_expect(count_item(recorder, next, 8));
    cr_expect_eq(kl_recorder_close(recorder, &fault), KL_ERR_IO);
    cr_expect_not_null(strstr(fault.text, "10 items"), "%s", fault.text);

    struct kl_source *source = kl_session_open(path, &fault);
    struct kl_item item;
    double lost = 0;
    uint64_t gaps = 0;
    uint64_t samples = 0;
    while (kl_source_next(source, 0, &item, &fault) == KL_SOURCE_ITEM) {
        if (item.kind == KL_ITEM_EVENT) {
            cr_expect_eq(item.event.kind, KL_EVENT_LOST);
            cr_expect_str_eq(item.event.text, "plate.belt");
            lost += item.event.value[0];
        } else {
            gaps += item.block.quality[0] & KL_QUALITY_GAP;
            samples += item.block.count;
        }
    }
    kl_source_close(source);
    cr_expect_eq(lost, 80.0);
    cr_expect_eq(samples + 80, next + 8);
    cr_expect_geq(gaps, 1);
    (void)unlink(path);
    (void)rmdir(test_folder());
}

/* --------------------------------------------------------------------- kill */

Test(recorder, killed_at_any_instant_leaves_a_prefix)
{
    srand(1);
    for (int run = 0; run < 20; run++) {
        const char *path = test_path("killed.xdf");
        pid_t child = fork();
        cr_assert_geq(child, 0);
        if (child == 0) {
            struct kl_stream stream = one_stream();
            struct kl_recorder *recorder = kl_recorder_open(path, &stream, 1, 0, NULL);
            for (uint64_t i = 0; recorder != NULL && i < UINT64_C(1) << 40; i += 5) {
                (void)count_item(recorder, i, 5);
                nap(1);
            }
            _exit(1);
        }
        while (access(path, R_OK) != 0) {
            nap(1);
        }
        nap(20 + rand() % 150);
        (void)kill(child, SIGKILL);
        (void)waitpid(child, NULL, 0);
        struct stat info;
        cr_assert_eq(stat(path, &info), 0);
        if (info.st_size > 3000) { /* the head is there */
            cr_expect_geq(count_back(path), 0, "run %d", run);
        }
        struct kl_verify_report report;
        struct kl_fault fault;
        cr_expect_eq(kl_session_verify(path, &report, &fault), KL_ERR_DATA);
        cr_expect_eq(report.damaged_ranges, 0, "run %d: only the end may be missing", run);
        (void)unlink(path);
    }
    (void)rmdir(test_folder());
}

/* ---------------------------------------------------------------- full disk */

enum {
    FREE_BYTES = 1024 * 1024,        /* what the small disk has beside its ballast */
    BALLAST_BYTES = 7 * 1024 * 1024, /* what is freed when there is room again */
    FILL_ITEMS = 1300,
    PATIENCE = 60000, /* ms until a recorder that does not come back is a failure */
};

/* A child records on a disk that gets full and gets room again. It reports by its exit status. */
static int record_through_a_full_disk(const char *path, void (*make_room)(void))
{
    struct kl_stream stream = one_stream();
    struct kl_fault fault = {""};
    struct kl_recorder *recorder = kl_recorder_open(path, &stream, 1, 0, &fault);
    if (recorder == NULL) {
        return 10;
    }
    uint64_t next = 0;
    struct kl_recorder_state state = {0};
    /* A fixed amount, about 2 MB: more than fits now, less than fits when there is room. */
    for (int k = 0; k < FILL_ITEMS; k++, next += 64) {
        if (!count_item(recorder, next, 64)) {
            return 11;
        }
    }
    for (int i = 0; i < PATIENCE && !state.holding; i++) {
        nap(1);
        state = kl_recorder_get(recorder);
    }
    if (!state.holding || state.problem[0] == '\0' || state.held_ns <= 0) {
        return 12;
    }
    /* What is in the file can be read while the recorder waits. */
    struct kl_source *source = kl_session_open(path, &fault);
    if (source == NULL) {
        return 13;
    }
    kl_source_close(source);
    for (int k = 0; k < 100; k++, next += 64) {
        if (!count_item(recorder, next, 64)) {
            return 14;
        }
    }
    make_room();
    for (int i = 0; i < PATIENCE && (state.holding || state.bytes_queued > 0); i++) {
        nap(1);
        state = kl_recorder_get(recorder);
    }
    if (state.holding) {
        return 15;
    }
    if (kl_recorder_close(recorder, &fault) != KL_OK) {
        return 16;
    }
    return count_back(path) == (long)next ? 0 : 17;
}

static int run_in_child(const char *path, int (*work)(const char *path))
{
    int status = 0;
    pid_t child = fork();
    if (child == 0) {
        _exit(work(path));
    }
    (void)waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static const char *ballast(void)
{
    return test_path("ballast");
}

static void drop_ballast(void)
{
    (void)unlink(ballast());
}

static int fill_and_record(const char *path)
{
    return record_through_a_full_disk(path, drop_ballast);
}

/* A file system with FREE_BYTES left at the test folder; needs the right to mount. */
static bool mount_small_disk(void)
{
    char command[256];
    (void)snprintf(command, sizeof(command),
                   "mount -t tmpfs -o size=%d kneelab-test '%s' 2>/dev/null",
                   FREE_BYTES + BALLAST_BYTES, test_folder());
    if (system(command) != 0) { /* NOLINT(cert-env33-c): mount(2) is not in POSIX */
        return false;
    }
    static uint8_t bytes[BALLAST_BYTES];
    write_file(ballast(), bytes, sizeof(bytes));
    return true;
}

static void unmount_small_disk(void)
{
    char command[256];
    (void)snprintf(command, sizeof(command), "umount '%s'", test_folder());
    (void)!system(command); /* NOLINT(cert-env33-c) */
    (void)rmdir(test_folder());
}

Test(recorder, waits_on_a_full_disk_and_goes_on_without_loss)
{
    if (!mount_small_disk()) {
        (void)rmdir(test_folder());
        cr_skip_test("skipped: no right to mount a small disk");
    }
    cr_expect_eq(run_in_child(test_path("full.xdf"), fill_and_record), 0);
    unmount_small_disk();
}

static int close_on_full(const char *path)
{
    struct kl_stream stream = one_stream();
    struct kl_fault fault = {""};
    struct kl_recorder *recorder = kl_recorder_open(path, &stream, 1, 0, &fault);
    if (recorder == NULL) {
        return 10;
    }
    uint64_t next = 0;
    for (; next < 64 * 2000; next += 64) { /* 3 MB on a disk of 1 MB */
        if (!count_item(recorder, next, 64)) {
            return 11;
        }
    }
    if (kl_recorder_close(recorder, &fault) != KL_ERR_IO ||
        strstr(fault.text, "No space left") == NULL || strstr(fault.text, " s (") == NULL) {
        return 12;
    }
    (void)fprintf(stderr, "%s\n", fault.text);
    struct kl_verify_report report;
    if (kl_session_verify(path, &report, &fault) != KL_ERR_DATA || report.damaged_ranges != 0) {
        return 13;
    }
    /* A prefix, and most of the disk is used for it. */
    long kept = count_back(path);
    return kept > 0 && kept < (long)next && report.bytes > 900 * 1024 ? 0 : 14;
}

Test(recorder, a_disk_that_stays_full_ends_with_what_is_missing)
{
    if (!mount_small_disk()) {
        (void)rmdir(test_folder());
        cr_skip_test("skipped: no right to mount a small disk");
    }
    cr_expect_eq(run_in_child(test_path("full.xdf"), close_on_full), 0);
    unmount_small_disk();
}

static void lift_limit(void)
{
    struct rlimit limit;
    (void)getrlimit(RLIMIT_FSIZE, &limit);
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_FSIZE, &limit);
}

static int record_below_limit(const char *path)
{
    struct rlimit limit;
    (void)getrlimit(RLIMIT_FSIZE, &limit);
    limit.rlim_cur = 200000;
    (void)setrlimit(RLIMIT_FSIZE, &limit);
    return record_through_a_full_disk(path, lift_limit);
}

Test(recorder, a_file_size_limit_is_a_full_disk_and_no_end_of_the_program)
{
    const char *path = test_path("limit.xdf");
    cr_expect_eq(run_in_child(path, record_below_limit), 0);
    (void)unlink(path);
    (void)rmdir(test_folder());
}
