#include "devices/virtual_joint.h"

#include <gsl/gsl_math.h>

#include <math.h>
#include <string.h>

/* Segment lengths / height, Winter [K], methods 12.4. */
static const double thigh_heights = 0.245, shank_heights = 0.246, ankle_heights = 0.039;
static const double hip_inter_asis = 0.36; /* hip centre from the middle, Bell 1990 [K] */

static const double pulse_end = 0.8; /* of stance, methods 21.2 */
static const double grow_s = 1.5;    /* from standing to running [P] */

/* Swing of the leg, phase 0 at its own contact [P]: fitted to the ankle of the default runner on a
 * belt at 3.0 m/s (within 12 mm over stance: flat foot until half of stance, then over the ball)
 * and to ordinary running in swing. Thigh and foot against the lab, + forward and toes up; knee
 * flexion. Knee 24 deg at contact, 48 at most in stance, 100 in swing; tibia +4 deg at contact. */
static const struct kl_virtual_series thigh_swing = {
    .mean = 0.2788,
    .c = {0.3575, -0.0932, -0.0418, -0.0017},
    .s = {-0.2958, 0.0623, -0.0188, 0.0497},
};
static const struct kl_virtual_series knee_swing = {
    .mean = 0.8697,
    .c = {-0.3156, -0.1214, -0.0097, 0.0026},
    .s = {-0.2678, 0.4057, -0.0703, 0.0615},
};
static const struct kl_virtual_series foot_swing = {
    .mean = -0.5845,
    .c = {0.8179, -0.0430, -0.0625, 0.0309},
    .s = {0.1655, -0.0981, -0.0359, -0.0553},
};
static const double swing_travel_m = 0.75; /* belt travel in stance of the fit */
static const double swing_leg_m = 0.859;   /* its leg */

static const double pelvis_tilt_rad = -0.087; /* forward, against standing [P] */
static const double pelvis_nod_rad = 0.015;   /* twice per stride [P] */

/* Per radian of medial wedge: Sinclair 2017 [R41], 5 deg medial against none: eversion 12.4 -> 10.8
 * deg (lateral 14.1), tibial rotation 7.5 -> 5.0. */
static const double wedge_eversion = 0.33, wedge_tibial_rotation = 0.5;

struct kl_virtual_size kl_virtual_size(const struct kl_virtual_runner *runner)
{
    return (struct kl_virtual_size){.thigh_m = thigh_heights * runner->height_m,
                                    .shank_m = shank_heights * runner->height_m,
                                    .ankle_m = ankle_heights * runner->height_m,
                                    .hip_m = hip_inter_asis * runner->inter_asis_m};
}

/* a * (series - mean) + b * other, harmonics only scaled by a. */
static struct kl_virtual_series sum(const struct kl_virtual_series *series, double a,
                                    const struct kl_virtual_series *other, double b)
{
    struct kl_virtual_series out = {.mean = series->mean + b * other->mean};
    for (int n = 0; n < KL_VIRTUAL_HARMONICS; n++) {
        out.c[n] = a * series->c[n] + b * other->c[n];
        out.s[n] = a * series->s[n] + b * other->s[n];
    }
    return out;
}

static void swing_of_leg(struct kl_virtual_swing *swing, const struct kl_virtual_runner *runner,
                         int i)
{
    static const struct kl_virtual_series none = {0};
    struct kl_virtual_size size = kl_virtual_size(runner);
    double travel_m = runner->speed_m_s * runner->contact_time_s[i];
    double reach = travel_m / swing_travel_m * swing_leg_m / (size.thigh_m + size.shank_m);
    struct kl_virtual_series thigh = sum(&thigh_swing, fmin(fmax(reach, 0.3), 1.5), &none, 0);
    swing->knee[i] = knee_swing;
    swing->knee[i].mean += runner->knee_flexion_offset_rad[i];
    thigh.mean += runner->knee_flexion_offset_rad[i] / 2; /* the foot stays under the body */
    swing->hip[i] = thigh;
    swing->hip[i].mean -= pelvis_tilt_rad;
    swing->hip[i].c[1] -= pelvis_nod_rad;
    swing->ankle[i] = sum(&foot_swing, 1, &thigh, -1);
    swing->ankle[i] = sum(&swing->ankle[i], 1, &swing->knee[i], 1);
}

