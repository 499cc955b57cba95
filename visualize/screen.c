#include "visualize/screen.h"

#include "visualize/panel.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Bands from top to bottom; all but the last have a height of their own. */
enum band { BAND_STATUS = 0, BAND_FACTORS, BAND_FLAGS, BAND_MAIN };

static const double band_height[BAND_MAIN] = {
    [BAND_STATUS] = 120.0, [BAND_FACTORS] = 128.0, [BAND_FLAGS] = 128.0}; /* design px */

#define COLUMNS 48 /* of the grid, across the screen */
#define ROWS 24    /* of the grid, down a band */

#define ON(page) (1u << (page))
#define EVERY (~0u)

/* The panels: what, and from where to where on the grid. */
static const struct place {
    const struct kl_panel *panel;
    enum band band;
    int x0, x1;     /* columns */
    int y0, y1;     /* rows of the band */
    unsigned pages; /* 1 << enum kl_page, on which it is seen */
} places[] = {
    {&kl_panel_status, BAND_STATUS, 0, 48, 0, 24, EVERY},
    {&kl_panel_factors, BAND_FACTORS, 0, 48, 0, 24, EVERY},
    {&kl_panel_flags, BAND_FLAGS, 0, 48, 0, 24, EVERY},
    {&kl_panel_force, BAND_MAIN, 0, 27, 0, 12, ON(KL_PAGE_FORCES)},
    {&kl_panel_steps, BAND_MAIN, 0, 10, 12, 24, ON(KL_PAGE_FORCES)},
    {&kl_panel_cop, BAND_MAIN, 10, 20, 12, 24, ON(KL_PAGE_FORCES)},
    {&kl_panel_cadence, BAND_MAIN, 20, 27, 12, 24, ON(KL_PAGE_FORCES)},
    {&kl_panel_motion, BAND_MAIN, 0, 27, 0, 24, ON(KL_PAGE_MOTION)},
    {&kl_panel_calibration, BAND_MAIN, 0, 27, 0, 24, ON(KL_PAGE_CALIBRATION)},
    {&kl_panel_metrics, BAND_MAIN, 27, 48, 0, 24, EVERY},
};

#define PLACES (sizeof(places) / sizeof(places[0]))

#define SIDE_MAX_PX 16384 /* of a surface: beyond it a mistake, not a monitor */

struct kl_screen {
    int width_px, height_px; /* device */
    double scale;
    enum kl_theme theme;
    struct kl_view view;      /* as chosen */
    enum kl_page shown;       /* as drawn */
    cairo_surface_t *surface; /* what is seen */
    cairo_surface_t *frame;   /* panels without what moves: frames, titles, axes */
    cairo_t *on_surface, *on_frame;
    struct kl_text *text;
    double unit;
    struct kl_rect rect[PLACES];
    bool drawn[PLACES]; /* the keys below hold */
    uint64_t frame_key[PLACES], key[PLACES];
    void *state[PLACES];
    size_t drawn_count;
};

static struct kl_canvas canvas_of(const struct kl_screen *screen, cairo_surface_t *surface,
                                  cairo_t *cr)
{
    return (struct kl_canvas){.cr = cr,
                              .surface = surface,
                              .frame = surface == screen->surface ? screen->frame : NULL,
                              .text = screen->text,
                              .palette = kl_palette_get(screen->theme),
                              .unit = screen->unit,
                              .view = {screen->shown, screen->view.metrics_turn}};
}

/* Edges of the grid, so that neighbours share them exactly whatever the rounding. */
static double column_edge(const struct kl_screen *screen, int column)
{
    return round((double)screen->width_px * column / COLUMNS);
}

static double row_edge(const struct kl_screen *screen, enum band band, int row)
{
    double top = 0.0;
    for (int b = 0; b < (int)band && b < BAND_MAIN; b++) {
        top += round(band_height[b] * screen->unit);
    }
    double height = band < BAND_MAIN ? round(band_height[band] * screen->unit)
                                     : fmax(screen->height_px - top, 0.0);
    return top + round(height * row / ROWS);
}

