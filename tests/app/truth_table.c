#include "truth_table.h"

#include "acquire/hub.h"
#include "devices/virtual_body.h"
#include "process/motion/rotation.h"

#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define DEG (3.14159265358979323846 / 180)
#define THRESHOLD_N 50.0 /* of contact: methods 4.1 */
#define MATCH_S 0.05
#define WALK_S 0.001
#define COP_LEAST_N 100.0 /* methods 7.2 */
#define MEAN_OF 60        /* steps: methods 21.5 */

#define MOTION(member) offsetof(struct truth_step, step.motion.member)
#define KAM(member) offsetof(struct truth_step, step.motion.kam[KL_VIRTUAL_FRAME_SHANK].member)
#define MUSCLE(member) offsetof(struct truth_step, step.muscle.member)
#define ANGLE(key, member, about, clean, noisy)                                                    \
    {                                                                                              \
        key, "deg", 1 / DEG, false, false, MOTION(member), about,                                  \
        {                                                                                          \
            clean, noisy                                                                           \
        }                                                                                          \
    }

const struct truth_row truth_rows[] = {
    /* methods 21.5: excursions 0.3 / 1.0 deg */
    ANGLE("eversion_excursion", eversion_excursion_rad, TRUTH_EACH, 0.3, 1.0),
    ANGLE("tibial_rotation", tibial_rotation_rad, TRUTH_EACH, 0.3, 1.0),
    ANGLE("tibial_rotation_to_foot", tibial_rotation_foot_rad, TRUTH_EACH, 0.3, 1.0),
    ANGLE("knee_valgus_excursion", knee_valgus_excursion_rad, TRUTH_EACH, 0.3, 1.0),
    ANGLE("knee_varus_excursion", knee_varus_excursion_rad, TRUTH_EACH, 0.3, 1.0),
    ANGLE("hip_adduction_excursion", hip_adduction_excursion_rad, TRUTH_EACH, 0.3, 1.0),
    ANGLE("pelvic_drop_peak", pelvic_drop_peak_rad, TRUTH_EACH, 0.3, 1.0),
    ANGLE("pelvic_drop_mid", pelvic_drop_mid_rad, TRUTH_EACH, 0.3, 1.0),
    ANGLE("trunk_rotation_range", trunk_rotation_range_rad, TRUTH_EACH, 0.3, 1.0),
    ANGLE("trunk_pelvis_range", trunk_pelvis_range_rad, TRUTH_EACH, 0.3, 1.0),
    /* postures: of the orientation's 0.5 / 1.5 deg */
    ANGLE("eversion_peak", peak_eversion_rad, TRUTH_EACH, 0.5, 1.5),
    ANGLE("hip_adduction_peak", hip_adduction_peak_rad, TRUTH_EACH, 0.5, 1.5),
    ANGLE("trunk_forward_lean", trunk_forward_lean_rad, TRUTH_EACH, 0.5, 1.5),
    ANGLE("trunk_lateral_lean", trunk_ipsilateral_lean_rad, TRUTH_EACH, 0.5, 1.5),
    ANGLE("tibia_inclination", tibia_inclination_rad, TRUTH_EACH, 0.5, 1.5),
    ANGLE("knee_flexion_contact", knee_flexion_contact_rad, TRUTH_NO_GOAL, 0, 0),
    ANGLE("knee_flexion_peak", knee_flexion_peak_rad, TRUTH_NO_GOAL, 0, 0),
    {"eversion_peak_time",
     "% stance",
     100,
     false,
     false,
     MOTION(time_to_peak_eversion),
     TRUTH_NO_GOAL,
     {0, 0}},
    {"eversion_velocity",
     "deg/s",
     1 / DEG,
     false,
     false,
     MOTION(eversion_velocity_rad_s),
     TRUTH_NO_GOAL,
     {0, 0}},
    {"shank_adduction_velocity",
     "deg/s",
     1 / DEG,
     false,
     false,
     MOTION(shank_adduction_velocity_rad_s),
     TRUTH_NO_GOAL,
     {0, 0}},
    {"shank_abduction_velocity",
     "deg/s",
     1 / DEG,
     false,
     false,
     MOTION(shank_abduction_velocity_rad_s),
     TRUTH_NO_GOAL,
     {0, 0}},
    {"thigh_adduction_velocity",
     "deg/s",
     1 / DEG,
     false,
     false,
     MOTION(thigh_adduction_velocity_rad_s),
     TRUTH_NO_GOAL,
     {0, 0}},
    {"thigh_abduction_velocity",
     "deg/s",
     1 / DEG,
     false,
     false,
     MOTION(thigh_abduction_velocity_rad_s),
     TRUTH_NO_GOAL,
     {0, 0}},
    {"coupling_ratio", "%", 100, false, true, MOTION(coupling_ratio), TRUTH_NO_GOAL, {0, 0}},
    {"tibial_shock_axial", "%", 100, false, true, MOTION(pta_y_m_s2), TRUTH_NO_GOAL, {0, 0}},
    {"tibial_shock_resultant", "%", 100, false, true, MOTION(pta_r_m_s2), TRUTH_NO_GOAL, {0, 0}},
    {"kam_peak",
     "%",
     100,
     true,
     true,
     offsetof(struct truth_step, kam_peak_n_m_kg),
     TRUTH_RMS,
     {0.5, 2}},
    {"kam_impulse",
     "%",
     100,
     true,
     true,
     offsetof(struct truth_step, kam_impulse_n_m_s_kg),
     TRUTH_RMS,
     {0.5, 2}},
    /* against the unfiltered moment, which the filter alone misses */
    {"kam_peak", "% unfilt.", 100, true, true, KAM(peak1_n_m_kg), TRUTH_NO_GOAL, {0, 0}},
    /* methods 12.3: reported, beside the budget of 0.47 and 0.65 N·m/kg */
    {"kam_k2a_peak", "N·m/kg", 1, true, false, KAM(peak1_n_m_kg), TRUTH_NO_GOAL, {0, 0}},
    {"kam_k2b_peak", "N·m/kg", 1, true, false, KAM(peak1_n_m_kg), TRUTH_NO_GOAL, {0, 0}},
    {"cop_to_com",
     "mm",
     1000,
     false,
     false,
     offsetof(struct truth_step, cop_to_com_m),
     TRUTH_RMS,
     {1, 3}},
    {"overstride",
     "mm",
     1000,
     false,
     false,
     offsetof(struct truth_step, overstride_m),
     TRUTH_RMS,
     {1, 3}},
    {"vertical_oscillation",
     "mm",
     1000,
     false,
     false,
     offsetof(struct truth_step, oscillation_m),
     TRUTH_NO_GOAL,
     {0, 0}},
    {"vmo_delay", "ms", 1000, false, false, MUSCLE(onset_delay_s), TRUTH_MEAN_60, {1, 1.5}},
    {"vmo_vl_activation",
     "%",
     100,
     false,
     true,
     MUSCLE(vmo_vl_preactivation),
     TRUTH_NO_GOAL,
     {0, 0}},
    {"vmo_vl_loading", "%", 100, false, true, MUSCLE(vmo_vl_loading), TRUTH_NO_GOAL, {0, 0}},
};
const size_t truth_row_count = sizeof(truth_rows) / sizeof(truth_rows[0]);

