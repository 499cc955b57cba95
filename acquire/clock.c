#include "acquire/clock.h"

#include <math.h>
#include <string.h>

#define NS_PER_S 1e9
/* 120 bins of 250 ms: 30 s, long enough that 10 us of scatter is 1 ppm. A crystal warming up bends
 * by RAMP_MAX W^2 / 8 = 56 us within it: where the bins show that, the line is laid through the
 * last half or quarter of them only (14 us, 3.5 us). */
#define BIN_NS INT64_C(250000000)
#define DRIFT_MAX 200e-6 /* protocols/README.md, rule 6 */
/* Before anything is known, one delivery may be as late as an FTDI latency timer and a read. */
#define PRIOR_NS 20e6
/* No host stamps an arrival better than this: wake-up of a thread. */
#define FLOOR_NS 20e3
/* The least of K exponential delays of mean m is m/K; 10 m/K covers both ends of the hull edge in
 * 99 % of cases (tests/acquire/test_clock.c measures it). */
#define COVERAGE 10.0
/* Fastest change of drift allowed for, 1/s: a crystal warming up by 1 degC/min far from its turning
 * point (-0.04 ppm/degC^2 at 40 degC off: 0.05 ppm/s), with a margin of ten. */
#define RAMP_MAX 0.5e-6
/* The least of K exponential delays of mean m is above 5 m/K in exp(-5) = 0.7 % of cases. */
#define BENT 5.0
/* A window is halved as long as so many bins are left: 7.5 s. */
#define WINDOW_BINS_MIN ((size_t)30)
#define LN2 0.69314718055994530942 /* median of an exponential over its mean */
/* A correction is spread over half a second and changes an interval by at most one half. */
#define SLEW_NS 500e6
#define SLEW_MAX 0.5
/* Later than this by the line, forward: the mapping jumps instead of bending. */
#define JUMP_NS 100e6
/* A device time this far ahead of the line, or this far back in its own time, is odd... */
#define ODD_AHEAD_NS INT64_C(50000000)
#define ODD_BACK_NS INT64_C(500000000)
/* ... and believed when this many samples in a row say the same. */
#define ODD_CONFIRM 8
/* All bins of the last 5 s later than JUMP_NS: not a late batch, the offset has changed. */
#define SHIFTED_BINS 20
/* +-63 years: keeps every difference of two times inside int64. */
#define TIME_LIMIT_NS INT64_C(2000000000000000000)

void kl_clock_init(struct kl_clock *clock)
{
    memset(clock, 0, sizeof(*clock));
}

static double clamp(double value, double low, double high)
{
    return value < low ? low : value > high ? high : value;
}

static const struct kl_clock_bin *bin_at(const struct kl_clock *clock, size_t i)
{
    return &clock->bin[(clock->bin_first + i) % KL_CLOCK_BINS];
}

static double fit_offset(const struct kl_clock *clock, int64_t device_ns)
{
    return clock->fit_offset_ns + clock->fit_rate * (double)(device_ns - clock->fit_device_ns);
}

static int64_t fit_host(const struct kl_clock *clock, int64_t device_ns)
{
    return device_ns + (int64_t)llround(fit_offset(clock, device_ns));
}

/* The mapping in force: from the anchor on at the fitted rate, plus a correction that is complete
 * after SLEW_NS. Increasing, because SLEW_MAX + DRIFT_MAX < 1. */
static int64_t map(const struct kl_clock *clock, int64_t device_ns)
{
    double since = (double)(device_ns - clock->anchor_device_ns);
    double slewed = clock->anchor_slew * clamp(since, 0.0, SLEW_NS);
    return clock->anchor_host_ns + (device_ns - clock->anchor_device_ns) +
           (int64_t)llround(clock->anchor_rate * since + slewed);
}

/* Bends the mapping towards the line, from the newest sample on. */
static void aim(struct kl_clock *clock)
{
    int64_t at = clock->newest_device_ns;
    double error = (double)(fit_host(clock, at) - clock->newest_host_ns);
    clock->anchor_device_ns = at;
    clock->anchor_host_ns = clock->newest_host_ns;
    clock->anchor_rate = clock->fit_rate;
    clock->anchor_slew = clamp(error / SLEW_NS, -SLEW_MAX, SLEW_MAX);
    if (error > JUMP_NS) {
        clock->anchor_host_ns = fit_host(clock, at);
        clock->anchor_slew = 0;
        clock->newest_host_ns = clock->anchor_host_ns;
    }
}

/* A line below all bins from `first` on. */
struct line {
    size_t first;
    int64_t device_ns;
    double offset_ns, rate;
    double mean_ns;   /* height of the bins above it */
    double spread_ns; /* what the bins say of its error */
};

