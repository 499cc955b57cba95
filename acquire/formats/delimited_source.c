/* Delimited text with a description of its columns, opened as a session. */
#include "acquire/formats/recording.h"
#include "acquire/formats/table_session.h"
#include "acquire/whole_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PATH_CHARS 4096

/* The description beside the data: data.csv.yaml, else data.yaml. */
static bool find_description(const char *path, char *out, size_t cap)
{
    (void)snprintf(out, cap, "%s.yaml", path);
    if (access(out, F_OK) == 0) {
        return true;
    }
    const char *slash = strrchr(path, '/');
    const char *dot = strrchr(slash != NULL ? slash : path, '.');
    size_t stem = dot != NULL ? (size_t)(dot - path) : strlen(path);
    (void)snprintf(out, cap, "%.*s.yaml", (int)stem, path);
    return access(out, F_OK) == 0;
}

static int read_description(const char *path, const struct kl_recording_options *options,
                            char *name, size_t cap, struct kl_bytes *out, struct kl_fault *fault)
{
    if (options != NULL && options->columns != NULL) {
        (void)snprintf(name, cap, "%s", options->columns);
    } else if (!find_description(path, name, cap)) {
        return kl_fault(fault, KL_ERR_RANGE,
                        "%s: columns of text, but nothing says which column is what; give "
                        "--columns DESC.yaml or write %.200s.yaml (examples: configs/columns/)",
                        path, path);
    }
    return kl_bytes_read(name, out, fault);
}

static struct kl_source *open_described(const char *path, const struct kl_bytes *data,
                                        const struct kl_table *described, struct kl_fault *fault)
{
    struct kl_source *source = NULL;
    const struct kl_columns *columns = described->columns;
    const struct kl_delimited_hint hint = {
        .separator = (char)columns->separator,
        .decimal = (char)columns->decimal,
        .header = columns->layout == KL_LAYOUT_ROWS ? -1 : columns->header,
        .skip_rows = columns->skip_rows,
    };
    struct kl_delimited delimited;
    struct kl_memory *memory = calloc(1, sizeof(*memory));
    if (memory == NULL) {
        (void)kl_fault(fault, KL_ERR_MEM, "%s: no memory", path);
        return NULL;
    }
    int status =
        kl_delimited_look(path, (const char *)data->data, data->len, &hint, &delimited, fault);
    struct kl_table table = *described;
    table.data = &delimited;
    if (status == KL_OK && kl_table_session(&table, memory, fault) == KL_OK) {
        source = kl_memory_source(memory);
        if (source == NULL) {
            (void)kl_fault(fault, KL_ERR_MEM, "%s: no memory", path);
        }
    }
    kl_memory_release(memory);
    free(memory);
    return source;
}

struct kl_source *kl_delimited_open(const char *path, const struct kl_recording_options *options,
                                    struct kl_fault *fault)
{
    char name[PATH_CHARS];
    struct kl_bytes data = {0};
    struct kl_bytes text = {0};
    struct kl_columns *columns = NULL;
    struct kl_source *source = NULL;
    if (kl_bytes_read(path, &data, fault) != KL_OK) {
        return NULL;
    }
    if (!kl_delimited_is_text(data.data, data.len)) {
        (void)kl_fault(fault, KL_ERR_DATA, "%s: %s", path,
                       data.len == 0 ? "empty file" : "not text: it holds bytes no text has");
        goto done;
    }
    if (read_description(path, options, name, sizeof(name), &text, fault) != KL_OK ||
        kl_columns_parse(name, (const char *)text.data, text.len, &columns, fault) != KL_OK) {
        goto done;
    }
    struct kl_table table = {.columns = columns,
                             .description = name,
                             .text = (const char *)text.data,
                             .len = text.len,
                             .row = options != NULL ? options->row : 0};
    source = open_described(path, &data, &table, fault);
done:
    kl_columns_free(columns);
    kl_bytes_release(&text);
    kl_bytes_release(&data);
    return source;
}
