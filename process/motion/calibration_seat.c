#include "process/motion/calibration_seat.h"

#include "process/motion/still_pose.h"

#include <stdio.h>

#define G_M_S2 9.80665

/* Project choices: what makes a finding. */
#define GRAVITY_OFF_M_S2 0.3 /* 3 %: a strap does no such thing */
#define UPSIDE_DOWN_RAD (120 * KL_CALIBRATION_DEG)
#define TURNED_RAD (45 * KL_CALIBRATION_DEG)
#define FLAT_FOOT_RAD (15 * KL_CALIBRATION_DEG)   /* a foot on the floor turns less */
#define TRUNK_MARCH_RAD (35 * KL_CALIBRATION_DEG) /* a trunk that marches turns less */
#define EXCHANGE_RATIO 1.3                        /* thigh against shank, in a knee bend */
#define LIKENESS_MIN 0.2 /* sum of four correlations: sides are told apart */

const char *kl_calibration_finding_text(enum kl_calibration_finding_kind kind)
{
    static const char *const text[KL_FINDING_KIND_COUNT] = {
        [KL_FINDING_EXCHANGED] = "exchanged",        [KL_FINDING_SIDES] = "sides",
        [KL_FINDING_UPSIDE_DOWN] = "upside down",    [KL_FINDING_TURNED] = "turned",
        [KL_FINDING_NOT_THERE] = "not there",        [KL_FINDING_SLIPPED] = "slipped",
        [KL_FINDING_GYRO_DRIFT] = "gyroscope drift", [KL_FINDING_GRAVITY] = "gravity",
    };
    return (unsigned)kind < KL_FINDING_KIND_COUNT ? text[kind] : "unknown finding";
}

static struct kl_calibration_finding *add(struct kl_calibration_seat *seat,
                                          enum kl_calibration_finding_kind kind, enum kl_segment a,
                                          enum kl_segment b, bool corrected)
{
    /* the last place is overwritten when there are more: a wall of findings helps nobody */
    size_t at = seat->count < KL_FINDINGS_MAX ? seat->count++ : KL_FINDINGS_MAX - 1;
    seat->finding[at] = (struct kl_calibration_finding){kind, a, b, corrected, ""};
    return &seat->finding[at];
}

#define SAY(finding, ...) (void)snprintf((finding)->text, sizeof((finding)->text), __VA_ARGS__)

/* How far the sensor of a segment turned in a phase; false when it is not known. */
static bool range_in(const struct kl_body_calibration *calibration,
                     const struct kl_calibration_seat *seat, enum kl_calibration_phase phase,
                     enum kl_segment segment, double *out_rad)
{
    const struct kl_calibration_record *p = &calibration->phase[phase];
    const struct kl_calibration_result *result = &p->sensor[seat->sensor[segment]];
    if (!p->done || !result->seen) {
        return false;
    }
    *out_rad = result->has_turn ? result->turn.range_rad : 0;
    return true;
}

static void swap(struct kl_calibration_seat *seat, enum kl_segment a, enum kl_segment b)
{
    enum kl_segment held = seat->sensor[a];
    seat->sensor[a] = seat->sensor[b];
    seat->sensor[b] = held;
}

static void exchange(struct kl_calibration_seat *seat, enum kl_segment a, enum kl_segment b)
{
    swap(seat, a, b);
    struct kl_calibration_finding *finding = add(seat, KL_FINDING_EXCHANGED, a, b, true);
    SAY(finding, "the sensors of %s and %s sit on each other's place: corrected, rename them",
        kl_segment_text(a), kl_segment_text(b));
}

/* Along one leg a knee bend tells the segments apart: the foot rests, the thigh turns most. */
static void seat_leg(const struct kl_body_calibration *calibration,
                     struct kl_calibration_seat *seat, enum kl_segment thigh, enum kl_segment shank,
                     enum kl_segment foot)
{
    double t = 0;
    double s = 0;
    double f = 0;
    bool has_t = range_in(calibration, seat, KL_CALIBRATION_SQUATS, thigh, &t);
    bool has_s = range_in(calibration, seat, KL_CALIBRATION_SQUATS, shank, &s);
    bool has_f = range_in(calibration, seat, KL_CALIBRATION_SQUATS, foot, &f);
    if (has_f && has_s && f > FLAT_FOOT_RAD && s < KL_CALIBRATION_BEND_RAD) {
        exchange(seat, shank, foot);
        s = f;
    } else if (has_f && has_t && f > FLAT_FOOT_RAD && t < KL_CALIBRATION_BEND_RAD) {
        exchange(seat, thigh, foot);
        t = f;
    } else if (has_f && f > FLAT_FOOT_RAD) {
        seat->withheld[foot] = true;
        struct kl_calibration_finding *finding =
            add(seat, KL_FINDING_NOT_THERE, foot, KL_SEGMENT_COUNT, false);
        SAY(finding,
            "%s turned by %.0f deg in the knee bends: not on a foot, or heels off the "
            "floor; check and repeat",
            kl_segment_text(foot), f / KL_CALIBRATION_DEG);
    }
    if (has_t && has_s && t > 0 && s > EXCHANGE_RATIO * t && s > KL_CALIBRATION_BEND_RAD) {
        exchange(seat, thigh, shank);
    }
}

