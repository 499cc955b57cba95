#include "visualize/canvas.h"

#include <math.h>

static const double pi = 3.14159265358979323846;

bool kl_rect_holds(struct kl_rect outer, struct kl_rect inner)
{
    return inner.x >= outer.x && inner.y >= outer.y && inner.x + inner.w <= outer.x + outer.w &&
           inner.y + inner.h <= outer.y + outer.h;
}

double kl_px(const struct kl_canvas *canvas, double design_px)
{
    double px = round(design_px * canvas->unit);
    return design_px > 0.0 && px < 1.0 ? 1.0 : px;
}

void kl_set_colour(const struct kl_canvas *canvas, struct kl_colour colour, double alpha)
{
    cairo_set_source_rgba(canvas->cr, colour.r, colour.g, colour.b, alpha);
}

struct kl_colour kl_colour_mix(struct kl_colour a, struct kl_colour b, double part)
{
    return (struct kl_colour){a.r + part * (b.r - a.r), a.g + part * (b.g - a.g),
                              a.b + part * (b.b - a.b)};
}

void kl_draw_rect(const struct kl_canvas *canvas, struct kl_rect rect, struct kl_colour colour,
                  double alpha)
{
    kl_set_colour(canvas, colour, alpha);
    cairo_rectangle(canvas->cr, rect.x, rect.y, rect.w, rect.h);
    cairo_fill(canvas->cr);
}

void kl_draw_frame_again(const struct kl_canvas *canvas, struct kl_rect rect)
{
    cairo_save(canvas->cr);
    cairo_rectangle(canvas->cr, rect.x, rect.y, rect.w, rect.h);
    cairo_clip(canvas->cr);
    cairo_set_operator(canvas->cr, CAIRO_OPERATOR_SOURCE);
    cairo_set_source_surface(canvas->cr, canvas->frame, 0.0, 0.0);
    cairo_paint(canvas->cr);
    cairo_restore(canvas->cr);
}

/* A filled rectangle one line wide: sharp without half-pixel offsets, and the fast path of cairo */
void kl_draw_level(const struct kl_canvas *canvas, double x0, double x1, double y,
                   struct kl_colour colour)
{
    double thick = kl_px(canvas, 1);
    kl_draw_rect(canvas, (struct kl_rect){round(x0), round(y), round(x1) - round(x0), thick},
                 colour, 1.0);
}

void kl_draw_upright(const struct kl_canvas *canvas, double x, double y0, double y1,
                     struct kl_colour colour)
{
    double thick = kl_px(canvas, 1);
    kl_draw_rect(canvas, (struct kl_rect){round(x), round(y0), thick, round(y1) - round(y0)},
                 colour, 1.0);
}

void kl_draw_level_dashed(const struct kl_canvas *canvas, double x0, double x1, double y,
                          struct kl_colour colour)
{
    double dash = kl_px(canvas, 8);
    double gap = kl_px(canvas, 5);
    double thick = kl_px(canvas, 2);
    kl_set_colour(canvas, colour, 1.0);
    int count = (int)ceil((x1 - round(x0)) / (dash + gap));
    for (int i = 0; i < count; i++) {
        double x = round(x0) + i * (dash + gap);
        cairo_rectangle(canvas->cr, x, round(y - thick / 2.0), fmin(dash, x1 - x), thick);
    }
    cairo_fill(canvas->cr);
}

void kl_draw_hatch(const struct kl_canvas *canvas, struct kl_rect rect)
{
    cairo_t *cr = canvas->cr;
    double gap = kl_px(canvas, 8);
    cairo_save(cr);
    cairo_rectangle(cr, rect.x, rect.y, rect.w, rect.h);
    cairo_clip(cr);
    kl_set_colour(canvas, canvas->palette->hatch, 1.0);
    cairo_set_line_width(cr, kl_px(canvas, 1.5));
    /* Stripes hang on the screen's grid, not on the rectangle: neighbours join up. */
    double first = floor((rect.x - rect.h) / gap) * gap;
    int count = (int)ceil((rect.x + rect.w - first) / gap);
    for (int i = 0; i < count; i++) {
        double x = first + i * gap;
        cairo_move_to(cr, x, rect.y + rect.h);
        cairo_line_to(cr, x + rect.h, rect.y);
    }
    cairo_stroke(cr);
    cairo_restore(cr);
}

static void regular_polygon(cairo_t *cr, int corners, double radius, double turn)
{
    for (int i = 0; i < corners; i++) {
        double angle = turn + 2.0 * pi * i / corners;
        cairo_line_to(cr, radius * cos(angle), radius * sin(angle));
    }
    cairo_close_path(cr);
}

static void exclamation(cairo_t *cr, double x, double top, double bottom)
{
    cairo_move_to(cr, x, top);
    cairo_line_to(cr, x, bottom - 0.28);
    cairo_stroke(cr);
    cairo_arc(cr, x, bottom, 0.11, 0.0, 2.0 * pi);
    cairo_fill(cr);
}

/* The signs live in a square from -1 to 1. */
static void sign_grey(const struct kl_canvas *canvas)
{
    cairo_t *cr = canvas->cr;
    static const double dash[] = {0.42, 0.25};
    cairo_set_dash(cr, dash, 2, 0.0);
    cairo_set_line_width(cr, 0.16);
    cairo_arc(cr, 0.0, 0.0, 0.8, 0.0, 2.0 * pi);
    cairo_stroke(cr);
    cairo_set_dash(cr, NULL, 0, 0.0);
    cairo_move_to(cr, -0.3, 0.0);
    cairo_line_to(cr, 0.3, 0.0);
    cairo_stroke(cr);
}