double truth_figure(const struct truth_row *row, const struct truth_error *error)
{
    switch (row->about) {
    case TRUTH_EACH:
        return error->worst;
    case TRUTH_MEAN_60:
        return error->mean60;
    default:
        return error->rms;
    }
}

struct kl_virtual_runner truth_runner(bool noisy)
{
    struct kl_virtual_runner runner = kl_virtual_runner_defaults();
    runner.noise_scale = noisy ? 1 : 0;
    runner.soft_tissue_rad = noisy ? 0.5 * DEG : 0;
    runner.imu = false;
    runner.sensors = KL_VIRTUAL_SENSORS_ALL;
    runner.imu_rate_hz = 400;
    runner.still_s = 10;
    runner.knee_bends = 10;
    runner.bows = 5;
    runner.marching_s = 20;
    runner.mvc_trials = 3;
    runner.mounting_rad[KL_VIRTUAL_SHANK_RIGHT][0] = 5 * DEG;
    runner.mounting_rad[KL_VIRTUAL_SHANK_RIGHT][2] = 20 * DEG;
    runner.mounting_rad[KL_VIRTUAL_THIGH_RIGHT][2] = 80 * DEG;
    /* The bias of an onset cancels between muscles of one signal-to-noise ratio (methods 13). */
    for (int i = 0; i < 2; i++) {
        runner.vmo_gain[i] = 1;
        runner.vmo_delay_s[i] = 0.010;
    }
    runner.emg_snr = noisy ? runner.emg_snr : 1000;
    return runner;
}

/* ------------------------------------------------------------------ a session */

