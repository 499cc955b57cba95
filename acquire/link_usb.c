#include "acquire/link_usb.h"

#include "acquire/byte_queue.h"
#include "acquire/link_fd.h"
#include "acquire/link_serial.h"
#include "acquire/usb_thread.h"

#include <libusb-1.0/libusb.h>

#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

/* 1 MiB holds 5 s of a full-speed device that sends 200 kB/s. */
#define RING_BYTES ((size_t)1 << 20)
#define PACKET_MAX ((size_t)65536)
#define PACKET_DEFAULT ((size_t)512)
#define NS_PER_MS INT64_C(1000000)
/* How often transfers are cancelled again while closing: one may just have been resubmitted. */
#define CANCEL_EVERY_NS INT64_C(10000000)
#define PORT_DEPTH_MAX 7 /* USB 3.0 specification, tiers of hubs */
/* What a device that was left streaming has in its pipe (protocols: xsens_mti.md). */
#define STALE_READS_MAX 64
#define STALE_WAIT_MS 5
/* A record of the ring begins with the transfers that were dropped before it. */
#define RECORD_HEAD sizeof(uint64_t)

struct usb {
    struct kl_link link;
    libusb_device_handle *handle;
    int interface;
    uint8_t in, out;
    bool is_interrupt[2][16]; /* [direction][endpoint]; else bulk */
    size_t packet;
    struct libusb_transfer *transfer[KL_USB_TRANSFERS];
    struct kl_byte_queue *queue; /* usb thread to the link's owner, with the stamps */
    int wake_fd;                 /* eventfd: bytes, or a transfer was retired */
    size_t taken;                /* owner's: bytes read of the oldest record */
    atomic_int active;           /* transfers not retired; written by both, see close */
    atomic_int status;           /* why the first one was retired; written by the usb thread */
    atomic_bool closing;         /* written by the owner, read by the usb thread */
    uint64_t dropped;            /* usb thread's: transfers that did not fit, not yet told */
};

static int64_t now_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * KL_NS_PER_S + now.tv_nsec;
}

static int status_of(int error)
{
    switch (error) {
    case LIBUSB_ERROR_TIMEOUT:
        return KL_ERR_TIMEOUT;
    case LIBUSB_ERROR_NO_DEVICE:
    case LIBUSB_ERROR_NOT_FOUND:
        return KL_ERR_GONE;
    case LIBUSB_ERROR_NO_MEM:
        return KL_ERR_MEM;
    default:
        return KL_ERR_IO;
    }
}

static unsigned milliseconds(int64_t wait_ns)
{
    int64_t ms = (wait_ns + NS_PER_MS - 1) / NS_PER_MS;
    return ms < 1 ? 1 : (unsigned)ms; /* 0 would be for ever */
}

static void wake(struct usb *usb)
{
    const uint64_t one = 1;
    ssize_t written = write(usb->wake_fd, &one, sizeof(one)); /* fails when one is pending */
    (void)written;
}

/* ----------------------------------------------------------- the usb thread */

static void retire(struct usb *usb, int status)
{
    int none = KL_OK;
    (void)atomic_compare_exchange_strong(&usb->status, &none, status);
    wake(usb);
    (void)atomic_fetch_sub(&usb->active, 1); /* last: the owner may free everything from here on */
}

static void push(struct usb *usb, const struct libusb_transfer *transfer, int64_t stamp_ns)
{
    size_t len = (size_t)transfer->actual_length;
    uint8_t *record = kl_byte_queue_reserve(usb->queue, RECORD_HEAD + len);
    if (record == NULL) {
        usb->dropped++;
        return;
    }
    memcpy(record, &usb->dropped, RECORD_HEAD);
    memcpy(record + RECORD_HEAD, transfer->buffer, len);
    usb->dropped = 0;
    kl_byte_queue_commit(usb->queue, stamp_ns);
    wake(usb);
}

