/* Vertical force of both feet over the last ten seconds, scrolling.
 *
 * Each pixel column stands for a fixed stretch of session time and is drawn from the points of that
 * stretch alone, into an image used as a ring:
 *
 *     column c of all time lives in image column c mod width
 *
 * A frame compares what every column should show with what it was last drawn from, draws the few
 * that differ and copies the ring to the screen in two pieces. Nothing is moved, and whatever
 * happened before (a pause, a seek, a device that came late) the picture is the one a new screen
 * would draw. The ring is opaque, so that the copy is a plain one: the panel's frame looks the same
 * in every column of the plot, and a column of the ring begins as a column of the frame.
 */
#include "visualize/force_trace.h"
#include "visualize/panel.h"
#include "visualize/raster.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SUBCOLUMNS 4
#define HATCH_PX 5 /* design px, width of a stripe */

struct ring {
    cairo_surface_t *surface;
    uint64_t *drawn; /* [width] key of what each image column shows */
    int width, height;
};

/* ----------------------------------------------------------------- values */

static bool has_points(const struct kl_snapshot *snapshot)
{
    return kl_force_trace_newest(snapshot) > 0;
}

/* Top of the force axis: room for 2.8 BW of a runner of known weight, for 2 kN otherwise, more when
 * the curve is higher; a pure function of what is shown. Reference: active peaks of 2.2-2.8 BW. */
static double axis_top(const struct kl_snapshot *snapshot)
{
    double high = snapshot->body_weight_n > 0.0 && isfinite(snapshot->body_weight_n)
                      ? 2.8 * snapshot->body_weight_n
                      : 1900.0;
    for (size_t i = 0; i < kl_force_trace_count(snapshot); i++) {
        struct kl_force_trace trace = kl_force_trace_get(snapshot, i);
        for (int64_t j = 0; j < trace.count; j++) {
            double value = (double)kl_force_trace_point(&trace, trace.newest - j)->high_n;
            if (value > high && value < 1e6) { /* a runner's force; beyond it a broken channel */
                high = value;
            }
        }
    }
    return kl_axis_cover(high, 6);
}

/* ------------------------------------------------------------------- keys */

static uint64_t frame_key(const struct kl_snapshot *snapshot)
{
    double top = axis_top(snapshot);
    uint64_t key = kl_change_key(KL_CHANGE_KEY_START, &top, sizeof(top));
    key = kl_change_key(key, &snapshot->body_weight_n, sizeof(snapshot->body_weight_n));
    key = kl_change_key(key, &snapshot->threshold_n, sizeof(snapshot->threshold_n));
    bool points = has_points(snapshot);
    bool plates = snapshot->plate_count > 0;
    key = kl_change_key(key, &points, sizeof(points));
    return kl_change_key(key, &plates, sizeof(plates));
}

static uint64_t point_key(uint64_t key, const struct kl_trace_point *point)
{
    /* Field by field: the struct has padding. */
    struct {
        float low_n, high_n;
        uint32_t side, contact;
    } shown = {.contact = UINT32_MAX};
    if (point != NULL) {
        shown.low_n = point->low_n;
        shown.high_n = point->high_n;
        shown.side = point->side;
        shown.contact = point->contact;
    }
    return kl_change_key(key, &shown, sizeof(shown));
}

static uint64_t content_key(const struct kl_snapshot *snapshot)
{
    int64_t newest = kl_force_trace_newest(snapshot);
    bool waiting = snapshot->contacts == 0;
    uint64_t key = kl_change_key(frame_key(snapshot), &newest, sizeof(newest));
    key = kl_change_key(key, &waiting, sizeof(waiting));
    for (size_t i = 0; i < kl_force_trace_count(snapshot); i++) {
        struct kl_force_trace trace = kl_force_trace_get(snapshot, i);
        key = kl_change_key(key, &trace.newest, sizeof(trace.newest));
        for (int64_t j = 0; j < trace.count; j++) {
            key = point_key(key, kl_force_trace_point(&trace, trace.newest - j));
        }
    }
    return key;
}

/* ------------------------------------------------------------------ frame */

