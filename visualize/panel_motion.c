/* Motion of the last stances: angles and the knee adduction moment against time of contact, left
 * and right. Each stance is a thin line, their mean a thick one; the moment, a proxy unless motion
 * capture sees the knee, carries its error band. What is not measured says why. */
#include "visualize/panel.h"
#include "visualize/raster.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const struct {
    const char *title;
    const char *needs;      /* to be measured at all */
    double low, high, step; /* of the axis, displayed units: at least so wide, widened in steps */
    double most;            /* displayed: beyond it nothing is believed */
} plots[KL_CURVE_KIND_COUNT] = {
    [KL_CURVE_EVERSION] = {"Eversion (+), deg from standing", "foot and shank sensor", -10, 20, 10,
                           90},
    [KL_CURVE_KNEE_FLEXION] = {"Knee flexion, deg from standing", "thigh and shank sensor", 0, 60,
                               10, 180},
    [KL_CURVE_KNEE_ADDUCTION] = {"Knee adduction (+ varus), deg from standing",
                                 "thigh and shank sensor", -10, 10, 5, 90},
    [KL_CURVE_KNEE_MOMENT] = {"Knee adduction moment, N·m/kg", "thigh and shank sensor, plate",
                              -0.5, 1.5, 0.5, 20},
};

static const enum kl_side shown_side[2] = {KL_SIDE_LEFT, KL_SIDE_RIGHT};

static size_t stances_of(const struct kl_snapshot_side *side)
{
    return side->motion_count < KL_MOTION_CURVE_STEPS ? side->motion_count : KL_MOTION_CURVE_STEPS;
}

/* ------------------------------------------------------------------- scale */

/* Displayed units per SI unit. @return false when the runner's weight is needed and not known */
static bool scale_of(const struct kl_snapshot *snapshot, size_t kind, double *out)
{
    enum kl_metric_id id = kl_motion_curve_metric((enum kl_motion_curve_kind)kind);
    return id < KL_METRIC_COUNT &&
           kl_metric_display(kl_metric_get(id), 1.0, snapshot->body_weight_n, snapshot->height_m,
                             out) &&
           isfinite(*out);
}

struct range {
    double low, high;
};

static struct range range_of(const struct kl_snapshot *snapshot, size_t kind)
{
    double scale = 1.0;
    struct range range = {plots[kind].low, plots[kind].high};
    if (!scale_of(snapshot, kind, &scale)) {
        return range;
    }
    double low = range.low;
    double high = range.high;
    for (size_t s = 0; s < 2; s++) {
        const struct kl_snapshot_side *side = &snapshot->side[shown_side[s]];
        for (size_t i = 0; i < stances_of(side); i++) {
            const struct kl_motion_curve *curve = &side->motion[i];
            for (size_t j = 0; curve->has[kind] && j < KL_CURVE_POINTS; j++) {
                double value = (double)curve->value[kind][j] * scale;
                if (fabs(value) < plots[kind].most) {
                    low = fmin(low, value);
                    high = fmax(high, value);
                }
            }
        }
    }
    range.low = plots[kind].step * floor(low / plots[kind].step);
    range.high = plots[kind].step * ceil(high / plots[kind].step);
    return range;
}

/* -------------------------------------------------------------------- keys */

/* Where the moment comes from: of the newest stance that has one. NULL: none has. */
static const struct kl_motion_curve *newest_moment(const struct kl_snapshot *snapshot)
{
    const struct kl_motion_curve *newest = NULL;
    for (size_t s = 0; s < 2; s++) {
        const struct kl_snapshot_side *side = &snapshot->side[shown_side[s]];
        for (size_t i = stances_of(side); i > 0; i--) {
            const struct kl_motion_curve *curve = &side->motion[i - 1];
            if (curve->has[KL_CURVE_KNEE_MOMENT] &&
                (newest == NULL || curve->step >= newest->step)) {
                newest = curve;
            }
        }
    }
    return newest;
}

static void title_of(const struct kl_snapshot *snapshot, size_t kind, char *out, size_t len)
{
    const struct kl_motion_curve *moment =
        kind == KL_CURVE_KNEE_MOMENT ? newest_moment(snapshot) : NULL;
    if (moment == NULL) {
        (void)snprintf(out, len, "%s", plots[kind].title);
        return;
    }
    bool proxy = moment->moment_level != KL_KNEE_K3;
    (void)snprintf(out, len, "%s%s, N·m/kg: %s ± 1 SD, %s frame",
                   proxy ? "KAM proxy" : "Knee adduction moment", proxy ? "" : " (KAM)",
                   kl_knee_level_text(moment->moment_level),
                   kl_knee_frame_text(moment->moment_frame));
}

