/* The top bar: what the runner does, what is compared, who it is, whether it is being recorded,
 * which devices deliver. To be read from two metres. */
#include "visualize/panel.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define DEVICES_SHOWN 8
#define LOUD_MOST 2 /* alarms in large: more would leave the other devices no room */
#define LINE_MAX 192

/* The words on the bar. The key is made of them, so that the bar is drawn when a word changes and
 * not with every sample. Zeroed first: equal views are equal bytes. */
struct view {
    enum kl_gait gait;
    char runner[LINE_MAX]; /* subject, speed */
    char weight[LINE_MAX]; /* body weight and where it came from */
    char condition[LINE_MAX];
    char settings[LINE_MAX]; /* filter, threshold, loading rule */
    enum kl_recording recording;
    bool paused;
    char recorded[64]; /* the time, large */
    char file[LINE_MAX];
    double progress; /* of a replay, 0-1; negative: none */
    char problem[LINE_MAX];
    size_t device_count;
    struct device_view {
        bool trouble;
        char name[KL_NAME_MAX];
        char rate[96];
        int battery_percent; /* -1: it does not say */
    } device[DEVICES_SHOWN];
    size_t more_devices;
    size_t loud; /* the first so many devices stand in large */
    size_t alarms;
};

/* Seconds as 1:02:03 or 02:03. */
static void clock_text(double seconds, char *out, size_t len)
{
    if (!(seconds >= 0.0 && seconds < 1e8)) {
        (void)snprintf(out, len, "--:--");
        return;
    }
    long whole = (long)seconds;
    if (whole >= 3600) {
        (void)snprintf(out, len, "%ld:%02ld:%02ld", whole / 3600, whole / 60 % 60, whole % 60);
    } else {
        (void)snprintf(out, len, "%02ld:%02ld", whole / 60, whole % 60);
    }
}

static void fill_runner(struct view *view, const struct kl_snapshot *snapshot)
{
    view->gait = snapshot->gait;
    char speed[40] = "belt speed not entered";
    if (snapshot->speed_m_s > 0.0 && snapshot->speed_m_s < 100.0) {
        (void)snprintf(speed, sizeof(speed), "%.2f m/s", snapshot->speed_m_s);
    }
    (void)snprintf(view->runner, sizeof(view->runner), "%.31s · %s",
                   snapshot->subject[0] != '\0' ? snapshot->subject : "no subject code", speed);
    double weight_n = snapshot->body_weight_n;
    if (weight_n > 0.0 && weight_n < 1e5) {
        (void)snprintf(view->weight, sizeof(view->weight), "body weight %.0f N (%s)", weight_n,
                       snapshot->body_weight_from != NULL ? snapshot->body_weight_from
                                                          : "origin not known");
    } else {
        (void)snprintf(view->weight, sizeof(view->weight), "body weight not known");
    }
    (void)snprintf(view->condition, sizeof(view->condition), "%.95s", snapshot->condition);
    if (snapshot->cutoff_hz > 0.0 && snapshot->cutoff_hz < 1e6 &&
        fabs(snapshot->threshold_n) < 1e6) {
        (void)snprintf(
            view->settings, sizeof(view->settings),
            "filter %.0f Hz · contact from %.0f N · loading rate without impact peak: %s",
            snapshot->cutoff_hz, snapshot->threshold_n,
            kl_loading_rule_text(snapshot->loading_rule));
    }
}