static void lay_out(struct kl_screen *screen)
{
    double unit = fmin(screen->width_px / KL_DESIGN_WIDTH, screen->height_px / KL_DESIGN_HEIGHT);
    /* In steps: a window being dragged asks for some dozens of type sizes, not for thousands. */
    screen->unit = fmax(floor(unit * 128.0) / 128.0, 0.1);
    kl_text_set_unit(screen->text, screen->unit);
    double gap = fmax(round(3.0 * screen->unit), 1.0); /* half the space between panels */
    for (size_t i = 0; i < PLACES; i++) {
        const struct place *place = &places[i];
        double x0 = column_edge(screen, place->x0) + gap;
        double x1 = column_edge(screen, place->x1) - gap;
        double y0 = row_edge(screen, place->band, place->y0) + gap;
        double y1 = row_edge(screen, place->band, place->y1) - gap;
        screen->rect[i] = (struct kl_rect){x0, y0, fmax(x1 - x0, 1.0), fmax(y1 - y0, 1.0)};
    }
}

static void forget(struct kl_screen *screen)
{
    for (size_t i = 0; i < PLACES; i++) {
        screen->drawn[i] = false;
        if (screen->state[i] != NULL) {
            if (places[i].panel->release != NULL) {
                places[i].panel->release(screen->state[i]);
            }
            memset(screen->state[i], 0, places[i].panel->state_size);
        }
    }
    if (screen->on_surface != NULL) {
        struct kl_canvas canvas = canvas_of(screen, screen->surface, screen->on_surface);
        kl_draw_rect(&canvas, (struct kl_rect){0, 0, screen->width_px, screen->height_px},
                     canvas.palette->background, 1.0);
    }
}

static void surfaces_destroy(cairo_surface_t *surface, cairo_t *cr)
{
    cairo_destroy(cr);
    cairo_surface_destroy(surface);
}

/* New surfaces of the given size, or false and everything as before. */
static bool surfaces_create(struct kl_screen *screen, int width_px, int height_px)
{
    cairo_surface_t *surface = cairo_image_surface_create(CAIRO_FORMAT_RGB24, width_px, height_px);
    cairo_surface_t *frame = cairo_image_surface_create(CAIRO_FORMAT_RGB24, width_px, height_px);
    cairo_t *on_surface = cairo_create(surface);
    cairo_t *on_frame = cairo_create(frame);
    if (cairo_status(on_surface) != CAIRO_STATUS_SUCCESS ||
        cairo_status(on_frame) != CAIRO_STATUS_SUCCESS) {
        surfaces_destroy(surface, on_surface);
        surfaces_destroy(frame, on_frame);
        return false;
    }
    surfaces_destroy(screen->surface, screen->on_surface);
    surfaces_destroy(screen->frame, screen->on_frame);
    screen->surface = surface;
    screen->frame = frame;
    screen->on_surface = on_surface;
    screen->on_frame = on_frame;
    screen->width_px = width_px;
    screen->height_px = height_px;
    return true;
}

struct kl_screen *kl_screen_create(int width, int height, enum kl_theme theme)
{
    struct kl_screen *screen = calloc(1, sizeof(*screen));
    if (screen == NULL) {
        return NULL;
    }
    screen->theme = theme;
    screen->scale = 1.0;
    screen->text = kl_text_create();
    bool made = screen->text != NULL;
    for (size_t i = 0; made && i < PLACES; i++) {
        if (places[i].panel->state_size > 0) {
            screen->state[i] = calloc(1, places[i].panel->state_size);
            made = screen->state[i] != NULL;
        }
    }
    if (!made || width < 1 || height < 1 || width > SIDE_MAX_PX || height > SIDE_MAX_PX ||
        !surfaces_create(screen, width, height)) {
        kl_screen_destroy(screen);
        return NULL;
    }
    lay_out(screen);
    forget(screen);
    return screen;
}