static double height_above(const struct line *line, const struct kl_clock_bin *bin)
{
    return (double)bin->offset_ns - line->offset_ns -
           line->rate * (double)(bin->device_ns - line->device_ns);
}

/* Lower convex hull of the bins from `first` on (monotone chain). @return its points' numbers */
static size_t lower_hull(const struct kl_clock *clock, size_t first, size_t hull[KL_CLOCK_BINS])
{
    size_t count = 0;
    for (size_t i = first; i < clock->bin_count; i++) {
        const struct kl_clock_bin *c = bin_at(clock, i);
        while (count >= 2) {
            const struct kl_clock_bin *a = bin_at(clock, hull[count - 2]);
            const struct kl_clock_bin *b = bin_at(clock, hull[count - 1]);
            double ab_x = (double)(b->device_ns - a->device_ns);
            double ac_x = (double)(c->device_ns - a->device_ns);
            double ab_y = (double)(b->offset_ns - a->offset_ns);
            double ac_y = (double)(c->offset_ns - a->offset_ns);
            if (ab_x * ac_y - ac_x * ab_y > 0) {
                break; /* b lies below the line from a to c: it stays */
            }
            count--;
        }
        hull[count++] = i;
    }
    return count;
}

/* Slope of the hull edge above the mean device time, within the drift a crystal can have. */
static double hull_rate(const struct kl_clock *clock, size_t first)
{
    size_t hull[KL_CLOCK_BINS];
    size_t count = lower_hull(clock, first, hull);
    if (count < 2) {
        return 0;
    }
    const int64_t base = bin_at(clock, first)->device_ns;
    double mean = 0;
    for (size_t i = first; i < clock->bin_count; i++) {
        mean += (double)(bin_at(clock, i)->device_ns - base) / (double)(clock->bin_count - first);
    }
    size_t edge = 1;
    while (edge < count - 1 && (double)(bin_at(clock, hull[edge])->device_ns - base) < mean) {
        edge++;
    }
    const struct kl_clock_bin *a = bin_at(clock, hull[edge - 1]);
    const struct kl_clock_bin *b = bin_at(clock, hull[edge]);
    double run = (double)(b->device_ns - a->device_ns);
    return run > 0 ? clamp((double)(b->offset_ns - a->offset_ns) / run, -DRIFT_MAX, DRIFT_MAX) : 0;
}

/* Median height of the bins above the line: half of them may be late and it still holds. */
static double median_height(const struct kl_clock *clock, const struct line *line)
{
    double height[KL_CLOCK_BINS] = {0};
    size_t count = clock->bin_count - line->first;
    for (size_t i = 0; i < count; i++) {
        double h = height_above(line, bin_at(clock, line->first + i));
        size_t at = i;
        for (; at > 0 && height[at - 1] > h; at--) {
            height[at] = height[at - 1];
        }
        height[at] = h;
    }
    return height[count / 2];
}

static struct line fit_line(const struct kl_clock *clock, size_t first)
{
    const double all = (double)clock->bin_count, count = (double)(clock->bin_count - first);
    const struct kl_clock_bin *base = bin_at(clock, first);
    struct line line = {first, base->device_ns, 0, hull_rate(clock, first), 0, 0};
    double lowest = HUGE_VAL;
    for (size_t i = first; i < clock->bin_count; i++) {
        const struct kl_clock_bin *bin = bin_at(clock, i);
        double offset = (double)(bin->offset_ns - base->offset_ns) -
                        line.rate * (double)(bin->device_ns - base->device_ns);
        lowest = offset < lowest ? offset : lowest;
    }
    line.offset_ns = (double)base->offset_ns + lowest;
    line.mean_ns = median_height(clock, &line) / LN2;
    double window_s = count * (double)BIN_NS / NS_PER_S;
    double bend_ns = RAMP_MAX * window_s * window_s / 8 * NS_PER_S;
    /* The prior counts as one bin that was PRIOR_NS late: it fades as 1/K^2. */
    line.spread_ns =
        FLOOR_NS + bend_ns + COVERAGE * (line.mean_ns / count + PRIOR_NS / (all * all));
    return line;
}

/* Are the last quarter of the bins higher above the line than late deliveries can explain? Then the
 * drift has changed, and the line lies below where the clock is now. (Where it changed the other
 * way, the edge of the hull ends at the newest bins, and the line is right there.) */
static bool is_bent(const struct kl_clock *clock, const struct line *line)
{
    size_t quarter = (clock->bin_count - line->first) / 4;
    double lowest = HUGE_VAL;
    for (size_t i = clock->bin_count - quarter; i < clock->bin_count; i++) {
        lowest = fmin(lowest, height_above(line, bin_at(clock, i)));
    }
    return quarter > 0 && lowest > BENT * line->mean_ns / (double)quarter;
}

