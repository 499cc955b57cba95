#include "app/flag_table.h"

#include "acquire/yaml.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The table as it stands in YAML; checked against the metric table when it becomes kl_rule. */
struct yaml_rule {
    char *indicator;
    enum kl_factor factor;
    char *label;
    enum kl_metric_id metric;
    int side;  /* 1: each foot */
    int raise; /* 1: above */
    double *limits;
    unsigned limits_count;
    char *unit;
    double *speed_m_s;
    unsigned speed_m_s_count;
    unsigned minimum_steps;
    enum kl_grade grade;
    char *source, *say, *option;
};

struct yaml_timing {
    unsigned window_steps, raise_steps;
    double clear_after_s, settle_s, speed_pause_s;
    bool demo;
};

struct yaml_table {
    struct yaml_timing *timing;
    struct yaml_rule *rules;
    unsigned rules_count;
};

static const cyaml_strval_t grade_words[] = {
    {"X", KL_GRADE_X}, {"W", KL_GRADE_W}, {"M", KL_GRADE_M}, {"S", KL_GRADE_S}};
static const cyaml_strval_t side_words[] = {{"both", 0}, {"each", 1}};
static const cyaml_strval_t raise_words[] = {{"below", 0}, {"above", 1}};
/* Filled from the factor and metric tables, so that a new row is known here at once. */
static cyaml_strval_t factor_words[KL_FACTOR_COUNT];
static cyaml_strval_t metric_words[KL_METRIC_COUNT];

static const cyaml_schema_value_t number_schema = {CYAML_VALUE_FLOAT(CYAML_FLAG_DEFAULT, double)};

#define TEXT(key, member, low, high)                                                               \
    CYAML_FIELD_STRING_PTR(key, CYAML_FLAG_POINTER, struct yaml_rule, member, low, high)

static const cyaml_schema_field_t rule_fields[] = {
    TEXT("indicator", indicator, 1, 39),
    CYAML_FIELD_ENUM("factor", CYAML_FLAG_STRICT, struct yaml_rule, factor, factor_words,
                     KL_FACTOR_COUNT),
    TEXT("label", label, 1, 63),
    CYAML_FIELD_ENUM("metric", CYAML_FLAG_STRICT, struct yaml_rule, metric, metric_words,
                     KL_METRIC_COUNT),
    CYAML_FIELD_ENUM("side", CYAML_FLAG_STRICT, struct yaml_rule, side, side_words, 2),
    CYAML_FIELD_ENUM("raise", CYAML_FLAG_STRICT, struct yaml_rule, raise, raise_words, 2),
    CYAML_FIELD_SEQUENCE("limits", CYAML_FLAG_POINTER, struct yaml_rule, limits, &number_schema, 1,
                         2),
    TEXT("unit", unit, 0, 23),
    CYAML_FIELD_SEQUENCE("speed_m_s", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct yaml_rule,
                         speed_m_s, &number_schema, 2, 2),
    CYAML_FIELD_UINT("minimum_steps", CYAML_FLAG_DEFAULT, struct yaml_rule, minimum_steps),
    CYAML_FIELD_ENUM("grade", CYAML_FLAG_STRICT, struct yaml_rule, grade, grade_words, 4),
    TEXT("source", source, 1, KL_RULE_TEXT_MAX - 1),
    TEXT("say", say, 1, KL_RULE_TEXT_MAX - 1),
    TEXT("option", option, 1, KL_RULE_TEXT_MAX - 1),
    CYAML_FIELD_END};

static const cyaml_schema_field_t timing_fields[] = {
    CYAML_FIELD_UINT("window_steps", CYAML_FLAG_DEFAULT, struct yaml_timing, window_steps),
    CYAML_FIELD_UINT("raise_steps", CYAML_FLAG_DEFAULT, struct yaml_timing, raise_steps),
    CYAML_FIELD_FLOAT("clear_after_s", CYAML_FLAG_DEFAULT, struct yaml_timing, clear_after_s),
    CYAML_FIELD_FLOAT("settle_s", CYAML_FLAG_DEFAULT, struct yaml_timing, settle_s),
    CYAML_FIELD_FLOAT("speed_pause_s", CYAML_FLAG_DEFAULT, struct yaml_timing, speed_pause_s),
    CYAML_FIELD_BOOL("demo", CYAML_FLAG_OPTIONAL, struct yaml_timing, demo),
    CYAML_FIELD_END};

