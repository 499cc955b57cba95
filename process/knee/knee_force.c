#include "process/knee/knee_force.h"

#include "process/force/butterworth.h"

#include <stdlib.h>
#include <string.h>

#define CONTACT_SPAN_S 1.5 /* longest contact with its margins that the force chain hands out */
#define TAIL_S 0.2         /* of flight behind it, where the backward pass begins: 4 / cut-off */

struct kl_knee_force {
    struct kl_butterworth filter;
    size_t tail, capacity;
    double (*wrench)[KL_WRENCH_COUNT]; /* [capacity] */
};

struct kl_knee_force *kl_knee_force_create(double rate_hz, double cutoff_hz)
{
    struct kl_knee_force *force = calloc(1, sizeof(*force));
    if (force == NULL) {
        return NULL;
    }
    force->tail = (size_t)ceil(TAIL_S * rate_hz);
    force->capacity = (size_t)ceil(CONTACT_SPAN_S * rate_hz) + 2 * force->tail;
    if (kl_butterworth_init(&force->filter, cutoff_hz, rate_hz) == KL_OK) {
        force->wrench = calloc(force->capacity, sizeof(*force->wrench));
    }
    if (force->wrench == NULL) {
        free(force);
        return NULL;
    }
    return force;
}

void kl_knee_force_destroy(struct kl_knee_force *force)
{
    if (force != NULL) {
        free(force->wrench);
        free(force);
    }
}

/* Forward and backward, from and to the rest of flight. */
static void filter_both_ways(struct kl_knee_force *force, size_t count)
{
    struct kl_butterworth_state state = {{0}, {0}};
    for (size_t i = 0; i < count; i++) {
        kl_butterworth_step(&force->filter, &state, force->wrench[i], force->wrench[i]);
    }
    memset(&state, 0, sizeof(state));
    for (size_t i = count; i-- > 0;) {
        kl_butterworth_step(&force->filter, &state, force->wrench[i], force->wrench[i]);
    }
}

/* Weights of four samples around a place between the second and the third: a straight line would
 * take 1.4 % of what 300 Hz hold of 16 Hz. */
static void cubic(double t, double weight[4])
{
    weight[0] = -t * (t - 1) * (t - 2) / 6;
    weight[1] = (t + 1) * (t - 1) * (t - 2) / 2;
    weight[2] = -(t + 1) * t * (t - 2) / 2;
    weight[3] = (t + 1) * t * (t - 1) / 6;
}

bool kl_knee_force_fill(struct kl_knee_force *force, const struct kl_contact *contact,
                        const struct kl_motion_window *window, double (*out)[KL_WRENCH_COUNT])
{
    size_t count = contact->count + 2 * force->tail;
    if (contact->count < 2 || count > force->capacity || !(contact->dt_s > 0)) {
        return false;
    }
    memset(force->wrench, 0, count * sizeof(*force->wrench));
    memcpy(force->wrench + force->tail, contact->wrench, contact->count * sizeof(*force->wrench));
    filter_both_ways(force, count);
    double first_ns = (double)contact->t0_ns - (double)force->tail * contact->dt_s * 1e9;
    for (size_t i = 0; i < window->count; i++) {
        double t_ns = window->t0_ns + (double)i / KL_MOTION_RATE_HZ * 1e9;
        double at = (t_ns - first_ns) * 1e-9 / contact->dt_s;
        bool inside = at >= 1 && at < (double)(count - 2);
        size_t k = inside ? (size_t)at : 1;
        double weight[4];
        cubic(at - (double)k, weight);
        for (size_t c = 0; c < KL_WRENCH_COUNT; c++) {
            out[i][c] = 0;
            for (size_t j = 0; inside && j < 4; j++) {
                out[i][c] += weight[j] * force->wrench[k + j - 1][c];
            }
        }
    }
    return true;
}
