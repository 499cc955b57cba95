/* cfmakeraw, realpath */
// NOLINTNEXTLINE(bugprone-reserved-identifier,readability-identifier-naming)
#define _DEFAULT_SOURCE
#include "acquire/link_serial.h"

#include "acquire/link_fd.h"

#include <libserialport.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/serial.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

struct serial {
    struct kl_link link;
    struct sp_port *port; /* NULL: a pseudo terminal */
    int fd;
};

static int serial_read(struct kl_link *link, uint8_t *buf, size_t cap, int64_t wait_ns)
{
    return kl_fd_read(((struct serial *)link)->fd, buf, cap, wait_ns);
}

static int serial_write(struct kl_link *link, const uint8_t *buf, size_t len, int64_t wait_ns)
{
    return kl_fd_write(((struct serial *)link)->fd, false, buf, len, wait_ns);
}

static int serial_set_baud(struct kl_link *link, unsigned baud)
{
    struct serial *serial = (struct serial *)link;
    if (baud == 0 || baud > INT_MAX) {
        return KL_ERR_ARG;
    }
    if (serial->port == NULL) {
        return KL_OK; /* a pseudo terminal has no speed */
    }
    (void)tcdrain(serial->fd); /* what was written leaves at the old speed */
    return sp_set_baudrate(serial->port, (int)baud) == SP_OK ? KL_OK
                                                             : kl_fd_status(sp_last_error_code());
}

static void serial_close(struct kl_link *link)
{
    struct serial *serial = (struct serial *)link;
    if (serial->port != NULL) {
        (void)sp_close(serial->port);
        sp_free_port(serial->port);
    } else {
        (void)close(serial->fd);
    }
    free(serial);
}

int kl_port_fault(const char *device, const char *port, int error, struct kl_fault *fault)
{
    switch (error) {
    case EACCES:
    case EPERM:
        return kl_fault(fault, KL_ERR_IO,
                        "device %s: no permission to open %s; copy configs/60-kneelab.rules to "
                        "/etc/udev/rules.d, run `udevadm control --reload` and plug it in again "
                        "(serial ports also open for members of the group dialout)",
                        device, port);
    case ENOENT:
    case ENODEV:
    case ENXIO:
    case EIO:
        return kl_fault(fault, KL_ERR_GONE, "device %s: %s is not there; plug it in", device, port);
    case EBUSY:
        return kl_fault(fault, KL_ERR_IO,
                        "device %s: %s is in use by another program; close that one first", device,
                        port);
    default:
        return kl_fault(fault, KL_ERR_IO, "device %s: %s cannot be opened: %s", device, port,
                        strerror(error));
    }
}

/* Bytes at once instead of every 16 ms. Not every driver has the switch: then arrival is coarser
 * and the device's clock carries the time, as ever. */
static void ask_for_low_latency(int fd)
{
    struct serial_struct settings;
    memset(&settings, 0, sizeof(settings));
    if (ioctl(fd, TIOCGSERIAL, &settings) == 0) {
        settings.flags = (int)((unsigned)settings.flags | ASYNC_LOW_LATENCY);
        (void)ioctl(fd, TIOCSSERIAL, &settings);
    }
}

/* @return 0 or the system's error number */
static int open_port(struct serial *serial, const char *name, unsigned baud)
{
    if (sp_get_port_by_name(name, &serial->port) != SP_OK) {
        return ENOTTY; /* not in the system's list of ports */
    }
    if (sp_open(serial->port, SP_MODE_READ_WRITE) != SP_OK) {
        int error = sp_last_error_code();
        sp_free_port(serial->port);
        serial->port = NULL;
        return error != 0 ? error : EINVAL;
    }
    bool set = sp_set_baudrate(serial->port, (int)baud) == SP_OK &&
               sp_set_bits(serial->port, 8) == SP_OK &&
               sp_set_parity(serial->port, SP_PARITY_NONE) == SP_OK &&
               sp_set_stopbits(serial->port, 1) == SP_OK &&
               sp_set_flowcontrol(serial->port, SP_FLOWCONTROL_NONE) == SP_OK &&
               sp_get_port_handle(serial->port, &serial->fd) == SP_OK;
    int error = set ? 0 : sp_last_error_code();
    if (!set) {
        (void)sp_close(serial->port);
        sp_free_port(serial->port);
        serial->port = NULL;
        return error != 0 ? error : EINVAL;
    }
    ask_for_low_latency(serial->fd);
    (void)tcflush(serial->fd, TCIFLUSH); /* what came at another speed */
    return 0;
}

/* @return 0, or ENOTTY when it is no pseudo terminal, or the system's error number */
static int open_pseudo_terminal(struct serial *serial, const char *name)
{
    int fd = open(name, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0) {
        return errno;
    }
    int lines;
    struct termios settings;
    if (tcgetattr(fd, &settings) != 0 || ioctl(fd, TIOCMGET, &lines) == 0) {
        (void)close(fd);
        return ENOTTY;
    }
    cfmakeraw(&settings);
    if (tcsetattr(fd, TCSANOW, &settings) != 0) {
        int error = errno;
        (void)close(fd);
        return error;
    }
    serial->fd = fd;
    return 0;
}

char *kl_serial_path(const char *name)
{
    struct stat entry;
    if (lstat(name, &entry) != 0) {
        return NULL;
    }
    return S_ISLNK(entry.st_mode) ? realpath(name, NULL) : strdup(name);
}

int kl_serial_open(const char *device, const char *port, unsigned baud, struct kl_link **out,
                   struct kl_fault *fault)
{
    static const struct kl_link_ops ops = {.read = serial_read,
                                           .write = serial_write,
                                           .set_baud = serial_set_baud,
                                           .close = serial_close};
    if (baud == 0 || baud > INT_MAX) {
        return kl_fault(fault, KL_ERR_RANGE, "device %s: %u baud on %s", device, baud, port);
    }
    struct serial *serial = calloc(1, sizeof(*serial));
    if (serial == NULL) {
        return kl_fault(fault, KL_ERR_MEM, "device %s: out of memory", device);
    }
    serial->link.ops = &ops;
    char *path = NULL;
    int error = open_port(serial, port, baud);
    if (error == ENOTTY) { /* a name that leads to the port, such as /dev/serial/by-id/... */
        path = kl_serial_path(port);
        error = path != NULL ? open_port(serial, path, baud) : errno;
    }
    if (error == ENOTTY && path != NULL) {
        error = open_pseudo_terminal(serial, path);
    }
    free(path);
    if (error != 0) {
        free(serial);
        return kl_port_fault(device, port, error, fault);
    }
    *out = &serial->link;
    return KL_OK;
}
