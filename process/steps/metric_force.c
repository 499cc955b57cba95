#include "process/force/contact_curve.h"
#include "process/force/cop.h"
#include "process/force/impact.h"
#include "process/force/impulse.h"
#include "process/steps/metric_row.h"

#include <math.h>
#include <string.h>

/* Methods 7.3; and how much of that stretch must be trustworthy. */
#define COP_FROM 0.20
#define COP_TO 0.80
#define COP_VALID_PART 0.90

#define FORCE_X (1u << KL_FX)
#define FORCE_Y (1u << KL_FY)
#define FORCE_Z (1u << KL_FZ)
#define COP_Z (FORCE_Y | 1u << KL_MX)
#define COP_X (FORCE_Y | 1u << KL_MZ)

/* ---------------------------------------------------------------- in time */

static uint32_t contact_time(const struct kl_metric_input *input, double *out)
{
    *out = kl_contact_duration(input->contact);
    return 0;
}

static uint32_t flight_time(const struct kl_metric_input *input, double *out)
{
    *out = (input->next_ic_ns - input->contact->to_ns) / 1e9;
    return 0;
}

static uint32_t step_time(const struct kl_metric_input *input, double *out)
{
    *out = (input->next_ic_ns - input->contact->ic_ns) / 1e9;
    return 0;
}

static uint32_t stride_time(const struct kl_metric_input *input, double *out)
{
    *out = (input->next2_ic_ns - input->contact->ic_ns) / 1e9;
    return 0;
}

static uint32_t duty_factor(const struct kl_metric_input *input, double *out)
{
    const struct kl_contact *contact = input->contact;
    *out = (contact->to_ns - contact->ic_ns) / (input->next2_ic_ns - contact->ic_ns);
    return 0;
}

/* Of this step alone: flags and statistics average it, and a moving mean averaged again would look
 * far more certain, or far more correlated, than it is. The screen counts over 20 steps. */
static uint32_t cadence(const struct kl_metric_input *input, double *out)
{
    *out = 1.0 / ((input->next_ic_ns - input->contact->ic_ns) / 1e9);
    return 0;
}

static uint32_t step_length(const struct kl_metric_input *input, double *out)
{
    double belt = input->speed_m_s * (input->next_ic_ns - input->contact->ic_ns) / 1e9;
    double here;
    double advance = 0;
    if (input->has_next_landing_x && (input->measured & COP_X) == COP_X &&
        kl_cop_landing_x(input->contact, input->speed_m_s, &here)) {
        advance = input->next_landing_x_m - here;
    }
    *out = belt + advance;
    return 0;
}

/* ---------------------------------------------------------- vertical force */

static bool peaks(const struct kl_metric_input *input, struct kl_vertical_peaks *out)
{
    return kl_vertical_peaks_of(input->contact, input->body_weight_n, out);
}

static uint32_t active_peak(const struct kl_metric_input *input, double *out)
{
    struct kl_vertical_peaks found;
    if (!peaks(input, &found)) {
        return KL_REASON_CONTACT_RANGE;
    }
    *out = found.active_n;
    return 0;
}

static uint32_t time_to_active_peak(const struct kl_metric_input *input, double *out)
{
    struct kl_vertical_peaks found;
    if (!peaks(input, &found)) {
        return KL_REASON_CONTACT_RANGE;
    }
    *out = found.active_s;
    return 0;
}

static uint32_t impact_peak(const struct kl_metric_input *input, double *out)
{
    struct kl_vertical_peaks found;
    if (!peaks(input, &found) || !found.has_impact) {
        return KL_REASON_NO_IMPACT_PEAK;
    }
    *out = found.impact_n;
    return 0;
}

static uint32_t time_to_impact_peak(const struct kl_metric_input *input, double *out)
{
    struct kl_vertical_peaks found;
    if (!peaks(input, &found) || !found.has_impact) {
        return KL_REASON_NO_IMPACT_PEAK;
    }
    *out = found.impact_s;
    return 0;
}