/* The plot inside the panel, and its force axis. */
static struct kl_rect plot_rect(const struct kl_canvas *canvas, struct kl_rect rect)
{
    struct kl_rect inside = kl_panel_inside(canvas, rect);
    double left = kl_px(canvas, 48);
    double right = kl_px(canvas, 66);
    double bottom = kl_px(canvas, 14);
    inside.x += left;
    inside.w = fmax(inside.w - left - right, 1.0);
    inside.h = fmax(inside.h - bottom, 1.0);
    return inside;
}

static struct kl_axis force_axis(const struct kl_snapshot *snapshot, struct kl_rect plot)
{
    double top = axis_top(snapshot);
    return (struct kl_axis){
        .low = -0.05 * top, .high = 1.05 * top, .pixel_low = plot.y + plot.h, .pixel_high = plot.y};
}

/* "L solid, R hatched" at the right end of the title line. */
static void draw_legend(const struct kl_canvas *canvas, struct kl_rect rect, struct kl_rect plot)
{
    static const struct {
        enum kl_side side;
        const char *text;
    } entry[] = {{KL_SIDE_RIGHT, "right, hatched"}, {KL_SIDE_LEFT, "left, solid"}};
    struct kl_text_style style = {
        .font = KL_FONT_SMALL, .colour = canvas->palette->text, .align = 1.0};
    double x = plot.x + plot.w;
    double y = rect.y + kl_px(canvas, 18);
    for (size_t i = 0; i < 2; i++) {
        x -= kl_text_draw(canvas, style, x, y + kl_text_middle(canvas, style.font), entry[i].text);
        x -= kl_px(canvas, 16);
        kl_draw_side_badge(canvas, entry[i].side, x, y, kl_px(canvas, 20));
        x -= kl_px(canvas, 28);
    }
}

static void draw_references(const struct kl_canvas *canvas, struct kl_rect plot,
                            const struct kl_axis *axis, const struct kl_snapshot *snapshot)
{
    struct kl_text_style style = {.font = KL_FONT_TINY, .colour = canvas->palette->dim};
    double x = plot.x + plot.w + kl_px(canvas, 6);
    double rise = kl_text_middle(canvas, style.font);
    double weight_n = snapshot->body_weight_n;
    double last = plot.y + plot.h + 1e3;
    double apart = kl_text_line(canvas, style.font);
    for (int i = 1; weight_n > 0.0 && i <= 8 && i * weight_n <= axis->high; i++) {
        double y = kl_axis_pixel(axis, i * weight_n);
        char label[16];
        (void)snprintf(label, sizeof(label), "%d BW", i);
        double from = i == 1 ? plot.x : plot.x + plot.w;
        kl_draw_level(canvas, from, plot.x + plot.w + kl_px(canvas, 5), y, canvas->palette->axis);
        if (last - y >= apart) {
            (void)kl_text_draw(canvas, style, x + kl_px(canvas, 2), y + rise, label);
            last = y;
        }
    }
    if (weight_n <= 0.0) {
        style.max_width = kl_px(canvas, 70);
        style.lines = 3;
        (void)kl_text_wrap(canvas, style, x, plot.y, "body weight not known");
    }
}

static void draw_frame(const struct kl_canvas *canvas, struct kl_rect rect,
                       const struct kl_snapshot *snapshot)
{
    struct kl_rect plot = plot_rect(canvas, rect);
    if (!has_points(snapshot)) {
        kl_draw_note(canvas, kl_panel_inside(canvas, rect),
                     snapshot->plate_count == 0 ? "no force plate in this session"
                                                : "waiting for the force plate");
        return;
    }
    struct kl_axis force = force_axis(snapshot, plot);
    struct kl_axis ticks = {.low = 0.0,
                            .high = force.high,
                            .pixel_low = kl_axis_pixel(&force, 0.0),
                            .pixel_high = force.pixel_high};
    kl_axis_draw_y(canvas, &ticks, plot.x, plot.x + plot.w, 7);
    struct kl_axis time = {.low = -(double)KL_TRACE_SAMPLES / KL_TRACE_RATE_HZ,
                           .high = 0.0,
                           .pixel_low = plot.x,
                           .pixel_high = plot.x + plot.w - 1.0};
    /* Ticks below the plot only: inside it every column of the frame is the same. */
    kl_axis_draw_x(canvas, &time, plot.y + plot.h - 1.0, plot.y + plot.h, 11);
    kl_draw_level(canvas, plot.x, plot.x + plot.w, kl_axis_pixel(&force, 0.0),
                  canvas->palette->axis);
    draw_references(canvas, plot, &force, snapshot);
    draw_legend(canvas, rect, plot);
    struct kl_text_style style = {.font = KL_FONT_TINY, .colour = canvas->palette->dim};
    (void)kl_text_draw(canvas, style, plot.x + plot.w + kl_px(canvas, 14),
                       plot.y + plot.h + kl_px(canvas, 17), "s");
}

