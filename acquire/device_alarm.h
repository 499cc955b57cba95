/* What is wrong with a device although it gives samples: rate, clipping, battery. And with one that
 * should give samples and does not.
 *
 * Rate: samples are counted against their arrivals, for what a device says of its own time (a
 * sample number) shows no wrong rate. Windows of 0.2 s to 10 s end at every look; each allows for
 * the jitter of arrivals, so half a rate is seen in a quarter of a second and 3 % in ten. What the
 * device or the way here lost counts as delivered: that is another alarm.
 *
 * Pure: time is an argument. RT safe.
 */
#ifndef KL_ACQUIRE_DEVICE_ALARM_H
#define KL_ACQUIRE_DEVICE_ALARM_H

#include "acquire/stream.h"

enum kl_device_alarm {
    KL_ALARM_NO_DATA = 1 << 0,  /* connected, and no sample for three sample times and 200 ms */
    KL_ALARM_RATE = 1 << 1,     /* off its nominal rate */
    KL_ALARM_CLIPPING = 1 << 2, /* a channel was at its rail within the last KL_CLIPPING_SHOWN_NS */
    KL_ALARM_BATTERY = 1 << 3,  /* below KL_BATTERY_LOW */
};

#define KL_CLIPPING_SHOWN_NS (2 * KL_NS_PER_S) /* long enough to be noticed beside a runner */
#define KL_BATTERY_LOW 0.15                    /* of full: most of a session of 20 min is left */
#define KL_RATE_TOLERANCE 0.02

#define KL_RATE_MARKS 200

/** Caller-owned; set up by kl_rate_watch_init. */
struct kl_rate_watch {
    double nominal_hz;
    bool started;
    int64_t begun_ns;   /* arrival of the first sample */
    int64_t arrival_ns; /* of the batch that is coming */
    int64_t longest_ns; /* between two batches since the last mark */
    uint64_t count;     /* samples of all batches before it */
    uint64_t coming;    /* samples of it so far */
    struct kl_rate_mark {
        int64_t at_ns, longest_ns;
        uint64_t count;
    } mark[KL_RATE_MARKS]; /* a ring */
    size_t first, marks;
    unsigned odd;       /* successive looks that contradict the nominal rate */
    double measured_hz; /* over the longest window, or the shortest odd one; 0: not yet */
};

/** @param nominal_hz  > 0 */
void kl_rate_watch_init(struct kl_rate_watch *watch, double nominal_hz);

/** One sample came.
 *  @param arrival_ns  host monotonic time when its bytes were read
 *  @param missed      samples known to be missing before it */
void kl_rate_watch_step(struct kl_rate_watch *watch, int64_t arrival_ns, uint64_t missed);

/** Is the rate off? */
bool kl_rate_watch_alarm(const struct kl_rate_watch *watch);

#define KL_DEVICE_STATE_MAX 32

/** What a screen says of an alarm, the gravest of several: "no data", "rate 96 Hz, not 100",
 *  "clipping", "battery 12 %". "" for none. */
void kl_device_alarm_text(unsigned alarms, double measured_hz, double nominal_hz, double battery,
                          char out[KL_DEVICE_STATE_MAX]);

#endif
