/* mkdtemp, wait4, F_SETPIPE_SZ */
// NOLINTNEXTLINE(bugprone-reserved-identifier,readability-identifier-naming)
#define _GNU_SOURCE
/* A USB device: sysfs, a node in /dev/bus/usb, and usbfs's requests answered by the emulator.
 *
 * usbfs says by POLLOUT that a transfer is finished. umockdev's nodes are plain files and always
 * ready, which makes libusb ask without a pause; a FIFO in its place is ready when it is empty and
 * not when it holds a byte, and so does what usbfs does.
 */
#include "rig.h"
#include "tests/devices/emulator.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/usbdevice_fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define PARENT "/devices/pci0000:00/0000:00:14.0/usb1/1-%u"
#define NODE "/dev/bus/usb/001/%03u"
#define SETUP 8
/* A host that is gone takes nothing back; a pull does not wait for it longer than this. */
#define PULL_WAIT_MS 1000

static const struct usbdevfs_urb *asked(const struct rig_urb *urb)
{
    return (const struct usbdevfs_urb *)(const void *)urb->urb->data;
}

static void set_ready(struct rig_device *device, bool ready)
{
    char byte = 0;
    if (ready == device->ready || device->fifo < 0) {
        return;
    }
    ssize_t moved = ready ? read(device->fifo, &byte, 1) : write(device->fifo, &byte, 1);
    device->ready = moved == 1 ? ready : device->ready;
}

static void finish(struct rig_device *device, struct rig_urb *urb, int status, int length)
{
    urb->finished = true;
    urb->status = status;
    urb->length = length;
    set_ready(device, true);
}

static void forget(struct rig_device *device, size_t i)
{
    g_object_unref(device->urb[i].urb);
    if (device->urb[i].buffer != NULL) {
        g_object_unref(device->urb[i].buffer);
    }
    free(device->urb[i].bytes);
    device->urbs--;
    memmove(&device->urb[i], &device->urb[i + 1], (device->urbs - i) * sizeof(device->urb[0]));
}

/* -------------------------------------------------------- the emulator's side */

static void control(struct rig_device *device, struct rig_urb *urb, int64_t t_ns)
{
    const uint8_t *setup = urb->buffer->data;
    uint16_t value = (uint16_t)(setup[2] | setup[3] << 8);
    uint16_t index = (uint16_t)(setup[4] | setup[5] << 8);
    size_t len = (size_t)(setup[6] | setup[7] << 8);
    size_t room = (size_t)asked(urb)->buffer_length - SETUP;
    len = len < room ? len : room;
    urb->bytes = calloc(1, len + 1);
    memcpy(urb->bytes, setup + SETUP, len);
    int got = device->ops->control == NULL
                  ? KL_ERR_UNSUPPORTED
                  : device->ops->control(device->self, setup[0], setup[1], value, index, urb->bytes,
                                         len, t_ns);
    finish(device, urb, got < 0 ? -EPIPE : 0, got < 0 ? 0 : got);
}

/* @return true when the emulator finished it */
static bool serve(struct rig_device *device, struct rig_urb *urb, int64_t t_ns)
{
    const struct usbdevfs_urb *u = asked(urb);
    size_t len = (size_t)u->buffer_length;
    if (urb->buffer == NULL) {
        finish(device, urb, -EINVAL, 0);
        return true;
    }
    if (u->type == USBDEVFS_URB_TYPE_CONTROL) {
        control(device, urb, t_ns);
        return true;
    }
    if ((u->endpoint & 0x80) == 0) {
        int put = device->ops->out(device->self, u->endpoint, urb->buffer->data, len, t_ns);
        finish(device, urb, put < 0 ? -EPIPE : 0, put < 0 ? 0 : (int)len);
        return true;
    }
    urb->bytes = urb->bytes != NULL ? urb->bytes : malloc(len + 1);
    int got = device->ops->in(device->self, u->endpoint, urb->bytes, len, t_ns);
    if (got == 0) {
        return false;
    }
    device->said += got > 0 ? (uint64_t)got : 0;
    if (got > 0) {
        got = (int)rig_spoil(device, urb->bytes, (size_t)got, (size_t)got, t_ns);
    }
    finish(device, urb, got < 0 ? -EPIPE : 0, got < 0 ? 0 : got);
    return true;
}

void rig_usb_serve(struct rig_device *device, int64_t now_ns, bool streams)
{
    bool empty[16] = {false}; /* transfers of an endpoint end in their order */
    for (size_t i = 0; i < device->urbs; i++) {
        struct rig_urb *urb = &device->urb[i];
        bool *none = &empty[asked(urb)->endpoint & 0x0f];
        bool due = streams || asked(urb)->endpoint != device->stream_in;
        if (!urb->finished && !*none && due) {
            *none = !serve(device, urb, now_ns - device->on_ns);
        }
    }
    size_t waiting = ((const struct emulator *)device->self)->out_len;
    device->backlog_worst = waiting > device->backlog_worst ? waiting : device->backlog_worst;
}

