/* The knee adduction moment of one stance at every level that its signals allow: methods 12.
 *
 * Each level stands or is refused by itself, with the reason. Threads: any. RT safe.
 */
#ifndef KL_PROCESS_KNEE_KNEE_STEP_H
#define KL_PROCESS_KNEE_KNEE_STEP_H

#include "process/force/com_anchor.h"
#include "process/knee/knee_centre.h"
#include "process/steps/step.h"

/** What a stance gives; a NULL or 0 makes the levels that need it be refused. */
struct kl_knee_input {
    const struct kl_contact *contact;
    unsigned measured;                       /* kl_plate.measured */
    const double (*wrench)[KL_WRENCH_COUNT]; /* [window->count] kl_knee_force_fill */
    const struct kl_motion_window *window;   /* its side is the stance's */
    const struct kl_com *com;                /* of strides around it */
    const struct kl_vec *knee_m;             /* [window->count] as seen by motion capture, lab axes;
                                                NULL: not seen */
    struct kl_body_lengths length;
    double mass_kg, height_m, belt_m_s, slope_rad;
};

struct kl_knee_result {
    uint32_t reasons; /* kl_reason: why there is nothing at this level */
    enum kl_knee_frame frame;
    struct kl_knee_peaks peaks; /* N·m */
    double band_n_m;            /* SD of the first peak (methods 12.3) */
    struct kl_knee_curve curve; /* N·m, on the window's grid; read where reasons are 0 */
};

struct kl_knee_step {
    struct kl_knee_result level[KL_KNEE_LEVEL_COUNT];
};

void kl_knee_step_of(const struct kl_knee_input *input, struct kl_knee_step *out);

/** What a segment's marks mean for a step: kl_reason bits. */
uint32_t kl_motion_reasons(uint32_t marks);

#endif
