/* The one thread that handles libusb's events, for all USB devices of the program.
 *
 * The first link that opens starts it, the last one that closes ends it.
 */
#ifndef KL_ACQUIRE_USB_THREAD_H
#define KL_ACQUIRE_USB_THREAD_H

#include "acquire/stream.h"

struct libusb_context;

/** Takes a share in the context and its thread. @return KL_OK or a negative status with *fault.
 *  Threads: any but the usb thread. */
KL_CHECK int kl_usb_thread_join(struct libusb_context **out, struct kl_fault *fault);

/** Gives the share back; the last one waits for the thread to end. Every device must be closed.
 *  Threads: any but the usb thread. */
void kl_usb_thread_leave(void);

#endif
