#include "process/force/contact_detector.h"

#include <math.h>
#include <stdlib.h>

/* Methods 4.1. */
#define WINDOW_S 1.2
#define PLATEAU_S 0.040
#define CONFIRM_S 0.010
#define FLIGHT_MAX_S 0.400 /* longer ones do not measure the level */
#define STANCE_MAX_S 0.8
#define LEVEL_HOLD_S 1.0 /* slopes are not extrapolated further */
#define PLATEAU_RANGE_N 20.0
#define FRESH_RANGE_N 80.0
#define FRESH_MEAN_N 50.0
#define RANGE_MIN_N 500.0
#define RANGE_MIN_BW 0.8
#define LOW_PART 0.35 /* a plateau lies in the lowest part of the range */
#define CROSSING_N 50.0
#define ARM_MIN_N 100.0
#define ARM_PART 0.15
#define RESCUE_N 25.0

/* Samples that last at least so long; the tiny part keeps 0.010 s at 300 Hz from becoming 4. */
static size_t samples_of(double seconds, double rate_hz)
{
    double count = ceil(seconds * rate_hz - 1e-6);
    return count < 1 ? 1 : (size_t)count;
}

int kl_contact_detector_open(struct kl_contact_detector *detector, double rate_hz, size_t delay)
{
    *detector = (struct kl_contact_detector){
        .rate_hz = rate_hz,
        .window = samples_of(WINDOW_S, rate_hz),
        .plateau = samples_of(PLATEAU_S, rate_hz),
        .confirm = samples_of(CONFIRM_S, rate_hz),
        .flight_max = samples_of(FLIGHT_MAX_S, rate_hz),
        .stance_max = samples_of(STANCE_MAX_S, rate_hz),
        .delay = delay,
    };
    /* A flight of 0.4 s before the oldest sample of interest must still be there. */
    size_t needed = detector->window + detector->flight_max + delay + 1;
    detector->capacity = 1;
    while (detector->capacity < needed) {
        detector->capacity *= 2;
    }
    detector->y = calloc(detector->capacity, sizeof(*detector->y));
    detector->raw = calloc(detector->capacity, sizeof(*detector->raw));
    int status = detector->y == NULL || detector->raw == NULL ? KL_ERR_MEM : KL_OK;
    if (status == KL_OK) {
        status = kl_running_extremes_open(&detector->long_range, detector->window);
    }
    if (status == KL_OK) {
        status = kl_running_extremes_open(&detector->short_range, detector->plateau);
    }
    if (status != KL_OK) {
        kl_contact_detector_close(detector);
    }
    return status;
}

void kl_contact_detector_close(struct kl_contact_detector *detector)
{
    kl_running_extremes_close(&detector->long_range);
    kl_running_extremes_close(&detector->short_range);
    free(detector->y);
    free(detector->raw);
    detector->y = detector->raw = NULL;
}

static void emit(struct kl_contact_detector *detector, enum kl_contact_event_kind kind,
                 uint64_t index)
{
    if (detector->event_count < KL_CONTACT_EVENTS_MAX) {
        detector->event[detector->event_count++] = (struct kl_contact_event){kind, index};
    }
}

static double sample_y(const struct kl_contact_detector *detector, uint64_t index)
{
    return detector->y[index & (detector->capacity - 1)];
}

static double level_at(const struct kl_contact_detector *detector, uint64_t index)
{
    double ahead = (double)index - detector->level_index;
    double hold = LEVEL_HOLD_S * detector->rate_hz;
    return detector->level_n + detector->slope_n * (ahead > hold ? hold : ahead);
}

static void set_level(struct kl_contact_detector *detector, double level_n, double index)
{
    detector->level_n = level_n;
    detector->level_index = index;
    detector->slope_n = 0;
}

void kl_contact_detector_restart(struct kl_contact_detector *detector, bool keep_level)
{
    bool has_level = detector->state != KL_CONTACT_NO_LEVEL;
    if (has_level && keep_level && detector->next > 0) {
        set_level(detector, level_at(detector, detector->next - 1), (double)detector->next);
        detector->state = KL_CONTACT_AT_START;
    } else {
        detector->state = KL_CONTACT_NO_LEVEL;
    }
    detector->start = detector->next;
    detector->flight_from = detector->next;
    detector->has_measured = false;
    kl_running_extremes_reset(&detector->long_range);
    kl_running_extremes_reset(&detector->short_range);
}

