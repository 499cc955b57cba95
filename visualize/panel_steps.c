/* The last steps of each side laid over each other: vertical force against contact time. */
#include "visualize/panel.h"
#include "visualize/raster.h"

#include <math.h>
#include <stdio.h>

static size_t curve_count(const struct kl_snapshot_side *side)
{
    return side->curve_count < KL_CURVE_STEPS ? side->curve_count : KL_CURVE_STEPS;
}

/* Left and right, or the one plot of steps whose side cannot be told. */
static bool sides_known(const struct kl_snapshot *snapshot)
{
    return curve_count(&snapshot->side[KL_SIDE_LEFT]) > 0 ||
           curve_count(&snapshot->side[KL_SIDE_RIGHT]) > 0 ||
           curve_count(&snapshot->side[KL_SIDE_UNKNOWN]) == 0;
}

static bool in_body_weights(const struct kl_snapshot *snapshot)
{
    static const enum kl_side drawn_first[] = {KL_SIDE_LEFT, KL_SIDE_RIGHT, KL_SIDE_UNKNOWN};
    for (size_t i = 0; i < sizeof(drawn_first) / sizeof(drawn_first[0]); i++) {
        const struct kl_snapshot_side *side = &snapshot->side[drawn_first[i]];
        if (curve_count(side) > 0) {
            return side->curves_in_bw;
        }
    }
    return snapshot->body_weight_n > 0.0;
}

static double axis_top(const struct kl_snapshot *snapshot)
{
    double high = in_body_weights(snapshot) ? 2.5 : 2.0; /* BW, or kN */
    for (size_t s = 0; s < KL_SIDE_COUNT; s++) {
        const struct kl_snapshot_side *side = &snapshot->side[s];
        for (size_t i = 0; i < curve_count(side); i++) {
            for (size_t j = 0; j < KL_CURVE_POINTS; j++) {
                double value = (double)side->curve[i].fy_bw[j];
                if (value > high && value < 20.0) { /* no runner lands with 20 BW */
                    high = value;
                }
            }
        }
    }
    return kl_axis_cover(high, 6);
}

static uint64_t frame_key(const struct kl_snapshot *snapshot)
{
    double top = axis_top(snapshot);
    bool known = sides_known(snapshot);
    bool bw = in_body_weights(snapshot);
    uint64_t key = kl_change_key(KL_CHANGE_KEY_START, &top, sizeof(top));
    key = kl_change_key(key, &known, sizeof(known));
    return kl_change_key(key, &bw, sizeof(bw));
}

