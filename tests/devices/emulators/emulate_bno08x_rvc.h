/* A BNO08x in UART-RVC mode on the other side of the wire: it talks, it never listens. */
#ifndef KL_TESTS_DEVICES_EMULATE_BNO08X_RVC_H
#define KL_TESTS_DEVICES_EMULATE_BNO08X_RVC_H

#include "emulator.h"

struct emulate_bno08x {
    struct emulator emulator; /* all there is */
};

void emulate_bno08x_init(struct emulate_bno08x *self);

/** Raw words of frame i: yaw, pitch, roll (0.01 deg), ax, ay, az (mg). */
int emulate_bno08x_value(uint64_t index, size_t channel);

#endif
