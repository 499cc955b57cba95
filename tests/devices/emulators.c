#include "emulators.h"

#include <string.h>

static const struct emulated_device *const table[] = {
    // clang-format off: one row each
    &emulated_labjack_u6,
    &emulated_load_cells,
    &emulated_load_cells_timed,
    &emulated_mcc_usb1608fs_plus,
    &emulated_vectornav,
    &emulated_vernier_go_direct,
    &emulated_ximu3,
    &emulated_xsens_mti,
    // clang-format on
};

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
