#include "visualize/theme.h"

#include <criterion/criterion.h>

/* Oracles: WCAG 2.1 gives 21:1 for black on white and asks 4.5:1 for text. */
Test(theme, contrast_follows_the_web_guideline)
{
    struct kl_colour black = {0, 0, 0};
    struct kl_colour white = {1, 1, 1};
    struct kl_colour grey = {0x77 / 255.0, 0x77 / 255.0, 0x77 / 255.0};
    cr_expect_float_eq(kl_colour_contrast(black, white), 21.0, 1e-9);
    cr_expect_float_eq(kl_colour_contrast(white, black), 21.0, 1e-9);
    cr_expect_float_eq(kl_colour_contrast(grey, white), 4.48, 0.005, "the well-known #777777");
}

Test(theme, everything_written_can_be_read_in_both_themes)
{
    for (int theme = KL_THEME_DARK; theme <= KL_THEME_LIGHT; theme++) {
        const struct kl_palette *palette = kl_palette_get((enum kl_theme)theme);
        cr_expect_geq(kl_colour_contrast(palette->text, palette->panel), 7.0);
        cr_expect_geq(kl_colour_contrast(palette->dim, palette->panel), 4.5);
        for (int i = 0; i < KL_FLAG_STATE_COUNT; i++) {
            cr_expect_geq(kl_colour_contrast(palette->flag[i], palette->panel), 4.5,
                          "theme %d, flag %d as word", theme, i);
            cr_expect_geq(kl_colour_contrast(palette->on_flag, palette->flag[i]), 4.5,
                          "theme %d, sign on flag %d", theme, i);
        }
        for (int i = 0; i < KL_SIDE_COUNT; i++) {
            cr_expect_geq(kl_colour_contrast(palette->side[i], palette->panel), 4.5,
                          "theme %d, side %d", theme, i);
            cr_expect_geq(kl_colour_contrast(palette->on_flag, palette->side[i]), 4.5,
                          "theme %d, letter on side %d", theme, i);
        }
    }
}

/* Deuteranopes and protanopes see yellow-blue and lightness: the blue part of left and right, as
 * a share of the whole, must differ clearly. */
Test(theme, left_and_right_differ_in_what_red_green_blindness_leaves)
{
    for (int theme = KL_THEME_DARK; theme <= KL_THEME_LIGHT; theme++) {
        const struct kl_palette *palette = kl_palette_get((enum kl_theme)theme);
        struct kl_colour l = palette->side[KL_SIDE_LEFT];
        struct kl_colour r = palette->side[KL_SIDE_RIGHT];
        double blue_l = l.b - 0.5 * (l.r + l.g);
        double blue_r = r.b - 0.5 * (r.r + r.g);
        cr_expect_gt(blue_l - blue_r, 0.2, "theme %d: %.2f and %.2f", theme, blue_l, blue_r);
    }
}

Test(theme, type_sizes_grow_in_order)
{
    cr_expect_geq(kl_font_get(KL_FONT_TINY)->size, 13.0, "the least that can be read at a desk");
    /* 20 arc minutes at two metres on a 24 inch screen are about 36 px of type. */
    cr_expect_geq(kl_font_get(KL_FONT_LARGE)->size, 36.0, "read from two metres");
    cr_expect_gt(kl_font_get(KL_FONT_HUGE)->size, kl_font_get(KL_FONT_LARGE)->size);
}
