/* What every inertial sensor's stream looks like: imu.<placement>, SI units, channel labels that
 * the knee model finds whatever the make.
 *
 * Order of the channels: ax ay az (m/s^2, specific force), wx wy wz (rad/s), mx my mz, qw qx qy qz
 * (sensor to earth); groups that a device does not measure are left out. Axes are the device's own.
 */
#ifndef KL_DEVICES_IMU_CHANNELS_H
#define KL_DEVICES_IMU_CHANNELS_H

#include "acquire/driver.h"

#define KL_STANDARD_GRAVITY_M_S2 9.80665 /* CGPM 1901 */
#define KL_RAD_PER_DEG 0.017453292519943295
#define KL_TESLA_PER_GAUSS 1e-4

/** Groups beside the acceleration, which is always there. */
struct kl_imu_channels {
    bool gyro, magnetometer, orientation;
    const char *magnetometer_unit; /* "T", or "a.u." where the maker names none */
};

/** Describes the stream; the device needs a placement.
 *  @return KL_OK, or KL_ERR_RANGE when the placement is missing or too long */
int kl_imu_stream(const struct kl_device_config *config, const struct kl_imu_channels *channels,
                  double rate_hz, struct kl_stream *out, struct kl_fault *fault);

#endif
