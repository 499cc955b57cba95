#include "acquire/yaml.h"

#include "acquire/whole_file.h"
#include "acquire/yaml_check.h"

#include <locale.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* libcyaml's own words, kept for what the check does not foresee: the first error line and the
 * innermost line of its backtrace. */
struct cyaml_words {
    char what[160];
    char where[120];
};

static void keep_words(cyaml_log_t level, void *context, const char *format, va_list args)
    __attribute__((format(printf, 3, 0)));

static void keep_words(cyaml_log_t level, void *context, const char *format, va_list args)
{
    struct cyaml_words *words = context;
    char line[160];
    if (level < CYAML_LOG_ERROR) {
        return;
    }
    (void)vsnprintf(line, sizeof(line), format, args);
    line[strcspn(line, "\n")] = 0;
    if (strcmp(line, "Load: Backtrace:") == 0) {
        return;
    }
    if (strncmp(line, "Load: ", 6) == 0 && words->what[0] == 0) {
        (void)snprintf(words->what, sizeof(words->what), "%s", line + 6);
    } else if (strncmp(line, "  in ", 5) == 0 && words->where[0] == 0) {
        (void)snprintf(words->where, sizeof(words->where), " %.110s", line + 2);
    }
}

static cyaml_config_t config_with(struct cyaml_words *words)
{
    return (cyaml_config_t){
        .log_fn = keep_words,
        .log_ctx = words,
        .mem_fn = cyaml_mem,
        .log_level = CYAML_LOG_ERROR,
    };
}

/* libcyaml reads numbers with strtod, which follows the locale of the thread. */
static cyaml_err_t load_in_c_locale(const char *text, size_t len, const cyaml_config_t *config,
                                    const struct cyaml_schema_value *schema, cyaml_data_t **data)
{
    locale_t c = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    locale_t before = uselocale(c);
    cyaml_err_t error = cyaml_load_data((const uint8_t *)text, len, config, schema, data, NULL);
    (void)uselocale(before);
    if (c != (locale_t)0) {
        freelocale(c);
    }
    return error;
}

int kl_yaml_parse(const char *name, const char *text, size_t len,
                  const struct cyaml_schema_value *schema, void **out, struct kl_fault *fault)
{
    int status = kl_yaml_check(name, text, len, schema, fault);
    if (status != KL_OK) {
        return status;
    }
    struct cyaml_words words = {0};
    cyaml_config_t config = config_with(&words);
    cyaml_data_t *data = NULL;
    cyaml_err_t error = load_in_c_locale(text, len, &config, schema, &data);
    if (error == CYAML_ERR_OOM) {
        return kl_fault(fault, KL_ERR_MEM, "%s: no memory to load it", name);
    }
    if (error != CYAML_OK || data == NULL) {
        return kl_fault(fault, KL_ERR_RANGE, "%s:1:1: %s%s", name,
                        words.what[0] != 0 ? words.what : cyaml_strerror(error), words.where);
    }
    *out = data;
    return KL_OK;
}

int kl_yaml_load(const char *path, const struct cyaml_schema_value *schema, void **out,
                 struct kl_fault *fault)
{
    struct kl_bytes bytes;
    int status = kl_bytes_read(path, &bytes, fault);
    if (status != KL_OK) {
        return status;
    }
    status = kl_yaml_parse(path, (const char *)bytes.data, bytes.len, schema, out, fault);
    kl_bytes_release(&bytes);
    return status;
}

void kl_yaml_free(const struct cyaml_schema_value *schema, void *data)
{
    struct cyaml_words words = {0};
    cyaml_config_t config = config_with(&words);
    if (data != NULL) {
        (void)cyaml_free(&config, schema, data, 0);
    }
}

int kl_yaml_fault(const char *name, const char *text, size_t len, const char *key_path,
                  struct kl_fault *fault, const char *format, ...)
{
    char what[sizeof(fault->text)];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(what, sizeof(what), format, args);
    va_end(args);
    size_t line, column;
    kl_yaml_place(text, len, key_path, &line, &column);
    return kl_fault(fault, KL_ERR_RANGE, "%s:%zu:%zu: %s%s%s", name, line, column, key_path,
                    key_path[0] != 0 ? ": " : "", what);
}
