#include "visualize/axis.h"

#include <criterion/criterion.h>

#include <math.h>

Test(axis, ticks_are_few_round_and_inside)
{
    static const struct {
        const char *legend;
        double low, high;
        int most;
        double first, step;
        int count, decimals;
    } row[] = {
        {"ten seconds", -10, 0, 11, -10, 1, 11, 0},
        {"ten seconds in few", -10, 0, 6, -10, 2, 6, 0},
        {"force", 0, 2000, 7, 0, 500, 5, 0},
        {"force, odd top", 0, 2150, 7, 0, 500, 5, 0},
        {"body weights", 0, 2.5, 7, 0, 0.5, 6, 1},
        {"metres around zero", -0.3, 0.3, 8, -0.3, 0.1, 7, 1},
        {"millimetres off the grid", 41, 79, 3, 60, 20, 1, 0},
        {"thousandths", 0.001, 0.0042, 5, 0.001, 0.001, 4, 3},
        {"cadence", 160, 180, 5, 160, 5, 5, 0},
        {"a great many newtons", 0, 123456, 4, 0, 50000, 3, 0},
        {"two ticks at most", 0, 1, 2, 0, 1, 2, 0},
    };
    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        struct kl_ticks ticks = kl_ticks_choose(row[i].low, row[i].high, row[i].most);
        cr_expect_eq(ticks.count, row[i].count, "%s: %d ticks", row[i].legend, ticks.count);
        cr_expect_eq(ticks.decimals, row[i].decimals, "%s: %d decimals", row[i].legend,
                     ticks.decimals);
        cr_expect_float_eq(ticks.first, row[i].first, 1e-9, "%s: first %g", row[i].legend,
                           ticks.first);
        cr_expect_float_eq(ticks.step, row[i].step, 1e-9, "%s: step %g", row[i].legend, ticks.step);
    }
}

Test(axis, an_impossible_range_has_no_ticks)
{
    static const double range[][2] = {
        {1, 1}, {2, 1}, {(double)NAN, 1}, {0, (double)INFINITY}, {-1e301, 1e301}};
    for (size_t i = 0; i < sizeof(range) / sizeof(range[0]); i++) {
        cr_expect_eq(kl_ticks_choose(range[i][0], range[i][1], 5).count, 0, "row %zu", i);
    }
    cr_expect_eq(kl_ticks_choose(0, 1, 1).count, 0);
}

Test(axis, any_range_gets_at_most_the_ticks_asked_for)
{
    for (int i = 0; i < 110; i++) {
        double span = 1e-6 * pow(1.37, i); /* up to 1e9 */
        for (int most = 2; most < 12; most++) {
            struct kl_ticks ticks = kl_ticks_choose(-0.3 * span, 0.7 * span, most);
            cr_assert(ticks.count >= 1 && ticks.count <= most, "span %g, %d asked: %d", span, most,
                      ticks.count);
            double last = ticks.first + (ticks.count - 1) * ticks.step;
            cr_assert(ticks.first >= -0.3 * span * (1 + 1e-6) && last <= 0.7 * span * (1 + 1e-6));
        }
    }
}

Test(axis, tick_labels_have_a_true_minus_and_no_minus_zero)
{
    struct kl_ticks ticks = kl_ticks_choose(-0.2, 0.2, 5);
    static const char *const label[] = {"−0.2", "−0.1", "0.0", "0.1", "0.2"};
    cr_assert_eq(ticks.count, 5);
    for (int i = 0; i < ticks.count; i++) {
        char text[32];
        kl_tick_text(&ticks, i, text, sizeof(text));
        cr_expect_str_eq(text, label[i]);
    }
}

Test(axis, the_top_of_an_axis_is_the_next_round_number)
{
    cr_expect_float_eq(kl_axis_cover(1922.2, 6), 2000.0, 1e-9);
    cr_expect_float_eq(kl_axis_cover(2000.0, 6), 2000.0, 1e-9);
    cr_expect_float_eq(kl_axis_cover(2.51, 6), 3.0, 1e-9);
    cr_expect_float_eq(kl_axis_cover((double)NAN, 6), 1.0, 1e-9);
}

Test(axis, values_map_linearly_and_nothing_becomes_infinite)
{
    struct kl_axis axis = {.low = 0, .high = 2000, .pixel_low = 300, .pixel_high = 100};
    cr_expect_float_eq(kl_axis_pixel(&axis, 0), 300, 1e-12);
    cr_expect_float_eq(kl_axis_pixel(&axis, 500), 250, 1e-12);
    cr_expect_float_eq(kl_axis_pixel(&axis, 2000), 100, 1e-12);
    cr_expect_float_eq(kl_axis_pixel(&axis, (double)INFINITY), -100, 1e-12, "one length beyond");
    cr_expect_float_eq(kl_axis_pixel(&axis, -1e300), 500, 1e-12, "one length before");
    cr_expect_float_eq(kl_axis_pixel(&axis, (double)NAN), 300, 1e-12);
    struct kl_axis empty = {.low = 5, .high = 5, .pixel_low = 7, .pixel_high = 9};
    cr_expect_float_eq(kl_axis_pixel(&empty, 5), 7, 1e-12);
}