static uint64_t frame_key(const struct kl_snapshot *snapshot)
{
    uint64_t key = KL_CHANGE_KEY_START;
    for (size_t kind = 0; kind < KL_CURVE_KIND_COUNT; kind++) {
        char title[96] = "";
        struct range range = range_of(snapshot, kind);
        title_of(snapshot, kind, title, sizeof(title));
        key = kl_change_key(key, &range, sizeof(range));
        key = kl_change_key(key, title, strlen(title));
    }
    return key;
}

static uint64_t side_key(const struct kl_snapshot *snapshot, enum kl_side which)
{
    const struct kl_snapshot_side *side = &snapshot->side[which];
    unsigned marks = (unsigned)(snapshot->contacts == 0) | (unsigned)side->has_step << 1 |
                     (unsigned)snapshot->side[KL_SIDE_UNKNOWN].has_step << 2 |
                     (unsigned)which << 3 | (unsigned)stances_of(side) << 5;
    uint64_t key = kl_change_key(KL_CHANGE_KEY_START, &marks, sizeof(marks));
    key = kl_change_key(key, &snapshot->body_weight_n, sizeof(snapshot->body_weight_n));
    for (size_t i = 0; i < stances_of(side); i++) {
        const struct kl_motion_curve *curve = &side->motion[i];
        key = kl_change_key(key, curve->has, sizeof(curve->has));
        key = kl_change_key(key, curve->value, sizeof(curve->value));
        key = kl_change_key(key, &curve->moment_band_n_m, sizeof(curve->moment_band_n_m));
    }
    for (size_t kind = 0; kind < KL_CURVE_KIND_COUNT; kind++) {
        enum kl_metric_id id = kl_motion_curve_metric((enum kl_motion_curve_kind)kind);
        uint32_t reasons = id < KL_METRIC_COUNT ? side->last.metric_reasons[id] : 0;
        key = kl_change_key(key, &reasons, sizeof(reasons));
    }
    return key;
}

static uint64_t content_key(const struct kl_snapshot *snapshot)
{
    uint64_t key = frame_key(snapshot);
    for (size_t s = 0; s < 2; s++) {
        uint64_t part = side_key(snapshot, shown_side[s]);
        key = kl_change_key(key, &part, sizeof(part));
    }
    return key;
}

/* ------------------------------------------------------------------ places */

/* Two rows of two: each the pair of left and right. */
static struct kl_rect cell_rect(const struct kl_canvas *canvas, struct kl_rect rect, size_t kind)
{
    struct kl_rect inside = kl_panel_inside(canvas, rect);
    double between = kl_px(canvas, 20);
    double width = fmax(floor((inside.w - between) / 2.0), 1.0);
    double height = fmax(floor((inside.h - kl_px(canvas, 10)) / 2.0), 1.0);
    return (struct kl_rect){inside.x + (kind % 2 == 1 ? inside.w - width : 0.0),
                            inside.y + (kind >= 2 ? inside.h - height : 0.0), width, height};
}

static struct kl_rect plot_rect(const struct kl_canvas *canvas, struct kl_rect rect, size_t kind,
                                size_t column)
{
    struct kl_rect cell = cell_rect(canvas, rect, kind);
    double axis = kl_px(canvas, 42);
    double top = kl_px(canvas, 30);
    double below = kl_px(canvas, 20);
    double between = kl_px(canvas, 14);
    double width = fmax(floor((cell.w - axis - between) / 2.0), 1.0);
    return (struct kl_rect){cell.x + axis + (column == 1 ? width + between : 0.0), cell.y + top,
                            width, fmax(cell.h - top - below, 1.0)};
}

/* ------------------------------------------------------------------- frame */

static void draw_plot_frame(const struct kl_canvas *canvas, struct kl_rect plot, size_t column,
                            struct range range)
{
    const struct kl_palette *palette = canvas->palette;
    struct kl_axis value = {
        .low = range.low, .high = range.high, .pixel_low = plot.y + plot.h, .pixel_high = plot.y};
    if (column == 0) {
        kl_axis_draw_y(canvas, &value, plot.x, plot.x + plot.w, 7);
    } else {
        struct kl_ticks ticks = kl_ticks_choose(range.low, range.high, 7);
        for (int i = 0; i < ticks.count; i++) {
            kl_draw_level(canvas, plot.x, plot.x + plot.w,
                          kl_axis_pixel(&value, ticks.first + i * ticks.step), palette->grid);
        }
    }
    struct kl_axis part = {
        .low = 0.0, .high = 100.0, .pixel_low = plot.x, .pixel_high = plot.x + plot.w - 1.0};
    kl_axis_draw_x(canvas, &part, plot.y, plot.y + plot.h, 5);
    kl_draw_level(canvas, plot.x, plot.x + plot.w, kl_axis_pixel(&value, 0.0), palette->axis);
    double size = kl_px(canvas, 28);
    kl_draw_side_badge(canvas, shown_side[column], plot.x + plot.w - size * 0.5 - kl_px(canvas, 2),
                       plot.y + size * 0.5 + kl_px(canvas, 2), size);
}

