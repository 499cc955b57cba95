#include "process/motion/body_calibration.h"

#include "process/motion/calibration_motion.h"
#include "process/motion/motion_window.h"
#include "process/motion/still_pose.h"

#include <stdio.h>
#include <stdlib.h>

#define DEG (3.14159265358979323846 / 180)

#define G_M_S2 9.80665

/* methods 9.3 says 0.5; in a knee bend of 3 s a shank that turns by 24 deg only reaches 0.44, and
 * bows are slower still [project] */
#define MOVING_RAD_S 0.5
#define BENDING_RAD_S 0.25
#define BOWING_RAD_S 0.25

/* Project choices: what makes a finding. */
#define GRAVITY_OFF_M_S2 0.3 /* 3 %: a strap does no such thing */
#define UPSIDE_DOWN_RAD (120 * DEG)
#define TURNED_RAD (45 * DEG)
#define FLAT_FOOT_RAD (15 * DEG)  /* a foot on the floor turns less in a knee bend */
#define BEND_RANGE_RAD (12 * DEG) /* a shank in a knee bend turns more */
#define BOW_RANGE_RAD (15 * DEG)
#define LIFT_RANGE_RAD (15 * DEG)
#define TRUNK_MARCH_RAD (35 * DEG) /* a trunk that marches turns less */
#define EXCHANGE_RATIO 1.3         /* thigh against shank, in a knee bend */
#define LIKENESS_MIN 0.2           /* sum of four correlations: sides are told apart */
#define TILT_MIN_M_S2 0.15         /* gravity must swing by 1 deg to tell a sign */

/* What a phase left behind for one sensor. */
struct result {
    bool seen;
    bool has_still, has_turn;
    struct kl_calibration_still still;
    struct kl_calibration_turn turn;
};

struct phase {
    bool done;
    double length_s;
    struct result sensor[KL_SEGMENT_COUNT];
};

struct kl_body_calibration {
    struct kl_calibration_epochs epochs;
    bool running;
    enum kl_calibration_phase now;
    struct phase phase[KL_CALIBRATION_PHASE_COUNT];
    struct kl_vec expected_up[KL_SEGMENT_COUNT]; /* 0: any */
    double standing_heading_rad[KL_SEGMENT_COUNT];
    /* of the march, for which epochs are needed */
    double likeness[KL_SEGMENT_COUNT][KL_SEGMENT_COUNT];
    struct kl_matrix together[KL_SEGMENT_COUNT][KL_SEGMENT_COUNT]; /* sum w w^T */
    size_t first_move[KL_SEGMENT_COUNT];
};

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
                               BENDING_RAD_S, KL_CALIBRATION_BENDS, BEND_RANGE_RAD,
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
    const struct result *pose = &calibration->phase[KL_CALIBRATION_STILL].sensor[sensor];
    return pose->has_still ? pose->still.rate : (struct kl_vec){0, 0, 0};
}