static void sign_green(const struct kl_canvas *canvas)
{
    cairo_t *cr = canvas->cr;
    cairo_arc(cr, 0.0, 0.0, 0.9, 0.0, 2.0 * pi);
    cairo_fill(cr);
    kl_set_colour(canvas, canvas->palette->on_flag, 1.0);
    cairo_move_to(cr, -0.42, 0.02);
    cairo_line_to(cr, -0.1, 0.36);
    cairo_line_to(cr, 0.45, -0.34);
    cairo_stroke(cr);
}

static void sign_note(const struct kl_canvas *canvas)
{
    cairo_t *cr = canvas->cr;
    cairo_rectangle(cr, -0.82, -0.82, 1.64, 1.64);
    cairo_fill(cr);
    kl_set_colour(canvas, canvas->palette->on_flag, 1.0);
    cairo_arc(cr, 0.0, -0.48, 0.13, 0.0, 2.0 * pi);
    cairo_fill(cr);
    cairo_move_to(cr, 0.0, -0.14);
    cairo_line_to(cr, 0.0, 0.5);
    cairo_stroke(cr);
}

static void sign_amber(const struct kl_canvas *canvas)
{
    cairo_t *cr = canvas->cr;
    cairo_translate(cr, 0.0, 0.18);
    regular_polygon(cr, 3, 1.1, -pi / 2.0);
    cairo_fill(cr);
    kl_set_colour(canvas, canvas->palette->on_flag, 1.0);
    exclamation(cr, 0.0, -0.5, 0.34);
}

static void sign_red(const struct kl_canvas *canvas)
{
    cairo_t *cr = canvas->cr;
    regular_polygon(cr, 8, 0.97, pi / 8.0);
    cairo_fill(cr);
    kl_set_colour(canvas, canvas->palette->on_flag, 1.0);
    exclamation(cr, -0.24, -0.5, 0.46);
    exclamation(cr, 0.24, -0.5, 0.46);
}

void kl_draw_flag_sign(const struct kl_canvas *canvas, enum kl_flag_state state, double x, double y,
                       double size)
{
    static void (*const sign[KL_FLAG_STATE_COUNT])(const struct kl_canvas *) = {
        [KL_FLAG_GREY] = sign_grey,   [KL_FLAG_GREEN] = sign_green, [KL_FLAG_NOTE] = sign_note,
        [KL_FLAG_AMBER] = sign_amber, [KL_FLAG_RED] = sign_red,
    };
    if ((unsigned)state >= KL_FLAG_STATE_COUNT) {
        state = KL_FLAG_GREY;
    }
    cairo_save(canvas->cr);
    cairo_translate(canvas->cr, x, y);
    cairo_scale(canvas->cr, size / 2.0, size / 2.0);
    cairo_set_line_width(canvas->cr, 0.22);
    cairo_set_line_cap(canvas->cr, CAIRO_LINE_CAP_BUTT);
    kl_set_colour(canvas, canvas->palette->flag[state], 1.0);
    cairo_new_path(canvas->cr);
    sign[state](canvas);
    cairo_restore(canvas->cr);
}

const char *kl_side_letter(enum kl_side side)
{
    static const char *const letter[KL_SIDE_COUNT] = {"?", "L", "R"};
    return (unsigned)side < KL_SIDE_COUNT ? letter[side] : "?";
}

void kl_draw_side_badge(const struct kl_canvas *canvas, enum kl_side side, double x, double y,
                        double size)
{
    if ((unsigned)side >= KL_SIDE_COUNT) {
        side = KL_SIDE_UNKNOWN;
    }
    kl_set_colour(canvas, canvas->palette->side[side], 1.0);
    cairo_new_path(canvas->cr);
    if (side == KL_SIDE_RIGHT) {
        cairo_arc(canvas->cr, x, y, size / 2.0, 0.0, 2.0 * pi);
    } else {
        cairo_rectangle(canvas->cr, round(x - size / 2.0), round(y - size / 2.0), size, size);
    }
    cairo_fill(canvas->cr);
    enum kl_font font = size >= kl_px(canvas, 28)   ? KL_FONT_MEDIUM
                        : size >= kl_px(canvas, 18) ? KL_FONT_TITLE
                                                    : KL_FONT_TINY;
    struct kl_text_style style = {.font = font, .colour = canvas->palette->on_flag, .align = 0.5};
    (void)kl_text_draw(canvas, style, x, y + kl_text_middle(canvas, font), kl_side_letter(side));
}

void kl_draw_note(const struct kl_canvas *canvas, struct kl_rect rect, const char *string)
{
    double pad = kl_px(canvas, 6);
    double room = fmax(rect.w - 2.0 * pad, 1.0);
    double width = kl_text_width(canvas, KL_FONT_BODY, string);
    double lines = width > room ? 2.0 : 1.0;
    struct kl_text_style style = {.font = KL_FONT_BODY,
                                  .colour = canvas->palette->dim,
                                  .align = 0.5,
                                  .max_width = room,
                                  .lines = (int)lines};
    double height = lines * kl_text_line(canvas, KL_FONT_BODY);
    double x = rect.x + round(rect.w / 2.0);
    double y = rect.y + round((rect.h - height) / 2.0);
    double half = round(fmin(width, room) / 2.0) + pad;
    /* Grid lines end before the words. */
    kl_draw_rect(canvas, (struct kl_rect){x - half, y - pad, 2.0 * half, height + 2.0 * pad},
                 canvas->palette->panel, 1.0);
    (void)kl_text_wrap(canvas, style, x, y, string);
}
