/* The inertial signals derived from runner RBDS002 at 2.5 m/s, run through the motion chain, and
 * the reference of its markers beside each stance. Shared by the test and the bench. */
#ifndef KL_TESTS_PROCESS_MOTION_FUKUCHI_H
#define KL_TESTS_PROCESS_MOTION_FUKUCHI_H

#include "process/motion/motion_metric.h"

#define FUKUCHI_STANCES 80
#define FUKUCHI_ROWS 13

struct fukuchi_row {
    const char *key; /* of the reference */
    enum kl_motion_metric metric;
    bool malleolar; /* shank frame M, else B: standing-neutral, epicondylar */
    bool excursion; /* the goal of 1.0 / 1.5 deg holds for it */
};

extern const struct fukuchi_row fukuchi_rows[FUKUCHI_ROWS];

struct fukuchi_error {
    size_t count, refused;
    double mean_reference_deg, bias_deg, rms_deg, correlation;
};

struct fukuchi_setup {
    const char *file; /* imu_RBDS002runT25_clean.csv or _noisy.csv */
    bool malleolar;   /* shank axis from the malleoli, else from the epicondyles */
    bool square;      /* every axis taken as square to the belt when standing, else the
                         standing heading is entered */
    bool anchor_only; /* no still pose: mean posture in running is taken as square */
    size_t block;     /* samples per block */
};

/** Runs it. @return false when the recordings are not there */
bool fukuchi_run(const struct fukuchi_setup *setup, struct fukuchi_error out[FUKUCHI_ROWS]);

#endif
