/* Text on a canvas. Shaping is the expensive part of a frame, so laid-out text is kept. */
#ifndef KL_VISUALIZE_TEXT_H
#define KL_VISUALIZE_TEXT_H

#include "visualize/theme.h"

struct kl_canvas;
struct kl_text;

/** @return NULL without memory */
struct kl_text *kl_text_create(void);
void kl_text_destroy(struct kl_text *text);

/** Sizes follow this factor from now on; what was laid out before is dropped when it changes. */
void kl_text_set_unit(struct kl_text *text, double unit);

struct kl_text_style {
    enum kl_font font;
    struct kl_colour colour;
    double align;     /* 0: x is the left end, 0.5: the middle, 1: the right end */
    double max_width; /* px; longer text ends in an ellipsis. 0: no limit */
    int lines;        /* kl_text_wrap: at most so many lines */
};

/** One line with its baseline at y. Text that is not UTF-8 is drawn with replacement signs.
 *  @return width in px */
double kl_text_draw(const struct kl_canvas *canvas, struct kl_text_style style, double x, double y,
                    const char *string);

/** Wraps at max_width, from the top y downwards; align 0.5 centres each line on x. @return height
 * in px */
double kl_text_wrap(const struct kl_canvas *canvas, struct kl_text_style style, double x, double y,
                    const char *string);

/** Width of one line, px. */
double kl_text_width(const struct kl_canvas *canvas, enum kl_font font, const char *string);

/** The largest of the fonts `from` down to `to` in which the line fits; `to` if none does. */
enum kl_font kl_text_fit(const struct kl_canvas *canvas, enum kl_font from, enum kl_font to,
                         double max_width, const char *string);

/** From the middle of a line of capitals or digits down to its baseline, px: text drawn at
 *  y + this stands centred on y. */
double kl_text_middle(const struct kl_canvas *canvas, enum kl_font font);

/** Height of a line, px. */
double kl_text_line(const struct kl_canvas *canvas, enum kl_font font);

#endif
