#include "process/motion/still_pose.h"

#include <math.h>

#define DEG_PER_RAD (180.0 / 3.14159265358979323846)

static const uint32_t missing_bits = KL_QUALITY_GAP | KL_QUALITY_STALE | KL_QUALITY_INTERPOLATED |
                                     KL_QUALITY_CHECKSUM | KL_QUALITY_INVALID;

int kl_still_pose_init(struct kl_still_pose *pose, double rate_hz)
{
    if (!(rate_hz > 0) || !isfinite(rate_hz)) {
        return KL_ERR_RANGE;
    }
    *pose = (struct kl_still_pose){.period_s = 1 / rate_hz};
    return KL_OK;
}

static void stretch(struct kl_vec *low, struct kl_vec *high, struct kl_vec v)
{
    *low = (struct kl_vec){fmin(low->x, v.x), fmin(low->y, v.y), fmin(low->z, v.z)};
    *high = (struct kl_vec){fmax(high->x, v.x), fmax(high->y, v.y), fmax(high->z, v.z)};
}

void kl_still_pose_step(struct kl_still_pose *pose, struct kl_vec w_rad_s, struct kl_vec a_m_s2,
                        uint32_t quality)
{
    pose->quality |= quality;
    if (!isfinite(w_rad_s.x + w_rad_s.y + w_rad_s.z) || !isfinite(a_m_s2.x + a_m_s2.y + a_m_s2.z)) {
        pose->quality |= KL_QUALITY_INVALID;
        return;
    }
    if (pose->count == 0) {
        pose->w_first = pose->w_low = pose->w_high = w_rad_s;
        pose->a_first = pose->a_low = pose->a_high = a_m_s2;
    }
    pose->count++;
    pose->w_sum = kl_vec_add(pose->w_sum, kl_vec_sub(w_rad_s, pose->w_first));
    pose->a_sum = kl_vec_add(pose->a_sum, kl_vec_sub(a_m_s2, pose->a_first));
    stretch(&pose->w_low, &pose->w_high, w_rad_s);
    stretch(&pose->a_low, &pose->a_high, a_m_s2);
}

static struct kl_vec mean(const struct kl_still_pose *pose, struct kl_vec first, struct kl_vec sum)
{
    return pose->count > 0 ? kl_vec_add(first, kl_vec_scale(sum, 1 / (double)pose->count)) : first;
}

struct kl_vec kl_still_pose_bias(const struct kl_still_pose *pose)
{
    return mean(pose, pose->w_first, pose->w_sum);
}

struct kl_vec kl_still_pose_gravity(const struct kl_still_pose *pose)
{
    return mean(pose, pose->a_first, pose->a_sum);
}

/* Largest distance of an axis from its mean. */
static double farthest(struct kl_vec mean_of, struct kl_vec low, struct kl_vec high)
{
    struct kl_vec up = kl_vec_sub(high, mean_of);
    struct kl_vec down = kl_vec_sub(mean_of, low);
    return fmax(fmax(fmax(up.x, up.y), up.z), fmax(fmax(down.x, down.y), down.z));
}

static double turning(const struct kl_still_pose *pose)
{
    return farthest(kl_still_pose_bias(pose), pose->w_low, pose->w_high);
}

static double shaking(const struct kl_still_pose *pose)
{
    return farthest(kl_still_pose_gravity(pose), pose->a_low, pose->a_high);
}

static double gravity_error(const struct kl_still_pose *pose)
{
    return kl_vec_norm(kl_still_pose_gravity(pose)) - KL_GRAVITY_M_S2;
}

unsigned kl_still_pose_faults(const struct kl_still_pose *pose)
{
    /* half a sample of grace: 5 s at 100 Hz are 500 samples */
    double span_s = ((double)pose->count + 0.5) * pose->period_s;
    unsigned faults = span_s < KL_STILL_POSE_MIN_S ? KL_STILL_SHORT : 0u;
    faults |= turning(pose) >= KL_STILL_RATE_MAX_RAD_S ? KL_STILL_TURNED : 0u;
    faults |= shaking(pose) >= KL_STILL_ACCELERATION_MAX_M_S2 ? KL_STILL_SHAKEN : 0u;
    faults |= (pose->quality & missing_bits) != 0 ? KL_STILL_MISSING : 0u;
    faults |= (pose->quality & KL_QUALITY_CLIPPED) != 0 ? KL_STILL_CLIPPED : 0u;
    bool off = pose->count > 0 && !(fabs(gravity_error(pose)) < KL_GRAVITY_ERROR_MAX_M_S2);
    return faults | (off ? KL_STILL_GRAVITY : 0u);
}

int kl_still_pose_check(const struct kl_still_pose *pose, const char *name, struct kl_fault *fault)
{
    unsigned faults = kl_still_pose_faults(pose);
    if ((faults & KL_STILL_CLIPPED) != 0) {
        return kl_fault(fault, KL_ERR_DATA,
                        "%s: still pose: a channel is at its rail; check range and cable", name);
    }
    if ((faults & KL_STILL_SHORT) != 0) {
        return kl_fault(fault, KL_ERR_DATA,
                        "%s: still pose: expected %.0f s, found %.1f s; repeat and stand longer",
                        name, KL_STILL_POSE_MIN_S, (double)pose->count * pose->period_s);
    }
    if ((faults & KL_STILL_MISSING) != 0) {
        return kl_fault(fault, KL_ERR_DATA,
                        "%s: still pose: samples are missing or not numbers; check the radio, "
                        "repeat",
                        name);
    }
    if ((faults & KL_STILL_TURNED) != 0) {
        return kl_fault(fault, KL_ERR_DATA,
                        "%s: still pose: turned with %.1f deg/s, expected below %.0f; stand still, "
                        "repeat",
                        name, turning(pose) * DEG_PER_RAD, KL_STILL_RATE_MAX_RAD_S * DEG_PER_RAD);
    }
    if ((faults & KL_STILL_SHAKEN) != 0) {
        return kl_fault(fault, KL_ERR_DATA,
                        "%s: still pose: shaken by %.2f m/s^2, expected below %.1f; stand still, "
                        "repeat",
                        name, shaking(pose), KL_STILL_ACCELERATION_MAX_M_S2);
    }
    if ((faults & KL_STILL_GRAVITY) != 0) {
        return kl_fault(fault, KL_ERR_DATA,
                        "%s: still pose: gravity is off by %+.3f m/s^2, expected within %.2f; "
                        "calibrate the accelerometer in six positions",
                        name, gravity_error(pose), KL_GRAVITY_ERROR_MAX_M_S2);
    }
    return KL_OK;
}

double kl_still_pose_drift(const struct kl_still_pose *before, const struct kl_still_pose *after)
{
    return kl_vec_norm(kl_vec_sub(kl_still_pose_bias(after), kl_still_pose_bias(before)));
}

double kl_still_pose_slip(const struct kl_still_pose *before, const struct kl_still_pose *after)
{
    struct kl_vec a = kl_still_pose_gravity(before);
    struct kl_vec b = kl_still_pose_gravity(after);
    /* atan2: exact for small and for large angles */
    return atan2(kl_vec_norm(kl_vec_cross(a, b)), kl_vec_dot(a, b));
}
