#include "process/muscle/emg_filter.h"

#include <math.h>

#define PI 3.14159265358979323846
#define HIGHEST 0.48 /* of the rate: the bilinear transform has no room beyond */
#define SQRT2 1.41421356237309504880

/* tan of the design frequency whose two passes lose 3 dB together at the cut-off (methods 3.2; a
 * high-pass is the mirror image, so its factor is the inverse). */
static double warped(double cutoff_hz, double rate_hz, bool high)
{
    double correction = pow(SQRT2 - 1, 0.25);
    double k = tan(PI * cutoff_hz / rate_hz);
    return high ? k * correction : k / correction;
}

static bool fits(double frequency_hz, double rate_hz)
{
    return frequency_hz > 0 && frequency_hz < HIGHEST * rate_hz;
}

int kl_emg_low_pass(struct kl_emg_section *out, double cutoff_hz, double rate_hz)
{
    if (!fits(cutoff_hz, rate_hz)) {
        return KL_ERR_RANGE;
    }
    double k = warped(cutoff_hz, rate_hz, false);
    double norm = 1 / (1 + SQRT2 * k + k * k);
    *out = (struct kl_emg_section){k * k * norm, 2 * k * k * norm, k * k * norm,
                                   2 * (k * k - 1) * norm, (1 - SQRT2 * k + k * k) * norm};
    return KL_OK;
}

int kl_emg_high_pass(struct kl_emg_section *out, double cutoff_hz, double rate_hz)
{
    if (!fits(cutoff_hz, rate_hz)) {
        return KL_ERR_RANGE;
    }
    double k = warped(cutoff_hz, rate_hz, true);
    double norm = 1 / (1 + SQRT2 * k + k * k);
    *out = (struct kl_emg_section){norm, -2 * norm, norm, 2 * (k * k - 1) * norm,
                                   (1 - SQRT2 * k + k * k) * norm};
    return KL_OK;
}

int kl_emg_notch(struct kl_emg_section *out, double frequency_hz, double quality, double rate_hz)
{
    if (!fits(frequency_hz, rate_hz) || !(quality > 0)) {
        return KL_ERR_RANGE;
    }
    double w = 2 * PI * frequency_hz / rate_hz;
    double alpha = sin(w) / (2 * quality);
    double norm = 1 / (1 + alpha);
    *out = (struct kl_emg_section){norm, -2 * cos(w) * norm, norm, -2 * cos(w) * norm,
                                   (1 - alpha) * norm};
    return KL_OK;
}

/* One pass in either direction. */
static void pass(const struct kl_emg_section *s, double *x, size_t count, bool backward)
{
    /* Transposed direct form II in the steady state of the first sample. */
    double first = x[backward ? count - 1 : 0];
    double gain = (s->b0 + s->b1 + s->b2) / (1 + s->a1 + s->a2);
    double z0 = first * (gain - s->b0);
    double z1 = first * (s->b2 - s->a2 * gain);
    for (size_t i = 0; i < count; i++) {
        double *at = &x[backward ? count - 1 - i : i];
        double in = *at;
        double y = s->b0 * in + z0;
        z0 = s->b1 * in - s->a1 * y + z1;
        z1 = s->b2 * in - s->a2 * y;
        *at = y;
    }
}

void kl_emg_filter(const struct kl_emg_section *section, double *x, size_t count)
{
    if (count > 0) {
        pass(section, x, count, false);
        pass(section, x, count, true);
    }
}
