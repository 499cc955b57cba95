/* Inside the LabJack U6 driver: what its two halves share. labjack_u6.c explains the stream,
 * labjack_u6_talk.c holds the conversation.
 */
#ifndef KL_DEVICES_LABJACK_U6_H
#define KL_DEVICES_LABJACK_U6_H

#include "devices/analog_scan.h"

#define KL_LABJACK_NAME "labjack_u6"

enum {
    KL_LABJACK_COMMAND_OUT = 0x01, /* endpoint */
    KL_LABJACK_PACKET_MAX = 64,
    KL_LABJACK_CHANNELS_MAX = 25,
    KL_LABJACK_DIGITAL_INPUT = 193, /* FIO in the low byte, EIO in the high byte */
    KL_LABJACK_RANGES = 4,
};

/** V, by the code of the range. */
extern const double kl_labjack_range_v[KL_LABJACK_RANGES];

/** Volts: (raw - centre) * slope above the centre, (centre - raw) * negative below. */
struct kl_labjack_calibration {
    double slope, negative; /* V/count */
    double centre;          /* count */
};

/** State of one device. */
struct kl_labjack {
    struct kl_analog_scan scan;
    unsigned range, samples; /* per packet */
    bool differential, nominal;
    uint8_t settling;
    uint8_t clock_bits;
    uint16_t interval;
    struct kl_labjack_calibration calibration; /* of the range in use */

    uint16_t part[KL_LABJACK_CHANNELS_MAX]; /* of the scan that crosses packets */
    size_t filled;
    bool torn; /* the scan in `part` has a hole */
    bool has_counter;
    uint8_t counter;
    bool recovering; /* a dummy scan is due, worth `dropped` scans */
    unsigned recovering_packets;
    uint32_t dropped;
};

/** What a unit of this range should be near to. */
struct kl_labjack_calibration kl_labjack_nominal(unsigned range);

/** Sum of bytes from..to-1. */
unsigned kl_labjack_sum(const uint8_t *bytes, size_t from, size_t to);

/** The checksum of one byte: a sum folded twice. */
uint8_t kl_labjack_fold8(unsigned sum);

/** Are both checksums of an extended message right? @param len  at least 6 */
bool kl_labjack_sealed(const uint8_t *bytes, size_t len);

/* The conversation, as in struct kl_driver. `state` is a struct kl_labjack. */
int kl_labjack_start(void *state, struct kl_link *link, struct kl_fault *fault);
int kl_labjack_stop(void *state, struct kl_link *link);
int kl_labjack_identify(struct kl_link *link, char *out, size_t len);

#endif
