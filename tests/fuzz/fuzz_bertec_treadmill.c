/* The bertec_treadmill driver under random bytes. */
#include "devices/drivers.h"
#include "fuzz_setup.h"

static const struct kl_device_config config[] = {{.name = "f", .placement = ""}};
static const char *const seed[] = {
    "\x00\x04\xae\xfe\x6e\x00\x00\x00\x00\x01\xf4\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
    "\x00\x00\x00\x00\x00\x00\x00\x00\x00"};
static const size_t seed_len[] = {32};

const struct fuzz_setup fuzz_setup = {
    .driver = &kl_bertec_treadmill_driver,
    .config = config,
    .config_count = sizeof(config) / sizeof(config[0]),
    .seed = seed,
    .seed_len = seed_len,
    .seed_count = sizeof(seed) / sizeof(seed[0]),
};
