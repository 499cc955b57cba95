/* The bias of a gyroscope, estimated at rest and while moving.
 *
 * At rest the low-passed rate is the bias. In motion the inclination correction that the low-passed
 * acceleration keeps asking for is the bias turned into the earth frame; its vertical part cannot
 * be seen. A three-state Kalman filter joins both (methods 8.2, VQF sections 3.4 and 3.5). A bias
 * moves over minutes, so the filter runs once per KL_GYRO_BIAS_STEP_S on means, not at every
 * sample. Caller's memory. Threads: any, one at a time. RT safe.
 */
#ifndef KL_PROCESS_MOTION_GYRO_BIAS_H
#define KL_PROCESS_MOTION_GYRO_BIAS_H

#include "acquire/stream.h"
#include "process/motion/rotation.h"

struct kl_gyro_bias_settings {
    double start_sd_rad_s;  /* standard uncertainty before anything is known */
    double forget_s;        /* in this time an exact bias becomes uncertain by 0.1 deg/s */
    double motion_sd_rad_s; /* uncertainty reached in motion; larger: slower */
    double rest_sd_rad_s;   /* uncertainty reached at rest */
    double max_rad_s;       /* per axis; also clips a single disagreement */
};

/** 0.5 deg/s, 100 s, 0.1 deg/s, 0.03 deg/s, 2 deg/s: VQF's defaults. */
struct kl_gyro_bias_settings kl_gyro_bias_settings_defaults(void);

#endif
