/* A marker recording and its standing trial, as the Fukuchi 2017 running files have them: rigid
 * segments carried by plates of markers. Test side only: what knee arithmetic is judged against.
 */
#ifndef KL_TESTS_PROCESS_KNEE_MARKER_TRIAL_H
#define KL_TESTS_PROCESS_KNEE_MARKER_TRIAL_H

#include "process/motion/rotation.h"

#include <stdbool.h>
#include <stddef.h>

#define MARKER_RATE_HZ 150.0
#define MARKER_NAMES 64

struct marker_trial {
    size_t count, markers; /* frames; markers per frame */
    char name[MARKER_NAMES][32];
    struct kl_vec *place; /* [count][markers] m, lab axes */
};

/** Reads a tab separated file: Time, then NAMEX NAMEY NAMEZ in mm. @return false: not there */
bool marker_trial_read(struct marker_trial *trial, const char *path);
void marker_trial_free(struct marker_trial *trial);

/** Mean place of a marker over the trial. Aborts on an unknown name: a mistake of the test. */
struct kl_vec marker_mean(const struct marker_trial *trial, const char *name);
struct kl_vec marker_at(const struct marker_trial *trial, size_t frame, const char *name);

/** Low-pass, second order, forwards and backwards. */
void marker_trial_filter(struct marker_trial *trial, double cutoff_hz);

struct rigid {
    struct kl_matrix r;
    struct kl_vec p;
};

/** Least squares motion that takes the standing plate to the plate of a frame (SVD).
 *  @param name  [count] markers of the plate */
struct rigid marker_fit(const struct marker_trial *standing, const struct marker_trial *trial,
                        size_t frame, const char *const *name, size_t count);

struct kl_vec rigid_point(const struct rigid *motion, struct kl_vec point);
struct kl_vec rigid_direction(const struct rigid *motion, struct kl_vec direction);

#endif
