/* What can be computed from the motion around one stance: a table to walk (methods 10 and 11).
 *
 * Every row has a key, and is computed by one call. A value comes with marks: why it is less good
 * than usual, or, when there is none, why. Angles are relative to the runner's own standing pose:
 * static alignment is not in them. Excursions count from initial contact. "Eversion" is that of
 * what the foot sensor is mounted on: rearfoot only on the heel counter, else the shoe. Units: SI.
 * Threads: any. RT safe.
 */
#ifndef KL_PROCESS_MOTION_MOTION_METRIC_H
#define KL_PROCESS_MOTION_MOTION_METRIC_H

#include "process/motion/joint_angle.h"
#include "process/motion/motion_window.h"
#include "process/motion/tibial_shock.h"
#include "process/steps/metric.h"

enum kl_motion_metric {
    KL_MOTION_EVERSION_EXCURSION = 0,   /* rad, 0-60 % */
    KL_MOTION_EVERSION_PEAK,            /* rad from standing, 0-60 % */
    KL_MOTION_EVERSION_PEAK_TIME,       /* part of stance */
    KL_MOTION_EVERSION_VELOCITY,        /* rad/s, largest in 0-60 % */
    KL_MOTION_TIBIAL_ROTATION,          /* rad, shank rate about its long axis integrated from IC */
    KL_MOTION_TIBIAL_ROTATION_TO_FOOT,  /* rad, shank against foot, 0-60 % */
    KL_MOTION_COUPLING_RATIO,           /* eversion / tibial rotation excursion */
    KL_MOTION_KNEE_VARUS_EXCURSION,     /* rad, 0-50 % */
    KL_MOTION_KNEE_VALGUS_EXCURSION,    /* rad, 0-50 %, positive */
    KL_MOTION_KNEE_ROTATION_EXCURSION,  /* rad, internal, 0-60 % */
    KL_MOTION_SHANK_ADDUCTION_VELOCITY, /* rad/s, 0-30 %: varus thrust */
    KL_MOTION_SHANK_ABDUCTION_VELOCITY, /* rad/s, 0-30 %, positive: valgus thrust */
    KL_MOTION_THIGH_ADDUCTION_VELOCITY,
    KL_MOTION_THIGH_ABDUCTION_VELOCITY,
    KL_MOTION_HIP_ADDUCTION_PEAK,      /* rad from standing, 0-60 % */
    KL_MOTION_HIP_ADDUCTION_EXCURSION, /* rad, 0-60 % */
    KL_MOTION_PELVIC_DROP_MID,         /* rad at 50 %, minus IC */
    KL_MOTION_PELVIC_DROP_PEAK,        /* rad in 0-60 %, minus IC */
    KL_MOTION_TRUNK_FORWARD_LEAN,      /* rad, mean over stance */
    KL_MOTION_TRUNK_LATERAL_LEAN,      /* rad, peak toward the stance side */
    KL_MOTION_TRUNK_ROTATION_RANGE,    /* rad over the stride */
    KL_MOTION_TRUNK_PELVIS_RANGE,      /* rad over the stride, rotation of trunk against pelvis */
    KL_MOTION_TIBIA_INCLINATION,       /* rad at contact, ankle ahead of knee */
    KL_MOTION_KNEE_FLEXION_CONTACT,    /* rad at contact */
    KL_MOTION_KNEE_FLEXION_PEAK,       /* rad in stance */
    KL_MOTION_KNEE_CROSS_TALK,         /* correlation of knee frontal angle with flexion in swing */
    KL_MOTION_SHOCK_AXIAL,             /* m/s^2, PTA_y */
    KL_MOTION_SHOCK_RESULTANT,         /* m/s^2, PTA_r */
    KL_MOTION_METRIC_COUNT,
};

struct kl_motion_metric_row {
    struct kl_metric metric;
    bool needs_stride; /* waits for the next contact of this foot */
};

/** id < KL_MOTION_METRIC_COUNT. */
const struct kl_motion_metric_row *kl_motion_metric_get(enum kl_motion_metric id);

struct kl_motion_input {
    const struct kl_motion_window *window;
    const struct kl_shock_window *shock; /* NULL: no shock */
};

/** One metric of one stance.
 *  @param out    SI value; untouched unless true is returned
 *  @param marks  always written: kl_motion_mark bits of the value, or why there is none
 *  @return whether there is a value */
bool kl_motion_metric_compute(enum kl_motion_metric id, const struct kl_motion_input *input,
                              double *out, uint32_t *marks);

/** A clinical angle over the window, for curves.
 *  @param out_rad  out [window->count]; untouched where valid is false
 *  @param valid    out [window->count]
 *  @return kl_motion_mark bits of its segments; 0 or marks that leave it readable */
uint32_t kl_motion_curve(const struct kl_motion_window *window, enum kl_clinical angle,
                         double *out_rad, bool *valid);

/** |r| above which the knee frontal angle follows flexion (methods 9.3). */
#define KL_CROSS_TALK_MAX 0.7

#endif