/* ------------------------------------------------------------------- ring */

static void release(void *state)
{
    struct ring *ring = state;
    if (ring->surface != NULL) {
        cairo_surface_destroy(ring->surface);
    }
    free(ring->drawn);
    *ring = (struct ring){0};
}

static bool ring_ready(struct ring *ring, struct kl_rect plot, bool anew)
{
    if (ring->surface != NULL && anew) {
        memset(ring->drawn, 0, (size_t)ring->width * sizeof(*ring->drawn));
    }
    if (ring->surface != NULL) {
        return true;
    }
    ring->width = (int)plot.w;
    ring->height = (int)plot.h;
    ring->drawn = calloc((size_t)ring->width, sizeof(*ring->drawn));
    ring->surface = cairo_image_surface_create(CAIRO_FORMAT_RGB24, ring->width, ring->height);
    if (ring->drawn == NULL || cairo_surface_status(ring->surface) != CAIRO_STATUS_SUCCESS) {
        release(ring);
        return false;
    }
    return true;
}

/* Where a column begins on the endless line of points: a whole point and a part of the next. */
struct spot {
    int64_t point;
    double part;
};

static struct spot column_spot(int64_t column, int width)
{
    int64_t scaled = column * KL_TRACE_SAMPLES;
    return (struct spot){scaled / width, (double)(scaled % width) / width};
}

static uint64_t column_key(const struct kl_force_trace *trace, size_t count, int64_t column,
                           int width)
{
    uint64_t key = kl_change_key(KL_CHANGE_KEY_START, &column, sizeof(column));
    int64_t from = column_spot(column, width).point;
    int64_t to = column_spot(column + 1, width).point + 1;
    for (size_t i = 0; i < count; i++) {
        for (int64_t number = from; number <= to; number++) {
            key = point_key(key, kl_force_trace_point(&trace[i], number));
        }
    }
    return key;
}

/* Extremes of the curve over a part of a column, heights in px. */
struct extent {
    double top, bottom;
};

static void extent_reach(struct extent *extent, const struct kl_axis *axis,
                         const struct kl_trace_point *a, const struct kl_trace_point *b,
                         double part)
{
    double high = (double)a->high_n + part * ((double)b->high_n - (double)a->high_n);
    double low = (double)a->low_n + part * ((double)b->low_n - (double)a->low_n);
    extent->top = fmin(extent->top, kl_axis_pixel(axis, high));
    extent->bottom = fmax(extent->bottom, kl_axis_pixel(axis, low));
}

static bool is_measured(const struct kl_trace_point *point)
{
    return point != NULL && isfinite(point->low_n) && isfinite(point->high_n);
}

static struct extent subcolumn_extent(const struct kl_force_trace *trace,
                                      const struct kl_axis *axis, struct spot from, double length)
{
    struct extent extent = {.top = (double)INFINITY, .bottom = -(double)INFINITY};
    double end = from.part + length;
    /* The ends of the stretch and every point inside it: no extreme is lost. */
    for (int64_t i = (int64_t)from.part; (double)i < end; i++) {
        const struct kl_trace_point *a = kl_force_trace_point(trace, from.point + i);
        const struct kl_trace_point *b = kl_force_trace_point(trace, from.point + i + 1);
        if (!is_measured(a) || !is_measured(b)) {
            continue; /* a gap stays a gap */
        }
        extent_reach(&extent, axis, a, b, fmax(from.part - (double)i, 0.0));
        extent_reach(&extent, axis, a, b, fmin(end - (double)i, 1.0));
    }
    return extent;
}

