#include "acquire/formats/xdf_clock.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Thresholds of a clock reset and of a break in the samples, as pyxdf has them. */
#define RESET_TIME_MADS 5.0
#define RESET_TIME_S 5.0
#define RESET_VALUE_MADS 10.0
#define RESET_VALUE_S 1.0
#define WINSOR_S 0.0001 /* residuals beyond this count linearly */
#define FIT_STEPS 1000
#define BREAK_S 1.0
#define BREAK_SAMPLES 500.0
#define STRAY_INTERVALS 10.0
#define STRAY_SIGMAS 10.0
#define MAD_TO_SIGMA 1.4826 /* for a normal distribution */

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Sorts `value`; the mean of the two in the middle for an even number. */
static double median(double *value, size_t n)
{
    qsort(value, n, sizeof(*value), compare);
    return n % 2 == 1 ? value[n / 2] : (value[n / 2 - 1] + value[n / 2]) / 2;
}

static double median_of(const double *value, size_t n, double *scratch)
{
    memcpy(scratch, value, n * sizeof(*value));
    return median(scratch, n);
}

/* Median distance from `middle`. */
static double deviation_of(const double *value, size_t n, double middle, double *scratch)
{
    for (size_t i = 0; i < n; i++) {
        scratch[i] = fabs(value[i] - middle);
    }
    return median(scratch, n);
}

/* ------------------------------------------------------------------ the fit */

/* The normal equations of [1, t - off], as a Cholesky factor. */
struct normal {
    double l11, l21, l22;
};

static bool factor(const double *t, size_t n, struct normal *f)
{
    double a = 0;
    double b = 0;
    double c = 0;
    for (size_t i = 0; i < n; i++) {
        a += 1;
        b += t[i];
        c += t[i] * t[i];
    }
    f->l11 = sqrt(a);
    f->l21 = b / f->l11;
    double rest = c - f->l21 * f->l21;
    if (!(rest > 0)) {
        return false;
    }
    f->l22 = sqrt(rest);
    return true;
}

static void solve(const struct normal *f, double b0, double b1, double x[2])
{
    double y0 = b0 / f->l11;
    double y1 = (b1 - f->l21 * y0) / f->l22;
    x[1] = y1 / f->l22;
    x[0] = (y0 - f->l21 * x[1]) / f->l11;
}

/* One step of the alternating direction method, for all residuals. */
static void fit_step(const double *t, const double *y, size_t n, const double x[2], double *z,
                     double *u)
{
    for (size_t i = 0; i < n; i++) {
        double d = x[0] + x[1] * t[i] - y[i] + u[i];
        double inverse = d != 0 ? 1 / d : 0;
        double shrink = 1 - 2 * fabs(inverse);
        z[i] = d / 2 + (shrink > 0 ? shrink : 0) * d / 2;
        u[i] = d - z[i];
    }
}

bool kl_xdf_robust_line(const double *time_s, const double *value_s, size_t n, double c[2])
{
    c[0] = 0;
    c[1] = 0;
    double *work = calloc(n, 4 * sizeof(double));
    if (work == NULL) {
        return false;
    }
    double *t = work;
    double *y = work + n;
    double *z = work + 2 * n;
    double *u = work + 3 * n;
    double off = time_s[0] / WINSOR_S;
    for (size_t i = 0; i < n; i++) {
        t[i] = time_s[i] / WINSOR_S;
        y[i] = value_s[i] / WINSOR_S;
        off = t[i] < off ? t[i] : off;
    }
    double x[2] = {0, 0};
    double fixed0 = 0;
    double fixed1 = 0;
    for (size_t i = 0; i < n; i++) {
        t[i] -= off;
        fixed0 += y[i];
        fixed1 += t[i] * y[i];
    }
    struct normal f;
    bool good = factor(t, n, &f);
    for (int step = 0; step < FIT_STEPS && good; step++) {
        double b0 = fixed0;
        double b1 = fixed1;
        for (size_t i = 0; i < n; i++) {
            b0 += z[i] - u[i];
            b1 += t[i] * (z[i] - u[i]);
        }
        solve(&f, b0, b1, x);
        fit_step(t, y, n, x, z, u);
    }
    free(work);
    x[0] -= x[1] * off;
    if (!good || !isfinite(x[0]) || !isfinite(x[1])) {
        return false;
    }
    c[0] = x[0] * WINSOR_S;
    c[1] = x[1];
    return true;
}

/* --------------------------------------------------------------- clock sync */

/* Differences that stand out, by their median deviation and by an absolute limit. */
static void mark_glitches(const double *diff, size_t n, double mads, double seconds, bool *glitch,
                          double *scratch)
{
    double middle = median_of(diff, n, scratch);
    double mad = deviation_of(diff, n, middle, scratch) + DBL_EPSILON;
    for (size_t i = 0; i < n; i++) {
        double away = fabs(diff[i] - middle);
        glitch[i] = away / mad > mads && away > seconds;
    }
}

