/* Any bytes to the Shimmer3 driver. */
#include "devices/drivers.h"
#include "fuzz_talker.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct kl_device_option all[] = {
        {"magnetometer", "yes"}, {"emg1", "vmo.left"}, {"uncalibrated", "yes"}};
    static const struct kl_device_option emg[] = {{"imu", "no"}, {"emg2", "vl.left"}};
    static const struct kl_device_config lab[] = {
        {.name = "a", .placement = "shank.left", .option = all, .option_count = 3},
        {.name = "b", .placement = "", .option = emg, .option_count = 2},
        {.name = "c", .placement = "shank.left"},
    };
    fuzz_talker(&kl_shimmer3_driver, lab, 3, data, size);
    return 0;
}
