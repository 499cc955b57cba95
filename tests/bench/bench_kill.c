/* What a crash costs: a recording process is killed (SIGKILL) at random instants; what it had
 * emitted and what the file holds are compared.   bench_kill [RUNS [FOLDER]]
 *
 * The recorder's child emits 5 samples each 5 ms and notes in shared memory what it emitted and
 * when. Wrong or reordered samples end the bench; the age of the oldest sample lost is its result.
 */
/* NOLINTNEXTLINE: the system reads this name */
#define _DEFAULT_SOURCE /* MAP_ANONYMOUS: memory that outlives the child */
#include "acquire/recorder.h"
#include "acquire/session_file.h"

#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PER_ITEM 5
#define PERIOD_NS (INT64_C(5) * 1000000)
#define ITEMS_MAX 4000

/* Written by the child, read when it is dead. */
struct shared {
    _Atomic int64_t emitted;          /* items */
    _Atomic int64_t at_ns[ITEMS_MAX]; /* when item i had been emitted */
    _Atomic int64_t slowest_item_ns;  /* longest call of kl_recorder_item */
};

static int64_t clock_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * KL_NS_PER_S + now.tv_nsec;
}

static void nap(int64_t ns)
{
    struct timespec pause = {.tv_sec = (time_t)(ns / KL_NS_PER_S),
                             .tv_nsec = (long)(ns % KL_NS_PER_S)};
    (void)nanosleep(&pause, NULL);
}

static int record(const char *path, struct shared *shared)
{
    struct kl_stream stream = {.name = "count",
                               .kind = KL_KIND_OTHER,
                               .format = KL_FORMAT_INT32,
                               .rate_hz = 1000,
                               .channel_count = 1};
    struct kl_recorder *recorder = kl_recorder_open(path, &stream, 1, 0, NULL);
    uint32_t quality[PER_ITEM] = {0};
    for (int64_t i = 0; recorder != NULL && i < ITEMS_MAX; i++) {
        int64_t t_ns[PER_ITEM];
        double value[PER_ITEM];
        for (int k = 0; k < PER_ITEM; k++) {
            value[k] = (double)(i * PER_ITEM + k);
            t_ns[k] = KL_EPOCH_NS + (i * PER_ITEM + k) * 1000000;
        }
        struct kl_item item = {.kind = KL_ITEM_BLOCK, .block = {0, PER_ITEM, t_ns, value, quality}};
        int64_t before_ns = clock_ns();
        if (!kl_recorder_item(recorder, &item)) {
            return 1;
        }
        int64_t after_ns = clock_ns();
        if (after_ns - before_ns > atomic_load(&shared->slowest_item_ns)) {
            atomic_store(&shared->slowest_item_ns, after_ns - before_ns);
        }
        atomic_store(&shared->at_ns[i], after_ns);
        atomic_store(&shared->emitted, i + 1);
        nap(PERIOD_NS);
    }
    return 1;
}

/* Items in the file, -1 when one is wrong. */
static int64_t read_back(const char *path)
{
    struct kl_fault fault = {""};
    struct kl_source *source = kl_session_open(path, &fault);
    if (source == NULL) {
        (void)fprintf(stderr, "%s\n", fault.text);
        return -1;
    }
    int64_t next = 0;
    struct kl_item item;
    while (next >= 0 && kl_source_next(source, 0, &item, &fault) == KL_SOURCE_ITEM) {
        bool right = item.kind == KL_ITEM_BLOCK && item.block.count == PER_ITEM;
        for (int k = 0; right && k < PER_ITEM; k++) {
            right = item.block.value[k] == (double)(next * PER_ITEM + k) &&
                    item.block.t_ns[k] == KL_EPOCH_NS + (next * PER_ITEM + k) * 1000000;
        }
        next = right ? next + 1 : -1;
    }
    kl_source_close(source);
    return next;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

/* One killed recording. @return age of the oldest lost item in ms, 0 when none, < 0 when wrong */
static double run(const char *path, struct shared *shared)
{
    (void)unlink(path);
    memset(shared, 0, sizeof(*shared));
    pid_t child = fork();
    if (child == 0) {
        _exit(record(path, shared));
    }
    while (atomic_load(&shared->emitted) == 0) {
        nap(1000000);
    }
    nap((int64_t)(rand() % 400) * 1000000 + rand() % 1000000);
    (void)kill(child, SIGKILL);
    int64_t killed_ns = clock_ns();
    (void)waitpid(child, NULL, 0);
    int64_t emitted = atomic_load(&shared->emitted);
    int64_t kept = read_back(path);
    /* The child may have emitted one item more than it could note. */
    if (kept < 0 || kept > emitted + 1) {
        return -1;
    }
    return kept < emitted ? (double)(killed_ns - atomic_load(&shared->at_ns[kept])) / 1e6 : 0;
}

int main(int argc, char **argv)
{
    int runs = argc > 1 ? (int)strtol(argv[1], NULL, 10) : 100;
    char path[512];
    (void)snprintf(path, sizeof(path), "%s/kneelab_kill_%ld.xdf", argc > 2 ? argv[2] : ".",
                   (long)getpid());
    struct shared *shared =
        mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    double *age = calloc((size_t)runs, sizeof(*age));
    if (shared == MAP_FAILED || age == NULL || runs < 1) {
        free(age);
        return 1;
    }
    int late = 0;
    double slowest_us = 0;
    for (int i = 0; i < runs; i++) {
        age[i] = run(path, shared);
        double item_us = (double)atomic_load(&shared->slowest_item_ns) / 1e3;
        slowest_us = item_us > slowest_us ? item_us : slowest_us;
        late += age[i] > 50;
        if (age[i] < 0) {
            (void)printf("run %d: %s holds what was not emitted\n", i, path);
            free(age);
            return 1;
        }
    }
    qsort(age, (size_t)runs, sizeof(*age), compare);
    (void)unlink(path);
    (void)printf("%d kills, every file opened with a prefix of what was emitted\n", runs);
    (void)printf(
        "oldest sample lost: median %.1f ms, 95 %% %.1f ms, most %.1f ms; %d above 50 ms\n",
        age[runs / 2], age[runs * 95 / 100], age[runs - 1], late);
    (void)printf("slowest call of the session thread: %.1f us\n", slowest_us);
    free(age);
    return 0;
}
