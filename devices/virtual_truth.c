/* The truth of a virtual runner: methods 6 applied to the formulas themselves, at 100 kHz. */
#include "devices/virtual_truth.h"

#include "devices/virtual_load.h"
#include "devices/virtual_motion_truth.h"

#include <gsl/gsl_math.h>

#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double grid_s = 1e-5; /* 100 kHz, methods 21.5 */

/* Definitions of methods 6. */
static const double active_from = 0.30, active_to = 0.70;       /* of stance */
static const double impact_from_s = 0.005, impact_to_s = 0.060; /* after contact */
static const double impact_before = 0.35;                       /* of stance */
static const double impact_trough_bw = 0.02;
static const double rate_from = 0.2, rate_to = 0.8; /* of the reference peak */
static const double p13_at = 0.13;                  /* of stance */
static const double cop_from = 0.2, cop_to = 0.8;   /* of stance */

/* One contact on the grid: `count` instants from its onset, the last one at its end. */
struct curve {
    struct kl_virtual_contact contact;
    double ic_s, to_s; /* from onset */
    size_t count;
    double *t_s;        /* [capacity] from onset */
    double (*force)[3]; /* [capacity] */
};

static size_t curve_capacity(const struct kl_virtual_runner *runner)
{
    double longest_s = fmax(runner->contact_time_s[0], runner->contact_time_s[1]) *
                       (1 + KL_VIRTUAL_JITTER_MAX_SD * runner->step_time_cv);
    return (size_t)(longest_s / grid_s) + 3;
}

static double phase(const struct curve *curve, double t_s)
{
    return t_s / curve->contact.contact_time_s;
}

/* Component at any instant, straight from the formula. */
static double force_at(const struct curve *curve, enum kl_wrench component, double t_s)
{
    double force[3];
    kl_virtual_contact_force(&curve->contact, phase(curve, t_s), force);
    return force[component];
}

/* Time at which Fy passes `level` between two grid instants. */
static double crossing(const struct curve *curve, size_t from, double level)
{
    double a = curve->force[from][KL_FY];
    double b = curve->force[from + 1][KL_FY];
    double share = (level - a) / (b - a);
    return curve->t_s[from] + share * (curve->t_s[from + 1] - curve->t_s[from]);
}

/* First time Fy rises through `level`; 0 when it starts above it. */
static double rise_through(const struct curve *curve, double level)
{
    for (size_t i = 0; i + 1 < curve->count; i++) {
        if (curve->force[i][KL_FY] <= level && curve->force[i + 1][KL_FY] > level) {
            return crossing(curve, i, level);
        }
    }
    return 0;
}

static double last_fall_through(const struct curve *curve, double level)
{
    for (size_t i = curve->count - 1; i > 0; i--) {
        if (curve->force[i - 1][KL_FY] > level && curve->force[i][KL_FY] <= level) {
            return crossing(curve, i - 1, level);
        }
    }
    return curve->contact.contact_time_s;
}

static void curve_fill(struct curve *curve, const struct kl_virtual_contact *contact,
                       double threshold_n)
{
    curve->contact = *contact;
    curve->count = 0;
    for (size_t i = 0; (double)i * grid_s < contact->contact_time_s; i++) {
        curve->t_s[curve->count++] = (double)i * grid_s;
    }
    curve->t_s[curve->count++] = contact->contact_time_s;
    for (size_t i = 0; i < curve->count; i++) {
        kl_virtual_contact_force(contact, phase(curve, curve->t_s[i]), curve->force[i]);
    }
    curve->ic_s = rise_through(curve, threshold_n);
    curve->to_s = last_fall_through(curve, threshold_n);
}

/* Index of the first instant at or after t. */
static size_t at_or_after(const struct curve *curve, double t_s)
{
    double index = ceil(t_s / grid_s - 1e-6); /* an instant of the grid is its own */
    size_t i = index > 0 ? (size_t)index : 0;
    return i < curve->count ? i : curve->count - 1;
}

/* A place where a force component is largest or smallest. */
struct extreme {
    double t_s, force_n;
};

/* The extreme near instant i, by the parabola through it and its neighbours: the grid alone would
 * be 5 us off. */
