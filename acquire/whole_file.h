/* A file's bytes in memory: parsers take (buf, len) and never a path. */
#ifndef KL_ACQUIRE_WHOLE_FILE_H
#define KL_ACQUIRE_WHOLE_FILE_H

#include "acquire/stream.h"

/** Larger files are refused instead of filling the memory: 8 h of 64 channels at 1 kHz as text. */
#define KL_WHOLE_FILE_MAX ((size_t)4 << 30)

struct kl_bytes {
    uint8_t *data; /* [len] and one 0 behind it */
    size_t len;
};

/** Reads all of `path`; free with kl_bytes_release.
 *  @return KL_OK; KL_ERR_IO with the system's reason, KL_ERR_MEM or KL_ERR_RANGE in *fault;
 *          *out is untouched then */
KL_CHECK int kl_bytes_read(const char *path, struct kl_bytes *out, struct kl_fault *fault);

/** Frees and empties. */
void kl_bytes_release(struct kl_bytes *bytes);

#endif
