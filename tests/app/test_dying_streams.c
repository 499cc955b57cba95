/* Streams that die or come late, through hub and pipeline: a dead one greys its own metrics, a late
 * one changes nothing. */
#include "acquire/hub.h"
#include "truth_table.h"

#include <criterion/criterion.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECONDS 104.0 /* 16 of them running */
static void run(const char *name, double dies_s, struct kl_results *results)
{
    struct kl_virtual_runner runner = truth_runner(true);
    struct kl_fault fault = {{0}};
    struct kl_hub *hub = kl_hub_create();
    cr_assert(kl_hub_add(hub, "runner", &kl_virtual_runner_driver, &runner, &fault) >= 0);
    struct kl_source *source = kl_hub_start(hub, true, SECONDS, &fault);
    cr_assert_not_null(source, "%s", fault.text);
    struct kl_settings settings = kl_settings_defaults();
    struct kl_pipeline *pipeline = kl_pipeline_create(source->stream, source->stream_count,
                                                      &settings, NULL, kl_results_sink(results));
    cr_assert_not_null(pipeline);
    struct kl_item item;
    while (kl_source_next(source, 0, &item, &fault) == KL_SOURCE_ITEM) {
        const struct kl_stream *stream =
            item.kind == KL_ITEM_BLOCK ? &source->stream[item.block.stream] : NULL;
        bool troubled = stream != NULL && strcmp(stream->name, name) == 0;
        if (troubled && kl_seconds(item.block.t_ns[0]) > dies_s) {
            continue;
        }
        kl_pipeline_item(pipeline, &item);
    }
    kl_pipeline_end(pipeline);
    kl_pipeline_destroy(pipeline);
    kl_hub_destroy(hub);
}

Test(dying_streams, a_thigh_that_dies_greys_its_own_metrics_and_leaves_the_others)
{
    const double dies_s = 97;
    struct kl_results plain = {0};
    struct kl_results dead = {0};
    run("", 0, &plain);
    run("imu.thigh.left", dies_s, &dead);
    cr_assert_eq(plain.step_count, dead.step_count);
    enum kl_metric_id knee = kl_metric_find("knee_flexion_peak");
    static const char *const untouched[] = {"contact_time",    "eversion_excursion",
                                            "tibial_rotation", "tibial_shock_axial",
                                            "pelvic_drop_mid", "vmo_delay"};
    size_t greyed = 0;
    for (size_t i = 0; i < plain.step_count; i++) {
        const struct kl_step *step = &dead.step[i];
        if (step->side == KL_SIDE_LEFT && step->contact_ns * 1e-9 > dies_s) {
            cr_expect_neq(step->metric_reasons[knee], 0, "step at %g s", step->contact_ns * 1e-9);
            greyed++;
        }
        for (size_t k = 0; k < sizeof(untouched) / sizeof(untouched[0]); k++) {
            enum kl_metric_id id = kl_metric_find(untouched[k]);
            cr_expect_eq(plain.step[i].metric[id], step->metric[id], "step %zu, %s", i,
                         untouched[k]);
        }
    }
    cr_expect_gt(greyed, 5);
    kl_results_free(&plain);
    kl_results_free(&dead);
}

/* ------------------------------------------------------------------- late */

#define PIECE_S 0.02

/* An item on its way: when it arrives, and a copy of what it holds. */
struct parcel {
    double arrives_s;
    size_t order; /* of those that arrive at once */
    struct kl_item item;
    int64_t *t_ns;
    double *value;
    uint32_t *quality;
    char *text;
};

struct post {
    struct parcel *parcel;
    size_t count, cap;
};

static struct parcel *send(struct post *post, const struct kl_item *item, double arrives_s)
{
    if (post->count == post->cap) {
        post->cap = post->cap == 0 ? 4096 : 2 * post->cap;
        post->parcel = realloc(post->parcel, post->cap * sizeof(*post->parcel));
    }
    struct parcel *parcel = &post->parcel[post->count];
    *parcel = (struct parcel){.arrives_s = arrives_s, .order = post->count++, .item = *item};
    return parcel;
}

