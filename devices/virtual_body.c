#include "devices/virtual_body.h"

#include "devices/virtual_calibration.h"

#include <math.h>
#include <string.h>

static const double waist_thighs = 0.25;            /* above the hips, of the thigh [P] */
static const double wedge_shift_m_rad = 0.0344;     /* of the centre of pressure: 0.6 mm/deg [P] */
static const double ankle_on_foot = 0.25;           /* of Lf, from the heel [P] */
static const double flat_from = 0.4, flat_to = 0.5; /* of stance: the sole is on the belt */

enum { NOMINAL = 5, SOLVE_ROUNDS = 12 }; /* each round leaves a tenth of the error or less */

static void scale_course(struct kl_virtual_course *course, double mirror)
{
    course->value *= mirror;
    course->rate *= mirror;
    course->acceleration *= mirror;
}

static void turn(struct kl_virtual_pose *pose, const struct kl_virtual_joint *joint, double mirror)
{
    struct kl_virtual_joint lab = *joint;
    scale_course(&lab.x, mirror);
    scale_course(&lab.y, mirror);
    kl_virtual_pose_turn(pose, KL_VIRTUAL_Z, &lab.z);
    kl_virtual_pose_turn(pose, KL_VIRTUAL_X, &lab.x);
    kl_virtual_pose_turn(pose, KL_VIRTUAL_Y, &lab.y);
}

static void leg(const struct kl_virtual_size *size, const struct kl_virtual_joints *joints, int i,
                struct kl_virtual_posture *out)
{
    double mirror = i == 0 ? -1 : 1;
    struct kl_virtual_pose pose = out->segment[KL_VIRTUAL_PELVIS];
    kl_virtual_pose_move(&pose, (const double[3]){0, 0, mirror * size->hip_m});
    struct kl_virtual_course back = joints->pelvis.y;
    scale_course(&back, -1);
    kl_virtual_pose_turn(&pose, KL_VIRTUAL_Y, &back);
    turn(&pose, &joints->hip[i], mirror);
    out->segment[KL_VIRTUAL_THIGH_LEFT + i] = pose;
    kl_virtual_pose_move(&pose, (const double[3]){0, -size->thigh_m, 0});
    turn(&pose, &joints->knee[i], mirror);
    out->segment[KL_VIRTUAL_SHANK_LEFT + i] = pose;
    kl_virtual_pose_move(&pose, (const double[3]){0, -size->shank_m, 0});
    turn(&pose, &joints->ankle[i], mirror);
    out->segment[KL_VIRTUAL_FOOT_LEFT + i] = pose;
}

static void set_course(struct kl_virtual_pose *pose, int i, const struct kl_virtual_course *course)
{
    pose->p_m[i] = course->value;
    pose->v_m_s[i] = course->rate;
    pose->a_m_s2[i] = course->acceleration;
}

/* Where the pelvis is: standing place + gain * (running place - standing place). */
static void place_pelvis(const struct kl_virtual_body *body,
                         const struct kl_virtual_contact *contact, size_t count, double t_s,
                         const struct kl_virtual_joints *joints, struct kl_virtual_pose *pelvis)
{
    struct kl_virtual_course away[3];
    memset(away, 0, sizeof(away));
    const struct kl_virtual_course *gain = &joints->gain;
    if (gain->value > 0) {
        size_t at = kl_virtual_step_at(contact, count, t_s);
        kl_virtual_mass_at(&body->mass, contact, at, t_s, away);
    }
    for (int i = 0; i < 3; i++) {
        struct kl_virtual_course *a = &away[i];
        a->value += body->run_m[i] - body->stand_m[i];
        struct kl_virtual_course place = {body->stand_m[i] + gain->value * a->value,
                                          gain->rate * a->value + gain->value * a->rate,
                                          gain->acceleration * a->value + 2 * gain->rate * a->rate +
                                              gain->value * a->acceleration};
        if (i == 2) {
            place.value += joints->shift_z.value;
            place.rate += joints->shift_z.rate;
            place.acceleration += joints->shift_z.acceleration;
        }
        set_course(pelvis, i, &place);
    }
}

