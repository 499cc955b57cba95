#include "devices/virtual_markers.h"

#include <stdio.h>
#include <string.h>

static const double marker_sd_m = 0.0005; /* of a reconstructed marker [P] */

enum { NOISE_OF_MARKERS = 25 }; /* consumer numbers 26, 27 of kl_noise_init */

void kl_virtual_markers_init(struct kl_virtual_markers *markers,
                             const struct kl_virtual_runner *runner, enum kl_side side)
{
    markers->side = side;
    markers->rate_hz = runner->imu_rate_hz;
    markers->noise_scale = runner->noise_scale;
    kl_noise_init(&markers->noise, runner->seed, NOISE_OF_MARKERS + (uint64_t)side);
}

void kl_virtual_markers_describe(const struct kl_virtual_markers *markers, struct kl_stream *out)
{
    static const char *const joint[3] = {"ankle", "knee", "hip"};
    memset(out, 0, sizeof(*out));
    unsigned sensor = (unsigned)kl_virtual_limb(KL_VIRTUAL_THIGH_LEFT, markers->side) -
                      (unsigned)KL_VIRTUAL_THIGH_LEFT + (unsigned)KL_VIRTUAL_JOINTS_LEFT;
    (void)snprintf(out->name, sizeof(out->name), "%s", kl_virtual_sensor_text(sensor));
    out->kind = KL_KIND_OTHER;
    out->format = KL_FORMAT_FLOAT32;
    out->rate_hz = markers->rate_hz;
    out->channel_count = KL_VIRTUAL_MARKER_CHANNELS;
    for (int j = 0; j < KL_VIRTUAL_MARKER_CHANNELS; j++) {
        (void)snprintf(out->label[j], sizeof(out->label[j]), "%s %c", joint[j / 3], 'x' + j % 3);
        (void)snprintf(out->unit[j], sizeof(out->unit[j]), "m");
    }
}

void kl_virtual_markers_read(struct kl_virtual_markers *markers,
                             const struct kl_virtual_posture *posture,
                             double value[KL_VIRTUAL_MARKER_CHANNELS])
{
    static const enum kl_virtual_segment origin[3] = {KL_VIRTUAL_FOOT_LEFT, KL_VIRTUAL_SHANK_LEFT,
                                                      KL_VIRTUAL_THIGH_LEFT};
    for (int j = 0; j < KL_VIRTUAL_MARKER_CHANNELS; j++) {
        value[j] = posture->segment[kl_virtual_limb(origin[j / 3], markers->side)].p_m[j % 3];
        if (markers->noise_scale > 0) {
            value[j] += markers->noise_scale * kl_noise_gaussian(&markers->noise, marker_sd_m);
        }
    }
}
