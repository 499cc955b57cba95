/* What a panel draws with: a cairo_t in device pixels, the palette, text, and the few shapes that
 * carry meaning everywhere (hatching, flag signs, side badges).
 *
 * All coordinates are device pixels. Sizes are given for KL_DESIGN_WIDTH x KL_DESIGN_HEIGHT and
 * pass through kl_px, so that a larger or denser screen shows the same picture.
 */
#ifndef KL_VISUALIZE_CANVAS_H
#define KL_VISUALIZE_CANVAS_H

#include "visualize/text.h"
#include "visualize/theme.h"

struct kl_rect {
    double x, y, w, h; /* whole pixels */
};

/** What the operator has chosen to see. */
struct kl_view {
    enum kl_page page;
    unsigned metrics_turn; /* pages of metrics further than the one that belongs to `page` */
};

struct kl_canvas {
    cairo_t *cr;
    cairo_surface_t *surface; /* the image cr draws on, CAIRO_FORMAT_RGB24 */
    cairo_surface_t *frame;   /* the panels' frames, same size and place; NULL while drawing them */
    struct kl_text *text;
    const struct kl_palette *palette;
    double unit; /* device px per design px */
    struct kl_view view;
};

/** True when `inner` lies inside `outer`. What draws on pixels directly asks this first: on a
 * screen of a few pixels a plot has no place. */
bool kl_rect_holds(struct kl_rect outer, struct kl_rect inner);

/** Design pixels to whole device pixels; at least 1 for anything positive. */
double kl_px(const struct kl_canvas *canvas, double design_px);

void kl_set_colour(const struct kl_canvas *canvas, struct kl_colour colour, double alpha);

/** a + part (b - a). */
struct kl_colour kl_colour_mix(struct kl_colour a, struct kl_colour b, double part);

void kl_draw_rect(const struct kl_canvas *canvas, struct kl_rect rect, struct kl_colour colour,
                  double alpha);

/** Puts the frame back over a rectangle: what was drawn there is gone. */
void kl_draw_frame_again(const struct kl_canvas *canvas, struct kl_rect rect);

/** Thin lines that land on whole pixels: level from x0 to x1, upright from y0 to y1. */
void kl_draw_level(const struct kl_canvas *canvas, double x0, double x1, double y,
                   struct kl_colour colour);
void kl_draw_upright(const struct kl_canvas *canvas, double x, double y0, double y1,
                     struct kl_colour colour);
void kl_draw_level_dashed(const struct kl_canvas *canvas, double x0, double x1, double y,
                          struct kl_colour colour);

/** "Not valid": diagonal stripes over a rectangle. */
void kl_draw_hatch(const struct kl_canvas *canvas, struct kl_rect rect);

/** A flag's sign, centred: dashed ring, tick, i, triangle with !, octagon with !!.
 *  @param size  px, width and height */
void kl_draw_flag_sign(const struct kl_canvas *canvas, enum kl_flag_state state, double x, double y,
                       double size);

/** The letter of a side (L, R, ?) on its colour: left in a square, right in a disc. */
void kl_draw_side_badge(const struct kl_canvas *canvas, enum kl_side side, double x, double y,
                        double size);

/** "L", "R" or "?". */
const char *kl_side_letter(enum kl_side side);

/** What is awaited or why there is nothing, in the middle of an empty place; two lines at most. */
void kl_draw_note(const struct kl_canvas *canvas, struct kl_rect rect, const char *string);

#endif
