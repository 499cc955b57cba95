#include "mocked_device.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define PARENT "/devices/pci0000:00/0000:00:14.0/usb1/1-%u"

/* What a pseudo terminal does not know; everything else is passed on to it. */
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

int mocked_serial_plug(UMockdevTestbed *bed, unsigned number, const char *serial_number)
{
    char text[2048], node[32];
    GError *error = NULL;
    (void)snprintf(node, sizeof(node), "/dev/ttyACM%u", number);
    (void)snprintf(
        text, sizeof(text),
        "P: " PARENT "\nN: bus/usb/001/%03u\nE: DEVTYPE=usb_device\nE: SUBSYSTEM=usb\n"
        "A: idVendor=%04x\\n\nA: idProduct=%04x\\n\nA: serial=%s\\n\n"
        "A: manufacturer=Kneelab\\n\nA: product=Toy\\n\nA: busnum=1\\n\nA: devnum=%u\\n\n"
        "A: bDeviceClass=00\\n\n\n"
        "P: " PARENT "/1-%u:1.0\nE: DEVTYPE=usb_interface\nE: SUBSYSTEM=usb\n"
        "A: bInterfaceNumber=00\\n\n\n"
        "P: " PARENT "/1-%u:1.0/tty/ttyACM%u\nN: ttyACM%u\n"
        "E: DEVNAME=/dev/ttyACM%u\nE: SUBSYSTEM=tty\n"
        "L: device=../../../1-%u:1.0\n",
        number + 1, number + 10, MOCKED_VENDOR, MOCKED_SERIAL_PRODUCT, serial_number, number + 10,
        number + 1, number + 1, number + 1, number + 1, number, number, number, number + 1);
    if (!umockdev_testbed_add_from_string(bed, text, &error)) {
        (void)fprintf(stderr, "%s\n", error->message);
        exit(EXIT_FAILURE);
    }
    UMockdevIoctlBase *handler = umockdev_ioctl_base_new();
    (void)g_signal_connect(handler, "handle-ioctl", G_CALLBACK(answer), NULL);
    if (!umockdev_testbed_attach_ioctl(bed, node, handler, &error)) {
        (void)fprintf(stderr, "%s\n", error->message);
        exit(EXIT_FAILURE);
    }
    g_object_unref(handler);
    return umockdev_testbed_get_dev_fd(bed, node);
}

void mocked_serial_pull(UMockdevTestbed *bed, unsigned number, int fd)
{
    int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
    (void)dup2(nothing, fd); /* hangs the terminal up; the number stays the bed's */
    (void)close(nothing);
    char path[256], node[32];
    (void)snprintf(node, sizeof(node), "/dev/ttyACM%u", number);
    (void)umockdev_testbed_detach_ioctl(bed, node, NULL);
    (void)snprintf(path, sizeof(path), "/sys" PARENT "/1-%u:1.0/tty/ttyACM%u", number + 1,
                   number + 1, number);
    umockdev_testbed_remove_device(bed, path);
    (void)snprintf(path, sizeof(path), "/sys" PARENT "/1-%u:1.0", number + 1, number + 1);
    umockdev_testbed_remove_device(bed, path);
    (void)snprintf(path, sizeof(path), "/sys" PARENT, number + 1);
    umockdev_testbed_remove_device(bed, path);
}