static uint32_t loading(const struct kl_metric_input *input, struct kl_loading_rate *out)
{
    return kl_loading_rate_of(input->contact, input->body_weight_n, kl_metric_loading_rule(input),
                              out);
}

static uint32_t valr(const struct kl_metric_input *input, double *out)
{
    struct kl_loading_rate rate = {0};
    uint32_t reasons = loading(input, &rate);
    *out = rate.average_n_s;
    return reasons;
}

static uint32_t vilr(const struct kl_metric_input *input, double *out)
{
    struct kl_loading_rate rate = {0};
    uint32_t reasons = loading(input, &rate);
    *out = rate.instantaneous_n_s;
    return reasons;
}

static uint32_t vertical_impulse(const struct kl_metric_input *input, double *out)
{
    struct kl_impulse impulse = kl_impulse_of(input->contact, KL_FY);
    *out = impulse.positive_n_s + impulse.negative_n_s;
    return 0;
}

/* ---------------------------------------------------------- fore-aft force */

static uint32_t extremes(const struct kl_metric_input *input, enum kl_wrench component,
                         struct kl_force_extremes *out)
{
    return kl_force_extremes_of(input->contact, component, out) ? 0 : KL_REASON_CONTACT_RANGE;
}

static uint32_t peak_braking(const struct kl_metric_input *input, double *out)
{
    struct kl_force_extremes found = {0};
    uint32_t reasons = extremes(input, KL_FX, &found);
    *out = fmax(0, -found.min_n);
    return reasons;
}

static uint32_t time_to_peak_braking(const struct kl_metric_input *input, double *out)
{
    struct kl_force_extremes found = {0};
    uint32_t reasons = extremes(input, KL_FX, &found);
    *out = found.min_s;
    return reasons;
}

static uint32_t braking_impulse(const struct kl_metric_input *input, double *out)
{
    *out = -kl_impulse_of(input->contact, KL_FX).negative_n_s;
    return 0;
}

static uint32_t peak_propulsion(const struct kl_metric_input *input, double *out)
{
    struct kl_force_extremes found = {0};
    uint32_t reasons = extremes(input, KL_FX, &found);
    *out = fmax(0, found.max_n);
    return reasons;
}

static uint32_t propulsion_impulse(const struct kl_metric_input *input, double *out)
{
    *out = kl_impulse_of(input->contact, KL_FX).positive_n_s;
    return 0;
}

static uint32_t braking_to_propulsion(const struct kl_metric_input *input, double *out)
{
    struct kl_force_extremes found = {0};
    uint32_t reasons = extremes(input, KL_FX, &found);
    double t = 0;
    if (reasons == 0 && !kl_force_rises_through_zero(input->contact, KL_FX, found.min_s, &t)) {
        reasons = KL_REASON_CONTACT_RANGE;
    }
    *out = t / kl_contact_duration(input->contact);
    return reasons;
}

/* -------------------------------------- sideways, mirrored: z is outwards */

static uint32_t peak_medial_force(const struct kl_metric_input *input, double *out)
{
    struct kl_force_extremes found = {0};
    uint32_t reasons = extremes(input, KL_FZ, &found);
    *out = fmax(0, input->side == KL_SIDE_LEFT ? found.max_n : -found.min_n);
    return reasons;
}

static uint32_t peak_lateral_force(const struct kl_metric_input *input, double *out)
{
    struct kl_force_extremes found = {0};
    uint32_t reasons = extremes(input, KL_FZ, &found);
    *out = fmax(0, input->side == KL_SIDE_LEFT ? -found.min_n : found.max_n);
    return reasons;
}

static uint32_t mediolateral_impulse(const struct kl_metric_input *input, double *out)
{
    struct kl_impulse impulse = kl_impulse_of(input->contact, KL_FZ);
    *out = kl_mirror_sign(input->side, KL_FZ) * (impulse.positive_n_s + impulse.negative_n_s);
    return 0;
}

