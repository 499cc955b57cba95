/* Prints what angle metrics of derived inertial signals differ by from those of the markers. */
#include "fukuchi.h"

#include <stdio.h>

static void print_table(const struct fukuchi_setup *setup, const char *legend)
{
    struct fukuchi_error error[FUKUCHI_ROWS];
    printf("\n%s, %s shank\n", legend, setup->malleolar ? "malleolar" : "epicondylar");
    if (!fukuchi_run(setup, error)) {
        printf("skipped: no recordings at " KL_DATA "\n");
        return;
    }
    printf("%-46s %4s %7s %9s %7s %7s %6s\n", "metric", "n", "refused", "reference", "bias", "RMS",
           "r");
    for (size_t i = 0; i < FUKUCHI_ROWS; i++) {
        if (fukuchi_rows[i].malleolar == setup->malleolar) {
            printf("%-46s %4zu %7zu %7.2f %8.2f %8.2f %7.3f\n", fukuchi_rows[i].key, error[i].count,
                   error[i].refused, error[i].mean_reference_deg, error[i].bias_deg,
                   error[i].rms_deg, error[i].correlation);
        }
    }
}

int main(void)
{
    static const struct {
        struct fukuchi_setup setup;
        const char *legend;
    } rows[] = {
        {{"imu_RBDS002runT25_clean.csv", false, false, false, 30},
         "no noise, standing heading entered"},
        {{"imu_RBDS002runT25_clean.csv", true, false, false, 30},
         "no noise, standing heading entered"},
        {{"imu_RBDS002runT25_noisy.csv", false, false, false, 30},
         "noise, standing heading entered"},
        {{"imu_RBDS002runT25_noisy.csv", true, false, false, 30},
         "noise, standing heading entered"},
        {{"imu_RBDS002runT25_clean.csv", false, true, false, 30}, "no noise, axes taken as square"},
        {{"imu_RBDS002runT25_noisy.csv", false, true, false, 30}, "noise, axes taken as square"},
        {{"imu_RBDS002runT25_noisy.csv", false, true, true, 30},
         "noise, treadmill anchor alone: posture lost"},
    };
    printf("RBDS002 at 2.5 m/s: inertial chain against markers, degrees\n");
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        print_table(&rows[i].setup, rows[i].legend);
    }
    return 0;
}
