/* Cadence: the number to be read from the belt, its target, its history. */
#include "visualize/panel.h"
#include "visualize/raster.h"

#include <math.h>
#include <stdio.h>

/* A running cadence; what lies outside is not drawn. Range of methods 5: 2-4 steps/s, widened. */
static bool is_cadence(double spm)
{
    return spm > 60.0 && spm < 360.0;
}

static size_t history_count(const struct kl_snapshot *snapshot)
{
    return snapshot->cadence_count < KL_HISTORY_STEPS ? snapshot->cadence_count : KL_HISTORY_STEPS;
}

/* Range of the history's axis: multiples of 10 around data and target, at least 20 wide. */
static struct kl_axis history_axis(const struct kl_snapshot *snapshot)
{
    double low = (double)INFINITY;
    double high = -(double)INFINITY;
    for (size_t i = 0; i < history_count(snapshot); i++) {
        double value = (double)snapshot->cadence_history[i];
        if (is_cadence(value)) {
            low = fmin(low, value);
            high = fmax(high, value);
        }
    }
    if (is_cadence(snapshot->target_cadence_spm)) {
        low = fmin(low, snapshot->target_cadence_spm);
        high = fmax(high, snapshot->target_cadence_spm);
    }
    if (low > high) {
        return (struct kl_axis){.low = 150.0, .high = 200.0};
    }
    low = floor((low - 2.0) / 10.0) * 10.0;
    high = fmax(ceil((high + 2.0) / 10.0) * 10.0, low + 20.0);
    return (struct kl_axis){.low = low, .high = high};
}

static uint64_t frame_key(const struct kl_snapshot *snapshot)
{
    struct kl_axis axis = history_axis(snapshot);
    uint64_t key = kl_change_key(KL_CHANGE_KEY_START, &axis, sizeof(axis));
    return kl_change_key(key, &snapshot->target_cadence_spm, sizeof(snapshot->target_cadence_spm));
}

static uint64_t content_key(const struct kl_snapshot *snapshot)
{
    unsigned disagrees = snapshot->cadence_disagrees;
    size_t count = history_count(snapshot);
    uint64_t key = kl_change_key(frame_key(snapshot), &disagrees, sizeof(disagrees));
    key = kl_change_key(key, &snapshot->cadence_spm, sizeof(snapshot->cadence_spm));
    key = kl_change_key(key, &snapshot->cadence_fft_spm, sizeof(snapshot->cadence_fft_spm));
    key = kl_change_key(key, &count, sizeof(count));
    return kl_change_key(key, snapshot->cadence_history, count * sizeof(float));
}

static struct kl_rect plot_rect(const struct kl_canvas *canvas, struct kl_rect rect)
{
    struct kl_rect inside = kl_panel_inside(canvas, rect);
    double top = kl_px(canvas, 136);
    double left = kl_px(canvas, 34);
    inside.x += left;
    inside.w = fmax(inside.w - left, 1.0);
    inside.y += top;
    inside.h = fmax(inside.h - top - kl_px(canvas, 32), 1.0);
    return inside;
}

static struct kl_axis placed_axis(const struct kl_snapshot *snapshot, double bottom, double top)
{
    struct kl_axis axis = history_axis(snapshot);
    axis.pixel_low = bottom;
    axis.pixel_high = top;
    return axis;
}

static void draw_frame(const struct kl_canvas *canvas, struct kl_rect rect,
                       const struct kl_snapshot *snapshot)
{
    struct kl_rect plot = plot_rect(canvas, rect);
    struct kl_axis axis = placed_axis(snapshot, plot.y + plot.h, plot.y);
    kl_axis_draw_y(canvas, &axis, plot.x, plot.x + plot.w, 5);
    struct kl_axis ago = {.low = -KL_HISTORY_STEPS,
                          .high = 0.0,
                          .pixel_low = plot.x,
                          .pixel_high = plot.x + plot.w - 1.0};
    kl_axis_draw_x(canvas, &ago, plot.y, plot.y + plot.h, 4);
    struct kl_text_style style = {
        .font = KL_FONT_SMALL, .colour = canvas->palette->dim, .align = 1.0};
    (void)kl_text_draw(canvas, style, rect.x + rect.w - kl_px(canvas, 12),
                       rect.y + kl_px(canvas, 22), "steps/min");
    style.font = KL_FONT_TINY;
    (void)kl_text_draw(canvas, style, plot.x + plot.w, plot.y + plot.h + kl_px(canvas, 36),
                       "over the last steps");
    if (is_cadence(snapshot->target_cadence_spm)) {
        kl_draw_level_dashed(canvas, plot.x, plot.x + plot.w,
                             kl_axis_pixel(&axis, snapshot->target_cadence_spm),
                             canvas->palette->text);
    }
}