/* --------------------------------------------------------------- usbfs's side */

static void reap(struct rig_device *device, UMockdevIoctlClient *client, UMockdevIoctlData *arg)
{
    for (size_t i = 0; i < device->urbs; i++) {
        struct rig_urb *urb = &device->urb[i];
        if (!urb->finished) {
            continue;
        }
        struct usbdevfs_urb done = *asked(urb);
        done.status = urb->status;
        done.actual_length = urb->length;
        if (urb->length > 0 && urb->bytes != NULL) {
            size_t at = done.type == USBDEVFS_URB_TYPE_CONTROL ? SETUP : 0;
            umockdev_ioctl_data_update(urb->buffer, at, urb->bytes, urb->length);
        }
        umockdev_ioctl_data_update(urb->urb, 0, (guint8 *)&done, sizeof(done));
        (void)umockdev_ioctl_data_set_ptr(arg, 0, urb->urb);
        forget(device, i);
        bool more = false;
        for (size_t k = 0; k < device->urbs; k++) {
            more |= device->urb[k].finished;
        }
        set_ready(device, more);
        umockdev_ioctl_client_complete(client, 0, 0);
        return;
    }
    set_ready(device, false);
    umockdev_ioctl_client_complete(client, -1, EAGAIN);
}

static void discard(struct rig_device *device, UMockdevIoctlClient *client, gulong address)
{
    for (size_t i = 0; i < device->urbs; i++) {
        if (device->urb[i].address == address && !device->urb[i].finished) {
            finish(device, &device->urb[i], -ENOENT, 0);
            umockdev_ioctl_client_complete(client, 0, 0);
            return;
        }
    }
    umockdev_ioctl_client_complete(client, -1, EINVAL);
}

static void submit(struct rig_device *device, UMockdevIoctlClient *client, UMockdevIoctlData *data)
{
    const struct usbdevfs_urb *u = (const struct usbdevfs_urb *)(const void *)data->data;
    if (!device->plugged || device->urbs == RIG_URBS_MAX) {
        umockdev_ioctl_client_complete(client, -1, ENODEV);
        return;
    }
    struct rig_urb *urb = &device->urb[device->urbs++];
    *urb = (struct rig_urb){.urb = g_object_ref(data), .address = data->client_addr};
    urb->buffer = u->buffer_length > 0
                      ? umockdev_ioctl_data_resolve(data, offsetof(struct usbdevfs_urb, buffer),
                                                    (gsize)u->buffer_length, NULL)
                      : NULL;
    umockdev_ioctl_client_complete(client, 0, 0);
    if (u->type == USBDEVFS_URB_TYPE_CONTROL || (u->endpoint & 0x80) == 0) {
        (void)serve(device, urb, rig_now_ns() - device->on_ns);
    }
}

static gboolean answer(UMockdevIoctlBase *base, UMockdevIoctlClient *client, gpointer self)
{
    (void)base;
    struct rig_device *device = self;
    gulong request = umockdev_ioctl_client_get_request(client);
    UMockdevIoctlData *arg = umockdev_ioctl_client_get_arg(client);
    UMockdevIoctlData *data = _IOC_SIZE(request) > 0 && request != USBDEVFS_DISCARDURB
                                  ? umockdev_ioctl_data_resolve(arg, 0, _IOC_SIZE(request), NULL)
                                  : NULL;
    (void)pthread_mutex_lock(&device->rig->lock);
    if (request == USBDEVFS_GET_CAPABILITIES) {
        guint32 capabilities = USBDEVFS_CAP_BULK_CONTINUATION | USBDEVFS_CAP_NO_PACKET_SIZE_LIM |
                               USBDEVFS_CAP_REAP_AFTER_DISCONNECT;
        umockdev_ioctl_data_update(data, 0, (guint8 *)&capabilities, sizeof(capabilities));
        umockdev_ioctl_client_complete(client, 0, 0);
    } else if (request == USBDEVFS_SUBMITURB) {
        submit(device, client, data);
    } else if (request == USBDEVFS_REAPURB || request == USBDEVFS_REAPURBNDELAY) {
        reap(device, client, data);
    } else if (request == USBDEVFS_DISCARDURB) {
        discard(device, client, *(gulong *)(void *)arg->data);
    } else if (request == USBDEVFS_GETDRIVER || request == USBDEVFS_IOCTL) {
        umockdev_ioctl_client_complete(client, -1, ENODATA); /* no kernel driver */
    } else if (request == USBDEVFS_CLAIMINTERFACE || request == USBDEVFS_RELEASEINTERFACE ||
               request == USBDEVFS_CLEAR_HALT) {
        umockdev_ioctl_client_complete(client, 0, 0);
    } else {
        umockdev_ioctl_client_complete(client, -1, ENOTTY);
    }
    (void)pthread_mutex_unlock(&device->rig->lock);
    if (data != NULL) {
        g_object_unref(data);
    }
    return TRUE;
}

