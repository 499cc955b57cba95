#include "screen_picture.h"

#include <criterion/criterion.h>

#include <math.h>

bool screen_same_picture(const struct kl_screen *a, const struct kl_screen *b)
{
    cairo_surface_t *x = kl_screen_surface(a);
    cairo_surface_t *y = kl_screen_surface(b);
    cairo_surface_flush(x);
    cairo_surface_flush(y);
    int width = cairo_image_surface_get_width(x);
    int height = cairo_image_surface_get_height(x);
    if (width != cairo_image_surface_get_width(y) || height != cairo_image_surface_get_height(y)) {
        return false;
    }
    for (int row = 0; row < height; row++) {
        const unsigned char *p =
            cairo_image_surface_get_data(x) + (ptrdiff_t)row * cairo_image_surface_get_stride(x);
        const unsigned char *q =
            cairo_image_surface_get_data(y) + (ptrdiff_t)row * cairo_image_surface_get_stride(y);
        for (int i = 0; i < 4 * width; i++) {
            if (i % 4 != 3 && p[i] != q[i]) { /* the fourth byte of RGB24 is nobody's */
                return false;
            }
        }
    }
    return true;
}

static bool is_colour(const unsigned char *pixel, struct kl_colour colour)
{
    return pixel[2] == (unsigned char)lrint(colour.r * 255.0) &&
           pixel[1] == (unsigned char)lrint(colour.g * 255.0) &&
           pixel[0] == (unsigned char)lrint(colour.b * 255.0);
}

size_t screen_count_colour(const struct kl_screen *screen, const char *panel, double from,
                           double to, struct kl_colour colour)
{
    double x = 0.0;
    double y = 0.0;
    double w = 0.0;
    double h = 0.0;
    cr_assert(kl_screen_panel(screen, panel, &x, &y, &w, &h), "no panel %s", panel);
    cairo_surface_t *surface = kl_screen_surface(screen);
    cairo_surface_flush(surface);
    size_t count = 0;
    for (int row = (int)y; row < (int)(y + h); row++) {
        const unsigned char *line = cairo_image_surface_get_data(surface) +
                                    (ptrdiff_t)row * cairo_image_surface_get_stride(surface);
        for (int column = (int)(x + from * w); column < (int)(x + to * w); column++) {
            count += is_colour(line + 4 * column, colour);
        }
    }
    return count;
}
