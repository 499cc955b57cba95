/* What all emulated devices have: a clock that drifts, frames that are due, and one set of faults.
 *
 * Pure: no port, no clock; time is the true time since the device was switched on. The kind
 * (emulators/emulate_*.c) begins with this struct, understands commands and makes frames; put it
 * behind a link by emulator_link.h.
 */
#ifndef KL_TESTS_DEVICES_EMULATOR_H
#define KL_TESTS_DEVICES_EMULATOR_H

#include "emulator_link.h"

#define EMULATOR_FRAME_MAX 1024

enum emulator_fault {
    EMULATOR_SOUND = 0,
    /* of frames */
    EMULATOR_BAD_CHECKSUM,  /* a bit is wrong */
    EMULATOR_DROPPED_FRAME, /* made, and not sent */
    EMULATOR_CUT_FRAME,     /* a byte in its middle is missing */
    EMULATOR_GARBAGE,       /* bytes that belong to nothing stand before it */
    EMULATOR_STALL,         /* nothing is sent for stall_ns, then all of it at once */
    EMULATOR_HANG_UP,       /* gone for good */
    /* of commands */
    EMULATOR_WRONG_ANSWER, /* answered with an error, or with something else */
    EMULATOR_NO_ANSWER,    /* not understood */
    EMULATOR_LOST_ANSWER,  /* obeyed, and the answer does not arrive */
};

struct emulator {
    /** Understands what came; answers by emulator_send. NULL: it does not listen. */
    void (*hear)(struct emulator *self, const uint8_t *bytes, size_t len, int64_t now_ns);
    /** Makes what is due; sends by emulator_frame. NULL: by `sample`. */
    void (*speak)(struct emulator *self, int64_t now_ns);
    /** Of a stream begun by emulator_stream: the bytes of sample `index`. @return how many */
    size_t (*sample)(struct emulator *self, uint64_t index, uint8_t out[EMULATOR_FRAME_MAX]);

    unsigned baud;        /* speed the device is set to. 0: no such thing */
    double drift_ppm;     /* of its clock; > 0: it is fast */
    size_t damage_place;  /* where a bit is wrong: bytes from a frame's end; 0: 2 */
    uint8_t damage_mask;  /* 0: 0x10 */
    int64_t first_due_ns; /* when sample 0 is due after emulator_stream */

    enum emulator_fault fault; /* set by emulator_break */
    uint64_t fault_at, fault_count;
    int64_t stall_ns; /* 0: 1 s */

    double rate_hz; /* of the stream; 0: none */
    int64_t begun_ns;
    uint64_t next;     /* sample that is due next */
    uint64_t frames;   /* made, lost ones too */
    uint64_t commands; /* heard */
    bool heard;        /* anything at all */
    bool mute;         /* what is sent now is lost: an answer */
    int64_t stalled_until_ns;
    bool gone;
    size_t out_len;
    uint8_t out[1 << 17];
};

/** Of every device with one line. */
extern const struct emulator_ops emulator_ops;

/** Breaks `count` frames or commands, after so many sound ones from now on. */
void emulator_break(struct emulator *self, enum emulator_fault fault, uint64_t after,
                    uint64_t count);

/* ------------------------------------------------------------ for the kinds */

/** Sample i stands at now + first_due + i / rate of its own clock; a rate of 0 ends it. */
void emulator_stream(struct emulator *self, double rate_hz, int64_t now_ns);

/** Sends bytes as they are: an answer. */
void emulator_send(struct emulator *self, const void *bytes, size_t len);

/** Sends a frame of the stream, with the fault it shall have. */
void emulator_frame(struct emulator *self, const void *bytes, size_t len, int64_t now_ns);

/** Counts a command. @return the fault of its answer: SOUND, WRONG_ANSWER or NO_ANSWER (of a lost
 *  answer the kind knows nothing: emulator_send loses it) */
enum emulator_fault emulator_command(struct emulator *self);

/** A command and its answer in words, or a wrong one, or none. */
void emulator_answer(struct emulator *self, const char *text);

/** Makes what is due and takes bytes that may leave. @return how many or KL_ERR_GONE */
int emulator_take(struct emulator *self, uint8_t *buf, size_t cap, int64_t now_ns);

/** The device's own clock, ns since it was switched on. */
int64_t emulator_clock(const struct emulator *self, int64_t now_ns);

/** What channel c of message `index` measures, in the unit on the wire; |value| <= 0.95. */
float emulator_value(uint64_t index, unsigned c);

#endif
