/* The device's side of a protocol, without port or clock: bytes from the host in, bytes to the host
 * out, time as an argument. emulate_<device>.c fill it in; the link below, a pty or a socket carry
 * it.
 */
#ifndef KL_TESTS_DEVICES_EMULATOR_H
#define KL_TESTS_DEVICES_EMULATOR_H

#include "acquire/driver.h"

#define EMULATOR_OUT_MAX 65536

/** What goes wrong. Frames are counted from 1; 0: never. */
struct emulator_faults {
    uint64_t damage_at;  /* a wrong checksum, or what the protocol has instead */
    uint64_t drop_at;    /* made, but never sent */
    uint64_t garbage_at; /* bytes of no frame before it */
    uint64_t cut_at;     /* its middle byte is missing */
    uint64_t stall_at;   /* nothing is sent for stall_ns, then all at once */
    int64_t stall_ns;
    uint64_t hang_up_at;    /* gone for good */
    unsigned wrong_answers; /* this many answers to commands are wrong */
    bool mute;              /* commands are not answered */
};

struct emulator {
    /** The host wrote. */
    void (*hear)(struct emulator *self, const uint8_t *buf, size_t len, int64_t now_ns);
    /** Makes what is due until now_ns, by emulator_put and emulator_frame. */
    void (*tick)(struct emulator *self, int64_t now_ns);
    struct emulator_faults faults;
    size_t damage_place; /* bytes from a frame's end, 1: the last */
    uint8_t damage_mask;

    uint64_t frames; /* made */
    int64_t silent_until_ns;
    bool gone;
    size_t out_len;
    uint8_t out[EMULATOR_OUT_MAX];
};

/** Bytes to the host, as they are. */
void emulator_put(struct emulator *self, const void *bytes, size_t len);

/** The next frame of the stream, with the faults that concern it. */
void emulator_frame(struct emulator *self, const uint8_t *frame, size_t len, int64_t now_ns);

/** A text answer, or a wrong one, or none. */
void emulator_answer(struct emulator *self, const char *text);

/** @return bytes said until now_ns, at most cap; negative: hung up */
int emulator_speak(struct emulator *self, int64_t now_ns, uint8_t *out, size_t cap);

/** A link straight into an emulator, on a time of its own: waiting makes it pass. */
struct emulator_link {
    struct kl_link link;
    struct emulator *emulator;
    int64_t *now_ns;      /* shared by the links of one test */
    size_t chunk;         /* longest read; 0: no limit */
    struct kl_link *side; /* what beside() gives */
    uint8_t written[4096];
    size_t written_len;
};

void emulator_link_init(struct emulator_link *link, struct emulator *emulator, int64_t *now_ns);

#endif
