/* Any bytes as what an x-IMU3 says. */
#include "devices/drivers.h"
#include "fuzz_driver.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct kl_device_option option[] = {
        {"magnetometer", "yes"}, {"battery", "yes"}, {"high_g_hz", "800"}};
    static const struct kl_device_config config = {
        .name = "fuzz", .placement = "pelvis", .option_count = 3, .option = option};
    fuzz_driver(&kl_ximu3_driver, &config, data, size);
    return 0;
}