/* Every path resubmits or retires. */
static void LIBUSB_CALL completed(struct libusb_transfer *transfer)
{
    int64_t stamp_ns = now_ns();
    struct usb *usb = transfer->user_data;
    if (transfer->actual_length > 0) { /* a cut transfer may hold bytes too */
        push(usb, transfer, stamp_ns);
    }
    int status = KL_ERR_GONE;
    if (atomic_load(&usb->closing)) {
        status = KL_ERR_GONE;
    } else if (transfer->status == LIBUSB_TRANSFER_COMPLETED ||
               transfer->status == LIBUSB_TRANSFER_TIMED_OUT) {
        int error = libusb_submit_transfer(transfer);
        if (error == 0) {
            return;
        }
        status = status_of(error);
    } else if (transfer->status == LIBUSB_TRANSFER_STALL ||
               transfer->status == LIBUSB_TRANSFER_OVERFLOW) {
        status = KL_ERR_IO;
    } /* NO_DEVICE, CANCELLED, and ERROR: a cable pulled gives protocol errors first */
    retire(usb, status);
}

/* ---------------------------------------------------------------- the owner */

/* @return bytes of the oldest record that fit, 0: none */
static int take(struct usb *usb, uint8_t *buf, size_t cap)
{
    uint64_t cursor = kl_byte_queue_begin(usb->queue);
    size_t size;
    int64_t stamp_ns;
    const uint8_t *record = kl_byte_queue_peek(usb->queue, &cursor, &size, &stamp_ns);
    if (record == NULL) {
        return 0;
    }
    if (usb->taken == 0) {
        uint64_t dropped;
        memcpy(&dropped, record, RECORD_HEAD);
        usb->link.dropped += dropped;
        usb->taken = RECORD_HEAD;
    }
    size_t left = size - usb->taken;
    size_t count = left < cap ? left : cap;
    memcpy(buf, record + usb->taken, count);
    usb->taken += count;
    usb->link.arrival_ns = stamp_ns;
    if (usb->taken == size) {
        kl_byte_queue_release(usb->queue, cursor);
        usb->taken = 0;
    }
    return (int)count;
}

static int usb_read(struct kl_link *link, uint8_t *buf, size_t cap, int64_t wait_ns)
{
    struct usb *usb = (struct usb *)link;
    for (int64_t until_ns = now_ns() + wait_ns;;) {
        int status = atomic_load(&usb->status); /* before the ring: what came before it counts */
        int count = take(usb, buf, cap);
        if (count != 0 || status != KL_OK) {
            return count != 0 ? count : status;
        }
        int64_t left_ns = until_ns - now_ns();
        if (left_ns <= 0 || !kl_fd_wait(usb->wake_fd, POLLIN, left_ns)) {
            return 0;
        }
        uint64_t wakes;
        ssize_t got = read(usb->wake_fd, &wakes, sizeof(wakes)); /* back to "nothing happened" */
        (void)got;
    }
}

static int usb_control(struct kl_link *link, uint8_t request_type, uint8_t request, uint16_t value,
                       uint16_t index, uint8_t *buf, size_t len, int64_t wait_ns)
{
    struct usb *usb = (struct usb *)link;
    if (len > UINT16_MAX) {
        return KL_ERR_ARG;
    }
    int count = libusb_control_transfer(usb->handle, request_type, request, value, index, buf,
                                        (uint16_t)len, milliseconds(wait_ns));
    return count >= 0 ? count : status_of(count);
}

static int usb_transfer(struct kl_link *link, uint8_t endpoint, uint8_t *buf, size_t len,
                        int64_t wait_ns)
{
    struct usb *usb = (struct usb *)link;
    if (len > INT32_MAX || endpoint == usb->in) {
        return KL_ERR_ARG;
    }
    int count = 0;
    bool interrupt = usb->is_interrupt[endpoint >> 7][endpoint & 15];
    int error = interrupt ? libusb_interrupt_transfer(usb->handle, endpoint, buf, (int)len, &count,
                                                      milliseconds(wait_ns))
                          : libusb_bulk_transfer(usb->handle, endpoint, buf, (int)len, &count,
                                                 milliseconds(wait_ns));
    bool in = (endpoint & LIBUSB_ENDPOINT_IN) != 0;
    return error == 0 || (in && count > 0 && error == LIBUSB_ERROR_TIMEOUT) ? count
                                                                            : status_of(error);
}

static int usb_write(struct kl_link *link, const uint8_t *buf, size_t len, int64_t wait_ns)
{
    struct usb *usb = (struct usb *)link;
    /* libusb asks for a writable buffer and only reads it when the endpoint goes out */
    return usb_transfer(link, usb->out, (uint8_t *)buf, len, wait_ns);
}

/* ------------------------------------------------------------------ closing */

