/* XDF 1.0 byte by byte, for writing: chunks into a buffer of the caller's, who asks for the size
 * first. Each kl_xdf_put_... writes exactly what its ..._size says and returns the byte after it.
 *
 * Threads: any. RT safe: no allocation, no I/O.
 */
#ifndef KL_ACQUIRE_FORMATS_XDF_WRITE_H
#define KL_ACQUIRE_FORMATS_XDF_WRITE_H

#include "acquire/formats/xdf_chunk.h"

#define KL_XDF_BOUNDARY_SIZE 20

uint8_t *kl_xdf_put_u16(uint8_t *out, uint16_t value);
uint8_t *kl_xdf_put_u32(uint8_t *out, uint32_t value);
uint8_t *kl_xdf_put_u64(uint8_t *out, uint64_t value);
uint8_t *kl_xdf_put_f32(uint8_t *out, float value);
uint8_t *kl_xdf_put_f64(uint8_t *out, double value);
uint8_t *kl_xdf_put_bytes(uint8_t *out, const void *data, size_t size);

/** Variable-length integer in its shortest form: 2, 5 or 9 bytes. */
size_t kl_xdf_varlen_size(uint64_t value);
uint8_t *kl_xdf_put_varlen(uint8_t *out, uint64_t value);

/** A chunk whose content the caller writes after the returned position. */
size_t kl_xdf_chunk_size(enum kl_xdf_tag tag, size_t content_size);
uint8_t *kl_xdf_put_chunk(uint8_t *out, enum kl_xdf_tag tag, uint32_t stream, size_t content_size);

/** FileHeader, StreamHeader or StreamFooter: content_size bytes of XML. */
uint8_t *kl_xdf_put_xml(uint8_t *out, enum kl_xdf_tag tag, uint32_t stream, const char *xml,
                        size_t size);

uint8_t *kl_xdf_put_boundary(uint8_t *out);

#define KL_XDF_CLOCK_OFFSET_SIZE 24
uint8_t *kl_xdf_put_clock_offset(uint8_t *out, uint32_t stream, double collection_s,
                                 double offset_s);

/** A Samples chunk with one string sample; its text (`size` bytes) belongs at the returned
 *  position. */
size_t kl_xdf_string_size(size_t size);
uint8_t *kl_xdf_put_string(uint8_t *out, uint32_t stream, double stamp_s, size_t size);

#endif
