#include "synthetic_snapshot.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const double pi = 3.14159265358979323846;
#define STEP_S 0.35
#define CONTACT_S 0.25
#define WEIGHT_N 686.5
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* A number in [-1, 1] that looks random and depends on nothing but its arguments. */
static double jitter(unsigned step, unsigned what)
{
    unsigned x = step * 2654435761u ^ what * 2246822519u;
    x ^= x >> 15;
    x *= 2246822519u;
    x ^= x >> 13;
    return (double)(x & 0xffffu) / 32767.5 - 1.0;
}

/* Force over body weight at a part s of the contact: half sine and impact (rearfoot preset). */
static double force_bw(unsigned step, double s)
{
    if (s <= 0.0 || s >= 1.0) {
        return 0.0;
    }
    double impact = 0.9 + 0.12 * jitter(step, 1);
    double width = 0.24 + 0.01 * jitter(step, 2);
    double bump = s < width ? impact * pow(sin(pi * s / width), 2.0) : 0.0;
    return (2.03 + 0.06 * jitter(step, 3)) * sin(pi * s) + bump;
}

static enum kl_side side_of(unsigned step)
{
    return step % 2 == 0 ? KL_SIDE_LEFT : KL_SIDE_RIGHT;
}

static void fill_trace(struct kl_snapshot_plate *plate, double t_s, bool one_plate)
{
    int64_t newest = (int64_t)floor(t_s * KL_TRACE_RATE_HZ + 1e-6);
    plate->trace_end_ns = KL_EPOCH_NS + newest * (KL_NS_PER_S / KL_TRACE_RATE_HZ);
    plate->trace_count = newest < KL_TRACE_SAMPLES ? (size_t)newest : KL_TRACE_SAMPLES;
    plate->trace_head = (size_t)(newest % 7); /* anywhere: a ring */
    for (size_t i = 0; i < plate->trace_count; i++) {
        int64_t number = newest - (int64_t)plate->trace_count + 1 + (int64_t)i;
        struct kl_trace_point *point = &plate->trace[(plate->trace_head + i) % KL_TRACE_SAMPLES];
        double low = (double)INFINITY;
        double high = -(double)INFINITY;
        bool contact = false;
        unsigned step = 0;
        for (int k = 0; k < 5; k++) { /* samples of a 1 kHz plate */
            double at = (double)number / KL_TRACE_RATE_HZ - 0.001 * (4 - k);
            step = at > 0.0 ? (unsigned)(at / STEP_S) : 0;
            double s = (at - step * STEP_S) / CONTACT_S;
            bool mine = one_plate || side_of(step) == plate->side;
            double force = mine ? WEIGHT_N * force_bw(step, s) : 0.0;
            force += 4.0 * jitter((unsigned)(number * 5 + k), 4);
            low = fmin(low, force);
            high = fmax(high, force);
            contact = contact || (mine && s > 0.01 && s < 0.99);
        }
        point->low_n = (float)low;
        point->high_n = (float)high;
        point->contact = contact;
        point->side =
            (uint8_t)(contact ? (one_plate ? KL_SIDE_UNKNOWN : side_of(step)) : KL_SIDE_UNKNOWN);
    }
}

static void fill_plate(struct kl_snapshot_plate *plate, const char *name, enum kl_side side,
                       double z_from_m, double z_to_m)
{
    (void)snprintf(plate->name, sizeof(plate->name), "%s", name);
    plate->side = side;
    const double x[4] = {-0.8, 0.8, 0.8, -0.8};
    const double z[4] = {z_from_m, z_from_m, z_to_m, z_to_m};
    memcpy(plate->corner_x_m, x, sizeof(x));
    memcpy(plate->corner_z_m, z, sizeof(z));
    plate->has_corners = true;
    plate->has_cop = true;
}

static void fill_curve(struct kl_curve *curve, unsigned step, bool cop)
{
    curve->step = step;
    curve->contact_time_s = (float)CONTACT_S;
    for (size_t i = 0; i < KL_CURVE_POINTS; i++) {
        curve->fy_bw[i] = (float)force_bw(step, (double)i / (KL_CURVE_POINTS - 1));
    }
    curve->cop_count = cop ? KL_COP_POINTS : 0;
    double out = side_of(step) == KL_SIDE_RIGHT ? 1.0 : -1.0;
    for (size_t i = 0; i < curve->cop_count; i++) {
        double s = 0.05 + 0.9 * (double)i / (KL_COP_POINTS - 1);
        double foot = 0.266 * (0.1 + 0.75 * pow(s, 0.8));
        curve->cop_x_m[i] = (float)(0.25 + 0.03 * jitter(step, 5) - 3.0 * s * CONTACT_S + foot);
        curve->cop_z_m[i] = (float)(out * (0.055 + 0.004 * jitter(step, 6) + 0.010 * cos(pi * s) -
                                           0.004 * sin(3.0 * s + jitter(step, 7))));
    }
}

