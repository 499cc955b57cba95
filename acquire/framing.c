#include "acquire/framing.h"

#include <string.h>

void kl_framing_init(struct kl_framing *framing, const struct kl_driver *driver, void *state)
{
    memset(framing, 0, sizeof(*framing));
    framing->driver = driver;
    framing->state = state;
}

/* What the buffer begins with. A frame that claims more than there can be is not one. */
static enum kl_frame look(const struct kl_framing *framing, size_t at, bool last, size_t *frame_len)
{
    size_t left = framing->len - at;
    *frame_len = 0;
    enum kl_frame answer =
        framing->driver->frame(framing->state, framing->buf + at, left, frame_len);
    if (answer == KL_FRAME_VALID && (*frame_len == 0 || *frame_len > left)) {
        return KL_FRAME_INVALID;
    }
    if (answer == KL_FRAME_NEED_MORE && (last || left == KL_FRAME_MAX)) {
        return KL_FRAME_INVALID;
    }
    return answer;
}

/* @return false when the driver refused what looked like a frame */
static bool take_frame(struct kl_framing *framing, size_t at, size_t frame_len,
                       kl_framing_sink *sink, void *self)
{
    int count = framing->driver->parse(framing->state, framing->buf + at, frame_len,
                                       framing->sample, KL_FRAME_SAMPLES_MAX);
    framing->gone |= count == KL_ERR_GONE;
    if (count < 0 || count > KL_FRAME_SAMPLES_MAX) {
        return false;
    }
    if (framing->broken && framing->frames > 0) { /* garbage before the first frame is usual */
        framing->unmarked = UINT64_MAX;
    }
    framing->broken = false;
    framing->frames++;
    for (int i = 0; i < count; i++) {
        struct kl_sample *sample = &framing->sample[i];
        uint64_t bit = sample->stream < KL_STREAMS_MAX ? UINT64_C(1) << sample->stream : 0;
        if (framing->unmarked & bit) {
            framing->unmarked &= ~bit;
            sample->quality |= KL_QUALITY_CHECKSUM;
        }
        sink(self, sample);
    }
    return true;
}

static void skip_byte(struct kl_framing *framing)
{
    if (!framing->broken) {
        framing->broken = true;
        framing->bad++;
    }
    framing->skipped++;
}

static void scan(struct kl_framing *framing, bool last, kl_framing_sink *sink, void *self)
{
    size_t at = 0;
    while (at < framing->len && !framing->gone) {
        size_t frame_len = 0;
        enum kl_frame answer = look(framing, at, last, &frame_len);
        if (answer == KL_FRAME_NEED_MORE) {
            break;
        }
        if (answer == KL_FRAME_VALID && take_frame(framing, at, frame_len, sink, self)) {
            at += frame_len;
        } else {
            skip_byte(framing);
            at++;
        }
    }
    framing->len -= at;
    memmove(framing->buf, framing->buf + at, framing->len);
}

void kl_framing_feed(struct kl_framing *framing, const uint8_t *bytes, size_t len,
                     kl_framing_sink *sink, void *self)
{
    while (len > 0 && !framing->gone) {
        size_t room = KL_FRAME_MAX - framing->len; /* > 0: a full buffer never needs more */
        size_t take = len < room ? len : room;
        memcpy(framing->buf + framing->len, bytes, take);
        framing->len += take;
        bytes += take;
        len -= take;
        scan(framing, false, sink, self);
    }
}

void kl_framing_restart(struct kl_framing *framing)
{
    framing->skipped += framing->len;
    framing->len = 0;
    framing->broken = framing->gone = false;
    framing->unmarked = 0;
}

void kl_framing_finish(struct kl_framing *framing, kl_framing_sink *sink, void *self)
{
    scan(framing, true, sink, self);
}
