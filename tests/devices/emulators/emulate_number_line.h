/* A microcontroller that prints numbers: plain, BIMU or OpenLog Artemis. */
#ifndef KL_TESTS_DEVICES_EMULATE_NUMBER_LINE_H
#define KL_TESTS_DEVICES_EMULATE_NUMBER_LINE_H

#include "emulator.h"

enum emulate_line { EMULATE_PLAIN = 0, EMULATE_BIMU, EMULATE_OPENLOG };

struct emulate_number_line {
    struct emulator emulator; /* first: the link carries it */
    enum emulate_line format;
    double rate_hz;                 /* once it streams */
    uint32_t first_count, first_us; /* near their end: they wrap */
};

void emulate_number_line_init(struct emulate_number_line *self, enum emulate_line format,
                              double rate_hz);

/** The number in column c of line n, with three decimals. */
double emulate_number_line_value(uint64_t n, unsigned c);

#endif
