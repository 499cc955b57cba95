/* The body segments that sensors are worn on, and what their names in a lab file mean. */
#ifndef KL_PROCESS_MOTION_SEGMENT_H
#define KL_PROCESS_MOTION_SEGMENT_H

#include "acquire/stream.h"

enum kl_segment {
    KL_SEGMENT_TRUNK = 0,
    KL_SEGMENT_PELVIS,
    KL_SEGMENT_THIGH_LEFT,
    KL_SEGMENT_THIGH_RIGHT,
    KL_SEGMENT_SHANK_LEFT,
    KL_SEGMENT_SHANK_RIGHT,
    KL_SEGMENT_FOOT_LEFT,
    KL_SEGMENT_FOOT_RIGHT,
    KL_SEGMENT_COUNT,
};

/** "trunk", "thigh.left", ...: the placement of a lab file and the name of a stream behind
 *  "imu.". */
const char *kl_segment_text(enum kl_segment segment);

/** The segment of a stream by its name (imu.shank.right); KL_SEGMENT_COUNT: none. */
enum kl_segment kl_segment_of(const char *stream_name);

/** UNKNOWN for trunk and pelvis. */
enum kl_side kl_segment_side(enum kl_segment segment);

#endif
