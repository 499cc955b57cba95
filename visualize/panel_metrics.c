/* The table of metrics: each side's latest step and the mean of its last 60, with units, one page
 * of it at a time.
 *
 * A value that is not valid is a hatched swatch and its reason in words, never a number. A proxy
 * stands with its error band; where the band is not known, with a question mark.
 */
#include "visualize/metric_page.h"
#include "visualize/panel.h"

#include <math.h>
#include <stdio.h>

/* Left and right, or one column for steps whose side cannot be told. */
static size_t columns_of(const struct kl_snapshot *snapshot, enum kl_side out[2])
{
    const struct kl_snapshot_side *side = snapshot->side;
    if (side[KL_SIDE_UNKNOWN].has_step && !side[KL_SIDE_LEFT].has_step &&
        !side[KL_SIDE_RIGHT].has_step) {
        out[0] = KL_SIDE_UNKNOWN;
        return 1;
    }
    out[0] = KL_SIDE_LEFT;
    out[1] = KL_SIDE_RIGHT;
    return 2;
}

static uint64_t frame_key(const struct kl_snapshot *snapshot)
{
    enum kl_side side[2];
    size_t count = columns_of(snapshot, side);
    return kl_change_key(kl_metric_page_key(snapshot), &count, sizeof(count));
}

static uint64_t side_key(const struct kl_snapshot *snapshot, enum kl_side which)
{
    const struct kl_snapshot_side *side = &snapshot->side[which];
    const struct kl_step *last = &side->last;
    unsigned marks = (unsigned)(snapshot->contacts == 0) | (unsigned)side->has_step << 1 |
                     (unsigned)last->valid << 2 | (unsigned)which << 3;
    uint64_t key = kl_change_key(KL_CHANGE_KEY_START, &marks, sizeof(marks));
    key = kl_change_key(key, &snapshot->body_weight_n, sizeof(snapshot->body_weight_n));
    key = kl_change_key(key, &snapshot->height_m, sizeof(snapshot->height_m));
    key = kl_change_key(key, &last->reasons, sizeof(last->reasons));
    key = kl_change_key(key, last->metric, sizeof(last->metric));
    key = kl_change_key(key, last->metric_reasons, sizeof(last->metric_reasons));
    key = kl_change_key(key, &last->body_weight_n, sizeof(last->body_weight_n));
    key = kl_change_key(key, &side->steps, sizeof(side->steps));
    key = kl_change_key(key, side->mean, sizeof(side->mean));
    return kl_change_key(key, side->n, sizeof(side->n));
}

static uint64_t content_key(const struct kl_snapshot *snapshot)
{
    enum kl_side column[2];
    size_t count = columns_of(snapshot, column);
    uint64_t key = frame_key(snapshot);
    for (size_t i = 0; i < count; i++) {
        uint64_t part = side_key(snapshot, column[i]);
        key = kl_change_key(key, &part, sizeof(part));
    }
    return key;
}

/* ----------------------------------------------------------------- places */

static const char mean_head[] = "mean 60"; /* of the last 60 valid steps: struct kl_snapshot_side */

struct table {
    double top, row_h;
    const struct kl_metric_page *page;
    double label_x, unit_x;
    double column_x[2], latest_w, mean_w; /* [column] left edge; widths inside a column */
    double right;
};

#define ROW_MOST_PX 25.0 /* design px: a short page does not spread */

/* The page that belongs to what else is on screen, and as many further as was asked for. */
static void page_of(const struct kl_canvas *canvas, const struct kl_snapshot *snapshot,
                    struct kl_metric_page *out)
{
    enum kl_metric_group first =
        canvas->view.page == KL_PAGE_MOTION ? KL_GROUP_MOTION : KL_GROUP_FORCES;
    kl_metric_page_fill(snapshot, first, canvas->view.metrics_turn, out);
}

static struct table table_of(const struct kl_canvas *canvas, struct kl_rect rect, size_t columns,
                             const struct kl_metric_page *page)
{
    double margin = kl_px(canvas, 12);
    struct table table = {
        .label_x = rect.x + margin, .right = rect.x + rect.w - margin, .page = page};
    table.top = rect.y + kl_px(canvas, 58);
    double height = rect.y + rect.h - kl_px(canvas, 6) - table.top;
    table.row_h = fmin(floor(height / (double)(page->line_count > 0 ? page->line_count : 1)),
                       kl_px(canvas, ROW_MOST_PX));
    double width = table.right - table.label_x;
    double label_w = kl_px(canvas, 212);
    double unit_w = kl_px(canvas, 80);
    double column_w = fmax(floor((width - label_w - unit_w) / (double)columns), 1.0);
    table.mean_w =
        fmax(kl_px(canvas, 72), kl_text_width(canvas, KL_FONT_TINY, mean_head) + kl_px(canvas, 8));
    table.latest_w = column_w - table.mean_w;
    for (size_t i = 0; i < columns; i++) {
        table.column_x[i] = table.label_x + label_w + column_w * (double)i;
    }
    table.unit_x = table.right - unit_w + kl_px(canvas, 10);
    return table;
}

