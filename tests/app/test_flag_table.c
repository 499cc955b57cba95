#include "app/flag_table.h"

#include <criterion/criterion.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct kl_flag_table table, again;
static struct kl_fault fault;

Test(flag_table, the_shipped_table_loads_and_holds_the_two_live_rules)
{
    cr_assert_eq(kl_flag_table_load(KL_SOURCE "/configs/flags.yaml", &table, &fault), KL_OK, "%s",
                 fault.text);
    bool cadence = false;
    bool impact = false;
    for (size_t i = 0; i < table.count; i++) {
        cadence = cadence || strcmp(table.rule[i].indicator, "cadence_low") == 0;
        impact = impact || strcmp(table.rule[i].indicator, "impact_valr") == 0;
        /* methods 17: weak evidence is capped at amber */
        cr_expect(table.rule[i].grade != KL_GRADE_W || table.rule[i].cap[1] == KL_FLAG_AMBER);
    }
    cr_expect(cadence && impact);
    cr_expect_eq(table.timing.window_steps, 60);
    cr_expect_eq(table.timing.raise_steps, 42);
    cr_expect_not(table.timing.demo);
}

Test(flag_table, what_a_session_embeds_reads_back_to_the_same_table)
{
    cr_assert_eq(kl_flag_table_load(KL_SOURCE "/configs/flags.yaml", &table, &fault), KL_OK);
    table.rule[0].limit[0] = 169.123456789012345; /* digits that %g would lose */
    table.timing.settle_s = 0.1;
    char *text = kl_flag_table_text(&table, &fault);
    cr_assert_not_null(text, "%s", fault.text);
    cr_assert_eq(kl_flag_table_parse("embedded", text, strlen(text), &again, &fault), KL_OK, "%s",
                 fault.text);
    cr_expect_eq(table.timing.window_steps, again.timing.window_steps);
    cr_expect_eq(table.timing.raise_steps, again.timing.raise_steps);
    cr_expect_eq(table.timing.clear_after_s, again.timing.clear_after_s);
    cr_expect_eq(table.timing.settle_s, again.timing.settle_s);
    cr_expect_eq(table.timing.speed_pause_s, again.timing.speed_pause_s);
    cr_expect_eq(table.timing.demo, again.timing.demo);
    cr_assert_eq(table.count, again.count);
    for (size_t i = 0; i < table.count; i++) {
        cr_expect_eq(table.rule[i].limit[0], again.rule[i].limit[0], "rule %zu: %.17g %.17g", i,
                     table.rule[i].limit[0], again.rule[i].limit[0]);
        cr_expect_eq(table.rule[i].metric, again.rule[i].metric);
        cr_expect_eq(table.rule[i].speed_max_m_s, again.rule[i].speed_max_m_s);
        cr_expect_str_eq(table.rule[i].say, again.rule[i].say);
        cr_expect_str_eq(table.rule[i].source, again.rule[i].source);
    }
    free(text);
}

#define RULE(metric, unit, limits, steps)                                                          \
    "rules:\n"                                                                                     \
    "  - indicator: one\n"                                                                         \
    "    factor: running_form\n"                                                                   \
    "    label: One\n"                                                                             \
    "    metric: " metric "\n"                                                                     \
    "    side: both\n"                                                                             \
    "    raise: below\n"                                                                           \
    "    limits: " limits "\n"                                                                     \
    "    unit: " unit "\n"                                                                         \
    "    minimum_steps: " steps "\n"                                                               \
    "    grade: W\n"                                                                               \
    "    source: s\n"                                                                              \
    "    say: s\n"                                                                                 \
    "    option: o\n"

Test(flag_table, a_faulty_table_is_refused_with_line_and_reason)
{
    static const struct {
        const char *legend, *text, *says[3];
    } row[] = {
        {"unknown metric", RULE("cadense", "steps/min", "[170]", "60"), {"lab.yaml:5", "cadense"}},
        {"wrong unit", RULE("cadence", "Hz", "[170]", "60"), {"lab.yaml:9", "Hz", "steps/min"}},
        {"limits in the wrong order",
         RULE("cadence", "steps/min", "[166, 170]", "60"),
         {"lab.yaml:8", "second limit"}},
        {"too few steps",
         RULE("cadence", "steps/min", "[170]", "3"),
         {"lab.yaml:10", "minimum_steps"}},
        {"unknown key",
         RULE("cadence", "steps/min", "[170]", "60") "    colour: red\n",
         {"lab.yaml:15", "colour"}},
        {"text for a number", RULE("cadence", "steps/min", "[many]", "60"), {"lab.yaml:8", "many"}},
        {"not YAML", "rules: [\n", {"lab.yaml:"}},
        {"rule twice",
         RULE("cadence", "steps/min", "[170]",
              "60") "  - {indicator: one, factor: footwear, label: "
                    "One, metric: valr, side: each, raise: above, "
                    "limits: [86], unit: BW/s, minimum_steps: 60, "
                    "grade: W, source: s, say: s, option: o}\n",
         {"two rules", "one"}},
    };
    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        int status =
            kl_flag_table_parse("lab.yaml", row[i].text, strlen(row[i].text), &table, &fault);
        cr_expect_lt(status, 0, "row %zu: %s", i, row[i].legend);
        for (size_t j = 0; j < 3 && row[i].says[j] != NULL; j++) {
            cr_expect_not_null(strstr(fault.text, row[i].says[j]),
                               "row %zu (%s): \"%s\" not in \"%s\"", i, row[i].legend,
                               row[i].says[j], fault.text);
        }
    }
}
