#include "devices/imu_channels.h"

#include <stdio.h>
#include <string.h>

static void add(struct kl_stream *stream, const char *const *label, size_t count, const char *unit)
{
    for (size_t i = 0; i < count; i++) {
        size_t c = stream->channel_count++;
        (void)snprintf(stream->label[c], sizeof(stream->label[c]), "%s", label[i]);
        (void)snprintf(stream->unit[c], sizeof(stream->unit[c]), "%s", unit);
    }
}

int kl_imu_stream(const struct kl_device_config *config, const struct kl_imu_channels *channels,
                  double rate_hz, struct kl_stream *out, struct kl_fault *fault)
{
    static const char *const acceleration[] = {"ax", "ay", "az"};
    static const char *const gyro[] = {"wx", "wy", "wz"};
    static const char *const magnetometer[] = {"mx", "my", "mz"};
    static const char *const orientation[] = {"qw", "qx", "qy", "qz"};
    if (config->placement[0] == '\0') {
        return kl_fault(fault, KL_ERR_RANGE,
                        "device %s: no placement; say where it sits, e.g. placement: shank.right",
                        config->name);
    }
    struct kl_stream stream = {
        .kind = KL_KIND_IMU, .format = KL_FORMAT_FLOAT32, .rate_hz = rate_hz};
    int len = snprintf(stream.name, sizeof(stream.name), "imu.%s", config->placement);
    if (len < 0 || (size_t)len >= sizeof(stream.name)) {
        return kl_fault(fault, KL_ERR_RANGE,
                        "device %s: placement \"%s\" is too long; at most %d bytes", config->name,
                        config->placement, KL_NAME_MAX - 5);
    }
    (void)snprintf(stream.source, sizeof(stream.source), "%s", config->name);
    add(&stream, acceleration, 3, "m/s^2");
    if (channels->gyro) {
        add(&stream, gyro, 3, "rad/s");
    }
    if (channels->magnetometer) {
        add(&stream, magnetometer, 3, channels->magnetometer_unit);
    }
    if (channels->orientation) {
        add(&stream, orientation, 4, "1");
    }
    *out = stream;
    return KL_OK;
}