void kl_screen_destroy(struct kl_screen *screen)
{
    if (screen == NULL) {
        return;
    }
    forget(screen);
    for (size_t i = 0; i < PLACES; i++) {
        free(screen->state[i]);
    }
    if (screen->surface != NULL) {
        surfaces_destroy(screen->surface, screen->on_surface);
        surfaces_destroy(screen->frame, screen->on_frame);
    }
    kl_text_destroy(screen->text);
    free(screen);
}

void kl_screen_resize(struct kl_screen *screen, int width, int height, double scale)
{
    scale = scale > 0.0 ? scale : 1.0;
    double w = round(width * scale);
    double h = round(height * scale);
    if (!(w >= 1.0 && h >= 1.0 && w <= SIDE_MAX_PX && h <= SIDE_MAX_PX)) {
        return;
    }
    bool same = (int)w == screen->width_px && (int)h == screen->height_px;
    if (same || surfaces_create(screen, (int)w, (int)h)) {
        screen->scale = scale;
    }
    if (!same) {
        lay_out(screen);
        forget(screen);
    }
}

void kl_screen_set_theme(struct kl_screen *screen, enum kl_theme theme)
{
    if (screen->theme != theme) {
        screen->theme = theme;
        forget(screen);
    }
}

void kl_screen_set_page(struct kl_screen *screen, enum kl_page page)
{
    if (screen->view.page != page && (unsigned)page < KL_PAGE_COUNT) {
        screen->view = (struct kl_view){.page = page};
        forget(screen);
    }
}

enum kl_page kl_screen_chosen_page(const struct kl_screen *screen)
{
    return screen->view.page;
}

enum kl_page kl_screen_page(const struct kl_screen *screen)
{
    return screen->shown;
}

void kl_screen_turn_metrics(struct kl_screen *screen)
{
    screen->view.metrics_turn++;
    forget(screen);
}

/* The page to draw: a running calibration is what the operator needs to see, unless motion was
 * asked for. */
static enum kl_page page_for(const struct kl_screen *screen, const struct kl_snapshot *snapshot)
{
    bool running = false;
    for (size_t i = 0; i < KL_SNAPSHOT_PHASES; i++) {
        running = running || snapshot->calibration.phase[i].running;
    }
    return running && screen->view.page == KL_PAGE_FORCES ? KL_PAGE_CALIBRATION : screen->view.page;
}

static void draw_frame(struct kl_screen *screen, size_t i, const struct kl_snapshot *snapshot)
{
    struct kl_canvas canvas = canvas_of(screen, screen->frame, screen->on_frame);
    const struct kl_panel *panel = places[i].panel;
    struct kl_rect rect = screen->rect[i];
    cairo_save(canvas.cr);
    cairo_rectangle(canvas.cr, rect.x, rect.y, rect.w, rect.h);
    cairo_clip(canvas.cr);
    kl_draw_rect(&canvas, rect, canvas.palette->panel, 1.0);
    if (panel->title != NULL) {
        struct kl_text_style style = {.font = KL_FONT_TITLE, .colour = canvas.palette->dim};
        (void)kl_text_draw(&canvas, style, rect.x + kl_px(&canvas, 12), rect.y + kl_px(&canvas, 22),
                           panel->title);
    }
    if (panel->draw_frame != NULL) {
        panel->draw_frame(&canvas, rect, snapshot);
    }
    cairo_restore(canvas.cr);
}

static void draw_panel(struct kl_screen *screen, size_t i, const struct kl_snapshot *snapshot,
                       bool frame_changed)
{
    struct kl_canvas canvas = canvas_of(screen, screen->surface, screen->on_surface);
    struct kl_rect rect = screen->rect[i];
    cairo_save(canvas.cr);
    cairo_rectangle(canvas.cr, rect.x, rect.y, rect.w, rect.h);
    cairo_clip(canvas.cr);
    bool anew = frame_changed || !places[i].panel->parts;
    if (anew) {
        kl_draw_frame_again(&canvas, rect);
    }
    places[i].panel->draw(&canvas, rect, screen->state[i], snapshot, anew);
    cairo_restore(canvas.cr);
}

