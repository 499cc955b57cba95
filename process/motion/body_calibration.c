#include "process/motion/body_calibration.h"

#include "process/motion/calibration_seat.h"
#include "process/motion/motion_window.h"
#include "process/motion/still_pose.h"

#include <stdio.h>
#include <stdlib.h>

/* methods 9.3 says 0.5; in a knee bend of 3 s a shank that turns by 24 deg only reaches 0.44, and
 * bows are slower still [project] */
#define MOVING_RAD_S 0.5
#define BENDING_RAD_S 0.25
#define BOWING_RAD_S 0.25

/* Project choices: what makes a phase good. */
#define BOW_RANGE_RAD (15 * KL_CALIBRATION_DEG)
#define LIFT_RANGE_RAD (15 * KL_CALIBRATION_DEG)
#define TILT_MIN_M_S2 0.15 /* gravity must swing by 1 deg to tell a sign */

/* ------------------------------------------------------------------------------------- words */

static const struct {
    const char *text, *instruction;
    double moving_rad_s;
    size_t repetitions;
    double range_rad;
    const char *better;
} phases[KL_CALIBRATION_PHASE_COUNT] = {
    [KL_CALIBRATION_STILL] = {"still", "Stand still and upright, feet parallel, facing forward.", 0,
                              0, 0, "do not move, let the arms hang"},
    [KL_CALIBRATION_SQUATS] = {"squats", "Ten knee bends, heels on the floor, knees over the toes.",
                               BENDING_RAD_S, KL_CALIBRATION_BENDS, KL_CALIBRATION_BEND_RAD,
                               "bend straight ahead, knees over the toes, no turning"},
    [KL_CALIBRATION_BOWS] = {"bows", "Five bows from the hips, straight forward and back.",
                             BOWING_RAD_S, KL_CALIBRATION_BOWS_MIN, BOW_RANGE_RAD,
                             "bow straight forward from the hips, do not turn or lean sideways"},
    [KL_CALIBRATION_MARCH] = {"march", "March on the spot for 20 s, the right knee first.",
                              MOVING_RAD_S, KL_CALIBRATION_STRIDES, LIFT_RANGE_RAD,
                              "lift the knees straight up, toes forward"},
    [KL_CALIBRATION_STILL_AGAIN] = {"still again", "Stand still once more, as at the beginning.", 0,
                                    0, 0, "do not move, let the arms hang"},
};

static bool is_pose(enum kl_calibration_phase phase)
{
    return phase == KL_CALIBRATION_STILL || phase == KL_CALIBRATION_STILL_AGAIN;
}

const char *kl_calibration_phase_text(enum kl_calibration_phase phase)
{
    return (unsigned)phase < KL_CALIBRATION_PHASE_COUNT ? phases[phase].text : "none";
}

const char *kl_calibration_instruction(enum kl_calibration_phase phase)
{
    return (unsigned)phase < KL_CALIBRATION_PHASE_COUNT ? phases[phase].instruction : "";
}

/* ------------------------------------------------------------------------------------ memory */

struct kl_body_calibration *kl_body_calibration_create(void)
{
    struct kl_body_calibration *calibration = calloc(1, sizeof(*calibration));
    if (calibration != NULL && kl_calibration_epochs_open(&calibration->epochs) != KL_OK) {
        free(calibration);
        return NULL;
    }
    return calibration;
}

void kl_body_calibration_destroy(struct kl_body_calibration *calibration)
{
    if (calibration != NULL) {
        kl_calibration_epochs_close(&calibration->epochs);
        free(calibration);
    }
}

void kl_body_calibration_expect_up(struct kl_body_calibration *calibration, enum kl_segment sensor,
                                   struct kl_vec up_sensor)
{
    calibration->expected_up[sensor] = kl_vec_unit(up_sensor);
}

void kl_body_calibration_standing_heading(struct kl_body_calibration *calibration,
                                          enum kl_segment segment, double heading_rad)
{
    calibration->standing_heading_rad[segment] = heading_rad;
}

/* ------------------------------------------------------------------------------------ phases */

static bool is_foot(enum kl_segment segment)
{
    return segment == KL_SEGMENT_FOOT_LEFT || segment == KL_SEGMENT_FOOT_RIGHT;
}

