/* YAML by schema, with faults that name file, line, column and what is allowed. */
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

#endif
