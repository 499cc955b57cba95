/* A USB serial port: /dev/ttyACM<n> with ids and a serial number, a pty behind it. libserialport
 * wants the modem lines, which a pty does not know: answered here; the rest goes to the pty. */
#include "rig.h"

#include <asm/termbits.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#define PARENT "/devices/pci0000:00/0000:00:14.0/usb1/1-%u"

static gboolean answer(UMockdevIoctlBase *base, UMockdevIoctlClient *client, gpointer unused)
{
    (void)base;
    (void)unused;
    switch (umockdev_ioctl_client_get_request(client)) {
    case TIOCMGET: {
        int lines = TIOCM_DTR | TIOCM_RTS;
        UMockdevIoctlData *data = umockdev_ioctl_data_resolve(umockdev_ioctl_client_get_arg(client),
                                                              0, sizeof(lines), NULL);
        umockdev_ioctl_data_update(data, 0, (guint8 *)&lines, sizeof(lines));
        umockdev_ioctl_data_unref(data);
        umockdev_ioctl_client_complete(client, 0, 0);
        return TRUE;
    }
    case TIOCMSET:
    case TIOCMBIS:
    case TIOCMBIC:
        umockdev_ioctl_client_complete(client, 0, 0);
        return TRUE;
    default: {
        int error = 0;
        int result = umockdev_ioctl_client_execute(client, &error, NULL);
        umockdev_ioctl_client_complete(client, result, error);
        return TRUE;
    }
    }
}

static void check(bool ok, GError *error)
{
    if (!ok) {
        (void)fprintf(stderr, "umockdev: %s\n", error != NULL ? error->message : "no descriptor");
        exit(EXIT_FAILURE);
    }
}

void rig_serial_plug(struct rig_device *device)
{
    char text[2048], node[32];
    GError *error = NULL;
    UMockdevTestbed *bed = device->rig->bed;
    unsigned number = device->number, tty = device->rig->nodes++;
    device->node = tty;
    (void)snprintf(node, sizeof(node), "/dev/ttyACM%u", tty);
    (void)snprintf(
        text, sizeof(text),
        "P: " PARENT "\nN: bus/usb/001/%03u\nE: DEVTYPE=usb_device\nE: SUBSYSTEM=usb\n"
        "A: idVendor=%04x\\n\nA: idProduct=%04x\\n\nA: serial=%s\\n\n"
        "A: manufacturer=Kneelab\\n\nA: product=Emulated\\n\nA: busnum=1\\n\nA: devnum=%u\\n\n"
        "A: bDeviceClass=00\\n\n\n"
        "P: " PARENT "/1-%u:1.0\nE: DEVTYPE=usb_interface\nE: SUBSYSTEM=usb\n"
        "A: bInterfaceNumber=00\\n\n\n"
        "P: " PARENT "/1-%u:1.0/tty/ttyACM%u\nN: ttyACM%u\n"
        "E: DEVNAME=/dev/ttyACM%u\nE: SUBSYSTEM=tty\n"
        "L: device=../../../1-%u:1.0\n",
        number + 1, number + 1, device->id.vendor, device->id.product, device->serial_number,
        number + 1, number + 1, number + 1, number + 1, number + 1, tty, tty, tty, number + 1);
    /* The requests' socket first: a host that finds the node without it, or while it is being made,
     * is ended by umockdev. */
    UMockdevIoctlBase *handler = umockdev_ioctl_base_new();
    (void)g_signal_connect(handler, "handle-ioctl", G_CALLBACK(answer), NULL);
    check(umockdev_testbed_attach_ioctl(bed, node, handler, &error), error);
    g_object_unref(handler);
    check(umockdev_testbed_add_from_string(bed, text, &error), error);
    int fd = umockdev_testbed_get_dev_fd(bed, node);
    check(fd >= 0 && fcntl(fd, F_SETFL, O_NONBLOCK) == 0 && fcntl(fd, F_SETFD, FD_CLOEXEC) == 0,
          NULL);
    device->fd = fd;
}

bool rig_serial_same_speed(const struct rig_device *device)
{
    struct termios2 settings;
    return device->baud == NULL || *device->baud == 0 ||
           ioctl(device->fd, TCGETS2, &settings) != 0 || settings.c_ospeed == *device->baud;
}

void rig_serial_pull(struct rig_device *device)
{
    const struct timespec pause = {.tv_nsec = 20000000};
    unsigned number = device->number;
    (void)close(device->fd); /* hangs the terminal up; the bed does not need it any more */
    device->fd = -1;
    char path[256], node[32];
    (void)snprintf(node, sizeof(node), "/dev/ttyACM%u", device->node);
    /* The node first, which the bed forgets: it is a link to a terminal outside of the bed, and
     * umockdev 0.17.16 overruns its stack in realpath() of such a link. */
    gchar *root = umockdev_testbed_get_root_dir(device->rig->bed);
    (void)snprintf(path, sizeof(path), "%s%s", root, node);
    (void)unlink(path);
    g_free(root);
    (void)nanosleep(&pause, NULL); /* a host that just opened it connects */
    (void)umockdev_testbed_detach_ioctl(device->rig->bed, node, NULL);
    for (int depth = 2; depth >= 0; depth--) { /* the port, its interface, the device */
        int len = snprintf(path, sizeof(path), "/sys" PARENT, number + 1);
        if (depth > 0) {
            len += snprintf(path + len, sizeof(path) - (size_t)len, "/1-%u:1.0", number + 1);
        }
        if (depth > 1) {
            (void)snprintf(path + len, sizeof(path) - (size_t)len, "/tty/ttyACM%u", device->node);
        }
        umockdev_testbed_remove_device(device->rig->bed, path);
    }
}
