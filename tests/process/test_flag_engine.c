#include "process/flags/flag.h"
#include "process/steps/step_statistics.h"

#include <criterion/criterion.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STEP_NS 0.35e9

/* Loading rate in BW/s: a displayed unit with body weight, so the conversion is tested too. */
static struct kl_rule loading_rule(void)
{
    return (struct kl_rule){
        .factor = KL_FACTOR_FOOTWEAR,
        .indicator = "valr_high",
        .label = "Loading rate",
        .metric = KL_METRIC_VALR,
        .per_side = true,
        .above = true,
        .limit = {86, 105},
        .speed_min_m_s = 3.0,
        .speed_max_m_s = 4.0,
        .minimum_steps = 60,
        .grade = KL_GRADE_W,
        .source = "study mean + 1 SD, women 3.7 m/s",
        .say = "Impact in this shoe is above the reference group.",
        .option = "compare with another shoe.",
    };
}

static struct kl_rule cadence_rule(void)
{
    return (struct kl_rule){
        .factor = KL_FACTOR_RUNNING_FORM,
        .indicator = "cadence_low",
        .label = "Cadence",
        .metric = KL_METRIC_CADENCE,
        .limit = {170, 166},
        .minimum_steps = 60,
        .grade = KL_GRADE_M,
        .source = "rule of thumb",
    };
}

static struct kl_flag_table table_of(const struct kl_rule *rule, double settle_s)
{
    struct kl_flag_table table = {.timing = kl_flag_timing_defaults(), .count = 1};
    table.timing.settle_s = settle_s;
    table.rule[0] = *rule;
    return table;
}

/* Step k of a steady run: feet alternate, left first, body weight 700 N, 3.5 m/s. */
static struct kl_step step_of(unsigned k, enum kl_metric_id metric, double displayed)
{
    struct kl_step step = {.index = k,
                           .side = k % 2 == 0 ? KL_SIDE_LEFT : KL_SIDE_RIGHT,
                           .contact_ns = 1e9 + k * STEP_NS,
                           .valid = true,
                           .body_weight_n = 700,
                           .speed_m_s = 3.5};
    step.metric[metric] = metric == KL_METRIC_VALR ? displayed * 700 : displayed / 60;
    return step;
}

static struct kl_flag flag_of(const struct kl_flag_engine *engine, enum kl_side side)
{
    struct kl_flag flag[8];
    size_t n = kl_flag_engine_get(engine, flag, 8);
    for (size_t i = 0; i < n; i++) {
        if (flag[i].side == side) {
            return flag[i];
        }
    }
    return (struct kl_flag){0};
}

/* Feeds steps [from, to) with one value on every step; state of `side` after the last. */
static struct kl_flag feed(struct kl_flag_engine *engine, unsigned from, unsigned to,
                           enum kl_metric_id metric, double displayed, enum kl_side side)
{
    for (unsigned k = from; k < to; k++) {
        struct kl_step step = step_of(k, metric, displayed);
        (void)kl_flag_engine_step(engine, &step, 1.75);
    }
    return flag_of(engine, side);
}

Test(flag_engine, defaults_are_those_of_the_method_book)
{
    struct kl_flag_timing timing = kl_flag_timing_defaults();
    cr_expect_eq(timing.window_steps, 60);
    cr_expect_eq(timing.raise_steps, 42);
    cr_expect_eq(timing.clear_after_s, 60);
    cr_expect_eq(timing.settle_s, 120);
    cr_expect_eq(timing.speed_pause_s, 30);
    cr_expect_not(timing.demo);
}

