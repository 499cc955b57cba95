/* A link that calls an emulator directly: a conversation and 5 s of data in no time at all. */
#ifndef KL_TESTS_DEVICES_EMULATED_LINK_H
#define KL_TESTS_DEVICES_EMULATED_LINK_H

#include "decoding.h"
#include "emulator.h"

struct emulated_link {
    struct kl_link link;
    struct emulator *emulator;
    int64_t now_ns; /* a silent read lets it pass */
    size_t chunk;   /* most bytes of one read */
    unsigned baud;  /* of the host */
};

/** @param baud  of the host at first; 0: a link without speed (USB, TCP) */
void emulated_link_init(struct emulated_link *link, struct emulator *emulator, unsigned baud,
                        size_t chunk);

/** Reads for a stretch of simulated time, as the hub's reader does, and decodes. */
void emulated_link_stream(struct emulated_link *link, struct decoding *decoding, int64_t for_ns);

#endif