static void judge_sensor(const struct kl_body_calibration *calibration,
                         enum kl_calibration_phase phase, enum kl_segment sensor,
                         struct result *out)
{
    *out = (struct result){.seen = false};
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
    struct phase *phase = &calibration->phase[calibration->now];
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

static void check_sensor(enum kl_calibration_phase phase, const struct result *result,
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
                    const struct kl_calibration_sensor_check *check, const struct result *result,
                    char *text, size_t size)
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
                       check->range_rad / DEG, phases[phase].range_rad / DEG);
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
    struct result worst_result = {.seen = false};
    for (int s = 0; s < KL_SEGMENT_COUNT; s++) {
        struct result result = calibration->phase[phase].sensor[s];
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

/* --------------------------------------------------------------------- where the sensors sit */

/* Where each sensor belongs, worked out anew whenever it is asked for: a pure function of the
 * phases. */
struct seating {
    enum kl_segment sensor[KL_SEGMENT_COUNT]; /* of each segment */
    bool withheld[KL_SEGMENT_COUNT];
    size_t count;
    struct kl_calibration_finding finding[KL_FINDINGS_MAX];
};

static struct kl_calibration_finding *add(struct seating *seating,
                                          enum kl_calibration_finding_kind kind, enum kl_segment a,
                                          enum kl_segment b, bool corrected)
{
    /* the last place is overwritten when there are more: a wall of findings helps nobody */
    size_t at = seating->count < KL_FINDINGS_MAX ? seating->count++ : KL_FINDINGS_MAX - 1;
    seating->finding[at] = (struct kl_calibration_finding){kind, a, b, corrected, ""};
    return &seating->finding[at];
}

#define SAY(finding, ...) (void)snprintf((finding)->text, sizeof((finding)->text), __VA_ARGS__)

/* How far the sensor of a segment turned in a phase; false when it is not known. */
static bool range_in(const struct kl_body_calibration *calibration, const struct seating *seating,
                     enum kl_calibration_phase phase, enum kl_segment segment, double *out_rad)
{
    const struct phase *p = &calibration->phase[phase];
    const struct result *result = &p->sensor[seating->sensor[segment]];
    if (!p->done || !result->seen) {
        return false;
    }
    *out_rad = result->has_turn ? result->turn.range_rad : 0;
    return true;
}

static void swap(struct seating *seating, enum kl_segment a, enum kl_segment b)
{
    enum kl_segment held = seating->sensor[a];
    seating->sensor[a] = seating->sensor[b];
    seating->sensor[b] = held;
}

static void exchange(struct seating *seating, enum kl_segment a, enum kl_segment b)
{
    swap(seating, a, b);
    struct kl_calibration_finding *finding = add(seating, KL_FINDING_EXCHANGED, a, b, true);
    SAY(finding, "the sensors of %s and %s sit on each other's place: corrected, rename them",
        kl_segment_text(a), kl_segment_text(b));
}

/* Along one leg a knee bend tells the segments apart: the foot rests, the thigh turns most. */
static void seat_leg(const struct kl_body_calibration *calibration, struct seating *seating,
                     enum kl_segment thigh, enum kl_segment shank, enum kl_segment foot)
{
    double t = 0;
    double s = 0;
    double f = 0;
    bool has_t = range_in(calibration, seating, KL_CALIBRATION_SQUATS, thigh, &t);
    bool has_s = range_in(calibration, seating, KL_CALIBRATION_SQUATS, shank, &s);
    bool has_f = range_in(calibration, seating, KL_CALIBRATION_SQUATS, foot, &f);
    if (has_f && has_s && f > FLAT_FOOT_RAD && s < BEND_RANGE_RAD) {
        exchange(seating, shank, foot);
        s = f;
    } else if (has_f && has_t && f > FLAT_FOOT_RAD && t < BEND_RANGE_RAD) {
        exchange(seating, thigh, foot);
        t = f;
    } else if (has_f && f > FLAT_FOOT_RAD) {
        seating->withheld[foot] = true;
        struct kl_calibration_finding *finding =
            add(seating, KL_FINDING_NOT_THERE, foot, KL_SEGMENT_COUNT, false);
        SAY(finding,
            "%s turned by %.0f deg in the knee bends: not on a foot, or heels off the "
            "floor; check and repeat",
            kl_segment_text(foot), f / DEG);
    }
    if (has_t && has_s && t > 0 && s > EXCHANGE_RATIO * t && s > BEND_RANGE_RAD) {
        exchange(seating, thigh, shank);
    }
}

/* Positive when two kinds of segment agree about the sides. */
static double agreement(const struct kl_body_calibration *calibration,
                        const struct seating *seating, const enum kl_segment a[2],
                        const enum kl_segment b[2])
{
    enum kl_segment al = seating->sensor[a[0]];
    enum kl_segment ar = seating->sensor[a[1]];
    enum kl_segment bl = seating->sensor[b[0]];
    enum kl_segment br = seating->sensor[b[1]];
    return calibration->likeness[al][bl] + calibration->likeness[ar][br] -
           calibration->likeness[al][br] - calibration->likeness[ar][bl];
}

#define KINDS 3

static const enum kl_segment legs[KINDS][2] = {{KL_SEGMENT_THIGH_LEFT, KL_SEGMENT_THIGH_RIGHT},
                                               {KL_SEGMENT_SHANK_LEFT, KL_SEGMENT_SHANK_RIGHT},
                                               {KL_SEGMENT_FOOT_LEFT, KL_SEGMENT_FOOT_RIGHT}};

static const char *const kinds[KINDS] = {"thigh", "shank", "foot"};

static bool marched(const struct kl_body_calibration *calibration, const struct seating *seating,
                    size_t kind)
{
    double range;
    return range_in(calibration, seating, KL_CALIBRATION_MARCH, legs[kind][0], &range) &&
           range_in(calibration, seating, KL_CALIBRATION_MARCH, legs[kind][1], &range);
}

/* The right knee goes first. @return -1 the left one did, 0 not known, 1 the right one */
static int first_side(const struct kl_body_calibration *calibration, const struct seating *seating,
                      size_t kind)
{
    size_t left = calibration->first_move[seating->sensor[legs[kind][0]]];
    size_t right = calibration->first_move[seating->sensor[legs[kind][1]]];
    return right < left ? 1 : left < right ? -1 : 0;
}

/* Two kinds that disagree: who is wrong is told by the knee that went first. */
static void settle_pair(const struct kl_body_calibration *calibration, struct seating *seating,
                        size_t p, size_t q)
{
    int first_p = first_side(calibration, seating, p);
    int first_q = first_side(calibration, seating, q);
    size_t wrong = first_p > 0 ? q : p;
    struct kl_calibration_finding *finding;
    if (first_p * first_q < 0) {
        exchange(seating, legs[wrong][0], legs[wrong][1]);
        return;
    }
    for (size_t side = 0; side < 2; side++) {
        seating->withheld[legs[p][side]] = true;
        seating->withheld[legs[q][side]] = true;
    }
    finding = add(seating, KL_FINDING_SIDES, legs[p][0], legs[q][0], false);
    SAY(finding, "left and right of %s and %s do not agree: one pair is swapped; look and repeat",
        kinds[p], kinds[q]);
}

static void seat_sides(const struct kl_body_calibration *calibration, struct seating *seating)
{
    bool there[KINDS];
    size_t count = 0;
    for (size_t k = 0; k < KINDS; k++) {
        there[k] = marched(calibration, seating, k);
        count += there[k] ? 1 : 0;
    }
    size_t disagrees[KINDS] = {0, 0, 0};
    size_t p = KINDS;
    size_t q = KINDS;
    for (size_t a = 0; a < KINDS; a++) {
        for (size_t b = a + 1; b < KINDS; b++) {
            if (there[a] && there[b] &&
                agreement(calibration, seating, legs[a], legs[b]) < -LIKENESS_MIN) {
                disagrees[a]++;
                disagrees[b]++;
                p = a;
                q = b;
            }
        }
    }
    if (p < KINDS && count == KINDS) {
        for (size_t k = 0; k < KINDS; k++) {
            if (disagrees[k] == 2) { /* against both others, which agree */
                exchange(seating, legs[k][0], legs[k][1]);
            }
        }
    } else if (p < KINDS) {
        settle_pair(calibration, seating, p, q);
    }
    for (size_t k = 0; k < KINDS; k++) {
        if (there[k] && first_side(calibration, seating, k) < 0) {
            struct kl_calibration_finding *finding =
                add(seating, KL_FINDING_SIDES, legs[k][0], legs[k][1], false);
            SAY(finding,
                "the %s marked left moved first in the march: if the right knee began, "
                "all leg sensors are swapped left to right",
                kinds[k]);
            break;
        }
    }
}

static void seat_trunk(const struct kl_body_calibration *calibration, struct seating *seating,
                       enum kl_segment segment)
{
    double range;
    if (range_in(calibration, seating, KL_CALIBRATION_MARCH, segment, &range) &&
        range > TRUNK_MARCH_RAD) {
        seating->withheld[segment] = true;
        struct kl_calibration_finding *finding =
            add(seating, KL_FINDING_NOT_THERE, segment, KL_SEGMENT_COUNT, false);
        SAY(finding, "%s turned by %.0f deg in the march: it sits on a leg; move it and repeat",
            kl_segment_text(segment), range / DEG);
    }
}

static double angle_between(struct kl_vec a, struct kl_vec b)
{
    return atan2(kl_vec_norm(kl_vec_cross(a, b)), kl_vec_dot(a, b));
}

/* What the two poses say about one sensor, by the segment it sits on. */
static void inspect_pose(const struct kl_body_calibration *calibration, struct seating *seating,
                         enum kl_segment segment)
{
    enum kl_segment sensor = seating->sensor[segment];
    const struct result *pose = &calibration->phase[KL_CALIBRATION_STILL].sensor[sensor];
    const struct phase *last = &calibration->phase[KL_CALIBRATION_STILL_AGAIN];
    const struct result *again = &last->sensor[sensor];
    const char *name = kl_segment_text(segment);
    if (!pose->has_still) {
        return;
    }
    double off = kl_vec_norm(pose->still.up) - G_M_S2;
    if (fabs(off) > GRAVITY_OFF_M_S2) {
        SAY(add(seating, KL_FINDING_GRAVITY, segment, KL_SEGMENT_COUNT, false),
            "%s: gravity reads %.2f m/s^2 too %s; calibrate the accelerometer", name, fabs(off),
            off > 0 ? "much" : "little");
    }
    struct kl_vec expected = calibration->expected_up[sensor];
    if (kl_vec_norm(expected) > 0) {
        double angle = angle_between(expected, pose->still.up);
        if (angle > UPSIDE_DOWN_RAD) {
            SAY(add(seating, KL_FINDING_UPSIDE_DOWN, segment, KL_SEGMENT_COUNT, true),
                "%s is mounted upside down: used as it sits", name);
        } else if (angle > TURNED_RAD) {
            SAY(add(seating, KL_FINDING_TURNED, segment, KL_SEGMENT_COUNT, true),
                "%s is mounted %.0f deg from upright: used as it sits", name, angle / DEG);
        }
    }
    if (!last->done || !again->has_still) {
        return;
    }
    double slip = angle_between(pose->still.up, again->still.up);
    if (slip > KL_STRAP_SLIP_MAX_RAD) {
        SAY(add(seating, KL_FINDING_SLIPPED, segment, KL_SEGMENT_COUNT, false),
            "%s has turned by %.1f deg since the first pose: tighten the strap, calibrate again",
            name, slip / DEG);
    }
    double drift = kl_vec_norm(kl_vec_sub(again->still.rate, pose->still.rate));
    if (drift > KL_GYRO_DRIFT_MAX_RAD_S) {
        SAY(add(seating, KL_FINDING_GYRO_DRIFT, segment, KL_SEGMENT_COUNT, false),
            "%s: gyroscope drifted by %.1f deg/s between the poses; let it warm up", name,
            drift / DEG);
    }
}

static void seat(const struct kl_body_calibration *calibration, struct seating *seating)
{
    *seating = (struct seating){.count = 0};
    for (int s = 0; s < KL_SEGMENT_COUNT; s++) {
        seating->sensor[s] = (enum kl_segment)s;
    }
    if (calibration->phase[KL_CALIBRATION_SQUATS].done) {
        seat_leg(calibration, seating, KL_SEGMENT_THIGH_LEFT, KL_SEGMENT_SHANK_LEFT,
                 KL_SEGMENT_FOOT_LEFT);
        seat_leg(calibration, seating, KL_SEGMENT_THIGH_RIGHT, KL_SEGMENT_SHANK_RIGHT,
                 KL_SEGMENT_FOOT_RIGHT);
    }
    if (calibration->phase[KL_CALIBRATION_MARCH].done) {
        seat_sides(calibration, seating);
        seat_trunk(calibration, seating, KL_SEGMENT_TRUNK);
        seat_trunk(calibration, seating, KL_SEGMENT_PELVIS);
    }
    for (int s = 0; s < KL_SEGMENT_COUNT; s++) {
        inspect_pose(calibration, seating, (enum kl_segment)s);
    }
}

size_t kl_body_calibration_findings(const struct kl_body_calibration *calibration,
                                    struct kl_calibration_finding out[KL_FINDINGS_MAX])
{
    struct seating seating;
    seat(calibration, &seating);
    for (size_t i = 0; i < seating.count; i++) {
        out[i] = seating.finding[i];
    }
    return seating.count;
}

enum kl_segment kl_body_calibration_sensor(const struct kl_body_calibration *calibration,
                                           enum kl_segment segment)
{
    struct seating seating;
    seat(calibration, &seating);
    return seating.sensor[segment];
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
static bool axis_of(const struct kl_body_calibration *calibration, const struct seating *seating,
                    enum kl_segment segment, struct kl_vec *axis)
{
    enum kl_segment sensor = seating->sensor[segment];
    enum kl_calibration_phase phase = axis_phase(segment);
    const struct result *pose = &calibration->phase[KL_CALIBRATION_STILL].sensor[sensor];
    const struct result *moved = &calibration->phase[phase].sensor[sensor];
    if (seating->withheld[segment] || !pose->has_still || !moved->has_turn ||
        moved->turn.range_rad < phases[phase].range_rad) {
        return false;
    }
    *axis = moved->turn.axis;
    return is_foot(segment) || point_right(segment, &moved->turn, pose->still.up, axis);
}

/* A foot is carried by the shank: in the march both turn the same way most of the time. */
static bool point_foot_right(const struct kl_body_calibration *calibration,
                             const struct seating *seating, enum kl_segment foot,
                             struct kl_vec *axis)
{
    enum kl_segment shank =
        foot == KL_SEGMENT_FOOT_LEFT ? KL_SEGMENT_SHANK_LEFT : KL_SEGMENT_SHANK_RIGHT;
    struct kl_vec z;
    if (!axis_of(calibration, seating, shank, &z)) {
        return false;
    }
    const struct kl_matrix *m =
        &calibration->together[seating->sensor[foot]][seating->sensor[shank]];
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
    struct seating seating;
    seat(calibration, &seating);
    enum kl_segment sensor = seating.sensor[segment];
    struct kl_vec axis;
    if (!axis_of(calibration, &seating, segment, &axis) ||
        (is_foot(segment) && !point_foot_right(calibration, &seating, segment, &axis))) {
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
    for (size_t i = 0; i < seating.count; i++) {
        if (seating.finding[i].kind == KL_FINDING_SLIPPED && seating.finding[i].a == segment) {
            alignment.marks |= KL_MOTION_STRAP;
        }
    }
    *out = alignment;
    return true;
}
