#include "screen_picture.h"
#include "synthetic_snapshot.h"

#include <criterion/criterion.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define WIDTH 1100
#define HEIGHT 620

/* Large: not for the stack. */
static struct kl_snapshot snapshot;

/* Compares a screen that has seen things with one that has not. */
static void expect_as_new(const struct kl_screen *screen, int width, int height,
                          enum kl_theme theme, enum kl_page page, unsigned turns, int row)
{
    struct kl_screen *fresh = kl_screen_create(width, height, theme);
    kl_screen_set_page(fresh, page);
    for (unsigned i = 0; i < turns; i++) {
        kl_screen_turn_metrics(fresh);
    }
    kl_screen_draw(fresh, &snapshot, NULL);
    cr_expect_eq(cairo_surface_status(kl_screen_surface(fresh)), CAIRO_STATUS_SUCCESS);
    cr_expect(screen_same_picture(screen, fresh), "picture %d, page %d differs from a new one", row,
              (int)page);
    kl_screen_destroy(fresh);
}

Test(screen_page, every_scene_draws_on_every_page_in_both_themes, .timeout = 240)
{
    for (int theme = KL_THEME_DARK; theme <= KL_THEME_LIGHT; theme++) {
        struct kl_screen *screen = kl_screen_create(WIDTH, HEIGHT, (enum kl_theme)theme);
        for (int scene = 0; scene < SYNTHETIC_SCENE_COUNT; scene++) {
            synthetic_snapshot((enum synthetic_scene)scene, 33.0, &snapshot);
            for (int page = 0; page < KL_PAGE_COUNT; page++) {
                kl_screen_set_page(screen, (enum kl_page)page);
                kl_screen_draw(screen, &snapshot, NULL);
                expect_as_new(screen, WIDTH, HEIGHT, (enum kl_theme)theme, (enum kl_page)page, 0,
                              scene);
            }
        }
        kl_screen_destroy(screen);
    }
}

Test(screen_page, a_running_calibration_is_shown_instead_of_the_forces_only)
{
    static const struct {
        enum kl_page chosen;
        bool running;
        enum kl_page shown;
    } row[] = {
        {KL_PAGE_FORCES, false, KL_PAGE_FORCES},
        {KL_PAGE_FORCES, true, KL_PAGE_CALIBRATION},
        {KL_PAGE_FORCES, false, KL_PAGE_FORCES},
        {KL_PAGE_MOTION, true, KL_PAGE_MOTION},
        {KL_PAGE_CALIBRATION, false, KL_PAGE_CALIBRATION},
        {KL_PAGE_CALIBRATION, true, KL_PAGE_CALIBRATION},
    };
    struct kl_screen *screen = kl_screen_create(WIDTH, HEIGHT, KL_THEME_DARK);
    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        synthetic_snapshot(row[i].running ? SYNTHETIC_CALIBRATING : SYNTHETIC_WORN, 33.0,
                           &snapshot);
        kl_screen_set_page(screen, row[i].chosen);
        kl_screen_draw(screen, &snapshot, NULL);
        cr_expect_eq(kl_screen_page(screen), row[i].shown, "row %zu", i);
        cr_expect_eq(kl_screen_chosen_page(screen), row[i].chosen, "row %zu", i);
        expect_as_new(screen, WIDTH, HEIGHT, KL_THEME_DARK, row[i].chosen, 0, (int)i);
    }
    kl_screen_set_page(screen, (enum kl_page)42);
    cr_expect_eq(kl_screen_chosen_page(screen), KL_PAGE_CALIBRATION, "no such page");
    kl_screen_destroy(screen);
}

Test(screen_page, any_history_of_pages_and_steps_leaves_no_trace, .timeout = 240)
{
    struct kl_screen *screen = kl_screen_create(WIDTH, HEIGHT, KL_THEME_DARK);
    unsigned random = 4711;
    unsigned turns = 0;
    enum kl_page page = KL_PAGE_FORCES;
    double t_s = 3.0;
    for (int i = 0; i < 60; i++) {
        random = random * 1103515245u + 12345u;
        unsigned dice = (random >> 16) % 16;
        enum synthetic_scene scene = dice < 12 ? SYNTHETIC_WORN : SYNTHETIC_UNREADY;
        t_s += 0.11 * dice;
        if (dice == 3 || dice == 14) {
            enum kl_page next = (enum kl_page)((page + 1) % KL_PAGE_COUNT);
            turns = 0;
            page = next;
            kl_screen_set_page(screen, page);
        }
        if (dice == 5 || dice == 12) {
            kl_screen_turn_metrics(screen);
            turns++;
        }
        synthetic_snapshot(dice == 15 ? SYNTHETIC_CALIBRATING : scene, t_s, &snapshot);
        if (dice == 7) {
            snapshot.side[KL_SIDE_LEFT].motion[0].value[KL_CURVE_KNEE_FLEXION][50] = 1.6F;
            snapshot.body_weight_n = 900.0;
        }
        if (dice == 8) {
            snapshot.side[KL_SIDE_RIGHT].motion_count = 1;
            snapshot.side[KL_SIDE_RIGHT].motion[0].moment_band_n_m = 0.0F;
        }
        kl_screen_draw(screen, &snapshot, NULL);
        expect_as_new(screen, WIDTH, HEIGHT, KL_THEME_DARK, page, turns, i);
    }
    kl_screen_destroy(screen);
}

