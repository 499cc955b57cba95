#include "devices/virtual_parameters.h"

#include <gsl/gsl_math.h>

#include <math.h>
#include <string.h>

static const double deg = M_PI / 180;

const struct kl_virtual_parameter *kl_virtual_parameters(size_t *count)
{
#define AT(member) offsetof(struct kl_virtual_runner, member)
#define DEG (M_PI / 180)
#define MOUNTING(name, segment)                                                                    \
    {                                                                                              \
        "mounting_" name "_deg", AT(mounting_rad[segment]), 3, -360, 360, DEG                      \
    }
    /* Limits [P]: wide enough for every runner, narrow enough to catch a wrong unit. */
    static const struct kl_virtual_parameter table[] = {
        {"eversion_deg", AT(eversion_rad), 2, -30, 30, DEG},
        {"contact_inversion_deg", AT(contact_inversion_rad), 2, -20, 20, DEG},
        {"tibial_rotation_deg", AT(tibial_rotation_rad), 2, -30, 30, DEG},
        {"valgus_deg", AT(valgus_rad), 2, -20, 20, DEG},
        {"hip_adduction_deg", AT(hip_adduction_rad), 2, -20, 25, DEG},
        {"pelvic_drop_deg", AT(pelvic_drop_rad), 2, -15, 20, DEG},
        {"trunk_sway_deg", AT(trunk_sway_rad), 2, -30, 30, DEG},
        {"knee_varus_deg", AT(knee_varus_rad), 2, -15, 15, DEG},
        {"knee_flexion_offset_deg", AT(knee_flexion_offset_rad), 2, -15, 30, DEG},
        {"trunk_lean_deg", AT(trunk_lean_rad), 1, -20, 45, DEG},
        {"trunk_rotation_deg", AT(trunk_rotation_rad), 1, -40, 40, DEG},
        {"pelvis_rotation_deg", AT(pelvis_rotation_rad), 1, -30, 30, DEG},
        {"ankle_cop_offset_m", AT(ankle_cop_offset_m), 2, -0.05, 0.05, 1},
        {"wedge_deg", AT(wedge_rad), 2, -15, 15, DEG},
        {"angle_cv", AT(angle_cv), 1, 0, 0.25, 1},
        {"angle_phi", AT(angle_phi), 1, -0.99, 0.99, 1},
        {"inter_asis_m", AT(inter_asis_m), 1, 0.1, 0.5, 1},
        {"emg_rate_hz", AT(emg_rate_hz), 1, 1000, 50000, 1},
        {"treadmill_rate_hz", AT(treadmill_rate_hz), 1, 0.5, 1000, 1},
        {"tibial_shock_m_s2", AT(tibial_shock_m_s2), 2, 0, 2000, 1},
        {"soft_tissue_deg", AT(soft_tissue_rad), 1, 0, 10, DEG},
        {"accelerometer_range_m_s2", AT(accelerometer_range_m_s2), 1, 10, 1e4, 1},
        {"gyro_range_deg_s", AT(gyro_range_rad_s), 1, 100, 1e4, DEG},
        {"vmo_delay_s", AT(vmo_delay_s), 2, -0.05, 0.05, 1},
        {"vmo_gain", AT(vmo_gain), 2, 0.1, 1.6, 1},
        {"emg_snr", AT(emg_snr), 1, 1, 1000, 1},
        {"crosstalk", AT(crosstalk), 1, 0, 1, 1},
        {"hum_v", AT(hum_v), 1, 0, 0.01, 1},
        {"belt_variation", AT(belt_variation), 1, 0, 0.2, 1},
        {"incline_deg", AT(incline_rad), 1, -15, 15, DEG},
        {"still_s", AT(still_s), 1, 0, 120, 1},
        {"knee_bends", AT(knee_bends), 1, 0, 50, 1},
        {"bows", AT(bows), 1, 0, 50, 1},
        {"marching_s", AT(marching_s), 1, 0, 300, 1},
        {"mvc_trials", AT(mvc_trials), 1, 0, 10, 1},
        MOUNTING("trunk", KL_VIRTUAL_TRUNK),
        MOUNTING("pelvis", KL_VIRTUAL_PELVIS),
        MOUNTING("thigh_left", KL_VIRTUAL_THIGH_LEFT),
        MOUNTING("thigh_right", KL_VIRTUAL_THIGH_RIGHT),
        MOUNTING("shank_left", KL_VIRTUAL_SHANK_LEFT),
        MOUNTING("shank_right", KL_VIRTUAL_SHANK_RIGHT),
        MOUNTING("foot_left", KL_VIRTUAL_FOOT_LEFT),
        MOUNTING("foot_right", KL_VIRTUAL_FOOT_RIGHT),
    };
#undef AT
#undef DEG
#undef MOUNTING
    *count = sizeof(table) / sizeof(table[0]);
    return table;
}

