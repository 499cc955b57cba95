/* Inside the Vernier Go Direct driver: what its two halves share. vernier_go_direct.c explains
 * reports, vernier_go_direct_talk.c holds the conversation.
 */
#ifndef KL_DEVICES_VERNIER_GO_DIRECT_H
#define KL_DEVICES_VERNIER_GO_DIRECT_H

#include "acquire/driver.h"

#define KL_VERNIER_NAME "vernier_go_direct"

enum {
    KL_VERNIER_REPORT = 64,      /* bytes of a HID report */
    KL_VERNIER_PACKET_MAX = 255, /* bytes of a packet, over several reports */
    KL_VERNIER_HEAD = 5,         /* bytes before a packet's contents */
    KL_VERNIER_MEASUREMENT = 0x20,
    KL_VERNIER_STREAMS_MAX = 4,
    KL_VERNIER_SENSORS = 32,
    KL_VERNIER_ANY_SENSOR = 0xff, /* the first that the device has on by default */
};

/** State of one device. */
struct kl_vernier {
    size_t stream_count;
    size_t channels[KL_VERNIER_STREAMS_MAX];
    uint8_t sensor[KL_VERNIER_STREAMS_MAX][KL_CHANNELS_MAX];
    bool force[KL_VERNIER_STREAMS_MAX];
    double low[KL_VERNIER_STREAMS_MAX][KL_CHANNELS_MAX],
        high[KL_VERNIER_STREAMS_MAX][KL_CHANNELS_MAX];
    uint32_t period_us;
    int charge; /* of its battery when it was started, %; -1: not told */

    uint8_t command_counter;
    bool sums_seen, sums_wrong, checked;

    uint8_t packet[KL_VERNIER_PACKET_MAX];
    size_t have, want; /* want 0: the next report begins a packet */
    bool has_counter;
    uint8_t counter, step;
    unsigned agreed; /* times the counter made that step */
    uint64_t index[KL_VERNIER_STREAMS_MAX];
    uint32_t pending[KL_VERNIER_STREAMS_MAX];
};

/** The checksum of a packet: the sum of its bytes but the fourth. */
uint8_t kl_vernier_sum(const uint8_t *packet, size_t len);

/** Can the report be the first of a packet? */
bool kl_vernier_begins(const uint8_t *report, size_t len);

/** Can it go on with the packet begun? */
bool kl_vernier_continues(const struct kl_vernier *self, const uint8_t *report, size_t len);

/** Adds a report that does either to the packet. @return true: it is complete, packet[0..want) */
bool kl_vernier_assemble(struct kl_vernier *self, const uint8_t *report, size_t len);

/* The conversation, as in struct kl_driver. `state` is a struct kl_vernier. */
int kl_vernier_start(void *state, struct kl_link *link, struct kl_fault *fault);
int kl_vernier_stop(void *state, struct kl_link *link);
int kl_vernier_identify(struct kl_link *link, char *out, size_t len);

#endif
