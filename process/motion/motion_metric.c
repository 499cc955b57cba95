#include "process/motion/motion_metric.h"

#define PI 3.14159265358979323846
#define DEG (PI / 180)
#define STANDARD_GRAVITY_M_S2 9.80665

/* methods 10: a ratio of smaller excursions is noise over noise */
#define COUPLING_MIN_RAD (2 * DEG)

/* Below, a correlation with flexion is one of crumbs: an axis error of 1 deg leaks more [project].
 */
#define LEAK_MIN_RAD (0.5 * DEG)

/* Parts of stance that excursions look at (methods 10). */
#define EXCURSION_TO 0.60
#define KNEE_FRONTAL_TO 0.50
#define THRUST_TO 0.30
#define MID_STANCE 0.50

#define UNREADABLE (KL_MOTION_NO_SENSOR | KL_MOTION_NOT_CALIBRATED | KL_MOTION_MISSING)
#define REFUSED (UNREADABLE | KL_MOTION_SETTLING)

static const double dt_s = 1 / KL_MOTION_RATE_HZ;

/* ------------------------------------------------------------------ a curve over the window */

/* One angle over samples [first, end) of the window. */
struct trace {
    size_t first, end;
    double v[KL_MOTION_SAMPLES];
};

/* Marks of the segments an angle is made of. */
static uint32_t angle_marks(const struct kl_motion_window *window, enum kl_clinical angle)
{
    enum kl_segment prox;
    enum kl_segment dist;
    kl_joint_segments(kl_clinical_joint(angle), window->side, &prox, &dist);
    uint32_t marks = window->segment[dist].marks;
    return prox == KL_SEGMENT_COUNT ? marks : marks | window->segment[prox].marks;
}

static bool angle_at(const struct kl_motion_window *window, enum kl_clinical angle, size_t i,
                     double *out)
{
    enum kl_segment prox;
    enum kl_segment dist;
    kl_joint_segments(kl_clinical_joint(angle), window->side, &prox, &dist);
    struct kl_quat lab = {1, 0, 0, 0};
    struct kl_quat q = prox == KL_SEGMENT_COUNT ? lab : window->segment[prox].q[i];
    return kl_clinical_angle(angle, window->side, q, window->segment[dist].q[i], out);
}

/* The angle from one sample before from_s to one after to_s. @return 0 or marks why not */
static uint32_t trace_of(const struct kl_motion_window *window, enum kl_clinical angle,
                         double from_s, double to_s, struct trace *out)
{
    double first = floor(from_s * KL_MOTION_RATE_HZ) - 1;
    double last = ceil(to_s * KL_MOTION_RATE_HZ) + 1;
    if (!(first >= 0) || !(last < (double)window->count) || !(from_s < to_s)) {
        return KL_MOTION_NO_STANCE;
    }
    out->first = (size_t)first;
    out->end = (size_t)last + 1;
    for (size_t i = out->first; i < out->end; i++) {
        if (!angle_at(window, angle, i, &out->v[i])) {
            return KL_MOTION_NO_ANGLE;
        }
    }
    return 0;
}

static double value_at(const struct trace *trace, double t_s)
{
    double x = t_s * KL_MOTION_RATE_HZ;
    size_t i = (size_t)floor(x);
    double part = x - (double)i;
    return trace->v[i] + part * (trace->v[i + 1] - trace->v[i]);
}

/* Largest value in [from_s, to_s]; a top between samples by the parabola through three. */
static double largest(const struct trace *trace, double sign, double from_s, double to_s,
                      double *at_s)
{
    double best = sign * value_at(trace, from_s);
    *at_s = from_s;
    if (sign * value_at(trace, to_s) > best) {
        best = sign * value_at(trace, to_s);
        *at_s = to_s;
    }
    size_t first = (size_t)ceil(from_s * KL_MOTION_RATE_HZ);
    size_t last = (size_t)floor(to_s * KL_MOTION_RATE_HZ);
    for (size_t i = first; i <= last; i++) {
        double before = sign * trace->v[i - 1];
        double here = sign * trace->v[i];
        double after = sign * trace->v[i + 1];
        double shift = 0;
        if (here > before && here >= after) {
            shift = 0.5 * (after - before) / (2 * here - before - after);
            here += 0.25 * (after - before) * shift;
        }
        double t = fmin(fmax(((double)i + shift) * dt_s, from_s), to_s);
        if (here > best) {
            best = here;
            *at_s = t;
        }
    }
    return sign * best;
}

