#include "process/flags/flag.h"
#include "process/steps/step_statistics.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define CONFIDENCE_ONE_SIDED 0.95 /* lower confidence limit; methods 17 */
#define CONFIDENCE_SHOWN 0.975    /* both ends of the 95 % interval */
#define CLEAR_SD 0.25             /* hysteresis, SD; methods 17 */
#define QUALITY_STEPS 60          /* steps the share of bad ones is taken over */
#define BAD_PER_STEPS 5           /* grey when more than one step in five is bad; methods 17 */
#define SIDE_LOST_NS 10e9         /* project setting: no step of this foot for so long */
#define SPEED_CHANGED_M_S                                                                          \
    0.05 /* project setting: displays resolve 0.1 km/h, a belt set to 3.0 runs at 2.99 */
#define SEVERAL_ITEMS 3 /* several-signs rule; methods 17 */
#define SEVERAL_FAMILIES 2

/* What a rule cannot do without: the step itself is fine, the input is missing. */
#define REASONS_MISSING                                                                            \
    ((uint32_t)KL_REASON_NOT_MEASURED | (uint32_t)KL_REASON_NO_BODY_WEIGHT |                       \
     (uint32_t)KL_REASON_SPEED_UNKNOWN | (uint32_t)KL_REASON_NO_HEIGHT |                           \
     (uint32_t)KL_REASON_SIDE_UNKNOWN)
/* A step without an impact peak is not a bad step. */
#define REASONS_ABSENT ((uint32_t)KL_REASON_NO_IMPACT_PEAK)

static const char reason_early[] = "too few valid steps yet";
static const char reason_settling[] = "settling in: the first minutes of a run are not judged";
static const char reason_pause[] = "belt speed changed a moment ago";
static const char reason_quality[] = "more than one step in five is not valid";
static const char reason_side[] = "left and right cannot be told apart";
static const char reason_speed[] = "the limit does not hold at this belt speed";
static const char reason_speed_unknown[] = "belt speed not entered";
static const char reason_several[] = "several signs together";

/* One rule on one foot, or on both feet pooled. */
struct judge {
    struct kl_flag flag;
    enum kl_flag_state reported; /* state the caller knows */
    bool reported_high;
    struct kl_window window; /* displayed values of valid steps */
    struct kl_series series; /* of the window */
    unsigned char bad[QUALITY_STEPS];
    size_t quality_count, quality_head, bad_count;
    unsigned long valid_steps; /* since the last restart */
    uint32_t missing;          /* kl_reason bits of the newest step of this foot */
    bool has_step;
    double newest_ns; /* of this foot */
    unsigned beyond[2];
    bool raised[2];
    double raised_ns[2];
};

struct kl_flag_engine {
    struct kl_flag_table table;
    size_t judge_count;
    struct judge *judge;
    struct kl_flag *changed;
    size_t changed_count;
    bool running; /* a step has come since the last restart */
    double start_ns, pause_until_ns;
    double speed_m_s;
};

struct kl_flag_timing kl_flag_timing_defaults(void)
{
    return (struct kl_flag_timing){
        .window_steps = 60,
        .raise_steps = 42,
        .clear_after_s = 60,
        .settle_s = 120,
        .speed_pause_s = 30,
    };
}

static void restart_judge(struct judge *judge, const struct kl_flag_timing *timing)
{
    struct judge fresh = {
        .flag = judge->flag, .reported = judge->reported, .reported_high = judge->reported_high};
    size_t capacity = timing->window_steps < 2               ? 2
                      : timing->window_steps > KL_WINDOW_MAX ? KL_WINDOW_MAX
                                                             : timing->window_steps;
    kl_window_init(&fresh.window, capacity);
    fresh.flag.state = KL_FLAG_GREY;
    fresh.flag.high = false;
    fresh.flag.grey_reason = reason_early;
    fresh.flag.value = fresh.flag.ci_low = fresh.flag.ci_high = 0;
    fresh.flag.steps = 0;
    *judge = fresh;
}

void kl_flag_engine_restart(struct kl_flag_engine *engine)
{
    for (size_t i = 0; i < engine->judge_count; i++) {
        restart_judge(&engine->judge[i], &engine->table.timing);
    }
    engine->running = false;
}

