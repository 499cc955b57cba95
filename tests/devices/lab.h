/* A device as a lab file describes it, built in words. */
#ifndef KL_TESTS_DEVICES_LAB_H
#define KL_TESTS_DEVICES_LAB_H

#include "acquire/driver.h"

#define LAB_STREAMS_MAX 8

struct lab {
    struct kl_device_config config;
    struct kl_device_option option[KL_DEVICE_OPTIONS_MAX];
    struct kl_stream stream[LAB_STREAMS_MAX];
    uint8_t input[LAB_STREAMS_MAX][KL_CHANNELS_MAX];
};

void lab_init(struct lab *lab, const char *placement, double rate_hz);

void lab_option(struct lab *lab, const char *key, const char *value);

/** A stream of `channels` inputs, from `first` on. */
void lab_stream(struct lab *lab, const char *name, enum kl_kind kind, size_t channels,
                unsigned first);

/** A stream whose channels are these inputs. A plate's matrix is marked, to see that it arrives. */
void lab_inputs(struct lab *lab, const char *name, enum kl_kind kind, const unsigned *input,
                size_t count);

#endif
