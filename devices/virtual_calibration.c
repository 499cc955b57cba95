#include "devices/virtual_calibration.h"

#include <gsl/gsl_math.h>

#include <math.h>

/* Angles of the movements [P], rad. Knee bends 0-60 deg (methods 9.1): thigh 35 deg forward, shank
 * 25 deg back; both well above the 0.5 rad/s of methods 9.3 with 1.6 s per bend. */
static const double bend_thigh = 0.61, bend_shank = 0.44, bend_pelvis = 0.26, bend_trunk = 0.35;
static const double bow_pelvis = 0.52, bow_trunk = 0.79;
static const double march_hip = 1.05, march_knee = 1.4, march_ankle = 0.35;
static const double march_step_s = 1.0;

/* amplitude * (1 - cos(2 pi t / period)) / 2. */
static struct kl_virtual_course rise(double amplitude, double t_s, double period_s)
{
    double w = 2 * M_PI / period_s;
    return (struct kl_virtual_course){amplitude / 2 * (1 - cos(w * t_s)),
                                      amplitude / 2 * w * sin(w * t_s),
                                      amplitude / 2 * w * w * cos(w * t_s)};
}

static void knee_bend(double t_s, struct kl_virtual_joints *joints)
{
    const double period_s = KL_VIRTUAL_KNEE_BEND_S;
    joints->pelvis.z = rise(-bend_pelvis, t_s, period_s);
    joints->trunk.z = rise(-bend_trunk, t_s, period_s);
    for (int i = 0; i < 2; i++) {
        joints->hip[i].z = rise(bend_thigh + bend_pelvis, t_s, period_s);
        joints->knee[i].z = rise(-bend_thigh - bend_shank, t_s, period_s);
        joints->ankle[i].z = rise(bend_shank, t_s, period_s);
    }
}

static void bow(double t_s, struct kl_virtual_joints *joints)
{
    joints->pelvis.z = rise(-bow_pelvis, t_s, KL_VIRTUAL_BOW_S);
    joints->trunk.z = rise(-bow_trunk, t_s, KL_VIRTUAL_BOW_S);
    for (int i = 0; i < 2; i++) {
        joints->hip[i].z = rise(bow_pelvis, t_s, KL_VIRTUAL_BOW_S);
    }
}

static void march(double t_s, struct kl_virtual_joints *joints)
{
    int i = 1 - (int)fmod(floor(t_s / march_step_s), 2); /* the right knee first, as asked */
    joints->hip[i].z = rise(march_hip, t_s, march_step_s);
    joints->knee[i].z = rise(-march_knee, t_s, march_step_s);
    joints->ankle[i].z = rise(-march_ankle, t_s, march_step_s);
}

static bool during(const struct kl_virtual_span *span, double t_s)
{
    return t_s > span->start_s && t_s < span->end_s;
}

bool kl_virtual_calibration_at(const struct kl_virtual_timeline *timeline, double t_s,
                               struct kl_virtual_joints *joints)
{
    const struct kl_virtual_span *part = timeline->part;
    if (during(&part[KL_VIRTUAL_KNEE_BENDS], t_s)) {
        knee_bend(t_s - part[KL_VIRTUAL_KNEE_BENDS].start_s, joints);
        return true;
    }
    if (during(&part[KL_VIRTUAL_BOWS], t_s)) {
        bow(t_s - part[KL_VIRTUAL_BOWS].start_s, joints);
    } else if (during(&part[KL_VIRTUAL_MARCHING], t_s)) {
        march(t_s - part[KL_VIRTUAL_MARCHING].start_s, joints);
    }
    return false;
}
