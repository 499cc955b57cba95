/* Opens the window on a synthetic session and closes it after some frames:
 *     show_window [SECONDS [full|empty|problem|replay|worn|unready|calibrating]]
 * Says so and succeeds where there is no display. */
#include "synthetic_snapshot.h"
#include "visualize/window.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct session {
    enum synthetic_scene scene;
    unsigned frames, last;
    unsigned commands;
};

static bool next(void *self, struct kl_snapshot *out)
{
    struct session *session = self;
    synthetic_snapshot(session->scene, 30.0 + session->frames / 60.0, out);
    session->frames++;
    return true;
}

static void command(void *self, enum kl_command command, double value, const char *text)
{
    struct session *session = self;
    session->commands++;
    (void)printf("command %d, %g, \"%s\"\n", (int)command, value, text);
}

static bool finished(void *self)
{
    const struct session *session = self;
    return session->frames >= session->last;
}

int main(int argc, char **argv)
{
    double seconds = argc > 1 ? strtod(argv[1], NULL) : 1.0;
    const char *scene = argc > 2 ? argv[2] : "full";
    struct session session = {.last = (unsigned)(seconds * 60.0)};
    session.scene = strcmp(scene, "empty") == 0         ? SYNTHETIC_EMPTY
                    : strcmp(scene, "problem") == 0     ? SYNTHETIC_PROBLEM
                    : strcmp(scene, "replay") == 0      ? SYNTHETIC_ONE_FORCE
                    : strcmp(scene, "worn") == 0        ? SYNTHETIC_WORN
                    : strcmp(scene, "unready") == 0     ? SYNTHETIC_UNREADY
                    : strcmp(scene, "calibrating") == 0 ? SYNTHETIC_CALIBRATING
                                                        : SYNTHETIC_FULL;
    if (!kl_window_available()) {
        (void)printf("skipped: no display (run it under xvfb-run)\n");
        return 0;
    }
    struct kl_window_options options = {
        .title = "Kneelab", .theme = KL_THEME_DARK, .replay = session.scene == SYNTHETIC_ONE_FORCE};
    struct kl_window_callbacks callbacks = {
        .self = &session, .snapshot = next, .command = command, .finished = finished};
    struct kl_fault fault = {0};
    int status = kl_window_run(&options, &callbacks, &fault);
    (void)printf("%u frames, %u commands, %s\n", session.frames, session.commands,
                 status == KL_OK ? "closed by itself" : fault.text);
    /* A command nobody gave, or a window closed too early, is a failure. */
    return status == KL_OK && session.frames == session.last && session.commands == 0 ? 0 : 1;
}
