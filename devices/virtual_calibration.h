/* The movements of a calibration (methods 9.1): knee bends, bows, marching on the spot.
 * Threads: any. */
#ifndef KL_DEVICES_VIRTUAL_CALIBRATION_H
#define KL_DEVICES_VIRTUAL_CALIBRATION_H

#include "devices/virtual_joint.h"
#include "devices/virtual_load.h"

/** Adds the angles of the movement at time t to a standing runner's.
 *  @return true while the feet stay and the pelvis goes down between them */
bool kl_virtual_calibration_at(const struct kl_virtual_timeline *timeline, double t_s,
                               struct kl_virtual_joints *joints);

#endif
