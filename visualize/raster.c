#include "visualize/raster.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SUBCOLUMNS 4 /* of one pixel: steep lines get smooth flanks */

enum kl_fill kl_side_fill(enum kl_side side)
{
    return side == KL_SIDE_RIGHT ? KL_FILL_HATCH : KL_FILL_SOLID;
}

bool kl_raster_begin(struct kl_raster *raster, cairo_surface_t *surface, struct kl_rect rect)
{
    cairo_surface_flush(surface);
    unsigned char *data = cairo_image_surface_get_data(surface);
    if (data == NULL) {
        return false;
    }
    int x0 = (int)fmax(rect.x, 0.0);
    int y0 = (int)fmax(rect.y, 0.0);
    int x1 = (int)fmin(rect.x + rect.w, cairo_image_surface_get_width(surface));
    int y1 = (int)fmin(rect.y + rect.h, cairo_image_surface_get_height(surface));
    if (x1 <= x0 || y1 <= y0) {
        return false;
    }
    int stride = cairo_image_surface_get_stride(surface) / 4;
    float *coverage = calloc((size_t)(y1 - y0), sizeof(*coverage));
    if (coverage == NULL) {
        return false;
    }
    /* Rows of an image surface are aligned for 32-bit access: cairo_format_stride_for_width. */
    *raster = (struct kl_raster){.pixel = (uint32_t *)(void *)data + (ptrdiff_t)y0 * stride + x0,
                                 .stride = stride,
                                 .width = x1 - x0,
                                 .height = y1 - y0,
                                 .phase = x0,
                                 .coverage = coverage,
                                 .first = y1 - y0,
                                 .last = -1};
    return true;
}

void kl_raster_end(struct kl_raster *raster, cairo_surface_t *surface)
{
    free(raster->coverage);
    raster->coverage = NULL;
    cairo_surface_mark_dirty(surface);
}

/* fmin and fmax are calls into libm, here once per pixel. */
static double smaller(double a, double b)
{
    return a < b ? a : b;
}

static double larger(double a, double b)
{
    return a > b ? a : b;
}

void kl_raster_add(struct kl_raster *raster, double top, double bottom, double weight)
{
    top = larger(top, 0.0);
    bottom = smaller(bottom, raster->height);
    if (!(bottom > top)) {
        return;
    }
    int from = (int)top;
    int to = (int)bottom;
    float full = (float)weight;
    float *coverage = raster->coverage;
    raster->first = from < raster->first ? from : raster->first;
    if (from == to) {
        coverage[from] += (float)(weight * (bottom - top));
        raster->last = to > raster->last ? to : raster->last;
        return;
    }
    coverage[from] += (float)(weight * (1.0 - (top - from)));
    for (int y = from + 1; y < to; y++) {
        coverage[y] += full;
    }
    if (to < raster->height) {
        coverage[to] += (float)(weight * (bottom - to));
    } else {
        to = raster->height - 1;
    }
    raster->last = to > raster->last ? to : raster->last;
}

/* x / 255 rounded, in both halves of a word at once; exact for products of bytes. */
static uint32_t halves_by_255(uint32_t x)
{
    x += 0x800080u;
    return ((x + ((x >> 8) & 0xff00ffu)) >> 8) & 0xff00ffu;
}

/* Opaque colour (red and blue, alpha and green) at `alpha` over what is there, premultiplied. */
static uint32_t over(uint32_t below, uint32_t red_blue, uint32_t alpha_green, uint32_t alpha)
{
    uint32_t keep = 255u - alpha;
    uint32_t rb = halves_by_255((below & 0xff00ffu) * keep) + halves_by_255(red_blue * alpha);
    uint32_t ag =
        halves_by_255(((below >> 8) & 0xff00ffu) * keep) + halves_by_255(alpha_green * alpha);
    /* Two roundings up can reach 256 where both parts end in a half: hold them at 255. */
    rb |= 0x1000100u - ((rb >> 8) & 0xff00ffu);
    ag |= 0x1000100u - ((ag >> 8) & 0xff00ffu);
    return (rb & 0xff00ffu) | (ag & 0xff00ffu) << 8;
}

void kl_raster_blend(struct kl_raster *raster, int x, struct kl_colour colour, double alpha,
                     enum kl_fill fill, int hatch_px)
{
    uint32_t red_blue =
        (uint32_t)(colour.r * 255.0 + 0.5) << 16 | (uint32_t)(colour.b * 255.0 + 0.5);
    uint32_t alpha_green = 0xff0000u | (uint32_t)(colour.g * 255.0 + 0.5);
    uint32_t *pixel = raster->pixel + x + (ptrdiff_t)raster->first * raster->stride;
    float full = (float)(alpha * 255.0);
    /* Between the stripes of a hatching a quarter of the tint is left. */
    int stripe = fill == KL_FILL_HATCH && hatch_px > 0 ? hatch_px : 0;
    int place = stripe > 0 ? (x + raster->phase + raster->first) % (2 * stripe) : 0;
    for (int y = raster->first; y <= raster->last; y++, pixel += raster->stride) {
        float part = raster->coverage[y] < 1.0f ? raster->coverage[y] : 1.0f;
        uint32_t weight = (uint32_t)((place < stripe ? part * 0.25f : part) * full + 0.5f);
        raster->coverage[y] = 0.0f;
        if (weight > 0) {
            *pixel = over(*pixel, red_blue, alpha_green, weight);
        }
        place = place + 1 == 2 * stripe ? 0 : place + 1;
    }
    raster->first = raster->height;
    raster->last = -1;
}

static double graph_at(const struct kl_graph *graph, double t)
{
    size_t i = (size_t)t;
    if (i + 1 >= graph->count) {
        return graph->y[graph->count - 1];
    }
    double part = t - (double)i;
    return graph->y[i] + part * (graph->y[i + 1] - graph->y[i]);
}

/* One column: first the area, then the line, each in subcolumns. */
static void graph_column(struct kl_raster *raster, const struct kl_graph *graph, int x)
{
    double per_px = (double)(graph->count - 1) / raster->width;
    double edge[SUBCOLUMNS + 1];
    for (int s = 0; s <= SUBCOLUMNS; s++) {
        edge[s] = graph_at(graph, (x + (double)s / SUBCOLUMNS) * per_px);
    }
    if (graph->fill_alpha > 0.0) {
        for (int s = 0; s < SUBCOLUMNS; s++) {
            double y = 0.5 * (edge[s] + edge[s + 1]);
            kl_raster_add(raster, smaller(y, graph->base), larger(y, graph->base),
                          1.0 / SUBCOLUMNS);
        }
        kl_raster_blend(raster, x, graph->colour, graph->fill_alpha, graph->fill, graph->hatch_px);
    }
    for (int s = 0; s < SUBCOLUMNS; s++) {
        kl_raster_add(raster, smaller(edge[s], edge[s + 1]) - graph->thickness / 2.0,
                      larger(edge[s], edge[s + 1]) + graph->thickness / 2.0, 1.0 / SUBCOLUMNS);
    }
    kl_raster_blend(raster, x, graph->colour, graph->alpha, KL_FILL_SOLID, 0);
}

void kl_raster_graph(struct kl_raster *raster, const struct kl_graph *graph)
{
    if (graph->count < 2) {
        return;
    }
    for (int x = 0; x < raster->width; x++) {
        graph_column(raster, graph, x);
    }
}
