/* A Shimmer3 on the other side of the wire: commands, inquiry, calibration, EXG registers, packets.
 */
#ifndef KL_TESTS_DEVICES_EMULATE_SHIMMER3_H
#define KL_TESTS_DEVICES_EMULATE_SHIMMER3_H

#include "emulator.h"

struct emulate_shimmer3 {
    struct emulator emulator; /* first: the callbacks cast */
    bool dlhc;                /* mag as X Z Y, big-endian */
    bool has_crc;             /* firmware knows 8B */
    bool calibrated;
    bool lose_start_ack;   /* the acknowledgement of 07 gets lost */
    unsigned status_every; /* a status nobody asked for before such packets; 0: never */
    uint8_t firmware[6];   /* type, major: u16; minor, patch */
    uint8_t sensors[3];
    uint16_t divisor;
    uint8_t config[4];
    uint8_t exg[2][10];
    uint8_t crc_bytes;
    bool streaming;
    uint32_t first_ticks; /* time stamp of packet 0 */
    size_t in_len;
    uint8_t in[32];
};

void emulate_shimmer3_init(struct emulate_shimmer3 *self);

/** Raw word of a channel (by its id) in packet i. */
int32_t emulate_shimmer3_value(uint64_t index, uint8_t id);

#endif
