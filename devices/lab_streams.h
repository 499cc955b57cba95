/* Streams whose meaning only the lab knows: which input of an amplifier is which muscle, which
 * column of a line is which quantity. The lab file names streams and the input of each channel by
 * the number printed on the device; the driver says what its inputs are.
 */
#ifndef KL_DEVICES_LAB_STREAMS_H
#define KL_DEVICES_LAB_STREAMS_H

#include "acquire/driver.h"

/** Inputs first..last of a device, all alike. */
struct kl_input_range {
    uint8_t first, last;
    enum kl_kind kind; /* KL_KIND_COUNT: any */
    const char *unit;  /* NULL: the lab says */
    const char *what;  /* for messages: "EMG", "digital pin" */
};

/** What a driver offers to the lab. */
struct kl_input_rule {
    const char *driver;
    const struct kl_input_range *range;
    size_t range_count;
    const char *prefix; /* with a placement and no streams: one stream, "emg.<placement>"... */
    uint8_t only;       /* ...from this input; 0: streams must be described */
    double rate_hz;
    enum kl_format format;
};

/** Which input feeds each channel of each stream: part of a driver's state. */
struct kl_lab_streams {
    size_t count;
    struct kl_lab_stream {
        size_t channels;
        uint8_t input[KL_CHANNELS_MAX];
    } stream[KL_STREAMS_MAX];
};

/** Takes the streams of the lab file, or the one of the placement, and checks them against the
 *  rule: known inputs, kinds and units that fit, names and EMG inputs used once.
 *  @return number of streams or a negative status with *fault */
int kl_lab_streams_take(const struct kl_device_config *config, const struct kl_input_rule *rule,
                        struct kl_lab_streams *map, struct kl_stream *out, size_t cap,
                        struct kl_fault *fault);

/** Does any channel come from this input? */
bool kl_lab_streams_use(const struct kl_lab_streams *map, uint8_t input);

#endif
