/* The body calibration: which movement is due, how good it is, what to do about it; which sensors
 * know how they sit; what was found about them. The due movement is to be read from two metres. */
#include "visualize/panel.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define TEXT_MAX 160

enum state { STATE_NOT_NEEDED = 0, STATE_TO_DO, STATE_RUNNING, STATE_FAILED, STATE_PASSED };

/* A state has a sign and a word, not a colour alone. */
static const struct {
    const char *word;
    enum kl_flag_state sign;
} states[] = {
    [STATE_NOT_NEEDED] = {"not needed", KL_FLAG_GREY}, [STATE_TO_DO] = {"to do", KL_FLAG_GREY},
    [STATE_RUNNING] = {"running", KL_FLAG_NOTE},       [STATE_FAILED] = {"failed", KL_FLAG_RED},
    [STATE_PASSED] = {"passed", KL_FLAG_GREEN},
};

#define SPOTS_MAX (KL_SEGMENT_COUNT + 2 * KL_MUSCLE_COUNT)

/* What the panel shows, rounded as it shows it. Zeroed first: equal views are equal bytes. */
struct view {
    bool live; /* keys begin a phase */
    struct phase_view {
        enum state state;
        int percent, elapsed_s; /* -1: nothing to say */
        char message[TEXT_MAX];
    } phase[KL_SNAPSHOT_PHASES];
    size_t due; /* the phase in large: running or next; KL_SNAPSHOT_PHASES: none */
    size_t spot_count;
    struct spot {
        char name[24];
        bool good;
    } spot[SPOTS_MAX];
    bool judged; /* a phase has been done */
    size_t finding_count;
    struct kl_snapshot_finding finding[KL_FINDINGS_MAX];
};

/* -------------------------------------------------------------------- view */

static int percent_of(double part)
{
    return isfinite(part) ? (int)lround(fmin(fmax(part, 0.0), 1.0) * 100.0) : 0;
}

static enum state state_of(const struct kl_snapshot_phase *phase)
{
    return phase->running               ? STATE_RUNNING
           : phase->done && phase->pass ? STATE_PASSED
           : phase->done                ? STATE_FAILED
           : phase->asked               ? STATE_TO_DO
                                        : STATE_NOT_NEEDED;
}

static void fill_phases(struct view *view, const struct kl_snapshot_calibration *calibration)
{
    view->due = KL_SNAPSHOT_PHASES;
    for (size_t i = 0; i < KL_SNAPSHOT_PHASES; i++) {
        const struct kl_snapshot_phase *phase = &calibration->phase[i];
        struct phase_view *out = &view->phase[i];
        out->state = state_of(phase);
        view->judged = view->judged || phase->done;
        bool begun = out->state >= STATE_RUNNING;
        out->percent = begun ? percent_of(phase->quality) : -1;
        out->elapsed_s =
            begun && phase->elapsed_s >= 0.0 && phase->elapsed_s < 1e6 ? (int)phase->elapsed_s : -1;
        (void)snprintf(out->message, sizeof(out->message), "%.*s", TEXT_MAX - 1, phase->message);
    }
    static const enum state first[] = {STATE_RUNNING, STATE_FAILED, STATE_TO_DO};
    for (size_t k = 0; k < 3 && view->due == KL_SNAPSHOT_PHASES; k++) {
        for (size_t i = KL_SNAPSHOT_PHASES; i > 0; i--) {
            view->due = view->phase[i - 1].state == first[k] ? i - 1 : view->due;
        }
    }
}

static void add_spot(struct view *view, const char *name, bool good)
{
    struct spot *spot = &view->spot[view->spot_count++];
    (void)snprintf(spot->name, sizeof(spot->name), "%s", name);
    spot->good = good;
}

static void fill_spots(struct view *view, const struct kl_snapshot_calibration *calibration)
{
    static const char *const muscle[KL_MUSCLE_COUNT] = {"VMO", "VL"};
    for (size_t i = 0; i < KL_SEGMENT_COUNT; i++) {
        if (calibration->worn[i]) {
            add_spot(view, kl_segment_text((enum kl_segment)i), calibration->calibrated[i]);
        }
    }
    for (size_t s = KL_SIDE_LEFT; s < KL_SIDE_COUNT; s++) {
        for (size_t m = 0; m < KL_MUSCLE_COUNT; m++) {
            char name[24];
            (void)snprintf(name, sizeof(name), "%s.%s", muscle[m], kl_side_text((enum kl_side)s));
            if (calibration->electrode[s][m]) {
                add_spot(view, name, calibration->reference[s][m]);
            }
        }
    }
}

