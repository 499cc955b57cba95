#include "devices/virtual_imu.h"

#include <gsl/gsl_math.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

static const double shock_decay_s = 0.015, shock_hz = 18;        /* methods 21.3 */
static const double jolt_back_s = 0.080, jolt_end_s = 0.280;     /* [P] */
static const double soft_hz = 12, soft_decay_s = 0.02;           /* methods 21.3; [P] */
static const double gyro_sd_rad_s = 0.05 * M_PI / 180;           /* methods 21.3 */
static const double gyro_bias_rad_s = 0.3 * M_PI / 180;          /* methods 21.3 */
static const double gyro_walk_rad_s_sqrt_s = 0.003 * M_PI / 180; /* 0.1 deg/s in 20 min [P] */
static const double accelerometer_sd_m_s2 = 0.02;                /* methods 21.3 */

enum { NOISE_OF_IMUS = 8 }; /* consumer numbers 8-15 of kl_noise_init */

/* Where it sits: `down` along the segment as a share of its length (thigh, shank), x and z in m for
 * a right limb; how much of the tibia's shock and of soft tissue it feels [P but for the pelvis'
 * shock, methods 21.3]. */
static const struct place {
    double x_m, down, y_m, z_m, shock, soft;
} places[KL_VIRTUAL_SEGMENT_COUNT] = {
    [KL_VIRTUAL_TRUNK] = {0.09, 0, 0.30, 0, 0.25, 0.5},                      /* sternum */
    [KL_VIRTUAL_PELVIS] = {-0.10, 0, 0.05, 0, KL_VIRTUAL_PELVIS_SHOCK, 0.5}, /* sacrum */
    [KL_VIRTUAL_THIGH_LEFT] = {0.01, 0.5, 0, 0.08, 0.6, 1},                  /* lateral */
    [KL_VIRTUAL_THIGH_RIGHT] = {0.01, 0.5, 0, 0.08, 0.6, 1},
    [KL_VIRTUAL_SHANK_LEFT] = {0.03, 1, 0.05, -0.02, 1, 0.5}, /* 5 cm above the malleolus: 11 */
    [KL_VIRTUAL_SHANK_RIGHT] = {0.03, 1, 0.05, -0.02, 1, 0.5},
    [KL_VIRTUAL_FOOT_LEFT] = {-0.05, 0, -0.03, 0.01, 1.2, 0}, /* heel counter */
    [KL_VIRTUAL_FOOT_RIGHT] = {-0.05, 0, -0.03, 0.01, 1.2, 0},
};

static bool is_limb(enum kl_virtual_segment segment)
{
    return segment >= KL_VIRTUAL_THIGH_LEFT;
}

/* 0: left, 1: right limb. */
static int limb_side(enum kl_virtual_segment segment)
{
    return ((int)segment - (int)KL_VIRTUAL_THIGH_LEFT) % 2;
}

void kl_virtual_imu_init(struct kl_virtual_imu *imu, const struct kl_virtual_runner *runner,
                         enum kl_virtual_segment segment)
{
    const struct place *place = &places[segment];
    struct kl_virtual_size size = kl_virtual_size(runner);
    double length_m = segment >= KL_VIRTUAL_SHANK_LEFT ? size.shank_m : size.thigh_m;
    memset(imu, 0, sizeof(*imu));
    imu->segment = segment;
    imu->noise_scale = runner->noise_scale;
    imu->rate_hz = runner->imu_rate_hz;
    imu->accelerometer_range_m_s2 = runner->accelerometer_range_m_s2;
    imu->gyro_range_rad_s = runner->gyro_range_rad_s;
    imu->position_m[0] = place->x_m;
    imu->position_m[1] = place->y_m - place->down * length_m;
    imu->position_m[2] = is_limb(segment) && limb_side(segment) == 0 ? -place->z_m : place->z_m;
    for (int i = 0; i < 3; i++) {
        imu->mounting[i].value = runner->mounting_rad[segment][i];
    }
    for (int i = 0; i < 2; i++) {
        bool felt = !is_limb(segment) || limb_side(segment) == i;
        imu->shock_m_s2[i] = felt ? place->shock * runner->tibial_shock_m_s2[i] : 0;
        imu->soft_tissue[i] = felt ? place->soft * runner->soft_tissue_rad : 0;
    }
    kl_noise_init(&imu->noise, runner->seed, NOISE_OF_IMUS + (uint64_t)segment);
    for (int i = 0; i < 3; i++) {
        double sign = kl_noise_gaussian(&imu->noise, 1.0) < 0 ? -1 : 1;
        imu->bias_rad_s[i] = sign * runner->noise_scale * gyro_bias_rad_s;
    }
}

