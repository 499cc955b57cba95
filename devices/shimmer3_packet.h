/* Shimmer3 data: what the inquiry says of a packet, what is in it, and what that is in SI units.
 *
 * The protocol has no frames: length and order of a packet follow from the answer to the last
 * inquiry. Pure functions; the conversation is in shimmer3.c.
 */
#ifndef KL_DEVICES_SHIMMER3_PACKET_H
#define KL_DEVICES_SHIMMER3_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KL_SHIMMER3_CHANNELS_MAX 32
#define KL_SHIMMER3_CONFIG_MAX 7
#define KL_SHIMMER3_CALIBRATION_BYTES 84
#define KL_SHIMMER3_TICKS_HZ 32768

/** Channel ids of the inquiry that matter here. */
enum kl_shimmer3_channel {
    KL_SHIMMER3_LOW_NOISE_ACCEL = 0x00, /* x; y and z follow */
    KL_SHIMMER3_WIDE_ACCEL = 0x04,
    KL_SHIMMER3_MAG = 0x07,
    KL_SHIMMER3_GYRO = 0x0a,
    KL_SHIMMER3_EXG1_STATUS = 0x1d,
    KL_SHIMMER3_EXG1_1 = 0x1e,
    KL_SHIMMER3_EXG1_2 = 0x1f,
};

/** One packet's shape. */
struct kl_shimmer3_layout {
    bool model_3r;     /* Shimmer3R: other byte orders */
    bool short_time;   /* u16 time stamps of the oldest firmware */
    uint8_t crc_bytes; /* 0, 1 or 2 */
    uint16_t divisor;  /* 32768 Hz / divisor is the rate */
    uint8_t config[KL_SHIMMER3_CONFIG_MAX];
    uint8_t channel_count;
    uint8_t channel[KL_SHIMMER3_CHANNELS_MAX];
    uint8_t offset[KL_SHIMMER3_CHANNELS_MAX]; /* of the channel's bytes in the packet */
    uint8_t len;                              /* of the packet, CRC included */
};

/** Is the inquiry answer (02 ...) whole? Bounded: at most 42 bytes.
 *  @return its length; 0: more bytes are needed; negative: this is none */
int kl_shimmer3_inquiry_length(bool model_3r, const uint8_t *buf, size_t len);

/** Takes a whole inquiry answer into the layout; model_3r, short_time and crc_bytes are the
 *  caller's.
 *  @return 0; the id of the first channel nobody knows, negated; INT_MIN: not an inquiry answer */
int kl_shimmer3_layout_read(struct kl_shimmer3_layout *layout, const uint8_t *buf, size_t len);

/** Bytes of a status that nobody asked for: 8A 71 status. */
size_t kl_shimmer3_status_bytes(const struct kl_shimmer3_layout *layout);

/** Place of a channel id in the packet's order, or -1. */
int kl_shimmer3_find(const struct kl_shimmer3_layout *layout, uint8_t id);

/** Raw value of the i-th channel of a packet; 0 when the packet ends before it. */
int32_t kl_shimmer3_raw(const struct kl_shimmer3_layout *layout, const uint8_t *packet, size_t len,
                        size_t i);

/** Time stamp of a packet, ticks of 32768 Hz; wraps at 2^24 (2^16 with short_time). 0 when the
 *  packet ends before it. */
uint32_t kl_shimmer3_ticks(const struct kl_shimmer3_layout *layout, const uint8_t *packet,
                           size_t len);

/** Steps from one time stamp to the next, across the wrap. */
uint32_t kl_shimmer3_tick_step(const struct kl_shimmer3_layout *layout, uint32_t from, uint32_t to);

/** The CRC over len bytes; sent low byte first. */
uint16_t kl_shimmer3_crc(const uint8_t *buf, size_t len);

/** value = matrix (raw - offset), in SI. */
struct kl_shimmer3_calibration {
    double offset[3];
    double matrix[3][3];
    bool valid;
};

/** Order of the blocks in the answer to 2C. */
enum kl_shimmer3_block {
    KL_SHIMMER3_CALIBRATES_LOW_NOISE = 0,
    KL_SHIMMER3_CALIBRATES_GYRO,
    KL_SHIMMER3_CALIBRATES_MAG,
    KL_SHIMMER3_CALIBRATES_WIDE,
    KL_SHIMMER3_BLOCKS,
};

/** Reads one block of 21 bytes. @return calibration; not valid when bytes are missing, the unit has
 *  none (all FF, sensitivity 0) or its alignment cannot be inverted */
struct kl_shimmer3_calibration kl_shimmer3_calibration_read(enum kl_shimmer3_block block,
                                                            const uint8_t *buf, size_t len);

/** The maker's typical values, good to a few per cent.
 *  @param range  code of the set range (gyro: 0..3; wide accel: 0..3)
 *  @param dlhc   wide accel and mag are an LSM303DLHC */
struct kl_shimmer3_calibration kl_shimmer3_calibration_default(enum kl_shimmer3_block block,
                                                               unsigned range, bool dlhc);

#endif