/* broken[i]: the clock was reset between offset i and i + 1. n offsets, n >= 2. */
static int find_resets(const struct kl_xdf_offsets *offsets, bool *broken)
{
    size_t n = offsets->count - 1;
    double *work = calloc(n, 2 * sizeof(double));
    bool *value_glitch = calloc(n, sizeof(bool));
    if (work == NULL || value_glitch == NULL) {
        free(work);
        free(value_glitch);
        return KL_ERR_MEM;
    }
    double *diff = work;
    double *scratch = work + n;
    for (size_t i = 0; i < n; i++) {
        diff[i] = offsets->value_s[i + 1] - offsets->value_s[i];
    }
    mark_glitches(diff, n, RESET_VALUE_MADS, RESET_VALUE_S, value_glitch, scratch);
    for (size_t i = 0; i < n; i++) {
        diff[i] = offsets->time_s[i + 1] - offsets->time_s[i];
    }
    mark_glitches(diff, n, RESET_TIME_MADS, RESET_TIME_S, broken, scratch);
    for (size_t i = 0; i < n; i++) {
        broken[i] = diff[i] < 0 || (broken[i] && value_glitch[i]);
    }
    free(work);
    free(value_glitch);
    return KL_OK;
}

static void fit_segment(const struct kl_xdf_offsets *offsets, size_t first, size_t last,
                        double c[2])
{
    if (first == last) {
        c[0] = offsets->value_s[first];
        c[1] = 0;
        return;
    }
    /* A segment that cannot be fitted leaves the stamps as they are. */
    (void)kl_xdf_robust_line(offsets->time_s + first, offsets->value_s + first, last - first + 1,
                             c);
}

/* Samples from `start` that are nearer to this segment's end than to the next one's start. */
static size_t samples_until(const double *stamp_s, size_t start, size_t n, double end_s,
                            double next_s)
{
    size_t stop = start;
    while (stop < n && fabs(stamp_s[stop] - end_s) < fabs(stamp_s[stop] - next_s)) {
        stop++;
    }
    return stop;
}

int kl_xdf_clock_sync(const struct kl_xdf_offsets *offsets, double *stamp_s, size_t n)
{
    if (offsets->count == 0 || n == 0) {
        return KL_OK;
    }
    bool *broken = calloc(offsets->count, sizeof(bool));
    int status = broken == NULL ? KL_ERR_MEM : KL_OK;
    if (status == KL_OK && offsets->count > 1) {
        status = find_resets(offsets, broken);
    }
    size_t start = 0;
    for (size_t first = 0; first < offsets->count && status == KL_OK;) {
        size_t last = first;
        while (last + 1 < offsets->count && !broken[last]) {
            last++;
        }
        double c[2];
        fit_segment(offsets, first, last, c);
        size_t stop = n;
        if (last + 1 < offsets->count) {
            stop =
                samples_until(stamp_s, start, n, offsets->time_s[last], offsets->time_s[last + 1]);
        }
        for (; start < stop; start++) {
            stamp_s[start] += c[0] + c[1] * stamp_s[start];
        }
        first = last + 1;
    }
    free(broken);
    return status;
}

bool kl_xdf_last_offset_is_stray(const struct kl_xdf_offsets *offsets)
{
    size_t n = offsets->count;
    double *work = n >= 3 ? calloc(n, 2 * sizeof(double)) : NULL;
    if (work == NULL) {
        return false;
    }
    double *diff = work;
    double *scratch = work + n;
    for (size_t i = 0; i + 1 < n; i++) {
        diff[i] = offsets->time_s[i + 1] - offsets->time_s[i];
    }
    double interval = median_of(diff, n - 2, scratch);
    double last = fabs(diff[n - 2]);
    double ratio = interval > 0 ? last / interval : last > 0 ? HUGE_VAL : 1.0;
    double middle = median_of(offsets->value_s, n - 1, scratch);
    double mad = deviation_of(offsets->value_s, n - 1, middle, scratch);
    double away = fabs(offsets->value_s[n - 1] - middle);
    bool far = mad > DBL_EPSILON && away / (MAD_TO_SIGMA * mad) > STRAY_SIGMAS;
    free(work);
    return ratio > STRAY_INTERVALS || far;
}

/* ------------------------------------------------------------------ dejitter */

/* Least-squares line over the index; centred, so that large stamps keep their digits. */
static void straighten(double *stamp_s, size_t n)
{
    double middle = ((double)n - 1) / 2;
    double base = stamp_s[0];
    double mean = 0;
    for (size_t i = 0; i < n; i++) {
        mean += stamp_s[i] - base;
    }
    mean /= (double)n;
    double up = 0;
    double down = 0;
    for (size_t i = 0; i < n; i++) {
        double x = (double)i - middle;
        up += x * (stamp_s[i] - base - mean);
        down += x * x;
    }
    double slope = n > 1 ? up / down : 0;
    for (size_t i = 0; i < n; i++) {
        stamp_s[i] = base + (mean + slope * ((double)i - middle));
    }
}

double kl_xdf_dejitter(double rate_hz, double *stamp_s, size_t n)
{
    double limit_s = fmax(BREAK_S, BREAK_SAMPLES / rate_hz);
    double intervals = 0;
    double duration_s = 0;
    for (size_t start = 0; start < n;) {
        size_t stop = start + 1;
        while (stop < n && !(fabs(stamp_s[stop] - stamp_s[stop - 1]) > limit_s)) {
            stop++;
        }
        straighten(stamp_s + start, stop - start);
        intervals += (double)(stop - start - 1);
        duration_s += stamp_s[stop - 1] - stamp_s[start];
        start = stop;
    }
    return intervals > 0 && duration_s > 0 ? intervals / duration_s : 0;
}
