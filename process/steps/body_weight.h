/* Body weight, where it comes from, and whether the plate agrees (methods 3.1).
 *
 * In order: entered with the subject > weighed standing still > running mean of the vertical force
 * over whole strides, from the 10th on (net vertical impulse is zero in steady running). The others
 * are kept as checks: a plate that reads the wrong sign, or is 5 % off while the runner stands, or
 * 2 % off while he runs, is named in words.
 *
 * Plain struct of the caller; no allocation. Threads: one.
 */
#ifndef KL_PROCESS_STEPS_BODY_WEIGHT_H
#define KL_PROCESS_STEPS_BODY_WEIGHT_H

#include "process/steps/step_statistics.h"
#include "process/steps/total_force.h"

#define KL_GRAVITY_M_S2 9.80665       /* standard gravity, CGPM 1901 */
#define KL_BODY_WEIGHT_STRIDES 10     /* methods 3.1 */
#define KL_WEIGH_NS (3 * KL_NS_PER_S) /* standing still at least so long; methods 3.1 */
#define KL_PROBLEM_MAX 160

struct kl_body_weight {
    double entered_n, weighed_n;
    double impulse_n_s, time_s; /* whole strides so far */
    size_t strides;
    bool has_half; /* one step of the stride that is going on */
    double half_impulse_n_s, half_time_s;

    bool weighing;
    int64_t weigh_from_ns, weigh_to_ns;
    struct kl_running weigh;
    bool weigh_broken; /* samples were missing */

    char weigh_problem[KL_PROBLEM_MAX], standing_problem[KL_PROBLEM_MAX];
    char running_problem[KL_PROBLEM_MAX], sign_problem[KL_PROBLEM_MAX];
};

/** A new runner: forgets the old one. @param mass_kg  0: not entered */
void kl_body_weight_subject(struct kl_body_weight *weight, double mass_kg);

/** The runner stands still from t_ns for duration_ns. */
void kl_body_weight_weigh(struct kl_body_weight *weight, int64_t t_ns, int64_t duration_ns);

/** One value of the total force: the weighing that is going on. */
void kl_body_weight_force(struct kl_body_weight *weight, const struct kl_total_value *value);

/** Mean total force of the last 2 s, N. @param standing  the gait mode says so */
void kl_body_weight_look(struct kl_body_weight *weight, double mean_n, bool standing);

/** One step.
 *  @param whole        valid, and the step before or after it in the stride is too; false breaks
 *                      the stride
 *  @param impulse_n_s  integral of the drift-corrected Fy from flight to flight
 *  @param step_time_s  IC to next IC */
void kl_body_weight_step(struct kl_body_weight *weight, bool whole, double impulse_n_s,
                         double step_time_s);

/** N; 0: not known yet. */
double kl_body_weight_get(const struct kl_body_weight *weight);

/** "entered", "weighed", "running mean"; "" when not known. */
const char *kl_body_weight_source(const struct kl_body_weight *weight);

/** Mean over whole strides so far, N; 0 before the 10th. */
double kl_body_weight_running(const struct kl_body_weight *weight);

/** What is wrong with the plate's force, in words; "" when nothing is. */
const char *kl_body_weight_problem(const struct kl_body_weight *weight);

#endif
