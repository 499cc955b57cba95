/* Serial and TCP links against the other end of a pseudo terminal and of a local socket: the same
 * code that reads a port, without hardware. */
#define _XOPEN_SOURCE 700 /* posix_openpt */
#include "acquire/link.h"
#include "acquire/link_serial.h"
#include "acquire/link_tcp.h"

#include <criterion/criterion.h>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define SOON_NS INT64_C(2000000000) /* a wait that a working link never uses up */
#define NOW_NS INT64_C(1000000)

/* The far end of a link. */
struct far_end {
    int fd;
    struct kl_link *link;
};

static struct far_end open_pty(void)
{
    struct kl_fault fault = {.text = ""};
    struct far_end end = {.fd = posix_openpt(O_RDWR | O_NOCTTY)};
    cr_assert(end.fd >= 0 && grantpt(end.fd) == 0 && unlockpt(end.fd) == 0);
    cr_assert_eq(kl_serial_open("imu", ptsname(end.fd), 115200, &end.link, &fault), KL_OK, "%s",
                 fault.text);
    return end;
}

static int listen_somewhere(uint16_t *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    cr_assert(fd >= 0 && bind(fd, (struct sockaddr *)&address, len) == 0 && listen(fd, 1) == 0 &&
              getsockname(fd, (struct sockaddr *)&address, &len) == 0);
    *port = ntohs(address.sin_port);
    return fd;
}

static struct far_end open_tcp(void)
{
    struct kl_fault fault = {.text = ""};
    uint16_t port;
    int listening = listen_somewhere(&port);
    struct far_end end = {0};
    cr_assert_eq(kl_tcp_open("emg", "127.0.0.1", port, SOON_NS, &end.link, &fault), KL_OK, "%s",
                 fault.text);
    end.fd = accept(listening, NULL, NULL);
    cr_assert_geq(end.fd, 0);
    (void)close(listening);
    return end;
}

static struct far_end (*const open_link[])(void) = {open_pty, open_tcp};

Test(links, carry_every_byte_value_both_ways)
{
    uint8_t all[256], got[256];
    for (size_t i = 0; i < sizeof(all); i++) {
        all[i] = (uint8_t)i; /* 3, 4, 13, 17, 19, 26, 255: what a terminal would keep for itself */
    }
    for (size_t k = 0; k < COUNT(open_link); k++) {
        struct far_end end = open_link[k]();
        cr_assert_eq(write(end.fd, all, sizeof(all)), (ssize_t)sizeof(all));
        size_t count = 0;
        while (count < sizeof(got)) {
            int n = end.link->ops->read(end.link, got + count, sizeof(got) - count, SOON_NS);
            cr_assert_gt(n, 0, "row %zu", k);
            count += (size_t)n;
        }
        cr_expect_eq(memcmp(all, got, sizeof(all)), 0, "row %zu", k);
        cr_expect_eq(end.link->ops->write(end.link, all, sizeof(all), SOON_NS), (int)sizeof(all));
        memset(got, 0, sizeof(got));
        for (count = 0; count < sizeof(got);) {
            ssize_t n = read(end.fd, got + count, sizeof(got) - count);
            cr_assert_gt(n, 0, "row %zu", k);
            count += (size_t)n;
        }
        cr_expect_eq(memcmp(all, got, sizeof(all)), 0, "row %zu", k);
        kl_link_close(end.link);
        (void)close(end.fd);
    }
}

Test(links, give_nothing_in_time_and_say_when_the_device_is_gone)
{
    uint8_t got[16];
    for (size_t k = 0; k < COUNT(open_link); k++) {
        struct far_end end = open_link[k]();
        cr_expect_eq(end.link->ops->read(end.link, got, sizeof(got), NOW_NS), 0, "row %zu", k);
        cr_assert_eq(write(end.fd, "abc", 3), 3);
        cr_expect_gt(end.link->ops->read(end.link, got, sizeof(got), SOON_NS), 0, "row %zu", k);
        (void)close(end.fd);
        int answer;
        do { /* what was on the way may still come first */
            answer = end.link->ops->read(end.link, got, sizeof(got), SOON_NS);
        } while (answer > 0);
        cr_expect_eq(answer, KL_ERR_GONE, "row %zu", k);
        kl_link_close(end.link);
    }
}

Test(links, write_gives_up_when_nobody_reads)
{
    static uint8_t much[1 << 20];
    for (size_t k = 0; k < COUNT(open_link); k++) {
        struct far_end end = open_link[k]();
        int answer = KL_OK;
        for (int i = 0; i < 64 && answer >= 0; i++) { /* sockets hold a few MB */
            answer = end.link->ops->write(end.link, much, sizeof(much), NOW_NS);
        }
        cr_expect_eq(answer, KL_ERR_TIMEOUT, "row %zu", k);
        kl_link_close(end.link);
        (void)close(end.fd);
    }
}

