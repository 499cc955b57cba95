#include "process/alignment_trial.h"

#include "process/motion/segment.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SIGNALS 24
#define PAIRS 16
#define GRID_NS (KL_ALIGNMENT_GRID_MAX * INT64_C(1000000)) /* what kl_alignment_find looks at */
/* A pulse is looked for this long after the start, then again, and at last given up. */
#define PULSE_FIRST_NS (12 * KL_NS_PER_S)
#define PULSE_AGAIN_NS (6 * KL_NS_PER_S)
#define PULSE_LAST_NS (60 * KL_NS_PER_S)
/* A stream that has not come so far by then is missing. */
#define LATE_NS (2 * KL_NS_PER_S)

enum what { FORCE = 0, ACCELERATION, PULSE };

/* One channel's newest seconds. */
struct signal {
    size_t stream;
    enum what what;
    enum kl_side side;
    size_t channel[3];      /* ax ay az; or the pulse's */
    size_t count, capacity; /* the newest 20 s or more, oldest first */
    int64_t *t_ns;          /* offsets applied */
    double *value;
    int64_t newest_ns; /* also of samples that are not kept */
};

struct pair {
    size_t reference, other; /* signals */
};

struct kl_alignment_trial {
    size_t stream_count;
    struct kl_stream *stream;
    int64_t *offset_ns; /* [stream_count] in force */
    bool *aligned;      /* [stream_count] in this session */
    size_t signals, pairs;
    struct signal signal[SIGNALS];
    struct pair pair[PAIRS];

    bool stamping;
    int64_t stamps_ns, stamps_end_ns;
    int64_t begun_ns, pulse_due_ns; /* 0: not begun; not due */
    size_t findings, taken;
    struct kl_alignment_finding finding[PAIRS];
    struct kl_alignment_work work;
};

/* --------------------------------------------------------------------- life */

static size_t channel_of(const struct kl_stream *stream, const char *label)
{
    size_t c = 0;
    while (c < stream->channel_count && strcmp(stream->label[c], label) != 0) {
        c++;
    }
    return c;
}

/* @return its number; SIGNALS without room or memory */
static size_t open_signal(struct kl_alignment_trial *trial, size_t stream, enum what what,
                          enum kl_side side)
{
    for (size_t s = 0; s < trial->signals; s++) {
        if (trial->signal[s].stream == stream && trial->signal[s].what == what) {
            return s;
        }
    }
    if (trial->signals == SIGNALS) {
        return SIGNALS;
    }
    struct signal *signal = &trial->signal[trial->signals];
    *signal = (struct signal){.stream = stream, .what = what, .side = side};
    signal->capacity = 2 * (size_t)ceil(trial->stream[stream].rate_hz * kl_seconds(GRID_NS));
    signal->t_ns = calloc(signal->capacity, sizeof(*signal->t_ns));
    signal->value = calloc(signal->capacity, sizeof(*signal->value));
    if (what == ACCELERATION) {
        static const char *const axis[3] = {"ax", "ay", "az"};
        for (size_t c = 0; c < 3; c++) {
            signal->channel[c] = channel_of(&trial->stream[stream], axis[c]);
        }
    }
    trial->signals++; /* destroyed with the rest, whole or not */
    return signal->t_ns != NULL && signal->value != NULL ? trial->signals - 1 : SIGNALS;
}

static bool open_pair(struct kl_alignment_trial *trial, size_t reference, size_t other)
{
    if (reference == SIGNALS || other == SIGNALS) {
        return false;
    }
    const struct kl_stream *a = &trial->stream[trial->signal[reference].stream];
    const struct kl_stream *b = &trial->stream[trial->signal[other].stream];
    if (strcmp(a->source, b->source) != 0 && trial->pairs < PAIRS) {
        trial->pair[trial->pairs++] = (struct pair){reference, other};
    }
    return true;
}

/* The plate a foot stamps on: its own side's, else that of both feet. @return stream_count: none */
static size_t plate_of(const struct kl_alignment_trial *trial, enum kl_side side)
{
    size_t found = trial->stream_count;
    for (size_t i = 0; i < trial->stream_count; i++) {
        const struct kl_stream *stream = &trial->stream[i];
        if (stream->kind != KL_KIND_FORCE) {
            continue;
        }
        bool own = stream->plate.side == side;
        found = own || found == trial->stream_count ? i : found;
        if (own) {
            break;
        }
    }
    return found;
}

