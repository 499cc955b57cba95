/* From bytes at the host to the metric: emulated boards hand records to a socket at a known time;
 * hub and pipeline take them in this process, on the same cores. Prints the time from there to the
 * end of the pipeline's work on the sample, and to a snapshot of it (goal: p50 0.5 ms, p99 2 ms).
 *
 *     bench_arrival [SECONDS]
 */
#include "acquire/hub.h"
#include "app/lab.h"
#include "process/pipeline.h"
#include "record_device.h"
#include "rig_lab.h"

#include <stdio.h>
#include <stdlib.h>

#define HANDED 65536
#define TIMES_MAX ((size_t)4000000)
#define BOARDS 4

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

struct bench {
    struct rig_lab lab;
    uint64_t next[BOARDS]; /* number of the next sample, once the first is known */
    double *taken_us, *shown_us;
    size_t count;
};

/* The number of the first sample: by its values. */
static uint64_t number_of(const struct rig_member *member, const double *value, size_t channels)
{
    for (uint64_t k = 0; k < HANDED; k++) {
        double meant[KL_CHANNELS_MAX] = {0};
        size_t c = 0;
        member->emulated->meant(member->self, 0, k, meant);
        while (c < channels && meant[c] - value[c] < 1e-6 && value[c] - meant[c] < 1e-6) {
            c++;
        }
        if (c == channels) {
            return k;
        }
    }
    return 0;
}

static void note(struct bench *bench, const struct kl_block *block, size_t channels,
                 int64_t taken_ns, int64_t shown_ns)
{
    const struct rig_member *member = &bench->lab.member[block->stream];
    const struct record_device *device = member->self;
    if (bench->next[block->stream] == 0) {
        bench->next[block->stream] = number_of(member, block->value, channels);
    }
    uint64_t k = bench->next[block->stream];
    bench->next[block->stream] += block->count;
    for (size_t i = 0; i < block->count && bench->count < TIMES_MAX; i++) {
        int64_t handed_ns = member->device.on_ns + device->handed_ns[(k + i) % HANDED];
        bench->taken_us[bench->count] = (double)(taken_ns - handed_ns) / 1e3;
        bench->shown_us[bench->count++] = (double)(shown_ns - handed_ns) / 1e3;
    }
}

static void print(const char *what, double *us, size_t count)
{
    qsort(us, count, sizeof(*us), by_size);
    (void)printf("%s: p50 %.3f ms (goal 0.5), p99 %.3f ms (goal 2), worst %.3f ms of %zu samples\n",
                 what, us[count / 2] / 1e3, us[count * 99 / 100] / 1e3, us[count - 1] / 1e3, count);
}

static void pull(struct bench *bench, struct kl_source *source)
{
    struct kl_settings settings = kl_settings_defaults();
    struct kl_pipeline *pipeline = kl_pipeline_create(
        source->stream, source->stream_count, &settings, NULL, (struct kl_pipeline_sink){0});
    struct kl_snapshot *snapshot = calloc(1, sizeof(*snapshot));
    struct kl_item item;
    struct kl_fault fault;
    int answer = KL_SOURCE_IDLE;
    while (pipeline != NULL && snapshot != NULL && answer >= 0 && answer != KL_SOURCE_END) {
        answer = kl_source_next(source, 1000000, &item, &fault);
        if (answer == KL_SOURCE_ITEM) {
            kl_pipeline_item(pipeline, &item);
        }
        if (answer == KL_SOURCE_ITEM && item.kind == KL_ITEM_BLOCK) {
            int64_t taken_ns = rig_now_ns();
            kl_pipeline_snapshot(pipeline, snapshot);
            note(bench, &item.block, source->stream[item.block.stream].channel_count, taken_ns,
                 rig_now_ns());
        }
    }
    free(snapshot);
    kl_pipeline_destroy(pipeline);
}

int main(int argc, char **argv)
{
    static struct rig rig;
    static struct bench bench;
    static struct kl_lab lab;
    static const struct emulated_device *const board[BOARDS] = {&record_plate_2k, &record_plate_2k,
                                                                &record_imu_400, &record_imu_400};
    const double seconds = argc > 1 ? strtod(argv[1], NULL) : 20;
    const struct rig_delivery delivery = {.burst_min_ns = 1000000, .burst_max_ns = 20000000};
    struct kl_fault fault = {.text = ""};
    bench.taken_us = malloc(TIMES_MAX * sizeof(double));
    bench.shown_us = malloc(TIMES_MAX * sizeof(double));
    rig_start(&rig);
    rig_lab_begin(&bench.lab, &rig);
    for (size_t i = 0; i < BOARDS; i++) {
        struct rig_member *member =
            rig_lab_add_emulated(&bench.lab, board[i], KL_LINK_TCP, "", delivery);
        struct record_device *device = member->self;
        device->handed_ns = calloc(HANDED, sizeof(int64_t));
        device->handed_count = HANDED;
        rig_add(&rig, &member->device);
    }
    struct kl_hub *hub = kl_hub_create();
    bool ok = kl_lab_load(rig_lab_write(&bench.lab), &lab, &fault) == KL_OK &&
              kl_lab_plug(&lab, hub, &fault) == KL_OK;
    struct kl_source *source = ok ? kl_hub_start(hub, false, seconds, &fault) : NULL;
    if (source != NULL) {
        pull(&bench, source);
    } else {
        (void)fprintf(stderr, "%s\n", fault.text);
    }
    kl_hub_destroy(hub);
    rig_stop(&rig);
    for (size_t i = 0; i < BOARDS; i++) {
        free(((struct record_device *)bench.lab.member[i].self)->handed_ns);
    }
    rig_lab_end(&bench.lab);
    if (bench.count > 0) {
        print("arrival to metric", bench.taken_us, bench.count);
        print("arrival to snapshot", bench.shown_us, bench.count);
    }
    free(bench.taken_us);
    free(bench.shown_us);
    return bench.count > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
