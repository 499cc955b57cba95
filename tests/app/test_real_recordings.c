/* Real recordings made elsewhere, through the command, against the values beside them. */
#include "command.h"

#include <criterion/criterion.h>

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define COLUMNS KL_SOURCE "/configs/columns/"

static void start(void)
{
    enter_fresh_folder();
    if (access(KL_DATA, R_OK) != 0) {
        leave_folder();
        cr_skip_test("skipped: no recordings at " KL_DATA);
    }
}

TestSuite(recordings, .timeout = 120);

struct expected {
    const char *path;
    double value, tolerance; /* relative */
};

static void expect_all(const json_t *json, const struct expected *row, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        double value = json_number(json, row[i].path);
        cr_expect(fabs(value - row[i].value) <= row[i].tolerance * fabs(row[i].value),
                  "%s is %.6g, expected %.6g within %.2g", row[i].path, value, row[i].value,
                  row[i].tolerance);
    }
}

/** methods 6, real-file regression; 1 %: the 300 Hz sampling quantises events. */
Test(recordings, the_drifting_treadmill_gives_78_contacts_and_its_regression_values)
{
    start();
    int status = 0;
    json_t *json = kneelab_json("analyze --json --columns " COLUMNS "dryft.yaml " KL_DATA
                                "/dryft/custom_drift_S001runT25.csv",
                                &status);
    cr_expect_eq(status, 0);
    static const struct expected row[] = {
        {"contacts", 78, 0},
        {"duration_s", 30.0, 1e-9},
        {"streams/0/rate_hz", 300.0, 0},
        {"streams/0/samples", 9000, 0},
        {"summary/both/contact_time/mean", 0.2764, 0.01},
        {"summary/both/flight_time/mean", 0.1063, 0.01},
        {"summary/both/duty_factor/mean", 0.361, 0.01},
        {"summary/both/step_time/mean", 0.38261, 0.01},
        {"summary/both/vertical_impulse/mean", 0.38166 * 594.51, 0.01},
        {"summary/both/active_peak/mean", 2.262 * 594.51, 0.01},
    };
    expect_all(json, row, sizeof(row) / sizeof(row[0]));
    double cadence = 60.0 / json_number(json, "summary/both/step_time/mean");
    cr_expect(fabs(cadence - 156.82) <= 0.01 * 156.82, "%g", cadence);
    cr_expect_eq(json_number(json, "summary/both/contact_time/n"), 77, "complete stances");
    const json_t *first = json_array_get(json_object_get(json, "steps"), 0);
    cr_expect_str_eq(json_string_value(json_object_get(first, "side")), "unknown");
    json_decref(json);
    leave_folder();
}

/** fukuchi reference: 50 N after a 50 Hz zero-lag filter, our own definition. */
Test(recordings, the_fukuchi_run_agrees_with_its_reference)
{
    start();
    int status = 0;
    json_t *json = kneelab_json("analyze --json --columns " COLUMNS "fukuchi.yaml " KL_DATA
                                "/fukuchi/RBDS002runT25forces.txt",
                                &status);
    cr_expect_eq(status, 0);
    static const struct expected row[] = {
        {"summary/left/contact_time/mean", 0.314, 0.005},
        {"summary/right/contact_time/mean", 0.314, 0.005},
        {"summary/both/step_time/mean", 0.3997, 0.002},
        {"summary/right/active_peak/mean", 2.19 * 755.82, 0.005},
        {"summary/left/active_peak/mean", 2.20 * 755.82, 0.005},
        {"summary/right/vertical_impulse/mean", 300.9, 0.01},
        {"summary/left/vertical_impulse/mean", 301.3, 0.01},
    };
    expect_all(json, row, sizeof(row) / sizeof(row[0]));
    json_decref(json);
    leave_folder();
}

Test(recordings, broken_files_and_files_without_plates_say_so_in_one_line)
{
    start();
    static const char *const file[] = {
        KL_DATA "/btkdata/sample18/bad_parameter_section.c3d",
        KL_DATA "/btkdata/others/1123x01EMG.c3d",
        KL_DATA "/btkdata/sample20/phasespace_sample.c3d",
        KL_DATA "/xdf/minimal.xdf",
    };
    for (size_t i = 0; i < sizeof(file) / sizeof(file[0]); i++) {
        char args[512];
        char err[2048];
        (void)snprintf(args, sizeof(args), "analyze %s", file[i]);
        cr_expect_eq(kneelab(args, NULL, 0, err, sizeof(err)), 1, "%s", file[i]);
        cr_expect(strlen(err) > 20 && strchr(err, '\n') == err + strlen(err) - 1, "%s: \"%s\"",
                  file[i], err);
    }
    leave_folder();
}