static uint32_t free_moment_peak(const struct kl_metric_input *input, double *out)
{
    const struct kl_contact *contact = input->contact;
    size_t first;
    size_t end;
    (void)kl_contact_samples(contact, 0, kl_contact_duration(contact), &first, &end);
    bool found = false;
    double most = 0;
    for (size_t i = first; i < end; i++) {
        struct kl_cop cop;
        if (kl_cop_of_sample(contact, i, &cop)) {
            most = !found || fabs(cop.free_moment_n_m) > fabs(most) ? cop.free_moment_n_m : most;
            found = true;
        }
    }
    *out = kl_mirror_sign(input->side, KL_MY) * most;
    return found ? 0 : KL_REASON_COP_INVALID;
}

/* Mean and range of z over 20-80 % of stance, lab axes. */
static uint32_t cop_ml(const struct kl_contact *contact, double *mean, double *range)
{
    double duration = kl_contact_duration(contact);
    size_t first;
    size_t end;
    size_t samples =
        kl_contact_samples(contact, COP_FROM * duration, COP_TO * duration, &first, &end);
    size_t n = 0;
    double sum = 0;
    double low = 0;
    double high = 0;
    for (size_t i = first; i < end; i++) {
        struct kl_cop cop;
        if (kl_cop_of_sample(contact, i, &cop)) {
            low = n == 0 ? cop.z_m : fmin(low, cop.z_m);
            high = n == 0 ? cop.z_m : fmax(high, cop.z_m);
            sum += cop.z_m;
            n++;
        }
    }
    if (n == 0 || (double)n < COP_VALID_PART * (double)samples) {
        return KL_REASON_COP_INVALID;
    }
    *mean = sum / (double)n;
    *range = high - low;
    return 0;
}

static uint32_t cop_mean_ml(const struct kl_metric_input *input, double *out)
{
    double mean = 0;
    double range = 0;
    uint32_t reasons = cop_ml(input->contact, &mean, &range);
    *out = kl_mirror_sign(input->side, KL_FZ) * (mean - input->midline_z_m);
    return reasons;
}

static uint32_t cop_range_ml(const struct kl_metric_input *input, double *out)
{
    double mean = 0;
    return cop_ml(input->contact, &mean, out);
}

static uint32_t cop_progression(const struct kl_metric_input *input, double *out)
{
    const struct kl_contact *contact = input->contact;
    size_t first;
    size_t end;
    (void)kl_contact_samples(contact, 0, kl_contact_duration(contact), &first, &end);
    size_t n = 0;
    double from = 0;
    double to = 0;
    for (size_t i = first; i < end; i++) {
        struct kl_cop cop;
        if (kl_cop_of_sample(contact, i, &cop)) {
            to = cop.x_m + input->speed_m_s * kl_contact_time(contact, i);
            from = n++ == 0 ? to : from;
        }
    }
    *out = to - from;
    return n >= 2 ? 0 : KL_REASON_COP_INVALID;
}

/* --------------------------------------------------------------- the table */

