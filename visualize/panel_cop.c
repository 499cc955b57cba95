/* Where the force enters each foot: the path of the centre of pressure, left beside right, and
 * where on the plate the feet land.
 *
 * Lab axes seen from above, forward up. Across is stretched against along, which is why both axes
 * carry numbers: a path is half a metre long and a few centimetres wide. The small map on the left
 * keeps the true proportions of the plates.
 */
#include "visualize/cop_map.h"
#include "visualize/panel.h"

#include <math.h>
#include <stdio.h>

#define SHOWN 5 /* newest steps per side */

struct range {
    double low, high;
};

static size_t plate_count(const struct kl_snapshot *snapshot)
{
    return snapshot->plate_count < KL_SNAPSHOT_PLATES ? snapshot->plate_count : KL_SNAPSHOT_PLATES;
}

static size_t shown(const struct kl_snapshot_side *side)
{
    return side->curve_count < SHOWN ? side->curve_count : SHOWN;
}

static size_t point_count(const struct kl_curve *curve)
{
    return curve->cop_count < KL_COP_POINTS ? curve->cop_count : KL_COP_POINTS;
}

static bool has_path(const struct kl_snapshot_side *side)
{
    for (size_t i = 0; i < shown(side); i++) {
        if (point_count(&side->curve[i]) > 1) {
            return true;
        }
    }
    return false;
}

static bool sides_known(const struct kl_snapshot *snapshot)
{
    return has_path(&snapshot->side[KL_SIDE_LEFT]) || has_path(&snapshot->side[KL_SIDE_RIGHT]) ||
           !has_path(&snapshot->side[KL_SIDE_UNKNOWN]);
}

static bool any_cop(const struct kl_snapshot *snapshot)
{
    for (size_t i = 0; i < plate_count(snapshot); i++) {
        if (snapshot->plate[i].has_cop) {
            return true;
        }
    }
    return false;
}

/* Why the newest step of a side has no path. */
static uint32_t cop_reasons(const struct kl_snapshot_side *side)
{
    return side->has_step ? side->last.metric_reasons[KL_METRIC_COP_MEAN_ML] : 0;
}

static void reach(struct range *range, double value)
{
    range->low = fmin(range->low, value);
    range->high = fmax(range->high, value);
}

/* Extent of one side's shown paths; low > high when there are none. */
static void side_extent(const struct kl_snapshot_side *side, struct range *x, struct range *z)
{
    for (size_t i = 0; i < shown(side); i++) {
        const struct kl_curve *curve = &side->curve[i];
        for (size_t j = 0; j < point_count(curve); j++) {
            double along = (double)curve->cop_x_m[j];
            double across = (double)curve->cop_z_m[j];
            if (kl_cop_is_place(along, across)) {
                reach(x, along);
                reach(z, across);
            }
        }
    }
}

/* What the two plots show: the same stretch along, the same width across, in steps so that the
 * axes stand still while the runner wanders a little. */
struct view {
    struct range x_m;
    double middle_z_m[KL_SIDE_COUNT];
    double width_m;
    bool known, cop;
};

static struct view view_of(const struct kl_snapshot *snapshot)
{
    struct view view = {.width_m = 0.06};
    struct range x = {(double)INFINITY, -(double)INFINITY};
    for (size_t s = 0; s < KL_SIDE_COUNT; s++) {
        struct range z = {(double)INFINITY, -(double)INFINITY};
        side_extent(&snapshot->side[s], &x, &z);
        if (z.low <= z.high) {
            view.middle_z_m[s] = round((z.low + z.high) / 2.0 / 0.02) * 0.02;
            view.width_m = fmax(view.width_m, ceil((z.high - z.low + 0.02) / 0.02) * 0.02);
        }
    }
    if (x.low > x.high) {
        x = (struct range){-0.4, 0.4};
    }
    view.x_m.low = floor(x.low / 0.1) * 0.1;
    view.x_m.high = fmax(ceil(x.high / 0.1) * 0.1, view.x_m.low + 0.2);
    view.known = sides_known(snapshot);
    view.cop = any_cop(snapshot);
    return view;
}

