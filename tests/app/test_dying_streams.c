/* A stream that dies, through hub and pipeline: its own metrics are grey, the others untouched. */
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
