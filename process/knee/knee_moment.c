#include "process/knee/knee_moment.h"

#define PEAKS_FROM 0.1
#define PEAKS_HALF 0.5
#define PEAKS_UNTIL 0.9
#define PROMINENCE_N_M_PER_KG 0.05
#define SAMPLES_MIN 10

const char *kl_knee_frame_text(enum kl_knee_frame frame)
{
    static const char *const text[KL_KNEE_FRAME_COUNT] = {"shank", "thigh", "lab"};
    return (unsigned)frame < KL_KNEE_FRAME_COUNT ? text[frame] : "unknown frame";
}

struct kl_vec kl_knee_moment(const double wrench[KL_WRENCH_COUNT], struct kl_vec knee_m)
{
    struct kl_vec force = {wrench[KL_FX], wrench[KL_FY], wrench[KL_FZ]};
    struct kl_vec moment = {wrench[KL_MX], wrench[KL_MY], wrench[KL_MZ]};
    return kl_vec_sub(moment, kl_vec_cross(knee_m, force));
}

void kl_knee_mirror_wrench(double wrench[KL_WRENCH_COUNT])
{
    wrench[KL_FZ] = -wrench[KL_FZ];
    wrench[KL_MX] = -wrench[KL_MX];
    wrench[KL_MY] = -wrench[KL_MY];
}

/* ------------------------------------------------------------------- stance */

/* The curve between two samples. */
static double at_time(const struct kl_knee_curve *curve, double t_s)
{
    double x = fmin(fmax(t_s / curve->dt_s, 0), (double)(curve->count - 1));
    size_t i = (size_t)x < curve->count - 1 ? (size_t)x : curve->count - 2;
    double part = x - (double)i;
    return curve->value[i] + part * (curve->value[i + 1] - curve->value[i]);
}

/* Top of the parabola through sample i and its neighbours: 200 Hz may miss a peak by 1 %. */
static double top(const struct kl_knee_curve *curve, size_t i, double sign)
{
    double before = sign * curve->value[i - 1];
    double here = sign * curve->value[i];
    double after = sign * curve->value[i + 1];
    double bend = before - 2 * here + after;
    double lean = (after - before) / 2;
    return bend < 0 ? here - lean * lean / (2 * bend) : here;
}

static bool is_top(const struct kl_knee_curve *curve, size_t i, double sign)
{
    return i > 0 && i + 1 < curve->count && sign * curve->value[i] >= sign * curve->value[i - 1] &&
           sign * curve->value[i] > sign * curve->value[i + 1];
}

/* Largest of sign * value in [from, until], ends included between samples. */
static double most(const struct kl_knee_curve *curve, double from_s, double until_s, double sign)
{
    double best = fmax(sign * at_time(curve, from_s), sign * at_time(curve, until_s));
    for (size_t i = 0; i < curve->count; i++) {
        double t_s = (double)i * curve->dt_s;
        if (t_s > from_s && t_s < until_s) {
            double here = sign * curve->value[i];
            best = fmax(best, is_top(curve, i, sign) ? top(curve, i, sign) : here);
        }
    }
    return best;
}

/* The highest local maximum of the second half that stands out by the prominence on both sides. */
static bool second_peak(const struct kl_knee_curve *curve, double half_s, double until_s,
                        double prominence, double *out)
{
    bool found = false;
    for (size_t i = 1; i + 1 < curve->count; i++) {
        double t_s = (double)i * curve->dt_s;
        double here = curve->value[i];
        if (t_s < half_s + curve->dt_s / 2 || t_s > until_s || !is_top(curve, i, 1) ||
            (found && here <= *out)) {
            continue;
        }
        double before = here;
        for (size_t k = i; k-- > 0 && (double)k * curve->dt_s >= curve->ic_s;) {
            if (curve->value[k] > here) {
                break;
            }
            before = fmin(before, curve->value[k]);
        }
        double after = here;
        for (size_t k = i + 1; k < curve->count && (double)k * curve->dt_s <= curve->to_s; k++) {
            if (curve->value[k] > here) {
                break;
            }
            after = fmin(after, curve->value[k]);
        }
        if (here - fmax(before, after) >= prominence) {
            *out = top(curve, i, 1);
            found = true;
        }
    }
    return found;
}

/* Trapezes of max(value, 0), the ends of stance between samples. */
static double positive_impulse(const struct kl_knee_curve *curve)
{
    double sum = 0;
    double t_s = curve->ic_s;
    double value = fmax(0, at_time(curve, t_s));
    while (t_s < curve->to_s) {
        double next_s = (floor(t_s / curve->dt_s + 1e-9) + 1) * curve->dt_s;
        next_s = fmin(next_s, curve->to_s);
        double next = fmax(0, at_time(curve, next_s));
        sum += (next_s - t_s) * (value + next) / 2;
        t_s = next_s;
        value = next;
    }
    return sum;
}

bool kl_knee_peaks_of(const struct kl_knee_curve *curve, double mass_kg, struct kl_knee_peaks *out)
{
    double stance_s = curve->to_s - curve->ic_s;
    if (curve->count < SAMPLES_MIN || !(stance_s >= SAMPLES_MIN * curve->dt_s)) {
        return false;
    }
    double from_s = curve->ic_s + PEAKS_FROM * stance_s;
    double half_s = curve->ic_s + PEAKS_HALF * stance_s;
    double until_s = curve->ic_s + PEAKS_UNTIL * stance_s;
    out->first_n_m = most(curve, from_s, half_s, 1);
    out->abduction_n_m = fmax(0, most(curve, from_s, until_s, -1));
    out->impulse_n_m_s = positive_impulse(curve);
    out->second_n_m = 0;
    out->has_second =
        second_peak(curve, half_s, until_s, PROMINENCE_N_M_PER_KG * mass_kg, &out->second_n_m);
    return true;
}

double kl_knee_band(const double wrench[KL_WRENCH_COUNT], struct kl_vec moment,
                    const struct kl_knee_errors *errors)
{
    const double part[] = {
        wrench[KL_FY] * errors->sd_z_m,
        wrench[KL_FZ] * errors->sd_y_m,
        errors->sd_yaw_rad * moment.z,
        errors->sd_pitch_rad * moment.y,
    };
    double sum = 0;
    for (size_t i = 0; i < sizeof(part) / sizeof(part[0]); i++) {
        sum += part[i] * part[i];
    }
    return sqrt(sum);
}
