/* kneelab replay FILE: the lab screen on a recording: pause, seek, speed. */
#include "acquire/session_file.h"
#include "app/input_file.h"
#include "app/run_screen.h"
#include "app/verbs.h"
#include "process/steps/step_record.h"
#include "visualize/screen.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ------------------------------------------------------------------- check */

/** The records a replay makes, held against the ones the file carries, line by line. */
struct comparison {
    char **line; /* [count] step records as recorded */
    size_t count, cap;
    size_t at;     /* next to be compared */
    size_t beyond; /* steps behind the last recorded one */
    size_t differing;
    char first[200];
};

static void keep_line(void *self, int64_t t_ns, const char *text)
{
    (void)t_ns;
    struct comparison *comparison = self;
    if (strncmp(text, "step ", 5) != 0) {
        return; /* a digest */
    }
    if (comparison->count == comparison->cap) {
        size_t cap = comparison->cap > 0 ? comparison->cap * 2 : 256;
        char **larger = realloc(comparison->line, cap * sizeof(*larger));
        if (larger == NULL) {
            return; /* the counts will differ */
        }
        comparison->line = larger;
        comparison->cap = cap;
    }
    char *copy = strdup(text);
    if (copy != NULL) {
        comparison->line[comparison->count++] = copy;
    }
}

static void on_step(void *self, const struct kl_step *step)
{
    struct comparison *comparison = self;
    char made[KL_RECORD_MAX];
    char field[64] = "the record";
    (void)kl_step_record(step, made, sizeof(made));
    if (comparison->at == comparison->count) {
        comparison->beyond++;
        return;
    }
    const char *recorded = comparison->line[comparison->at];
    if (!kl_record_equal(recorded, made, 0.0, field, sizeof(field)) &&
        comparison->differing++ == 0) {
        (void)snprintf(comparison->first, sizeof(comparison->first),
                       "first at step %zu, %.1f s, field %s", comparison->at,
                       (step->contact_ns - (double)KL_EPOCH_NS) / 1e9, field);
    }
    comparison->at++;
}

/** @param speed  times real time; 0: as fast as possible. It must not matter */
static int check_against_file(struct kl_input_file *recording, double speed, struct kl_fault *fault)
{
    struct comparison comparison = {0};
    int status = kl_session_derived(recording->path, keep_line, NULL, &comparison, fault);
    if (status >= 0 && comparison.count == 0) {
        status = kl_fault(fault, KL_ERR_DATA,
                          "%s: carries no step records to compare with; only sessions that "
                          "Kneelab recorded do",
                          recording->path);
    }
    struct kl_run *run = NULL;
    if (status >= 0) {
        struct kl_run_config config = kl_input_file_run(recording);
        config.sink = (struct kl_pipeline_sink){.self = &comparison, .step = on_step};
        config.speed = speed;
        run = kl_run_create(&config, fault);
        status = run != NULL ? kl_run_loop(run, fault) : KL_ERR_DATA;
    }
    /* A session that was killed was not there any more to write down its last steps. */
    bool whole = status != KL_OK || kl_run_left_out(run, fault) == KL_OK;
    if (status == KL_OK && (comparison.differing > 0 || comparison.at != comparison.count ||
                            (whole && comparison.beyond > 0))) {
        status = kl_fault(fault, KL_ERR_DATA, "%s: %zu of %zu recorded and %zu replayed steps: %s",
                          recording->path, comparison.differing, comparison.count,
                          comparison.at + comparison.beyond,
                          comparison.differing > 0 ? comparison.first : "the counts differ");
    }
    if (status == KL_OK) {
        (void)printf("%s: %zu steps, the same bits as recorded\n", recording->path,
                     comparison.count);
        status = whole ? KL_OK : KL_ERR_DATA; /* *fault says what is not */
    }
    kl_run_destroy(run);
    for (size_t i = 0; i < comparison.count; i++) {
        free(comparison.line[i]);
    }
    free(comparison.line);
    return status;
}

/* -------------------------------------------------------------------- show */

struct choice {
    struct kl_input_file recording;
    double speed, from_s;
    bool check, fast, light;
    const char *png;
};

