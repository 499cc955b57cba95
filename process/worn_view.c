/* What is worn, as the screen shows it: curves of a stance, and how the calibration stands. */
#include "process/motion/motion_metric.h"
#include "process/worn.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Levels by what they may claim, best first. */
static const enum kl_knee_level best_first[] = {KL_KNEE_K3, KL_KNEE_K2B, KL_KNEE_K2A};

/* A curve of the window at the points of the contact. */
static void resample(const struct kl_motion_window *window, const double *value, const bool *valid,
                     float out[KL_CURVE_POINTS])
{
    for (size_t p = 0; p < KL_CURVE_POINTS; p++) {
        double part = (double)p / (KL_CURVE_POINTS - 1);
        double at = (window->ic_s + part * (window->to_s - window->ic_s)) * KL_MOTION_RATE_HZ;
        at = fmin(fmax(at, 0), (double)window->count - 1);
        size_t i = (size_t)at;
        size_t next = i + 1 < window->count ? i + 1 : i;
        bool good = valid == NULL || (valid[i] && valid[next]);
        double between = value[i] + (at - (double)i) * (value[next] - value[i]);
        out[p] = good ? (float)between : (float)NAN;
    }
}

static bool moment_of(const struct kl_worn *worn, struct kl_motion_curve *out)
{
    const struct kl_knee_step *knee = kl_worn_knee(worn);
    for (size_t i = 0; i < sizeof(best_first) / sizeof(best_first[0]); i++) {
        const struct kl_knee_result *result = &knee->level[best_first[i]];
        if (result->reasons == 0) {
            resample(kl_worn_window(worn), result->curve.value, NULL,
                     out->value[KL_CURVE_KNEE_MOMENT]);
            out->moment_band_n_m = (float)result->band_n_m;
            out->moment_level = best_first[i];
            out->moment_frame = result->frame;
            return true;
        }
    }
    return false;
}

bool kl_worn_curve(const struct kl_worn *worn, uint32_t step, struct kl_motion_curve *out)
{
    static const struct {
        enum kl_motion_curve_kind kind;
        enum kl_clinical angle;
    } angles[] = {
        {KL_CURVE_EVERSION, KL_CLINICAL_EVERSION},
        {KL_CURVE_KNEE_FLEXION, KL_CLINICAL_KNEE_FLEXION},
        {KL_CURVE_KNEE_ADDUCTION, KL_CLINICAL_KNEE_ADDUCTION},
    };
    const uint32_t unreadable = KL_MOTION_NO_SENSOR | KL_MOTION_NOT_CALIBRATED | KL_MOTION_MISSING |
                                KL_MOTION_SETTLING | KL_MOTION_NO_SIDE;
    const struct kl_motion_window *window = kl_worn_window(worn);
    if (window == NULL || window->count < 2) {
        return false;
    }
    bool any = false;
    struct kl_motion_curve found = {.step = step};
    double value[KL_MOTION_SAMPLES];
    bool valid[KL_MOTION_SAMPLES];
    for (size_t i = 0; i < sizeof(angles) / sizeof(angles[0]); i++) {
        if ((kl_motion_curve(window, angles[i].angle, value, valid) & unreadable) == 0) {
            resample(window, value, valid, found.value[angles[i].kind]);
            found.has[angles[i].kind] = any = true;
        }
    }
    found.has[KL_CURVE_KNEE_MOMENT] = moment_of(worn, &found);
    any = any || found.has[KL_CURVE_KNEE_MOMENT];
    if (any) {
        *out = found;
    }
    return any;
}

/* -------------------------------------------------------------- calibration */

static void show_phase(const struct kl_worn *worn, size_t phase, bool asked,
                       struct kl_snapshot_phase *out)
{
    struct kl_calibration_check check;
    kl_body_calibration_check(kl_worn_calibration(worn), (enum kl_calibration_phase)phase, &check);
    out->asked = asked;
    out->running = check.running;
    out->done = check.done;
    out->pass = check.pass;
    out->quality = check.quality;
    out->elapsed_s = check.elapsed_s;
    (void)snprintf(out->message, sizeof(out->message), "%s", check.text);
}

void kl_worn_show_muscles(const struct kl_worn *worn, struct kl_snapshot_calibration *out)
{
    const struct kl_muscle_signals *muscles = kl_worn_muscles(worn);
    struct kl_snapshot_phase *phase = &out->phase[KL_SNAPSHOT_PHASE_MVC];
    size_t worn_count = 0;
    size_t known = 0;
    for (unsigned s = KL_SIDE_LEFT; s < KL_SIDE_COUNT; s++) {
        for (unsigned m = 0; m < KL_MUSCLE_COUNT; m++) {
            enum kl_side side = (enum kl_side)s;
            enum kl_muscle muscle = (enum kl_muscle)m;
            out->electrode[s][m] = kl_muscle_signals_has(muscles, side, muscle);
            out->reference[s][m] = kl_muscle_signals_reference(muscles, side, muscle) > 0;
            worn_count += out->electrode[s][m];
            known += out->electrode[s][m] && out->reference[s][m];
        }
    }
    phase->asked = worn_count > 0;
    phase->running = worn_count > 0 && kl_muscle_signals_contracting(muscles, kl_worn_newest(worn));
    phase->done = known > 0;
    phase->pass = known > 0 && known == worn_count;
    phase->quality = worn_count > 0 ? (double)known / (double)worn_count : 0;
    (void)snprintf(phase->message, sizeof(phase->message), "%zu of %zu electrodes have a reference",
                   known, worn_count);
}

void kl_worn_show_calibration(const struct kl_worn *worn, struct kl_snapshot_calibration *out)
{
    memset(out, 0, sizeof(*out));
    bool any = false;
    for (unsigned s = 0; s < KL_SEGMENT_COUNT; s++) {
        struct kl_segment_alignment alignment;
        out->worn[s] = kl_worn_has(worn, (enum kl_segment)s);
        out->calibrated[s] = kl_body_calibration_alignment(kl_worn_calibration(worn),
                                                           (enum kl_segment)s, &alignment);
        any = any || out->worn[s];
    }
    for (size_t p = 0; any && p < KL_CALIBRATION_PHASE_COUNT; p++) {
        show_phase(worn, p, any, &out->phase[p]);
    }
    kl_worn_show_muscles(worn, out);
    struct kl_calibration_finding finding[KL_FINDINGS_MAX];
    out->finding_count = kl_body_calibration_findings(kl_worn_calibration(worn), finding);
    for (size_t i = 0; i < out->finding_count; i++) {
        out->finding[i].corrected = finding[i].corrected;
        (void)snprintf(out->finding[i].text, sizeof(out->finding[i].text), "%s", finding[i].text);
    }
}
