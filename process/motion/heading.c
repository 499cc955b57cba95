#include "process/motion/heading.h"

#define PI 3.14159265358979323846

double kl_heading_of(struct kl_vec v)
{
    return atan2(v.x, v.z);
}

double kl_heading_wrap(double angle_rad)
{
    return remainder(angle_rad, 2 * PI);
}

struct kl_quat kl_heading_turn(double angle_rad)
{
    /* about +y, z goes to x: heading atan2(x, z) grows by the angle */
    return kl_quat_about((struct kl_vec){0, 1, 0}, angle_rad);
}

void kl_heading_anchor_init(struct kl_heading_anchor *anchor)
{
    *anchor = (struct kl_heading_anchor){.has_still = false};
}

void kl_heading_anchor_still(struct kl_heading_anchor *anchor, int64_t t_ns, double heading_rad)
{
    *anchor = (struct kl_heading_anchor){
        .has_still = true, .still_ns = t_ns, .still_rad = heading_rad, .held_rad = heading_rad};
}

bool kl_heading_anchor_mean(const struct kl_heading_anchor *anchor, double *out_rad)
{
    if (anchor->count == 0) {
        return false;
    }
    double sine = 0;
    double cosine = 0;
    for (size_t i = 0; i < anchor->count; i++) {
        sine += anchor->sine[i];
        cosine += anchor->cosine[i];
    }
    *out_rad = atan2(sine, cosine);
    return true;
}

/* The heading of the still pose is still good enough to say where strides point. */
static bool still_is_fresh(const struct kl_heading_anchor *anchor, int64_t t_ns)
{
    return anchor->has_still && kl_seconds(t_ns - anchor->still_ns) <= KL_ANCHOR_POSTURE_S;
}

void kl_heading_anchor_stride(struct kl_heading_anchor *anchor, int64_t t_ns, double mean_rad)
{
    if (anchor->count > 0 && kl_seconds(t_ns - anchor->last_ns) > KL_ANCHOR_PAUSE_S) {
        anchor->count = 0;
        anchor->next = 0;
    }
    anchor->last_ns = t_ns;
    anchor->sine[anchor->next] = sin(mean_rad);
    anchor->cosine[anchor->next] = cos(mean_rad);
    anchor->next = (anchor->next + 1) % KL_ANCHOR_STRIDES;
    anchor->count += anchor->count < KL_ANCHOR_STRIDES ? 1 : 0;
    double mean;
    if (anchor->count < KL_ANCHOR_STRIDES_MIN || !kl_heading_anchor_mean(anchor, &mean)) {
        return;
    }
    if (!anchor->has_posture && still_is_fresh(anchor, t_ns)) {
        /* until the ring is full the still pose's heading stays in force: nothing jumps */
        anchor->posture_rad = kl_heading_wrap(mean - anchor->still_rad);
        anchor->has_posture = anchor->count == KL_ANCHOR_STRIDES;
    }
    anchor->held_rad = kl_heading_wrap(mean - anchor->posture_rad);
    anchor->strided = true;
}

bool kl_heading_anchor_get(const struct kl_heading_anchor *anchor, int64_t t_ns, double *out_rad)
{
    bool held = anchor->strided && kl_seconds(t_ns - anchor->last_ns) <= KL_ANCHOR_POSTURE_S;
    if (!held && !still_is_fresh(anchor, t_ns)) {
        return false;
    }
    *out_rad = anchor->held_rad;
    return true;
}

void kl_hinge_check_init(struct kl_hinge_check *check)
{
    *check = (struct kl_hinge_check){.weight = 0};
}

void kl_hinge_check_step(struct kl_hinge_check *check, struct kl_vec axis_prox,
                         struct kl_vec axis_dist, double dt_s)
{
    double keep = exp(-dt_s / KL_HINGE_TAU_S);
    double weight = hypot(axis_prox.x, axis_prox.z) * hypot(axis_dist.x, axis_dist.z);
    double delta = kl_heading_of(axis_prox) - kl_heading_of(axis_dist);
    check->weight = keep * check->weight + weight;
    check->sine = keep * check->sine + weight * sin(delta);
    check->cosine = keep * check->cosine + weight * cos(delta);
}

bool kl_hinge_check_get(const struct kl_hinge_check *check, double *out_rad)
{
    if (!(check->weight > 0)) {
        return false;
    }
    *out_rad = atan2(check->sine, check->cosine);
    return true;
}
