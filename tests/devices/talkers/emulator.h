/* A device's side of the wire, for tests: bytes from the host in, bytes to the host out, time as an
 * argument. Nothing here knows what carries the bytes: the same emulator sits behind emulated_link,
 * a pty or a socket.
 *
 * Samples are made when they are due, so the device's clock can drift against the caller's; faults
 * are switched on by number. A device file supplies what is particular: the bytes of one sample and
 * the answers to commands.
 */
#ifndef KL_TESTS_DEVICES_EMULATOR_H
#define KL_TESTS_DEVICES_EMULATOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EMULATOR_SAMPLE_MAX 512
#define EMULATOR_BYTES (1 << 16)

/** "every n": samples n/2, n/2 + n, ...; 0: never. */
struct emulator_faults {
    unsigned bad_every;                    /* one bit of the sample's bytes is flipped */
    unsigned drop_every;                   /* the sample is made but not sent */
    unsigned garbage_every;                /* bytes that mean nothing stand before the sample */
    unsigned deaf;                         /* so many of the next commands are not heard */
    unsigned refuse;                       /* so many of the next commands are answered with a no */
    int64_t stall_from_ns, stall_until_ns; /* nothing is sent then; it comes all at once after */
};

struct emulator {
    /* of the device: what it does with bytes from the host, and the bytes of one sample */
    void (*take)(struct emulator *self, int64_t t_ns, const uint8_t *buf, size_t len);
    size_t (*sample)(struct emulator *self, uint64_t index, uint8_t out[EMULATOR_SAMPLE_MAX]);
    struct emulator_faults faults;
    double drift_ppm; /* positive: the device's clock is slow, its samples come late */

    bool streaming;
    double rate_hz;
    int64_t begun_ns;          /* when sample 0 was due */
    uint64_t next;             /* number of the next sample */
    uint64_t dropped, damaged; /* by the faults above */
    size_t from, len;          /* waiting for the host */
    uint8_t out[EMULATOR_BYTES];
};

/** From t_ns on, sample i stands at t_ns + i / rate; a rate of 0 ends it. */
void emulator_stream(struct emulator *self, double rate_hz, int64_t t_ns);

/** Queues bytes for the host as they are. */
void emulator_send(struct emulator *self, const uint8_t *bytes, size_t len);

/** Is this command one that the faults say is not heard (or is refused)? Counts down. */
bool emulator_deaf(struct emulator *self);
bool emulator_refuses(struct emulator *self);

/** @return bytes ready for the host at t_ns, at most cap */
size_t emulator_give(struct emulator *self, int64_t t_ns, uint8_t *buf, size_t cap);

#endif
