#include "emulators.h"

#include <string.h>

static const struct emulated_device *const table[] = {
    // clang-format off: one row each
    &emulated_bertec_treadmill,
    &emulated_binary_record,
    &emulated_bitalino,
    &emulated_bno08x_rvc,
    &emulated_delsys_trigno,
    &emulated_labjack_u6,
    &emulated_load_cells,
    &emulated_load_cells_timed,
    &emulated_mcc_usb1608fs_plus,
    &emulated_microstrain_mip,
    &emulated_number_line,
    &emulated_openbci_cyton,
    &emulated_shimmer3,
    &emulated_trackmaster,
    &emulated_vectornav,
    &emulated_vernier_go_direct,
    &emulated_witmotion,
    &emulated_woodway,
    &emulated_ximu3,
    &emulated_xsens_mti,
    // clang-format on
};

/* FNV-1a. */
uint64_t emulators_digest(uint64_t digest, const void *bytes, size_t len)
{
    for (const uint8_t *p = bytes; p < (const uint8_t *)bytes + len; p++) {
        digest = (digest ^ *p) * UINT64_C(1099511628211) + 1;
    }
    return digest;
}

size_t emulators_count(void)
{
    return sizeof(table) / sizeof(table[0]);
}

const struct emulated_device *emulators_get(size_t index)
{
    return index < emulators_count() ? table[index] : NULL;
}

const struct emulated_device *emulators_find(const char *driver)
{
    for (size_t i = 0; i < emulators_count(); i++) {
        if (strcmp(table[i]->driver, driver) == 0) {
            return table[i];
        }
    }
    return NULL;
}
