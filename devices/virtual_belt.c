#include "devices/virtual_belt.h"

#include "devices/belt_stream.h"
#include "devices/virtual_load.h"

#include <gsl/gsl_math.h>

#include <math.h>

static const double speed_sd_m_s = 0.003; /* of a tachometer [P] */

enum { NOISE_OF_BELT = 24 }; /* consumer number of kl_noise_init */

void kl_virtual_belt_init(struct kl_virtual_belt *belt, const struct kl_virtual_runner *runner)
{
    belt->rate_hz = runner->treadmill_rate_hz;
    belt->speed_m_s = runner->speed_m_s;
    belt->variation = runner->belt_variation;
    belt->incline_rad = runner->incline_rad;
    belt->start_s = kl_virtual_timeline(runner).leave_s;
    belt->noise_scale = runner->noise_scale;
    kl_noise_init(&belt->noise, runner->seed, NOISE_OF_BELT);
}

void kl_virtual_belt_describe(const struct kl_virtual_belt *belt, struct kl_stream *out)
{
    const struct kl_device_config config = {.name = "", .placement = ""};
    kl_belt_stream(&config, belt->rate_hz, false, out);
}

void kl_virtual_belt_read(struct kl_virtual_belt *belt, const struct kl_virtual_contact *contact,
                          size_t count, double t_s, double *value)
{
    double dip = 0;
    for (size_t k = 0; k < count; k++) {
        double s = (t_s - contact[k].onset_s) / contact[k].contact_time_s;
        if (s > 0 && s < 1) {
            dip = fmax(dip, sin(M_PI * s) * sin(M_PI * s));
        }
    }
    value[0] = t_s >= belt->start_s ? belt->speed_m_s * (1 - belt->variation * dip) : 0;
    value[1] = belt->incline_rad;
    if (belt->noise_scale > 0) {
        value[0] += belt->noise_scale * kl_noise_gaussian(&belt->noise, speed_sd_m_s);
    }
}
