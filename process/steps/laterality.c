#include "process/steps/laterality.h"

#include <math.h>

void kl_laterality_restart(struct kl_laterality *laterality)
{
    *laterality = (struct kl_laterality){0};
}

static double median(const double *value, size_t n)
{
    double sorted[KL_LATERALITY_STEPS];
    for (size_t i = 0; i < n; i++) {
        size_t at = i;
        for (; at > 0 && sorted[at - 1] > value[i]; at--) {
            sorted[at] = sorted[at - 1];
        }
        sorted[at] = value[i];
    }
    return n % 2 == 1 ? sorted[n / 2] : (sorted[n / 2 - 1] + sorted[n / 2]) / 2;
}

static void decide(struct kl_laterality *laterality)
{
    const size_t n = KL_LATERALITY_STEPS;
    double middle = median(laterality->z_m, n);
    laterality->midline_z_m = middle;
    double alternating = 0;
    for (size_t i = 0; i < n; i++) {
        double z = laterality->z_m[i] - middle;
        alternating += laterality->z_odd[i] ? -z : z;
    }
    double half = alternating / (double)n, mean = 0, square = 0;
    for (size_t i = 0; i < n; i++) {
        mean += laterality->z_m[i] - middle - (laterality->z_odd[i] ? -half : half);
    }
    mean /= (double)n;
    for (size_t i = 0; i < n; i++) {
        double rest = laterality->z_m[i] - middle - (laterality->z_odd[i] ? -half : half) - mean;
        square += rest * rest;
    }
    double noise = sqrt(square / (double)(n - 1)) * sqrt((double)n);
    double largest = KL_LATERALITY_CONFIDENCE_MAX;
    bool bounded = fabs(alternating) < largest * noise;
    laterality->confidence_q = alternating == 0 ? 0 : bounded ? fabs(alternating) / noise : largest;
    laterality->even = laterality->confidence_q < KL_LATERALITY_CONFIDENCE ? KL_SIDE_UNKNOWN
                       : alternating > 0                                   ? KL_SIDE_RIGHT
                                                                           : KL_SIDE_LEFT;
}

static enum kl_side foot(const struct kl_laterality *laterality, bool odd)
{
    if (laterality->even == KL_SIDE_UNKNOWN || !odd) {
        return laterality->even;
    }
    return laterality->even == KL_SIDE_LEFT ? KL_SIDE_RIGHT : KL_SIDE_LEFT;
}

enum kl_side kl_laterality_step(struct kl_laterality *laterality, bool usable, double z_m)
{
    laterality->odd = laterality->has_step && !laterality->odd;
    laterality->has_step = true;
    if (usable) {
        laterality->z_m[laterality->head] = z_m;
        laterality->z_odd[laterality->head] = laterality->odd;
        laterality->head = (laterality->head + 1) % KL_LATERALITY_STEPS;
        laterality->count += laterality->count < KL_LATERALITY_STEPS;
        if (laterality->count == KL_LATERALITY_STEPS) {
            decide(laterality);
        }
    }
    return foot(laterality, laterality->odd);
}

enum kl_side kl_laterality_ahead(const struct kl_laterality *laterality, unsigned ahead)
{
    if (!laterality->has_step) {
        return KL_SIDE_UNKNOWN;
    }
    return foot(laterality, laterality->odd != (ahead % 2 == 1));
}
