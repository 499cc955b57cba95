/* XDF 1.0 byte by byte, for reading: chunks, variable-length integers, samples, and finding the way
 * back after damage. Everything takes (buf, len), never reads beyond it, and keeps no state.
 *
 * Chunk (all little-endian):
 *     offset  size   what
 *     0       1      bytes of the length field: 1, 4 or 8
 *     1       1,4,8  length: bytes that follow (tag, stream id, content)
 *     ...     2      tag
 *     ...     4      stream id, tags 2, 3, 4, 6 only
 *     ...     rest   content
 * Source: XDF specification 1.0 (sccn/xdf wiki).      Threads: any. RT safe.
 */
#ifndef KL_ACQUIRE_FORMATS_XDF_CHUNK_H
#define KL_ACQUIRE_FORMATS_XDF_CHUNK_H

#include "acquire/stream.h"

#define KL_XDF_MAGIC "XDF:"
#define KL_XDF_MAGIC_SIZE 4
#define KL_XDF_SIGNATURE_SIZE 16

/** Content of every boundary chunk: a reader that lost its way searches for it. */
extern const uint8_t kl_xdf_signature[KL_XDF_SIGNATURE_SIZE];

enum kl_xdf_tag {
    KL_XDF_FILE_HEADER = 1,
    KL_XDF_STREAM_HEADER,
    KL_XDF_SAMPLES,
    KL_XDF_CLOCK_OFFSET,
    KL_XDF_BOUNDARY,
    KL_XDF_STREAM_FOOTER,
};

enum kl_xdf_format {
    KL_XDF_INT8 = 0,
    KL_XDF_INT16,
    KL_XDF_INT32,
    KL_XDF_INT64,
    KL_XDF_FLOAT32,
    KL_XDF_DOUBLE64,
    KL_XDF_STRING,
    KL_XDF_FORMAT_COUNT,
};

/** "int8" ... "string". */
const char *kl_xdf_format_text(enum kl_xdf_format format);

/** Finds a word; KL_XDF_FORMAT_COUNT when there is no such format. */
enum kl_xdf_format kl_xdf_format_find(const char *word);

/** Bytes of one value; 0 for strings. */
size_t kl_xdf_format_size(enum kl_xdf_format format);

struct kl_xdf_chunk {
    size_t offset, size; /* of the whole chunk in the buffer */
    uint16_t tag;
    uint32_t stream; /* 0 where the tag has none */
    const uint8_t *content;
    size_t content_size;
};

enum kl_xdf_walk {
    KL_XDF_CHUNK = 0,
    KL_XDF_END,    /* pos == len */
    KL_XDF_TORN,   /* begins like a chunk and reaches beyond the buffer */
    KL_XDF_BROKEN, /* no chunk can begin like this */
};

/** The chunk at `pos`. *out is filled for CHUNK; for TORN too when its tag (and id) can be read:
 *  content_size is then what there is. Otherwise out->size is 0. */
enum kl_xdf_walk kl_xdf_chunk_at(const uint8_t *buf, size_t len, size_t pos,
                                 struct kl_xdf_chunk *out);

/** Position after the first boundary signature that begins at or after `pos`; SIZE_MAX without. */
size_t kl_xdf_after_boundary(const uint8_t *buf, size_t len, size_t pos);

/** First occurrence of `needle` at or after `pos`; SIZE_MAX without. `anchor` names the byte of the
 *  needle to look for first: the one that is rarest in such files. */
size_t kl_xdf_find(const uint8_t *buf, size_t len, size_t pos, const void *needle,
                   size_t needle_size, size_t anchor);

uint16_t kl_xdf_get_u16(const uint8_t *p);
uint32_t kl_xdf_get_u32(const uint8_t *p);
uint64_t kl_xdf_get_u64(const uint8_t *p);
double kl_xdf_get_f64(const uint8_t *p);

/** Variable-length integer at *pos, which then stands behind it. @return false when there is none
 */
KL_CHECK bool kl_xdf_varlen(const uint8_t *buf, size_t len, size_t *pos, uint64_t *value);

/** Walks the samples of one Samples chunk. */
struct kl_xdf_samples {
    const uint8_t *buf;
    size_t len, pos;
    uint64_t count; /* as the chunk says; only what can be read counts */
};

KL_CHECK bool kl_xdf_samples_begin(const struct kl_xdf_chunk *chunk,
                                   struct kl_xdf_samples *samples);

/** Time stamp of the next sample. @param stamp_s  untouched when the sample has none (*given) */
KL_CHECK bool kl_xdf_samples_stamp(struct kl_xdf_samples *samples, bool *given, double *stamp_s);

/** Its values: `size` bytes, borrowed. */
KL_CHECK bool kl_xdf_samples_values(struct kl_xdf_samples *samples, size_t size,
                                    const uint8_t **values);

/** One string value, borrowed, not terminated. */
KL_CHECK bool kl_xdf_samples_string(struct kl_xdf_samples *samples, const char **text,
                                    size_t *size);

/** One value as double. Not for strings. (int64 beyond 2^53 is rounded.) */
double kl_xdf_value(enum kl_xdf_format format, const uint8_t *p);

#endif
