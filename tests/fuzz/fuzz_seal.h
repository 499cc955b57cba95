/* Right checksums for wrong contents: a fuzzer does not find a 16-bit sum by chance, so what stands
 * behind one would never be reached. */
#ifndef KL_TESTS_FUZZ_FUZZ_SEAL_H
#define KL_TESTS_FUZZ_FUZZ_SEAL_H

#include <stddef.h>
#include <stdint.h>

/** Wherever a whole packet or answer of this driver's device begins, its checksum is made right.
 *  @return bytes of the one that begins at bytes[0], 0: none (or a driver without checksums) */
size_t fuzz_seal(const char *driver, uint8_t *bytes, size_t len);

/** The same for all of them, one after the other. */
void fuzz_seal_all(const char *driver, uint8_t *bytes, size_t len);

#endif