/* Moves everything so that the left ankle is where it is while standing. */
static void keep_feet(const struct kl_virtual_body *body, struct kl_virtual_posture *out)
{
    struct kl_virtual_pose ankle = out->segment[KL_VIRTUAL_FOOT_LEFT];
    double stand_m[3] = {body->stand_m[0], body->size.ankle_m, body->stand_m[2] - body->size.hip_m};
    for (int k = 0; k < KL_VIRTUAL_SEGMENT_COUNT; k++) {
        struct kl_virtual_pose *pose = &out->segment[k];
        for (int i = 0; i < 3; i++) {
            pose->p_m[i] -= ankle.p_m[i] - stand_m[i];
            pose->v_m_s[i] -= ankle.v_m_s[i];
            pose->a_m_s2[i] -= ankle.a_m_s2[i];
        }
    }
}

void kl_virtual_body_at(const struct kl_virtual_body *body,
                        const struct kl_virtual_contact *contact, size_t count, double t_s,
                        struct kl_virtual_posture *out)
{
    struct kl_virtual_joints joints;
    kl_virtual_joints_at(&body->swing, contact, count, t_s, &joints);
    out->gain = joints.gain.value;
    bool down = kl_virtual_calibration_at(&body->timeline, t_s, &joints);

    struct kl_virtual_pose pelvis = kl_virtual_pose_rest();
    place_pelvis(body, contact, count, t_s, &joints, &pelvis);
    turn(&pelvis, &joints.pelvis, 1);
    out->segment[KL_VIRTUAL_PELVIS] = pelvis;

    struct kl_virtual_pose trunk = kl_virtual_pose_rest(); /* its angles are against the lab */
    kl_virtual_pose_move(&pelvis, (const double[3]){0, waist_thighs * body->size.thigh_m, 0});
    memcpy(trunk.p_m, pelvis.p_m, sizeof(trunk.p_m));
    memcpy(trunk.v_m_s, pelvis.v_m_s, sizeof(trunk.v_m_s));
    memcpy(trunk.a_m_s2, pelvis.a_m_s2, sizeof(trunk.a_m_s2));
    turn(&trunk, &joints.trunk, 1);
    out->segment[KL_VIRTUAL_TRUNK] = trunk;

    for (int i = 0; i < 2; i++) {
        leg(&body->size, &joints, i, out);
    }
    if (down) {
        keep_feet(body, out);
    }
}

/* ---------------------------------------------------------- feet where the forces are */

/* The sole under the ankle, lab. */
static void sole_at(const struct kl_virtual_body *body, const struct kl_virtual_contact *contact,
                    const struct kl_virtual_contact *own, double s, double out[3])
{
    struct kl_virtual_posture posture;
    kl_virtual_body_at(body, contact, NOMINAL, own->onset_s + s * own->contact_time_s, &posture);
    struct kl_virtual_pose *foot =
        &posture.segment[kl_virtual_limb(KL_VIRTUAL_FOOT_LEFT, own->side)];
    kl_virtual_pose_move(foot, (const double[3]){0, -body->size.ankle_m, 0});
    memcpy(out, foot->p_m, 3 * sizeof(out[0]));
}