#define BLOCK_VALUES 65536

/* 0..1, the same on every machine. */
static double draw(uint64_t *state)
{
    *state = *state * 6364136223846793005U + 1442695040888963407U; /* Knuth's LCG */
    return (double)(*state >> 11) / 9007199254740992.0;
}

static struct kl_quat turn_of(const struct truth_disturbance *disturbance, size_t stream)
{
    uint64_t state = disturbance->seed * 1000003U + stream;
    (void)draw(&state);
    double a = 2 * acos(-1.0) * draw(&state);
    return kl_quat_about((struct kl_vec){cos(a), 0, sin(a)}, disturbance->turned_rad);
}

/* The block as the disturbed lab would have delivered it; `value` has room for BLOCK_VALUES. */
static struct kl_block disturb(const struct truth_disturbance *disturbance,
                               const struct kl_stream *stream, const struct kl_block *block,
                               double from_s, double *value)
{
    struct kl_block out = *block;
    size_t channels = stream->channel_count;
    if (block->count * channels > BLOCK_VALUES) {
        return out;
    }
    memcpy(value, block->value, block->count * channels * sizeof(*value));
    out.value = value;
    struct kl_quat turn = turn_of(disturbance, block->stream);
    for (size_t i = 0; i < block->count; i++) {
        double *row = &value[i * channels];
        if (kl_seconds(block->t_ns[i]) < from_s) {
            continue;
        }
        for (size_t v = 0; stream->kind == KL_KIND_IMU && v + 3 <= 6; v += 3) {
            struct kl_vec turned =
                kl_quat_rotate(turn, (struct kl_vec){row[v], row[v + 1], row[v + 2]});
            row[v] = turned.x, row[v + 1] = turned.y, row[v + 2] = turned.z;
        }
    }
    return out;
}

/* Streams whose plates read the centre of pressure cop_m to the right: z_cop = -Mx / Fy.
 * @return free it; NULL without memory */
static struct kl_stream *with_cop_error(const struct kl_source *source, double cop_m)
{
    struct kl_stream *out = calloc(source->stream_count, sizeof(*out));
    for (size_t i = 0; out != NULL && i < source->stream_count; i++) {
        out[i] = source->stream[i];
        for (size_t c = 0; out[i].kind == KL_KIND_FORCE && c < KL_PLATE_CHANNELS_MAX; c++) {
            out[i].plate.matrix[KL_MX][c] -= cop_m * out[i].plate.matrix[KL_FY][c];
        }
    }
    return out;
}

/* Items until the end. @return KL_SOURCE_END, or what went wrong */
static int pass_on(struct kl_source *source, struct kl_pipeline *pipeline,
                   const struct truth_disturbance *disturbance, double from_s,
                   struct kl_fault *fault)
{
    double *value = calloc(BLOCK_VALUES, sizeof(*value));
    int answer = value == NULL ? KL_ERR_MEM : KL_SOURCE_ITEM;
    while (answer == KL_SOURCE_ITEM) {
        struct kl_item item;
        answer = kl_source_next(source, 0, &item, fault);
        if (answer == KL_SOURCE_ITEM && item.kind == KL_ITEM_BLOCK && disturbance != NULL) {
            const struct kl_stream *stream = &source->stream[item.block.stream];
            item.block = disturb(disturbance, stream, &item.block, from_s, value);
        }
        if (answer == KL_SOURCE_ITEM) {
            kl_pipeline_item(pipeline, &item);
        }
    }
    free(value);
    return answer;
}

bool truth_run(const struct kl_virtual_runner *runner, const struct truth_disturbance *disturbance,
               double seconds, struct kl_results *results, struct kl_fault *fault)
{
    struct kl_hub *hub = kl_hub_create();
    if (hub == NULL || kl_hub_add(hub, "runner", &kl_virtual_runner_driver, runner, fault) < 0) {
        kl_hub_destroy(hub);
        return false;
    }
    struct kl_source *source = kl_hub_start(hub, true, seconds, fault);
    struct kl_settings settings = kl_settings_defaults();
    double cop_m = disturbance != NULL ? disturbance->cop_m : 0;
    struct kl_stream *stream = source != NULL ? with_cop_error(source, cop_m) : NULL;
    struct kl_pipeline *pipeline = stream == NULL
                                       ? NULL
                                       : kl_pipeline_create(stream, source->stream_count, &settings,
                                                            NULL, kl_results_sink(results));
    free(stream);
    int answer = KL_ERR_MEM;
    if (pipeline != NULL) {
        double off_s = kl_virtual_timeline(runner).off_s; /* calibrated by then */
        answer = pass_on(source, pipeline, disturbance, off_s, fault);
        kl_pipeline_end(pipeline);
    }
    kl_pipeline_destroy(pipeline);
    kl_hub_destroy(hub);
    return answer == KL_SOURCE_END;
}

