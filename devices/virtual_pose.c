#include "devices/virtual_pose.h"

#include "devices/virtual_runner.h"

#include <math.h>

struct kl_virtual_pose kl_virtual_pose_rest(void)
{
    return (struct kl_virtual_pose){.r = {{1, 0, 0}, {0, 1, 0}, {0, 0, 1}}};
}

/* A vector's components i, j after the frame turned about the third axis. */
static void into_turned(double *v, int i, int j, double c, double s)
{
    double vi = c * v[i] + s * v[j];
    v[j] = c * v[j] - s * v[i];
    v[i] = vi;
}

void kl_virtual_pose_turn(struct kl_virtual_pose *pose, enum kl_virtual_axis axis,
                          const struct kl_virtual_course *angle)
{
    int k = (int)axis;
    int i = (k + 1) % 3;
    int j = (k + 2) % 3;
    double c = cos(angle->value);
    double s = sin(angle->value);
    for (int row = 0; row < 3; row++) {
        into_turned(pose->r[row], i, j, c, s);
    }
    into_turned(pose->w_rad_s, i, j, c, s);
    into_turned(pose->dw_rad_s2, i, j, c, s);
    /* the old rate, carried in a turning frame: - rate e_k x w */
    pose->dw_rad_s2[i] += angle->rate * pose->w_rad_s[j];
    pose->dw_rad_s2[j] -= angle->rate * pose->w_rad_s[i];
    pose->w_rad_s[k] += angle->rate;
    pose->dw_rad_s2[k] += angle->acceleration;
}

static void cross(const double a[3], const double b[3], double out[3])
{
    out[0] = a[1] * b[2] - a[2] * b[1];
    out[1] = a[2] * b[0] - a[0] * b[2];
    out[2] = a[0] * b[1] - a[1] * b[0];
}

void kl_virtual_pose_move(struct kl_virtual_pose *pose, const double r_m[3])
{
    double velocity[3];
    double tangential[3];
    double centripetal[3];
    cross(pose->w_rad_s, r_m, velocity);
    cross(pose->dw_rad_s2, r_m, tangential);
    cross(pose->w_rad_s, velocity, centripetal);
    for (int row = 0; row < 3; row++) {
        for (int i = 0; i < 3; i++) {
            pose->p_m[row] += pose->r[row][i] * r_m[i];
            pose->v_m_s[row] += pose->r[row][i] * velocity[i];
            pose->a_m_s2[row] += pose->r[row][i] * (tangential[i] + centripetal[i]);
        }
    }
}

void kl_virtual_pose_specific_force(const struct kl_virtual_pose *pose, double out[3])
{
    for (int i = 0; i < 3; i++) {
        out[i] = pose->r[0][i] * pose->a_m_s2[0] +
                 pose->r[1][i] * (pose->a_m_s2[1] + KL_GRAVITY_M_S2) +
                 pose->r[2][i] * pose->a_m_s2[2];
    }
}

void kl_virtual_angles_of(const double r[3][3], double out[3])
{
    out[0] = atan2(-r[0][1], r[1][1]);
    out[1] = asin(fmin(fmax(r[2][1], -1), 1));
    out[2] = atan2(-r[2][0], r[2][2]);
}

void kl_virtual_relative(const double a[3][3], const double b[3][3], double out[3][3])
{
    for (int i = 0; i < 3; i++) {
        for (int j = 0; j < 3; j++) {
            out[i][j] = a[0][i] * b[0][j] + a[1][i] * b[1][j] + a[2][i] * b[2][j];
        }
    }
}
