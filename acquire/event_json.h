/* One event as one JSON line, as it stands in the stream `kneelab.session`:
 *
 *     {"kind":"subject","duration_ns":0,"value":[80.0,1.83],"text":"S01"}
 *
 * The time of the event is the stamp of the sample that carries the line. Numbers come back bit for
 * bit; what is not finite is written as a string ("nan"), which JSON has no number for.
 */
#ifndef KL_ACQUIRE_EVENT_JSON_H
#define KL_ACQUIRE_EVENT_JSON_H

#include "acquire/stream.h"

/** Writes the line without a final 0, in the manner of snprintf: at most `cap` bytes are written,
 *  the length it needs is returned. Bytes of the text that are not UTF-8 become U+FFFD.
 *  Threads: any. RT safe (no allocation: the session thread calls it). */
size_t kl_event_json_write(const struct kl_event *event, char *out, size_t cap);

/** Reads a line. event->t_ns is left alone; event->text points to *text, which the caller frees.
 *  @return KL_OK; KL_ERR_DATA for what is not such a line; KL_ERR_UNSUPPORTED for a kind this
 *          version does not know; KL_ERR_MEM. Outputs untouched on error */
KL_CHECK int kl_event_json_read(const char *json, size_t len, struct kl_event *event, char **text,
                                struct kl_fault *fault);

#endif