static uint64_t frame_key(const struct kl_snapshot *snapshot)
{
    struct view view = view_of(snapshot);
    uint64_t key = kl_change_key(KL_CHANGE_KEY_START, &view.x_m, sizeof(view.x_m));
    key = kl_change_key(key, view.middle_z_m, sizeof(view.middle_z_m));
    key = kl_change_key(key, &view.width_m, sizeof(view.width_m));
    unsigned marks =
        (unsigned)view.known | (unsigned)view.cop << 1 | (unsigned)(snapshot->plate_count > 0) << 2;
    key = kl_change_key(key, &marks, sizeof(marks));
    for (size_t i = 0; i < plate_count(snapshot); i++) {
        const struct kl_snapshot_plate *plate = &snapshot->plate[i];
        unsigned corners = plate->has_corners;
        key = kl_change_key(key, &corners, sizeof(corners));
        key = kl_change_key(key, plate->corner_x_m, sizeof(plate->corner_x_m));
        key = kl_change_key(key, plate->corner_z_m, sizeof(plate->corner_z_m));
    }
    return key;
}

static uint64_t side_key(const struct kl_snapshot *snapshot, enum kl_side which)
{
    const struct kl_snapshot_side *side = &snapshot->side[which];
    uint32_t reasons = cop_reasons(side);
    unsigned marks =
        (unsigned)(snapshot->contacts == 0) | (unsigned)which << 1 | (unsigned)shown(side) << 3;
    uint64_t key = kl_change_key(KL_CHANGE_KEY_START, &marks, sizeof(marks));
    key = kl_change_key(key, &reasons, sizeof(reasons));
    for (size_t i = 0; i < shown(side); i++) {
        size_t count = point_count(&side->curve[i]);
        key = kl_change_key(key, &count, sizeof(count));
        key = kl_change_key(key, side->curve[i].cop_x_m, count * sizeof(float));
        key = kl_change_key(key, side->curve[i].cop_z_m, count * sizeof(float));
    }
    return key;
}

static uint64_t content_key(const struct kl_snapshot *snapshot)
{
    uint64_t key = frame_key(snapshot);
    for (size_t s = 0; s < KL_SIDE_COUNT; s++) {
        uint64_t part = side_key(snapshot, (enum kl_side)s);
        key = kl_change_key(key, &part, sizeof(part));
    }
    return key;
}

/* ------------------------------------------------------------------- map */

static struct kl_rect map_rect(const struct kl_canvas *canvas, struct kl_rect rect)
{
    struct kl_rect inside = kl_panel_inside(canvas, rect);
    inside.w = fmax(fmin(kl_px(canvas, 112), inside.w / 3.0), 1.0);
    inside.h = fmax(inside.h - kl_px(canvas, 34), 1.0);
    return inside;
}

/* The middle of the newest path of a side. @return false when there is none */
static bool newest_middle(const struct kl_snapshot_side *side, double *x_m, double *z_m)
{
    if (shown(side) == 0) {
        return false;
    }
    const struct kl_curve *curve = &side->curve[0];
    size_t count = point_count(curve);
    if (count < 2 ||
        !kl_cop_is_place((double)curve->cop_x_m[count / 2], (double)curve->cop_z_m[count / 2])) {
        return false;
    }
    *x_m = (double)curve->cop_x_m[count / 2];
    *z_m = (double)curve->cop_z_m[count / 2];
    return true;
}

/* ----------------------------------------------------------------- paths */

static struct kl_rect plot_rect(const struct kl_canvas *canvas, struct kl_rect rect,
                                const struct kl_snapshot *snapshot, bool known, enum kl_side side)
{
    struct kl_rect inside = kl_panel_inside(canvas, rect);
    double left = kl_px(canvas, 34);
    if (kl_cop_map_known(snapshot)) {
        left += map_rect(canvas, rect).w + kl_px(canvas, 10);
    }
    double between = kl_px(canvas, 12);
    inside.x += left;
    inside.w = fmax(inside.w - left, 1.0);
    inside.h = fmax(inside.h - kl_px(canvas, 34), 1.0);
    if (known) {
        double width = floor((inside.w - between) / 2.0);
        inside.x += side == KL_SIDE_RIGHT ? inside.w - width : 0.0;
        inside.w = fmax(width, 1.0);
    }
    return inside;
}

static struct kl_axis along_axis(const struct view *view, struct kl_rect plot)
{
    return (struct kl_axis){.low = view->x_m.low,
                            .high = view->x_m.high,
                            .pixel_low = plot.y + plot.h,
                            .pixel_high = plot.y};
}

static struct kl_axis across_axis(const struct view *view, struct kl_rect plot, enum kl_side side)
{
    double middle_mm = view->middle_z_m[side] * 1000.0;
    double half_mm = view->width_m * 500.0;
    return (struct kl_axis){.low = middle_mm - half_mm,
                            .high = middle_mm + half_mm,
                            .pixel_low = plot.x,
                            .pixel_high = plot.x + plot.w - 1.0};
}

