/* The worst flags in full sentences: value, interval, limit, evidence grade. */
#include "visualize/panel.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define KEPT 6 /* the worst ones, in order */
#define FULL 2 /* of them with their sentence, side by side; the others by name */
#define MESSAGE_MAX 1024

struct shown {
    enum kl_flag_state state;
    enum kl_side side;
    char head[96]; /* Left: Loading rate, high */
    char message[MESSAGE_MAX];
};

/* Everything the panel says; zeroed first, so that equal views are equal bytes. */
struct view {
    size_t raised, green;
    size_t count; /* of shown */
    struct shown shown[KEPT];
    bool table, demo, waiting;
    char grey_reason[96]; /* of the first grey flag */
};

static size_t flag_count(const struct kl_snapshot *snapshot)
{
    if (snapshot->flag_table == NULL) {
        return 0;
    }
    return snapshot->flag_count < KL_SNAPSHOT_FLAGS ? snapshot->flag_count : KL_SNAPSHOT_FLAGS;
}

static bool usable(const struct kl_snapshot *snapshot, const struct kl_flag *flag)
{
    return flag->rule < snapshot->flag_table->count && flag->rule < KL_RULES_MAX;
}

/* Red before amber before note; beyond the second limit before the first; then table order. */
static bool worse(const struct kl_flag *a, const struct kl_flag *b)
{
    if (a->state != b->state) {
        return a->state > b->state;
    }
    return a->high && !b->high;
}

/* Keeps the worst flags in order; what falls off the end is only counted. */
static void insert(const struct kl_flag *best[KEPT], const struct kl_flag *flag)
{
    for (size_t i = 0; i < KEPT; i++) {
        if (best[i] == NULL || worse(flag, best[i])) {
            const struct kl_flag *moved = best[i];
            best[i] = flag;
            if (moved == NULL) {
                return;
            }
            flag = moved;
        }
    }
}

static void fill_shown(struct shown *shown, const struct kl_snapshot *snapshot,
                       const struct kl_flag *flag)
{
    const struct kl_rule *rule = &snapshot->flag_table->rule[flag->rule];
    static const char *const side[KL_SIDE_COUNT] = {"", "Left: ", "Right: "};
    static const char *const grown[2][2] = {{"low", "very low"}, {"high", "very high"}};
    bool sided = rule->per_side && (unsigned)flag->side < KL_SIDE_COUNT;
    shown->state = flag->state;
    shown->side = sided ? flag->side : KL_SIDE_UNKNOWN;
    (void)snprintf(shown->head, sizeof(shown->head), "%s%.63s: %s", side[shown->side], rule->label,
                   grown[rule->above][flag->high]);
    kl_flag_message(rule, flag, shown->message, sizeof(shown->message));
}

static void view_fill(struct view *view, const struct kl_snapshot *snapshot)
{
    memset(view, 0, sizeof(*view));
    view->table = snapshot->flag_table != NULL;
    view->waiting = snapshot->contacts == 0;
    view->demo = view->table && snapshot->flag_table->timing.demo;
    const struct kl_flag *best[KEPT] = {0};
    for (size_t i = 0; i < flag_count(snapshot); i++) {
        const struct kl_flag *flag = &snapshot->flag[i];
        if (!usable(snapshot, flag)) {
            continue;
        }
        if (flag->state == KL_FLAG_GREY && flag->grey_reason != NULL &&
            view->grey_reason[0] == '\0') {
            (void)snprintf(view->grey_reason, sizeof(view->grey_reason), "%s", flag->grey_reason);
        }
        view->green += flag->state == KL_FLAG_GREEN;
        if (flag->state < KL_FLAG_NOTE || flag->state >= KL_FLAG_STATE_COUNT) {
            continue;
        }
        view->raised++;
        insert(best, flag);
    }
    for (; view->count < KEPT && best[view->count] != NULL; view->count++) {
        fill_shown(&view->shown[view->count], snapshot, best[view->count]);
    }
}

static uint64_t content_key(const struct kl_snapshot *snapshot)
{
    struct view view;
    view_fill(&view, snapshot);
    return kl_change_key(KL_CHANGE_KEY_START, &view, sizeof(view));
}

/* The sentence whole: in the largest of three types in which it fits, because its end names the
 * evidence. */
static void draw_sentence(const struct kl_canvas *canvas, struct kl_rect rect, const char *message)
{
    static const enum kl_font font[] = {KL_FONT_SMALL, KL_FONT_TINY, KL_FONT_NARROW};
    struct kl_text_style style = {.colour = canvas->palette->text,
                                  .max_width = fmax(rect.w - kl_px(canvas, 4), 1.0)};
    double top = rect.y + kl_px(canvas, 43);
    for (size_t i = 0; i < sizeof(font) / sizeof(font[0]); i++) {
        style.font = font[i];
        style.lines = (int)((rect.y + rect.h - top) / kl_text_line(canvas, style.font));
        /* Ragged line ends cost about a tenth. */
        double needed = kl_text_width(canvas, style.font, message) / style.max_width * 1.1;
        if (ceil(needed) <= style.lines) {
            break;
        }
    }
    (void)kl_text_wrap(canvas, style, rect.x + kl_px(canvas, 4), top, message);
}