/* ---------------------------------------------------------------- the socket */

static void check(bool ok, const char *what, const GError *error)
{
    if (!ok) {
        (void)fprintf(stderr, "%s: %s\n", what, error != NULL ? error->message : strerror(errno));
        exit(EXIT_FAILURE);
    }
}

static void put_fifo(struct rig_device *device, const char *node)
{
    char path[256];
    gchar *root = umockdev_testbed_get_root_dir(device->rig->bed);
    (void)snprintf(path, sizeof(path), "%s%s", root, node);
    g_free(root);
    (void)unlink(path);
    check(mkfifo(path, 0600) == 0, path, NULL);
    device->fifo = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
    check(device->fifo >= 0 && fcntl(device->fifo, F_SETPIPE_SZ, 4096) > 0, path, NULL);
    device->ready = true;
    set_ready(device, false);
}

void rig_usb_plug(struct rig_device *device)
{
    char text[2048], node[40];
    GError *error = NULL;
    UMockdevTestbed *bed = device->rig->bed;
    unsigned number = device->number + 1;
    (void)snprintf(node, sizeof(node), NODE, number);
    (void)snprintf(text, sizeof(text),
                   "P: " PARENT "\nN: bus/usb/001/%03u\nE: DEVTYPE=usb_device\nE: SUBSYSTEM=usb\n"
                   "E: BUSNUM=001\nE: DEVNUM=%03u\nE: DEVNAME=" NODE "\n"
                   "A: idVendor=%04x\\n\nA: idProduct=%04x\\n\nA: serial=%s\\n\nA: busnum=1\\n\n"
                   "A: manufacturer=Kneelab\\n\nA: product=Emulated\\n\n"
                   "A: devnum=%u\\n\nA: bDeviceClass=00\\n\nA: bConfigurationValue=1\\n\n"
                   "A: speed=12\\n\n"
                   "H: descriptors=1201000200000040%02x%02x%02x%02x000101020301%s\n",
                   number, number, number, number, device->id.vendor, device->id.product,
                   device->serial_number, number, device->id.vendor & 0xffu,
                   (unsigned)device->id.vendor >> 8, device->id.product & 0xffu,
                   (unsigned)device->id.product >> 8, device->descriptors);
    while (device->urbs > 0) { /* of a host that died */
        forget(device, 0);
    }
    UMockdevIoctlBase *handler = umockdev_ioctl_base_new();
    (void)g_signal_connect(handler, "handle-ioctl", G_CALLBACK(answer), device);
    /* in this order: see rig_serial.c */
    check(umockdev_testbed_attach_ioctl(bed, node, handler, &error), node, error);
    check(umockdev_testbed_add_from_string(bed, text, &error), node, error);
    g_object_unref(handler);
    put_fifo(device, node);
}

void rig_usb_begin_pull(struct rig_device *device)
{
    (void)pthread_mutex_lock(&device->rig->lock);
    device->plugged = false; /* the kernel ends what waits, and takes nothing new */
    for (size_t i = 0; i < device->urbs; i++) {
        if (!device->urb[i].finished) {
            finish(device, &device->urb[i], -ESHUTDOWN, 0);
        }
    }
    (void)pthread_mutex_unlock(&device->rig->lock);
}

void rig_usb_end_pull(struct rig_device *device)
{
    char path[256], node[40];
    for (size_t waiting = 1, ms = 0; waiting > 0 && ms < PULL_WAIT_MS; ms++) {
        const struct timespec pause = {.tv_nsec = 1000000};
        (void)nanosleep(&pause, NULL);
        (void)pthread_mutex_lock(&device->rig->lock);
        waiting = device->urbs;
        (void)pthread_mutex_unlock(&device->rig->lock);
    }
    (void)snprintf(node, sizeof(node), NODE, device->number + 1);
    (void)snprintf(path, sizeof(path), "/sys" PARENT, device->number + 1);
    gchar *root = umockdev_testbed_get_root_dir(device->rig->bed);
    char *inside = g_strconcat(root, node, NULL);
    (void)unlink(inside);
    g_free(inside);
    g_free(root);
    const struct timespec pause = {.tv_nsec = 20000000}; /* a host that just opened it connects */
    (void)nanosleep(&pause, NULL);
    (void)umockdev_testbed_detach_ioctl(device->rig->bed, node, NULL);
    umockdev_testbed_uevent(device->rig->bed, path, "remove");
    umockdev_testbed_remove_device(device->rig->bed, path);
    (void)close(device->fifo);
    device->fifo = -1;
}
