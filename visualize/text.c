#include "visualize/text.h"

#include "visualize/canvas.h"

#include <pango/pangocairo.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SETS 256 /* of laid-out lines; a full screen shows about 400 */
#define WAYS 4   /* lines per set; the one not used longest gives way */

struct line {
    char *string; /* NULL: free */
    PangoLayout *layout;
    enum kl_font font;
    int width_px, lines; /* limits; 0: one line without limit */
    bool centred;        /* wrapped lines among themselves */
    int x_px, w_px, h_px, baseline_px;
    unsigned long used;
};

/* What numbers are made of. They change with every step, so they are not laid out by Pango but set
 * from glyphs and advances looked up once; these signs neither kern nor join. */
static const char *const numeral[] = {"0", "1", "2", "3", "4", "5", "6",
                                      "7", "8", "9", ".", "−", "–"};

#define NUMERALS (sizeof(numeral) / sizeof(numeral[0]))
#define NUMBER_MAX 16 /* signs of one number */

struct numerals {
    cairo_scaled_font_t *font; /* NULL: the face lacks a sign, Pango does it */
    unsigned long glyph[NUMERALS];
    double advance_px[NUMERALS];
};

struct kl_text {
    PangoContext *context;
    PangoFontDescription *font[KL_FONT_COUNT];
    struct numerals numerals[KL_FONT_COUNT];
    double unit;
    double line_px[KL_FONT_COUNT], middle_px[KL_FONT_COUNT];
    unsigned long clock;
    struct line line[SETS][WAYS];
};

static void line_clear(struct line *line)
{
    free(line->string);
    if (line->layout != NULL) {
        g_object_unref(line->layout);
    }
    *line = (struct line){0};
}

static void numerals_clear(struct numerals *numerals)
{
    if (numerals->font != NULL) {
        cairo_scaled_font_destroy(numerals->font);
    }
    *numerals = (struct numerals){0};
}

static void numerals_look_up(struct numerals *numerals, struct kl_text *text,
                             const PangoFontDescription *description)
{
    PangoFont *font = pango_context_load_font(text->context, description);
    if (font == NULL) {
        return;
    }
    cairo_scaled_font_t *scaled = pango_cairo_font_get_scaled_font(PANGO_CAIRO_FONT(font));
    bool whole = scaled != NULL;
    for (size_t i = 0; whole && i < NUMERALS; i++) {
        cairo_glyph_t *glyph = NULL;
        cairo_text_extents_t extents;
        int count = 0;
        whole = cairo_scaled_font_text_to_glyphs(scaled, 0.0, 0.0, numeral[i], -1, &glyph, &count,
                                                 NULL, NULL, NULL) == CAIRO_STATUS_SUCCESS &&
                count == 1 && glyph[0].index != 0;
        if (whole) {
            cairo_scaled_font_glyph_extents(scaled, glyph, 1, &extents);
            numerals->glyph[i] = glyph[0].index;
            numerals->advance_px[i] = round(extents.x_advance);
        }
        cairo_glyph_free(glyph);
    }
    numerals->font = whole ? cairo_scaled_font_reference(scaled) : NULL;
    g_object_unref(font);
}

struct kl_text *kl_text_create(void)
{
    struct kl_text *text = calloc(1, sizeof(*text));
    if (text == NULL) {
        return NULL;
    }
    /* A map of its own: what Pango caches about fonts goes when the text goes. */
    PangoFontMap *map = pango_cairo_font_map_new();
    text->context = pango_font_map_create_context(map);
    g_object_unref(map);
    /* Fixed rendering: the same pixels whatever the desktop's settings say. */
    cairo_font_options_t *options = cairo_font_options_create();
    cairo_font_options_set_antialias(options, CAIRO_ANTIALIAS_GRAY);
    cairo_font_options_set_hint_style(options, CAIRO_HINT_STYLE_SLIGHT);
    cairo_font_options_set_hint_metrics(options, CAIRO_HINT_METRICS_ON);
    pango_cairo_context_set_font_options(text->context, options);
    cairo_font_options_destroy(options);
    pango_cairo_context_set_resolution(text->context, 96.0);
    kl_text_set_unit(text, 1.0);
    return text;
}

