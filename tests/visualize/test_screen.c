#include "screen_picture.h"
#include "synthetic_snapshot.h"
#include "visualize/theme.h"

#include <criterion/criterion.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WIDTH 1100
#define HEIGHT 620

/* Large: not for the stack. */
static struct kl_snapshot snapshot;

/* Compares a screen that has seen things with one that has not. */
static void expect_as_new(const struct kl_screen *screen, int width, int height,
                          enum kl_theme theme, const char *legend, int row)
{
    struct kl_screen *fresh = kl_screen_create(width, height, theme);
    kl_screen_draw(fresh, &snapshot, NULL);
    cr_expect(screen_same_picture(screen, fresh), "%s, picture %d differs from a new one", legend,
              row);
    kl_screen_destroy(fresh);
}

Test(screen, every_scene_draws_in_both_themes)
{
    for (int theme = KL_THEME_DARK; theme <= KL_THEME_LIGHT; theme++) {
        struct kl_screen *screen = kl_screen_create(WIDTH, HEIGHT, (enum kl_theme)theme);
        for (int scene = 0; scene < SYNTHETIC_SCENE_COUNT; scene++) {
            synthetic_snapshot((enum synthetic_scene)scene, 33.0, &snapshot);
            kl_screen_draw(screen, &snapshot, NULL);
            cr_expect_eq(cairo_surface_status(kl_screen_surface(screen)), CAIRO_STATUS_SUCCESS);
            cr_expect_gt(kl_screen_drawn(screen), 0);
            expect_as_new(screen, WIDTH, HEIGHT, (enum kl_theme)theme, "scene", scene);
        }
        kl_screen_destroy(screen);
    }
}

Test(screen, the_same_snapshot_is_the_same_picture)
{
    struct kl_screen *a = kl_screen_create(WIDTH, HEIGHT, KL_THEME_DARK);
    struct kl_screen *b = kl_screen_create(WIDTH, HEIGHT, KL_THEME_DARK);
    synthetic_snapshot(SYNTHETIC_FULL, 33.0, &snapshot);
    kl_screen_draw(a, &snapshot, NULL);
    kl_screen_draw(b, &snapshot, NULL);
    cr_expect(screen_same_picture(a, b));
    synthetic_snapshot(SYNTHETIC_FULL, 33.1, &snapshot);
    kl_screen_draw(b, &snapshot, NULL);
    cr_expect_not(screen_same_picture(a, b), "and another is another");
    kl_screen_destroy(a);
    kl_screen_destroy(b);
}

Test(screen, an_unchanged_snapshot_draws_nothing)
{
    struct kl_screen *screen = kl_screen_create(WIDTH, HEIGHT, KL_THEME_DARK);
    synthetic_snapshot(SYNTHETIC_FULL, 33.0, &snapshot);
    kl_screen_draw(screen, &snapshot, NULL);
    cr_expect_eq(kl_screen_drawn(screen), 8, "all panels at first");
    kl_screen_draw(screen, &snapshot, NULL);
    cr_expect_eq(kl_screen_drawn(screen), 0);
    snapshot.device[0].samples += 17; /* counted, not shown */
    snapshot.t_ns += 1000000;
    kl_screen_draw(screen, &snapshot, NULL);
    cr_expect_eq(kl_screen_drawn(screen), 0);
    synthetic_snapshot(SYNTHETIC_FULL, 33.0 + 1.0 / 60.0, &snapshot);
    kl_screen_draw(screen, &snapshot, NULL);
    cr_expect_eq(kl_screen_drawn(screen), 1, "between steps only the force moves: %zu",
                 kl_screen_drawn(screen));
    kl_screen_destroy(screen);
}

Test(screen, a_live_run_drawn_piecewise_equals_a_full_drawing, .timeout = 120)
{
    struct kl_screen *screen = kl_screen_create(WIDTH, HEIGHT, KL_THEME_DARK);
    /* From before the first point over the filling of the trace to a rolling one, in frames of
     * 60 Hz, compared now and then. */
    for (int frame = 0; frame < 900; frame++) {
        synthetic_snapshot(SYNTHETIC_FULL, frame / 60.0, &snapshot);
        kl_screen_draw(screen, &snapshot, NULL);
        if (frame % 53 == 0) {
            expect_as_new(screen, WIDTH, HEIGHT, KL_THEME_DARK, "live", frame);
        }
    }
    kl_screen_destroy(screen);
}

