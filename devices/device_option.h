/* A driver's own keys in the lab file: checked by one table, so that every driver refuses an
 * unknown key or value in the same words.
 */
#ifndef KL_DEVICES_DEVICE_OPTION_H
#define KL_DEVICES_DEVICE_OPTION_H

#include "acquire/driver.h"

/** One key: either one of `word` (its value is the index), or a number within low..high. */
struct kl_option_rule {
    const char *key;
    const char *const *word; /* NULL: a number */
    size_t word_count;
    double low, high;
    bool whole; /* the number has no fraction */
};

/** Reads all options of a device.
 *  @param rule   in [count]  what is allowed
 *  @param value  in/out [count]  defaults, replaced where the lab file says something
 *  @return KL_OK, or KL_ERR_RANGE: "driver: option ...: ..., allowed are ..." */
KL_CHECK int kl_device_options(const char *driver, const struct kl_device_config *config,
                               const struct kl_option_rule *rule, double *value, size_t count,
                               struct kl_fault *fault);

/** A decimal number at the start of text: sign, digits with a point (never a comma, whatever the
 *  desktop's language), exponent. Up to 15 digits exact, more within 1e-15 relative.
 *  @return characters read, 0 when there is no finite number; *value untouched then */
size_t kl_device_number(const char *text, size_t len, double *value);

#endif
