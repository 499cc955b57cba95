#include "process/steps/step_validity.h"

#include <math.h>

/* Validity of a step: methods 4.2, 3.4, 3.6. */
#define CONTACT_MIN_S 0.100
#define CONTACT_MAX_S 0.450
#define STEP_MIN_S 0.240
#define STEP_MAX_S 0.550
#define PEAK_MIN_BW 1.2
#define PEAK_MAX_BW 4.5
/* A flight level this low is no drift and no forgotten tare (methods 4.1 allows 300 N): what looks
 * like a flight is the runner, on a plate whose sign is turned. Project setting. */
#define UPSIDE_DOWN_N (-500.0)
#define DRIFT_STEP_N 15
#define MARGIN_S 0.020 /* of the impulse beside IC and TO: where force below F_thr ends */

bool kl_step_time_valid(double time_s)
{
    return time_s >= STEP_MIN_S && time_s <= STEP_MAX_S;
}

static double at_ns(const struct kl_contact *contact, size_t i)
{
    return (double)contact->t0_ns + (double)i * contact->dt_s * 1e9;
}

static double peak_n(const struct kl_contact *contact)
{
    double peak = 0;
    for (size_t i = 0; i < contact->count; i++) {
        double t_ns = at_ns(contact, i);
        if (t_ns >= contact->ic_ns && t_ns <= contact->to_ns) {
            peak = fmax(peak, contact->wrench[i][KL_FY]);
        }
    }
    return peak;
}

/* Impulse of Fy with what lies below the threshold at both ends; never into the next contact. */
double kl_contact_impulse(const struct kl_contact *contact, double flight_s)
{
    double margin_ns = 1e9 * (flight_s > 0 ? fmin(MARGIN_S, flight_s / 2) : MARGIN_S);
    double sum = 0;
    for (size_t i = 0; i < contact->count; i++) {
        double t_ns = at_ns(contact, i);
        if (t_ns >= contact->ic_ns - margin_ns && t_ns <= contact->to_ns + margin_ns) {
            sum += contact->wrench[i][KL_FY];
        }
    }
    return sum * contact->dt_s;
}

uint32_t kl_contact_reasons(const struct kl_contact *contact, bool at_end, double body_weight_n)
{
    const uint32_t gap = (uint32_t)KL_QUALITY_GAP | (uint32_t)KL_QUALITY_INTERPOLATED;
    double contact_s = (contact->to_ns - contact->ic_ns) / 1e9;
    bool whole = contact->has_ic && contact->has_to;
    uint32_t reasons = 0;
    reasons |= whole ? 0 : (uint32_t)KL_REASON_CUT;
    reasons |= whole && (contact_s < CONTACT_MIN_S || contact_s > CONTACT_MAX_S)
                   ? (uint32_t)KL_REASON_CONTACT_RANGE
                   : 0;
    reasons |=
        (contact->quality & gap) != 0 || (contact->ended && !at_end) ? (uint32_t)KL_REASON_GAP : 0;
    reasons |= contact->drift_step_n > DRIFT_STEP_N ? (uint32_t)KL_REASON_DRIFT_STEP : 0;
    reasons |=
        (contact->quality & (uint32_t)KL_QUALITY_CLIPPED) != 0 ? (uint32_t)KL_REASON_SATURATED : 0;
    reasons |= (contact->quality & (uint32_t)KL_QUALITY_INVALID) != 0
                   ? (uint32_t)KL_REASON_NOT_A_NUMBER
                   : 0;
    reasons |= contact->drift_n < UPSIDE_DOWN_N ? (uint32_t)KL_REASON_SIGN : 0;
    reasons |= contact->warming_up ? (uint32_t)KL_REASON_WARMING_UP : 0;
    if (whole && body_weight_n > 0) {
        double peak = peak_n(contact) / body_weight_n;
        bool out = peak < PEAK_MIN_BW || peak > PEAK_MAX_BW;
        reasons |= out ? (uint32_t)KL_REASON_PEAK_RANGE : 0;
    }
    return reasons;
}