Test(screen, any_history_of_scenes_times_and_themes_leaves_no_trace, .timeout = 120)
{
    struct kl_screen *screen = kl_screen_create(WIDTH, HEIGHT, KL_THEME_DARK);
    unsigned random = 12345;
    int width = WIDTH;
    enum kl_theme theme = KL_THEME_DARK;
    double t_s = 20.0;
    for (int i = 0; i < 60; i++) {
        random = random * 1103515245u + 12345u;
        unsigned dice = (random >> 16) % 16;
        t_s = dice < 8 ? t_s + 0.05 * dice : dice < 10 ? t_s + 3.0 : dice == 10 ? 2.0 : t_s;
        enum synthetic_scene scene =
            dice < 11 ? SYNTHETIC_FULL : (enum synthetic_scene)(dice % SYNTHETIC_SCENE_COUNT);
        if (dice == 15) {
            theme = theme == KL_THEME_DARK ? KL_THEME_LIGHT : KL_THEME_DARK;
            kl_screen_set_theme(screen, theme);
        }
        if (dice == 14) {
            width = width == WIDTH ? 900 : WIDTH;
            kl_screen_resize(screen, width, HEIGHT, 1.0);
        }
        synthetic_snapshot(scene, t_s, &snapshot);
        if (dice == 13) {
            snapshot.body_weight_n = 900.0; /* the axes change under the curves */
        }
        if (dice == 12) {
            snapshot.side[KL_SIDE_LEFT].last.metric_reasons[3] = KL_REASON_GAP;
            snapshot.plate[0].trace_count /= 2;
            snapshot.contacts = 0;
        }
        kl_screen_draw(screen, &snapshot, NULL);
        expect_as_new(screen, width, HEIGHT, theme, "history", i);
    }
    kl_screen_destroy(screen);
}

Test(screen, a_raised_factor_has_its_colour_in_its_tile_and_its_sentence)
{
    for (int theme = KL_THEME_DARK; theme <= KL_THEME_LIGHT; theme++) {
        const struct kl_colour *flag = kl_palette_get((enum kl_theme)theme)->flag;
        double from = (double)KL_FACTOR_FOOTWEAR / KL_FACTOR_COUNT;
        double to = (double)(KL_FACTOR_FOOTWEAR + 1) / KL_FACTOR_COUNT;
        struct kl_screen *screen = kl_screen_create(WIDTH, HEIGHT, (enum kl_theme)theme);
        synthetic_snapshot(SYNTHETIC_FULL, 33.0, &snapshot);
        kl_screen_draw(screen, &snapshot, NULL);
        cr_expect_gt(screen_count_colour(screen, "factors", from, to, flag[KL_FLAG_AMBER]), 100);
        cr_expect_eq(screen_count_colour(screen, "factors", 0.0, from, flag[KL_FLAG_AMBER]), 0);
        cr_expect_eq(screen_count_colour(screen, "factors", to + 0.01, 1.0, flag[KL_FLAG_AMBER]),
                     0);
        cr_expect_gt(screen_count_colour(screen, "flags", 0.0, 0.2, flag[KL_FLAG_AMBER]), 100);
        cr_expect_eq(screen_count_colour(screen, "factors", 0.0, 1.0, flag[KL_FLAG_RED]), 0);

        synthetic_snapshot(SYNTHETIC_PROBLEM, 33.0, &snapshot);
        kl_screen_draw(screen, &snapshot, NULL);
        cr_expect_gt(screen_count_colour(screen, "flags", 0.0, 0.2, flag[KL_FLAG_RED]), 100,
                     "the worst comes first");
        cr_expect_gt(screen_count_colour(screen, "status", 0.0, 1.0, flag[KL_FLAG_RED]), 1000,
                     "a problem is a red strip");

        synthetic_snapshot(SYNTHETIC_EMPTY, 0.0, &snapshot);
        kl_screen_draw(screen, &snapshot, NULL);
        for (int state = KL_FLAG_GREEN; state < KL_FLAG_STATE_COUNT; state++) {
            cr_expect_eq(screen_count_colour(screen, "factors", 0.0, 1.0, flag[state]), 0,
                         "grey is never green: state %d", state);
            cr_expect_eq(screen_count_colour(screen, "flags", 0.0, 1.0, flag[state]), 0);
        }
        kl_screen_destroy(screen);
    }
}

