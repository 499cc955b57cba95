/* Asking a device and waiting for its answer, bounded in time and in bytes. No clock: time passes
 * in the waits that are handed to the link. */
#ifndef KL_DEVICES_ANSWER_H
#define KL_DEVICES_ANSWER_H

#include "devices/conversation.h"

/** Longest answer looked at. */
#define KL_ANSWER_MAX 512

/** Writes a command with a bounded wait. @return KL_OK or a negative status */
int kl_link_say(struct kl_link *link, const void *bytes, size_t len);

/** Reads until `end` has come or nothing came for wait_ns. out ends with a 0 byte; 0 bytes that
 * come are kept as '?'.
 *  @return KL_OK; KL_ERR_TIMEOUT (what came so far is in out); KL_ERR_DATA: longer than any answer;
 *          the link's error */
int kl_link_hear(struct kl_link *link, const char *end, char out[KL_ANSWER_MAX], int64_t wait_ns);

/** Exactly len bytes. @return KL_OK, KL_ERR_TIMEOUT or the link's error */
int kl_link_take(struct kl_link *link, uint8_t *out, size_t len, int64_t wait_ns);

/** Throws away what comes until the link is silent for quiet_ns. @return KL_OK; KL_ERR_TIMEOUT: it
 *  does not fall silent; the link's error */
int kl_link_drain(struct kl_link *link, int64_t quiet_ns);

#endif
