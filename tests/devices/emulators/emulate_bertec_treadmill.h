/* The other side of a Bertec treadmill's panel: status packets to whoever connects. */
#ifndef KL_TESTS_DEVICES_EMULATE_BERTEC_TREADMILL_H
#define KL_TESTS_DEVICES_EMULATE_BERTEC_TREADMILL_H

#include "emulator.h"

#define BERTEC_STATUS 32

struct emulate_bertec {
    struct emulator emulator; /* .heard: in this project it never may */
};

void emulate_bertec_init(struct emulate_bertec *self);

/** Belt speeds and incline of packet n, mm/s and 0.01 deg. */
int emulate_bertec_left(uint64_t n);
int emulate_bertec_right(uint64_t n);
int emulate_bertec_incline(uint64_t n);

void emulate_bertec_status(uint64_t n, uint8_t out[BERTEC_STATUS]);

#endif
