/* The command as a person uses it: exit statuses, files left behind, messages. */
#include "command.h"

#include <criterion/criterion.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static char out[65536], err[8192];

static int run(const char *args)
{
    return kneelab(args, out, sizeof(out), err, sizeof(err));
}

static bool exists(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && info.st_size > 0;
}

TestSuite(command, .init = enter_fresh_folder, .fini = leave_folder, .timeout = 120);

Test(command, demo_leaves_a_session_a_picture_a_summary_and_the_truth)
{
    cr_assert_eq(run("demo --fast --seconds 40 --output a.xdf"), 0, "%s", err);
    cr_expect(exists("a.xdf"));
    cr_expect(exists("a.png"));
    cr_expect(exists("a.json"));
    cr_expect(exists("a.truth.json"));
    static const char *const left[] = {"a.xdf", "a.png", "a.json", "a.truth.json"};
    for (size_t i = 0; i < 4; i++) {
        struct stat info;
        cr_assert_eq(stat(left[i], &info), 0);
        cr_expect_eq(info.st_mode & 0777, 0600, "%s: a runner's data are private", left[i]);
    }
    cr_expect_eq(run("verify a.xdf"), 0, "%s%s", out, err);
}

Test(command, a_recording_is_never_overwritten)
{
    cr_assert_eq(run("demo --fast --seconds 5 --output a.xdf"), 0, "%s", err);
    cr_expect_eq(run("demo --fast --seconds 5 --output a.xdf"), 1);
    cr_expect_not_null(strstr(err, "a.xdf"), "%s", err);
    cr_expect_eq(run("verify a.xdf"), 0);
}

/** The property to protect above all. */
Test(command, replay_and_analysis_give_the_bits_of_the_live_session)
{
    cr_assert_eq(run("demo --fast --seconds 60 --output a.xdf"), 0, "%s", err);
    cr_expect_eq(run("replay --check a.xdf"), 0, "%s", err);
    cr_expect_not_null(strstr(out, "same bits"), "%s", out);
    int status = 0;
    json_t *analyzed = kneelab_json("analyze --json a.xdf", &status);
    cr_expect_eq(status, 0);
    json_error_t error;
    json_t *live = json_load_file("a.json", 0, &error);
    cr_assert_not_null(live);
    cr_expect(json_array_size(json_object_get(live, "steps")) > 80);
    cr_expect(json_equal(json_object_get(live, "steps"), json_object_get(analyzed, "steps")));
    cr_expect(json_equal(json_object_get(live, "flags"), json_object_get(analyzed, "flags")));
    cr_expect(json_equal(json_object_get(live, "summary"), json_object_get(analyzed, "summary")));
    json_decref(live);
    json_decref(analyzed);
}

/** Live by the clock on a busy machine, then replayed in real time: threads, load and pace decide
 *  when things happen, never what comes out. */
Test(command, a_session_live_under_load_replays_to_the_same_bits_at_any_speed)
{
    cr_assert_eq(system("for i in 1 2 3 4; do timeout 12 sh -c 'while :; do :; done' & done"), 0);
    cr_assert_eq(run("demo --seconds 14 --output a.xdf"), 0, "%s", err);
    cr_expect_eq(run("verify a.xdf"), 0, "%s%s", out, err);
    cr_expect_eq(run("replay --check a.xdf"), 0, "%s%s", out, err);
    cr_expect_eq(run("replay --check --speed 1 a.xdf"), 0, "%s%s", out, err);
}

