#include "process/steps/metric.h"

#include "process/knee/knee_metric.h"
#include "process/motion/motion_metric.h"
#include "process/muscle/muscle_metric.h"
#include "process/steps/metric_row.h"

#include <math.h>
#include <string.h>

/* Methods 3.6: above it events, loading rates and centre of pressure are withheld. */
#define NOISE_MAX_N 10.0

_Static_assert((int)KL_MOTION_METRIC_COUNT == KL_MOTION_METRICS, "metric.h counts them too");

const struct kl_metric *kl_metric_get(enum kl_metric_id id)
{
    if (id >= KL_METRIC_MUSCLE) {
        return kl_muscle_metric_get((size_t)(id - KL_METRIC_MUSCLE));
    }
    if (id >= KL_METRIC_KNEE) {
        return kl_knee_metric_get((size_t)(id - KL_METRIC_KNEE));
    }
    if (id >= KL_METRIC_MOTION) {
        return &kl_motion_metric_get((enum kl_motion_metric)(id - KL_METRIC_MOTION))->metric;
    }
    return &kl_force_metric[id].metric;
}

enum kl_metric_id kl_metric_find(const char *key)
{
    for (unsigned id = 0; id < KL_METRIC_COUNT; id++) {
        if (strcmp(kl_metric_get((enum kl_metric_id)id)->key, key) == 0) {
            return (enum kl_metric_id)id;
        }
    }
    return KL_METRIC_COUNT;
}

bool kl_metric_display(const struct kl_metric *metric, double value, double body_weight_n,
                       double height_m, double *out)
{
    double divisor = 1.0;
    if (metric->display != KL_DISPLAY_SCALE) {
        divisor *= body_weight_n;
    }
    if (metric->display == KL_DISPLAY_BWH) {
        divisor *= height_m;
    }
    if (!(divisor > 0)) {
        return false;
    }
    *out = value / divisor * metric->display_scale;
    return true;
}

/* ------------------------------------------------------------- computation */

/* One noisy flight in a quiet record is a glitch; a noisy belt is every flight. */
static bool is_noisy(const struct kl_contact *contact)
{
    return contact->has_flight_sd && contact->flight_sd[KL_FY] > NOISE_MAX_N &&
           !(contact->belt_noise_n > 0 && contact->belt_noise_n <= NOISE_MAX_N);
}

static uint32_t missing(const struct kl_metric_row *row, const struct kl_metric_input *input)
{
    const struct kl_contact *contact = input->contact;
    const struct {
        unsigned need;
        bool lacking;
        uint32_t reason;
    } checks[] = {
        {KL_NEED_IC, !contact->has_ic, KL_REASON_CUT},
        {KL_NEED_TO, !contact->has_to, KL_REASON_CUT},
        {KL_NEED_NEXT, !input->has_next, KL_REASON_NO_NEXT},
        {KL_NEED_NEXT2, !input->has_next2, KL_REASON_NO_NEXT},
        {KL_NEED_SIDE, input->side == KL_SIDE_UNKNOWN, KL_REASON_SIDE_UNKNOWN},
        {KL_NEED_BODY_WEIGHT, !(input->body_weight_n > 0), KL_REASON_NO_BODY_WEIGHT},
        {KL_NEED_SPEED, !(input->speed_m_s > 0), KL_REASON_SPEED_UNKNOWN},
        {KL_NEED_QUIET, is_noisy(contact), KL_REASON_NOISE},
        {KL_NEED_INSIDE, (contact->quality & KL_QUALITY_CLIPPED) != 0, KL_REASON_SATURATED},
    };
    uint32_t reasons = contact->warming_up ? KL_REASON_WARMING_UP : 0;
    if ((row->components & ~input->measured) != 0) {
        reasons |= KL_REASON_NOT_MEASURED;
    }
    for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++) {
        if ((row->needs & checks[i].need) != 0 && checks[i].lacking) {
            reasons |= checks[i].reason;
        }
    }
    return reasons;
}

uint32_t kl_metric_compute(enum kl_metric_id id, const struct kl_metric_input *input, double *out)
{
    if (id >= KL_METRIC_FORCE_COUNT) {
        return KL_REASON_NO_SENSOR; /* not from a plate: whoever holds the other signals fills it */
    }
    const struct kl_metric_row *row = &kl_force_metric[id];
    uint32_t reasons = missing(row, input);
    if (reasons != 0) {
        return reasons;
    }
    double value = 0;
    reasons = row->compute(input, &value);
    if (reasons == 0 && !isfinite(value)) {
        reasons = KL_REASON_NOT_A_NUMBER;
    }
    if (reasons == 0) {
        *out = value;
    }
    return reasons;
}
