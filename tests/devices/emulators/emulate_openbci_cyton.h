/* The other side of an OpenBCI Cyton: dongle and board. */
#ifndef KL_TESTS_DEVICES_EMULATE_OPENBCI_CYTON_H
#define KL_TESTS_DEVICES_EMULATE_OPENBCI_CYTON_H

#include "emulator.h"

#define CYTON_FRAME 33

struct emulate_cyton {
    struct emulator emulator; /* first: the link carries it */
    bool board_off, digital;
    int gain_code[8]; /* -1: channel off */
    char setting[16]; /* a channel command under way */
    size_t setting_len;
};

void emulate_cyton_init(struct emulate_cyton *self);

/** What the converter gives for sample n of channel 1..8. */
int32_t emulate_cyton_count(uint64_t n, unsigned channel);

/** Writes frame n (type 0, accelerometer every tenth). */
void emulate_cyton_frame(uint64_t n, bool digital, uint8_t out[CYTON_FRAME]);

#endif
