/* What the lab file may say about an inertial sensor, and the stream that follows from it.
 *
 * Every family declares the same stream: imu.<placement> with ax ay az (m/s^2), wx wy wz (rad/s)
 * and what else it measures, in the sensor's own axes. Its options are words in the lab file; a key
 * that no driver knows is a slip of the pen and is told, not ignored. Pure; nothing is kept. Faults
 * are one line and begin with the device's name.
 */
#ifndef KL_DEVICES_IMU_STREAM_H
#define KL_DEVICES_IMU_STREAM_H

#include "devices/options.h"

#define KL_STANDARD_GRAVITY 9.80665 /* m/s^2 per g (CGPM 1901) */
#define KL_RAD_PER_DEG 0.017453292519943295
#define KL_TESLA_PER_GAUSS 1e-4

/** The whole number by which a device divides its own rate to give the wanted one.
 *  @param base_hz     the device's own rate
 *  @param default_hz  when the lab file names none
 *  @param even        the divisor must divide base_hz without remainder
 *  @return divisor >= 1, or KL_ERR_RANGE naming the nearest possible rates */
KL_CHECK int kl_imu_divisor(const struct kl_device_config *config, unsigned base_hz,
                            double default_hz, bool even, struct kl_fault *fault);

/** Begins a stream named <what>.<placement> without channels, FLOAT32.
 *  @return KL_OK, or KL_ERR_RANGE when the placement is missing, too long or not a name */
KL_CHECK int kl_imu_stream_begin(const struct kl_device_config *config, const char *what,
                                 enum kl_kind kind, double rate_hz, struct kl_stream *out,
                                 struct kl_fault *fault);

/** Adds channels of one unit. @param labels  separated by one space: "ax ay az" */
void kl_imu_stream_add(struct kl_stream *stream, const char *labels, const char *unit);

#endif
