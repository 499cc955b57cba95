/* A body of stiff segments that stands, bends its knees, bows and marches, with a sensor mounted
 * anyhow on each. The truth of every mounting is known. */
#ifndef KL_TESTS_PROCESS_MOTION_CALIBRATED_BODY_H
#define KL_TESTS_PROCESS_MOTION_CALIBRATED_BODY_H

#include "process/motion/accelerometer_calibration.h"
#include "process/motion/body_calibration.h"

struct body {
    enum kl_segment seat[KL_SEGMENT_COUNT];    /* where the sensor named for a segment really is */
    bool worn[KL_SEGMENT_COUNT];               /* by name */
    struct kl_quat mounting[KL_SEGMENT_COUNT]; /* by real segment: segment frame to sensor frame */
    struct kl_vec bias_rad_s;
    double noise_rad_s, noise_m_s2;
    double wobble;                         /* out-of-plane part of every movement */
    double sway_rad_s;                     /* restlessness of the still poses */
    bool left_first;                       /* in the march */
    struct kl_quat slip[KL_SEGMENT_COUNT]; /* of the mounting, before the second still pose */
    struct kl_accelerometer_calibration accelerometer; /* error of all: what would correct it */
    bool mirrored; /* in the sagittal plane; sensors in their y axis */
    double rate_hz;
    int64_t t_ns;
};

/** Everything worn where it should be, mountings at random. */
void body_init(struct body *body);

/** Goes through one phase. */
void body_do(struct body *body, struct kl_body_calibration *calibration,
             enum kl_calibration_phase phase);

/** All five. */
void body_do_all(struct body *body, struct kl_body_calibration *calibration);

/** The sensor's reading at a time of a phase, by its name. */
void body_sample(const struct body *body, enum kl_calibration_phase phase, double t_s,
                 enum kl_segment sensor, struct kl_vec *w_rad_s, struct kl_vec *a_m_s2);

#endif
