/* The binary_record driver under random bytes. */
#include "devices/drivers.h"
#include "fuzz_setup.h"

static const struct kl_stream stream[] = {{.name = "a", .kind = KL_KIND_OTHER, .channel_count = 3}};
static const uint8_t input[][KL_CHANNELS_MAX] = {{1, 2, 3}};
static const struct kl_device_option checked[] = {{"sync", "A5 5A"},
                                                  {"length", "19"},
                                                  {"fields", "i16le@7 i24be@9*0.1 f32be@13"},
                                                  {"counter", "u8@2"},
                                                  {"time", "u32le@3"},
                                                  {"time_unit", "us"},
                                                  {"checksum", "crc16-ccitt-be@17"}};
static const struct kl_device_option bare[] = {{"sync", "A5"},
                                               {"length", "19"},
                                               {"fields", "u8@1 f64le@2 u64be@8"},
                                               {"time", "u64le@3"},
                                               {"time_unit", "1e-6"}};
static const struct kl_device_config config[] = {
    {.name = "f",
     .placement = "",
     .rate_hz = 500,
     .option_count = 7,
     .option = checked,
     .stream_count = 1,
     .stream = stream,
     .input = input},
    {.name = "f",
     .placement = "",
     .rate_hz = 500,
     .option_count = 5,
     .option = bare,
     .stream_count = 1,
     .stream = stream,
     .input = input},
};
static const char *const seed[] = {
    "\xa5\x5a\x01\x50\xeb\xff\xff\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\xaa\xa3",
    "\xa5\x5a\x02\x20\xf3\xff\xff\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\xc3\x67",
    "\xa5\x5a\x03\xf0\xfa\xff\xff\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x94\x40"};
static const size_t seed_len[] = {19, 19, 19};

const struct fuzz_setup fuzz_setup = {
    .driver = &kl_binary_record_driver,
    .config = config,
    .config_count = sizeof(config) / sizeof(config[0]),
    .seed = seed,
    .seed_len = seed_len,
    .seed_count = sizeof(seed) / sizeof(seed[0]),
};
