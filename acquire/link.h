/* Opens the link that a lab file names, or the only one that fits a driver.
 *
 * A device is told by its port, by the USB serial number of the device (or of its bridge), or by
 * its host. Nothing said: the one thing plugged in whose USB ids fit; two of them are a fault, for
 * left and right must not be a matter of luck. A device that was open once is known by its serial
 * number, so that it is found again on another port, and nothing else on its old one.
 */
#ifndef KL_ACQUIRE_LINK_H
#define KL_ACQUIRE_LINK_H

#include "acquire/port_list.h"

#define KL_HOST_MAX 96

/** Which of the devices that fit a driver. Empty texts: not said. */
struct kl_link_choice {
    char port[KL_PORT_NAME_MAX];              /* /dev/ttyUSB0, /dev/serial/by-id/..., usb:1-4 */
    char serial_number[KL_SERIAL_NUMBER_MAX]; /* of the USB device or of its serial bridge */
    char host[KL_HOST_MAX];                   /* TCP: name or address, ":port" may follow */
    unsigned baud;                            /* serial; 0: the driver's */
};

/** Where a device was found; kept by the caller from one opening to the next. */
struct kl_link_found {
    char where[KL_PORT_NAME_MAX];             /* "" before the first opening */
    char serial_number[KL_SERIAL_NUMBER_MAX]; /* "": it has none */
};

/** Opens the link. @param device  the device's name, for messages
 *  @param found  in and out: updated on success only
 *  @return KL_OK with *out; KL_ERR_GONE when it is not there, KL_ERR_RANGE when the choice cannot
 *          be, KL_ERR_IO, KL_ERR_MEM, KL_ERR_UNSUPPORTED with *fault. Threads: any. */
KL_CHECK int kl_link_open(const char *device, const struct kl_driver *driver,
                          const struct kl_link_choice *choice, struct kl_link_found *found,
                          struct kl_link **out, struct kl_fault *fault);

/** Asks who is there: at the speed of the open link and, where the lab file names none, at every
 *  other speed the driver knows (kl_link_need.speed), which is added to what the device says. When
 *  nobody answers the link is left at its first speed.
 *  @param driver  with identify  @param baud  what the lab file says; 0: nothing
 *  @return as kl_driver.identify */
KL_CHECK int kl_link_identify(struct kl_link *link, const struct kl_driver *driver, unsigned baud,
                              char *out, size_t len);

/** NULL is allowed; a borrowed link stays open. */
void kl_link_close(struct kl_link *link);

#endif
