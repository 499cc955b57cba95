/* Colours and type sizes of the screen, for a dark lab and for a bright one.
 *
 * Left and right are blue and pink, a pair that stays apart in the common colour vision
 * deficiencies; flags use a bluish green, cyan, amber and red. Colour never stands alone: a side
 * also has its letter and its filling (left solid, right hatched), a flag its shape and its word.
 */
#ifndef KL_VISUALIZE_THEME_H
#define KL_VISUALIZE_THEME_H

#include "visualize/screen.h"

/** sRGB, 0-1. */
struct kl_colour {
    double r, g, b;
};

struct kl_palette {
    struct kl_colour background; /* between the panels */
    struct kl_colour panel, edge;
    struct kl_colour grid, axis;
    struct kl_colour text, dim; /* dim: labels and units, still at least 4.5:1 on a panel */
    struct kl_colour hatch;     /* over what is not valid */
    struct kl_colour side[KL_SIDE_COUNT];
    struct kl_colour flag[KL_FLAG_STATE_COUNT];
    struct kl_colour on_flag; /* signs and words on a flag's colour */
};

/** Never NULL; an unknown theme is the dark one. Threads: any. */
const struct kl_palette *kl_palette_get(enum kl_theme theme);

/** Type sizes, from a tick label to the number read from across the room. */
enum kl_font {
    KL_FONT_NARROW = 0, /* as KL_FONT_TINY, for reasons in table cells */
    KL_FONT_TINY,
    KL_FONT_SMALL,
    KL_FONT_BODY,
    KL_FONT_STRONG,
    KL_FONT_TITLE,
    KL_FONT_MEDIUM,
    KL_FONT_LARGE,
    KL_FONT_HUGE,
    KL_FONT_COUNT,
};

struct kl_font_style {
    double size; /* px on a screen of KL_DESIGN_WIDTH x KL_DESIGN_HEIGHT */
    bool bold, narrow;
};

const struct kl_font_style *kl_font_get(enum kl_font font);

/* The screen every size in visualize/ is given for; other sizes scale it. */
#define KL_DESIGN_WIDTH 1920.0
#define KL_DESIGN_HEIGHT 1080.0

/** Relative luminance contrast of two colours, 1-21. Source: WCAG 2.1, relative luminance. */
double kl_colour_contrast(struct kl_colour a, struct kl_colour b);

#endif
