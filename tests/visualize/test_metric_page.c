#include "synthetic_snapshot.h"
#include "visualize/metric_page.h"

#include <criterion/criterion.h>

#include <math.h>
#include <string.h>

static struct kl_snapshot snapshot;
static struct kl_metric_page page;

static size_t lines_of(enum kl_metric_line_kind kind)
{
    size_t count = 0;
    for (size_t i = 0; i < page.line_count; i++) {
        count += page.line[i].kind == kind;
    }
    return count;
}

static bool shows(const char *key)
{
    for (size_t i = 0; i < page.line_count; i++) {
        if (page.line[i].kind == KL_LINE_METRIC &&
            strcmp(kl_metric_get(page.line[i].id)->key, key) == 0) {
            return true;
        }
    }
    return false;
}

Test(metric_page, plates_alone_show_their_rows_and_one_line_for_the_rest)
{
    synthetic_snapshot(SYNTHETIC_FULL, 33.0, &snapshot);
    kl_metric_page_fill(&snapshot, KL_GROUP_FORCES, 0, &page);
    cr_expect_eq(page.count, 1);
    cr_expect_eq(lines_of(KL_LINE_METRIC), KL_METRIC_FORCE_COUNT);
    cr_expect_eq(lines_of(KL_LINE_HEAD), 0);
    cr_expect_eq(lines_of(KL_LINE_FOLDED), 1);
    cr_expect_str_eq(page.line[page.line_count - 1].text, "Motion, knee, muscle: no sensor");
    kl_metric_page_fill(&snapshot, KL_GROUP_MUSCLE, 7, &page);
    cr_expect_eq(page.index, 0, "there is nowhere else to go");
}

Test(metric_page, every_measured_row_is_on_exactly_one_page_or_a_band_behind_its_value)
{
    size_t seen[KL_METRIC_COUNT] = {0};
    synthetic_snapshot(SYNTHETIC_WORN, 33.0, &snapshot);
    kl_metric_page_fill(&snapshot, KL_GROUP_FORCES, 0, &page);
    size_t count = page.count;
    cr_expect_eq(count, 3);
    for (unsigned turn = 0; turn < count; turn++) {
        kl_metric_page_fill(&snapshot, KL_GROUP_FORCES, turn, &page);
        cr_expect_eq(page.index, turn);
        cr_expect_leq(page.line_count, KL_METRIC_PAGE_LINES);
        cr_expect_eq(lines_of(KL_LINE_FOLDED), 0);
        for (size_t i = 0; i < page.line_count; i++) {
            const struct kl_metric_line *line = &page.line[i];
            if (line->kind == KL_LINE_METRIC) {
                seen[line->id]++;
                if (line->band < KL_METRIC_COUNT) {
                    seen[line->band]++;
                }
            }
        }
    }
    for (unsigned id = 0; id < KL_METRIC_COUNT; id++) {
        cr_expect_eq(seen[id], 1, "%s is shown %zu times",
                     kl_metric_get((enum kl_metric_id)id)->key, seen[id]);
    }
}

Test(metric_page, the_page_of_a_group_is_found_and_turning_comes_around)
{
    static const struct {
        enum kl_metric_group first;
        unsigned turn;
        const char *title, *shows;
    } row[] = {
        {KL_GROUP_FORCES, 0, "Forces", "contact_time"},
        {KL_GROUP_FORCES, 1, "Motion", "eversion_peak"},
        {KL_GROUP_MOTION, 0, "Motion", "eversion_peak"},
        {KL_GROUP_MOTION, 1, "Knee, muscle", "kam_k2b_peak"},
        {KL_GROUP_MUSCLE, 0, "Knee, muscle", "vmo_onset"},
        {KL_GROUP_MUSCLE, 1, "Forces", "contact_time"},
        {KL_GROUP_KNEE, 3, "Knee, muscle", "kam_peak"},
        {(enum kl_metric_group)99, 0, "Forces", "contact_time"},
    };
    synthetic_snapshot(SYNTHETIC_WORN, 33.0, &snapshot);
    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        kl_metric_page_fill(&snapshot, row[i].first, row[i].turn, &page);
        cr_expect_str_eq(page.title, row[i].title, "row %zu", i);
        cr_expect(shows(row[i].shows), "row %zu", i);
    }
}