Test(command, the_demo_raises_its_two_flags)
{
    cr_assert_eq(run("demo --fast --seconds 75 --output a.xdf"), 0, "%s", err);
    json_error_t error;
    json_t *summary = json_load_file("a.json", 0, &error);
    bool cadence = false;
    bool impact = false;
    size_t i = 0;
    json_t *flag = NULL;
    json_array_foreach(json_object_get(summary, "flags"), i, flag)
    {
        const char *indicator = json_string_value(json_object_get(flag, "indicator"));
        const char *state = json_string_value(json_object_get(flag, "state"));
        const char *side = json_string_value(json_object_get(flag, "side"));
        bool amber = strcmp(state, "amber") == 0;
        cadence = cadence || (amber && strcmp(indicator, "cadence_low") == 0);
        impact = impact || (amber && strcmp(indicator, "impact_valr") == 0);
        cr_expect(!amber || strcmp(indicator, "impact_valr") != 0 || strcmp(side, "right") == 0,
                  "only the right foot lands hard in the demo");
    }
    cr_expect(cadence, "cadence 164 of the demo runner lies below 170");
    cr_expect(impact);
    json_decref(summary);
}

Test(command, a_cut_file_is_read_reported_and_repaired)
{
    cr_assert_eq(run("demo --fast --seconds 30 --output a.xdf"), 0, "%s", err);
    cr_assert_eq(system("head -c 1000000 a.xdf > cut.xdf"), 0);
    cr_expect_eq(run("verify cut.xdf"), 1);
    cr_expect_not_null(strstr(out, "not closed"), "%s", out);
    cr_expect_eq(run("analyze cut.xdf"), 1);
    cr_expect_not_null(strstr(err, "not closed"), "%s", err);
    cr_expect_eq(run("replay --fast cut.xdf"), 1);
    cr_expect_not_null(strstr(err, "not closed"), "%s", err);
    cr_expect_eq(run("replay --check cut.xdf"), 1);
    cr_expect_not_null(strstr(out, "same bits"), "%s%s", out, err);
    cr_expect_not_null(strstr(err, "not closed"), "%s", err);
    cr_expect_eq(run("verify cut.xdf --repair clean.xdf"), 1);
    cr_expect_eq(run("verify clean.xdf"), 0, "%s%s", out, err);
    cr_expect_eq(run("analyze clean.xdf"), 0, "%s", err);
}

Test(command, a_flipped_bit_is_told_by_whoever_reads_the_file)
{
    cr_assert_eq(run("demo --fast --seconds 30 --output a.xdf"), 0, "%s", err);
    cr_assert_eq(
        system(
            "printf '\\377\\377\\377\\377' | dd of=a.xdf bs=1 seek=900000 conv=notrunc 2>dd.txt"),
        0);
    cr_expect_eq(run("analyze a.xdf"), 1);
    cr_expect_not_null(strstr(err, "1 damaged range"), "%s", err);
    cr_expect_eq(run("export a.xdf --output csv"), 1);
    cr_expect_not_null(strstr(err, "1 damaged range"), "%s", err);
}

Test(command, a_mot_file_that_ends_early_says_so)
{
    cr_assert_eq(system("{ printf 'a\\ndatarows 5\\nendheader\\ntime\\tground_force_vy\\n'; "
                        "for i in 0 1 2; do printf '0.00%d\\t700\\n' $i; done; } > a.mot"),
                 0);
    cr_expect_eq(run("analyze a.mot"), 1);
    cr_expect_not_null(strstr(err, "3 of 5 rows"), "%s", err);
}

/** Half sines of 0.25 s every 0.4 s, pressing the plate up instead of down. */
Test(command, a_plate_turned_upside_down_is_told)
{
    cr_assert_eq(
        system("awk 'BEGIN { for (i = 0; i < 9000; i++) { t = i / 300; p = t - int(t / 0.4) * 0.4;"
               " print p < 0.25 ? -1700 * sin(p / 0.25 * 3.14159) : 0 } }' > a.csv; "
               "printf 'rate_hz: 300\\nstreams: [{name: p, kind: force, channels: "
               "[{column: 1, component: fy, unit: N}]}]\\n' > a.csv.yaml"),
        0);
    (void)run("analyze a.csv");
    cr_expect_not_null(strstr(err, "sign wrong"), "%s", err);
}

