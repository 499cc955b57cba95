/* Any bytes as what a VectorNav says. */
#include "devices/drivers.h"
#include "fuzz_driver.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct kl_device_option option[] = {{"magnetometer", "yes"}, {"sync", "yes"}};
    static const struct kl_device_config config = {
        .name = "fuzz", .placement = "pelvis", .option_count = 2, .option = option};
    fuzz_driver(&kl_vectornav_driver, &config, data, size);
    return 0;
}
