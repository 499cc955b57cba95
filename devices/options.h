/* A driver's own keys in the lab file: found, checked, and refused in words.
 *
 * A key nobody knows is a fault: a misspelt option that is silently ignored costs a session.
 * Messages name the device, the key, what was found and what is allowed.
 */
#ifndef KL_DEVICES_OPTIONS_H
#define KL_DEVICES_OPTIONS_H

#include "acquire/driver.h"

/** Looks whether every option of the lab file is among `known`.
 *  @param known  [count] keys of the driver
 *  @return KL_OK, or KL_ERR_RANGE naming the key and what is allowed; KL_ERR_ARG without config */
KL_CHECK int kl_options_known(const struct kl_device_config *config, const char *const *known,
                              size_t count, struct kl_fault *fault);

/** The text of an option, or NULL when the lab file does not have it. */
const char *kl_option_text(const struct kl_device_config *config, const char *key);

/** A yes or no (also true, false, on, off). @param out  untouched when the option is absent
 *  @return KL_OK or KL_ERR_RANGE */
KL_CHECK int kl_option_flag(const struct kl_device_config *config, const char *key, bool *out,
                            struct kl_fault *fault);

/** A whole number of low..high. @param out  untouched when the option is absent
 *  @return KL_OK or KL_ERR_RANGE */
KL_CHECK int kl_option_whole(const struct kl_device_config *config, const char *key, unsigned low,
                             unsigned high, unsigned *out, struct kl_fault *fault);

/** One of count whole numbers; *out keeps its value when the option is not there.
 *  @return KL_OK, or KL_ERR_RANGE with the list */
int kl_option_one_of(const struct kl_device_config *config, const char *key,
                     const unsigned *allowed, size_t count, unsigned *out, struct kl_fault *fault);

/** *value stays as it is when the key is absent. */
int kl_option_number(const struct kl_device_config *config, const char *driver, const char *key,
                     double low, double high, double *value, struct kl_fault *fault);

/** One of `words` (ends with NULL); *index stays as it is when the key is absent. */
int kl_option_choice(const struct kl_device_config *config, const char *driver, const char *key,
                     const char *const *words, size_t *index, struct kl_fault *fault);

#endif