/* Slope by central differences on samples of [from_s, to_s], the largest in the sense of sign; 0
 * for an angle that never goes that way: a thrust has no negative speed (methods 10). */
static double largest_slope(const struct trace *trace, double sign, double from_s, double to_s)
{
    double best = 0;
    size_t first = (size_t)ceil(from_s * KL_MOTION_RATE_HZ);
    size_t last = (size_t)floor(to_s * KL_MOTION_RATE_HZ);
    for (size_t i = first; i <= last; i++) {
        best = fmax(best, sign * (trace->v[i + 1] - trace->v[i - 1]) / (2 * dt_s));
    }
    return best;
}

uint32_t kl_motion_curve(const struct kl_motion_window *window, enum kl_clinical angle,
                         double *out_rad, bool *valid)
{
    uint32_t marks = angle_marks(window, angle);
    for (size_t i = 0; i < window->count; i++) {
        valid[i] = (marks & UNREADABLE) == 0 && angle_at(window, angle, i, &out_rad[i]);
    }
    return marks;
}

/* ------------------------------------------------------------------------------ the metrics */

struct spec;
typedef uint32_t compute_function(const struct spec *spec, const struct kl_motion_input *input,
                                  double *out);

struct spec {
    struct kl_motion_metric_row row;
    compute_function *compute; /* 0, or marks why not */
    enum kl_clinical angle;    /* its segments' marks go with the value */
    double sign;
    double from, to;  /* part of stance */
    uint32_t refused; /* marks beyond REFUSED that leave no value */
};

static double stance_s(const struct kl_motion_window *window, double part)
{
    return window->ic_s + part * (window->to_s - window->ic_s);
}

static uint32_t part_of_stance(const struct spec *spec, const struct kl_motion_window *window,
                               struct trace *trace)
{
    return trace_of(window, spec->angle, stance_s(window, 0), stance_s(window, spec->to), trace);
}

static uint32_t excursion(const struct spec *spec, const struct kl_motion_input *input, double *out)
{
    const struct kl_motion_window *window = input->window;
    struct trace trace;
    uint32_t missing = part_of_stance(spec, window, &trace);
    if (missing == 0) {
        double at_s;
        double extreme =
            largest(&trace, spec->sign, window->ic_s, stance_s(window, spec->to), &at_s);
        *out = spec->sign * (extreme - value_at(&trace, window->ic_s));
    }
    return missing;
}

static uint32_t peak(const struct spec *spec, const struct kl_motion_input *input, double *out)
{
    const struct kl_motion_window *window = input->window;
    struct trace trace;
    uint32_t missing = part_of_stance(spec, window, &trace);
    if (missing == 0) {
        double at_s;
        *out = largest(&trace, spec->sign, window->ic_s, stance_s(window, spec->to), &at_s);
    }
    return missing;
}

static uint32_t peak_time(const struct spec *spec, const struct kl_motion_input *input, double *out)
{
    const struct kl_motion_window *window = input->window;
    struct trace trace;
    uint32_t missing = part_of_stance(spec, window, &trace);
    if (missing == 0) {
        double at_s;
        (void)largest(&trace, spec->sign, window->ic_s, stance_s(window, spec->to), &at_s);
        *out = (at_s - window->ic_s) / (window->to_s - window->ic_s);
    }
    return missing;
}

static uint32_t velocity(const struct spec *spec, const struct kl_motion_input *input, double *out)
{
    const struct kl_motion_window *window = input->window;
    struct trace trace;
    uint32_t missing = part_of_stance(spec, window, &trace);
    if (missing == 0) {
        *out = largest_slope(&trace, spec->sign, window->ic_s, stance_s(window, spec->to));
    }
    return missing;
}

