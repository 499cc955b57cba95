/* Asking a device something and waiting for the answer, bounded.
 *
 * While a driver talks, data, noise and torn frames may stand before the answer, an answer may come
 * in pieces, and it may never come. So the driver sees whole frames, whole lines of text or a known
 * number of bytes, one after the other, and every wait ends: a silent read costs the time it
 * waited, a read that brought bytes costs the least time they need on a wire. No clock is needed
 * for that, so a conversation is the same on a scripted link, where no time passes at all.
 *
 * Caller-owned; one conversation per start, stop or identify. Threads: one.
 */
#ifndef KL_DEVICES_CONVERSATION_H
#define KL_DEVICES_CONVERSATION_H

#include "acquire/driver.h"

#define KL_MS INT64_C(1000000) /* ns */

/** Longest answer in text, with its final 0. */
#define KL_ANSWER_MAX 512

/** Whether a frame begins here; as `frame` of struct kl_driver. */
typedef enum kl_frame kl_frame_test(const void *state, const uint8_t *buf, size_t len,
                                    size_t *frame_len);

struct kl_conversation {
    struct kl_link *link;
    kl_frame_test *frame; /* may be changed between two answers */
    const void *state;    /* frame gets it */
    size_t cap;           /* bytes per read. 1: nothing after what is waited for is taken */
    int64_t give_up_ns;   /* of silence, after which an unfinished frame will not be finished */
    bool heard;           /* any byte has come */
    size_t used;          /* bytes of what was given last */
    size_t len;
    uint8_t buf[4096];
};

/** @param frame  NULL: no frames are waited for */
void kl_conversation_init(struct kl_conversation *talk, struct kl_link *link, kl_frame_test *frame,
                          const void *state);

/** Sends all bytes. @return KL_OK or what the link says */
KL_CHECK int kl_conversation_send(struct kl_conversation *talk, const void *bytes, size_t len);

/** The next whole frame. Bytes that are no frame are skipped; an unfinished one is given up after
 *  give_up_ns of silence (100 ms unless set).
 *  @param left_ns  what is left of the wait; reduced by what this call waited
 *  @param frame    valid until the next call
 *  @return KL_OK, KL_ERR_TIMEOUT when left_ns is used up, or what the link says */
KL_CHECK int kl_conversation_next(struct kl_conversation *talk, int64_t *left_ns,
                                  const uint8_t **frame, size_t *frame_len);

/** Text up to and with `end`; nothing behind it is taken from the link. 0 bytes are kept as '?'.
 *  @return KL_OK; KL_ERR_TIMEOUT (what came so far is in out); KL_ERR_DATA: longer than any answer;
 *          or what the link says */
KL_CHECK int kl_conversation_text(struct kl_conversation *talk, const char *end,
                                  char out[KL_ANSWER_MAX], int64_t wait_ns);

/** Exactly len bytes. @return KL_OK, KL_ERR_TIMEOUT or what the link says */
KL_CHECK int kl_conversation_bytes(struct kl_conversation *talk, uint8_t *out, size_t len,
                                   int64_t wait_ns);

/** Forgets what came so far, up to 64 reads of it, until the link was silent for quiet_ns.
 *  @return KL_OK or what the link says */
KL_CHECK int kl_conversation_flush(struct kl_conversation *talk, int64_t quiet_ns);

/** The same, and insists on the silence.
 *  @return KL_OK, KL_ERR_TIMEOUT when there was none within limit_ns, or what the link says */
KL_CHECK int kl_conversation_hush(struct kl_conversation *talk, int64_t quiet_ns, int64_t limit_ns);

/** Lets wait_ns pass, forgetting what comes. @return KL_OK or what the link says */
KL_CHECK int kl_conversation_pause(struct kl_conversation *talk, int64_t wait_ns);

/** An answer on one line for a message: line ends become blanks; at most 60 bytes. Changes it. */
const char *kl_answer_line(char *answer);

#endif
