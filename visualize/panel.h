/* What a panel is: a place on the screen, a key that says when it must be drawn, two draw
 * functions. Adding a panel is one file that defines a `struct kl_panel` and one row of the table
 * in screen.c.
 */
#ifndef KL_VISUALIZE_PANEL_H
#define KL_VISUALIZE_PANEL_H

#include "visualize/axis.h"
#include "visualize/canvas.h"
#include "visualize/change_key.h"

struct kl_panel {
    const char *name;
    const char *title; /* drawn at the top left with the frame; NULL: the panel needs no title */

    /** Axes, labels: drawn again when frame_key changes (NULL: only with size and theme), and kept
     *  under everything `draw` adds. May be NULL. */
    uint64_t (*frame_key)(const struct kl_snapshot *snapshot);
    void (*draw_frame)(const struct kl_canvas *canvas, struct kl_rect rect,
                       const struct kl_snapshot *snapshot);

    /** Covers everything `draw` looks at: equal keys, equal pixels. */
    uint64_t (*key)(const struct kl_snapshot *snapshot);

    /** Draws on top of the frame, inside rect. With `parts` a panel is asked to draw over its last
     *  picture (anew false) and puts the frame back itself under the parts that changed; else, and
     *  always after the frame changed, it starts from the bare frame (anew true). */
    void (*draw)(const struct kl_canvas *canvas, struct kl_rect rect, void *state,
                 const struct kl_snapshot *snapshot, bool anew);
    bool parts;

    /** Kept between draws to save work, never to change a pixel; zeroed when size or theme change.
     */
    size_t state_size;
    void (*release)(void *state);
};

extern const struct kl_panel kl_panel_status, kl_panel_factors, kl_panel_flags, kl_panel_force,
    kl_panel_steps, kl_panel_cop, kl_panel_cadence, kl_panel_motion, kl_panel_calibration,
    kl_panel_metrics;

/** Begins a part of a panel with parts: compares its key with the one it was drawn from.
 *  @return false when it still stands; else the frame is back and drawing is clipped to `rect`
 *  until kl_panel_part_end */
bool kl_panel_part_begin(const struct kl_canvas *canvas, struct kl_rect rect, uint64_t *drawn,
                         uint64_t key, bool anew);
void kl_panel_part_end(const struct kl_canvas *canvas);

/** The part of a titled panel below its title, inside its margins. */
struct kl_rect kl_panel_inside(const struct kl_canvas *canvas, struct kl_rect rect);

#endif
