/* Every emulated device, by the driver that talks to it: what a test, a pty or a socket needs.
 *
 * A device is memory of `size` bytes that `init` switches on (time 0 on its own line of time) and
 * `ops` (emulator_link.h) plays. It begins with a struct emulator (emulator.h: drift, faults) and
 * has nothing to release.
 */
#ifndef KL_TESTS_DEVICES_EMULATORS_H
#define KL_TESTS_DEVICES_EMULATORS_H

#include "emulator.h"

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
    /** What a host can change and has to put back, as one number. NULL: nothing. */
    uint64_t (*settings)(const void *self);
};

/* Each stands at the end of its emulators/emulate_*.c. */
extern const struct emulated_device emulated_bertec_treadmill, emulated_binary_record,
    emulated_bitalino, emulated_bno08x_rvc, emulated_delsys_trigno, emulated_labjack_u6,
    emulated_load_cells, emulated_load_cells_timed, emulated_mcc_usb1608fs_plus,
    emulated_microstrain_mip, emulated_number_line, emulated_openbci_cyton, emulated_shimmer3,
    emulated_trackmaster, emulated_vectornav, emulated_vernier_go_direct, emulated_witmotion,
    emulated_woodway, emulated_ximu3, emulated_xsens_mti;

/** For settings(): a number that other bytes do not give. begin with 0. */
uint64_t emulators_digest(uint64_t digest, const void *bytes, size_t len);

size_t emulators_count(void);

/** @return NULL beyond the end */
const struct emulated_device *emulators_get(size_t index);

/** @return NULL for a driver without one */
const struct emulated_device *emulators_find(const char *driver);

#endif