static void draw_frame(const struct kl_canvas *canvas, struct kl_rect rect,
                       const struct kl_snapshot *snapshot)
{
    struct kl_text_style style = {
        .font = KL_FONT_SMALL, .colour = canvas->palette->dim, .align = 1.0};
    (void)kl_text_draw(canvas, style, rect.x + rect.w - kl_px(canvas, 12),
                       rect.y + kl_px(canvas, 22),
                       "over % of contact · thick: mean of the last steps, thin: each");
    for (size_t kind = 0; kind < KL_CURVE_KIND_COUNT; kind++) {
        char title[96];
        struct kl_rect cell = cell_rect(canvas, rect, kind);
        struct range range = range_of(snapshot, kind);
        title_of(snapshot, kind, title, sizeof(title));
        struct kl_text_style head = {.font = KL_FONT_STRONG,
                                     .colour = canvas->palette->text,
                                     .max_width = fmax(cell.w, 1.0)};
        head.font = kl_text_fit(canvas, KL_FONT_STRONG, KL_FONT_NARROW, head.max_width, title);
        (void)kl_text_draw(canvas, head, cell.x, cell.y + kl_px(canvas, 20), title);
        for (size_t column = 0; column < 2; column++) {
            draw_plot_frame(canvas, plot_rect(canvas, rect, kind, column), column, range);
        }
    }
}

/* ------------------------------------------------------------------ curves */

struct curve {
    double y[KL_CURVE_POINTS]; /* px from the top of the plot */
    double half_band;          /* px; 0: none */
    bool valid[KL_CURVE_POINTS];
};

static void curve_fill(struct curve *out, const float value[KL_CURVE_POINTS], double band,
                       double scale, double most, const struct kl_axis *axis)
{
    for (size_t i = 0; i < KL_CURVE_POINTS; i++) {
        double shown = (double)value[i] * scale;
        out->valid[i] = fabs(shown) < most; /* NaN is not */
        out->y[i] = out->valid[i] ? kl_axis_pixel(axis, shown) : 0.0;
    }
    double half = band * scale;
    out->half_band = half > 0.0 && half < most
                         ? kl_axis_pixel(axis, axis->low) - kl_axis_pixel(axis, axis->low + half)
                         : 0.0;
}

/* The next run of valid points from *from on. @return false when there is none of two or more */
static bool next_run(const struct curve *curve, size_t *from, size_t *to)
{
    for (size_t i = *from; i < KL_CURVE_POINTS; i = *to) {
        while (i < KL_CURVE_POINTS && !curve->valid[i]) {
            i++;
        }
        *from = *to = i;
        while (*to < KL_CURVE_POINTS && curve->valid[*to]) {
            (*to)++;
        }
        if (*to - *from >= 2) {
            return true;
        }
    }
    return false;
}

static void draw_band(struct kl_raster *raster, const struct curve *curve, size_t from,
                      size_t count, struct kl_graph graph, double alpha)
{
    for (int x = 0; x < raster->width; x++) {
        double at = ((double)x + 0.5) / raster->width * (double)(count - 1);
        size_t i = (size_t)at < count - 1 ? (size_t)at : count - 2;
        double part = at - (double)i;
        double y = curve->y[from + i] * (1.0 - part) + curve->y[from + i + 1] * part;
        kl_raster_add(raster, y - curve->half_band, y + curve->half_band, 1.0);
        kl_raster_blend(raster, x, graph.colour, alpha, graph.fill, graph.hatch_px);
    }
}

/* Nothing is drawn over a hole: each run of valid points has its own raster. */
static void draw_curve(const struct kl_canvas *canvas, struct kl_rect plot,
                       const struct curve *curve, enum kl_side side, bool mean)
{
    struct kl_graph graph = {
        .thickness = fmax((mean ? 3.5 : 1.25) * canvas->unit, 1.0),
        .base = plot.h,
        .colour = canvas->palette->side[side],
        .alpha = mean ? 1.0 : 0.45,
        .fill = kl_side_fill(side),
        .hatch_px = (int)kl_px(canvas, 5),
    };
    size_t from = 0;
    size_t to = 0;
    for (; next_run(curve, &from, &to); from = to) {
        double last = KL_CURVE_POINTS - 1;
        double x0 = plot.x + floor(plot.w * (double)from / last);
        double x1 = plot.x + ceil(plot.w * (double)(to - 1) / last);
        struct kl_raster raster;
        if (!kl_raster_begin(&raster, canvas->surface,
                             (struct kl_rect){x0, plot.y, fmax(x1 - x0, 1.0), plot.h})) {
            continue;
        }
        graph.y = &curve->y[from];
        graph.count = to - from;
        if (mean && curve->half_band > 0.0) {
            draw_band(&raster, curve, from, graph.count, graph, 0.3);
        }
        kl_raster_graph(&raster, &graph);
        kl_raster_end(&raster, canvas->surface);
    }
}

