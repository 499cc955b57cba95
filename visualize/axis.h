/* From data to pixels: the map, the ticks and the grid lines on the pixel grid. */
#ifndef KL_VISUALIZE_AXIS_H
#define KL_VISUALIZE_AXIS_H

#include "visualize/canvas.h"

/** A straight map of [low, high] in data units onto [pixel_low, pixel_high]. */
struct kl_axis {
    double low, high;
    double pixel_low, pixel_high; /* y axes have pixel_low below pixel_high on screen: larger */
};

/** Pixel of a value, never outside the axis by more than one length of it: curves beyond the edge
 *  are clipped, and infinities stay drawable. NaN gives pixel_low. */
double kl_axis_pixel(const struct kl_axis *axis, double value);

/** Ticks at first + i step, i < count. */
struct kl_ticks {
    double first, step;
    int count;
    int decimals; /* needed to write them */
};

/** Ticks inside [low, high] with a step of 1, 2 or 5 times a power of ten, the smallest that gives
 *  at most `most` of them. count is 0 when low >= high, most < 2 or a bound is not finite. */
struct kl_ticks kl_ticks_choose(double low, double high, int most);

/** The smallest multiple of a tick step at or above `high`, for an axis that begins at 0. */
double kl_axis_cover(double high, int most);

/** Horizontal grid lines over [x0, x1] with their labels right-aligned before x0. */
void kl_axis_draw_y(const struct kl_canvas *canvas, const struct kl_axis *axis, double x0,
                    double x1, int most);

/** Vertical grid lines over [y0, y1] with their labels below y1: centred, but inside the axis
 *  at its ends, so that neighbouring plots do not run together. */
void kl_axis_draw_x(const struct kl_canvas *canvas, const struct kl_axis *axis, double y0,
                    double y1, int most);

/** Writes a tick's value, with a true minus sign and never "-0". */
void kl_tick_text(const struct kl_ticks *ticks, int i, char *out, size_t len);

#endif
