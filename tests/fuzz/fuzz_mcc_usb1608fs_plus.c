/* Any bytes as what a USB-1608FS-Plus says. */
#include "devices/drivers.h"
#include "fuzz_device.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t input[2][KL_CHANNELS_MAX] = {{6, 5, 4, 3, 2, 1}, {0}};
    static const struct kl_stream stream[] = {
        {.name = "plate.belt", .kind = KL_KIND_FORCE, .channel_count = 6},
        {.name = "sync", .kind = KL_KIND_OTHER, .channel_count = 1}};
    static const struct kl_device_config config = {.name = "fuzz",
                                                   .placement = "",
                                                   .stream_count = 2,
                                                   .stream = stream,
                                                   .input =
                                                       (const uint8_t(*)[KL_CHANNELS_MAX])input};
    fuzz_device(&kl_mcc_usb1608fs_plus_driver, &config, data, size,
                size > 0 ? (size_t)data[0] + 1 : 1);
    return 0;
}