Test(screen, the_worst_flags_are_shown_first_whatever_their_order)
{
    const struct kl_colour *flag = kl_palette_get(KL_THEME_DARK)->flag;
    struct kl_screen *screen = kl_screen_create(WIDTH, HEIGHT, KL_THEME_DARK);
    for (size_t red = 0; red < 12; red++) {
        synthetic_snapshot(SYNTHETIC_FULL, 33.0, &snapshot);
        snapshot.flag_count = 12;
        for (size_t i = 0; i < 12; i++) {
            snapshot.flag[i] = snapshot.flag[0];
            snapshot.flag[i].state = i == red ? KL_FLAG_RED : i % 2 ? KL_FLAG_AMBER : KL_FLAG_NOTE;
        }
        kl_screen_draw(screen, &snapshot, NULL);
        cr_expect_gt(screen_count_colour(screen, "flags", 0.0, 0.25, flag[KL_FLAG_RED]), 100,
                     "red at %zu", red);
        cr_expect_eq(screen_count_colour(screen, "flags", 0.35, 1.0, flag[KL_FLAG_RED]), 0);
        cr_expect_eq(screen_count_colour(screen, "flags", 0.0, 1.0, flag[KL_FLAG_NOTE]), 0,
                     "two ambers are worse than a note");
    }
    kl_screen_destroy(screen);
}

Test(screen, a_value_that_is_not_valid_is_hatched)
{
    struct kl_colour hatch = kl_palette_get(KL_THEME_LIGHT)->hatch;
    struct kl_screen *screen = kl_screen_create(1920, 1080, KL_THEME_LIGHT);
    synthetic_snapshot(SYNTHETIC_FULL, 33.0, &snapshot);
    struct kl_step *last = &snapshot.side[KL_SIDE_RIGHT].last;
    memset(last->metric_reasons, 0, KL_METRIC_FORCE_COUNT * sizeof(last->metric_reasons[0]));
    kl_screen_draw(screen, &snapshot, NULL);
    /* Right of the labels: among them stands the line of what is folded. */
    cr_expect_eq(screen_count_colour(screen, "metrics", 0.3, 1.0, hatch), 0);
    last->metric_reasons[KL_METRIC_VALR] = KL_REASON_NO_IMPACT_PEAK;
    kl_screen_draw(screen, &snapshot, NULL);
    size_t one = screen_count_colour(screen, "metrics", 0.3, 1.0, hatch);
    cr_expect_gt(one, 0);
    last->metric_reasons[KL_METRIC_VALR] = 0;
    last->metric[KL_METRIC_VALR] = (double)NAN;
    kl_screen_draw(screen, &snapshot, NULL);
    cr_expect_gt(screen_count_colour(screen, "metrics", 0.3, 1.0, hatch), 0,
                 "NaN without a reason");
    last->valid = false;
    last->reasons = KL_REASON_CUT;
    kl_screen_draw(screen, &snapshot, NULL);
    cr_expect_gt(screen_count_colour(screen, "metrics", 0.3, 1.0, hatch), 10 * one,
                 "an invalid step has no valid value");
    kl_screen_destroy(screen);
}