void kl_virtual_imu_describe(const struct kl_virtual_imu *imu, struct kl_stream *out)
{
    static const char *const label[KL_VIRTUAL_IMU_CHANNELS] = {"ax", "ay", "az", "wx", "wy", "wz"};
    memset(out, 0, sizeof(*out));
    (void)snprintf(out->name, sizeof(out->name), "%s", kl_virtual_sensor_text(imu->segment));
    out->kind = KL_KIND_IMU;
    out->format = KL_FORMAT_FLOAT32;
    out->rate_hz = imu->rate_hz;
    out->channel_count = KL_VIRTUAL_IMU_CHANNELS;
    for (int j = 0; j < KL_VIRTUAL_IMU_CHANNELS; j++) {
        (void)snprintf(out->label[j], sizeof(out->label[j]), "%s", label[j]);
        (void)snprintf(out->unit[j], sizeof(out->unit[j]), "%s", j < 3 ? "m/s^2" : "rad/s");
    }
}

/* (t/tau) exp(1 - t/tau) sin(w t): 1 after a quarter period, starts without a jump of the rate. */
static struct kl_virtual_course wobble(double t_s)
{
    double w = 2 * M_PI * soft_hz;
    double d = 1 / soft_decay_s;
    double e = exp(1 - d * t_s);
    double sine = sin(w * t_s);
    double cosine = cos(w * t_s);
    double g = d * t_s * e; /* envelope and its derivatives */
    double dg = d * e * (1 - d * t_s);
    double ddg = d * d * e * (d * t_s - 2);
    return (struct kl_virtual_course){g * sine, dg * sine + g * w * cosine,
                                      ddg * sine + 2 * dg * w * cosine - g * w * w * sine};
}

static double shock_at(double since_s)
{
    return since_s > 0 ? exp(-since_s / shock_decay_s) * sin(2 * M_PI * shock_hz * since_s) : 0;
}

/* Share of a speed that is taken back per second. */
static double taken_back(double since_s)
{
    double u = (since_s - jolt_back_s) / (jolt_end_s - jolt_back_s);
    return u > 0 && u < 1 ? (1 - cos(2 * M_PI * u)) / (jolt_end_s - jolt_back_s) : 0;
}

/* Adds this sample of the shock to the speed it has given. */
static void remember_jolt(struct kl_virtual_imu *imu, const struct kl_virtual_posture *posture,
                          const struct kl_virtual_contact *contact, size_t count, double t_s)
{
    for (size_t k = 0; k < count; k++) {
        double since_s = t_s - contact[k].onset_s;
        int i = contact[k].side == KL_SIDE_LEFT ? 0 : 1;
        if (since_s <= 0 || since_s >= jolt_back_s) {
            continue;
        }
        struct kl_virtual_jolt *jolt = &imu->jolt[i];
        if (jolt->onset_s < contact[k].onset_s) {
            *jolt = (struct kl_virtual_jolt){.onset_s = contact[k].onset_s};
        }
        for (int row = 0; row < 3; row++) {
            jolt->speed_m_s[row] += posture->segment[imu->segment].r[row][KL_VIRTUAL_Y] *
                                    imu->shock_m_s2[i] * shock_at(since_s) / imu->rate_hz;
        }
    }
}

