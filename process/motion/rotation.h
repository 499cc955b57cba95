/* Vectors and rotations: the few operations that motion and knee arithmetic are made of.
 *
 * A quaternion q = (w, x, y, z) of unit length rotates a vector from the frame named second to the
 * frame named first: v_first = rotate(q_first_second, v_second), and frames chain:
 * q_ac = q_ab * q_bc. Threads: any. RT safe.
 */
#ifndef KL_PROCESS_MOTION_ROTATION_H
#define KL_PROCESS_MOTION_ROTATION_H

#include <math.h>

struct kl_vec {
    double x, y, z;
};

struct kl_quat {
    double w, x, y, z;
};

/** Rows and columns from 0: m[row][column]. */
struct kl_matrix {
    double m[3][3];
};

static inline struct kl_vec kl_vec_add(struct kl_vec a, struct kl_vec b)
{
    return (struct kl_vec){a.x + b.x, a.y + b.y, a.z + b.z};
}

static inline struct kl_vec kl_vec_sub(struct kl_vec a, struct kl_vec b)
{
    return (struct kl_vec){a.x - b.x, a.y - b.y, a.z - b.z};
}

static inline struct kl_vec kl_vec_scale(struct kl_vec a, double k)
{
    return (struct kl_vec){k * a.x, k * a.y, k * a.z};
}

static inline double kl_vec_dot(struct kl_vec a, struct kl_vec b)
{
    return a.x * b.x + a.y * b.y + a.z * b.z;
}

static inline struct kl_vec kl_vec_cross(struct kl_vec a, struct kl_vec b)
{
    return (struct kl_vec){a.y * b.z - a.z * b.y, a.z * b.x - a.x * b.z, a.x * b.y - a.y * b.x};
}

static inline double kl_vec_norm(struct kl_vec a)
{
    return sqrt(kl_vec_dot(a, a));
}

/** Of unit length; a vector without length stays as it is. */
static inline struct kl_vec kl_vec_unit(struct kl_vec a)
{
    double norm = kl_vec_norm(a);
    return norm > 0 ? kl_vec_scale(a, 1 / norm) : a;
}

static inline struct kl_quat kl_quat_mul(struct kl_quat a, struct kl_quat b)
{
    return (struct kl_quat){
        a.w * b.w - a.x * b.x - a.y * b.y - a.z * b.z,
        a.w * b.x + a.x * b.w + a.y * b.z - a.z * b.y,
        a.w * b.y - a.x * b.z + a.y * b.w + a.z * b.x,
        a.w * b.z + a.x * b.y - a.y * b.x + a.z * b.w,
    };
}

/** The inverse of a unit quaternion. */
static inline struct kl_quat kl_quat_conj(struct kl_quat q)
{
    return (struct kl_quat){q.w, -q.x, -q.y, -q.z};
}

static inline struct kl_quat kl_quat_unit(struct kl_quat q)
{
    double norm = sqrt(q.w * q.w + q.x * q.x + q.y * q.y + q.z * q.z);
    double k = norm > 0 ? 1 / norm : 1;
    return (struct kl_quat){k * q.w, k * q.x, k * q.y, k * q.z};
}

/** q v q*. */
static inline struct kl_vec kl_quat_rotate(struct kl_quat q, struct kl_vec v)
{
    struct kl_vec u = {q.x, q.y, q.z};
    struct kl_vec t = kl_vec_scale(kl_vec_cross(u, v), 2);
    return kl_vec_add(kl_vec_add(v, kl_vec_scale(t, q.w)), kl_vec_cross(u, t));
}

/** Turn about an axis of unit length by angle_rad, right-handed. */
static inline struct kl_quat kl_quat_about(struct kl_vec axis, double angle_rad)
{
    double s = sin(angle_rad / 2);
    return (struct kl_quat){cos(angle_rad / 2), s * axis.x, s * axis.y, s * axis.z};
}

/** Columns are the axes of the second frame, seen in the first. */
static inline struct kl_matrix kl_quat_matrix(struct kl_quat q)
{
    return (struct kl_matrix){{
        {1 - 2 * (q.y * q.y + q.z * q.z), 2 * (q.x * q.y - q.w * q.z), 2 * (q.x * q.z + q.w * q.y)},
        {2 * (q.x * q.y + q.w * q.z), 1 - 2 * (q.x * q.x + q.z * q.z), 2 * (q.y * q.z - q.w * q.x)},
        {2 * (q.x * q.z - q.w * q.y), 2 * (q.y * q.z + q.w * q.x), 1 - 2 * (q.x * q.x + q.y * q.y)},
    }};
}

#endif