static void draw_plot_frame(const struct kl_canvas *canvas, struct kl_rect plot,
                            const struct view *view, enum kl_side side, bool labels)
{
    struct kl_axis along = along_axis(view, plot);
    struct kl_axis across = across_axis(view, plot, side);
    if (labels) {
        kl_axis_draw_y(canvas, &along, plot.x, plot.x + plot.w, 8);
    } else {
        struct kl_ticks ticks = kl_ticks_choose(along.low, along.high, 8);
        for (int i = 0; i < ticks.count; i++) {
            kl_draw_level(canvas, plot.x, plot.x + plot.w,
                          kl_axis_pixel(&along, ticks.first + i * ticks.step),
                          canvas->palette->grid);
        }
    }
    kl_axis_draw_x(canvas, &across, plot.y, plot.y + plot.h, 3);
    double size = kl_px(canvas, 24);
    kl_draw_side_badge(canvas, side, plot.x + plot.w - size * 0.5, plot.y + size * 0.5, size);
}

static void draw_frame(const struct kl_canvas *canvas, struct kl_rect rect,
                       const struct kl_snapshot *snapshot)
{
    struct view view = view_of(snapshot);
    if (!view.cop) {
        if (snapshot->plate_count > 0) {
            kl_draw_hatch(canvas, kl_panel_inside(canvas, rect));
        }
        return;
    }
    if (kl_cop_map_known(snapshot)) {
        kl_cop_map_draw(canvas, map_rect(canvas, rect), snapshot);
    }
    struct kl_rect first =
        plot_rect(canvas, rect, snapshot, view.known, view.known ? KL_SIDE_LEFT : KL_SIDE_UNKNOWN);
    draw_plot_frame(canvas, first, &view, view.known ? KL_SIDE_LEFT : KL_SIDE_UNKNOWN, true);
    if (view.known) {
        draw_plot_frame(canvas, plot_rect(canvas, rect, snapshot, true, KL_SIDE_RIGHT), &view,
                        KL_SIDE_RIGHT, false);
    }
    struct kl_text_style style = {.font = KL_FONT_TINY, .colour = canvas->palette->dim};
    style.align = 1.0;
    (void)kl_text_draw(canvas, style, rect.x + rect.w - kl_px(canvas, 12),
                       rect.y + kl_px(canvas, 22), "m forward ↑");
    (void)kl_text_draw(canvas, style, rect.x + rect.w - kl_px(canvas, 12),
                       first.y + first.h + kl_px(canvas, 36), "mm to the right →");
}

static void draw_path(const struct kl_canvas *canvas, const struct kl_curve *curve,
                      const struct kl_axis *along, const struct kl_axis *across)
{
    bool pen_down = false;
    cairo_new_path(canvas->cr);
    for (size_t i = 0; i < point_count(curve); i++) {
        double x = (double)curve->cop_x_m[i];
        double z = (double)curve->cop_z_m[i];
        if (!kl_cop_is_place(x, z)) {
            pen_down = false;
            continue;
        }
        double right = kl_axis_pixel(across, z * 1000.0);
        double up = kl_axis_pixel(along, x);
        if (pen_down) {
            cairo_line_to(canvas->cr, right, up);
        } else {
            cairo_move_to(canvas->cr, right, up);
        }
        pen_down = true;
    }
    cairo_stroke(canvas->cr);
}

/* What stands where a path is missing. */
static const char *missing(const struct kl_snapshot *snapshot, const struct kl_snapshot_side *side)
{
    uint32_t reasons = cop_reasons(side);
    if (reasons != 0) {
        return kl_reason_text((enum kl_reason)(reasons & (~reasons + 1u)));
    }
    return snapshot->contacts == 0 ? "waiting for steps" : "no step yet";
}

