/* The inside of the body calibration, shared by the files that implement it: what its phases left
 * behind, and where that says the sensors sit. Not for callers. */
#ifndef KL_PROCESS_MOTION_CALIBRATION_SEAT_H
#define KL_PROCESS_MOTION_CALIBRATION_SEAT_H

#include "process/motion/body_calibration.h"
#include "process/motion/calibration_motion.h"

/* Project choices that both files go by. */
#define KL_CALIBRATION_DEG (3.14159265358979323846 / 180)
#define KL_CALIBRATION_BEND_RAD (12 * KL_CALIBRATION_DEG) /* a shank in a knee bend turns more */

/* What a phase left behind for one sensor. */
struct kl_calibration_result {
    bool seen;
    bool has_still, has_turn;
    struct kl_calibration_still still;
    struct kl_calibration_turn turn;
};

struct kl_calibration_record {
    bool done;
    double length_s;
    struct kl_calibration_result sensor[KL_SEGMENT_COUNT];
};

struct kl_body_calibration {
    struct kl_calibration_epochs epochs;
    bool running;
    enum kl_calibration_phase now;
    struct kl_calibration_record phase[KL_CALIBRATION_PHASE_COUNT];
    struct kl_vec expected_up[KL_SEGMENT_COUNT]; /* 0: any */
    double standing_heading_rad[KL_SEGMENT_COUNT];
    /* of the march, for which epochs are needed */
    double likeness[KL_SEGMENT_COUNT][KL_SEGMENT_COUNT];
    struct kl_matrix together[KL_SEGMENT_COUNT][KL_SEGMENT_COUNT]; /* sum w w^T */
    size_t first_move[KL_SEGMENT_COUNT];
};

/* Where each sensor belongs, worked out anew whenever it is asked for: a pure function of the
 * phases. */
struct kl_calibration_seat {
    enum kl_segment sensor[KL_SEGMENT_COUNT]; /* of each segment */
    bool withheld[KL_SEGMENT_COUNT];
    size_t count;
    struct kl_calibration_finding finding[KL_FINDINGS_MAX];
};

/** Where every sensor sits, by what the phases so far say. */
void kl_calibration_seat_find(const struct kl_body_calibration *calibration,
                              struct kl_calibration_seat *seat);

#endif
