/* Other laboratories' inertial recordings as tables of numbers, and how orientations are scored. */
#ifndef KL_TESTS_IMU_RECORDING_H
#define KL_TESTS_IMU_RECORDING_H

#include "process/motion/orientation.h"

struct imu_recording {
    size_t rows, columns;
    double *value; /* [rows][columns]; an empty cell is NaN */
};

/** Reads a delimited text (comma or tab; .gz where zlib was there at build time).
 *  @return rows; 0: no such file, out is empty */
size_t imu_recording_read(const char *path, size_t header_lines, size_t columns,
                          struct imu_recording *out);
void imu_recording_destroy(struct imu_recording *recording);

static inline const double *imu_recording_row(const struct imu_recording *r, size_t row)
{
    return &r->value[row * r->columns];
}

static inline struct kl_vec imu_recording_vec(const double *three, double scale)
{
    return (struct kl_vec){scale * three[0], scale * three[1], scale * three[2]};
}

#define BROAD_TRIALS 4
#define BROAD_RATE_HZ 285.7142857142857

/** The delay of the recording's gyroscope against the cameras, from a fit of the angular rates in
 *  all 30 trials of the data set at hand, 26 of which are not used here: 4.2 ms in each, about
 *  what a 92 Hz low-pass of such a sensor makes (3.9 ms). */
#define BROAD_DELAY_S 0.0042

struct broad_trial {
    const char *name, *file;
    double vqf_deg; /* inclination RMSE of VQF: data/reference/broad_orientation.json */
};

extern const struct broad_trial broad_trials[BROAD_TRIALS];

struct broad_score {
    double inclination_rmse_deg; /* over movement, as dlaidig/broad scores it; heading freed */
    double heading_drift_deg;    /* heading error, last second of data minus first */
    double ns_per_update;        /* processor time */
    size_t movement;
};

/** Runs a trial through the filter. @return rows; 0: no recording */
size_t broad_run(const struct broad_trial *trial, const struct kl_orientation_settings *settings,
                 struct broad_score *out);

#endif
