#include "devices/virtual_motion_truth.h"

#include <gsl/gsl_math.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double grid_hz = 2000;

/* Windows of methods 10-13, of stance unless in seconds. */
static const double eversion_to = 0.6, knee_to = 0.5, thrust_to = 0.3, hip_to = 0.6;
static const double shock_to_s = 0.060; /* before contact there is none to find */
static const double coupling_least_rad = 2 * M_PI / 180;
static const double kam_from = 0.1, kam_middle = 0.5, kam_to = 0.9, kam_prominence = 0.05;
static const double preactivation_s = 0.1, loading_to = 0.5;

enum { TRUNK_INSTANTS = 400, MUSCLE_INSTANTS = 200 };

int kl_virtual_motion_truth_init(struct kl_virtual_motion_truth *truth,
                                 const struct kl_virtual_runner *runner)
{
    memset(truth, 0, sizeof(*truth));
    kl_virtual_body_init(&truth->body, runner);
    truth->mass_kg = runner->mass_kg;
    double longest_s = fmax(runner->contact_time_s[0], runner->contact_time_s[1]) *
                       (1 + KL_VIRTUAL_JITTER_MAX_SD * runner->step_time_cv);
    truth->capacity = (size_t)(longest_s * grid_hz) + 3;
    for (int i = 0; i < 2; i++) {
        enum kl_side side = i == 0 ? KL_SIDE_LEFT : KL_SIDE_RIGHT;
        struct kl_virtual_runner aligned = *runner;
        memset(aligned.mounting_rad, 0, sizeof(aligned.mounting_rad));
        kl_virtual_imu_init(&truth->tibia[i], &aligned,
                            (enum kl_virtual_segment)kl_virtual_limb(KL_VIRTUAL_SHANK_LEFT, side));
        truth->vmo[i] = kl_virtual_burst(runner, KL_VIRTUAL_VMO, side);
        truth->vl[i] = kl_virtual_burst(runner, KL_VIRTUAL_VL, side);
    }
    for (int k = 0; k < KL_SIGNAL_COUNT; k++) {
        truth->signal[k] = calloc(truth->capacity, sizeof(double));
        if (truth->signal[k] == NULL) {
            kl_virtual_motion_truth_release(truth);
            return KL_ERR_MEM;
        }
    }
    return KL_OK;
}

void kl_virtual_motion_truth_release(struct kl_virtual_motion_truth *truth)
{
    for (int k = 0; k < KL_SIGNAL_COUNT; k++) {
        free(truth->signal[k]);
        truth->signal[k] = NULL;
    }
}

/* --------------------------------------------------------------- signals of one stance */

/* One stance on its grid. */
struct stance {
    struct kl_virtual_motion_truth *truth;
    const struct kl_virtual_contact *contact;
    size_t count, at; /* contacts */
    size_t last;      /* of the grid: instants 0..last over stance */
    double ic_s, dt_s;
};

static void angles_between(const struct kl_virtual_posture *posture, int proximal, int distal,
                           double mirror, double out[3])
{
    double r[3][3];
    kl_virtual_relative(posture->segment[proximal].r, posture->segment[distal].r, r);
    kl_virtual_angles_of((const double(*)[3])r, out);
    out[1] *= mirror;
    out[2] *= mirror;
}

static void angles_in_lab(const struct kl_virtual_posture *posture, int segment, double mirror,
                          double out[3])
{
    kl_virtual_angles_of((const double(*)[3])posture->segment[segment].r, out);
    out[1] *= mirror;
    out[2] *= mirror;
}

