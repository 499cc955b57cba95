#include "process/motion/local_stability.h"

#include <math.h>

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

struct nearest {
    size_t state;
    double distance2;
};

/* Looks through the states [from, to). Nearly all are far away in the first copy already. */
static void look(const double *series, const struct kl_divergence_settings *s, size_t i,
                 size_t from, size_t to, struct nearest *found)
{
    const double *a = &series[i * s->axes];
    for (size_t k = from; k < to; k++) {
        const double *b = &series[k * s->axes];
        double first = (a[0] - b[0]) * (a[0] - b[0]);
        if (s->axes == 3) { /* the common case, unrolled */
            first += (a[1] - b[1]) * (a[1] - b[1]);
            first += (a[2] - b[2]) * (a[2] - b[2]);
        }
        if (first < found->distance2) {
            double d = distance2(series, s, i, k, found->distance2);
            if (d < found->distance2 && d > 0) {
                *found = (struct nearest){k, d};
            }
        }
    }
}

/* @param likely  a state to begin with: the nearer it is, the fewer are looked at closely */
static size_t nearest(const double *series, const struct kl_divergence_settings *s, size_t states,
                      size_t i, size_t likely)
{
    struct nearest found = {states, HUGE_VAL};
    size_t apart = likely > i ? likely - i : i - likely;
    if (likely < states && apart > s->theiler) {
        look(series, s, i, likely, likely + 1, &found);
    }
    if (i > s->theiler) {
        look(series, s, i, 0, i - s->theiler, &found);
    }
    if (i + s->theiler + 1 < states) {
        look(series, s, i, i + s->theiler + 1, states, &found);
    }
    return found.state;
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

int kl_divergence_begin(struct kl_divergence *work, const double *series, size_t n,
                        const struct kl_divergence_settings *settings, size_t *neighbour)
{
    const struct kl_divergence_settings *s = settings;
    size_t span = s->copies > 0 ? (s->copies - 1) * s->lag : 0;
    if (s->axes == 0 || s->copies == 0 || s->fit < 2 || s->fit > KL_DIVERGENCE_FIT_MAX ||
        n <= span + s->fit + s->theiler) {
        return KL_ERR_ARG;
    }
    for (size_t i = 0; i < n * s->axes; i++) {
        if (!isfinite(series[i])) {
            return KL_ERR_DATA;
        }
    }
    *work = (struct kl_divergence){.series = series, .settings = *settings, .states = n - span};
    work->neighbour = neighbour;
    return KL_OK;
}

/* Mean logarithm of the distance of neighbours k points later. */
static void find_point(struct kl_divergence *work, size_t k)
{
    const size_t *neighbour = work->neighbour;
    double sum = 0;
    size_t count = 0;
    for (size_t i = 0; i + k < work->states; i++) {
        if (neighbour[i] < work->states && neighbour[i] + k < work->states) {
            double d = distance2(work->series, &work->settings, i + k, neighbour[i] + k, HUGE_VAL);
            sum += d > 0 ? 0.5 * log(d) : 0;
            count += d > 0 ? 1 : 0;
        }
    }
    work->failed = work->failed || count == 0;
    work->curve[k] = count > 0 ? sum / (double)count : 0;
}

bool kl_divergence_advance(struct kl_divergence *work, size_t parts)
{
    for (; parts > 0 && work->found < work->states; parts--, work->found++) {
        size_t i = work->found;
        /* neighbours of neighbours: what was near one point ago mostly still is */
        size_t likely = i > 0 && work->neighbour[i - 1] < work->states ? work->neighbour[i - 1] + 1
                                                                       : work->states;
        work->neighbour[i] = nearest(work->series, &work->settings, work->states, i, likely);
    }
    for (; parts > 0 && work->points < work->settings.fit; parts--, work->points++) {
        find_point(work, work->points);
    }
    return work->points < work->settings.fit;
}

int kl_divergence_get(const struct kl_divergence *work, double *out)
{
    if (work->failed || work->points < work->settings.fit) {
        return KL_ERR_DATA;
    }
    *out = slope_of(work->curve, work->settings.fit);
    return KL_OK;
}

int kl_divergence_slope(const double *series, size_t n,
                        const struct kl_divergence_settings *settings, size_t *neighbour,
                        double *out)
{
    struct kl_divergence work;
    int status = kl_divergence_begin(&work, series, n, settings, neighbour);
    if (status != KL_OK) {
        return status;
    }
    (void)kl_divergence_advance(&work, work.states + settings->fit);
    return kl_divergence_get(&work, out);
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