/* At one part of stance. */
static uint32_t at_part(const struct spec *spec, const struct kl_motion_input *input, double *out)
{
    const struct kl_motion_window *window = input->window;
    struct trace trace;
    uint32_t missing = trace_of(window, spec->angle, window->ic_s, stance_s(window, 1), &trace);
    if (missing == 0) {
        *out = value_at(&trace, stance_s(window, spec->from));
    }
    return missing;
}

static uint32_t change_at_part(const struct spec *spec, const struct kl_motion_input *input,
                               double *out)
{
    const struct kl_motion_window *window = input->window;
    struct trace trace;
    uint32_t missing = trace_of(window, spec->angle, window->ic_s, stance_s(window, 1), &trace);
    if (missing == 0) {
        *out = value_at(&trace, stance_s(window, spec->from)) - value_at(&trace, window->ic_s);
    }
    return missing;
}

static uint32_t mean_of_stance(const struct spec *spec, const struct kl_motion_input *input,
                               double *out)
{
    const struct kl_motion_window *window = input->window;
    struct trace trace;
    uint32_t missing = part_of_stance(spec, window, &trace);
    if (missing == 0) {
        size_t first = (size_t)ceil(window->ic_s * KL_MOTION_RATE_HZ);
        size_t last = (size_t)floor(window->to_s * KL_MOTION_RATE_HZ);
        double sum = 0;
        for (size_t i = first; i <= last; i++) {
            sum += trace.v[i];
        }
        if (first > last) {
            return KL_MOTION_NO_STANCE;
        }
        *out = sum / (double)(last - first + 1);
    }
    return missing;
}

static uint32_t range_of_stride(const struct spec *spec, const struct kl_motion_input *input,
                                double *out)
{
    const struct kl_motion_window *window = input->window;
    if (!(window->end_s > window->to_s)) {
        return KL_MOTION_NO_STRIDE;
    }
    struct trace trace;
    uint32_t missing = trace_of(window, spec->angle, window->ic_s, window->end_s, &trace);
    if (missing == 0) {
        double at_s;
        *out = largest(&trace, 1, window->ic_s, window->end_s, &at_s) -
               largest(&trace, -1, window->ic_s, window->end_s, &at_s);
    }
    return missing;
}

/* Needs no heading: the rate about the long axis is measured in the segment itself (9.4 c). */
static uint32_t tibial_rotation(const struct spec *spec, const struct kl_motion_input *input,
                                double *out)
{
    const struct kl_motion_window *window = input->window;
    double from_s = window->ic_s;
    double to_s = stance_s(window, spec->to);
    double last = ceil(to_s * KL_MOTION_RATE_HZ);
    if (!(from_s >= 0) || !(last < (double)window->count) || !(from_s < to_s)) {
        return KL_MOTION_NO_STANCE;
    }
    enum kl_segment prox;
    enum kl_segment shank;
    kl_joint_segments(KL_JOINT_SHANK, window->side, &prox, &shank);
    double mirror = window->side == KL_SIDE_LEFT ? -1 : 1;
    struct trace rate = {.first = 0};
    for (size_t i = (size_t)floor(from_s * KL_MOTION_RATE_HZ); i <= (size_t)last; i++) {
        rate.v[i] = mirror * window->segment[shank].w_rad_s[i].y;
    }
    double best = 0;
    double turned = 0;
    double before = value_at(&rate, from_s);
    double before_s = from_s;
    size_t first = (size_t)floor(from_s * KL_MOTION_RATE_HZ) + 1;
    for (size_t i = first; (double)i * dt_s <= to_s; i++) {
        turned += 0.5 * (before + rate.v[i]) * ((double)i * dt_s - before_s);
        best = fmax(best, turned);
        before = rate.v[i];
        before_s = (double)i * dt_s;
    }
    *out = best;
    return 0;
}

static uint32_t compute(enum kl_motion_metric id, const struct kl_motion_input *input, double *out,
                        uint32_t *marks);

