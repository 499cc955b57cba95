/* A recording from the command line: opened, with the settings and the flag table it carries, run
 * through the pipeline. What `analyze`, `export` and `replay` share. */
#ifndef KL_APP_INPUT_FILE_H
#define KL_APP_INPUT_FILE_H

#include "acquire/formats/recording.h"
#include "app/arguments.h"
#include "app/lab.h"
#include "app/results.h"
#include "app/run.h"

struct kl_input_file {
    const char *path;
    struct kl_recording_options options;
    const char *flags_path; /* chosen on the command line, or NULL: what the file embeds */
    struct kl_lab lab;      /* settings and flag table in force */
};

/** Looks into the file for embedded settings and flag table, else takes the shipped ones.
 *  @return KL_OK or a negative status with *fault */
int kl_input_file_prepare(struct kl_input_file *recording, struct kl_fault *fault);

/** A run over it: fill in the rest (sink, speed, screen) before kl_run_create. */
struct kl_run_config kl_input_file_run(struct kl_input_file *recording);

/** Runs it through, as fast as possible. The run is left open for its summary.
 *  @return NULL with *fault; a damaged recording gives what could be read of it in *results, and
 *          *fell_short with *fault. A *fault without *fell_short is worth saying, no more */
struct kl_run *kl_input_file_analyze(struct kl_input_file *recording, struct kl_results *results,
                                     bool *fell_short, struct kl_fault *fault);

/** Can this recording give steps at all? Says why not, in one line.
 *  @return KL_OK when at least one plate was processed (*fault says what is suspicious about it: a
 *          wrong sign, a weight that does not fit), else KL_ERR_DATA with *fault */
int kl_input_file_plates(const struct kl_input_file *recording, const struct kl_run *run,
                         struct kl_fault *fault);

#endif