Test(command, cells_that_are_no_numbers_are_counted)
{
    cr_assert_eq(system("for i in $(seq 98); do echo 7; done > a.csv; echo NaN >> a.csv; "
                        "echo what >> a.csv; "
                        "printf 'rate_hz: 300\\nstreams: [{name: p, kind: force, channels: "
                        "[{column: 1, component: fy, unit: N}]}]\\n' > a.csv.yaml"),
                 0);
    cr_expect_eq(run("analyze a.csv"), 0, "%s", err);
    cr_expect_not_null(strstr(err, "2 of its 100 cells"), "%s", err);
}

Test(command, csv_has_one_file_per_stream_and_derived_signal)
{
    cr_assert_eq(run("demo --fast --seconds 20 --output a.xdf"), 0, "%s", err);
    cr_assert_eq(run("export a.xdf --to csv --output csv"), 0, "%s", err);
    cr_expect(exists("csv/plate.belt.csv"));
    cr_expect(exists("csv/force.plate.belt.csv"));
    cr_expect(exists("csv/steps.csv"));
    cr_expect(exists("csv/figures.csv"));
    cr_expect(exists("csv/asymmetry.csv"));
    cr_expect(exists("csv/flags.csv"));
    cr_assert_eq(system("head -1 csv/force.plate.belt.csv > head.txt"), 0);
    cr_expect_eq(run("export a.xdf --to csv --output csv"), 1, "files are never overwritten");
}

Test(command, worn_sensors_have_orientations_and_analyze_tells_of_their_calibration)
{
    cr_assert_eq(run("record " KL_SOURCE "/configs/rehearsal.yaml --fast --seconds 12 "
                     "--output r.xdf"),
                 0, "%s", err);
    cr_assert_eq(run("export r.xdf --to csv --output csv"), 0, "%s", err);
    cr_expect(exists("csv/orientation.imu.shank.left.csv"));
    cr_assert_eq(system("head -1 csv/orientation.imu.trunk.csv | grep -qx 'time (s),w,x,y,z' && "
                        "tail -1 csv/orientation.imu.trunk.csv | grep -q '^1[12].*[0-9]$'"),
                 0);
    (void)run("analyze --json r.xdf");
    cr_expect_not_null(strstr(out, "\"calibration\""));
    cr_expect_not_null(strstr(out, "\"step_time_cv\""));
}

Test(command, the_name_of_a_stream_does_not_lead_out_of_the_folder)
{
    cr_assert_eq(system("mkdir -p one/two; for i in 1 2 3 4 5; do echo 7,8; done > a.csv; "
                        "printf 'rate_hz: 300\\nstreams:\\n"
                        "  - {name: ../out, kind: force, channels: [{column: 1, component: fy, "
                        "unit: N}]}\\n"
                        "  - {name: steps, kind: force, channels: [{column: 2, component: fy, "
                        "unit: N}]}\\n' > a.csv.yaml"),
                 0);
    cr_expect_eq(run("export a.csv --output one/two"), 0, "%s", err);
    cr_expect(!exists("one/out.csv"));
    cr_expect(exists("one/two/_._out.csv"));
    cr_expect(exists("one/two/steps-2.csv"), "steps.csv is the table of steps");
}

Test(command, wrong_calls_and_wrong_files_are_told_apart_by_exit_status)
{
    cr_assert_eq(system("printf 'not a recording\\n' > a.c3d; printf 'devices: [\\n' > bad.yaml; "
                        "printf 'devices:\\n  - name: x\\n    driver: nonsense\\n' > driver.yaml; "
                        "printf 'devices:\\n  - name: x\\n    driver: virtual_runner\\n"
                        "    virtual_runner:\\n      mass_kg: 7000\\n' > mass.yaml; "
                        "mkdir locked && chmod 500 locked"),
                 0);
    static const struct {
        const char *args;
        int status;
        const char *says;
    } row[] = {
        {"", 2, "usage"},
        {"nonsense", 2, "nonsense"},
        {"analyze", 2, "FILE"},
        {"analyze --nonsense", 2, "--nonsense"},
        {"analyze nowhere.xdf", 1, "nowhere.xdf"},
        {"analyze a.c3d", 1, "a.c3d"},
        {"verify nowhere.xdf", 1, "nowhere.xdf"},
        {"export nowhere.xdf --to pdf", 2, "pdf"},
        {"replay nowhere.xdf", 1, "nowhere.xdf"},
        {"check nowhere.yaml", 1, "nowhere.yaml"},
        {"check bad.yaml", 1, "bad.yaml:"},
        {"check driver.yaml", 1, "nonsense"},
        {"check mass.yaml", 1, "mass.yaml:5"},
        {"live mass.yaml", 1, "20 to 250"},
    };
    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        cr_expect_eq(run(row[i].args), row[i].status, "row %zu: kneelab %s: %s", i, row[i].args,
                     err);
        cr_expect_not_null(strstr(err, row[i].says), "row %zu: kneelab %s says \"%s\"", i,
                           row[i].args, err);
    }
}

