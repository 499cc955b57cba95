#include "devices/virtual_plate.h"

#include <gsl/gsl_math.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

static const double rail_v = 10.0; /* +-10 V amplifier */

/* Volts, stored as 32-bit floats, round to 2.4e-7 V near 3 V: 1.2e-4 N and 7e-5 N·m, under 1 um of
 * COP at 100 N. The tolerances of methods 21.5 are a thousand times wider. */
static const enum kl_format storage = KL_FORMAT_FLOAT32;

/* Device channels, N or N·m per volt [P]: 5000 N and 3000 N·m at the rail. */
static const double gain[KL_WRENCH_COUNT] = {100, 100, 500, 300, 300, 100};
static const char *const channel[KL_WRENCH_COUNT] = {"fx", "fy", "fz", "mx", "my", "mz"};

/* White noise and drift about O' in lab axes; methods 21.1 and 21.4. */
static const double noise_sd[KL_WRENCH_COUNT] = {1, 3, 1, 0.5, 0.3, 0.5};
static const double drift_share[KL_WRENCH_COUNT] = {0.1, 1, 0.1, 0.1, 0.1, 0.1};
static const double drift_n_s = 0.5;
static const double drift_sine_n = 5, drift_sine_s = 60;
/* The ramp turns round after 20 min (design.md: a session), or hours would end at the rail. */
static const double drift_turn_s = 1200;

static const double half_length_m = 0.9, half_width_m = 0.3; /* of the belt surface [P] */

enum { NOISE_OF_PLATES = 1 }; /* consumer numbers 1-3 of kl_noise_init */

void kl_virtual_plate_init(struct kl_virtual_plate *plate, const struct kl_virtual_runner *runner,
                           enum kl_side side)
{
    static const double origin[KL_SIDE_COUNT] = {
        [KL_SIDE_UNKNOWN] = 0, [KL_SIDE_LEFT] = -0.5, [KL_SIDE_RIGHT] = 0.5};
    plate->side = side;
    plate->depth_m = runner->plate_depth_m;
    plate->origin_z_m = origin[side] * half_width_m;
    plate->noise_scale = runner->noise_scale;
    kl_noise_init(&plate->noise, runner->seed, NOISE_OF_PLATES + (uint64_t)side);
}

/* Which lab component a device channel carries, and its sign. With the frame of the header, the
 * action on the plate is fx = +Fz, fy = -Fx, fz = +Fy, and moments about O' follow the same rule.
 */
static const struct {
    enum kl_wrench lab;
    double sign;
} carries[KL_WRENCH_COUNT] = {
    {KL_FZ, 1}, {KL_FX, -1}, {KL_FY, 1}, {KL_MZ, 1}, {KL_MX, -1}, {KL_MY, 1},
};

/* Volts -> wrench on the runner about the lab origin O. Moments move from O' = (0, -h, c) by
 * M_O = M_O' + (O' - O) x F = M_O' + (-h Fz - c Fy, c Fx, h Fx). */
static void calibrate(const struct kl_virtual_plate *plate,
                      double matrix[KL_WRENCH_COUNT][KL_PLATE_CHANNELS_MAX])
{
    for (int j = 0; j < KL_WRENCH_COUNT; j++) {
        matrix[carries[j].lab][j] = carries[j].sign * gain[j];
    }
    for (int j = 0; j < KL_WRENCH_COUNT; j++) {
        matrix[KL_MX][j] -=
            plate->depth_m * matrix[KL_FZ][j] + plate->origin_z_m * matrix[KL_FY][j];
        matrix[KL_MY][j] += plate->origin_z_m * matrix[KL_FX][j];
        matrix[KL_MZ][j] += plate->depth_m * matrix[KL_FX][j];
    }
}

void kl_virtual_plate_describe(const struct kl_virtual_plate *plate, double rate_hz,
                               struct kl_stream *out)
{
    static const char *const name[KL_SIDE_COUNT] = {"plate.belt", "plate.left", "plate.right"};
    memset(out, 0, sizeof(*out));
    (void)snprintf(out->name, sizeof(out->name), "%s", name[plate->side]);
    out->kind = KL_KIND_FORCE;
    out->format = storage;
    out->rate_hz = rate_hz;
    out->channel_count = KL_WRENCH_COUNT;
    for (int j = 0; j < KL_WRENCH_COUNT; j++) {
        (void)snprintf(out->label[j], sizeof(out->label[j]), "%s", channel[j]);
        (void)snprintf(out->unit[j], sizeof(out->unit[j]), "V");
        out->plate.full_scale[j] = rail_v;
    }
    out->plate.side = plate->side;
    out->plate.form = KL_PLATE_WRENCH;
    out->plate.measured = KL_PLATE_MEASURES_ALL;
    calibrate(plate, out->plate.matrix);

    double z_low = plate->side == KL_SIDE_RIGHT ? 0 : -half_width_m;
    double z_high = plate->side == KL_SIDE_LEFT ? 0 : half_width_m;
    const double x[4] = {half_length_m, half_length_m, -half_length_m, -half_length_m};
    const double z[4] = {z_low, z_high, z_high, z_low};
    memcpy(out->plate.corner_x_m, x, sizeof(x));
    memcpy(out->plate.corner_z_m, z, sizeof(z));
}

/* Drift of Fy, N, with the session's time. */
static double drift(double t_s)
{
    double age_s = t_s - kl_seconds(KL_EPOCH_NS);
    double phase_s = fmod(age_s, 2 * drift_turn_s);
    double ramp_s = phase_s < drift_turn_s ? phase_s : 2 * drift_turn_s - phase_s;
    return drift_n_s * ramp_s + drift_sine_n * sin(2 * M_PI * age_s / drift_sine_s);
}

uint32_t kl_virtual_plate_read(struct kl_virtual_plate *plate, double t_s,
                               const double wrench[KL_WRENCH_COUNT], double volts[KL_WRENCH_COUNT])
{
    double h = plate->depth_m;
    double c = plate->origin_z_m;
    double at_origin[KL_WRENCH_COUNT]; /* about O' */
    memcpy(at_origin, wrench, sizeof(at_origin));
    at_origin[KL_MX] += h * wrench[KL_FZ] + c * wrench[KL_FY];
    at_origin[KL_MY] -= c * wrench[KL_FX];
    at_origin[KL_MZ] -= h * wrench[KL_FX];
    if (plate->noise_scale > 0) {
        double fy_drift = drift(t_s);
        for (int i = 0; i < KL_WRENCH_COUNT; i++) {
            at_origin[i] += plate->noise_scale * (kl_noise_gaussian(&plate->noise, noise_sd[i]) +
                                                  drift_share[i] * fy_drift);
        }
    }
    uint32_t quality = 0;
    for (int j = 0; j < KL_WRENCH_COUNT; j++) {
        double v = carries[j].sign * at_origin[carries[j].lab] / gain[j];
        if (fabs(v) >= rail_v) {
            v = copysign(rail_v, v);
            quality |= KL_QUALITY_CLIPPED;
        }
        volts[j] = v;
    }
    return quality;
}
