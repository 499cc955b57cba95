/* How long the session thread is busy: per sample, and for the sample that completes a step. */
#define _POSIX_C_SOURCE 200809L
#include "../process/session.h"
#include "process/steps/body_weight.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define RATE_HZ 1000.0
#define SECONDS 300
#define STEPS_MAX 2000

static int64_t clock_ns(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * KL_NS_PER_S + now.tv_nsec;
}

struct watch {
    bool stepped;
    double off_ns;
};

static void on_step(void *self, const struct kl_step *step)
{
    struct watch *watch = self;
    watch->stepped = true;
    watch->off_ns = step->off_ns;
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double quantile(const double *sorted, size_t n, double q)
{
    return sorted[(size_t)(q * (double)(n - 1))];
}

static struct session_samples make_run(void)
{
    struct session_samples samples =
        session_samples(0, KL_WRENCH_COUNT, (size_t)(SECONDS * RATE_HZ), RATE_HZ);
    for (size_t i = 0; i < samples.count; i++) {
        double t = (double)i / RATE_HZ - 3, k = floor(t / 0.35);
        double fy = t < 0 ? 0 : session_half_sine(t - k * 0.35, 0.25, 0.35, 70 * KL_GRAVITY_M_S2);
        samples.value[i * KL_WRENCH_COUNT + KL_FY] = fy + sin(12.9898 * (double)i);
        samples.value[i * KL_WRENCH_COUNT + KL_MX] = (fmod(k, 2) > 0 ? 0.03 : -0.03) * fy;
    }
    return samples;
}

int main(void)
{
    struct kl_stream stream = session_wrench_plate("plate.belt", KL_SIDE_UNKNOWN, RATE_HZ);
    struct kl_settings settings = kl_settings_defaults();
    struct watch watch = {0};
    struct kl_pipeline *pipeline = kl_pipeline_create(
        &stream, 1, &settings, NULL, (struct kl_pipeline_sink){.self = &watch, .step = on_step});
    struct session_samples samples = make_run();
    struct kl_snapshot *snapshot = calloc(1, sizeof(*snapshot));
    if (pipeline == NULL || snapshot == NULL) {
        return 1;
    }
    static double step_us[STEPS_MAX], busy_us[STEPS_MAX], wait_ms[STEPS_MAX];
    size_t steps = 0;
    double all_us = 0, worst_us = 0, copy_us = 0;
    for (size_t i = 0; i < samples.count; i++) {
        watch.stepped = false;
        int64_t busy_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID), from_ns = clock_ns(CLOCK_MONOTONIC);
        session_block(pipeline, &samples, i, i + 1);
        double us = (double)(clock_ns(CLOCK_MONOTONIC) - from_ns) / 1e3;
        double cpu_us = (double)(clock_ns(CLOCK_THREAD_CPUTIME_ID) - busy_ns) / 1e3;
        all_us += cpu_us;
        worst_us = fmax(worst_us, cpu_us);
        if (watch.stepped && steps < STEPS_MAX) {
            step_us[steps] = us;
            busy_us[steps] = cpu_us;
            wait_ms[steps++] = ((double)samples.t_ns[i] - watch.off_ns) / 1e6;
        }
    }
    for (int i = 0; i < 100; i++) {
        int64_t from_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID);
        kl_pipeline_snapshot(pipeline, snapshot);
        copy_us += (double)(clock_ns(CLOCK_THREAD_CPUTIME_ID) - from_ns) / 1e5;
    }
    qsort(step_us, steps, sizeof(step_us[0]), by_size);
    qsort(busy_us, steps, sizeof(busy_us[0]), by_size);
    qsort(wait_ms, steps, sizeof(wait_ms[0]), by_size);
    printf("pipeline: %zu steps of one 1000 Hz plate\n", steps);
    printf("last sample to step   p50 %.1f us  p99 %.1f us by the clock\n",
           quantile(step_us, steps, 0.5), quantile(step_us, steps, 0.99));
    printf("                      p50 %.1f us  p99 %.1f us of this thread\n",
           quantile(busy_us, steps, 0.5), quantile(busy_us, steps, 0.99));
    printf("any sample            mean %.2f us  worst %.1f us of this thread\n",
           all_us / (double)samples.count, worst_us);
    printf("toe-off to step       p50 %.0f ms  p99 %.0f ms of data time (stride known)\n",
           quantile(wait_ms, steps, 0.5), quantile(wait_ms, steps, 0.99));
    printf("snapshot copy         mean %.1f us  %zu bytes\n", copy_us, sizeof(*snapshot));
    session_samples_free(&samples);
    free(snapshot);
    kl_pipeline_destroy(pipeline);
    return steps > 800 ? 0 : 1;
}
