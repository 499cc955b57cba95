/* Asking a device something and waiting for the answer, bounded.
 *
 * While a driver talks, data, noise and torn frames may stand before the answer, an answer may come
 * in pieces, and it may never come. So the driver sees whole frames only, one after the other, and
 * every wait ends: a silent read costs the time it waited, a read that brought bytes costs at least
 * the millisecond of a USB frame. No clock is needed for that, so a conversation is the same on a
 * scripted link.
 *
 * Caller-owned; one conversation per start, stop or identify. Threads: one.
 */
#ifndef KL_DEVICES_CONVERSATION_H
#define KL_DEVICES_CONVERSATION_H

#include "acquire/driver.h"

#define KL_MS INT64_C(1000000) /* ns */

struct kl_conversation {
    struct kl_link *link;
    enum kl_frame (*frame)(const void *state, const uint8_t *buf, size_t len, size_t *frame_len);
    const void *state; /* of the driver: frame gets it */
    size_t cap;  /* bytes per read. 1: nothing after the frame waited for is taken from the link */
    size_t used; /* bytes of the frame given last */
    size_t len;
    uint8_t buf[4096];
};

void kl_conversation_init(struct kl_conversation *talk, struct kl_link *link,
                          enum kl_frame (*frame)(const void *state, const uint8_t *buf, size_t len,
                                                 size_t *frame_len),
                          const void *state);

/** The next whole frame. Bytes that are no frame are skipped; an unfinished one is given up after
 *  100 ms of silence.
 *  @param left_ns  what is left of the wait; reduced by what this call waited
 *  @param frame    valid until the next call
 *  @return KL_OK, KL_ERR_TIMEOUT when left_ns is used up, or what the link says */
KL_CHECK int kl_conversation_next(struct kl_conversation *talk, int64_t *left_ns,
                                  const uint8_t **frame, size_t *frame_len);

/** Sends all bytes. @return KL_OK or what the link says */
KL_CHECK int kl_conversation_send(struct kl_conversation *talk, const void *bytes, size_t len);

/** Forgets what came so far, up to 64 reads of it, until the link was silent for quiet_ns.
 *  @return KL_OK or what the link says */
KL_CHECK int kl_conversation_flush(struct kl_conversation *talk, int64_t quiet_ns);

#endif