static uint32_t coupling_ratio(const struct spec *spec, const struct kl_motion_input *input,
                               double *out)
{
    (void)spec;
    double eversion;
    double rotation;
    uint32_t marks;
    uint32_t missing = compute(KL_MOTION_EVERSION_EXCURSION, input, &eversion, &marks);
    missing |= compute(KL_MOTION_TIBIAL_ROTATION, input, &rotation, &marks);
    if (missing == 0 && (eversion < COUPLING_MIN_RAD || rotation < COUPLING_MIN_RAD)) {
        missing = KL_MOTION_TOO_SMALL;
    }
    if (missing == 0) {
        *out = eversion / rotation;
    }
    return missing;
}

/* Pearson correlation of the knee's frontal angle with flexion in swing (methods 9.3). */
static uint32_t cross_talk(const struct spec *spec, const struct kl_motion_input *input,
                           double *out)
{
    const struct kl_motion_window *window = input->window;
    if (!(window->end_s > window->to_s)) {
        return KL_MOTION_NO_STRIDE;
    }
    struct trace frontal;
    struct trace flexion;
    uint32_t missing = trace_of(window, spec->angle, window->to_s, window->end_s, &frontal);
    missing |= trace_of(window, KL_CLINICAL_KNEE_FLEXION, window->to_s, window->end_s, &flexion);
    if (missing != 0) {
        return missing;
    }
    double n = (double)(frontal.end - frontal.first);
    double mean_x = 0;
    double mean_y = 0;
    for (size_t i = frontal.first; i < frontal.end; i++) {
        mean_x += flexion.v[i] / n;
        mean_y += frontal.v[i] / n;
    }
    double xx = 0;
    double yy = 0;
    double xy = 0;
    for (size_t i = frontal.first; i < frontal.end; i++) {
        double x = flexion.v[i] - mean_x;
        double y = frontal.v[i] - mean_y;
        xx += x * x;
        yy += y * y;
        xy += x * y;
    }
    if (!(xx > 0) || !(yy > LEAK_MIN_RAD * LEAK_MIN_RAD * n)) {
        return KL_MOTION_TOO_SMALL;
    }
    *out = xy / sqrt(xx * yy);
    return 0;
}

static uint32_t shock(const struct spec *spec, const struct kl_motion_input *input, double *out)
{
    if (input->shock == NULL) {
        return KL_MOTION_NO_SENSOR;
    }
    struct kl_shock_peaks peaks;
    uint32_t missing = kl_shock_peaks_of(&input->shock->tibia, &peaks);
    if (missing == 0) {
        *out = spec->sign > 0 ? peaks.axial_m_s2 : peaks.resultant_m_s2;
    }
    return missing;
}

#define S10 "methods 10"
#define S11 "methods 11, zero-lag 60 Hz"

/* A value in SI and how people read it: by its unit. */
#define ROW(key, label, unit, shown, scale, decimals, stride, source, low, high, direction)        \
    {                                                                                              \
        {                                                                                          \
            key,      label, unit, KL_DISPLAY_SCALE, shown, scale,                                 \
            decimals, low,   high, direction,        source},                                      \
            stride                                                                                 \
    }
#define ANGLE(key, label, stride, source, low, high, direction)                                    \
    ROW(key, label, "rad", "deg", 1 / DEG, 1, stride, source, low, high, direction)
#define RATE(key, label, stride, source, low, high, direction)                                     \
    ROW(key, label, "rad/s", "deg/s", 1 / DEG, 0, stride, source, low, high, direction)
#define ACCELERATION(key, label, stride, source, low, high, direction)                             \
    ROW(key, label, "m/s^2", "g", 1 / STANDARD_GRAVITY_M_S2, 1, stride, source, low, high,         \
        direction)
#define RATIO(key, label, stride, source, low, high, direction)                                    \
    ROW(key, label, "1", "", 1, 2, stride, source, low, high, direction)
#define PART_OF_STANCE(key, label, stride, source, low, high, direction)                           \
    ROW(key, label, "1", "% stance", 100, 0, stride, source, low, high, direction)

