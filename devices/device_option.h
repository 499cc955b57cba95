/* A driver's own keys in the lab file: read by one table, so that every driver refuses an unknown
 * key or value in the same words.
 *
 * A key nobody knows is a fault: a misspelt option that is silently ignored costs a session.
 * Messages name the device, the key, what was found and what is allowed.
 */
#ifndef KL_DEVICES_DEVICE_OPTION_H
#define KL_DEVICES_DEVICE_OPTION_H

#include "acquire/driver.h"

enum kl_rule_kind {
    KL_RULE_FLAG = 0, /* yes or no (also true, false, on, off): 1 or 0 */
    KL_RULE_NUMBER,   /* within low..high */
    KL_RULE_WHOLE,    /* the same without a fraction */
    KL_RULE_WORD,     /* one of `word`: its index */
    KL_RULE_TEXT,     /* read by the driver itself: see kl_option_text */
};

/** One key. */
struct kl_option_rule {
    const char *key;
    enum kl_rule_kind kind;
    double low, high;
    const char *const *word; /* ends with NULL */
};

/** Reads all options of a device.
 *  @param rule   in [count]  what is allowed
 *  @param value  in/out [count]  defaults, replaced where the lab file says something
 *  @return KL_OK, or KL_ERR_RANGE: "device: option ...: ..., allowed are ..."; KL_ERR_ARG without
 *          config */
KL_CHECK int kl_device_options(const struct kl_device_config *config,
                               const struct kl_option_rule *rule, double *value, size_t count,
                               struct kl_fault *fault);

/** The text of an option, or NULL when the lab file does not have it. */
const char *kl_option_text(const struct kl_device_config *config, const char *key);

#endif