static const cyaml_schema_value_t rule_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct yaml_rule, rule_fields)};

static const cyaml_schema_field_t table_fields[] = {
    CYAML_FIELD_MAPPING_PTR("timing", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct yaml_table,
                            timing, timing_fields),
    CYAML_FIELD_SEQUENCE("rules", CYAML_FLAG_POINTER, struct yaml_table, rules, &rule_schema, 0,
                         KL_RULES_MAX),
    CYAML_FIELD_END};

static const cyaml_schema_value_t table_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct yaml_table, table_fields)};

static void fill_words(void)
{
    for (int i = 0; i < KL_FACTOR_COUNT; i++) {
        factor_words[i] = (cyaml_strval_t){kl_factor_get((enum kl_factor)i)->key, i};
    }
    for (int i = 0; i < KL_METRIC_COUNT; i++) {
        metric_words[i] = (cyaml_strval_t){kl_metric_get((enum kl_metric_id)i)->key, i};
    }
}

/** Grade decides the worst colour: S and M may turn red, W amber, X a blue note (methods 17). */
static const enum kl_flag_state grade_cap[][2] = {
    [KL_GRADE_X] = {KL_FLAG_NOTE, KL_FLAG_NOTE},
    [KL_GRADE_W] = {KL_FLAG_AMBER, KL_FLAG_AMBER},
    [KL_GRADE_M] = {KL_FLAG_AMBER, KL_FLAG_RED},
    [KL_GRADE_S] = {KL_FLAG_AMBER, KL_FLAG_RED},
};

/** The text a table is read from: faults of meaning are placed in it. */
struct document {
    const char *name, *text;
    size_t len;
};

/** "FILE:LINE:COLUMN: rules[2].unit: ..." with the cure, by the rule's number. */
#define RULE_FAULT(key, ...)                                                                       \
    do {                                                                                           \
        char path_[64];                                                                            \
        (void)snprintf(path_, sizeof(path_), "rules[%u]." key, number);                            \
        return kl_yaml_fault(document->name, document->text, document->len, path_, fault,          \
                             __VA_ARGS__);                                                         \
    } while (0)

/** @param number  of the rule, from 1 */
/* Signals that an indicator comes from: a knee moment needs the plate, whatever else it needs. */
static enum kl_family family_of(enum kl_metric_id metric)
{
    if (metric >= KL_METRIC_MUSCLE) {
        return KL_FAMILY_EMG;
    }
    bool motion = metric >= KL_METRIC_MOTION && metric < KL_METRIC_KNEE;
    return motion ? KL_FAMILY_IMU : KL_FAMILY_PLATE;
}