void kl_virtual_swing_init(struct kl_virtual_swing *swing, const struct kl_virtual_runner *runner,
                           double start_s)
{
    struct kl_virtual_size size = kl_virtual_size(runner);
    memset(swing, 0, sizeof(*swing));
    swing->start_s = start_s;
    swing->trunk_lean_rad = runner->trunk_lean_rad;
    swing->trunk_rotation_rad = runner->trunk_rotation_rad;
    swing->pelvis_rotation_rad = runner->pelvis_rotation_rad;
    for (int i = 0; i < 2; i++) {
        swing_of_leg(swing, runner, i);
        double(*pulse)[2] = swing->pulse_rad;
        pulse[KL_VIRTUAL_EVERSION][i] =
            runner->eversion_rad[i] - wedge_eversion * runner->wedge_rad[i];
        pulse[KL_VIRTUAL_TIBIAL_ROTATION][i] =
            runner->tibial_rotation_rad[i] - wedge_tibial_rotation * runner->wedge_rad[i];
        pulse[KL_VIRTUAL_VALGUS][i] = runner->valgus_rad[i];
        pulse[KL_VIRTUAL_HIP_ADDUCTION][i] = runner->hip_adduction_rad[i];
        pulse[KL_VIRTUAL_PELVIC_DROP][i] = runner->pelvic_drop_rad[i];
        pulse[KL_VIRTUAL_TRUNK_SWAY][i] = runner->trunk_sway_rad[i];
        swing->knee_varus_rad[i] = runner->knee_varus_rad[i];
        swing->contact_inversion_rad[i] = runner->contact_inversion_rad[i];
    }
    /* The sole stays where it is while the frontal angles change, so the pelvis gives way (small
     * angles; thigh about 16 deg and shank about 30 deg off the vertical at the pulse's peak). */
    double thigh_m = size.thigh_m * cos(0.28);
    double shank_m = size.shank_m * cos(0.52);
    double leg_m = thigh_m + shank_m + size.ankle_m;
    swing->shift_m_rad[KL_VIRTUAL_HIP_ADDUCTION] = leg_m;
    swing->shift_m_rad[KL_VIRTUAL_PELVIC_DROP] = -leg_m;
    swing->shift_m_rad[KL_VIRTUAL_VALGUS] = -(shank_m + size.ankle_m);
    swing->shift_m_rad[KL_VIRTUAL_EVERSION] = -size.ankle_m;
}

size_t kl_virtual_step_at(const struct kl_virtual_contact *contact, size_t count, double t_s)
{
    size_t at = count > 0 ? count - 1 : 0;
    while (at > 0 && contact[at].onset_s > t_s) {
        at--;
    }
    return at;
}

/* --------------------------------------------------------------- courses of time */

static struct kl_virtual_course constant(double value)
{
    return (struct kl_virtual_course){value, 0, 0};
}

static void add(struct kl_virtual_course *to, double factor, const struct kl_virtual_course *course)
{
    to->value += factor * course->value;
    to->rate += factor * course->rate;
    to->acceleration += factor * course->acceleration;
}

/* Product of two courses. */
static struct kl_virtual_course times(const struct kl_virtual_course *a,
                                      const struct kl_virtual_course *b)
{
    return (struct kl_virtual_course){a->value * b->value, a->rate * b->value + a->value * b->rate,
                                      a->acceleration * b->value + 2 * a->rate * b->rate +
                                          a->value * b->acceleration};
}

static struct kl_virtual_course pulse(const struct kl_virtual_contact *contact, double t_s)
{
    double tc = contact->contact_time_s;
    double s = (t_s - contact->onset_s) / tc;
    if (!(s > 0 && s < pulse_end)) {
        return constant(0);
    }
    double w = M_PI / pulse_end;
    double sine = sin(w * s);
    return (struct kl_virtual_course){sine * sine, w / tc * sin(2 * w * s),
                                      2 * (w / tc) * (w / tc) * cos(2 * w * s)};
}