void kl_screen_draw(struct kl_screen *screen, const struct kl_snapshot *snapshot, cairo_t *cr)
{
    screen->drawn_count = 0;
    enum kl_page page = page_for(screen, snapshot);
    if (page != screen->shown) {
        screen->shown = page;
        forget(screen);
    }
    for (size_t i = 0; i < PLACES; i++) {
        const struct kl_panel *panel = places[i].panel;
        if ((places[i].pages & ON(page)) == 0) {
            continue;
        }
        uint64_t frame_key = panel->frame_key != NULL ? panel->frame_key(snapshot) : 0;
        uint64_t key = panel->key(snapshot);
        bool frame_changed = !screen->drawn[i] || frame_key != screen->frame_key[i];
        if (frame_changed) {
            draw_frame(screen, i, snapshot);
        }
        if (frame_changed || key != screen->key[i]) {
            draw_panel(screen, i, snapshot, frame_changed);
            screen->drawn_count++;
        }
        screen->drawn[i] = true;
        screen->frame_key[i] = frame_key;
        screen->key[i] = key;
    }
    if (cr != NULL) {
        cairo_save(cr);
        cairo_scale(cr, 1.0 / screen->scale, 1.0 / screen->scale);
        cairo_set_source_surface(cr, screen->surface, 0.0, 0.0);
        cairo_pattern_set_filter(cairo_get_source(cr), CAIRO_FILTER_FAST);
        cairo_paint(cr);
        cairo_restore(cr);
    }
}

int kl_screen_png(struct kl_screen *screen, const char *path, struct kl_fault *fault)
{
    cairo_status_t status = cairo_surface_write_to_png(screen->surface, path);
    if (status != CAIRO_STATUS_SUCCESS) {
        return kl_fault(fault, KL_ERR_IO,
                        "%s: the picture of the screen cannot be written (%s); choose a folder "
                        "that exists and may be written to",
                        path, cairo_status_to_string(status));
    }
    return KL_OK;
}

cairo_surface_t *kl_screen_surface(const struct kl_screen *screen)
{
    return screen->surface;
}

bool kl_screen_panel(const struct kl_screen *screen, const char *name, double *x, double *y,
                     double *width, double *height)
{
    for (size_t i = 0; i < PLACES; i++) {
        if (strcmp(places[i].panel->name, name) == 0) {
            *x = screen->rect[i].x;
            *y = screen->rect[i].y;
            *width = screen->rect[i].w;
            *height = screen->rect[i].h;
            return true;
        }
    }
    return false;
}

size_t kl_screen_drawn(const struct kl_screen *screen)
{
    return screen->drawn_count;
}

bool kl_panel_part_begin(const struct kl_canvas *canvas, struct kl_rect rect, uint64_t *drawn,
                         uint64_t key, bool anew)
{
    if (!anew && *drawn == key) {
        return false;
    }
    *drawn = key;
    cairo_save(canvas->cr);
    cairo_rectangle(canvas->cr, rect.x, rect.y, rect.w, rect.h);
    cairo_clip(canvas->cr);
    if (!anew) {
        kl_draw_frame_again(canvas, rect);
    }
    return true;
}

void kl_panel_part_end(const struct kl_canvas *canvas)
{
    cairo_restore(canvas->cr);
}

struct kl_rect kl_panel_inside(const struct kl_canvas *canvas, struct kl_rect rect)
{
    double margin = kl_px(canvas, 12);
    double top = kl_px(canvas, 34);
    return (struct kl_rect){rect.x + margin, rect.y + top, fmax(rect.w - 2.0 * margin, 1.0),
                            fmax(rect.h - top - margin, 1.0)};
}
