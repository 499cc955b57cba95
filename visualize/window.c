#include "visualize/window.h"

#include "visualize/commands.h"

#include <gtk/gtk.h>

#include <stdlib.h>
#include <string.h>

/* What a button or an open entry belongs to. */
struct bound {
    struct window *window;
    const struct kl_command_row *row;
};

struct window {
    const struct kl_window_options *options;
    const struct kl_window_callbacks *callbacks;
    enum kl_theme theme;
    struct kl_screen *screen;
    struct kl_snapshot *snapshot;
    GMainLoop *loop;
    GtkWindow *top;
    GtkWidget *area;
    GtkPopover *asking;  /* the entry or help that is open; NULL: none */
    struct bound *bound; /* [kl_command_row_count()] */
    GtkWidget *phases;   /* buttons of the calibration; NULL in a replay */
    bool over;           /* the session has ended */
};

bool kl_window_available(void)
{
    return gtk_init_check();
}

/* ------------------------------------------------------------------- draw */

static void draw_area(GtkDrawingArea *area, cairo_t *cr, int width, int height, gpointer data)
{
    struct window *window = data;
    kl_screen_resize(window->screen, width, height, gtk_widget_get_scale_factor(GTK_WIDGET(area)));
    kl_screen_draw(window->screen, window->snapshot, cr);
}

/* The buttons of the calibration are there while its page is: also when it shows itself. */
static void follow_page(struct window *window)
{
    if (window->phases != NULL) {
        gtk_widget_set_visible(window->phases,
                               kl_screen_page(window->screen) == KL_PAGE_CALIBRATION);
    }
}

static gboolean on_tick(GtkWidget *area, GdkFrameClock *clock, gpointer data)
{
    struct window *window = data;
    const struct kl_window_callbacks *calls = window->callbacks;
    (void)clock;
    if (calls->snapshot(calls->self, window->snapshot)) {
        gtk_widget_queue_draw(area);
    }
    follow_page(window); /* not while drawing: it changes the layout */
    if (!window->over && calls->finished != NULL && calls->finished(calls->self)) {
        window->over = true;
        if (!window->options->stay) {
            g_main_loop_quit(window->loop);
        }
    }
    return G_SOURCE_CONTINUE;
}

/* --------------------------------------------------------------- commands */

static void send(struct window *window, enum kl_command command, double value, const char *text)
{
    window->callbacks->command(window->callbacks->self, command, value, text);
}

static void close_asking(struct window *window)
{
    if (window->asking != NULL) {
        gtk_popover_popdown(window->asking);
    }
}

/* Unparented when idle: a popover must not be destroyed inside its own signal. */
static gboolean drop_popover(gpointer popover)
{
    gtk_widget_unparent(popover);
    return G_SOURCE_REMOVE;
}

static void on_popover_closed(GtkPopover *popover, gpointer data)
{
    struct window *window = data;
    if (window->asking == popover) {
        window->asking = NULL;
    }
    gtk_widget_grab_focus(window->area);
    (void)g_idle_add(drop_popover, popover);
}

static void open_popover(struct window *window, GtkWidget *content, GtkWidget *focus)
{
    close_asking(window);
    GtkWidget *popover = gtk_popover_new();
    gtk_popover_set_child(GTK_POPOVER(popover), content);
    gtk_widget_set_parent(popover, window->area);
    gtk_popover_set_has_arrow(GTK_POPOVER(popover), FALSE);
    gtk_popover_set_position(GTK_POPOVER(popover), GTK_POS_TOP);
    GdkRectangle middle = {gtk_widget_get_width(window->area) / 2,
                           gtk_widget_get_height(window->area) / 2, 1, 1};
    gtk_popover_set_pointing_to(GTK_POPOVER(popover), &middle);
    (void)g_signal_connect(popover, "closed", G_CALLBACK(on_popover_closed), window);
    window->asking = GTK_POPOVER(popover);
    gtk_popover_popup(GTK_POPOVER(popover));
    if (focus != NULL) {
        (void)gtk_widget_grab_focus(focus);
    }
}