const struct kl_metric_row kl_force_metric[KL_METRIC_FORCE_COUNT] = {
    [KL_METRIC_CONTACT_TIME] = {{"contact_time", "Contact time", "s", KL_DISPLAY_SCALE, "ms", 1000,
                                 0, 100, 450, KL_DIRECTION_NEUTRAL,
                                 "toe-off - initial contact, crossings of F_thr (methods 4.1, 5)"},
                                KL_NEED_CONTACT | KL_NEED_QUIET,
                                FORCE_Y,
                                contact_time},
    [KL_METRIC_FLIGHT_TIME] = {{"flight_time", "Flight time", "s", KL_DISPLAY_SCALE, "ms", 1000, 0,
                                0, 250, KL_DIRECTION_NEUTRAL,
                                "next initial contact - toe-off (methods 5)"},
                               KL_NEED_TO | KL_NEED_NEXT | KL_NEED_QUIET,
                               FORCE_Y,
                               flight_time},
    [KL_METRIC_STEP_TIME] = {{"step_time", "Step time", "s", KL_DISPLAY_SCALE, "ms", 1000, 0, 200,
                              600, KL_DIRECTION_NEUTRAL,
                              "next initial contact - initial contact (methods 5)"},
                             KL_NEED_IC | KL_NEED_NEXT | KL_NEED_QUIET,
                             FORCE_Y,
                             step_time},
    [KL_METRIC_STRIDE_TIME] = {{"stride_time", "Stride time", "s", KL_DISPLAY_SCALE, "ms", 1000, 0,
                                400, 1200, KL_DIRECTION_NEUTRAL, "two step times (methods 5)"},
                               KL_NEED_IC | KL_NEED_NEXT2 | KL_NEED_QUIET,
                               FORCE_Y,
                               stride_time},
    [KL_METRIC_DUTY_FACTOR] = {{"duty_factor", "Duty factor", "1", KL_DISPLAY_SCALE, "", 1, 3, 0.2,
                                0.5, KL_DIRECTION_NEUTRAL,
                                "contact time / stride time (methods 5)"},
                               KL_NEED_CONTACT | KL_NEED_NEXT2 | KL_NEED_QUIET,
                               FORCE_Y,
                               duty_factor},
    [KL_METRIC_CADENCE] = {{"cadence", "Cadence", "1/s", KL_DISPLAY_SCALE, "steps/min", 60, 1, 140,
                            220, KL_DIRECTION_LOWER_LOAD, "1 / step time (methods 5)"},
                           KL_NEED_IC | KL_NEED_NEXT | KL_NEED_QUIET,
                           FORCE_Y,
                           cadence},
    [KL_METRIC_STEP_LENGTH] = {{"step_length", "Step length", "m", KL_DISPLAY_SCALE, "m", 1, 3, 0.5,
                                2.0, KL_DIRECTION_HIGHER_LOAD,
                                "belt speed x step time + advance of the foot (methods 5)"},
                               KL_NEED_IC | KL_NEED_NEXT | KL_NEED_SPEED | KL_NEED_QUIET,
                               FORCE_Y,
                               step_length},
    [KL_METRIC_ACTIVE_PEAK] = {{"active_peak", "Active peak", "N", KL_DISPLAY_BW, "BW", 1, 2, 1.0,
                                4.0, KL_DIRECTION_HIGHER_LOAD,
                                "maximum of Fy in 30-70 % of stance (methods 6)"},
                               KL_NEED_CONTACT | KL_NEED_INSIDE,
                               FORCE_Y,
                               active_peak},
    [KL_METRIC_TIME_TO_ACTIVE_PEAK] =
        {{"time_to_active_peak", "Time to active peak", "s", KL_DISPLAY_SCALE, "ms", 1000, 0, 50,
          250, KL_DIRECTION_NEUTRAL, "initial contact to active peak (methods 6)"},
         KL_NEED_CONTACT | KL_NEED_QUIET | KL_NEED_INSIDE,
         FORCE_Y,
         time_to_active_peak},
    [KL_METRIC_IMPACT_PEAK] =
        {{"impact_peak", "Impact peak", "N", KL_DISPLAY_BW, "BW", 1, 2, 0.5, 3.5,
          KL_DIRECTION_HIGHER_LOAD,
          "first maximum of Fy in 5-60 ms, trough of 0.02 BW behind it (methods 6)"},
         KL_NEED_CONTACT | KL_NEED_BODY_WEIGHT | KL_NEED_INSIDE,
         FORCE_Y,
         impact_peak},
    [KL_METRIC_TIME_TO_IMPACT_PEAK] =
        {{"time_to_impact_peak", "Time to impact peak", "s", KL_DISPLAY_SCALE, "ms", 1000, 0, 0, 60,
          KL_DIRECTION_LOWER_LOAD, "initial contact to impact peak (methods 6)"},
         KL_NEED_CONTACT | KL_NEED_BODY_WEIGHT | KL_NEED_QUIET | KL_NEED_INSIDE,
         FORCE_Y,
         time_to_impact_peak},
    [KL_METRIC_VALR] = {{"valr", "Average loading rate", "N/s", KL_DISPLAY_BW, "BW/s", 1, 1, 0, 150,
                         KL_DIRECTION_HIGHER_LOAD,
                         "slope of Fy in 20-80 % of the impact peak (methods 6)"},
                        KL_NEED_CONTACT | KL_NEED_QUIET | KL_NEED_INSIDE,
                        FORCE_Y,
                        valr},
    [KL_METRIC_VILR] = {{"vilr", "Instantaneous loading rate", "N/s", KL_DISPLAY_BW, "BW/s", 1, 1,
                         0, 200, KL_DIRECTION_HIGHER_LOAD,
                         "largest slope of Fy in 20-80 % of the impact peak (methods 6)"},
                        KL_NEED_CONTACT | KL_NEED_QUIET | KL_NEED_INSIDE,
                        FORCE_Y,
                        vilr},
    [KL_METRIC_VERTICAL_IMPULSE] = {{"vertical_impulse", "Vertical impulse", "N·s", KL_DISPLAY_BW,
                                     "BW·s", 1, 3, 0.2, 0.6, KL_DIRECTION_NEUTRAL,
                                     "integral of Fy over stance (methods 6)"},
                                    KL_NEED_CONTACT | KL_NEED_INSIDE,
                                    FORCE_Y,
                                    vertical_impulse},
    [KL_METRIC_PEAK_BRAKING] = {{"peak_braking", "Peak braking force", "N", KL_DISPLAY_BW, "BW", 1,
                                 3, 0, 0.8, KL_DIRECTION_HIGHER_LOAD,
                                 "largest -Fx in stance (methods 6)"},
                                KL_NEED_CONTACT | KL_NEED_INSIDE,
                                FORCE_X | FORCE_Y,
                                peak_braking},
    [KL_METRIC_TIME_TO_PEAK_BRAKING] = {{"time_to_peak_braking", "Time to peak braking", "s",
                                         KL_DISPLAY_SCALE, "ms", 1000, 0, 0, 200,
                                         KL_DIRECTION_NEUTRAL,
                                         "initial contact to peak braking (methods 6)"},
                                        KL_NEED_CONTACT | KL_NEED_QUIET | KL_NEED_INSIDE,
                                        FORCE_X | FORCE_Y,
                                        time_to_peak_braking},
    [KL_METRIC_BRAKING_IMPULSE] = {{"braking_impulse", "Braking impulse", "N·s", KL_DISPLAY_BW,
                                    "BW·s", 1, 4, 0, 0.05, KL_DIRECTION_HIGHER_LOAD,
                                    "integral of max(-Fx, 0) over stance (methods 6)"},
                                   KL_NEED_CONTACT | KL_NEED_INSIDE,
                                   FORCE_X | FORCE_Y,
                                   braking_impulse},
    [KL_METRIC_PEAK_PROPULSION] = {{"peak_propulsion", "Peak propulsive force", "N", KL_DISPLAY_BW,
                                    "BW", 1, 3, 0, 0.8, KL_DIRECTION_NEUTRAL,
                                    "largest Fx in stance (methods 6)"},
                                   KL_NEED_CONTACT | KL_NEED_INSIDE,
                                   FORCE_X | FORCE_Y,
                                   peak_propulsion},
    [KL_METRIC_PROPULSION_IMPULSE] = {{"propulsion_impulse", "Propulsive impulse", "N·s",
                                       KL_DISPLAY_BW, "BW·s", 1, 4, 0, 0.05, KL_DIRECTION_NEUTRAL,
                                       "integral of max(Fx, 0) over stance (methods 6)"},
                                      KL_NEED_CONTACT | KL_NEED_INSIDE,
                                      FORCE_X | FORCE_Y,
                                      propulsion_impulse},
    [KL_METRIC_BRAKING_TO_PROPULSION] =
        {{"braking_to_propulsion", "Braking to propulsion", "1", KL_DISPLAY_SCALE, "% stance", 100,
          1, 30, 70, KL_DIRECTION_NEUTRAL,
          "zero crossing of Fx after peak braking, part of stance (methods 6)"},
         KL_NEED_CONTACT | KL_NEED_QUIET | KL_NEED_INSIDE,
         FORCE_X | FORCE_Y,
         braking_to_propulsion},
    [KL_METRIC_PEAK_MEDIAL_FORCE] = {{"peak_medial_force", "Peak medial force", "N", KL_DISPLAY_BW,
                                      "BW", 1, 3, 0, 0.3, KL_DIRECTION_NEUTRAL,
                                      "largest -Fz in stance, mirrored (methods 6)"},
                                     KL_NEED_CONTACT | KL_NEED_SIDE | KL_NEED_INSIDE,
                                     FORCE_Y | FORCE_Z,
                                     peak_medial_force},
    [KL_METRIC_PEAK_LATERAL_FORCE] = {{"peak_lateral_force", "Peak lateral force", "N",
                                       KL_DISPLAY_BW, "BW", 1, 3, 0, 0.3, KL_DIRECTION_NEUTRAL,
                                       "largest Fz in stance, mirrored (methods 6)"},
                                      KL_NEED_CONTACT | KL_NEED_SIDE | KL_NEED_INSIDE,
                                      FORCE_Y | FORCE_Z,
                                      peak_lateral_force},
    [KL_METRIC_MEDIOLATERAL_IMPULSE] =
        {{"mediolateral_impulse", "Mediolateral impulse", "N·s", KL_DISPLAY_BW, "BW·s", 1, 4, -0.03,
          0.03, KL_DIRECTION_NEUTRAL,
          "integral of Fz over stance, mirrored, + outwards (methods 6)"},
         KL_NEED_CONTACT | KL_NEED_SIDE | KL_NEED_INSIDE,
         FORCE_Y | FORCE_Z,
         mediolateral_impulse},
    [KL_METRIC_FREE_MOMENT_PEAK] =
        {{"free_moment_peak", "Peak free moment", "N·m", KL_DISPLAY_BWH, "%BW·H", 100, 2, -1.5, 1.5,
          KL_DIRECTION_NEUTRAL,
          "My - z Fx + x Fz, largest size, mirrored, + toes inwards (methods 7.1, 7.3)"},
         KL_NEED_CONTACT | KL_NEED_SIDE | KL_NEED_QUIET | KL_NEED_INSIDE,
         KL_PLATE_MEASURES_ALL,
         free_moment_peak},
    [KL_METRIC_COP_MEAN_ML] = {{"cop_mean_ml", "COP from midline", "m", KL_DISPLAY_SCALE, "mm",
                                1000, 1, -200, 200, KL_DIRECTION_NEUTRAL,
                                "mean of z in 20-80 % of stance, mirrored, from the midline "
                                "between the feet (methods 7.3)"},
                               KL_NEED_CONTACT | KL_NEED_SIDE | KL_NEED_QUIET | KL_NEED_INSIDE,
                               COP_Z,
                               cop_mean_ml},
    [KL_METRIC_COP_RANGE_ML] = {{"cop_range_ml", "COP range mediolateral", "m", KL_DISPLAY_SCALE,
                                 "mm", 1000, 1, 0, 60, KL_DIRECTION_NEUTRAL,
                                 "range of z in 20-80 % of stance (methods 7.3)"},
                                KL_NEED_CONTACT | KL_NEED_QUIET | KL_NEED_INSIDE,
                                COP_Z,
                                cop_range_ml},
    [KL_METRIC_COP_PROGRESSION] =
        {{"cop_progression", "COP progression", "m", KL_DISPLAY_SCALE, "mm", 1000, 0, 0, 350,
          KL_DIRECTION_NEUTRAL,
          "x + belt travel, first to last valid sample of stance (methods 7.3)"},
         KL_NEED_CONTACT | KL_NEED_SPEED | KL_NEED_QUIET | KL_NEED_INSIDE,
         COP_X,
         cop_progression},
};

bool kl_metric_has_impact_peak(const struct kl_metric_input *input)
{
    struct kl_vertical_peaks found;
    return input->contact->has_ic && input->contact->has_to && peaks(input, &found) &&
           found.has_impact;
}

enum kl_loading_rule kl_metric_loading_rule(const struct kl_metric_input *input)
{
    if (!input->force_rule && kl_metric_has_impact_peak(input)) {
        return KL_LOADING_IMPACT_PEAK;
    }
    return input->rule_without_impact;
}
