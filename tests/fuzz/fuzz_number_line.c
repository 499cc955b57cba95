/* The number_line driver under random bytes. */
#include "devices/drivers.h"
#include "fuzz_setup.h"

static const struct kl_stream stream[] = {{.name = "a", .kind = KL_KIND_OTHER, .channel_count = 2}};
static const uint8_t input[][KL_CHANNELS_MAX] = {{3, 4}};
static const struct kl_device_option bimu[] = {{"format", "bimu"}};
static const struct kl_device_option openlog[] = {{"format", "openlog"}, {"columns", "aX gX"}};
static const struct kl_device_option plain[] = {
    {"time", "2"}, {"time_unit", "ms"}, {"counter", "1"}, {"fields", "4"}};
static const struct kl_device_config config[] = {
    {.name = "f", .placement = "foot.left", .rate_hz = 200, .option_count = 1, .option = bimu},
    {.name = "f", .placement = "foot.left", .rate_hz = 10, .option_count = 2, .option = openlog},
    {.name = "f",
     .placement = "",
     .rate_hz = 10,
     .option_count = 4,
     .option = plain,
     .stream_count = 1,
     .stream = stream,
     .input = input},
    {.name = "f",
     .placement = "",
     .rate_hz = 10,
     .stream_count = 1,
     .stream = stream,
     .input = input},
};
static const char *const seed[] = {
    "$BIMUH,1,7,200,us,ax:m/s2,ay:m/s2,az:m/s2,gx:rad/s,gy:rad/s,gz:rad/s*47\n",
    "$BIMU,7,0,1000000,0.12,-0.34,9.79,0.001,-0.002,0.003*3A\n",
    "aX,gX,output_Hz,\r\n12.21,-3.42,99.8,\r\n12.21,-3.42,99.8,17\r\n",
    "1,10,2.5,-3e2\n2;11;a=2.5;-3\n"};
static const size_t seed_len[] = {72, 56, 58, 28};

const struct fuzz_setup fuzz_setup = {
    .driver = &kl_number_line_driver,
    .config = config,
    .config_count = sizeof(config) / sizeof(config[0]),
    .seed = seed,
    .seed_len = seed_len,
    .seed_count = sizeof(seed) / sizeof(seed[0]),
};