static void name_for_readers(GtkWidget *widget, const char *label, const char *description)
{
    gtk_accessible_update_property(GTK_ACCESSIBLE(widget), GTK_ACCESSIBLE_PROPERTY_LABEL, label,
                                   GTK_ACCESSIBLE_PROPERTY_DESCRIPTION, description, -1);
}

static void on_entry_activate(GtkEntry *entry, gpointer data)
{
    const struct bound *bound = data;
    struct window *window = bound->window;
    const struct kl_command_row *row = bound->row;
    const char *text = gtk_editable_get_text(GTK_EDITABLE(entry));
    double value = 0.0;
    if (!kl_command_accepts(row, text, &value)) {
        /* Stay open and say so: a mistyped speed must not become a number. */
        gtk_widget_add_css_class(GTK_WIDGET(entry), "error");
        gtk_accessible_update_state(GTK_ACCESSIBLE(entry), GTK_ACCESSIBLE_STATE_INVALID,
                                    GTK_ACCESSIBLE_INVALID_TRUE, -1);
        return;
    }
    send(window, row->command, value, row->input == KL_INPUT_TEXT ? text : "");
    close_asking(window);
}

static void ask(struct bound *bound)
{
    const struct kl_command_row *row = bound->row;
    GtkWidget *box = gtk_box_new(GTK_ORIENTATION_VERTICAL, 6);
    GtkWidget *label = gtk_label_new(row->question);
    GtkWidget *entry = gtk_entry_new();
    gtk_widget_set_halign(label, GTK_ALIGN_START);
    gtk_editable_set_width_chars(GTK_EDITABLE(entry), 40);
    gtk_entry_set_max_length(GTK_ENTRY(entry), 80); /* fits struct kl_snapshot's condition */
    name_for_readers(entry, row->question, row->help);
    (void)g_signal_connect(entry, "activate", G_CALLBACK(on_entry_activate), bound);
    gtk_box_append(GTK_BOX(box), label);
    gtk_box_append(GTK_BOX(box), entry);
    open_popover(bound->window, box, entry);
}

static void show_help(struct window *window)
{
    GtkWidget *grid = gtk_grid_new();
    gtk_grid_set_column_spacing(GTK_GRID(grid), 18);
    gtk_grid_set_row_spacing(GTK_GRID(grid), 4);
    int line = 0;
    for (size_t i = 0; i < kl_command_row_count(); i++) {
        const struct kl_command_row *row = kl_command_row_get(i);
        if (!kl_command_offered(row, window->options->replay)) {
            continue;
        }
        GtkWidget *key = gtk_label_new(row->key_text);
        GtkWidget *help = gtk_label_new(row->help);
        gtk_widget_add_css_class(key, "heading");
        gtk_widget_set_halign(help, GTK_ALIGN_START);
        gtk_grid_attach(GTK_GRID(grid), key, 0, line, 1, 1);
        gtk_grid_attach(GTK_GRID(grid), help, 1, line, 1, 1);
        line++;
    }
    open_popover(window, grid, NULL);
}

static void follow_theme(struct window *window)
{
    kl_screen_set_theme(window->screen, window->theme);
    g_object_set(gtk_settings_get_default(), "gtk-application-prefer-dark-theme",
                 window->theme == KL_THEME_DARK, NULL);
    gtk_widget_queue_draw(window->area);
}

static void toggle_full_screen(struct window *window)
{
    if (gtk_window_is_fullscreen(window->top)) {
        gtk_window_unfullscreen(window->top);
    } else {
        gtk_window_fullscreen(window->top);
    }
}

/* A page, or the forces when it is already there. */
static void toggle_page(struct window *window, enum kl_page page)
{
    bool there = kl_screen_chosen_page(window->screen) == page;
    kl_screen_set_page(window->screen, there ? KL_PAGE_FORCES : page);
    gtk_widget_queue_draw(window->area);
}

/* Where a row of the calibration is pressed on another page, nothing happens. */
static bool is_in_place(const struct window *window, const struct kl_command_row *row)
{
    return row->offer != KL_OFFER_CALIBRATION ||
           kl_screen_page(window->screen) == KL_PAGE_CALIBRATION;
}