/* What is not accounted for comes first. */
static void fill_findings(struct view *view, const struct kl_snapshot_calibration *calibration)
{
    size_t count =
        calibration->finding_count < KL_FINDINGS_MAX ? calibration->finding_count : KL_FINDINGS_MAX;
    for (int pass = 0; pass < 2; pass++) {
        for (size_t i = 0; i < count; i++) {
            if (calibration->finding[i].corrected == (pass == 1)) {
                struct kl_snapshot_finding *out = &view->finding[view->finding_count++];
                out->corrected = calibration->finding[i].corrected;
                (void)snprintf(out->text, sizeof(out->text), "%.*s", TEXT_MAX - 1,
                               calibration->finding[i].text);
            }
        }
    }
}

static void view_fill(struct view *view, const struct kl_snapshot *snapshot)
{
    memset(view, 0, sizeof(*view));
    view->live = snapshot->recording.state != KL_RECORDING_REPLAY;
    fill_phases(view, &snapshot->calibration);
    fill_spots(view, &snapshot->calibration);
    fill_findings(view, &snapshot->calibration);
}

static uint64_t content_key(const struct kl_snapshot *snapshot)
{
    struct view view;
    view_fill(&view, snapshot);
    return kl_change_key(KL_CHANGE_KEY_START, &view, sizeof(view));
}

/* ------------------------------------------------------------------- pieces */

static void phase_name(size_t phase, char *out, size_t len)
{
    (void)snprintf(out, len, "%s",
                   phase == KL_SNAPSHOT_PHASE_MVC ? "Maximal contractions"
                                                  : kl_snapshot_phase_text(phase));
    if (out[0] >= 'a' && out[0] <= 'z') {
        out[0] = (char)(out[0] - 'a' + 'A');
    }
}

static void draw_bar(const struct kl_canvas *canvas, struct kl_rect bar,
                     const struct phase_view *phase)
{
    const struct kl_palette *palette = canvas->palette;
    kl_draw_rect(canvas, bar, palette->grid, 1.0);
    if (phase->percent >= 0) {
        bar.w = round(bar.w * phase->percent / 100.0);
        kl_draw_rect(canvas, bar, palette->flag[states[phase->state].sign], 1.0);
    }
}

/* --------------------------------------------------------------- due phase */

static void draw_due_words(const struct kl_canvas *canvas, struct kl_rect at,
                           const struct view *view)
{
    const struct kl_palette *palette = canvas->palette;
    const struct phase_view *phase = &view->phase[view->due];
    char name[48];
    char text[96];
    double size = kl_px(canvas, 40);
    double baseline = at.y + kl_px(canvas, 44);
    double middle = baseline - kl_text_middle(canvas, KL_FONT_LARGE);
    kl_draw_flag_sign(canvas, states[phase->state].sign, at.x + size / 2.0, middle, size);
    if (phase->state == STATE_RUNNING) {
        (void)snprintf(text, sizeof(text), "%d of %.0f s",
                       phase->elapsed_s > 0 ? phase->elapsed_s : 0,
                       kl_snapshot_phase_seconds(view->due));
    } else if (phase->state == STATE_FAILED) {
        (void)snprintf(text, sizeof(text), view->live ? "failed: key %zu, again" : "failed",
                       view->due + 1);
    } else {
        (void)snprintf(text, sizeof(text), view->live ? "next: key %zu begins" : "not done",
                       view->due + 1);
    }
    struct kl_text_style style = {.font = KL_FONT_LARGE, .colour = palette->text, .align = 1.0};
    style.font = kl_text_fit(canvas, KL_FONT_LARGE, KL_FONT_MEDIUM, at.w * 0.45, text);
    double used = kl_text_draw(canvas, style, at.x + at.w, baseline, text);
    phase_name(view->due, name, sizeof(name));
    style.align = 0.0;
    style.max_width = fmax(at.w - used - size - kl_px(canvas, 34), 1.0);
    style.font = kl_text_fit(canvas, KL_FONT_LARGE, KL_FONT_MEDIUM, style.max_width, name);
    (void)kl_text_draw(canvas, style, at.x + size + kl_px(canvas, 14), baseline, name);
}

static void draw_due(const struct kl_canvas *canvas, struct kl_rect at, const struct view *view)
{
    const struct kl_palette *palette = canvas->palette;
    const struct phase_view *phase = &view->phase[view->due];
    draw_due_words(canvas, at, view);
    struct kl_text_style style = {
        .font = KL_FONT_MEDIUM, .colour = palette->text, .max_width = fmax(at.w, 1.0), .lines = 2};
    double y = at.y + kl_px(canvas, 62);
    (void)kl_text_wrap(canvas, style, at.x, y, kl_snapshot_phase_instruction(view->due));
    y += kl_px(canvas, 70);
    double label_w = kl_px(canvas, 190);
    struct kl_rect bar = {at.x, y, fmax(at.w - label_w, 1.0), kl_px(canvas, 26)};
    draw_bar(canvas, bar, phase);
    char text[32] = "quality –";
    if (phase->percent >= 0) {
        (void)snprintf(text, sizeof(text), "quality %d %%", phase->percent);
    }
    style.align = 1.0;
    style.max_width = label_w - kl_px(canvas, 12);
    (void)kl_text_draw(canvas, style, at.x + at.w,
                       y + bar.h / 2.0 + kl_text_middle(canvas, style.font), text);
    style = (struct kl_text_style){
        .font = KL_FONT_BODY, .colour = palette->text, .max_width = fmax(at.w, 1.0), .lines = 2};
    (void)kl_text_wrap(canvas, style, at.x, bar.y + bar.h + kl_px(canvas, 8), phase->message);
}