static double row_baseline(const struct kl_canvas *canvas, const struct table *table, size_t row)
{
    return table->top + table->row_h * ((double)row + 0.5) + kl_text_middle(canvas, KL_FONT_BODY);
}

/* The body type, or a smaller one on a screen too low for it. */
static enum kl_font row_font(const struct kl_canvas *canvas, const struct table *table,
                             enum kl_font font)
{
    while (font > KL_FONT_TINY && kl_text_line(canvas, font) > table->row_h + 1.0) {
        font = (enum kl_font)(font - 1);
    }
    return font;
}

/* Name and place of the page, above the labels; nothing where there is only one. */
static void draw_page_title(const struct kl_canvas *canvas, const struct table *table)
{
    const struct kl_metric_page *page = table->page;
    if (page->count < 2) {
        return;
    }
    char text[96];
    (void)snprintf(text, sizeof(text), "%s · page %zu of %zu", page->title, page->index + 1,
                   page->count);
    struct kl_text_style style = {.font = KL_FONT_TITLE,
                                  .colour = canvas->palette->text,
                                  .max_width = table->column_x[0] + table->latest_w -
                                               table->label_x - kl_px(canvas, 60)};
    (void)kl_text_draw(canvas, style, table->label_x, table->top - kl_px(canvas, 6), text);
}

/* Text of a label or unit, smaller where it is long. */
static void draw_fitted(const struct kl_canvas *canvas, struct kl_text_style style, double x,
                        double y, const char *text)
{
    style.font = kl_text_fit(canvas, style.font, KL_FONT_NARROW, style.max_width, text);
    (void)kl_text_draw(canvas, style, x, y, text);
}

static void draw_line(const struct kl_canvas *canvas, struct kl_rect rect,
                      const struct table *table, size_t row)
{
    const struct kl_palette *palette = canvas->palette;
    const struct kl_metric_line *line = &table->page->line[row];
    double y = row_baseline(canvas, table, row);
    struct kl_text_style style = {.font = row_font(canvas, table, KL_FONT_SMALL),
                                  .colour = palette->text,
                                  .max_width = fmax(table->right - table->label_x, 1.0)};
    if (line->kind == KL_LINE_METRIC) {
        const struct kl_metric *metric = kl_metric_get(line->id);
        style.max_width = table->column_x[0] - table->label_x - kl_px(canvas, 4);
        draw_fitted(canvas, style, table->label_x, y, metric->label);
        style.colour = palette->dim;
        style.max_width = fmax(table->right - table->unit_x + kl_px(canvas, 8), 1.0);
        draw_fitted(canvas, style, table->unit_x, y, metric->display_unit);
        return;
    }
    struct kl_rect at = {rect.x, table->top + table->row_h * (double)row, rect.w, table->row_h};
    if (line->kind == KL_LINE_HEAD) {
        kl_draw_rect(canvas, at, palette->panel, 1.0);
        kl_draw_level(canvas, at.x, at.x + at.w, at.y + at.h - 1.0, palette->axis);
        style.font = row_font(canvas, table, KL_FONT_TITLE);
    } else {
        double swatch = kl_px(canvas, 22);
        double pad = kl_px(canvas, 4);
        kl_draw_rect(canvas, at, palette->panel, 1.0);
        kl_draw_hatch(canvas, (struct kl_rect){table->label_x, at.y + pad, swatch,
                                               fmax(at.h - 2.0 * pad, 1.0)});
        style.colour = palette->dim;
        style.max_width = fmax(style.max_width - swatch - pad, 1.0);
        (void)kl_text_draw(canvas, style, table->label_x + swatch + 2.0 * pad, y, line->text);
        return;
    }
    (void)kl_text_draw(canvas, style, table->label_x, y, line->text);
}

