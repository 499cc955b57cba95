/* What begins anew when a device is started again: framing, clock, counters; and that a driver may
 * ask for it itself, here over a real socket. */
#include "acquire/hub.h"
#include "acquire/hub_device.h"
#include "seen.h"
#include "toy_device.h"

#include <criterion/criterion.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define PER_CONNECTION 20
#define CONNECTIONS 3
#define ASKS_ANEW 0x55 /* stream number of a frame after which the driver trusts nothing */

static const struct toy toy = {.stream_count = 1, .stream = {{"a", 100, 3, KL_FORMAT_INT16, 0}}};

static int parse_asking(void *state, const uint8_t *frame, size_t len, struct kl_sample *out,
                        size_t cap)
{
    return frame[2] == ASKS_ANEW ? KL_ERR_GONE : toy_framed.parse(state, frame, len, out, cap);
}

static void send_all(int fd, const uint8_t *bytes, size_t len)
{
    cr_assert_eq(send(fd, bytes, len, MSG_NOSIGNAL), (ssize_t)len);
}

/* The frame that makes the driver ask: empty, with its sum. */
static const uint8_t asking[] = {0xa5, 7, ASKS_ANEW, 0, 0, 0, 0, 0x01, 0x56};

struct server {
    int listening;
    pthread_t thread;
};

/* Serves one connection after the other: frames, the one that makes the driver ask, good frames
 * that nobody may believe, and half a one. The device's clock begins anew each time, at 7 s. */
static void *serve(void *arg)
{
    const struct server *server = arg;
    for (uint64_t c = 0; c < CONNECTIONS; c++) {
        int fd = accept(server->listening, NULL, NULL);
        uint8_t frame[TOY_FRAME_MAX];
        size_t len = 0;
        for (uint64_t i = 0; i < PER_CONNECTION; i++) {
            len = toy_frame_write(&toy, 0, 700 + i, frame);
            send_all(fd, frame, len);
        }
        if (c + 1 < CONNECTIONS) {
            send_all(fd, asking, sizeof(asking));
            send_all(fd, frame, len);
            send_all(fd, frame, len / 2);
        }
        char nothing;
        (void)recv(fd, &nothing, 1, 0); /* until the other side closes */
        (void)close(fd);
    }
    return NULL;
}

static struct server open_server(struct kl_link_choice *choice)
{
    struct server server = {.listening = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof(address);
    cr_assert(bind(server.listening, (struct sockaddr *)&address, len) == 0 &&
              listen(server.listening, 1) == 0 &&
              getsockname(server.listening, (struct sockaddr *)&address, &len) == 0);
    (void)snprintf(choice->host, sizeof(choice->host), "127.0.0.1:%u", ntohs(address.sin_port));
    return server;
}

Test(hub, opens_and_starts_a_device_anew_when_its_driver_asks)
{
    static const struct kl_link_need need[] = {{.kind = KL_LINK_TCP, .tcp_port = 1}};
    struct kl_driver driver = toy_framed;
    struct kl_link_choice choice = {.port = ""};
    struct server server = open_server(&choice);
    struct kl_fault fault = {""};
    struct kl_hub *hub = kl_hub_create();
    driver.parse = parse_asking;
    driver.need = need;
    driver.need_count = 1;
    cr_assert_eq(pthread_create(&server.thread, NULL, serve, &server), 0);
    cr_assert_eq(kl_hub_add_at(hub, "toy", &driver, &toy, &choice, &fault), 0, "%s", fault.text);
    struct kl_source *source = kl_hub_start(hub, false, 0, &fault);
    cr_assert_not_null(source, "%s", fault.text);
    struct seen seen = seen_nothing();
    const struct timespec pause = {.tv_nsec = 1000000};
    struct kl_hub_device shown = {.samples = 0};
    for (int ms = 0; ms < 20000 && shown.samples < (uint64_t)CONNECTIONS * PER_CONNECTION; ms++) {
        struct kl_item item;
        int answer = kl_source_next(source, 1000000, &item, &fault);
        cr_assert(answer == KL_SOURCE_ITEM || answer == KL_SOURCE_IDLE);
        for (size_t i = 0;
             answer == KL_SOURCE_ITEM && item.kind == KL_ITEM_BLOCK && i < item.block.count;
             i++, seen.samples[0]++) {
            bool first = seen.samples[0] % PER_CONNECTION == 0 && seen.samples[0] > 0;
            uint32_t gap = item.block.quality[i] & (KL_QUALITY_GAP | KL_QUALITY_CHECKSUM);
            cr_expect_eq(gap, first ? KL_QUALITY_GAP : 0, "sample %d: %x", (int)seen.samples[0],
                         item.block.quality[i]);
            cr_expect_gt(item.block.t_ns[i], seen.last_ns[0], "sample %d", (int)seen.samples[0]);
            seen.last_ns[0] = item.block.t_ns[i];
        }
        (void)kl_hub_devices(hub, &shown, 1);
        (void)nanosleep(&pause, NULL);
    }
    cr_expect_eq(shown.samples, CONNECTIONS * PER_CONNECTION);
    cr_expect_eq(shown.connections, CONNECTIONS);
    cr_expect_eq(shown.frames, CONNECTIONS * PER_CONNECTION);
    cr_expect_geq(shown.lost, CONNECTIONS - 1);
    kl_hub_destroy(hub);
    (void)pthread_join(server.thread, NULL);
    (void)close(server.listening);
}

/* What a port hears of a device at another speed: bytes every 10 ms, and no frame in them. */
static int read_noise(struct kl_link *link, uint8_t *buf, size_t cap, int64_t wait_ns)
{
    const struct timespec pause = {.tv_nsec = 10000000};
    (void)link;
    (void)wait_ns;
    (void)nanosleep(&pause, NULL);
    memset(buf, 0x11, cap < 8 ? cap : 8);
    return cap < 8 ? (int)cap : 8;
}

static int write_nothing(struct kl_link *link, const uint8_t *buf, size_t len, int64_t wait_ns)
{
    (void)link;
    (void)buf;
    (void)wait_ns;
    return (int)len;
}

/* It was switched off and on behind its bridge, and has lost what it was set to. */
Test(hub, names_a_device_that_sends_bytes_without_samples_and_starts_it_anew)
{
    static const struct kl_link_ops ops = {.read = read_noise, .write = write_nothing};
    struct kl_link link = {.ops = &ops};
    struct kl_fault fault = {""};
    struct kl_hub *hub = kl_hub_create();
    cr_assert_eq(kl_hub_add_link(hub, "toy", &toy_framed, &toy, &link, &fault), 0, "%s",
                 fault.text);
    struct kl_source *source = kl_hub_start(hub, false, 0, &fault);
    cr_assert_not_null(source, "%s", fault.text);
    struct kl_hub_device shown = {.samples = 0};
    bool named = false, ran = false;
    for (int ms = 0; ms < 20000 && shown.connections < 2; ms++) {
        struct kl_item item;
        cr_assert_eq(kl_source_next(source, 1000000, &item, &fault), KL_SOURCE_IDLE);
        (void)kl_hub_devices(hub, &shown, 1);
        named |= strstr(shown.fault.text, "no data for 200 ms") != NULL;
        ran |= shown.running;
    }
    cr_expect(named);
    cr_expect_not(ran, "it gives nothing");
    cr_expect_eq(shown.connections, 2, "it is started anew");
    kl_hub_destroy(hub);
}
