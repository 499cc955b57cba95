/* Devices that are plugged in and pulled out at random while another one streams: a serial device
 * behind a pseudo terminal whose name is a symbolic link (another port every time), and one on
 * TCP. Nothing may leak, the steady device may lose nothing, every loss is named and every return
 * is used. How fast (goals: named within 250 ms, back within 300 ms) is printed, and judged only on
 * request: on a busy machine, or under a sanitizer, it says more about the machine.
 *
 *     stress_plug [EVENTS [--times]]
 */
#define _XOPEN_SOURCE 700 /* posix_openpt */
#include "acquire/hub.h"
#include "toy_device.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define DEVICES 3 /* serial, TCP, and the steady one */
#define STEADY 2
#define RATE_HZ 500
#define FRAME_NS (KL_NS_PER_S / RATE_HZ)
#define NAMED_NS INT64_C(250000000)
#define BACK_NS INT64_C(300000000)
#define GIVE_UP_NS INT64_C(60000000000) /* it hangs */

static const struct toy toy[DEVICES] = {
    {.stream_count = 1, .stream = {{"serial", RATE_HZ, 3, KL_FORMAT_INT16, 0}}},
    {.stream_count = 1, .stream = {{"tcp", RATE_HZ, 3, KL_FORMAT_INT16, 0}}},
    {.stream_count = 1, .stream = {{"steady", RATE_HZ, 3, KL_FORMAT_INT16, 0}}},
};

static int64_t now_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * KL_NS_PER_S + now.tv_nsec;
}

static void nap(int64_t ns)
{
    const struct timespec pause = {.tv_sec = (time_t)(ns / KL_NS_PER_S),
                                   .tv_nsec = (long)(ns % KL_NS_PER_S)};
    (void)nanosleep(&pause, NULL);
}

/* --------------------------------------------------------------- the devices */

/* The far end of a device: a thread that streams while a descriptor is plugged in. */
struct far_end {
    int number;
    pthread_t thread;
    pthread_mutex_t lock; /* guards fd */
    int fd;               /* -1: not plugged in */
    int listening;        /* TCP */
    char link[64];        /* serial: the name that leads to the terminal of today */
    atomic_bool stop;
    _Atomic uint64_t sent;
};

/* A device samples whether or not somebody listens; what nobody takes is lost. */
static void *stream(void *arg)
{
    struct far_end *end = arg;
    int64_t due_ns = now_ns();
    for (uint64_t i = 0; !atomic_load(&end->stop); i++) {
        uint8_t frame[TOY_FRAME_MAX];
        size_t len = toy_frame_write(&toy[end->number], 0, i, frame);
        (void)pthread_mutex_lock(&end->lock);
        if (end->fd >= 0) {
            ssize_t wrote = end->link[0] != '\0' ? write(end->fd, frame, len)
                                                 : send(end->fd, frame, len, MSG_NOSIGNAL);
            (void)atomic_fetch_add(&end->sent, wrote == (ssize_t)len);
        }
        (void)pthread_mutex_unlock(&end->lock);
        due_ns += FRAME_NS;
        int64_t left_ns = due_ns - now_ns();
        if (left_ns > 0) {
            nap(left_ns);
        }
    }
    return NULL;
}

static bool listen_somewhere(struct far_end *end, struct kl_link_choice *choice)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)},
                                  .sin_port =
                                      end->listening > 0 ? htons((uint16_t)end->listening) : 0};
    socklen_t len = sizeof(address);
    int on = 1;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, len) != 0 || listen(fd, 4) != 0 ||
        getsockname(fd, (struct sockaddr *)&address, &len) != 0) {
        perror("listen");
        return false;
    }
    (void)snprintf(choice->host, sizeof(choice->host), "127.0.0.1:%u", ntohs(address.sin_port));
    end->listening = fd;
    return true;
}

static void set_fd(struct far_end *end, int fd)
{
    (void)pthread_mutex_lock(&end->lock);
    int before = end->fd;
    end->fd = fd;
    (void)pthread_mutex_unlock(&end->lock);
    if (before >= 0) {
        (void)close(before);
    }
}

static bool plug_in(struct far_end *end)
{
    if (end->link[0] == '\0') {
        int fd = accept(end->listening, NULL, NULL); /* the hub keeps knocking */
        set_fd(end, fd);
        return fd >= 0;
    }
    int fd = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    (void)unlink(end->link);
    bool made = fd >= 0 && grantpt(fd) == 0 && unlockpt(fd) == 0;
    set_fd(end, fd);
    return made && symlink(ptsname(fd), end->link) == 0; /* NOLINT(concurrency-mt-unsafe) */
}

