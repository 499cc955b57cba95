/* A run with somebody watching: in a window when there is a display, else with a line of progress;
 * ended by the window, by Ctrl-C, or by a closed terminal. */
#ifndef KL_APP_RUN_SCREEN_H
#define KL_APP_RUN_SCREEN_H

#include "app/run.h"

struct kl_run_screen {
    const char *title;
    bool window; /* false: progress only */
    bool light;
    bool replay;
    bool stay; /* keep the last frame on screen when the run is over */
};

/** Runs it to its end. @return kl_run_loop's status with *fault */
int kl_run_watched(struct kl_run *run, const struct kl_run_screen *screen, struct kl_fault *fault);

/** A line of progress on standard error; for kl_run_config.progress. */
void kl_run_progress(void *self, const struct kl_snapshot *snapshot);

#endif