static struct extreme refine(const struct curve *curve, enum kl_wrench component, size_t i)
{
    struct extreme out = {.t_s = curve->t_s[i], .force_n = curve->force[i][component]};
    if (i > 0 && i + 2 < curve->count) { /* the last interval is shorter than the others */
        double before = curve->force[i - 1][component] - out.force_n;
        double after = curve->force[i + 1][component] - out.force_n;
        if (before * after > 0) {
            out.t_s += 0.5 * grid_s * (before - after) / (before + after);
            out.force_n = force_at(curve, component, out.t_s);
        }
    }
    return out;
}

/* The largest sign * component in [from, to]. */
static struct extreme peak(const struct curve *curve, enum kl_wrench component, double sign,
                           double from_s, double to_s)
{
    size_t best = at_or_after(curve, from_s);
    for (size_t i = best; i < curve->count && curve->t_s[i] <= to_s; i++) {
        if (sign * curve->force[i][component] > sign * curve->force[best][component]) {
            best = i;
        }
    }
    return refine(curve, component, best);
}

/* Integral of a force component over stance, of its part between low and high. */
static double impulse(const struct curve *curve, enum kl_wrench component, double low, double high)
{
    double sum = 0;
    double t_before = curve->ic_s;
    double f_before = fmin(fmax(force_at(curve, component, curve->ic_s), low), high);
    size_t i = at_or_after(curve, curve->ic_s);
    for (;; i++) {
        bool last = i >= curve->count || curve->t_s[i] >= curve->to_s;
        double t = last ? curve->to_s : curve->t_s[i];
        double f = last ? force_at(curve, component, t) : curve->force[i][component];
        f = fmin(fmax(f, low), high);
        sum += 0.5 * (f_before + f) * (t - t_before);
        if (last) {
            return sum;
        }
        t_before = t;
        f_before = f;
    }
}

/* The impact peak and the trough behind it; false when there is none. */
static bool find_impact(const struct curve *curve, double active_s, struct extreme *impact,
                        struct extreme *trough)
{
    double stance_s = curve->to_s - curve->ic_s;
    double to_s = curve->ic_s + fmin(impact_to_s, impact_before * stance_s);
    size_t first = at_or_after(curve, curve->ic_s + impact_from_s);
    for (size_t i = first > 0 ? first : 1; i + 1 < curve->count && curve->t_s[i] <= to_s; i++) {
        double fy = curve->force[i][KL_FY];
        if (fy > curve->force[i - 1][KL_FY] && fy >= curve->force[i + 1][KL_FY]) {
            *impact = refine(curve, KL_FY, i);
            *trough = peak(curve, KL_FY, -1, impact->t_s, active_s);
            return impact->force_n - trough->force_n >=
                   impact_trough_bw * curve->contact.body_weight_n;
        }
    }
    return false;
}

struct rates {
    double t20_s, t80_s; /* from onset */
    double average_n_s, instantaneous_n_s;
};

/* Loading rates between 20 and 80 % of a reference force. */
static struct rates loading(const struct curve *curve, double reference_n)
{
    struct rates rates = {.t20_s = rise_through(curve, rate_from * reference_n),
                          .t80_s = rise_through(curve, rate_to * reference_n)};
    rates.average_n_s = (rate_to - rate_from) * reference_n / (rates.t80_s - rates.t20_s);
    const struct kl_virtual_contact *contact = &curve->contact;
    rates.instantaneous_n_s = fmax(kl_virtual_contact_loading(contact, phase(curve, rates.t20_s)),
                                   kl_virtual_contact_loading(contact, phase(curve, rates.t80_s)));
    size_t i = at_or_after(curve, rates.t20_s);
    for (; i < curve->count && curve->t_s[i] < rates.t80_s; i++) {
        double slope = kl_virtual_contact_loading(contact, phase(curve, curve->t_s[i]));
        rates.instantaneous_n_s = fmax(rates.instantaneous_n_s, slope);
    }
    return rates;
}

