/* A device that is a server on the network, or a serial port behind one (ser2net).
 *
 * Nothing here waits longer than it is told: connecting and reading do not block. Small commands go
 * out at once (TCP_NODELAY); a peer that is cut off without a word is noticed by keep-alive after
 * about two seconds, and before that by its silence.
 */
#ifndef KL_ACQUIRE_LINK_TCP_H
#define KL_ACQUIRE_LINK_TCP_H

#include "acquire/driver.h"

/** Connects. @param device  its name, for messages
 *  @param host  "192.168.1.7", "trigno.local", "[fe80::1]", with or without ":port" behind it
 *  @param port  when host names none; 0: it must
 *  @return KL_OK with *out (closed by its ops), KL_ERR_GONE when nobody answers, KL_ERR_RANGE for a
 *          host that cannot be read, KL_ERR_IO, KL_ERR_MEM with *fault. Threads: any. */
KL_CHECK int kl_tcp_open(const char *device, const char *host, uint16_t port, int64_t wait_ns,
                         struct kl_link **out, struct kl_fault *fault);

#endif