static void draw_frame(const struct kl_canvas *canvas, struct kl_rect rect,
                       const struct kl_snapshot *snapshot)
{
    const struct kl_palette *palette = canvas->palette;
    enum kl_side side[2];
    size_t columns = columns_of(snapshot, side);
    struct kl_metric_page page;
    page_of(canvas, snapshot, &page);
    struct table table = table_of(canvas, rect, columns, &page);
    struct kl_colour stripe = kl_colour_mix(palette->panel, palette->grid, 0.45);
    for (size_t i = 0; i < page.line_count; i++) {
        if (i % 2 == 0) {
            kl_draw_rect(
                canvas,
                (struct kl_rect){rect.x, table.top + table.row_h * (double)i, rect.w, table.row_h},
                stripe, 1.0);
        }
        draw_line(canvas, rect, &table, i);
    }
    draw_page_title(canvas, &table);
    struct kl_text_style head = {.font = KL_FONT_TINY, .colour = palette->dim, .align = 1.0};
    for (size_t i = 0; i < columns; i++) {
        double x = table.column_x[i] + table.latest_w;
        double y = table.top - kl_px(canvas, 6);
        (void)kl_text_draw(canvas, head, x, y, "latest");
        (void)kl_text_draw(canvas, head, x + table.mean_w, y, mean_head);
    }
}

/* ----------------------------------------------------------------- values */

/* One value as people read it. @return false with the reason it cannot be shown */
static bool value_text(const struct kl_metric *metric, double value, double body_weight_n,
                       double height_m, char *out, size_t len, const char **reason)
{
    double shown = 0.0;
    if (!isfinite(value)) {
        *reason = kl_reason_text(KL_REASON_NOT_A_NUMBER);
        return false;
    }
    if (!kl_metric_display(metric, value, body_weight_n, height_m, &shown)) {
        *reason =
            kl_reason_text(body_weight_n > 0.0 ? KL_REASON_NO_HEIGHT : KL_REASON_NO_BODY_WEIGHT);
        return false;
    }
    if (!(fabs(shown) < 1e7)) { /* no metric reaches this: a broken channel */
        *reason = "out of range";
        return false;
    }
    double half = 0.5 * pow(10.0, -metric->decimals);
    (void)snprintf(out, len, "%s%.*f", shown <= -half ? "−" : "", metric->decimals, fabs(shown));
    return true;
}

static void draw_invalid(const struct kl_canvas *canvas, struct kl_rect cell, uint32_t reasons,
                         const char *reason)
{
    char text[96];
    int more = 0;
    for (uint32_t rest = reasons & (reasons - 1u); rest != 0; rest &= rest - 1u) {
        more++;
    }
    if (reasons != 0) {
        reason = kl_reason_text((enum kl_reason)(reasons & (~reasons + 1u)));
    }
    double swatch = kl_px(canvas, 9); /* at least */
    double pad = kl_px(canvas, 3);
    struct kl_text_style style = {.font = KL_FONT_NARROW,
                                  .colour = canvas->palette->dim,
                                  .align = 1.0,
                                  .max_width = cell.w - swatch - 2.0 * pad};
    (void)snprintf(text, sizeof(text), "%s +%d", reason, more);
    if (more == 0 || kl_text_width(canvas, style.font, text) > style.max_width) {
        (void)snprintf(text, sizeof(text), "%s", reason);
    }
    double y = cell.y + round(cell.h / 2.0);
    double width =
        kl_text_draw(canvas, style, cell.x + cell.w, y + kl_text_middle(canvas, style.font), text);
    swatch = fmax(fmin(cell.w - width - 2.0 * pad, kl_px(canvas, 22)), swatch);
    kl_draw_hatch(canvas, (struct kl_rect){cell.x + cell.w - width - swatch - pad, cell.y + pad,
                                           swatch, fmax(cell.h - 2.0 * pad, 1.0)});
}

/* " ± 0.18" behind a value; " ± ?" where the band of this step is not known. */
static void band_text(const struct kl_metric_line *line, const struct kl_step *step,
                      double body_weight_n, double height_m, char *out, size_t len)
{
    char text[48];
    const char *reason = NULL;
    out[0] = '\0';
    if (line->band >= KL_METRIC_COUNT) {
        return;
    }
    bool known = step->metric_reasons[line->band] == 0 &&
                 value_text(kl_metric_get(line->band), step->metric[line->band], body_weight_n,
                            height_m, text, sizeof(text), &reason);
    (void)snprintf(out, len, " ± %s", known ? text : "?");
}

