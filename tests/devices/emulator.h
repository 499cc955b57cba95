/* The other side of a protocol: a device that hears bytes and says bytes, in simulated time.
 *
 * Pure: no port, no clock. Put behind a pty, a socket, or emulated_link. The kind (emulate_*.c)
 * understands commands and makes data messages; the faults a device may have are the same for all.
 * Time is the true time since the device was switched on; its own clock drifts against it.
 */
#ifndef KL_TESTS_DEVICES_EMULATOR_H
#define KL_TESTS_DEVICES_EMULATOR_H

#include "emulator_link.h"

enum emulator_fault {
    EMULATOR_SOUND = 0,
    EMULATOR_BAD_CHECKSUM,  /* a bit of each data message is wrong */
    EMULATOR_DROPPED_FRAME, /* data messages are made, and not sent */
    EMULATOR_GARBAGE,       /* bytes that belong to nothing, before each data message */
    EMULATOR_STALL,         /* nothing is sent for stall_ns, then all of it at once */
    EMULATOR_WRONG_ANSWER,  /* commands are answered with an error */
    EMULATOR_NO_ANSWER,     /* commands are not answered */
};

struct emulator {
    /* understands what came; sends by emulator_send */
    void (*hear)(struct emulator *self, const uint8_t *bytes, size_t len, int64_t now_ns);
    /* makes the data messages that are due; sends by emulator_send_data */
    void (*speak)(struct emulator *self, int64_t now_ns);

    unsigned baud;    /* speed the device is set to; another one gives noise. 0: no such thing */
    double drift_ppm; /* of its clock against the true time */
    enum emulator_fault fault;
    uint64_t fault_at; /* number of the first data message, or command, that has it */
    uint64_t fault_count;
    int64_t stall_ns;

    uint64_t data;     /* data messages made */
    uint64_t commands; /* heard */
    int64_t stalled_until_ns;
    uint8_t out[1 << 17];
    size_t out_len;
};

/** Bytes from the host. */
void emulator_hear(struct emulator *self, const uint8_t *bytes, size_t len, int64_t now_ns);

/** Bytes to the host that are there at now_ns. @return how many, at most cap */
size_t emulator_speak(struct emulator *self, int64_t now_ns, uint8_t *out, size_t cap);

/** Of every device that begins with a struct emulator and has one line. */
extern const struct emulator_ops emulator_ops;

/* ------------------------------------------------------------ for the kinds */

/** Sends an answer. */
void emulator_send(struct emulator *self, const void *bytes, size_t len);

/** Sends a data message, with the fault it shall have. */
void emulator_send_data(struct emulator *self, const void *bytes, size_t len, int64_t now_ns);

/** Counts a command. @return the fault of its answer: SOUND, WRONG_ANSWER or NO_ANSWER */
enum emulator_fault emulator_command(struct emulator *self);

/** The device's own clock, ns since it was switched on. */
int64_t emulator_clock(const struct emulator *self, int64_t now_ns);

/** What channel c of message `index` measures, in the unit on the wire; |value| <= 0.95. */
float emulator_value(uint64_t index, unsigned c);

#endif
