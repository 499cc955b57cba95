/* Device time to the host's monotonic clock.
 *
 * A sample is made at device time d and arrives later than it was made, never earlier; reads come
 * in bursts, and now and then one comes very late. So arrival - d lies above a line (offset and
 * drift of the device clock, plus the constant part of the transport), touching it only when the
 * transport was quick:
 *
 *     arrival - d  |     .    .            .
 *                  |  .    .      .  . .      .
 *                  | .  .    . .    .    . .    .
 *                  |.__.______.____.______.____._   <- wanted: the lower envelope
 *                  +------------------------------ d
 *
 * The minimum of each quarter second of the last 30 s is kept; the line is the edge of their lower
 * convex hull above the mean device time, with a drift within +-200 ppm. Late batches lie above
 * and cannot pull it. Where the newest bins all stand off it, the drift has changed, and the line
 * is laid through the last 15 or 7.5 s. A device time that runs ahead of its arrival is doubted
 * until several agree.
 *
 * Source: S. Moon, P. Skelly, D. Towsley 1999, "Estimation and removal of clock skew from network
 * delay measurements", IEEE INFOCOM (the line under all points that minimises their summed
 * distance); the hull edge is its solution (L. Zhang, Z. Liu, C. Xia 2002, "Clock synchronization
 * algorithms for network measurements", IEEE INFOCOM).
 *
 * Limits: the constant part of the transport cannot be seen; the host time is late by it.
 * Pure: time is an argument. Threads: one per clock. RT safe. All times int64 ns.
 */
#ifndef KL_ACQUIRE_CLOCK_H
#define KL_ACQUIRE_CLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KL_CLOCK_BINS 120

/** Above this, a sample's time is called uncertain (KL_QUALITY_CLOCK): 1 ms is 0.1 deg of the
 *  shank at 100 deg/s, below what the knee model can tell (methods 2). */
#define KL_CLOCK_UNSURE_NS INT64_C(1000000)

/** The quickest delivery of one stretch of time. */
struct kl_clock_bin {
    int64_t device_ns, offset_ns; /* offset: arrival - device */
};

/** Caller-owned state; set up by kl_clock_init. */
struct kl_clock {
    bool started;
    struct kl_clock_bin bin[KL_CLOCK_BINS]; /* a ring of bin_count; the newest is still open */
    size_t bin_first, bin_count;
    int64_t bin_start_ns; /* device time at which the newest bin began */

    int64_t fit_device_ns; /* the line: offset = fit_offset + fit_rate * (d - fit_device) */
    double fit_offset_ns, fit_rate;
    int64_t spread_ns; /* what the bins say of the line's error */

    int64_t anchor_device_ns, anchor_host_ns; /* the mapping in force: a bent line from here on */
    double anchor_rate, anchor_slew;
    int64_t newest_device_ns, newest_host_ns;

    int odd_count; /* successive samples that contradict the line and agree with each other */
    int64_t odd_offset_ns;
    uint64_t restarts; /* times the device's clock was set or restarted */
    bool doubtful;     /* the device was away: its clock may be another one */
    bool another;      /* it is another one */
};

void kl_clock_init(struct kl_clock *clock);

/** The device was away and is back: if the next sample contradicts the line, either way, the
 *  device's clock has started anew and is learnt anew from there. */
void kl_clock_reconnected(struct kl_clock *clock);

/** The device counts from a new beginning (a sample number that starts over, or went on without the
 *  samples in between): nothing that was learnt holds from the next sample on. */
void kl_clock_restarted(struct kl_clock *clock);

/** Learns from one sample and maps it.
 *  @param device_ns   device time, unwrapped; any value is survived
 *  @param arrival_ns  host monotonic time when its bytes were read, >= 0
 *  @return host monotonic time of the sample. While device times do not decrease, neither does it,
 *          whatever the estimate does: corrections bend the line, they never step back. */
int64_t kl_clock_step(struct kl_clock *clock, int64_t device_ns, int64_t arrival_ns);

/** Half-width of the interval that should hold the true time of the newest sample (99 %), ns;
 *  without the constant part of the transport and the resolution of the device's counter. */
int64_t kl_clock_uncertainty(const struct kl_clock *clock);

/** Drift of host against device time, ppm: positive when the device's clock is slow. */
double kl_clock_drift_ppm(const struct kl_clock *clock);

/** Mean jitter of arrivals above which a time taken from them is called uncertain: 5 ms is 0.5 deg
 *  of the shank at 100 deg/s. */
#define KL_ARRIVAL_UNSURE_NS INT64_C(5000000)

/** Time for samples whose device has no clock: as far apart as the device counts them (or the
 *  nominal rate, when it counts nothing), held to the arrivals.
 *
 *  Samples that came with one read share an arrival, but only the newest of them was made just
 *  before it: that one is held to the arrival, the others to their neighbours. */
struct kl_arrival_clock {
    bool started;
    double period_ns;
    int64_t host_ns;    /* of the newest sample */
    int64_t device_ns;  /* ditto, as the device counts */
    int64_t arrival_ns; /* ditto */
    double owed_ns;     /* correction not yet spread over samples */
    double jitter_ns;   /* mean distance of arrival and expectation */
};

/** @param rate_hz  nominal, > 0 */
void kl_arrival_clock_init(struct kl_arrival_clock *clock, double rate_hz);

/** The device was away and is back: the next sample stands at its arrival. */
void kl_arrival_clock_reconnected(struct kl_arrival_clock *clock);

/** @param device_ns   the device's count of time, nominal: a step of n periods says that n - 1
 *                     samples are missing. A step that is not positive, or that the arrivals deny,
 *                     counts as one period; so a driver that counts nothing gives always the same
 *  @param arrival_ns  host monotonic time when its bytes were read, >= 0
 *  @return host time of the sample, increasing; smooths bursts, goes over a gap that was counted
 *          at once and jumps forward over one that was not */
int64_t kl_arrival_clock_step(struct kl_arrival_clock *clock, int64_t device_ns,
                              int64_t arrival_ns);

#endif
