#include "process/motion/functional_axis.h"

#define SWEEPS 12 /* Jacobi converges quadratically: 3x3 needs 5 or 6 */

void kl_axis_moment_add(struct kl_axis_moment *moment, struct kl_vec w_rad_s)
{
    const double w[3] = {w_rad_s.x, w_rad_s.y, w_rad_s.z};
    for (size_t i = 0; i < 3; i++) {
        for (size_t k = 0; k < 3; k++) {
            moment->sum.m[i][k] += w[i] * w[k];
        }
    }
    moment->count++;
}

/* Turns the p-q plane so that a[p][q] becomes zero; v collects the turns. */
static void rotate_plane(double a[3][3], double v[3][3], size_t p, size_t q)
{
    if (a[p][q] == 0) {
        return;
    }
    double theta = (a[q][q] - a[p][p]) / (2 * a[p][q]);
    double t = (theta >= 0 ? 1 : -1) / (fabs(theta) + sqrt(theta * theta + 1));
    double c = 1 / sqrt(t * t + 1);
    double s = t * c;
    for (size_t k = 0; k < 3; k++) {
        double kp = a[k][p];
        double kq = a[k][q];
        a[k][p] = c * kp - s * kq;
        a[k][q] = s * kp + c * kq;
    }
    for (size_t k = 0; k < 3; k++) {
        double pk = a[p][k];
        double qk = a[q][k];
        a[p][k] = c * pk - s * qk;
        a[q][k] = s * pk + c * qk;
        double vp = v[k][p];
        double vq = v[k][q];
        v[k][p] = c * vp - s * vq;
        v[k][q] = s * vp + c * vq;
    }
}

bool kl_axis_moment_get(const struct kl_axis_moment *moment, struct kl_vec *axis, double *quality)
{
    struct kl_matrix a = moment->sum;
    double total = a.m[0][0] + a.m[1][1] + a.m[2][2];
    if (moment->count == 0 || !(total > 0) || !isfinite(total)) {
        return false;
    }
    double v[3][3] = {{1, 0, 0}, {0, 1, 0}, {0, 0, 1}};
    for (int sweep = 0; sweep < SWEEPS; sweep++) {
        rotate_plane(a.m, v, 0, 1);
        rotate_plane(a.m, v, 0, 2);
        rotate_plane(a.m, v, 1, 2);
    }
    size_t best = 0;
    for (size_t k = 1; k < 3; k++) {
        best = a.m[k][k] > a.m[best][best] ? k : best;
    }
    *axis = kl_vec_unit((struct kl_vec){v[0][best], v[1][best], v[2][best]});
    *quality = a.m[best][best] / total;
    return true;
}
