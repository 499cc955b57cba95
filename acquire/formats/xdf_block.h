/* A block of samples as one XDF Samples chunk, both ways, bit for bit.
 *
 * Every sample carries its own 8-byte stamp (seconds), its values in the stream's storage format
 * and, as one more channel labelled `quality`, its quality bits: a small integer, exact in every
 * format.
 *
 * Threads: any. RT safe.
 */
#ifndef KL_ACQUIRE_FORMATS_XDF_BLOCK_H
#define KL_ACQUIRE_FORMATS_XDF_BLOCK_H

#include "acquire/formats/xdf_chunk.h"

/** The XDF format that stores `format`. */
enum kl_xdf_format kl_xdf_format_of(enum kl_format format);

/** Bytes of the chunk. */
size_t kl_xdf_block_size(const struct kl_stream *stream, const struct kl_block *block);

/** Writes it. An integer stream cannot hold NaN: 0 is stored with KL_QUALITY_INVALID.
 *  @param first_quality  bits added to the first sample (a gap that only the file has)
 *  @return the byte after it */
uint8_t *kl_xdf_put_block(uint8_t *out, uint32_t id, const struct kl_stream *stream,
                          const struct kl_block *block, uint32_t first_quality);

/** How many samples a chunk of `stream` holds, or KL_ERR_DATA when it is not whole: every sample
 *  stamped, the content used up exactly. */
KL_CHECK int64_t kl_xdf_block_count(const struct kl_stream *stream,
                                    const struct kl_xdf_chunk *chunk);

/** Reads a chunk for which kl_xdf_block_count gave n.
 *  @param t_ns, value, quality  out [n], [n][channel_count], [n] */
void kl_xdf_block_read(const struct kl_stream *stream, const struct kl_xdf_chunk *chunk,
                       int64_t *t_ns, double *value, uint32_t *quality);

#endif
