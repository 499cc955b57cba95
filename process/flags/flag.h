/* Flags: rules of a table applied to recent valid steps (methods 17, 18).
 *
 * A rule never sees a single step: it raises when the lower confidence limit of the window mean
 * stays beyond its limit for a number of consecutive steps, and clears with hysteresis. No flag is
 * a diagnosis; each carries its limit, its source and its evidence grade.
 * Threads: one. No allocation after _create.
 */
#ifndef KL_PROCESS_FLAGS_FLAG_H
#define KL_PROCESS_FLAGS_FLAG_H

#include "process/steps/step.h"

/** The nine risk factors, in the order of the strip on screen. */
enum kl_factor {
    KL_FACTOR_MENISCUS_LOAD = 0,
    KL_FACTOR_PES_ANSERINUS,
    KL_FACTOR_MCL_VALGUS,
    KL_FACTOR_MEDIAL_LOAD,
    KL_FACTOR_PRONATION,
    KL_FACTOR_FOOTWEAR,
    KL_FACTOR_VMO_IMBALANCE,
    KL_FACTOR_RUNNING_FORM,
    KL_FACTOR_JOINT_INSTABILITY,
    KL_FACTOR_COUNT,
};

struct kl_factor_text {
    const char *key;   /* running_form */
    const char *label; /* Running form */
    const char *needs; /* what has to be measured or entered before it can say anything */
};

const struct kl_factor_text *kl_factor_get(enum kl_factor factor);

/** Evidence grade: S strong, M moderate, W weak, X mechanical reasoning only. */
enum kl_grade { KL_GRADE_X = 0, KL_GRADE_W, KL_GRADE_M, KL_GRADE_S };

enum kl_flag_state {
    KL_FLAG_GREY = 0, /* not measured, refused or too early; the reason is in the message */
    KL_FLAG_GREEN,    /* no sign beyond the chosen limit in what was measured */
    KL_FLAG_NOTE,     /* blue */
    KL_FLAG_AMBER,
    KL_FLAG_RED,
    KL_FLAG_STATE_COUNT,
};

/** "grey", "green", "note", "amber", "red". */
const char *kl_flag_state_text(enum kl_flag_state state);

/** Sensors an indicator comes from: several signs count together only across families. */
enum kl_family { KL_FAMILY_PLATE = 0, KL_FAMILY_IMU, KL_FAMILY_EMG, KL_FAMILY_ENTERED };

#define KL_RULE_TEXT_MAX 240
#define KL_RULES_MAX 128

/** One indicator of the table, as read from configs/flags.yaml. */
struct kl_rule {
    enum kl_factor factor;
    enum kl_family family;
    char indicator[40]; /* key, e.g. cadence_low */
    char label[64];
    enum kl_metric_id metric;
    bool per_side;   /* judged for each foot; false: both feet pooled */
    bool above;      /* raised when the value is above the limit; false: below */
    double limit[2]; /* displayed units of the metric; limit[1] NAN: none */
    double speed_min_m_s, speed_max_m_s; /* group limits hold only here; 0, 0: any speed */
    unsigned minimum_steps;              /* valid steps of the side needed, default 60 */
    enum kl_grade grade;
    /* Colour at limit 1 and 2; GREY: what the grade says (S, M: amber, red; W: amber, amber;
     * X: note, note). Never above the grade's cap (S, M red; W amber; X note), but a rule whose
     * source says "rule of thumb" may reach amber (methods 17). */
    enum kl_flag_state cap[2];
    char source[KL_RULE_TEXT_MAX];
    char say[KL_RULE_TEXT_MAX];    /* sentence shown with value, interval, limit and grade */
    char option[KL_RULE_TEXT_MAX]; /* what one could do */
};

/** Timing of the state machine (methods 17); a demo table may shorten it and says so. */
struct kl_flag_timing {
    unsigned window_steps; /* 60 */
    unsigned raise_steps;  /* 42 consecutive */
    double clear_after_s;  /* 60 */
    double settle_s;       /* 120: no flags at the start */
    double speed_pause_s;  /* 30: none after a speed change */
    bool demo;             /* shown on screen: these timings are for demonstration */
};

struct kl_flag_timing kl_flag_timing_defaults(void);

struct kl_flag_table {
    struct kl_flag_timing timing;
    size_t count;
    struct kl_rule rule[KL_RULES_MAX];
};

/** What one rule says now, for one side (or UNKNOWN when both feet are pooled). */
struct kl_flag {
    size_t rule;
    enum kl_side side;
    enum kl_flag_state state;
    bool high;                     /* beyond the second limit, if there is one */
    double value, ci_low, ci_high; /* displayed units; 95 % interval of the window mean */
    unsigned steps;                /* valid steps in the window */
    double t_ns;                   /* of the step that last changed the state */
    uint32_t step;                 /* its index */
    const char *grey_reason;       /* static text, NULL unless grey */
};

struct kl_flag_engine;

/** @param table is copied. NULL without memory. */
struct kl_flag_engine *kl_flag_engine_create(const struct kl_flag_table *table);
void kl_flag_engine_destroy(struct kl_flag_engine *engine);

/** One finished step, valid or not, in order.
 *  @param height_m  of the runner, 0 unknown (display conversions)
 *  @return number of flags whose state changed, to be fetched with kl_flag_engine_changed */
size_t kl_flag_engine_step(struct kl_flag_engine *engine, const struct kl_step *step,
                           double height_m);

/** Another shoe or another runner from here on: windows are emptied, every flag is grey, settling
 *  begins again with the next step. Flags this changes are reported with that step. */
void kl_flag_engine_restart(struct kl_flag_engine *engine);

/** The i-th flag changed by the last step. */
struct kl_flag kl_flag_engine_changed(const struct kl_flag_engine *engine, size_t i);

/** All flags now, rule by rule (one per side, or one pooled). @return how many were written */
size_t kl_flag_engine_get(const struct kl_flag_engine *engine, struct kl_flag *out, size_t cap);

/** Colour of a factor: its worst item (with the several-signs rule); why it is grey in *reason. */
enum kl_flag_state kl_flag_engine_factor(const struct kl_flag_engine *engine, enum kl_factor factor,
                                         const char **reason);

/** The sentence of a flag, with value, interval, limit, grade and option: methods 17. */
void kl_flag_message(const struct kl_rule *rule, const struct kl_flag *flag, char *out, size_t len);

#endif
