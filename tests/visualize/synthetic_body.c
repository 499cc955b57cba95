#include "synthetic_snapshot.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const double pi = 3.14159265358979323846;
#define DEG (3.14159265358979323846 / 180.0)
#define BODY_N 686.5
#define GRAVITY 9.80665

static double wobble(size_t step, size_t what)
{
    return sin((double)(step * 7 + what * 13 + 3));
}

/* ------------------------------------------------------------------ curves */

static double angle_at(size_t kind, double s, size_t step)
{
    switch (kind) {
    case KL_CURVE_EVERSION:
        return (-3.0 + 13.0 * sin(pi * s) + 0.8 * wobble(step, 1)) * DEG;
    case KL_CURVE_KNEE_FLEXION:
        return (14.0 + 26.0 * pow(sin(pi * pow(s, 0.9)), 1.5) + 1.5 * wobble(step, 2)) * DEG;
    case KL_CURVE_KNEE_ADDUCTION:
        return (-1.0 + 4.5 * sin(1.3 * pi * s) + 0.5 * wobble(step, 3)) * DEG;
    default: /* N·m: two humps */
        return (0.75 * sin(pi * s) + 0.25 * sin(3.0 * pi * s) + 0.05 * wobble(step, 4)) * BODY_N /
               GRAVITY;
    }
}

static void fill_curves(struct kl_snapshot_side *side, enum kl_side which, bool thigh)
{
    side->motion_count = side->steps < KL_MOTION_CURVE_STEPS ? side->steps : KL_MOTION_CURVE_STEPS;
    for (size_t i = 0; i < side->motion_count; i++) {
        struct kl_motion_curve *curve = &side->motion[i];
        curve->step = side->last.index - 2 * (uint32_t)i;
        curve->moment_band_n_m = (float)(0.18 * BODY_N / GRAVITY);
        curve->moment_level = KL_KNEE_K2B;
        curve->moment_frame = KL_KNEE_SHANK;
        for (size_t kind = 0; kind < KL_CURVE_KIND_COUNT; kind++) {
            curve->has[kind] = kind == KL_CURVE_EVERSION || thigh;
            double more = which == KL_SIDE_LEFT ? 1.15 : 1.0;
            for (size_t j = 0; j < KL_CURVE_POINTS; j++) {
                double s = (double)j / (KL_CURVE_POINTS - 1);
                curve->value[kind][j] = (float)(more * angle_at(kind, s, side->last.index + i));
            }
        }
        if (i == 1) { /* a gap in one stance */
            for (size_t j = 40; j < 48; j++) {
                curve->value[KL_CURVE_EVERSION][j] = NAN;
            }
        }
    }
}

/* ----------------------------------------------------------------- metrics */

/* A plausible value for any row: two fifths up its plot range. */
static double typical_of(enum kl_metric_id id)
{
    const struct kl_metric *metric = kl_metric_get(id);
    double shown = metric->plot_min + 0.4 * (metric->plot_max - metric->plot_min);
    double per_unit = 1.0;
    (void)kl_metric_display(metric, 1.0, BODY_N, 1.75, &per_unit);
    return shown / per_unit;
}

static void fill_metrics(struct kl_snapshot_side *side, uint32_t motion, uint32_t knee,
                         uint32_t muscle)
{
    for (unsigned id = KL_METRIC_MOTION; id < KL_METRIC_COUNT; id++) {
        uint32_t reasons = id < KL_METRIC_KNEE ? motion : id < KL_METRIC_MUSCLE ? knee : muscle;
        side->last.metric_reasons[id] = reasons;
        side->last.metric[id] = reasons == 0 ? typical_of((enum kl_metric_id)id) : 0.0;
        side->n[id] = reasons == 0 ? side->n[0] : 0;
        side->mean[id] = side->last.metric[id] * 0.98;
    }
    if (knee == 0) { /* what motion capture alone gives */
        for (unsigned id = kl_metric_find("kam_peak"); id <= kl_metric_find("kam_band"); id++) {
            side->last.metric_reasons[id] = KL_REASON_NO_SENSOR;
            side->n[id] = 0;
        }
        side->last.metric_reasons[kl_metric_find("kam_k2a_band")] = KL_REASON_NO_LENGTHS;
    }
    if (motion == 0) {
        side->last.metric_reasons[kl_metric_find("trunk_rotation_range")] = KL_REASON_STRAP;
        side->n[kl_metric_find("trunk_rotation_range")] = 0;
    }
}

