#include "process/snapshot.h"

#include <math.h>
#include <string.h>

const char *kl_gait_text(enum kl_gait gait)
{
    static const char *const text[] = {
        [KL_GAIT_NONE] = "no runner",
        [KL_GAIT_STAND] = "standing",
        [KL_GAIT_WALK] = "walking",
        [KL_GAIT_RUN] = "running",
        [KL_GAIT_GROUNDED] = "running without flight",
    };
    return (unsigned)gait < sizeof(text) / sizeof(text[0]) ? text[gait] : "unknown";
}

/* ------------------------------------------------------------------ curves */

static const struct {
    const char *text, *metric;
} curves[KL_CURVE_KIND_COUNT] = {
    [KL_CURVE_EVERSION] = {"eversion", "eversion_peak"},
    [KL_CURVE_KNEE_FLEXION] = {"knee flexion", "knee_flexion_peak"},
    [KL_CURVE_KNEE_ADDUCTION] = {"knee adduction", "knee_varus_excursion"},
    [KL_CURVE_KNEE_MOMENT] = {"knee adduction moment", "kam_k2b_peak"},
};

const char *kl_motion_curve_text(enum kl_motion_curve_kind kind)
{
    return (unsigned)kind < KL_CURVE_KIND_COUNT ? curves[kind].text : "unknown";
}

enum kl_metric_id kl_motion_curve_metric(enum kl_motion_curve_kind kind)
{
    return (unsigned)kind < KL_CURVE_KIND_COUNT ? kl_metric_find(curves[kind].metric)
                                                : KL_METRIC_COUNT;
}

size_t kl_motion_curve_mean(const struct kl_snapshot_side *side, enum kl_motion_curve_kind kind,
                            float out[KL_CURVE_POINTS], float *band)
{
    size_t stances = 0;
    double band_sum = 0.0;
    double sum[KL_CURVE_POINTS] = {0};
    size_t valid[KL_CURVE_POINTS] = {0};
    for (size_t s = 0; s < side->motion_count && s < KL_MOTION_CURVE_STEPS; s++) {
        const struct kl_motion_curve *curve = &side->motion[s];
        if (!curve->has[kind]) {
            continue;
        }
        stances++;
        band_sum += (double)curve->moment_band_n_m;
        for (size_t i = 0; i < KL_CURVE_POINTS; i++) {
            if (isfinite(curve->value[kind][i])) {
                sum[i] += (double)curve->value[kind][i];
                valid[i]++;
            }
        }
    }
    for (size_t i = 0; i < KL_CURVE_POINTS; i++) {
        out[i] = valid[i] > 0 ? (float)(sum[i] / (double)valid[i]) : NAN;
    }
    *band =
        kind == KL_CURVE_KNEE_MOMENT && stances > 0 ? (float)(band_sum / (double)stances) : 0.0F;
    return stances;
}

/* ------------------------------------------------------------------ phases */

static const double phase_s[KL_SNAPSHOT_PHASES] = {
    [KL_CALIBRATION_STILL] = 10.0,       [KL_CALIBRATION_SQUATS] = 20.0,
    [KL_CALIBRATION_BOWS] = 15.0,        [KL_CALIBRATION_MARCH] = 20.0,
    [KL_CALIBRATION_STILL_AGAIN] = 10.0, [KL_SNAPSHOT_PHASE_MVC] = 15.0,
};

const char *kl_snapshot_phase_text(size_t phase)
{
    if (phase == KL_SNAPSHOT_PHASE_MVC) {
        return "mvc";
    }
    return phase < KL_CALIBRATION_PHASE_COUNT
               ? kl_calibration_phase_text((enum kl_calibration_phase)phase)
               : "none";
}

const char *kl_snapshot_phase_instruction(size_t phase)
{
    if (phase == KL_SNAPSHOT_PHASE_MVC) {
        return "Stretch the knee against resistance, three times as hard as you can, 2 s each.";
    }
    return phase < KL_CALIBRATION_PHASE_COUNT
               ? kl_calibration_instruction((enum kl_calibration_phase)phase)
               : "";
}

double kl_snapshot_phase_seconds(size_t phase)
{
    return phase < KL_SNAPSHOT_PHASES ? phase_s[phase] : 0.0;
}

size_t kl_snapshot_phase_find(const char *text)
{
    if (strcmp(text, "marching") == 0) {
        return KL_CALIBRATION_MARCH;
    }
    if (strncmp(text, "mvc.", 4) == 0) {
        return KL_SNAPSHOT_PHASE_MVC;
    }
    size_t phase = 0;
    while (phase < KL_SNAPSHOT_PHASES && strcmp(text, kl_snapshot_phase_text(phase)) != 0) {
        phase++;
    }
    return phase;
}
