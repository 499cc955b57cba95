/* Any bytes as what an Xsens MTi says. */
#include "devices/drivers.h"
#include "fuzz_driver.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct kl_device_option option[] = {{"magnetometer", "yes"}};
    static const struct kl_device_config config = {
        .name = "fuzz", .placement = "pelvis", .option_count = 1, .option = option};
    fuzz_driver(&kl_xsens_mti_driver, &config, data, size);
    return 0;
}