/* ------------------------------------------------------------- centre of mass */

struct walk {
    struct kl_virtual_load load;
    struct kl_virtual_body body;
};

/* Centre of pressure and of mass at one instant; false below the least force. */
static bool place_at(struct walk *walk, const struct kl_virtual_runner *runner, double t_s,
                     double cop_m[2], double com_m[2])
{
    double wrench[2][KL_WRENCH_COUNT];
    kl_virtual_load_at(&walk->load, t_s, wrench);
    double fy = wrench[0][KL_FY] + wrench[1][KL_FY];
    cop_m[0] = (wrench[0][KL_MZ] + wrench[1][KL_MZ]) / fy; /* about the lab origin, y = 0 */
    cop_m[1] = -(wrench[0][KL_MX] + wrench[1][KL_MX]) / fy;
    struct kl_virtual_course away[3];
    size_t at = kl_virtual_step_at(walk->load.contact, walk->load.count, t_s);
    kl_virtual_mass_at(&walk->body.mass, walk->load.contact, at, t_s, away);
    com_m[0] = runner->com_x_m + away[0].value;
    com_m[1] = runner->com_z_m + away[2].value;
    return fy >= COP_LEAST_N;
}

static void walk_stance(struct walk *walk, const struct kl_virtual_runner *runner,
                        struct truth_step *out)
{
    const struct kl_virtual_step *step = &out->step;
    double stance_s = step->to_s - step->ic_s;
    double sum = 0;
    size_t n = 0;
    bool landed = false;
    for (double t_s = step->ic_s; t_s <= step->to_s; t_s += WALK_S) {
        double cop_m[2];
        double com_m[2];
        bool strong = place_at(walk, runner, t_s, cop_m, com_m);
        if (strong && !landed) {
            out->overstride_m = cop_m[0] - com_m[0];
            landed = true;
        }
        double part = (t_s - step->ic_s) / stance_s;
        if (part >= 0.2 && part <= 0.8) {
            sum += cop_m[1] - com_m[1];
            n++;
        }
    }
    out->cop_to_com_m = (step->side == KL_SIDE_LEFT ? -1 : 1) * sum / (double)n;
    out->oscillation_m = kl_virtual_runner_vertical_oscillation(runner);
}

/* ------------------------------------------------------------ knee adduction moment */

#define KAM_MARGIN_S 0.1 /* of rest on both sides of a stance: flight is longer than that */
#define KAM_CUTOFF_HZ 20.0
enum { KAM_SAMPLES = 1000 };

/* methods 3.2 written once more, at 1 kHz. */
static void filter_both_ways(double (*x)[KL_WRENCH_COUNT], size_t count, size_t channel)
{
    double c = pow(sqrt(2.0) - 1.0, 0.25);
    double k = tan(acos(-1.0) * KAM_CUTOFF_HZ * WALK_S) / c;
    double norm = 1.0 / (1.0 + sqrt(2.0) * k + k * k);
    double b0 = k * k * norm;
    double a1 = 2.0 * (k * k - 1.0) * norm;
    double a2 = (1.0 - sqrt(2.0) * k + k * k) * norm;
    for (int pass = 0; pass < 2; pass++) {
        double x1 = 0, x2 = 0, y1 = 0, y2 = 0;
        for (size_t i = 0; i < count; i++) {
            double *at = &x[pass == 0 ? i : count - 1 - i][channel];
            double in = *at;
            double out = b0 * (in + 2.0 * x1 + x2) - a1 * y1 - a2 * y2;
            x2 = x1, x1 = in, y2 = y1, y1 = out;
            *at = out;
        }
    }
}