void kl_contact_detector_tared(struct kl_contact_detector *detector, uint64_t fresh_samples)
{
    detector->fresh_until = detector->next + fresh_samples;
}

bool kl_contact_detector_level(const struct kl_contact_detector *detector, double *level_n)
{
    if (detector->state == KL_CONTACT_NO_LEVEL || detector->next == 0) {
        return false;
    }
    *level_n = level_at(detector, detector->next - 1);
    return true;
}

static void begin_flight(struct kl_contact_detector *detector, uint64_t from)
{
    detector->state = KL_CONTACT_IN_FLIGHT;
    detector->flight_from = from;
    detector->has_crossing = false;
    detector->above = 0;
}

static void begin_stance(struct kl_contact_detector *detector, enum kl_contact_state state,
                         uint64_t from)
{
    detector->state = state;
    detector->stance_from = from;
    detector->below = 0;
}

/* The flight that just ended tells the level better than anything before: raw mean over its
 * central half. The slope to the flight before it is believed by half. */
static void measure_flight(struct kl_contact_detector *detector, uint64_t contact)
{
    uint64_t length = contact - detector->flight_from;
    detector->slope_n = 0;
    if (length >= detector->flight_max || length < 4) {
        detector->has_measured = false;
        return;
    }
    uint64_t from = detector->flight_from + length / 4;
    uint64_t to = detector->flight_from + (3 * length) / 4;
    uint64_t shift = from - detector->start < detector->delay ? 0 : detector->delay;
    double sum = 0;
    for (uint64_t i = from - shift; i < to - shift; i++) {
        sum += detector->raw[i & (detector->capacity - 1)];
    }
    double mean = sum / (double)(to - from);
    double centre = 0.5 * (double)(from + to - 1) - (double)shift;
    double slope = 0;
    double apart = centre - detector->measured_index;
    if (detector->has_measured && apart < LEVEL_HOLD_S * detector->rate_hz) {
        slope = 0.5 * (mean - detector->measured_n) / apart;
    }
    detector->has_measured = true;
    detector->measured_n = mean;
    detector->measured_index = centre;
    set_level(detector, mean, centre);
    detector->slope_n = slope;
}

static void end_flight(struct kl_contact_detector *detector)
{
    measure_flight(detector, detector->crossing);
    emit(detector, KL_CONTACT_BEGINS, detector->crossing);
    begin_stance(detector, KL_CONTACT_IN_STANCE, detector->crossing);
}

static void track_flight(struct kl_contact_detector *detector, uint64_t index, double v)
{
    if (v < CROSSING_N) {
        detector->has_crossing = false;
    } else if (!detector->has_crossing) {
        detector->has_crossing = true;
        detector->crossing = index;
    }
    detector->above = v > detector->arm_n ? detector->above + 1 : 0;
    if (detector->above >= detector->confirm) {
        end_flight(detector);
    }
}

size_t kl_contact_detector_end(struct kl_contact_detector *detector)
{
    detector->event_count = 0;
    if (detector->state == KL_CONTACT_IN_FLIGHT && detector->above > 0) {
        end_flight(detector);
    }
    return detector->event_count;
}

static void end_stance(struct kl_contact_detector *detector, uint64_t index)
{
    emit(detector, detector->state == KL_CONTACT_IN_STANCE ? KL_CONTACT_TOE_OFF : KL_CONTACT_FLIGHT,
         index);
    begin_flight(detector, index);
}

/* One sample while the level is known, live or in a replay. */
static void track(struct kl_contact_detector *detector, uint64_t index, double y)
{
    double v = y - level_at(detector, index);
    if (detector->state == KL_CONTACT_AT_START) {
        if (v < CROSSING_N) {
            emit(detector, KL_CONTACT_FLIGHT, index);
            begin_flight(detector, index);
        } else if (index == detector->start) {
            emit(detector, KL_CONTACT_CUT, index);
            begin_stance(detector, KL_CONTACT_IN_STANCE, index);
        } else {
            begin_stance(detector, KL_CONTACT_IGNORED, index);
        }
    }
    if (detector->state == KL_CONTACT_IN_FLIGHT) {
        track_flight(detector, index, v);
        return;
    }
    if (v < CROSSING_N) {
        if (detector->below++ == 0) {
            detector->below_from = index;
        }
        if (detector->below >= detector->confirm) {
            end_stance(detector, detector->below_from);
        }
    } else {
        detector->below = 0;
    }
}

