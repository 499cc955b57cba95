#include "devices/registry.h"

#include "devices/drivers.h"
#include "devices/virtual_runner.h"

#include <string.h>

static const struct kl_driver *const table[] = {
    // clang-format off: one row each
    &kl_bertec_treadmill_driver,
    &kl_binary_record_driver,
    &kl_bitalino_driver,
    &kl_bno08x_rvc_driver,
    &kl_delsys_trigno_driver,
    &kl_labjack_u6_driver,
    &kl_load_cells_driver,
    &kl_load_cells_timed_driver,
    &kl_mcc_usb1608fs_plus_driver,
    &kl_microstrain_mip_driver,
    &kl_number_line_driver,
    &kl_openbci_cyton_driver,
    &kl_shimmer3_driver,
    &kl_trackmaster_driver,
    &kl_vectornav_driver,
    &kl_vernier_go_direct_driver,
    &kl_virtual_runner_driver,
    &kl_witmotion_driver,
    &kl_woodway_driver,
    &kl_ximu3_driver,
    &kl_xsens_mti_driver,
    // clang-format on
};

size_t kl_registry_count(void)
{
    return sizeof(table) / sizeof(table[0]);
}

const struct kl_driver *kl_registry_get(size_t index)
{
    return index < kl_registry_count() ? table[index] : NULL;
}

const struct kl_driver *kl_registry_find(const char *name)
{
    for (size_t i = 0; name != NULL && i < kl_registry_count(); i++) {
        if (strcmp(table[i]->name, name) == 0) {
            return table[i];
        }
    }
    return NULL;
}
