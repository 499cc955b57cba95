#include "process/knee/knee_step.h"

#include "process/force/contact_curve.h"
#include "process/force/cop.h"
#include "process/motion/joint_angle.h"

#include <string.h>

#define COP_FROM 0.30 /* of stance: methods 12.2 */
#define COP_TO 0.60
#define SLOPE_MAX_RAD 0.017453292519943295 /* 1 deg: methods 12.4 */
#define PEAK_FROM 0.10
#define PEAK_TO 0.50

/* Sensors that a level cannot do without. */
enum part { TRUNK = 1, PELVIS = 2, THIGH = 4, SHANK = 8, FOOT = 16 };
static const unsigned parts_of[KL_KNEE_LEVEL_COUNT] = {
    [KL_KNEE_K1] = 0,
    [KL_KNEE_K2A] = SHANK | FOOT,
    [KL_KNEE_K2B] = TRUNK | PELVIS | THIGH | SHANK | FOOT,
    [KL_KNEE_K3] = SHANK,
};

/* Marks with which an angle is still a number, but no moment is made of it (methods 12.4). */
#define REFUSED_MARKS                                                                              \
    (KL_MOTION_NO_SENSOR | KL_MOTION_NOT_CALIBRATED | KL_MOTION_MISSING | KL_MOTION_STRAP |        \
     KL_MOTION_AXIS | KL_MOTION_CROSS_TALK | KL_MOTION_HEADING | KL_MOTION_SETTLING)

static void segments_of(enum kl_side side, enum kl_segment out[5])
{
    bool left = side == KL_SIDE_LEFT;
    out[0] = KL_SEGMENT_TRUNK;
    out[1] = KL_SEGMENT_PELVIS;
    out[2] = left ? KL_SEGMENT_THIGH_LEFT : KL_SEGMENT_THIGH_RIGHT;
    out[3] = left ? KL_SEGMENT_SHANK_LEFT : KL_SEGMENT_SHANK_RIGHT;
    out[4] = left ? KL_SEGMENT_FOOT_LEFT : KL_SEGMENT_FOOT_RIGHT;
}

uint32_t kl_motion_reasons(uint32_t marks)
{
    static const struct {
        uint32_t mark, reason;
    } rows[] = {
        {KL_MOTION_NO_SENSOR, KL_REASON_NO_SENSOR},
        {KL_MOTION_NOT_CALIBRATED, KL_REASON_NOT_CALIBRATED},
        {KL_MOTION_MISSING, KL_REASON_GAP},
        {KL_MOTION_CLIPPED, KL_REASON_SATURATED},
        {KL_MOTION_STRAP, KL_REASON_STRAP},
        {KL_MOTION_AXIS | KL_MOTION_CROSS_TALK, KL_REASON_AXIS},
        {KL_MOTION_HEADING, KL_REASON_HEADING},
        {KL_MOTION_SETTLING, KL_REASON_WARMING_UP},
        {KL_MOTION_NO_SIDE, KL_REASON_SIDE_UNKNOWN},
        {KL_MOTION_NO_STRIDE, KL_REASON_NO_NEXT},
        {KL_MOTION_TOO_SMALL, KL_REASON_TOO_SMALL},
        {KL_MOTION_NO_ANGLE, KL_REASON_NOT_A_NUMBER},
        {KL_MOTION_NO_STANCE, KL_REASON_CUT},
    };
    uint32_t reasons = 0;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        reasons |= (marks & rows[i].mark) != 0 ? rows[i].reason : 0;
    }
    return reasons;
}

/* ------------------------------------------------------------------- anchor */

