/* Processing settings as JSON, as embedded in a session: what a replay needs to give the same
 * numbers. */
#ifndef KL_APP_SETTINGS_JSON_H
#define KL_APP_SETTINGS_JSON_H

#include "process/pipeline.h"

/** @return heap text, one line, or NULL without memory */
char *kl_settings_write(const struct kl_settings *settings);

/** Reads what kl_settings_write wrote; fields that are missing keep *out's value.
 *  @return KL_OK, or KL_ERR_DATA with *fault and *out untouched */
int kl_settings_read(const char *text, size_t len, struct kl_settings *out, struct kl_fault *fault);

#endif
