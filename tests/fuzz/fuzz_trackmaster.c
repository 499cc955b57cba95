/* The trackmaster driver under random bytes. */
#include "devices/drivers.h"
#include "fuzz_setup.h"

static const struct kl_device_option option[] = {{"unit", "mph"}};
static const struct kl_device_config config[] = {
    {.name = "f", .placement = "", .option_count = 1, .option = option}};
static const char *const seed[] = {"\xd1\x30\x30\x34\x30", "\xd2\x30\x30\x35\x30", "\xd0\x31",
                                   "\xbf"};
static const size_t seed_len[] = {5, 5, 2, 1};

const struct fuzz_setup fuzz_setup = {
    .driver = &kl_trackmaster_driver,
    .config = config,
    .config_count = sizeof(config) / sizeof(config[0]),
    .seed = seed,
    .seed_len = seed_len,
    .seed_count = sizeof(seed) / sizeof(seed[0]),
};