static void draw_complete(const struct kl_canvas *canvas, struct kl_rect at,
                          const struct view *view)
{
    bool passed = false;
    for (size_t i = 0; i < KL_SNAPSHOT_PHASES; i++) {
        passed = passed || view->phase[i].state == STATE_PASSED;
    }
    struct kl_text_style style = {.font = KL_FONT_LARGE, .colour = canvas->palette->text};
    double size = kl_px(canvas, 40);
    double baseline = at.y + kl_px(canvas, 44);
    if (passed) {
        kl_draw_flag_sign(canvas, KL_FLAG_GREEN, at.x + size / 2.0,
                          baseline - kl_text_middle(canvas, style.font), size);
        style.max_width = fmax(at.w - size - kl_px(canvas, 14), 1.0);
        (void)kl_text_draw(canvas, style, at.x + size + kl_px(canvas, 14), baseline,
                           "Calibration complete");
        return;
    }
    kl_draw_note(canvas, at, "nothing to calibrate: no motion sensor and no electrode is worn");
}

/* -------------------------------------------------------------- list below */

static void draw_row(const struct kl_canvas *canvas, struct kl_rect row, const struct view *view,
                     size_t i)
{
    const struct kl_palette *palette = canvas->palette;
    const struct phase_view *phase = &view->phase[i];
    bool idle = phase->state == STATE_NOT_NEEDED;
    char name[48];
    char key[8];
    if (i == view->due) {
        kl_draw_rect(canvas, row, kl_colour_mix(palette->panel, palette->grid, 0.8), 1.0);
    }
    double y = row.y + row.h / 2.0;
    double x = row.x + kl_px(canvas, 8);
    double size = kl_px(canvas, 22);
    double baseline = y + kl_text_middle(canvas, KL_FONT_BODY);
    struct kl_text_style style = {
        .font = KL_FONT_BODY, .colour = palette->dim, .max_width = kl_px(canvas, 180)};
    if (view->live) {
        (void)snprintf(key, sizeof(key), "[%zu]", i + 1);
        (void)kl_text_draw(canvas, style, x, baseline, key);
    }
    x += kl_px(canvas, 36);
    kl_draw_flag_sign(canvas, states[phase->state].sign, x + size / 2.0, y, size);
    x += size + kl_px(canvas, 10);
    phase_name(i, name, sizeof(name));
    style.font = idle ? KL_FONT_BODY : KL_FONT_STRONG;
    style.colour = idle ? palette->dim : palette->text;
    style.font = kl_text_fit(canvas, style.font, KL_FONT_NARROW, style.max_width, name);
    (void)kl_text_draw(canvas, style, x, baseline, name);
    x += kl_px(canvas, 190);
    style.font = KL_FONT_BODY;
    style.max_width = kl_px(canvas, 96);
    (void)kl_text_draw(canvas, style, x, baseline, states[phase->state].word);
    x += kl_px(canvas, 104);
    if (idle) {
        return;
    }
    struct kl_rect bar = {round(x), round(y - kl_px(canvas, 6)), kl_px(canvas, 90),
                          kl_px(canvas, 12)};
    draw_bar(canvas, bar, phase);
    x += kl_px(canvas, 102);
    style = (struct kl_text_style){.font = KL_FONT_TINY,
                                   .colour = palette->dim,
                                   .max_width = fmax(row.x + row.w - x - kl_px(canvas, 8), 1.0),
                                   .lines = 2};
    bool one = kl_text_width(canvas, style.font, phase->message) <= style.max_width;
    (void)kl_text_wrap(canvas, style, x, y - kl_text_line(canvas, style.font) * (one ? 0.5 : 1.0),
                       phase->message);
}

static void caption(const struct kl_canvas *canvas, double x, double y, const char *text)
{
    struct kl_text_style style = {.font = KL_FONT_TITLE, .colour = canvas->palette->dim};
    (void)kl_text_draw(canvas, style, x, y, text);
}