Test(flag_engine, raises_on_the_42nd_full_window_beyond_the_limit)
{
    struct kl_rule rule = loading_rule();
    struct kl_flag_table table = table_of(&rule, 0);
    struct kl_flag_engine *engine = kl_flag_engine_create(&table);
    unsigned left_steps = 0;
    for (unsigned k = 0; k < 300; k++) {
        struct kl_step step = step_of(k, KL_METRIC_VALR, k % 2 == 0 ? 92 : 80);
        size_t changed = kl_flag_engine_step(engine, &step, 1.75);
        left_steps += k % 2 == 0;
        struct kl_flag left = flag_of(engine, KL_SIDE_LEFT);
        enum kl_flag_state expected = left_steps < 60    ? KL_FLAG_GREY
                                      : left_steps < 101 ? KL_FLAG_GREEN
                                                         : KL_FLAG_AMBER;
        cr_assert_eq(left.state, expected, "step %u", k);
        if (changed > 0 && kl_flag_engine_changed(engine, 0).state == KL_FLAG_AMBER) {
            cr_expect_eq(k, 200); /* the 101st left step */
            cr_expect_eq(kl_flag_engine_changed(engine, 0).step, 200);
            cr_expect_float_eq(left.value, 92, 1e-9);
            cr_expect_eq(left.steps, 60);
        }
    }
    cr_expect_eq(flag_of(engine, KL_SIDE_RIGHT).state, KL_FLAG_GREEN);
    const char *reason = NULL;
    cr_expect_eq(kl_flag_engine_factor(engine, KL_FACTOR_FOOTWEAR, &reason), KL_FLAG_AMBER);
    cr_expect_null(reason);
    cr_expect_eq(kl_flag_engine_factor(engine, KL_FACTOR_VMO_IMBALANCE, &reason), KL_FLAG_GREY);
    cr_expect_str_eq(reason, kl_factor_get(KL_FACTOR_VMO_IMBALANCE)->needs);
    kl_flag_engine_destroy(engine);
    kl_flag_engine_destroy(NULL);
}

/* Uniform in (0, 1): splitmix64, so that seeds mean the same everywhere. */
static double uniform(uint64_t *state)
{
    uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return ((double)((z ^ (z >> 31)) >> 11) + 0.5) / 9007199254740992.0;
}