/* One round: the pelvis by both feet, hip adduction by each. */
static void solve_round(struct kl_virtual_body *body, const struct kl_virtual_runner *runner,
                        const struct kl_virtual_contact *contact)
{
    double leg_m = body->size.thigh_m + body->size.shank_m + body->size.ankle_m;
    double shift_m[2] = {0, 0};
    double adduction[2];
    for (int i = 0; i < 2; i++) {
        const struct kl_virtual_contact *own = &contact[2 + i];
        double low[3];
        double flat[3];
        sole_at(body, contact, own, flat_from, low);
        sole_at(body, contact, own, flat_to, flat);
        double x_m = own->x_ic_m - flat_to * own->speed_m_s * own->contact_time_s +
                     ankle_on_foot * own->foot_length_m;
        shift_m[0] += (x_m - flat[0]) / 2;
        shift_m[1] -= low[1] / 2;
        double mirror = kl_virtual_mirror(own->side);
        double beside_m = runner->ankle_cop_offset_m[i] - wedge_shift_m_rad * runner->wedge_rad[i];
        adduction[i] = mirror * (flat[2] - own->z_foot_m) + beside_m;
    }
    for (int i = 0; i < 2; i++) {
        body->run_m[i] += shift_m[i];
        body->swing.hip_adduction_rad[i] += adduction[i] / leg_m;
    }
}

void kl_virtual_body_init(struct kl_virtual_body *body, const struct kl_virtual_runner *runner)
{
    memset(body, 0, sizeof(*body));
    body->timeline = kl_virtual_timeline(runner);
    body->size = kl_virtual_size(runner);
    kl_virtual_mass_init(&body->mass, runner);
    double hip_m = body->size.thigh_m + body->size.shank_m + body->size.ankle_m;
    const double place[3] = {runner->com_x_m, hip_m, runner->com_z_m};
    memcpy(body->stand_m, place, sizeof(place));
    memcpy(body->run_m, place, sizeof(place));

    /* the mean strides, long after the start */
    kl_virtual_swing_init(&body->swing, runner, -1e3);
    struct kl_virtual_contact contact[NOMINAL];
    double onset_s = 0;
    for (int k = 0; k < NOMINAL; k++) {
        int i = k % 2;
        contact[k] = kl_virtual_contact(runner, i == 0 ? KL_SIDE_LEFT : KL_SIDE_RIGHT, onset_s,
                                        runner->step_time_s[i], runner->contact_time_s[i]);
        onset_s += runner->step_time_s[i];
    }
    struct kl_virtual_timeline timeline = body->timeline;
    memset(&body->timeline, 0, sizeof(body->timeline)); /* no calibration meanwhile */
    for (int round = 0; round < SOLVE_ROUNDS; round++) {
        solve_round(body, runner, contact);
    }
    body->timeline = timeline;
    body->swing.start_s = body->timeline.leave_s;
}

void kl_virtual_body_kam(const struct kl_virtual_posture *posture,
                         const struct kl_virtual_contact *contact, double t_s, double out[])
{
    double wrench[KL_WRENCH_COUNT];
    kl_virtual_contact_wrench(contact, t_s, wrench);
    const struct kl_virtual_pose *shank =
        &posture->segment[kl_virtual_limb(KL_VIRTUAL_SHANK_LEFT, contact->side)];
    const struct kl_virtual_pose *thigh =
        &posture->segment[kl_virtual_limb(KL_VIRTUAL_THIGH_LEFT, contact->side)];
    const double *knee = shank->p_m;
    /* the wrench about the lab origin, moved to the knee: M - knee x F */
    const double *f = &wrench[KL_FX];
    const double moment[3] = {wrench[KL_MX] - (knee[1] * f[2] - knee[2] * f[1]),
                              wrench[KL_MY] - (knee[2] * f[0] - knee[0] * f[2]),
                              wrench[KL_MZ] - (knee[0] * f[1] - knee[1] * f[0])};
    double mirror = kl_virtual_mirror(contact->side);
    out[KL_VIRTUAL_FRAME_SHANK] = 0;
    out[KL_VIRTUAL_FRAME_THIGH] = 0;
    for (int i = 0; i < 3; i++) {
        out[KL_VIRTUAL_FRAME_SHANK] += mirror * shank->r[i][0] * moment[i];
        out[KL_VIRTUAL_FRAME_THIGH] += mirror * thigh->r[i][0] * moment[i];
    }
    out[KL_VIRTUAL_FRAME_LAB] = mirror * moment[0];
}
