/* Smooth graphs of a function of x, written column by column into an image.
 *
 * A column's pixels follow from the values over that column alone, so a curve that scrolls needs
 * only its new columns, and a column drawn now equals the same column drawn later, bit for bit. A
 * general path rasteriser would draw the whole curve again each frame, at fifty times the cost.
 */
#ifndef KL_VISUALIZE_RASTER_H
#define KL_VISUALIZE_RASTER_H

#include "visualize/canvas.h"

/** A rectangle of an image surface, CAIRO_FORMAT_RGB24. */
struct kl_raster {
    uint32_t *pixel; /* top left of the rectangle */
    int stride;      /* pixels per row of the image */
    int width, height;
    int phase;       /* of the hatching: the first column's place on an endless strip */
    float *coverage; /* [height] of the column being drawn, 0-1 */
    int first, last; /* rows of coverage touched */
};

/** How an area is filled: a side is told by this, not by its colour alone. */
enum kl_fill { KL_FILL_SOLID = 0, KL_FILL_HATCH };

/** left solid, right hatched. */
enum kl_fill kl_side_fill(enum kl_side side);

/** Takes the part of `surface` inside `rect` (cut to the surface). End before cairo draws again.
 *  @return false without memory or when nothing of rect is inside */
bool kl_raster_begin(struct kl_raster *raster, cairo_surface_t *surface, struct kl_rect rect);
void kl_raster_end(struct kl_raster *raster, cairo_surface_t *surface);

/** Adds `weight` of coverage between two heights (px from the top of the raster). */
void kl_raster_add(struct kl_raster *raster, double top, double bottom, double weight);

/** Paints the coverage gathered since the last blend onto column x and forgets it.
 *  @param hatch_px  width of a stripe; KL_FILL_HATCH only */
void kl_raster_blend(struct kl_raster *raster, int x, struct kl_colour colour, double alpha,
                     enum kl_fill fill, int hatch_px);

struct kl_graph {
    const double *y;  /* [count] px from the top of the raster, finite */
    size_t count;     /* equally spaced over the raster's width, >= 2 */
    double thickness; /* px */
    double base;      /* px: the area between curve and this height is filled */
    struct kl_colour colour;
    double alpha;      /* of the line */
    double fill_alpha; /* 0: no area */
    enum kl_fill fill;
    int hatch_px;
};

/** Draws a whole graph. */
void kl_raster_graph(struct kl_raster *raster, const struct kl_graph *graph);

#endif
