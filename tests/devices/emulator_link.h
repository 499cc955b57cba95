/* A link straight into an emulated device, in simulated time: waiting moves the clock.
 *
 * Emulators are pure: bytes from the host in, bytes to the host out, time as an argument. So the
 * same emulator stands behind this link, a pty, a socket or umockdev.
 */
#ifndef KL_TESTS_DEVICES_EMULATOR_LINK_H
#define KL_TESTS_DEVICES_EMULATOR_LINK_H

#include "acquire/driver.h"

/** Endpoint of a TCP device's other port, the one that beside() connects to. */
#define EMULATOR_BESIDE 1

struct emulator_ops {
    /** The host wrote. endpoint: USB's; 0 for serial. @return len or a negative status */
    int (*out)(void *self, uint8_t endpoint, const uint8_t *bytes, size_t len, int64_t now_ns);
    /** What the device has to say by now. @return bytes, 0: nothing, or a negative status */
    int (*in)(void *self, uint8_t endpoint, uint8_t *buf, size_t cap, int64_t now_ns);
    /** USB control transfer; NULL: none. */
    int (*control)(void *self, uint8_t request_type, uint8_t request, uint16_t value,
                   uint16_t index, uint8_t *buf, size_t len, int64_t now_ns);
};

struct emulator_link {
    struct kl_link link;
    const struct emulator_ops *ops;
    void *self;             /* begins with a struct emulator */
    uint8_t stream_in, out; /* endpoints of read and write; 0 for serial */
    int64_t now_ns;
    size_t chunk;          /* most bytes one read gives; 0: no limit */
    unsigned baud;         /* of the host; a device at another speed is not understood */
    size_t written;        /* bytes the host wrote on the main line */
    uint16_t beside_port;  /* that the host asked for */
    bool refuses_beside;   /* nothing listens there */
    struct kl_link beside; /* what it got */
};

void emulator_link_init(struct emulator_link *link, const struct emulator_ops *ops, void *self,
                        const struct kl_link_need *need);

/** Closed and opened: what was on its way is lost. */
void emulator_link_reopen(struct emulator_link *link);

#endif
