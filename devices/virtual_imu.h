/* A simulated shank IMU for the live screen: a pendulum with a plausible swing and the shock of
 * each contact. It is not the full kinematic chain of methods 21.2: the knee does not move, only
 * the sagittal plane turns, the swing restarts at each contact, and no truth is claimed for it.
 *
 * Sensor axes equal lab axes when the shank is upright. Channels ax ay az (m/s^2, specific force)
 * and wx wy wz (rad/s).
 */
#ifndef KL_DEVICES_VIRTUAL_IMU_H
#define KL_DEVICES_VIRTUAL_IMU_H

#include "devices/noise.h"
#include "devices/virtual_runner.h"

enum { KL_VIRTUAL_IMU_CHANNELS = 6 };

struct kl_virtual_imu {
    enum kl_side side;
    double noise_scale;
    double bias_rad_s[3]; /* of the gyroscope */
    struct kl_noise noise;
};

void kl_virtual_imu_init(struct kl_virtual_imu *imu, const struct kl_virtual_runner *runner,
                         enum kl_side side);

/** Name and channels of the stream it delivers. */
void kl_virtual_imu_describe(const struct kl_virtual_imu *imu, double rate_hz,
                             struct kl_stream *out);

/** One sample.
 *  @param since_contact_s  time since this foot's last contact; < 0: still standing upright
 *  @param stride_s  from that contact to this foot's next
 *  @param value  out [6] */
void kl_virtual_imu_read(struct kl_virtual_imu *imu, double since_contact_s, double stride_s,
                         double value[KL_VIRTUAL_IMU_CHANNELS]);

#endif
