#include "process/force/cop.h"

#include "process/force/contact_curve.h"

#include <math.h>

/* Methods 7.2. */
#define COP_SD_MAX_M 0.005
#define COP_FORCE_MIN_N 100.0

#define LANDING_PART 0.20 /* of stance, methods 5 */

bool kl_cop_of_wrench(const double wrench[KL_WRENCH_COUNT], double depth_m, struct kl_cop *out)
{
    double force = wrench[KL_FY];
    if (!(fabs(force) > 0) || !isfinite(force)) {
        return false;
    }
    double z = (depth_m * wrench[KL_FZ] - wrench[KL_MX]) / force;
    double x = (wrench[KL_MZ] + depth_m * wrench[KL_FX]) / force;
    *out = (struct kl_cop){
        .x_m = x,
        .z_m = z,
        .free_moment_n_m = wrench[KL_MY] - z * wrench[KL_FX] + x * wrench[KL_FZ],
    };
    return true;
}

bool kl_cop_of_sample(const struct kl_contact *contact, size_t index, struct kl_cop *out)
{
    struct kl_cop cop;
    double force = contact->wrench[index][KL_FY];
    if (!(force >= COP_FORCE_MIN_N) || !kl_cop_of_wrench(contact->wrench[index], 0.0, &cop)) {
        return false;
    }
    if (contact->has_flight_sd && !contact->point_given) {
        const double *sd = contact->flight_sd;
        double var_f = sd[KL_FY] * sd[KL_FY];
        double var_z = sd[KL_MX] * sd[KL_MX] + cop.z_m * cop.z_m * var_f +
                       2 * cop.z_m * contact->flight_covariance_mx_fy;
        double var_x = sd[KL_MZ] * sd[KL_MZ] + cop.x_m * cop.x_m * var_f -
                       2 * cop.x_m * contact->flight_covariance_mz_fy;
        cop.sd_z_m = sqrt(fmax(0, var_z)) / force;
        cop.sd_x_m = sqrt(fmax(0, var_x)) / force;
        if (!(cop.sd_z_m <= COP_SD_MAX_M) || !(cop.sd_x_m <= COP_SD_MAX_M)) {
            return false;
        }
    }
    *out = cop;
    return true;
}

bool kl_cop_mean_z(const struct kl_contact *contact, double *z_m)
{
    double weight = 0;
    double sum = 0;
    for (size_t i = 0; i < contact->count; i++) {
        struct kl_cop cop;
        if (kl_cop_of_sample(contact, i, &cop)) {
            weight += contact->wrench[i][KL_FY];
            sum += contact->wrench[i][KL_FY] * cop.z_m;
        }
    }
    if (!(weight > 0)) {
        return false;
    }
    *z_m = sum / weight;
    return true;
}

bool kl_cop_landing_x(const struct kl_contact *contact, double speed_m_s, double *x_m)
{
    if (!contact->has_ic || !contact->has_to) {
        return false;
    }
    double duration = kl_contact_duration(contact);
    double until = duration;
    double sum = 0;
    size_t n = 0;
    for (size_t i = 0; i < contact->count && kl_contact_time(contact, i) <= until; i++) {
        struct kl_cop cop;
        double t = kl_contact_time(contact, i);
        if (t < 0 || !kl_cop_of_sample(contact, i, &cop)) {
            continue;
        }
        if (n == 0) {
            until = fmin(duration, t + LANDING_PART * duration);
        }
        sum += cop.x_m + speed_m_s * t;
        n++;
    }
    if (n == 0) {
        return false;
    }
    *x_m = sum / (double)n;
    return true;
}
