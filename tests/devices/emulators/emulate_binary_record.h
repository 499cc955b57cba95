/* A device that sends fixed records: A5 5A, u8 counter, u32le time (us), 3 int16le, f32be, CRC. */
#ifndef KL_TESTS_DEVICES_EMULATE_BINARY_RECORD_H
#define KL_TESTS_DEVICES_EMULATE_BINARY_RECORD_H

#include "emulator.h"

#define RECORD_BYTES 19

struct emulate_record {
    struct emulator emulator; /* all there is */
};

void emulate_record_init(struct emulate_record *self, double rate_hz);

/** Stored number c = 0..2 of record n. */
int emulate_record_value(uint64_t n, unsigned c);
float emulate_record_float(uint64_t n);

void emulate_record_write(uint64_t n, double rate_hz, uint8_t out[RECORD_BYTES]);

#endif
