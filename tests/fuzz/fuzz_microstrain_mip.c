/* Any bytes to the MIP driver. */
#include "devices/drivers.h"
#include "fuzz_talker.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct kl_device_option all[] = {{"magnetometer", "yes"}};
    static const struct kl_device_option least[] = {{"orientation", "no"}};
    static const struct kl_device_config lab[] = {
        {.name = "a", .placement = "shank.left", .option = all, .option_count = 1},
        {.name = "b", .placement = "shank.left", .option = least, .option_count = 1},
    };
    fuzz_talker(&kl_microstrain_mip_driver, lab, 2, data, size);
    return 0;
}