struct kl_flag_engine *kl_flag_engine_create(const struct kl_flag_table *table)
{
    struct kl_flag_engine *engine = calloc(1, sizeof(*engine));
    if (engine == NULL) {
        return NULL;
    }
    engine->table = *table;
    if (engine->table.count > KL_RULES_MAX) {
        engine->table.count = KL_RULES_MAX;
    }
    engine->judge = calloc(2 * engine->table.count + 1, sizeof(*engine->judge));
    engine->changed = calloc(2 * engine->table.count + 1, sizeof(*engine->changed));
    if (engine->judge == NULL || engine->changed == NULL) {
        kl_flag_engine_destroy(engine);
        return NULL;
    }
    for (size_t r = 0; r < engine->table.count; r++) {
        bool per_side = engine->table.rule[r].per_side;
        enum kl_side first = per_side ? KL_SIDE_LEFT : KL_SIDE_UNKNOWN;
        enum kl_side last = per_side ? KL_SIDE_RIGHT : KL_SIDE_UNKNOWN;
        for (unsigned side = first; side <= (unsigned)last; side++) {
            struct judge *judge = &engine->judge[engine->judge_count++];
            judge->flag = (struct kl_flag){.rule = r, .side = (enum kl_side)side};
        }
    }
    kl_flag_engine_restart(engine);
    return engine;
}

void kl_flag_engine_destroy(struct kl_flag_engine *engine)
{
    if (engine == NULL) {
        return;
    }
    free(engine->judge);
    free(engine->changed);
    free(engine);
}

/* ------------------------------------------------------------------ taking a step in */

static void note_quality(struct judge *judge, bool bad)
{
    if (judge->quality_count == QUALITY_STEPS) {
        judge->bad_count -= judge->bad[judge->quality_head];
    } else {
        judge->quality_count++;
    }
    judge->bad[judge->quality_head] = bad;
    judge->bad_count += bad;
    judge->quality_head = (judge->quality_head + 1) % QUALITY_STEPS;
}

/* What the rule's metric lacks on this step, as reason bits; 0 and the displayed value when it is
 * there. */
static uint32_t read_value(const struct kl_rule *rule, const struct kl_step *step, double height_m,
                           double *value)
{
    uint32_t reasons = step->metric_reasons[rule->metric];
    if (reasons != 0 || !step->valid) {
        return reasons | step->reasons;
    }
    const struct kl_metric *metric = kl_metric_get(rule->metric);
    if (kl_metric_display(metric, step->metric[rule->metric], step->body_weight_n, height_m,
                          value)) {
        return 0;
    }
    return step->body_weight_n > 0 ? (uint32_t)KL_REASON_NO_HEIGHT
                                   : (uint32_t)KL_REASON_NO_BODY_WEIGHT;
}

/* @return true when the window moved on: only then does a step count for raising or clearing */
static bool take_step(struct judge *judge, const struct kl_rule *rule, const struct kl_step *step,
                      double height_m)
{
    bool sided = rule->per_side;
    if (sided && step->side != judge->flag.side) {
        if (step->side == KL_SIDE_UNKNOWN && !step->valid) {
            note_quality(judge, true); /* it may have been this foot */
        }
        return false;
    }
    judge->has_step = true;
    judge->newest_ns = step->contact_ns;
    double value = 0;
    uint32_t lacks = read_value(rule, step, height_m, &value);
    if (step->valid && lacks == 0) {
        judge->missing = 0;
        kl_window_add(&judge->window, value);
        judge->series = kl_window_series(&judge->window);
        judge->valid_steps++;
        note_quality(judge, false);
        return true;
    }
    if (step->valid && (lacks & REASONS_MISSING) != 0) {
        judge->missing = lacks & REASONS_MISSING;
    } else if (!step->valid || (lacks & ~REASONS_ABSENT) != 0) {
        note_quality(judge, true);
    }
    return false;
}

/* ------------------------------------------------------------------ judging */

static const char *missing_text(uint32_t missing)
{
    if ((missing & (uint32_t)KL_REASON_SIDE_UNKNOWN) != 0) {
        return reason_side;
    }
    for (unsigned i = 0; i < KL_REASON_COUNT; i++) {
        if ((missing & (1u << i)) != 0) {
            return kl_reason_text((enum kl_reason)(1u << i));
        }
    }
    return NULL;
}