Test(links, a_port_that_is_not_there_is_gone_and_is_named)
{
    struct kl_fault fault;
    struct kl_link *link = NULL;
    cr_expect_eq(kl_serial_open("imu", "/dev/no-such-port", 9600, &link, &fault), KL_ERR_GONE);
    cr_expect_str_eq(fault.text, "device imu: /dev/no-such-port is not there; plug it in");
    cr_expect_eq(kl_serial_open("imu", "/dev/null", 9600, &link, &fault), KL_ERR_IO);
    cr_expect(strstr(fault.text, "/dev/null cannot be opened") != NULL, "%s", fault.text);
    cr_expect_eq(kl_port_fault("imu", "/dev/ttyUSB0", 13 /* EACCES */, &fault), KL_ERR_IO);
    cr_expect(strstr(fault.text, "configs/60-kneelab.rules") != NULL, "%s", fault.text);
    cr_expect_null(link);
}

Test(links, a_host_is_a_name_an_address_or_either_with_a_port)
{
    static const struct {
        const char *legend, *host;
        bool with_port; /* the true one is appended */
        uint16_t port;  /* 1: the true one */
        int answer;
    } row[] = {
        {"address, port of the driver", "127.0.0.1", false, 1, KL_OK},
        {"address and port", "127.0.0.1:", true, 0, KL_OK},
        {"name and port", "localhost:", true, 0, KL_OK},
        {"no port at all", "127.0.0.1", false, 0, KL_ERR_RANGE},
        {"nothing", "", false, 1, KL_ERR_RANGE},
        {"a word as port", "127.0.0.1:http", false, 1, KL_ERR_RANGE},
        {"a port too high", "127.0.0.1:65536", false, 1, KL_ERR_RANGE},
        {"six digits", "127.0.0.1:000080", false, 1, KL_ERR_RANGE},
        {"brackets without an end", "[::1", false, 1, KL_ERR_GONE},
    };
    for (size_t i = 0; i < COUNT(row); i++) {
        uint16_t port;
        int listening = listen_somewhere(&port);
        char host[64];
        struct kl_link *link = NULL;
        struct kl_fault fault = {.text = ""};
        (void)snprintf(host, sizeof(host), row[i].with_port ? "%s%u" : "%s", row[i].host, port);
        int answer = kl_tcp_open("x", host, row[i].port == 1 ? port : 0, SOON_NS, &link, &fault);
        cr_expect_eq(answer, row[i].answer, "%s: %s", row[i].legend, fault.text);
        cr_expect_eq(link != NULL, row[i].answer == KL_OK, "%s", row[i].legend);
        kl_link_close(link);
        (void)close(listening);
    }
}

Test(links, nobody_listening_is_gone_at_once)
{
    uint16_t port;
    (void)close(listen_somewhere(&port));
    struct kl_link *link = NULL;
    struct kl_fault fault;
    cr_expect_eq(kl_tcp_open("emg", "127.0.0.1", port, SOON_NS, &link, &fault), KL_ERR_GONE);
    cr_expect(strstr(fault.text, "does not answer") != NULL, "%s", fault.text);
}

/* ---------------------------------------------------------------- by choice */

static const struct kl_link_need serial_need[] = {{.kind = KL_LINK_SERIAL, .baud = 115200}};
static const struct kl_link_need tcp_need[] = {{.kind = KL_LINK_TCP, .tcp_port = 4001}};
static const struct kl_driver serial_driver = {
    .name = "s", .label = "Serial Thing", .need = serial_need, .need_count = 1};
static const struct kl_driver tcp_driver = {
    .name = "t", .label = "Server Thing", .need = tcp_need, .need_count = 1};
static const struct kl_link_need usb_need[] = {{.kind = KL_LINK_USB, .stream_in = 0x81}};
static const struct kl_driver usb_driver = {
    .name = "u", .label = "USB Thing", .need = usb_need, .need_count = 1};