static int take_rule(const struct document *document, unsigned number, const struct yaml_rule *from,
                     struct kl_rule *to, struct kl_fault *fault)
{
    const struct kl_metric *metric = kl_metric_get(from->metric);
    if (strcmp(from->unit, metric->display_unit) != 0) {
        RULE_FAULT("unit", "\"%s\" is not the unit of %s; write \"%s\"", from->unit, metric->key,
                   metric->display_unit);
    }
    bool above = from->raise == 1;
    double second = from->limits_count > 1 ? from->limits[1] : (double)NAN;
    if (from->limits_count > 1 && (above ? second <= from->limits[0] : second >= from->limits[0])) {
        RULE_FAULT("limits", "the second limit must lie %s the first", above ? "above" : "below");
    }
    if (from->speed_m_s != NULL &&
        !(from->speed_m_s[0] >= 0.0 && from->speed_m_s[1] > from->speed_m_s[0])) {
        RULE_FAULT("speed_m_s", "expected [low, high] in m/s, low below high");
    }
    if (from->minimum_steps < 10) {
        RULE_FAULT("minimum_steps", "%u is too few; a mean with an interval needs at least 10",
                   from->minimum_steps);
    }
    *to = (struct kl_rule){
        .factor = from->factor,
        .metric = from->metric,
        .family = family_of(from->metric),
        .per_side = from->side == 1,
        .above = above,
        .limit = {from->limits[0], second},
        .speed_min_m_s = from->speed_m_s != NULL ? from->speed_m_s[0] : 0.0,
        .speed_max_m_s = from->speed_m_s != NULL ? from->speed_m_s[1] : 0.0,
        .minimum_steps = from->minimum_steps,
        .grade = from->grade,
        .cap = {grade_cap[from->grade][0], grade_cap[from->grade][1]},
    };
    (void)snprintf(to->indicator, sizeof(to->indicator), "%s", from->indicator);
    (void)snprintf(to->label, sizeof(to->label), "%s", from->label);
    (void)snprintf(to->source, sizeof(to->source), "%s", from->source);
    (void)snprintf(to->say, sizeof(to->say), "%s", from->say);
    (void)snprintf(to->option, sizeof(to->option), "%s", from->option);
    return KL_OK;
}

bool kl_flag_timing_allowed(const struct kl_flag_timing *timing)
{
    return timing->window_steps >= 10 && timing->window_steps <= 1000 && timing->raise_steps >= 1 &&
           timing->raise_steps <= 1000 && timing->clear_after_s >= 0.0 && timing->settle_s >= 0.0 &&
           timing->speed_pause_s >= 0.0;
}

static int take_timing(const struct document *document, const struct yaml_timing *from,
                       struct kl_flag_timing *to, struct kl_fault *fault)
{
    *to = kl_flag_timing_defaults();
    if (from == NULL) {
        return KL_OK;
    }
    *to = (struct kl_flag_timing){.window_steps = from->window_steps,
                                  .raise_steps = from->raise_steps,
                                  .clear_after_s = from->clear_after_s,
                                  .settle_s = from->settle_s,
                                  .speed_pause_s = from->speed_pause_s,
                                  .demo = from->demo};
    return kl_flag_timing_allowed(to) ? KL_OK
                                      : kl_yaml_fault(document->name, document->text, document->len,
                                                      "timing", fault, KL_FLAG_TIMING_ALLOWED);
}

int kl_flag_table_parse(const char *name, const char *text, size_t len, struct kl_flag_table *out,
                        struct kl_fault *fault)
{
    fill_words();
    void *loaded = NULL;
    int status = kl_yaml_parse(name, text, len, &table_schema, &loaded, fault);
    if (status != KL_OK) {
        return status;
    }
    const struct yaml_table *table = loaded;
    const struct document document = {.name = name, .text = text, .len = len};
    struct kl_flag_table *result = calloc(1, sizeof(*result));
    if (result == NULL) {
        status = kl_fault(fault, KL_ERR_MEM, "out of memory");
        goto done;
    }
    status = take_timing(&document, table->timing, &result->timing, fault);
    for (unsigned i = 0; status == KL_OK && i < table->rules_count; i++) {
        status = take_rule(&document, i + 1, &table->rules[i], &result->rule[i], fault);
        for (unsigned j = 0; status == KL_OK && j < i; j++) {
            if (strcmp(result->rule[i].indicator, result->rule[j].indicator) == 0) {
                char path[64];
                (void)snprintf(path, sizeof(path), "rules[%u].indicator", i + 1);
                status = kl_yaml_fault(name, text, len, path, fault, "two rules are called %s",
                                       result->rule[i].indicator);
            }
        }
    }
    result->count = table->rules_count;
    if (status == KL_OK) {
        *out = *result;
    }
done:
    free(result);
    kl_yaml_free(&table_schema, loaded);
    return status;
}