static void fill_recording(struct view *view, const struct kl_snapshot *snapshot)
{
    const struct kl_snapshot_recording *recording = &snapshot->recording;
    char done[24];
    char whole[24];
    clock_text(recording->seconds, done, sizeof(done));
    clock_text(recording->duration_s, whole, sizeof(whole));
    view->recording = recording->state;
    view->progress = -1.0;
    char path[sizeof(recording->path)];
    (void)snprintf(path, sizeof(path), "%.*s", (int)sizeof(path) - 1, recording->path);
    const char *slash = strrchr(path, '/');
    (void)snprintf(view->file, sizeof(view->file), "%.150s", slash != NULL ? slash + 1 : path);
    (void)snprintf(view->recorded, sizeof(view->recorded), "%s", done);
    if (recording->state == KL_RECORDING_HELD) {
        (void)snprintf(view->file, sizeof(view->file), "disk refuses: %.1f s held in memory",
                       fmin(fmax(recording->held_seconds, 0.0), 1e6));
    }
    if (recording->state == KL_RECORDING_REPLAY) {
        view->paused = recording->paused;
        if (recording->duration_s > 0.0) {
            (void)snprintf(view->recorded, sizeof(view->recorded), "%s / %s", done, whole);
            /* In thousandths: finer steps than a pixel would draw the bar for nothing. */
            view->progress =
                round(fmin(fmax(recording->seconds / recording->duration_s, 0.0), 1.0) * 500.0) /
                500.0;
        }
        char file[LINE_MAX];
        memcpy(file, view->file, sizeof(file));
        (void)snprintf(view->file, sizeof(view->file), "%.4g× · %.150s",
                       recording->speed > 0.0 ? fmin(recording->speed, 1e4) : 1.0, file);
    } else if (recording->state == KL_RECORDING_OFF) {
        view->recorded[0] = '\0';
        (void)snprintf(view->file, sizeof(view->file), "nothing is written to disk");
    }
    (void)snprintf(view->problem, sizeof(view->problem), "%.159s", recording->problem);
}

/* States in which a device does what it should, or has been told to end. */
static bool is_calm(const struct kl_snapshot_device *device)
{
    static const char *const calm[] = {"streaming", "simulated", "file", "stopped", ""};
    bool found = false;
    for (size_t i = 0; i < sizeof(calm) / sizeof(calm[0]); i++) {
        found = found || strncmp(device->state, calm[i], sizeof(device->state)) == 0;
    }
    return found;
}

static bool is_rate(double rate_hz)
{
    return rate_hz > 0.0 && rate_hz < 1e9;
}

/* A measured rate trembles, the bar should not: three digits, and beside the nominal one only where
 * they differ by more than half a per cent. */
static void rate_text(const struct kl_snapshot_device *device, char *out, size_t len)
{
    double rate_hz = device->rate_hz;
    out[0] = '\0';
    if (!is_rate(rate_hz)) {
        return;
    }
    if (is_rate(device->measured_hz) && fabs(device->measured_hz / rate_hz - 1.0) > 0.005) {
        bool whole = device->measured_hz >= 99.5;
        (void)snprintf(out, len, whole ? "%.0f of %.4g Hz" : "%.3g of %.4g Hz", device->measured_hz,
                       rate_hz);
        return;
    }
    bool whole = rate_hz >= 99.95 || fabs(rate_hz - round(rate_hz)) < 0.05;
    (void)snprintf(out, len, whole ? "%.0f Hz" : "%.1f Hz", rate_hz);
}

static void append(char *out, size_t len, const char *text)
{
    size_t used = strlen(out);
    (void)snprintf(out + used, len - used, "%s%s", used > 0 ? ", " : "", text);
}

static void fill_device(struct device_view *out, const struct kl_snapshot_device *device)
{
    char text[40];
    bool calm = is_calm(device);
    bool streaming = strncmp(device->state, "streaming", sizeof(device->state)) == 0;
    out->trouble = device->alarm || device->lost > 0;
    (void)snprintf(out->name, sizeof(out->name), "%.*s", KL_NAME_MAX - 1, device->name);
    if (!streaming && device->state[0] != '\0') {
        (void)snprintf(text, sizeof(text), "%.*s", (int)sizeof(device->state) - 1, device->state);
        append(out->rate, sizeof(out->rate), text);
    }
    rate_text(device, text, sizeof(text));
    if (calm && text[0] != '\0') {
        append(out->rate, sizeof(out->rate), text);
    }
    bool said = strncmp(device->state, "battery", 7) == 0;
    out->battery_percent = device->battery >= 0.0 && device->battery <= 1.0 && !said
                               ? (int)lround(100.0 * device->battery)
                               : -1;
    if (device->lost > 0) {
        (void)snprintf(text, sizeof(text), "lost %llu", (unsigned long long)device->lost);
        append(out->rate, sizeof(out->rate), text);
    }
}

enum urgency { URGENCY_ALARM = 0, URGENCY_TROUBLE, URGENCY_NONE, URGENCY_COUNT };

static enum urgency urgency_of(const struct kl_snapshot_device *device)
{
    return device->alarm && !is_calm(device)   ? URGENCY_ALARM
           : device->alarm || device->lost > 0 ? URGENCY_TROUBLE
                                               : URGENCY_NONE;
}

