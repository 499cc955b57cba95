#include "process/force/impact.h"

#include "process/force/contact_curve.h"

#include <math.h>

/* Methods 6. */
#define ACTIVE_FROM 0.30
#define ACTIVE_TO 0.70
#define IMPACT_FROM_S 0.005
#define IMPACT_TO_S 0.060
#define IMPACT_BEFORE 0.35
#define TROUGH_BW 0.02
#define RATE_FROM 0.2
#define RATE_TO 0.8
#define P13_AT 0.13
#define A312_FROM 0.03
#define A312_TO 0.12
#define POI_ABOVE_BW 0.75
#define POI_SLOPE_BW_S 15.0
#define BW50_FROM_N 50.0

/* A rise of 20 % of a small surrogate peak may lie before F_thr is reached. */
#define SEARCH_BEFORE_S 0.020

static double fy(const struct kl_contact *contact, size_t index)
{
    return contact->wrench[index][KL_FY];
}

static double slope(const struct kl_contact *contact, size_t index)
{
    return (fy(contact, index + 1) - fy(contact, index - 1)) / (2.0 * contact->dt_s);
}

static void find_impact(const struct kl_contact *contact, double body_weight_n, size_t active,
                        struct kl_vertical_peaks *peaks)
{
    double limit = IMPACT_BEFORE * kl_contact_duration(contact);
    size_t first;
    size_t end;
    (void)kl_contact_samples(contact, IMPACT_FROM_S, fmin(IMPACT_TO_S, limit), &first, &end);
    for (size_t i = first > 0 ? first : 1; i < end && i < active; i++) {
        if (!(fy(contact, i) > fy(contact, i - 1) && fy(contact, i) >= fy(contact, i + 1)) ||
            !(kl_contact_time(contact, i) < limit)) {
            continue;
        }
        double trough = fy(contact, i);
        for (size_t k = i + 1; k < active; k++) {
            trough = fmin(trough, fy(contact, k));
        }
        if (fy(contact, i) - trough >= TROUGH_BW * body_weight_n) {
            peaks->has_impact = true;
            peaks->impact_n = fy(contact, i);
            peaks->impact_s = kl_contact_time(contact, i);
            return;
        }
    }
}

bool kl_vertical_peaks_of(const struct kl_contact *contact, double body_weight_n,
                          struct kl_vertical_peaks *out)
{
    double duration = kl_contact_duration(contact);
    size_t first;
    size_t end;
    if (kl_contact_samples(contact, ACTIVE_FROM * duration, ACTIVE_TO * duration, &first, &end) ==
        0) {
        return false;
    }
    size_t active = first;
    for (size_t i = first; i < end; i++) {
        active = fy(contact, i) > fy(contact, active) ? i : active;
    }
    struct kl_vertical_peaks peaks = {
        .active_n = fy(contact, active),
        .active_s = kl_contact_time(contact, active),
    };
    if (body_weight_n > 0) {
        find_impact(contact, body_weight_n, active, &peaks);
    }
    *out = peaks;
    return true;
}

/* First time at which the force rises through a level, s since contact. */
static bool rises_through(const struct kl_contact *contact, double level_n, double *out_s)
{
    size_t first;
    size_t end;
    (void)kl_contact_samples(contact, -SEARCH_BEFORE_S, kl_contact_duration(contact), &first, &end);
    for (size_t i = first; i + 1 < end; i++) {
        double a = fy(contact, i);
        double b = fy(contact, i + 1);
        if (a < level_n && b >= level_n) {
            *out_s = kl_contact_time(contact, i) + contact->dt_s * ((level_n - a) / (b - a));
            return true;
        }
    }
    return false;
}

/* VILR; a stretch too short for a sample of its own has the average for its slope. */
static double steepest(const struct kl_contact *contact, double from_s, double to_s,
                       double average_n_s)
{
    size_t first;
    size_t end;
    (void)kl_contact_samples(contact, from_s, to_s, &first, &end);
    bool found = false;
    double most = 0;
    for (size_t i = first > 0 ? first : 1; i < end && i + 1 < contact->count; i++) {
        double here = slope(contact, i);
        most = !found || here > most ? here : most;
        found = true;
    }
    return found ? most : average_n_s;
}