/* ------------------------------------------------------------- calibration */

static void fill_phase(struct kl_snapshot_phase *phase, bool pass, double quality, double seconds,
                       const char *message)
{
    phase->done = true;
    phase->pass = pass;
    phase->quality = quality;
    phase->elapsed_s = seconds;
    (void)snprintf(phase->message, sizeof(phase->message), "%s", message);
}

static void fill_running(struct kl_snapshot_calibration *calibration, double t_s)
{
    fill_phase(&calibration->phase[KL_CALIBRATION_STILL], true, 0.98, 10.0, "good");
    fill_phase(&calibration->phase[KL_CALIBRATION_SQUATS], false, 0.71, 20.0,
               "shank.right: the axis is uncertain (Q 0.71, at least 0.90); bend straight ahead, "
               "knees over the toes, no turning");
    struct kl_snapshot_phase *bows = &calibration->phase[KL_CALIBRATION_BOWS];
    bows->running = true;
    bows->elapsed_s = fmod(t_s, 15.0);
    bows->quality = 0.5 + 0.03 * bows->elapsed_s;
    (void)snprintf(bows->message, sizeof(bows->message),
                   "pelvis: 2 bows of at least 3; bow straight forward from the hips");
    calibration->finding_count = 3;
    calibration->finding[0].corrected = true;
    (void)snprintf(calibration->finding[0].text, sizeof(calibration->finding[0].text),
                   "foot.left hangs upside down: used as it sits");
    (void)snprintf(calibration->finding[1].text, sizeof(calibration->finding[1].text),
                   "thigh.left and shank.left look exchanged: the one named thigh.left bends "
                   "backward in a squat; exchange the sensors or their names");
    (void)snprintf(calibration->finding[2].text, sizeof(calibration->finding[2].text),
                   "trunk: the accelerometer reads 9.61 m/s^2 at rest; calibrate it");
}

static void fill_calibration(struct kl_snapshot_calibration *calibration,
                             enum synthetic_scene scene, double t_s)
{
    for (size_t i = 0; i < KL_SEGMENT_COUNT; i++) {
        calibration->worn[i] = true;
        calibration->calibrated[i] = scene == SYNTHETIC_WORN;
    }
    for (size_t s = KL_SIDE_LEFT; s < KL_SIDE_COUNT; s++) {
        for (size_t m = 0; m < KL_MUSCLE_COUNT; m++) {
            calibration->electrode[s][m] = true;
            calibration->reference[s][m] = scene == SYNTHETIC_WORN;
        }
    }
    for (size_t i = 0; i < KL_SNAPSHOT_PHASES; i++) {
        calibration->phase[i].asked = true;
        if (scene == SYNTHETIC_WORN) {
            fill_phase(&calibration->phase[i], true, 0.93 + 0.01 * (double)i,
                       kl_snapshot_phase_seconds(i), "good");
        }
    }
    if (scene == SYNTHETIC_CALIBRATING) {
        fill_running(calibration, t_s);
    }
}

void synthetic_body(enum synthetic_scene scene, double t_s, struct kl_snapshot *out)
{
    if (scene != SYNTHETIC_WORN && scene != SYNTHETIC_UNREADY && scene != SYNTHETIC_CALIBRATING) {
        return;
    }
    fill_calibration(&out->calibration, scene, t_s);
    for (size_t s = KL_SIDE_LEFT; s < KL_SIDE_COUNT && out->side[s].has_step; s++) {
        uint32_t lack = scene == SYNTHETIC_WORN ? 0
                        : s == KL_SIDE_RIGHT    ? (uint32_t)KL_REASON_NO_SENSOR
                                                : (uint32_t)KL_REASON_NOT_CALIBRATED;
        fill_metrics(&out->side[s], lack, lack, lack);
        if (lack == 0) {
            fill_curves(&out->side[s], (enum kl_side)s, true);
        }
    }
}