/* Why there is no curve; what is missing altogether comes before what is only not ready. */
static void why_none(const struct kl_snapshot *snapshot, enum kl_side which, size_t kind,
                     bool weighed, char *out, size_t len)
{
    const struct kl_snapshot_side *side = &snapshot->side[which];
    enum kl_metric_id id = kl_motion_curve_metric((enum kl_motion_curve_kind)kind);
    uint32_t reasons = side->has_step && id < KL_METRIC_COUNT ? side->last.metric_reasons[id] : 0;
    if (!side->has_step) {
        (void)snprintf(out, len, "%s",
                       snapshot->side[KL_SIDE_UNKNOWN].has_step ? "left and right cannot be told"
                       : snapshot->contacts == 0                ? "waiting for the first steps"
                                                                : "no step yet");
    } else if ((reasons & KL_REASON_NO_SENSOR) != 0) {
        (void)snprintf(out, len, "no sensor: needs %s", plots[kind].needs);
    } else if ((reasons & KL_REASON_NOT_CALIBRATED) != 0) {
        (void)snprintf(out, len, "not calibrated: F3 leads through it");
    } else if (!weighed) {
        (void)snprintf(out, len, "%s", kl_reason_text(KL_REASON_NO_BODY_WEIGHT));
    } else if (reasons != 0) {
        (void)snprintf(out, len, "%s", kl_reason_text((enum kl_reason)(reasons & (~reasons + 1u))));
    } else {
        (void)snprintf(out, len, "no curve yet");
    }
}

static void draw_plot(const struct kl_canvas *canvas, struct kl_rect panel, struct kl_rect plot,
                      const struct kl_snapshot *snapshot, enum kl_side which, size_t kind)
{
    const struct kl_snapshot_side *side = &snapshot->side[which];
    double scale = 1.0;
    float mean[KL_CURVE_POINTS];
    float band = 0.0F;
    bool weighed = scale_of(snapshot, kind, &scale);
    size_t count = kl_motion_curve_mean(side, (enum kl_motion_curve_kind)kind, mean, &band);
    if (count == 0 || !weighed) {
        char why[96];
        why_none(snapshot, which, kind, weighed, why, sizeof(why));
        kl_draw_note(canvas, plot, why);
        return;
    }
    if (!kl_rect_holds(panel, plot)) {
        return;
    }
    struct range range = range_of(snapshot, kind);
    struct kl_axis axis = {.low = range.low, .high = range.high, .pixel_low = plot.h};
    struct curve curve;
    for (size_t i = stances_of(side); i > 0; i--) {
        if (side->motion[i - 1].has[kind]) {
            curve_fill(&curve, side->motion[i - 1].value[kind], 0.0, scale, plots[kind].most,
                       &axis);
            draw_curve(canvas, plot, &curve, which, false);
        }
    }
    curve_fill(&curve, mean, (double)band, scale, plots[kind].most, &axis);
    draw_curve(canvas, plot, &curve, which, true);
    if (kind == KL_CURVE_KNEE_MOMENT && curve.half_band <= 0.0) {
        struct kl_text_style style = {.font = KL_FONT_TINY, .colour = canvas->palette->dim};
        (void)kl_text_draw(canvas, style, plot.x + kl_px(canvas, 4),
                           plot.y + plot.h - kl_px(canvas, 6), "error not known");
    }
}

/* A step changes one side: the other's plots stand. */
struct parts {
    uint64_t drawn[2][KL_CURVE_KIND_COUNT];
};

static void draw(const struct kl_canvas *canvas, struct kl_rect rect, void *state,
                 const struct kl_snapshot *snapshot, bool anew)
{
    struct parts *parts = state;
    for (size_t column = 0; column < 2; column++) {
        uint64_t key = side_key(snapshot, shown_side[column]);
        for (size_t kind = 0; kind < KL_CURVE_KIND_COUNT; kind++) {
            struct kl_rect plot = plot_rect(canvas, rect, kind, column);
            if (kl_panel_part_begin(canvas, plot, &parts->drawn[column][kind], key, anew)) {
                draw_plot(canvas, rect, plot, snapshot, shown_side[column], kind);
                kl_panel_part_end(canvas);
            }
        }
    }
}

const struct kl_panel kl_panel_motion = {
    .name = "motion",
    .title = "MOTION OF THE LAST STEPS",
    .frame_key = frame_key,
    .draw_frame = draw_frame,
    .key = content_key,
    .draw = draw,
    .parts = true,
    .state_size = sizeof(struct parts),
};