static void take_angles(const struct kl_virtual_posture *posture, enum kl_side side,
                        double value[KL_SIGNAL_COUNT])
{
    double mirror = kl_virtual_mirror(side);
    int thigh = kl_virtual_limb(KL_VIRTUAL_THIGH_LEFT, side);
    int shank = kl_virtual_limb(KL_VIRTUAL_SHANK_LEFT, side);
    int foot = kl_virtual_limb(KL_VIRTUAL_FOOT_LEFT, side);
    double a[3];
    angles_between(posture, shank, foot, mirror, a);
    value[KL_SIGNAL_EVERSION] = -a[1];
    value[KL_SIGNAL_TIBIA_ON_FOOT] = -a[2];
    value[KL_SIGNAL_TIBIA_RATE] = mirror * posture->segment[shank].w_rad_s[1];
    angles_between(posture, thigh, shank, mirror, a);
    value[KL_SIGNAL_KNEE_FLEXION] = -a[0];
    value[KL_SIGNAL_KNEE_FRONTAL] = a[1];
    angles_between(posture, KL_VIRTUAL_PELVIS, thigh, mirror, a);
    value[KL_SIGNAL_HIP_ADDUCTION] = a[1];
    angles_in_lab(posture, thigh, mirror, a);
    value[KL_SIGNAL_THIGH_FRONTAL] = a[1];
    angles_in_lab(posture, shank, mirror, a);
    value[KL_SIGNAL_SHANK_FRONTAL] = a[1];
    value[KL_SIGNAL_TIBIA_FORWARD] = a[0];
    angles_in_lab(posture, KL_VIRTUAL_PELVIS, mirror, a);
    value[KL_SIGNAL_PELVIC_DROP] = -a[1];
    angles_in_lab(posture, KL_VIRTUAL_TRUNK, mirror, a);
    value[KL_SIGNAL_TRUNK_FORWARD] = -a[0];
    value[KL_SIGNAL_TRUNK_IPSILATERAL] = a[1];
}

static void take_instant(const struct stance *stance, size_t i, struct kl_virtual_posture *posture)
{
    struct kl_virtual_motion_truth *truth = stance->truth;
    const struct kl_virtual_contact *own = &stance->contact[stance->at];
    double t_s = stance->ic_s + (double)i * stance->dt_s;
    kl_virtual_body_at(&truth->body, stance->contact, stance->count, t_s, posture);
    double value[KL_SIGNAL_COUNT];
    take_angles(posture, own->side, value);

    const struct kl_virtual_imu *imu = &truth->tibia[own->side == KL_SIDE_LEFT ? 0 : 1];
    struct kl_virtual_pose pose =
        kl_virtual_imu_pose(imu, posture, stance->contact, stance->count, t_s);
    double f[3];
    kl_virtual_pose_specific_force(&pose, f);
    value[KL_SIGNAL_SHOCK_Y] = f[1] - KL_GRAVITY_M_S2;
    value[KL_SIGNAL_SHOCK_R] = hypot(hypot(f[0], f[1] - KL_GRAVITY_M_S2), f[2]);

    kl_virtual_body_kam(posture, own, t_s, &value[KL_SIGNAL_KAM]);
    for (int k = KL_SIGNAL_KAM; k < KL_SIGNAL_COUNT; k++) {
        value[k] /= truth->mass_kg;
    }
    for (int k = 0; k < KL_SIGNAL_COUNT; k++) {
        truth->signal[k][i] = value[k];
    }
}

/* ------------------------------------------------------------------ reading a signal */

/* Instant of the grid next to a share of stance. */
static size_t instant(const struct stance *stance, double share)
{
    return (size_t)lround(share * (double)stance->last);
}

struct extreme {
    double value;
    double at; /* instants, with fraction */
};

/* Largest sign * x in instants from..to, by the parabola through its neighbours; value with its
 * own sign. */
static struct extreme extreme(const double *x, double sign, size_t from, size_t to, size_t last)
{
    size_t best = from;
    for (size_t i = from; i <= to; i++) {
        best = sign * x[i] > sign * x[best] ? i : best;
    }
    struct extreme out = {.value = x[best], .at = (double)best};
    if (best > from && best < to && best < last) {
        double before = x[best - 1] - x[best];
        double after = x[best + 1] - x[best];
        if (before * after > 0) { /* a kink of the signal has no parabola: stay on the grid */
            double shift = 0.5 * (before - after) / (before + after);
            out.at += shift;
            out.value += 0.25 * shift * (after - before);
        }
    }
    return out;
}