Test(metric_page, a_group_is_folded_only_when_nothing_in_it_is_measured)
{
    synthetic_snapshot(SYNTHETIC_FULL, 33.0, &snapshot);
    uint64_t key = kl_metric_page_key(&snapshot);
    cr_expect_eq(kl_metric_page_key(&snapshot), key);
    /* One row of one side that is only not calibrated is worth its page. */
    snapshot.side[KL_SIDE_LEFT].last.metric_reasons[KL_METRIC_MOTION + 3] =
        KL_REASON_NOT_CALIBRATED;
    cr_expect_neq(kl_metric_page_key(&snapshot), key);
    kl_metric_page_fill(&snapshot, KL_GROUP_MOTION, 0, &page);
    cr_expect_str_eq(page.title, "Motion");
    cr_expect_str_eq(page.line[page.line_count - 1].text, "Knee, muscle: no sensor");

    /* A step that is not valid says nothing new: what was measured before keeps its page. */
    synthetic_snapshot(SYNTHETIC_WORN, 33.0, &snapshot);
    for (size_t s = KL_SIDE_LEFT; s < KL_SIDE_COUNT; s++) {
        snapshot.side[s].last.valid = false;
        for (size_t id = KL_METRIC_MOTION; id < KL_METRIC_COUNT; id++) {
            snapshot.side[s].last.metric_reasons[id] = KL_REASON_NO_SENSOR | KL_REASON_CUT;
        }
    }
    kl_metric_page_fill(&snapshot, KL_GROUP_MOTION, 0, &page);
    cr_expect_str_eq(page.title, "Motion");
}

Test(metric_page, before_the_first_step_what_is_worn_decides)
{
    synthetic_snapshot(SYNTHETIC_EMPTY, 0.0, &snapshot);
    kl_metric_page_fill(&snapshot, KL_GROUP_FORCES, 0, &page);
    cr_expect_eq(page.count, 1);
    cr_expect_eq(lines_of(KL_LINE_FOLDED), 1);
    snapshot.calibration.electrode[KL_SIDE_LEFT][KL_MUSCLE_VL] = true;
    kl_metric_page_fill(&snapshot, KL_GROUP_MUSCLE, 0, &page);
    cr_expect_str_eq(page.title, "Muscle");
    cr_expect_str_eq(page.line[page.line_count - 1].text, "Motion, knee: no sensor");
}

Test(metric_page, no_force_at_all_still_has_a_page)
{
    synthetic_snapshot(SYNTHETIC_FULL, 33.0, &snapshot);
    for (size_t s = 0; s < KL_SIDE_COUNT; s++) {
        for (size_t id = 0; id < KL_METRIC_COUNT; id++) {
            snapshot.side[s].last.metric_reasons[id] = KL_REASON_NOT_MEASURED;
            snapshot.side[s].n[id] = 0;
        }
    }
    kl_metric_page_fill(&snapshot, KL_GROUP_MOTION, 3, &page);
    cr_expect_eq(page.count, 1);
    cr_expect_eq(lines_of(KL_LINE_METRIC), 0);
    cr_expect_eq(lines_of(KL_LINE_FOLDED), 1);
    cr_expect(strstr(page.line[0].text, "Forces, motion, knee, muscle: ") == page.line[0].text,
              "%s", page.line[0].text);
}

Test(metric_page, the_mean_curve_leaves_out_what_is_not_valid)
{
    static struct kl_snapshot_side side;
    float mean[KL_CURVE_POINTS];
    float band = -1.0F;
    memset(&side, 0, sizeof(side));
    cr_expect_eq(kl_motion_curve_mean(&side, KL_CURVE_EVERSION, mean, &band), 0);
    cr_expect(isnan(mean[50]));
    cr_expect_eq(band, 0.0F);
    side.motion_count = 1000; /* more than there is room for */
    for (size_t s = 0; s < KL_MOTION_CURVE_STEPS; s++) {
        struct kl_motion_curve *curve = &side.motion[s];
        curve->has[KL_CURVE_KNEE_MOMENT] = s != 1;
        curve->moment_band_n_m = s == 1 ? 1000.0F : (float)(2 * s);
        for (size_t i = 0; i < KL_CURVE_POINTS; i++) {
            curve->value[KL_CURVE_KNEE_MOMENT][i] = s == 1 ? 77.0F : (float)(s * i);
        }
    }
    side.motion[0].value[KL_CURVE_KNEE_MOMENT][10] = NAN;
    cr_expect_eq(kl_motion_curve_mean(&side, KL_CURVE_KNEE_MOMENT, mean, &band), 4);
    /* (0 + 2 + 3 + 4) / 4 = 2.25 per point; without the first 3; small integers: exact */
    cr_expect_eq(mean[100], 225.0F);
    cr_expect_eq(mean[10], 30.0F);
    cr_expect_eq(band, 4.5F);
    cr_expect_eq(kl_motion_curve_mean(&side, KL_CURVE_EVERSION, mean, &band), 0);
    cr_expect_eq(band, 0.0F, "only the moment has one");
}

Test(metric_page, each_curve_belongs_to_a_metric_of_the_table)
{
    for (int kind = 0; kind < KL_CURVE_KIND_COUNT; kind++) {
        enum kl_metric_id id = kl_motion_curve_metric((enum kl_motion_curve_kind)kind);
        cr_expect_lt(id, KL_METRIC_COUNT, "curve %d", kind);
        cr_expect_gt(strlen(kl_motion_curve_text((enum kl_motion_curve_kind)kind)), 3);
    }
    cr_expect_eq(kl_motion_curve_metric(KL_CURVE_KIND_COUNT), KL_METRIC_COUNT);
}
