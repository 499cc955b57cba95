/* The other end of real cables: emulated devices behind ttyACM ports, USB nodes and sockets, in
 * true time, for the real program in another process.
 *
 * The bed (umockdev) gives sysfs, device nodes and ioctls to whoever runs under umockdev-wrapper
 * with its environment: this process and its children. One thread serves all devices: every
 * millisecond it takes what the host wrote, asks each emulator what is due, and delivers it in
 * bursts, some of them late. Bytes that the host does not take yet wait; none is dropped. A port
 * that nobody has open loses what its device says, as a cable does.
 *
 * Time of an emulator: CLOCK_MONOTONIC since it was switched on, at its rig_add.
 */
#ifndef KL_TESTS_RIG_H
#define KL_TESTS_RIG_H

#include "tests/devices/emulator_link.h"

#include <umockdev.h>

#include <pthread.h>
#include <stdatomic.h>

#define RIG_DEVICES_MAX 64
#define RIG_URBS_MAX 64
#define RIG_BACKLOG ((size_t)1 << 21)

/** How bytes come: in bursts of a random length, and every so often one much later. */
struct rig_delivery {
    int64_t burst_min_ns, burst_max_ns; /* 0, 0: every millisecond */
    unsigned late_every;                /* bursts; 0: never */
    int64_t late_ns;
};

/** What happens to bytes on their way, once every so many bursts in turn: a flipped bit, three
 *  bytes that are missing, bytes that mean nothing. */
struct rig_faults {
    unsigned every;            /* bursts; 0: never */
    bool flip, drop, garbage;  /* which of them */
    int64_t from_ns, until_ns; /* time of the emulator */
};

struct rig_urb {
    UMockdevIoctlData *urb, *buffer;
    gulong address;
    bool finished;
    int status;
    int length;
    uint8_t *bytes; /* of a finished transfer to the host */
};

struct rig_device {
    /* set by the test */
    const struct emulator_ops *ops;
    void *self;
    enum kl_link_kind kind;
    struct kl_usb_id id;
    char serial_number[KL_NAME_MAX];
    unsigned number;         /* of the USB port: 1-<number + 1> */
    uint8_t stream_in;       /* USB: its endpoint, which bursts are of */
    const char *descriptors; /* USB: configuration and below, hexadecimal */
    const char *address;     /* TCP: 127.x.y.z of its own */
    uint16_t tcp_port;
    uint8_t endpoint;          /* of the emulator: TCP's other port, else 0 */
    struct rig_device *beside; /* TCP: that port; added with this one. NULL: it has one only */
    struct rig_delivery delivery;
    struct rig_faults faults;
    const unsigned *baud; /* serial: the device's own speed, NULL or 0: any; another gives noise */
    void (*power_up)(void *self); /* when it is plugged in again: it lost its power. NULL: not */

    /* inside, guarded by the rig's lock */
    struct rig *rig;
    bool plugged, was_plugged;
    unsigned node;  /* ttyACM<node>: another one every time, the bed takes no name twice */
    int64_t on_ns;  /* host time of the emulator's 0 */
    int64_t due_ns; /* next delivery */
    unsigned bursts, spoilt;
    int fd, listening; /* -1: none */
    int fifo;          /* USB: full while no transfer is finished */
    bool ready;
    struct rig_urb urb[RIG_URBS_MAX];
    size_t urbs;
    uint8_t *backlog;
    size_t backlog_len;
    size_t backlog_worst; /* USB: what the emulator had not got rid of */
    uint64_t unheard;     /* bytes said while nobody had the port open */
    uint64_t said, heard;
    uint64_t flipped, dropped, garbled; /* faults done */
};

struct rig {
    UMockdevTestbed *bed;
    pthread_mutex_t lock;
    pthread_t thread;
    atomic_bool stop;
    bool running;
    struct rig_device *device[RIG_DEVICES_MAX];
    size_t count;
    uint64_t random;
    unsigned nodes;
    int64_t late_worst_ns; /* of the rig's own clock */
};

int64_t rig_now_ns(void);
uint64_t rig_random(uint64_t *state);

/** Sets up the bed and the thread. */
void rig_start(struct rig *rig);

/** Pulls what is plugged in, ends the thread and frees the bed. */
void rig_stop(struct rig *rig);

/** Switches a device on and plugs it in. It stays the caller's and must outlive the rig. */
void rig_add(struct rig *rig, struct rig_device *device);

void rig_plug(struct rig_device *device);
void rig_pull(struct rig_device *device);

/** Moves a device that is not plugged in to another port. */
void rig_move(struct rig_device *device, unsigned number);

/* ------------------------------------------------- for the three kinds of cable */

/** Does what `faults` says to one burst. @param cap  room in bytes @return its length now */
size_t rig_spoil(struct rig_device *device, uint8_t *bytes, size_t len, size_t cap, int64_t t_ns);

/* serial */
void rig_serial_plug(struct rig_device *device);
void rig_serial_pull(struct rig_device *device);
bool rig_serial_same_speed(const struct rig_device *device);

/* USB */
void rig_usb_plug(struct rig_device *device);
void rig_usb_begin_pull(struct rig_device *device);
void rig_usb_end_pull(struct rig_device *device);
/* @param streams  the stream's endpoint too; answers come at once */
void rig_usb_serve(struct rig_device *device, int64_t now_ns, bool streams);

/* TCP */
void rig_tcp_plug(struct rig_device *device);
void rig_tcp_pull(struct rig_device *device);
void rig_tcp_accept(struct rig_device *device);

#endif