Test(links, a_choice_that_cannot_be_is_refused_and_says_why)
{
    static const struct {
        const char *legend;
        const struct kl_driver *driver;
        struct kl_link_choice choice;
        int answer;
        const char *says;
    } row[] = {
        {"a host for a USB device", &usb_driver, {.host = "a:1"}, KL_ERR_RANGE, "leave `host` out"},
        {"a host without port for a serial device",
         &serial_driver,
         {.host = "localhost"},
         KL_ERR_RANGE,
         "with its port"},
        {"a serial port for a USB device",
         &usb_driver,
         {.port = "/dev/ttyUSB0"},
         KL_ERR_RANGE,
         "leave `port` out"},
        {"a USB socket for a serial device",
         &serial_driver,
         {.port = "usb:1-1"},
         KL_ERR_RANGE,
         "leave `port` out"},
        {"nothing said and no USB ids",
         &serial_driver,
         {.port = ""},
         KL_ERR_RANGE,
         "say `port`, `serial_number` or `host`"},
        {"a server without host", &tcp_driver, {.port = ""}, KL_ERR_RANGE, "say `port`"},
        {"a serial number nobody has",
         &serial_driver,
         {.serial_number = "kl-no-such"},
         KL_ERR_GONE,
         "no Serial Thing with serial number kl-no-such"},
    };
    for (size_t i = 0; i < COUNT(row); i++) {
        struct kl_link_found found = {.where = ""};
        struct kl_link *link = NULL;
        struct kl_fault fault = {.text = ""};
        int answer = kl_link_open("x", row[i].driver, &row[i].choice, &found, &link, &fault);
        cr_expect_eq(answer, row[i].answer, "%s: %d %s", row[i].legend, answer, fault.text);
        cr_expect(strstr(fault.text, row[i].says) != NULL, "%s: %s", row[i].legend, fault.text);
        cr_expect_null(link);
        cr_expect_str_eq(found.where, "");
    }
}

Test(links, a_serial_device_may_hang_on_a_network)
{
    uint16_t port;
    int listening = listen_somewhere(&port);
    struct kl_link_choice choice = {.port = ""};
    (void)snprintf(choice.host, sizeof(choice.host), "127.0.0.1:%u", port);
    struct kl_link_found found = {.where = ""};
    struct kl_link *link = NULL;
    struct kl_fault fault = {.text = ""};
    cr_expect_eq(kl_link_open("x", &serial_driver, &choice, &found, &link, &fault), KL_OK, "%s",
                 fault.text);
    cr_expect_str_eq(found.where, choice.host);
    kl_link_close(link);
    (void)close(listening);
}

/* -------------------------------------------------------------------- identify */

/* A port whose device answers at one speed only. */
struct at_speed {
    struct kl_link link;
    unsigned now, right;
    unsigned tried[8];
    size_t count;
};

static int change_speed(struct kl_link *link, unsigned baud)
{
    struct at_speed *self = (struct at_speed *)link;
    if (baud == 921600) {
        return KL_ERR_UNSUPPORTED; /* by this bridge */
    }
    self->now = baud;
    return KL_OK;
}

static int who_is_there(struct kl_link *link, char *out, size_t len)
{
    struct at_speed *self = (struct at_speed *)link;
    self->tried[self->count++] = self->now;
    if (self->now != self->right) {
        return self->now < self->right ? KL_ERR_TIMEOUT : KL_ERR_DATA;
    }
    (void)snprintf(out, len, "IMU 7");
    return KL_OK;
}

Test(links, a_device_is_asked_at_every_speed_its_driver_knows)
{
    static const unsigned speed[] = {921600, 115200, 57600, 9600, 0};
    static const struct kl_link_need need[] = {
        {.kind = KL_LINK_SERIAL, .baud = 115200, .speed = speed}};
    static const struct kl_driver driver = {
        .name = "asked", .need = need, .need_count = 1, .identify = who_is_there};
    static const struct kl_link_ops can = {.set_baud = change_speed}, cannot = {.read = NULL};
    static const struct {
        const char *legend;
        const struct kl_link_ops *ops;
        unsigned right, named;
        int status;
        const char *text;
        size_t asked;
        unsigned left_at;
    } row[] = {
        {"at the first", &can, 115200, 0, KL_OK, "IMU 7", 1, 115200},
        {"at another", &can, 57600, 0, KL_OK, "IMU 7, at 57600 baud", 2, 57600},
        {"at the last", &can, 9600, 0, KL_OK, "IMU 7, at 9600 baud", 3, 9600},
        {"nobody: back to the first", &can, 4800, 0, KL_ERR_DATA, "", 3, 115200},
        {"the lab file names one", &can, 9600, 115200, KL_ERR_DATA, "", 1, 115200},
        {"a port without speeds", &cannot, 9600, 0, KL_ERR_DATA, "", 1, 115200},
    };
    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        struct at_speed port = {.link = {.ops = row[i].ops}, .now = 115200, .right = row[i].right};
        char text[40] = "";
        cr_expect_eq(kl_link_identify(&port.link, &driver, row[i].named, text, sizeof(text)),
                     row[i].status, "%s", row[i].legend);
        cr_expect_str_eq(text, row[i].text, "%s", row[i].legend);
        cr_expect_eq(port.count, row[i].asked, "%s: asked %zu times", row[i].legend, port.count);
        cr_expect_eq(port.now, row[i].left_at, "%s", row[i].legend);
    }
}