static void draw_column(struct kl_raster *raster, const struct kl_canvas *canvas,
                        const struct kl_force_trace *trace, const struct kl_axis *axis,
                        int64_t column)
{
    int x = (int)(column % raster->width);
    double length = (double)KL_TRACE_SAMPLES / raster->width / SUBCOLUMNS;
    struct spot spot = column_spot(column, raster->width);
    const struct kl_trace_point *style = kl_force_trace_point(trace, spot.point);
    struct extent extent[SUBCOLUMNS];
    for (int s = 0; s < SUBCOLUMNS; s++) {
        extent[s] = subcolumn_extent(trace, axis, spot, length);
        spot.part += length;
    }
    enum kl_side side =
        style != NULL && style->side < KL_SIDE_COUNT ? (enum kl_side)style->side : KL_SIDE_UNKNOWN;
    bool contact = style != NULL && style->contact != 0;
    struct kl_colour colour = contact ? canvas->palette->side[side] : canvas->palette->axis;
    raster->phase = (int)(column - x); /* stripes lie still on the curve */
    if (contact) {
        double base = kl_axis_pixel(axis, 0.0);
        for (int s = 0; s < SUBCOLUMNS; s++) {
            kl_raster_add(raster, extent[s].top, base, 1.0 / SUBCOLUMNS);
        }
        kl_raster_blend(raster, x, colour, 0.42, kl_side_fill(side), (int)kl_px(canvas, HATCH_PX));
    }
    double half = 0.5 * fmax(2.0 * canvas->unit, 1.2);
    for (int s = 0; s < SUBCOLUMNS; s++) {
        kl_raster_add(raster, extent[s].top - half, extent[s].bottom + half, 1.0 / SUBCOLUMNS);
    }
    kl_raster_blend(raster, x, colour, 1.0, KL_FILL_SOLID, 0);
}

/* A column begins as the column of the frame at x. */
static void copy_frame_column(struct kl_raster *raster, int x, const struct kl_raster *frame)
{
    uint32_t *pixel = raster->pixel + x;
    const uint32_t *from = frame->pixel;
    for (int y = 0; y < raster->height && y < frame->height; y++) {
        *pixel = *from;
        pixel += raster->stride;
        from += frame->stride;
    }
}

static void ring_update(struct ring *ring, const struct kl_canvas *canvas, struct kl_rect plot,
                        const struct kl_snapshot *snapshot, int64_t end)
{
    struct kl_raster raster;
    struct kl_raster frame;
    struct kl_rect column_of_frame = {plot.x, plot.y, 1.0, plot.h};
    if (!kl_raster_begin(&raster, ring->surface,
                         (struct kl_rect){0, 0, ring->width, ring->height})) {
        return;
    }
    if (!kl_raster_begin(&frame, canvas->frame, column_of_frame)) {
        kl_raster_end(&raster, ring->surface);
        return;
    }
    struct kl_axis axis = force_axis(snapshot, (struct kl_rect){0, 0, plot.w, plot.h});
    struct kl_force_trace trace[KL_SNAPSHOT_PLATES];
    size_t count = kl_force_trace_count(snapshot);
    for (size_t i = 0; i < count; i++) {
        trace[i] = kl_force_trace_get(snapshot, i);
    }
    int64_t first = end > ring->width ? end - ring->width : 0;
    for (int64_t column = first; column < end; column++) {
        int x = (int)(column % ring->width);
        uint64_t key = column_key(trace, count, column, ring->width);
        if (ring->drawn[x] == key) {
            continue;
        }
        copy_frame_column(&raster, x, &frame);
        for (size_t i = 0; i < count; i++) {
            draw_column(&raster, canvas, &trace[i], &axis, column);
        }
        ring->drawn[x] = key;
    }
    kl_raster_end(&frame, canvas->frame);
    kl_raster_end(&raster, ring->surface);
}

static void blit(const struct kl_canvas *canvas, const struct ring *ring, double y, int from,
                 int count, double x)
{
    cairo_set_source_surface(canvas->cr, ring->surface, x - from, y);
    cairo_pattern_set_filter(cairo_get_source(canvas->cr), CAIRO_FILTER_NEAREST);
    cairo_rectangle(canvas->cr, x, y, count, ring->height);
    cairo_set_operator(canvas->cr, CAIRO_OPERATOR_SOURCE);
    cairo_fill(canvas->cr);
    cairo_set_operator(canvas->cr, CAIRO_OPERATOR_OVER);
}

