/* Writes a session while it runs, and never holds anyone up.
 *
 * The session thread encodes items into a byte queue in memory; one recorder thread moves the
 * queue to disk at least every 50 ms and adds an integrity mark after each flush; another asks the
 * disk every 200 ms to make it last, and a disk that takes its time for that delays no write. A
 * disk that is full or slow leaves the bytes in the queue (at least 60 s of a full lab); the
 * recorder says so, retries, and goes on where it stopped. What does not fit any more is counted as
 * lost, whole items at a time.
 */
#ifndef KL_ACQUIRE_RECORDER_H
#define KL_ACQUIRE_RECORDER_H

#include "acquire/clock_pair.h"

struct kl_recorder;

/** What the recorder is doing; read at any time. */
struct kl_recorder_state {
    uint64_t bytes_written; /* in the file and marked */
    uint64_t bytes_queued;  /* in memory, not yet on disk */
    int64_t held_ns;        /* session time span that is only in memory */
    uint64_t lost_items;    /* did not fit the queue */
    bool holding;           /* the disk refuses; retrying */
    char problem[160];      /* what the system said and what to do; "" when all is well */
    uint64_t free_bytes;    /* on its disk, looked at every 200 ms; UINT64_MAX: not known */
    char warning[96];       /* space is low (disk_space.h), nothing is lost yet; "": enough */
};

/** Creates the file (mode 0600, never overwrites) and writes head and stream headers.
 *  @param queue_bytes  memory for the queue; 0: the default
 *  @return NULL with the place and the cure in *fault */
struct kl_recorder *kl_recorder_open(const char *path, const struct kl_stream *streams,
                                     size_t count, size_t queue_bytes, struct kl_fault *fault);

/** One item. Session thread; never waits, no I/O. @return false when it did not fit (counted) */
bool kl_recorder_item(struct kl_recorder *recorder, const struct kl_item *item);

/** One line of derived results, canonical text, into `kneelab.steps` or `kneelab.flags`. */
bool kl_recorder_step(struct kl_recorder *recorder, int64_t t_ns, const char *text);
bool kl_recorder_flag(struct kl_recorder *recorder, int64_t t_ns, const char *text);

/** One look at a device's clock, into `kneelab.clock`. */
bool kl_recorder_clock(struct kl_recorder *recorder, const struct kl_clock_pair *pair);

/** Threads: any. */
struct kl_recorder_state kl_recorder_get(const struct kl_recorder *recorder);

/** Writes what is queued, the `closed` mark and footers, and frees everything. Within 50 ms when
 *  the disk obeys. NULL is allowed.
 *  @return KL_OK, or KL_ERR_IO with what is missing from the file in *fault */
int kl_recorder_close(struct kl_recorder *recorder, struct kl_fault *fault);

#endif
