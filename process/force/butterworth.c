#include "process/force/butterworth.h"

#include <math.h>

#define PI 3.14159265358979323846

/* What is left of a wrong start after `settle` samples. 1.1e-12 makes it 100 ms at 50 Hz and
 * 1 kHz, the project's setting (methods 3.3). */
#define SETTLED (1.1e-12)

static int init(struct kl_butterworth *out, double cutoff_hz, double rate_hz, double correction)
{
    if (!(rate_hz > 0) || !(cutoff_hz > 0) || !(cutoff_hz <= rate_hz / KL_RATE_PER_CUTOFF)) {
        return KL_ERR_RANGE;
    }
    double k = tan(PI * cutoff_hz / rate_hz) / correction;
    double n = 1.0 / (1.0 + sqrt(2.0) * k + k * k);
    double b0 = k * k * n;
    double a1 = 2.0 * (k * k - 1.0) * n;
    double a2 = (1.0 - sqrt(2.0) * k + k * k) * n;
    *out = (struct kl_butterworth){
        .b0 = b0,
        .b1 = 2.0 * b0,
        .a1 = a1,
        .a2 = a2,
        .steady0 = 1.0 - b0,
        .steady1 = b0 - a2,
        /* sqrt(a2) is the radius of the pole pair */
        .settle = (size_t)ceil(log(SETTLED) / (0.5 * log(a2))),
    };
    return KL_OK;
}

int kl_butterworth_init(struct kl_butterworth *out, double cutoff_hz, double rate_hz)
{
    /* Two passes multiply their gains: each may only lose half of the 3 dB at fc. */
    return init(out, cutoff_hz, rate_hz, pow(sqrt(2.0) - 1.0, 0.25));
}

int kl_butterworth_init_causal(struct kl_butterworth *out, double cutoff_hz, double rate_hz)
{
    return init(out, cutoff_hz, rate_hz, 1.0);
}

double kl_butterworth_delay(const struct kl_butterworth *filter)
{
    /* Group delay at 0 Hz: centre of gravity of the numerator minus that of the denominator. */
    return 1.0 - (filter->a1 + 2.0 * filter->a2) / (1.0 + filter->a1 + filter->a2);
}
