#include "process/motion/sensor_rest.h"

#include <math.h>

#define RAD_PER_DEG (3.14159265358979323846 / 180.0)

struct kl_sensor_rest_settings kl_sensor_rest_settings_defaults(void)
{
    return (struct kl_sensor_rest_settings){
        .tau_s = 0.5,
        .min_s = 1.5,
        .rate_rad_s = 2 * RAD_PER_DEG,
        .acceleration_m_s2 = 0.5,
        .bias_max_rad_s = 2 * RAD_PER_DEG,
    };
}

int kl_sensor_rest_init(struct kl_sensor_rest *rest, double rate_hz,
                        const struct kl_sensor_rest_settings *settings)
{
    struct kl_sensor_rest made = {
        .settings = settings != NULL ? *settings : kl_sensor_rest_settings_defaults()};
    const struct kl_sensor_rest_settings *s = &made.settings;
    if (!(s->min_s > 0) || !(s->rate_rad_s > 0) || !(s->acceleration_m_s2 > 0) ||
        !(s->bias_max_rad_s > 0)) {
        return KL_ERR_RANGE;
    }
    int status = kl_low_pass_init(&made.filter, s->tau_s, rate_hz);
    if (status == KL_OK) {
        made.period_s = 1 / rate_hz;
        *rest = made;
    }
    return status;
}

bool kl_sensor_rest_step(struct kl_sensor_rest *rest, struct kl_vec w_rad_s, struct kl_vec a_m_s2)
{
    const double in[6] = {w_rad_s.x, w_rad_s.y, w_rad_s.z, a_m_s2.x, a_m_s2.y, a_m_s2.z};
    kl_low_pass_step(&rest->filter, 6, in, rest->z0, rest->z1, rest->low);
    const double *low = rest->low;
    double rate2 = 0;
    double acceleration2 = 0;
    double most = 0;
    for (int c = 0; c < 3; c++) {
        rate2 += (in[c] - low[c]) * (in[c] - low[c]);
        acceleration2 += (in[c + 3] - low[c + 3]) * (in[c + 3] - low[c + 3]);
        most = fmax(most, fabs(low[c]));
    }
    const struct kl_sensor_rest_settings *s = &rest->settings;
    bool still = rate2 < s->rate_rad_s * s->rate_rad_s &&
                 acceleration2 < s->acceleration_m_s2 * s->acceleration_m_s2 &&
                 most <= s->bias_max_rad_s;
    rest->still_s = still ? rest->still_s + rest->period_s : 0;
    return kl_sensor_rest_is(rest);
}

void kl_sensor_rest_reset(struct kl_sensor_rest *rest)
{
    rest->filter.count = 0;
    rest->still_s = 0;
}