static void pull_out(struct far_end *end)
{
    if (end->link[0] != '\0') {
        (void)unlink(end->link);
    }
    set_fd(end, -1);
}

/* ------------------------------------------------------------------- the hub */

static const struct kl_link_need need[] = {{.kind = KL_LINK_SERIAL, .baud = 115200},
                                           {.kind = KL_LINK_TCP}};

struct session {
    struct kl_hub *hub;
    struct kl_source *source;
    pthread_t thread;
    /* by stream; written by the session thread, read after it was joined */
    uint64_t samples[DEVICES], gaps[DEVICES], lost[DEVICES], wrong;
};

static void *pull(void *arg)
{
    struct session *session = arg;
    int64_t last_ns[DEVICES] = {0};
    struct kl_item item;
    struct kl_fault fault;
    int answer;
    while ((answer = kl_source_next(session->source, 10000000, &item, &fault)) >= 0 &&
           answer != KL_SOURCE_END) {
        if (answer == KL_SOURCE_ITEM && item.kind == KL_ITEM_BLOCK) {
            size_t s = item.block.stream;
            for (size_t i = 0; i < item.block.count; i++) {
                session->samples[s]++;
                session->gaps[s] += (item.block.quality[i] & KL_QUALITY_GAP) != 0;
                session->wrong += item.block.t_ns[i] <= last_ns[s];
                last_ns[s] = item.block.t_ns[i];
            }
        } else if (answer == KL_SOURCE_ITEM && item.event.kind == KL_EVENT_LOST) {
            for (size_t s = 0; s < DEVICES; s++) {
                session->lost[s] += strcmp(item.event.text, toy[s].stream[0].name) == 0
                                        ? (uint64_t)item.event.value[0]
                                        : 0;
            }
        }
    }
    return NULL;
}

static size_t count_entries(const char *folder)
{
    DIR *entries = opendir(folder);
    size_t count = 0;
    while (entries != NULL && readdir(entries) != NULL) { /* NOLINT(concurrency-mt-unsafe) */
        count++;
    }
    if (entries != NULL) {
        (void)closedir(entries);
    }
    return count;
}

static uint64_t samples_of(struct kl_hub *hub, size_t d)
{
    struct kl_hub_device shown[DEVICES];
    (void)kl_hub_devices(hub, shown, DEVICES);
    return shown[d].samples;
}

/* @return how long it took until device d gave samples again, or was named as lost, as wanted;
 *  negative: never */
static int64_t wait_for(struct kl_hub *hub, size_t d, bool running)
{
    int64_t from_ns = now_ns();
    uint64_t before = samples_of(hub, d);
    for (;;) {
        struct kl_hub_device shown[DEVICES];
        (void)kl_hub_devices(hub, shown, DEVICES);
        bool seen = running ? shown[d].samples > before : shown[d].fault.text[0] != '\0';
        int64_t took_ns = now_ns() - from_ns;
        if (shown[d].running == running && seen) {
            return took_ns;
        }
        if (took_ns > GIVE_UP_NS) {
            (void)fprintf(stderr, "%s is %s after 60 s: %s\n", shown[d].name,
                          running ? "not back" : "not missed", shown[d].fault.text);
            return -1;
        }
        nap(1000000);
    }
}

struct times {
    int64_t worst_named_ns, worst_back_ns;
    bool ok;
};

static struct times plug_at_random(struct session *session, struct far_end *end, long events)
{
    struct times times = {.ok = true};
    uint64_t random = 88172645463325252ULL; /* xorshift64, any seed but 0 */
    for (long i = 0; i < events && times.ok; i++) {
        random ^= random << 13, random ^= random >> 7, random ^= random << 17;
        size_t d = random % 2;
        pull_out(&end[d]);
        int64_t named_ns = wait_for(session->hub, d, false);
        nap((int64_t)(random >> 32) % 10000000); /* away for up to 10 ms more */
        times.ok = named_ns >= 0 && plug_in(&end[d]);
        int64_t back_ns = wait_for(session->hub, d, true);
        times.ok = times.ok && back_ns >= 0;
        times.worst_named_ns = named_ns > times.worst_named_ns ? named_ns : times.worst_named_ns;
        times.worst_back_ns = back_ns > times.worst_back_ns ? back_ns : times.worst_back_ns;
    }
    return times;
}