/* Positive when two kinds of segment agree about the sides. */
static double agreement(const struct kl_body_calibration *calibration,
                        const struct kl_calibration_seat *seat, const enum kl_segment a[2],
                        const enum kl_segment b[2])
{
    enum kl_segment al = seat->sensor[a[0]];
    enum kl_segment ar = seat->sensor[a[1]];
    enum kl_segment bl = seat->sensor[b[0]];
    enum kl_segment br = seat->sensor[b[1]];
    return calibration->likeness[al][bl] + calibration->likeness[ar][br] -
           calibration->likeness[al][br] - calibration->likeness[ar][bl];
}

#define KINDS 3

static const enum kl_segment legs[KINDS][2] = {{KL_SEGMENT_THIGH_LEFT, KL_SEGMENT_THIGH_RIGHT},
                                               {KL_SEGMENT_SHANK_LEFT, KL_SEGMENT_SHANK_RIGHT},
                                               {KL_SEGMENT_FOOT_LEFT, KL_SEGMENT_FOOT_RIGHT}};

static const char *const kinds[KINDS] = {"thigh", "shank", "foot"};

static bool marched(const struct kl_body_calibration *calibration,
                    const struct kl_calibration_seat *seat, size_t kind)
{
    double range;
    return range_in(calibration, seat, KL_CALIBRATION_MARCH, legs[kind][0], &range) &&
           range_in(calibration, seat, KL_CALIBRATION_MARCH, legs[kind][1], &range);
}

/* The right knee goes first. @return -1 the left one did, 0 not known, 1 the right one */
static int first_side(const struct kl_body_calibration *calibration,
                      const struct kl_calibration_seat *seat, size_t kind)
{
    size_t left = calibration->first_move[seat->sensor[legs[kind][0]]];
    size_t right = calibration->first_move[seat->sensor[legs[kind][1]]];
    return right < left ? 1 : left < right ? -1 : 0;
}

/* Two kinds that disagree: who is wrong is told by the knee that went first. */
static void settle_pair(const struct kl_body_calibration *calibration,
                        struct kl_calibration_seat *seat, size_t p, size_t q)
{
    int first_p = first_side(calibration, seat, p);
    int first_q = first_side(calibration, seat, q);
    size_t wrong = first_p > 0 ? q : p;
    struct kl_calibration_finding *finding;
    if (first_p * first_q < 0) {
        exchange(seat, legs[wrong][0], legs[wrong][1]);
        return;
    }
    for (size_t side = 0; side < 2; side++) {
        seat->withheld[legs[p][side]] = true;
        seat->withheld[legs[q][side]] = true;
    }
    finding = add(seat, KL_FINDING_SIDES, legs[p][0], legs[q][0], false);
    SAY(finding, "left and right of %s and %s do not agree: one pair is swapped; look and repeat",
        kinds[p], kinds[q]);
}

static void seat_sides(const struct kl_body_calibration *calibration,
                       struct kl_calibration_seat *seat)
{
    bool there[KINDS];
    size_t count = 0;
    for (size_t k = 0; k < KINDS; k++) {
        there[k] = marched(calibration, seat, k);
        count += there[k] ? 1 : 0;
    }
    size_t disagrees[KINDS] = {0, 0, 0};
    size_t p = KINDS;
    size_t q = KINDS;
    for (size_t a = 0; a < KINDS; a++) {
        for (size_t b = a + 1; b < KINDS; b++) {
            if (there[a] && there[b] &&
                agreement(calibration, seat, legs[a], legs[b]) < -LIKENESS_MIN) {
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
                exchange(seat, legs[k][0], legs[k][1]);
            }
        }
    } else if (p < KINDS) {
        settle_pair(calibration, seat, p, q);
    }
    for (size_t k = 0; k < KINDS; k++) {
        if (there[k] && first_side(calibration, seat, k) < 0) {
            struct kl_calibration_finding *finding =
                add(seat, KL_FINDING_SIDES, legs[k][0], legs[k][1], false);
            SAY(finding,
                "the %s marked left moved first in the march: if the right knee began, "
                "all leg sensors are swapped left to right",
                kinds[k]);
            break;
        }
    }
}

