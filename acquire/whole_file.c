#include "acquire/whole_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* First buffer; most text files fit. Grows by doubling, so that pipes work too. */
static const size_t first_bytes = (size_t)1 << 18;

static int read_all(FILE *file, const char *path, struct kl_bytes *bytes, struct kl_fault *fault)
{
    size_t cap = 0;
    for (;;) {
        if (bytes->len + 1 >= cap) {
            if (cap >= KL_WHOLE_FILE_MAX) {
                return kl_fault(fault, KL_ERR_RANGE, "%s: larger than %zu MB; cut it into parts",
                                path, KL_WHOLE_FILE_MAX >> 20);
            }
            cap = cap == 0 ? first_bytes : cap * 2;
            uint8_t *data = realloc(bytes->data, cap);
            if (data == NULL) {
                return kl_fault(fault, KL_ERR_MEM, "%s: no memory for %zu bytes", path, cap);
            }
            bytes->data = data;
        }
        size_t got = fread(bytes->data + bytes->len, 1, cap - bytes->len - 1, file);
        bytes->len += got;
        if (got == 0) {
            break;
        }
    }
    if (ferror(file)) {
        return kl_fault(fault, KL_ERR_IO, "%s: cannot be read: %s", path, strerror(errno));
    }
    bytes->data[bytes->len] = 0;
    return KL_OK;
}

int kl_bytes_read(const char *path, struct kl_bytes *out, struct kl_fault *fault)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        return kl_fault(fault, KL_ERR_IO, "%s: cannot be opened: %s", path, strerror(errno));
    }
    struct kl_bytes bytes = {0};
    errno = 0;
    int status = read_all(file, path, &bytes, fault);
    (void)fclose(file);
    if (status != KL_OK) {
        kl_bytes_release(&bytes);
        return status;
    }
    *out = bytes;
    return KL_OK;
}

void kl_bytes_release(struct kl_bytes *bytes)
{
    free(bytes->data);
    *bytes = (struct kl_bytes){0};
}
