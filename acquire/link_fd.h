/* Links that are a file descriptor: what serial ports, pseudo terminals and sockets share.
 *
 * A device that goes away hangs its descriptor up: poll says so at once, and read gives 0 or EIO.
 * Both become KL_ERR_GONE here. (libserialport's own blocking read takes the 0 for "nothing yet"
 * and spins until its time is over; so ports are opened with it and read here.)
 *
 * Contract: the descriptor does not block. Threads: one per link.
 */
#ifndef KL_ACQUIRE_LINK_FD_H
#define KL_ACQUIRE_LINK_FD_H

#include "acquire/driver.h"

/** Waits up to wait_ns for bytes and takes those that are there.
 *  @return bytes, 0: none in time, KL_ERR_GONE or KL_ERR_IO */
int kl_fd_read(int fd, uint8_t *buf, size_t cap, int64_t wait_ns);

/** Writes all of them. @param socket  send without raising SIGPIPE
 *  @return len, KL_ERR_TIMEOUT when the other side takes no more, KL_ERR_GONE or KL_ERR_IO */
int kl_fd_write(int fd, bool socket, const uint8_t *buf, size_t len, int64_t wait_ns);

/** Waits for `events` of poll. @return true when one of them, or an error, is there */
bool kl_fd_wait(int fd, short events, int64_t wait_ns);

/** What errno means for a device that was there. */
int kl_fd_status(int error);

#endif
