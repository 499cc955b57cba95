#include "process/motion/local_stability.h"

#include <math.h>

#define FIT_MAX 512
#define BOX_MIN 16
#define BOX_PARTS 9
#define BOX_STEPS 5 /* each box larger by a fifth: evenly spaced on the logarithm */

struct kl_divergence_settings kl_divergence_settings_defaults(void)
{
    return (struct kl_divergence_settings){
        .axes = 3, .copies = 2, .lag = 25, .theiler = 100, .fit = 51};
}

/* Squared distance of two states, given up once it exceeds `limit`. */
static double distance2(const double *series, const struct kl_divergence_settings *s, size_t i,
                        size_t k, double limit)
{
    double sum = 0;
    for (size_t c = 0; c < s->copies && sum < limit; c++) {
        const double *a = &series[(i + c * s->lag) * s->axes];
        const double *b = &series[(k + c * s->lag) * s->axes];
        for (size_t x = 0; x < s->axes; x++) {
            sum += (a[x] - b[x]) * (a[x] - b[x]);
        }
    }
    return sum;
}

static size_t nearest(const double *series, const struct kl_divergence_settings *s, size_t states,
                      size_t i)
{
    size_t best = states;
    double least = HUGE_VAL;
    for (size_t k = 0; k < states; k++) {
        size_t apart = k > i ? k - i : i - k;
        if (apart > s->theiler) {
            double d = distance2(series, s, i, k, least);
            if (d < least && d > 0) {
                least = d;
                best = k;
            }
        }
    }
    return best;
}

/* Least squares over x = 0, 1, ... */
static double slope_of(const double *y, size_t n)
{
    double centre = ((double)n - 1) / 2;
    double xy = 0;
    double xx = 0;
    for (size_t i = 0; i < n; i++) {
        double x = (double)i - centre;
        xy += x * y[i];
        xx += x * x;
    }
    return xy / xx;
}

int kl_divergence_slope(const double *series, size_t n,
                        const struct kl_divergence_settings *settings, size_t *neighbour,
                        double *out)
{
    const struct kl_divergence_settings *s = settings;
    size_t span = s->copies > 0 ? (s->copies - 1) * s->lag : 0;
    if (s->axes == 0 || s->copies == 0 || s->fit < 2 || s->fit > FIT_MAX ||
        n <= span + s->fit + s->theiler) {
        return KL_ERR_ARG;
    }
    for (size_t i = 0; i < n * s->axes; i++) {
        if (!isfinite(series[i])) {
            return KL_ERR_DATA;
        }
    }
    size_t states = n - span;
    for (size_t i = 0; i < states; i++) {
        neighbour[i] = nearest(series, s, states, i);
    }
    double curve[FIT_MAX];
    for (size_t k = 0; k < s->fit; k++) {
        double sum = 0;
        size_t count = 0;
        for (size_t i = 0; i + k < states; i++) {
            if (neighbour[i] < states && neighbour[i] + k < states) {
                double d = distance2(series, s, i + k, neighbour[i] + k, HUGE_VAL);
                sum += d > 0 ? 0.5 * log(d) : 0;
                count += d > 0 ? 1 : 0;
            }
        }
        if (count == 0) {
            return KL_ERR_DATA;
        }
        curve[k] = sum / (double)count;
    }
    *out = slope_of(curve, s->fit);
    return KL_OK;
}

bool kl_stride_resample(const double *series, size_t n, size_t axes, double first, double end,
                        double *out)
{
    if (!(first >= 0) || !(end > first) || n < 2 || !(end <= (double)(n - 1))) {
        return false;
    }
    for (size_t p = 0; p < KL_STRIDE_POINTS; p++) {
        double x = first + (end - first) * (double)p / KL_STRIDE_POINTS;
        size_t i = (size_t)x < n - 1 ? (size_t)x : n - 2;
        double part = x - (double)i;
        for (size_t a = 0; a < axes; a++) {
            out[p * axes + a] =
                (1 - part) * series[i * axes + a] + part * series[(i + 1) * axes + a];
        }
    }
    return true;
}

/* Mean square about the line through each box of `length` strides. */
static double fluctuation2(const double *profile, size_t n, size_t length)
{
    size_t boxes = n / length;
    double centre = ((double)length - 1) / 2;
    double squares = 0;
    for (size_t b = 0; b < boxes; b++) {
        const double *y = &profile[b * length];
        double mean = 0;
        for (size_t i = 0; i < length; i++) {
            mean += y[i] / (double)length;
        }
        double slope = slope_of(y, length);
        for (size_t i = 0; i < length; i++) {
            double rest = y[i] - mean - slope * ((double)i - centre);
            squares += rest * rest;
        }
    }
    return squares / (double)(boxes * length);
}

int kl_scaling_exponent(const double *value, size_t n, double *profile, double *out)
{
    if (n <= KL_SCALING_STRIDES_MIN) {
        return KL_ERR_ARG;
    }
    double mean = 0;
    for (size_t i = 0; i < n; i++) {
        mean += value[i] / (double)n;
    }
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        sum += value[i] - mean;
        profile[i] = sum;
    }
    double count = 0;
    double x = 0;
    double y = 0;
    double xx = 0;
    double xy = 0;
    size_t largest = n / BOX_PARTS;
    for (size_t box = BOX_MIN; box <= largest; box += 1 + box / BOX_STEPS) {
        double f2 = fluctuation2(profile, n, box);
        if (!(f2 > 0) || !isfinite(f2)) {
            return KL_ERR_DATA;
        }
        double lx = log((double)box);
        double ly = 0.5 * log(f2);
        count++;
        x += lx;
        y += ly;
        xx += lx * lx;
        xy += lx * ly;
    }
    *out = (count * xy - x * y) / (count * xx - x * x);
    return KL_OK;
}
