/* Any bytes to the BNO08x driver. */
#include "devices/drivers.h"
#include "fuzz_talker.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct kl_device_config lab = {.name = "a", .placement = "shank.left"};
    fuzz_talker(&kl_bno08x_rvc_driver, &lab, 1, data, size);
    return 0;
}