static bool open_stamps(struct kl_alignment_trial *trial)
{
    for (size_t i = 0; i < trial->stream_count; i++) {
        const struct kl_stream *stream = &trial->stream[i];
        enum kl_segment segment = kl_segment_of(stream->name);
        bool foot = segment == KL_SEGMENT_FOOT_LEFT || segment == KL_SEGMENT_FOOT_RIGHT;
        size_t plate = foot ? plate_of(trial, kl_segment_side(segment)) : trial->stream_count;
        if (stream->kind != KL_KIND_IMU || plate == trial->stream_count ||
            channel_of(stream, "ax") == stream->channel_count ||
            channel_of(stream, "ay") == stream->channel_count ||
            channel_of(stream, "az") == stream->channel_count) {
            continue;
        }
        if (!open_pair(trial, open_signal(trial, plate, FORCE, KL_SIDE_UNKNOWN),
                       open_signal(trial, i, ACCELERATION, kl_segment_side(segment)))) {
            return false;
        }
    }
    return true;
}

static bool open_pulse(struct kl_alignment_trial *trial, const char *const *pulse, size_t count)
{
    size_t first = SIGNALS;
    for (size_t p = 0; p < count; p++) {
        for (size_t i = 0; i < trial->stream_count; i++) {
            if (strcmp(trial->stream[i].name, pulse[p]) != 0) {
                continue;
            }
            size_t signal = open_signal(trial, i, PULSE, KL_SIDE_UNKNOWN);
            if (signal == SIGNALS || (first != SIGNALS && !open_pair(trial, first, signal))) {
                return false;
            }
            first = first == SIGNALS ? signal : first;
        }
    }
    return true;
}

struct kl_alignment_trial *kl_alignment_trial_create(const struct kl_stream *streams, size_t count,
                                                     const char *const *pulse, size_t pulse_count)
{
    struct kl_alignment_trial *trial = calloc(1, sizeof(*trial));
    if (trial == NULL) {
        return NULL;
    }
    trial->stream_count = count;
    trial->stream = calloc(count + 1, sizeof(*trial->stream));
    trial->offset_ns = calloc(count + 1, sizeof(*trial->offset_ns));
    trial->aligned = calloc(count + 1, sizeof(*trial->aligned));
    if (trial->stream != NULL && count > 0) {
        memcpy(trial->stream, streams, count * sizeof(*streams));
    }
    if (trial->stream == NULL || trial->offset_ns == NULL || trial->aligned == NULL ||
        !open_pulse(trial, pulse, pulse_count) || !open_stamps(trial)) {
        kl_alignment_trial_destroy(trial);
        return NULL;
    }
    return trial;
}

void kl_alignment_trial_destroy(struct kl_alignment_trial *trial)
{
    if (trial == NULL) {
        return;
    }
    for (size_t s = 0; s < trial->signals; s++) {
        free(trial->signal[s].t_ns);
        free(trial->signal[s].value);
    }
    free(trial->stream);
    free(trial->offset_ns);
    free(trial->aligned);
    free(trial);
}

static bool is_pulse(const struct kl_alignment_trial *trial, const struct pair *pair)
{
    return trial->signal[pair->reference].what == PULSE;
}

static bool has_pairs(const struct kl_alignment_trial *trial, bool pulse)
{
    for (size_t p = 0; p < trial->pairs; p++) {
        if (is_pulse(trial, &trial->pair[p]) == pulse) {
            return true;
        }
    }
    return false;
}

bool kl_alignment_trial_stamps(const struct kl_alignment_trial *trial)
{
    return has_pairs(trial, false);
}

/* ------------------------------------------------------------------ judging */

static struct kl_alignment_signal lend(const struct signal *signal)
{
    return (struct kl_alignment_signal){
        .t_ns = signal->t_ns, .value = signal->value, .count = signal->count};
}

static void add_finding(struct kl_alignment_trial *trial,
                        const struct kl_alignment_finding *finding)
{
    if (trial->findings < PAIRS) {
        trial->finding[trial->findings++] = *finding;
    }
}

/* Of two sensors of one source the clearer one counts. @return false: it is said already */
static bool clearest(struct kl_alignment_trial *trial, const struct kl_alignment_finding *finding)
{
    for (size_t f = trial->taken; f < trial->findings; f++) {
        struct kl_alignment_finding *said = &trial->finding[f];
        if (strcmp(said->event.text, finding->event.text) != 0) {
            continue;
        }
        bool better = finding->accepted &&
                      (!said->accepted || finding->event.value[1] > said->event.value[1]);
        if (better) {
            *said = *finding;
        }
        return false;
    }
    return true;
}

