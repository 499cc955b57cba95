/* Inside the Shimmer3 driver: what its two halves share. shimmer3.c explains packets and the lab
 * file, shimmer3_talk.c holds the conversation; shimmer3_packet.h has the bytes.
 */
#ifndef KL_DEVICES_SHIMMER3_H
#define KL_DEVICES_SHIMMER3_H

#include "acquire/driver.h"
#include "devices/shimmer3_packet.h"

#define KL_SHIMMER3_BAUD 921600 /* any: Bluetooth has none */
#define KL_SHIMMER3_EMG_INPUTS 2
#define KL_SHIMMER3_EXG_BYTES 10
#define KL_SHIMMER3_EXG_RAIL 0x7fffff
#define KL_SHIMMER3_EXG_REFERENCE_V 2.42
#define KL_SHIMMER3_EXPECTED_MAX 24 /* bytes of the inquiry's answer that is expected */

/** State of one device. */
struct kl_shimmer3 {
    char device[KL_NAME_MAX];
    bool imu, wide, magnetometer, uncalibrated;
    unsigned accel_g;
    uint8_t gyro_code; /* of its range */
    uint16_t divisor;

    struct kl_shimmer3_layout layout;
    struct kl_shimmer3_calibration accel, gyro, mag;
    double exg_v[KL_SHIMMER3_EMG_INPUTS]; /* per count */
    int accel_at[3], gyro_at[3], mag_at[3],
        exg_at[KL_SHIMMER3_EMG_INPUTS];     /* places in the packet */
    int emg_stream[KL_SHIMMER3_EMG_INPUTS]; /* -1: not wanted */

    bool begun;
    uint32_t ticks;    /* time stamp of the newest packet */
    int64_t unwrapped; /* ticks since the first */

    bool reached, changed; /* start has talked to it; has set something */
    bool has_kept_exg;
    struct kl_shimmer3_layout kept; /* what it streamed before */
    uint8_t kept_exg[2][KL_SHIMMER3_EXG_BYTES];
};

/** Whether an EMG input is wanted. */
bool kl_shimmer3_wants_emg(const struct kl_shimmer3 *self);

/** Range code of the wide accelerometer. */
uint8_t kl_shimmer3_accel_code(const struct kl_shimmer3 *self);

/** What the unit is expected to answer to an inquiry, so that bytes can be decoded without one.
 *  @return bytes */
size_t kl_shimmer3_expected_inquiry(const struct kl_shimmer3 *self,
                                    uint8_t out[KL_SHIMMER3_EXPECTED_MAX]);

/** Finds where the wanted channels stand in the packet of the layout.
 *  @return KL_OK, or KL_ERR_DATA naming the one that is not there */
KL_CHECK int kl_shimmer3_bind(struct kl_shimmer3 *self, struct kl_fault *fault);

/** Takes the typical calibration, until the unit has told its own. */
void kl_shimmer3_calibrate_typically(struct kl_shimmer3 *self);

/* The conversation, as in struct kl_driver. `state` is a struct kl_shimmer3. */
int kl_shimmer3_start(void *state, struct kl_link *link, struct kl_fault *fault);
int kl_shimmer3_stop(void *state, struct kl_link *link);
int kl_shimmer3_identify(struct kl_link *link, char *out, size_t len);

#endif