static void draw_cells(const struct kl_canvas *canvas, const struct table *table, size_t column,
                       size_t row, const struct kl_snapshot *snapshot,
                       const struct kl_snapshot_side *side)
{
    const struct kl_metric_line *line = &table->page->line[row];
    enum kl_metric_id id = line->id;
    const struct kl_metric *metric = kl_metric_get(id);
    const struct kl_step *last = &side->last;
    struct kl_rect cell = {table->column_x[column] + kl_px(canvas, 3),
                           table->top + table->row_h * (double)row,
                           table->latest_w - kl_px(canvas, 3), table->row_h};
    uint32_t reasons = last->metric_reasons[id] | (last->valid ? 0u : last->reasons);
    double weight_n = last->body_weight_n > 0.0 ? last->body_weight_n : snapshot->body_weight_n;
    const char *reason = "not valid";
    char text[48];
    double baseline = row_baseline(canvas, table, row);
    struct kl_text_style style = {.font = row_font(canvas, table, KL_FONT_STRONG),
                                  .colour = canvas->palette->text,
                                  .align = 1.0};
    if (reasons == 0 && last->valid &&
        value_text(metric, last->metric[id], weight_n, snapshot->height_m, text, sizeof(text),
                   &reason)) {
        char band[64];
        char both[sizeof(text) + sizeof(band)];
        band_text(line, last, weight_n, snapshot->height_m, band, sizeof(band));
        (void)snprintf(both, sizeof(both), "%s%s", text, band);
        (void)kl_text_draw(canvas, style, cell.x + cell.w, baseline, both);
    } else {
        draw_invalid(canvas, cell, reasons, reason);
    }
    style.font = row_font(canvas, table, KL_FONT_SMALL);
    style.colour = canvas->palette->dim;
    if (side->n[id] == 0 || !value_text(metric, side->mean[id], snapshot->body_weight_n,
                                        snapshot->height_m, text, sizeof(text), &reason)) {
        (void)snprintf(text, sizeof(text), "–");
    }
    (void)kl_text_draw(canvas, style, cell.x + cell.w + table->mean_w, baseline, text);
}

static void draw_head(const struct kl_canvas *canvas, const struct table *table, size_t column,
                      struct kl_rect rect, enum kl_side side, const struct kl_snapshot_side *steps)
{
    static const char *const name[KL_SIDE_COUNT] = {"side not known", "left", "right"};
    char text[64];
    (void)snprintf(text, sizeof(text), "%s, %zu valid steps", name[side], steps->steps);
    double right = table->column_x[column] + table->latest_w + table->mean_w;
    struct kl_text_style style = {.font = KL_FONT_STRONG,
                                  .colour = canvas->palette->text,
                                  .align = 1.0,
                                  .max_width = table->latest_w + table->mean_w - kl_px(canvas, 40)};
    double y = rect.y + kl_px(canvas, 19);
    double width = kl_text_draw(canvas, style, right, y + kl_text_middle(canvas, style.font), text);
    double size = kl_px(canvas, 26);
    kl_draw_side_badge(canvas, side, round(right - width - size * 0.5 - kl_px(canvas, 8)), y, size);
}

static void draw_column(const struct kl_canvas *canvas, const struct table *table, size_t column,
                        struct kl_rect rect, enum kl_side side, const struct kl_snapshot *snapshot)
{
    const struct kl_snapshot_side *steps = &snapshot->side[side];
    draw_head(canvas, table, column, rect, side, steps);
    if (!steps->has_step) {
        struct kl_text_style style = {.font = row_font(canvas, table, KL_FONT_BODY),
                                      .colour = canvas->palette->dim,
                                      .align = 1.0,
                                      .max_width = table->latest_w + table->mean_w};
        (void)kl_text_draw(canvas, style, table->column_x[column] + table->latest_w + table->mean_w,
                           row_baseline(canvas, table, 1),
                           snapshot->contacts == 0 ? "waiting for the first steps" : "no step yet");
        return;
    }
    for (size_t row = 0; row < table->page->line_count; row++) {
        if (table->page->line[row].kind == KL_LINE_METRIC) {
            draw_cells(canvas, table, column, row, snapshot, steps);
        }
    }
}

/* A step changes one side: the other column stands. */
struct columns {
    uint64_t drawn[2];
};

static void draw(const struct kl_canvas *canvas, struct kl_rect rect, void *state,
                 const struct kl_snapshot *snapshot, bool anew)
{
    struct columns *parts = state;
    enum kl_side side[2];
    size_t columns = columns_of(snapshot, side);
    struct kl_metric_page page;
    page_of(canvas, snapshot, &page);
    struct table table = table_of(canvas, rect, columns, &page);
    for (size_t i = 0; i < columns; i++) {
        struct kl_rect part = {table.column_x[i], rect.y, table.latest_w + table.mean_w, rect.h};
        if (kl_panel_part_begin(canvas, part, &parts->drawn[i], side_key(snapshot, side[i]),
                                anew)) {
            draw_column(canvas, &table, i, rect, side[i], snapshot);
            kl_panel_part_end(canvas);
        }
    }
}

const struct kl_panel kl_panel_metrics = {
    .name = "metrics",
    .title = "METRICS",
    .frame_key = frame_key,
    .draw_frame = draw_frame,
    .key = content_key,
    .draw = draw,
    .parts = true,
    .state_size = sizeof(struct columns),
};
