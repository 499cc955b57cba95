/* From the samples of inertial sensors to the motion around a stance.
 *
 * Per sensor: samples as recorded -> orientation filter -> a ring of the last seconds. When a step
 * has closed, the window around it is cut from the rings: interpolated to one grid, turned into
 * segment frames by the alignment and into the lab by the treadmill anchor, zero-lag filtered. What
 * is missing is marked and leaves the other segments untouched. The result depends on the order of
 * the sequence only, never on how blocks are cut.
 *
 *   push(block), feed(block, calibration)...  still(...)  adopt(calibration)  push...
 *    fill(window) -> metrics, stride(window)
 *
 * Memory moves in _create and _destroy only. Threads: one at a time. RT safe but those two.
 */
#ifndef KL_PROCESS_MOTION_MOTION_CHAIN_H
#define KL_PROCESS_MOTION_MOTION_CHAIN_H

#include "process/motion/accelerometer_calibration.h"
#include "process/motion/body_calibration.h"
#include "process/motion/motion_window.h"
#include "process/motion/orientation.h"
#include "process/motion/segment_alignment.h"
#include "process/motion/tibial_shock.h"

#define KL_MOTION_RING_S 8.0     /* how long samples stay: a stride, and streams that are late */
#define KL_MOTION_CUTOFF_HZ 20.0 /* zero-lag, of orientations and rates (methods 3.2, 10) */
#define KL_MOTION_GAP_S 0.020    /* a longer gap in a window makes a segment MISSING there */
#define KL_CROSS_TALK_STRIDES 20 /* the index is their mean */

struct kl_motion_chain;

/** Finds the IMU streams of a session: kind IMU, named imu.<segment>, with channels ax ay az
 *  (m/s^2) and wx wy wz (rad/s). A stream without them is left out.
 *  @param settings  of the orientation filters, NULL: the defaults
 *  @return KL_OK; KL_ERR_RANGE when two streams claim a segment, or a rate is not positive;
 *          KL_ERR_MEM */
KL_CHECK int kl_motion_chain_create(const struct kl_stream *streams, size_t count,
                                    const struct kl_orientation_settings *settings,
                                    struct kl_motion_chain **out, struct kl_fault *fault);
void kl_motion_chain_destroy(struct kl_motion_chain *chain);

/** A sensor of this segment exists. */
bool kl_motion_chain_has(const struct kl_motion_chain *chain, enum kl_segment segment);

/** Which segment a stream's sensor is taken for; KL_SEGMENT_COUNT: none. */
enum kl_segment kl_motion_chain_segment(const struct kl_motion_chain *chain, size_t stream);

/** Bias and scale of the accelerometer of the sensor named for a segment, applied to its samples
 *  from here on. */
void kl_motion_chain_accelerometer(struct kl_motion_chain *chain, enum kl_segment sensor,
                                   const struct kl_accelerometer_calibration *calibration);

/** The samples of a block; streams that are no IMU are ignored. */
void kl_motion_chain_push(struct kl_motion_chain *chain, const struct kl_block *block);

/** Session time of the newest sample of a segment; 0: none yet. */
int64_t kl_motion_chain_newest(const struct kl_motion_chain *chain, enum kl_segment segment);

/** The runner stood still, facing +X, until t_ns (the end of a still pose that passed, within the
 *  ring): keeps the heading of that pose and sets the anchors.
 *  @return a bit 1 << segment for each one whose heading was kept; a sensor that is more than 2 s
 *          late is left out */
unsigned kl_motion_chain_still(struct kl_motion_chain *chain, int64_t t_ns);

/** Gives a block's samples to the body calibration, under the names of their streams. */
void kl_motion_chain_feed(const struct kl_motion_chain *chain, const struct kl_block *block,
                          struct kl_body_calibration *calibration);

/** Takes over what the body calibration found: sensors exchanged between segments change places,
 *  every segment gets its alignment or loses it, anchors start from the last still pose. After
 *  every phase, or once at the end. */
void kl_motion_chain_adopt(struct kl_motion_chain *chain,
                           const struct kl_body_calibration *calibration);

/** How the sensor of a segment sits, known from elsewhere. Angles exist from here on. */
void kl_motion_chain_align(struct kl_motion_chain *chain, enum kl_segment segment,
                           const struct kl_segment_alignment *alignment);

/** Orientation of a segment at its newest sample, segment to lab, unfiltered: for the live picture.
 *  @return false (out untouched) while not calibrated or not yet headed */
bool kl_motion_chain_now(const struct kl_motion_chain *chain, enum kl_segment segment,
                         struct kl_quat *out);

/** Orientation of the sensor of a segment at its newest sample, as worn: sensor to a frame with y
 *  up whose heading is free.
 *  @return false (out untouched) without a sample or while the filter settles */
bool kl_motion_chain_sensor(const struct kl_motion_chain *chain, enum kl_segment segment,
                            struct kl_quat *out);

/** Everything around a stance.
 *  @param ic_ns, to_ns   contact and toe-off, session time
 *  @param next_ic_ns     next contact of the same foot; 0: not known. A stride too long for the
 *                        window counts as not known
 *  @return KL_OK; KL_ERR_RANGE (out->count 0) for times out of order or a stance too long */
KL_CHECK int kl_motion_window_fill(const struct kl_motion_chain *chain, double ic_ns, double to_ns,
                                   double next_ic_ns, enum kl_side side,
                                   struct kl_motion_window *out);

/** Acceleration of tibia and trunk (or pelvis) around a contact. */
void kl_shock_window_fill(const struct kl_motion_chain *chain, double ic_ns, enum kl_side side,
                          struct kl_shock_window *out);

/** Takes a stride into anchors, hinge check and cross-talk index: call once per stride, in order of
 *  time, with its filled window. Without end_s nothing happens. */
void kl_motion_chain_stride(struct kl_motion_chain *chain, const struct kl_motion_window *window);

/** Hinge against anchor, of the knee of a side, rad. @return false before there is one */
bool kl_motion_chain_residual(const struct kl_motion_chain *chain, enum kl_side side,
                              double *out_rad);

/** Mean cross-talk index of a side. @return false before the first stride with both sensors */
bool kl_motion_chain_cross_talk(const struct kl_motion_chain *chain, enum kl_side side,
                                double *out);

#endif
