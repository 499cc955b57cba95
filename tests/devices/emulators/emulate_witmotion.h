/* A WitMotion unit on the other side of the wire: registers, unlocking, packets 50..59. */
#ifndef KL_TESTS_DEVICES_EMULATE_WITMOTION_H
#define KL_TESTS_DEVICES_EMULATE_WITMOTION_H

#include "emulator.h"

struct emulate_witmotion {
    struct emulator emulator; /* first: the callbacks cast */
    uint16_t reg[0x80];
    unsigned known_types; /* output content that this firmware has */
    bool answers_reads;   /* older firmware does not */
    double real_share;    /* of the nominal rate that it delivers */
    int64_t unlocked_until_ns;
    size_t saves; /* a save command writes flash: nobody may send one */
    size_t in_len;
    uint8_t in[5];
};

void emulate_witmotion_init(struct emulate_witmotion *self);

/** Raw words of sample i: ax ay az, wx wy wz, mx my mz, qw qx qy qz. */
int emulate_witmotion_value(uint64_t index, size_t channel);

#endif
