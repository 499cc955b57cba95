/* Inside the MicroStrain driver: what its two halves share. microstrain_mip.c explains packets,
 * microstrain_mip_talk.c holds the conversation.
 */
#ifndef KL_DEVICES_MICROSTRAIN_MIP_H
#define KL_DEVICES_MICROSTRAIN_MIP_H

#include "acquire/driver.h"
#include "devices/counted_time.h"

#define KL_MIP_BAUD 115200
#define KL_MIP_FORMAT_MAX (3 * 32) /* bytes of a message format kept for stop; 32 fields */

enum {
    KL_MIP_HEAD_BYTES = 4,
    KL_MIP_SUM_BYTES = 2,
    KL_MIP_SET_SENSOR = 0x80, /* descriptor set */
};

/** Fields of sensor data that are asked for. */
enum kl_mip_descriptor {
    KL_MIP_ACCEL = 0x04,
    KL_MIP_GYRO = 0x05,
    KL_MIP_MAG = 0x06,
    KL_MIP_QUATERNION = 0x0a,
    KL_MIP_GPS_CORRELATED_TIME = 0x12,
    KL_MIP_OVERRANGE = 0x18,
    KL_MIP_REFERENCE_TIME = 0xd5,
};

/** State of one device. */
struct kl_mip {
    char device[KL_NAME_MAX];
    bool magnetometer, orientation;
    double rate_hz;
    struct kl_counted_time time;

    bool reached;     /* the device has answered: stop has something to do */
    bool legacy;      /* older models: base rate, format and stream by other commands */
    bool reformatted; /* start has changed the message format */
    uint8_t kept[KL_MIP_FORMAT_MAX]; /* the format it had: n, n x (descriptor, u16 decimation) */
    size_t kept_len;                 /* 0: it did not say */
};

/** A field of a packet. */
struct kl_mip_field {
    uint8_t descriptor;
    const uint8_t *data;
    size_t len;
};

/** The frame test of the driver. */
enum kl_frame kl_mip_frame(const void *state, const uint8_t *buf, size_t len, size_t *frame_len);

/** The Fletcher-16 that ends a packet. */
void kl_mip_checksum(const uint8_t *buf, size_t len, uint8_t sum[KL_MIP_SUM_BYTES]);

/** The field of a packet at *at, which moves behind it; KL_MIP_HEAD_BYTES is the first.
 *  @return false at the end, also at a malformed field: the rest cannot be read then */
bool kl_mip_next_field(const uint8_t *packet, size_t len, size_t *at, struct kl_mip_field *out);

/* The conversation, as in struct kl_driver. `state` is a struct kl_mip. */
int kl_mip_start(void *state, struct kl_link *link, struct kl_fault *fault);
int kl_mip_stop(void *state, struct kl_link *link);
int kl_mip_identify(struct kl_link *link, char *out, size_t len);

#endif