static void cancel_all(struct usb *usb)
{
    atomic_store(&usb->closing, true);
    while (atomic_load(&usb->active) > 0) {
        for (size_t i = 0; i < KL_USB_TRANSFERS; i++) {
            if (usb->transfer[i] != NULL) {
                (void)libusb_cancel_transfer(usb->transfer[i]); /* not found: in its callback */
            }
        }
        uint64_t wakes;
        (void)kl_fd_wait(usb->wake_fd, POLLIN, CANCEL_EVERY_NS);
        ssize_t got = read(usb->wake_fd, &wakes, sizeof(wakes));
        (void)got;
    }
}

static void usb_close(struct kl_link *link)
{
    struct usb *usb = (struct usb *)link;
    cancel_all(usb);
    /* before the handle: libusb looks at it while it frees a transfer */
    for (size_t i = 0; i < KL_USB_TRANSFERS; i++) {
        if (usb->transfer[i] != NULL) {
            free(usb->transfer[i]->buffer);
            libusb_free_transfer(usb->transfer[i]);
        }
    }
    if (usb->handle != NULL) {
        (void)libusb_release_interface(usb->handle, usb->interface);
        libusb_close(usb->handle);
    }
    kl_usb_thread_leave(); /* or other links go on: no callback of ours is left either way */
    if (usb->wake_fd >= 0) {
        (void)close(usb->wake_fd);
    }
    kl_byte_queue_destroy(usb->queue);
    free(usb);
}

/* ------------------------------------------------------------------ opening */

/* "usb:1-4.2", as the system names it. */
static void name_of(libusb_device *device, char *out, size_t cap)
{
    uint8_t port[PORT_DEPTH_MAX];
    int depth = libusb_get_port_numbers(device, port, PORT_DEPTH_MAX);
    int len = snprintf(out, cap, "usb:%u", libusb_get_bus_number(device));
    for (int i = 0; i < depth && len > 0 && (size_t)len < cap; i++) {
        len += snprintf(out + len, cap - (size_t)len, "%c%u", i == 0 ? '-' : '.', port[i]);
    }
}

static int errno_of(int error)
{
    switch (error) {
    case LIBUSB_ERROR_ACCESS:
        return EACCES;
    case LIBUSB_ERROR_BUSY:
        return EBUSY;
    case LIBUSB_ERROR_NO_DEVICE:
    case LIBUSB_ERROR_NOT_FOUND:
        return ENODEV;
    case LIBUSB_ERROR_NO_MEM:
        return ENOMEM;
    default:
        return EIO;
    }
}

/* @return 0 or the system's error number */
static int open_handle(struct usb *usb, libusb_context *context, const char *name)
{
    libusb_device **list = NULL;
    ssize_t count = libusb_get_device_list(context, &list);
    int error = LIBUSB_ERROR_NO_DEVICE;
    for (ssize_t i = 0; i < count; i++) {
        char found[64];
        name_of(list[i], found, sizeof(found));
        if (strcmp(found, name) == 0) {
            error = libusb_open(list[i], &usb->handle);
        }
    }
    if (count >= 0) {
        libusb_free_device_list(list, 1);
    }
    return error == 0 ? 0 : errno_of(error);
}

/* Which endpoints there are, and which to use where the need does not say. */
static void look_at_interface(struct usb *usb, const struct libusb_interface_descriptor *interface,
                              bool search)
{
    uint8_t in = 0, out = 0;
    for (int e = 0; e < interface->bNumEndpoints; e++) {
        const struct libusb_endpoint_descriptor *endpoint = &interface->endpoint[e];
        uint8_t address = endpoint->bEndpointAddress;
        int type = endpoint->bmAttributes & LIBUSB_TRANSFER_TYPE_MASK;
        usb->is_interrupt[address >> 7][address & 15] = type == LIBUSB_TRANSFER_TYPE_INTERRUPT;
        if (type == LIBUSB_TRANSFER_TYPE_BULK) {
            in = (address & LIBUSB_ENDPOINT_IN) != 0 && in == 0 ? address : in;
            out = (address & LIBUSB_ENDPOINT_IN) == 0 && out == 0 ? address : out;
        }
    }
    if (search && usb->in == 0 && in != 0 && out != 0) {
        usb->in = in;
        usb->out = out;
        usb->interface = interface->bInterfaceNumber;
    }
    if (!search && usb->out == 0 && interface->bInterfaceNumber == usb->interface) {
        usb->out = out;
    }
}

