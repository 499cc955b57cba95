/* The shock that travels up the leg after contact: peak tibial acceleration, and how much of it
 * arrives at pelvis or trunk.
 *
 * Acceleration in the segment frame (methods 9: y along the shank), without the gravity of the
 * still pose, on an even grid around initial contact. Skin and strap distort it; compare only
 * without re-mounting. Loading rates of the ground reaction are never made from it (methods 11).
 * Units: m/s^2, s, Hz; decibel for the transfer function. Plain data. Threads: any.
 */
#ifndef KL_PROCESS_MOTION_TIBIAL_SHOCK_H
#define KL_PROCESS_MOTION_TIBIAL_SHOCK_H

#include "process/motion/motion_window.h"

#define KL_SHOCK_RATE_HZ 1000.0
#define KL_SHOCK_BEFORE_S 0.050 /* of the grid's first sample before initial contact */
#define KL_SHOCK_SAMPLES 400    /* IC - 50 ms to IC + 350 ms */
#define KL_SHOCK_CUTOFF_HZ 60.0 /* zero-lag, of the peaks only */

struct kl_shock {
    uint32_t marks; /* kl_motion_mark; NO_SENSOR, NOT_CALIBRATED, MISSING: arrays not to be read */
    struct kl_vec raw_m_s2[KL_SHOCK_SAMPLES];      /* segment frame, gravity of the pose removed */
    struct kl_vec filtered_m_s2[KL_SHOCK_SAMPLES]; /* the same, zero-lag low-pass */
};

/** Around one initial contact. */
struct kl_shock_window {
    struct kl_shock tibia;    /* of the stance leg */
    struct kl_shock proximal; /* trunk, or pelvis where there is no trunk sensor */
    enum kl_segment proximal_segment;
};

struct kl_shock_peaks {
    double axial_m_s2;     /* PTA_y: largest acceleration up along the shank */
    double resultant_m_s2; /* PTA_r */
    double axial_s;        /* time of the first after initial contact */
};

/** Peaks within IC - 10 ms to IC + 60 ms.
 *  @return 0, or kl_motion_mark bits why there are none (out untouched); CLIPPED: the peak is only
 *          known to be at least the range and belongs in no mean
 *  Source: methods 11 */
uint32_t kl_shock_peaks_of(const struct kl_shock *shock, struct kl_shock_peaks *out);

/* ----------------------------------------------------------------------------- attenuation */

#define KL_SHOCK_BINS 513 /* of 1024 points at 1000 Hz: 0.977 Hz each */

struct kl_shock_attenuation;

/** Plans the transform and takes the memory. @return NULL without memory */
struct kl_shock_attenuation *kl_shock_attenuation_create(void);
void kl_shock_attenuation_destroy(struct kl_shock_attenuation *attenuation);

#define KL_SHOCK_STEPS 50 /* the spectra are those of the last so many steps, methods 11 */

/** Forgets all steps. */
void kl_shock_attenuation_reset(struct kl_shock_attenuation *attenuation);

/** Adds the power spectra of one step in the place of the oldest of KL_SHOCK_STEPS: axial
 * acceleration, linear trend removed, zero-padded. A step with a marked sensor is left out. @return
 * whether it was added. RT safe. */
bool kl_shock_attenuation_add(struct kl_shock_attenuation *attenuation,
                              const struct kl_shock_window *window);

/** Steps the spectra are made of: at most KL_SHOCK_STEPS. */
size_t kl_shock_attenuation_steps(const struct kl_shock_attenuation *attenuation);

#define KL_SHOCK_STEPS_MIN 10 /* fewer steps give no transfer function; 50 are better */

/** Mean of TF(f) = 10 log10(PSD_proximal / PSD_tibia) over 10 to 20 Hz, dB; negative: attenuated.
 *  @return false (out untouched) before KL_SHOCK_STEPS_MIN steps, or with a silent sensor
 *  Source: methods 11. A pelvis or trunk is not the head: not comparable with head-based values. */
bool kl_shock_attenuation_get(const struct kl_shock_attenuation *attenuation, double *out_db);

/** Frequency that halves the power of the tibial spectrum, Hz. @return false as above */
bool kl_shock_median_frequency(const struct kl_shock_attenuation *attenuation, double *out_hz);

#endif
