/* Asking a device and waiting for its answer: bounded, and without a clock.
 *
 * A driver has no clock, and a device that streams never leaves a read empty. So patience is spent
 * by what the link shows: an empty read costs the time it was told to wait, a byte costs the least
 * time the wire needs for it. A wait is therefore never longer than fifty times its nominal length
 * (bytes that trickle in just before each read gives up), never shorter than the wire allows, and
 * the same on a simulated link, where no time passes at all.
 *
 * Bytes that are not part of an answer (data, answers to earlier questions) are the caller's to
 * skip: see kl_talk_drop.
 */
#ifndef KL_DEVICES_TALK_H
#define KL_DEVICES_TALK_H

#include "acquire/driver.h"

#define KL_TALK_BYTES 1024

struct kl_talk {
    struct kl_link *link;
    int64_t byte_ns; /* time of one byte on the wire */
    int64_t left_ns; /* patience */
    size_t len;
    uint8_t buf[KL_TALK_BYTES]; /* read and not yet dropped */
};

/** @param baud  8N1 speed of the wire; for links without one a speed that it does not exceed */
void kl_talk_init(struct kl_talk *talk, struct kl_link *link, unsigned baud);

/** Sends all bytes. @return KL_OK or the link's negative status */
int kl_talk_send(struct kl_talk *talk, const uint8_t *bytes, size_t len);

/** Sets the patience for the reads that follow. */
static inline void kl_talk_patience(struct kl_talk *talk, int64_t wait_ns)
{
    talk->left_ns = wait_ns;
}

/** Reads once more, at most `want` bytes, behind what is there (when the buffer is full, the older
 *  half goes).
 *  @return bytes read (0: none this time, patience is left), KL_ERR_TIMEOUT when patience is over,
 *          or the link's negative status */
int kl_talk_read(struct kl_talk *talk, size_t want);

/** Forgets the first count bytes. */
void kl_talk_drop(struct kl_talk *talk, size_t count);

/** Reads and forgets until nothing came for quiet_ns.
 *  @return KL_OK, KL_ERR_TIMEOUT when limit_ns went by before, or the link's negative status */
int kl_talk_hush(struct kl_talk *talk, int64_t quiet_ns, int64_t limit_ns);

/** Lets wait_ns pass, forgetting what comes. @return KL_OK or the link's negative status */
int kl_talk_pause(struct kl_talk *talk, int64_t wait_ns);

#endif
