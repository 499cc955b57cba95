#include "devices/options.h"

#include "devices/text_number.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Room for the keys of one driver in a fault. */
#define KEYS_TEXT_MAX 256

int kl_options_known(const struct kl_device_config *config, const char *const *known, size_t count,
                     struct kl_fault *fault)
{
    if (config == NULL) {
        return kl_fault(fault, KL_ERR_ARG, "a device of the lab file is needed, found none");
    }
    for (size_t i = 0; i < config->option_count; i++) {
        if (kl_option_text(config, config->option[i].key) != config->option[i].value) {
            return kl_fault(fault, KL_ERR_RANGE, "%s: option '%.40s' is given twice", config->name,
                            config->option[i].key);
        }
        bool found = false;
        size_t at = 0;
        char keys[KEYS_TEXT_MAX] = "";
        for (size_t k = 0; k < count; k++) {
            found |= strcmp(config->option[i].key, known[k]) == 0;
            int wrote = at < sizeof(keys) ? snprintf(keys + at, sizeof(keys) - at, "%s%s",
                                                     k == 0 ? "" : ", ", known[k])
                                          : 0;
            at += wrote > 0 ? (size_t)wrote : 0;
        }
        if (!found) {
            return kl_fault(fault, KL_ERR_RANGE, "%s: unknown option '%.40s'; allowed are: %s",
                            config->name, config->option[i].key, keys[0] != '\0' ? keys : "none");
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

int kl_option_flag(const struct kl_device_config *config, const char *key, bool *out,
                   struct kl_fault *fault)
{
    static const char *const word[] = {"no", "false", "off", "yes", "true", "on"};
    const char *text = kl_option_text(config, key);
    if (text == NULL) {
        return KL_OK;
    }
    for (size_t i = 0; i < sizeof(word) / sizeof(word[0]); i++) {
        if (strcmp(text, word[i]) == 0) {
            *out = i >= 3;
            return KL_OK;
        }
    }
    return kl_fault(fault, KL_ERR_RANGE, "%s: %s is '%.40s'; allowed are yes and no", config->name,
                    key, text);
}

int kl_option_whole(const struct kl_device_config *config, const char *key, unsigned low,
                    unsigned high, unsigned *out, struct kl_fault *fault)
{
    const char *text = kl_option_text(config, key);
    if (text == NULL) {
        return KL_OK;
    }
    char *end = NULL;
    unsigned long value = strtoul(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end != '\0' || value < low || value > high) {
        return kl_fault(fault, KL_ERR_RANGE,
                        "%s: %s is '%.40s'; allowed are whole numbers %u to %u", config->name, key,
                        text, low, high);
    }
    *out = (unsigned)value;
    return KL_OK;
}

/* Appends to a list in words; what does not fit is left out. */
static void append(char *list, size_t size, const char *word)
{
    size_t len = strlen(list);
    (void)snprintf(list + len, size - len, "%s%s", len > 0 ? ", " : "", word);
}

int kl_option_one_of(const struct kl_device_config *config, const char *key,
                     const unsigned *allowed, size_t count, unsigned *out, struct kl_fault *fault)
{
    const char *text = kl_option_text(config, key);
    if (text == NULL) {
        return KL_OK;
    }
    char *end = NULL;
    unsigned long value = strtoul(text, &end, 10);
    bool number = text[0] >= '0' && text[0] <= '9' && *end == '\0';
    char list[128] = "";
    for (size_t i = 0; i < count; i++) {
        char word[16];
        if (number && value == allowed[i]) {
            *out = allowed[i];
            return KL_OK;
        }
        (void)snprintf(word, sizeof(word), "%u", allowed[i]);
        append(list, sizeof(list), word);
    }
    return kl_fault(fault, KL_ERR_RANGE, "device %s: %s is \"%s\"; allowed are %s", config->name,
                    key, text, list);
}

static const char *list(const char *const *words, char out[KEYS_TEXT_MAX])
{
    size_t at = 0;
    out[0] = '\0';
    for (size_t i = 0; words[i] != NULL && at < KEYS_TEXT_MAX; i++) {
        int len = snprintf(out + at, KEYS_TEXT_MAX - at, "%s%s", i > 0 ? ", " : "", words[i]);
        at += len > 0 ? (size_t)len : 0;
    }
    return at > 0 ? out : "none";
}

static bool find(const char *const *words, const char *word, size_t *index)
{
    for (size_t i = 0; words[i] != NULL; i++) {
        if (strcmp(words[i], word) == 0) {
            *index = i;
            return true;
        }
    }
    return false;
}

int kl_option_number(const struct kl_device_config *config, const char *driver, const char *key,
                     double low, double high, double *value, struct kl_fault *fault)
{
    const char *text = kl_option_text(config, key);
    double number = 0;
    if (text == NULL) {
        return KL_OK;
    }
    if (!kl_text_number(text, strlen(text), &number) || number < low || number > high) {
        return kl_fault(fault, KL_ERR_RANGE, "device %s: %s: %s is \"%s\"; allowed are %g to %g",
                        config->name, driver, key, text, low, high);
    }
    *value = number;
    return KL_OK;
}

int kl_option_choice(const struct kl_device_config *config, const char *driver, const char *key,
                     const char *const *words, size_t *index, struct kl_fault *fault)
{
    const char *text = kl_option_text(config, key);
    char all[KEYS_TEXT_MAX];
    if (text != NULL && !find(words, text, index)) {
        return kl_fault(fault, KL_ERR_RANGE, "device %s: %s: %s is \"%s\"; allowed are: %s",
                        config->name, driver, key, text, list(words, all));
    }
    return KL_OK;
}
