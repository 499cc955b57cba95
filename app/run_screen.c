#include "app/run_screen.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* The run that a signal ends; set by the main thread before the handler is installed. */
static struct kl_run *_Atomic signalled;

static void on_signal(int number)
{
    (void)number;
    struct kl_run *run = atomic_load(&signalled);
    if (run != NULL) {
        kl_run_stop(run);
    }
}

/** Ctrl-C, a polite kill and a closed terminal all end the run with a complete file. */
static void catch_signals(struct kl_run *run)
{
    static const int ends[] = {SIGINT, SIGTERM, SIGHUP};
    atomic_store(&signalled, run);
    struct sigaction action = {0};
    action.sa_handler = run != NULL ? on_signal : SIG_DFL;
    (void)sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        (void)sigaction(ends[i], &action, NULL);
    }
    action.sa_handler = SIG_IGN; /* a reader of our output that leaves must not end the session */
    (void)sigaction(SIGPIPE, &action, NULL);
}

void kl_run_progress(void *self, const struct kl_snapshot *snapshot)
{
    (void)self;
    const struct kl_snapshot_recording *recording = &snapshot->recording;
    char state[sizeof(recording->problem) + sizeof(snapshot->plate_problem) + 32] = "";
    int used = 0;
    if (recording->problem[0] != '\0') {
        used = snprintf(state, sizeof(state), "  DISK: %s", recording->problem);
    }
    if (snapshot->plate_problem[0] != '\0') {
        (void)snprintf(state + used, sizeof(state) - (size_t)used, "  PLATE: %s",
                       snapshot->plate_problem);
    }
    char devices[96] = "";
    for (size_t i = 0; i < snapshot->device_count && devices[0] == '\0'; i++) {
        const struct kl_snapshot_device *device = &snapshot->device[i];
        if (device->alarm && device->samples > 0 && strcmp(device->state, "stopped") != 0) {
            (void)snprintf(devices, sizeof(devices), "  DEVICE %s: %s", device->name,
                           device->state);
        }
    }
    (void)fprintf(stderr, "%s%6.1f s  %s  %zu contacts  cadence %.1f%s%s%s",
                  isatty(STDERR_FILENO) ? "\r" : "", recording->seconds,
                  kl_gait_text(snapshot->gait), snapshot->contacts, snapshot->cadence_spm, devices,
                  state, isatty(STDERR_FILENO) ? "\033[K" : "\n");
    (void)fflush(stderr);
}

struct session_thread {
    struct kl_run *run;
    struct kl_fault *fault;
    int status;
};

static void *run_session(void *argument)
{
    struct session_thread *session = argument;
    session->status = kl_run_loop(session->run, session->fault);
    return NULL;
}

static bool window_snapshot(void *self, struct kl_snapshot *out)
{
    const struct kl_snapshot *newest = kl_run_snapshot(self);
    if (newest == NULL) {
        return false;
    }
    *out = *newest;
    return true;
}

static void window_command(void *self, enum kl_command command, double value, const char *text)
{
    kl_run_command(self, command, value, text);
}

static bool window_finished(void *self)
{
    return kl_run_finished(self);
}

static int run_in_window(struct kl_run *run, const struct kl_run_screen *screen,
                         struct kl_fault *fault)
{
    struct session_thread session = {.run = run, .fault = fault, .status = KL_OK};
    pthread_t thread;
    if (pthread_create(&thread, NULL, run_session, &session) != 0) {
        return kl_fault(fault, KL_ERR_IO, "the session thread cannot be started");
    }
    struct kl_window_options options = {.title = screen->title,
                                        .theme = screen->light ? KL_THEME_LIGHT : KL_THEME_DARK,
                                        .replay = screen->replay,
                                        .stay = screen->stay};
    struct kl_window_callbacks callbacks = {.self = run,
                                            .snapshot = window_snapshot,
                                            .command = window_command,
                                            .finished = window_finished};
    struct kl_fault window_fault = {{0}};
    int shown = kl_window_run(&options, &callbacks, &window_fault);
    if (shown != KL_OK) {
        /* the screen is gone, the recording is not: go on until the end or Ctrl-C */
        (void)fprintf(stderr, "kneelab: no window: %s; the session goes on without it\n",
                      window_fault.text);
    } else {
        kl_run_stop(run);
    }
    (void)pthread_join(thread, NULL);
    return session.status;
}

int kl_run_watched(struct kl_run *run, const struct kl_run_screen *screen, struct kl_fault *fault)
{
    catch_signals(run);
    int status = screen->window ? run_in_window(run, screen, fault) : kl_run_loop(run, fault);
    if (!screen->window && isatty(STDERR_FILENO)) {
        (void)fputc('\n', stderr);
    }
    catch_signals(NULL);
    return status;
}