static void draw_shown(const struct kl_canvas *canvas, struct kl_rect rect,
                       const struct shown *shown)
{
    const struct kl_palette *palette = canvas->palette;
    double size = kl_px(canvas, 30);
    double y = rect.y + kl_px(canvas, 24);
    double x = rect.x + size / 2.0;
    kl_draw_rect(canvas,
                 (struct kl_rect){rect.x - kl_px(canvas, 12), rect.y, kl_px(canvas, 5), rect.h},
                 palette->flag[shown->state], 1.0);
    x += kl_px(canvas, 4);
    kl_draw_flag_sign(canvas, shown->state, x, y, size);
    x += size / 2.0 + kl_px(canvas, 10);
    if (shown->side != KL_SIDE_UNKNOWN) {
        kl_draw_side_badge(canvas, shown->side, x + size / 2.0, y, size);
        x += size + kl_px(canvas, 10);
    }
    double room = fmax(rect.x + rect.w - x, 1.0);
    struct kl_text_style style = {.colour = palette->text, .max_width = room};
    style.font = kl_text_fit(canvas, KL_FONT_MEDIUM, KL_FONT_STRONG, room, shown->head);
    (void)kl_text_draw(canvas, style, x, y + kl_text_middle(canvas, style.font), shown->head);
    draw_sentence(canvas, rect, shown->message);
}

static void draw_none(const struct kl_canvas *canvas, struct kl_rect rect, const struct view *view)
{
    char text[256];
    const char *head = "No flag is raised";
    if (!view->table) {
        head = "No flag table in this session";
        (void)snprintf(text, sizeof(text), "Measurements are shown without judgement.");
    } else if (view->green > 0) {
        (void)snprintf(text, sizeof(text),
                       "No sign beyond the chosen limits in what was measured. This is not a "
                       "diagnosis and does not mean safe.");
    } else {
        head = "Nothing can be judged yet";
        (void)snprintf(text, sizeof(text), "%s",
                       view->waiting                  ? "Waiting for the first steps."
                       : view->grey_reason[0] != '\0' ? view->grey_reason
                                                      : "Not enough valid steps.");
    }
    struct kl_text_style style = {
        .font = KL_FONT_MEDIUM, .colour = canvas->palette->text, .max_width = rect.w};
    (void)kl_text_draw(canvas, style, rect.x, rect.y + kl_px(canvas, 44), head);
    style.font = KL_FONT_BODY;
    style.colour = canvas->palette->dim;
    (void)kl_text_draw(canvas, style, rect.x, rect.y + kl_px(canvas, 74), text);
}

/* What else is raised, by name, and that a demonstration is one. */
static void draw_more(const struct kl_canvas *canvas, struct kl_rect rect, const struct view *view,
                      size_t full)
{
    struct kl_text_style style = {
        .font = KL_FONT_TINY, .colour = canvas->palette->text, .max_width = rect.w};
    double line = kl_px(canvas, 20);
    double y = rect.y + kl_px(canvas, 24);
    double sign = kl_px(canvas, 15);
    size_t named = full;
    for (; named < view->count && named < full + 3; named++) {
        const struct shown *shown = &view->shown[named];
        kl_draw_flag_sign(canvas, shown->state, rect.x + sign / 2.0,
                          y - kl_text_middle(canvas, style.font), sign);
        style.max_width = fmax(rect.w - sign - kl_px(canvas, 6), 1.0);
        (void)kl_text_draw(canvas, style, rect.x + sign + kl_px(canvas, 6), y, shown->head);
        y += line;
    }
    style.colour = canvas->palette->dim;
    style.max_width = rect.w;
    if (view->raised > named) {
        char text[48];
        (void)snprintf(text, sizeof(text), "and %zu more", view->raised - named);
        (void)kl_text_draw(canvas, style, rect.x, y, text);
    }
    if (view->demo) {
        style.lines = 2;
        (void)kl_text_wrap(canvas, style, rect.x, rect.y + rect.h - kl_px(canvas, 38),
                           "demonstration: flags come sooner than in a lab session");
    }
}

static void draw(const struct kl_canvas *canvas, struct kl_rect rect, void *state,
                 const struct kl_snapshot *snapshot, bool anew)
{
    (void)anew;  /* always true: no parts */
    (void)state; /* nothing is kept between draws */
    struct view view;
    view_fill(&view, snapshot);
    double pad = kl_px(canvas, 14);
    size_t full = view.count < FULL ? view.count : FULL;
    double note_w = view.demo || view.raised > full ? kl_px(canvas, 250) : 0.0;
    struct kl_rect inside = {rect.x + pad, rect.y, fmax(rect.w - 2.0 * pad - note_w, 1.0), rect.h};
    if (view.count == 0) {
        draw_none(canvas, inside, &view);
    }
    for (size_t i = 0; i < full; i++) {
        double width = floor(inside.w / (double)full);
        struct kl_rect place = {inside.x + width * (double)i, inside.y, width - kl_px(canvas, 24),
                                inside.h};
        draw_shown(canvas, place, &view.shown[i]);
    }
    struct kl_rect more = {rect.x + rect.w - pad - note_w + kl_px(canvas, 10), rect.y,
                           fmax(note_w - kl_px(canvas, 10), 1.0), rect.h};
    draw_more(canvas, more, &view, full);
}

const struct kl_panel kl_panel_flags = {
    .name = "flags",
    .key = content_key,
    .draw = draw,
};
