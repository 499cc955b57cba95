/* Joint centres of a virtual runner's limb as a motion-capture system would stream them: channels
 * "ankle x" ... "hip z", m, lab axes. */
#ifndef KL_DEVICES_VIRTUAL_MARKERS_H
#define KL_DEVICES_VIRTUAL_MARKERS_H

#include "devices/noise.h"
#include "devices/virtual_body.h"

enum { KL_VIRTUAL_MARKER_CHANNELS = 9 };

struct kl_virtual_markers {
    enum kl_side side;
    double rate_hz, noise_scale;
    struct kl_noise noise;
};

void kl_virtual_markers_init(struct kl_virtual_markers *markers,
                             const struct kl_virtual_runner *runner, enum kl_side side);

void kl_virtual_markers_describe(const struct kl_virtual_markers *markers, struct kl_stream *out);

/** One sample. @param value  out [9] */
void kl_virtual_markers_read(struct kl_virtual_markers *markers,
                             const struct kl_virtual_posture *posture,
                             double value[KL_VIRTUAL_MARKER_CHANNELS]);

#endif
