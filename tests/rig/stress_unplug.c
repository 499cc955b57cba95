/* SO_DOMAIN */
// NOLINTNEXTLINE(bugprone-reserved-identifier,readability-identifier-naming)
#define _GNU_SOURCE
/* Real drivers on real cables, pulled out and plugged in at random, several at a time, at the same
 * port or another. The host is a process of its own (this program with --host): the hub as the
 * program wires it from a lab file, with a recording. Others lose nothing, every gap is marked,
 * every return is used, nothing leaks. How fast is printed, and judged with --times: named within
 * 250 ms, back within 300 ms.
 *
 *     stress_unplug [EVENTS [--times]]
 */
#include "acquire/hub.h"
#include "acquire/recorder.h"
#include "app/lab.h"
#include "record_device.h"
#include "rig_lab.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define NAMED_NS INT64_C(250000000)
#define BACK_NS INT64_C(300000000)
#define GIVE_UP_NS INT64_C(60000000000) /* it hangs */
#define RECORDED_EVENTS 2000            /* more are not recorded: the file would fill the disk */
#define AWAY_MAX_NS INT64_C(60000000)
#define PRESENT_MAX_NS INT64_C(200000000)
#define DESCRIPTORS_MAX 1024 /* the usual limit of a process */
#define SETTLE_NS INT64_C(2000000000)

/* ------------------------------------------------------------------ the host */

/* What the host tells; one page shared by both processes. */
struct window {
    _Atomic bool stop, ready;
    _Atomic uint64_t samples[RIG_MEMBERS_MAX], lost[RIG_MEMBERS_MAX], connections[RIG_MEMBERS_MAX];
    _Atomic bool running[RIG_MEMBERS_MAX], faulty[RIG_MEMBERS_MAX];
    _Atomic int64_t named_ns[RIG_MEMBERS_MAX]; /* when it was last named as lost... */
    _Atomic int64_t back_ns[RIG_MEMBERS_MAX];  /* ... and when its first sample came after that */
    _Atomic uint64_t backwards;                /* time stamps that do not increase */
    _Atomic uint64_t descriptors, threads, rss_kib, looked;
};

static struct window *open_window(const char *path, bool create)
{
    int fd = open(path, O_RDWR | O_CLOEXEC | (create ? O_CREAT : 0), 0600);
    if (fd < 0 || (create && ftruncate(fd, sizeof(struct window)) != 0)) {
        perror(path);
        exit(EXIT_FAILURE);
    }
    void *window = mmap(NULL, sizeof(struct window), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    (void)close(fd);
    if (window == MAP_FAILED) {
        perror(path);
        exit(EXIT_FAILURE);
    }
    return window;
}

static uint64_t count_entries(const char *folder)
{
    DIR *entries = opendir(folder);
    uint64_t count = 0;
    while (entries != NULL && readdir(entries) != NULL) { // NOLINT(concurrency-mt-unsafe)
        count++;
    }
    if (entries != NULL) {
        (void)closedir(entries);
    }
    return count;
}

/* Descriptors of the program. Not counted: UNIX sockets, of which it has none; umockdev keeps one
 * beside each open node and forgets one now and then, when a node vanishes while it is opened. */
static uint64_t count_descriptors(void)
{
    uint64_t count = 0;
    for (int fd = 0; fd < DESCRIPTORS_MAX; fd++) {
        int domain = 0;
        socklen_t len = sizeof(domain);
        bool is_open = fcntl(fd, F_GETFD) >= 0;
        bool is_unix = is_open && getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) == 0 &&
                       domain == AF_UNIX;
        count += is_open && !is_unix;
    }
    return count;
}

static uint64_t rss_kib(void)
{
    long pages = 0, resident = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (file != NULL && fscanf(file, "%ld %ld", &pages, &resident) != 2) { // NOLINT(cert-err34-c)
        resident = 0;
    }
    if (file != NULL) {
        (void)fclose(file);
    }
    return (uint64_t)resident * (uint64_t)sysconf(_SC_PAGESIZE) / 1024;
}

