#include "process/motion/orientation.h"

#include <math.h>

#define GAP_PERIODS 5.0 /* a jump of the time stamps beyond this is a gap without its bit */
/* The correction moves at 0.075 Hz; it is made a hundred times a second, on means. */
#define CORRECTION_RATE_HZ 100.0
#define SMALL_ANGLE2 0.1 /* rad^2: up to 18 deg a step the series below is exact to 1e-13 */
#define SWING_TAU_S 3.0  /* over how long the swing of the correction is judged */
#define UPSIDE_DOWN 1e-12

/* A quaternion handed over in memory costs more than the arithmetic done with it. */
#define INLINE static inline __attribute__((always_inline))

struct kl_orientation_settings kl_orientation_settings_defaults(void)
{
    return (struct kl_orientation_settings){
        .tau_s = 3.0,
        .settle_s = 6.0, /* two delays of the low-pass */
        .delay_s = 0,
        .gap_s = 0.1, /* a stance phase is longer: no whole movement is lost */
        .bias = kl_gyro_bias_settings_defaults(),
        .rest = kl_sensor_rest_settings_defaults(),
    };
}

int kl_orientation_init(struct kl_orientation *o, double rate_hz,
                        const struct kl_orientation_settings *settings)
{
    struct kl_orientation made = {
        .settings = settings != NULL ? *settings : kl_orientation_settings_defaults(),
        .gyro = {.w = 1},
        .tilt = {.w = 1},
        .earth = {.w = 1},
    };
    const struct kl_orientation_settings *s = &made.settings;
    if (!(rate_hz > 0) || !(rate_hz < 1e6) || !(s->settle_s >= 0) || !(s->gap_s >= 0) ||
        !(fabs(s->delay_s) < 0.1) || !(s->clipping.rate_range_rad_s >= 0) ||
        !(s->clipping.acceleration_range_m_s2 >= 0)) {
        return KL_ERR_RANGE;
    }
    made.period_s = 1 / rate_hz;
    made.late_ns = kl_nanoseconds(1.5 / rate_hz);
    made.very_late_ns = kl_nanoseconds(GAP_PERIODS / rate_hz);
    made.group = (uint32_t)fmax(1, floor(rate_hz / CORRECTION_RATE_HZ + 0.5));
    double group_hz = rate_hz / made.group;
    int status = kl_low_pass_init(&made.filter, s->tau_s, group_hz);
    status = status < 0 ? status : kl_gyro_bias_init(&made.bias, group_hz, s->tau_s, &s->bias);
    status = status < 0 ? status : kl_sensor_rest_init(&made.rest, rate_hz, &s->rest);
    if (status == KL_OK) {
        kl_clipping_init(&made.clipping, &s->clipping);
        *o = made;
    }
    return status;
}

/* q turned on by a rotation vector of the sensor frame. */
INLINE struct kl_quat turn(struct kl_quat q, struct kl_vec v)
{
    double a = kl_vec_dot(v, v);
    double c;
    double s;
    if (a < SMALL_ANGLE2) {
        /* cos and sin(x)/x of half the angle: no division, no call */
        c = 1 -
            a * (1 / 8.0) * (1 - a * (1 / 48.0) * (1 - a * (1 / 120.0) * (1 - a * (1 / 224.0))));
        s = 0.5 * (1 - a * (1 / 24.0) * (1 - a * (1 / 80.0) * (1 - a * (1 / 168.0))));
    } else {
        double angle = sqrt(a);
        c = cos(angle / 2);
        s = sin(angle / 2) / angle;
    }
    q = kl_quat_mul(q, (struct kl_quat){c, s * v.x, s * v.y, s * v.z});
    /* one Newton step to unit length; the product is never far from it */
    double k = 1.5 - 0.5 * (q.w * q.w + q.x * q.x + q.y * q.y + q.z * q.z);
    return (struct kl_quat){k * q.w, k * q.x, k * q.y, k * q.z};
}

/* Rotation vector between two samples, from the rates at both and one before: the integral of the
 * parabola through the three (a straight line is too short for a vector that turns), and the
 * coning term T^2/12 w x w' because turns do not commute. At 100 Hz a shank's cone of 20 deg at
 * 3 Hz would gain 0.75 deg/s of heading without both. */