static void run(struct bound *bound)
{
    struct window *window = bound->window;
    const struct kl_command_row *row = bound->row;
    if (!is_in_place(window, row)) {
        return;
    }
    switch (row->action) {
    case KL_ACTION_METRICS:
        kl_screen_turn_metrics(window->screen);
        gtk_widget_queue_draw(window->area);
        break;
    case KL_ACTION_MOTION:
        toggle_page(window, KL_PAGE_MOTION);
        break;
    case KL_ACTION_CALIBRATION:
        toggle_page(window, KL_PAGE_CALIBRATION);
        break;
    case KL_ACTION_CALIBRATE:
        send(window, row->command, kl_snapshot_phase_seconds(row->phase),
             kl_snapshot_phase_text(row->phase));
        break;
    case KL_ACTION_THEME:
        window->theme = window->theme == KL_THEME_DARK ? KL_THEME_LIGHT : KL_THEME_DARK;
        follow_theme(window);
        break;
    case KL_ACTION_FULL_SCREEN:
        toggle_full_screen(window);
        break;
    case KL_ACTION_HELP:
        show_help(window);
        break;
    case KL_ACTION_CLOSE:
        gtk_window_close(window->top);
        break;
    case KL_ACTION_SEND:
        if (row->input == KL_INPUT_NONE) {
            send(window, row->command, row->value, "");
        } else {
            ask(bound);
        }
        break;
    }
}

static gboolean on_key(GtkEventControllerKey *controller, guint key, guint code,
                       GdkModifierType state, gpointer data)
{
    struct window *window = data;
    (void)controller;
    (void)code;
    if ((state & (GDK_CONTROL_MASK | GDK_ALT_MASK | GDK_SUPER_MASK)) != 0 ||
        window->asking != NULL) {
        return GDK_EVENT_PROPAGATE; /* the entry wants the letters */
    }
    const struct kl_command_row *row = kl_command_find(key, window->options->replay);
    if (row == NULL) {
        return GDK_EVENT_PROPAGATE;
    }
    run(&window->bound[row - kl_command_row_get(0)]);
    return GDK_EVENT_STOP;
}

static void on_button(GtkButton *button, gpointer data)
{
    (void)button;
    run(data);
}

static gboolean on_close(GtkWindow *top, gpointer data)
{
    struct window *window = data;
    (void)top;
    if (!window->over) {
        window->over = true;
        send(window, KL_COMMAND_QUIT, 0.0, "");
    }
    g_main_loop_quit(window->loop);
    return GDK_EVENT_STOP; /* destroyed after the loop */
}

/* ------------------------------------------------------------------ build */

/* A low bar: the screen above needs the height. */
static void style_buttons(void)
{
    GtkCssProvider *css = gtk_css_provider_new();
    gtk_css_provider_load_from_data(css,
                                    ".toolbar { padding: 1px 6px; }"
                                    ".toolbar button { padding: 1px 8px; min-height: 24px; }",
                                    -1);
    gtk_style_context_add_provider_for_display(gdk_display_get_default(), GTK_STYLE_PROVIDER(css),
                                               GTK_STYLE_PROVIDER_PRIORITY_APPLICATION);
    g_object_unref(css);
}

static GtkWidget *build_button(struct bound *bound)
{
    const struct kl_command_row *row = bound->row;
    char label[64];
    (void)g_snprintf(label, sizeof(label), "%s  [%s]", row->button, row->key_text);
    GtkWidget *button = gtk_button_new_with_label(label);
    gtk_button_set_has_frame(GTK_BUTTON(button), FALSE);
    gtk_widget_set_focus_on_click(button, FALSE);
    gtk_widget_set_tooltip_text(button, row->help);
    name_for_readers(button, row->button, row->help);
    (void)g_signal_connect(button, "clicked", G_CALLBACK(on_button), bound);
    return button;
}

