/* Boards of our own format for any load: fixed records with sync, counter, the board's time in
 * microseconds, int16 values and a CRC, which the lab file describes to the driver binary_record.
 * Their true times are known in closed form.
 */
#ifndef KL_TESTS_RIG_RECORD_DEVICE_H
#define KL_TESTS_RIG_RECORD_DEVICE_H

#include "tests/devices/emulators.h"

struct record_device {
    double rate_hz;
    size_t channels; /* of all streams */
    /* its clock against the true time t: d = t + ppm t + ramp t^2 / 2 */
    double drift_ppm, ramp_ppm_s;
    uint64_t next;
    /* for benches: when record n was handed to the cable, ns; a ring */
    int64_t *handed_ns;
    size_t handed_count;
};

/** True time at which record n is made, ns since the board was switched on. */
double record_device_true_ns(const struct record_device *self, uint64_t n);

extern const struct emulated_device record_plate_10k, /* 6 channels at 10 kHz */
    record_plate_2k,                                  /* at 2 kHz */
    record_daq_2k,                                    /* 6 and 2 channels at 2 kHz */
    record_imu_pair_1k,                               /* 2 x 9 channels at 1 kHz */
    record_imu_1k,                                    /* 9 channels at 1 kHz */
    record_emg_4k,                                    /* 16 channels at 4 kHz */
    record_imu_400;                                   /* 6 channels at 400 Hz */

#endif
