#include "devices/virtual_imu.h"

#include <gsl/gsl_math.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

static const double knee_to_sensor_m = 0.20; /* pendulum arm: middle of the shank [P] */

/* Shank angle in the sagittal plane, rad, + ankle ahead of knee: mean and two harmonics of the
 * stride [P]. About 7 deg at contact, -45 deg at toe-off, -90 deg in swing. */
static const double swing_mean = -0.62;
static const double swing_cosine[2] = {0.72, 0.02};
static const double swing_sine[2] = {-0.08, 0.12};

/* Tibial shock, methods 21.3: A exp(-t/0.015) sin(2 pi 18 t); peak 0.467 A, about 6 g here [P]. */
static const double shock_m_s2 = 125, shock_decay_s = 0.015, shock_hz = 18;

/* Sensor errors, methods 21.3; the slow walk of the bias waits for the full kinematics. */
static const double gyro_sd_rad_s = 0.05 * M_PI / 180;
static const double gyro_bias_rad_s = 0.3 * M_PI / 180;
static const double accelerometer_sd_m_s2 = 0.02;

enum { NOISE_OF_IMUS = 8 }; /* consumer numbers 8-10 of kl_noise_init */

void kl_virtual_imu_init(struct kl_virtual_imu *imu, const struct kl_virtual_runner *runner,
                         enum kl_side side)
{
    imu->side = side;
    imu->noise_scale = runner->noise_scale;
    kl_noise_init(&imu->noise, runner->seed, NOISE_OF_IMUS + (uint64_t)side);
    for (int i = 0; i < 3; i++) {
        double sign = kl_noise_gaussian(&imu->noise, 1.0) < 0 ? -1 : 1;
        imu->bias_rad_s[i] = sign * runner->noise_scale * gyro_bias_rad_s;
    }
}

void kl_virtual_imu_describe(const struct kl_virtual_imu *imu, double rate_hz,
                             struct kl_stream *out)
{
    static const char *const label[KL_VIRTUAL_IMU_CHANNELS] = {"ax", "ay", "az", "wx", "wy", "wz"};
    memset(out, 0, sizeof(*out));
    (void)snprintf(out->name, sizeof(out->name), "imu.shank.%s", kl_side_text(imu->side));
    out->kind = KL_KIND_IMU;
    out->format = KL_FORMAT_FLOAT32;
    out->rate_hz = rate_hz;
    out->channel_count = KL_VIRTUAL_IMU_CHANNELS;
    for (int j = 0; j < KL_VIRTUAL_IMU_CHANNELS; j++) {
        (void)snprintf(out->label[j], sizeof(out->label[j]), "%s", label[j]);
        (void)snprintf(out->unit[j], sizeof(out->unit[j]), "%s", j < 3 ? "m/s^2" : "rad/s");
    }
}

void kl_virtual_imu_read(struct kl_virtual_imu *imu, double since_contact_s, double stride_s,
                         double value[KL_VIRTUAL_IMU_CHANNELS])
{
    double angle = 0;
    double rate = 0;
    double acceleration = 0;
    double shock = 0;
    if (since_contact_s >= 0) {
        angle = swing_mean;
        for (int n = 1; n <= 2; n++) {
            double w = 2 * M_PI * n / stride_s;
            double c = swing_cosine[n - 1] * cos(w * since_contact_s);
            double s = swing_sine[n - 1] * sin(w * since_contact_s);
            angle += c + s;
            rate += w * (swing_sine[n - 1] * cos(w * since_contact_s) -
                         swing_cosine[n - 1] * sin(w * since_contact_s));
            acceleration -= w * w * (c + s);
        }
        shock = shock_m_s2 * exp(-since_contact_s / shock_decay_s) *
                sin(2 * M_PI * shock_hz * since_contact_s);
    }
    /* pendulum about Z, sensor at (0, -r, 0): methods 21.3 */
    value[0] = knee_to_sensor_m * acceleration + KL_GRAVITY_M_S2 * sin(angle);
    value[1] = knee_to_sensor_m * rate * rate + KL_GRAVITY_M_S2 * cos(angle) + shock;
    value[2] = 0;
    value[3] = 0;
    value[4] = 0;
    value[5] = rate;
    if (imu->noise_scale > 0) {
        for (int i = 0; i < 3; i++) {
            value[i] += imu->noise_scale * kl_noise_gaussian(&imu->noise, accelerometer_sd_m_s2);
            value[3 + i] += imu->bias_rad_s[i] +
                            imu->noise_scale * kl_noise_gaussian(&imu->noise, gyro_sd_rad_s);
        }
    }
}
