/* A whole file as (buf, len). The file must not be cut shorter while it is open: a recording in
 * progress is only appended to, but for the rare moment when a full disk takes a write back. */
#ifndef KL_ACQUIRE_MAPPED_FILE_H
#define KL_ACQUIRE_MAPPED_FILE_H

#include "acquire/stream.h"

struct kl_mapped_file {
    const uint8_t *data;
    size_t size;
    void *map; /* NULL: `data` belongs to someone else */
};

/** @return KL_OK or KL_ERR_IO with the place and the cure in *fault */
KL_CHECK int kl_mapped_file_open(const char *path, struct kl_mapped_file *file,
                                 struct kl_fault *fault);
void kl_mapped_file_close(struct kl_mapped_file *file);

#endif