/* The buttons of the calibration, or all others. */
static GtkWidget *build_buttons(struct window *window, bool calibration)
{
    GtkWidget *bar = gtk_box_new(GTK_ORIENTATION_HORIZONTAL, 4);
    gtk_widget_add_css_class(bar, "toolbar");
    for (size_t i = 0; i < kl_command_row_count(); i++) {
        const struct kl_command_row *row = kl_command_row_get(i);
        if (row->button != NULL && kl_command_offered(row, window->options->replay) &&
            (row->offer == KL_OFFER_CALIBRATION) == calibration) {
            gtk_box_append(GTK_BOX(bar), build_button(&window->bound[i]));
        }
    }
    return bar;
}

static void build(struct window *window)
{
    const struct kl_window_options *options = window->options;
    window->top = GTK_WINDOW(gtk_window_new());
    gtk_window_set_title(window->top, options->title != NULL ? options->title : "Kneelab");
    gtk_window_set_default_size(window->top, 1600, 940);
    gtk_window_maximize(window->top);

    window->area = gtk_drawing_area_new();
    gtk_widget_set_hexpand(window->area, TRUE);
    gtk_widget_set_vexpand(window->area, TRUE);
    gtk_widget_set_focusable(window->area, TRUE);
    gtk_widget_set_size_request(window->area, 800, 450);
    gtk_drawing_area_set_draw_func(GTK_DRAWING_AREA(window->area), draw_area, window, NULL);
    name_for_readers(window->area, "Lab screen",
                     "Runner, condition, recording, devices, risk factors, flags, forces, motion, "
                     "calibration, metrics");
    (void)gtk_widget_add_tick_callback(window->area, on_tick, window, NULL);

    GtkWidget *box = gtk_box_new(GTK_ORIENTATION_VERTICAL, 0);
    gtk_box_append(GTK_BOX(box), window->area);
    if (!options->replay) {
        window->phases = build_buttons(window, true);
        gtk_widget_set_visible(window->phases, FALSE);
        gtk_box_append(GTK_BOX(box), window->phases);
    }
    gtk_box_append(GTK_BOX(box), build_buttons(window, false));
    gtk_window_set_child(window->top, box);

    GtkEventController *keys = gtk_event_controller_key_new();
    /* Before the focused widget: space is pause, not a press of the last button. */
    gtk_event_controller_set_propagation_phase(keys, GTK_PHASE_CAPTURE);
    (void)g_signal_connect(keys, "key-pressed", G_CALLBACK(on_key), window);
    gtk_widget_add_controller(GTK_WIDGET(window->top), keys);
    (void)g_signal_connect(window->top, "close-request", G_CALLBACK(on_close), window);
    (void)gtk_widget_grab_focus(window->area);
}

int kl_window_run(const struct kl_window_options *options,
                  const struct kl_window_callbacks *callbacks, struct kl_fault *fault)
{
    if (!gtk_init_check()) {
        return kl_fault(fault, KL_ERR_IO,
                        "the window cannot be opened: expected a display (DISPLAY or "
                        "WAYLAND_DISPLAY), found none; run on a desktop, or without a screen");
    }
    struct window window = {.options = options, .callbacks = callbacks, .theme = options->theme};
    window.screen = kl_screen_create(1, 1, options->theme);
    window.snapshot = calloc(1, sizeof(*window.snapshot));
    window.bound = calloc(kl_command_row_count(), sizeof(*window.bound));
    int status = KL_OK;
    if (window.screen == NULL || window.snapshot == NULL || window.bound == NULL) {
        status = kl_fault(fault, KL_ERR_MEM, "the window cannot be opened: out of memory");
        goto done;
    }
    for (size_t i = 0; i < kl_command_row_count(); i++) {
        window.bound[i] = (struct bound){&window, kl_command_row_get(i)};
    }
    window.loop = g_main_loop_new(NULL, FALSE);
    style_buttons();
    build(&window);
    follow_theme(&window);
    gtk_window_present(window.top);
    g_main_loop_run(window.loop);

    close_asking(&window);
    gtk_window_destroy(window.top);
    while (g_main_context_iteration(NULL, FALSE)) {
        /* Idle work of the closing window still refers to it. */
    }
    g_main_loop_unref(window.loop);
done:
    kl_screen_destroy(window.screen);
    free(window.bound);
    free(window.snapshot);
    return status;
}
