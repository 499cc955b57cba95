/* Serial ports, real and on USB: 8N1, no flow control.
 *
 * libserialport opens and configures (any baud rate the hardware knows); bytes go through
 * link_fd.h. FTDI bridges hold bytes back for 16 ms; where the kernel allows, they are told not to.
 * A pseudo terminal has no modem lines, which libserialport refuses: it is opened without it, so
 * that a bridge (socat, ser2net, rfcomm) or an emulator can stand in for a port.
 */
#ifndef KL_ACQUIRE_LINK_SERIAL_H
#define KL_ACQUIRE_LINK_SERIAL_H

#include "acquire/driver.h"

/** Opens a port. @param device  the device's name, for messages  @param port  /dev/ttyUSB0
 *  @return KL_OK with *out (closed by its ops), KL_ERR_GONE when there is no such port, KL_ERR_IO,
 *          KL_ERR_MEM with *fault. Threads: any; the link then belongs to one. */
KL_CHECK int kl_serial_open(const char *device, const char *port, unsigned baud,
                            struct kl_link **out, struct kl_fault *fault);

/** The port a name leads to: a symbolic link (/dev/serial/by-id/...) to its end, anything else to
 *  itself. @return to be freed, or NULL with the reason in errno */
char *kl_serial_path(const char *name);

/** What is wrong with a port that cannot be opened, and the cure. @return KL_ERR_GONE or KL_ERR_IO
 */
int kl_port_fault(const char *device, const char *port, int error, struct kl_fault *fault);

#endif