/* Plausible SI values of one runner; the order is the metric table's. */
static const double typical[KL_METRIC_COUNT] = {
    [KL_METRIC_CONTACT_TIME] = 0.2476,
    [KL_METRIC_FLIGHT_TIME] = 0.1024,
    [KL_METRIC_STEP_TIME] = 0.35,
    [KL_METRIC_STRIDE_TIME] = 0.70,
    [KL_METRIC_DUTY_FACTOR] = 0.354,
    [KL_METRIC_CADENCE] = 171.4 / 60.0,
    [KL_METRIC_STEP_LENGTH] = 1.05,
    [KL_METRIC_ACTIVE_PEAK] = 2.03 * WEIGHT_N,
    [KL_METRIC_TIME_TO_ACTIVE_PEAK] = 0.125,
    [KL_METRIC_IMPACT_PEAK] = 1.70 * WEIGHT_N,
    [KL_METRIC_TIME_TO_IMPACT_PEAK] = 0.035,
    [KL_METRIC_VALR] = 67.3 * WEIGHT_N,
    [KL_METRIC_VILR] = 79.9 * WEIGHT_N,
    [KL_METRIC_VERTICAL_IMPULSE] = 0.35 * WEIGHT_N,
    [KL_METRIC_PEAK_BRAKING] = -0.25 * WEIGHT_N,
    [KL_METRIC_TIME_TO_PEAK_BRAKING] = 0.0625,
    [KL_METRIC_BRAKING_IMPULSE] = -0.0199 * WEIGHT_N,
    [KL_METRIC_PEAK_PROPULSION] = 0.25 * WEIGHT_N,
    [KL_METRIC_PROPULSION_IMPULSE] = 0.0199 * WEIGHT_N,
    [KL_METRIC_BRAKING_TO_PROPULSION] = 0.5,
    [KL_METRIC_PEAK_MEDIAL_FORCE] = 0.06 * WEIGHT_N,
    [KL_METRIC_PEAK_LATERAL_FORCE] = 0.02 * WEIGHT_N,
    [KL_METRIC_MEDIOLATERAL_IMPULSE] = -0.009 * WEIGHT_N,
    [KL_METRIC_FREE_MOMENT_PEAK] = 0.003 * WEIGHT_N * 1.75,
    [KL_METRIC_COP_MEAN_ML] = 0.055,
    [KL_METRIC_COP_RANGE_ML] = 0.017,
    [KL_METRIC_COP_PROGRESSION] = 0.21,
};

static void fill_step(struct kl_step *step, unsigned index, enum kl_side side, bool one_force)
{
    step->index = index;
    step->side = side;
    step->contact_ns = (double)KL_EPOCH_NS + index * STEP_S * 1e9;
    step->off_ns = step->contact_ns + CONTACT_S * 1e9;
    step->valid = true;
    step->body_weight_n = one_force ? 0.0 : WEIGHT_N;
    step->speed_m_s = one_force ? 0.0 : 3.0;
    for (size_t i = 0; i < KL_METRIC_COUNT; i++) {
        step->metric[i] = typical[i] * (1.0 + 0.02 * jitter(index, 20u + (unsigned)i));
        if (one_force && i >= KL_METRIC_PEAK_BRAKING) {
            step->metric[i] = 0.0;
            step->metric_reasons[i] = KL_REASON_NOT_MEASURED;
        }
        if (i >= KL_METRIC_FORCE_COUNT) {
            step->metric_reasons[i] = KL_REASON_NO_SENSOR;
        }
    }
    if (one_force) {
        step->metric_reasons[KL_METRIC_STEP_LENGTH] = KL_REASON_SPEED_UNKNOWN;
        return;
    }
    if (side == KL_SIDE_RIGHT) {
        step->metric_reasons[KL_METRIC_IMPACT_PEAK] = KL_REASON_NO_IMPACT_PEAK;
        step->metric_reasons[KL_METRIC_TIME_TO_IMPACT_PEAK] = KL_REASON_NO_IMPACT_PEAK;
        step->metric_reasons[KL_METRIC_COP_PROGRESSION] =
            KL_REASON_COP_INVALID | KL_REASON_CROSSOVER;
    }
}

