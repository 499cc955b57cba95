/* What the lab file may say about an inertial sensor, and the stream that follows from it.
 *
 * Every family declares the same stream: imu.<placement> with ax ay az (m/s^2, specific force),
 * wx wy wz (rad/s), mx my mz, qw qx qy qz (sensor to earth), so that the knee model finds them
 * whatever the make; groups that a device does not measure are left out. Axes are the device's own.
 * Pure; nothing is kept. Faults are one line and begin with the device's name.
 */
#ifndef KL_DEVICES_IMU_STREAM_H
#define KL_DEVICES_IMU_STREAM_H

#include "acquire/driver.h"

/** Groups beside the acceleration, which is always there. */
struct kl_imu_channels {
    bool gyro, orientation;
    const char *magnetometer_unit; /* "T", or "1" and "a.u." where the maker names none; NULL: no
                                      magnetometer */
};

/** The whole number by which a device divides its own rate to give the wanted one.
 *  @param base_hz     the device's own rate
 *  @param default_hz  when the lab file names none
 *  @param even        the divisor must divide base_hz without remainder
 *  @return divisor >= 1, or KL_ERR_RANGE naming the nearest possible rates */
KL_CHECK int kl_imu_divisor(const struct kl_device_config *config, unsigned base_hz,
                            double default_hz, bool even, struct kl_fault *fault);

/** Describes the stream of an inertial sensor. @param cap  streams that have room: 0 is a fault
 *  @return KL_OK, KL_ERR_ARG, or KL_ERR_RANGE as kl_imu_stream_begin */
KL_CHECK int kl_imu_stream(const struct kl_device_config *config,
                           const struct kl_imu_channels *channels, double rate_hz,
                           struct kl_stream *out, size_t cap, struct kl_fault *fault);

/** Begins a stream named <what>.<placement> without channels, FLOAT32.
 *  @return KL_OK, or KL_ERR_RANGE when the placement is missing, too long or not a name */
KL_CHECK int kl_imu_stream_begin(const struct kl_device_config *config, const char *what,
                                 enum kl_kind kind, double rate_hz, struct kl_stream *out,
                                 struct kl_fault *fault);

/** Adds channels of one unit. @param labels  separated by one space: "ax ay az" */
void kl_imu_stream_add(struct kl_stream *stream, const char *labels, const char *unit);

#endif
