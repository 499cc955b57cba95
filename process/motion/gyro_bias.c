#include "process/motion/gyro_bias.h"

#include <float.h>
#include <math.h>
#include <string.h>

#define RAD_PER_DEG (3.14159265358979323846 / 180.0)
#define FORGOTTEN_RAD_S (0.1 * RAD_PER_DEG) /* what an exact bias becomes uncertain by: VQF */
#define VERTICAL_SHARE 1e-4                 /* pull of the unseen vertical part to zero: VQF */
#define SCALE_FORGET_S 3600.0               /* in this time an exact scale becomes uncertain by */
#define SCALE_FORGOTTEN 1e-3                /* 0.1 %: warming up */

#define QUIET_RAD_S (0.2 * RAD_PER_DEG) /* norm of a MEMS gyroscope's noise on a table */
#define UNREST_MAX 1e9                  /* as good as no measurement */
#define SETTLE_TAUS 4 /* what the acceleration's low-pass corrects before is its own start */

/* Places in kl_gyro_bias.sum, z0 and z1. */
enum {
    ROW_X = KL_GYRO_BIAS_ROW_X,
    ROW_Y = KL_GYRO_BIAS_ROW_Y,
    ROW_Z = KL_GYRO_BIAS_ROW_Z,
    NOW = KL_GYRO_BIAS_NOW,
    SUMS = KL_GYRO_BIAS_SUMS,
    STATES = KL_GYRO_BIAS_STATES,
};

struct kl_gyro_bias_settings kl_gyro_bias_settings_defaults(void)
{
    return (struct kl_gyro_bias_settings){
        .start_sd_rad_s = 0.5 * RAD_PER_DEG,
        .forget_s = 100,
        .motion_sd_rad_s = 0.1 * RAD_PER_DEG,
        .rest_sd_rad_s = 0.03 * RAD_PER_DEG,
        .max_rad_s = 2 * RAD_PER_DEG,
        .scale_sd = 0.005,
    };
}

int kl_gyro_bias_init(struct kl_gyro_bias *bias, double rate_hz, double tau_s,
                      const struct kl_gyro_bias_settings *settings)
{
    struct kl_gyro_bias made = {.settings = settings != NULL ? *settings
                                                             : kl_gyro_bias_settings_defaults()};
    const struct kl_gyro_bias_settings *s = &made.settings;
    if (!(s->start_sd_rad_s > 0) || !(s->forget_s > 0) || !(s->motion_sd_rad_s > 0) ||
        !(s->rest_sd_rad_s > 0) || !(s->max_rad_s > 0) || !(s->scale_sd >= 0) || !(rate_hz > 0)) {
        return KL_ERR_RANGE;
    }
    made.length = (uint32_t)fmax(1, floor(KL_GYRO_BIAS_STEP_S * rate_hz + 0.5));
    made.period_s = 1 / rate_hz;
    double step_s = made.length * made.period_s;
    int status = kl_low_pass_init(&made.delay, tau_s, 1 / step_s);
    if (status != KL_OK) {
        return status;
    }
    made.stride = made.delay;
    made.settle = SETTLE_TAUS * made.delay.start;
    /* W such that P settles at the named uncertainty: the scalar Riccati equation, as in VQF */
    double v = FORGOTTEN_RAD_S * FORGOTTEN_RAD_S * step_s / s->forget_s;
    double motion = s->motion_sd_rad_s * s->motion_sd_rad_s;
    double rest = s->rest_sd_rad_s * s->rest_sd_rad_s;
    made.bias_v = v;
    made.motion_w = motion * motion / v + motion;
    made.vertical_w = made.motion_w / VERTICAL_SHARE;
    made.rest_w = rest * rest / v + rest;
    made.scale_v =
        s->scale_sd > 0 ? SCALE_FORGOTTEN * SCALE_FORGOTTEN * step_s / SCALE_FORGET_S : 0;
    for (int i = 0; i < 3; i++) {
        made.p[i][i] = s->start_sd_rad_s * s->start_sd_rad_s;
        made.p[i + 3][i + 3] = s->scale_sd * s->scale_sd;
    }
    *bias = made;
    return KL_OK;
}

/* One scalar measurement y = h . state of variance w, in place. */
static void measure(struct kl_gyro_bias *b, const double h[STATES], double y, double w)
{
    double ph[STATES];
    double s = w;
    double expected = 0;
    for (int i = 0; i < STATES; i++) {
        ph[i] = 0;
        for (int j = 0; j < STATES; j++) {
            ph[i] += b->p[i][j] * h[j];
        }
    }
    for (int i = 0; i < STATES; i++) {
        s += h[i] * ph[i];
        expected += h[i] * b->state[i];
    }
    double e = fmin(fmax(y - expected, -b->settings.max_rad_s), b->settings.max_rad_s);
    for (int i = 0; i < STATES; i++) {
        double k = ph[i] / s;
        b->state[i] += k * e;
        for (int j = 0; j < STATES; j++) {
            b->p[i][j] -= k * ph[j];
        }
    }
}

