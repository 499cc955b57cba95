#include "process/knee/knee_metric.h"

#include "process/force/contact_curve.h"
#include "process/force/cop.h"

#include <math.h>

#define COP_FROM 0.20 /* of stance: methods 7.3 */
#define COP_TO 0.80
#define METRES_PER_KM 1000.0
#define STANDARD_GRAVITY_M_S2 9.80665 /* a moment per body weight times g is one per mass */

enum quantity {
    FIRST,
    SECOND,
    IMPULSE,
    IMPULSE_PER_KM,
    ABDUCTION,
    BAND,
    OSCILLATION,
    OVERSTRIDE,
    COP_TO_COM
};

#define MOMENT(key, label, low, high, direction, source)                                           \
    {                                                                                              \
        key, label, "N·m", KL_DISPLAY_BW, "N·m/kg", STANDARD_GRAVITY_M_S2, 2, low, high,           \
            direction, source                                                                      \
    }
#define IMPULSE_OF(key, label, decimals, unit, shown, high, source)                                \
    {                                                                                              \
        key, label, unit, KL_DISPLAY_BW, shown, STANDARD_GRAVITY_M_S2, decimals, 0, high,          \
            KL_DIRECTION_HIGHER_LOAD, source                                                       \
    }
#define LENGTH(key, label, low, high, direction, source)                                           \
    {                                                                                              \
        key, label, "m", KL_DISPLAY_SCALE, "mm", 1000, 0, low, high, direction, source             \
    }
#define MORE KL_DIRECTION_HIGHER_LOAD
#define NEITHER KL_DIRECTION_NEUTRAL

#define TREND "proxy, trend only: knee over the foot, plate alone, lab frame (methods 12.2 K1)"
#define FOOT "proxy, differences only: knee above the foot, shank frame (methods 12.2 K2a)"
#define MASS                                                                                       \
    "proxy, differences only: knee below the centre of mass, shank frame (methods 12.2 K2b)"
#define SEEN "knee seen by motion capture, shank frame (methods 12.1, K3)"

static const struct row {
    struct kl_metric metric;
    enum kl_knee_level level;
    enum quantity quantity;
} rows[KL_KNEE_METRICS] = {
    {MOMENT("kam_k1_peak", "Frontal load index K1", 0, 2, MORE, TREND), KL_KNEE_K1, FIRST},
    {MOMENT("kam_k2a_peak", "KAM proxy K2a, peak", -0.5, 2, MORE, FOOT), KL_KNEE_K2A, FIRST},
    {IMPULSE_OF("kam_k2a_impulse", "KAM proxy K2a, impulse", 3, "N·m·s", "N·m·s/kg", 0.4, FOOT),
     KL_KNEE_K2A, IMPULSE},
    {MOMENT("kam_k2a_band", "KAM proxy K2a, SD of peak", 0, 1, NEITHER, "error band, methods 12.3"),
     KL_KNEE_K2A, BAND},
    {MOMENT("kam_k2b_peak", "KAM proxy K2b, peak", -0.5, 2, MORE, MASS), KL_KNEE_K2B, FIRST},
    {MOMENT("kam_k2b_second_peak", "KAM proxy K2b, second peak", -0.5, 2, MORE, MASS), KL_KNEE_K2B,
     SECOND},
    {IMPULSE_OF("kam_k2b_impulse", "KAM proxy K2b, impulse", 3, "N·m·s", "N·m·s/kg", 0.4, MASS),
     KL_KNEE_K2B, IMPULSE},
    {IMPULSE_OF("kam_k2b_impulse_per_km", "KAM proxy K2b, impulse per km", 0, "N·m·s/km",
                "N·m·s/kg/km", 300, MASS),
     KL_KNEE_K2B, IMPULSE_PER_KM},
    {MOMENT("kam_k2b_abduction", "Knee abduction proxy K2b, peak", 0, 1, NEITHER, MASS),
     KL_KNEE_K2B, ABDUCTION},
    {MOMENT("kam_k2b_band", "KAM proxy K2b, SD of peak", 0, 1, NEITHER, "error band, methods 12.3"),
     KL_KNEE_K2B, BAND},
    {MOMENT("kam_peak", "KAM, peak", -0.5, 2, MORE, SEEN), KL_KNEE_K3, FIRST},
    {MOMENT("kam_second_peak", "KAM, second peak", -0.5, 2, MORE, SEEN), KL_KNEE_K3, SECOND},
    {IMPULSE_OF("kam_impulse", "KAM, impulse", 3, "N·m·s", "N·m·s/kg", 0.4, SEEN), KL_KNEE_K3,
     IMPULSE},
    {IMPULSE_OF("kam_impulse_per_km", "KAM, impulse per km", 0, "N·m·s/km", "N·m·s/kg/km", 300,
                SEEN),
     KL_KNEE_K3, IMPULSE_PER_KM},
    {MOMENT("kam_abduction", "Knee abduction moment, peak", 0, 1, NEITHER, SEEN), KL_KNEE_K3,
     ABDUCTION},
    {MOMENT("kam_band", "KAM, SD of peak", 0, 0.5, NEITHER, "error band, methods 12.3"), KL_KNEE_K3,
     BAND},
    {LENGTH("vertical_oscillation", "Vertical oscillation", 0, 150, NEITHER,
            "range of the height of the centre of mass over the step (methods 7.4)"),
     KL_KNEE_LEVEL_COUNT, OSCILLATION},
    {LENGTH("overstride", "Overstride distance", -50, 400, MORE,
            "first valid centre of pressure ahead of the centre of mass (methods 7.4)"),
     KL_KNEE_LEVEL_COUNT, OVERSTRIDE},
    {LENGTH("cop_to_com", "Foot from centre of mass, sideways", -100, 150, NEITHER,
            "mean over 20-80 % of stance, + outwards (methods 7.4)"),
     KL_KNEE_LEVEL_COUNT, COP_TO_COM},
};

