#include "app/input_file.h"

#include "app/flag_table.h"
#include "app/settings_json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct kl_source *open_source(void *self, struct kl_fault *fault)
{
    const struct kl_input_file *recording = self;
    return kl_recording_open(recording->path, &recording->options, fault);
}

static void close_source(void *self, struct kl_source *source)
{
    (void)self;
    kl_source_close(source);
}

/** Settings and flag table stand before the first sample of a session of ours. */
static int read_embedded(struct kl_input_file *recording, struct kl_source *source,
                         struct kl_fault *fault)
{
    struct kl_item item;
    while (kl_source_next(source, 0, &item, fault) == KL_SOURCE_ITEM &&
           item.kind == KL_ITEM_EVENT) {
        int status = KL_OK;
        if (item.event.kind == KL_EVENT_SETTINGS) {
            status = kl_settings_read(item.event.text, strlen(item.event.text),
                                      &recording->lab.settings, fault);
        } else if (item.event.kind == KL_EVENT_FLAG_TABLE && recording->flags_path == NULL) {
            char name[300];
            (void)snprintf(name, sizeof(name), "%.200s (embedded flag table)", recording->path);
            status = kl_flag_table_parse(name, item.event.text, strlen(item.event.text),
                                         &recording->lab.flags, fault);
        }
        if (status != KL_OK) {
            return status;
        }
    }
    return KL_OK;
}

int kl_input_file_prepare(struct kl_input_file *recording, struct kl_fault *fault)
{
    int status = kl_lab_defaults(recording->flags_path, &recording->lab, fault);
    if (status != KL_OK) {
        return status;
    }
    struct kl_source *source = open_source(recording, fault);
    if (source == NULL) {
        return KL_ERR_DATA;
    }
    status = read_embedded(recording, source, fault);
    kl_source_close(source);
    return status;
}

struct kl_run_config kl_input_file_run(struct kl_input_file *recording)
{
    return (struct kl_run_config){.open = open_source,
                                  .close = close_source,
                                  .self = recording,
                                  .settings = recording->lab.settings,
                                  .flags = &recording->lab.flags,
                                  .replay = true,
                                  .path = recording->path};
}

int kl_input_file_plates(const struct kl_input_file *recording, const struct kl_run *run,
                         struct kl_fault *fault)
{
    const struct kl_stream *stream = NULL;
    const struct kl_run_stream *counts = NULL;
    size_t count = kl_run_streams(run, &stream, &counts);
    size_t plates = 0;
    for (size_t i = 0; i < count; i++) {
        plates += stream[i].kind == KL_KIND_FORCE ? 1 : 0;
    }
    if (plates == 0) {
        return kl_fault(fault, KL_ERR_DATA,
                        "%s: holds no force platform (%zu other streams); steps need one, `kneelab "
                        "export` writes what is there",
                        recording->path, count);
    }
    struct kl_snapshot *state = calloc(1, sizeof(*state));
    if (state == NULL) {
        return kl_fault(fault, KL_ERR_MEM, "out of memory");
    }
    kl_run_final(run, state);
    int status = KL_OK;
    if (state->plate_count == 0) {
        status = kl_fault(fault, KL_ERR_DATA, "%s: %s; `kneelab export` writes its forces",
                          recording->path, state->plate_problem);
    } else if (state->plate_problem[0] != '\0') {
        (void)kl_fault(fault, KL_OK, "%s: %s", recording->path, state->plate_problem);
    }
    free(state);
    return status;
}

struct kl_run *kl_input_file_analyze(struct kl_input_file *recording, struct kl_results *results,
                                     bool *fell_short, struct kl_fault *fault)
{
    *fell_short = false;
    if (kl_input_file_prepare(recording, fault) != KL_OK) {
        return NULL;
    }
    struct kl_run_config config = kl_input_file_run(recording);
    config.sink = kl_results_sink(results);
    struct kl_run *run = kl_run_create(&config, fault);
    if (run == NULL) {
        return NULL;
    }
    *fell_short = kl_run_loop(run, fault) != KL_OK || kl_run_left_out(run, fault) != KL_OK;
    results->figures = *kl_pipeline_figures(kl_run_pipeline(run));
    if (results->out_of_memory) {
        *fell_short = true;
        (void)kl_fault(fault, KL_ERR_MEM, "%s: out of memory for its steps", recording->path);
    }
    return run;
}