/* Which phase gives a segment its axis. */
static enum kl_calibration_phase axis_phase(enum kl_segment segment)
{
    switch (segment) {
    case KL_SEGMENT_TRUNK:
    case KL_SEGMENT_PELVIS:
        return KL_CALIBRATION_BOWS;
    case KL_SEGMENT_FOOT_LEFT:
    case KL_SEGMENT_FOOT_RIGHT:
        return KL_CALIBRATION_MARCH;
    default:
        return KL_CALIBRATION_SQUATS;
    }
}

static struct kl_vec bias_of(const struct kl_body_calibration *calibration, enum kl_segment sensor)
{
    const struct kl_calibration_result *pose =
        &calibration->phase[KL_CALIBRATION_STILL].sensor[sensor];
    return pose->has_still ? pose->still.rate : (struct kl_vec){0, 0, 0};
}

static void judge_sensor(const struct kl_body_calibration *calibration,
                         enum kl_calibration_phase phase, enum kl_segment sensor,
                         struct kl_calibration_result *out)
{
    *out = (struct kl_calibration_result){.seen = false};
    out->seen = kl_calibration_still_of(&calibration->epochs, sensor, &out->still);
    if (is_pose(phase)) {
        out->has_still = out->seen && out->still.seconds >= KL_STILL_POSE_MIN_S;
    } else {
        out->has_turn =
            kl_calibration_turn_of(&calibration->epochs, sensor, bias_of(calibration, sensor),
                                   phases[phase].moving_rad_s, &out->turn);
    }
}

static void judge_march(struct kl_body_calibration *calibration)
{
    for (int a = 0; a < KL_SEGMENT_COUNT; a++) {
        calibration->first_move[a] =
            kl_calibration_first_move(&calibration->epochs, (enum kl_segment)a, 2 * MOVING_RAD_S);
        for (int b = 0; b < KL_SEGMENT_COUNT; b++) {
            calibration->likeness[a][b] = kl_calibration_likeness(
                &calibration->epochs, (enum kl_segment)a, (enum kl_segment)b);
            calibration->together[a][b] = kl_calibration_together(
                &calibration->epochs, (enum kl_segment)a, (enum kl_segment)b);
        }
    }
}

void kl_body_calibration_begin(struct kl_body_calibration *calibration,
                               enum kl_calibration_phase phase, int64_t t_ns)
{
    kl_body_calibration_end(calibration, t_ns);
    kl_calibration_epochs_begin(&calibration->epochs, t_ns);
    calibration->running = true;
    calibration->now = phase;
    if (phase == KL_CALIBRATION_STILL) {
        calibration->phase[KL_CALIBRATION_STILL_AGAIN].done = false;
    }
}

void kl_body_calibration_end(struct kl_body_calibration *calibration, int64_t t_ns)
{
    if (!calibration->running) {
        return;
    }
    calibration->running = false;
    struct kl_calibration_record *phase = &calibration->phase[calibration->now];
    phase->done = true;
    phase->length_s = kl_seconds(t_ns - calibration->epochs.begin_ns);
    for (int s = 0; s < KL_SEGMENT_COUNT; s++) {
        judge_sensor(calibration, calibration->now, (enum kl_segment)s, &phase->sensor[s]);
    }
    if (calibration->now == KL_CALIBRATION_MARCH) {
        judge_march(calibration);
    }
}

void kl_body_calibration_push(struct kl_body_calibration *calibration, enum kl_segment sensor,
                              int64_t t_ns, struct kl_vec w_rad_s, struct kl_vec a_m_s2)
{
    if (calibration->running) {
        kl_calibration_epochs_add(&calibration->epochs, sensor, t_ns, w_rad_s, a_m_s2);
    }
}

/* ------------------------------------------------------------------------------ live figure */

/* Sensors a phase wants something of: all in a pose, else those whose axis it gives. */
static bool asks(enum kl_calibration_phase phase, enum kl_segment sensor)
{
    return is_pose(phase) || axis_phase(sensor) == phase;
}

static void check_sensor(enum kl_calibration_phase phase,
                         const struct kl_calibration_result *result,
                         struct kl_calibration_sensor_check *out)
{
    *out = (struct kl_calibration_sensor_check){.seen = result->seen};
    if (is_pose(phase)) {
        out->quality = fmin(result->still.seconds / KL_STILL_POSE_MIN_S, 1);
        out->pass = result->has_still;
    } else if (result->has_turn) {
        out->quality = result->turn.quality;
        out->range_rad = result->turn.range_rad;
        out->repetitions = result->turn.repetitions;
        out->pass = out->quality >= KL_CALIBRATION_AXIS_Q &&
                    out->range_rad >= phases[phase].range_rad &&
                    out->repetitions >= phases[phase].repetitions;
    }
}