char *kl_text_load(const char *path, size_t *len, struct kl_fault *fault)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        (void)kl_fault(fault, KL_ERR_IO, "%s: cannot be opened for reading", path);
        return NULL;
    }
    const size_t limit = 4u << 20; /* 4 MiB: no text of ours is near */
    char *text = malloc(limit + 1);
    size_t got = text != NULL ? fread(text, 1, limit + 1, file) : 0;
    bool failed = text == NULL || ferror(file) != 0 || got > limit;
    (void)fclose(file);
    if (failed) {
        (void)kl_fault(fault, KL_ERR_IO, "%s: cannot be read, or is larger than 4 MiB", path);
        free(text);
        return NULL;
    }
    text[got] = '\0';
    *len = got;
    return text;
}

int kl_flag_table_load(const char *path, struct kl_flag_table *out, struct kl_fault *fault)
{
    size_t len = 0;
    char *text = kl_text_load(path, &len, fault);
    if (text == NULL) {
        return KL_ERR_IO;
    }
    int status = kl_flag_table_parse(path, text, len, out, fault);
    free(text);
    return status;
}

char *kl_flag_table_text(const struct kl_flag_table *table, struct kl_fault *fault)
{
    fill_words();
    struct kl_flag_table *copy = malloc(sizeof(*copy)); /* cyaml wants pointers it could change */
    struct yaml_rule *rules = calloc(table->count + 1, sizeof(*rules));
    double(*speed)[2] = calloc(table->count + 1, sizeof(*speed));
    char(*unit)[24] = calloc(table->count + 1, sizeof(*unit));
    char *saved = NULL;
    size_t saved_len = 0;
    char *result = NULL;
    if (copy == NULL || rules == NULL || speed == NULL || unit == NULL) {
        (void)kl_fault(fault, KL_ERR_MEM, "out of memory");
        goto done;
    }
    *copy = *table;
    for (size_t i = 0; i < copy->count; i++) {
        struct kl_rule *rule = &copy->rule[i];
        bool any_speed = rule->speed_min_m_s == 0.0 && rule->speed_max_m_s == 0.0;
        (void)snprintf(unit[i], sizeof(unit[i]), "%s", kl_metric_get(rule->metric)->display_unit);
        speed[i][0] = rule->speed_min_m_s;
        speed[i][1] = rule->speed_max_m_s;
        rules[i] = (struct yaml_rule){
            .indicator = rule->indicator,
            .factor = rule->factor,
            .label = rule->label,
            .metric = rule->metric,
            .side = rule->per_side ? 1 : 0,
            .raise = rule->above ? 1 : 0,
            .limits = rule->limit,
            .limits_count = isnan(rule->limit[1]) ? 1 : 2,
            .unit = unit[i],
            .speed_m_s = any_speed ? NULL : speed[i],
            .speed_m_s_count = any_speed ? 0 : 2,
            .minimum_steps = rule->minimum_steps,
            .grade = rule->grade,
            .source = rule->source,
            .say = rule->say,
            .option = rule->option,
        };
    }
    struct yaml_timing timing = {.window_steps = table->timing.window_steps,
                                 .raise_steps = table->timing.raise_steps,
                                 .clear_after_s = table->timing.clear_after_s,
                                 .settle_s = table->timing.settle_s,
                                 .speed_pause_s = table->timing.speed_pause_s,
                                 .demo = table->timing.demo};
    struct yaml_table whole = {
        .timing = &timing, .rules = rules, .rules_count = (unsigned)table->count};
    const cyaml_config_t config = {.mem_fn = cyaml_mem, .flags = CYAML_CFG_STYLE_BLOCK};
    cyaml_err_t error = cyaml_save_data(&saved, &saved_len, &config, &table_schema, &whole, 0);
    result = error == CYAML_OK ? malloc(saved_len + 1) : NULL;
    if (result == NULL) {
        (void)kl_fault(fault, KL_ERR_MEM, "the flag table cannot be written as text: %s",
                       cyaml_strerror(error));
        goto done;
    }
    memcpy(result, saved, saved_len);
    result[saved_len] = '\0';
done:
    free(saved);
    free(unit);
    free(speed);
    free(rules);
    free(copy);
    return result;
}
