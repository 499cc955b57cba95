/* YAML by schema, with faults that name file, line, column and what is allowed.
 *
 * A fault reads FILE:LINE:COLUMN: PATH: what was found; what is allowed. Lines, columns and the
 * entries of a list count from 1, as editors and people do: `streams[2].kind` is the second stream.
 * Stricter than libcyaml alone: numbers must be finite and numbers to their last character, `.` is
 * the decimal sign in every locale, booleans are true/false/yes/no, a file holds one document.
 */
#ifndef KL_ACQUIRE_YAML_H
#define KL_ACQUIRE_YAML_H

#include "acquire/stream.h"

#include <cyaml/cyaml.h>

/** Loads `path` by `schema` into *out (free with kl_yaml_free).
 *  @return KL_OK; KL_ERR_IO when it cannot be read; KL_ERR_RANGE with
 *          "FILE:LINE:COLUMN: what is wrong; what is allowed" in *fault */
int kl_yaml_load(const char *path, const struct cyaml_schema_value *schema, void **out,
                 struct kl_fault *fault);

/** The same from memory; `name` stands for the file in messages. */
int kl_yaml_parse(const char *name, const char *text, size_t len,
                  const struct cyaml_schema_value *schema, void **out, struct kl_fault *fault);

void kl_yaml_free(const struct cyaml_schema_value *schema, void *data);

/** One line of a mapping whose keys no schema knows. */
struct kl_yaml_pair {
    char *key, *value; /* heap */
};

/** The mapping at `key_path`, in its order; nothing when there is none. The text has been loaded
 *  by a schema that ignores this place.
 *  @return KL_OK (free with kl_yaml_pairs_free), or a negative status with *fault */
int kl_yaml_pairs(const char *name, const char *text, size_t len, const char *key_path,
                  struct kl_yaml_pair **out, size_t *count, struct kl_fault *fault);

void kl_yaml_pairs_free(struct kl_yaml_pair *pair, size_t count);

/** A fault of meaning (found after loading) at the place of a value: writes
 *  "NAME:LINE:COLUMN: PATH: ..." with the position of `key_path` ("streams[2].channels[1].unit",
 *  or of the deepest part of it that is there; "" is the document).
 *  @return KL_ERR_RANGE */
int kl_yaml_fault(const char *name, const char *text, size_t len, const char *key_path,
                  struct kl_fault *fault, const char *format, ...)
    __attribute__((format(printf, 6, 7)));

#endif
