#include "process/force/passage.h"

#include "process/force/stance.h"

#include <math.h>
#include <stdlib.h>

#define HISTORY_S 4.0        /* methods 3.3 */
#define OPEN_FLIGHT_S 0.250  /* a flight longer than this is not waited for */
#define DEPARTURE_N 50.0     /* methods 4.1: the crossing of the detector */
#define START_S 0.5          /* methods 3.3 */
#define AFTER_GAP_S 0.040    /* flight that must be seen between a gap and a step */
#define ANCHOR_AGE_MAX_S 2.0 /* older flights say nothing about this stance */
#define STANCE_SPAN_S 1.3    /* longest stretch of one contact with its margins */
#define NOISE_FLIGHTS_MIN 3  /* a median of fewer says nothing */

int kl_passages_open(struct kl_passages *passages, double rate_hz,
                     const struct kl_force_settings *settings, size_t detector_delay)
{
    int status = kl_butterworth_init(&passages->filter, settings->cutoff_hz, rate_hz);
    if (status != KL_OK) {
        return status;
    }
    passages->rate_hz = rate_hz;
    passages->threshold_n = settings->threshold_n;
    passages->delay = detector_delay;
    passages->forward_delay = (size_t)(kl_butterworth_delay(&passages->filter) + 0.5);
    passages->open_flight = (size_t)ceil(OPEN_FLIGHT_S * rate_hz);
    size_t settle = passages->filter.settle;
    passages->stance_capacity = (size_t)ceil(STANCE_SPAN_S * rate_hz) + settle + 2;
    passages->stance = calloc(passages->stance_capacity, sizeof(*passages->stance));
    if (passages->stance == NULL) {
        return KL_ERR_MEM;
    }
    status = kl_wrench_ring_open(&passages->ring, (size_t)ceil(HISTORY_S * rate_hz) + settle);
    if (status == KL_OK) {
        status = kl_contact_detector_open(&passages->detector, rate_hz, detector_delay);
    }
    return status;
}

void kl_passages_close(struct kl_passages *passages)
{
    kl_contact_detector_close(&passages->detector);
    kl_wrench_ring_close(&passages->ring);
    free(passages->stance);
    passages->stance = NULL;
}

/* --------------------------------------------------- events to passages */

/* Events of the causal signal come late by its delay; nothing is earlier than its segment. */
static uint64_t true_index(const struct kl_passages *passages, uint64_t event)
{
    return event - passages->segment < passages->delay ? passages->segment
                                                       : event - passages->delay;
}

/* A level that moves fast cuts the provisional flight short at both ends. Its middle is flight
 * all the same: the flight reaches from there to where the force departs from the value it has
 * there. */
static void widen(const struct kl_passages *passages, uint64_t *from, uint64_t *to)
{
    const struct kl_wrench_ring *ring = &passages->ring;
    uint64_t middle = (*from + *to) / 2 + passages->forward_delay;
    if (middle >= ring->next || middle < passages->segment + passages->forward_delay) {
        return;
    }
    double limit_n = ring->forward[kl_wrench_ring_slot(ring, middle)][KL_FY] + DEPARTURE_N;
    uint64_t earliest = middle > passages->open_flight ? middle - passages->open_flight : 0;
    earliest = earliest > passages->segment ? earliest : passages->segment;
    uint64_t low = middle;
    while (low > earliest && ring->forward[kl_wrench_ring_slot(ring, low - 1)][KL_FY] < limit_n) {
        low--;
    }
    uint64_t high = middle + 1;
    while (high < ring->next && high < middle + passages->open_flight &&
           ring->forward[kl_wrench_ring_slot(ring, high)][KL_FY] < limit_n) {
        high++;
    }
    *from = low > passages->segment + passages->forward_delay ? low - passages->forward_delay
                                                              : passages->segment;
    *to = high - passages->forward_delay;
}

static struct kl_drift_anchor measure(const struct kl_passages *passages, uint64_t from,
                                      uint64_t to)
{
    struct kl_drift_anchor anchor =
        kl_drift_anchor_measure(&passages->ring, passages->rate_hz, from, to);
    if (!anchor.known && to > from) {
        widen(passages, &from, &to);
        anchor = kl_drift_anchor_measure(&passages->ring, passages->rate_hz, from, to);
    }
    return anchor;
}

static struct kl_passage *newest(struct kl_passages *passages)
{
    return passages->count > 0
               ? &passages->waiting[(passages->head + passages->count - 1) % KL_PASSAGES_MAX]
               : NULL;
}