/* Mean centre of pressure of 30-60 % of stance. @return false when half of it is not valid */
static bool cop_of(const struct kl_knee_input *input, struct kl_knee_anchor *anchor)
{
    const struct kl_contact *contact = input->contact;
    double duration_s = kl_contact_duration(contact);
    size_t first;
    size_t end;
    size_t samples =
        kl_contact_samples(contact, COP_FROM * duration_s, COP_TO * duration_s, &first, &end);
    size_t n = 0;
    double x_m = 0;
    double z_m = 0;
    double t_s = 0;
    for (size_t i = first; i < end; i++) {
        struct kl_cop cop;
        if (kl_cop_of_sample(contact, i, &cop)) {
            x_m += cop.x_m;
            z_m += cop.z_m;
            t_s += kl_contact_time(contact, i);
            n++;
        }
    }
    if (n == 0 || 2 * n < samples) {
        return false;
    }
    anchor->cop_x_m = x_m / (double)n;
    anchor->cop_z_m = z_m / (double)n;
    anchor->mid_s = input->window->ic_s + t_s / (double)n;
    if (input->window->side == KL_SIDE_LEFT) {
        anchor->cop_z_m = -anchor->cop_z_m;
    }
    return true;
}

/* ------------------------------------------------------------------ reasons */

static uint32_t plate_reasons(const struct kl_knee_input *input)
{
    uint32_t reasons = 0;
    reasons |= input->window->side == KL_SIDE_UNKNOWN ? (uint32_t)KL_REASON_SIDE_UNKNOWN : 0;
    reasons |= (input->measured & KL_PLATE_MEASURES_ALL) != KL_PLATE_MEASURES_ALL
                   ? (uint32_t)KL_REASON_NOT_MEASURED
                   : 0;
    reasons |= !(input->mass_kg > 0) ? (uint32_t)KL_REASON_NO_BODY_WEIGHT : 0;
    reasons |= !(input->belt_m_s > 0) ? (uint32_t)KL_REASON_SPEED_UNKNOWN : 0;
    reasons |= fabs(input->slope_rad) > SLOPE_MAX_RAD ? (uint32_t)KL_REASON_UNSTEADY : 0;
    reasons |= input->com != NULL && !input->com->steady ? (uint32_t)KL_REASON_UNSTEADY : 0;
    reasons |= !input->contact->has_ic || !input->contact->has_to ? (uint32_t)KL_REASON_CUT : 0;
    reasons |= (input->contact->quality & (uint32_t)KL_QUALITY_CLIPPED) != 0
                   ? (uint32_t)KL_REASON_SATURATED
                   : 0;
    reasons |= input->wrench == NULL ? (uint32_t)KL_REASON_CONTACT_RANGE : 0;
    return reasons;
}

static uint32_t level_reasons(const struct kl_knee_input *input, enum kl_knee_level level,
                              struct kl_body_lengths *length)
{
    enum kl_segment segment[5];
    uint32_t marks = 0;
    segments_of(input->window->side, segment);
    for (unsigned i = 0; i < 5; i++) {
        marks |= (parts_of[level] & 1u << i) != 0 ? input->window->segment[segment[i]].marks : 0;
    }
    uint32_t reasons = kl_motion_reasons(marks & REFUSED_MARKS);
    *length = input->length;
    if (level == KL_KNEE_K1) {
        *length = kl_body_lengths_from_height(input->height_m);
        length->ankle_offset_m = input->length.ankle_offset_m;
        reasons |= !(input->height_m > 0) ? (uint32_t)KL_REASON_NO_HEIGHT : 0;
    } else if (level == KL_KNEE_K2A) {
        reasons |= !(length->shank_m > 0) ? (uint32_t)KL_REASON_NO_LENGTHS : 0;
    } else if (level == KL_KNEE_K2B) {
        reasons |= !(length->shank_m > 0) || !(length->thigh_m > 0) || !(length->asis_width_m > 0)
                       ? (uint32_t)KL_REASON_NO_LENGTHS
                       : 0;
        reasons |= input->com == NULL ? (uint32_t)KL_REASON_NO_NEXT : 0;
    } else {
        reasons |= input->knee_m == NULL ? (uint32_t)KL_REASON_NO_SENSOR : 0;
    }
    return reasons;
}

/* -------------------------------------------------------------------- curve */

