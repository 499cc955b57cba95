#include "process/motion/segment_alignment.h"

/* sin 30 deg: an axis nearer to the vertical was not a flexion axis */
#define SINE_MIN 0.5

/* Shepperd's method for the columns of a rotation: divides by the largest of the four. */
static struct kl_quat of_columns(struct kl_vec x, struct kl_vec y, struct kl_vec z)
{
    double trace = x.x + y.y + z.z;
    struct kl_quat q;
    if (trace > 0) {
        q = (struct kl_quat){1 + trace, y.z - z.y, z.x - x.z, x.y - y.x};
    } else if (x.x >= y.y && x.x >= z.z) {
        q = (struct kl_quat){y.z - z.y, 1 + x.x - y.y - z.z, y.x + x.y, z.x + x.z};
    } else if (y.y >= z.z) {
        q = (struct kl_quat){z.x - x.z, y.x + x.y, 1 + y.y - x.x - z.z, z.y + y.z};
    } else {
        q = (struct kl_quat){x.y - y.x, z.x + x.z, z.y + y.z, 1 + z.z - x.x - y.y};
    }
    return kl_quat_unit(q);
}

bool kl_segment_alignment_of(struct kl_vec up_sensor, struct kl_vec axis_sensor,
                             struct kl_quat *sensor_segment)
{
    struct kl_vec y = kl_vec_unit(up_sensor);
    struct kl_vec forward = kl_vec_cross(y, kl_vec_unit(axis_sensor));
    if (!(kl_vec_norm(forward) >= SINE_MIN)) {
        return false;
    }
    struct kl_vec x = kl_vec_unit(forward);
    *sensor_segment = of_columns(x, y, kl_vec_cross(x, y));
    return true;
}