/* cos and sin of n phi. */
static void harmonic(const struct kl_virtual_course *phase, int n, struct kl_virtual_course *cosine,
                     struct kl_virtual_course *sine)
{
    double c = cos(n * phase->value);
    double s = sin(n * phase->value);
    double w = n * phase->rate;
    double dw = n * phase->acceleration;
    *cosine = (struct kl_virtual_course){c, -w * s, -dw * s - w * w * c};
    *sine = (struct kl_virtual_course){s, w * c, dw * c - w * w * s};
}

static struct kl_virtual_course series_at(const struct kl_virtual_series *series,
                                          const struct kl_virtual_course *cosine,
                                          const struct kl_virtual_course *sine)
{
    struct kl_virtual_course out = constant(series->mean);
    for (int n = 0; n < KL_VIRTUAL_HARMONICS; n++) {
        add(&out, series->c[n], &cosine[n]);
        add(&out, series->s[n], &sine[n]);
    }
    return out;
}

/* Steps per second at the beginning of contact[k]: the mean of the steps around it. */
static double steps_per_s(const struct kl_virtual_contact *contact, size_t count, size_t k)
{
    double after_s = contact[k < count ? k : count - 1].step_time_s;
    double before_s = k > 0 ? contact[k - 1].step_time_s : after_s;
    return 2 / (before_s + after_s);
}

/* Phase of the stride of the left leg: pi times the number of steps since the first left contact,
 * a quintic between contacts with zero second derivative at them. */
static struct kl_virtual_course phase_at(const struct kl_virtual_contact *contact, size_t count,
                                         double t_s)
{
    size_t at = kl_virtual_step_at(contact, count, t_s);
    const struct kl_virtual_contact *now = &contact[at];
    double step_s = now->step_time_s;
    double u = (t_s - now->onset_s) / step_s;
    double v0 = steps_per_s(contact, count, at);
    double steps = now->side == KL_SIDE_LEFT ? 0 : 1;
    if (u < 0) { /* towards the first contact */
        return (struct kl_virtual_course){M_PI * (steps + v0 * u * step_s), M_PI * v0, 0};
    }
    double a = v0 * step_s;
    double b = steps_per_s(contact, count, at + 1) * step_s;
    /* a u + c3 u^3 + c4 u^4 + c5 u^5: 0 -> 1, slopes a and b, no curvature at the ends */
    double c3 = 10 - 6 * a - 4 * b;
    double c4 = -15 + 8 * a + 7 * b;
    double c5 = 6 - 3 * a - 3 * b;
    double value = u * (a + u * u * (c3 + u * (c4 + u * c5)));
    double rate = a + u * u * (3 * c3 + u * (4 * c4 + u * 5 * c5));
    double acceleration = u * (6 * c3 + u * (12 * c4 + u * 20 * c5));
    return (struct kl_virtual_course){M_PI * (steps + value), M_PI * rate / step_s,
                                      M_PI * acceleration / (step_s * step_s)};
}

static struct kl_virtual_course gain_at(const struct kl_virtual_swing *swing, double t_s)
{
    double u = (t_s - swing->start_s) / grow_s;
    if (u <= 0 || u >= 1) {
        return constant(u <= 0 ? 0 : 1);
    }
    return (struct kl_virtual_course){u * u * u * (10 + u * (-15 + 6 * u)),
                                      30 * u * u * (1 - u) * (1 - u) / grow_s,
                                      60 * u * (1 - u) * (1 - 2 * u) / (grow_s * grow_s)};
}

/* ---------------------------------------------------------------------- joints */

