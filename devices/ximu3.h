/* What an x-IMU3 says and is told, message by message: binary and text data, and commands in JSON.
 *
 * Pure; any bytes are survived. Commands are one object with one key, so a few bounded text
 * functions are all the JSON there is. ximu3.c makes samples, ximu3_talk.c configures.
 */
#ifndef KL_DEVICES_XIMU3_H
#define KL_DEVICES_XIMU3_H

#include "devices/counted_time.h"

#define KL_XIMU3_MESSAGE_MAX 4095 /* bytes with the end */
#define KL_XIMU3_VALUES_MAX 9
#define KL_XIMU3_TEXT_MAX 96 /* of a value in JSON, with the end */
#define KL_XIMU3_STREAMS_MAX 5
#define KL_XIMU3_SETTINGS_MAX 6

/** A data message: letter, device time, numbers in the units of the wire (g, deg/s). */
struct kl_ximu3_message {
    char letter;
    uint64_t t_us;
    size_t count; /* 0: text or bytes, not read */
    double value[KL_XIMU3_VALUES_MAX];
};

/** Whether a message begins here and how long it is, with its end; as `frame` of struct kl_driver.
 */
enum kl_frame kl_ximu3_frame(const void *state, const uint8_t *buf, size_t len, size_t *frame_len);

/** Reads a whole data message. @return KL_OK, KL_ERR_UNSUPPORTED for a command, its answer or the
 *  message of a chained unit, KL_ERR_DATA when it is none */
KL_CHECK int kl_ximu3_message(const uint8_t *buf, size_t len, struct kl_ximu3_message *out);

/** Makes a command: ("ping", "null") to {"ping":null} and its end. @param value  JSON text
 *  @return bytes, 0: no room */
size_t kl_ximu3_command(const char *key, const char *value, char *out, size_t cap);

/** Reads a member of an object: text without its quotes, anything else as it stands. Keys are
 *  compared without case and without what is neither letter nor digit.
 *  @return KL_OK, KL_ERR_UNSUPPORTED when there is no such member, KL_ERR_DATA when it is no JSON
 */
KL_CHECK int kl_ximu3_member(const uint8_t *json, size_t len, const char *key, char *out,
                             size_t cap);

/** Reads the answer to a command. @param out  its value, or what the device says is wrong with it
 *  @return KL_OK, KL_ERR_RANGE when the device refused, otherwise as kl_ximu3_member */
KL_CHECK int kl_ximu3_answer(const uint8_t *message, size_t len, const char *key, char *out,
                             size_t cap);

/** A setting the session needs, and what it was. */
struct kl_ximu3_setting {
    const char *key;
    char wanted[16], before[16]; /* JSON text */
    bool changed;
};

/** State of one device. */
struct kl_ximu3 {
    char name[KL_NAME_MAX];
    double rate_hz;      /* of inertial and orientation messages */
    unsigned line_bytes; /* per second, at most, of the messages asked for */
    size_t stream_count;
    struct kl_ximu3_stream {
        size_t row; /* of the table of streams */
        struct kl_counted_time time;
    } stream[KL_XIMU3_STREAMS_MAX];
    bool has_charge;
    double charge; /* of the battery, %, as told last */
    size_t setting_count;
    struct kl_ximu3_setting setting[KL_XIMU3_SETTINGS_MAX];
};

/* The conversation, as in struct kl_driver. `self` is a struct kl_ximu3. */
int kl_ximu3_start(void *self, struct kl_link *link, struct kl_fault *fault);
int kl_ximu3_stop(void *self, struct kl_link *link);
int kl_ximu3_identify(struct kl_link *link, char *out, size_t len);

#endif
