#include "process/steps/gait_mode.h"

#include <math.h>

#define FLIGHT_S 0.020      /* methods 4.3 */
#define FLIGHT_SHARE 0.8    /* 8 of 10; the same share while there are fewer, from 4 on */
#define STEPS_MIN 4         /* project setting: a second and a half of running */
#define RUN_AGE_NS 1.5e9    /* project setting: no contact for this long is no running any more */
#define STAND_FRACTION 0.05 /* SD / body weight; methods 4.3 */
#define LOAD_FRACTION 0.5   /* project setting: less than half the body weight is nobody */
#define LOAD_N 200          /* the same while body weight is not known */
#define BELOW_VALUES 4      /* 20 ms */
#define GROUNDED_PEAK 1.5   /* peak / mean; project setting: walking stays near 1.1-1.3 */

void kl_gait_mode_step(struct kl_gait_mode *mode, double contact_ns, double flight_s)
{
    mode->flight[mode->step_head] = flight_s >= FLIGHT_S;
    mode->step_head = (mode->step_head + 1) % KL_GAIT_STEPS;
    mode->steps += mode->steps < KL_GAIT_STEPS;
    mode->newest_step_ns = contact_ns;
}

static void look(struct kl_gait_mode *mode, double threshold_n)
{
    double sum = 0, square = 0, peak = mode->fy_n[0];
    size_t below = 0;
    mode->touches_zero = false;
    for (size_t i = 0; i < KL_GAIT_VALUES; i++) {
        sum += mode->fy_n[i];
    }
    double mean = sum / KL_GAIT_VALUES;
    for (size_t i = 0; i < KL_GAIT_VALUES; i++) {
        double fy = mode->fy_n[(mode->head + i) % KL_GAIT_VALUES];
        square += (fy - mean) * (fy - mean);
        peak = fmax(peak, fy);
        below = fy < threshold_n ? below + 1 : 0;
        mode->touches_zero = mode->touches_zero || below >= BELOW_VALUES;
    }
    mode->mean_n = mean;
    mode->sd_n = sqrt(square / (KL_GAIT_VALUES - 1));
    mode->peak_n = peak;
    mode->has_window = true;
}

bool kl_gait_mode_force(struct kl_gait_mode *mode, const struct kl_total_value *value,
                        double threshold_n)
{
    mode->t_ns = value->t_ns;
    if (!value->valid) {
        mode->count = mode->head = mode->since = 0;
        mode->has_window = false;
        return false;
    }
    mode->fy_n[mode->head] = value->fy_n;
    mode->head = (mode->head + 1) % KL_GAIT_VALUES;
    mode->count += mode->count < KL_GAIT_VALUES;
    mode->since++;
    if (mode->count < KL_GAIT_VALUES || mode->since < KL_GAIT_EVERY) {
        return false;
    }
    mode->since = 0;
    look(mode, threshold_n);
    return true;
}

static bool runs(const struct kl_gait_mode *mode)
{
    size_t flights = 0;
    for (size_t i = 0; i < mode->steps; i++) {
        flights += mode->flight[i];
    }
    return mode->steps >= STEPS_MIN && (double)flights >= FLIGHT_SHARE * (double)mode->steps &&
           (double)mode->t_ns - mode->newest_step_ns < RUN_AGE_NS;
}

enum kl_gait kl_gait_mode_get(const struct kl_gait_mode *mode, double body_weight_n)
{
    if (runs(mode)) {
        return KL_GAIT_RUN;
    }
    double load = body_weight_n > 0 ? LOAD_FRACTION * body_weight_n : LOAD_N;
    double weight = body_weight_n > 0 ? body_weight_n : mode->mean_n;
    if (!mode->has_window || mode->mean_n < load) {
        return KL_GAIT_NONE;
    }
    if (mode->sd_n < STAND_FRACTION * weight) {
        return KL_GAIT_STAND;
    }
    if (mode->touches_zero) {
        return KL_GAIT_NONE; /* stepping on or off, or the first steps of a run */
    }
    return mode->peak_n > GROUNDED_PEAK * mode->mean_n ? KL_GAIT_GROUNDED : KL_GAIT_WALK;
}
