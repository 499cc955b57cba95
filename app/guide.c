#include "app/guide.h"

#include "process/alignment_trial.h"
#include "process/worn.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINES 32       /* phases that wait */
#define ANSWER_S 4.0   /* after its end a phase is judged, or its data did not come */
#define ATTEMPTS 2     /* a phase that did not pass is led through once more */
#define COUNT_FROM_S 3 /* the last seconds before a phase are counted */
#define MICROVOLT 1e6

enum need { PLATE = 1 << 0, IMU = 1 << 1, EMG = 1 << 2, STAMPS = 1 << 3, PULSE = 1 << 4 };

/* Preparing takes as long as reading and taking one's place; [P] but for the durations of methods
 * 3.1 and 9.1. Rest between contractions: muscles tire. */
static const struct phase {
    const char *word; /* typed, and of the event unless told below */
    enum kl_event_kind kind;
    unsigned need;
    double prepare_s, duration_s;
    int calibration; /* kl_calibration_phase; -1: none */
    unsigned times;
    bool led; /* at the start of a session */
    const char *instruction;
} phases[] = {
    {"zero", KL_EVENT_TARE, PLATE, 8, 3, -1, 1, true, "Belt empty and still: nobody on the plate."},
    {"weigh", KL_EVENT_WEIGH, PLATE, 10, 3, -1, 1, true, "Step on and stand still."},
    {KL_ALIGNMENT_STAMPS, KL_EVENT_CALIBRATION, STAMPS, 8, 15, -1, 1, true,
     "Stamp five times with the left foot, then five times with the right, a second apart."},
    {"still", KL_EVENT_CALIBRATION, IMU, 8, 10, KL_CALIBRATION_STILL, 1, true, NULL},
    {"squats", KL_EVENT_CALIBRATION, IMU, 6, 30, KL_CALIBRATION_SQUATS, 1, true, NULL},
    {"bows", KL_EVENT_CALIBRATION, IMU, 6, 20, KL_CALIBRATION_BOWS, 1, true, NULL},
    {"march", KL_EVENT_CALIBRATION, IMU, 6, 20, KL_CALIBRATION_MARCH, 1, true, NULL},
    {"mvc", KL_EVENT_CALIBRATION, EMG, 20, 5, -1, 3, true,
     "Straighten both knees against a firm hold, as hard as you can, until told to stop."},
    {"still again", KL_EVENT_CALIBRATION, IMU, 8, 10, KL_CALIBRATION_STILL_AGAIN, 1, false, NULL},
    {KL_ALIGNMENT_PULSE, KL_EVENT_CALIBRATION, PULSE, 0, 0, -1, 1, false,
     "Looking at the pulse of the last 20 s."},
};

#define PHASES (sizeof(phases) / sizeof(phases[0]))

struct kl_guide {
    struct kl_guide_config config;
    unsigned there; /* enum need */
    size_t waiting[LINES], waits;

    enum { IDLE = 0, PREPARES, RUNS, ASKS } state;
    size_t now;
    unsigned attempt;
    int64_t now_ns, until_ns;
    int counted; /* seconds last said */
    bool led;    /* all phases of the start are over */
    bool ran[KL_CALIBRATION_PHASE_COUNT], passed[KL_CALIBRATION_PHASE_COUNT];
    bool answered; /* the phase that is asked about was judged */
    double reference_v[KL_SIDE_COUNT][KL_MUSCLE_COUNT];
};

