/* The GTK 4 window: shows the newest snapshot, turns keys and buttons into commands.
 *
 * Commands go back to the application through one callback; the window knows no hub and no file.
 * Every command has a key and a button; `?` lists them. Threads: main only.
 */
#ifndef KL_VISUALIZE_WINDOW_H
#define KL_VISUALIZE_WINDOW_H

#include "visualize/screen.h"

enum kl_command {
    KL_COMMAND_QUIT = 0,
    KL_COMMAND_TARE,      /* z: the belt is empty now */
    KL_COMMAND_WEIGH,     /* w: the runner stands still now */
    KL_COMMAND_CONDITION, /* c: text */
    KL_COMMAND_MARKER,    /* m: text */
    KL_COMMAND_SPEED,     /* v: value, m/s */
    KL_COMMAND_CALIBRATE, /* 1 to 6: text = the phase's word, value = its length, s */
    KL_COMMAND_PAUSE,     /* space: replay */
    KL_COMMAND_SEEK,      /* arrows: value, seconds relative */
    KL_COMMAND_RATE,      /* + -: value, factor on the speed of the replay */
};

struct kl_window_callbacks {
    void *self;
    /** Fills the newest snapshot. @return false when nothing changed since the last call */
    bool (*snapshot)(void *self, struct kl_snapshot *out);
    /** @param text  UTF-8, "" when the command has none; borrowed */
    void (*command)(void *self, enum kl_command command, double value, const char *text);
    /** True when the session is over and the window should close by itself. */
    bool (*finished)(void *self);
};

struct kl_window_options {
    const char *title;
    enum kl_theme theme;
    bool replay; /* shows pause, speed and seek instead of tare and weigh */
    bool stay;   /* keep showing the last frame when finished */
};

/** True when a display can be opened; else the caller prints progress instead. */
bool kl_window_available(void);

/** Runs until closed. Closing sends KL_COMMAND_QUIT once, unless the session finished by itself.
 *  @return KL_OK, KL_ERR_IO without a display or KL_ERR_MEM, with *fault */
int kl_window_run(const struct kl_window_options *options,
                  const struct kl_window_callbacks *callbacks, struct kl_fault *fault);

#endif