static void fit(struct kl_clock *clock)
{
    struct line line = fit_line(clock, 0);
    for (size_t count = clock->bin_count / 2; count >= WINDOW_BINS_MIN && is_bent(clock, &line);
         count /= 2) {
        line = fit_line(clock, clock->bin_count - count);
    }
    clock->fit_device_ns = line.device_ns;
    clock->fit_offset_ns = line.offset_ns;
    clock->fit_rate = line.rate;
    clock->spread_ns = (int64_t)line.spread_ns;
}

/* A whole run of late bins is not late any more: forgets what was before. */
static void forget_old_offset(struct kl_clock *clock)
{
    if (clock->bin_count <= SHIFTED_BINS) {
        return;
    }
    for (size_t i = clock->bin_count - SHIFTED_BINS; i < clock->bin_count; i++) {
        const struct kl_clock_bin *bin = bin_at(clock, i);
        if ((double)bin->offset_ns - fit_offset(clock, bin->device_ns) < JUMP_NS) {
            return;
        }
    }
    clock->bin_first = (clock->bin_first + clock->bin_count - SHIFTED_BINS) % KL_CLOCK_BINS;
    clock->bin_count = SHIFTED_BINS;
    clock->restarts++;
}

static void open_bin(struct kl_clock *clock, int64_t device_ns, int64_t offset_ns)
{
    if (clock->bin_count == KL_CLOCK_BINS) {
        clock->bin_first = (clock->bin_first + 1) % KL_CLOCK_BINS;
        clock->bin_count--;
    }
    size_t slot = (clock->bin_first + clock->bin_count) % KL_CLOCK_BINS;
    clock->bin[slot] = (struct kl_clock_bin){device_ns, offset_ns};
    clock->bin_count++;
    clock->bin_start_ns = device_ns;
}

static void restart(struct kl_clock *clock, int64_t device_ns, int64_t arrival_ns)
{
    clock->newest_host_ns = clock->started ? clock->newest_host_ns : arrival_ns;
    clock->restarts += clock->started ? 1 : 0;
    clock->started = true;
    clock->doubtful = clock->another = false;
    clock->bin_first = 0;
    clock->bin_count = 0;
    clock->odd_count = 0;
    clock->newest_device_ns = device_ns;
    open_bin(clock, device_ns, arrival_ns - device_ns);
    fit(clock);
    aim(clock);
}

/* Does the sample contradict what is known, and has it not yet been confirmed? */
static bool is_odd(struct kl_clock *clock, int64_t device_ns, int64_t offset_ns)
{
    bool odd = (double)offset_ns < fit_offset(clock, device_ns) - (double)ODD_AHEAD_NS ||
               device_ns < clock->newest_device_ns - ODD_BACK_NS;
    if (!odd) {
        clock->odd_count = 0;
        return false;
    }
    int64_t change_ns = offset_ns - clock->odd_offset_ns;
    bool agrees = clock->odd_count > 0 && change_ns < ODD_AHEAD_NS && change_ns > -ODD_AHEAD_NS;
    clock->odd_count = agrees ? clock->odd_count + 1 : 1;
    clock->odd_offset_ns = offset_ns;
    return true;
}

/* Takes an arrival into its bin. @return true when the line must be fitted anew */
static bool learn(struct kl_clock *clock, int64_t device_ns, int64_t offset_ns)
{
    if (device_ns < clock->bin_start_ns) {
        return false; /* a little out of order between two streams: its bin is closed */
    }
    bool early = (double)offset_ns < fit_offset(clock, device_ns);
    if (device_ns - clock->bin_start_ns >= BIN_NS) {
        forget_old_offset(clock);
        open_bin(clock, device_ns, offset_ns);
        return true;
    }
    size_t newest = (clock->bin_first + clock->bin_count - 1) % KL_CLOCK_BINS;
    if (offset_ns < clock->bin[newest].offset_ns) {
        clock->bin[newest] = (struct kl_clock_bin){device_ns, offset_ns};
    }
    return early;
}

void kl_clock_reconnected(struct kl_clock *clock)
{
    clock->doubtful = true;
}

void kl_clock_restarted(struct kl_clock *clock)
{
    clock->another = true;
}

/* The first sample after the device was away. @return true when its clock began anew */
static bool is_another_clock(struct kl_clock *clock, int64_t device_ns, int64_t arrival_ns)
{
    if (!clock->doubtful && !clock->another) {
        return false;
    }
    double off = (double)(arrival_ns - device_ns) - fit_offset(clock, device_ns);
    bool same = !clock->another && fabs(off) < (double)ODD_AHEAD_NS;
    clock->doubtful = clock->another = false;
    if (same) {
        return false;
    }
    /* nothing of the old line holds: the new one starts where the sample came, without a bend */
    clock->newest_host_ns = arrival_ns > clock->newest_host_ns ? arrival_ns : clock->newest_host_ns;
    return true;
}