/* Devices in trouble come first: they must not be the ones behind "and more". */
static void fill_devices(struct view *view, const struct kl_snapshot *snapshot)
{
    size_t count =
        snapshot->device_count < KL_SNAPSHOT_DEVICES ? snapshot->device_count : KL_SNAPSHOT_DEVICES;
    for (int urgency = URGENCY_ALARM; urgency < URGENCY_COUNT; urgency++) {
        for (size_t i = 0; i < count; i++) {
            const struct kl_snapshot_device *device = &snapshot->device[i];
            if (urgency_of(device) != (enum urgency)urgency) {
                continue;
            }
            view->alarms += urgency == URGENCY_ALARM;
            view->loud += urgency == URGENCY_ALARM && view->loud < LOUD_MOST;
            /* A large one takes the room of several. */
            size_t room = view->loud >= 2 ? 4 : view->loud == 1 ? 5 : DEVICES_SHOWN;
            if (view->device_count < room) {
                fill_device(&view->device[view->device_count++], device);
            } else {
                view->more_devices++;
            }
        }
    }
}

static void view_fill(struct view *view, const struct kl_snapshot *snapshot)
{
    memset(view, 0, sizeof(*view));
    fill_runner(view, snapshot);
    fill_recording(view, snapshot);
    fill_devices(view, snapshot);
}

static uint64_t content_key(const struct kl_snapshot *snapshot)
{
    struct view view;
    view_fill(&view, snapshot);
    return kl_change_key(KL_CHANGE_KEY_START, &view, sizeof(view));
}

/* ------------------------------------------------------------------ draw */

/* The lines of the bar; they move up when a problem needs the strip below them. */
struct lines {
    double caption, main, first, second; /* baselines */
    double bottom;                       /* of the space for devices */
};

static struct lines lines_of(const struct kl_canvas *canvas, struct kl_rect rect, bool problem)
{
    static const double loose[] = {22, 62, 86, 105, 112};
    static const double tight[] = {13, 44, 65, 80, 84};
    const double *at = problem ? tight : loose;
    return (struct lines){rect.y + kl_px(canvas, at[0]), rect.y + kl_px(canvas, at[1]),
                          rect.y + kl_px(canvas, at[2]), rect.y + kl_px(canvas, at[3]),
                          rect.y + kl_px(canvas, at[4])};
}

static void caption(const struct kl_canvas *canvas, double x, double y, const char *text)
{
    struct kl_text_style style = {.font = KL_FONT_TINY, .colour = canvas->palette->dim};
    (void)kl_text_draw(canvas, style, x, y, text);
}

static void line_small(const struct kl_canvas *canvas, double x, double y, double width,
                       const char *text)
{
    struct kl_text_style style = {
        .font = KL_FONT_SMALL, .colour = canvas->palette->dim, .max_width = fmax(width, 1.0)};
    (void)kl_text_draw(canvas, style, x, y, text);
}

static void large(const struct kl_canvas *canvas, double x, double y, double width,
                  struct kl_colour colour, const char *text)
{
    struct kl_text_style style = {.colour = colour, .max_width = fmax(width, 1.0)};
    style.font = kl_text_fit(canvas, KL_FONT_LARGE, KL_FONT_MEDIUM, style.max_width, text);
    (void)kl_text_draw(canvas, style, x, y, text);
}

static void draw_runner(const struct kl_canvas *canvas, struct kl_rect block,
                        const struct lines *lines, const struct view *view)
{
    const struct kl_palette *palette = canvas->palette;
    caption(canvas, block.x, lines->caption, "RUNNER");
    char word[48];
    (void)snprintf(word, sizeof(word), "%s", kl_gait_text(view->gait));
    if (word[0] >= 'a' && word[0] <= 'z') {
        word[0] = (char)(word[0] - 'a' + 'A');
    }
    large(canvas, block.x, lines->main, block.w,
          view->gait == KL_GAIT_NONE ? palette->dim : palette->text, word);
    line_small(canvas, block.x, lines->first, block.w, view->runner);
    line_small(canvas, block.x, lines->second, block.w, view->weight);
}

