/* The delsys_trigno driver under random bytes. */
#include "devices/drivers.h"
#include "fuzz_setup.h"

static const struct kl_stream stream[] = {
    {.name = "emg.a", .kind = KL_KIND_EMG, .channel_count = 16},
    {.name = "aux", .kind = KL_KIND_EMG, .channel_count = 1},
};
static const uint8_t input[][KL_CHANNELS_MAX] = {
    {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}, {1}};
static const struct kl_device_config config[] = {
    {.name = "f", .placement = "", .stream_count = 1, .stream = stream, .input = input},
    {.name = "f", .placement = "vmo.left"},
};
static const char *const seed[] = {
    "\x52\x49\x1d\x39\xbc\x74\x13\xbb\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
    "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
    "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x58\x39\x34\x3c"};
static const size_t seed_len[] = {64};

const struct fuzz_setup fuzz_setup = {
    .driver = &kl_delsys_trigno_driver,
    .config = config,
    .config_count = sizeof(config) / sizeof(config[0]),
    .seed = seed,
    .seed_len = seed_len,
    .seed_count = sizeof(seed) / sizeof(seed[0]),
};
