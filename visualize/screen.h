/* Draws a snapshot: the same code for window and PNG.
 *
 * The screen is a set of panels on a grid; each panel draws a `const struct kl_snapshot *` into a
 * rectangle. Adding a panel is one file and one row of the panel table in screen.c.
 * A panel is drawn again only when what it shows has changed; the picture is always the one a new
 * screen would draw from the same snapshot, pixel for pixel.
 * Threads: the thread that owns the cairo_t.
 */
#ifndef KL_VISUALIZE_SCREEN_H
#define KL_VISUALIZE_SCREEN_H

#include "process/snapshot.h"

#include <cairo.h>

enum kl_theme { KL_THEME_DARK = 0, KL_THEME_LIGHT };

/** What the large part of the screen, left of the metrics, is given to. */
enum kl_page {
    KL_PAGE_FORCES = 0,  /* force, last steps, centre of pressure, cadence */
    KL_PAGE_MOTION,      /* angle and moment curves of the last steps */
    KL_PAGE_CALIBRATION, /* body calibration: what to do, how good it is */
    KL_PAGE_COUNT,
};

struct kl_screen;

/** @param width, height  px, at least 1. @return NULL without memory */
struct kl_screen *kl_screen_create(int width, int height, enum kl_theme theme);
void kl_screen_destroy(struct kl_screen *screen);

/** @param width, height  logical px
 *  @param scale  device px per logical px (2 on a HiDPI screen); <= 0 counts as 1
 *  What is out of range or beyond memory keeps the old size. */
void kl_screen_resize(struct kl_screen *screen, int width, int height, double scale);
void kl_screen_set_theme(struct kl_screen *screen, enum kl_theme theme);

/** Chooses a page; the metrics go back to those that belong to it. While a calibration runs, its
 *  page is shown instead of the forces. */
void kl_screen_set_page(struct kl_screen *screen, enum kl_page page);

/** The page that was chosen, and the one last drawn. */
enum kl_page kl_screen_chosen_page(const struct kl_screen *screen);
enum kl_page kl_screen_page(const struct kl_screen *screen);

/** The next page of metrics, around and around. */
void kl_screen_turn_metrics(struct kl_screen *screen);

/** Draws what changed since the last call into the screen's own surface, then paints that onto
 *  `cr` (NULL: only the surface). */
void kl_screen_draw(struct kl_screen *screen, const struct kl_snapshot *snapshot, cairo_t *cr);

/** Writes the surface as PNG. @return KL_OK or KL_ERR_IO with *fault */
int kl_screen_png(struct kl_screen *screen, const char *path, struct kl_fault *fault);

/** The image the screen draws on, device px, CAIRO_FORMAT_RGB24. Borrowed until the next resize. */
cairo_surface_t *kl_screen_surface(const struct kl_screen *screen);

/** Where a panel ("status", "factors", "flags", "force", "steps", "cop", "cadence", "motion",
 *  "calibration", "metrics") lies on that image, device px; those of other pages too.
 *  @return false when there is no such panel */
bool kl_screen_panel(const struct kl_screen *screen, const char *name, double *x, double *y,
                     double *width, double *height);

/** How many panels the last kl_screen_draw drew. */
size_t kl_screen_drawn(const struct kl_screen *screen);

#endif