struct kl_virtual_pose kl_virtual_imu_pose(const struct kl_virtual_imu *imu,
                                           const struct kl_virtual_posture *posture,
                                           const struct kl_virtual_contact *contact, size_t count,
                                           double t_s)
{
    struct kl_virtual_pose pose = posture->segment[imu->segment];
    kl_virtual_pose_move(&pose, imu->position_m);
    double shock = 0;
    struct kl_virtual_course soft = {0, 0, 0};
    for (size_t k = 0; k < count; k++) {
        double since_s = t_s - contact[k].onset_s;
        if (since_s <= 0) {
            continue;
        }
        int i = contact[k].side == KL_SIDE_LEFT ? 0 : 1;
        shock += imu->shock_m_s2[i] * shock_at(since_s);
        if (imu->jolt[i].onset_s >= contact[k].onset_s) {
            for (int row = 0; row < 3; row++) {
                pose.a_m_s2[row] -= imu->jolt[i].speed_m_s[row] * taken_back(since_s);
            }
        }
        struct kl_virtual_course one = wobble(since_s);
        soft.value += imu->soft_tissue[i] * one.value;
        soft.rate += imu->soft_tissue[i] * one.rate;
        soft.acceleration += imu->soft_tissue[i] * one.acceleration;
    }
    for (int row = 0; row < 3; row++) {
        pose.a_m_s2[row] += pose.r[row][KL_VIRTUAL_Y] * shock;
    }
    kl_virtual_pose_turn(&pose, KL_VIRTUAL_Z, &soft);
    kl_virtual_pose_turn(&pose, KL_VIRTUAL_X, &soft);
    kl_virtual_pose_turn(&pose, KL_VIRTUAL_Z, &imu->mounting[0]);
    kl_virtual_pose_turn(&pose, KL_VIRTUAL_X, &imu->mounting[1]);
    kl_virtual_pose_turn(&pose, KL_VIRTUAL_Y, &imu->mounting[2]);
    return pose;
}

static void add_noise(struct kl_virtual_imu *imu, double value[KL_VIRTUAL_IMU_CHANNELS])
{
    double walk = gyro_walk_rad_s_sqrt_s / sqrt(imu->rate_hz);
    for (int i = 0; i < 3; i++) {
        value[i] += imu->noise_scale * kl_noise_gaussian(&imu->noise, accelerometer_sd_m_s2);
        value[3 + i] +=
            imu->bias_rad_s[i] + imu->noise_scale * kl_noise_gaussian(&imu->noise, gyro_sd_rad_s);
        imu->bias_rad_s[i] += imu->noise_scale * kl_noise_gaussian(&imu->noise, walk);
    }
}

uint32_t kl_virtual_imu_read(struct kl_virtual_imu *imu, const struct kl_virtual_posture *posture,
                             const struct kl_virtual_contact *contact, size_t count, double t_s,
                             double value[KL_VIRTUAL_IMU_CHANNELS])
{
    remember_jolt(imu, posture, contact, count, t_s);
    struct kl_virtual_pose pose = kl_virtual_imu_pose(imu, posture, contact, count, t_s);
    kl_virtual_pose_specific_force(&pose, value);
    memcpy(value + 3, pose.w_rad_s, sizeof(pose.w_rad_s));
    if (imu->noise_scale > 0) {
        add_noise(imu, value);
    }
    uint32_t quality = 0;
    for (int i = 0; i < KL_VIRTUAL_IMU_CHANNELS; i++) {
        double range = i < 3 ? imu->accelerometer_range_m_s2 : imu->gyro_range_rad_s;
        if (fabs(value[i]) >= range) {
            value[i] = copysign(range, value[i]);
            quality |= KL_QUALITY_CLIPPED;
        }
    }
    return quality;
}
