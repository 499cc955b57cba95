#include "devices/imu_stream.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool divides(unsigned base_hz, unsigned divisor, bool even)
{
    return divisor >= 1 && divisor <= base_hz && (!even || base_hz % divisor == 0);
}

int kl_imu_divisor(const struct kl_device_config *config, unsigned base_hz, double default_hz,
                   bool even, struct kl_fault *fault)
{
    /* 1e-4: lab files round 800 / 7 to 114.286 */
    const double tolerance = 1e-4;
    double rate_hz = config->rate_hz == 0 ? default_hz : config->rate_hz;
    if (!(rate_hz >= 1 && rate_hz <= base_hz)) { /* NaN too */
        return kl_fault(fault, KL_ERR_RANGE, "%s: rate_hz is %g; allowed are 1 to %u", config->name,
                        rate_hz, base_hz);
    }
    unsigned divisor = (unsigned)lrint(base_hz / rate_hz);
    if (divides(base_hz, divisor, even) &&
        fabs(base_hz / (double)divisor - rate_hz) <= tolerance * rate_hz) {
        return (int)divisor;
    }
    unsigned faster = (unsigned)floor(base_hz / rate_hz);
    unsigned slower = faster + 1;
    while (!divides(base_hz, faster, even) && faster > 1) {
        faster--;
    }
    while (!divides(base_hz, slower, even) && slower < base_hz) {
        slower++;
    }
    return kl_fault(fault, KL_ERR_RANGE,
                    "%s: rate_hz is %g; the device gives %u Hz divided by a whole number%s: set %g "
                    "or %g",
                    config->name, rate_hz, base_hz, even ? " that leaves a whole rate" : "",
                    base_hz / (double)slower, base_hz / (double)faster);
}

int kl_imu_stream_begin(const struct kl_device_config *config, const char *what, enum kl_kind kind,
                        double rate_hz, struct kl_stream *out, struct kl_fault *fault)
{
    const char *placement = config->placement;
    if (placement[0] == '\0') {
        return kl_fault(fault, KL_ERR_RANGE,
                        "%s: placement is missing; say where on the body it sits, e.g. "
                        "placement: shank.right",
                        config->name);
    }
    size_t len = strlen(placement);
    if (strspn(placement, "abcdefghijklmnopqrstuvwxyz0123456789_.") != len ||
        strlen(what) + 1 + len >= KL_NAME_MAX) {
        return kl_fault(fault, KL_ERR_RANGE,
                        "%s: placement is '%.60s'; allowed are up to %zu small letters, digits, _ "
                        "and ., e.g. shank.right",
                        config->name, placement, KL_NAME_MAX - strlen(what) - 2);
    }
    *out = (struct kl_stream){.kind = kind, .format = KL_FORMAT_FLOAT32, .rate_hz = rate_hz};
    (void)snprintf(out->name, sizeof(out->name), "%s.%s", what, placement);
    (void)snprintf(out->source, sizeof(out->source), "%.*s", KL_NAME_MAX - 1, config->name);
    return KL_OK;
}

void kl_imu_stream_add(struct kl_stream *stream, const char *labels, const char *unit)
{
    while (*labels != '\0' && stream->channel_count < KL_CHANNELS_MAX) {
        size_t len = strcspn(labels, " ");
        size_t c = stream->channel_count++;
        (void)snprintf(stream->label[c], KL_LABEL_MAX, "%.*s", (int)len, labels);
        (void)snprintf(stream->unit[c], KL_UNIT_MAX, "%s", unit);
        labels += len + (labels[len] == ' ');
    }
}

int kl_imu_stream(const struct kl_device_config *config, const struct kl_imu_channels *channels,
                  double rate_hz, struct kl_stream *out, size_t cap, struct kl_fault *fault)
{
    if (cap < 1) {
        return kl_fault(fault, KL_ERR_ARG, "%s: no room for its stream", config->name);
    }
    int status = kl_imu_stream_begin(config, "imu", KL_KIND_IMU, rate_hz, out, fault);
    if (status != KL_OK) {
        return status;
    }
    kl_imu_stream_add(out, "ax ay az", "m/s^2");
    kl_imu_stream_add(out, channels->gyro ? "wx wy wz" : "", "rad/s");
    if (channels->magnetometer_unit != NULL) {
        kl_imu_stream_add(out, "mx my mz", channels->magnetometer_unit);
    }
    kl_imu_stream_add(out, channels->orientation ? "qw qx qy qz" : "", "1");
    return KL_OK;
}