static void vertical_truth(const struct curve *curve, struct kl_virtual_step *out)
{
    double stance_s = curve->to_s - curve->ic_s;
    struct extreme active = peak(curve, KL_FY, 1, curve->ic_s + active_from * stance_s,
                                 curve->ic_s + active_to * stance_s);
    out->active_peak_n = active.force_n;
    out->time_to_active_peak_s = active.t_s - curve->ic_s;

    double f13_n = force_at(curve, KL_FY, curve->ic_s + p13_at * stance_s);
    struct rates p13 = loading(curve, f13_n);
    struct rates rates = p13;
    struct extreme impact;
    struct extreme trough;
    if (find_impact(curve, active.t_s, &impact, &trough)) {
        out->impact_peak_n = impact.force_n;
        out->time_to_impact_peak_s = impact.t_s - curve->ic_s;
        out->impact_trough_n = trough.force_n;
        rates = loading(curve, out->impact_peak_n);
    }
    out->valr_n_s = rates.average_n_s;
    out->vilr_n_s = rates.instantaneous_n_s;
    out->t20_s = rates.t20_s - curve->ic_s;
    out->t80_s = rates.t80_s - curve->ic_s;
    out->valr_p13_n_s = p13.average_n_s;
    out->vilr_p13_n_s = p13.instantaneous_n_s;
    out->vertical_impulse_n_s = impulse(curve, KL_FY, -HUGE_VAL, HUGE_VAL);
}

static void horizontal_truth(const struct curve *curve, struct kl_virtual_step *out)
{
    struct extreme braking = peak(curve, KL_FX, -1, curve->ic_s, curve->to_s);
    struct extreme propulsion = peak(curve, KL_FX, 1, curve->ic_s, curve->to_s);
    out->peak_braking_n = fmax(-braking.force_n, 0);
    out->time_to_peak_braking_s = braking.t_s - curve->ic_s;
    out->peak_propulsion_n = fmax(propulsion.force_n, 0);
    out->time_to_peak_propulsion_s = propulsion.t_s - curve->ic_s;
    /* sin(2 pi s) is zero at s = 0.5 and |k| < 1 adds no other zero */
    out->braking_to_propulsion_s = 0.5 * curve->contact.contact_time_s - curve->ic_s;
    out->braking_impulse_n_s = impulse(curve, KL_FX, -HUGE_VAL, 0);
    out->propulsion_impulse_n_s = impulse(curve, KL_FX, 0, HUGE_VAL);

    double mirror = kl_virtual_mirror(curve->contact.side);
    struct extreme medial = peak(curve, KL_FZ, -mirror, curve->ic_s, curve->to_s);
    struct extreme lateral = peak(curve, KL_FZ, mirror, curve->ic_s, curve->to_s);
    out->peak_medial_n = fmax(-mirror * medial.force_n, 0);
    out->peak_lateral_n = fmax(mirror * lateral.force_n, 0);
    out->mediolateral_impulse_n_s = mirror * impulse(curve, KL_FZ, -HUGE_VAL, HUGE_VAL);
}

/* z_cop is monotonic and its parts integrate exactly: no grid needed. */
static void point_truth(const struct curve *curve, struct kl_virtual_step *out)
{
    const struct kl_virtual_contact *contact = &curve->contact;
    double stance_s = curve->to_s - curve->ic_s;
    double from_s = curve->ic_s + cop_from * stance_s;
    double to_s = curve->ic_s + cop_to * stance_s;
    double s[2] = {phase(curve, from_s), phase(curve, to_s)};
    double x[2];
    double z[2];
    for (int i = 0; i < 2; i++) {
        kl_virtual_contact_cop(contact, s[i], &x[i], &z[i]);
    }
    double mean_cosine = (sin(M_PI * s[1]) - sin(M_PI * s[0])) / (M_PI * (s[1] - s[0]));
    double swing_m = (z[0] - z[1]) / (cos(M_PI * s[0]) - cos(M_PI * s[1]));
    out->cop_mean_z_m = contact->z_foot_m + swing_m * mean_cosine;
    out->cop_range_z_m = fabs(z[1] - z[0]);
    out->cop_progression_m = x[1] - x[0] + contact->speed_m_s * (to_s - from_s);
    out->cop_weighted_z_m = kl_virtual_contact_weighted_z(contact);
    /* T0 sin(pi s): the middle, or the end of stance next to it */
    double middle_s = fmin(fmax(0.5 * contact->contact_time_s, curve->ic_s), curve->to_s);
    out->free_moment_peak_n_m = kl_virtual_mirror(contact->side) *
                                kl_virtual_contact_free_moment(contact, phase(curve, middle_s));
}

