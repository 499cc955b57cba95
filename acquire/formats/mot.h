/* OpenSim .mot and .sto: a head of lines that ends with `endheader`, then a table.
 *
 * Axes are ours (x forward, y up, z right, force on the person). Forces are told by their names:
 * a column ending in `vy` is a vertical force; its stem names the rest:
 *
 *   R_ground_force_vx vy vz     force, N
 *   R_ground_force_px py pz     point of application, m
 *   R_ground_torque_x y z       free moment, N·m (also `..moment..`, `..mx my mz`)
 */
#ifndef KL_ACQUIRE_FORMATS_MOT_H
#define KL_ACQUIRE_FORMATS_MOT_H

#include "acquire/formats/memory_source.h"

/** Whether the bytes begin like a .mot or .sto file. */
bool kl_mot_matches(const uint8_t *buf, size_t len);

/** Reads the ground forces of a file in memory.
 *  @return KL_OK or a negative status with *fault; release `memory` in both cases */
KL_CHECK int kl_mot_session(const char *name, const uint8_t *buf, size_t len,
                            struct kl_memory *memory, struct kl_fault *fault);

#endif
