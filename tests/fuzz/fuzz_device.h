/* Any bytes as what a device on an analog or USB link sends: its data, and its answers. */
#ifndef KL_TESTS_FUZZ_FUZZ_DEVICE_H
#define KL_TESTS_FUZZ_FUZZ_DEVICE_H

#include "acquire/driver.h"

/** Feeds data in chunks of `chunk` bytes, whole, cut or as answers to start, stop and identify.
 *  @param config  that the driver accepts. Aborts when a sample breaks the driver's promises. */
void fuzz_device(const struct kl_driver *driver, const struct kl_device_config *config,
                 const uint8_t *data, size_t size, size_t chunk);

#endif
