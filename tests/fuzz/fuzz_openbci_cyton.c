/* The openbci_cyton driver under random bytes. */
#include "devices/drivers.h"
#include "fuzz_setup.h"

static const struct kl_stream stream[] = {
    {.name = "emg.a", .kind = KL_KIND_EMG, .channel_count = 8},
    {.name = "aux", .kind = KL_KIND_OTHER, .channel_count = 4},
};
static const uint8_t input[][KL_CHANNELS_MAX] = {{1, 2, 3, 4, 5, 6, 7, 8}, {21, 22, 23, 24}};
static const struct kl_device_config config[] = {
    {.name = "f", .placement = "", .stream_count = 2, .stream = stream, .input = input},
    {.name = "f", .placement = "vmo.left"},
};
static const char *const seed[] = {
    "\xa0\x2a\x00\x03\xe8\xff\xfc\x18\x7f\xff\xff\x80\x00\x00\x00\x00\x00\x00\x00\x01\xff\xff\xff"
    "\x12\x34\x56\x1f\x40\xe0\xc0\x00\x10\xc0",
    "\xa0\x2b\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
    "\x00\x00\x00\x00\x00\x00\x01\x86\xa0\xc4"};
static const size_t seed_len[] = {33, 33};

const struct fuzz_setup fuzz_setup = {
    .driver = &kl_openbci_cyton_driver,
    .config = config,
    .config_count = sizeof(config) / sizeof(config[0]),
    .seed = seed,
    .seed_len = seed_len,
    .seed_count = sizeof(seed) / sizeof(seed[0]),
};