Test(command, output_that_cannot_be_printed_is_not_success)
{
    cr_assert_eq(run("demo --fast --seconds 5 --output a.xdf"), 0, "%s", err);
    static const char *const verb[] = {"verify a.xdf", "verify --json a.xdf",
                                       "analyze --json a.xdf", "devices"};
    for (size_t i = 0; i < sizeof(verb) / sizeof(verb[0]); i++) {
        char command[1024];
        (void)snprintf(command, sizeof(command), "%s %s > /dev/full 2> full.err; test $? -eq 1",
                       KL_KNEELAB, verb[i]);
        cr_expect_eq(system(command), 0, "%s", verb[i]);
    }
    cr_expect_eq(system("grep -q 'could be printed: No space' full.err"), 0);
}

Test(command, a_long_path_is_not_cut_short)
{
    cr_assert_eq(system("d=$(printf '%0200d' 0) && mkdir -p $d/$d"), 0);
    cr_expect_eq(run("demo --fast --seconds 5 --output $(printf '%0200d' 0)/$(printf '%0200d' 0)/"
                     "a.xdf"),
                 0, "%s", err);
    cr_expect_eq(
        system("cd $(printf '%0200d' 0)/$(printf '%0200d' 0) && test -s a.xdf -a -s a.json "
               "-a -s a.png -a -s a.truth.json"),
        0);
}

#define RUNNER "devices:\\n  - {name: a, driver: virtual_runner}\\n"

/** What `check` lets through can be recorded, and the recording can be read. */
Test(command, check_refuses_what_would_spoil_a_recording)
{
    static const struct {
        const char *yaml, *says;
    } row[] = {
        {"flag_timing: {window_steps: 4000}\\n" RUNNER, "10-1000"},
        {"flag_timing: {clear_after_s: -5}\\n" RUNNER, "10-1000"},
        {"settings: {target_cadence_spm: -20}\\n" RUNNER, "60 to 300"},
        {"settings: {cutoff_hz: 200}\\ndevices:\\n  - {name: a, driver: virtual_runner, "
         "virtual_runner: {rate_hz: 100}}\\n",
         "too high for plate.belt"},
        {RUNNER "  - {name: b, driver: virtual_runner}\\n", "also given by"},
    };
    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        char command[400];
        (void)snprintf(command, sizeof(command), "printf '%s' > lab.yaml", row[i].yaml);
        cr_assert_eq(system(command), 0);
        cr_expect_eq(run("check lab.yaml"), 1, "row %zu: %s", i, out);
        cr_expect_not_null(strstr(err, row[i].says), "row %zu says \"%s\"", i, err);
    }
}

Test(command, every_verb_has_help)
{
    static const char *const verb[] = {"demo",   "devices", "check",  "live",  "record",
                                       "replay", "analyze", "export", "verify"};
    for (size_t i = 0; i < sizeof(verb) / sizeof(verb[0]); i++) {
        char args[64];
        (void)snprintf(args, sizeof(args), "%s --help", verb[i]);
        cr_expect_eq(run(args), 0);
        cr_expect_not_null(strstr(out, "usage: kneelab"), "%s", out);
    }
}
