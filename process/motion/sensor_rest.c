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
        made.unrest_share = 1 - exp(-made.period_s / s->tau_s);
        made.unrest = s->rate_rad_s * s->rate_rad_s;
        *rest = made;
    }
    return status;
}

void kl_sensor_rest_reset(struct kl_sensor_rest *rest)
{
    rest->filter.count = 0;
    rest->still_s = 0;
    rest->unrest = rest->settings.rate_rad_s * rest->settings.rate_rad_s;
}
