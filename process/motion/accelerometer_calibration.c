#include "process/motion/accelerometer_calibration.h"

#include "process/motion/still_pose.h"

#include <math.h>

#define UNKNOWNS 6
#define ROUNDS 20
#define POSE_COSINE 0.70710678118654752 /* an axis counts as up within 45 deg */
#define BIAS_MAX_M_S2 2.0               /* data sheets: below 0.1 g */
#define SCALE_MAX 0.2                   /* data sheets: below 3 % */

static const char axis_name[] = "xyz";

static void components(struct kl_vec v, double out[3])
{
    out[0] = v.x;
    out[1] = v.y;
    out[2] = v.z;
}

/* The pose in which an axis points most up (sign +1) or down (-1); count: none. */
static size_t pose_of(const struct kl_vec *mean, size_t count, int axis, int sign)
{
    size_t best = count;
    double most = POSE_COSINE;
    for (size_t i = 0; i < count; i++) {
        double a[3];
        components(kl_vec_unit(mean[i]), a);
        if (sign * a[axis] > most) {
            most = sign * a[axis];
            best = i;
        }
    }
    return best;
}

/* Solves a x = b in place, a symmetric and positive; false: singular. */
static bool solve(double a[UNKNOWNS][UNKNOWNS], double b[UNKNOWNS])
{
    for (int p = 0; p < UNKNOWNS; p++) {
        int pivot = p;
        for (int r = p + 1; r < UNKNOWNS; r++) {
            pivot = fabs(a[r][p]) > fabs(a[pivot][p]) ? r : pivot;
        }
        if (!(fabs(a[pivot][p]) > 1e-9)) {
            return false;
        }
        for (int c = 0; c < UNKNOWNS; c++) {
            double swap = a[p][c];
            a[p][c] = a[pivot][c];
            a[pivot][c] = swap;
        }
        double swap = b[p];
        b[p] = b[pivot];
        b[pivot] = swap;
        for (int r = 0; r < UNKNOWNS; r++) {
            double k = r == p ? 0 : a[r][p] / a[p][p];
            for (int c = p; c < UNKNOWNS; c++) {
                a[r][c] -= k * a[p][c];
            }
            b[r] -= k * b[p];
        }
    }
    for (int p = 0; p < UNKNOWNS; p++) {
        b[p] /= a[p][p];
    }
    return true;
}

/* One Gauss-Newton step on bias [0..2] and scale [3..5]. */
static bool improve(const struct kl_vec *mean, size_t count, double x[UNKNOWNS])
{
    double normal[UNKNOWNS][UNKNOWNS] = {{0}};
    double right[UNKNOWNS] = {0};
    for (size_t i = 0; i < count; i++) {
        double a[3];
        components(mean[i], a);
        double row[UNKNOWNS];
        double e = KL_GRAVITY_M_S2 * KL_GRAVITY_M_S2;
        for (int c = 0; c < 3; c++) {
            double d = a[c] - x[c];
            e -= x[c + 3] * x[c + 3] * d * d;
            row[c] = -2 * x[c + 3] * x[c + 3] * d;
            row[c + 3] = 2 * x[c + 3] * d * d;
        }
        for (int r = 0; r < UNKNOWNS; r++) {
            for (int c = 0; c < UNKNOWNS; c++) {
                normal[r][c] += row[r] * row[c];
            }
            right[r] += row[r] * e;
        }
    }
    if (!solve(normal, right)) {
        return false;
    }
    for (int i = 0; i < UNKNOWNS; i++) {
        x[i] += right[i];
    }
    return true;
}

static int start(const struct kl_vec *mean, size_t count, double x[UNKNOWNS],
                 struct kl_fault *fault)
{
    for (int axis = 0; axis < 3; axis++) {
        size_t up = pose_of(mean, count, axis, 1);
        size_t down = pose_of(mean, count, axis, -1);
        if (up == count || down == count) {
            return kl_fault(fault, KL_ERR_DATA,
                            "accelerometer: six positions: no still pose with %c %s; add it",
                            axis_name[axis], up == count ? "up" : "down");
        }
        double high[3];
        double low[3];
        components(mean[up], high);
        components(mean[down], low);
        x[axis] = (high[axis] + low[axis]) / 2;
        x[axis + 3] = 2 * KL_GRAVITY_M_S2 / (high[axis] - low[axis]);
    }
    return KL_OK;
}

int kl_accelerometer_calibrate(const struct kl_vec *mean_m_s2, size_t count,
                               struct kl_accelerometer_calibration *out, struct kl_fault *fault)
{
    if (count < KL_ACCELEROMETER_POSES_MIN || count > KL_ACCELEROMETER_POSES_MAX) {
        return kl_fault(fault, KL_ERR_ARG, "accelerometer: expected %d to %d poses, found %zu",
                        KL_ACCELEROMETER_POSES_MIN, KL_ACCELEROMETER_POSES_MAX, count);
    }
    double x[UNKNOWNS] = {0};
    int status = start(mean_m_s2, count, x, fault);
    if (status < 0) {
        return status;
    }
    bool good = true;
    for (int i = 0; good && i < ROUNDS; i++) {
        good = improve(mean_m_s2, count, x);
    }
    for (int c = 0; good && c < 3; c++) {
        good = fabs(x[c]) <= BIAS_MAX_M_S2 && fabs(x[c + 3] - 1) <= SCALE_MAX;
    }
    if (!good) {
        return kl_fault(fault, KL_ERR_DATA,
                        "accelerometer: six positions: no bias below %.0f m/s^2 and scale within "
                        "%.0f %% fits; check unit and range, repeat with the sensor still",
                        BIAS_MAX_M_S2, 100 * SCALE_MAX);
    }
    struct kl_accelerometer_calibration made = {.bias_m_s2 = {x[0], x[1], x[2]},
                                                .scale = {x[3], x[4], x[5]}};
    for (size_t i = 0; i < count; i++) {
        double off = kl_vec_norm(kl_accelerometer_apply(&made, mean_m_s2[i]));
        made.residual_m_s2 = fmax(made.residual_m_s2, fabs(off - KL_GRAVITY_M_S2));
    }
    *out = made;
    return KL_OK;
}