static struct kl_virtual_step step_truth(const struct curve *curve, const struct curve *next)
{
    const struct kl_virtual_contact *contact = &curve->contact;
    struct kl_virtual_step out = {
        .side = contact->side,
        .contact_s = contact->onset_s,
        .off_s = contact->onset_s + contact->contact_time_s,
        .ic_s = contact->onset_s + curve->ic_s,
        .to_s = contact->onset_s + curve->to_s,
        .contact_time_s = curve->to_s - curve->ic_s,
        .step_time_s = contact->step_time_s + next->ic_s - curve->ic_s,
        .flight_time_s = contact->step_time_s + next->ic_s - curve->to_s,
    };
    vertical_truth(curve, &out);
    horizontal_truth(curve, &out);
    point_truth(curve, &out);
    return out;
}

/* ------------------------------------------------------------ walking the steps */

enum { CONTACTS = 4 }; /* kept: before, now, next and the one after */

struct kl_virtual_truth {
    struct kl_virtual_gait gait;
    struct kl_virtual_contact contact[CONTACTS];
    size_t count, at; /* contact[at] is now; at is 0 for the first one only */
    struct kl_virtual_motion_truth motion;
    double threshold_n;
    double end_s; /* session time; contacts from here on do not count */
    struct curve curve[2];
    int now; /* of curve[]; the other one is the contact after it */
};

static void curve_release(struct curve *curve)
{
    free(curve->t_s);
    free(curve->force);
}

static int curve_reserve(struct curve *curve, size_t capacity)
{
    curve->t_s = calloc(capacity, sizeof(*curve->t_s));
    curve->force = calloc(capacity, sizeof(*curve->force));
    return curve->t_s != NULL && curve->force != NULL ? KL_OK : KL_ERR_MEM;
}

/* Moves on so that contact[at] is the next one, with two behind it. */
static void draw(struct kl_virtual_truth *truth)
{
    if (truth->count == CONTACTS) {
        memmove(truth->contact, truth->contact + 1, (CONTACTS - 1) * sizeof(truth->contact[0]));
        truth->count--;
    }
    truth->at = truth->count > 2 ? 1 : 0;
    while (truth->count < truth->at + 3) {
        kl_virtual_gait_next(&truth->gait, &truth->contact[truth->count++]);
    }
}

/* Mean force of the weakest contact jitter allows: every contact reaches above it. */
static double threshold_limit(const struct kl_virtual_runner *runner)
{
    double cut = KL_VIRTUAL_JITTER_MAX_SD * runner->step_time_cv;
    double least = HUGE_VAL;
    for (int i = 0; i < 2; i++) {
        least = fmin(least,
                     runner->step_time_s[i] * (1 - cut) / (runner->contact_time_s[i] * (1 + cut)));
    }
    return runner->mass_kg * KL_GRAVITY_M_S2 * least;
}

int kl_virtual_truth_create(struct kl_virtual_truth **out, const struct kl_virtual_runner *runner,
                            double seconds, double threshold_n, struct kl_fault *fault)
{
    int status = kl_virtual_runner_check(runner, fault);
    if (status != KL_OK) {
        return status;
    }
    double limit_n = threshold_limit(runner);
    if (!(threshold_n >= 0 && threshold_n < limit_n) || !isfinite(seconds)) {
        (void)kl_fault(fault, KL_ERR_ARG,
                       "virtual_runner: truth of %g s at a threshold of %g N; allowed are finite "
                       "seconds and 0 to %g N",
                       seconds, threshold_n, limit_n);
        return KL_ERR_ARG;
    }
    struct kl_virtual_truth *truth = calloc(1, sizeof(*truth));
    size_t capacity = curve_capacity(runner);
    if (truth == NULL || curve_reserve(&truth->curve[0], capacity) != KL_OK ||
        curve_reserve(&truth->curve[1], capacity) != KL_OK ||
        kl_virtual_motion_truth_init(&truth->motion, runner) != KL_OK) {
        kl_virtual_truth_destroy(truth);
        (void)kl_fault(fault, KL_ERR_MEM, "virtual_runner: no memory for its truth");
        return KL_ERR_MEM;
    }
    kl_virtual_gait_init(&truth->gait, runner, kl_virtual_timeline(runner).first_onset_s);
    truth->threshold_n = threshold_n;
    truth->end_s = kl_seconds(KL_EPOCH_NS) + seconds;
    draw(truth);
    curve_fill(&truth->curve[0], &truth->contact[truth->at], threshold_n);
    *out = truth;
    return KL_OK;
}