Test(screen_page, a_step_of_one_side_draws_that_side_of_the_motion_page)
{
    struct kl_colour left = kl_palette_get(KL_THEME_DARK)->side[KL_SIDE_LEFT];
    struct kl_colour right = kl_palette_get(KL_THEME_DARK)->side[KL_SIDE_RIGHT];
    struct kl_screen *screen = kl_screen_create(WIDTH, HEIGHT, KL_THEME_DARK);
    kl_screen_set_page(screen, KL_PAGE_MOTION);
    synthetic_snapshot(SYNTHETIC_FULL, 33.0, &snapshot);
    kl_screen_draw(screen, &snapshot, NULL);
    size_t badges = screen_count_colour(screen, "motion", 0.0, 1.0, left);
    size_t other = screen_count_colour(screen, "motion", 0.0, 1.0, right);
    synthetic_snapshot(SYNTHETIC_WORN, 33.0, &snapshot);
    snapshot.side[KL_SIDE_RIGHT].motion_count = 0;
    kl_screen_draw(screen, &snapshot, NULL);
    cr_expect_gt(screen_count_colour(screen, "motion", 0.0, 1.0, left), badges + 100,
                 "four curves of the left: %zu",
                 screen_count_colour(screen, "motion", 0.0, 1.0, left) - badges);
    cr_expect_eq(screen_count_colour(screen, "motion", 0.0, 1.0, right), other,
                 "none of the right");
    kl_screen_draw(screen, &snapshot, NULL);
    cr_expect_eq(kl_screen_drawn(screen), 0, "unchanged");
    snapshot.side[KL_SIDE_LEFT].motion[0].value[KL_CURVE_EVERSION][30] += 0.02F;
    kl_screen_draw(screen, &snapshot, NULL);
    cr_expect_eq(kl_screen_drawn(screen), 1, "only the motion");
    kl_screen_destroy(screen);
}

Test(screen_page, a_phase_that_failed_is_red_and_one_that_passed_is_green)
{
    const struct kl_colour *flag = kl_palette_get(KL_THEME_LIGHT)->flag;
    struct kl_screen *screen = kl_screen_create(WIDTH, HEIGHT, KL_THEME_LIGHT);
    kl_screen_set_page(screen, KL_PAGE_CALIBRATION);
    synthetic_snapshot(SYNTHETIC_WORN, 33.0, &snapshot);
    kl_screen_draw(screen, &snapshot, NULL);
    cr_expect_gt(screen_count_colour(screen, "calibration", 0.0, 1.0, flag[KL_FLAG_GREEN]), 500);
    cr_expect_eq(screen_count_colour(screen, "calibration", 0.0, 1.0, flag[KL_FLAG_RED]), 0);
    snapshot.calibration.phase[KL_CALIBRATION_MARCH].pass = false;
    kl_screen_draw(screen, &snapshot, NULL);
    cr_expect_gt(screen_count_colour(screen, "calibration", 0.0, 1.0, flag[KL_FLAG_RED]), 500);
    synthetic_snapshot(SYNTHETIC_FULL, 33.0, &snapshot);
    kl_screen_draw(screen, &snapshot, NULL);
    cr_expect_eq(screen_count_colour(screen, "calibration", 0.0, 1.0, flag[KL_FLAG_GREEN]), 0,
                 "nothing worn is not passed");
    kl_screen_destroy(screen);
}

Test(screen_page, an_alarm_of_a_device_is_a_bar_and_what_only_lost_samples_is_not)
{
    struct kl_colour red = kl_palette_get(KL_THEME_DARK)->flag[KL_FLAG_RED];
    struct kl_screen *screen = kl_screen_create(1920, 1080, KL_THEME_DARK);
    synthetic_snapshot(SYNTHETIC_FULL, 33.0, &snapshot);
    snapshot.device[1].lost = 3;
    snapshot.device[1].alarm = true; /* it delivers again */
    kl_screen_draw(screen, &snapshot, NULL);
    size_t small = screen_count_colour(screen, "status", 0.7, 1.0, red);
    cr_expect_gt(small, 20);
    cr_expect_lt(small, 1500);
    (void)strcpy(snapshot.device[1].state, "no data");
    kl_screen_draw(screen, &snapshot, NULL);
    cr_expect_gt(screen_count_colour(screen, "status", 0.6, 1.0, red), 10000);
    kl_screen_destroy(screen);
}

