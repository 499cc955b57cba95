/* The nine risk factors: sign, word and colour; a grey one says what it lacks. */
#include "visualize/panel.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define DETAIL_MAX 192 /* the longest "needs" of the factor table is 163 */

static enum kl_flag_state state_of(const struct kl_snapshot *snapshot, size_t factor)
{
    enum kl_flag_state state = snapshot->factor[factor];
    return (unsigned)state < KL_FLAG_STATE_COUNT ? state : KL_FLAG_GREY;
}

/* Why a factor is grey: the reason of the moment, else what it always needs. */
static const char *reason_of(const struct kl_snapshot *snapshot, size_t factor)
{
    const char *reason = snapshot->factor_reason[factor];
    if (reason == NULL || reason[0] == '\0') {
        reason = kl_factor_get((enum kl_factor)factor)->needs;
    }
    return reason != NULL ? reason : "not measured";
}

/* The worst raised flag of a factor in a few words, "" when none is raised. */
static void cause_of(const struct kl_snapshot *snapshot, size_t factor, char *out, size_t len)
{
    const struct kl_flag_table *table = snapshot->flag_table;
    const struct kl_flag *worst = NULL;
    out[0] = '\0';
    for (size_t i = 0; table != NULL && i < snapshot->flag_count && i < KL_SNAPSHOT_FLAGS; i++) {
        const struct kl_flag *flag = &snapshot->flag[i];
        if (flag->rule < table->count && flag->rule < KL_RULES_MAX && flag->state >= KL_FLAG_NOTE &&
            (size_t)table->rule[flag->rule].factor == factor &&
            (worst == NULL || flag->state > worst->state)) {
            worst = flag;
        }
    }
    if (worst != NULL) {
        const struct kl_rule *rule = &table->rule[worst->rule];
        (void)snprintf(out, len, "%s%.63s",
                       !rule->per_side               ? ""
                       : worst->side == KL_SIDE_LEFT ? "left: "
                                                     : "right: ",
                       rule->label);
    }
}

/* The small words under a state. */
static void detail_of(const struct kl_snapshot *snapshot, size_t factor, char *out, size_t len)
{
    enum kl_flag_state state = state_of(snapshot, factor);
    if (state == KL_FLAG_GREY) {
        (void)snprintf(out, len, "%s", reason_of(snapshot, factor));
    } else if (state == KL_FLAG_GREEN) {
        (void)snprintf(out, len, "within the limits in what was measured");
    } else {
        cause_of(snapshot, factor, out, len);
    }
}

static uint64_t content_key(const struct kl_snapshot *snapshot)
{
    uint64_t key = KL_CHANGE_KEY_START;
    for (size_t i = 0; i < KL_FACTOR_COUNT; i++) {
        enum kl_flag_state state = state_of(snapshot, i);
        char detail[DETAIL_MAX];
        detail_of(snapshot, i, detail, sizeof(detail));
        key = kl_change_key(key, &state, sizeof(state));
        key = kl_change_key(key, detail, strlen(detail));
    }
    return key;
}

/* What a state means to a reader; "green" alone could be read as "safe", which it never says. */
static const char *state_word(enum kl_flag_state state)
{
    static const char *const word[KL_FLAG_STATE_COUNT] = {
        [KL_FLAG_GREY] = "NOT KNOWN", [KL_FLAG_GREEN] = "NO SIGN", [KL_FLAG_NOTE] = "NOTE",
        [KL_FLAG_AMBER] = "AMBER",    [KL_FLAG_RED] = "RED",
    };
    return word[state];
}

static void draw_tile(const struct kl_canvas *canvas, struct kl_rect tile, size_t factor,
                      const struct kl_snapshot *snapshot)
{
    const struct kl_palette *palette = canvas->palette;
    enum kl_flag_state state = state_of(snapshot, factor);
    bool raised = state >= KL_FLAG_NOTE;
    double pad = kl_px(canvas, 10);
    struct kl_colour word = palette->flag[state];
    struct kl_colour label = palette->text;
    if (raised) {
        /* A raised factor fills its tile: seen from across the room. */
        kl_draw_rect(canvas, tile,
                     kl_colour_mix(palette->panel, palette->flag[state],
                                   state == KL_FLAG_NOTE ? 0.14 : 0.24),
                     1.0);
        kl_draw_rect(canvas, (struct kl_rect){tile.x, tile.y, tile.w, kl_px(canvas, 5)}, word, 1.0);
        word = state == KL_FLAG_NOTE ? word : palette->text;
    } else if (state == KL_FLAG_GREY) {
        label = palette->dim;
    }
    double size = kl_px(canvas, 34);
    double x = tile.x + pad + size + kl_px(canvas, 9);
    double room = fmax(tile.x + tile.w - pad / 2.0 - x, 1.0);
    kl_draw_flag_sign(canvas, state, tile.x + pad + size / 2.0, tile.y + kl_px(canvas, 37), size);
    const char *name = kl_factor_get((enum kl_factor)factor)->label;
    struct kl_text_style style = {
        .font = KL_FONT_TITLE, .colour = label, .max_width = room, .lines = 2};
    /* One line or two, standing on the same foot above the state. */
    double lines = kl_text_width(canvas, style.font, name) > room ? 2.0 : 1.0;
    double top = tile.y + kl_px(canvas, 46) - lines * kl_text_line(canvas, style.font);
    (void)kl_text_wrap(canvas, style, x, top, name);
    style.font = state == KL_FLAG_GREY ? KL_FONT_TINY : KL_FONT_STRONG;
    style.colour = word;
    (void)kl_text_draw(canvas, style, x, tile.y + kl_px(canvas, 64), state_word(state));
    char text[DETAIL_MAX];
    detail_of(snapshot, factor, text, sizeof(text));
    struct kl_text_style detail = {.font = raised ? KL_FONT_TINY : KL_FONT_NARROW,
                                   .colour = raised ? palette->text : palette->dim,
                                   .max_width = fmax(tile.w - 1.5 * pad, 1.0),
                                   .lines = 3};
    (void)kl_text_wrap(canvas, detail, tile.x + pad, tile.y + kl_px(canvas, 74), text);
}

static void draw(const struct kl_canvas *canvas, struct kl_rect rect, void *state,
                 const struct kl_snapshot *snapshot, bool anew)
{
    (void)anew;  /* always true: no parts */
    (void)state; /* nothing is kept between draws */
    for (size_t i = 0; i < KL_FACTOR_COUNT; i++) {
        double x0 = rect.x + round(rect.w * (double)i / KL_FACTOR_COUNT);
        double x1 = rect.x + round(rect.w * (double)(i + 1) / KL_FACTOR_COUNT);
        struct kl_rect tile = {x0, rect.y, x1 - x0, rect.h};
        cairo_save(canvas->cr);
        cairo_rectangle(canvas->cr, tile.x, tile.y, tile.w, tile.h);
        cairo_clip(canvas->cr);
        draw_tile(canvas, tile, i, snapshot);
        cairo_restore(canvas->cr);
        if (i > 0) {
            kl_draw_upright(canvas, x0, rect.y, rect.y + rect.h, canvas->palette->background);
        }
    }
}

const struct kl_panel kl_panel_factors = {
    .name = "factors",
    .key = content_key,
    .draw = draw,
};