static void publish(struct window *window, struct kl_hub *hub)
{
    struct kl_hub_device shown[RIG_MEMBERS_MAX];
    static bool away[RIG_MEMBERS_MAX];
    static uint64_t before[RIG_MEMBERS_MAX]; /* samples when it was named */
    size_t count = kl_hub_devices(hub, shown, RIG_MEMBERS_MAX);
    int64_t now_ns = rig_now_ns();
    for (size_t d = 0; d < count; d++) {
        bool faulty = shown[d].fault.text[0] != '\0';
        if (!away[d] && faulty && !shown[d].running) {
            away[d] = true;
            before[d] = shown[d].samples;
            window->named_ns[d] = now_ns;
        } else if (away[d] && shown[d].running && shown[d].samples > before[d]) {
            away[d] = false;
            window->back_ns[d] = now_ns;
        }
        window->samples[d] = shown[d].samples;
        window->lost[d] = shown[d].lost;
        window->connections[d] = shown[d].connections;
        window->faulty[d] = faulty;
        window->running[d] = shown[d].running;
    }
}

static void look_at_self(struct window *window)
{
    window->descriptors = count_descriptors();
    window->threads = count_entries("/proc/self/task");
    window->rss_kib = rss_kib();
    window->looked++;
}

static void take(struct window *window, const struct kl_item *item)
{
    static int64_t last_ns[KL_STREAMS_MAX];
    if (item->kind != KL_ITEM_BLOCK) {
        return;
    }
    for (size_t i = 0; i < item->block.count; i++) {
        window->backwards += item->block.t_ns[i] <= last_ns[item->block.stream];
        last_ns[item->block.stream] = item->block.t_ns[i];
    }
}

