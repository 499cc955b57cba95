/* The runner section, as people write it and as they mistype it. */
#include "app/lab_subject.h"
#include "command.h"

#include <criterion/criterion.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

static char out[16384], err[16384];

static int run(const char *args)
{
    return kneelab(args, out, sizeof(out), err, sizeof(err));
}

static void write_text(const char *name, const char *text)
{
    FILE *file = fopen(name, "w");
    cr_assert_not_null(file);
    cr_assert(fputs(text, file) >= 0);
    cr_assert_eq(fclose(file), 0);
}

static const char device[] =
    "devices:\n  - name: v\n    driver: virtual_runner\n"
    "    virtual_runner: {subject: virtual, mass_kg: 71, quiet_s: 1, stand_s: 0, imu: no}\n";

static const char whole[] = "runner:\n  subject: R07\n  mass_kg: 60\n  height_m: 1.6\n"
                            "  shank_length_m: 0.4\n  thigh_length_m: 0.39\n  asis_width_m: 0.24\n"
                            "  ankle_offset_left_m: -0.004\n  ankle_offset_right_m: 0.006\n"
                            "  toe_out_left_deg: 6\n  toe_out_right_deg: 9\n  speed_m_s: 2.5\n"
                            "  slope_deg: 1\n";

TestSuite(lab_subject, .init = enter_fresh_folder, .fini = leave_folder, .timeout = 60);

Test(lab_subject, what_is_said_becomes_the_events_a_session_begins_with)
{
    static const struct {
        enum kl_event_kind kind;
        const char *text;
        double a, b;
    } row[] = {
        {KL_EVENT_SUBJECT, "R07", 60, 1.6},
        {KL_EVENT_ENTRY, "shank_length_m", 0.4, 0},
        {KL_EVENT_ENTRY, "thigh_length_m", 0.39, 0},
        {KL_EVENT_ENTRY, "asis_width_m", 0.24, 0},
        {KL_EVENT_ENTRY, "ankle_offset_left_m", -0.004, 0},
        {KL_EVENT_ENTRY, "ankle_offset_right_m", 0.006, 0},
        {KL_EVENT_ENTRY, "toe_out_left_rad", 0.10471975511965977, 0},
        {KL_EVENT_ENTRY, "toe_out_right_rad", 0.15707963267948966, 0},
        {KL_EVENT_SPEED, "", 2.5, 0.017453292519943295},
    };
    struct kl_lab_subject subject;
    struct kl_event event[KL_SUBJECT_EVENTS];
    struct kl_fault fault = {""};
    write_text("r.yaml", whole);
    cr_assert_eq(kl_lab_subject_load("r.yaml", &subject, &fault), KL_OK, "%s", fault.text);
    cr_assert_eq(kl_lab_subject_events(&subject, event), sizeof(row) / sizeof(row[0]));
    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        cr_expect_eq(event[i].kind, row[i].kind, "%zu", i);
        cr_expect_str_eq(event[i].text, row[i].text);
        cr_expect_eq(event[i].t_ns, KL_EPOCH_NS);
        /* degrees to radians: one rounding */
        cr_expect(fabs(event[i].value[0] - row[i].a) <= 1e-15, "%s", row[i].text);
        cr_expect(fabs(event[i].value[1] - row[i].b) <= 1e-15, "%s", row[i].text);
    }
    write_text("r.yaml", "runner: {asis_width_m: 0.24}\n");
    cr_assert_eq(kl_lab_subject_load("r.yaml", &subject, &fault), KL_OK, "%s", fault.text);
    cr_expect_eq(kl_lab_subject_events(&subject, event), 1, "nothing else was said");
}

Test(lab_subject, what_cannot_be_is_refused_with_its_place_and_its_cure)
{
    static const struct {
        const char *legend, *said, *words;
    } row[] = {
        {"centimetres", "height_m: 175", "r.yaml:1:20: runner.height_m: 175 is out of range"},
        {"pounds", "mass_kg: 450", "in kilograms"},
        {"a name", "subject: Anna Meier", "never a name"},
        {"a long code", "subject: R123456789012345678901234567890123", "at most 31"},
        {"millimetres", "shank_length_m: 400", "in metres"},
        {"not a number", "mass_kg: .nan", "runner.mass_kg"},
        {"a key nobody knows", "weight: 70", "weight"},
        {"radians are not asked for", "toe_out_left_deg: 1000", "in degrees"},
        {"km/h", "speed_m_s: 14", "divide by 3.6"},
    };
    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        char text[256];
        struct kl_lab_subject subject;
        struct kl_fault fault = {""};
        (void)snprintf(text, sizeof(text), "runner: {%s}\n", row[i].said);
        write_text("r.yaml", text);
        cr_expect_lt(kl_lab_subject_load("r.yaml", &subject, &fault), 0, "%s", row[i].legend);
        cr_expect_not_null(strstr(fault.text, row[i].words), "%s: %s", row[i].legend, fault.text);
    }
}

Test(lab_subject, doubts_are_told_by_check)
{
    char text[1024];
    (void)snprintf(text, sizeof(text),
                   "runner: {mass_kg: 30, height_m: 1.9, shank_length_m: 0.62}\n%s", device);
    write_text("lab.yaml", text);
    cr_expect_eq(run("check --file-only lab.yaml"), 0, "%s%s", out, err);
    cr_expect(strstr(out, "body mass index") != NULL || strstr(err, "body mass index") != NULL,
              "%s%s", out, err);
    cr_expect(strstr(out, "of the height") != NULL || strstr(err, "of the height") != NULL, "%s%s",
              out, err);
}

/* The lab's section, another runner's file, and a speed, through the program into the session. */
Test(lab_subject, the_file_of_the_call_stands_for_the_labs)
{
    static const struct {
        const char *legend, *args, *subject, *speed;
    } row[] = {
        {"the lab's", "", "\"B1\"", "2.5"},
        {"another runner", "--runner r.yaml", "\"R07\"", "2.5"},
        {"and another speed", "--runner=r.yaml --speed 3.25", "\"R07\"", "3.25"},
    };
    char text[1024];
    (void)snprintf(text, sizeof(text), "runner: {subject: B1, mass_kg: 80, speed_m_s: 2.5}\n%s",
                   device);
    write_text("lab.yaml", text);
    write_text("r.yaml", whole);
    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        char args[256];
        (void)snprintf(args, sizeof(args),
                       "record lab.yaml --fast --seconds 2 --output s%zu.xdf %s", i, row[i].args);
        cr_assert_eq(run(args), 0, "%s: %s%s", row[i].legend, out, err);
        (void)snprintf(args, sizeof(args), "strings s%zu.xdf | grep '\"kind\"' > events", i);
        cr_assert_eq(system(args), 0);
        FILE *file = fopen("events", "r");
        cr_assert_not_null(file);
        size_t len = fread(out, 1, sizeof(out) - 1, file);
        out[len] = '\0';
        (void)fclose(file);
        cr_expect_not_null(strstr(out, row[i].subject), "%s: %s", row[i].legend, out);
        cr_expect_not_null(strstr(out, row[i].speed), "%s: %s", row[i].legend, out);
        cr_expect_null(strstr(out, "\"virtual\""), "%s: people are believed: %s", row[i].legend,
                       out);
    }
    cr_expect_eq(run("record lab.yaml --fast --seconds 2 --speed 14"), 1);
    cr_expect_not_null(strstr(err, "divide by 3.6"), "%s", err);
}
