/* Random bytes through kl_framing into one driver: what every harness of a driver shares. The
 * input's first byte chooses the configuration and the size of chunks; the rest is the device's
 * bytes. */
#ifndef KL_TESTS_FUZZ_SETUP_H
#define KL_TESTS_FUZZ_SETUP_H

#include "acquire/framing.h"

struct fuzz_setup {
    const struct kl_driver *driver;
    const struct kl_device_config *config; /* [config_count] */
    size_t config_count;
    const char *const *seed; /* [seed_count] good bytes, for builds without libFuzzer */
    const size_t *seed_len;
    size_t seed_count;
};

/** Of the harness. */
extern const struct fuzz_setup fuzz_setup;

#endif