static double largest(const struct stance *stance, int signal, double sign, double from, double to)
{
    return extreme(stance->truth->signal[signal], sign, instant(stance, from), instant(stance, to),
                   stance->last)
        .value;
}

/* Largest of sign * the slope of a signal over 0..to; 0 when it never goes that way. */
static double steepest(const struct stance *stance, int signal, double sign, double to)
{
    const double *x = stance->truth->signal[signal];
    double best = 0;
    for (size_t i = 1; i < instant(stance, to); i++) {
        best = fmax(best, sign * (x[i + 1] - x[i - 1]) / (2 * stance->dt_s));
    }
    return best;
}

static double mean(const double *x, size_t from, size_t to)
{
    double sum = 0.5 * (x[from] + x[to]);
    for (size_t i = from + 1; i < to; i++) {
        sum += x[i];
    }
    return to > from ? sum / (double)(to - from) : sum;
}

/* Largest integral of a signal since contact, over 0..to. */
static double largest_integral(const struct stance *stance, int signal, double to)
{
    const double *x = stance->truth->signal[signal];
    double sum = 0;
    double best = 0;
    for (size_t i = 1; i <= instant(stance, to); i++) {
        sum += 0.5 * (x[i - 1] + x[i]) * stance->dt_s;
        best = fmax(best, sum);
    }
    return best;
}

/* --------------------------------------------------------------------------- metrics */

static void foot_truth(const struct stance *stance, struct kl_virtual_motion *out)
{
    double *const *x = stance->truth->signal;
    const double *eversion = x[KL_SIGNAL_EVERSION];
    struct extreme peak = extreme(eversion, 1, 0, instant(stance, eversion_to), stance->last);
    out->peak_eversion_rad = peak.value;
    out->eversion_excursion_rad = peak.value - eversion[0];
    out->time_to_peak_eversion = peak.at / (double)stance->last;
    out->eversion_velocity_rad_s = steepest(stance, KL_SIGNAL_EVERSION, 1, eversion_to);
    out->tibial_rotation_rad = largest_integral(stance, KL_SIGNAL_TIBIA_RATE, 1);
    out->tibial_rotation_foot_rad =
        largest(stance, KL_SIGNAL_TIBIA_ON_FOOT, 1, 0, 1) - x[KL_SIGNAL_TIBIA_ON_FOOT][0];
    bool coupled = out->eversion_excursion_rad >= coupling_least_rad &&
                   out->tibial_rotation_rad >= coupling_least_rad;
    out->coupling_ratio = coupled ? out->eversion_excursion_rad / out->tibial_rotation_rad : 0;
}

static void limb_truth(const struct stance *stance, struct kl_virtual_motion *out)
{
    double *const *x = stance->truth->signal;
    double knee = x[KL_SIGNAL_KNEE_FRONTAL][0];
    out->knee_varus_excursion_rad = largest(stance, KL_SIGNAL_KNEE_FRONTAL, 1, 0, knee_to) - knee;
    out->knee_valgus_excursion_rad = knee - largest(stance, KL_SIGNAL_KNEE_FRONTAL, -1, 0, knee_to);
    out->thigh_adduction_velocity_rad_s = steepest(stance, KL_SIGNAL_THIGH_FRONTAL, 1, thrust_to);
    out->thigh_abduction_velocity_rad_s = steepest(stance, KL_SIGNAL_THIGH_FRONTAL, -1, thrust_to);
    out->shank_adduction_velocity_rad_s = steepest(stance, KL_SIGNAL_SHANK_FRONTAL, 1, thrust_to);
    out->shank_abduction_velocity_rad_s = steepest(stance, KL_SIGNAL_SHANK_FRONTAL, -1, thrust_to);
    out->hip_adduction_peak_rad = largest(stance, KL_SIGNAL_HIP_ADDUCTION, 1, 0, hip_to);
    out->hip_adduction_excursion_rad = out->hip_adduction_peak_rad - x[KL_SIGNAL_HIP_ADDUCTION][0];
    out->tibia_inclination_rad = x[KL_SIGNAL_TIBIA_FORWARD][0];
    out->knee_flexion_contact_rad = x[KL_SIGNAL_KNEE_FLEXION][0];
    out->knee_flexion_peak_rad = largest(stance, KL_SIGNAL_KNEE_FLEXION, 1, 0, 1);
    double to = fmin(shock_to_s / ((double)stance->last * stance->dt_s), 1);
    out->pta_y_m_s2 = largest(stance, KL_SIGNAL_SHOCK_Y, 1, 0, to);
    out->pta_r_m_s2 = largest(stance, KL_SIGNAL_SHOCK_R, 1, 0, to);
}