static void leg_swing(const struct kl_virtual_swing *swing, int i,
                      const struct kl_virtual_course *phase, struct kl_virtual_joints *out)
{
    struct kl_virtual_course cosine[KL_VIRTUAL_HARMONICS];
    struct kl_virtual_course sine[KL_VIRTUAL_HARMONICS];
    struct kl_virtual_course own = *phase;
    own.value -= i == 0 ? 0 : M_PI;
    for (int n = 0; n < KL_VIRTUAL_HARMONICS; n++) {
        harmonic(&own, n + 1, &cosine[n], &sine[n]);
    }
    out->hip[i].z = series_at(&swing->hip[i], cosine, sine);
    struct kl_virtual_course knee = series_at(&swing->knee[i], cosine, sine);
    add(&out->knee[i].z, -1, &knee);
    out->ankle[i].z = series_at(&swing->ankle[i], cosine, sine);
    out->hip[i].x = constant(swing->hip_adduction_rad[i]);
    out->knee[i].x = constant(swing->knee_varus_rad[i]);
    out->ankle[i].x = constant(swing->contact_inversion_rad[i]);
    if (i == 0) { /* trunk and pelvis turn with the left leg's phase, against each other */
        add(&out->pelvis.y, -swing->pelvis_rotation_rad, &cosine[0]);
        add(&out->trunk.y, swing->trunk_rotation_rad, &cosine[0]);
        out->pelvis.z = constant(pelvis_tilt_rad);
        add(&out->pelvis.z, pelvis_nod_rad, &cosine[1]);
        out->trunk.z = constant(-swing->trunk_lean_rad);
    }
}

/* The pulses of one stance. */
static void stance(const struct kl_virtual_swing *swing, const struct kl_virtual_contact *contact,
                   double t_s, struct kl_virtual_joints *out)
{
    struct kl_virtual_course shape = pulse(contact, t_s);
    if (shape.value <= 0) {
        return;
    }
    int i = contact->side == KL_SIDE_LEFT ? 0 : 1;
    double mirror = kl_virtual_mirror(contact->side);
    double a[KL_VIRTUAL_PULSE_COUNT];
    double shift_m = 0;
    for (int k = 0; k < KL_VIRTUAL_PULSE_COUNT; k++) {
        a[k] = contact->pulse[k] * swing->pulse_rad[k][i];
        shift_m += swing->shift_m_rad[k] * a[k];
    }
    add(&out->ankle[i].x, -a[KL_VIRTUAL_EVERSION], &shape);
    add(&out->knee[i].y, a[KL_VIRTUAL_TIBIAL_ROTATION], &shape);
    add(&out->ankle[i].y, -a[KL_VIRTUAL_TIBIAL_ROTATION], &shape); /* the foot does not turn */
    add(&out->knee[i].x, -a[KL_VIRTUAL_VALGUS], &shape);
    add(&out->hip[i].x, a[KL_VIRTUAL_HIP_ADDUCTION], &shape);
    add(&out->pelvis.x, -mirror * a[KL_VIRTUAL_PELVIC_DROP], &shape);
    add(&out->trunk.x, mirror * a[KL_VIRTUAL_TRUNK_SWAY], &shape);
    add(&out->shift_z, mirror * shift_m, &shape);
}

static void scale_joint(struct kl_virtual_joint *joint, const struct kl_virtual_course *gain)
{
    joint->z = times(&joint->z, gain);
    joint->x = times(&joint->x, gain);
    joint->y = times(&joint->y, gain);
}

void kl_virtual_joints_at(const struct kl_virtual_swing *swing,
                          const struct kl_virtual_contact *contact, size_t count, double t_s,
                          struct kl_virtual_joints *out)
{
    memset(out, 0, sizeof(*out));
    out->gain = gain_at(swing, t_s);
    if (out->gain.value <= 0) {
        return;
    }
    struct kl_virtual_course phase = phase_at(contact, count, t_s);
    for (int i = 0; i < 2; i++) {
        leg_swing(swing, i, &phase, out);
    }
    for (size_t k = 0; k < count; k++) {
        stance(swing, &contact[k], t_s, out);
    }
    scale_joint(&out->trunk, &out->gain);
    scale_joint(&out->pelvis, &out->gain);
    for (int i = 0; i < 2; i++) {
        scale_joint(&out->hip[i], &out->gain);
        scale_joint(&out->knee[i], &out->gain);
        scale_joint(&out->ankle[i], &out->gain);
    }
    out->shift_z = times(&out->shift_z, &out->gain);
}
