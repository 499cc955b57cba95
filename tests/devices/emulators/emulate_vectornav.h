/* A VN-100: text commands and binary packets. Measures emulator_value(packet, channel) in the units
 * on the wire: acceleration x y z first, then rate, magnetic field, quaternion x y z w.
 */
#ifndef KL_TESTS_DEVICES_EMULATE_VECTORNAV_H
#define KL_TESTS_DEVICES_EMULATE_VECTORNAV_H

#include "emulator.h"

struct emulate_vectornav {
    struct emulator emulator;
    const char *model;
    unsigned port;                /* the line is its port 1 or 2 */
    unsigned base_hz;             /* of its measurements */
    bool paused;                  /* VNASY,0 */
    unsigned ascii;               /* register 6 */
    unsigned mode, divisor, mask; /* register 75 */
    unsigned next_baud;           /* written, in force once the answer is out; 0: none */
    int64_t power_up_ns;          /* of TimeStartup */
    int64_t start_ns;             /* of its clock: packet 0 of this configuration */
    uint64_t index;               /* next packet of this configuration */
    uint64_t first;               /* number of its first one among all data messages */
    int64_t line_ns;              /* of its clock: next line of text */
    unsigned flash_writes;        /* nobody asked for */
    char in[300];
    size_t in_len;
};

/** As bought: VNYMR at 40 Hz, 115200 baud, no binary output. */
void emulate_vectornav_init(struct emulate_vectornav *self);

#endif
