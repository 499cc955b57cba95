/* The device's side of vernier_go_direct: a plate with sensors 1 "Force" (N), 2 "Left" (N),
 * 3 "Right" (N), 4 "Temperature" (C).
 *
 * Pure: HID reports of 64 bytes in and out.
 */
#ifndef KL_TESTS_DEVICES_EMULATE_VERNIER_GO_DIRECT_H
#define KL_TESTS_DEVICES_EMULATE_VERNIER_GO_DIRECT_H

#include "emulator.h"

struct emulate_vernier_go_direct {
    struct emulator emulator;
    /* set by the test */
    uint8_t rows;         /* per packet; 0: 5 */
    bool wide;            /* packets of type 0x07 */
    bool blank_header;    /* measurements have 0 for counter and sum, answers no sum */
    bool counts_down;     /* the packet counter goes -1 */
    bool runs;            /* a crashed program left it measuring */
    bool stale;           /* an answer that nobody waited for is in the pipe */
    bool short_answers;   /* sensor information is cut */
    uint64_t told_packet; /* this packet is replaced by "dropped" (0x0d) */

    /* what the host made of it */
    bool measuring;
    uint32_t period_us, mask;
    uint8_t heard[16][64]; /* the first commands, byte for byte */
    size_t heard_count;

    /* inside */
    int64_t start_ns;
    uint64_t row, packets;
    uint8_t counter;
};

/** What a sensor measures in a row; float32 exactly. */
float emulate_vernier_go_direct_value(unsigned sensor, uint64_t row);

void emulate_vernier_go_direct_init(struct emulate_vernier_go_direct *self);

extern const struct emulator_ops emulate_vernier_go_direct_ops;

#endif
