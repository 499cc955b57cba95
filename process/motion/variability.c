#include "process/motion/variability.h"

#define PI 3.14159265358979323846

/* A window is over: SD about its line over its mean. */
static void close_window(struct kl_running_variability *running)
{
    if (running->n >= KL_VARIABILITY_MIN && running->tt > 0 && running->mean != 0) {
        double slope = running->tv / running->tt;
        double squares = fmax(0, running->vv - slope * running->tv);
        running->cv += sqrt(squares / (double)(running->n - 2)) / fabs(running->mean);
        running->trend_per_s += slope;
        running->windows++;
    }
    running->n = 0;
    running->mean_t = running->mean = 0;
    running->tt = running->tv = running->vv = 0;
}

void kl_running_variability_add(struct kl_running_variability *running, double t_s, double value)
{
    if (!running->begun) {
        running->begun = true;
        running->begin_s = t_s;
    }
    double since_s = t_s - running->begin_s;
    double w = floor(since_s / KL_VARIABILITY_WINDOW_S);
    if (w > (double)running->w) {
        close_window(running);
        running->w = (size_t)w;
    }
    since_s -= (double)running->w * KL_VARIABILITY_WINDOW_S;
    running->n++;
    double away_t = since_s - running->mean_t;
    double away = value - running->mean;
    running->mean_t += away_t / (double)running->n;
    running->mean += away / (double)running->n;
    running->tt += away_t * (since_s - running->mean_t);
    running->tv += away_t * (value - running->mean);
    running->vv += away * (value - running->mean);
}

bool kl_running_variability_get(const struct kl_running_variability *running,
                                struct kl_variability *out)
{
    if (running->windows == 0) {
        return false;
    }
    *out = (struct kl_variability){.cv = running->cv / (double)running->windows,
                                   .trend_per_s = running->trend_per_s / (double)running->windows,
                                   .windows = running->windows};
    return true;
}

bool kl_variability_of(const double *t_s, const double *value, size_t n, struct kl_variability *out)
{
    struct kl_running_variability running = {.begun = false};
    for (size_t i = 0; i < n; i++) {
        kl_running_variability_add(&running, t_s[i], value[i]);
    }
    return kl_running_variability_get(&running, out);
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
