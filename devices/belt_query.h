/* Treadmills that answer questions of one byte over RS-232 (4800 8N1): Trackmaster and Woodway.
 *
 *   question  answer
 *   C0        D0 + 1 byte            status
 *   C1        D1 + 4 ASCII digits    belt speed, 0.1 mph or km/h
 *   C2        D2 + 4 ASCII digits    elevation, 0.1 %
 *   C3        D3 + 4 bytes           Woodway: firmware; Trackmaster: set speed
 *   -         BD, BE, BF             errors
 *
 * Questions are the only bytes that leave this file, each from the table of its family; there is
 * no way to pass another. The treadmill speaks only when asked, so the driver asks for speed and
 * elevation in turn and gives a sample when both have come.
 */
#ifndef KL_DEVICES_BELT_QUERY_H
#define KL_DEVICES_BELT_QUERY_H

#include "acquire/driver.h"

/** The documented questions. Nothing else is ever written. */
enum kl_belt_question {
    KL_BELT_STATUS = 0xC0,
    KL_BELT_SPEED = 0xC1,
    KL_BELT_ELEVATION = 0xC2,
    KL_BELT_FIRMWARE = 0xC3,
};

/** What differs between makes. */
struct kl_belt_family {
    const char *driver, *label;
    const char *default_unit;  /* of speed; NULL: the lab must say */
    bool reverse;              /* the first digit of the speed is a direction: 0 or 3 */
    enum kl_belt_question who; /* asked to identify and at the start */
    size_t who_bytes;          /* of its answer, without the head */
    bool who_is_status;        /* the answer is 0x31, 0x32 or 0x33 */
};

struct kl_belt_query {
    const struct kl_belt_family *family;
    double unit_m_s;   /* of the speed's tenth, times ten */
    int64_t period_ns; /* between two samples */
    int64_t next_ns;   /* host time of the next question; 0: none asked yet */
    bool ask_elevation;
    bool has_speed, gap;
    double speed_m_s;
};

int kl_belt_query_configure(struct kl_belt_query *query, const struct kl_belt_family *family,
                            const struct kl_device_config *config, struct kl_stream *out,
                            size_t cap, struct kl_fault *fault);
int kl_belt_query_identify(const struct kl_belt_family *family, struct kl_link *link, char *out,
                           size_t len);
int kl_belt_query_start(void *state, struct kl_link *link, struct kl_fault *fault);
int kl_belt_query_stop(void *state, struct kl_link *link);
int kl_belt_query_ask(void *state, int64_t now_ns, uint8_t *out, size_t cap, int64_t *wait_ns);
enum kl_frame kl_belt_query_frame(const void *state, const uint8_t *buf, size_t len,
                                  size_t *frame_len);
int kl_belt_query_parse(void *state, const uint8_t *frame, size_t len, struct kl_sample *out,
                        size_t cap);

#endif
