#include "acquire/link_fd.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_MS INT64_C(1000000)
#define POLL_MS_MAX 60000

static int64_t now_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * KL_NS_PER_S + now.tv_nsec;
}

int kl_fd_status(int error)
{
    switch (error) {
    case EIO: /* a tty whose device is gone */
    case ENODEV:
    case ENXIO:
    case EPIPE:
    case ECONNRESET:
    case ECONNABORTED:
    case ENOTCONN:
    case ETIMEDOUT: /* a peer that stopped answering */
    case EHOSTUNREACH:
    case ENETDOWN:
    case ENETUNREACH:
        return KL_ERR_GONE;
    default:
        return KL_ERR_IO;
    }
}

bool kl_fd_wait(int fd, short events, int64_t wait_ns)
{
    struct pollfd one = {.fd = fd, .events = events};
    int64_t until_ns = now_ns() + wait_ns;
    for (;;) {
        int64_t left_ms = (until_ns - now_ns() + NS_PER_MS - 1) / NS_PER_MS;
        left_ms = left_ms < 0 ? 0 : left_ms > POLL_MS_MAX ? POLL_MS_MAX : left_ms;
        int ready = poll(&one, 1, (int)left_ms);
        if (ready > 0) {
            return true;
        }
        if ((ready < 0 && errno != EINTR) || now_ns() >= until_ns) {
            return false;
        }
    }
}

static bool not_now(int error)
{
    return error == EAGAIN || error == EWOULDBLOCK || error == EINTR;
}

int kl_fd_read(int fd, uint8_t *buf, size_t cap, int64_t wait_ns)
{
    if (!kl_fd_wait(fd, POLLIN, wait_ns)) {
        return 0;
    }
    ssize_t count = read(fd, buf, cap);
    if (count > 0) {
        return (int)count;
    }
    if (count == 0) {
        return KL_ERR_GONE; /* poll promised bytes: this is the end of a hung-up line */
    }
    return not_now(errno) ? 0 : kl_fd_status(errno);
}

int kl_fd_write(int fd, bool socket, const uint8_t *buf, size_t len, int64_t wait_ns)
{
    int64_t until_ns = now_ns() + wait_ns;
    for (size_t done = 0; done < len;) {
        ssize_t count = socket ? send(fd, buf + done, len - done, MSG_NOSIGNAL)
                               : write(fd, buf + done, len - done);
        if (count > 0) {
            done += (size_t)count;
            continue;
        }
        if (count < 0 && !not_now(errno)) {
            return kl_fd_status(errno);
        }
        int64_t left_ns = until_ns - now_ns();
        if (left_ns <= 0 || !kl_fd_wait(fd, POLLOUT, left_ns)) {
            return KL_ERR_TIMEOUT;
        }
    }
    return (int)len;
}
