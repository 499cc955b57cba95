/* The guided calibration of the body: which way is up in each sensor, about which axis its segment
 * bends, and whether the sensors sit where their names say (methods 9.1 to 9.3).
 *
 * The operator leads through five phases (about three minutes): stand still facing +X; ten knee
 * bends; five bows of the trunk; march on the spot, first the right knee; stand still again. The
 * session says when a phase begins and ends and pushes the samples; the state answers, while a
 * phase runs and after it, how good it is and what to do. Phases may be repeated in any order and
 * skipped; what a skipped one would have given is missing, and only that.
 *
 * Mounting is free: standing shows up, so a sensor upside down is simply used as it sits. Sensors
 * exchanged between two segments show in how far they turn and whom they move with.
 * Deterministic; memory moves in _create and _destroy only. Threads: one at a time. RT safe else.
 */
#ifndef KL_PROCESS_MOTION_BODY_CALIBRATION_H
#define KL_PROCESS_MOTION_BODY_CALIBRATION_H

#include "process/motion/segment.h"
#include "process/motion/segment_alignment.h"

enum kl_calibration_phase {
    KL_CALIBRATION_STILL = 0,   /* 10 s upright, feet parallel, facing +X */
    KL_CALIBRATION_SQUATS,      /* 10 knee bends to 60 deg: axes of thighs and shanks */
    KL_CALIBRATION_BOWS,        /* 5 bows: axes of pelvis and trunk */
    KL_CALIBRATION_MARCH,       /* 20 s, first the right knee: axes of feet, and the sides */
    KL_CALIBRATION_STILL_AGAIN, /* strap slip and drift since the first */
    KL_CALIBRATION_PHASE_COUNT,
};

/** "still", "squats", "bows", "march", "still again": words of events and screens. */
const char *kl_calibration_phase_text(enum kl_calibration_phase phase);

/** What the operator tells the runner. */
const char *kl_calibration_instruction(enum kl_calibration_phase phase);

/* Project choices where methods 9.1 to 9.3 give none. */
#define KL_CALIBRATION_AXIS_Q 0.90 /* methods 9.3 */
#define KL_CALIBRATION_BENDS 5     /* knee bends at least, of the ten */
#define KL_CALIBRATION_BOWS_MIN 3  /* of the five */
#define KL_CALIBRATION_STRIDES 6   /* lifts of each leg at least */

struct kl_body_calibration;

/** @return NULL without memory */
struct kl_body_calibration *kl_body_calibration_create(void);
void kl_body_calibration_destroy(struct kl_body_calibration *calibration);

/** Which way a sensor's case should point up when worn as the lab describes; without it every
 *  mounting is as good. Sensor frame, any length. */
void kl_body_calibration_expect_up(struct kl_body_calibration *calibration, enum kl_segment sensor,
                                   struct kl_vec up_sensor);

/** Heading of a segment's flexion axis in the still pose, entered by people (toe-out), rad, lab
 *  axes (turned to the runner's left positive); 0 unless entered. */
void kl_body_calibration_standing_heading(struct kl_body_calibration *calibration,
                                          enum kl_segment segment, double heading_rad);

/** A phase begins with samples at or after t_ns; one that runs is ended first. Repeating a phase
 *  replaces its result. */
void kl_body_calibration_begin(struct kl_body_calibration *calibration,
                               enum kl_calibration_phase phase, int64_t t_ns);

/** The phase that runs ends before t_ns and is judged. Nothing runs: nothing happens. */
void kl_body_calibration_end(struct kl_body_calibration *calibration, int64_t t_ns);

/** One sample of the sensor named for a segment: rate as measured, bias not removed. */
void kl_body_calibration_push(struct kl_body_calibration *calibration, enum kl_segment sensor,
                              int64_t t_ns, struct kl_vec w_rad_s, struct kl_vec a_m_s2);

/* ------------------------------------------------------------------------ live quality figure */

struct kl_calibration_sensor_check {
    bool seen;  /* samples came in this phase */
    bool asked; /* this phase asks something of it */
    bool pass;
    double quality; /* 0 to 1: part of the stillness needed, or Q of the axis */
    double range_rad;
    size_t repetitions;
};

struct kl_calibration_check {
    enum kl_calibration_phase phase;
    bool running, done; /* done: ended once */
    bool pass;          /* of every sensor that is asked */
    double quality;     /* of the worst */
    double elapsed_s;
    struct kl_calibration_sensor_check sensor[KL_SEGMENT_COUNT];
    char text[160]; /* what is wrong with the worst and what to do; or that it is good */
};

/** How a phase stands: the running one so far, else as it ended. Reads all epochs (below 1 ms): at
 *  the pace of a screen, not of samples. */
void kl_body_calibration_check(const struct kl_body_calibration *calibration,
                               enum kl_calibration_phase phase, struct kl_calibration_check *out);

/* ---------------------------------------------------------------------------------- findings */

enum kl_calibration_finding_kind {
    KL_FINDING_EXCHANGED = 0, /* two sensors sit on each other's segment */
    KL_FINDING_SIDES,         /* left and right do not agree, or all are swapped */
    KL_FINDING_UPSIDE_DOWN,   /* used as it sits */
    KL_FINDING_TURNED,        /* used as it sits */
    KL_FINDING_NOT_THERE,     /* moves as this segment cannot */
    KL_FINDING_SLIPPED,       /* the strap, between the two still poses */
    KL_FINDING_GYRO_DRIFT,
    KL_FINDING_GRAVITY, /* the accelerometer's scale is off */
    KL_FINDING_KIND_COUNT,
};

/** "exchanged", "sides", "upside down", ...: words of files. */
const char *kl_calibration_finding_text(enum kl_calibration_finding_kind kind);

struct kl_calibration_finding {
    enum kl_calibration_finding_kind kind;
    enum kl_segment a, b; /* b: KL_SEGMENT_COUNT unless two are concerned */
    bool corrected;       /* already accounted for; else the segments concerned are withheld or
                             marked */
    char text[160];
};

#define KL_FINDINGS_MAX 16

/** What was found about where the sensors sit. @return their number */
size_t kl_body_calibration_findings(const struct kl_body_calibration *calibration,
                                    struct kl_calibration_finding out[KL_FINDINGS_MAX]);

/* ------------------------------------------------------------------------------------ result */

/** The sensor that really sits on a segment: the segment itself unless exchanged. */
enum kl_segment kl_body_calibration_sensor(const struct kl_body_calibration *calibration,
                                           enum kl_segment segment);

/** How the sensor of a segment sits (that of kl_body_calibration_sensor).
 *  @return false (out untouched) while its pose or axis is missing, or it is withheld */
bool kl_body_calibration_alignment(const struct kl_body_calibration *calibration,
                                   enum kl_segment segment, struct kl_segment_alignment *out);

#endif
