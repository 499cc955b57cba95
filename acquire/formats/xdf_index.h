/* Everything in an XDF file, stream by stream: for files without integrity marks, whose order of
 * chunks means nothing. Damage is skipped up to the next boundary and counted; a file cut anywhere
 * gives what is whole before the cut.
 *
 * Threads: any. Not RT safe.
 */
#ifndef KL_ACQUIRE_FORMATS_XDF_INDEX_H
#define KL_ACQUIRE_FORMATS_XDF_INDEX_H

#include "acquire/formats/xdf_clock.h"
#include "acquire/formats/xdf_header.h"

/** A string in the file, borrowed, not terminated. */
struct kl_xdf_text {
    const char *start;
    size_t size;
};

struct kl_xdf_index_stream {
    uint32_t id;
    struct kl_xdf_header header;
    size_t channels;          /* values kept per sample */
    size_t count;             /* samples */
    double *stamp_s;          /* [count] */
    double *value;            /* [count][channels]; numeric streams */
    uint32_t *quality;        /* [count]; NULL but for streams we described */
    struct kl_xdf_text *text; /* [count][channel_count]; string streams */
    struct kl_xdf_offsets offsets;
    double effective_rate_hz; /* set by kl_xdf_index_clock */
    bool has_footer;
    uint64_t footer_count;
    double last_stamp_s;
    size_t cap, offset_cap;
};

#define KL_XDF_INDEX_STREAMS_MAX 1024

struct kl_xdf_index {
    struct kl_xdf_index_stream *stream; /* [count] in the order of their headers */
    size_t count, cap;
    uint64_t damaged; /* places skipped */
    bool torn;        /* ends in the middle of a chunk */
};

/** @return KL_OK, KL_ERR_DATA when it is no XDF file or names no stream, KL_ERR_MEM. Release the
 *          index in any case. `buf` must outlive it */
KL_CHECK int kl_xdf_index_build(const uint8_t *buf, size_t len, struct kl_xdf_index *index);

/** Moves all stamps to one clock and takes the jitter out (xdf_clock.h). */
KL_CHECK int kl_xdf_index_clock(struct kl_xdf_index *index);

void kl_xdf_index_release(struct kl_xdf_index *index);

#endif
