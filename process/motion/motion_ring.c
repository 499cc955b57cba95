#include "process/motion/motion_ring.h"

#include <stdlib.h>

/* Samples lie a few degrees apart: up to 0.2 rad between them the sines of slerp are replaced by
 * their series, which is good to 1e-10 rad there. */
#define SERIES_COSINE 0.995

int kl_motion_ring_open(struct kl_motion_ring *ring, size_t samples)
{
    size_t capacity = 1;
    while (capacity < samples) {
        capacity *= 2;
    }
    struct kl_motion_sample *sample = calloc(capacity, sizeof(*sample));
    if (sample == NULL) {
        return KL_ERR_MEM;
    }
    *ring = (struct kl_motion_ring){.capacity = capacity, .sample = sample};
    return KL_OK;
}

void kl_motion_ring_close(struct kl_motion_ring *ring)
{
    free(ring->sample);
    *ring = (struct kl_motion_ring){.capacity = 0};
}

bool kl_motion_ring_span(const struct kl_motion_ring *ring, double from_ns, double to_ns,
                         uint64_t *first, uint64_t *last)
{
    uint64_t low = ring->next > ring->capacity ? ring->next - ring->capacity : 0;
    uint64_t end = ring->next;
    if (low == end || !((double)kl_motion_ring_at(ring, low)->t_ns <= from_ns) ||
        !((double)kl_motion_ring_at(ring, end - 1)->t_ns >= to_ns) || !(from_ns < to_ns)) {
        return false;
    }
    uint64_t high = end - 1;
    while (high - low > 1) { /* low is at or before from_ns, high after it or the newest */
        uint64_t middle = low + (high - low) / 2;
        if ((double)kl_motion_ring_at(ring, middle)->t_ns <= from_ns) {
            low = middle;
        } else {
            high = middle;
        }
    }
    uint64_t after = low + 1;
    while ((double)kl_motion_ring_at(ring, after)->t_ns < to_ns) {
        after++;
    }
    *first = low;
    *last = after;
    return true;
}

/* sin(p x) / sin(x) for small x, given x^2. */
static double sine_ratio(double p, double x2)
{
    double rest = 1 - p * p;
    return p * (1 + rest * x2 * (1.0 / 6 + (7 - 3 * p * p) * x2 / 360));
}

void kl_motion_between(const struct kl_motion_sample *a, const struct kl_motion_sample *b,
                       double part, struct kl_quat *q, struct kl_vec *w_rad_s)
{
    struct kl_quat p = a->q;
    struct kl_quat r = b->q;
    double cosine = p.w * r.w + p.x * r.x + p.y * r.y + p.z * r.z;
    double sign = cosine < 0 ? -1 : 1;
    cosine *= sign;
    double kp;
    double kr;
    if (cosine > SERIES_COSINE) {
        double u = fmax(1 - cosine, 0);
        double angle2 = u * (2 + u * (1.0 / 3 + u * 4 / 45));
        kp = sine_ratio(1 - part, angle2);
        kr = sine_ratio(part, angle2);
    } else {
        double angle = acos(cosine);
        kp = sin((1 - part) * angle) / sin(angle);
        kr = sin(part * angle) / sin(angle);
    }
    kr *= sign;
    *q = kl_quat_unit((struct kl_quat){kp * p.w + kr * r.w, kp * p.x + kr * r.x,
                                       kp * p.y + kr * r.y, kp * p.z + kr * r.z});
    *w_rad_s = kl_vec_add(kl_vec_scale(a->w_rad_s, 1 - part), kl_vec_scale(b->w_rad_s, part));
}