/* Through the load from its beginning: times never decrease within one walk. */
static void moment_of_stance(struct walk *walk, struct truth_step *out, double mass_kg)
{
    static double wrench[KAM_SAMPLES][KL_WRENCH_COUNT];
    static double axis[KAM_SAMPLES][3];
    static double knee[KAM_SAMPLES][3];
    const struct kl_virtual_step *step = &out->step;
    double mirror = step->side == KL_SIDE_LEFT ? -1 : 1;
    double from_s = step->contact_s - KAM_MARGIN_S;
    size_t count = (size_t)((step->off_s + KAM_MARGIN_S - from_s) / WALK_S);
    count = count < KAM_SAMPLES ? count : KAM_SAMPLES;
    int shank = kl_virtual_limb(KL_VIRTUAL_SHANK_LEFT, step->side);
    for (size_t i = 0; i < count; i++) {
        double both[2][KL_WRENCH_COUNT];
        struct kl_virtual_posture posture;
        double t_s = from_s + (double)i * WALK_S;
        kl_virtual_load_at(&walk->load, t_s, both);
        bool inside = t_s >= step->contact_s && t_s <= step->off_s;
        for (size_t c = 0; c < KL_WRENCH_COUNT; c++) {
            wrench[i][c] = inside ? both[0][c] + both[1][c] : 0;
        }
        kl_virtual_body_at(&walk->body, walk->load.contact, walk->load.count, t_s, &posture);
        for (size_t row = 0; row < 3; row++) {
            axis[i][row] = posture.segment[shank].r[row][0];
            knee[i][row] = posture.segment[shank].p_m[row];
        }
    }
    for (size_t c = 0; c < KL_WRENCH_COUNT; c++) {
        filter_both_ways(wrench, count, c);
    }
    out->kam_peak_n_m_kg = -HUGE_VAL;
    out->kam_impulse_n_m_s_kg = 0;
    for (size_t i = 0; i < count; i++) {
        const double *f = &wrench[i][KL_FX];
        const double *k = knee[i];
        const double moment[3] = {wrench[i][KL_MX] - (k[1] * f[2] - k[2] * f[1]),
                                  wrench[i][KL_MY] - (k[2] * f[0] - k[0] * f[2]),
                                  wrench[i][KL_MZ] - (k[0] * f[1] - k[1] * f[0])};
        double kam = mirror *
                     (axis[i][0] * moment[0] + axis[i][1] * moment[1] + axis[i][2] * moment[2]) /
                     mass_kg;
        double part = (from_s + (double)i * WALK_S - step->ic_s) / (step->to_s - step->ic_s);
        if (part >= 0 && part <= 1) {
            out->kam_impulse_n_m_s_kg += fmax(kam, 0) * WALK_S;
        }
        if (part >= 0.1 && part <= 0.5) {
            out->kam_peak_n_m_kg = fmax(out->kam_peak_n_m_kg, kam);
        }
    }
}

static void walk_moments(struct walk *walk, const struct kl_virtual_runner *runner,
                         struct truth_step *step, size_t count)
{
    kl_virtual_load_init(&walk->load, runner);
    for (size_t i = 0; i < count; i++) {
        moment_of_stance(walk, &step[i], runner->mass_kg);
    }
}

size_t truth_of(const struct kl_virtual_runner *runner, double seconds, struct truth_step *out)
{
    struct kl_virtual_step *step = calloc(TRUTH_STEPS_MAX, sizeof(*step));
    struct walk *walk = calloc(1, sizeof(*walk));
    int found = step == NULL || walk == NULL
                    ? 0
                    : kl_virtual_runner_truth(runner, seconds, THRESHOLD_N, step, TRUTH_STEPS_MAX);
    size_t count = 0;
    if (found > 0) {
        kl_virtual_load_init(&walk->load, runner);
        kl_virtual_body_init(&walk->body, runner);
    }
    for (int i = 0; i < found; i++) {
        if (step[i].motion.gain >= 1) {
            out[count] = (struct truth_step){.step = step[i]};
            walk_stance(walk, runner, &out[count]);
            count++;
        }
    }
    if (count > 0) {
        walk_moments(walk, runner, out, count);
    }
    free(walk);
    free(step);
    return count;
}

/* --------------------------------------------------------------------- errors */

const struct truth_step *truth_match(const struct truth_step *truth, size_t count,
                                     const struct kl_step *step)
{
    for (size_t i = 0; i < count; i++) {
        if (fabs(truth[i].step.ic_s - step->contact_ns * 1e-9) < MATCH_S) {
            return &truth[i];
        }
    }
    return NULL;
}

struct sums {
    size_t n;
    double error, error2, x, xx, y, yy, xy;
    double block; /* of the last MEAN_OF steps */
};

