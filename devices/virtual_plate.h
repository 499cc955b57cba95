/* A simulated force plate under a treadmill belt: from what a foot puts on it to the volts of its
 * amplifier, with sign, gain and origin of a real one, so that calibration is exercised.
 *
 * Plate frame (as AMTI sets it): x to the runner's left, y where the runner faces, z down; origin
 * O' at the middle of the plate, `depth` below the belt surface. It measures the action of the
 * runner on the plate, so fz > 0 in stance. Channels fx fy fz mx my mz in volts.
 */
#ifndef KL_DEVICES_VIRTUAL_PLATE_H
#define KL_DEVICES_VIRTUAL_PLATE_H

#include "devices/noise.h"
#include "devices/virtual_runner.h"

struct kl_virtual_plate {
    enum kl_side side;
    double depth_m;    /* O' below the belt surface */
    double origin_z_m; /* O' to the right of the lab origin */
    double noise_scale;
    struct kl_noise noise;
};

/** @param side  the foot it carries; UNKNOWN: one plate for both */
void kl_virtual_plate_init(struct kl_virtual_plate *plate, const struct kl_virtual_runner *runner,
                           enum kl_side side);

/** Name, channels, calibration matrix and outline of the stream it delivers. */
void kl_virtual_plate_describe(const struct kl_virtual_plate *plate, double rate_hz,
                               struct kl_stream *out);

/** One sample: noise and drift are added about O', then the wrench becomes volts.
 *  @param wrench  in [6] lab axes about the lab origin, on the runner
 *  @param volts   out [6] clamped to the rail
 *  @return kl_quality bits: KL_QUALITY_CLIPPED at the rail */
uint32_t kl_virtual_plate_read(struct kl_virtual_plate *plate, double t_s,
                               const double wrench[KL_WRENCH_COUNT], double volts[KL_WRENCH_COUNT]);

#endif