/* Why nothing may be said now; NULL when something may. */
static const char *gate(const struct kl_flag_engine *engine, const struct judge *judge,
                        const struct kl_rule *rule, const struct kl_step *step)
{
    const struct kl_flag_timing *timing = &engine->table.timing;
    double now_ns = step->contact_ns;
    if (judge->missing != 0) {
        return missing_text(judge->missing);
    }
    double seen_ns = judge->has_step ? judge->newest_ns : engine->start_ns;
    if (rule->per_side && now_ns - seen_ns > SIDE_LOST_NS) {
        return reason_side;
    }
    if (rule->speed_max_m_s > 0) {
        if (step->speed_m_s <= 0) {
            return reason_speed_unknown;
        }
        if (step->speed_m_s < rule->speed_min_m_s - SPEED_CHANGED_M_S ||
            step->speed_m_s > rule->speed_max_m_s + SPEED_CHANGED_M_S) {
            return reason_speed;
        }
    }
    if (now_ns - engine->start_ns < timing->settle_s * 1e9) {
        return reason_settling;
    }
    if (now_ns < engine->pause_until_ns) {
        return reason_pause;
    }
    if (judge->bad_count * BAD_PER_STEPS > judge->quality_count) {
        return reason_quality;
    }
    unsigned minimum = timing->demo ? timing->window_steps : rule->minimum_steps;
    if (judge->window.count < judge->window.capacity || judge->valid_steps < minimum) {
        return reason_early;
    }
    return NULL;
}

static bool has_second_limit(const struct kl_rule *rule)
{
    return rule->above ? rule->limit[1] > rule->limit[0] : rule->limit[1] < rule->limit[0];
}

/* One limit of one rule: counts, raises, clears. */
static void judge_limit(struct judge *judge, const struct kl_rule *rule, unsigned which,
                        const struct kl_series *series, const struct kl_flag_timing *timing,
                        double now_ns)
{
    /* Turn "too low" into "too high", so that one comparison serves both. */
    double sign = rule->above ? 1 : -1;
    double over = sign * (series->mean - rule->limit[which]);
    bool beyond = over - kl_series_margin(series, CONFIDENCE_ONE_SIDED) > 0;
    judge->beyond[which] = beyond ? judge->beyond[which] + 1 : 0;
    if (!judge->raised[which] && judge->beyond[which] >= timing->raise_steps) {
        judge->raised[which] = true;
        judge->raised_ns[which] = now_ns;
    } else if (judge->raised[which] && over < -CLEAR_SD * series->sd &&
               now_ns - judge->raised_ns[which] >= timing->clear_after_s * 1e9) {
        judge->raised[which] = false;
    }
}

static enum kl_flag_state grade_cap(const struct kl_rule *rule)
{
    bool thumb = strstr(rule->source, "rule of thumb") != NULL;
    return rule->grade >= KL_GRADE_M            ? KL_FLAG_RED
           : rule->grade == KL_GRADE_W || thumb ? KL_FLAG_AMBER
                                                : KL_FLAG_NOTE;
}

static enum kl_flag_state colour(const struct kl_rule *rule, unsigned which)
{
    static const enum kl_flag_state by_grade[][2] = {
        [KL_GRADE_X] = {KL_FLAG_NOTE, KL_FLAG_NOTE},
        [KL_GRADE_W] = {KL_FLAG_AMBER, KL_FLAG_AMBER},
        [KL_GRADE_M] = {KL_FLAG_AMBER, KL_FLAG_RED},
        [KL_GRADE_S] = {KL_FLAG_AMBER, KL_FLAG_RED},
    };
    enum kl_flag_state wanted =
        rule->cap[which] != KL_FLAG_GREY ? rule->cap[which] : by_grade[rule->grade][which];
    return wanted < grade_cap(rule) ? wanted : grade_cap(rule);
}

static void judge_step(const struct kl_flag_engine *engine, struct judge *judge,
                       const struct kl_rule *rule, const struct kl_step *step, bool moved)
{
    struct kl_flag *flag = &judge->flag;
    const struct kl_series *series = &judge->series;
    if (moved) {
        double shown = kl_series_margin(series, CONFIDENCE_SHOWN);
        flag->value = series->mean;
        flag->ci_low = series->mean - shown;
        flag->ci_high = series->mean + shown;
        flag->steps = (unsigned)series->n;
    }
    flag->grey_reason = gate(engine, judge, rule, step);
    if (flag->grey_reason != NULL) {
        judge->beyond[0] = judge->beyond[1] = 0;
        flag->state = KL_FLAG_GREY;
        flag->high = false;
        return;
    }
    const struct kl_flag_timing *timing = &engine->table.timing;
    if (moved) {
        judge_limit(judge, rule, 0, series, timing, step->contact_ns);
    }
    if (moved && has_second_limit(rule)) {
        judge_limit(judge, rule, 1, series, timing, step->contact_ns);
    }
    flag->high = judge->raised[1];
    flag->state = judge->raised[1]   ? colour(rule, 1)
                  : judge->raised[0] ? colour(rule, 0)
                                     : KL_FLAG_GREEN;
}

