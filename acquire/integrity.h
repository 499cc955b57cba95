/* Integrity marks: how a session file proves that it is what was written.
 *
 * After every flush the stream `kneelab.integrity` gets a mark, one Samples chunk with one string
 * of fixed width (JSON, numbers padded with blanks):
 *
 *     {"mark":        12,"from":            4711,"to":            9000,"crc32c":"0badcafe",
 *      "previous":{"from":             100,"crc32c":"12345678","mark":"9abcdef0"},
 *      "closed":false,"self":"deadbeef"}                                          (one line)
 *
 *     bytes   | head ...| mark 0 | items | mark 1 | items, footers | mark 2 (closed)
 *     range    0 ───────▶|        range 1 ▶|            range 2 ───▶|
 *
 * - The range of mark k is [from, to): from the start of mark k-1 (0 for the first) to its own
 * start. So the head and every mark but the last lie in a range.
 * - `self` is the CRC-32C of the mark's own chunk from its first byte to these digits; what follows
 *   them is fixed. So every bit of every mark counts, the last one included.
 * - `previous` repeats range and CRC of mark k-1 and has the CRC of its whole chunk. So a mark that
 *   is damaged itself costs the range it lies in, not also the range it vouched for.
 * - A range is found by its length before its mark: bytes that went missing elsewhere cost nothing.
 *
 * Threads: any. RT safe. Nothing here allocates.
 */
#ifndef KL_ACQUIRE_INTEGRITY_H
#define KL_ACQUIRE_INTEGRITY_H

#include "acquire/stream.h"

/** Bytes of a mark's text, and of its whole chunk. */
#define KL_MARK_TEXT_SIZE 193
#define KL_MARK_SIZE (KL_MARK_TEXT_SIZE + 21)

struct kl_mark {
    uint32_t stream; /* XDF stream id of `kneelab.integrity` */
    double stamp_s;  /* session time of the newest item before it */
    uint64_t number; /* 0, 1, 2, ... */
    uint64_t from, to;
    uint32_t crc;
    uint64_t previous_from;
    uint32_t previous_crc;  /* of the previous range */
    uint32_t previous_mark; /* CRC of the previous mark's chunk; 0 for the first */
    bool closed;
};

/** Writes the chunk of a mark. */
void kl_mark_write(const struct kl_mark *mark, uint8_t out[KL_MARK_SIZE]);

/** Reads the mark whose chunk starts at `pos`. @return false unless every bit of it is right */
KL_CHECK bool kl_mark_read(const uint8_t *buf, size_t len, size_t pos, struct kl_mark *mark);

/** First undamaged mark whose chunk starts at or after `pos`: its position, or SIZE_MAX. */
size_t kl_mark_find(const uint8_t *buf, size_t len, size_t pos, struct kl_mark *mark);

/** Last undamaged mark of the file: its position, or SIZE_MAX. */
size_t kl_mark_find_last(const uint8_t *buf, size_t len, struct kl_mark *mark);

/** The mark that follows `previous` (NULL: the first mark) for a range of bytes with CRC `crc`
 *  that ends at `to`. */
struct kl_mark kl_mark_next(const struct kl_mark *previous, uint32_t stream, double stamp_s,
                            uint64_t to, uint32_t crc, bool closed);

/* ------------------------------------------------------------------- ranges */

enum kl_range_verdict {
    KL_RANGE_INTACT = 0, /* as written */
    KL_RANGE_DAMAGED,    /* not as written, or nothing vouches for it */
    KL_RANGE_UNMARKED,   /* after the last mark: never finished, or its mark is damaged */
};

struct kl_range {
    size_t from, to;
    enum kl_range_verdict verdict;
    bool marked; /* `mark` ends this range, at `to` */
    struct kl_mark mark;
};

/** Walks a file range by range; together they cover it, but for the bytes of the last mark. */
struct kl_ranges {
    const uint8_t *buf;
    size_t len;
    size_t pos; /* where the next range starts */
    bool after_mark;
    bool pending; /* a second range found together with the last one */
    struct kl_range next;
};

struct kl_ranges kl_ranges_begin(const uint8_t *buf, size_t len);

/** @return false at the end of the file */
bool kl_ranges_next(struct kl_ranges *ranges, struct kl_range *range);

#endif