static double gauss(uint64_t *state)
{
    double r = sqrt(-2 * log(uniform(state)));
    return r * cos(6.283185307179586 * uniform(state));
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Oracle 26: AR(1) with phi 0.3, 1700 steps of a side, 40 runs. The book's counts come from other
 * random numbers; at the threshold 12/40 has a binomial SD of 2.9, so 4 to 21 is three of them. */
Test(flag_engine, raise_times_of_an_autocorrelated_series_are_those_of_the_book)
{
    const struct {
        double above_sd;
        int raised_min, raised_max;
        double median_min, median_max;
    } rows[] = {{-0.25, 0, 0, 0, 0},
                {0, 4, 21, 0, 0},
                {0.25, 39, 40, 180, 300}, /* book: 40/40, median 237 */
                {0.5, 40, 40, 101, 110},  /* book: 101 */
                {1, 40, 40, 101, 101}};
    const double phi = 0.3, sd = 8;
    struct kl_rule rule = loading_rule();
    rule.per_side = false;
    rule.limit[1] = (double)NAN;
    struct kl_flag_table table = table_of(&rule, 0);
    for (size_t r = 0; r < sizeof(rows) / sizeof(rows[0]); r++) {
        double when[40];
        int raised = 0;
        for (unsigned run = 0; run < 40; run++) {
            uint64_t seed = 1000 * (r + 1) + run;
            struct kl_flag_engine *engine = kl_flag_engine_create(&table);
            double x = gauss(&seed);
            for (unsigned k = 0; k < 1700; k++) {
                x = k == 0 ? x : phi * x + sqrt(1 - phi * phi) * gauss(&seed);
                struct kl_step step = step_of(k, KL_METRIC_VALR, 86 + sd * (rows[r].above_sd + x));
                (void)kl_flag_engine_step(engine, &step, 1.75);
                if (flag_of(engine, KL_SIDE_UNKNOWN).state == KL_FLAG_AMBER) {
                    when[raised++] = k + 1;
                    break;
                }
            }
            kl_flag_engine_destroy(engine);
        }
        qsort(when, (size_t)raised, sizeof(when[0]), by_size);
        double median = raised > 0 ? when[raised / 2] : 0;
        printf("%+.2f SD: %d of 40 raise, median %g steps\n", rows[r].above_sd, raised, median);
        cr_expect_geq(raised, rows[r].raised_min, "row %zu: %d", r, raised);
        cr_expect_leq(raised, rows[r].raised_max, "row %zu: %d", r, raised);
        if (rows[r].median_max > 0) {
            cr_expect_geq(median, rows[r].median_min, "row %zu: %g", r, median);
            cr_expect_leq(median, rows[r].median_max, "row %zu: %g", r, median);
        }
    }
}

Test(flag_engine, clears_a_quarter_sd_below_the_limit_and_not_before_a_minute)
{
    struct kl_rule rule = loading_rule();
    rule.per_side = false;
    struct kl_flag_table table = table_of(&rule, 0);
    struct kl_flag_engine *engine = kl_flag_engine_create(&table);
    /* 90 +- 2: SD 2.02 */
    for (unsigned k = 0; k < 101; k++) {
        struct kl_step step = step_of(k, KL_METRIC_VALR, k % 2 == 0 ? 92 : 88);
        (void)kl_flag_engine_step(engine, &step, 1.75);
    }
    cr_assert_eq(flag_of(engine, KL_SIDE_UNKNOWN).state, KL_FLAG_AMBER);
    const double raised_ns = flag_of(engine, KL_SIDE_UNKNOWN).t_ns;
    /* Just under the limit, inside the hysteresis: 85.7 +- 2 is 0.15 SD under 86. */
    unsigned k = 101;
    for (; k < 600; k++) {
        struct kl_step step = step_of(k, KL_METRIC_VALR, k % 2 == 0 ? 87.7 : 83.7);
        (void)kl_flag_engine_step(engine, &step, 1.75);
    }
    cr_expect_eq(flag_of(engine, KL_SIDE_UNKNOWN).state, KL_FLAG_AMBER);
    /* Raised again elsewhere, well under the limit at once: must hold for 60 s. */
    kl_flag_engine_restart(engine);
    for (unsigned i = 0; i < 101; i++, k++) {
        struct kl_step step = step_of(k, KL_METRIC_VALR, k % 2 == 0 ? 92 : 88);
        (void)kl_flag_engine_step(engine, &step, 1.75);
    }
    struct kl_flag flag = flag_of(engine, KL_SIDE_UNKNOWN);
    cr_assert_eq(flag.state, KL_FLAG_AMBER);
    cr_expect_gt(flag.t_ns, raised_ns);
    double again_ns = flag.t_ns;
    for (; flag.state == KL_FLAG_AMBER && k < 2000; k++) {
        struct kl_step step = step_of(k, KL_METRIC_VALR, k % 2 == 0 ? 72 : 68);
        (void)kl_flag_engine_step(engine, &step, 1.75);
        flag = flag_of(engine, KL_SIDE_UNKNOWN);
    }
    cr_expect_eq(flag.state, KL_FLAG_GREEN);
    cr_expect_geq(flag.t_ns - again_ns, 60e9);
    cr_expect_lt(flag.t_ns - again_ns, 60e9 + 2 * STEP_NS);
    kl_flag_engine_destroy(engine);
}

Test(flag_engine, nothing_is_said_in_the_first_two_minutes)
{
    struct kl_rule rule = cadence_rule();
    struct kl_flag_table table = table_of(&rule, 120);
    struct kl_flag_engine *engine = kl_flag_engine_create(&table);
    unsigned settled = (unsigned)ceil(120e9 / STEP_NS);
    struct kl_flag flag = feed(engine, 0, settled, KL_METRIC_CADENCE, 160, KL_SIDE_UNKNOWN);
    cr_expect_eq(flag.state, KL_FLAG_GREY);
    cr_expect_not_null(strstr(flag.grey_reason, "settling"));
    flag = feed(engine, settled, settled + 41, KL_METRIC_CADENCE, 160, KL_SIDE_UNKNOWN);
    cr_expect_eq(flag.state, KL_FLAG_GREEN);
    flag = feed(engine, settled + 41, settled + 42, KL_METRIC_CADENCE, 160, KL_SIDE_UNKNOWN);
    cr_expect_eq(flag.state, KL_FLAG_RED); /* beyond 166, grade M */
    cr_expect(flag.high);
    kl_flag_engine_destroy(engine);
}

Test(flag_engine, a_speed_change_empties_the_windows_and_pauses)
{
    struct kl_rule rule = loading_rule();
    rule.per_side = false;
    struct kl_flag_table table = table_of(&rule, 0);
    struct kl_flag_engine *engine = kl_flag_engine_create(&table);
    cr_assert_eq(feed(engine, 0, 101, KL_METRIC_VALR, 92, KL_SIDE_UNKNOWN).state, KL_FLAG_AMBER);
    double changed_ns = 0;
    unsigned raised = 0;
    for (unsigned k = 101; k < 400 && raised == 0; k++) {
        struct kl_step step = step_of(k, KL_METRIC_VALR, 92);
        step.speed_m_s = k == 101 ? 3.5 : 3.2;
        step.reasons = k == 101 ? KL_REASON_SPEED_CHANGE : 0;
        changed_ns = k <= 102 ? step.contact_ns : changed_ns;
        (void)kl_flag_engine_step(engine, &step, 1.75);
        struct kl_flag flag = flag_of(engine, KL_SIDE_UNKNOWN);
        if (step.contact_ns < changed_ns + 30e9) {
            cr_expect_eq(flag.state, KL_FLAG_GREY, "step %u", k);
            cr_expect_not_null(strstr(flag.grey_reason, "speed"));
        }
        raised = flag.state == KL_FLAG_AMBER ? k : 0;
    }
    /* 30 s are 86 steps: the window is full by then, 42 more raise it. */
    cr_expect_float_eq(raised, 102 + 86 + 41, 1, "%u", raised);
    kl_flag_engine_destroy(engine);
}

Test(flag_engine, group_limits_hold_only_in_their_speed_range)
{
    const struct {
        double speed_m_s;
        enum kl_flag_state state;
        const char *reason;
    } rows[] = {{3.5, KL_FLAG_AMBER, NULL},
                {2.9, KL_FLAG_GREY, "this belt speed"},
                {4.1, KL_FLAG_GREY, "this belt speed"},
                {0, KL_FLAG_GREY, "not entered"}};
    for (size_t r = 0; r < sizeof(rows) / sizeof(rows[0]); r++) {
        struct kl_rule rule = loading_rule();
        struct kl_flag_table table = table_of(&rule, 0);
        struct kl_flag_engine *engine = kl_flag_engine_create(&table);
        for (unsigned k = 0; k < 300; k++) {
            struct kl_step step = step_of(k, KL_METRIC_VALR, 92);
            step.speed_m_s = rows[r].speed_m_s;
            (void)kl_flag_engine_step(engine, &step, 1.75);
        }
        struct kl_flag flag = flag_of(engine, KL_SIDE_LEFT);
        cr_expect_eq(flag.state, rows[r].state, "row %zu", r);
        cr_expect(rows[r].reason == NULL || strstr(flag.grey_reason, rows[r].reason) != NULL);
        const char *why = NULL;
        (void)kl_flag_engine_factor(engine, KL_FACTOR_FOOTWEAR, &why);
        cr_expect_eq((why != NULL), (rows[r].reason != NULL));
        kl_flag_engine_destroy(engine);
    }
}

/* Oracle 32, and the 20 % rule. */
Test(flag_engine, is_grey_with_the_reason_when_an_input_is_missing)
{
    const struct {
        const char *legend;
        uint32_t metric_reasons, step_reasons;
        unsigned every; /* which steps have them */
        double body_weight_n;
        enum kl_side side; /* UNKNOWN: all steps without side */
        enum kl_flag_state state;
        const char *reason;
    } rows[] = {
        {"all there", 0, 0, 1, 700, KL_SIDE_LEFT, KL_FLAG_AMBER, ""},
        {"not measured", KL_REASON_NOT_MEASURED, 0, 1, 700, KL_SIDE_LEFT, KL_FLAG_GREY,
         "not measured"},
        {"no body weight", 0, 0, 1, 0, KL_SIDE_LEFT, KL_FLAG_GREY, "body weight not known"},
        {"no side", 0, 0, 1, 700, KL_SIDE_UNKNOWN, KL_FLAG_GREY, "left and right"},
        {"one in three bad", KL_REASON_NOISE, 0, 3, 700, KL_SIDE_LEFT, KL_FLAG_GREY, "one step in"},
        {"one in ten bad", KL_REASON_NOISE, 0, 10, 700, KL_SIDE_LEFT, KL_FLAG_AMBER, ""},
        {"all rejected", 0, KL_REASON_PEAK_RANGE, 1, 700, KL_SIDE_LEFT, KL_FLAG_GREY,
         "one step in"},
        {"no impact peak, ever", KL_REASON_NO_IMPACT_PEAK, 0, 1, 700, KL_SIDE_LEFT, KL_FLAG_GREY,
         "too few"},
    };
    for (size_t r = 0; r < sizeof(rows) / sizeof(rows[0]); r++) {
        struct kl_rule rule = loading_rule();
        struct kl_flag_table table = table_of(&rule, 0);
        struct kl_flag_engine *engine = kl_flag_engine_create(&table);
        for (unsigned k = 0; k < 400; k++) {
            struct kl_step step = step_of(k, KL_METRIC_VALR, 92);
            if ((k / 2) % rows[r].every == 0) {
                step.metric_reasons[KL_METRIC_VALR] = rows[r].metric_reasons;
                step.reasons = rows[r].step_reasons;
                step.valid = rows[r].step_reasons == 0;
            }
            step.body_weight_n = rows[r].body_weight_n;
            step.side = rows[r].side == KL_SIDE_UNKNOWN ? KL_SIDE_UNKNOWN : step.side;
            (void)kl_flag_engine_step(engine, &step, 1.75);
        }
        struct kl_flag flag = flag_of(engine, KL_SIDE_LEFT);
        cr_expect_eq(flag.state, rows[r].state, "%s: %s", rows[r].legend,
                     kl_flag_state_text(flag.state));
        cr_expect(flag.state != KL_FLAG_GREY || strstr(flag.grey_reason, rows[r].reason) != NULL,
                  "%s: %s", rows[r].legend, flag.grey_reason);
        kl_flag_engine_destroy(engine);
    }
}

Test(flag_engine, steps_beyond_the_limit_must_follow_each_other)
{
    struct kl_rule rule = cadence_rule();
    struct kl_flag_table table = table_of(&rule, 0);
    struct kl_flag_engine *engine = kl_flag_engine_create(&table);
    (void)feed(engine, 0, 90, KL_METRIC_CADENCE, 168, KL_SIDE_UNKNOWN);
    struct kl_step step = step_of(90, KL_METRIC_CADENCE, 168);
    step.metric_reasons[KL_METRIC_CADENCE] = KL_REASON_NOT_MEASURED;
    (void)kl_flag_engine_step(engine, &step, 1.75);
    cr_expect_eq(flag_of(engine, KL_SIDE_UNKNOWN).state, KL_FLAG_GREY);
    struct kl_flag flag = feed(engine, 91, 91 + 41, KL_METRIC_CADENCE, 168, KL_SIDE_UNKNOWN);
    cr_expect_eq(flag.state, KL_FLAG_GREEN);
    flag = feed(engine, 91 + 41, 91 + 42, KL_METRIC_CADENCE, 168, KL_SIDE_UNKNOWN);
    cr_expect_eq(flag.state, KL_FLAG_AMBER);
    kl_flag_engine_destroy(engine);
}

Test(flag_engine, evidence_caps_the_colour)
{
    const struct {
        enum kl_grade grade;
        enum kl_flag_state cap[2];
        const char *source;
        enum kl_flag_state first, second;
    } rows[] = {
        {KL_GRADE_S, {0, 0}, "", KL_FLAG_AMBER, KL_FLAG_RED},
        {KL_GRADE_M, {0, 0}, "", KL_FLAG_AMBER, KL_FLAG_RED},
        {KL_GRADE_W, {0, 0}, "", KL_FLAG_AMBER, KL_FLAG_AMBER},
        {KL_GRADE_X, {0, 0}, "", KL_FLAG_NOTE, KL_FLAG_NOTE},
        {KL_GRADE_X, {KL_FLAG_RED, KL_FLAG_RED}, "", KL_FLAG_NOTE, KL_FLAG_NOTE},
        {KL_GRADE_W, {KL_FLAG_RED, KL_FLAG_RED}, "", KL_FLAG_AMBER, KL_FLAG_AMBER},
        {KL_GRADE_M, {KL_FLAG_AMBER, KL_FLAG_AMBER}, "", KL_FLAG_AMBER, KL_FLAG_AMBER},
        {KL_GRADE_X,
         {KL_FLAG_AMBER, KL_FLAG_AMBER},
         "a rule of thumb",
         KL_FLAG_AMBER,
         KL_FLAG_AMBER},
    };
    for (size_t r = 0; r < sizeof(rows) / sizeof(rows[0]); r++) {
        for (int high = 0; high < 2; high++) {
            struct kl_rule rule = loading_rule();
            rule.grade = rows[r].grade;
            rule.cap[0] = rows[r].cap[0];
            rule.cap[1] = rows[r].cap[1];
            (void)snprintf(rule.source, sizeof(rule.source), "%s", rows[r].source);
            struct kl_flag_table table = table_of(&rule, 0);
            struct kl_flag_engine *engine = kl_flag_engine_create(&table);
            struct kl_flag flag =
                feed(engine, 0, 300, KL_METRIC_VALR, high ? 110 : 92, KL_SIDE_LEFT);
            cr_expect_eq(flag.state, high ? rows[r].second : rows[r].first, "row %zu %d", r, high);
            cr_expect_eq(flag.high, high == 1);
            kl_flag_engine_destroy(engine);
        }
    }
}

Test(flag_engine, several_signs_of_two_families_turn_a_factor_red)
{
    const struct {
        enum kl_family third;
        size_t rules;
        enum kl_flag_state state;
    } rows[] = {{KL_FAMILY_PLATE, 3, KL_FLAG_AMBER},
                {KL_FAMILY_IMU, 3, KL_FLAG_RED},
                {KL_FAMILY_IMU, 2, KL_FLAG_AMBER}};
    for (size_t r = 0; r < sizeof(rows) / sizeof(rows[0]); r++) {
        struct kl_rule rule = loading_rule();
        struct kl_flag_table table = table_of(&rule, 0);
        table.count = rows[r].rules;
        for (size_t i = 0; i < table.count; i++) {
            table.rule[i] = rule;
        }
        table.rule[table.count - 1].family = rows[r].third;
        struct kl_flag_engine *engine = kl_flag_engine_create(&table);
        (void)feed(engine, 0, 300, KL_METRIC_VALR, 92, KL_SIDE_LEFT);
        const char *reason = NULL;
        cr_expect_eq(kl_flag_engine_factor(engine, KL_FACTOR_FOOTWEAR, &reason), rows[r].state,
                     "row %zu", r);
        if (rows[r].state == KL_FLAG_RED) {
            cr_expect_str_eq(reason, "several signs together");
        }
        kl_flag_engine_destroy(engine);
    }
}

Test(flag_engine, the_caller_table_is_copied_and_an_empty_one_is_fine)
{
    struct kl_flag_table table = {.timing = kl_flag_timing_defaults()};
    struct kl_flag_engine *engine = kl_flag_engine_create(&table);
    struct kl_step step = step_of(0, KL_METRIC_VALR, 1);
    cr_expect_eq(kl_flag_engine_step(engine, &step, 0), 0);
    cr_expect_eq(kl_flag_engine_get(engine, NULL, 0), 0);
    const char *reason = NULL;
    for (int f = 0; f < KL_FACTOR_COUNT; f++) {
        cr_expect_eq(kl_flag_engine_factor(engine, (enum kl_factor)f, &reason), KL_FLAG_GREY);
        cr_expect_not_null(reason);
    }
    kl_flag_engine_destroy(engine);
}

Test(factor, every_factor_has_its_own_words_and_claims_nothing)
{
    /* Methods 23: no diagnosis, no "safe". */
    static const char *const never[] = {"diagnos", "safe", "healthy", "risk of", "probab"};
    for (int f = 0; f < KL_FACTOR_COUNT; f++) {
        const struct kl_factor_text *text = kl_factor_get((enum kl_factor)f);
        cr_expect_eq(strncmp(text->needs, "needs ", 6), 0);
        for (int g = 0; g < f; g++) {
            cr_expect_str_neq(text->key, kl_factor_get((enum kl_factor)g)->key);
            cr_expect_str_neq(text->label, kl_factor_get((enum kl_factor)g)->label);
        }
        for (size_t n = 0; n < sizeof(never) / sizeof(never[0]); n++) {
            cr_expect_null(strstr(text->needs, never[n]));
            cr_expect_null(strstr(text->label, never[n]));
        }
    }
}

Test(flag_message, says_value_interval_limit_source_grade_and_option)
{
    struct kl_rule valr = loading_rule(), cadence = cadence_rule();
    (void)snprintf(cadence.say, sizeof(cadence.say), "Steps are long for this speed.");
    (void)snprintf(cadence.option, sizeof(cadence.option), "5-10 %% more steps at this speed.");
    const struct {
        const struct kl_rule *rule;
        struct kl_flag flag;
        const char *text;
    } rows[] = {
        {&valr,
         {.side = KL_SIDE_LEFT, .state = KL_FLAG_GREY, .grey_reason = "belt speed not entered"},
         "Left loading rate: no statement (belt speed not entered)."},
        {&valr,
         {.side = KL_SIDE_RIGHT,
          .state = KL_FLAG_GREEN,
          .value = 72.04,
          .ci_low = 70,
          .ci_high = 74.08,
          .steps = 60},
         "Right loading rate 72.0 BW/s (95 % CI 70.0 to 74.1, 60 steps). No sign beyond the limit "
         "in "
         "what was measured. Reference 86.0 (study mean + 1 SD, women 3.7 m/s). Evidence: weak. A "
         "load indicator, not a diagnosis."},
        {&valr,
         {.side = KL_SIDE_LEFT,
          .state = KL_FLAG_AMBER,
          .value = 92,
          .ci_low = 90,
          .ci_high = 94,
          .steps = 60},
         "Left loading rate 92.0 BW/s (95 % CI 90.0 to 94.0, 60 steps). Impact in this shoe is "
         "above "
         "the reference group. Reference 86.0 (study mean + 1 SD, women 3.7 m/s). Evidence: weak. "
         "A load indicator, not a diagnosis. Option: compare with another shoe."},
        {&valr,
         {.side = KL_SIDE_LEFT,
          .state = KL_FLAG_NOTE,
          .high = true,
          .value = 110,
          .ci_low = 108,
          .ci_high = 112,
          .steps = 60},
         "Left loading rate 110.0 BW/s (95 % CI 108.0 to 112.0, 60 steps). Impact in this shoe is "
         "above the reference group. Beyond the second limit (high). Reference 105.0 (study mean "
         "+ 1 SD, women 3.7 m/s). Evidence: weak. A load indicator, not a diagnosis. Option: "
         "compare with another shoe."},
        {&cadence,
         {.side = KL_SIDE_UNKNOWN,
          .state = KL_FLAG_RED,
          .value = 163,
          .ci_low = 162.5,
          .ci_high = 163.5,
          .steps = 60},
         "Cadence 163.0 steps/min (95 % CI 162.5 to 163.5, 60 steps). Steps are long for this "
         "speed. "
         "Reference 170.0 (rule of thumb). Evidence: moderate. A load indicator, not a diagnosis. "
         "Option: 5-10 % more steps at this speed."},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char text[1024];
        kl_flag_message(rows[i].rule, &rows[i].flag, text, sizeof(text));
        cr_expect_str_eq(text, rows[i].text, "row %zu: %s", i, text);
        char tiny[10];
        kl_flag_message(rows[i].rule, &rows[i].flag, tiny, sizeof(tiny));
        cr_expect_eq(strlen(tiny), 9);
    }
}
