/* The device's side of labjack_u6: a U6 with 14 inputs, its calibration memory and its FIFO.
 *
 * Pure: commands in on endpoint 0x01, answers out on 0x82, stream packets on 0x83 when their
 * samples are due by its own crystal (drift_ppm) counted from StreamStart.
 */
#ifndef KL_TESTS_DEVICES_EMULATE_LABJACK_U6_H
#define KL_TESTS_DEVICES_EMULATE_LABJACK_U6_H

#include "emulator.h"

enum { EMULATE_U6_FIFO = 984, EMULATE_U6_LIST = 25 };

struct emulate_labjack_u6 {
    struct emulator emulator;
    /* set by the test */
    bool pro, cal_blank;            /* a U6-Pro; calibration memory never written */
    bool runs;                      /* a crashed program left the stream running */
    unsigned stale_answers;         /* an answer of something else stands before the next answers */
    unsigned config_error;          /* of StreamConfig */
    uint64_t drop_from, drop_count; /* packets that vanish on the way */
    uint64_t flip_packet;           /* this packet (from 1) has a bit flipped */
    uint64_t garbage_packet;        /* before this packet (from 1) stands garbage */
    uint64_t recovery_from_scan;    /* the FIFO overflows: scans are discarded from here */
    uint64_t recovery_scans;        /* ... so many */

    /* what the host made of it */
    bool streaming;
    size_t channels, per_packet;
    uint8_t input[EMULATE_U6_LIST], option[EMULATE_U6_LIST];
    double clock_hz;
    unsigned interval;
    unsigned config_writes;
    uint8_t heard[16][64]; /* the first commands, byte for byte */
    size_t heard_len[16], heard_count;

    /* inside */
    uint8_t answer[4][64];
    size_t answer_len[4], answers;
    int64_t start_ns;
    uint64_t sample; /* number of the next one to be sent */
    uint8_t counter;
    bool reported;  /* error 60 was sent */
    uint64_t shift; /* scans discarded, dummy counted */
};

/** Volts that stand at an input in a scan. Within +-9 V; every scan differs. */
double emulate_labjack_u6_volts(unsigned input, uint64_t scan);

/** Volts as the unit's converter and calibration give them back: rounded to a count. */
double emulate_labjack_u6_measured(unsigned input, uint64_t scan);

void emulate_labjack_u6_init(struct emulate_labjack_u6 *self);

extern const struct emulator_ops emulate_labjack_u6_ops;

#endif