void kl_text_destroy(struct kl_text *text)
{
    if (text == NULL) {
        return;
    }
    for (size_t i = 0; i < SETS * WAYS; i++) {
        line_clear(&text->line[i / WAYS][i % WAYS]);
    }
    for (size_t i = 0; i < KL_FONT_COUNT; i++) {
        if (text->font[i] != NULL) {
            pango_font_description_free(text->font[i]);
        }
        numerals_clear(&text->numerals[i]);
    }
    g_object_unref(text->context);
    free(text);
}

void kl_text_set_unit(struct kl_text *text, double unit)
{
    if (text->unit == unit) {
        return;
    }
    text->unit = unit;
    for (size_t i = 0; i < SETS * WAYS; i++) {
        line_clear(&text->line[i / WAYS][i % WAYS]);
    }
    for (size_t i = 0; i < KL_FONT_COUNT; i++) {
        const struct kl_font_style *style = kl_font_get((enum kl_font)i);
        double size = fmax(style->size * unit, 9.0); /* below 9 px nothing can be read */
        if (text->font[i] != NULL) {
            pango_font_description_free(text->font[i]);
        }
        text->font[i] = pango_font_description_from_string("Sans");
        pango_font_description_set_absolute_size(text->font[i], size * PANGO_SCALE);
        pango_font_description_set_weight(text->font[i],
                                          style->bold ? PANGO_WEIGHT_BOLD : PANGO_WEIGHT_NORMAL);
        pango_font_description_set_stretch(text->font[i], style->narrow ? PANGO_STRETCH_CONDENSED
                                                                        : PANGO_STRETCH_NORMAL);
        PangoFontMetrics *metrics = pango_context_get_metrics(text->context, text->font[i], NULL);
        text->line_px[i] = ceil((double)(pango_font_metrics_get_ascent(metrics) +
                                         pango_font_metrics_get_descent(metrics)) /
                                PANGO_SCALE);
        pango_font_metrics_unref(metrics);
        numerals_clear(&text->numerals[i]);
        numerals_look_up(&text->numerals[i], text, text->font[i]);
        /* Capitals and digits are about 0.73 em high in the usual sans-serif faces. */
        text->middle_px[i] = round(0.365 * size);
    }
}

static size_t line_set(enum kl_font font, int width_px, int lines, const char *string)
{
    unsigned long hash = 5381ul + (unsigned long)font * 31ul + (unsigned long)width_px * 131ul +
                         (unsigned long)lines;
    for (const char *c = string; *c != '\0'; c++) {
        hash = hash * 33ul ^ (unsigned char)*c;
    }
    return (hash ^ (hash >> 15)) % SETS;
}

static void line_lay_out(struct kl_text *text, struct line *line)
{
    line->layout = pango_layout_new(text->context);
    pango_layout_set_font_description(line->layout, text->font[line->font]);
    char *valid = g_utf8_make_valid(line->string, -1);
    pango_layout_set_text(line->layout, valid, -1);
    g_free(valid);
    if (line->width_px > 0) {
        pango_layout_set_width(line->layout, line->width_px * PANGO_SCALE);
        pango_layout_set_ellipsize(line->layout, PANGO_ELLIPSIZE_END);
    }
    if (line->lines > 0) {
        pango_layout_set_alignment(line->layout,
                                   line->centred ? PANGO_ALIGN_CENTER : PANGO_ALIGN_LEFT);
        pango_layout_set_wrap(line->layout, PANGO_WRAP_WORD_CHAR);
        pango_layout_set_height(line->layout, -line->lines);
    } else {
        pango_layout_set_single_paragraph_mode(line->layout, TRUE);
    }
    PangoRectangle logical;
    pango_layout_get_pixel_extents(line->layout, NULL, &logical);
    line->x_px = logical.x;
    line->w_px = logical.width;
    line->h_px = logical.height;
    line->baseline_px = PANGO_PIXELS(pango_layout_get_baseline(line->layout));
}