void kl_virtual_truth_destroy(struct kl_virtual_truth *truth)
{
    if (truth != NULL) {
        curve_release(&truth->curve[0]);
        curve_release(&truth->curve[1]);
        kl_virtual_motion_truth_release(&truth->motion);
        free(truth);
    }
}

bool kl_virtual_truth_next(struct kl_virtual_truth *truth, struct kl_virtual_step *out)
{
    const struct curve *now = &truth->curve[truth->now];
    if (now->contact.onset_s >= truth->end_s) {
        return false;
    }
    struct curve *next = &truth->curve[1 - truth->now];
    curve_fill(next, &truth->contact[truth->at + 1], truth->threshold_n);
    *out = step_truth(now, next);
    kl_virtual_motion_truth_step(&truth->motion, truth->contact, truth->count, truth->at, out);
    draw(truth);
    truth->now = 1 - truth->now;
    return true;
}

int kl_virtual_runner_truth(const struct kl_virtual_runner *runner, double seconds,
                            double threshold_n, struct kl_virtual_step *out, size_t cap)
{
    struct kl_virtual_truth *truth = NULL;
    int status = kl_virtual_truth_create(&truth, runner, seconds, threshold_n, NULL);
    if (status != KL_OK) {
        return status;
    }
    size_t made = 0;
    while (made < cap && made < INT_MAX && kl_virtual_truth_next(truth, &out[made])) {
        made++;
    }
    kl_virtual_truth_destroy(truth);
    return (int)made;
}

/* Fy of the mean stride at time t after the left onset. */
static double mean_stride_fy(const struct kl_virtual_contact foot[2], double stride_s, double t_s)
{
    double fy = 0;
    for (int i = 0; i < 2; i++) {
        double since_s = fmod(t_s - foot[i].onset_s + stride_s, stride_s);
        double force[3];
        kl_virtual_contact_force(&foot[i], since_s / foot[i].contact_time_s, force);
        fy += force[KL_FY];
    }
    return fy;
}

double kl_virtual_runner_vertical_oscillation(const struct kl_virtual_runner *runner)
{
    const struct kl_virtual_contact foot[2] = {
        kl_virtual_contact(runner, KL_SIDE_LEFT, 0, runner->step_time_s[0],
                           runner->contact_time_s[0]),
        kl_virtual_contact(runner, KL_SIDE_RIGHT, runner->step_time_s[0], runner->step_time_s[1],
                           runner->contact_time_s[1]),
    };
    double stride_s = runner->step_time_s[0] + runner->step_time_s[1];
    size_t count = (size_t)ceil(stride_s / grid_s);
    double dt_s = stride_s / (double)count;
    /* First pass: the mean of the velocity that starts from 0, which periodic motion has not. */
    double start_m_s = 0;
    double low = 0;
    double high = 0;
    for (int pass = 0; pass < 2; pass++) {
        double velocity = -start_m_s;
        double position = 0;
        double fy_before = mean_stride_fy(foot, stride_s, 0);
        for (size_t i = 1; i <= count; i++) {
            double fy = mean_stride_fy(foot, stride_s, (double)i * dt_s);
            double velocity_before = velocity;
            velocity += (0.5 * (fy_before + fy) / runner->mass_kg - KL_GRAVITY_M_S2) * dt_s;
            position += 0.5 * (velocity_before + velocity) * dt_s;
            fy_before = fy;
            low = pass == 1 ? fmin(low, position) : 0;
            high = pass == 1 ? fmax(high, position) : 0;
        }
        start_m_s = position / stride_s;
    }
    return high - low;
}
