/* The part of the virtual_runner section that says how the runner moves, what it wears and how long
 * its calibration takes: the keys of devices/virtual_parameters.h, and the list of sensors.
 */
#ifndef KL_APP_LAB_RUNNER_MOTION_H
#define KL_APP_LAB_RUNNER_MOTION_H

#include "acquire/yaml.h"
#include "devices/virtual_runner.h"

#define KL_LAB_MOTION_COUNT 43

/** What the section says; NULL: not said. */
struct kl_lab_motion {
    struct kl_lab_motion_value {
        double *value;
        unsigned count;           /* of a list; a number has none */
    } given[KL_LAB_MOTION_COUNT]; /* in the order of kl_virtual_parameters */
    char **sensors;
    unsigned sensors_count;
};

extern const cyaml_schema_value_t kl_lab_motion_number, kl_lab_motion_word;

/* Entries of the section's schema, for a struct with a member `motion`. */
#define KL_LAB_MOTION_OPTIONAL (CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL)
#define KL_LAB_MOTION_ONE(section, key, i)                                                         \
    CYAML_FIELD_FLOAT_PTR(key, KL_LAB_MOTION_OPTIONAL, section, motion.given[i].value)
#define KL_LAB_MOTION_LIST(section, key, i, n)                                                     \
    CYAML_FIELD_SEQUENCE_COUNT(key, KL_LAB_MOTION_OPTIONAL, section, motion.given[i].value,        \
                               motion.given[i].count, &kl_lab_motion_number, n, n)
#define KL_LAB_MOTION_FIELDS(section)                                                              \
    KL_LAB_MOTION_LIST(section, "eversion_deg", 0, 2),                                             \
        KL_LAB_MOTION_LIST(section, "contact_inversion_deg", 1, 2),                                \
        KL_LAB_MOTION_LIST(section, "tibial_rotation_deg", 2, 2),                                  \
        KL_LAB_MOTION_LIST(section, "valgus_deg", 3, 2),                                           \
        KL_LAB_MOTION_LIST(section, "hip_adduction_deg", 4, 2),                                    \
        KL_LAB_MOTION_LIST(section, "pelvic_drop_deg", 5, 2),                                      \
        KL_LAB_MOTION_LIST(section, "trunk_sway_deg", 6, 2),                                       \
        KL_LAB_MOTION_LIST(section, "knee_varus_deg", 7, 2),                                       \
        KL_LAB_MOTION_LIST(section, "knee_flexion_offset_deg", 8, 2),                              \
        KL_LAB_MOTION_ONE(section, "trunk_lean_deg", 9),                                           \
        KL_LAB_MOTION_ONE(section, "trunk_rotation_deg", 10),                                      \
        KL_LAB_MOTION_ONE(section, "pelvis_rotation_deg", 11),                                     \
        KL_LAB_MOTION_LIST(section, "ankle_cop_offset_m", 12, 2),                                  \
        KL_LAB_MOTION_LIST(section, "wedge_deg", 13, 2),                                           \
        KL_LAB_MOTION_ONE(section, "angle_cv", 14), KL_LAB_MOTION_ONE(section, "angle_phi", 15),   \
        KL_LAB_MOTION_ONE(section, "inter_asis_m", 16),                                            \
        KL_LAB_MOTION_ONE(section, "emg_rate_hz", 17),                                             \
        KL_LAB_MOTION_ONE(section, "treadmill_rate_hz", 18),                                       \
        KL_LAB_MOTION_LIST(section, "tibial_shock_m_s2", 19, 2),                                   \
        KL_LAB_MOTION_ONE(section, "soft_tissue_deg", 20),                                         \
        KL_LAB_MOTION_ONE(section, "accelerometer_range_m_s2", 21),                                \
        KL_LAB_MOTION_ONE(section, "gyro_range_deg_s", 22),                                        \
        KL_LAB_MOTION_LIST(section, "vmo_delay_s", 23, 2),                                         \
        KL_LAB_MOTION_LIST(section, "vmo_gain", 24, 2), KL_LAB_MOTION_ONE(section, "emg_snr", 25), \
        KL_LAB_MOTION_ONE(section, "crosstalk", 26), KL_LAB_MOTION_ONE(section, "hum_v", 27),      \
        KL_LAB_MOTION_ONE(section, "belt_variation", 28),                                          \
        KL_LAB_MOTION_ONE(section, "incline_deg", 29), KL_LAB_MOTION_ONE(section, "still_s", 30),  \
        KL_LAB_MOTION_ONE(section, "knee_bends", 31), KL_LAB_MOTION_ONE(section, "bows", 32),      \
        KL_LAB_MOTION_ONE(section, "marching_s", 33),                                              \
        KL_LAB_MOTION_ONE(section, "mvc_trials", 34),                                              \
        KL_LAB_MOTION_LIST(section, "mounting_trunk_deg", 35, 3),                                  \
        KL_LAB_MOTION_LIST(section, "mounting_pelvis_deg", 36, 3),                                 \
        KL_LAB_MOTION_LIST(section, "mounting_thigh_left_deg", 37, 3),                             \
        KL_LAB_MOTION_LIST(section, "mounting_thigh_right_deg", 38, 3),                            \
        KL_LAB_MOTION_LIST(section, "mounting_shank_left_deg", 39, 3),                             \
        KL_LAB_MOTION_LIST(section, "mounting_shank_right_deg", 40, 3),                            \
        KL_LAB_MOTION_LIST(section, "mounting_foot_left_deg", 41, 3),                              \
        KL_LAB_MOTION_LIST(section, "mounting_foot_right_deg", 42, 3),                             \
        CYAML_FIELD_SEQUENCE_COUNT("sensors", KL_LAB_MOTION_OPTIONAL, section, motion.sensors,     \
                                   motion.sensors_count, &kl_lab_motion_word, 0, 16)

/** What went wrong, and where: "virtual_runner.eversion_deg[2]". */
typedef int kl_lab_motion_refuse(const void *document, const char *path, const char *words);

/** Changes `to` by what the section says.
 *  @param refuse  writes a fault down with its place; its answer comes back
 *  @return KL_OK or what `refuse` gave */
int kl_lab_motion_take(const struct kl_lab_motion *from, struct kl_virtual_runner *to,
                       kl_lab_motion_refuse *refuse, const void *document);

#endif
