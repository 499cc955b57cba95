/* kneelab analyze FILE...: steps and summary of recordings, as fast as the machine can. */
#include "app/input_file.h"
#include "app/step_csv.h"
#include "app/summary_json.h"
#include "app/verbs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TABLE_HEAD 34 /* places of the longest label and unit */

static bool shown(double value, const struct kl_metric *metric, const struct kl_snapshot *state,
                  double *out)
{
    return kl_metric_display(metric, value, state->body_weight_n, state->height_m, out);
}

/** One cell: "276.4 ± 5.5", or "-" where there is nothing. */
static void print_cell(const struct kl_pipeline *pipeline, enum kl_side side, enum kl_metric_id id,
                       const struct kl_snapshot *state)
{
    const struct kl_metric *metric = kl_metric_get(id);
    double mean = 0.0;
    double sd = 0.0;
    char cell[48] = "-";
    if (kl_pipeline_summary(pipeline, side, id, &mean, &sd) > 0 &&
        shown(mean, metric, state, &mean) && shown(sd, metric, state, &sd)) {
        (void)snprintf(cell, sizeof(cell), "%.*f +- %.*f", metric->decimals, mean, metric->decimals,
                       sd);
    }
    (void)printf(" %20s", cell);
}

/** Places a text takes: letters of UTF-8, not bytes ("BW·s"). */
static int columns_of(const char *text)
{
    int columns = 0;
    for (const char *p = text; *p != '\0'; p++) {
        columns += ((unsigned char)*p & 0xc0u) != 0x80u;
    }
    return columns < TABLE_HEAD ? columns : TABLE_HEAD;
}

/** Why steps are not valid, most steps share a few reasons: "not valid: 3 no next step, 1 cut". */
static void print_refusals(const struct kl_results *results)
{
    const char *separator = "  not valid: ";
    for (unsigned bit = 0; bit < KL_REASON_COUNT; bit++) {
        size_t count = 0;
        for (size_t i = 0; i < results->step_count; i++) {
            count += !results->step[i].valid && (results->step[i].reasons & 1u << bit) != 0;
        }
        if (count > 0) {
            (void)printf("%s%zu %s", separator, count, kl_reason_text((enum kl_reason)(1u << bit)));
            separator = ", ";
        }
    }
    if (separator[0] == ',') {
        (void)putchar('\n');
    }
}

static void print_table(const char *file, const struct kl_run *run,
                        const struct kl_results *results)
{
    const struct kl_pipeline *pipeline = kl_run_pipeline(run);
    struct kl_snapshot *state = calloc(1, sizeof(*state));
    if (state == NULL) {
        return;
    }
    kl_run_final(run, state);
    size_t valid = 0;
    for (size_t i = 0; i < results->step_count; i++) {
        valid += results->step[i].valid ? 1 : 0;
    }
    (void)printf("%s\n  %zu contacts, %zu valid steps, %s", file, kl_pipeline_contacts(pipeline),
                 valid, kl_gait_text(state->gait));
    if (state->body_weight_n > 0.0) {
        (void)printf(", body weight %.1f N (%s)", state->body_weight_n, state->body_weight_from);
    }
    (void)printf("\n  %*s %20s %20s %20s\n", TABLE_HEAD, "", "left", "right", "both");
    for (int id = 0; id < KL_METRIC_COUNT; id++) {
        const struct kl_metric *metric = kl_metric_get((enum kl_metric_id)id);
        char head[64];
        (void)snprintf(head, sizeof(head), "%s, %s", metric->label,
                       metric->display_unit[0] != '\0' ? metric->display_unit : "-");
        (void)printf("  %s%*s", head, TABLE_HEAD - columns_of(head), "");
        print_cell(pipeline, KL_SIDE_LEFT, (enum kl_metric_id)id, state);
        print_cell(pipeline, KL_SIDE_RIGHT, (enum kl_metric_id)id, state);
        print_cell(pipeline, KL_SIDE_UNKNOWN, (enum kl_metric_id)id, state);
        (void)putchar('\n');
    }
    print_refusals(results);
    for (size_t i = 0; i < results->flag_count; i++) {
        char message[1024];
        kl_flag_message(&results->flag[i].rule, &results->flag[i].flag, message, sizeof(message));
        (void)printf("  %7.1f s  %-6s %s\n", kl_recording_seconds(results->flag[i].flag.t_ns),
                     kl_flag_state_text(results->flag[i].flag.state), message);
    }
    free(state);
}