static void say(const struct kl_guide *guide, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void say(const struct kl_guide *guide, const char *format, ...)
{
    char text[400];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    guide->config.sink.tell(guide->config.sink.self, text);
}

static void post(const struct kl_guide *guide, enum kl_event_kind kind, double duration_s,
                 double value, const char *text)
{
    const struct kl_event event = {
        .kind = kind, .duration_ns = kl_nanoseconds(duration_s), .value = {value}, .text = text};
    guide->config.sink.post(guide->config.sink.self, &event);
}

static const char *instruction(const struct phase *phase)
{
    return phase->calibration < 0
               ? phase->instruction
               : kl_calibration_instruction((enum kl_calibration_phase)phase->calibration);
}

/* --------------------------------------------------------------------- life */

static unsigned what_is_there(const struct kl_guide_config *config)
{
    unsigned there = (config->stamps ? (unsigned)STAMPS : 0U) | (unsigned)PULSE;
    for (size_t i = 0; i < config->stream_count; i++) {
        const struct kl_stream *stream = &config->stream[i];
        there |= stream->kind == KL_KIND_FORCE ? (unsigned)PLATE : 0U;
        there |= stream->kind == KL_KIND_IMU ? (unsigned)IMU : 0U;
        there |= stream->kind == KL_KIND_EMG ? (unsigned)EMG : 0U;
    }
    return there;
}

static void queue(struct kl_guide *guide, size_t phase)
{
    for (unsigned k = 0; k < phases[phase].times && guide->waits < LINES; k++) {
        guide->waiting[guide->waits++] = phase;
    }
}

struct kl_guide *kl_guide_create(const struct kl_guide_config *config)
{
    struct kl_guide *guide = calloc(1, sizeof(*guide));
    if (guide == NULL) {
        return NULL;
    }
    guide->config = *config;
    guide->there = what_is_there(config);
    for (size_t p = 0; config->leads && p < PHASES; p++) {
        if (phases[p].led && (guide->there & phases[p].need) != 0) {
            queue(guide, p);
        }
    }
    guide->led = guide->waits == 0;
    return guide;
}

void kl_guide_destroy(struct kl_guide *guide)
{
    free(guide);
}

/* ------------------------------------------------------------------ verdicts */

/* A phase of the body's calibration that has ended since the last look, whoever began it. */
static void tell_phases(struct kl_guide *guide, const struct kl_body_calibration *calibration)
{
    for (int p = 0; p < KL_CALIBRATION_PHASE_COUNT; p++) {
        struct kl_calibration_check check;
        kl_body_calibration_check(calibration, (enum kl_calibration_phase)p, &check);
        if (guide->ran[p] && !check.running && check.done) {
            guide->passed[p] = check.pass;
            guide->answered = guide->answered || phases[guide->now].calibration == p;
            say(guide, "%s: %s  quality %.2f  %s", check.pass ? "PASS" : "FAIL",
                kl_calibration_phase_text(check.phase), check.quality, check.text);
        }
        guide->ran[p] = check.running;
    }
}

static void tell_findings(const struct kl_guide *guide,
                          const struct kl_body_calibration *calibration)
{
    struct kl_calibration_finding finding[KL_FINDINGS_MAX];
    size_t count = kl_body_calibration_findings(calibration, finding);
    for (size_t i = 0; i < count; i++) {
        say(guide, "  %s%s", finding[i].text, finding[i].corrected ? " (accounted for)" : "");
    }
}

/* A contraction stronger than those before. */
static void tell_muscles(struct kl_guide *guide, const struct kl_muscle_signals *muscles)
{
    static const char *const word[KL_MUSCLE_COUNT] = {"vmo", "vl"};
    for (unsigned s = KL_SIDE_LEFT; s < KL_SIDE_COUNT; s++) {
        for (unsigned m = 0; m < KL_MUSCLE_COUNT; m++) {
            double now_v = kl_muscle_signals_reference(muscles, (enum kl_side)s, (enum kl_muscle)m);
            if (now_v > guide->reference_v[s][m]) {
                say(guide, "mvc: emg.%s.%s  %.0f uV, the best half second so far", word[m],
                    kl_side_text((enum kl_side)s), now_v * MICROVOLT);
                guide->reference_v[s][m] = now_v;
                guide->answered = guide->answered || strcmp(phases[guide->now].word, "mvc") == 0;
            }
        }
    }
}

/* ------------------------------------------------------------------- leading */

static void prepare(struct kl_guide *guide, size_t phase, unsigned attempt)
{
    guide->state = PREPARES;
    guide->now = phase;
    guide->attempt = attempt;
    guide->counted = COUNT_FROM_S + 1;
    guide->until_ns = guide->now_ns + kl_nanoseconds(phases[phase].prepare_s);
    say(guide, "%s: %s (in %.0f s, for %.0f s)", phases[phase].word, instruction(&phases[phase]),
        phases[phase].prepare_s, phases[phase].duration_s);
}

/* Seconds to go, once each. */
static void count(struct kl_guide *guide)
{
    int left = (int)((guide->until_ns - guide->now_ns + KL_NS_PER_S - 1) / KL_NS_PER_S);
    if (left < guide->counted && left > 0) {
        guide->counted = left;
        say(guide, "  %d", left);
    }
}

static void begin(struct kl_guide *guide)
{
    const struct phase *phase = &phases[guide->now];
    bool named = phase->kind == KL_EVENT_CALIBRATION;
    guide->state = RUNS;
    guide->answered = false;
    guide->counted = COUNT_FROM_S + 1;
    guide->until_ns = guide->now_ns + kl_nanoseconds(phase->duration_s);
    post(guide, phase->kind, phase->duration_s, 0, named ? phase->word : "");
    say(guide, "  NOW: %s", phase->word);
}

/* What a phase without a verdict of its own came to. */
static bool judge(struct kl_guide *guide, const struct kl_pipeline *pipeline)
{
    const struct phase *phase = &phases[guide->now];
    if (phase->calibration >= 0) {
        if (!guide->answered) {
            say(guide, "FAIL: %s  no sensor gave samples; see `kneelab devices`", phase->word);
        }
        return guide->answered && guide->passed[phase->calibration];
    }
    if (phase->kind == KL_EVENT_TARE || phase->kind == KL_EVENT_WEIGH) {
        char problem[KL_PIPELINE_PROBLEM_MAX];
        kl_pipeline_problem(pipeline, problem);
        /* nothing tells an empty belt from a loaded one: done is not proven right */
        say(guide, "%s: %s  %s", problem[0] == '\0' ? "DONE" : "FAIL", phase->word, problem);
        return problem[0] == '\0';
    }
    if (strcmp(phase->word, "mvc") == 0 && !guide->answered) {
        say(guide, "mvc: no stronger than before");
    }
    return true;
}

static void finish(struct kl_guide *guide, const struct kl_pipeline *pipeline)
{
    bool good = judge(guide, pipeline);
    guide->state = IDLE;
    if (!good && guide->attempt < ATTEMPTS) {
        prepare(guide, guide->now, guide->attempt + 1);
    } else if (!good) {
        say(guide, "  going on without it; type \"%s\" to repeat it", phases[guide->now].word);
    }
}

static void next(struct kl_guide *guide, const struct kl_pipeline *pipeline)
{
    if (guide->waits > 0) {
        size_t phase = guide->waiting[0];
        guide->waits--;
        memmove(guide->waiting, guide->waiting + 1, guide->waits * sizeof(guide->waiting[0]));
        prepare(guide, phase, 1);
        return;
    }
    if (!guide->led) {
        guide->led = true;
        tell_findings(guide, kl_worn_calibration(kl_pipeline_worn(pipeline)));
        say(guide,
            "Ready: start the belt. After the run type \"still again\"%s; \"help\" lists "
            "more.",
            guide->config.stamps ? " and \"stamps\"" : "");
    }
}

void kl_guide_step(struct kl_guide *guide, int64_t now_ns, const struct kl_pipeline *pipeline)
{
    const struct kl_worn *worn = kl_pipeline_worn(pipeline);
    guide->now_ns = now_ns;
    tell_phases(guide, kl_worn_calibration(worn));
    tell_muscles(guide, kl_worn_muscles(worn));
    bool due = now_ns >= guide->until_ns;
    switch (guide->state) {
    case IDLE:
        next(guide, pipeline);
        break;
    case PREPARES:
        count(guide);
        if (due) {
            begin(guide);
        }
        break;
    case RUNS:
        count(guide);
        if (due) {
            guide->state = ASKS;
            guide->until_ns = now_ns + kl_nanoseconds(ANSWER_S);
        }
        break;
    case ASKS:
        if (due || guide->answered) {
            finish(guide, pipeline);
        }
        break;
    }
}

/* ------------------------------------------------------------------ commands */

static void help(const struct kl_guide *guide)
{
    char words[200] = "";
    for (size_t p = 0; p < PHASES; p++) {
        size_t at = strlen(words);
        if ((guide->there & phases[p].need) != 0) {
            (void)snprintf(words + at, sizeof(words) - at, "%s, ", phases[p].word);
        }
    }
    say(guide, "type: %sskip, condition TEXT, marker TEXT, speed M/S, stop", words);
}

/* "marker TEXT" and the like. @return the text, NULL: another command */
static const char *after(const char *line, const char *word)
{
    size_t len = strlen(word);
    return strncmp(line, word, len) == 0 && line[len] == ' ' && line[len + 1] != '\0'
               ? line + len + 1
               : NULL;
}

static bool enter(struct kl_guide *guide, const char *line)
{
    const char *condition = after(line, "condition"), *marker = after(line, "marker"),
               *speed = after(line, "speed");
    if (condition != NULL) {
        post(guide, KL_EVENT_CONDITION, 0, 0, condition);
    } else if (marker != NULL) {
        post(guide, KL_EVENT_MARKER, 0, 0, marker);
    } else if (speed != NULL) {
        char *end = NULL;
        double m_s = strtod(speed, &end);
        if (*end != '\0' || !(m_s >= 0 && m_s <= 12)) {
            say(guide, "speed: expected m/s from 0 to 12, found \"%.40s\"", speed);
            return true;
        }
        post(guide, KL_EVENT_SPEED, 0, m_s, "");
    } else {
        return false;
    }
    say(guide, "noted: %.200s", line);
    return true;
}

void kl_guide_command(struct kl_guide *guide, const char *line)
{
    for (size_t p = 0; p < PHASES; p++) {
        if (strcmp(line, phases[p].word) != 0) {
            continue;
        }
        if ((guide->there & phases[p].need) == 0) {
            say(guide, "%s: nothing in this lab needs it", phases[p].word);
        } else {
            queue(guide, p);
        }
        return;
    }
    if (line[0] == '\0' || enter(guide, line)) {
        return;
    }
    if (strcmp(line, "skip") == 0) {
        guide->state = guide->state == RUNS ? RUNS : IDLE; /* what has begun is over when it is */
    } else if (strcmp(line, "stop") == 0) {
        guide->config.sink.quit(guide->config.sink.self);
    } else {
        help(guide);
    }
}
