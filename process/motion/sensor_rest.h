/* Is an inertial sensor lying or standing still?
 *
 * Rate and acceleration are low-passed; at rest the raw signals stay close to their low-passed
 * selves for min_s (methods 8.2; the rest detector of VQF). A person standing still passes.
 * Caller's memory. Threads: any, one at a time. RT safe.
 */
#ifndef KL_PROCESS_MOTION_SENSOR_REST_H
#define KL_PROCESS_MOTION_SENSOR_REST_H

#include "process/motion/low_pass.h"
#include "process/motion/rotation.h"

struct kl_sensor_rest_settings {
    double tau_s;             /* low-pass, cut-off sqrt(2) / (2 pi tau) */
    double min_s;             /* this long below both thresholds is rest */
    double rate_rad_s;        /* deviation from the low-passed rate, norm */
    double acceleration_m_s2; /* deviation from the low-passed acceleration, norm */
    double bias_max_rad_s;    /* a low-passed rate above this on an axis is a slow turn, not bias */
};

/** 0.5 s, 1.5 s, 2 deg/s, 0.5 m/s^2, 2 deg/s: methods 8.2. */
struct kl_sensor_rest_settings kl_sensor_rest_settings_defaults(void);

struct kl_sensor_rest {
    struct kl_sensor_rest_settings settings;
    double period_s, unrest_share;
    struct kl_low_pass filter;
    double z0[6], z1[6], low[6]; /* rate x y z, acceleration x y z */
    double still_s;
    double unrest; /* mean square of the deviation from the low-passed rate, (rad/s)^2 */
};

/** @param settings  NULL: the defaults. @return KL_OK or KL_ERR_RANGE */
KL_CHECK int kl_sensor_rest_init(struct kl_sensor_rest *rest, double rate_hz,
                                 const struct kl_sensor_rest_settings *settings);

/** Starts anew, as after a gap. */
void kl_sensor_rest_reset(struct kl_sensor_rest *rest);

static inline bool kl_sensor_rest_is(const struct kl_sensor_rest *rest)
{
    return rest->still_s >= rest->settings.min_s;
}

/** One sample, finite. @return at rest for min_s or longer */
static inline bool kl_sensor_rest_step(struct kl_sensor_rest *rest, struct kl_vec w_rad_s,
                                       struct kl_vec a_m_s2)
{
    const double in[6] = {w_rad_s.x, w_rad_s.y, w_rad_s.z, a_m_s2.x, a_m_s2.y, a_m_s2.z};
    kl_low_pass_step(&rest->filter, 6, in, rest->z0, rest->z1, rest->low);
    const double *low = rest->low;
    double rate2 = 0;
    double acceleration2 = 0;
    bool slow = true;
    for (int c = 0; c < 3; c++) {
        rate2 += (in[c] - low[c]) * (in[c] - low[c]);
        acceleration2 += (in[c + 3] - low[c + 3]) * (in[c + 3] - low[c + 3]);
        slow = slow && fabs(low[c]) <= rest->settings.bias_max_rad_s;
    }
    const struct kl_sensor_rest_settings *s = &rest->settings;
    bool still = rate2 < s->rate_rad_s * s->rate_rad_s &&
                 acceleration2 < s->acceleration_m_s2 * s->acceleration_m_s2 && slow;
    double most = s->rate_rad_s * s->rate_rad_s;
    rest->unrest += rest->unrest_share * ((rate2 < most ? rate2 : most) - rest->unrest);
    rest->still_s = still ? rest->still_s + rest->period_s : 0;
    return kl_sensor_rest_is(rest);
}

/** Low-passed angular rate: at rest, the gyroscope's bias. */
static inline struct kl_vec kl_sensor_rest_rate(const struct kl_sensor_rest *rest)
{
    return (struct kl_vec){rest->low[0], rest->low[1], rest->low[2]};
}

/** How much the rate deviates from the low-passed one, RMS over tau, rad/s: the noise of a sensor
 *  on a table, ten times that on a person who stands still. The bias is known no better. */
static inline double kl_sensor_rest_unrest(const struct kl_sensor_rest *rest)
{
    return sqrt(rest->unrest);
}

/** Low-passed acceleration: at rest, gravity's reaction. */
static inline struct kl_vec kl_sensor_rest_acceleration(const struct kl_sensor_rest *rest)
{
    return (struct kl_vec){rest->low[3], rest->low[4], rest->low[5]};
}

#endif