/* The flight after the newest passage is over, or long enough to tell the level. */
static void close_flight(struct kl_passages *passages, struct kl_passage *passage, uint64_t to)
{
    uint64_t from = true_index(passages, passage->end);
    uint64_t limit = from + passages->open_flight;
    passage->after = measure(passages, from, to < limit ? to : limit);
    passage->flight_known = true;
}

/* Median SD of the last flights; 0 while there are too few. */
static double belt_noise(const struct kl_passages *passages)
{
    size_t count = passages->flights < KL_NOISE_FLIGHTS ? passages->flights : KL_NOISE_FLIGHTS;
    double sorted[KL_NOISE_FLIGHTS];
    for (size_t i = 0; i < count; i++) {
        size_t place = i;
        while (place > 0 && sorted[place - 1] > passages->flight_sd_n[i]) {
            sorted[place] = sorted[place - 1];
            place--;
        }
        sorted[place] = passages->flight_sd_n[i];
    }
    return count < NOISE_FLIGHTS_MIN ? 0 : sorted[count / 2];
}

/* Where the backward pass over a contact may stop: the middle of the flight before it. */
static uint64_t first_sample(const struct kl_passages *passages, uint64_t contact)
{
    uint64_t flight = contact - passages->flight_from;
    uint64_t back = (flight < passages->open_flight ? flight : passages->open_flight) / 2;
    return contact - back;
}

static void begin_passage(struct kl_passages *passages, uint64_t event)
{
    uint64_t contact = true_index(passages, event);
    if (contact < passages->flight_from) {
        contact = passages->flight_from;
    }
    if (contact < passages->promised) {
        return; /* found by a replay, after others were told that nothing begins there any more */
    }
    struct kl_passage *previous = newest(passages);
    if (previous != NULL && !previous->flight_known) {
        close_flight(passages, previous, contact);
    }
    uint64_t from = contact - passages->flight_from > passages->open_flight
                        ? contact - passages->open_flight
                        : passages->flight_from;
    struct kl_drift_anchor anchor = measure(passages, from, contact);
    if (anchor.known) {
        passages->anchor = anchor;
        passages->flight_sd_n[passages->flights++ % KL_NOISE_FLIGHTS] = anchor.sd[KL_FY];
    } else if ((double)contact - passages->anchor.index > ANCHOR_AGE_MAX_S * passages->rate_hz) {
        passages->anchor.known = false;
    }
    uint64_t first = first_sample(passages, contact);
    passages->open = (struct kl_passage){
        .first = first > passages->promised ? first : passages->promised,
        .begin = event,
        .segment = passages->segment,
        .has_ic = true,
        .before = passages->anchor,
    };
    passages->has_open = true;
}

static void begin_cut_passage(struct kl_passages *passages, uint64_t event)
{
    passages->open =
        (struct kl_passage){.first = event, .begin = event, .segment = passages->segment};
    passages->has_open = true;
}

static void end_passage(struct kl_passages *passages, uint64_t event, bool has_to)
{
    if (!passages->has_open) {
        return;
    }
    passages->has_open = false;
    if (passages->count == KL_PASSAGES_MAX) { /* nobody asks for contacts */
        passages->head = (passages->head + 1) % KL_PASSAGES_MAX;
        passages->count--;
    }
    passages->open.end = event;
    passages->open.has_to = has_to;
    passages->waiting[(passages->head + passages->count++) % KL_PASSAGES_MAX] = passages->open;
}

static void take_events(struct kl_passages *passages)
{
    for (size_t i = 0; i < passages->detector.event_count; i++) {
        struct kl_contact_event event = passages->detector.event[i];
        switch (event.kind) {
        case KL_CONTACT_BEGINS:
            begin_passage(passages, event.index);
            break;
        case KL_CONTACT_CUT:
            begin_cut_passage(passages, event.index);
            break;
        case KL_CONTACT_TOE_OFF:
            end_passage(passages, event.index, true);
            passages->flight_from = true_index(passages, event.index);
            break;
        case KL_CONTACT_DROPPED:
            passages->has_open = false;
            break;
        case KL_CONTACT_FLIGHT:
            passages->flight_from = true_index(passages, event.index);
            break;
        }
    }
}

static void mark_ready(struct kl_passages *passages)
{
    uint64_t now = passages->ring.next - 1;
    for (size_t i = 0; i < passages->count; i++) {
        struct kl_passage *passage = &passages->waiting[(passages->head + i) % KL_PASSAGES_MAX];
        if (passage->ready || now < passage->end + passages->filter.settle) {
            continue;
        }
        if (!passage->flight_known && now >= passage->end + passages->open_flight) {
            close_flight(passages, passage, now);
        }
        passage->last = passage->end + passages->filter.settle;
        passage->ready = passage->flight_known;
        passage->belt_noise_n = belt_noise(passages);
    }
}

