#include "process/muscle/muscle_metric.h"

#include <math.h>

enum quantity { RATIO_ACTIVATION, RATIO_LOADING, VMO_ONSET, VL_ONSET, DELAY };

#define RATIO(key, label, source)                                                                  \
    {                                                                                              \
        key, label, "1", KL_DISPLAY_SCALE, "", 1, 2, 0, 2.5, KL_DIRECTION_NEUTRAL, source          \
    }
#define TIME(key, label, low, high, source)                                                        \
    {                                                                                              \
        key, label, "s", KL_DISPLAY_SCALE, "ms", 1000, 0, low, high, KL_DIRECTION_NEUTRAL, source  \
    }

static const struct row {
    struct kl_metric metric;
    enum quantity quantity;
} rows[KL_MUSCLE_METRICS] = {
    {RATIO("vmo_vl_activation", "VMO:VL before contact",
           "normalised mean envelopes, 100 ms before contact (methods 13)"),
     RATIO_ACTIVATION},
    {RATIO("vmo_vl_loading", "VMO:VL in loading",
           "normalised mean envelopes, contact to 50 % of stance (methods 13)"),
     RATIO_LOADING},
    {TIME("vmo_onset", "VMO onset", -250, 100, "Teager-Kaiser energy, from contact (methods 13)"),
     VMO_ONSET},
    {TIME("vl_onset", "VL onset", -250, 100, "Teager-Kaiser energy, from contact (methods 13)"),
     VL_ONSET},
    {TIME("vmo_delay", "VMO after VL", -60, 60, "difference of onsets, + VMO late (methods 13)"),
     DELAY},
};

const struct kl_metric *kl_muscle_metric_get(size_t index)
{
    return &rows[index].metric;
}

static uint32_t reasons_of(const struct kl_muscle_pair *pair, enum kl_muscle muscle, bool onset)
{
    static const struct {
        uint32_t mark, reason;
        bool onset_only;
    } table[] = {
        {KL_MUSCLE_MISSING, KL_REASON_GAP, false},
        {KL_MUSCLE_RATE, KL_REASON_NOT_MEASURED, false},
        {KL_MUSCLE_RAIL, KL_REASON_SATURATED, false},
        {KL_MUSCLE_ARTEFACT, KL_REASON_NOISE, false},
        {KL_MUSCLE_LOW_SNR, KL_REASON_TOO_SMALL, true},
        {KL_MUSCLE_NO_ONSET, KL_REASON_TOO_SMALL, true},
    };
    if (!pair->worn[muscle]) {
        return KL_REASON_NO_SENSOR;
    }
    uint32_t reasons = 0;
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        if ((pair->step[muscle].marks & table[i].mark) != 0 && (onset || !table[i].onset_only)) {
            reasons |= table[i].reason;
        }
    }
    if (!onset && !(pair->reference_v[muscle] > 0)) {
        reasons |= KL_REASON_NOT_CALIBRATED;
    }
    return reasons;
}

static uint32_t ratio(const struct kl_muscle_pair *pair, double vmo_v, double vl_v, double *out)
{
    uint32_t reasons =
        reasons_of(pair, KL_MUSCLE_VMO, false) | reasons_of(pair, KL_MUSCLE_VL, false);
    if (reasons == 0 && !(vl_v > 0)) {
        reasons = KL_REASON_TOO_SMALL;
    }
    if (reasons == 0) {
        *out = vmo_v / pair->reference_v[KL_MUSCLE_VMO] / (vl_v / pair->reference_v[KL_MUSCLE_VL]);
    }
    return reasons;
}

uint32_t kl_muscle_metric_compute(size_t index, const struct kl_muscle_pair *pair, double *out)
{
    const struct kl_muscle_step *vmo = &pair->step[KL_MUSCLE_VMO];
    const struct kl_muscle_step *vl = &pair->step[KL_MUSCLE_VL];
    uint32_t vmo_reasons = reasons_of(pair, KL_MUSCLE_VMO, true);
    uint32_t vl_reasons = reasons_of(pair, KL_MUSCLE_VL, true);
    switch (rows[index].quantity) {
    case RATIO_ACTIVATION:
        return ratio(pair, vmo->activation_v, vl->activation_v, out);
    case RATIO_LOADING:
        return ratio(pair, vmo->loading_v, vl->loading_v, out);
    case VMO_ONSET:
        *out = vmo->onset_s;
        return vmo_reasons;
    case VL_ONSET:
        *out = vl->onset_s;
        return vl_reasons;
    default:
        *out = vmo->onset_s - vl->onset_s;
        return vmo_reasons | vl_reasons;
    }
}

uint8_t kl_muscle_metric_marks(size_t index, const struct kl_muscle_pair *pair)
{
    enum quantity quantity = rows[index].quantity;
    bool ratio_of_both = quantity == RATIO_ACTIVATION || quantity == RATIO_LOADING;
    bool both = ratio_of_both || quantity == DELAY;
    uint32_t marks = 0;
    if (both || quantity == VMO_ONSET) {
        marks |= pair->step[KL_MUSCLE_VMO].marks;
    }
    if (both || quantity == VL_ONSET) {
        marks |= pair->step[KL_MUSCLE_VL].marks;
    }
    bool heard = both && fabs(pair->cross_talk) > KL_MUSCLE_CROSS_TALK_MAX;
    return (uint8_t)((ratio_of_both && pair->relative ? KL_MARK_RELATIVE : 0) |
                     (heard ? KL_MARK_CROSS_TALK : 0) |
                     ((marks & KL_MUSCLE_LINE_HUM) != 0 ? KL_MARK_LINE_HUM : 0));
}
