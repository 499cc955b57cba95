/* Any bytes as a description of columns (up to the first zero byte), and the rest as its data; data
 * that look like a .mot file are read as one. */
#include "acquire/formats/mot.h"
#include "acquire/formats/table_session.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char plain[] = "rate_hz: 100\nstreams:\n- name: p\n  kind: force\n  channels:\n"
                            "  - {column: 1, component: fy, unit: N}\n"
                            "  - {column: 2, component: fx, unit: N}\n";

static void read_table(const char *description, size_t len, const char *text, size_t size,
                       struct kl_memory *memory)
{
    struct kl_columns *columns = NULL;
    struct kl_delimited delimited;
    struct kl_fault fault;
    if (kl_columns_parse("desc", description, len, &columns, &fault) != KL_OK) {
        return;
    }
    const struct kl_delimited_hint hint = {.separator = (char)columns->separator,
                                           .decimal = (char)columns->decimal,
                                           .header = columns->header,
                                           .skip_rows = columns->skip_rows};
    if (kl_delimited_look("data", text, size, &hint, &delimited, &fault) == KL_OK) {
        const struct kl_table table = {.data = &delimited,
                                       .columns = columns,
                                       .description = "desc",
                                       .text = description,
                                       .len = len,
                                       .row = size % 4};
        (void)!kl_table_session(&table, memory, &fault);
    }
    kl_columns_free(columns);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct kl_memory memory;
    struct kl_fault fault;
    const uint8_t *zero = size > 0 ? memchr(data, 0, size) : NULL;
    if (zero != NULL) {
        size_t len = (size_t)(zero - data);
        read_table((const char *)data, len, (const char *)zero + 1, size - len - 1, &memory);
    } else if (kl_mot_matches(data, size)) {
        (void)!kl_mot_session("fuzz", data, size, &memory, &fault);
    } else if (kl_delimited_is_text(data, size)) {
        read_table(plain, sizeof(plain) - 1, (const char *)data, size, &memory);
    }
    if (memory.stream_count > 0) {
        struct kl_source *source = kl_memory_source(&memory);
        struct kl_item item;
        while (source != NULL && kl_source_next(source, 0, &item, &fault) == KL_SOURCE_ITEM) {
        }
        kl_source_close(source);
    }
    kl_memory_release(&memory);
    return 0;
}