static void draw_condition(const struct kl_canvas *canvas, struct kl_rect block,
                           const struct lines *lines, const struct view *view)
{
    const struct kl_palette *palette = canvas->palette;
    caption(canvas, block.x, lines->caption, "CONDITION");
    bool named = view->condition[0] != '\0';
    large(canvas, block.x, lines->main, block.w, named ? palette->text : palette->dim,
          named ? view->condition : "no condition yet");
    line_small(canvas, block.x, lines->first, block.w, view->settings);
}

static void draw_recording(const struct kl_canvas *canvas, struct kl_rect block,
                           const struct lines *lines, const struct view *view)
{
    static const char *const word[] = {
        [KL_RECORDING_OFF] = "NOT RECORDING",
        [KL_RECORDING_ON] = "RECORDING",
        [KL_RECORDING_HELD] = "HELD IN MEMORY",
        [KL_RECORDING_REPLAY] = "REPLAY",
    };
    const struct kl_palette *palette = canvas->palette;
    unsigned state = (unsigned)view->recording <= KL_RECORDING_REPLAY ? (unsigned)view->recording
                                                                      : KL_RECORDING_OFF;
    caption(canvas, block.x, lines->caption, view->paused ? "REPLAY, PAUSED" : word[state]);
    double x = block.x;
    double size = kl_px(canvas, 28);
    double y = lines->main - kl_text_middle(canvas, KL_FONT_LARGE);
    cairo_new_path(canvas->cr);
    if (state == KL_RECORDING_ON) {
        kl_set_colour(canvas, palette->flag[KL_FLAG_RED], 1.0);
        cairo_arc(canvas->cr, x + size / 2.0, y, size / 2.0, 0.0, 6.2832);
        cairo_fill(canvas->cr);
    } else if (state == KL_RECORDING_HELD) {
        kl_draw_flag_sign(canvas, KL_FLAG_AMBER, x + size / 2.0, y, size);
    } else if (state == KL_RECORDING_REPLAY && view->paused) {
        kl_draw_rect(canvas, (struct kl_rect){x + 2, y - size / 2.0, round(size * 0.3), size},
                     palette->text, 1.0);
        kl_draw_rect(
            canvas,
            (struct kl_rect){x + round(size * 0.6), y - size / 2.0, round(size * 0.3), size},
            palette->text, 1.0);
    } else if (state == KL_RECORDING_REPLAY) {
        kl_set_colour(canvas, palette->text, 1.0);
        cairo_move_to(canvas->cr, x + 2, y - size / 2.0);
        cairo_line_to(canvas->cr, x + size - 2, y);
        cairo_line_to(canvas->cr, x + 2, y + size / 2.0);
        cairo_close_path(canvas->cr);
        cairo_fill(canvas->cr);
    } else {
        large(canvas, x, lines->main, block.w, palette->dim, "Off");
    }
    x += size + kl_px(canvas, 10);
    if (state != KL_RECORDING_OFF) {
        large(canvas, x, lines->main, block.x + block.w - x, palette->text, view->recorded);
    }
    line_small(canvas, block.x, lines->first, block.w, view->file);
    if (view->progress >= 0.0) {
        struct kl_rect bar = {block.x, lines->second - kl_px(canvas, 9), block.w, kl_px(canvas, 7)};
        kl_draw_rect(canvas, bar, palette->grid, 1.0);
        bar.w = round(bar.w * view->progress);
        kl_draw_rect(canvas, bar, palette->text, 1.0);
    }
}

/* A battery and its number, right-aligned at x; the number only where there is room, and nothing
 * where there is none for the battery: the name of the device matters more. @return width */