static void draw_number(const struct kl_canvas *canvas, struct kl_rect inside,
                        const struct kl_snapshot *snapshot)
{
    const struct kl_palette *palette = canvas->palette;
    double baseline = inside.y + kl_px(canvas, 68);
    struct kl_text_style style = {.font = KL_FONT_HUGE, .colour = palette->text};
    if (!is_cadence(snapshot->cadence_spm)) {
        struct kl_rect box = {inside.x, inside.y + kl_px(canvas, 10), kl_px(canvas, 100),
                              kl_px(canvas, 58)};
        kl_draw_hatch(canvas, box);
        style.font = KL_FONT_SMALL;
        style.colour = palette->dim;
        (void)kl_text_draw(canvas, style, box.x + box.w + kl_px(canvas, 12),
                           baseline - kl_px(canvas, 22), "waiting for");
        (void)kl_text_draw(canvas, style, box.x + box.w + kl_px(canvas, 12), baseline, "20 steps");
        return;
    }
    char text[64];
    (void)snprintf(text, sizeof(text), "%.0f", snapshot->cadence_spm);
    (void)kl_text_draw(canvas, style, inside.x, baseline, text);
}

static void draw_target(const struct kl_canvas *canvas, struct kl_rect inside,
                        const struct kl_snapshot *snapshot)
{
    struct kl_text_style style = {
        .font = KL_FONT_STRONG, .colour = canvas->palette->text, .max_width = inside.w};
    char text[96];
    double target = snapshot->target_cadence_spm;
    double off = round(snapshot->cadence_spm) - target;
    if (!is_cadence(target)) {
        style.font = KL_FONT_SMALL;
        style.colour = canvas->palette->dim;
        (void)snprintf(text, sizeof(text), "no target set");
    } else if (!is_cadence(snapshot->cadence_spm)) {
        (void)snprintf(text, sizeof(text), "target %.0f", target);
    } else if (fabs(off) < 1.0) {
        (void)snprintf(text, sizeof(text), "target %.0f: on target", target);
    } else {
        (void)snprintf(text, sizeof(text), "target %.0f: %.0f %s", target, fabs(off),
                       off < 0.0 ? "below" : "above");
    }
    (void)kl_text_draw(canvas, style, inside.x, inside.y + kl_px(canvas, 96), text);

    style.font = KL_FONT_SMALL;
    style.colour = canvas->palette->dim;
    double x = inside.x;
    double y = inside.y + kl_px(canvas, 119);
    if (!is_cadence(snapshot->cadence_fft_spm)) {
        (void)snprintf(text, sizeof(text), "spectrum: not yet");
    } else {
        (void)snprintf(text, sizeof(text), "spectrum %.1f %s", snapshot->cadence_fft_spm,
                       snapshot->cadence_disagrees ? "disagrees" : "agrees");
    }
    if (snapshot->cadence_disagrees && is_cadence(snapshot->cadence_fft_spm)) {
        style.colour = canvas->palette->flag[KL_FLAG_AMBER];
        kl_draw_flag_sign(canvas, KL_FLAG_AMBER, x + kl_px(canvas, 9),
                          y - kl_text_middle(canvas, style.font), kl_px(canvas, 18));
        x += kl_px(canvas, 24);
    }
    style.max_width = fmax(inside.x + inside.w - x, 1.0);
    (void)kl_text_draw(canvas, style, x, y, text);
}

/* Runs of plausible values; a hole stays a hole. */
static void draw_history(const struct kl_canvas *canvas, struct kl_rect rect,
                         const struct kl_snapshot *snapshot)
{
    struct kl_rect plot = plot_rect(canvas, rect);
    struct kl_axis axis = placed_axis(snapshot, plot.h, 0.0);
    size_t count = history_count(snapshot);
    double per_step = plot.w / KL_HISTORY_STEPS;
    double y[KL_HISTORY_STEPS];
    size_t run = 0;
    for (size_t i = 0; i <= count; i++) {
        if (i < count && is_cadence((double)snapshot->cadence_history[i])) {
            y[run++] = kl_axis_pixel(&axis, (double)snapshot->cadence_history[i]);
            continue;
        }
        double right = plot.x + plot.w - (double)(count - i) * per_step;
        double left = right - (double)run * per_step;
        struct kl_rect part = {round(left), plot.y, round(right) - round(left), plot.h};
        struct kl_raster raster;
        if (run >= 2 && kl_rect_holds(rect, part) &&
            kl_raster_begin(&raster, canvas->surface, part)) {
            struct kl_graph graph = {.y = y,
                                     .count = run,
                                     .thickness = fmax(2.5 * canvas->unit, 1.2),
                                     .base = plot.h,
                                     .colour = canvas->palette->text,
                                     .alpha = 1.0,
                                     .fill_alpha = 0.10};
            kl_raster_graph(&raster, &graph);
            kl_raster_end(&raster, canvas->surface);
        }
        run = 0;
    }
}

static void draw(const struct kl_canvas *canvas, struct kl_rect rect, void *state,
                 const struct kl_snapshot *snapshot, bool anew)
{
    (void)anew;  /* always true: no parts */
    (void)state; /* nothing is kept between draws */
    struct kl_rect inside = kl_panel_inside(canvas, rect);
    draw_number(canvas, inside, snapshot);
    draw_target(canvas, inside, snapshot);
    draw_history(canvas, rect, snapshot);
}

const struct kl_panel kl_panel_cadence = {
    .name = "cadence",
    .title = "CADENCE",
    .frame_key = frame_key,
    .draw_frame = draw_frame,
    .key = content_key,
    .draw = draw,
};