struct choice {
    struct kl_input_file recording; /* options common to all files */
    bool json, csv;
};

/** What is wrong with a file, in one line: with its plates, then with its bytes. */
static void complain_once(const char *path, const struct kl_fault *plates,
                          const struct kl_fault *reading)
{
    const char *first = plates->text[0] != '\0' ? plates->text : reading->text;
    const char *then = plates->text[0] != '\0' ? reading->text : "";
    size_t named = strlen(path);
    if (strncmp(then, path, named) == 0 && strncmp(then + named, ": ", 2) == 0) {
        then += named + 2; /* said once */
    }
    if (first[0] != '\0') {
        kl_complain("analyze", "%s%s%s", first, then[0] != '\0' ? "; " : "", then);
    }
}

/** One file. @return its exit status; appends to `all` with --json */
static int analyze_file(const struct choice *choice, const char *path, json_t *all)
{
    struct kl_input_file recording = choice->recording;
    recording.path = path;
    struct kl_results results = {0};
    struct kl_fault fault = {{0}};
    bool fell_short = false;
    struct kl_run *run = kl_input_file_analyze(&recording, &results, &fell_short, &fault);
    if (run == NULL) {
        kl_complain("analyze", "%s", fault.text);
        kl_results_free(&results);
        kl_lab_free(&recording.lab);
        return KL_EXIT_SHORT;
    }
    struct kl_fault plates = {{0}};
    fell_short = kl_input_file_plates(&recording, run, &plates) != KL_OK || fell_short;
    complain_once(path, &plates, &fault);
    if (choice->json) {
        (void)json_array_append_new(all, kl_summary_json(path, run, &results));
    } else if (choice->csv) {
        kl_step_csv(stdout, &results);
    } else {
        print_table(path, run, &results);
    }
    kl_run_destroy(run);
    kl_results_free(&results);
    kl_lab_free(&recording.lab);
    return fell_short ? KL_EXIT_SHORT : KL_EXIT_OK;
}

int kl_verb_analyze(int argc, char **argv)
{
    struct choice choice = {0};
    const struct kl_option options[] = {
        {"--json", KL_OPTION_FLAG, &choice.json, NULL,
         "steps, summary and flags as JSON, SI units"},
        {"--csv", KL_OPTION_FLAG, &choice.csv, NULL, "steps as CSV"},
        {"--columns", KL_OPTION_TEXT, &choice.recording.options.columns, "DESC.yaml",
         "what the columns of delimited text mean (else FILE.yaml beside it)"},
        {"--row", KL_OPTION_COUNT, &choice.recording.options.row, "N",
         "which record of a file that holds one per line, from 0"},
        {"--flags", KL_OPTION_TEXT, &choice.recording.flags_path, "TABLE.yaml",
         "judge by this flag table instead of the one in force"},
    };
    const struct kl_arguments arguments = {
        .verb = "analyze",
        .operands = "FILE...",
        .summary =
            "Finds the steps of recordings (XDF, C3D, MOT, delimited text) and prints every\n"
            "metric with mean and SD per side. Exit status 1: a file is damaged or unusable.",
        .option = options,
        .option_count = sizeof(options) / sizeof(options[0]),
        .operand_min = 1,
        .operand_max = 10000,
    };
    int files = kl_arguments_read(&arguments, argc, argv);
    if (files < 0) {
        return kl_arguments_exit(files);
    }
    json_t *all = json_array();
    int status = KL_EXIT_OK;
    for (int i = 0; i < files; i++) {
        int one = analyze_file(&choice, argv[i], all);
        status = one != KL_EXIT_OK ? one : status;
    }
    if (choice.json && json_array_size(all) > 0) {
        /* one file: the object itself; several: a list of them */
        json_t *shown_json = files == 1 ? json_array_get(all, 0) : all;
        (void)json_dumpf(shown_json, stdout, JSON_INDENT(1));
        (void)putchar('\n');
    }
    json_decref(all);
    return status;
}