/* Every number of the new parts replaced by `value`, counts and texts by more than is possible. */
static void spoil(double value, bool full)
{
    struct kl_snapshot_calibration *calibration = &snapshot.calibration;
    for (size_t s = 0; s < KL_SIDE_COUNT; s++) {
        struct kl_snapshot_side *side = &snapshot.side[s];
        side->motion_count = full ? SIZE_MAX : side->motion_count;
        for (size_t i = 0; i < KL_MOTION_CURVE_STEPS; i++) {
            struct kl_motion_curve *curve = &side->motion[i];
            curve->moment_band_n_m = (float)value;
            curve->moment_level = full ? (enum kl_knee_level)99 : curve->moment_level;
            curve->moment_frame = full ? (enum kl_knee_frame)99 : curve->moment_frame;
            for (size_t j = 0; j < KL_CURVE_POINTS; j += 1 + i) {
                curve->value[i % KL_CURVE_KIND_COUNT][j] = (float)value;
            }
        }
        for (size_t i = 0; i < KL_METRIC_COUNT; i++) {
            side->last.metric[i] = side->mean[i] = value;
        }
    }
    for (size_t i = 0; i < KL_SNAPSHOT_PHASES; i++) {
        calibration->phase[i].quality = calibration->phase[i].elapsed_s = value;
        calibration->phase[i].running = full && i % 2 == 0;
        memset(calibration->phase[i].message, full ? '\xc3' : 'm',
               sizeof(calibration->phase[i].message));
    }
    calibration->finding_count = full ? SIZE_MAX : KL_FINDINGS_MAX;
    for (size_t i = 0; i < KL_FINDINGS_MAX; i++) {
        memset(calibration->finding[i].text, full ? '\xff' : 'f',
               sizeof(calibration->finding[i].text));
    }
    for (size_t i = 0; i < KL_SNAPSHOT_DEVICES; i++) {
        snapshot.device[i].battery = snapshot.device[i].measured_hz = value;
        snapshot.device[i].alarm = full;
    }
    snapshot.device_count = full ? SIZE_MAX : snapshot.device_count;
    snapshot.body_weight_n = full ? value : snapshot.body_weight_n;
}

Test(screen_page, nothing_a_snapshot_holds_can_break_a_page, .timeout = 240)
{
    static const double value[] = {
        (double)NAN, (double)INFINITY, -(double)INFINITY, 0.0, 1e308, -1e308, 5e-324, 1e9, -0.4};
    struct kl_screen *screen = kl_screen_create(WIDTH, HEIGHT, KL_THEME_DARK);
    for (size_t i = 0; i < sizeof(value) / sizeof(value[0]); i++) {
        for (int full = 0; full < 2; full++) {
            for (int page = KL_PAGE_MOTION; page < KL_PAGE_COUNT; page++) {
                synthetic_snapshot(SYNTHETIC_WORN, 33.0, &snapshot);
                spoil(value[i], full != 0);
                kl_screen_set_page(screen, (enum kl_page)page);
                kl_screen_draw(screen, &snapshot, NULL);
                expect_as_new(screen, WIDTH, HEIGHT, KL_THEME_DARK, (enum kl_page)page, 0, (int)i);
            }
        }
    }
    kl_screen_destroy(screen);
}

Test(screen_page, any_size_is_drawn_and_hidpi_is_the_same_picture_with_more_pixels, .timeout = 240)
{
    static const int size[][2] = {{1, 1},   {1, 900},   {900, 1},   {13, 7},
                                  {64, 48}, {320, 200}, {500, 900}, {2560, 700}};
    struct kl_screen *screen = kl_screen_create(WIDTH, HEIGHT, KL_THEME_LIGHT);
    for (int page = KL_PAGE_MOTION; page < KL_PAGE_COUNT; page++) {
        synthetic_snapshot(page == KL_PAGE_MOTION ? SYNTHETIC_WORN : SYNTHETIC_CALIBRATING, 33.0,
                           &snapshot);
        kl_screen_set_page(screen, (enum kl_page)page);
        for (size_t i = 0; i < sizeof(size) / sizeof(size[0]); i++) {
            kl_screen_resize(screen, size[i][0], size[i][1], 1.0);
            kl_screen_draw(screen, &snapshot, NULL);
            expect_as_new(screen, size[i][0], size[i][1], KL_THEME_LIGHT, (enum kl_page)page, 0,
                          (int)i);
        }
        kl_screen_resize(screen, 700, 400, 2.0);
        kl_screen_draw(screen, &snapshot, NULL);
        expect_as_new(screen, 1400, 800, KL_THEME_LIGHT, (enum kl_page)page, 0, 100);
    }
    kl_screen_destroy(screen);
}
