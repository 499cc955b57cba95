/* Runs the built command as a person would, in a folder of its own. */
#ifndef KL_TESTS_APP_COMMAND_H
#define KL_TESTS_APP_COMMAND_H

#include <jansson.h>

#include <stddef.h>

/** A fresh temporary folder; the test's working directory moves there. */
void enter_fresh_folder(void);

/** Removes it again. */
void leave_folder(void);

/** `kneelab ARGS`, standard output and error kept apart.
 *  @return exit status; out and err are cut to their sizes */
int kneelab(const char *args, char *out, size_t out_len, char *err, size_t err_len);

/** `kneelab ARGS` that must print one JSON document. @return new reference, or fails the test */
json_t *kneelab_json(const char *args, int *exit_status);

/** A number somewhere inside: "summary/both/contact_time/mean". NAN when it is not there. */
double json_number(const json_t *json, const char *path);

#endif
