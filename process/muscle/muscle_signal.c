#include "process/muscle/muscle_signal.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TRIAL_MAX_S 6.0 /* a longer stretch of contractions is judged piece by piece */

struct electrode {
    bool worn;
    size_t stream, channels;
    double rate_hz;
    size_t capacity, head, count; /* ring: newest at head - 1 */
    int64_t *t_ns;
    double *value_v;
    uint32_t *quality;
    double contraction_v; /* largest of the trials; 0: none */
    double bout_v;        /* sum of the peaks of the reference bout */
    size_t bout_steps;
    bool contracts;                 /* the two below hold */
    int64_t trial_ns, trial_end_ns; /* what of a contraction is not judged yet */
};

struct kl_muscle_signals {
    struct electrode electrode[KL_SIDE_COUNT][KL_MUSCLE_COUNT];
    double line_hz;
    bool runner_due; /* another runner: from the first step at or after runner_ns */
    int64_t runner_ns;
    double raw_v[KL_MUSCLE_COUNT][KL_EMG_SAMPLES];
    struct kl_muscle_scratch scratch;
};

static bool open_electrode(struct electrode *electrode, const struct kl_stream *stream,
                           size_t index)
{
    electrode->worn = true;
    electrode->stream = index;
    electrode->channels = stream->channel_count;
    electrode->rate_hz = stream->rate_hz;
    electrode->capacity = (size_t)ceil(KL_MUSCLE_HELD_S * stream->rate_hz) + 1;
    electrode->t_ns = calloc(electrode->capacity, sizeof(*electrode->t_ns));
    electrode->value_v = calloc(electrode->capacity, sizeof(*electrode->value_v));
    electrode->quality = calloc(electrode->capacity, sizeof(*electrode->quality));
    return electrode->t_ns != NULL && electrode->value_v != NULL && electrode->quality != NULL;
}

struct kl_muscle_signals *kl_muscle_signals_create(const struct kl_stream *streams, size_t count)
{
    static const char *const word[KL_MUSCLE_COUNT] = {"vmo", "vl"};
    struct kl_muscle_signals *signals = calloc(1, sizeof(*signals));
    if (signals == NULL) {
        return NULL;
    }
    for (size_t i = 0; i < count; i++) {
        for (unsigned s = KL_SIDE_LEFT; s < KL_SIDE_COUNT; s++) {
            for (unsigned m = 0; m < KL_MUSCLE_COUNT; m++) {
                char name[KL_NAME_MAX];
                (void)snprintf(name, sizeof(name), "emg.%s.%s", word[m],
                               kl_side_text((enum kl_side)s));
                struct electrode *electrode = &signals->electrode[s][m];
                if (streams[i].kind == KL_KIND_EMG && !electrode->worn &&
                    strcmp(streams[i].name, name) == 0 &&
                    !open_electrode(electrode, &streams[i], i)) {
                    kl_muscle_signals_destroy(signals);
                    return NULL;
                }
            }
        }
    }
    return signals;
}

void kl_muscle_signals_destroy(struct kl_muscle_signals *signals)
{
    if (signals == NULL) {
        return;
    }
    for (unsigned s = 0; s < KL_SIDE_COUNT; s++) {
        for (unsigned m = 0; m < KL_MUSCLE_COUNT; m++) {
            free(signals->electrode[s][m].t_ns);
            free(signals->electrode[s][m].value_v);
            free(signals->electrode[s][m].quality);
        }
    }
    free(signals);
}

/* ------------------------------------------------------------------ stretch */

/* Place of the i-th oldest sample held. */
static size_t place(const struct electrode *electrode, size_t i)
{
    return (electrode->head + electrode->capacity - electrode->count + i) % electrode->capacity;
}

