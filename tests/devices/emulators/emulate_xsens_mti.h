/* An MTi: Xbus over one line. Measures emulator_value(message, channel), acceleration x y z first,
 * then rate of turn, magnetic field, quaternion.
 */
#ifndef KL_TESTS_DEVICES_EMULATE_XSENS_MTI_H
#define KL_TESTS_DEVICES_EMULATE_XSENS_MTI_H

#include "emulator.h"

#define EMULATE_MTI_LIST_MAX 128

struct emulate_xsens_mti {
    struct emulator emulator;
    bool measuring;
    unsigned rate_max_hz;               /* it silently lowers what is asked above */
    bool no_orientation;                /* a product without a filter */
    uint8_t list[EMULATE_MTI_LIST_MAX]; /* output configuration */
    size_t list_len;
    unsigned writes;  /* of the output configuration: each wears flash */
    uint32_t fine;    /* sample time fine when it was switched on */
    uint16_t counter; /* packet counter of message 0 */
    int64_t start_ns; /* of its clock: message 0 of this measurement */
    uint64_t index;   /* next message of this measurement */
    uint64_t first;   /* number of its first one among all data messages */
    uint8_t in[512];
    size_t in_len;
};

/** As bought: measuring, 100 Hz Euler angles, 115200 baud. */
void emulate_xsens_mti_init(struct emulate_xsens_mti *self);

#endif
