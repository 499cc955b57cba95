/* An x-IMU3: JSON commands and data messages on one line. Message k of a letter measures
 * emulator_value(k, channel) in the units on the wire; channels in the order of the wire from
 * emulate_ximu3_channel(letter).
 */
#ifndef KL_TESTS_DEVICES_EMULATE_XIMU3_H
#define KL_TESTS_DEVICES_EMULATE_XIMU3_H

#include "emulator.h"

#define EMULATE_XIMU3_SETTINGS 10
#define EMULATE_XIMU3_LETTERS 5

struct emulate_ximu3 {
    struct emulator emulator;
    const char *interface; /* in the ping answer */
    bool mute;             /* no data messages on this interface */
    bool deaf_setting;     /* writes are echoed and not kept */
    struct emulate_ximu3_setting {
        const char *key;
        char value[32], written[32]; /* in force; written, and in force after apply */
    } setting[EMULATE_XIMU3_SETTINGS];
    uint64_t next[EMULATE_XIMU3_LETTERS];  /* number of the next message of each letter */
    int64_t due_ns[EMULATE_XIMU3_LETTERS]; /* its time by the device's clock */
    unsigned saves, applies;               /* nobody asked for the first */
    char in[1100];
    size_t in_len;
};

/** As bought: binary, 50 Hz inertial and quaternion messages, 20 Hz magnetometer. */
void emulate_ximu3_init(struct emulate_ximu3 *self);

/** First channel of a letter. */
unsigned emulate_ximu3_channel(char letter);

/** Value in force of a setting. */
const char *emulate_ximu3_setting(const struct emulate_ximu3 *self, const char *key);

#endif