static void judge(struct kl_alignment_trial *trial, const struct pair *pair)
{
    const struct signal *other = &trial->signal[pair->other];
    const struct kl_stream *stream = &trial->stream[other->stream];
    const struct kl_stream *beside = &trial->stream[trial->signal[pair->reference].stream];
    struct kl_alignment_signal a = lend(&trial->signal[pair->reference]), b = lend(other);
    struct kl_alignment found;
    struct kl_fault fault = {""};
    struct kl_alignment_finding finding = {.event = {.text = stream->source}};
    if (kl_alignment_find(&a, &b, &trial->work, &found, &fault) != KL_OK) {
        (void)snprintf(finding.text, sizeof(finding.text), "%.40s against %.40s: %.150s",
                       stream->name, beside->name,
                       is_pulse(trial, pair) ? "no pulse fits in the last 20 s; is the cable "
                                               "plugged into both, and does it pulse once a second?"
                                             : fault.text);
    } else {
        double lag_ms = (double)found.lag_ns / 1e6;
        int64_t away_ns = found.lag_ns < 0 ? -found.lag_ns : found.lag_ns;
        finding.accepted = true;
        finding.changed = trial->aligned[other->stream] && away_ns > KL_ALIGNMENT_CHANGE_MAX_NS;
        /* what was measured comes on top of the offset that held */
        found.lag_ns -= trial->offset_ns[other->stream];
        finding.event = kl_alignment_event(&found, stream->source);
        const char *format =
            finding.changed
                ? "%.40s: its clock has moved by %.1f ms against %.40s since the last check "
                  "(allowed: 5 ms); angles of the knee in between are less sure"
            : trial->aligned[other->stream]
                ? "%.40s: %.1f ms from %.40s since the last check: good"
                : "%.40s: %.1f ms behind %.40s; taken back from here on";
        (void)snprintf(finding.text, sizeof(finding.text), format, stream->name, lag_ms,
                       beside->name);
    }
    if (clearest(trial, &finding)) {
        add_finding(trial, &finding);
    }
}

static void judge_all(struct kl_alignment_trial *trial, bool pulse)
{
    if (trial->taken == trial->findings) {
        trial->taken = trial->findings = 0;
    }
    for (size_t p = 0; p < trial->pairs; p++) {
        if (is_pulse(trial, &trial->pair[p]) == pulse) {
            judge(trial, &trial->pair[p]);
        }
    }
}

/* ------------------------------------------------------------------- stamps */

static void begin_stamps(struct kl_alignment_trial *trial, const struct kl_event *event)
{
    struct kl_alignment_finding finding = {.event = {.text = ""}};
    if (!kl_alignment_trial_stamps(trial)) {
        (void)snprintf(finding.text, sizeof(finding.text),
                       "stamps: no plate and sensor on a foot (imu.foot.left, imu.foot.right) with "
                       "clocks of their own; nothing to align");
        add_finding(trial, &finding);
        return;
    }
    trial->stamping = true;
    trial->stamps_ns = event->t_ns;
    trial->stamps_end_ns =
        event->t_ns + (event->duration_ns > 0 ? event->duration_ns : KL_ALIGNMENT_STAMPS_NS);
    for (size_t s = 0; s < trial->signals; s++) {
        if (trial->signal[s].what != PULSE) {
            trial->signal[s].count = 0;
        }
    }
}

/* Everything has come past the end, or what has not is missing. */
static bool stamps_over(const struct kl_alignment_trial *trial)
{
    bool all = true;
    bool late = false;
    for (size_t s = 0; s < trial->signals; s++) {
        const struct signal *signal = &trial->signal[s];
        if (signal->what != PULSE) {
            all = all && signal->newest_ns >= trial->stamps_end_ns;
            late = late || signal->newest_ns >= trial->stamps_end_ns + LATE_NS;
        }
    }
    return all || late;
}

/* ------------------------------------------------------------------ samples */

static double value_of(const struct kl_alignment_trial *trial, const struct signal *signal,
                       const double *raw)
{
    const struct kl_stream *stream = &trial->stream[signal->stream];
    double sum = 0;
    switch (signal->what) {
    case FORCE:
        for (size_t c = 0; c < stream->channel_count && c < KL_PLATE_CHANNELS_MAX; c++) {
            sum += stream->plate.matrix[KL_FY][c] * raw[c];
        }
        return sum;
    case ACCELERATION:
        for (size_t c = 0; c < 3; c++) {
            sum += raw[signal->channel[c]] * raw[signal->channel[c]];
        }
        return sqrt(sum);
    default:
        return raw[0];
    }
}

