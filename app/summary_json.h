/* The JSON of `analyze --json`: scripts rely on its shape (README). SI units, metric-table keys. */
#ifndef KL_APP_SUMMARY_JSON_H
#define KL_APP_SUMMARY_JSON_H

#include "app/results.h"
#include "app/run.h"

#include <jansson.h>

/** One recording as a JSON object (new reference), or NULL without memory.
 *  Times are seconds since the first sample of the recording. */
json_t *kl_summary_json(const char *file, const struct kl_run *run,
                        const struct kl_results *results);

/** Seconds since the first sample. */
double kl_recording_seconds(double session_ns);

#endif