static void draw_spots(const struct kl_canvas *canvas, struct kl_rect at, const struct view *view)
{
    caption(canvas, at.x, at.y + kl_px(canvas, 16), "SENSORS");
    double top = at.y + kl_px(canvas, 26);
    double height = floor(fmax(at.y + at.h - top, 1.0) / (SPOTS_MAX / 2.0));
    double size = kl_px(canvas, 18);
    for (size_t i = 0; i < view->spot_count; i++) {
        const struct spot *spot = &view->spot[i];
        double x = at.x + (i % 2 == 1 ? round(at.w / 2.0) : 0.0);
        size_t row = i / 2;
        double y = top + height * ((double)row + 0.5);
        kl_draw_flag_sign(canvas, spot->good ? KL_FLAG_GREEN : KL_FLAG_GREY, x + size / 2.0, y,
                          size);
        struct kl_text_style style = {
            .font = KL_FONT_SMALL,
            .colour = spot->good ? canvas->palette->text : canvas->palette->dim,
            .max_width = fmax(at.w / 2.0 - size - kl_px(canvas, 14), 1.0)};
        char text[48];
        (void)snprintf(text, sizeof(text), "%s%s", spot->name, spot->good ? "" : ", not yet");
        style.font = kl_text_fit(canvas, style.font, KL_FONT_NARROW, style.max_width, text);
        (void)kl_text_draw(canvas, style, x + size + kl_px(canvas, 8),
                           y + kl_text_middle(canvas, style.font), text);
    }
}

static void draw_findings(const struct kl_canvas *canvas, struct kl_rect at,
                          const struct view *view)
{
    caption(canvas, at.x, at.y + kl_px(canvas, 16), "FOUND");
    double y = at.y + kl_px(canvas, 28);
    double size = kl_px(canvas, 20);
    struct kl_text_style style = {.font = KL_FONT_SMALL,
                                  .colour = canvas->palette->text,
                                  .max_width = fmax(at.w - size - kl_px(canvas, 10), 1.0),
                                  .lines = 3};
    if (view->finding_count == 0) {
        style.colour = canvas->palette->dim;
        (void)kl_text_wrap(canvas, style, at.x, y,
                           view->judged ? "nothing wrong about where the sensors sit"
                                        : "nothing yet: no phase has been done");
        return;
    }
    double line = kl_text_line(canvas, style.font);
    for (size_t i = 0; i < view->finding_count; i++) {
        if (y + line > at.y + at.h - line) {
            char more[48];
            (void)snprintf(more, sizeof(more), "and %zu more", view->finding_count - i);
            style.colour = canvas->palette->dim;
            (void)kl_text_wrap(canvas, style, at.x + size + kl_px(canvas, 10), y, more);
            return;
        }
        kl_draw_flag_sign(canvas, view->finding[i].corrected ? KL_FLAG_NOTE : KL_FLAG_AMBER,
                          at.x + size / 2.0, y + line / 2.0, size);
        y +=
            kl_text_wrap(canvas, style, at.x + size + kl_px(canvas, 10), y, view->finding[i].text) +
            kl_px(canvas, 6);
    }
}

static void draw(const struct kl_canvas *canvas, struct kl_rect rect, void *state,
                 const struct kl_snapshot *snapshot, bool anew)
{
    (void)anew;  /* always true: no parts */
    (void)state; /* nothing is kept between draws */
    struct view view;
    view_fill(&view, snapshot);
    struct kl_rect inside = kl_panel_inside(canvas, rect);
    /* From the top: what is due, the list, sensors and findings. */
    double due_h = kl_px(canvas, 214);
    double row_h = kl_px(canvas, 38);
    struct kl_rect due = {inside.x, inside.y, inside.w, due_h};
    if (view.due < KL_SNAPSHOT_PHASES) {
        draw_due(canvas, due, &view);
    } else {
        draw_complete(canvas, due, &view);
    }
    for (size_t i = 0; i < KL_SNAPSHOT_PHASES; i++) {
        draw_row(canvas,
                 (struct kl_rect){inside.x, inside.y + due_h + row_h * (double)i, inside.w, row_h},
                 &view, i);
    }
    double top = inside.y + due_h + row_h * KL_SNAPSHOT_PHASES + kl_px(canvas, 10);
    double height = fmax(inside.y + inside.h - top, 1.0);
    double spots_w = round(inside.w * 0.38);
    draw_spots(canvas, (struct kl_rect){inside.x, top, spots_w, height}, &view);
    double found_x = inside.x + spots_w + kl_px(canvas, 20);
    draw_findings(canvas,
                  (struct kl_rect){found_x, top, fmax(inside.x + inside.w - found_x, 1.0), height},
                  &view);
}

const struct kl_panel kl_panel_calibration = {
    .name = "calibration",
    .title = "BODY CALIBRATION",
    .key = content_key,
    .draw = draw,
};