void kl_passages_end_segment(struct kl_passages *passages)
{
    if (passages->ring.next == passages->segment) {
        return;
    }
    uint64_t last = passages->ring.next - 1;
    if (kl_contact_detector_end(&passages->detector) > 0) {
        take_events(passages);
    }
    end_passage(passages, last, false);
    for (size_t i = 0; i < passages->count; i++) {
        struct kl_passage *passage = &passages->waiting[(passages->head + i) % KL_PASSAGES_MAX];
        if (passage->ready) {
            continue;
        }
        if (!passage->flight_known) {
            passage->ended = true;
            if (passage->has_to) {
                close_flight(passages, passage, last + 1);
            }
        }
        uint64_t settled = passage->end + passages->filter.settle;
        passage->last = settled < last ? settled : last;
        passage->ready = true;
        passage->belt_noise_n = belt_noise(passages);
    }
}

/* Index before which no contact can begin any more. */
static uint64_t settled_index(const struct kl_passages *passages)
{
    if (passages->count > 0) {
        return passages->waiting[passages->head].first;
    }
    if (passages->has_open && !passages->open.has_ic) {
        return passages->open.first;
    }
    const struct kl_contact_detector *detector = &passages->detector;
    uint64_t earliest = true_index(passages, detector->flight_from);
    uint64_t now = passages->ring.next - 1;
    uint64_t span = detector->window; /* of a replay */
    if (passages->has_open) {
        now = passages->open.begin;
        span = passages->open_flight;
    } else if (detector->state == KL_CONTACT_IN_FLIGHT) {
        now = detector->has_crossing ? detector->crossing : now;
        span = passages->open_flight;
    }
    uint64_t from = true_index(passages, now);
    from = from > span ? from - span : 0;
    return from > earliest ? from : earliest;
}

void kl_passages_push(struct kl_passages *passages, double live_fy_n, double raw_fy_n)
{
    if (kl_contact_detector_push(&passages->detector, live_fy_n, raw_fy_n) > 0) {
        take_events(passages);
    }
    if (passages->count > 0) {
        mark_ready(passages);
    }
    uint64_t settled = settled_index(passages);
    passages->promised = settled > passages->promised ? settled : passages->promised;
}

void kl_passages_begin_segment(struct kl_passages *passages, bool keep_level)
{
    kl_passages_end_segment(passages);
    kl_contact_detector_restart(&passages->detector, keep_level);
    passages->segment = passages->ring.next;
    passages->flight_from = passages->segment;
    passages->anchor.known = passages->anchor.known && keep_level;
}

int64_t kl_passages_watermark(const struct kl_passages *passages)
{
    if (passages->ring.next == 0) {
        return INT64_MIN;
    }
    uint64_t settled = settled_index(passages);
    uint64_t index = settled > passages->promised ? settled : passages->promised;
    if (!kl_wrench_ring_holds(&passages->ring, index)) {
        index = passages->ring.next - passages->ring.capacity;
    }
    return passages->ring.t_ns[kl_wrench_ring_slot(&passages->ring, index)];
}

/* ------------------------------------------------------------ contacts out */

/* Time of a position between samples. */
static double time_at(const struct kl_wrench_ring *ring, uint64_t first, double position)
{
    uint64_t index = first + (uint64_t)position;
    double part = position - floor(position);
    int64_t t_ns = ring->t_ns[kl_wrench_ring_slot(ring, index)];
    if (!(part > 0)) {
        return (double)t_ns;
    }
    int64_t next_ns = ring->t_ns[kl_wrench_ring_slot(ring, index + 1)];
    return (double)t_ns + part * (double)(next_ns - t_ns);
}

static void describe_flights(const struct kl_passage *passage, const struct kl_drift_line *line,
                             double middle, struct kl_contact *out)
{
    const struct kl_drift_anchor *before = &passage->before;
    const struct kl_drift_anchor *after = &passage->after;
    out->has_flight_sd = before->known || after->known;
    for (size_t c = 0; c < KL_WRENCH_COUNT; c++) {
        double sum = (before->known ? before->sd[c] * before->sd[c] : 0) +
                     (after->known ? after->sd[c] * after->sd[c] : 0);
        out->flight_sd[c] = sqrt(before->known && after->known ? sum / 2 : sum);
    }
    double flights = before->known && after->known ? 2 : 1;
    out->flight_covariance_mx_fy = (before->covariance_mx_fy + after->covariance_mx_fy) / flights;
    out->flight_covariance_mz_fy = (before->covariance_mz_fy + after->covariance_mz_fy) / flights;
    if (before->known && after->known) {
        out->drift_step_n = fabs(after->level[KL_FY] - before->level[KL_FY]);
    }
    out->drift_n = kl_drift_line_at(line, KL_FY, middle);
}