static void fill_side(struct kl_snapshot_side *out, enum kl_side side, unsigned finished,
                      bool one_force)
{
    out->curves_in_bw = true;
    for (unsigned back = 0; back < finished && out->curve_count < KL_CURVE_STEPS; back++) {
        unsigned step = finished - 1 - back;
        if (!one_force && side_of(step) != side) {
            continue;
        }
        if (!out->has_step) {
            out->has_step = true;
            fill_step(&out->last, step, side, one_force);
        }
        fill_curve(&out->curve[out->curve_count++], step, !one_force);
    }
    out->steps = one_force ? finished : (finished + (side == KL_SIDE_LEFT)) / 2;
    for (size_t i = 0; i < KL_METRIC_COUNT && out->has_step; i++) {
        if (out->last.metric_reasons[i] == KL_REASON_NOT_MEASURED ||
            out->last.metric_reasons[i] == KL_REASON_NO_SENSOR) {
            continue;
        }
        out->n[i] = out->steps < 60 ? out->steps : 60;
        out->mean[i] = typical[i] * (1.0 + 0.003 * jitter((unsigned)out->steps, (unsigned)i));
        out->sd[i] = fabs(typical[i]) * 0.02;
    }
}

static struct kl_flag_table *demonstration_table(void)
{
    static struct kl_flag_table table;
    static const struct {
        enum kl_factor factor;
        const char *indicator, *label;
        enum kl_metric_id metric;
        bool per_side, above;
        double limit, limit2;
        enum kl_grade grade;
        const char *say, *option;
    } rule[] = {
        {KL_FACTOR_FOOTWEAR, "valr_high", "Loading rate (VALR)", KL_METRIC_VALR, true, true, 86.0,
         105.0, KL_GRADE_W, "Impact in this shoe is above the reference group.",
         "trial of another shoe, in the order A B B A"},
        {KL_FACTOR_RUNNING_FORM, "cadence_low", "Cadence", KL_METRIC_CADENCE, false, false, 170.0,
         166.0, KL_GRADE_M, "Steps are long for this speed.",
         "5-10 % more steps per minute at the same speed"},
        {KL_FACTOR_JOINT_INSTABILITY, "step_time_cv", "Step time variability", KL_METRIC_STEP_TIME,
         false, true, 3.0, 5.0, KL_GRADE_X, "Steps vary more than usual.",
         "technique at lower speed"},
    };
    table.timing.window_steps = 60;
    table.count = COUNT(rule);
    for (size_t i = 0; i < COUNT(rule); i++) {
        struct kl_rule *out = &table.rule[i];
        out->factor = rule[i].factor;
        (void)snprintf(out->indicator, sizeof(out->indicator), "%s", rule[i].indicator);
        (void)snprintf(out->label, sizeof(out->label), "%s", rule[i].label);
        out->metric = rule[i].metric;
        out->per_side = rule[i].per_side;
        out->above = rule[i].above;
        out->limit[0] = rule[i].limit;
        out->limit[1] = rule[i].limit2;
        out->grade = rule[i].grade;
        (void)snprintf(out->source, sizeof(out->source),
                       "mean + 1 SD and + 2 SD of a reference group of women at 3.7 m/s; a made-up "
                       "source, as long as the longest in the table that ships, so that the screen "
                       "is tried with sentences of full length");
        (void)snprintf(out->say, sizeof(out->say), "%s", rule[i].say);
        (void)snprintf(out->option, sizeof(out->option), "%s", rule[i].option);
    }
    return &table;
}

