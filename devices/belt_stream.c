#include "devices/belt_stream.h"

#include <math.h>
#include <stdio.h>

static void add_channel(struct kl_stream *out, const char *label, const char *unit)
{
    (void)snprintf(out->label[out->channel_count], KL_LABEL_MAX, "%s", label);
    (void)snprintf(out->unit[out->channel_count], KL_UNIT_MAX, "%s", unit);
    out->channel_count++;
}

void kl_belt_stream(const struct kl_device_config *config, double rate_hz, bool two_belts,
                    struct kl_stream *out)
{
    *out = (struct kl_stream){
        .kind = KL_KIND_TREADMILL, .format = KL_FORMAT_FLOAT32, .rate_hz = rate_hz};
    (void)snprintf(out->name, sizeof(out->name), "treadmill%s%.*s",
                   config->placement[0] != '\0' ? "." : "", KL_NAME_MAX - 12, config->placement);
    (void)snprintf(out->source, sizeof(out->source), "%s", config->name);
    if (two_belts) {
        add_channel(out, "belt speed left", "m/s");
        add_channel(out, "belt speed right", "m/s");
    } else {
        add_channel(out, "belt speed", "m/s");
    }
    add_channel(out, "incline", "rad");
}

double kl_grade_rad(double percent)
{
    return atan(percent / 100);
}