static bool too_long(const struct kl_contact_detector *detector, uint64_t index)
{
    return (detector->state == KL_CONTACT_IN_STANCE || detector->state == KL_CONTACT_IGNORED) &&
           index - detector->stance_from > detector->stance_max;
}

/* A: the last 40 ms of y are flat and low in the range of the last 1.2 s: flight. */
static bool on_plateau(const struct kl_contact_detector *detector, uint64_t index, double y,
                       double *mean)
{
    if (index + 1 - detector->start < detector->plateau) {
        return false;
    }
    double flat = kl_running_extremes_max(&detector->short_range) -
                  kl_running_extremes_min(&detector->short_range);
    bool fresh = detector->state == KL_CONTACT_NO_LEVEL && index < detector->fresh_until;
    if (flat >= (fresh ? FRESH_RANGE_N : PLATEAU_RANGE_N)) {
        return false;
    }
    double low = kl_running_extremes_min(&detector->long_range);
    double range = kl_running_extremes_max(&detector->long_range) - low;
    double needed =
        detector->body_weight_n > 0 ? RANGE_MIN_BW * detector->body_weight_n : RANGE_MIN_N;
    if (range <= needed || y >= low + LOW_PART * range) {
        return false;
    }
    double sum = 0;
    for (uint64_t i = index + 1 - detector->plateau; i <= index; i++) {
        sum += sample_y(detector, i);
    }
    *mean = sum / (double)detector->plateau;
    return flat < PLATEAU_RANGE_N || fabs(*mean) < FRESH_MEAN_N;
}

static double plateau_centre(const struct kl_contact_detector *detector, uint64_t index)
{
    return (double)index - 0.5 * (double)(detector->plateau - 1);
}

/* The level is known from here on, and so are the contacts of the last 1.2 s. */
static void acquire(struct kl_contact_detector *detector, uint64_t index, double mean)
{
    double range = kl_running_extremes_max(&detector->long_range) -
                   kl_running_extremes_min(&detector->long_range);
    set_level(detector, mean, plateau_centre(detector, index));
    detector->arm_n = fmax(ARM_MIN_N, ARM_PART * range);
    detector->has_measured = false;
    uint64_t from = detector->flight_from; /* nothing before it is open */
    if (index + 1 - from > detector->window) {
        from = index + 1 - detector->window;
    }
    detector->state = KL_CONTACT_AT_START;
    for (uint64_t i = from; i <= index; i++) {
        track(detector, i, sample_y(detector, i));
        if (too_long(detector, i)) {
            if (detector->state == KL_CONTACT_IN_STANCE) {
                emit(detector, KL_CONTACT_DROPPED, i);
            }
            begin_stance(detector, KL_CONTACT_IGNORED, i);
        }
    }
}

/* D: the level rose while the foot was down, so the toe-off went by unseen. */
static void rescue(struct kl_contact_detector *detector, uint64_t index, double mean)
{
    set_level(detector, mean, plateau_centre(detector, index));
    uint64_t toe_off = index;
    while (toe_off > detector->stance_from + 1 &&
           sample_y(detector, toe_off - 1) - mean < CROSSING_N) {
        toe_off--;
    }
    end_stance(detector, toe_off);
}

size_t kl_contact_detector_push(struct kl_contact_detector *detector, double y_n, double raw_n)
{
    uint64_t index = detector->next++;
    size_t slot = index & (detector->capacity - 1);
    detector->y[slot] = y_n;
    detector->raw[slot] = raw_n;
    kl_running_extremes_push(&detector->long_range, index, y_n);
    kl_running_extremes_push(&detector->short_range, index, y_n);
    detector->event_count = 0;

    double mean = 0;
    if (detector->state == KL_CONTACT_NO_LEVEL) {
        if (on_plateau(detector, index, y_n, &mean)) {
            acquire(detector, index, mean);
        }
        return detector->event_count;
    }
    track(detector, index, y_n);
    if (detector->state != KL_CONTACT_IN_STANCE && detector->state != KL_CONTACT_IGNORED) {
        return detector->event_count;
    }
    if (on_plateau(detector, index, y_n, &mean) && mean > level_at(detector, index) + RESCUE_N) {
        rescue(detector, index, mean);
    } else if (too_long(detector, index)) { /* E */
        if (detector->state == KL_CONTACT_IN_STANCE) {
            emit(detector, KL_CONTACT_DROPPED, index);
        }
        detector->state = KL_CONTACT_NO_LEVEL;
    }
    return detector->event_count;
}
