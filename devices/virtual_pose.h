/* The motion of a rigid body, built turn by turn along a chain: orientation, position and both
 * derivatives, exact (no differences).
 *
 * Frames: columns of r are the body's axes in the lab; angular rate and acceleration are in the
 * body's own frame, position, velocity and acceleration of its origin in the lab. Caller's memory,
 * no allocation. Threads: any.
 */
#ifndef KL_DEVICES_VIRTUAL_POSE_H
#define KL_DEVICES_VIRTUAL_POSE_H

/** A quantity that changes with time, with its derivatives: rad, rad/s, rad/s^2 or m, m/s, m/s^2.
 */
struct kl_virtual_course {
    double value, rate, acceleration;
};

struct kl_virtual_pose {
    double r[3][3];                  /* body to lab */
    double w_rad_s[3], dw_rad_s2[3]; /* body frame */
    double p_m[3], v_m_s[3], a_m_s2[3];
};

enum kl_virtual_axis { KL_VIRTUAL_X = 0, KL_VIRTUAL_Y, KL_VIRTUAL_Z };

/** At rest at the lab origin, axes along the lab's. */
struct kl_virtual_pose kl_virtual_pose_rest(void);

/** Turns the body about one of its own axes by an angle that changes with time. */
void kl_virtual_pose_turn(struct kl_virtual_pose *pose, enum kl_virtual_axis axis,
                          const struct kl_virtual_course *angle);

/** Moves the origin to a point that is fixed in the body.
 *  @param r_m  in [3] body frame */
void kl_virtual_pose_move(struct kl_virtual_pose *pose, const double r_m[3]);

/** What an accelerometer at the origin measures, axes of the body: R^T (a + g Y), m/s^2. */
void kl_virtual_pose_specific_force(const struct kl_virtual_pose *pose, double out[3]);

/** Angles of R = Rz(al) Rx(be) Ry(ga), methods 9.5: out = {al, be, ga}, rad. */
void kl_virtual_angles_of(const double r[3][3], double out[3]);

/** a^T b: the orientation of b seen from a. */
void kl_virtual_relative(const double a[3][3], const double b[3][3], double out[3][3]);

#endif