static void take(struct kl_alignment_trial *trial, struct signal *signal,
                 const struct kl_block *block)
{
    const struct kl_stream *stream = &trial->stream[signal->stream];
    for (size_t i = 0; i < block->count; i++) {
        int64_t t_ns = block->t_ns[i] + trial->offset_ns[signal->stream];
        bool wanted = signal->what == PULSE ||
                      (trial->stamping && t_ns >= trial->stamps_ns && t_ns < trial->stamps_end_ns);
        double value = value_of(trial, signal, &block->value[i * stream->channel_count]);
        signal->newest_ns = t_ns > signal->newest_ns ? t_ns : signal->newest_ns;
        if (!wanted || !isfinite(value) ||
            (signal->count > 0 && t_ns <= signal->t_ns[signal->count - 1])) {
            continue;
        }
        if (signal->count == signal->capacity) {
            size_t half = signal->capacity / 2;
            memmove(signal->t_ns, signal->t_ns + half, half * sizeof(*signal->t_ns));
            memmove(signal->value, signal->value + half, half * sizeof(*signal->value));
            signal->count = half;
        }
        signal->t_ns[signal->count] = t_ns;
        signal->value[signal->count++] = value;
    }
}

/* Looks at the pulse when it is time; again while it does not fit, and not for ever. */
static void look_at_pulse(struct kl_alignment_trial *trial, int64_t t_ns)
{
    if (trial->begun_ns == 0) {
        trial->begun_ns = t_ns;
        trial->pulse_due_ns = t_ns + PULSE_FIRST_NS;
    }
    if (trial->pulse_due_ns == 0 || t_ns < trial->pulse_due_ns) {
        return;
    }
    size_t before = trial->taken == trial->findings ? 0 : trial->findings;
    judge_all(trial, true);
    bool all = true;
    for (size_t f = before; f < trial->findings; f++) {
        all = all && trial->finding[f].accepted;
    }
    bool last = t_ns >= trial->begun_ns + PULSE_LAST_NS;
    if (!all && !last) {
        trial->findings = before; /* not yet worth a word */
        trial->taken = trial->taken < before ? trial->taken : before;
    }
    trial->pulse_due_ns = all || last ? 0 : t_ns + PULSE_AGAIN_NS;
}

static void take_block(struct kl_alignment_trial *trial, const struct kl_block *block)
{
    if (block->stream >= trial->stream_count || block->count == 0) {
        return;
    }
    for (size_t s = 0; s < trial->signals; s++) {
        if (trial->signal[s].stream == block->stream) {
            take(trial, &trial->signal[s], block);
        }
    }
    if (trial->stamping && stamps_over(trial)) {
        trial->stamping = false;
        judge_all(trial, false);
    }
    if (has_pairs(trial, true)) {
        look_at_pulse(trial, block->t_ns[block->count - 1]);
    }
}

/* What is kept moves with its source. */
static void take_alignment(struct kl_alignment_trial *trial, const struct kl_event *event)
{
    for (size_t i = 0; i < trial->stream_count; i++) {
        int64_t before_ns = trial->offset_ns[i];
        if (!kl_alignment_applies(event, &trial->stream[i], &trial->offset_ns[i])) {
            continue;
        }
        trial->aligned[i] = true;
        for (size_t s = 0; s < trial->signals; s++) {
            struct signal *signal = &trial->signal[s];
            for (size_t k = 0; signal->stream == i && k < signal->count; k++) {
                signal->t_ns[k] += trial->offset_ns[i] - before_ns;
            }
        }
    }
}

void kl_alignment_trial_item(struct kl_alignment_trial *trial, const struct kl_item *item)
{
    if (item->kind == KL_ITEM_BLOCK) {
        take_block(trial, &item->block);
        return;
    }
    const struct kl_event *event = &item->event;
    if (event->kind == KL_EVENT_ALIGNMENT) {
        take_alignment(trial, event);
    } else if (event->kind == KL_EVENT_CALIBRATION) {
        if (strcmp(event->text, KL_ALIGNMENT_STAMPS) == 0) {
            begin_stamps(trial, event);
        } else if (strcmp(event->text, KL_ALIGNMENT_PULSE) == 0) {
            judge_all(trial, true);
        }
    }
}

void kl_alignment_trial_end(struct kl_alignment_trial *trial)
{
    if (trial->begun_ns != 0 && trial->pulse_due_ns == 0) {
        judge_all(trial, true);
    }
}

bool kl_alignment_trial_next(struct kl_alignment_trial *trial, struct kl_alignment_finding *out)
{
    if (trial->taken == trial->findings) {
        return false;
    }
    *out = trial->finding[trial->taken++];
    return true;
}
