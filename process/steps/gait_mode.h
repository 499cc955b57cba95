/* Is there a runner, and does he run? Methods 4.3.
 *
 * Running shows in the flights between contacts. Everything else is read from the total vertical
 * force of the last 2 s:
 *
 *     RUN       flight >= 20 ms in at least 8 of the last 10 steps
 *     NONE      little or no load
 *     STAND     SD below 5 % of body weight for 2 s
 *     WALK      cyclic, never below the threshold for 20 ms
 *     GROUNDED  the same, but with peaks a walker does not reach: running without flight
 *
 * Plain struct of the caller; no allocation. Threads: one.
 */
#ifndef KL_PROCESS_STEPS_GAIT_MODE_H
#define KL_PROCESS_STEPS_GAIT_MODE_H

#include "process/snapshot.h"
#include "process/steps/total_force.h"

#define KL_GAIT_STEPS 10   /* methods 4.3 */
#define KL_GAIT_VALUES 400 /* 2 s of the total force */
#define KL_GAIT_EVERY 20   /* looked at each 0.1 s */

struct kl_gait_mode {
    size_t steps, step_head;
    bool flight[KL_GAIT_STEPS];
    double newest_step_ns;
    size_t count, head, since;
    double fy_n[KL_GAIT_VALUES];
    int64_t t_ns;
    double mean_n, sd_n, peak_n; /* of the last full 2 s */
    bool has_window, touches_zero;
};

/** One step: the flight after a contact, s; < 0 or too short: none. */
void kl_gait_mode_step(struct kl_gait_mode *mode, double contact_ns, double flight_s);

/** One value of the total force. @return true when the 2 s were looked at again */
bool kl_gait_mode_force(struct kl_gait_mode *mode, const struct kl_total_value *value,
                        double threshold_n);

/** @param body_weight_n  0: not known (the mean force stands for it) */
enum kl_gait kl_gait_mode_get(const struct kl_gait_mode *mode, double body_weight_n);

#endif