static uint64_t side_key(const struct kl_snapshot *snapshot, enum kl_side which)
{
    const struct kl_snapshot_side *side = &snapshot->side[which];
    unsigned marks = (unsigned)(snapshot->contacts == 0) | (unsigned)which << 1 |
                     (unsigned)curve_count(side) << 3;
    uint64_t key = kl_change_key(KL_CHANGE_KEY_START, &marks, sizeof(marks));
    for (size_t i = 0; i < curve_count(side); i++) {
        key = kl_change_key(key, side->curve[i].fy_bw, sizeof(side->curve[i].fy_bw));
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

static struct kl_rect plot_rect(const struct kl_canvas *canvas, struct kl_rect rect, bool known,
                                enum kl_side side)
{
    struct kl_rect inside = kl_panel_inside(canvas, rect);
    double axis = kl_px(canvas, 34);
    double between = kl_px(canvas, 14);
    inside.x += axis;
    inside.w -= axis;
    inside.h = fmax(inside.h - kl_px(canvas, 14), 1.0);
    if (known) {
        double width = floor((inside.w - between) / 2.0);
        inside.x += side == KL_SIDE_RIGHT ? inside.w - width : 0.0;
        inside.w = width;
    }
    inside.w = fmax(inside.w, 1.0);
    return inside;
}

static void draw_plot_frame(const struct kl_canvas *canvas, struct kl_rect plot, enum kl_side side,
                            double top, bool labels)
{
    struct kl_axis force = {
        .low = 0.0, .high = top, .pixel_low = plot.y + plot.h, .pixel_high = plot.y};
    if (labels) {
        kl_axis_draw_y(canvas, &force, plot.x, plot.x + plot.w, 7);
    } else {
        struct kl_ticks ticks = kl_ticks_choose(0.0, top, 7);
        for (int i = 0; i < ticks.count; i++) {
            kl_draw_level(canvas, plot.x, plot.x + plot.w,
                          kl_axis_pixel(&force, ticks.first + i * ticks.step),
                          canvas->palette->grid);
        }
    }
    struct kl_axis part = {
        .low = 0.0, .high = 100.0, .pixel_low = plot.x, .pixel_high = plot.x + plot.w - 1.0};
    kl_axis_draw_x(canvas, &part, plot.y, plot.y + plot.h, 4);
    kl_draw_level(canvas, plot.x, plot.x + plot.w, plot.y + plot.h, canvas->palette->axis);
    double size = kl_px(canvas, 30);
    kl_draw_side_badge(canvas, side, plot.x + plot.w - size * 0.5 - kl_px(canvas, 2),
                       plot.y + size * 0.5 + kl_px(canvas, 2), size);
}

static void draw_frame(const struct kl_canvas *canvas, struct kl_rect rect,
                       const struct kl_snapshot *snapshot)
{
    struct kl_text_style style = {
        .font = KL_FONT_SMALL, .colour = canvas->palette->dim, .align = 1.0};
    (void)kl_text_draw(canvas, style, rect.x + rect.w - kl_px(canvas, 12),
                       rect.y + kl_px(canvas, 22),
                       in_body_weights(snapshot) ? "BW over % of contact" : "kN over % of contact");
    double top = axis_top(snapshot);
    bool known = sides_known(snapshot);
    if (known) {
        draw_plot_frame(canvas, plot_rect(canvas, rect, known, KL_SIDE_LEFT), KL_SIDE_LEFT, top,
                        true);
        draw_plot_frame(canvas, plot_rect(canvas, rect, known, KL_SIDE_RIGHT), KL_SIDE_RIGHT, top,
                        false);
    } else {
        draw_plot_frame(canvas, plot_rect(canvas, rect, known, KL_SIDE_UNKNOWN), KL_SIDE_UNKNOWN,
                        top, true);
    }
}

static void draw_curve(const struct kl_canvas *canvas, struct kl_raster *raster,
                       const struct kl_curve *curve, enum kl_side side, double top, size_t age)
{
    double y[KL_CURVE_POINTS];
    struct kl_axis force = {.low = 0.0, .high = top, .pixel_low = raster->height};
    for (size_t i = 0; i < KL_CURVE_POINTS; i++) {
        if (!isfinite(curve->fy_bw[i])) {
            return; /* nothing is drawn over a hole as if it had been measured */
        }
        y[i] = kl_axis_pixel(&force, (double)curve->fy_bw[i]);
    }
    struct kl_graph graph = {
        .y = y,
        .count = KL_CURVE_POINTS,
        .thickness = fmax((age == 0 ? 3.0 : 1.5) * canvas->unit, 1.0),
        .base = raster->height,
        .colour = canvas->palette->side[side],
        /* The newest stands out, the others fade to a quarter with age. */
        .alpha = age == 0 ? 1.0 : 0.6 - 0.35 * (double)age / KL_CURVE_STEPS,
        .fill_alpha = age == 0 ? 0.22 : 0.0,
        .fill = kl_side_fill(side),
        .hatch_px = (int)kl_px(canvas, 5),
    };
    kl_raster_graph(raster, &graph);
}

static void draw_side(const struct kl_canvas *canvas, struct kl_rect panel,
                      const struct kl_snapshot *snapshot, enum kl_side side)
{
    double top = axis_top(snapshot);
    struct kl_rect plot = plot_rect(canvas, panel, sides_known(snapshot), side);
    const struct kl_snapshot_side *steps = &snapshot->side[side];
    size_t count = curve_count(steps);
    if (count == 0) {
        kl_draw_note(canvas, plot,
                     snapshot->contacts == 0 ? "waiting for the first steps" : "no step yet");
        return;
    }
    struct kl_raster raster;
    if (!kl_rect_holds(panel, plot) || !kl_raster_begin(&raster, canvas->surface, plot)) {
        return;
    }
    for (size_t i = count; i > 0; i--) {
        draw_curve(canvas, &raster, &steps->curve[i - 1], side, top, i - 1);
    }
    kl_raster_end(&raster, canvas->surface);
}

/* A step changes one side: the other plot stands. */
struct plots {
    uint64_t drawn[KL_SIDE_COUNT];
};

static void draw(const struct kl_canvas *canvas, struct kl_rect rect, void *state,
                 const struct kl_snapshot *snapshot, bool anew)
{
    struct plots *plots = state;
    bool known = sides_known(snapshot);
    for (size_t s = 0; s < KL_SIDE_COUNT; s++) {
        enum kl_side side = (enum kl_side)s;
        if ((side == KL_SIDE_UNKNOWN) == known) {
            continue;
        }
        struct kl_rect plot = plot_rect(canvas, rect, known, side);
        if (kl_panel_part_begin(canvas, plot, &plots->drawn[s], side_key(snapshot, side), anew)) {
            draw_side(canvas, rect, snapshot, side);
            kl_panel_part_end(canvas);
        }
    }
}

const struct kl_panel kl_panel_steps = {
    .name = "steps",
    .title = "LAST STEPS",
    .frame_key = frame_key,
    .draw_frame = draw_frame,
    .key = content_key,
    .draw = draw,
    .parts = true,
    .state_size = sizeof(struct plots),
};
