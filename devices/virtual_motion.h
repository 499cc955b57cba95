/* What moves and what a runner wears: names of segments and sensors, and the true motion, knee and
 * muscle metrics of one step (methods 10-13).
 *
 * Clinical signs of methods 1.3, mirrored to the right limb, relative to the standing pose; SI.
 * Stance lies between the crossings of the force threshold (ic_s, to_s of struct kl_virtual_step).
 * Everything is evaluated at 2 kHz from the noiseless motion of the closed forms, without any
 * filter: what a filter takes away is the error of the metric, not of the truth.
 */
#ifndef KL_DEVICES_VIRTUAL_MOTION_H
#define KL_DEVICES_VIRTUAL_MOTION_H

#include "acquire/stream.h"

/** Body segments; streams are imu.<name>: imu.trunk, imu.pelvis, imu.thigh.left ... */
enum kl_virtual_segment {
    KL_VIRTUAL_TRUNK = 0,
    KL_VIRTUAL_PELVIS,
    KL_VIRTUAL_THIGH_LEFT,
    KL_VIRTUAL_THIGH_RIGHT,
    KL_VIRTUAL_SHANK_LEFT,
    KL_VIRTUAL_SHANK_RIGHT,
    KL_VIRTUAL_FOOT_LEFT,
    KL_VIRTUAL_FOOT_RIGHT,
    KL_VIRTUAL_SEGMENT_COUNT,
};

/** Everything besides plates that can be streamed, by number of its bit in
 *  struct kl_virtual_runner.sensors. The first ones are the IMUs of the segments above. */
enum kl_virtual_sensor {
    KL_VIRTUAL_EMG_VMO_LEFT = KL_VIRTUAL_SEGMENT_COUNT,
    KL_VIRTUAL_EMG_VMO_RIGHT,
    KL_VIRTUAL_EMG_VL_LEFT,
    KL_VIRTUAL_EMG_VL_RIGHT,
    KL_VIRTUAL_TREADMILL,
    KL_VIRTUAL_JOINTS_LEFT, /* as from motion capture: ankle, knee and hip centres */
    KL_VIRTUAL_JOINTS_RIGHT,
    KL_VIRTUAL_SENSOR_COUNT,
};

#define KL_VIRTUAL_SENSOR(sensor) (1U << (unsigned)(sensor))
#define KL_VIRTUAL_SENSORS_IMU 0xffU
#define KL_VIRTUAL_SENSORS_ALL ((1U << KL_VIRTUAL_SENSOR_COUNT) - 1U)

/** The stream's name: "imu.shank.left", "emg.vmo.right", "treadmill", "joints.left"...; also the
 *  word of a lab file. */
const char *kl_virtual_sensor_text(unsigned sensor);

/** The frame that names a knee adduction moment (methods 12.1). */
enum kl_virtual_frame {
    KL_VIRTUAL_FRAME_SHANK = 0,
    KL_VIRTUAL_FRAME_THIGH,
    KL_VIRTUAL_FRAME_LAB,
    KL_VIRTUAL_FRAME_COUNT,
};

/** External knee adduction moment of one stance about one axis, per kg of body mass. */
struct kl_virtual_kam {
    double peak1_n_m_kg;          /* largest in 10-50 % */
    double peak2_n_m_kg;          /* largest in 50-90 %; see has_peak2 */
    double impulse_n_m_s_kg;      /* of its positive part */
    double abduction_peak_n_m_kg; /* largest of -KAM over stance, >= 0 */
    double has_peak2;             /* 1: a local maximum with 0.05 N·m/kg prominence; else 0 */
};

/** Motion and knee of one stance. */
struct kl_virtual_motion {
    double gain; /* 1: full running amplitude; below while the first steps come into swing */
    double eversion_excursion_rad, peak_eversion_rad;
    double time_to_peak_eversion; /* of stance */
    double eversion_velocity_rad_s;
    double tibial_rotation_rad;      /* largest integral of the shank's own-axis rate since IC */
    double tibial_rotation_foot_rad; /* the same from the angle between shank and foot */
    double coupling_ratio;           /* eversion_excursion / tibial_rotation; 0: undefined */
    double knee_valgus_excursion_rad, knee_varus_excursion_rad;            /* >= 0, 0-50 % */
    double thigh_adduction_velocity_rad_s, thigh_abduction_velocity_rad_s; /* 0-30 %, >= 0 */
    double shank_adduction_velocity_rad_s, shank_abduction_velocity_rad_s;
    double hip_adduction_peak_rad, hip_adduction_excursion_rad; /* 0-60 % */
    double pelvic_drop_mid_rad, pelvic_drop_peak_rad;           /* minus IC */
    double trunk_forward_lean_rad;                              /* mean over stance */
    double trunk_ipsilateral_lean_rad;                          /* peak */
    double trunk_rotation_range_rad; /* over the step and the next: one stride */
    double trunk_pelvis_range_rad;   /* rotation of the trunk in the pelvis, one stride */
    double tibia_inclination_rad;    /* at IC */
    double knee_flexion_contact_rad, knee_flexion_peak_rad;
    double pta_y_m_s2, pta_r_m_s2;       /* tibial sensor, less static gravity, IC-10..IC+60 ms */
    double ankle_z_m, knee_z_m, hip_z_m; /* joint centres at 50 % of stance, lab, not mirrored */
    struct kl_virtual_kam kam[KL_VIRTUAL_FRAME_COUNT];
};

/** Vastus medialis obliquus and vastus lateralis of the step's limb. */
struct kl_virtual_muscle {
    double vmo_onset_s, vl_onset_s; /* session time */
    double onset_delay_s;           /* > 0: VMO late */
    double vmo_vl_preactivation;    /* ratio of mean envelopes over MVC, IC-100..IC ms */
    double vmo_vl_loading;          /* the same, IC..50 % of stance */
};

/** A number of struct kl_virtual_step under its key: what writes and compares truths goes through
 *  this table. */
struct kl_virtual_truth_field {
    const char *key;
    size_t offset; /* of a double in struct kl_virtual_step */
};

/** All numbers of motion and muscle. @param count  out */
const struct kl_virtual_truth_field *kl_virtual_motion_fields(size_t *count);

#endif
