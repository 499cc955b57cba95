#include "devices/device_option.h"

#include "devices/text_number.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { LIST_MAX = 256 };

static const char *const flag_word[] = {"no", "yes", "false", "true", "off", "on", NULL};

/* Adds to a list in words; what does not fit is left out. */
static void list_add(char list[LIST_MAX], const char *word)
{
    size_t len = strlen(list);
    (void)snprintf(list + len, LIST_MAX - len, "%s%s", len > 0 ? ", " : "", word);
}

/* @return whether it is one of them: *index */
static bool find_word(const char *const *word, const char *text, size_t *index)
{
    for (size_t i = 0; word[i] != NULL; i++) {
        if (strcmp(word[i], text) == 0) {
            *index = i;
            return true;
        }
    }
    return false;
}

static bool read_number(const struct kl_option_rule *rule, const char *text, double *value)
{
    double found = 0;
    bool fits = kl_text_number(text, strlen(text), &found) && found >= rule->low &&
                found <= rule->high && (rule->kind == KL_RULE_NUMBER || found == floor(found));
    *value = fits ? found : *value;
    return fits;
}

static int read_value(const struct kl_device_config *config, const struct kl_option_rule *rule,
                      const char *text, double *value, struct kl_fault *fault)
{
    char allowed[LIST_MAX] = "";
    size_t index = 0;
    switch (rule->kind) {
    case KL_RULE_FLAG:
        if (find_word(flag_word, text, &index)) {
            *value = (double)(index % 2);
            return KL_OK;
        }
        (void)snprintf(allowed, sizeof(allowed), "are yes and no");
        break;
    case KL_RULE_WORD:
        if (find_word(rule->word, text, &index)) {
            *value = (double)index;
            return KL_OK;
        }
        (void)snprintf(allowed, sizeof(allowed), "are %s", rule->word[0]);
        for (size_t i = 1; rule->word[0] != NULL && rule->word[i] != NULL; i++) {
            list_add(allowed, rule->word[i]);
        }
        break;
    case KL_RULE_NUMBER:
    case KL_RULE_WHOLE:
        if (read_number(rule, text, value)) {
            return KL_OK;
        }
        (void)snprintf(allowed, sizeof(allowed), "is a %snumber from %.15g to %.15g",
                       rule->kind == KL_RULE_WHOLE ? "whole " : "", rule->low, rule->high);
        break;
    case KL_RULE_TEXT:
        return KL_OK;
    }
    return kl_fault(fault, KL_ERR_RANGE, "%s: option %s: \"%.40s\"; allowed %s", config->name,
                    rule->key, text, allowed);
}

int kl_device_options(const struct kl_device_config *config, const struct kl_option_rule *rule,
                      double *value, size_t count, struct kl_fault *fault)
{
    if (config == NULL) {
        return kl_fault(fault, KL_ERR_ARG, "a device of the lab file is needed, found none");
    }
    for (size_t i = 0; i < config->option_count; i++) {
        const struct kl_device_option *option = &config->option[i];
        char known[LIST_MAX] = "";
        size_t r = 0;
        while (r < count && strcmp(rule[r].key, option->key) != 0) {
            list_add(known, rule[r++].key);
        }
        if (r == count) {
            return kl_fault(fault, KL_ERR_RANGE, "%s: unknown option \"%.40s\"; known are: %s",
                            config->name, option->key, count > 0 ? known : "none");
        }
        if (kl_option_text(config, option->key) != option->value) {
            return kl_fault(fault, KL_ERR_RANGE, "%s: option %s is given twice", config->name,
                            option->key);
        }
        int status = read_value(config, &rule[r], option->value, &value[r], fault);
        if (status != KL_OK) {
            return status;
        }
    }
    return KL_OK;
}

const char *kl_option_text(const struct kl_device_config *config, const char *key)
{
    for (size_t i = 0; i < config->option_count; i++) {
        if (strcmp(config->option[i].key, key) == 0) {
            return config->option[i].value;
        }
    }
    return NULL;
}
