/* What a hub consists of; shared by the files that implement it, by nobody else. */
#ifndef KL_ACQUIRE_HUB_INSIDE_H
#define KL_ACQUIRE_HUB_INSIDE_H

#include "acquire/capture.h"
#include "acquire/event_queue.h"
#include "acquire/hub.h"
#include "acquire/hub_device.h"
#include "acquire/stage.h"

/** Events one driver may cause at its start. */
#define KL_DEVICE_EVENTS_MAX 64

/** Looks at clocks that wait to be recorded: 64 devices for a second. */
#define KL_CLOCK_PAIRS 256

/** Everything but `stop`, `wake_fd`, `queue` and the devices' atomics is the session thread's. */
struct kl_hub {
    struct kl_source source; /* first: the source is the hub */
    struct kl_device *device[KL_STREAMS_MAX];
    size_t device_count;
    struct kl_stream stream[KL_STREAMS_MAX];
    size_t stream_count;
    struct kl_stage stage[KL_STREAMS_MAX]; /* per stream */

    struct kl_capture *capture;  /* NULL: raw bytes are not kept */
    struct kl_event_queue queue; /* operator's */
    struct kl_event *due;        /* drivers', by time, then device */
    size_t due_count, due_next;

    atomic_bool stop; /* written by any thread or a signal handler, read by all */
    int wake_fd;      /* eventfd: counts wake-ups of the session thread */

    bool started, fast;
    bool ended;              /* nothing more comes; what waits is still handed out */
    int64_t end_ns;          /* session time: samples at or after it are not emitted */
    bool has_origin;         /* origin_ns holds */
    int64_t origin_ns;       /* host time of KL_EPOCH_NS */
    int64_t newest_ns;       /* newest time stamp handed out; KL_EPOCH_NS before the first */
    int64_t events_until_ns; /* when ended: drivers' events up to here are still due */

    struct kl_clock_pair pair[KL_CLOCK_PAIRS]; /* a ring */
    size_t pair_first, pair_count;

    size_t order[KL_STREAMS_MAX]; /* streams whose stage is to be handed out, in this order */
    size_t order_count, order_next;

    int64_t cell_end_ns; /* fast mode: data up to here have been asked for */
    bool cell_held;      /* a stage was full before the cell was finished */
};

/** The source's next: kl_source_ops. */
int kl_hub_next(struct kl_source *source, int64_t wait_ns, struct kl_item *item,
                struct kl_fault *fault);

/** Takes one sample of a device into its stage, unless it lies behind the end. The stage must have
 *  room. @param s  the device's own stream number
 *  @return samples that are missing before it */
uint64_t kl_hub_stage_sample(struct kl_hub *hub, struct kl_device *device, size_t s, int64_t t_ns,
                             uint32_t quality, uint64_t lost_before, const double *value);

/** The stage a device's stream goes to. */
static inline struct kl_stage *kl_hub_stage(struct kl_hub *hub, const struct kl_device *device,
                                            size_t s)
{
    return &hub->stage[device->first_stream + s];
}

/** The looks at clocks that are still open are complete: the session is over. */
void kl_hub_close_pairs(struct kl_hub *hub);

/** Takes what the rings hold into the stages, each ring until a stage of it is full, in the order
 *  of the devices. @return false when nothing more can come */
bool kl_hub_fill_live(struct kl_hub *hub);

/** Asks the simulated devices for the next cell of the time grid that holds data.
 *  @return false when the session is over */
bool kl_hub_fill_fast(struct kl_hub *hub);

#endif
