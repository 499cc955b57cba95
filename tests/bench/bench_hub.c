/* What a sample costs on its way from a device thread to the session thread.
 *
 * Three numbers: one sample through ring, stage and block on one thread; the most values per second
 * that two threads sustain; and the share of a processor that a full lab takes by the clock.
 * The full lab of design.md: 337,000 values/s. Prints; fails only when samples are lost.
 */
#include "acquire/hub.h"
#include "acquire/hub_device.h"
#include "toy_device.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define LAB_SECONDS 2.0
#define FRAMES 400000

/* 2 x 8 x 2000 + 8 x 10 x 400 + 2 x 16 x 8540 = 337,280 values/s */
static const struct toy lab[] = {
    {.stream_count = 2,
     .stream = {{"plate.left", 2000, 8, KL_FORMAT_FLOAT32, 0},
                {"plate.right", 2000, 8, KL_FORMAT_FLOAT32, 0}}},
    {.stream_count = 8,
     .stream = {{"imu.1", 400, 10, KL_FORMAT_FLOAT32, 0},
                {"imu.2", 400, 10, KL_FORMAT_FLOAT32, 0},
                {"imu.3", 400, 10, KL_FORMAT_FLOAT32, 0},
                {"imu.4", 400, 10, KL_FORMAT_FLOAT32, 0},
                {"imu.5", 400, 10, KL_FORMAT_FLOAT32, 0},
                {"imu.6", 400, 10, KL_FORMAT_FLOAT32, 0},
                {"imu.7", 400, 10, KL_FORMAT_FLOAT32, 0},
                {"imu.8", 400, 10, KL_FORMAT_FLOAT32, 0}}},
    {.stream_count = 2,
     .stream = {{"emg.1", 8540, 16, KL_FORMAT_FLOAT32, 0},
                {"emg.2", 8540, 16, KL_FORMAT_FLOAT32, 0}}},
};

/* A device whose samples cost nothing to make: one buffer, only the time changes. */
static int configure_still(void *state, const void *config, struct kl_stream *out, size_t cap,
                           struct kl_fault *fault)
{
    (void)state, (void)config, (void)cap, (void)fault;
    out[0] = (struct kl_stream){
        .name = "still", .format = KL_FORMAT_FLOAT32, .rate_hz = 100000, .channel_count = 8};
    return 1;
}

static int generate_still(void *state, int64_t until_ns, struct kl_sample *out, size_t cap)
{
    int64_t *next_ns = state;
    size_t count = 0;
    for (; count < cap && KL_EPOCH_NS + *next_ns < until_ns; count++) {
        out[count].stream = 0;
        out[count].quality = 0;
        out[count].device_ns = KL_EPOCH_NS + *next_ns;
        for (size_t c = 0; c < 8; c++) {
            out[count].value[c] = 0.1 * (double)c;
        }
        *next_ns += 10000;
    }
    return (int)count;
}

static const struct kl_driver still = {.name = "still",
                                       .time_meaning = KL_TIME_SESSION,
                                       .state_size = sizeof(int64_t),
                                       .configure = configure_still,
                                       .generate = generate_still};

