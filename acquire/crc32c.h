/* CRC-32C (Castagnoli): the check of every byte of a session file.
 *
 * Any single flipped bit, any burst up to 32 bits and any two flipped bits within 2^31 bits change
 * it, which is what the integrity marks rely on.
 * Source: RFC 3720 appendix B.4; polynomial 0x1EDC6F41, reflected, initial and final value ~0.
 */
#ifndef KL_ACQUIRE_CRC32C_H
#define KL_ACQUIRE_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/** CRC-32C of `len` bytes that follow bytes whose CRC-32C is `crc` (0 at the start).
 *  crc32c(crc32c(0, a), b) is the CRC of a followed by b.   Threads: any. RT safe. */
uint32_t kl_crc32c(uint32_t crc, const void *data, size_t len);

#endif
