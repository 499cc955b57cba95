/* The other side of a Trigno SDK server: its command port and its EMG port. */
#ifndef KL_TESTS_DEVICES_EMULATE_DELSYS_TRIGNO_H
#define KL_TESTS_DEVICES_EMULATE_DELSYS_TRIGNO_H

#include "emulator.h"

#define TRIGNO_SAMPLE 64

/** The commands go over the port beside. */
struct emulate_trigno {
    struct emulator emulator; /* of the stream; its faults of commands are meant too */
    struct emulator commands; /* only what it has to say there */
    bool running, little;
    int samples_per_frame; /* of 13.5 ms */
    unsigned paired;       /* bit k - 1: slot k */
    int64_t start_ns;
    uint64_t made;
    char line[128];
    size_t line_len;
};

void emulate_trigno_init(struct emulate_trigno *self);

/** Volts of sample n of slot 1..16, as float32. */
float emulate_trigno_volts(uint64_t n, unsigned slot);

#endif
