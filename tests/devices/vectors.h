/* The test vectors of the protocol pages: bytes of a device and the values they hold.
 *
 * Expected: "name=number number; name=number". Numbers are float32 values printed with 9 digits. */
#ifndef KL_TESTS_DEVICES_VECTORS_H
#define KL_TESTS_DEVICES_VECTORS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Nine digits of a float32 and its rounding: protocols/README. */
#define VECTORS_TOLERANCE 1e-6

#define VECTORS 64 /* more than any device has */

struct vector {
    char id[32], kind[16];
    uint8_t bytes[2200];
    size_t len;
    char expected[600];
};

/** The device's rows of imu_vectors.tsv beside the recordings.
 *  @return how many; 0: the file is not there */
size_t vectors_read(const char *device, struct vector *out, size_t cap);

/** Numbers that an expectation gives for a name. @return how many; 0: it does not name it */
size_t vectors_numbers(const char *expected, const char *name, double *out, size_t cap);

/** Whether `found` has the numbers expected for a name (or the expectation does not name it). */
bool vectors_agree(const struct vector *vector, const char *name, const double *found);

#endif
