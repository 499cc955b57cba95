/* The inertial chain on real running (RBDS002 at 2.5 m/s, signals derived from the markers) against
 * the angles of those markers, stance by stance, in the same named shank frame. */
#include "fukuchi.h"

#include <criterion/criterion.h>

#include <string.h>

/* The goal is 1.0 deg clean and 1.5 deg noisy for excursions. What is reached is held: 0.3 deg, of
 * which the 20 Hz filter takes up to 0.3 (knee flexion at contact), and a tenth to spare. */
#define RMS_MAX_DEG 0.4

Test(motion_recordings, angles_follow_the_markers_clean_and_with_noise)
{
    static const struct fukuchi_setup setups[] = {
        {"imu_RBDS002runT25_clean.csv", false, false, false, 30},
        {"imu_RBDS002runT25_clean.csv", true, false, false, 30},
        {"imu_RBDS002runT25_noisy.csv", false, false, false, 30},
        {"imu_RBDS002runT25_noisy.csv", true, false, false, 30},
    };
    for (size_t s = 0; s < sizeof(setups) / sizeof(setups[0]); s++) {
        struct fukuchi_error error[FUKUCHI_ROWS];
        if (!fukuchi_run(&setups[s], error)) {
            cr_skip_test("skipped: no recordings at " KL_DATA);
        }
        for (size_t i = 0; i < FUKUCHI_ROWS; i++) {
            if (fukuchi_rows[i].malleolar == setups[s].malleolar) {
                cr_expect_eq(error[i].count, 74, "%s %s", setups[s].file, fukuchi_rows[i].key);
                cr_expect_lt(error[i].rms_deg, RMS_MAX_DEG, "%s %s: %g deg", setups[s].file,
                             fukuchi_rows[i].key, error[i].rms_deg);
            }
        }
    }
}

Test(motion_recordings, how_blocks_are_cut_changes_no_bit)
{
    static const size_t blocks[] = {1, 7, 64, 300};
    struct fukuchi_error first[FUKUCHI_ROWS];
    for (size_t b = 0; b < sizeof(blocks) / sizeof(blocks[0]); b++) {
        struct fukuchi_setup setup = {"imu_RBDS002runT25_noisy.csv", false, false, false,
                                      blocks[b]};
        struct fukuchi_error error[FUKUCHI_ROWS];
        if (!fukuchi_run(&setup, error)) {
            cr_skip_test("skipped: no recordings at " KL_DATA);
        }
        if (b == 0) {
            memcpy(first, error, sizeof(first));
        }
        for (size_t i = 0; i < FUKUCHI_ROWS; i++) {
            cr_expect_eq(error[i].rms_deg, first[i].rms_deg, "blocks of %zu", blocks[b]);
            cr_expect_eq(error[i].bias_deg, first[i].bias_deg, "blocks of %zu", blocks[b]);
        }
    }
}
