#include "visualize/raster.h"

#include <criterion/criterion.h>

#define SIZE 40

static const struct kl_colour white = {1, 1, 1};

static cairo_surface_t *black_surface(void)
{
    cairo_surface_t *surface = cairo_image_surface_create(CAIRO_FORMAT_RGB24, SIZE, SIZE);
    cairo_t *cr = cairo_create(surface);
    cairo_paint(cr);
    cairo_destroy(cr);
    return surface;
}

static unsigned blue_at(cairo_surface_t *surface, int x, int y)
{
    cairo_surface_flush(surface);
    const unsigned char *row =
        cairo_image_surface_get_data(surface) + y * cairo_image_surface_get_stride(surface);
    return row[4 * x];
}

/* Sum of a column's coverage in pixels. */
static double column_sum(cairo_surface_t *surface, int x)
{
    double sum = 0.0;
    for (int y = 0; y < SIZE; y++) {
        sum += blue_at(surface, x, y) / 255.0;
    }
    return sum;
}

Test(raster, coverage_is_the_part_of_each_pixel_that_is_inside)
{
    static const struct {
        const char *legend;
        double top, bottom;
        int first;
        unsigned value[4]; /* of 255, from row `first` on */
    } row[] = {
        {"whole pixels", 10, 12, 10, {255, 255, 0, 0}},
        {"halves at both ends", 10.5, 12.5, 10, {128, 255, 128, 0}},
        {"inside one pixel", 10.25, 10.75, 10, {128, 0, 0, 0}},
        {"cut at the top", -5, 1.2, 0, {255, 51, 0, 0}},
        {"cut at the bottom", SIZE - 1.4, SIZE + 9, SIZE - 2, {102, 255}},
        {"nothing", 12, 12, 11, {0, 0, 0, 0}},
        {"the wrong way round", 12, 11, 11, {0, 0, 0, 0}},
    };
    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        cairo_surface_t *surface = black_surface();
        struct kl_raster raster;
        cr_assert(kl_raster_begin(&raster, surface, (struct kl_rect){0, 0, SIZE, SIZE}));
        kl_raster_add(&raster, row[i].top, row[i].bottom, 1.0);
        kl_raster_blend(&raster, 3, white, 1.0, KL_FILL_SOLID, 0);
        kl_raster_end(&raster, surface);
        for (int k = 0; k < 4 && row[i].first + k < SIZE; k++) {
            cr_expect_eq(blue_at(surface, 3, row[i].first + k), row[i].value[k], "%s, row %d: %u",
                         row[i].legend, k, blue_at(surface, 3, row[i].first + k));
        }
        cairo_surface_destroy(surface);
    }
}

/* A line of slope m and vertical thickness w covers w + |m| pixels per column, the extent of the
 * curve over the column included in quarters: w + |m| / 4. */
Test(raster, a_graph_is_as_thick_as_asked_whatever_its_slope)
{
    static const double slope[] = {0.0, 0.5, 4.0};
    for (size_t i = 0; i < 3; i++) {
        cairo_surface_t *surface = black_surface();
        struct kl_raster raster;
        cr_assert(kl_raster_begin(&raster, surface, (struct kl_rect){10, 0, 8, SIZE}));
        double y[9];
        for (size_t k = 0; k < 9; k++) {
            y[k] = 4.0 + slope[i] * (double)k;
        }
        struct kl_graph graph = {
            .y = y, .count = 9, .thickness = 2.0, .colour = white, .alpha = 1.0};
        kl_raster_graph(&raster, &graph);
        kl_raster_end(&raster, surface);
        for (int x = 10; x < 18; x++) {
            cr_expect_float_eq(column_sum(surface, x), 2.0 + slope[i] / 4.0, 0.05,
                               "slope %g, column %d: %g", slope[i], x, column_sum(surface, x));
        }
        cr_expect_eq(column_sum(surface, 9), 0.0, "left of the raster");
        cr_expect_eq(column_sum(surface, 18), 0.0, "right of the raster");
        cairo_surface_destroy(surface);
    }
}

Test(raster, right_is_hatched_and_left_is_not)
{
    cr_expect_eq(kl_side_fill(KL_SIDE_LEFT), KL_FILL_SOLID);
    cr_expect_eq(kl_side_fill(KL_SIDE_RIGHT), KL_FILL_HATCH);
    cairo_surface_t *surface = black_surface();
    struct kl_raster raster;
    cr_assert(kl_raster_begin(&raster, surface, (struct kl_rect){0, 0, SIZE, SIZE}));
    for (int x = 0; x < SIZE; x++) {
        kl_raster_add(&raster, 0, SIZE, 1.0);
        kl_raster_blend(&raster, x, white, 0.8, x < 20 ? KL_FILL_SOLID : KL_FILL_HATCH, 3);
    }
    kl_raster_end(&raster, surface);
    unsigned seen_full = 0;
    unsigned seen_tint = 0;
    for (int y = 0; y < SIZE; y++) {
        cr_expect_eq(blue_at(surface, 5, y), 204, "solid everywhere"); /* 0.8 * 255 */
        seen_full += blue_at(surface, 30, y) == 204;
        seen_tint += blue_at(surface, 30, y) == 51; /* a quarter of it */
        if (y > 0 && 30 + y < SIZE) {
            cr_expect_eq(blue_at(surface, 30, y), blue_at(surface, 31, y - 1), "diagonal");
        }
    }
    cr_expect_eq(seen_full + seen_tint, SIZE);
    cr_expect(seen_full > SIZE / 3 && seen_tint > SIZE / 3);
    cairo_surface_destroy(surface);
}

Test(raster, what_is_below_shows_through_and_never_overflows)
{
    cairo_surface_t *surface = black_surface();
    struct kl_raster raster;
    cr_assert(kl_raster_begin(&raster, surface, (struct kl_rect){0, 0, SIZE, SIZE}));
    for (int i = 0; i < 300; i++) {
        kl_raster_add(&raster, 0, SIZE, 1.0);
        kl_raster_blend(&raster, 0, white, i / 300.0, KL_FILL_SOLID, 0);
    }
    kl_raster_end(&raster, surface);
    cr_expect_eq(blue_at(surface, 0, 7), 255);
    cairo_surface_destroy(surface);
}

Test(raster, a_place_outside_the_image_is_refused)
{
    cairo_surface_t *surface = black_surface();
    struct kl_raster raster;
    cr_expect_not(kl_raster_begin(&raster, surface, (struct kl_rect){SIZE, 0, 5, 5}));
    cr_expect_not(kl_raster_begin(&raster, surface, (struct kl_rect){0, -9, 5, 5}));
    cr_expect_not(kl_raster_begin(&raster, surface, (struct kl_rect){3, 3, 0, 5}));
    cairo_surface_destroy(surface);
}
