/* The device's side of load_cells: a board that prints counter, micros() and four 24-bit cells.
 *
 * Pure: text out, when due by its own oscillator.
 */
#ifndef KL_TESTS_DEVICES_EMULATE_LOAD_CELLS_H
#define KL_TESTS_DEVICES_EMULATE_LOAD_CELLS_H

#include "emulator_link.h"

struct emulate_load_cells {
    /* set by the test; lines are numbered from 0 */
    double rate_hz, drift_ppm;
    bool checksum;         /* *HH at the end */
    char separator;        /* 0: comma */
    uint32_t first_us;     /* of micros(), to see it wrap */
    bool silent, noise;    /* nothing comes; bytes of another speed come */
    size_t cells;          /* 0: 4 */
    uint64_t flip_line;    /* this line has a wrong character; 0: none */
    uint64_t drop_line;    /* this line never comes */
    uint64_t cut_line;     /* this line ends in its middle */
    uint64_t garbage_line; /* garbage and a line end before this line */
    uint64_t reset_line;   /* the board restarts: counter and micros() begin again */
    bool gone;

    /* inside */
    bool begun;
    int64_t start_ns;
    uint64_t line; /* next */
    char out[256];
    size_t out_at, out_len;
};

/** Counts of a cell in a line. */
int32_t emulate_load_cells_counts(size_t cell, uint64_t line);

extern const struct emulator_ops emulate_load_cells_ops;

#endif