/* A block in pieces of 20 ms; each arrives with its last sample, those of `late` a while later. */
static void send_block(struct post *post, const struct kl_item *item, size_t channels,
                       double late_s)
{
    const struct kl_block *block = &item->block;
    size_t at = 0;
    while (at < block->count) {
        size_t end = at + 1;
        while (end < block->count &&
               kl_seconds(block->t_ns[end]) < kl_seconds(block->t_ns[at]) + PIECE_S) {
            end++;
        }
        struct parcel *parcel = send(post, item, kl_seconds(block->t_ns[end - 1]) + late_s);
        size_t count = end - at;
        parcel->item.block.count = count;
        parcel->t_ns = malloc(count * sizeof(*parcel->t_ns));
        parcel->value = malloc(count * channels * sizeof(*parcel->value));
        parcel->quality = malloc(count * sizeof(*parcel->quality));
        memcpy(parcel->t_ns, block->t_ns + at, count * sizeof(*parcel->t_ns));
        memcpy(parcel->value, block->value + at * channels,
               count * channels * sizeof(*parcel->value));
        memcpy(parcel->quality, block->quality + at, count * sizeof(*parcel->quality));
        at = end;
    }
}

static int by_arrival(const void *a, const void *b)
{
    const struct parcel *x = a;
    const struct parcel *y = b;
    if (x->arrives_s != y->arrives_s) {
        return x->arrives_s < y->arrives_s ? -1 : 1;
    }
    return x->order < y->order ? -1 : 1;
}

static void run_late(const char *name, double late_s, struct kl_results *results)
{
    struct kl_virtual_runner runner = truth_runner(true);
    struct kl_fault fault = {{0}};
    struct kl_hub *hub = kl_hub_create();
    cr_assert(kl_hub_add(hub, "runner", &kl_virtual_runner_driver, &runner, &fault) >= 0);
    struct kl_source *source = kl_hub_start(hub, true, SECONDS, &fault);
    cr_assert_not_null(source, "%s", fault.text);
    struct post post = {0};
    struct kl_item item;
    while (kl_source_next(source, 0, &item, &fault) == KL_SOURCE_ITEM) {
        if (item.kind == KL_ITEM_BLOCK) {
            const struct kl_stream *stream = &source->stream[item.block.stream];
            send_block(&post, &item, stream->channel_count,
                       strcmp(stream->name, name) == 0 ? late_s : 0);
        } else {
            struct parcel *parcel = send(&post, &item, kl_seconds(item.event.t_ns));
            parcel->text = strdup(item.event.text);
        }
    }
    qsort(post.parcel, post.count, sizeof(*post.parcel), by_arrival);
    struct kl_settings settings = kl_settings_defaults();
    struct kl_pipeline *pipeline = kl_pipeline_create(source->stream, source->stream_count,
                                                      &settings, NULL, kl_results_sink(results));
    cr_assert_not_null(pipeline);
    for (size_t i = 0; i < post.count; i++) {
        struct parcel *parcel = &post.parcel[i];
        if (parcel->item.kind == KL_ITEM_BLOCK) {
            parcel->item.block.t_ns = parcel->t_ns;
            parcel->item.block.value = parcel->value;
            parcel->item.block.quality = parcel->quality;
        } else {
            parcel->item.event.text = parcel->text;
        }
        kl_pipeline_item(pipeline, &parcel->item);
        free(parcel->t_ns);
        free(parcel->value);
        free(parcel->quality);
        free(parcel->text);
    }
    kl_pipeline_end(pipeline);
    kl_pipeline_destroy(pipeline);
    kl_hub_destroy(hub);
    free(post.parcel);
}

Test(dying_streams, a_shank_that_comes_300_ms_late_changes_no_bit_of_any_step)
{
    struct kl_results plain = {0};
    struct kl_results late = {0};
    run_late("", 0, &plain);
    run_late("imu.shank.right", .3, &late);
    cr_assert_eq(plain.step_count, late.step_count);
    cr_assert_gt(plain.step_count, 30);
    for (size_t i = 0; i < plain.step_count; i++) {
        for (int m = 0; m < KL_METRIC_COUNT; m++) {
            cr_expect_eq(plain.step[i].metric_reasons[m], late.step[i].metric_reasons[m],
                         "step %zu, %s: %x, late %x", i, kl_metric_get((enum kl_metric_id)m)->key,
                         plain.step[i].metric_reasons[m], late.step[i].metric_reasons[m]);
            cr_expect_eq(plain.step[i].metric[m], late.step[i].metric[m], "step %zu, %s", i,
                         kl_metric_get((enum kl_metric_id)m)->key);
        }
    }
    kl_results_free(&plain);
    kl_results_free(&late);
}
