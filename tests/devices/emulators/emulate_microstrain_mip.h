/* A MicroStrain 3DM on the other side of the wire: answers MIP commands, streams set 80 in the
 * format it was told. */
#ifndef KL_TESTS_DEVICES_EMULATE_MICROSTRAIN_MIP_H
#define KL_TESTS_DEVICES_EMULATE_MICROSTRAIN_MIP_H

#include "emulator.h"

struct emulate_mip {
    struct emulator emulator; /* first: the callbacks cast */
    unsigned base_hz;
    bool legacy;          /* knows the older commands only */
    bool knows_overrange; /* field 18 */
    bool foreign_data;    /* filter packets between the samples, as other settings leave them */
    uint8_t format[64];   /* in force: n, n x (descriptor, u16 decimation) */
    size_t format_len;
    bool idle;
    size_t in_len;
    uint8_t in[512];
};

#define EMULATE_MIP_FIRST_NS INT64_C(5000000000) /* reference time of sample 0 */

void emulate_mip_init(struct emulate_mip *self);

/** What channel c (accel g, gyro rad/s, mag gauss, quaternion) of sample i says, in the device's
 *  own units. */
float emulate_mip_value(uint64_t index, size_t channel);

/** Writes one packet around fields. @return its length */
size_t emulate_mip_packet(uint8_t set, const uint8_t *fields, size_t len, uint8_t *out);

#endif
