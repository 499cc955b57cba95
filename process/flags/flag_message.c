#include "process/flags/flag.h"
#include "process/steps/number.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>

const char *kl_flag_state_text(enum kl_flag_state state)
{
    static const char *const text[KL_FLAG_STATE_COUNT] = {"grey", "green", "note", "amber", "red"};
    return (unsigned)state < KL_FLAG_STATE_COUNT ? text[state] : "grey";
}

static const char *grade_text(enum kl_grade grade)
{
    static const char *const text[] = {
        [KL_GRADE_X] = "mechanical reasoning or rule of thumb only",
        [KL_GRADE_W] = "weak",
        [KL_GRADE_M] = "moderate",
        [KL_GRADE_S] = "strong",
    };
    return (unsigned)grade <= KL_GRADE_S ? text[grade] : text[KL_GRADE_X];
}

/* "Left loading rate"; a label that begins with an abbreviation (VALR) keeps its capitals. */
static void subject(const struct kl_rule *rule, enum kl_side side, char *out, size_t len)
{
    static const char *const word[KL_SIDE_COUNT] = {"", "Left ", "Right "};
    bool sided = side == KL_SIDE_LEFT || side == KL_SIDE_RIGHT;
    (void)snprintf(out, len, "%s%s", sided ? word[side] : "", rule->label);
    char *first = out + (sided ? (side == KL_SIDE_LEFT ? 5 : 6) : 0);
    if (sided && first[0] != '\0' && !isupper((unsigned char)first[1])) {
        *first = (char)tolower((unsigned char)*first);
    }
}

void kl_flag_message(const struct kl_rule *rule, const struct kl_flag *flag, char *out, size_t len)
{
    const struct kl_metric *metric = kl_metric_get(rule->metric);
    char who[96], value[KL_NUMBER_TEXT_MAX], low[KL_NUMBER_TEXT_MAX], high[KL_NUMBER_TEXT_MAX];
    char limit[KL_NUMBER_TEXT_MAX], finding[KL_RULE_TEXT_MAX + 96];
    subject(rule, flag->side, who, sizeof(who));
    if (flag->state == KL_FLAG_GREY) {
        (void)snprintf(out, len, "%s: no statement (%s).", who,
                       flag->grey_reason != NULL ? flag->grey_reason : "not measured");
        return;
    }
    bool raised = flag->state != KL_FLAG_GREEN;
    double crossed = raised && flag->high ? rule->limit[1] : rule->limit[0];
    (void)kl_number_rounded(flag->value, metric->decimals, value, sizeof(value));
    (void)kl_number_rounded(flag->ci_low, metric->decimals, low, sizeof(low));
    (void)kl_number_rounded(flag->ci_high, metric->decimals, high, sizeof(high));
    (void)kl_number_rounded(crossed, metric->decimals, limit, sizeof(limit));
    if (raised) {
        (void)snprintf(finding, sizeof(finding), "%s%s", rule->say,
                       flag->high ? " Beyond the second limit (high)." : "");
    } else {
        (void)snprintf(finding, sizeof(finding), "No sign beyond the limit in what was measured.");
    }
    (void)snprintf(out, len,
                   "%s %s%s%s (95 %% CI %s to %s, %u steps). %s%sReference %s (%s). Evidence: %s. "
                   "A load indicator, not a diagnosis.%s%s",
                   who, value, metric->display_unit[0] != '\0' ? " " : "", metric->display_unit,
                   low, high, flag->steps, finding, finding[0] != '\0' ? " " : "", limit,
                   rule->source, grade_text(rule->grade),
                   raised && rule->option[0] != '\0' ? " Option: " : "",
                   raised ? rule->option : "");
}
