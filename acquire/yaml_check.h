/* What libcyaml does not tell: the exact place of a fault and what would be allowed there. Walks a
 * document beside its schema before libcyaml loads it. */
#ifndef KL_ACQUIRE_YAML_CHECK_H
#define KL_ACQUIRE_YAML_CHECK_H

#include "acquire/stream.h"

#include <cyaml/cyaml.h>

/** The first fault of a text against a schema.
 *  @return KL_OK, KL_ERR_RANGE with *fault, or KL_ERR_MEM */
KL_CHECK int kl_yaml_check(const char *name, const char *text, size_t len,
                           const struct cyaml_schema_value *schema, struct kl_fault *fault);

/** Line and column, from 1, of the value at `key_path`; of the deepest part that exists. */
void kl_yaml_place(const char *text, size_t len, const char *key_path, size_t *line,
                   size_t *column);

#endif