/* What is wrong with a sensor in a phase and what to do, in one line. */
static void explain(enum kl_calibration_phase phase, enum kl_segment sensor,
                    const struct kl_calibration_sensor_check *check,
                    const struct kl_calibration_result *result, char *text, size_t size)
{
    const char *name = kl_segment_text(sensor);
    const char *better = phases[phase].better;
    if (!check->seen) {
        (void)snprintf(text, size, "%s: no samples in this phase; check the sensor", name);
    } else if (is_pose(phase)) {
        (void)snprintf(text, size, "%s: still for %.1f s of %.0f s; %s", name,
                       result->still.seconds, KL_STILL_POSE_MIN_S, better);
    } else if (check->range_rad < phases[phase].range_rad) {
        (void)snprintf(text, size, "%s: turned by %.0f deg of %.0f; move further", name,
                       check->range_rad / KL_CALIBRATION_DEG,
                       phases[phase].range_rad / KL_CALIBRATION_DEG);
    } else if (check->repetitions < phases[phase].repetitions) {
        (void)snprintf(text, size, "%s: %zu of %zu repetitions; go on", name, check->repetitions,
                       phases[phase].repetitions);
    } else {
        (void)snprintf(text, size, "%s: axis quality %.2f of %.2f; %s", name, check->quality,
                       KL_CALIBRATION_AXIS_Q, better);
    }
}

void kl_body_calibration_check(const struct kl_body_calibration *calibration,
                               enum kl_calibration_phase phase, struct kl_calibration_check *out)
{
    *out = (struct kl_calibration_check){.phase = phase, .quality = 1};
    out->running = calibration->running && calibration->now == phase;
    out->done = calibration->phase[phase].done;
    out->elapsed_s = out->running ? (double)calibration->epochs.count * KL_EPOCH_S
                                  : calibration->phase[phase].length_s;
    bool known = false; /* sensors that have sent anything in any phase are expected in all */
    int worst = -1;
    struct kl_calibration_result worst_result = {.seen = false};
    for (int s = 0; s < KL_SEGMENT_COUNT; s++) {
        struct kl_calibration_result result = calibration->phase[phase].sensor[s];
        if (out->running) {
            judge_sensor(calibration, phase, (enum kl_segment)s, &result);
        }
        check_sensor(phase, &result, &out->sensor[s]);
        bool worn = result.seen || calibration->phase[KL_CALIBRATION_STILL].sensor[s].seen;
        out->sensor[s].asked = worn && asks(phase, (enum kl_segment)s);
        if (!out->sensor[s].asked) {
            continue;
        }
        bool fails = !out->sensor[s].pass;
        if (worst < 0 || (fails && out->sensor[worst].pass) ||
            (fails == !out->sensor[worst].pass &&
             out->sensor[s].quality < out->sensor[worst].quality)) {
            worst = s;
            worst_result = result;
        }
        known = true;
    }
    out->pass = known && out->sensor[worst].pass;
    out->quality = known ? out->sensor[worst].quality : 0;
    if (!out->running && !out->done) {
        (void)snprintf(out->text, sizeof(out->text), "not done: %s", phases[phase].instruction);
    } else if (!known) {
        (void)snprintf(out->text, sizeof(out->text), "no sensor takes part in this phase");
    } else if (out->pass) {
        (void)snprintf(out->text, sizeof(out->text), "good");
    } else {
        explain(phase, (enum kl_segment)worst, &out->sensor[worst], &worst_result, out->text,
                sizeof(out->text));
    }
}

size_t kl_body_calibration_findings(const struct kl_body_calibration *calibration,
                                    struct kl_calibration_finding out[KL_FINDINGS_MAX])
{
    struct kl_calibration_seat seat;
    kl_calibration_seat_find(calibration, &seat);
    for (size_t i = 0; i < seat.count; i++) {
        out[i] = seat.finding[i];
    }
    return seat.count;
}

enum kl_segment kl_body_calibration_sensor(const struct kl_body_calibration *calibration,
                                           enum kl_segment segment)
{
    struct kl_calibration_seat seat;
    kl_calibration_seat_find(calibration, &seat);
    return seat.sensor[segment];
}

/* ------------------------------------------------------------------------------------ result */