static const struct line *line_get(struct kl_text *text, enum kl_font font, double max_width,
                                   int lines, bool centred, const char *string)
{
    int width_px = max_width > 0.0 ? (int)fmax(max_width, 1.0) : 0;
    struct line *set = text->line[line_set(font, width_px, lines, string)];
    struct line *oldest = set;
    text->clock++;
    for (size_t i = 0; i < WAYS; i++) {
        struct line *line = &set[i];
        if (line->string != NULL && line->font == font && line->width_px == width_px &&
            line->lines == lines && line->centred == centred && strcmp(line->string, string) == 0) {
            line->used = text->clock;
            return line;
        }
        if (line->used < oldest->used) {
            oldest = line;
        }
    }
    line_clear(oldest);
    size_t size = strlen(string) + 1;
    oldest->string = malloc(size);
    if (oldest->string == NULL) {
        return NULL;
    }
    memcpy(oldest->string, string, size);
    oldest->font = font;
    oldest->width_px = width_px;
    oldest->lines = lines;
    oldest->centred = centred;
    oldest->used = text->clock;
    line_lay_out(text, oldest);
    return oldest;
}

static void line_show(const struct kl_canvas *canvas, const struct line *line,
                      struct kl_text_style style, double x, double top)
{
    double left = round(x - style.align * line->w_px) - line->x_px;
    kl_set_colour(canvas, style.colour, 1.0);
    cairo_move_to(canvas->cr, left, round(top));
    pango_cairo_show_layout(canvas->cr, line->layout);
}

/* Sets a number from its glyphs, from x = 0. @return count of glyphs, 0 when it is not a number */
static int number_glyphs(const struct numerals *numerals, const char *string,
                         cairo_glyph_t out[NUMBER_MAX], double *width_px)
{
    int count = 0;
    double x = 0.0;
    while (*string != '\0' && numerals->font != NULL) {
        size_t i = 0;
        size_t len = 1;
        for (; i < NUMERALS; i++) {
            len = strlen(numeral[i]);
            if (strncmp(string, numeral[i], len) == 0) {
                break;
            }
        }
        if (i == NUMERALS || count == NUMBER_MAX) {
            return 0;
        }
        out[count++] = (cairo_glyph_t){.index = numerals->glyph[i], .x = x};
        x += numerals->advance_px[i];
        string += len;
    }
    *width_px = x;
    return count;
}

double kl_text_draw(const struct kl_canvas *canvas, struct kl_text_style style, double x, double y,
                    const char *string)
{
    const struct numerals *numerals = &canvas->text->numerals[style.font];
    cairo_glyph_t glyph[NUMBER_MAX];
    double width_px = 0.0;
    int count = number_glyphs(numerals, string, glyph, &width_px);
    if (count > 0 && (style.max_width <= 0.0 || width_px <= style.max_width)) {
        double left = round(x - style.align * width_px);
        for (int i = 0; i < count; i++) {
            glyph[i].x += left;
            glyph[i].y = round(y);
        }
        kl_set_colour(canvas, style.colour, 1.0);
        cairo_set_scaled_font(canvas->cr, numerals->font);
        cairo_show_glyphs(canvas->cr, glyph, count);
        return width_px;
    }
    const struct line *line = line_get(canvas->text, style.font, style.max_width, 0, false, string);
    if (line == NULL) {
        return 0.0;
    }
    line_show(canvas, line, style, x, round(y) - line->baseline_px);
    return line->w_px;
}

double kl_text_wrap(const struct kl_canvas *canvas, struct kl_text_style style, double x, double y,
                    const char *string)
{
    int lines = style.lines > 0 ? style.lines : 1;
    bool centred = style.align > 0.25 && style.align < 0.75;
    const struct line *line =
        line_get(canvas->text, style.font, style.max_width, lines, centred, string);
    if (line == NULL) {
        return 0.0;
    }
    line_show(canvas, line, style, x, y);
    return line->h_px;
}

double kl_text_width(const struct kl_canvas *canvas, enum kl_font font, const char *string)
{
    const struct line *line = line_get(canvas->text, font, 0.0, 0, false, string);
    return line == NULL ? 0.0 : line->w_px;
}

enum kl_font kl_text_fit(const struct kl_canvas *canvas, enum kl_font from, enum kl_font to,
                         double max_width, const char *string)
{
    enum kl_font font = from;
    while (font > to && kl_text_width(canvas, font, string) > max_width) {
        font = (enum kl_font)(font - 1);
    }
    return font;
}

double kl_text_middle(const struct kl_canvas *canvas, enum kl_font font)
{
    return canvas->text->middle_px[font];
}

double kl_text_line(const struct kl_canvas *canvas, enum kl_font font)
{
    return canvas->text->line_px[font];
}
