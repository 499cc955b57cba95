/* Any bytes as what a board with load cells prints; the first byte picks separator and checksum. */
#include "devices/drivers.h"
#include "fuzz_device.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const separator[] = {"comma", "semicolon", "tab", "space"};
    static uint8_t input[1][KL_CHANNELS_MAX] = {{2, 3}};
    static const struct kl_stream stream[] = {
        {.name = "plate.belt", .kind = KL_KIND_FORCE, .channel_count = 2}};
    unsigned first = size > 0 ? data[0] : 0;
    const struct kl_device_option option[] = {
        {"separator", separator[first % 4]},
        {"checksum", first & 4 ? "xor" : "none"},
        {"counter_column", "0"},
        {"time_column", "1"},
    };
    struct kl_device_config config = {.name = "fuzz",
                                      .placement = "",
                                      .option_count = 4,
                                      .option = option,
                                      .stream_count = 1,
                                      .stream = stream,
                                      .input = (const uint8_t(*)[KL_CHANNELS_MAX])input};
    fuzz_device(&kl_load_cells_timed_driver, &config, data, size, first / 4 + 1);
    config.option_count = 3;
    fuzz_device(&kl_load_cells_driver, &config, data, size, first / 4 + 1);
    return 0;
}
