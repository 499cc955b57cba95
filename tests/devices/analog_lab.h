/* For tests of converters: lab files with plates, EMG and a sync pulse, in words. */
#ifndef KL_TESTS_DEVICES_ANALOG_LAB_H
#define KL_TESTS_DEVICES_ANALOG_LAB_H

#include "acquire/driver.h"

enum { ANALOG_LAB_STREAMS = 8, ANALOG_LAB_OPTIONS = 8 };

struct analog_lab {
    struct kl_device_config config;
    struct kl_stream stream[ANALOG_LAB_STREAMS];
    uint8_t input[ANALOG_LAB_STREAMS][KL_CHANNELS_MAX];
    struct kl_device_option option[ANALOG_LAB_OPTIONS];
};

void analog_lab_init(struct analog_lab *lab, double rate_hz);

/** Adds a stream whose channels are these inputs. */
void analog_lab_stream(struct analog_lab *lab, const char *name, enum kl_kind kind,
                       const unsigned *input, size_t count);

void analog_lab_option(struct analog_lab *lab, const char *key, const char *value);

#endif
