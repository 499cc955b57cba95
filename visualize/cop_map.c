#include "visualize/cop_map.h"

#include <math.h>

struct range {
    double low, high;
};

/* A point nobody could stand on is a fault of the data, not a place: 10 m bounds every plate. */
bool kl_cop_is_place(double x_m, double z_m)
{
    return fabs(x_m) < 10.0 && fabs(z_m) < 10.0;
}

static size_t plate_count(const struct kl_snapshot *snapshot)
{
    return snapshot->plate_count < KL_SNAPSHOT_PLATES ? snapshot->plate_count : KL_SNAPSHOT_PLATES;
}

static void reach(struct range *range, double value)
{
    range->low = fmin(range->low, value);
    range->high = fmax(range->high, value);
}

static struct range plate_extent(const struct kl_snapshot *snapshot, struct range *z)
{
    struct range x = {(double)INFINITY, -(double)INFINITY};
    *z = x;
    for (size_t i = 0; i < plate_count(snapshot); i++) {
        const struct kl_snapshot_plate *plate = &snapshot->plate[i];
        for (size_t j = 0; plate->has_corners && j < 4; j++) {
            if (kl_cop_is_place(plate->corner_x_m[j], plate->corner_z_m[j])) {
                reach(&x, plate->corner_x_m[j]);
                reach(z, plate->corner_z_m[j]);
            }
        }
    }
    return x;
}

bool kl_cop_map_known(const struct kl_snapshot *snapshot)
{
    struct range z;
    struct range x = plate_extent(snapshot, &z);
    return x.high > x.low && z.high > z.low;
}

struct kl_cop_map kl_cop_map_get(const struct kl_snapshot *snapshot, struct kl_rect rect)
{
    struct range z;
    struct range x = plate_extent(snapshot, &z);
    return (struct kl_cop_map){.scale = fmin(rect.h / (x.high - x.low), rect.w / (z.high - z.low)),
                               .x_m = (x.low + x.high) / 2.0,
                               .z_m = (z.low + z.high) / 2.0,
                               .middle_x_px = rect.x + rect.w / 2.0,
                               .middle_y_px = rect.y + rect.h / 2.0};
}

double kl_cop_map_right(const struct kl_cop_map *map, double z_m)
{
    return map->middle_x_px + (z_m - map->z_m) * map->scale;
}

double kl_cop_map_up(const struct kl_cop_map *map, double x_m)
{
    return map->middle_y_px - (x_m - map->x_m) * map->scale;
}

void kl_cop_map_draw(const struct kl_canvas *canvas, struct kl_rect rect,
                     const struct kl_snapshot *snapshot)
{
    struct range z;
    struct kl_cop_map map = kl_cop_map_get(snapshot, rect);
    cairo_t *cr = canvas->cr;
    for (size_t i = 0; i < plate_count(snapshot); i++) {
        const struct kl_snapshot_plate *plate = &snapshot->plate[i];
        if (!plate->has_corners) {
            continue;
        }
        cairo_new_path(cr);
        for (size_t j = 0; j < 4; j++) {
            if (kl_cop_is_place(plate->corner_x_m[j], plate->corner_z_m[j])) {
                cairo_line_to(cr, round(kl_cop_map_right(&map, plate->corner_z_m[j])) + 0.5,
                              round(kl_cop_map_up(&map, plate->corner_x_m[j])) + 0.5);
            }
        }
        cairo_close_path(cr);
        kl_set_colour(canvas, canvas->palette->grid, 0.5);
        cairo_fill_preserve(cr);
        kl_set_colour(canvas, canvas->palette->axis, 1.0);
        cairo_set_line_width(cr, kl_px(canvas, 1));
        cairo_stroke(cr);
    }
    struct kl_text_style style = {
        .font = KL_FONT_TINY, .colour = canvas->palette->dim, .align = 0.5};
    (void)kl_text_draw(canvas, style, rect.x + rect.w / 2.0,
                       kl_cop_map_up(&map, plate_extent(snapshot, &z).low) + kl_px(canvas, 18),
                       snapshot->plate_count > 1 ? "plates" : "plate");
}
