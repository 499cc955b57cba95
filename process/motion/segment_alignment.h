/* How a sensor sits on its segment: the fixed rotation between the two frames (methods 9.2, 9.3).
 *
 * Up comes from a still pose, the mediolateral axis from a movement. Standing, the segment frame
 * has y exactly up and z the horizontal part of that axis, so that its orientation is the identity
 * in the pose: all angles are relative to the runner's own standing posture. Plain data.
 */
#ifndef KL_PROCESS_MOTION_SEGMENT_ALIGNMENT_H
#define KL_PROCESS_MOTION_SEGMENT_ALIGNMENT_H

#include "acquire/stream.h"
#include "process/motion/rotation.h"

struct kl_segment_alignment {
    bool valid;
    uint32_t marks; /* kl_motion_mark: STRAP, AXIS; go with every value of this segment */
    struct kl_quat sensor_segment; /* v_sensor = rotate(sensor_segment, v_segment) */
    double gravity_m_s2;           /* length of the acceleration in the still pose */
    double quality;                /* Q of the axis, 0 to 1 */
    double standing_heading_rad;   /* of z in the pose, entered (toe-out); 0: square to the belt */
};

/** The frame from its two directions.
 *  @param up_sensor    mean specific force of the still pose, sensor frame, any length
 *  @param axis_sensor  to the runner's right, sensor frame, any length
 *  @return false (out untouched) when the two are closer than 30 deg: no plane to speak of
 *  y = up, x = norm(y x axis), z = x x y */
bool kl_segment_alignment_of(struct kl_vec up_sensor, struct kl_vec axis_sensor,
                             struct kl_quat *sensor_segment);

#endif
