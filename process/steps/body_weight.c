#include "process/steps/body_weight.h"

#include "process/steps/number.h"

#include <math.h>
#include <stdio.h>

#define STILL_FRACTION 0.01    /* SD / mean while weighing; methods 3.1 */
#define STANDING_FRACTION 0.05 /* project setting: shoes and bottle do not reach it */
#define RUNNING_FRACTION 0.02  /* methods 3.1 */
#define WRONG_SIGN_N (-200)    /* project setting: no drift and no tare error of a runner's plate */

void kl_body_weight_subject(struct kl_body_weight *weight, double mass_kg)
{
    *weight = (struct kl_body_weight){.entered_n = mass_kg > 0 ? mass_kg * KL_GRAVITY_M_S2 : 0};
}

static void say(char *problem, const char *what, double value, const char *unit, const char *then)
{
    char number[KL_NUMBER_TEXT_MAX];
    (void)snprintf(problem, KL_PROBLEM_MAX, "%s %s%s%s", what,
                   kl_number_rounded(value, unit[1] == 'N' ? 0 : 1, number, sizeof(number)), unit,
                   then);
}

void kl_body_weight_weigh(struct kl_body_weight *weight, int64_t t_ns, int64_t duration_ns)
{
    weight->weigh_problem[0] = '\0';
    if (duration_ns < KL_WEIGH_NS) {
        say(weight->weigh_problem, "weighed for", (double)duration_ns / 1e9, " s",
            ": stand still for 3 s and weigh again");
        return;
    }
    weight->weighing = true;
    weight->weigh_broken = false;
    weight->weigh_from_ns = t_ns;
    weight->weigh_to_ns = t_ns + duration_ns;
    weight->weigh = (struct kl_running){0};
}

static void finish_weighing(struct kl_body_weight *weight)
{
    double mean = weight->weigh.mean, sd = kl_running_sd(&weight->weigh);
    weight->weighing = false;
    if (weight->weigh_broken || weight->weigh.n < 2) {
        (void)snprintf(weight->weigh_problem, KL_PROBLEM_MAX,
                       "weighing failed: samples are missing; weigh again");
    } else if (mean < 0) {
        say(weight->weigh_problem, "plate reads", mean, " N", ": sign wrong?");
    } else if (sd >= STILL_FRACTION * mean) {
        say(weight->weigh_problem, "not still while weighing: SD", 100 * sd / mean, " %",
            " of the mean (below 1 % needed); weigh again");
    } else {
        weight->weighed_n = mean;
    }
}

void kl_body_weight_force(struct kl_body_weight *weight, const struct kl_total_value *value)
{
    if (!weight->weighing || value->t_ns < weight->weigh_from_ns) {
        return;
    }
    if (value->t_ns >= weight->weigh_to_ns) {
        finish_weighing(weight);
    } else if (value->valid) {
        kl_running_add(&weight->weigh, value->fy_n);
    } else {
        weight->weigh_broken = true;
    }
}

/* "plate reads 650 N, body weight 687 N (-5.3 %): ..." */
static void compare(char *problem, const char *what, double read_n, double known_n,
                    const char *then)
{
    char read[KL_NUMBER_TEXT_MAX], known[KL_NUMBER_TEXT_MAX], off[KL_NUMBER_TEXT_MAX];
    (void)snprintf(problem, KL_PROBLEM_MAX, "%s %s N, body weight %s N (%s %%): %s", what,
                   kl_number_rounded(read_n, 0, read, sizeof(read)),
                   kl_number_rounded(known_n, 0, known, sizeof(known)),
                   kl_number_rounded(100 * (read_n / known_n - 1), 1, off, sizeof(off)), then);
}

static double known_n(const struct kl_body_weight *weight)
{
    return weight->entered_n > 0 ? weight->entered_n : weight->weighed_n;
}

void kl_body_weight_look(struct kl_body_weight *weight, double mean_n, bool standing)
{
    weight->sign_problem[0] = '\0';
    if (mean_n < WRONG_SIGN_N) {
        say(weight->sign_problem, "plate reads", mean_n, " N", ": sign wrong?");
    }
    double known = known_n(weight);
    if (!standing || known <= 0) {
        return;
    }
    weight->standing_problem[0] = '\0';
    if (fabs(mean_n / known - 1) > STANDING_FRACTION) {
        compare(weight->standing_problem, "plate reads", mean_n, known,
                "calibration, tare or entered mass wrong?");
    }
}

void kl_body_weight_step(struct kl_body_weight *weight, bool whole, double impulse_n_s,
                         double step_time_s)
{
    if (!whole || !weight->has_half) {
        weight->has_half = whole;
        weight->half_impulse_n_s = impulse_n_s;
        weight->half_time_s = step_time_s;
        return;
    }
    weight->has_half = false;
    weight->impulse_n_s += weight->half_impulse_n_s + impulse_n_s;
    weight->time_s += weight->half_time_s + step_time_s;
    weight->strides++;
    double running = kl_body_weight_running(weight), known = known_n(weight);
    weight->running_problem[0] = '\0';
    if (running > 0 && known > 0 && fabs(running / known - 1) > RUNNING_FRACTION) {
        compare(weight->running_problem, "mean force of the run", running, known,
                "calibration, hand-rail or load?");
    }
}

double kl_body_weight_running(const struct kl_body_weight *weight)
{
    return weight->strides < KL_BODY_WEIGHT_STRIDES ? 0 : weight->impulse_n_s / weight->time_s;
}

double kl_body_weight_get(const struct kl_body_weight *weight)
{
    double known = known_n(weight);
    return known > 0 ? known : kl_body_weight_running(weight);
}

const char *kl_body_weight_source(const struct kl_body_weight *weight)
{
    return weight->entered_n > 0                ? "entered"
           : weight->weighed_n > 0              ? "weighed"
           : kl_body_weight_running(weight) > 0 ? "running mean"
                                                : "";
}

const char *kl_body_weight_problem(const struct kl_body_weight *weight)
{
    const char *const by_weight[] = {weight->sign_problem, weight->weigh_problem,
                                     weight->standing_problem, weight->running_problem};
    for (size_t i = 0; i < sizeof(by_weight) / sizeof(by_weight[0]); i++) {
        if (by_weight[i][0] != '\0') {
            return by_weight[i];
        }
    }
    return "";
}