static void add(struct sums *sums, double value, double truth, double error,
                struct truth_error *out)
{
    sums->n++;
    sums->error += error;
    sums->error2 += error * error;
    sums->x += truth;
    sums->xx += truth * truth;
    sums->y += value;
    sums->yy += value * value;
    sums->xy += value * truth;
    out->worst = fmax(out->worst, fabs(error));
    sums->block += error;
    if (sums->n % MEAN_OF == 0) {
        out->mean60 = fmax(out->mean60, fabs(sums->block) / MEAN_OF);
        sums->block = 0;
    }
}

static void finish(const struct truth_row *row, const struct sums *sums, struct truth_error *out)
{
    double n = (double)sums->n;
    out->count = sums->n;
    if (sums->n == 0) {
        return;
    }
    double xx = sums->xx / n - sums->x / n * sums->x / n;
    double yy = sums->yy / n - sums->y / n * sums->y / n;
    double xy = sums->xy / n - sums->x / n * sums->y / n;
    out->correlation = xx > 0 && yy > 0 ? xy / sqrt(xx * yy) : 0;
    out->truth = sums->x / n * (row->relative ? 1 : row->scale);
    out->bias = sums->error / n * row->scale;
    out->rms = sqrt(sums->error2 / n) * row->scale;
    out->sd = sqrt(fmax(0, out->rms * out->rms - out->bias * out->bias));
    out->worst *= row->scale;
    out->mean60 *= row->scale;
}

void truth_compare(const struct kl_virtual_runner *runner, const struct kl_results *results,
                   const struct truth_step *truth, size_t count, struct truth_error *error)
{
    for (size_t r = 0; r < truth_row_count; r++) {
        const struct truth_row *row = &truth_rows[r];
        enum kl_metric_id id = kl_metric_find(row->key);
        struct sums sums = {0};
        error[r] = (struct truth_error){0};
        for (size_t i = 0; id < KL_METRIC_COUNT && i < results->step_count; i++) {
            const struct kl_step *step = &results->step[i];
            const struct truth_step *is = truth_match(truth, count, step);
            if (is == NULL || !step->valid) {
                continue;
            }
            if (step->metric_reasons[id] != 0) {
                error[r].refused++;
                continue;
            }
            double value = step->metric[id] / (row->per_mass ? runner->mass_kg : 1);
            double wanted = 0;
            memcpy(&wanted, (const char *)is + row->truth, sizeof(wanted));
            double off = (value - wanted) / (row->relative ? fabs(wanted) : 1);
            add(&sums, value, wanted, off, &error[r]);
        }
        finish(row, &sums, &error[r]);
    }
}

/* ------------------------------------------------------------------ levels of the knee */

static void knee_errors(const struct kl_virtual_runner *runner, const struct kl_results *results,
                        const struct truth_step *truth, size_t count,
                        struct knee_errors out[KNEE_LEVELS])
{
    static const char *const key[KNEE_LEVELS] = {"kam_k1_peak", "kam_k2a_peak", "kam_k2b_peak",
                                                 "kam_peak"};
    for (size_t level = 0; level < KNEE_LEVELS; level++) {
        const struct truth_row row = {.scale = 1};
        enum kl_metric_id id = kl_metric_find(key[level]);
        struct sums sums = {0};
        struct truth_error error = {0};
        for (size_t i = 0; i < results->step_count; i++) {
            const struct kl_step *step = &results->step[i];
            const struct truth_step *is = truth_match(truth, count, step);
            if (is == NULL || !step->valid || step->metric_reasons[id] != 0) {
                continue;
            }
            double value = step->metric[id] / runner->mass_kg;
            double wanted = level == 0 ? is->step.motion.kam[KL_VIRTUAL_FRAME_LAB].peak1_n_m_kg
                                       : is->kam_peak_n_m_kg;
            add(&sums, value, wanted, value - wanted, &error);
        }
        finish(&row, &sums, &error);
        out[level] = (struct knee_errors){error.count, error.truth, error.bias,
                                          error.rms,   error.sd,    error.correlation};
    }
}

bool knee_errors_of(const struct kl_virtual_runner *runner,
                    const struct truth_disturbance *disturbance, double seconds,
                    struct knee_errors out[KNEE_LEVELS], struct kl_fault *fault)
{
    struct kl_results results = {0};
    struct truth_step *truth = calloc(TRUTH_STEPS_MAX, sizeof(*truth));
    bool run = truth != NULL && truth_run(runner, disturbance, seconds, &results, fault);
    if (run) {
        knee_errors(runner, &results, truth, truth_of(runner, seconds, truth), out);
    }
    kl_results_free(&results);
    free(truth);
    return run;
}