static void draw_side(const struct kl_canvas *canvas, struct kl_rect plot, const struct view *view,
                      const struct kl_snapshot *snapshot, enum kl_side side)
{
    const struct kl_snapshot_side *steps = &snapshot->side[side];
    cairo_t *cr = canvas->cr;
    struct kl_axis along = along_axis(view, plot);
    struct kl_axis across = across_axis(view, plot, side);
    cairo_save(cr);
    cairo_rectangle(cr, plot.x, plot.y, plot.w, plot.h);
    cairo_clip(cr);
    cairo_set_line_join(cr, CAIRO_LINE_JOIN_ROUND);
    for (size_t i = shown(steps); i > 0; i--) {
        bool newest = i == 1;
        double dash[] = {kl_px(canvas, 9), kl_px(canvas, 4)};
        cairo_set_dash(cr, dash, side == KL_SIDE_RIGHT && newest ? 2 : 0, 0.0);
        cairo_set_line_width(cr, fmax((newest ? 3.5 : 1.5) * canvas->unit, 1.0));
        kl_set_colour(canvas, canvas->palette->side[side],
                      newest ? 1.0 : 0.55 - 0.35 * (double)i / SHOWN);
        draw_path(canvas, &steps->curve[i - 1], &along, &across);
    }
    cairo_set_dash(cr, NULL, 0, 0.0);
    const struct kl_curve *curve = &steps->curve[0];
    if (shown(steps) > 0 && point_count(curve) > 1 &&
        kl_cop_is_place((double)curve->cop_x_m[0], (double)curve->cop_z_m[0])) {
        /* The ring marks where the contact begins. */
        cairo_new_path(cr);
        cairo_arc(cr, kl_axis_pixel(&across, (double)curve->cop_z_m[0] * 1000.0),
                  kl_axis_pixel(&along, (double)curve->cop_x_m[0]), kl_px(canvas, 6), 0.0, 6.2832);
        kl_set_colour(canvas, canvas->palette->panel, 1.0);
        cairo_fill_preserve(cr);
        kl_set_colour(canvas, canvas->palette->text, 1.0);
        cairo_set_line_width(cr, fmax(2.0 * canvas->unit, 1.0));
        cairo_stroke(cr);
    }
    cairo_restore(cr);
    if (!has_path(steps)) {
        kl_draw_note(canvas, plot, missing(snapshot, steps));
    }
}

static void draw_reason(const struct kl_canvas *canvas, struct kl_rect rect,
                        const struct kl_snapshot *snapshot)
{
    struct kl_rect inside = kl_panel_inside(canvas, rect);
    if (snapshot->plate_count == 0) {
        kl_draw_note(canvas, inside, "no force plate in this session");
        return;
    }
    double height = kl_px(canvas, 36);
    struct kl_rect box = {inside.x, round(inside.y + (inside.h - height) / 2.0), inside.w, height};
    kl_draw_rect(canvas, box, canvas->palette->panel, 1.0);
    kl_draw_note(canvas, box, "not measured by this plate");
}

/* Where the feet stand on the plates. */
static void draw_feet(const struct kl_canvas *canvas, struct kl_rect rect,
                      const struct kl_snapshot *snapshot)
{
    struct kl_cop_map map = kl_cop_map_get(snapshot, rect);
    for (size_t s = 0; s < KL_SIDE_COUNT; s++) {
        double x_m = 0.0;
        double z_m = 0.0;
        if (newest_middle(&snapshot->side[s], &x_m, &z_m)) {
            kl_draw_side_badge(canvas, (enum kl_side)s, round(kl_cop_map_right(&map, z_m)),
                               round(kl_cop_map_up(&map, x_m)), kl_px(canvas, 15));
        }
    }
}

/* A step changes one side: the other plot stands. */
struct plots {
    uint64_t map;
    uint64_t drawn[KL_SIDE_COUNT];
};

static void draw(const struct kl_canvas *canvas, struct kl_rect rect, void *state,
                 const struct kl_snapshot *snapshot, bool anew)
{
    struct plots *plots = state;
    struct view view = view_of(snapshot);
    if (!view.cop) {
        if (anew) { /* words of the frame's kind: they change with it */
            draw_reason(canvas, rect, snapshot);
        }
        return;
    }
    for (size_t s = 0; s < KL_SIDE_COUNT; s++) {
        enum kl_side side = (enum kl_side)s;
        if ((side == KL_SIDE_UNKNOWN) == view.known) {
            continue;
        }
        struct kl_rect plot = plot_rect(canvas, rect, snapshot, view.known, side);
        if (kl_panel_part_begin(canvas, plot, &plots->drawn[s], side_key(snapshot, side), anew)) {
            draw_side(canvas, plot, &view, snapshot, side);
            kl_panel_part_end(canvas);
        }
    }
    struct kl_rect map = map_rect(canvas, rect);
    if (kl_cop_map_known(snapshot) &&
        kl_panel_part_begin(canvas, map, &plots->map, content_key(snapshot), anew)) {
        draw_feet(canvas, map, snapshot);
        kl_panel_part_end(canvas);
    }
}

const struct kl_panel kl_panel_cop = {
    .name = "cop",
    .title = "CENTRE OF PRESSURE",
    .frame_key = frame_key,
    .draw_frame = draw_frame,
    .key = content_key,
    .draw = draw,
    .parts = true,
    .state_size = sizeof(struct plots),
};