/* The first half second of a record is not reported; after a gap a step counts when enough of the
 * flight before it was seen to start the filter and to measure the zero. */
static bool is_warming_up(const struct kl_passages *passages, const struct kl_passage *passage,
                          const struct kl_contact *contact)
{
    if (contact->to_ns < (double)passages->record_start_ns + START_S * 1e9) {
        return true;
    }
    double seen = (double)(passage->begin - passage->segment) - (double)passages->delay;
    double needed = fmax(AFTER_GAP_S * passages->rate_hz, (double)passages->filter.settle / 4);
    return passage->segment > 0 && (!passage->has_ic || seen < needed);
}

static bool finish(struct kl_passages *passages, struct kl_passage *passage, struct kl_contact *out)
{
    uint64_t capacity = passages->stance_capacity;
    if (passage->last - passage->first >= capacity) {
        passage->first = passage->last - capacity + 1;
    }
    uint64_t first = passage->first;
    if (!kl_wrench_ring_holds(&passages->ring, first)) {
        return false; /* asked for too late */
    }
    kl_stance_backward(&passages->ring, &passages->filter, first, passage->last, passages->stance);
    /* Behind the toe-off the backward pass is exact (1e-6 N) for a quarter of its run-up. */
    uint64_t end = passage->end + passages->filter.settle / 4;
    end = end < passage->last ? end : passage->last;
    size_t count = (size_t)(end - first) + 1;
    struct kl_drift_line line = kl_drift_line_between(&passage->before, &passage->after);
    kl_stance_correct(&line, first, count, passages->stance);

    uint64_t begin = true_index(passages, passage->begin);
    uint64_t over = true_index(passages, passage->end);
    begin = begin > first ? begin : first;
    over = over > begin ? over : begin;
    const double(*wrench)[KL_WRENCH_COUNT] = (const double(*)[KL_WRENCH_COUNT])passages->stance;
    struct kl_stance_crossings crossings;
    if (!kl_stance_cross(wrench, count, begin - first, over - first, passages->threshold_n,
                         &crossings)) {
        return false;
    }
    struct kl_contact contact = {
        .has_ic = passage->has_ic,
        .has_to = passage->has_to,
        .ended = passage->ended,
        .count = count,
        .t0_ns = passages->ring.t_ns[kl_wrench_ring_slot(&passages->ring, first)],
        .wrench = wrench,
    };
    /* A crossing lost in a moving zero: the provisional event is the best there is. */
    double rise = crossings.has_rise && passage->has_ic ? crossings.rise : (double)(begin - first);
    double fall = crossings.has_fall && passage->has_to ? crossings.fall : (double)(over - first);
    contact.ic_ns = time_at(&passages->ring, first, rise);
    contact.to_ns = time_at(&passages->ring, first, passage->has_to ? fall : (double)(count - 1));
    int64_t span_ns =
        passages->ring.t_ns[kl_wrench_ring_slot(&passages->ring, end)] - contact.t0_ns;
    contact.dt_s = count > 1 ? (double)span_ns / 1e9 / (double)(count - 1) : 1 / passages->rate_hz;
    for (uint64_t i = first; i <= end; i++) {
        contact.quality |= passages->ring.quality[kl_wrench_ring_slot(&passages->ring, i)];
    }
    describe_flights(passage, &line, (double)first + 0.5 * (rise + fall), &contact);
    contact.point_given = passages->point_given;
    contact.belt_noise_n = passage->belt_noise_n;
    contact.warming_up = is_warming_up(passages, passage, &contact);
    *out = contact;
    return true;
}

bool kl_passages_take(struct kl_passages *passages, struct kl_contact *out)
{
    while (passages->count > 0 && passages->waiting[passages->head].ready) {
        struct kl_passage passage = passages->waiting[passages->head];
        passages->head = (passages->head + 1) % KL_PASSAGES_MAX;
        passages->count--;
        if (finish(passages, &passage, out)) {
            return true;
        }
    }
    return false;
}
