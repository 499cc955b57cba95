#include "rig.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define TICK_NS INT64_C(1000000)

int64_t rig_now_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * KL_NS_PER_S + now.tv_nsec;
}

uint64_t rig_random(uint64_t *state)
{
    *state ^= *state << 13, *state ^= *state >> 7, *state ^= *state << 17; /* xorshift64 */
    return *state;
}

/* When the next burst is due. */
static void schedule(struct rig_device *device, int64_t now_ns)
{
    const struct rig_delivery *delivery = &device->delivery;
    int64_t span_ns = delivery->burst_max_ns - delivery->burst_min_ns;
    int64_t wait_ns = delivery->burst_min_ns;
    if (span_ns > 0) {
        wait_ns += (int64_t)(rig_random(&device->rig->random) % (uint64_t)span_ns);
    }
    if (delivery->late_every > 0 && ++device->bursts % delivery->late_every == 0) {
        wait_ns += delivery->late_ns;
    }
    device->due_ns = now_ns + wait_ns;
}

size_t rig_spoil(struct rig_device *device, uint8_t *bytes, size_t len, size_t cap, int64_t t_ns)
{
    static const uint8_t garbage[] = {0xfa, 0xff, 0x36, 0x7b, 0x22, 0xc9, 0x00};
    const struct rig_faults *faults = &device->faults;
    if (faults->every == 0 || len < 8 || t_ns < faults->from_ns || t_ns >= faults->until_ns ||
        ++device->spoilt % faults->every != 0) {
        return len;
    }
    size_t at = rig_random(&device->rig->random) % (len - 4);
    unsigned turn = device->spoilt / faults->every % 3;
    if (turn == 0 && faults->flip) {
        bytes[at] ^= 0x10;
        device->flipped++;
    } else if (turn == 1 && faults->drop) {
        memmove(bytes + at, bytes + at + 3, len - at - 3);
        len -= 3;
        device->dropped++;
    } else if (turn == 2 && faults->garbage && len + sizeof(garbage) <= cap) {
        memmove(bytes + at + sizeof(garbage), bytes + at, len - at);
        memcpy(bytes + at, garbage, sizeof(garbage));
        len += sizeof(garbage);
        device->garbled++;
    }
    return len;
}

static bool has_host(struct rig_device *device)
{
    if (device->fd < 0) {
        return false;
    }
    struct pollfd fd = {.fd = device->fd};
    return poll(&fd, 1, 0) == 0 || (fd.revents & (POLLHUP | POLLERR)) == 0;
}

static void hear(struct rig_device *device, int64_t now_ns)
{
    uint8_t bytes[4096];
    ssize_t got;
    while ((got = read(device->fd, bytes, sizeof(bytes))) > 0) {
        device->heard += (uint64_t)got;
        if (device->kind == KL_LINK_SERIAL && !rig_serial_same_speed(device)) {
            continue; /* noise to the device */
        }
        (void)device->ops->out(device->self, device->endpoint, bytes, (size_t)got,
                               now_ns - device->on_ns);
    }
    if (got == 0 && device->kind == KL_LINK_TCP) { /* the host hung up */
        (void)close(device->fd);
        device->fd = -1;
        device->backlog_len = 0;
    }
}

/* What is due goes to the backlog, and from there what the host takes. */
static void say(struct rig_device *device, bool heard, int64_t now_ns)
{
    bool noise = device->kind == KL_LINK_SERIAL && heard && !rig_serial_same_speed(device);
    size_t before = device->backlog_len;
    for (int got = 1; got > 0 && now_ns >= device->due_ns;) {
        got = device->ops->in(device->self, device->endpoint, device->backlog + device->backlog_len,
                              RIG_BACKLOG - device->backlog_len, now_ns - device->on_ns);
        for (int i = 0; noise && i < got; i++) {
            device->backlog[device->backlog_len + (size_t)i] ^= 0x5a;
        }
        device->backlog_len += got > 0 ? (size_t)got : 0;
        device->said += got > 0 ? (uint64_t)got : 0;
        if (got < 0 && device->kind == KL_LINK_TCP && device->fd >= 0) {
            (void)close(device->fd);
            device->fd = -1;
        }
    }
    device->backlog_len =
        before + rig_spoil(device, device->backlog + before, device->backlog_len - before,
                           RIG_BACKLOG - before, now_ns - device->on_ns);
    if (now_ns >= device->due_ns) {
        schedule(device, now_ns);
    }
    if (!heard) {
        device->unheard += device->backlog_len;
        device->backlog_len = 0;
    }
    while (device->backlog_len > 0 && device->fd >= 0) {
        ssize_t sent = device->kind == KL_LINK_TCP
                           ? send(device->fd, device->backlog, device->backlog_len, MSG_NOSIGNAL)
                           : write(device->fd, device->backlog, device->backlog_len);
        if (sent <= 0) {
            break;
        }
        device->backlog_len -= (size_t)sent;
        memmove(device->backlog, device->backlog + sent, device->backlog_len);
    }
    if (device->backlog_len > device->backlog_worst) {
        device->backlog_worst = device->backlog_len;
    }
}

