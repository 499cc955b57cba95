#include "devices/virtual_motion.h"

#include "devices/virtual_runner.h"

const char *kl_virtual_sensor_text(unsigned sensor)
{
    static const char *const text[KL_VIRTUAL_SENSOR_COUNT] = {
        [KL_VIRTUAL_TRUNK] = "imu.trunk",           [KL_VIRTUAL_PELVIS] = "imu.pelvis",
        [KL_VIRTUAL_THIGH_LEFT] = "imu.thigh.left", [KL_VIRTUAL_THIGH_RIGHT] = "imu.thigh.right",
        [KL_VIRTUAL_SHANK_LEFT] = "imu.shank.left", [KL_VIRTUAL_SHANK_RIGHT] = "imu.shank.right",
        [KL_VIRTUAL_FOOT_LEFT] = "imu.foot.left",   [KL_VIRTUAL_FOOT_RIGHT] = "imu.foot.right",
        [KL_VIRTUAL_EMG_VMO_LEFT] = "emg.vmo.left", [KL_VIRTUAL_EMG_VMO_RIGHT] = "emg.vmo.right",
        [KL_VIRTUAL_EMG_VL_LEFT] = "emg.vl.left",   [KL_VIRTUAL_EMG_VL_RIGHT] = "emg.vl.right",
        [KL_VIRTUAL_TREADMILL] = "treadmill",       [KL_VIRTUAL_JOINTS_LEFT] = "joints.left",
        [KL_VIRTUAL_JOINTS_RIGHT] = "joints.right",
    };
    return sensor < KL_VIRTUAL_SENSOR_COUNT ? text[sensor] : "none";
}

const struct kl_virtual_truth_field *kl_virtual_motion_fields(size_t *count)
{
    static const struct kl_virtual_truth_field field[] = {
#define MOTION(name) {#name, offsetof(struct kl_virtual_step, motion.name)}
#define KAM(frame, at)                                                                             \
    {"kam_" frame "_peak1_n_m_kg", offsetof(struct kl_virtual_step, motion.kam[at].peak1_n_m_kg)}, \
        {"kam_" frame "_peak2_n_m_kg",                                                             \
         offsetof(struct kl_virtual_step, motion.kam[at].peak2_n_m_kg)},                           \
        {"kam_" frame "_impulse_n_m_s_kg",                                                         \
         offsetof(struct kl_virtual_step, motion.kam[at].impulse_n_m_s_kg)},                       \
        {"kam_" frame "_abduction_peak_n_m_kg",                                                    \
         offsetof(struct kl_virtual_step, motion.kam[at].abduction_peak_n_m_kg)},                  \
    {                                                                                              \
        "kam_" frame "_has_peak2", offsetof(struct kl_virtual_step, motion.kam[at].has_peak2)      \
    }
#define MUSCLE(name)                                                                               \
    {                                                                                              \
#name, offsetof(struct kl_virtual_step, muscle.name)                                       \
    }
        MOTION(gain),
        MOTION(eversion_excursion_rad),
        MOTION(peak_eversion_rad),
        MOTION(time_to_peak_eversion),
        MOTION(eversion_velocity_rad_s),
        MOTION(tibial_rotation_rad),
        MOTION(tibial_rotation_foot_rad),
        MOTION(coupling_ratio),
        MOTION(knee_valgus_excursion_rad),
        MOTION(knee_varus_excursion_rad),
        MOTION(thigh_adduction_velocity_rad_s),
        MOTION(thigh_abduction_velocity_rad_s),
        MOTION(shank_adduction_velocity_rad_s),
        MOTION(shank_abduction_velocity_rad_s),
        MOTION(hip_adduction_peak_rad),
        MOTION(hip_adduction_excursion_rad),
        MOTION(pelvic_drop_mid_rad),
        MOTION(pelvic_drop_peak_rad),
        MOTION(trunk_forward_lean_rad),
        MOTION(trunk_ipsilateral_lean_rad),
        MOTION(trunk_rotation_range_rad),
        MOTION(trunk_pelvis_range_rad),
        MOTION(tibia_inclination_rad),
        MOTION(knee_flexion_contact_rad),
        MOTION(knee_flexion_peak_rad),
        MOTION(pta_y_m_s2),
        MOTION(pta_r_m_s2),
        MOTION(ankle_z_m),
        MOTION(knee_z_m),
        MOTION(hip_z_m),
        KAM("shank", KL_VIRTUAL_FRAME_SHANK),
        KAM("thigh", KL_VIRTUAL_FRAME_THIGH),
        KAM("lab", KL_VIRTUAL_FRAME_LAB),
        MUSCLE(vmo_onset_s),
        MUSCLE(vl_onset_s),
        MUSCLE(onset_delay_s),
        MUSCLE(vmo_vl_preactivation),
        MUSCLE(vmo_vl_loading),
#undef MOTION
#undef KAM
#undef MUSCLE
    };
    *count = sizeof(field) / sizeof(field[0]);
    return field;
}