/* Every number of the snapshot replaced by `value`, counts by more than there is room for. */
static void spoil(double value)
{
    snapshot.body_weight_n = snapshot.height_m = snapshot.speed_m_s = value;
    snapshot.target_cadence_spm = snapshot.cutoff_hz = snapshot.threshold_n = value;
    snapshot.cadence_spm = snapshot.cadence_fft_spm = snapshot.side_confidence = value;
    snapshot.recording.seconds = snapshot.recording.duration_s = value;
    snapshot.recording.held_seconds = snapshot.recording.speed = value;
    for (size_t i = 0; i < KL_HISTORY_STEPS; i++) {
        snapshot.cadence_history[i] = (float)value;
    }
    for (size_t s = 0; s < KL_SIDE_COUNT; s++) {
        struct kl_snapshot_side *side = &snapshot.side[s];
        for (size_t i = 0; i < KL_METRIC_COUNT; i++) {
            side->last.metric[i] = side->mean[i] = side->sd[i] = value;
        }
        for (size_t i = 0; i < KL_CURVE_STEPS; i++) {
            struct kl_curve *curve = &side->curve[i];
            for (size_t j = 0; j < KL_CURVE_POINTS; j += 3) {
                curve->fy_bw[j] = (float)value;
            }
            for (size_t j = 0; j < KL_COP_POINTS; j += 2) {
                curve->cop_x_m[j] = curve->cop_z_m[j] = (float)value;
            }
        }
    }
    for (size_t p = 0; p < KL_SNAPSHOT_PLATES; p++) {
        for (size_t i = 0; i < KL_TRACE_SAMPLES; i += 5) {
            snapshot.plate[p].trace[i].low_n = snapshot.plate[p].trace[i].high_n = (float)value;
        }
        for (size_t i = 0; i < 4; i++) {
            snapshot.plate[p].corner_x_m[i] = snapshot.plate[p].corner_z_m[i] = value;
        }
    }
    for (size_t i = 0; i < KL_SNAPSHOT_FLAGS; i++) {
        snapshot.flag[i].value = snapshot.flag[i].ci_low = snapshot.flag[i].ci_high = value;
    }
    for (size_t i = 0; i < KL_SNAPSHOT_DEVICES; i++) {
        snapshot.device[i].rate_hz = value;
    }
}

static void overfill(void)
{
    snapshot.t_ns = INT64_MAX;
    snapshot.cadence_count = snapshot.plate_count = SIZE_MAX;
    snapshot.flag_count = snapshot.device_count = snapshot.contacts = SIZE_MAX;
    for (size_t s = 0; s < KL_SIDE_COUNT; s++) {
        snapshot.side[s].curve_count = snapshot.side[s].steps = SIZE_MAX;
        for (size_t i = 0; i < KL_CURVE_STEPS; i++) {
            snapshot.side[s].curve[i].cop_count = SIZE_MAX;
        }
    }
    for (size_t p = 0; p < KL_SNAPSHOT_PLATES; p++) {
        snapshot.plate[p].trace_count = snapshot.plate[p].trace_head = SIZE_MAX;
        snapshot.plate[p].trace_end_ns = p % 2 ? INT64_MIN : 1000 * KL_NS_PER_S;
    }
    for (size_t i = 0; i < KL_SNAPSHOT_FLAGS; i++) {
        snapshot.flag[i].rule = i;
        snapshot.flag[i].state = (enum kl_flag_state)(i % 9);
        snapshot.flag[i].side = (enum kl_side)(i % 7);
    }
    for (size_t i = 0; i < KL_SNAPSHOT_DEVICES; i++) {
        memset(snapshot.device[i].name, '\xff', sizeof(snapshot.device[i].name));
        memset(snapshot.device[i].state, 'x', sizeof(snapshot.device[i].state));
        snapshot.device[i].lost = UINT64_MAX;
    }
    for (size_t i = 0; i < KL_FACTOR_COUNT; i++) {
        snapshot.factor[i] = (enum kl_flag_state)77;
    }
    snapshot.gait = (enum kl_gait)99;
    snapshot.loading_rule = (enum kl_loading_rule)99;
    memset(snapshot.subject, 'S', sizeof(snapshot.subject));
    memset(snapshot.condition, '\xc3', sizeof(snapshot.condition)); /* not UTF-8, no end */
    memset(snapshot.recording.path, 'p', sizeof(snapshot.recording.path));
    memset(snapshot.recording.problem, '!', sizeof(snapshot.recording.problem));
}

Test(screen, nothing_a_snapshot_holds_can_break_it, .timeout = 120)
{
    static const double value[] = {(double)NAN,
                                   (double)INFINITY,
                                   -(double)INFINITY,
                                   0.0,
                                   -0.0,
                                   1e308,
                                   -1e308,
                                   5e-324,
                                   1e9,
                                   -171.0,
                                   359.9,
                                   9.99};
    struct kl_screen *screen = kl_screen_create(WIDTH, HEIGHT, KL_THEME_DARK);
    for (size_t i = 0; i < sizeof(value) / sizeof(value[0]); i++) {
        for (int full = 0; full < 2; full++) {
            synthetic_snapshot(SYNTHETIC_PROBLEM, 33.0, &snapshot);
            spoil(value[i]);
            if (full != 0) {
                overfill();
            }
            snapshot.recording.state = (enum kl_recording)(i % 6);
            kl_screen_draw(screen, &snapshot, NULL);
            cr_expect_eq(cairo_surface_status(kl_screen_surface(screen)), CAIRO_STATUS_SUCCESS);
            expect_as_new(screen, WIDTH, HEIGHT, KL_THEME_DARK, "spoiled", (int)i);
        }
    }
    kl_screen_destroy(screen);
}

