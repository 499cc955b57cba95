/* Any bytes to a driver: as its stream, or as the answers to its conversation. */
#ifndef KL_TESTS_FUZZ_TALKER_H
#define KL_TESTS_FUZZ_TALKER_H

#include "acquire/framing.h"

/** @param lab  ways to configure it; the first byte of data picks one, and its top bit the
 *  conversation instead of the stream. Aborts when a driver breaks its promises. */
void fuzz_talker(const struct kl_driver *driver, const struct kl_device_config *lab, size_t count,
                 const uint8_t *data, size_t size);

#endif
