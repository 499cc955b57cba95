/* A USB device without a kernel driver of its own: bulk or interrupt streaming through libusb.
 *
 *     8 transfers, always queued ─▶ usb thread: stamp, copy, resubmit ─▶ byte ring ─▶ read
 *
 * A transfer that completes, empty or not, is submitted again; one that fails is retired, and so is
 * every transfer once the link closes or the device is gone. Closing cancels all, lets the usb
 * thread handle events until each callback has returned, and only then frees. Bytes that do not
 * fit the ring are dropped by whole transfers; kl_link.dropped grows with the first read behind
 * them.
 *
 * Threads: read, write, control, transfer, close: one, the link's owner. Callbacks: the usb thread.
 */
#ifndef KL_ACQUIRE_LINK_USB_H
#define KL_ACQUIRE_LINK_USB_H

#include "acquire/driver.h"

#define KL_USB_TRANSFERS 8

/** Opens the device named "usb:1-4.2" by kl_port_list_usb, claims need->interface (taking it from
 *  a kernel driver), clears a halt that an earlier owner left and starts streaming from
 *  need->stream_in
 *  (0: the bulk pair, see struct kl_link_need). With `out` 0 alone, write goes to the interface's
 *  first bulk endpoint out.
 *  @return as kl_serial_open */
KL_CHECK int kl_usb_open(const char *device, const char *name, const struct kl_link_need *need,
                         struct kl_link **out, struct kl_fault *fault);

#endif