static double draw_battery(const struct kl_canvas *canvas, double x, double y, double room,
                           int percent)
{
    const struct kl_palette *palette = canvas->palette;
    char text[16];
    (void)snprintf(text, sizeof(text), "%d %%", percent);
    struct kl_text_style style = {.font = KL_FONT_NARROW, .colour = palette->dim, .align = 1.0};
    double w = kl_px(canvas, 16);
    double h = kl_px(canvas, 8);
    double line = fmax(kl_px(canvas, 1), 1.0);
    double gap = kl_px(canvas, 5);
    double width = 0.0;
    if (w + 2.0 * line + gap > room) {
        return 0.0;
    }
    if (kl_text_width(canvas, style.font, text) + w + 2.0 * line + gap <= room) {
        width = gap + kl_text_draw(canvas, style, x, y + kl_text_middle(canvas, style.font), text);
    }
    struct kl_rect body = {round(x - width - w - 2.0 * line), round(y - h / 2.0), w, h};
    kl_draw_rect(canvas, body, palette->dim, 1.0);
    kl_draw_rect(canvas,
                 (struct kl_rect){body.x + body.w, body.y + line, 2.0 * line,
                                  fmax(body.h - 2.0 * line, 1.0)},
                 palette->dim, 1.0);
    struct kl_rect empty = {body.x + line, body.y + line, fmax(body.w - 2.0 * line, 1.0),
                            fmax(body.h - 2.0 * line, 1.0)};
    double full = round(empty.w * percent / 100.0);
    empty.x += full;
    empty.w -= full;
    if (empty.w > 0.0) {
        kl_draw_rect(canvas, empty, palette->panel, 1.0);
    }
    return x - body.x;
}

static void draw_device(const struct kl_canvas *canvas, struct kl_rect cell,
                        const struct device_view *device)
{
    const struct kl_palette *palette = canvas->palette;
    double size = kl_px(canvas, 15);
    double y = cell.y + cell.h / 2.0;
    kl_draw_flag_sign(canvas, device->trouble ? KL_FLAG_RED : KL_FLAG_GREEN, cell.x + size / 2.0, y,
                      size);
    struct kl_text_style style = {.font = KL_FONT_NARROW,
                                  .colour = palette->text,
                                  .max_width = cell.w - size - kl_px(canvas, 8)};
    double baseline = y + kl_text_middle(canvas, style.font);
    double right = cell.x + cell.w;
    style.align = 1.0;
    style.colour = device->trouble ? palette->flag[KL_FLAG_RED] : palette->dim;
    right -= kl_text_draw(canvas, style, right, baseline, device->rate);
    if (device->battery_percent >= 0) {
        double name = kl_text_width(canvas, style.font, device->name) + size + kl_px(canvas, 22);
        right -= kl_px(canvas, 8);
        right -= draw_battery(canvas, right, y, right - cell.x - name, device->battery_percent);
    }
    style.align = 0.0;
    style.colour = palette->text;
    double x = cell.x + size + kl_px(canvas, 6);
    style.max_width = right - kl_px(canvas, 8) - x;
    if (style.max_width > kl_px(canvas, 20)) {
        (void)kl_text_draw(canvas, style, x, baseline, device->name);
    }
}

/* An alarm across the block, to be read from two metres: a sign, words, a bar of colour. */
static void draw_alarm(const struct kl_canvas *canvas, struct kl_rect cell,
                       const struct device_view *device)
{
    const struct kl_palette *palette = canvas->palette;
    kl_draw_rect(canvas, cell, palette->flag[KL_FLAG_RED], 1.0);
    double mark = kl_px(canvas, 22);
    double y = cell.y + cell.h / 2.0;
    struct kl_text_style style = {.font = KL_FONT_MEDIUM, .colour = palette->on_flag};
    (void)kl_text_draw(canvas, style, cell.x + kl_px(canvas, 6),
                       y + kl_text_middle(canvas, style.font), "!!");
    char text[sizeof(device->name) + sizeof(device->rate) + 4];
    (void)snprintf(text, sizeof(text), "%s: %s", device->name, device->rate);
    style.max_width = fmax(cell.w - mark - kl_px(canvas, 20), 1.0);
    style.font = kl_text_fit(canvas, KL_FONT_MEDIUM, KL_FONT_NARROW, style.max_width, text);
    (void)kl_text_draw(canvas, style, cell.x + mark + kl_px(canvas, 14),
                       y + kl_text_middle(canvas, style.font), text);
}

static void devices_head(const struct view *view, char *out, size_t len)
{
    size_t used = (size_t)snprintf(out, len, "DEVICES");
    if (view->alarms > 0) {
        used += (size_t)snprintf(out + used, len - used, ", %zu %s", view->alarms,
                                 view->alarms == 1 ? "ALARM" : "ALARMS");
    }
    if (view->more_devices > 0) {
        (void)snprintf(out + used, len - used, ", %zu more not shown", view->more_devices);
    }
}

