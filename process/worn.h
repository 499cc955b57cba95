/* What the runner wears: motion sensors and electrodes, and what a step owes to them.
 *
 *     IMU blocks ─▶ motion chain (orientation, calibration) ─▶ window of a stride ─┐
 *     EMG blocks ─▶ muscle signals ─▶ stretches around a contact ──────────────────┤─▶ metrics of
 *     contacts   ─▶ centre of mass, 20 Hz wrench ─────────────────────────────────┘   the step
 *
 * The pipeline gives every block, event and finished contact, in order; a step's metrics that no
 * plate knows are filled in one call. Threads: one. No allocation after _create.
 */
#ifndef KL_PROCESS_WORN_H
#define KL_PROCESS_WORN_H

#include "process/knee/knee_centre.h"
#include "process/knee/knee_step.h"
#include "process/motion/body_calibration.h"
#include "process/motion/motion_window.h"
#include "process/motion/tibial_shock.h"
#include "process/muscle/muscle_signal.h"
#include "process/snapshot.h"
#include "process/steps/step_assembler.h"

struct kl_worn;

/** @param streams  of the session; those that are no IMU, EMG or joint centres are passed over
 *  @param fault    why NULL: two sensors for one segment, a rate, no memory
 *  @return NULL with words in *fault */
struct kl_worn *kl_worn_create(const struct kl_stream *streams, size_t count,
                               struct kl_fault *fault);
void kl_worn_destroy(struct kl_worn *worn);

/** Anything is worn at all. */
bool kl_worn_any(const struct kl_worn *worn);

/** Some motion sensor is. */
bool kl_worn_moves(const struct kl_worn *worn);

void kl_worn_block(struct kl_worn *worn, const struct kl_block *block);

/** Calibration phases (texts of kl_calibration_phase_text, and "mvc"), entries (shank_length_m,
 *  thigh_length_m, asis_width_m, ankle_offset_left_m, ankle_offset_right_m, line_hz;
 * toe_out_left_rad, toe_out_right_rad: heading of the foot in the still pose). */
void kl_worn_event(struct kl_worn *worn, const struct kl_event *event);

/** Slope of the belt from here on, uphill positive. */
void kl_worn_slope(struct kl_worn *worn, double slope_rad);

/** How far the slowest sensor is; those more than a second behind the rest are not counted.
 *  INT64_MAX: nothing is worn. */
int64_t kl_worn_newest(const struct kl_worn *worn);

/** A contact was accepted: the centre of mass is followed through it. Every contact once, in order.
 */
void kl_worn_contact(struct kl_worn *worn, const struct kl_contact *contact);

/** Fills every metric from KL_METRIC_MOTION on, and their reasons. Steps come in order.
 *  @return whether kl_worn_window and kl_worn_shock are now those of this step
 *  @param measured  kl_plate.measured of the step's plate
 *  @param mass_kg, height_m  0: not known */
bool kl_worn_step(struct kl_worn *worn, const struct kl_assembly *assembly, unsigned measured,
                  double plate_rate_hz, double mass_kg, double height_m, struct kl_step *step);

/** A contact that is shown before its step is finished: what is worn is still to come. */
void kl_worn_pending(const struct kl_worn *worn, struct kl_step *step);

/** The guided calibration, for the screen. */
const struct kl_body_calibration *kl_worn_calibration(const struct kl_worn *worn);

/** Acceleration around the contact of the newest step that had motion. Borrowed likewise. */
const struct kl_shock_window *kl_worn_shock(const struct kl_worn *worn);
/** The EMG worn, with what maximal contractions gave. */
const struct kl_muscle_signals *kl_worn_muscles(const struct kl_worn *worn);

/** Motion around the newest step that had any; NULL: none yet. Borrowed until the next step. */
const struct kl_motion_window *kl_worn_window(const struct kl_worn *worn);

/** The knee of that step. */
const struct kl_knee_step *kl_worn_knee(const struct kl_worn *worn);

/** Motion and knee of the step that was filled last, for the screen: points by contact time.
 *  @return false (out untouched) when it had none */
bool kl_worn_curve(const struct kl_worn *worn, uint32_t step, struct kl_motion_curve *out);

/** A calibration phase runs. */
bool kl_worn_calibrating(const struct kl_worn *worn);

/** How the calibration of the body stands, for the screen; reads all epochs (below 1 ms): while a
 *  phase runs and when one has ended. */
void kl_worn_show_calibration(const struct kl_worn *worn, struct kl_snapshot_calibration *out);

/** The part about electrodes. */
void kl_worn_show_muscles(const struct kl_worn *worn, struct kl_snapshot_calibration *out);

/** A segment's sensor exists; it is calibrated (its angles exist). */
bool kl_worn_has(const struct kl_worn *worn, enum kl_segment segment);

#endif