static int host(const char *lab_path, const char *window_path, const char *session)
{
    static struct kl_lab lab;
    struct kl_fault fault = {.text = ""};
    struct window *window = open_window(window_path, false);
    struct kl_hub *hub = kl_hub_create();
    if (kl_lab_load(lab_path, &lab, &fault) != KL_OK || kl_lab_plug(&lab, hub, &fault) != KL_OK) {
        (void)fprintf(stderr, "%s\n", fault.text);
        return EXIT_FAILURE;
    }
    struct kl_source *source = kl_hub_start(hub, false, 0, &fault);
    struct kl_recorder *recorder =
        source != NULL && session != NULL
            ? kl_recorder_open(session, source->stream, source->stream_count, 0, &fault)
            : NULL;
    if (source == NULL || (session != NULL && recorder == NULL)) {
        (void)fprintf(stderr, "%s\n", fault.text);
        return EXIT_FAILURE;
    }
    struct kl_item item;
    int answer = KL_SOURCE_IDLE;
    int64_t published_ns = 0, looked_ns = 0;
    while (answer >= 0 && answer != KL_SOURCE_END) {
        answer = kl_source_next(source, 1000000, &item, &fault);
        if (answer == KL_SOURCE_ITEM) {
            take(window, &item);
            if (recorder != NULL) {
                (void)kl_recorder_item(recorder, &item);
            }
        }
        int64_t now_ns = rig_now_ns();
        if (now_ns - published_ns >= 1000000) {
            published_ns = now_ns;
            publish(window, hub);
        }
        if (now_ns - looked_ns >= KL_NS_PER_S / 2) {
            looked_ns = now_ns;
            look_at_self(window);
        }
        if (window->stop) {
            kl_hub_stop(hub);
        }
        window->ready = true;
    }
    publish(window, hub);
    int status = recorder != NULL ? kl_recorder_close(recorder, &fault) : KL_OK;
    kl_hub_destroy(hub);
    kl_lab_free(&lab);
    return status == KL_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* For whoever looks for a leak: what is open in a process. */
static void print_descriptors(pid_t pid)
{
    char folder[64], path[320], target[256];
    (void)snprintf(folder, sizeof(folder), "/proc/%ld/fd", (long)pid);
    DIR *entries = opendir(folder);
    const struct dirent *entry;
    while (entries != NULL && (entry = readdir(entries)) != NULL) { // NOLINT(concurrency-mt-unsafe)
        (void)snprintf(path, sizeof(path), "%s/%.200s", folder, entry->d_name);
        ssize_t len = readlink(path, target, sizeof(target) - 1);
        if (len > 0) {
            (void)fprintf(stderr, "  %s: %.*s\n", entry->d_name, (int)len, target);
        }
    }
    if (entries != NULL) {
        (void)closedir(entries);
    }
}

/* -------------------------------------------------------------- the far ends */

struct event_times {
    int64_t worst_ns;
    uint64_t count, late;
    double sum_ns;
};

struct plug {
    enum { PRESENT = 0, PULLED, AWAY, RETURNING, STEADY } state;
    int64_t since_ns, until_ns;
    uint64_t samples_before, connections_before;
    unsigned pulls;
    int64_t named_worst_ns, back_worst_ns;
};

/* The host itself notes when; the far end may be busy with another cable then. A device that was
 * back before the system had told of it all took no time. */
static void note(struct event_times *times, int64_t took_ns, int64_t goal_ns, int64_t *worst_ns)
{
    took_ns = took_ns > 0 ? took_ns : 0;
    *worst_ns = took_ns > *worst_ns ? took_ns : *worst_ns;
    times->worst_ns = took_ns > times->worst_ns ? took_ns : times->worst_ns;
    times->sum_ns += (double)took_ns;
    times->late += took_ns > goal_ns;
    times->count++;
}

/* A port that is free: above those of all members. */
static unsigned another_port(const struct rig_lab *lab, uint64_t *random)
{
    for (;;) {
        unsigned number = (unsigned)(rig_random(random) % (3 * lab->count));
        bool free = true;
        for (size_t i = 0; i < lab->count; i++) {
            free &= lab->member[i].device.number != number;
        }
        if (free) {
            return number;
        }
    }
}

struct stress {
    struct rig_lab *lab;
    struct window *window;
    struct plug plug[RIG_MEMBERS_MAX];
    struct event_times named, back;
    long events, wanted;
    uint64_t random;
    bool hangs;
};

static void pull(struct stress *stress, size_t d)
{
    stress->events++;
    stress->plug[d].pulls++;
    stress->plug[d].state = PULLED;
    stress->plug[d].connections_before = stress->window->connections[d];
    stress->plug[d].since_ns = rig_now_ns();
    rig_pull(&stress->lab->member[d].device);
}

static void put_back(struct stress *stress, size_t d)
{
    struct rig_device *device = &stress->lab->member[d].device;
    if (rig_random(&stress->random) % 2 == 0 && device->kind != KL_LINK_TCP) {
        rig_move(device, another_port(stress->lab, &stress->random));
    }
    stress->plug[d].state = RETURNING;
    stress->plug[d].samples_before = stress->window->samples[d];
    rig_plug(device);
    stress->plug[d].since_ns = rig_now_ns(); /* it is there when the system shows it */
}

/* @return whether the device is where it shall be in the end */
static bool step(struct stress *stress, size_t d)
{
    struct plug *plug = &stress->plug[d];
    int64_t now_ns = rig_now_ns();
    switch (plug->state) {
    case STEADY:
        return true;
    case PRESENT:
        if (stress->events < stress->wanted && now_ns >= plug->until_ns) {
            pull(stress, d);
        }
        return true;
    case PULLED:
        if (stress->window->faulty[d] && !stress->window->running[d]) {
            note(&stress->named, stress->window->named_ns[d] - plug->since_ns, NAMED_NS,
                 &plug->named_worst_ns);
            plug->state = AWAY;
            plug->until_ns = now_ns + (int64_t)(rig_random(&stress->random) % AWAY_MAX_NS);
        }
        break;
    case AWAY:
        if (now_ns >= plug->until_ns) {
            put_back(stress, d);
            return false;
        }
        plug->since_ns = now_ns;
        break;
    case RETURNING:
        if (stress->window->running[d] && stress->window->samples[d] > plug->samples_before) {
            note(&stress->back, stress->window->back_ns[d] - plug->since_ns, BACK_NS,
                 &plug->back_worst_ns);
            plug->state = PRESENT;
            plug->until_ns = now_ns + (int64_t)(rig_random(&stress->random) % PRESENT_MAX_NS);
        }
        break;
    }
    if (now_ns - plug->since_ns > GIVE_UP_NS) {
        (void)fprintf(stderr, "%s (%s) hangs in state %d\n", stress->lab->member[d].name,
                      stress->lab->member[d].emulated->driver, (int)plug->state);
        stress->hangs = true;
    }
    return false;
}

static void nap(int64_t ns)
{
    const struct timespec pause = {.tv_sec = (time_t)(ns / KL_NS_PER_S),
                                   .tv_nsec = (long)(ns % KL_NS_PER_S)};
    (void)nanosleep(&pause, NULL);
}

static bool wait_for_all(struct stress *stress)
{
    for (int64_t until_ns = rig_now_ns() + GIVE_UP_NS; rig_now_ns() < until_ns;) {
        bool all = stress->window->ready;
        for (size_t d = 0; d < stress->lab->count; d++) {
            all = all && stress->window->running[d] && stress->window->samples[d] > 0;
        }
        if (all) {
            return true;
        }
        nap(10000000);
    }
    for (size_t d = 0; d < stress->lab->count; d++) {
        (void)fprintf(stderr, "%s (%s): running %d, samples %llu\n", stress->lab->member[d].name,
                      stress->lab->member[d].emulated->driver, (int)stress->window->running[d],
                      (unsigned long long)stress->window->samples[d]);
    }
    return false;
}

static void plug_at_random(struct stress *stress)
{
    for (bool settled = false; !stress->hangs && !(settled && stress->events >= stress->wanted);) {
        settled = true;
        for (size_t d = 0; d < stress->lab->count; d++) {
            settled &= step(stress, d);
        }
        nap(1000000);
    }
}

static void fill(struct rig_lab *lab, struct stress *stress)
{
    const struct rig_delivery delivery = {.burst_min_ns = 1000000, .burst_max_ns = 10000000};
    static const char *const pulled[] = {
        "labjack_u6", "mcc_usb1608fs_plus", "vectornav",        "xsens_mti",
        "ximu3",      "load_cells_timed",   "vernier_go_direct"};
    static const char *const place[] = {"shank.left", "shank.right", "thigh.left", "thigh.right",
                                        "foot.left",  "foot.right",  "pelvis"};
    for (size_t i = 0; i < sizeof(pulled) / sizeof(pulled[0]); i++) {
        const struct emulated_device *emulated = emulators_find(pulled[i]);
        (void)rig_lab_add(lab, pulled[i], KL_LINK_NONE,
                          emulated->config.placement[0] != '\0' ? place[i] : "", delivery);
    }
    (void)rig_lab_add_emulated(lab, &record_imu_1k, KL_LINK_TCP, "", delivery);
    size_t steady = lab->count;
    (void)rig_lab_add_emulated(lab, &record_imu_1k, KL_LINK_TCP, "", delivery);
    (void)rig_lab_add_emulated(lab, &record_imu_1k, KL_LINK_SERIAL, "", delivery);
    (void)rig_lab_add(lab, "mcc_usb1608fs_plus", KL_LINK_NONE, "", delivery);
    for (size_t d = 0; d < lab->count; d++) {
        rig_add(lab->rig, &lab->member[d].device);
        stress->plug[d].state = d < steady ? PRESENT : STEADY;
    }
}

static bool judge_streams(const struct stress *stress, const char *session)
{
    static struct rig_account account;
    if (!rig_lab_account(stress->lab, session, &account)) {
        return false;
    }
    rig_lab_print(stress->lab, &account);
    bool ok = true;
    for (size_t s = 0; s < account.count; s++) {
        const struct rig_stream_account *stream = &account.stream[s];
        size_t d = account.member_of[s];
        bool right = stream->alien == 0 && stream->missing_unmarked == 0;
        if (stress->plug[d].state == STEADY) {
            right = right && stream->missing == 0 && stream->gaps == 0 && stream->told == 0 &&
                    stream->recorded == stream->last - stream->first + 1;
        } else {
            /* one mark for each return, unless it was pulled again before this stream's first */
            right = right && stream->gaps + 1 <= stress->window->connections[d];
        }
        if (!right && rig_lab_fell_behind(&stress->lab->member[d])) {
            (void)printf("%s is not judged: the mocked USB bus fell behind, its device ran over\n",
                         stream->name);
        } else if (!right && strncmp(stream->name, "sync", 4) != 0) {
            (void)fprintf(stderr, "wrong: %s: %llu connections\n", stream->name,
                          (unsigned long long)stress->window->connections[d]);
            ok = false;
        }
    }
    return ok;
}

static pid_t start_host(const struct rig_lab *lab, char *self, char *window, char *session)
{
    static char host_word[] = "--host";
    char lab_path[96];
    (void)snprintf(lab_path, sizeof(lab_path), "%s", rig_lab_write(lab));
    char *const arguments[] = {self, host_word, lab_path, window, session, NULL};
    return rig_lab_spawn(self, arguments, NULL);
}

static void print_times(const char *what, const struct event_times *times, int64_t goal_ns)
{
    (void)printf("%s: mean %.0f ms, worst %.0f ms, %llu of %llu later than %.0f ms\n", what,
                 times->count > 0 ? times->sum_ns / (double)times->count / 1e6 : 0,
                 (double)times->worst_ns / 1e6, (unsigned long long)times->late,
                 (unsigned long long)times->count, (double)goal_ns / 1e6);
}

int main(int argc, char **argv)
{
    if (argc > 3 && strcmp(argv[1], "--host") == 0) {
        return host(argv[2], argv[3], argc > 4 ? argv[4] : NULL);
    }
    static struct rig rig;
    static struct rig_lab lab;
    static struct stress stress;
    char window_path[96], session[96];
    const bool judge_times = argc > 2 && strcmp(argv[2], "--times") == 0;
    stress = (struct stress){.lab = &lab, .random = 88172645463325252ULL};
    stress.wanted = argc > 1 ? strtol(argv[1], NULL, 10) : 1000;
    const bool recorded = stress.wanted <= RECORDED_EVENTS;
    rig_start(&rig);
    rig_lab_begin(&lab, &rig);
    lab.power_cycles = true;
    (void)snprintf(window_path, sizeof(window_path), "%s/window", lab.folder);
    (void)snprintf(session, sizeof(session), "%s/session.xdf", lab.folder);
    stress.window = open_window(window_path, true);
    fill(&lab, &stress);
    pid_t pid = start_host(&lab, argv[0], window_path, recorded ? session : NULL);
    bool ok = wait_for_all(&stress);
    nap(SETTLE_NS);
    rig_lab_see(&lab, 0);
    uint64_t descriptors = stress.window->descriptors, threads = stress.window->threads;
    uint64_t rss = stress.window->rss_kib;
    int64_t begin_ns = rig_now_ns();
    if (ok) {
        plug_at_random(&stress);
    }
    double took_s = kl_seconds(rig_now_ns() - begin_ns);
    ok = ok && !stress.hangs && wait_for_all(&stress);
    nap(SETTLE_NS);
    uint64_t descriptors_after = stress.window->descriptors;
    uint64_t threads_after = stress.window->threads, rss_after = stress.window->rss_kib;
    if (descriptors_after > descriptors) {
        print_descriptors(pid);
    }
    stress.window->stop = true;
    int status = -1;
    ok = waitpid(pid, &status, 0) == pid && status == 0 && ok;
    (void)printf("%ld events in %.1f s; descriptors %llu -> %llu, threads %llu -> %llu, %llu -> "
                 "%llu KiB; status %d\n",
                 stress.events, took_s, (unsigned long long)descriptors,
                 (unsigned long long)descriptors_after, (unsigned long long)threads,
                 (unsigned long long)threads_after, (unsigned long long)rss,
                 (unsigned long long)rss_after, status);
    print_times("named", &stress.named, NAMED_NS);
    print_times("back", &stress.back, BACK_NS);
    for (size_t d = 0; d < lab.count; d++) {
        (void)printf("  %s %-20s pulled %u, connections %llu, lost %llu, named in %.0f ms "
                     "and back in %.0f ms at worst\n",
                     lab.member[d].name, lab.member[d].emulated->driver, stress.plug[d].pulls,
                     (unsigned long long)stress.window->connections[d],
                     (unsigned long long)stress.window->lost[d],
                     (double)stress.plug[d].named_worst_ns / 1e6,
                     (double)stress.plug[d].back_worst_ns / 1e6);
        ok = ok && (stress.plug[d].state != STEADY || stress.window->lost[d] == 0);
    }
    ok = ok && stress.window->backwards == 0 && descriptors_after <= descriptors &&
         threads_after <= threads && rss_after <= rss + 8192;
    ok = (!recorded || judge_streams(&stress, session)) && ok;
    ok = ok && (!judge_times || (stress.named.late == 0 && stress.back.late == 0));
    (void)unlink(window_path);
    rig_stop(&rig);
    rig_lab_end(&lab);
    return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}
