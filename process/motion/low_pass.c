#include "process/motion/low_pass.h"

#include <math.h>

#define PI 3.14159265358979323846

int kl_low_pass_init(struct kl_low_pass *out, double tau_s, double rate_hz)
{
    struct kl_low_pass f = {.count = 0};
    if (!(tau_s > 0) || !(rate_hz > 0) || !(tau_s * rate_hz < 1e9)) {
        return KL_ERR_RANGE;
    }
    int status = kl_butterworth_init_causal(&f.filter, sqrt(2.0) / (2 * PI * tau_s), rate_hz);
    if (status == KL_OK) {
        f.start = (uint32_t)ceil(tau_s * rate_hz);
        *out = f;
    }
    return status;
}

void kl_low_pass_start(struct kl_low_pass *f, size_t n, const double *in, double *z0, double *z1,
                       double *out)
{
    bool first = f->count == 0;
    f->count++;
    for (size_t c = 0; c < n; c++) {
        /* z0 holds the sum while the filter is not running */
        double sum = first ? in[c] : z0[c] + in[c];
        double mean = sum / (double)f->count;
        bool last = f->count >= f->start;
        z0[c] = last ? f->filter.steady0 * mean : sum;
        z1[c] = last ? f->filter.steady1 * mean : 0;
        out[c] = mean;
    }
}
