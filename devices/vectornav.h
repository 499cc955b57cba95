/* What a VectorNav says, byte for byte: lines of text and binary packets on one serial line.
 *
 * Pure; any bytes are survived. vectornav.c makes samples of it, vectornav_talk.c configures.
 */
#ifndef KL_DEVICES_VECTORNAV_H
#define KL_DEVICES_VECTORNAV_H

#include "devices/counted_time.h"

#define KL_VN_LINE_MAX 256   /* bytes of a line with its end */
#define KL_VN_PACKET_MAX 600 /* no combination of fields a lab needs is longer */
#define KL_VN_HEADER_MAX 4   /* sync, groups, one or two masks: the packets we ask for */
#define KL_VN_ARGUMENTS_MAX 96

/** What a packet may hold and we read; every other field is passed over by its size. */
enum kl_vn_field {
    KL_VN_TIME_STARTUP = 0, /* ns since power-up, of the measurement */
    KL_VN_YAW_PITCH_ROLL,   /* deg */
    KL_VN_QUATERNION,       /* x y z w as sent: scalar last; body to north-east-down */
    KL_VN_RATE,             /* rad/s, bias removed */
    KL_VN_ACCELERATION,     /* m/s^2, with gravity, bias removed */
    KL_VN_MAGNETIC,         /* gauss */
    KL_VN_TEMPERATURE,      /* deg C */
    KL_VN_SYNC_IN,          /* pulses counted */
    KL_VN_FIELD_COUNT,
};

struct kl_vn_data {
    uint32_t has; /* bit per kl_vn_field */
    uint64_t startup_ns;
    double value[KL_VN_FIELD_COUNT][4];
};

/** Whether a packet or line begins here, and how long it is; as `frame` of struct kl_driver. */
enum kl_frame kl_vn_frame(const void *state, const uint8_t *buf, size_t len, size_t *frame_len);

/** Reads a whole packet. @param out  only `has` and the fields it names are set
 *  @return KL_OK, or KL_ERR_DATA when it is no packet */
KL_CHECK int kl_vn_data(const uint8_t *packet, size_t len, struct kl_vn_data *out);

/** Numbers of a whole line after its word: "$VNYMR,+100.949,..." gives 100.949, ... Ends at the
 *  first argument that is none ("T0000000543"). @return how many */
size_t kl_vn_numbers(const uint8_t *line, size_t len, double *out, size_t cap);

/** Makes a command of its text: "VNRRG,01" to "$VNRRG,01*72\r\n". @return bytes, 0: no room */
size_t kl_vn_command(const char *text, char *out, size_t cap);

/** CRC-16 of packets (CCITT polynomial, start 0). */
uint16_t kl_vn_crc(const uint8_t *bytes, size_t len);

/** State of one device. */
struct kl_vn {
    char name[KL_NAME_MAX];
    double rate_hz;
    bool magnetic, orientation, sync;
    unsigned baud; /* the lab file's; 0: found */

    /* the conversation */
    uint8_t header[KL_VN_HEADER_MAX]; /* of the packets asked for; others are not ours */
    size_t header_len;                /* 0: any */
    unsigned found_baud, before_baud; /* of the line now, and as it was found; 0: not serial */
    char before_ascii[KL_VN_ARGUMENTS_MAX], before_binary[KL_VN_ARGUMENTS_MAX]; /* "": untouched */
    bool paused;

    struct kl_counted_time time; /* of the unpacking */
};

/** Mask of common group fields that the lab file asks for, and bytes of such a packet. */
uint16_t kl_vn_mask(const struct kl_vn *state, size_t *packet_len);

/* The conversation, as in struct kl_driver. `self` is a struct kl_vn. */
int kl_vn_start(void *self, struct kl_link *link, struct kl_fault *fault);
int kl_vn_stop(void *self, struct kl_link *link);
int kl_vn_identify(struct kl_link *link, char *out, size_t len);

#endif
