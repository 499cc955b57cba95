/* Every emulated device, by the driver that talks to it: what a test, a pty or a socket needs.
 *
 * A device is memory of `size` bytes that `init` switches on (time 0 on its own line of time) and
 * `ops` (emulator_link.h) plays. It has nothing to release.
 */
#ifndef KL_TESTS_DEVICES_EMULATORS_H
#define KL_TESTS_DEVICES_EMULATORS_H

#include "emulator_link.h"

struct emulated_device {
    const char *driver; /* its name in the registry */
    const struct emulator_ops *ops;
    size_t size;
    void (*init)(void *self);
    struct kl_device_config config; /* as a lab file describes it; meant() tells of these streams */
    /** What the k-th sample of a stream means, in the units of the driver: all channels. k counts
     *  the device's own samples from 0, lost ones too; a driver that comes late, or loses some,
     *  sees them from a later k on. Neighbours differ. */
    void (*meant)(const void *self, size_t stream, uint64_t k, double value[KL_CHANNELS_MAX]);
};

/* Each stands at the end of its emulate_*.c. */
extern const struct emulated_device emulated_labjack_u6, emulated_load_cells,
    emulated_load_cells_timed, emulated_mcc_usb1608fs_plus, emulated_vectornav,
    emulated_vernier_go_direct, emulated_ximu3, emulated_xsens_mti;

size_t emulators_count(void);

/** @return NULL beyond the end */
const struct emulated_device *emulators_get(size_t index);

/** @return NULL for a driver without one */
const struct emulated_device *emulators_find(const char *driver);

#endif