static void pelvis_and_trunk_truth(const struct stance *stance, struct kl_virtual_motion *out)
{
    double *const *x = stance->truth->signal;
    const double *drop = x[KL_SIGNAL_PELVIC_DROP];
    out->pelvic_drop_mid_rad = drop[instant(stance, 0.5)] - drop[0];
    out->pelvic_drop_peak_rad = largest(stance, KL_SIGNAL_PELVIC_DROP, 1, 0, 1) - drop[0];
    out->trunk_forward_lean_rad = mean(x[KL_SIGNAL_TRUNK_FORWARD], 0, stance->last);
    out->trunk_ipsilateral_lean_rad = largest(stance, KL_SIGNAL_TRUNK_IPSILATERAL, 1, 0, 1);

    /* rotations over one stride, from this contact to the same foot's next */
    const struct kl_virtual_contact *now = &stance->contact[stance->at];
    double stride_s = now->step_time_s + stance->contact[stance->at + 1].step_time_s;
    double low[2] = {HUGE_VAL, HUGE_VAL};
    double high[2] = {-HUGE_VAL, -HUGE_VAL};
    for (int i = 0; i < TRUNK_INSTANTS; i++) {
        struct kl_virtual_posture posture;
        kl_virtual_body_at(&stance->truth->body, stance->contact, stance->count,
                           now->onset_s + stride_s * i / TRUNK_INSTANTS, &posture);
        double trunk[3];
        double against_pelvis[3];
        angles_in_lab(&posture, KL_VIRTUAL_TRUNK, 1, trunk);
        angles_between(&posture, KL_VIRTUAL_PELVIS, KL_VIRTUAL_TRUNK, 1, against_pelvis);
        const double rotation[2] = {trunk[2], against_pelvis[2]};
        for (int k = 0; k < 2; k++) {
            low[k] = fmin(low[k], rotation[k]);
            high[k] = fmax(high[k], rotation[k]);
        }
    }
    out->trunk_rotation_range_rad = high[0] - low[0];
    out->trunk_pelvis_range_rad = high[1] - low[1];
}

/* How far instant i stands above the higher of the valleys on its two sides. */
static double prominence(const double *x, size_t i, size_t last)
{
    double valley[2] = {x[i], x[i]};
    for (size_t k = i; k > 0 && x[k - 1] <= x[i]; k--) {
        valley[0] = fmin(valley[0], x[k - 1]);
    }
    for (size_t k = i; k < last && x[k + 1] <= x[i]; k++) {
        valley[1] = fmin(valley[1], x[k + 1]);
    }
    return x[i] - fmax(valley[0], valley[1]);
}

static void kam_truth(const struct stance *stance, enum kl_virtual_frame frame,
                      struct kl_virtual_kam *out)
{
    int signal = (int)KL_SIGNAL_KAM + (int)frame;
    const double *x = stance->truth->signal[signal];
    memset(out, 0, sizeof(*out));
    out->peak1_n_m_kg = largest(stance, signal, 1, kam_from, kam_middle);
    out->abduction_peak_n_m_kg = fmax(-largest(stance, signal, -1, 0, 1), 0);
    for (size_t i = 1; i <= stance->last; i++) {
        out->impulse_n_m_s_kg += 0.5 * (fmax(x[i - 1], 0) + fmax(x[i], 0)) * stance->dt_s;
    }
    for (size_t i = instant(stance, kam_middle) + 1; i < instant(stance, kam_to); i++) {
        bool top =
            x[i] > x[i - 1] && x[i] >= x[i + 1] && prominence(x, i, stance->last) >= kam_prominence;
        if (top && (out->has_peak2 == 0 || x[i] > out->peak2_n_m_kg)) {
            out->has_peak2 = 1;
            out->peak2_n_m_kg = extreme(x, 1, i - 1, i + 1, stance->last).value;
        }
    }
}