static void draw_devices(const struct kl_canvas *canvas, struct kl_rect block,
                         const struct lines *lines, const struct view *view)
{
    char head[96];
    devices_head(view, head, sizeof(head));
    caption(canvas, block.x, lines->caption, head);
    if (view->device_count == 0) {
        line_small(canvas, block.x, lines->main - kl_px(canvas, 8), block.w, "no device");
        return;
    }
    size_t small = view->device_count - view->loud;
    size_t columns =
        small > 4 || (view->loud > 0 && small > 2) || (view->loud > 1 && small > 1) ? 2 : 1;
    double between = kl_px(canvas, 20);
    double top = lines->caption + kl_px(canvas, 6);
    double width = floor((block.w - between * (double)(columns - 1)) / (double)columns);
    double height = floor((lines->bottom - top) / (DEVICES_SHOWN / 2.0));
    double loud_h = floor(height * (view->loud > 1 ? 1.5 : 2.0));
    for (size_t i = 0; i < view->loud; i++) {
        struct kl_rect cell = {block.x, top + loud_h * (double)i, block.w,
                               fmax(loud_h - kl_px(canvas, 3), 1.0)};
        draw_alarm(canvas, cell, &view->device[i]);
    }
    top += loud_h * (double)view->loud;
    size_t rows = view->loud > 1 ? 1 : view->loud == 1 ? 2 : 4;
    for (size_t i = 0; i < small; i++) {
        size_t column = i / rows;
        size_t row = i % rows;
        struct kl_rect cell = {block.x + (width + between) * (double)column,
                               top + height * (double)row, width, height};
        draw_device(canvas, cell, &view->device[view->loud + i]);
    }
}

static void draw_problem(const struct kl_canvas *canvas, struct kl_rect rect, const char *problem)
{
    const struct kl_palette *palette = canvas->palette;
    double height = kl_px(canvas, 28);
    struct kl_rect strip = {rect.x, rect.y + rect.h - height, rect.w, height};
    kl_draw_rect(canvas, strip, palette->flag[KL_FLAG_RED], 1.0);
    struct kl_text_style style = {.font = KL_FONT_MEDIUM,
                                  .colour = palette->on_flag,
                                  .max_width = fmax(strip.w - kl_px(canvas, 24), 1.0)};
    char text[LINE_MAX + 16];
    (void)snprintf(text, sizeof(text), "PROBLEM: %s", problem);
    style.font = kl_text_fit(canvas, KL_FONT_MEDIUM, KL_FONT_TINY, style.max_width, text);
    (void)kl_text_draw(canvas, style, strip.x + kl_px(canvas, 12),
                       strip.y + height / 2.0 + kl_text_middle(canvas, style.font), text);
}

static void draw(const struct kl_canvas *canvas, struct kl_rect rect, void *state,
                 const struct kl_snapshot *snapshot, bool anew)
{
    (void)anew;  /* always true: no parts */
    (void)state; /* nothing is kept between draws */
    struct view view;
    view_fill(&view, snapshot);
    struct lines lines = lines_of(canvas, rect, view.problem[0] != '\0');
    /* Shares of the width: runner, condition, recording, devices. An alarm wants large letters. */
    static const double calm[] = {0.0, 0.225, 0.575, 0.765, 1.0};
    static const double alarmed[] = {0.0, 0.195, 0.52, 0.675, 1.0};
    const double *edge = view.loud > 0 ? alarmed : calm;
    static void (*const part[])(const struct kl_canvas *, struct kl_rect, const struct lines *,
                                const struct view *) = {draw_runner, draw_condition, draw_recording,
                                                        draw_devices};
    double margin = kl_px(canvas, 14);
    for (size_t i = 0; i < 4; i++) {
        double x0 = rect.x + round(rect.w * edge[i]);
        double x1 = rect.x + round(rect.w * edge[i + 1]);
        struct kl_rect block = {x0 + margin, rect.y, fmax(x1 - x0 - 2.0 * margin, 1.0), rect.h};
        part[i](canvas, block, &lines, &view);
        if (i > 0) {
            kl_draw_upright(canvas, x0, rect.y + kl_px(canvas, 10), lines.bottom,
                            canvas->palette->edge);
        }
    }
    if (view.problem[0] != '\0') {
        draw_problem(canvas, rect, view.problem);
    }
}

const struct kl_panel kl_panel_status = {
    .name = "status",
    .key = content_key,
    .draw = draw,
};
