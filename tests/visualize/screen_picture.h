/* Looking at what a screen has drawn: pixels equal to another's, pixels of one colour. */
#ifndef KL_TESTS_SCREEN_PICTURE_H
#define KL_TESTS_SCREEN_PICTURE_H

#include "visualize/screen.h"
#include "visualize/theme.h"

/** The same size and the same pixels. */
bool screen_same_picture(const struct kl_screen *a, const struct kl_screen *b);

/** Pixels of exactly this colour in a part (from, to of its width) of a panel. */
size_t screen_count_colour(const struct kl_screen *screen, const char *panel, double from,
                           double to, struct kl_colour colour);

#endif