INLINE struct kl_vec between(struct kl_vec before, struct kl_vec last, struct kl_vec now,
                             double seconds)
{
    double k = seconds * (1 / 12.0);
    struct kl_vec coning = kl_vec_scale(kl_vec_cross(last, now), k * seconds);
    return (struct kl_vec){
        k * (5 * now.x + 8 * last.x - before.x) + coning.x,
        k * (5 * now.y + 8 * last.y - before.y) + coning.y,
        k * (5 * now.z + 8 * last.z - before.z) + coning.z,
    };
}

/* How long samples are missing before this one, s; 0: none. */
INLINE double missing(const struct kl_orientation *o, int64_t t_ns, uint32_t quality)
{
    int64_t since_ns = t_ns - o->t_ns;
    if (since_ns < o->late_ns) {
        return 0;
    }
    bool told = (quality & (KL_QUALITY_GAP | KL_QUALITY_CHECKSUM)) != 0;
    return told || since_ns > o->very_late_ns ? (double)since_ns / 1e9 - o->period_s : 0;
}

/* Nothing is known of the orientation any more; what is known of the sensor stays. */
static void restart(struct kl_orientation *o, int64_t t_ns)
{
    o->start_ns = t_ns;
    o->filter.count = 0;
    o->group_count = 0;
    o->group_a = o->group_w = (struct kl_vec){0};
    o->swing[0] = o->swing[1] = 0;
    o->swing_mean[0] = o->swing_mean[1] = 0;
    o->swing_variance[0] = o->swing_variance[1] = 0;
    kl_gyro_bias_restart(&o->bias);
    kl_sensor_rest_reset(&o->rest);
}

/* Three numbers at once: what is not finite stays so in a sum. */
INLINE bool finite(struct kl_vec v)
{
    return isfinite(v.x + v.y + v.z);
}

/* Turns the almost inertial frame so that the low-passed acceleration points up; methods 8.2,
 * step 3, without its divisions: (|h| + h.z, h.y, -h.x, 0) is q_c up to its length.
 * turned [2]: by how much about earth x and y, rad. */
INLINE void correct(struct kl_orientation *o, struct kl_vec low, double turned[2])
{
    struct kl_vec h = kl_quat_rotate(o->tilt, low);
    double norm = kl_vec_norm(h);
    if (!(norm > 0)) {
        return; /* free fall from the start on: no direction */
    }
    struct kl_quat c = {norm + h.z, h.y, -h.x, 0};
    if (c.w <= UPSIDE_DOWN * norm) {
        c = (struct kl_quat){0, 1, 0, 0};
    }
    o->tilt = kl_quat_unit(kl_quat_mul(c, o->tilt));
    double per_norm = 1 / norm;
    turned[0] = h.y * per_norm;
    turned[1] = -h.x * per_norm;
}

/* What the correction did beyond following: its swing about its own slow mean. */
INLINE void judge_swing(struct kl_orientation *o, const double turned[2])
{
    double k = o->period_s * o->group * (1 / SWING_TAU_S);
    for (int i = 0; i < 2; i++) {
        o->swing[i] += turned[i];
        double off = o->swing[i] - o->swing_mean[i];
        o->swing_mean[i] += k * off;
        o->swing_variance[i] += k * (off * off - o->swing_variance[i]);
    }
}

INLINE void integrate(struct kl_orientation *o, int64_t t_ns, struct kl_vec w, uint32_t quality)
{
    struct kl_vec now = kl_gyro_bias_remove(&o->bias, w);
    if (o->has_sample) {
        double gap_s = missing(o, t_ns, quality);
        if (gap_s > 0) {
            o->had_gap = true;
            o->gap_ns = t_ns;
        }
        if (gap_s > o->settings.gap_s) {
            restart(o, t_ns);
        } else if (gap_s > 0) {
            struct kl_vec mean = kl_vec_scale(kl_vec_add(o->rate_rad_s, now), 0.5);
            o->gyro = turn(o->gyro, kl_vec_scale(mean, o->period_s + gap_s));
        } else {
            o->gyro = turn(o->gyro, between(o->before_rad_s, o->rate_rad_s, now, o->period_s));
        }
        o->before_rad_s = gap_s > 0 ? now : o->rate_rad_s;
    } else {
        o->has_sample = true;
        o->start_ns = t_ns;
        o->before_rad_s = now;
    }
    o->t_ns = t_ns;
    o->measured_rad_s = w;
    o->rate_rad_s = now;
}

