/* Inside the Xsens MTi driver: what its two halves share. xsens_mti.c explains bytes,
 * xsens_mti_talk.c holds the conversation.
 */
#ifndef KL_DEVICES_XSENS_MTI_H
#define KL_DEVICES_XSENS_MTI_H

#include "acquire/driver.h"

#define KL_MTI_EXTENDED 0xff /* length byte: the length follows in two bytes */
#define KL_MTI_LIST_MAX 128  /* output configuration: 32 entries of {u16 id, u16 rate} */

/** Message ids; the acknowledgement of each request is the next number. */
enum kl_mti_mid {
    KL_MTI_REQ_DID = 0x00,
    KL_MTI_GOTO_MEASUREMENT = 0x10,
    KL_MTI_REQ_FIRMWARE = 0x12,
    KL_MTI_REQ_PRODUCT = 0x1c,
    KL_MTI_GOTO_CONFIG = 0x30,
    KL_MTI_MTDATA2 = 0x36,
    KL_MTI_WAKE_UP = 0x3e,
    KL_MTI_ERROR = 0x42,
    KL_MTI_OUTPUT_CONFIGURATION = 0xc0,
};

/** State of one device. */
struct kl_mti {
    char name[KL_NAME_MAX];
    double rate_hz;
    bool magnetic, orientation, keep;
    unsigned baud; /* the lab file's; 0: found */

    /* the conversation */
    uint8_t before[KL_MTI_LIST_MAX]; /* output configuration as it was found */
    size_t before_len;
    bool has_before, changed;
    unsigned found_baud; /* 0: not a serial line */

    /* the unpacking */
    bool has_counter, has_time;
    bool gap; /* messages are missing since the last sample */
    bool odd; /* the counter went backwards since the last sample */
    uint16_t counter;
    uint32_t fine;
    int64_t device_ns;
};

/** The frame test of the driver. */
enum kl_frame kl_mti_frame(const void *state, const uint8_t *buf, size_t len, size_t *frame_len);

/** Payload of a whole frame. */
const uint8_t *kl_mti_payload(const uint8_t *buf, size_t len, size_t *payload_len);

/* The conversation, as in struct kl_driver. `self` is a struct kl_mti. */
int kl_mti_start(void *self, struct kl_link *link, struct kl_fault *fault);
int kl_mti_stop(void *self, struct kl_link *link);
int kl_mti_identify(struct kl_link *link, char *out, size_t len);

#endif