static bool begin(struct session *session, struct far_end *end, struct kl_driver *driver)
{
    struct kl_fault fault = {.text = ""};
    session->hub = kl_hub_create();
    for (int d = 0; d < DEVICES; d++) {
        struct kl_link_choice choice = {.port = ""};
        end[d] = (struct far_end){.number = d, .fd = -1};
        (void)pthread_mutex_init(&end[d].lock, NULL);
        if (d == 0) {
            (void)snprintf(end[d].link, sizeof(end[d].link), "/dev/shm/kneelab-plug-%ld",
                           (long)getpid());
            memcpy(choice.port, end[d].link, sizeof(end[d].link));
            (void)plug_in(&end[d]);
        } else if (!listen_somewhere(&end[d], &choice)) {
            return false;
        }
        if (kl_hub_add_at(session->hub, toy[d].stream[0].name, driver, &toy[d], &choice, &fault) <
            0) {
            (void)fprintf(stderr, "%s\n", fault.text);
            return false;
        }
    }
    session->source = kl_hub_start(session->hub, false, 0, &fault);
    bool ok = session->source != NULL &&
              pthread_create(&session->thread, NULL, pull, session) == 0 && plug_in(&end[1]) &&
              plug_in(&end[STEADY]);
    for (int d = 0; ok && d < DEVICES; d++) {
        ok = pthread_create(&end[d].thread, NULL, stream, &end[d]) == 0 &&
             wait_for(session->hub, (size_t)d, true) >= 0;
    }
    return ok;
}

static void finish(struct session *session, struct far_end *end)
{
    for (int d = 0; d < DEVICES; d++) {
        atomic_store(&end[d].stop, true);
        (void)pthread_join(end[d].thread, NULL);
    }
    nap(200000000); /* what was sent last arrives */
    kl_hub_stop(session->hub);
    (void)pthread_join(session->thread, NULL);
}

static void *nothing(void *arg)
{
    return arg;
}

int main(int argc, char **argv)
{
    const long events = argc > 1 ? strtol(argv[1], NULL, 10) : 1000;
    const bool judge_times = argc > 2 && strcmp(argv[2], "--times") == 0;
    struct kl_driver driver = toy_framed;
    driver.need = need;
    driver.need_count = 2;
    static struct session session;
    static struct far_end end[DEVICES];
    pthread_t first; /* sanitizers start a thread of their own with the first one of ours */
    if (pthread_create(&first, NULL, nothing, NULL) != 0 || pthread_join(first, NULL) != 0) {
        return EXIT_FAILURE;
    }
    const size_t fds = count_entries("/proc/self/fd"), threads = count_entries("/proc/self/task");
    if (!begin(&session, end, &driver)) {
        return EXIT_FAILURE;
    }
    size_t fds_running = count_entries("/proc/self/fd");
    size_t threads_running = count_entries("/proc/self/task");
    struct times times = plug_at_random(&session, end, events);
    size_t fds_after = count_entries("/proc/self/fd");
    size_t threads_after = count_entries("/proc/self/task");
    finish(&session, end);
    struct kl_hub_device shown[DEVICES];
    (void)kl_hub_devices(session.hub, shown, DEVICES);
    kl_hub_destroy(session.hub);
    for (int d = 0; d < DEVICES; d++) {
        pull_out(&end[d]);
        (void)close(d > 0 ? end[d].listening : -1);
        (void)pthread_mutex_destroy(&end[d].lock);
    }
    uint64_t sent = atomic_load(&end[STEADY].sent);
    printf("%ld events: named within %.0f ms, back within %.0f ms at worst; connections %llu + "
           "%llu, gaps marked %llu + %llu\n"
           "steady: %llu of %llu samples, %llu lost; descriptors %zu -> %zu, threads %zu -> %zu\n",
           events, (double)times.worst_named_ns / 1e6, (double)times.worst_back_ns / 1e6,
           (unsigned long long)shown[0].connections, (unsigned long long)shown[1].connections,
           (unsigned long long)session.gaps[0], (unsigned long long)session.gaps[1],
           (unsigned long long)session.samples[STEADY], (unsigned long long)sent,
           (unsigned long long)shown[STEADY].lost, fds_running, fds_after, threads_running,
           threads_after);
    bool in_time =
        !judge_times || (times.worst_named_ns <= NAMED_NS && times.worst_back_ns <= BACK_NS);
    bool marked =
        session.gaps[0] + 1 == shown[0].connections && session.gaps[1] + 1 == shown[1].connections;
    bool ok = times.ok && in_time && marked && session.wrong == 0 &&
              session.samples[STEADY] == sent && shown[STEADY].lost == 0 &&
              shown[0].connections + shown[1].connections >= (uint64_t)events + 2 &&
              fds_after == fds_running && threads_after == threads_running &&
              count_entries("/proc/self/fd") == fds && count_entries("/proc/self/task") == threads;
    return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}