static void serve(struct rig_device *device)
{
    int64_t now_ns = rig_now_ns();
    if (device->kind == KL_LINK_USB) {
        rig_usb_serve(device, now_ns, now_ns >= device->due_ns);
        if (now_ns >= device->due_ns) {
            schedule(device, now_ns);
        }
        return;
    }
    if (device->kind == KL_LINK_TCP) {
        rig_tcp_accept(device);
    }
    bool heard = has_host(device);
    if (heard) {
        hear(device, now_ns);
    }
    say(device, heard, now_ns);
}

static void *run(void *arg)
{
    struct rig *rig = arg;
    for (int64_t tick_ns = rig_now_ns(); !atomic_load(&rig->stop);) {
        (void)pthread_mutex_lock(&rig->lock);
        for (size_t i = 0; i < rig->count; i++) {
            if (rig->device[i]->plugged) {
                serve(rig->device[i]);
            }
        }
        (void)pthread_mutex_unlock(&rig->lock);
        tick_ns += TICK_NS;
        int64_t now_ns = rig_now_ns();
        if (now_ns - tick_ns > rig->late_worst_ns) {
            rig->late_worst_ns = now_ns - tick_ns;
        }
        tick_ns = tick_ns > now_ns ? tick_ns : now_ns;
        const struct timespec until = {.tv_sec = (time_t)(tick_ns / KL_NS_PER_S),
                                       .tv_nsec = (long)(tick_ns % KL_NS_PER_S)};
        (void)clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
    }
    return NULL;
}

void rig_start(struct rig *rig)
{
    *rig = (struct rig){.random = 88172645463325252ULL};
    (void)pthread_mutex_init(&rig->lock, NULL);
    rig->bed = umockdev_testbed_new();
    rig->running = pthread_create(&rig->thread, NULL, run, rig) == 0;
}

void rig_stop(struct rig *rig)
{
    for (size_t i = 0; i < rig->count; i++) {
        rig_pull(rig->device[i]);
        free(rig->device[i]->backlog);
        rig->device[i]->backlog = NULL;
        if (rig->device[i]->listening >= 0) {
            (void)close(rig->device[i]->listening);
        }
    }
    atomic_store(&rig->stop, true);
    if (rig->running) {
        (void)pthread_join(rig->thread, NULL);
    }
    g_object_unref(rig->bed);
    (void)pthread_mutex_destroy(&rig->lock);
}

static void add_one(struct rig *rig, struct rig_device *device)
{
    device->rig = rig;
    device->fd = device->listening = device->fifo = -1;
    device->on_ns = rig_now_ns();
    device->backlog = malloc(RIG_BACKLOG);
    if (device->backlog == NULL || rig->count == RIG_DEVICES_MAX) {
        (void)fprintf(stderr, "no room for another device\n");
        exit(EXIT_FAILURE);
    }
    (void)pthread_mutex_lock(&rig->lock);
    rig->device[rig->count++] = device;
    (void)pthread_mutex_unlock(&rig->lock);
    rig_plug(device);
}

void rig_add(struct rig *rig, struct rig_device *device)
{
    add_one(rig, device);
    if (device->beside != NULL) {
        add_one(rig, device->beside);
        device->beside->on_ns = device->on_ns; /* one emulator, one line of time */
    }
}

void rig_move(struct rig_device *device, unsigned number)
{
    device->number = number;
}

void rig_plug(struct rig_device *device)
{
    /* the bed asks its own thread, which may want the lock: first the port, then the device */
    if (device->plugged) {
        return;
    }
    if (device->kind == KL_LINK_USB) {
        rig_usb_plug(device);
    } else if (device->kind == KL_LINK_SERIAL) {
        rig_serial_plug(device);
    } else {
        rig_tcp_plug(device);
    }
    (void)pthread_mutex_lock(&device->rig->lock);
    device->plugged = true;
    if (device->was_plugged && device->power_up != NULL) {
        device->power_up(device->self);
        device->on_ns = rig_now_ns();
    }
    device->was_plugged = true;
    (void)pthread_mutex_unlock(&device->rig->lock);
}

void rig_pull(struct rig_device *device)
{
    if (!device->plugged) {
        return;
    }
    if (device->kind == KL_LINK_USB) {
        rig_usb_begin_pull(device);
    }
    (void)pthread_mutex_lock(&device->rig->lock);
    device->plugged = false;
    device->backlog_len = 0;
    (void)pthread_mutex_unlock(&device->rig->lock);
    if (device->kind == KL_LINK_USB) {
        rig_usb_end_pull(device);
    } else if (device->kind == KL_LINK_SERIAL) {
        rig_serial_pull(device);
    } else {
        rig_tcp_pull(device);
    }
}
