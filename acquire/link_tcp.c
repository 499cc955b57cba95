#include "acquire/link_tcp.h"

#include "acquire/link_fd.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define HOST_MAX 96
#define KEEP_ALIVE_S 1 /* silence before the peer is asked, and between questions */
#define KEEP_ALIVE_COUNT 2
#define PORT_DIGITS_MAX 5

#define BESIDE_MAX 4

struct tcp {
    struct kl_link link;
    int fd;
    char host[HOST_MAX];                /* without its port */
    struct kl_link *beside[BESIDE_MAX]; /* to other ports of the host */
    uint16_t beside_port[BESIDE_MAX];
    size_t beside_count;
};

static int tcp_read(struct kl_link *link, uint8_t *buf, size_t cap, int64_t wait_ns)
{
    return kl_fd_read(((struct tcp *)link)->fd, buf, cap, wait_ns);
}

static int tcp_write(struct kl_link *link, const uint8_t *buf, size_t len, int64_t wait_ns)
{
    return kl_fd_write(((struct tcp *)link)->fd, true, buf, len, wait_ns);
}

static struct kl_link *tcp_beside(struct kl_link *link, uint16_t tcp_port, int64_t wait_ns)
{
    struct tcp *tcp = (struct tcp *)link;
    for (size_t i = 0; i < tcp->beside_count; i++) {
        if (tcp->beside_port[i] == tcp_port) {
            return tcp->beside[i];
        }
    }
    char host[HOST_MAX + 2];
    struct kl_link *opened = NULL;
    bool bare = strchr(tcp->host, ':') != NULL; /* an IPv6 address: in brackets, ports follow */
    (void)snprintf(host, sizeof(host), bare ? "[%s]" : "%s", tcp->host);
    if (tcp->beside_count == BESIDE_MAX ||
        kl_tcp_open("", host, tcp_port, wait_ns, &opened, NULL) != KL_OK) {
        return NULL;
    }
    tcp->beside_port[tcp->beside_count] = tcp_port;
    tcp->beside[tcp->beside_count++] = opened;
    return opened;
}

static void close_one(struct kl_link *link)
{
    (void)close(((struct tcp *)link)->fd);
    free(link);
}

static void tcp_close(struct kl_link *link)
{
    struct tcp *tcp = (struct tcp *)link;
    for (size_t i = 0; i < tcp->beside_count; i++) {
        close_one(tcp->beside[i]); /* nobody asked these for one beside them */
    }
    close_one(link);
}

/* "name:4001", "[::1]:4001", "::1", "name". @return false when it is none of these */
static bool split(const char *text, uint16_t port, char host[HOST_MAX], char service[8])
{
    size_t len = strlen(text);
    const char *colon = strrchr(text, ':');
    const char *bracket = strrchr(text, ']');
    bool has_port =
        colon != NULL && (bracket != NULL ? colon > bracket : strchr(text, ':') == colon);
    size_t name_len = has_port ? (size_t)(colon - text) : len;
    if (text[0] == '[' && bracket != NULL && bracket + 1 == text + name_len) {
        text++;
        name_len -= 2;
    }
    if (name_len == 0 || name_len >= HOST_MAX) {
        return false;
    }
    (void)snprintf(host, HOST_MAX, "%.*s", (int)name_len, text);
    if (!has_port) {
        (void)snprintf(service, 8, "%u", port);
        return port != 0;
    }
    size_t digits = strspn(colon + 1, "0123456789");
    if (digits == 0 || digits > PORT_DIGITS_MAX || colon[1 + digits] != '\0' ||
        strtol(colon + 1, NULL, 10) > UINT16_MAX) {
        return false;
    }
    (void)snprintf(service, 8, "%s", colon + 1);
    return true;
}

static void tune(int fd)
{
    const int on = 1, seconds = KEEP_ALIVE_S, count = KEEP_ALIVE_COUNT;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    (void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
    (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &seconds, sizeof(seconds));
    (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &seconds, sizeof(seconds));
    (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &count, sizeof(count));
}

/* @return a connected socket, or -1 with errno */
static int connect_to(const struct addrinfo *address, int64_t wait_ns)
{
    int fd = socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return -1;
    }
    int error = connect(fd, address->ai_addr, address->ai_addrlen) == 0 ? 0 : errno;
    if (error == EINPROGRESS) {
        socklen_t len = sizeof(error);
        if (!kl_fd_wait(fd, POLLOUT, wait_ns)) {
            error = ETIMEDOUT;
        } else if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0) {
            error = errno;
        }
    }
    if (error != 0) {
        (void)close(fd);
        errno = error;
        return -1;
    }
    tune(fd);
    return fd;
}

int kl_tcp_open(const char *device, const char *host, uint16_t port, int64_t wait_ns,
                struct kl_link **out, struct kl_fault *fault)
{
    static const struct kl_link_ops ops = {
        .read = tcp_read, .write = tcp_write, .beside = tcp_beside, .close = tcp_close};
    char name[HOST_MAX], service[8];
    if (!split(host, port, name, service)) {
        return kl_fault(fault, KL_ERR_RANGE,
                        "device %s: host \"%s\"; expected a name or address%s, such as "
                        "192.168.1.7:4001",
                        device, host, port == 0 ? " with its port" : " with or without a port");
    }
    const struct addrinfo hint = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    struct addrinfo *list = NULL;
    int unknown = getaddrinfo(name, service, &hint, &list);
    if (unknown != 0) {
        return kl_fault(fault, KL_ERR_GONE, "device %s: no address for host %s: %s", device, name,
                        gai_strerror(unknown));
    }
    int fd = -1;
    for (const struct addrinfo *a = list; a != NULL && fd < 0; a = a->ai_next) {
        fd = connect_to(a, wait_ns);
    }
    int error = errno;
    freeaddrinfo(list);
    if (fd < 0) {
        return kl_fault(fault, KL_ERR_GONE,
                        "device %s: %s port %s does not answer: %s; is it switched on, in this "
                        "network, and its server program running?",
                        device, name, service, strerror(error));
    }
    struct tcp *tcp = calloc(1, sizeof(*tcp));
    if (tcp == NULL) {
        (void)close(fd);
        return kl_fault(fault, KL_ERR_MEM, "device %s: out of memory", device);
    }
    *tcp = (struct tcp){.link = {.ops = &ops}, .fd = fd};
    memcpy(tcp->host, name, sizeof(tcp->host));
    *out = &tcp->link;
    return KL_OK;
}