/* First sample at or after a time; count when there is none. */
static size_t find(const struct electrode *electrode, double t_ns)
{
    size_t low = 0;
    size_t high = electrode->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if ((double)electrode->t_ns[place(electrode, middle)] < t_ns) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

/* Copies [from_ns, to_ns). @return its first sample's time, ns; marks quality where samples lack */
static double copy(const struct electrode *electrode, double from_ns, double to_ns, double *raw_v,
                   struct kl_muscle_stretch *out)
{
    size_t first = find(electrode, from_ns);
    size_t end = find(electrode, to_ns);
    double expected = (to_ns - from_ns) * 1e-9 * electrode->rate_hz;
    out->rate_hz = electrode->rate_hz;
    out->raw_v = raw_v;
    out->count = end - first < KL_EMG_SAMPLES ? end - first : KL_EMG_SAMPLES;
    out->quality = 0;
    for (size_t i = 0; i < out->count; i++) {
        size_t at = place(electrode, first + i);
        raw_v[i] = electrode->value_v[at];
        /* a gap before the first sample lies outside */
        out->quality |= electrode->quality[at] & ~(i == 0 ? (uint32_t)KL_QUALITY_GAP : 0);
    }
    if (fabs((double)out->count - expected) > 2 + 0.01 * expected) {
        out->quality |= (uint32_t)KL_QUALITY_GAP;
    }
    return out->count > 0 ? (double)electrode->t_ns[place(electrode, first)] : from_ns;
}

/* -------------------------------------------------------------- contraction */

/* End of the piece that is judged at once, and fits into memory. */
static int64_t piece_end(const struct electrode *electrode)
{
    double longest_s = fmin(TRIAL_MAX_S, KL_EMG_SAMPLES / electrode->rate_hz);
    int64_t end_ns = electrode->trial_ns + kl_nanoseconds(longest_s);
    return end_ns < electrode->trial_end_ns ? end_ns : electrode->trial_end_ns;
}

/* The piece up to end_ns; what is left of the contraction stays. */
static void judge(struct kl_muscle_signals *signals, struct electrode *electrode, int64_t end_ns)
{
    struct kl_muscle_stretch trial = {.line_hz = signals->line_hz};
    uint32_t marks = 0;
    (void)copy(electrode, (double)electrode->trial_ns, (double)end_ns, signals->raw_v[0], &trial);
    double found_v = kl_muscle_reference(&trial, &signals->scratch, &marks);
    electrode->contraction_v = fmax(electrode->contraction_v, found_v);
    electrode->trial_ns = end_ns;
    electrode->contracts = end_ns < electrode->trial_end_ns;
}

void kl_muscle_signals_contract(struct kl_muscle_signals *signals, int64_t t_ns,
                                int64_t duration_ns)
{
    for (unsigned s = KL_SIDE_LEFT; s < KL_SIDE_COUNT; s++) {
        for (unsigned m = 0; m < KL_MUSCLE_COUNT; m++) {
            struct electrode *electrode = &signals->electrode[s][m];
            if (electrode->contracts && electrode->count > 0) {
                judge(signals, electrode, piece_end(electrode)); /* with what came of it */
            }
            electrode->contracts = electrode->worn && duration_ns > 0;
            electrode->trial_ns = t_ns;
            electrode->trial_end_ns = t_ns + duration_ns;
        }
    }
}

void kl_muscle_signals_line(struct kl_muscle_signals *signals, double line_hz)
{
    signals->line_hz = line_hz;
}

static void push(struct kl_muscle_signals *signals, struct electrode *electrode, int64_t t_ns,
                 double value_v, uint32_t quality)
{
    while (electrode->contracts && t_ns >= piece_end(electrode)) {
        /* by its own samples alone: order of streams does not matter */
        judge(signals, electrode, piece_end(electrode));
    }
    electrode->t_ns[electrode->head] = t_ns;
    electrode->value_v[electrode->head] = value_v;
    electrode->quality[electrode->head] = quality;
    electrode->head = (electrode->head + 1) % electrode->capacity;
    electrode->count += electrode->count < electrode->capacity;
}

void kl_muscle_signals_push(struct kl_muscle_signals *signals, const struct kl_block *block)
{
    for (unsigned s = KL_SIDE_LEFT; s < KL_SIDE_COUNT; s++) {
        for (unsigned m = 0; m < KL_MUSCLE_COUNT; m++) {
            struct electrode *electrode = &signals->electrode[s][m];
            for (size_t i = 0;
                 electrode->worn && electrode->stream == block->stream && i < block->count; i++) {
                push(signals, electrode, block->t_ns[i], block->value[i * electrode->channels],
                     block->quality[i]);
            }
        }
    }
}

bool kl_muscle_signals_has(const struct kl_muscle_signals *signals, enum kl_side side,
                           enum kl_muscle muscle)
{
    return signals->electrode[side][muscle].worn;
}

double kl_muscle_signals_reference(const struct kl_muscle_signals *signals, enum kl_side side,
                                   enum kl_muscle muscle)
{
    return signals->electrode[side][muscle].contraction_v;
}

bool kl_muscle_signals_contracting(const struct kl_muscle_signals *signals, int64_t now_ns)
{
    bool any = false;
    for (unsigned s = KL_SIDE_LEFT; s < KL_SIDE_COUNT; s++) {
        for (unsigned m = 0; m < KL_MUSCLE_COUNT; m++) {
            const struct electrode *electrode = &signals->electrode[s][m];
            any = any || (electrode->contracts && now_ns >= electrode->trial_ns);
        }
    }
    return any;
}

bool kl_muscle_signals_newest(const struct kl_muscle_signals *signals, enum kl_side side,
                              enum kl_muscle muscle, int64_t *t_ns)
{
    const struct electrode *electrode = &signals->electrode[side][muscle];
    if (!electrode->worn || electrode->count == 0) {
        return false;
    }
    *t_ns = electrode->t_ns[place(electrode, electrode->count - 1)];
    return true;
}

/* --------------------------------------------------------------------- step */

void kl_muscle_signals_runner(struct kl_muscle_signals *signals, int64_t t_ns)
{
    for (unsigned s = 0; s < KL_SIDE_COUNT; s++) {
        for (unsigned m = 0; m < KL_MUSCLE_COUNT; m++) {
            signals->electrode[s][m].contraction_v = 0;
        }
    }
    signals->runner_due = true;
    signals->runner_ns = t_ns;
}

static void restart_if_due(struct kl_muscle_signals *signals, double ic_ns)
{
    if (!signals->runner_due || ic_ns < (double)signals->runner_ns) {
        return;
    }
    signals->runner_due = false;
    for (unsigned s = 0; s < KL_SIDE_COUNT; s++) {
        for (unsigned m = 0; m < KL_MUSCLE_COUNT; m++) {
            signals->electrode[s][m].bout_v = 0;
            signals->electrode[s][m].bout_steps = 0;
        }
    }
}

#define UNREADABLE (KL_MUSCLE_MISSING | KL_MUSCLE_RATE | KL_MUSCLE_RAIL | KL_MUSCLE_ARTEFACT)

static void add_to_bout(struct electrode *electrode, const struct kl_muscle_step *step)
{
    if (electrode->bout_steps < KL_MUSCLE_BOUT_STEPS && (step->marks & (uint32_t)UNREADABLE) == 0) {
        electrode->bout_v += step->peak_v;
        electrode->bout_steps++;
    }
}

/* Both muscles by contractions, or both by the bout: a ratio of two scales says nothing. */
static void refer(const struct electrode *electrode, struct kl_muscle_pair *out)
{
    out->relative = !(electrode[KL_MUSCLE_VMO].contraction_v > 0) ||
                    !(electrode[KL_MUSCLE_VL].contraction_v > 0);
    for (unsigned m = 0; m < KL_MUSCLE_COUNT; m++) {
        bool whole = electrode[m].bout_steps == KL_MUSCLE_BOUT_STEPS;
        double bout_v = whole ? electrode[m].bout_v / KL_MUSCLE_BOUT_STEPS : 0;
        out->reference_v[m] = out->relative ? bout_v : electrode[m].contraction_v;
    }
}

void kl_muscle_signals_step(struct kl_muscle_signals *signals, double ic_ns, double to_ns,
                            enum kl_side side, bool valid, struct kl_muscle_pair *out)
{
    memset(out, 0, sizeof(*out));
    restart_if_due(signals, ic_ns);
    struct kl_muscle_stretch stretch[KL_MUSCLE_COUNT];
    double t0_ns[KL_MUSCLE_COUNT] = {0, 0};
    bool readable = true;
    for (unsigned m = 0; m < KL_MUSCLE_COUNT; m++) {
        struct electrode *electrode = &signals->electrode[side][m];
        stretch[m] = (struct kl_muscle_stretch){.line_hz = signals->line_hz};
        out->worn[m] = electrode->worn;
        readable = readable && electrode->worn;
        if (!electrode->worn) {
            continue;
        }
        t0_ns[m] = copy(electrode, ic_ns - 1e9 * KL_EMG_BEFORE_S, to_ns + 1e9 * KL_EMG_AFTER_S,
                        signals->raw_v[m], &stretch[m]);
        stretch[m].ic_s = (ic_ns - t0_ns[m]) * 1e-9;
        stretch[m].to_s = (to_ns - t0_ns[m]) * 1e-9;
        kl_muscle_step_of(&stretch[m], &signals->scratch, &out->step[m]);
        readable = readable && (out->step[m].marks & (uint32_t)UNREADABLE) == 0;
        if (valid) {
            add_to_bout(electrode, &out->step[m]);
        }
    }
    refer(signals->electrode[side], out);
    /* Half a sample apart at most: otherwise equal noise would not be seen to be equal. */
    if (readable && stretch[0].rate_hz == stretch[1].rate_hz &&
        fabs(t0_ns[0] - t0_ns[1]) * stretch[0].rate_hz <= 0.5e9) {
        size_t count = stretch[0].count < stretch[1].count ? stretch[0].count : stretch[1].count;
        out->cross_talk = kl_muscle_cross_talk(signals->raw_v[0], signals->raw_v[1], count);
    }
}