static double clock_s(clockid_t id)
{
    struct timespec now;
    (void)clock_gettime(id, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

struct pulled {
    uint64_t samples, values, blocks;
    double wall_s, thread_s, process_s;
    uint64_t lost;
};

static struct pulled pull(struct kl_hub *hub, struct kl_source *source)
{
    struct pulled pulled = {0};
    double wall = clock_s(CLOCK_MONOTONIC), thread = clock_s(CLOCK_THREAD_CPUTIME_ID),
           process = clock_s(CLOCK_PROCESS_CPUTIME_ID);
    struct kl_item item;
    struct kl_fault fault;
    int answer;
    while ((answer = kl_source_next(source, 100000000, &item, &fault)) != KL_SOURCE_END &&
           answer >= 0) {
        if (answer == KL_SOURCE_ITEM && item.kind == KL_ITEM_BLOCK) {
            pulled.samples += item.block.count;
            pulled.values += item.block.count * source->stream[item.block.stream].channel_count;
            pulled.blocks++;
        }
    }
    pulled.wall_s = clock_s(CLOCK_MONOTONIC) - wall;
    pulled.thread_s = clock_s(CLOCK_THREAD_CPUTIME_ID) - thread;
    pulled.process_s = clock_s(CLOCK_PROCESS_CPUTIME_ID) - process;
    struct kl_hub_device shown[4];
    size_t count = kl_hub_devices(hub, shown, 4);
    for (size_t d = 0; d < count; d++) {
        pulled.lost += shown[d].lost;
    }
    return pulled;
}

static int need(const void *made, const struct kl_fault *fault)
{
    if (made == NULL) {
        (void)fprintf(stderr, "bench_hub: %s\n", fault->text);
        exit(EXIT_FAILURE);
    }
    return 0;
}

/* No threads: the stage and block part alone, with 8 values per sample. */
static void bench_fast(void)
{
    struct kl_fault fault = {.text = ""};
    struct kl_hub *hub = kl_hub_create();
    need(hub, &fault);
    (void)kl_hub_add(hub, "still", &still, NULL, &fault);
    struct kl_source *source = kl_hub_start(hub, true, 20.0, &fault);
    need(source, &fault);
    struct pulled p = pull(hub, source);
    printf("fast mode:   %6.1f ns per sample of 8 values, %.1f million values/s\n",
           p.wall_s / (double)p.samples * 1e9, (double)p.values / p.wall_s * 1e-6);
    kl_hub_destroy(hub);
}

/* A link that delivers as fast as it is read: framing, ring and session thread flat out. The ring
 * may overflow here: what is measured is what gets through. */
static void bench_link(void)
{
    static const struct toy imu = {.stream_count = 1,
                                   .stream = {{"imu", 100000, 9, KL_FORMAT_FLOAT32, 0}}};
    struct kl_fault fault = {.text = ""};
    uint8_t *bytes = malloc((size_t)FRAMES * TOY_FRAME_MAX);
    need(bytes, &fault);
    size_t len = 0;
    for (uint64_t i = 0; i < FRAMES; i++) {
        len += toy_frame_write(&imu, 0, i, bytes + len);
    }
    struct toy_link link;
    toy_link_init(&link, bytes, len, 4096);
    struct kl_hub *hub = kl_hub_create();
    need(hub, &fault);
    (void)kl_hub_add_link(hub, "imu", &toy_framed, &imu, &link.link, &fault);
    struct kl_source *source = kl_hub_start(hub, false, 0, &fault);
    need(source, &fault);
    struct pulled p = pull(hub, source);
    printf(
        "two threads: %6.1f ns per framed sample of 9 values on the session thread, %.1f million "
        "values/s sustained, %llu of %d lost\n",
        p.thread_s / (double)p.samples * 1e9, (double)p.values / p.wall_s * 1e-6,
        (unsigned long long)p.lost, FRAMES);
    kl_hub_destroy(hub);
    free(bytes);
}

/* A full lab by the clock. @return samples lost: there must be none */
static uint64_t bench_lab(void)
{
    struct kl_fault fault = {.text = ""};
    struct kl_hub *hub = kl_hub_create();
    need(hub, &fault);
    for (size_t d = 0; d < sizeof(lab) / sizeof(lab[0]); d++) {
        char name[8];
        (void)snprintf(name, sizeof(name), "d%zu", d);
        (void)kl_hub_add(hub, name, &toy_generator, &lab[d], &fault);
    }
    struct kl_source *source = kl_hub_start(hub, false, LAB_SECONDS, &fault);
    need(source, &fault);
    struct pulled p = pull(hub, source);
    printf("full lab:    %.0f values/s by the clock: %.2f %% of a processor on the session thread, "
           "%.2f %% with the simulated devices, %.1f samples per block, %llu lost\n",
           (double)p.values / LAB_SECONDS, p.thread_s / p.wall_s * 100,
           p.process_s / p.wall_s * 100, (double)p.samples / (double)p.blocks,
           (unsigned long long)p.lost);
    kl_hub_destroy(hub);
    return p.lost;
}

int main(void)
{
    bench_fast();
    bench_link();
    return bench_lab() == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