/* What happens once per group: low-pass, correction, bias. */
static void finish_group(struct kl_orientation *o)
{
    double k = 1.0 / o->group_count;
    double low[3] = {k * o->group_a.x, k * o->group_a.y, k * o->group_a.z};
    bool first = o->filter.count == 0;
    kl_low_pass_step(&o->filter, 3, low, o->z0, o->z1, low);
    double turned[2] = {0, 0};
    correct(o, (struct kl_vec){low[0], low[1], low[2]}, turned);
    if (first) {
        turned[0] = turned[1] = 0; /* finding up is no correction */
    }
    judge_swing(o, turned);
    kl_gyro_bias_step(&o->bias, kl_quat_mul(o->tilt, o->gyro), kl_vec_scale(o->group_w, k),
                      turned[0], turned[1], &o->rest);
    o->group_a = o->group_w = (struct kl_vec){0};
    o->group_count = 0;
}

void kl_orientation_push(struct kl_orientation *o, int64_t t_ns, struct kl_vec w_rad_s,
                         struct kl_vec a_m_s2, uint32_t quality)
{
    bool has_w = finite(w_rad_s);
    bool has_a = finite(a_m_s2);
    o->invalid = !has_w || !has_a;
    if (!has_w && !o->has_sample) {
        return;
    }
    integrate(o, t_ns, has_w ? w_rad_s : o->measured_rad_s, quality);
    if (o->invalid) {
        o->earth = kl_quat_mul(o->tilt, o->gyro);
        return; /* the turn is bridged; a missing acceleration has 3 s of others beside it */
    }
    if (kl_clipping_step(&o->clipping, w_rad_s, a_m_s2) || (quality & KL_QUALITY_CLIPPED) != 0) {
        o->had_clipping = true;
        o->clipped_ns = t_ns;
    }
    (void)kl_sensor_rest_step(&o->rest, w_rad_s, a_m_s2);
    o->group_a = kl_vec_add(o->group_a, kl_quat_rotate(o->gyro, a_m_s2));
    o->group_w = kl_vec_add(o->group_w, w_rad_s);
    o->group_count++;
    if (o->group_count >= o->group || o->filter.count == 0) {
        finish_group(o);
    }
    o->earth = kl_quat_mul(o->tilt, o->gyro);
}

struct kl_quat kl_orientation_get(const struct kl_orientation *o)
{
    double delay_s = o->settings.delay_s;
    return delay_s != 0 ? turn(o->earth, kl_vec_scale(o->rate_rad_s, delay_s)) : o->earth;
}

struct kl_vec kl_orientation_rate(const struct kl_orientation *o)
{
    return o->rate_rad_s;
}

struct kl_vec kl_orientation_bias(const struct kl_orientation *o)
{
    return (struct kl_vec){o->bias.state[0], o->bias.state[1], o->bias.state[2]};
}

void kl_orientation_set_bias(struct kl_orientation *o, struct kl_vec bias_rad_s, double sd_rad_s)
{
    kl_gyro_bias_set(&o->bias, bias_rad_s, sd_rad_s);
}

bool kl_orientation_at_rest(const struct kl_orientation *o)
{
    return kl_sensor_rest_is(&o->rest);
}

double kl_orientation_tilt_sd(const struct kl_orientation *o)
{
    struct kl_vec up = kl_quat_rotate(kl_quat_conj(o->earth), (struct kl_vec){0, 0, 1});
    double drift = kl_gyro_bias_sd(&o->bias, up) * o->settings.tau_s;
    return sqrt(o->swing_variance[0] + o->swing_variance[1] + drift * drift);
}

uint32_t kl_orientation_marks(const struct kl_orientation *o)
{
    if (!o->has_sample || o->filter.count == 0) {
        return KL_ORIENTATION_NONE | (o->invalid ? KL_ORIENTATION_INVALID : 0u);
    }
    int64_t settle_ns = kl_nanoseconds(o->settings.settle_s);
    uint32_t marks = o->invalid ? KL_ORIENTATION_INVALID : 0;
    marks |= o->t_ns - o->start_ns < settle_ns ? KL_ORIENTATION_SETTLING : 0u;
    marks |= o->had_gap && o->t_ns - o->gap_ns < settle_ns ? KL_ORIENTATION_GAP : 0u;
    marks |= o->had_clipping && o->t_ns - o->clipped_ns < settle_ns ? KL_ORIENTATION_CLIPPED : 0u;
    return marks;
}
