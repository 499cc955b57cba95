/* The device's side of vernier_go_direct: a plate with sensors 1 "Force" (N), 2 "Left" (N),
 * 3 "Right" (N), 4 "Temperature" (C).
 *
 * Pure: HID reports of 64 bytes in and out.
 */
#ifndef KL_TESTS_DEVICES_EMULATE_VERNIER_GO_DIRECT_H
#define KL_TESTS_DEVICES_EMULATE_VERNIER_GO_DIRECT_H

#include "emulator_link.h"

struct emulate_vernier_go_direct {
    /* set by the test */
    double drift_ppm;
    uint8_t rows;         /* per packet; 0: 5 */
    bool wide;            /* packets of type 0x07 */
    bool blank_header;    /* measurements have 0 for counter and sum, answers no sum */
    bool counts_down;     /* the packet counter goes -1 */
    bool runs;            /* a crashed program left it measuring */
    bool stale;           /* an answer that nobody waited for is in the pipe */
    unsigned silent;      /* commands that get no answer */
    bool short_answers;   /* sensor information is cut */
    uint64_t flip_packet; /* from 1: this packet has a bit flipped */
    uint64_t drop_packet; /* this packet never comes */
    uint64_t told_packet; /* this packet is replaced by "dropped" (0x0d) */
    int64_t stall_from_ns, stall_until_ns;
    bool gone;

    /* what the host made of it */
    bool measuring;
    uint32_t period_us, mask;
    uint8_t heard[16][64]; /* the first commands, byte for byte */
    size_t heard_count;

    /* inside */
    int64_t start_ns;
    uint64_t row, packets;
    uint8_t counter;
    uint8_t queue[64 * 64];
    size_t queue_at, queue_len;
};

/** What a sensor measures in a row; float32 exactly. */
float emulate_vernier_go_direct_value(unsigned sensor, uint64_t row);

extern const struct emulator_ops emulate_vernier_go_direct_ops;

#endif
