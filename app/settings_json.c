#include "app/settings_json.h"

#include <jansson.h>

#include <stdio.h>
#include <string.h>

char *kl_settings_write(const struct kl_settings *settings)
{
    json_t *json = json_pack("{s:f, s:f, s:s, s:f}", "cutoff_hz", settings->force.cutoff_hz,
                             "threshold_n", settings->force.threshold_n, "loading_rule",
                             kl_loading_rule_text(settings->loading_rule), "target_cadence_spm",
                             settings->target_cadence_spm);
    char *text = json_dumps(json, JSON_COMPACT | JSON_REAL_PRECISION(17));
    json_decref(json);
    return text;
}

int kl_settings_read(const char *text, size_t len, struct kl_settings *out, struct kl_fault *fault)
{
    json_error_t error;
    json_t *json = json_loadb(text, len, 0, &error);
    struct kl_settings read = *out;
    const char *rule = NULL;
    int failed =
        json == NULL ||
        json_unpack_ex(json, &error, 0, "{s?F, s?F, s?s, s?F}", "cutoff_hz", &read.force.cutoff_hz,
                       "threshold_n", &read.force.threshold_n, "loading_rule", &rule,
                       "target_cadence_spm", &read.target_cadence_spm) != 0;
    for (int i = 0; !failed && rule != NULL && i <= KL_LOADING_RULE_COUNT; i++) {
        if (i == KL_LOADING_RULE_COUNT) {
            (void)snprintf(error.text, sizeof(error.text), "no loading rule \"%.40s\"", rule);
            failed = 1;
        } else if (strcmp(rule, kl_loading_rule_text((enum kl_loading_rule)i)) == 0) {
            read.loading_rule = (enum kl_loading_rule)i;
            break;
        }
    }
    json_decref(json);
    if (failed) {
        return kl_fault(fault, KL_ERR_DATA, "embedded settings cannot be read: %s", error.text);
    }
    *out = read;
    return KL_OK;
}