static void seat_trunk(const struct kl_body_calibration *calibration,
                       struct kl_calibration_seat *seat, enum kl_segment segment)
{
    double range;
    if (range_in(calibration, seat, KL_CALIBRATION_MARCH, segment, &range) &&
        range > TRUNK_MARCH_RAD) {
        seat->withheld[segment] = true;
        struct kl_calibration_finding *finding =
            add(seat, KL_FINDING_NOT_THERE, segment, KL_SEGMENT_COUNT, false);
        SAY(finding, "%s turned by %.0f deg in the march: it sits on a leg; move it and repeat",
            kl_segment_text(segment), range / KL_CALIBRATION_DEG);
    }
}

static double angle_between(struct kl_vec a, struct kl_vec b)
{
    return atan2(kl_vec_norm(kl_vec_cross(a, b)), kl_vec_dot(a, b));
}

/* What the two poses say about one sensor, by the segment it sits on. */
static void inspect_pose(const struct kl_body_calibration *calibration,
                         struct kl_calibration_seat *seat, enum kl_segment segment)
{
    enum kl_segment sensor = seat->sensor[segment];
    const struct kl_calibration_result *pose =
        &calibration->phase[KL_CALIBRATION_STILL].sensor[sensor];
    const struct kl_calibration_record *last = &calibration->phase[KL_CALIBRATION_STILL_AGAIN];
    const struct kl_calibration_result *again = &last->sensor[sensor];
    const char *name = kl_segment_text(segment);
    if (!pose->has_still) {
        return;
    }
    double off = kl_vec_norm(pose->still.up) - G_M_S2;
    if (fabs(off) > GRAVITY_OFF_M_S2) {
        SAY(add(seat, KL_FINDING_GRAVITY, segment, KL_SEGMENT_COUNT, false),
            "%s: gravity reads %.2f m/s^2 too %s; calibrate the accelerometer", name, fabs(off),
            off > 0 ? "much" : "little");
    }
    struct kl_vec expected = calibration->expected_up[sensor];
    if (kl_vec_norm(expected) > 0) {
        double angle = angle_between(expected, pose->still.up);
        if (angle > UPSIDE_DOWN_RAD) {
            SAY(add(seat, KL_FINDING_UPSIDE_DOWN, segment, KL_SEGMENT_COUNT, true),
                "%s is mounted upside down: used as it sits", name);
        } else if (angle > TURNED_RAD) {
            SAY(add(seat, KL_FINDING_TURNED, segment, KL_SEGMENT_COUNT, true),
                "%s is mounted %.0f deg from upright: used as it sits", name,
                angle / KL_CALIBRATION_DEG);
        }
    }
    if (!last->done || !again->has_still) {
        return;
    }
    double slip = angle_between(pose->still.up, again->still.up);
    if (slip > KL_STRAP_SLIP_MAX_RAD) {
        SAY(add(seat, KL_FINDING_SLIPPED, segment, KL_SEGMENT_COUNT, false),
            "%s has turned by %.1f deg since the first pose: tighten the strap, calibrate again",
            name, slip / KL_CALIBRATION_DEG);
    }
    double drift = kl_vec_norm(kl_vec_sub(again->still.rate, pose->still.rate));
    if (drift > KL_GYRO_DRIFT_MAX_RAD_S) {
        SAY(add(seat, KL_FINDING_GYRO_DRIFT, segment, KL_SEGMENT_COUNT, false),
            "%s: gyroscope drifted by %.1f deg/s between the poses; let it warm up", name,
            drift / KL_CALIBRATION_DEG);
    }
}

void kl_calibration_seat_find(const struct kl_body_calibration *calibration,
                              struct kl_calibration_seat *seat)
{
    *seat = (struct kl_calibration_seat){.count = 0};
    for (int s = 0; s < KL_SEGMENT_COUNT; s++) {
        seat->sensor[s] = (enum kl_segment)s;
    }
    if (calibration->phase[KL_CALIBRATION_SQUATS].done) {
        seat_leg(calibration, seat, KL_SEGMENT_THIGH_LEFT, KL_SEGMENT_SHANK_LEFT,
                 KL_SEGMENT_FOOT_LEFT);
        seat_leg(calibration, seat, KL_SEGMENT_THIGH_RIGHT, KL_SEGMENT_SHANK_RIGHT,
                 KL_SEGMENT_FOOT_RIGHT);
    }
    if (calibration->phase[KL_CALIBRATION_MARCH].done) {
        seat_sides(calibration, seat);
        seat_trunk(calibration, seat, KL_SEGMENT_TRUNK);
        seat_trunk(calibration, seat, KL_SEGMENT_PELVIS);
    }
    for (int s = 0; s < KL_SEGMENT_COUNT; s++) {
        inspect_pose(calibration, seat, (enum kl_segment)s);
    }
}