/* ------------------------------------------------------- over the curve */

/* L or R at the head of each contact that begins on screen, riding along. */
static void draw_letters(const struct kl_canvas *canvas, struct kl_rect plot,
                         const struct kl_force_trace *trace, int64_t end)
{
    struct kl_text_style style = {.font = KL_FONT_STRONG, .colour = canvas->palette->text};
    bool before = true;
    for (int64_t number = trace->newest - trace->count + 1; number <= trace->newest; number++) {
        const struct kl_trace_point *point = kl_force_trace_point(trace, number);
        bool contact = point->contact != 0;
        if (contact && !before) {
            int64_t column = number * (int64_t)plot.w / KL_TRACE_SAMPLES;
            double x = plot.x + plot.w - (double)(end - column) + kl_px(canvas, 7);
            enum kl_side side =
                point->side < KL_SIDE_COUNT ? (enum kl_side)point->side : KL_SIDE_UNKNOWN;
            (void)kl_text_draw(canvas, style, x, plot.y + kl_px(canvas, 18), kl_side_letter(side));
        }
        before = contact;
    }
}

static void draw_seconds(const struct kl_canvas *canvas, struct kl_rect plot)
{
    int seconds = KL_TRACE_SAMPLES / KL_TRACE_RATE_HZ;
    kl_set_colour(canvas, canvas->palette->axis, 0.35);
    for (int i = 1; i < seconds; i++) {
        cairo_rectangle(canvas->cr, plot.x + round((plot.w - 1.0) * i / seconds), plot.y,
                        kl_px(canvas, 1), plot.h);
    }
    cairo_fill(canvas->cr);
}

static void draw_plot(const struct kl_canvas *canvas, struct kl_rect plot, struct ring *ring,
                      const struct kl_snapshot *snapshot)
{
    int64_t end = kl_force_trace_newest(snapshot) * ring->width / KL_TRACE_SAMPLES;
    ring_update(ring, canvas, plot, snapshot, end);
    /* Columns before session time 0 have no place in the ring: the bare frame is there. */
    int64_t first = end > ring->width ? end - ring->width : 0;
    int from = (int)(first % ring->width);
    int count = (int)(end - first);
    double x = plot.x + plot.w - count;
    int ahead = count < ring->width - from ? count : ring->width - from;
    if (count < ring->width) {
        kl_draw_frame_again(canvas, plot);
    }
    blit(canvas, ring, plot.y, from, ahead, x);
    blit(canvas, ring, plot.y, 0, count - ahead, x + ahead);
    draw_seconds(canvas, plot);
    for (size_t i = 0; i < kl_force_trace_count(snapshot); i++) {
        struct kl_force_trace trace = kl_force_trace_get(snapshot, i);
        draw_letters(canvas, plot, &trace, end);
    }
    if (snapshot->contacts == 0) {
        kl_draw_note(canvas, plot, "waiting for the first steps");
    }
}

static void draw(const struct kl_canvas *canvas, struct kl_rect rect, void *state,
                 const struct kl_snapshot *snapshot, bool anew)
{
    struct ring *ring = state;
    struct kl_rect plot = plot_rect(canvas, rect);
    if (!has_points(snapshot) || !kl_rect_holds(rect, plot) || !ring_ready(ring, plot, anew)) {
        return;
    }
    cairo_save(canvas->cr);
    cairo_rectangle(canvas->cr, plot.x, plot.y, plot.w, plot.h);
    cairo_clip(canvas->cr);
    draw_plot(canvas, plot, ring, snapshot);
    cairo_restore(canvas->cr);
}

const struct kl_panel kl_panel_force = {
    .name = "force",
    .title = "VERTICAL FORCE, N",
    .frame_key = frame_key,
    .draw_frame = draw_frame,
    .key = content_key,
    .draw = draw,
    .parts = true,
    .state_size = sizeof(struct ring),
    .release = release,
};
