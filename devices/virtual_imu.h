/* A simulated IMU on a body segment (methods 21.3): specific force and angular rate where it sits,
 * in its own axes, with the shock of each contact, soft tissue, noise, bias and range.
 *
 *     w = vee(R^T dR/dt),  f = R^T (d2p/dt2 + g Y)
 *
 * The shock A exp(-t/0.015) sin(2 pi 18 t) acts along y of the segment; the soft-tissue term turns
 * the sensor on its segment about x and z (damped, 12 Hz). Both are added to the motion of the
 * body, which itself knows nothing of them. The shock by itself would speed the tibia up by 0.8 m/s
 * at every contact for good, and tilt every orientation filter by degrees: a sensor that is back
 * where it was after a stride has no mean acceleration. So that speed is taken back, smoothly, in
 * 80-280 ms after contact, when the windows of methods 11 have closed. Channels ax ay az (m/s^2),
 * wx wy wz (rad/s).
 */
#ifndef KL_DEVICES_VIRTUAL_IMU_H
#define KL_DEVICES_VIRTUAL_IMU_H

#include "devices/noise.h"
#include "devices/virtual_body.h"

enum { KL_VIRTUAL_IMU_CHANNELS = 6 };

/** Shock of the pelvis over that of the tibia (methods 21.3): -9.119 dB. */
#define KL_VIRTUAL_PELVIS_SHOCK 0.35

struct kl_virtual_imu {
    enum kl_virtual_segment segment;
    double position_m[3]; /* on the segment */
    struct kl_virtual_course mounting[3];
    double shock_m_s2[2];  /* of a left, of a right contact */
    double soft_tissue[2]; /* rad, likewise */
    double accelerometer_range_m_s2, gyro_range_rad_s;
    double noise_scale, rate_hz;
    double bias_rad_s[3]; /* of the gyroscope, with its walk */
    struct kl_virtual_jolt {
        double onset_s;      /* of the contact */
        double speed_m_s[3]; /* that its shock has given the sensor so far, lab */
    } jolt[2];               /* of the last left, right contact */
    struct kl_noise noise;
};

void kl_virtual_imu_init(struct kl_virtual_imu *imu, const struct kl_virtual_runner *runner,
                         enum kl_virtual_segment segment);

/** Name and channels of the stream it delivers. */
void kl_virtual_imu_describe(const struct kl_virtual_imu *imu, struct kl_stream *out);

/** What the sensor does: its origin where it sits, its axes as mounted, shock and soft tissue
 *  included. */
struct kl_virtual_pose kl_virtual_imu_pose(const struct kl_virtual_imu *imu,
                                           const struct kl_virtual_posture *posture,
                                           const struct kl_virtual_contact *contact, size_t count,
                                           double t_s);

/** One sample.
 *  @param value  out [6]
 *  @return kl_quality bits: KL_QUALITY_CLIPPED at the end of a range */
uint32_t kl_virtual_imu_read(struct kl_virtual_imu *imu, const struct kl_virtual_posture *posture,
                             const struct kl_virtual_contact *contact, size_t count, double t_s,
                             double value[KL_VIRTUAL_IMU_CHANNELS]);

#endif