static void predict(struct kl_gyro_bias *b)
{
    double bias_p0 = b->settings.start_sd_rad_s * b->settings.start_sd_rad_s;
    double scale_p0 = b->settings.scale_sd * b->settings.scale_sd;
    for (int i = 0; i < 3; i++) {
        b->p[i][i] += b->p[i][i] < bias_p0 ? b->bias_v : 0;
        b->p[i + 3][i + 3] += b->p[i + 3][i + 3] < scale_p0 ? b->scale_v : 0;
    }
}

static void clip_bias(struct kl_gyro_bias *b)
{
    for (int i = 0; i < 3; i++) {
        b->state[i] = fmin(fmax(b->state[i], -b->settings.max_rad_s), b->settings.max_rad_s);
    }
}

/* Mean square of what turns a sensor that counts as still, (rad/s)^2: the unquiet part of its rate,
 * and the slow part that shows in the direction of gravity only. */
static double unrest(struct kl_gyro_bias *b, const struct kl_sensor_rest *rest)
{
    struct kl_vec up = kl_vec_unit(kl_sensor_rest_acceleration(rest));
    bool has_last = kl_vec_dot(b->rest_up, b->rest_up) > 0;
    double rate = kl_vec_norm(kl_vec_sub(up, b->rest_up)) / (b->length * b->period_s);
    b->rest_up = up;
    return has_last ? rest->unrest + rate * rate : DBL_MAX; /* the first step tells nothing */
}

void kl_gyro_bias_update(struct kl_gyro_bias *b, const struct kl_sensor_rest *rest)
{
    double mean[SUMS];
    for (int i = 0; i < NOW; i++) {
        mean[i] = b->sum[i] / b->length;
    }
    mean[NOW] = mean[NOW + 1] = 0;
    for (int i = 0; i < STATES; i++) {
        mean[NOW] += mean[ROW_X + i] * b->state[i];
        mean[NOW + 1] += mean[ROW_Y + i] * b->state[i];
    }
    double low[SUMS + 2];
    kl_low_pass_step(&b->delay, SUMS, mean, b->z0, b->z1, low);
    bool starting = b->settle > 0;
    b->settle -= starting;
    if (!starting) {
        /* a correction works against the error: hence minus */
        low[SUMS] = -b->turned[0] / (b->length * b->period_s);
        low[SUMS + 1] = -b->turned[1] / (b->length * b->period_s);
        starting = kl_low_pass_starting(&b->stride);
        kl_low_pass_step(&b->stride, SUMS + 2, low, b->stride_z0, b->stride_z1, low);
    }
    predict(b);
    if (kl_sensor_rest_is(rest)) {
        const double rate[3] = {rest->low[0], rest->low[1], rest->low[2]};
        double w =
            b->rest_w * fmax(1, fmin(unrest(b, rest) / (QUIET_RAD_S * QUIET_RAD_S), UNREST_MAX));
        for (int i = 0; i < 3; i++) {
            double h[STATES] = {0};
            h[i] = 1;
            measure(b, h, rate[i], w);
        }
    } else if (!starting) {
        const double vertical[STATES] = {low[ROW_Z], low[ROW_Z + 1], low[ROW_Z + 2]};
        measure(b, &low[ROW_X], low[NOW] + low[SUMS], b->motion_w);
        measure(b, &low[ROW_Y], low[NOW + 1] + low[SUMS + 1], b->motion_w);
        measure(b, vertical, 0, b->vertical_w);
    }
    if (!kl_sensor_rest_is(rest)) {
        b->rest_up = (struct kl_vec){0, 0, 0};
    }
    clip_bias(b);
    memset(b->sum, 0, sizeof(b->sum));
    b->turned[0] = b->turned[1] = 0;
    b->count = 0;
}

void kl_gyro_bias_set(struct kl_gyro_bias *bias, struct kl_vec bias_rad_s, double sd_rad_s)
{
    bias->state[0] = bias_rad_s.x;
    bias->state[1] = bias_rad_s.y;
    bias->state[2] = bias_rad_s.z;
    for (int i = 0; i < 3; i++) {
        for (int j = 0; j < STATES; j++) {
            bias->p[i][j] = bias->p[j][i] = 0;
        }
        bias->p[i][i] = sd_rad_s * sd_rad_s;
    }
    clip_bias(bias);
}

void kl_gyro_bias_restart(struct kl_gyro_bias *bias)
{
    bias->delay.count = bias->stride.count = 0;
    bias->rest_up = (struct kl_vec){0, 0, 0};
    bias->settle = SETTLE_TAUS * bias->delay.start;
    bias->count = 0;
    bias->turned[0] = bias->turned[1] = 0;
    memset(bias->sum, 0, sizeof(bias->sum));
}

double kl_gyro_bias_sd(const struct kl_gyro_bias *bias, struct kl_vec up)
{
    const double u[3] = {up.x, up.y, up.z};
    double across = 0; /* trace less what is about up */
    for (int i = 0; i < 3; i++) {
        across += bias->p[i][i];
        for (int j = 0; j < 3; j++) {
            across -= u[i] * u[j] * bias->p[i][j];
        }
    }
    return sqrt(fmax(across, 0));
}