static void fill_flags(struct kl_snapshot *out, enum synthetic_scene scene)
{
    static const char *const lacks[KL_FACTOR_COUNT] = {
        [KL_FACTOR_MENISCUS_LOAD] = "shank sensor not connected",
        [KL_FACTOR_PES_ANSERINUS] = "training log not entered",
        [KL_FACTOR_MCL_VALGUS] = "thigh and shank sensors not connected",
        [KL_FACTOR_MEDIAL_LOAD] = "knee moment proxy needs a thigh and a shank sensor",
        [KL_FACTOR_PRONATION] = "foot sensor not connected",
        [KL_FACTOR_VMO_IMBALANCE] = "no EMG",
    };
    bool early =
        scene == SYNTHETIC_EMPTY || scene == SYNTHETIC_CALIBRATING || scene == SYNTHETIC_ONE_FORCE;
    out->flag_table = demonstration_table();
    out->flag_count = 4;
    const struct kl_flag flag[4] = {
        {.rule = 0,
         .side = KL_SIDE_LEFT,
         .state = KL_FLAG_AMBER,
         .value = 92.1,
         .ci_low = 90.3,
         .ci_high = 93.9,
         .steps = 60},
        {.rule = 0,
         .side = KL_SIDE_RIGHT,
         .state = KL_FLAG_GREEN,
         .value = 67.0,
         .ci_low = 65.9,
         .ci_high = 68.1,
         .steps = 60},
        {.rule = 1,
         .state = KL_FLAG_GREEN,
         .value = 171.4,
         .ci_low = 171.0,
         .ci_high = 171.8,
         .steps = 60},
        {.rule = 2,
         .state = KL_FLAG_NOTE,
         .value = 3.4,
         .ci_low = 3.1,
         .ci_high = 3.7,
         .steps = 60},
    };
    memcpy(out->flag, flag, sizeof(flag));
    for (size_t i = 0; i < KL_FACTOR_COUNT; i++) {
        out->factor_reason[i] = early ? "too early: 60 valid steps are needed" : lacks[i];
    }
    for (size_t i = 0; early && i < out->flag_count; i++) {
        out->flag[i].state = KL_FLAG_GREY;
        out->flag[i].grey_reason = "too early: 60 valid steps are needed";
    }
    if (!early) {
        out->factor[KL_FACTOR_FOOTWEAR] = KL_FLAG_AMBER;
        out->factor[KL_FACTOR_RUNNING_FORM] = KL_FLAG_GREEN;
        out->factor[KL_FACTOR_JOINT_INSTABILITY] = KL_FLAG_NOTE;
    }
    if (scene == SYNTHETIC_PROBLEM) {
        out->factor[KL_FACTOR_RUNNING_FORM] = KL_FLAG_RED;
        out->flag[2].state = KL_FLAG_RED;
        out->flag[2].high = true;
        out->flag[2].value = 163.2;
        out->flag[2].ci_low = 162.6;
        out->flag[2].ci_high = 163.8;
    }
}

static void add_device(struct kl_snapshot *out, const char *name, const char *state, double rate_hz,
                       uint64_t lost, bool alarm)
{
    struct kl_snapshot_device *device = &out->device[out->device_count++];
    (void)snprintf(device->name, sizeof(device->name), "%s", name);
    (void)snprintf(device->state, sizeof(device->state), "%s", state);
    device->rate_hz = rate_hz;
    device->lost = lost;
    device->alarm = alarm;
    device->measured_hz = rate_hz * 0.9993;
    device->battery = -1.0;
}

static void fill_devices(struct kl_snapshot *out, enum synthetic_scene scene, double t_s)
{
    if (scene == SYNTHETIC_ONE_FORCE) {
        add_device(out, "plate.belt", "file", 300.0, 0, false);
        return;
    }
    bool problem = scene == SYNTHETIC_PROBLEM;
    add_device(out, "plate.left", "streaming", 1000.0, 0, false);
    add_device(out, "plate.right", "streaming", 1000.0, problem ? 12 : 0, false);
    add_device(out, "imu.shank.left", "streaming", 100.0, 0, false);
    add_device(out, "imu.shank.right", problem ? "lost" : "streaming", problem ? 0.0 : 100.0, 0,
               problem);
    add_device(out, "treadmill", "simulated", 10.0, 0, false);
    out->device[2].battery = 0.81;
    out->device[3].battery = problem ? -1.0 : 0.34;
    if (scene == SYNTHETIC_UNREADY) {
        (void)snprintf(out->device[2].state, sizeof(out->device[2].state), "rate 96 Hz, not 100");
        (void)snprintf(out->device[3].state, sizeof(out->device[3].state), "battery 8 %%");
        out->device[2].alarm = out->device[3].alarm = true;
        out->device[2].measured_hz = 96.3;
        out->device[3].battery = 0.08;
        out->device[1].measured_hz = 984.0;
    }
    for (size_t i = 0; i < out->device_count; i++) {
        out->device[i].samples = (uint64_t)(out->device[i].rate_hz * t_s);
    }
}

