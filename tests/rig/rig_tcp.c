/* Devices that are servers: a socket on an address of the loopback net of their own. */
#include "rig.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

void rig_tcp_plug(struct rig_device *device)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(device->tcp_port)};
    int on = 1;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 || inet_pton(AF_INET, device->address, &address.sin_addr) != 1 ||
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0 ||
        bind(fd, (struct sockaddr *)&address, sizeof(address)) != 0 || listen(fd, 4) != 0) {
        (void)fprintf(stderr, "%s:%u: ", device->address, device->tcp_port);
        perror("listen");
        exit(EXIT_FAILURE);
    }
    device->listening = fd;
}

void rig_tcp_accept(struct rig_device *device)
{
    int fd = accept(device->listening, NULL, NULL);
    if (fd < 0) {
        return;
    }
    int on = 1;
    (void)fcntl(fd, F_SETFL, O_NONBLOCK);
    (void)fcntl(fd, F_SETFD, FD_CLOEXEC);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    if (device->fd >= 0) {
        (void)close(device->fd);
    }
    device->fd = fd;
    device->backlog_len = 0;
}

void rig_tcp_pull(struct rig_device *device)
{
    (void)close(device->listening);
    if (device->fd >= 0) {
        (void)close(device->fd);
    }
    device->fd = device->listening = -1;
}
