/* Heading without a magnetometer: which way a segment faces on a treadmill (methods 9.4).
 *
 * An orientation from rate and acceleration keeps its heading for minutes and then drifts. On a
 * treadmill the runner faces +X, so the mean heading of each segment over a stride stays what it
 * is: the anchor subtracts whatever it drifts by. What that constant is - toe-out, mean rotation of
 * the tibia - a treadmill cannot tell. Where running follows the still pose soon enough, the
 * heading kept from the pose tells it (posture); else it is taken as that of the pose, and only
 * excursions mean something.
 * Lab axes, y up: heading of v is atan2(v.x, v.z); that of a segment is its z axis's. rad.
 * Caller's memory, no allocation. Threads: any, one at a time. RT safe.
 */
#ifndef KL_PROCESS_MOTION_HEADING_H
#define KL_PROCESS_MOTION_HEADING_H

#include "acquire/stream.h"
#include "process/motion/rotation.h"

/** Heading of a direction; meaningful while it is not vertical. */
double kl_heading_of(struct kl_vec v);

/** The same angle in [-pi, pi]. */
double kl_heading_wrap(double angle_rad);

/** Turns about the vertical by angle_rad (to a heading that is larger by it). */
struct kl_quat kl_heading_turn(double angle_rad);

/* ------------------------------------------------------------------------- treadmill anchor */

#define KL_ANCHOR_STRIDES 40    /* the last 20 of each foot */
#define KL_ANCHOR_STRIDES_MIN 8 /* fewer do not correct yet */
#define KL_ANCHOR_PAUSE_S 10.0  /* a longer pause starts the mean anew: the runner may turn */
#define KL_ANCHOR_POSTURE_S                                                                        \
    120.0 /* how long the heading of a still pose is good enough to carry                          \
             posture over: 0.02 deg/s of bias make 2.4 deg [project] */

struct kl_heading_anchor {
    bool has_still, has_posture, strided;
    int64_t still_ns, last_ns;
    double still_rad;   /* in the filter's frame, standing */
    double posture_rad; /* mean heading over a stride, relative to standing */
    double held_rad;    /* correction in force */
    size_t count, next;
    double sine[KL_ANCHOR_STRIDES], cosine[KL_ANCHOR_STRIDES];
};

void kl_heading_anchor_init(struct kl_heading_anchor *anchor);

/** The runner stands still, faces +X and the filter says heading_rad. Starts the anchor anew. */
void kl_heading_anchor_still(struct kl_heading_anchor *anchor, int64_t t_ns, double heading_rad);

/** One stride ended at t_ns, of either foot; mean_rad is its circular mean heading in the filter's
 *  frame. Strides come in order of time. */
void kl_heading_anchor_stride(struct kl_heading_anchor *anchor, int64_t t_ns, double mean_rad);

/** What to subtract from the filter's heading at t_ns.
 *  @return false (out untouched) when neither a still pose nor enough strides lie within the last
 *          KL_ANCHOR_POSTURE_S */
bool kl_heading_anchor_get(const struct kl_heading_anchor *anchor, int64_t t_ns, double *out_rad);

/** Mean heading of the strides in the ring, filter's frame. @return false before the first */
bool kl_heading_anchor_mean(const struct kl_heading_anchor *anchor, double *out_rad);

/* ------------------------------------------------------------------------------ hinge check */

#define KL_HINGE_TAU_S 5.0
#define KL_HINGE_RESIDUAL_MAX_RAD (8 * 3.14159265358979323846 / 180)

/** The knee as a hinge: the flexion axis seen by thigh and shank points one way, so the difference
 *  of its two headings is the difference of their frames (Seel 2014). */
struct kl_hinge_check {
    double weight, sine, cosine; /* exponential sums */
};

void kl_hinge_check_init(struct kl_hinge_check *check);

/** One instant.
 *  @param axis_prox, axis_dist  the hinge's axis, by each segment in its own heading-free frame
 *  @param dt_s                  since the instant before */
void kl_hinge_check_step(struct kl_hinge_check *check, struct kl_vec axis_prox,
                         struct kl_vec axis_dist, double dt_s);

/** Heading of the proximal frame's axis minus that of the distal one; weighted circular mean over
 *  KL_HINGE_TAU_S. @return false before anything horizontal was seen (out untouched)
 *  Oracle: pure hinge, 17 deg drift -> 17.000 deg. Source: methods 9.4 b */
bool kl_hinge_check_get(const struct kl_hinge_check *check, double *out_rad);

#endif