static uint32_t rate_between(const struct kl_contact *contact, double from_n, double to_n,
                             struct kl_loading_rate *out)
{
    double from_s;
    double to_s;
    if (!rises_through(contact, from_n, &from_s) || !rises_through(contact, to_n, &to_s) ||
        !(to_s > from_s)) {
        return KL_REASON_NO_IMPACT_PEAK;
    }
    out->average_n_s = (to_n - from_n) / (to_s - from_s);
    out->instantaneous_n_s = steepest(contact, from_s, to_s, out->average_n_s);
    return 0;
}

static uint32_t rate_to_peak(const struct kl_contact *contact, double peak_n,
                             struct kl_loading_rate *out)
{
    return rate_between(contact, RATE_FROM * peak_n, RATE_TO * peak_n, out);
}

static uint32_t by_impact_peak(const struct kl_contact *contact, double body_weight_n,
                               struct kl_loading_rate *out)
{
    struct kl_vertical_peaks peaks;
    if (!kl_vertical_peaks_of(contact, body_weight_n, &peaks) || !peaks.has_impact) {
        return KL_REASON_NO_IMPACT_PEAK;
    }
    return rate_to_peak(contact, peaks.impact_n, out);
}

static uint32_t by_p13(const struct kl_contact *contact, double body_weight_n,
                       struct kl_loading_rate *out)
{
    (void)body_weight_n;
    double at_s = P13_AT * kl_contact_duration(contact);
    return rate_to_peak(contact, kl_contact_value(contact, KL_FY, at_s), out);
}

static uint32_t by_a312(const struct kl_contact *contact, double body_weight_n,
                        struct kl_loading_rate *out)
{
    (void)body_weight_n;
    double from_s = A312_FROM * kl_contact_duration(contact);
    double to_s = A312_TO * kl_contact_duration(contact);
    double rise = kl_contact_value(contact, KL_FY, to_s) - kl_contact_value(contact, KL_FY, from_s);
    out->average_n_s = rise / (to_s - from_s);
    out->instantaneous_n_s = steepest(contact, from_s, to_s, out->average_n_s);
    return 0;
}

static uint32_t by_poi(const struct kl_contact *contact, double body_weight_n,
                       struct kl_loading_rate *out)
{
    size_t first;
    size_t end;
    (void)kl_contact_samples(contact, 0, kl_contact_duration(contact), &first, &end);
    for (size_t i = first > 0 ? first : 1; i < end && i + 1 < contact->count; i++) {
        if (fy(contact, i) > POI_ABOVE_BW * body_weight_n &&
            slope(contact, i) < POI_SLOPE_BW_S * body_weight_n) {
            return rate_to_peak(contact, fy(contact, i), out);
        }
    }
    return KL_REASON_NO_IMPACT_PEAK;
}

static uint32_t by_bw50(const struct kl_contact *contact, double body_weight_n,
                        struct kl_loading_rate *out)
{
    return rate_between(contact, BW50_FROM_N, body_weight_n + BW50_FROM_N, out);
}

uint32_t kl_loading_rate_of(const struct kl_contact *contact, double body_weight_n,
                            enum kl_loading_rule rule, struct kl_loading_rate *out)
{
    static const struct {
        bool needs_body_weight;
        uint32_t (*measure)(const struct kl_contact *contact, double body_weight_n,
                            struct kl_loading_rate *out);
    } rules[KL_LOADING_RULE_COUNT] = {
        [KL_LOADING_IMPACT_PEAK] = {true, by_impact_peak},
        [KL_LOADING_P13] = {false, by_p13},
        [KL_LOADING_A312] = {false, by_a312},
        [KL_LOADING_POI] = {true, by_poi},
        [KL_LOADING_BW50] = {true, by_bw50},
    };
    if ((unsigned)rule >= KL_LOADING_RULE_COUNT) {
        return KL_REASON_NO_IMPACT_PEAK;
    }
    if (rules[rule].needs_body_weight && !(body_weight_n > 0)) {
        return KL_REASON_NO_BODY_WEIGHT;
    }
    struct kl_loading_rate rate;
    uint32_t reasons = rules[rule].measure(contact, body_weight_n, &rate);
    if (reasons == 0) {
        *out = rate;
    }
    return reasons;
}
