#include "visualize/commands.h"

#include <criterion/criterion.h>

#include <string.h>

static const struct kl_command_row *row_of(enum kl_command command)
{
    for (size_t i = 0; i < kl_command_row_count(); i++) {
        const struct kl_command_row *row = kl_command_row_get(i);
        if (row->action == KL_ACTION_SEND && row->command == command) {
            return row;
        }
    }
    return NULL;
}

Test(commands, each_key_means_one_thing_live_and_in_a_replay)
{
    static const struct {
        unsigned key; /* printable keys are their Latin-1 code in GDK */
        const char *live, *replay;
    } row[] = {
        {'z', "Zero", NULL},
        {'w', "Weigh", NULL},
        {'c', "Condition", NULL},
        {'m', "Marker", NULL},
        {'v', "Speed", NULL},
        {' ', NULL, "Pause"},
        {'+', NULL, "Faster"},
        {'-', NULL, "Slower"},
        {'g', "Metrics", "Metrics"},
        {'o', "Motion", "Motion"},
        {'k', "Calibration", "Calibration"},
        {'1', "Still", NULL},
        {'2', "Squats", NULL},
        {'6', "MVC", NULL},
        {'7', NULL, NULL},
        {'t', "Theme", "Theme"},
        {'q', "Quit", "Quit"},
        {'f', "Full screen", "Full screen"},
        {'?', "Keys", "Keys"},
        {'x', NULL, NULL},
        {0, NULL, NULL},
    };
    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        const struct kl_command_row *live = kl_command_find(row[i].key, false);
        const struct kl_command_row *replay = kl_command_find(row[i].key, true);
        cr_expect_str_eq(live != NULL ? live->button : "", row[i].live != NULL ? row[i].live : "",
                         "key %u live", row[i].key);
        cr_expect_str_eq(replay != NULL ? replay->button : "",
                         row[i].replay != NULL ? row[i].replay : "", "key %u replay", row[i].key);
    }
}

Test(commands, every_row_can_be_reached_and_explains_itself)
{
    for (size_t i = 0; i < kl_command_row_count(); i++) {
        const struct kl_command_row *row = kl_command_row_get(i);
        cr_expect(row->key_text != NULL && row->help != NULL, "row %zu", i);
        cr_expect(row->input == KL_INPUT_NONE || row->question != NULL, "row %zu", i);
        cr_expect_eq(kl_command_find(row->key[0], row->offer == KL_OFFER_REPLAY), row,
                     "row %zu is hidden by another with the same key", i);
    }
}

Test(commands, each_phase_of_the_calibration_has_its_key_and_its_event)
{
    static const char *const word[] = {"still", "squats", "bows", "march", "still again", "mvc"};
    for (size_t i = 0; i < KL_SNAPSHOT_PHASES; i++) {
        const struct kl_command_row *row = kl_command_find('1' + (unsigned)i, false);
        cr_assert_not_null(row, "phase %zu", i);
        cr_expect_eq(row->offer, KL_OFFER_CALIBRATION, "not on any other page: phase %zu", i);
        cr_expect_eq(row->action, KL_ACTION_CALIBRATE);
        cr_expect_eq(row->command, KL_COMMAND_CALIBRATE);
        cr_expect_eq(row->phase, i);
        cr_expect_str_eq(kl_snapshot_phase_text(row->phase), word[i]);
        cr_expect_eq(kl_snapshot_phase_find(word[i]), i);
        cr_expect_geq(kl_snapshot_phase_seconds(i), 10.0);
        cr_expect_gt(strlen(kl_snapshot_phase_instruction(i)), 10);
    }
    cr_expect_eq(kl_snapshot_phase_find("marching"), KL_CALIBRATION_MARCH);
    cr_expect_eq(kl_snapshot_phase_find("mvc.vmo.right"), KL_SNAPSHOT_PHASE_MVC);
    cr_expect_eq(kl_snapshot_phase_find("jump"), KL_SNAPSHOT_PHASES);
    cr_expect_eq(kl_snapshot_phase_find(""), KL_SNAPSHOT_PHASES);
    cr_expect_str_eq(kl_snapshot_phase_text(KL_SNAPSHOT_PHASES), "none");
    cr_expect_str_eq(kl_snapshot_phase_instruction(99), "");
    cr_expect_eq(kl_snapshot_phase_seconds(99), 0.0);
}

Test(commands, a_speed_is_a_whole_number_in_range_or_nothing)
{
    static const struct {
        const char *typed;
        bool accepted;
        double value;
    } row[] = {
        {"3", true, 3.0},     {"3.25", true, 3.25},
        {"3,25", true, 3.25}, {" 2.5 ", true, 2.5},
        {"0", true, 0.0},     {"12", true, 12.0},
        {"12.01", false, 0},  {"-1", false, 0},
        {"", false, 0},       {"   ", false, 0},
        {"3 m/s", false, 0},  {"3x", false, 0},
        {"nan", false, 0},    {"inf", false, 0},
        {"0x3", false, 0},    {"1e1", false, 0},
        {"1.2.3", false, 0},  {"3 4", false, 0},
        {".", false, 0},      {"3.000000000000000000000000000000000", false, 0},
    };
    const struct kl_command_row *speed = row_of(KL_COMMAND_SPEED);
    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        double value = -7.0;
        bool accepted = kl_command_accepts(speed, row[i].typed, &value);
        cr_expect_eq(accepted, row[i].accepted, "\"%s\"", row[i].typed);
        cr_expect_float_eq(value, row[i].accepted ? row[i].value : -7.0, 1e-12, "\"%s\" gave %g",
                           row[i].typed, value);
    }
}

Test(commands, a_condition_may_be_any_words_but_not_blank)
{
    const struct kl_command_row *condition = row_of(KL_COMMAND_CONDITION);
    double value = 0.0;
    cr_expect(kl_command_accepts(condition, "shoe A + 5° medial wedge", &value));
    cr_expect_not(kl_command_accepts(condition, " \t", &value));
    cr_expect_not(kl_command_accepts(condition, "", &value));
}
