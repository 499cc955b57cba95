/* What the body did around one stance: the one input of all motion and knee metrics of a step.
 *
 * Orientations of the segments on one even time grid, from MARGIN before initial contact to MARGIN
 * after toe-off, or after the end of the stride when that is known, so that a zero-lag filter has
 * settled where a metric looks. Sensor frames are
 * gone: everything is in segment frames (methods 9: x forward, y up along the segment, z to the
 * runner's right) and lab axes (X forward, Y up, Z right), relative to the runner's standing pose,
 * heading by the treadmill anchor. NOT mirrored: the metric functions mirror a left limb
 * (methods 1.2). Borrowed by whoever computes; plain data, threads: any.
 */
#ifndef KL_PROCESS_MOTION_MOTION_WINDOW_H
#define KL_PROCESS_MOTION_MOTION_WINDOW_H

#include "process/motion/rotation.h"
#include "process/motion/segment.h"

#define KL_MOTION_RATE_HZ 200.0
#define KL_MOTION_MARGIN_S 0.25
#define KL_MOTION_SAMPLES 384 /* the longest stride of 1.4 s with both margins */

/** Why a segment's motion, or a metric made of it, is missing or not to be trusted; bits. The
 *  second part says what a metric lacks; the chain sets only the first. */
enum kl_motion_mark {
    KL_MOTION_NO_SENSOR = 1 << 0,      /* no such stream */
    KL_MOTION_NOT_CALIBRATED = 1 << 1, /* no still pose or no axis of this segment */
    KL_MOTION_MISSING = 1 << 2,        /* samples are missing in this window, or came too late */
    KL_MOTION_CLIPPED = 1 << 3,        /* the sensor was at its rail */
    KL_MOTION_STRAP = 1 << 4,          /* the strap has slipped by more than 3 deg */
    KL_MOTION_AXIS = 1 << 5,           /* functional axis of low quality (Q < 0.90) */
    KL_MOTION_CROSS_TALK = 1 << 6,     /* knee frontal angle follows flexion, |r| > 0.7 */
    KL_MOTION_HEADING = 1 << 7,        /* heading residual above 8 deg */
    KL_MOTION_SETTLING = 1 << 8,       /* the filter or the anchor has not settled yet */
    KL_MOTION_NO_SIDE = 1 << 9,        /* left or right is not known */
    KL_MOTION_NO_STRIDE = 1 << 10,     /* the next contact of this foot is not known */
    KL_MOTION_TOO_SMALL = 1 << 11,     /* a ratio of excursions below 2 deg says nothing */
    KL_MOTION_NO_ANGLE = 1 << 12,      /* a joint beyond 80 deg out of its plane: no such angle */
    KL_MOTION_NO_STANCE = 1 << 13,     /* no stance inside the window */
};

#define KL_MOTION_MARK_COUNT 14

/** Words for one bit, short enough for a table cell; "unknown" for anything else. */
const char *kl_motion_mark_text(enum kl_motion_mark bit);

struct kl_segment_motion {
    double heading_rad;                       /* what the anchor subtracted from the filter's */
    uint32_t marks;                           /* kl_motion_mark; NO_SENSOR, NOT_CALIBRATED, MISSING:
                                                 the arrays are not to be read */
    struct kl_quat q[KL_MOTION_SAMPLES];      /* segment to lab; identity in the standing pose,
                                                 turned by what was entered as its heading */
    struct kl_vec w_rad_s[KL_MOTION_SAMPLES]; /* angular rate in the segment frame, bias-free */
};

struct kl_motion_window {
    size_t count;      /* samples of the grid */
    double t0_ns;      /* session time of the first one; spacing 1 / KL_MOTION_RATE_HZ */
    double ic_s, to_s; /* of the stance, counted from t0 */
    double end_s;      /* next contact of the same foot, counted from t0; 0: not known */
    enum kl_side side; /* of the stance */
    struct kl_segment_motion segment[KL_SEGMENT_COUNT];
};

#endif