static int look_at_endpoints(struct usb *usb, const struct kl_link_need *need)
{
    struct libusb_config_descriptor *config = NULL;
    int error = libusb_get_active_config_descriptor(libusb_get_device(usb->handle), &config);
    if (error != 0) {
        return errno_of(error);
    }
    for (int i = 0; i < config->bNumInterfaces; i++) {
        if (config->interface[i].num_altsetting > 0) {
            look_at_interface(usb, &config->interface[i].altsetting[0], need->stream_in == 0);
        }
    }
    libusb_free_config_descriptor(config);
    return usb->in != 0 ? 0 : ENODEV;
}

static void throw_away_stale(struct usb *usb)
{
    uint8_t stale[PACKET_DEFAULT];
    int count = 1;
    for (int i = 0; i < STALE_READS_MAX && count > 0; i++) {
        count = 0;
        (void)libusb_bulk_transfer(usb->handle, usb->in, stale, sizeof(stale), &count,
                                   STALE_WAIT_MS);
    }
}

static int submit_all(struct usb *usb)
{
    bool interrupt = usb->is_interrupt[1][usb->in & 15];
    for (size_t i = 0; i < KL_USB_TRANSFERS; i++) {
        struct libusb_transfer *transfer = libusb_alloc_transfer(0);
        uint8_t *buffer = malloc(usb->packet);
        if (transfer == NULL || buffer == NULL) {
            libusb_free_transfer(transfer);
            free(buffer);
            return ENOMEM;
        }
        libusb_fill_bulk_transfer(transfer, usb->handle, usb->in, buffer, (int)usb->packet,
                                  completed, usb, 0);
        transfer->type =
            (unsigned char)(interrupt ? LIBUSB_TRANSFER_TYPE_INTERRUPT : LIBUSB_TRANSFER_TYPE_BULK);
        usb->transfer[i] = transfer;
        (void)atomic_fetch_add(&usb->active, 1);
        int error = libusb_submit_transfer(transfer);
        if (error != 0) {
            (void)atomic_fetch_sub(&usb->active, 1);
            return errno_of(error);
        }
    }
    return 0;
}

static int begin(struct usb *usb, libusb_context *context, const char *name,
                 const struct kl_link_need *need)
{
    int error = open_handle(usb, context, name);
    if (error == 0) {
        error = look_at_endpoints(usb, need);
    }
    if (error == 0) {
        (void)libusb_set_auto_detach_kernel_driver(usb->handle, 1);
        int refused = libusb_claim_interface(usb->handle, usb->interface);
        error = refused == 0 ? 0 : errno_of(refused);
    }
    if (error == 0) {
        /* an endpoint that an earlier owner left halted stalls every transfer; where it was not,
         * this does nothing but begin its toggle anew, on both sides. A device that refuses says so
         * with the first transfer. */
        (void)libusb_clear_halt(usb->handle, usb->in);
    }
    if (error == 0 && need->stream_in == 0) {
        throw_away_stale(usb);
    }
    return error == 0 ? submit_all(usb) : error;
}

int kl_usb_open(const char *device, const char *name, const struct kl_link_need *need,
                struct kl_link **out, struct kl_fault *fault)
{
    static const struct kl_link_ops ops = {.read = usb_read,
                                           .write = usb_write,
                                           .control = usb_control,
                                           .transfer = usb_transfer,
                                           .close = usb_close};
    struct usb *usb = calloc(1, sizeof(*usb));
    libusb_context *context = NULL;
    if (usb == NULL) {
        return kl_fault(fault, KL_ERR_MEM, "device %s: out of memory", device);
    }
    int status = kl_usb_thread_join(&context, fault);
    if (status != KL_OK) {
        free(usb);
        return status;
    }
    usb->link.ops = &ops;
    usb->interface = need->interface;
    usb->in = need->stream_in;
    usb->out = need->out;
    usb->packet = need->packet == 0           ? PACKET_DEFAULT
                  : need->packet < PACKET_MAX ? need->packet
                                              : PACKET_MAX;
    usb->queue = kl_byte_queue_create(RING_BYTES);
    usb->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    int error = usb->queue == NULL || usb->wake_fd < 0 ? ENOMEM : begin(usb, context, name, need);
    if (error != 0) {
        usb_close(&usb->link);
        return kl_port_fault(device, name, error, fault);
    }
    *out = &usb->link;
    return KL_OK;
}
