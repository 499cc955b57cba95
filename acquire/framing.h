/* Bytes of a device to samples, however the bytes were cut.
 *
 * Reads split frames, garbage may lead, a byte may be missing or wrong. The rule on every surprise
 * is the same: skip one byte and look again; a whole presumed frame is never thrown away for one
 * bad checksum, and no frame is waited for beyond KL_FRAME_MAX bytes. The result depends on the
 * byte sequence only, never on the chunks it came in (protocols: "Rules for every parser").
 * Pure: no port, no thread, no clock.
 */
#ifndef KL_ACQUIRE_FRAMING_H
#define KL_ACQUIRE_FRAMING_H

#include "acquire/driver.h"

/** Longest frame any protocol here knows (Xsens extended length: 2055), and room to spare. */
#define KL_FRAME_MAX 4096
/** Most samples one frame may hold (a 512-byte USB packet of one 16-bit channel: 256). */
#define KL_FRAME_SAMPLES_MAX 256

/** Caller-owned; set up by kl_framing_init. Counters may be read between calls. */
struct kl_framing {
    const struct kl_driver *driver;
    void *state;      /* the driver's */
    uint64_t frames;  /* good ones */
    uint64_t bad;     /* times the stream of frames was broken: bad checksum, lost bytes, garbage */
    uint64_t skipped; /* bytes that belong to no good frame */
    bool broken;      /* skipping since the last good frame */
    bool gone;        /* parse asked for a new conversation: nothing is taken until a restart */
    uint64_t unmarked; /* bit per stream: its next sample follows a broken frame */
    size_t len;
    uint8_t buf[KL_FRAME_MAX];
    struct kl_sample sample[KL_FRAME_SAMPLES_MAX];
};

/** Receives samples in their order; valid during the call. */
typedef void kl_framing_sink(void *self, const struct kl_sample *sample);

/** @param driver  with frame and parse  @param state  the driver's, configured */
void kl_framing_init(struct kl_framing *framing, const struct kl_driver *driver, void *state);

/** Takes len bytes, in any chunks, and gives the samples of every frame they complete.
 *  The first sample of each stream after a broken frame carries KL_QUALITY_CHECKSUM.
 *  Threads: one. RT safe as far as the driver and the sink are. */
void kl_framing_feed(struct kl_framing *framing, const uint8_t *bytes, size_t len,
                     kl_framing_sink *sink, void *self);

/** A new conversation begins: what is left of the last one is skipped, counters go on. */
void kl_framing_restart(struct kl_framing *framing);

/** No more bytes will come: looks for good frames behind an unfinished one (a damaged length
 *  near the end of a capture) and counts what is left as skipped. */
void kl_framing_finish(struct kl_framing *framing, kl_framing_sink *sink, void *self);

#endif
