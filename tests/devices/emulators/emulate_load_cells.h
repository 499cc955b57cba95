/* The device's side of load_cells: a board that prints counter, micros() and four 24-bit cells.
 *
 * Pure: text out, when due by its own oscillator.
 */
#ifndef KL_TESTS_DEVICES_EMULATE_LOAD_CELLS_H
#define KL_TESTS_DEVICES_EMULATE_LOAD_CELLS_H

#include "emulator.h"

struct emulate_load_cells {
    struct emulator emulator;
    /* set by the test; lines are numbered from 0 */
    bool checksum;       /* *HH at the end */
    uint32_t first_us;   /* of micros(), to see it wrap */
    size_t cells;        /* 4 */
    uint64_t reset_line; /* the board restarts: counter and micros() begin again; 0: never */
};

void emulate_load_cells_init(struct emulate_load_cells *self, double rate_hz);

/** Counts of a cell in a line. */
int32_t emulate_load_cells_counts(size_t cell, uint64_t line);

#endif