static size_t place(const struct kl_virtual_parameter *parameter, unsigned i)
{
    return parameter->offset + i * sizeof(double);
}

double kl_virtual_parameter_get(const struct kl_virtual_runner *runner,
                                const struct kl_virtual_parameter *parameter, unsigned i)
{
    double value = 0;
    memcpy(&value, (const char *)runner + place(parameter, i), sizeof(value));
    return value / parameter->si;
}

void kl_virtual_parameter_set(struct kl_virtual_runner *runner,
                              const struct kl_virtual_parameter *parameter, unsigned i,
                              double value)
{
    double si = value * parameter->si;
    memcpy((char *)runner + place(parameter, i), &si, sizeof(si));
}

static int check_one(const struct kl_virtual_runner *runner,
                     const struct kl_virtual_parameter *parameter, struct kl_fault *fault)
{
    const double slack = 1e-9; /* of the limit: there and back through radians */
    for (unsigned i = 0; i < parameter->count; i++) {
        double value = kl_virtual_parameter_get(runner, parameter, i);
        double low = parameter->low - slack * fabs(parameter->low);
        double high = parameter->high + slack * fabs(parameter->high);
        if (!(value >= low && value <= high)) { /* NaN fails too */
            return kl_fault(fault, KL_ERR_RANGE, "virtual_runner: %s is %g; allowed are %g to %g",
                            parameter->key, value, parameter->low, parameter->high);
        }
    }
    return KL_OK;
}

int kl_virtual_parameters_check(const struct kl_virtual_runner *runner, struct kl_fault *fault)
{
    size_t count = 0;
    const struct kl_virtual_parameter *parameter = kl_virtual_parameters(&count);
    for (size_t k = 0; k < count; k++) {
        int status = check_one(runner, &parameter[k], fault);
        if (status != KL_OK) {
            return status;
        }
    }
    const double whole[] = {runner->knee_bends, runner->bows, runner->mvc_trials};
    for (size_t k = 0; k < sizeof(whole) / sizeof(whole[0]); k++) {
        if (whole[k] != floor(whole[k])) {
            return kl_fault(fault, KL_ERR_RANGE,
                            "virtual_runner: knee_bends, bows and mvc_trials are counted: %g is "
                            "not a whole number",
                            whole[k]);
        }
    }
    if ((runner->sensors & ~KL_VIRTUAL_SENSORS_ALL) != 0) {
        return kl_fault(fault, KL_ERR_RANGE, "virtual_runner: no such sensors: 0x%x",
                        runner->sensors & ~KL_VIRTUAL_SENSORS_ALL);
    }
    return KL_OK;
}

static void both(double side[2], double value)
{
    side[0] = side[1] = value;
}

void kl_virtual_parameters_defaults(struct kl_virtual_runner *runner)
{
    /* Sizes: methods 10 and 20; the rest [P]. */
    both(runner->eversion_rad, 11 * deg);
    both(runner->contact_inversion_rad, 3 * deg);
    both(runner->tibial_rotation_rad, 7.5 * deg);
    both(runner->valgus_rad, 3 * deg);
    both(runner->hip_adduction_rad, 6 * deg);
    both(runner->pelvic_drop_rad, 5 * deg);
    both(runner->trunk_sway_rad, 2 * deg);
    both(runner->knee_varus_rad, 3 * deg);
    both(runner->ankle_cop_offset_m, 0.005);
    runner->trunk_lean_rad = 6 * deg;
    runner->trunk_rotation_rad = 10 * deg;
    runner->pelvis_rotation_rad = 6 * deg;
    runner->angle_cv = 0.05;
    runner->angle_phi = 0.3;
    runner->inter_asis_m = 0.24;
    runner->emg_rate_hz = 2000;                              /* methods 2 */
    runner->treadmill_rate_hz = 10;                          /* methods 2 */
    both(runner->tibial_shock_m_s2, 125);                    /* peak 0.467 of it: about 6 g */
    runner->accelerometer_range_m_s2 = 32 * KL_GRAVITY_M_S2; /* methods 2 */
    runner->gyro_range_rad_s = 2000 * deg;                   /* methods 2 */
    both(runner->vmo_gain, 0.9);
    runner->emg_snr = 10;
    runner->belt_variation = 0.01;
}
