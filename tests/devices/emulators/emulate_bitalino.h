/* The other side of a BITalino (r)evolution. */
#ifndef KL_TESTS_DEVICES_EMULATE_BITALINO_H
#define KL_TESTS_DEVICES_EMULATE_BITALINO_H

#include "emulator.h"

#define BITALINO_FRAME_MAX 8

struct emulate_bitalino {
    struct emulator emulator; /* first: the link carries it */
    unsigned mask;            /* bit 0: A1 */
    double rate_hz;           /* of the next stream */
};

void emulate_bitalino_init(struct emulate_bitalino *self);

/** What the converter gives for sample n of the k-th enabled input, 10 or 6 bit. */
unsigned emulate_bitalino_count(uint64_t n, unsigned k);

/** Writes frame n of `channels` inputs. @return its length */
size_t emulate_bitalino_frame(uint64_t n, unsigned channels, uint8_t out[BITALINO_FRAME_MAX]);

#endif
