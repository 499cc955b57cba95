#include "devices/device_option.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { LIST_MAX = 160, EXPONENT_MAX = 400 };

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Decimal exponent behind the digits. @return characters, 0 when there is none */
static size_t read_exponent(const char *text, size_t len, int *out)
{
    if (len < 2 || (text[0] != 'e' && text[0] != 'E')) {
        return 0;
    }
    size_t at = text[1] == '+' || text[1] == '-' ? 2 : 1;
    if (at >= len || !is_digit(text[at])) {
        return 0;
    }
    int exponent = 0;
    for (; at < len && is_digit(text[at]); at++) {
        exponent = exponent < EXPONENT_MAX ? exponent * 10 + (text[at] - '0') : EXPONENT_MAX;
    }
    *out = text[1] == '-' ? -exponent : exponent;
    return at;
}

size_t kl_device_number(const char *text, size_t len, double *value)
{
    size_t at = len > 0 && (text[0] == '+' || text[0] == '-') ? 1 : 0;
    double digits = 0;
    int places = 0, exponent = 0;
    bool any = false, point = false;
    for (; at < len && (is_digit(text[at]) || (text[at] == '.' && !point)); at++) {
        if (text[at] == '.') {
            point = true;
            continue;
        }
        any = true;
        digits = digits * 10 + (text[at] - '0');
        places += point ? 1 : 0;
    }
    if (!any) {
        return 0;
    }
    at += read_exponent(text + at, len - at, &exponent);
    exponent -= places;
    /* dividing by an exact power of ten rounds once, multiplying by 0.1 would round twice */
    double scaled = exponent < 0 ? digits / pow(10, -exponent) : digits * pow(10, exponent);
    if (!isfinite(scaled)) {
        return 0;
    }
    *value = text[0] == '-' ? -scaled : scaled;
    return at;
}

static void list_words(const struct kl_option_rule *rule, char out[LIST_MAX])
{
    size_t at = 0;
    out[0] = '\0';
    for (size_t i = 0; i < rule->word_count && at < LIST_MAX; i++) {
        at += (size_t)snprintf(out + at, LIST_MAX - at, "%s%s", i > 0 ? ", " : "", rule->word[i]);
    }
}

static void list_keys(const struct kl_option_rule *rule, size_t count, char out[LIST_MAX])
{
    size_t at = 0;
    (void)snprintf(out, LIST_MAX, "none");
    for (size_t i = 0; i < count && at < LIST_MAX; i++) {
        at += (size_t)snprintf(out + at, LIST_MAX - at, "%s%s", i > 0 ? ", " : "", rule[i].key);
    }
}

static int read_value(const char *driver, const struct kl_option_rule *rule, const char *text,
                      double *value, struct kl_fault *fault)
{
    char allowed[LIST_MAX];
    if (rule->word != NULL) {
        for (size_t i = 0; i < rule->word_count; i++) {
            if (strcmp(rule->word[i], text) == 0) {
                *value = (double)i;
                return KL_OK;
            }
        }
        list_words(rule, allowed);
        return kl_fault(fault, KL_ERR_RANGE, "%s: option %s: \"%s\"; allowed are %s", driver,
                        rule->key, text, allowed);
    }
    double found = 0;
    size_t len = strlen(text);
    bool number = len > 0 && kl_device_number(text, len, &found) == len;
    if (!number || !(found >= rule->low && found <= rule->high) ||
        (rule->whole && found != floor(found))) {
        return kl_fault(fault, KL_ERR_RANGE,
                        "%s: option %s: \"%s\"; allowed is a %snumber from %g to %g", driver,
                        rule->key, text, rule->whole ? "whole " : "", rule->low, rule->high);
    }
    *value = found;
    return KL_OK;
}

int kl_device_options(const char *driver, const struct kl_device_config *config,
                      const struct kl_option_rule *rule, double *value, size_t count,
                      struct kl_fault *fault)
{
    for (size_t i = 0; i < config->option_count; i++) {
        const struct kl_device_option *option = &config->option[i];
        size_t r = 0;
        while (r < count && strcmp(rule[r].key, option->key) != 0) {
            r++;
        }
        if (r == count) {
            char allowed[LIST_MAX];
            list_keys(rule, count, allowed);
            return kl_fault(fault, KL_ERR_RANGE, "%s: unknown option \"%s\"; known are: %s", driver,
                            option->key, allowed);
        }
        int status = read_value(driver, &rule[r], option->value, &value[r], fault);
        if (status != KL_OK) {
            return status;
        }
    }
    return KL_OK;
}
