/* Writes a session file: head, bytes of chunks, integrity marks, footers. It knows the disk and the
 * marks; what the chunks hold is the caller's business. The recorder's thread uses it, and so does
 * whoever copies a session.
 *
 * A flush writes everything gathered, a boundary and a mark with one call. Either all of it is in
 * the file afterwards, or the file is cut back to the mark before.
 *
 * Threads: one at a time.
 */
#ifndef KL_ACQUIRE_SESSION_WRITER_H
#define KL_ACQUIRE_SESSION_WRITER_H

#include "acquire/session_layout.h"

struct kl_session_writer {
    const struct kl_session_head *head; /* borrowed */
    int fd;
    int system_error;    /* errno of the last call that failed */
    uint64_t size;       /* of the file: everything up to here is whole and marked */
    struct kl_mark mark; /* the newest */
    uint64_t marks;
    double first_mark_s;
    uint8_t *gather; /* bytes of the next flush */
    size_t gathered, gather_cap;
};

/** How many samples a stream has in the file, for its footer. */
struct kl_session_tally {
    uint64_t count;
    double first_s, last_s;
};

/** Creates a file nobody else may read (mode 0600: a runner's data are private); never overwrites.
 *  @return its descriptor, or KL_ERR_IO with the cure in *fault */
KL_CHECK int kl_session_file_create(const char *path, struct kl_fault *fault);

/** Creates the file and writes the head and its copy.
 *  @return KL_OK, or KL_ERR_IO/KL_ERR_MEM with the place and the cure in *fault; no file then */
KL_CHECK int kl_session_writer_open(struct kl_session_writer *writer, const char *path,
                                    const struct kl_session_head *head, struct kl_fault *fault);

/** Room for `size` more bytes of the next flush; NULL without memory. */
uint8_t *kl_session_writer_reserve(struct kl_session_writer *writer, size_t size);

/** Writes what was gathered, with a boundary and a mark.
 *  @param stamp_s  session time of the newest item
 *  @return KL_OK; KL_ERR_IO with the reason in writer->system_error: the file ends at the mark
 *          before, what was gathered is kept for the next try; KL_ERR_MEM likewise */
KL_CHECK int kl_session_writer_flush(struct kl_session_writer *writer, double stamp_s, bool closed);

/** Forgets what was gathered. */
void kl_session_writer_discard(struct kl_session_writer *writer);

/** Gathers the footers and writes them with the closing mark. Not synced yet.
 *  @param tally  in [head->entry_count]; that of the integrity stream is filled in here */
KL_CHECK int kl_session_writer_finish(struct kl_session_writer *writer, double stamp_s,
                                      const struct kl_session_tally *tally);

/** Makes what was written survive a power cut. @return KL_OK or KL_ERR_IO (system_error) */
KL_CHECK int kl_session_writer_sync(struct kl_session_writer *writer);

/** Closes the file and frees the memory. Safe after a failed _open. */
void kl_session_writer_close(struct kl_session_writer *writer);

#endif