static void follow_speed(struct kl_flag_engine *engine, const struct kl_step *step)
{
    bool changed = (step->reasons & (uint32_t)KL_REASON_SPEED_CHANGE) != 0 ||
                   fabs(step->speed_m_s - engine->speed_m_s) > SPEED_CHANGED_M_S;
    if (engine->running && changed) {
        /* What was measured at another speed says nothing about this one. */
        for (size_t i = 0; i < engine->judge_count; i++) {
            restart_judge(&engine->judge[i], &engine->table.timing);
        }
        engine->pause_until_ns = step->contact_ns + engine->table.timing.speed_pause_s * 1e9;
    }
    engine->speed_m_s = step->speed_m_s;
    if (!engine->running) {
        engine->running = true;
        engine->start_ns = step->contact_ns;
        engine->pause_until_ns = step->contact_ns;
    }
}

size_t kl_flag_engine_step(struct kl_flag_engine *engine, const struct kl_step *step,
                           double height_m)
{
    engine->changed_count = 0;
    follow_speed(engine, step);
    for (size_t i = 0; i < engine->judge_count; i++) {
        struct judge *judge = &engine->judge[i];
        const struct kl_rule *rule = &engine->table.rule[judge->flag.rule];
        /* A step during which the belt changed speed belongs to neither speed. */
        bool steady = (step->reasons & (uint32_t)KL_REASON_SPEED_CHANGE) == 0;
        bool moved = steady && take_step(judge, rule, step, height_m);
        judge_step(engine, judge, rule, step, moved);
        if (judge->flag.state != judge->reported || judge->flag.high != judge->reported_high) {
            judge->flag.t_ns = step->contact_ns;
            judge->flag.step = step->index;
            judge->reported = judge->flag.state;
            judge->reported_high = judge->flag.high;
            engine->changed[engine->changed_count++] = judge->flag;
        }
    }
    return engine->changed_count;
}

/* ------------------------------------------------------------------ what it says */

struct kl_flag kl_flag_engine_changed(const struct kl_flag_engine *engine, size_t i)
{
    return i < engine->changed_count ? engine->changed[i] : (struct kl_flag){0};
}

size_t kl_flag_engine_get(const struct kl_flag_engine *engine, struct kl_flag *out, size_t cap)
{
    size_t n = engine->judge_count < cap ? engine->judge_count : cap;
    for (size_t i = 0; i < n; i++) {
        out[i] = engine->judge[i].flag;
    }
    return n;
}

enum kl_flag_state kl_flag_engine_factor(const struct kl_flag_engine *engine, enum kl_factor factor,
                                         const char **reason)
{
    enum kl_flag_state worst = KL_FLAG_GREY;
    const char *grey = NULL;
    size_t items = 0, last_item = SIZE_MAX;
    unsigned families = 0, family_count = 0;
    for (size_t i = 0; i < engine->judge_count; i++) {
        const struct kl_flag *flag = &engine->judge[i].flag;
        const struct kl_rule *rule = &engine->table.rule[flag->rule];
        if (rule->factor != factor) {
            continue;
        }
        grey = grey == NULL ? flag->grey_reason : grey;
        worst = flag->state > worst ? flag->state : worst;
        if (flag->state >= KL_FLAG_AMBER && flag->rule != last_item) { /* both feet: one item */
            last_item = flag->rule;
            items++;
            families |= 1u << rule->family;
        }
    }
    for (unsigned bits = families; bits != 0; bits &= bits - 1) {
        family_count++;
    }
    *reason = worst != KL_FLAG_GREY ? NULL : grey != NULL ? grey : kl_factor_get(factor)->needs;
    if (items >= SEVERAL_ITEMS && family_count >= SEVERAL_FAMILIES && worst < KL_FLAG_RED) {
        *reason = reason_several;
        return KL_FLAG_RED;
    }
    return worst;
}
