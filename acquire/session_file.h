/* Reads XDF recordings, ours and other people's, as a source of items. Reading does not depend on
 * how a file ended: torn tails and damaged ranges are skipped at the next boundary and reported.
 *
 * From a file of ours only what an integrity mark vouches for is handed out: a range whose mark
 * does not match is passed over, and the next sample of every stream carries KL_QUALITY_GAP. What
 * stands behind the last mark (at most one flush, when the program was killed inside a write) is
 * not believed. So no item of a file of ours ever holds a value that was not written.
 */
#ifndef KL_ACQUIRE_SESSION_FILE_H
#define KL_ACQUIRE_SESSION_FILE_H

#include "acquire/source.h"

/** One derived line (step or flag) found in a file of ours. */
typedef void kl_derived_line(void *self, int64_t t_ns, const char *text);

/** Opens an XDF file. Our own files come back item by item in the recorded order; foreign files
 *  are mapped to one clock (clock offsets, dejitter: protocols of the XDF community) and ordered by
 *  first time stamp, then stream index, with the first sample at KL_EPOCH_NS.
 *  @return NULL with the place and the cure in *fault */
struct kl_source *kl_session_open(const char *path, struct kl_fault *fault);

/** What reading left out so far (damaged ranges, a missing end, streams that have no place), one
 *  line; "" when nothing, and for sources that kl_session_open did not open. Borrowed. */
const char *kl_session_remark(struct kl_source *source);

/** Whether what kl_session_remark says is damage or a missing end: values that were there once. */
bool kl_session_damaged(const struct kl_source *source);

/** What the live session showed: calls back for every line of `kneelab.steps` and
 *  `kneelab.flags`, in file order. Either callback may be NULL.
 *  @return lines found or a negative status */
int kl_session_derived(const char *path, kl_derived_line *step, kl_derived_line *flag, void *self,
                       struct kl_fault *fault);

/** Gives the lines of `kneelab.clock` (clock_pair.h), in file order.
 *  @return lines found or a negative status */
int kl_session_clock(const char *path, kl_derived_line *pair, void *self, struct kl_fault *fault);

/** One finding of kl_session_verify. */
struct kl_finding {
    uint64_t offset, length; /* bytes of the file concerned */
    bool damage;             /* false: a remark */
    char text[200];
};

struct kl_verify_report {
    bool ours;   /* has integrity marks */
    bool closed; /* its last mark says so */
    uint64_t bytes, verified_bytes;
    uint64_t marks, damaged_ranges;
    uint64_t samples, events;
    size_t finding_count; /* stored; at most KL_FILE_FINDINGS_MAX */
    uint64_t findings_total;
#define KL_FILE_FINDINGS_MAX 64
    struct kl_finding finding[KL_FILE_FINDINGS_MAX];
};

/** Reads a whole file against its integrity marks, and its structure.
 *  @return KL_OK when it is closed and undamaged, KL_ERR_DATA when not (report filled), or another
 *          negative status with *fault when it could not be examined */
int kl_session_verify(const char *path, struct kl_verify_report *report, struct kl_fault *fault);

/** The same for bytes in memory; `name` stands for the file in messages. The bytes must outlive the
 *  source. */
struct kl_source *kl_session_open_bytes(const uint8_t *buf, size_t len, const char *name,
                                        struct kl_fault *fault);
int kl_session_verify_bytes(const uint8_t *buf, size_t len, const char *name,
                            struct kl_verify_report *report, struct kl_fault *fault);

/** Writes a clean, closed copy of everything readable to `to` (never overwrites). A file of ours
 *  keeps its order, its derived lines and its bits; where a range was lost, the next sample of
 * every stream says so. Of a foreign file, every whole chunk is copied.
 *  @return KL_OK or a negative status with *fault */
int kl_session_repair(const char *from, const char *to, struct kl_fault *fault);

#endif