static int write_png(const struct kl_run *run, const struct choice *choice, struct kl_fault *fault)
{
    struct kl_snapshot *snapshot = calloc(1, sizeof(*snapshot));
    struct kl_screen *screen =
        kl_screen_create(1920, 1080, choice->light ? KL_THEME_LIGHT : KL_THEME_DARK);
    int status = KL_ERR_MEM;
    if (snapshot != NULL && screen != NULL) {
        kl_run_final(run, snapshot);
        kl_screen_draw(screen, snapshot, NULL);
        status = kl_screen_png(screen, choice->png, fault);
    }
    kl_screen_destroy(screen);
    free(snapshot);
    return status;
}

static int show(struct choice *choice, struct kl_fault *fault)
{
    bool window = !choice->fast && choice->png == NULL && kl_window_available();
    struct kl_run_config config = kl_input_file_run(&choice->recording);
    config.speed = choice->fast || choice->png != NULL ? 0.0
                   : choice->speed > 0.0               ? choice->speed
                                                       : 1.0;
    config.screen = window;
    config.stay = window;
    config.progress = window ? NULL : kl_run_progress;
    struct kl_run *run = kl_run_create(&config, fault);
    if (run == NULL) {
        return KL_ERR_DATA;
    }
    if (choice->from_s > 0.0) {
        kl_run_command(run, KL_COMMAND_SEEK, choice->from_s, NULL);
    }
    const struct kl_run_screen screen = {.title = choice->recording.path,
                                         .window = window,
                                         .light = choice->light,
                                         .replay = true,
                                         .stay = true};
    int status = kl_run_watched(run, &screen, fault);
    if (status == KL_OK && choice->png != NULL) {
        status = write_png(run, choice, fault);
    }
    if (status == KL_OK) {
        status = kl_run_left_out(run, fault);
        if (status == KL_OK && fault->text[0] != '\0') {
            kl_complain("replay", "%s", fault->text);
        }
    }
    kl_run_destroy(run);
    return status;
}

int kl_verb_replay(int argc, char **argv)
{
    struct choice choice = {0};
    const struct kl_option options[] = {
        {"--speed", KL_OPTION_SECONDS, &choice.speed, "X",
         "times real time (default 1; with --check as fast as possible)"},
        {"--fast", KL_OPTION_FLAG, &choice.fast, NULL, "as fast as possible, no window"},
        {"--from", KL_OPTION_SECONDS, &choice.from_s, "N", "start N seconds into the recording"},
        {"--check", KL_OPTION_FLAG, &choice.check, NULL,
         "does a replay give the same bits as the live session? names the first difference"},
        {"--png", KL_OPTION_TEXT, &choice.png, "FILE.png", "draw the screen at the end, no window"},
        {"--columns", KL_OPTION_TEXT, &choice.recording.options.columns, "DESC.yaml",
         "what the columns of delimited text mean"},
        {"--row", KL_OPTION_COUNT, &choice.recording.options.row, "N",
         "which record of a file that holds one per line"},
        {"--flags", KL_OPTION_TEXT, &choice.recording.flags_path, "TABLE.yaml",
         "judge by this flag table instead of the one in force"},
        {"--light", KL_OPTION_FLAG, &choice.light, NULL, "light theme"},
    };
    const struct kl_arguments arguments = {
        .verb = "replay",
        .operands = "FILE",
        .summary = "Shows a recording as it was live. In the window: space pauses, arrows seek,\n"
                   "+ and - change speed. Without a display it prints progress.",
        .option = options,
        .option_count = sizeof(options) / sizeof(options[0]),
        .operand_min = 1,
        .operand_max = 1,
    };
    int answer = kl_arguments_read(&arguments, argc, argv);
    if (answer < 0) {
        return kl_arguments_exit(answer);
    }
    struct kl_fault fault = {{0}};
    choice.recording.path = argv[0];
    int status = kl_input_file_prepare(&choice.recording, &fault);
    if (status == KL_OK) {
        status = choice.check ? check_against_file(&choice.recording, choice.speed, &fault)
                              : show(&choice, &fault);
    }
    if (status != KL_OK) {
        kl_complain("replay", "%s", fault.text);
    }
    kl_lab_free(&choice.recording.lab);
    return status == KL_OK ? KL_EXIT_OK : KL_EXIT_SHORT;
}