int64_t kl_clock_step(struct kl_clock *clock, int64_t device_ns, int64_t arrival_ns)
{
    if (device_ns > TIME_LIMIT_NS || device_ns < -TIME_LIMIT_NS) {
        device_ns = device_ns > 0 ? TIME_LIMIT_NS : -TIME_LIMIT_NS;
    }
    if (!clock->started) {
        restart(clock, device_ns, arrival_ns);
        return clock->newest_host_ns;
    }
    if (is_another_clock(clock, device_ns, arrival_ns)) {
        restart(clock, device_ns, arrival_ns);
        return clock->newest_host_ns;
    }
    int64_t offset_ns = arrival_ns - device_ns;
    if (is_odd(clock, device_ns, offset_ns)) {
        if (clock->odd_count >= ODD_CONFIRM) {
            restart(clock, device_ns, arrival_ns);
        } else if (arrival_ns > clock->newest_host_ns) {
            clock->newest_host_ns = arrival_ns; /* all that is sure: it was made before it came */
        }
        return clock->newest_host_ns;
    }
    int64_t host_ns = map(clock, device_ns);
    if (device_ns >= clock->newest_device_ns) {
        host_ns = host_ns > clock->newest_host_ns ? host_ns : clock->newest_host_ns;
        clock->newest_device_ns = device_ns;
        clock->newest_host_ns = host_ns;
    }
    if (learn(clock, device_ns, offset_ns)) {
        fit(clock);
        aim(clock);
    }
    return host_ns;
}

int64_t kl_clock_uncertainty(const struct kl_clock *clock)
{
    if (!clock->started) {
        return INT64_MAX;
    }
    int64_t behind = fit_host(clock, clock->newest_device_ns) - clock->newest_host_ns;
    return clock->spread_ns + (behind < 0 ? -behind : behind);
}

double kl_clock_drift_ppm(const struct kl_clock *clock)
{
    return clock->fit_rate * 1e6;
}

/* ------------------------------------------------- devices without a clock */

/* One batch moves the time by a twentieth of its distance: bursts of 20 ms leave 1 ms. */
#define ARRIVAL_GAIN 0.05
/* ... and no interval between two samples by more than this part of itself. */
#define ARRIVAL_BEND_MAX 0.25
/* Further off than this it is a gap or a stop, not a burst. */
#define ARRIVAL_JUMP_NS 250e6

void kl_arrival_clock_init(struct kl_arrival_clock *clock, double rate_hz)
{
    memset(clock, 0, sizeof(*clock));
    clock->period_ns = NS_PER_S / rate_hz;
}

void kl_arrival_clock_reconnected(struct kl_arrival_clock *clock)
{
    clock->started = false;
}

/* A new batch: the newest sample of the one before it was made when that came. */
static void learn_batch(struct kl_arrival_clock *clock, int64_t arrival_ns)
{
    if (arrival_ns == clock->arrival_ns) {
        return;
    }
    double error = (double)(clock->arrival_ns - clock->host_ns);
    clock->owed_ns = ARRIVAL_GAIN * error;
    clock->jitter_ns += ARRIVAL_GAIN * (fabs(error) - clock->jitter_ns);
    clock->arrival_ns = arrival_ns;
}

/* What the device says passed since its last sample, unless the arrival denies it. */
static double counted_step(const struct kl_arrival_clock *clock, int64_t device_ns,
                           int64_t arrival_ns)
{
    double step = (double)device_ns - (double)clock->device_ns;
    double left = (double)(arrival_ns - clock->host_ns) + ARRIVAL_JUMP_NS;
    return step > 0 && step <= fmax(left, clock->period_ns) ? step : clock->period_ns;
}

int64_t kl_arrival_clock_step(struct kl_arrival_clock *clock, int64_t device_ns, int64_t arrival_ns)
{
    if (!clock->started) {
        clock->started = true;
        clock->host_ns = arrival_ns > clock->host_ns ? arrival_ns : clock->host_ns + 1;
        clock->device_ns = device_ns;
        clock->arrival_ns = arrival_ns;
        clock->owed_ns = 0;
        return clock->host_ns;
    }
    double step = counted_step(clock, device_ns, arrival_ns);
    clock->device_ns = device_ns;
    learn_batch(clock, arrival_ns);
    if ((double)(arrival_ns - clock->host_ns) - step > ARRIVAL_JUMP_NS + clock->period_ns) {
        clock->host_ns = arrival_ns;
        clock->owed_ns = 0;
        return arrival_ns;
    }
    double pay = clamp(clock->owed_ns, -ARRIVAL_BEND_MAX * step, ARRIVAL_BEND_MAX * step);
    clock->owed_ns -= pay;
    clock->host_ns += step + pay > 1.0 ? (int64_t)llround(step + pay) : 1;
    return clock->host_ns;
}
