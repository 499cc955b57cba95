/* Lab files for fuzzing beside those of the emulated devices: the other formats of a driver. */
#ifndef KL_TESTS_FUZZ_FUZZ_LABS_H
#define KL_TESTS_FUZZ_FUZZ_LABS_H

#include "acquire/driver.h"

static const struct kl_device_option fuzz_all[] = {{"magnetometer", "yes"}, {"sync", "yes"}};
static const struct kl_device_option fuzz_battery[] = {
    {"magnetometer", "yes"}, {"battery", "yes"}, {"high_g_hz", "800"}};
static const struct kl_device_option fuzz_least[] = {{"orientation", "no"}};
static const struct kl_device_option fuzz_fast[] = {{"magnetometer", "yes"}, {"baud", "921600"}};
static const struct kl_device_option fuzz_shimmer[] = {
    {"magnetometer", "yes"}, {"emg1", "vmo.left"}, {"uncalibrated", "yes"}};
static const struct kl_device_option fuzz_emg[] = {{"imu", "no"}, {"emg2", "vl.left"}};
static const struct kl_device_option fuzz_openlog[] = {{"format", "openlog"}, {"columns", "aX gX"}};
static const struct kl_device_option fuzz_plain[] = {
    {"time", "2"}, {"time_unit", "ms"}, {"counter", "1"}, {"fields", "4"}};
static const struct kl_device_option fuzz_bare[] = {{"sync", "A5"},
                                                    {"length", "19"},
                                                    {"fields", "u8@1 f64le@2 u64be@8"},
                                                    {"time", "u64le@3"},
                                                    {"time_unit", "1e-6"}};
static const struct kl_device_option fuzz_cells[] = {
    {"separator", "semicolon"}, {"checksum", "none"}, {"counter_column", "0"}};
static const struct kl_stream fuzz_stream[] = {
    {.name = "a", .kind = KL_KIND_OTHER, .channel_count = 2}};
static const struct kl_stream fuzz_three[] = {
    {.name = "a", .kind = KL_KIND_OTHER, .channel_count = 3}};
static const struct kl_stream fuzz_inputs[] = {
    {.name = "emg.a", .kind = KL_KIND_EMG, .channel_count = 6},
    {.name = "aux", .kind = KL_KIND_OTHER, .channel_count = 2}};
static const struct kl_stream fuzz_boards[] = {
    {.name = "emg.a", .kind = KL_KIND_EMG, .channel_count = 8},
    {.name = "aux", .kind = KL_KIND_OTHER, .channel_count = 4}};
static const struct kl_stream fuzz_cell[] = {
    {.name = "plate.belt", .kind = KL_KIND_FORCE, .channel_count = 2}};
static const uint8_t fuzz_34[][KL_CHANNELS_MAX] = {{3, 4}};
static const uint8_t fuzz_123[][KL_CHANNELS_MAX] = {{1, 2, 3}};
static const uint8_t fuzz_a1[][KL_CHANNELS_MAX] = {{1, 2, 3, 4, 5, 6}, {7, 8}};
static const uint8_t fuzz_n1p[][KL_CHANNELS_MAX] = {{1, 2, 3, 4, 5, 6, 7, 8}, {21, 22, 23, 24}};

#define FUZZ_OPTIONS(table)                                                                        \
    .name = "f", .option = (table), .option_count = sizeof(table) / sizeof((table)[0])

/* At most 7 of a driver. */
static const struct {
    const char *driver;
    struct kl_device_config config;
} fuzz_labs[] = {
    {"vectornav", {FUZZ_OPTIONS(fuzz_all), .placement = "pelvis"}},
    {"ximu3", {FUZZ_OPTIONS(fuzz_battery), .placement = "pelvis"}},
    {"microstrain_mip", {FUZZ_OPTIONS(fuzz_least), .placement = "pelvis"}},
    {"witmotion", {FUZZ_OPTIONS(fuzz_least), .placement = "pelvis"}},
    {"witmotion", {FUZZ_OPTIONS(fuzz_fast), .placement = "pelvis"}},
    {"shimmer3", {FUZZ_OPTIONS(fuzz_shimmer), .placement = "shank.left"}},
    {"shimmer3", {FUZZ_OPTIONS(fuzz_emg), .placement = ""}},
    {"number_line", {FUZZ_OPTIONS(fuzz_openlog), .placement = "foot.left", .rate_hz = 10}},
    {"number_line",
     {FUZZ_OPTIONS(fuzz_plain), .placement = "", .rate_hz = 10, .stream_count = 1,
      .stream = fuzz_stream, .input = fuzz_34}},
    {"binary_record",
     {FUZZ_OPTIONS(fuzz_bare), .placement = "", .rate_hz = 500, .stream_count = 1,
      .stream = fuzz_three, .input = fuzz_123}},
    {"bitalino",
     {.name = "f", .placement = "", .stream_count = 2, .stream = fuzz_inputs, .input = fuzz_a1}},
    {"openbci_cyton",
     {.name = "f", .placement = "", .stream_count = 2, .stream = fuzz_boards, .input = fuzz_n1p}},
    {"delsys_trigno", {.name = "f", .placement = "vmo.left"}},
    {"load_cells",
     {FUZZ_OPTIONS(fuzz_cells), .placement = "", .stream_count = 1, .stream = fuzz_cell,
      .input = fuzz_34}},
};

#define FUZZ_LABS (sizeof(fuzz_labs) / sizeof(fuzz_labs[0]))

#endif
