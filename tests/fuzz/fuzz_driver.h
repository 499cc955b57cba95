/* Any bytes as what a device sends: as its data, cut anywhere, and as its answers to start, stop
 * and identify. The first byte of the input says how to cut. */
#ifndef KL_TESTS_FUZZ_FUZZ_DRIVER_H
#define KL_TESTS_FUZZ_FUZZ_DRIVER_H

#include "acquire/driver.h"

/** @param config  that the driver accepts. Aborts when a sample breaks the driver's promises. */
void fuzz_driver(const struct kl_driver *driver, const struct kl_device_config *config,
                 const uint8_t *data, size_t size);

#endif
