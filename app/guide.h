/* The guided start of a session without a screen: says what the runner does next, counts down,
 * posts the event, and tells how it went and what to do.
 *
 *     zero ▶ weigh ▶ stamps ▶ still ▶ squats ▶ bows ▶ march ▶ three contractions ▶ run
 *
 * What nobody wears or stands on is left out. A phase that did not pass is led through once more.
 * The operator may type the name of a phase at any time ("still again" after the run). Simulated
 * runners post their own events; then the guide only tells how each went.
 *
 * A state machine on data time: no clock, no thread; the session thread calls it.
 */
#ifndef KL_APP_GUIDE_H
#define KL_APP_GUIDE_H

#include "process/pipeline.h"

/** Where its words and events go. */
struct kl_guide_sink {
    void *self;
    void (*tell)(void *self, const char *text);
    void (*post)(void *self, const struct kl_event *event);
    void (*quit)(void *self);
};

struct kl_guide_config {
    const struct kl_stream *stream; /* [stream_count] of the session: what is there to calibrate */
    size_t stream_count;
    bool stamps; /* plate and foot sensors have clocks of their own */
    bool leads;  /* false: tells only */
    struct kl_guide_sink sink;
};

struct kl_guide;

/** @return NULL without memory */
struct kl_guide *kl_guide_create(const struct kl_guide_config *config);
void kl_guide_destroy(struct kl_guide *guide);

/** About ten times a second of data. */
void kl_guide_step(struct kl_guide *guide, int64_t now_ns, const struct kl_pipeline *pipeline);

/** A line the operator typed, without its end: a phase, "stop", "marker TEXT", ...; "help" lists.
 */
void kl_guide_command(struct kl_guide *guide, const char *line);

#endif
