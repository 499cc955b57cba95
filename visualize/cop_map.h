/* The plates seen from above in true proportions, forward up: where on the belt the feet land. */
#ifndef KL_VISUALIZE_COP_MAP_H
#define KL_VISUALIZE_COP_MAP_H

#include "visualize/canvas.h"

/** Metres to pixels, the same along and across. */
struct kl_cop_map {
    double scale, x_m, z_m; /* px/m, and what lies in the middle */
    double middle_x_px, middle_y_px;
};

/** False for what is not a number, or so far away that nobody could stand there. */
bool kl_cop_is_place(double x_m, double z_m);

/** True when the outline of a plate is known. */
bool kl_cop_map_known(const struct kl_snapshot *snapshot);

/** The map that fits all plates into rect; kl_cop_map_known must hold. */
struct kl_cop_map kl_cop_map_get(const struct kl_snapshot *snapshot, struct kl_rect rect);

/** Pixels of lab z (to the right) and lab x (forward, up). */
double kl_cop_map_right(const struct kl_cop_map *map, double z_m);
double kl_cop_map_up(const struct kl_cop_map *map, double x_m);

/** Outlines of the plates. */
void kl_cop_map_draw(const struct kl_canvas *canvas, struct kl_rect rect,
                     const struct kl_snapshot *snapshot);

#endif