Test(screen, any_size_is_drawn_and_hidpi_is_the_same_picture_with_more_pixels)
{
    static const int size[][2] = {{1, 1},     {1, 900},   {900, 1},    {13, 7},     {64, 48},
                                  {320, 200}, {500, 900}, {2560, 700}, {3840, 2160}};
    struct kl_screen *screen = kl_screen_create(WIDTH, HEIGHT, KL_THEME_LIGHT);
    synthetic_snapshot(SYNTHETIC_FULL, 33.0, &snapshot);
    for (size_t i = 0; i < sizeof(size) / sizeof(size[0]); i++) {
        kl_screen_resize(screen, size[i][0], size[i][1], 1.0);
        kl_screen_draw(screen, &snapshot, NULL);
        cr_expect_eq(cairo_surface_status(kl_screen_surface(screen)), CAIRO_STATUS_SUCCESS);
        cr_expect_eq(cairo_image_surface_get_width(kl_screen_surface(screen)), size[i][0]);
        expect_as_new(screen, size[i][0], size[i][1], KL_THEME_LIGHT, "size", (int)i);
    }
    kl_screen_resize(screen, 700, 400, 2.0);
    kl_screen_draw(screen, &snapshot, NULL);
    cr_expect_eq(cairo_image_surface_get_width(kl_screen_surface(screen)), 1400);
    expect_as_new(screen, 1400, 800, KL_THEME_LIGHT, "hidpi", 0);
    kl_screen_resize(screen, 100000, 400, 1.0);
    cr_expect_eq(cairo_image_surface_get_width(kl_screen_surface(screen)), 1400,
                 "an absurd size keeps the old one");
    kl_screen_destroy(screen);
}

Test(screen, it_paints_what_it_shows_scaled_to_the_callers_pixels)
{
    struct kl_screen *screen = kl_screen_create(WIDTH, HEIGHT, KL_THEME_DARK);
    cairo_surface_t *target = cairo_image_surface_create(CAIRO_FORMAT_ARGB32, WIDTH, HEIGHT);
    cairo_t *cr = cairo_create(target);
    synthetic_snapshot(SYNTHETIC_FULL, 33.0, &snapshot);
    kl_screen_draw(screen, &snapshot, cr);
    cairo_surface_flush(target);
    cairo_surface_flush(kl_screen_surface(screen));
    const unsigned char *a = cairo_image_surface_get_data(target);
    const unsigned char *b = cairo_image_surface_get_data(kl_screen_surface(screen));
    int stride = cairo_image_surface_get_stride(target);
    cr_assert_eq(stride, cairo_image_surface_get_stride(kl_screen_surface(screen)));
    size_t different = 0;
    for (int i = 0; i < HEIGHT * stride; i++) {
        different += i % 4 != 3 && a[i] != b[i];
    }
    cr_expect_eq(different, 0);
    cairo_destroy(cr);
    cairo_surface_destroy(target);
    kl_screen_destroy(screen);
}

Test(screen, a_picture_that_cannot_be_written_says_where_and_why)
{
    struct kl_fault fault = {0};
    struct kl_screen *screen = kl_screen_create(64, 48, KL_THEME_DARK);
    cr_expect_eq(kl_screen_png(screen, "/no/such/folder/x.png", &fault), KL_ERR_IO);
    cr_expect(strstr(fault.text, "/no/such/folder/x.png") != NULL, "%s", fault.text);
    kl_screen_destroy(screen);
}

Test(screen, a_screen_without_pixels_is_refused)
{
    cr_expect_null(kl_screen_create(0, 10, KL_THEME_DARK));
    cr_expect_null(kl_screen_create(10, -1, KL_THEME_DARK));
    kl_screen_destroy(NULL);
    double x = 0.0;
    struct kl_screen *screen = kl_screen_create(64, 48, KL_THEME_DARK);
    cr_expect_not(kl_screen_panel(screen, "weather", &x, &x, &x, &x));
    kl_screen_destroy(screen);
}
