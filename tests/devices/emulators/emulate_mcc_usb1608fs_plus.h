/* The device's side of mcc_usb1608fs_plus: eight inputs, calibration memory, FIFO.
 *
 * Pure: control requests in, data packets of 64 bytes out on 0x81 when due by its own crystal.
 */
#ifndef KL_TESTS_DEVICES_EMULATE_MCC_USB1608FS_PLUS_H
#define KL_TESTS_DEVICES_EMULATE_MCC_USB1608FS_PLUS_H

#include "emulator.h"

struct emulate_mcc_usb1608fs_plus {
    struct emulator emulator;
    /* set by the test */
    bool runs;           /* a crashed program left a scan running */
    bool cal_blank;      /* calibration memory never written */
    bool cal_pieces;     /* refuses to read more than 64 bytes at once */
    bool range_stuck;    /* AIN_CONFIG is accepted and not done */
    bool never_stops;    /* AIN_SCAN_STOP is accepted and not done */
    uint64_t overrun_at; /* bytes after which the FIFO overran; 0: never */

    /* what the host made of it */
    bool running, overran, halted;
    uint8_t range[8], start[10];
    unsigned starts;

    /* inside */
    int64_t start_ns;
    uint64_t sent; /* bytes */
};

/** Puts the range codes that the device has before the host comes. */
void emulate_mcc_usb1608fs_plus_init(struct emulate_mcc_usb1608fs_plus *self);

/** Volts as converter and calibration give them back, at range code `range`. */
double emulate_mcc_usb1608fs_plus_measured(unsigned input, unsigned range, uint64_t scan);

extern const struct emulator_ops emulate_mcc_usb1608fs_plus_ops;

#endif
