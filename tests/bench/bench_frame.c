/* How long a frame takes: a full live screen at 1920x1080, 60 frames per second, two 1 kHz plates.
 *     bench_frame [FRAMES]
 * Prints percentiles of the incremental frame (own surface, and painted on as in a window) and of
 * drawing everything anew, as time of the processor and on the wall: on a busy machine only the
 * first says something about this program. Goal: p99 of the incremental frame below 5 ms. */
#include "../visualize/synthetic_snapshot.h"
#include "visualize/screen.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define WIDTH 1920
#define HEIGHT 1080
#define GOAL_MS 5.0    /* a third of a frame at 60 Hz: the rest is the desktop's */
#define WARM_FRAMES 60 /* one second fills the text cache, as in any session */

struct instant {
    double cpu_ms, wall_ms;
};

static double clock_ms(clockid_t clock)
{
    struct timespec now;
    (void)clock_gettime(clock, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static struct instant now(void)
{
    return (struct instant){clock_ms(CLOCK_THREAD_CPUTIME_ID), clock_ms(CLOCK_MONOTONIC)};
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

static double report(const char *what, double *ms, size_t count)
{
    qsort(ms, count, sizeof(*ms), by_size);
    double p99 = ms[count * 99 / 100];
    (void)printf("%-34s p50 %6.2f ms   p99 %6.2f ms   max %6.2f ms   (%zu frames)\n", what,
                 ms[count / 2], p99, ms[count - 1], count);
    return p99;
}

/* Times `count` frames into cpu and wall; a live one changes the snapshot at 60 Hz, `anew` forgets
 * everything before each. @return false without memory */
static bool run(size_t count, cairo_t *cr, bool anew, double *cpu_ms, double *wall_ms)
{
    static struct kl_snapshot snapshot;
    struct kl_screen *screen = kl_screen_create(WIDTH, HEIGHT, KL_THEME_DARK);
    if (screen == NULL) {
        return false;
    }
    enum kl_theme theme = KL_THEME_DARK;
    for (size_t i = 0; i < count + WARM_FRAMES; i++) {
        synthetic_snapshot(SYNTHETIC_FULL, 40.0 + (double)i / 60.0, &snapshot);
        if (anew) {
            theme = theme == KL_THEME_DARK ? KL_THEME_LIGHT : KL_THEME_DARK;
        }
        struct instant begin = now();
        kl_screen_set_theme(screen, theme);
        kl_screen_draw(screen, &snapshot, cr);
        struct instant end = now();
        if (i >= WARM_FRAMES) {
            cpu_ms[i - WARM_FRAMES] = end.cpu_ms - begin.cpu_ms;
            wall_ms[i - WARM_FRAMES] = end.wall_ms - begin.wall_ms;
        }
    }
    kl_screen_destroy(screen);
    return true;
}

int main(int argc, char **argv)
{
    size_t count = argc > 1 ? (size_t)strtoul(argv[1], NULL, 10) : 1200;
    double *cpu_ms = calloc(count + 1, sizeof(*cpu_ms));
    double *wall_ms = calloc(count + 1, sizeof(*wall_ms));
    cairo_surface_t *window = cairo_image_surface_create(CAIRO_FORMAT_ARGB32, WIDTH, HEIGHT);
    cairo_t *cr = cairo_create(window);
    bool done =
        cpu_ms != NULL && wall_ms != NULL && count > 0 && cairo_status(cr) == CAIRO_STATUS_SUCCESS;
    if (done && (done = run(count, NULL, false, cpu_ms, wall_ms))) {
        double p99 = report("what changed, processor", cpu_ms, count);
        (void)report("what changed, wall", wall_ms, count);
        (void)printf("goal: p99 below %.0f ms: %s\n", GOAL_MS, p99 < GOAL_MS ? "met" : "MISSED");
    }
    if (done && (done = run(count, cr, false, cpu_ms, wall_ms))) {
        (void)report("and painted on, processor", cpu_ms, count);
        (void)report("and painted on, wall", wall_ms, count);
    }
    if (done && (done = run(count / 10 + 1, NULL, true, cpu_ms, wall_ms))) {
        (void)report("everything anew, processor", cpu_ms, count / 10 + 1);
    }
    cairo_destroy(cr);
    cairo_surface_destroy(window);
    free(cpu_ms);
    free(wall_ms);
    return done ? 0 : 1; /* a busy machine is not a wrong program: the goal is read, not enforced */
}
