/* configs/flags.yaml: the flag table, readable by a clinician, checked when it is loaded. */
#ifndef KL_APP_FLAG_TABLE_H
#define KL_APP_FLAG_TABLE_H

#include "process/flags/flag.h"

/** Reads and checks a table: metrics exist, units are the metric's, limits in order, grades known.
 *  @return KL_OK, or a negative status with file, line, column and what is allowed in *fault */
int kl_flag_table_load(const char *path, struct kl_flag_table *out, struct kl_fault *fault);

/** The same from text (a table embedded in a session); `name` stands for the file in messages. */
int kl_flag_table_parse(const char *name, const char *text, size_t len, struct kl_flag_table *out,
                        struct kl_fault *fault);

/** The table as YAML that kl_flag_table_parse reads back to the same table: what a session embeds.
 *  @return heap, or NULL with *fault */
char *kl_flag_table_text(const struct kl_flag_table *table, struct kl_fault *fault);

/** The whole text of a file, to be embedded in a session. @return heap, or NULL with *fault */
char *kl_text_load(const char *path, size_t *len, struct kl_fault *fault);

/** Whether a timing lies within what a table may say, and in words what that is. */
bool kl_flag_timing_allowed(const struct kl_flag_timing *timing);
#define KL_FLAG_TIMING_ALLOWED                                                                     \
    "window_steps must be 10-1000, raise_steps 1-1000, times not below 0 s"

#endif