/* Turns the axis to the runner's right. In a knee bend the thigh leans back (+z), the shank
 * forward (-z), in a bow pelvis and trunk forward (-z): gravity swings to the other side of the
 * segment, along x = y x z. @return false when it hardly swings */
static bool point_right(enum kl_segment segment, const struct kl_calibration_turn *turn,
                        struct kl_vec up, struct kl_vec *axis)
{
    bool leans_back = segment == KL_SEGMENT_THIGH_LEFT || segment == KL_SEGMENT_THIGH_RIGHT;
    struct kl_vec forward = kl_vec_cross(kl_vec_unit(up), *axis);
    double swing = kl_vec_dot(kl_vec_sub(turn->mean_a_m_s2, up), forward);
    if (fabs(swing) < TILT_MIN_M_S2) {
        return false;
    }
    if ((swing > 0) != leans_back) {
        *axis = kl_vec_scale(*axis, -1);
    }
    return true;
}

/* Up and the mediolateral axis, to the right, of a trunk, pelvis, thigh or shank. */
static bool axis_of(const struct kl_body_calibration *calibration,
                    const struct kl_calibration_seat *seat, enum kl_segment segment,
                    struct kl_vec *axis)
{
    enum kl_segment sensor = seat->sensor[segment];
    enum kl_calibration_phase phase = axis_phase(segment);
    const struct kl_calibration_result *pose =
        &calibration->phase[KL_CALIBRATION_STILL].sensor[sensor];
    const struct kl_calibration_result *moved = &calibration->phase[phase].sensor[sensor];
    if (seat->withheld[segment] || !pose->has_still || !moved->has_turn ||
        moved->turn.range_rad < phases[phase].range_rad) {
        return false;
    }
    *axis = moved->turn.axis;
    return is_foot(segment) || point_right(segment, &moved->turn, pose->still.up, axis);
}

/* A foot is carried by the shank: in the march both turn the same way most of the time. */
static bool point_foot_right(const struct kl_body_calibration *calibration,
                             const struct kl_calibration_seat *seat, enum kl_segment foot,
                             struct kl_vec *axis)
{
    enum kl_segment shank =
        foot == KL_SEGMENT_FOOT_LEFT ? KL_SEGMENT_SHANK_LEFT : KL_SEGMENT_SHANK_RIGHT;
    struct kl_vec z;
    if (!axis_of(calibration, seat, shank, &z)) {
        return false;
    }
    const struct kl_matrix *m = &calibration->together[seat->sensor[foot]][seat->sensor[shank]];
    const double a[3] = {axis->x, axis->y, axis->z};
    const double b[3] = {z.x, z.y, z.z};
    double together = 0;
    for (size_t i = 0; i < 3; i++) {
        for (size_t k = 0; k < 3; k++) {
            together += a[i] * m->m[i][k] * b[k];
        }
    }
    if (together < 0) {
        *axis = kl_vec_scale(*axis, -1);
    }
    return together != 0;
}

bool kl_body_calibration_alignment(const struct kl_body_calibration *calibration,
                                   enum kl_segment segment, struct kl_segment_alignment *out)
{
    struct kl_calibration_seat seat;
    kl_calibration_seat_find(calibration, &seat);
    enum kl_segment sensor = seat.sensor[segment];
    struct kl_vec axis;
    if (!axis_of(calibration, &seat, segment, &axis) ||
        (is_foot(segment) && !point_foot_right(calibration, &seat, segment, &axis))) {
        return false;
    }
    struct kl_vec up = calibration->phase[KL_CALIBRATION_STILL].sensor[sensor].still.up;
    struct kl_segment_alignment alignment = {
        .valid = true,
        .gravity_m_s2 = kl_vec_norm(up),
        .quality = calibration->phase[axis_phase(segment)].sensor[sensor].turn.quality,
        .standing_heading_rad = calibration->standing_heading_rad[segment],
    };
    if (!kl_segment_alignment_of(up, axis, &alignment.sensor_segment)) {
        return false;
    }
    alignment.marks = alignment.quality < KL_CALIBRATION_AXIS_Q ? KL_MOTION_AXIS : 0;
    for (size_t i = 0; i < seat.count; i++) {
        if (seat.finding[i].kind == KL_FINDING_SLIPPED && seat.finding[i].a == segment) {
            alignment.marks |= KL_MOTION_STRAP;
        }
    }
    *out = alignment;
    return true;
}
