/* The inside of a motion chain, shared by the files that implement it: not for callers. */
#ifndef KL_PROCESS_MOTION_MOTION_TRACK_H
#define KL_PROCESS_MOTION_MOTION_TRACK_H

#include "process/motion/heading.h"
#include "process/motion/motion_chain.h"
#include "process/motion/motion_ring.h"

#define KL_NO_TRACK KL_STREAMS_MAX

/* One sensor. */
struct kl_motion_track {
    size_t stream;         /* in the session; KL_NO_TRACK: none */
    enum kl_segment named; /* the segment its stream is named for */
    double rate_hz;
    size_t channels, acceleration[3], rate[3]; /* columns */
    struct kl_accelerometer_calibration accelerometer;
    struct kl_orientation orientation;
    struct kl_motion_ring ring;
    struct kl_segment_alignment alignment;
    bool has_still;
    int64_t still_ns;
    struct kl_quat still; /* sensor to y-up frame in the pose */
    struct kl_heading_anchor anchor;
};

struct kl_motion_knee {
    struct kl_hinge_check hinge;
    double cross_talk;
    size_t strides; /* in cross_talk, at most KL_CROSS_TALK_STRIDES */
};

struct kl_motion_chain {
    struct kl_motion_track track[KL_SEGMENT_COUNT];
    struct kl_motion_knee knee[KL_SIDE_COUNT];
    struct kl_butterworth filter, shock_filter;
};

static inline bool kl_motion_track_exists(const struct kl_motion_track *track)
{
    return track->stream != KL_NO_TRACK;
}

#endif