/* Mean of an envelope over a window. */
static double mean_burst(const struct kl_virtual_burst *burst, const struct stance *stance,
                         double from_s, double to_s)
{
    double sum = 0;
    for (int i = 0; i < MUSCLE_INSTANTS; i++) {
        double t_s = from_s + (to_s - from_s) * (i + 0.5) / MUSCLE_INSTANTS;
        sum += kl_virtual_burst_at(burst, stance->contact, stance->count, t_s);
    }
    return sum / MUSCLE_INSTANTS;
}

static void muscle_truth(const struct stance *stance, struct kl_virtual_muscle *out)
{
    const struct kl_virtual_contact *own = &stance->contact[stance->at];
    int i = own->side == KL_SIDE_LEFT ? 0 : 1;
    const struct kl_virtual_burst *vmo = &stance->truth->vmo[i];
    const struct kl_virtual_burst *vl = &stance->truth->vl[i];
    double half_s = stance->ic_s + loading_to * (double)stance->last * stance->dt_s;
    double before_s = stance->ic_s - preactivation_s;
    out->vmo_onset_s = kl_virtual_burst_onset(vmo, own);
    out->vl_onset_s = kl_virtual_burst_onset(vl, own);
    out->onset_delay_s = out->vmo_onset_s - out->vl_onset_s;
    out->vmo_vl_preactivation = mean_burst(vmo, stance, before_s, stance->ic_s) /
                                mean_burst(vl, stance, before_s, stance->ic_s);
    out->vmo_vl_loading = mean_burst(vmo, stance, stance->ic_s, half_s) /
                          mean_burst(vl, stance, stance->ic_s, half_s);
}

void kl_virtual_motion_truth_step(struct kl_virtual_motion_truth *truth,
                                  const struct kl_virtual_contact *contact, size_t count, size_t at,
                                  struct kl_virtual_step *out)
{
    double stance_s = out->to_s - out->ic_s;
    size_t last = (size_t)fmax(ceil(stance_s * grid_hz), 2);
    last = last < truth->capacity ? last : truth->capacity - 1;
    struct stance stance = {.truth = truth,
                            .contact = contact,
                            .count = count,
                            .at = at,
                            .last = last,
                            .ic_s = out->ic_s,
                            .dt_s = stance_s / (double)last};
    struct kl_virtual_posture posture;
    for (size_t i = 0; i <= last; i++) {
        take_instant(&stance, i, &posture);
        if (i == instant(&stance, 0.5)) {
            enum kl_side side = contact[at].side;
            const struct kl_virtual_pose *segment = posture.segment;
            out->motion.hip_z_m = segment[kl_virtual_limb(KL_VIRTUAL_THIGH_LEFT, side)].p_m[2];
            out->motion.knee_z_m = segment[kl_virtual_limb(KL_VIRTUAL_SHANK_LEFT, side)].p_m[2];
            out->motion.ankle_z_m = segment[kl_virtual_limb(KL_VIRTUAL_FOOT_LEFT, side)].p_m[2];
        }
        if (i == 0) {
            out->motion.gain = posture.gain;
        }
    }
    foot_truth(&stance, &out->motion);
    limb_truth(&stance, &out->motion);
    pelvis_and_trunk_truth(&stance, &out->motion);
    for (int frame = 0; frame < KL_VIRTUAL_FRAME_COUNT; frame++) {
        kam_truth(&stance, (enum kl_virtual_frame)frame, &out->motion.kam[frame]);
    }
    muscle_truth(&stance, &out->muscle);
}