static void fill_recording(struct kl_snapshot *out, enum synthetic_scene scene, double t_s)
{
    struct kl_snapshot_recording *recording = &out->recording;
    recording->seconds = t_s;
    recording->speed = 1.0;
    (void)snprintf(recording->path, sizeof(recording->path), "/data/lab/S07_shoe_A.xdf");
    recording->state = scene == SYNTHETIC_EMPTY       ? KL_RECORDING_OFF
                       : scene == SYNTHETIC_ONE_FORCE ? KL_RECORDING_REPLAY
                       : scene == SYNTHETIC_PROBLEM   ? KL_RECORDING_HELD
                                                      : KL_RECORDING_ON;
    if (scene == SYNTHETIC_ONE_FORCE) {
        recording->duration_s = 600.0;
        recording->speed = 2.0;
        recording->paused = true;
    }
    if (scene == SYNTHETIC_PROBLEM) {
        recording->held_seconds = 4.2;
        (void)snprintf(recording->problem, sizeof(recording->problem),
                       "imu.shank.right: no data for 2.1 s; is it switched on and in range? "
                       "The other devices go on recording.");
    }
}

static void fill_cadence(struct kl_snapshot *out, unsigned finished, bool one_force)
{
    if (finished < 20) {
        return;
    }
    out->cadence_count = finished - 19 < KL_HISTORY_STEPS ? finished - 19 : KL_HISTORY_STEPS;
    for (size_t i = 0; i < out->cadence_count; i++) {
        unsigned step = finished - (unsigned)out->cadence_count + (unsigned)i;
        out->cadence_history[i] = (float)(171.4 + 3.0 * sin(step * 0.07) + 0.6 * jitter(step, 9));
    }
    out->cadence_spm = (double)out->cadence_history[out->cadence_count - 1];
    out->cadence_fft_spm = 171.6;
    out->target_cadence_spm = one_force ? 0.0 : 178.0;
}

void synthetic_snapshot(enum synthetic_scene scene, double t_s, struct kl_snapshot *out)
{
    memset(out, 0, sizeof(*out));
    if (scene == SYNTHETIC_NO_SESSION) {
        return;
    }
    bool one_force = scene == SYNTHETIC_ONE_FORCE;
    bool empty = scene == SYNTHETIC_EMPTY || scene == SYNTHETIC_CALIBRATING;
    out->t_ns = KL_EPOCH_NS + (int64_t)(t_s * 1e9);
    out->cutoff_hz = 50.0;
    out->threshold_n = 50.0;
    out->loading_rule = KL_LOADING_P13;
    fill_flags(out, scene);
    fill_devices(out, scene, t_s);
    fill_recording(out, scene, t_s);
    out->plate_count = one_force ? 1 : 2;
    if (one_force) {
        (void)snprintf(out->plate[0].name, sizeof(out->plate[0].name), "plate.belt");
    } else {
        fill_plate(&out->plate[0], "plate.left", KL_SIDE_LEFT, -0.35, -0.005);
        fill_plate(&out->plate[1], "plate.right", KL_SIDE_RIGHT, 0.005, 0.35);
    }
    (void)snprintf(out->subject, sizeof(out->subject), "S07");
    if (empty) {
        out->target_cadence_spm = 178.0;
        synthetic_body(scene, t_s, out);
        return;
    }
    unsigned begun = (unsigned)(t_s / STEP_S) + 1;
    unsigned finished =
        t_s > CONTACT_S + 0.1 ? (unsigned)((t_s - CONTACT_S - 0.1) / STEP_S) + 1 : 0;
    out->gait = KL_GAIT_RUN;
    out->contacts = begun;
    if (!one_force) {
        out->body_weight_n = WEIGHT_N;
        out->body_weight_from = "weighed";
        out->height_m = 1.75;
        out->speed_m_s = 3.0;
        (void)snprintf(out->condition, sizeof(out->condition), "shoe A + 5° medial wedge");
    }
    for (size_t i = 0; i < out->plate_count; i++) {
        fill_trace(&out->plate[i], t_s, one_force);
    }
    if (one_force) {
        fill_side(&out->side[KL_SIDE_UNKNOWN], KL_SIDE_UNKNOWN, finished, true);
    } else {
        fill_side(&out->side[KL_SIDE_LEFT], KL_SIDE_LEFT, finished, false);
        fill_side(&out->side[KL_SIDE_RIGHT], KL_SIDE_RIGHT, finished, false);
    }
    fill_cadence(out, finished, one_force);
    if (scene == SYNTHETIC_PROBLEM) {
        out->side[KL_SIDE_LEFT].last.valid = false;
        out->side[KL_SIDE_LEFT].last.reasons = KL_REASON_GAP;
        out->cadence_disagrees = true;
        out->cadence_fft_spm = 164.0;
    }
    synthetic_body(scene, t_s, out);
}