static struct kl_limb_pose pose_at(const struct kl_motion_window *window, size_t i)
{
    enum kl_segment segment[5];
    struct kl_quat q[5];
    segments_of(window->side, segment);
    for (unsigned k = 0; k < 5; k++) {
        q[k] = window->segment[segment[k]].q[i];
        q[k] = window->side == KL_SIDE_LEFT ? kl_mirror_rotation(q[k]) : q[k];
    }
    return (struct kl_limb_pose){q[0], q[1], q[2], q[3], q[4]};
}

/* z_com at an instant, of the limb as a right one. */
static double com_z_at(const struct kl_knee_input *input, double t_s)
{
    double x_m = 0;
    double y_m = 0;
    double z_m = 0;
    if (input->com != NULL) {
        kl_com_at(input->com, input->window->t0_ns + 1e9 * t_s, &x_m, &y_m, &z_m);
    }
    return input->window->side == KL_SIDE_LEFT ? -z_m : z_m;
}

static void level_of(const struct kl_knee_input *input, enum kl_knee_level level,
                     struct kl_knee_anchor anchor, struct kl_knee_result *out)
{
    static const struct kl_vec forward = {1, 0, 0};
    const struct kl_motion_window *window = input->window;
    bool left = window->side == KL_SIDE_LEFT;
    struct kl_knee_errors errors = kl_knee_errors_of(level);
    struct kl_knee_curve *curve = &out->curve;
    curve->count = window->count;
    curve->dt_s = 1 / KL_MOTION_RATE_HZ;
    curve->ic_s = window->ic_s;
    curve->to_s = window->to_s;
    double most = 0;
    out->frame = level == KL_KNEE_K1 ? KL_KNEE_LAB : KL_KNEE_SHANK;
    for (size_t i = 0; i < window->count; i++) {
        double t_s = (double)i * curve->dt_s;
        double wrench[KL_WRENCH_COUNT];
        memcpy(wrench, input->wrench[i], sizeof(wrench));
        if (left) {
            kl_knee_mirror_wrench(wrench);
        }
        struct kl_limb_pose pose = {0};
        if (parts_of[level] != 0) {
            pose = pose_at(window, i);
        }
        struct kl_vec knee;
        if (level == KL_KNEE_K3) {
            knee = left ? kl_mirror_polar(input->knee_m[i]) : input->knee_m[i];
        } else {
            anchor.com_z_m = level == KL_KNEE_K2B ? com_z_at(input, t_s) : 0;
            knee = kl_knee_centre(level, &pose, t_s, &anchor);
        }
        struct kl_vec moment = kl_knee_moment(wrench, knee);
        struct kl_vec axis =
            out->frame == KL_KNEE_SHANK ? kl_quat_rotate(pose.shank, forward) : forward;
        curve->value[i] = kl_vec_dot(axis, moment);
        double part = (t_s - window->ic_s) / (window->to_s - window->ic_s);
        if (part >= PEAK_FROM && part <= PEAK_TO && (most == 0 || curve->value[i] > most)) {
            most = curve->value[i];
            out->band_n_m = kl_knee_band(wrench, moment, &errors);
        }
    }
    if (!kl_knee_peaks_of(curve, input->mass_kg, &out->peaks)) {
        out->reasons |= (uint32_t)KL_REASON_CONTACT_RANGE;
    }
}

void kl_knee_step_of(const struct kl_knee_input *input, struct kl_knee_step *out)
{
    memset(out, 0, sizeof(*out));
    struct kl_knee_anchor anchor = {.belt_m_s = input->belt_m_s};
    uint32_t reasons = plate_reasons(input);
    if (reasons == 0 && !cop_of(input, &anchor)) {
        reasons |= (uint32_t)KL_REASON_COP_INVALID;
    }
    for (unsigned i = 0; i < KL_KNEE_LEVEL_COUNT; i++) {
        enum kl_knee_level level = (enum kl_knee_level)i;
        struct kl_knee_result *result = &out->level[level];
        result->reasons = reasons | level_reasons(input, level, &anchor.length);
        if (result->reasons == 0) {
            level_of(input, level, anchor, result);
        }
    }
}
