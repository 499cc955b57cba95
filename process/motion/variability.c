#include "process/motion/variability.h"

#define PI 3.14159265358979323846

/* One window: SD about its line over its mean. */
static bool window_of(const double *t_s, const double *value, size_t n, double *cv, double *slope)
{
    if (n < KL_VARIABILITY_MIN) {
        return false;
    }
    double mean_t = 0;
    double mean = 0;
    for (size_t i = 0; i < n; i++) {
        mean_t += t_s[i] / (double)n;
        mean += value[i] / (double)n;
    }
    double tt = 0;
    double tv = 0;
    for (size_t i = 0; i < n; i++) {
        tt += (t_s[i] - mean_t) * (t_s[i] - mean_t);
        tv += (t_s[i] - mean_t) * (value[i] - mean);
    }
    if (!(tt > 0) || mean == 0) {
        return false;
    }
    double squares = 0;
    for (size_t i = 0; i < n; i++) {
        double rest = value[i] - mean - tv / tt * (t_s[i] - mean_t);
        squares += rest * rest;
    }
    *cv = sqrt(squares / (double)(n - 2)) / fabs(mean);
    *slope = tv / tt;
    return true;
}

bool kl_variability_of(const double *t_s, const double *value, size_t n, struct kl_variability *out)
{
    struct kl_variability sum = {.windows = 0};
    size_t first = 0;
    for (size_t w = 1; n > 0 && first < n; w++) {
        double until_s = t_s[0] + (double)w * KL_VARIABILITY_WINDOW_S;
        if (t_s[n - 1] < until_s) { /* the last window is not whole */
            break;
        }
        size_t end = first;
        while (end < n && t_s[end] < until_s) {
            end++;
        }
        double cv;
        double slope;
        if (window_of(&t_s[first], &value[first], end - first, &cv, &slope)) {
            sum.cv += cv;
            sum.trend_per_s += slope;
            sum.windows++;
        }
        first = end;
    }
    if (sum.windows == 0) {
        return false;
    }
    sum.cv /= (double)sum.windows;
    sum.trend_per_s /= (double)sum.windows;
    *out = sum;
    return true;
}

#define UNREADABLE                                                                                 \
    (KL_MOTION_NO_SENSOR | KL_MOTION_NOT_CALIBRATED | KL_MOTION_MISSING | KL_MOTION_SETTLING)

uint32_t kl_stride_curve(const struct kl_motion_window *window, enum kl_clinical angle,
                         double out_rad[KL_CURVE_POINTS])
{
    enum kl_segment prox;
    enum kl_segment dist;
    kl_joint_segments(kl_clinical_joint(angle), window->side, &prox, &dist);
    uint32_t marks = window->segment[dist].marks;
    marks |= prox == KL_SEGMENT_COUNT ? 0 : window->segment[prox].marks;
    uint32_t refused =
        UNREADABLE | (angle == KL_CLINICAL_KNEE_ADDUCTION ? KL_MOTION_CROSS_TALK : 0);
    if ((marks & refused) != 0) {
        return marks & refused;
    }
    double length_s = window->end_s - window->ic_s;
    if (!(length_s > 0) || !(window->ic_s >= 0) ||
        !(window->end_s * KL_MOTION_RATE_HZ < (double)window->count - 1)) {
        return KL_MOTION_NO_STRIDE;
    }
    double curve[KL_CURVE_POINTS];
    for (size_t p = 0; p < KL_CURVE_POINTS; p++) {
        double x =
            (window->ic_s + length_s * (double)p / (KL_CURVE_POINTS - 1)) * KL_MOTION_RATE_HZ;
        size_t i = (size_t)floor(x);
        double value[2];
        for (size_t k = 0; k < 2; k++) {
            struct kl_quat lab = {1, 0, 0, 0};
            struct kl_quat q = prox == KL_SEGMENT_COUNT ? lab : window->segment[prox].q[i + k];
            if (!kl_clinical_angle(angle, window->side, q, window->segment[dist].q[i + k],
                                   &value[k])) {
                return window->side == KL_SIDE_UNKNOWN ? KL_MOTION_NO_SIDE : KL_MOTION_NO_ANGLE;
            }
        }
        curve[p] = value[0] + (x - (double)i) * (value[1] - value[0]);
    }
    for (size_t p = 0; p < KL_CURVE_POINTS; p++) {
        out_rad[p] = curve[p];
    }
    return 0;
}

void kl_curve_spread_add(struct kl_curve_spread *spread, const double curve[KL_CURVE_POINTS])
{
    spread->count++;
    for (size_t p = 0; p < KL_CURVE_POINTS; p++) { /* Welford: no loss for small spreads */
        double away = curve[p] - spread->mean[p];
        spread->mean[p] += away / (double)spread->count;
        spread->squares[p] += away * (curve[p] - spread->mean[p]);
    }
}

bool kl_curve_spread_get(const struct kl_curve_spread *spread, double *out)
{
    if (spread->count < 2) {
        return false;
    }
    double sum = 0;
    for (size_t p = 0; p < KL_CURVE_POINTS; p++) {
        sum += sqrt(spread->squares[p] / (double)(spread->count - 1));
    }
    *out = sum / KL_CURVE_POINTS;
    return true;
}

bool kl_asymmetry_index(double left, double right, double *out_percent)
{
    if (!(left * right >= 0) || !(fabs(left + right) > 0)) {
        return false;
    }
    *out_percent = 200 * (right - left) / (right + left);
    return true;
}

bool kl_symmetry_angle(double left, double right, double *out_percent)
{
    if (!(left * right >= 0) || !(fabs(left + right) > 0)) {
        return false;
    }
    /* both negative is the same angle as both positive; R = 0 gives atan of infinity, 90 deg */
    *out_percent = (PI / 4 - atan2(fabs(left), fabs(right))) / (PI / 2) * 100;
    return true;
}