const struct kl_metric *kl_knee_metric_get(size_t index)
{
    return &rows[index].metric;
}

static uint32_t com_value(enum quantity quantity, const struct kl_com_step *com, double *out)
{
    if (com->reasons != 0) {
        return com->reasons;
    }
    *out = quantity == OSCILLATION  ? com->oscillation_m
           : quantity == OVERSTRIDE ? com->overstride_m
                                    : com->cop_to_com_m;
    return 0;
}

uint32_t kl_knee_metric_compute(size_t index, const struct kl_knee_step *knee,
                                const struct kl_com_step *com, double belt_m_s, double stride_s,
                                double *out)
{
    const struct row *row = &rows[index];
    if (row->level == KL_KNEE_LEVEL_COUNT) {
        return com_value(row->quantity, com, out);
    }
    const struct kl_knee_result *result = &knee->level[row->level];
    if (result->reasons != 0) {
        return result->reasons;
    }
    switch (row->quantity) {
    case FIRST:
        *out = result->peaks.first_n_m;
        return 0;
    case SECOND:
        *out = result->peaks.second_n_m;
        return result->peaks.has_second ? 0 : (uint32_t)KL_REASON_TOO_SMALL;
    case IMPULSE:
        *out = result->peaks.impulse_n_m_s;
        return 0;
    case IMPULSE_PER_KM: /* strides per km = 1000 / (speed x stride time) */
        *out = result->peaks.impulse_n_m_s * METRES_PER_KM / (belt_m_s * stride_s);
        return stride_s > 0 ? 0 : (uint32_t)KL_REASON_NO_NEXT;
    case ABDUCTION:
        *out = result->peaks.abduction_n_m;
        return 0;
    default:
        *out = result->band_n_m;
        return 0;
    }
}

/* Range of the height over one step, about the line from its begin to its end: steps of unequal
 * length make the twice integrated force wander from step to step. */
static double oscillation_of(const struct kl_com *com, double ic_ns, double step_s)
{
    double side_m;
    double begin_m;
    double end_m;
    double low_m = 0;
    double high_m = 0;
    kl_com_at(com, ic_ns, &side_m, &begin_m, &side_m);
    kl_com_at(com, ic_ns + 1e9 * step_s, &side_m, &end_m, &side_m);
    size_t count = (size_t)(step_s * KL_COM_RATE_HZ);
    for (size_t i = 1; i < count; i++) {
        double part = (double)i / (double)count;
        double y_m;
        kl_com_at(com, ic_ns + 1e9 * step_s * part, &side_m, &y_m, &side_m);
        y_m -= begin_m + part * (end_m - begin_m);
        low_m = fmin(low_m, y_m);
        high_m = fmax(high_m, y_m);
    }
    return high_m - low_m;
}

void kl_com_step_of(const struct kl_contact *contact, unsigned measured, enum kl_side side,
                    const struct kl_com *com, double step_s, struct kl_com_step *out)
{
    *out = (struct kl_com_step){0};
    if ((measured & KL_PLATE_MEASURES_ALL) != KL_PLATE_MEASURES_ALL) {
        out->reasons = (uint32_t)KL_REASON_NOT_MEASURED;
    } else if (com == NULL || !(step_s > 0)) {
        out->reasons = (uint32_t)KL_REASON_NO_NEXT;
    } else if (!com->steady) {
        out->reasons = (uint32_t)KL_REASON_UNSTEADY;
    } else if (side == KL_SIDE_UNKNOWN) {
        out->reasons = (uint32_t)KL_REASON_SIDE_UNKNOWN;
    }
    if (out->reasons != 0) {
        return;
    }
    out->oscillation_m = oscillation_of(com, contact->ic_ns, step_s);
    double duration_s = kl_contact_duration(contact);
    bool landed = false;
    size_t n = 0;
    double sideways_m = 0;
    for (size_t i = 0; i < contact->count; i++) {
        struct kl_cop cop;
        double t_s = kl_contact_time(contact, i);
        if (t_s < 0 || t_s > duration_s || !kl_cop_of_sample(contact, i, &cop)) {
            continue;
        }
        double x_m;
        double y_m;
        double z_m;
        kl_com_at(com, contact->ic_ns + 1e9 * t_s, &x_m, &y_m, &z_m);
        if (!landed) {
            out->overstride_m = cop.x_m - x_m;
            landed = true;
        }
        if (t_s >= COP_FROM * duration_s && t_s <= COP_TO * duration_s) {
            sideways_m += cop.z_m - z_m;
            n++;
        }
    }
    if (n == 0) {
        out->reasons = (uint32_t)KL_REASON_COP_INVALID;
        return;
    }
    out->cop_to_com_m = (side == KL_SIDE_LEFT ? -1 : 1) * sideways_m / (double)n;
}