static const struct spec table[KL_MOTION_METRIC_COUNT] = {
    [KL_MOTION_EVERSION_EXCURSION] = {ANGLE("eversion_excursion", "Eversion excursion", false,
                                            S10 ": eversion minus eversion at contact, 0-60 %", 0,
                                            25, KL_DIRECTION_HIGHER_LOAD),
                                      excursion, KL_CLINICAL_EVERSION, 1, 0, EXCURSION_TO, 0},
    [KL_MOTION_EVERSION_PEAK] = {ANGLE("eversion_peak", "Peak eversion", false,
                                       S10 ": from standing, 0-60 %", -5, 25,
                                       KL_DIRECTION_HIGHER_LOAD),
                                 peak, KL_CLINICAL_EVERSION, 1, 0, EXCURSION_TO, 0},
    [KL_MOTION_EVERSION_PEAK_TIME] = {PART_OF_STANCE("eversion_peak_time", "Time of peak eversion",
                                                     false, S10 ": part of stance", 0, 100,
                                                     KL_DIRECTION_NEUTRAL),
                                      peak_time, KL_CLINICAL_EVERSION, 1, 0, EXCURSION_TO, 0},
    [KL_MOTION_EVERSION_VELOCITY] = {RATE("eversion_velocity", "Eversion velocity", false,
                                          S10 ": largest in 0-60 %", 0, 600,
                                          KL_DIRECTION_HIGHER_LOAD),
                                     velocity, KL_CLINICAL_EVERSION, 1, 0, EXCURSION_TO, 0},
    [KL_MOTION_TIBIAL_ROTATION] = {ANGLE("tibial_rotation", "Tibial internal rotation", false,
                                         S10
                                         ": shank rate about its long axis integrated from contact",
                                         0, 20, KL_DIRECTION_HIGHER_LOAD),
                                   tibial_rotation, KL_CLINICAL_TIBIA_INCLINATION, 1, 0,
                                   EXCURSION_TO, 0},
    [KL_MOTION_TIBIAL_ROTATION_TO_FOOT] =
        {ANGLE("tibial_rotation_to_foot", "Tibial internal rotation to foot", false,
               S10 ": shank against foot, 0-60 %", 0, 20, KL_DIRECTION_HIGHER_LOAD),
         excursion, KL_CLINICAL_TIBIA_ROTATION, 1, 0, EXCURSION_TO, KL_MOTION_HEADING},
    [KL_MOTION_COUPLING_RATIO] = {RATIO("coupling_ratio", "Eversion to tibial rotation", false,
                                        S10 ": withheld if either excursion is below 2 deg", 0, 4,
                                        KL_DIRECTION_NEUTRAL),
                                  coupling_ratio, KL_CLINICAL_EVERSION, 1, 0, EXCURSION_TO, 0},
    [KL_MOTION_KNEE_VARUS_EXCURSION] = {ANGLE("knee_varus_excursion", "Knee varus excursion", false,
                                              S10 ": adduction minus that at contact, 0-50 %", 0,
                                              15, KL_DIRECTION_HIGHER_LOAD),
                                        excursion, KL_CLINICAL_KNEE_ADDUCTION, 1, 0,
                                        KNEE_FRONTAL_TO, KL_MOTION_CROSS_TALK},
    [KL_MOTION_KNEE_VALGUS_EXCURSION] =
        {ANGLE("knee_valgus_excursion", "Knee valgus excursion", false,
               S10 ": abduction minus that at contact, 0-50 %", 0, 15, KL_DIRECTION_HIGHER_LOAD),
         excursion, KL_CLINICAL_KNEE_ADDUCTION, -1, 0, KNEE_FRONTAL_TO, KL_MOTION_CROSS_TALK},
    [KL_MOTION_KNEE_ROTATION_EXCURSION] =
        {ANGLE("knee_rotation_excursion", "Knee internal rotation excursion", false,
               S10 ": shank against thigh, 0-60 %", 0, 25, KL_DIRECTION_HIGHER_LOAD),
         excursion, KL_CLINICAL_KNEE_INTERNAL_ROTATION, 1, 0, EXCURSION_TO, KL_MOTION_HEADING},
    [KL_MOTION_SHANK_ADDUCTION_VELOCITY] =
        {RATE("shank_adduction_velocity", "Shank adduction velocity",
              false, S10 ": largest in 0-30 %", 0, 300, KL_DIRECTION_HIGHER_LOAD),
         velocity, KL_CLINICAL_SHANK_ADDUCTION, 1, 0, THRUST_TO, 0},
    [KL_MOTION_SHANK_ABDUCTION_VELOCITY] =
        {RATE("shank_abduction_velocity", "Shank abduction velocity",
              false, S10 ": largest in 0-30 %", 0, 300, KL_DIRECTION_HIGHER_LOAD),
         velocity, KL_CLINICAL_SHANK_ADDUCTION, -1, 0, THRUST_TO, 0},
    [KL_MOTION_THIGH_ADDUCTION_VELOCITY] =
        {RATE("thigh_adduction_velocity", "Thigh adduction velocity",
              false, S10 ": largest in 0-30 %", 0, 300, KL_DIRECTION_HIGHER_LOAD),
         velocity, KL_CLINICAL_THIGH_ADDUCTION, 1, 0, THRUST_TO, 0},
    [KL_MOTION_THIGH_ABDUCTION_VELOCITY] =
        {RATE("thigh_abduction_velocity", "Thigh abduction velocity",
              false, S10 ": largest in 0-30 %", 0, 300, KL_DIRECTION_HIGHER_LOAD),
         velocity, KL_CLINICAL_THIGH_ADDUCTION, -1, 0, THRUST_TO, 0},
    [KL_MOTION_HIP_ADDUCTION_PEAK] = {ANGLE("hip_adduction_peak", "Peak hip adduction", false,
                                            S10 ": from standing, 0-60 %", -5, 25,
                                            KL_DIRECTION_HIGHER_LOAD),
                                      peak, KL_CLINICAL_HIP_ADDUCTION, 1, 0, EXCURSION_TO, 0},
    [KL_MOTION_HIP_ADDUCTION_EXCURSION] =
        {ANGLE("hip_adduction_excursion", "Hip adduction excursion", false,
               S10 ": minus that at contact, 0-60 %", 0, 20, KL_DIRECTION_HIGHER_LOAD),
         excursion, KL_CLINICAL_HIP_ADDUCTION, 1, 0, EXCURSION_TO, 0},
    [KL_MOTION_PELVIC_DROP_MID] = {ANGLE("pelvic_drop_mid", "Pelvic drop at mid-stance", false,
                                         S10 ": at 50 %, minus that at contact", -5, 15,
                                         KL_DIRECTION_HIGHER_LOAD),
                                   change_at_part, KL_CLINICAL_PELVIC_DROP, 1, MID_STANCE,
                                   MID_STANCE, 0},
    [KL_MOTION_PELVIC_DROP_PEAK] = {ANGLE("pelvic_drop_peak", "Peak pelvic drop", false,
                                          S10 ": in 0-60 %, minus that at contact", 0, 15,
                                          KL_DIRECTION_HIGHER_LOAD),
                                    excursion, KL_CLINICAL_PELVIC_DROP, 1, 0, EXCURSION_TO, 0},
    [KL_MOTION_TRUNK_FORWARD_LEAN] = {ANGLE("trunk_forward_lean", "Trunk forward lean", false,
                                            S10 ": mean over stance, from standing", -10, 30,
                                            KL_DIRECTION_NEUTRAL),
                                      mean_of_stance, KL_CLINICAL_TRUNK_LEAN_FORWARD, 1, 0, 1, 0},
    [KL_MOTION_TRUNK_LATERAL_LEAN] = {ANGLE("trunk_lateral_lean", "Trunk lean to the stance side",
                                            false, S10 ": peak in stance, from standing", -5, 15,
                                            KL_DIRECTION_HIGHER_LOAD),
                                      peak, KL_CLINICAL_TRUNK_LEAN_STANCE, 1, 0, 1, 0},
    [KL_MOTION_TRUNK_ROTATION_RANGE] = {ANGLE("trunk_rotation_range", "Trunk rotation range", true,
                                              S10 ": over the stride", 0, 60, KL_DIRECTION_NEUTRAL),
                                        range_of_stride, KL_CLINICAL_TRUNK_ROTATION, 1, 0, 1, 0},
    [KL_MOTION_TRUNK_PELVIS_RANGE] = {ANGLE("trunk_pelvis_range", "Trunk against pelvis range",
                                            true, S10 ": rotation over the stride", 0, 60,
                                            KL_DIRECTION_NEUTRAL),
                                      range_of_stride, KL_CLINICAL_LUMBAR_ROTATION, 1, 0, 1, 0},
    [KL_MOTION_TIBIA_INCLINATION] = {ANGLE("tibia_inclination", "Tibia inclination at contact",
                                           false, S10 ": positive with the ankle ahead of the knee",
                                           -10, 25, KL_DIRECTION_HIGHER_LOAD),
                                     at_part, KL_CLINICAL_TIBIA_INCLINATION, 1, 0, 0, 0},
    [KL_MOTION_KNEE_FLEXION_CONTACT] = {ANGLE("knee_flexion_contact", "Knee flexion at contact",
                                              false, S10 ": from standing", 0, 40,
                                              KL_DIRECTION_NEUTRAL),
                                        at_part, KL_CLINICAL_KNEE_FLEXION, 1, 0, 0, 0},
    [KL_MOTION_KNEE_FLEXION_PEAK] = {ANGLE("knee_flexion_peak", "Peak knee flexion in stance",
                                           false, S10 ": from standing", 20, 60,
                                           KL_DIRECTION_NEUTRAL),
                                     peak, KL_CLINICAL_KNEE_FLEXION, 1, 0, 1, 0},
    [KL_MOTION_KNEE_CROSS_TALK] =
        {RATIO("knee_cross_talk", "Knee cross-talk index", true,
               "methods 9.3: correlation of frontal angle and flexion, swing", -1,
               1, KL_DIRECTION_NEUTRAL),
         cross_talk, KL_CLINICAL_KNEE_ADDUCTION, 1, 0, 1, 0},
    [KL_MOTION_SHOCK_AXIAL] = {ACCELERATION("tibial_shock_axial", "Peak tibial acceleration, axial",
                                            false, S11, 0, 20, KL_DIRECTION_HIGHER_LOAD),
                               shock, KL_CLINICAL_TIBIA_INCLINATION, 1, 0, 0, 0},
    [KL_MOTION_SHOCK_RESULTANT] = {ACCELERATION("tibial_shock_resultant",
                                                "Peak tibial acceleration, resultant", false, S11,
                                                0, 25, KL_DIRECTION_HIGHER_LOAD),
                                   shock, KL_CLINICAL_TIBIA_INCLINATION, -1, 0, 0, 0},
};

const struct kl_motion_metric_row *kl_motion_metric_get(enum kl_motion_metric id)
{
    return &table[id].row;
}

static bool mirrored(enum kl_clinical angle)
{
    return angle != KL_CLINICAL_TRUNK_ROTATION && angle != KL_CLINICAL_LUMBAR_ROTATION;
}

static uint32_t compute(enum kl_motion_metric id, const struct kl_motion_input *input, double *out,
                        uint32_t *marks)
{
    const struct spec *spec = &table[id];
    const struct kl_motion_window *window = input->window;
    if (window->side == KL_SIDE_UNKNOWN && mirrored(spec->angle)) {
        return KL_MOTION_NO_SIDE;
    }
    if (!(window->ic_s < window->to_s)) {
        return KL_MOTION_NO_STANCE;
    }
    if (spec->compute == shock) {
        /* the acceleration has marks of its own: an orientation that settles does not touch it */
        *marks = input->shock != NULL ? input->shock->tibia.marks : KL_MOTION_NO_SENSOR;
        return shock(spec, input, out);
    }
    *marks = angle_marks(window, spec->angle);
    uint32_t missing = *marks & (REFUSED | spec->refused);
    return missing != 0 ? missing : spec->compute(spec, input, out);
}

bool kl_motion_metric_compute(enum kl_motion_metric id, const struct kl_motion_input *input,
                              double *out, uint32_t *marks)
{
    double value = 0;
    uint32_t quality = 0;
    uint32_t missing = compute(id, input, &value, &quality);
    *marks = missing != 0 ? missing : quality;
    if (missing != 0) {
        return false;
    }
    *out = value;
    return true;
}
