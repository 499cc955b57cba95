/* Everything the screen needs for one frame: plain data, published whole, read without locks.
 *
 * The pipeline fills the part about the runner; the session loop fills devices and recording.
 */
#ifndef KL_PROCESS_SNAPSHOT_H
#define KL_PROCESS_SNAPSHOT_H

#include "process/flags/flag.h"
#include "process/knee/knee_centre.h"
#include "process/knee/knee_moment.h"
#include "process/motion/body_calibration.h"
#include "process/muscle/muscle_metric.h"
#include "process/session_figures.h"
#include "process/steps/step.h"

enum kl_gait { KL_GAIT_NONE = 0, KL_GAIT_STAND, KL_GAIT_WALK, KL_GAIT_RUN, KL_GAIT_GROUNDED };

/** "no runner", "standing", "walking", "running", "running without flight". */
const char *kl_gait_text(enum kl_gait gait);

#define KL_TRACE_SAMPLES 2000 /* of the scrolling force curve: 10 s at 200 points/s */
#define KL_TRACE_RATE_HZ 200
#define KL_CURVE_POINTS 101 /* 0-100 % of a contact */
#define KL_CURVE_STEPS 10   /* laid over each other per side */
#define KL_MOTION_CURVE_STEPS 5
#define KL_COP_POINTS 51
#define KL_SNAPSHOT_PLATES 4
#define KL_SNAPSHOT_DEVICES 16
#define KL_SNAPSHOT_FLAGS 64
#define KL_HISTORY_STEPS 120 /* cadence history */

/** One point of the scrolling curve: extremes of the samples it stands for, N. Where samples are
 *  missing both are NAN: draw nothing there. */
struct kl_trace_point {
    float low_n, high_n;
    uint8_t side; /* kl_side of the foot in contact, as far as known */
    uint8_t contact;
};

struct kl_curve {
    uint32_t step;
    float contact_time_s;
    float fy_bw[KL_CURVE_POINTS]; /* vertical force; in N / 1000 while body weight is unknown */
    size_t cop_count;
    float cop_x_m[KL_COP_POINTS], cop_z_m[KL_COP_POINTS]; /* lab axes, valid range only */
};

enum kl_motion_curve_kind {
    KL_CURVE_EVERSION = 0,   /* rad from standing, as KL_CLINICAL_EVERSION */
    KL_CURVE_KNEE_FLEXION,   /* rad from standing, as KL_CLINICAL_KNEE_FLEXION */
    KL_CURVE_KNEE_ADDUCTION, /* rad from standing, varus positive */
    KL_CURVE_KNEE_MOMENT,    /* N·m, external adduction positive: a proxy below level K3 */
    KL_CURVE_KIND_COUNT,
};

/** "eversion", "knee flexion", "knee adduction", "knee adduction moment". */
const char *kl_motion_curve_text(enum kl_motion_curve_kind kind);

/** The metric of a step whose reasons say why it has no such curve. */
enum kl_metric_id kl_motion_curve_metric(enum kl_motion_curve_kind kind);

/** Motion of one stance, time-normalised: point i stands at i % of the contact. */
struct kl_motion_curve {
    uint32_t step;
    bool has[KL_CURVE_KIND_COUNT];
    float value[KL_CURVE_KIND_COUNT][KL_CURVE_POINTS]; /* NAN: not valid there, nothing is drawn */
    float moment_band_n_m; /* SD, over the whole stance (methods 12.3); 0: not known */
    enum kl_knee_level moment_level;
    enum kl_knee_frame moment_frame;
};

struct kl_snapshot_side {
    bool has_step;
    struct kl_step
        last;     /* the newest finished contact of this side; NO_NEXT: its step is pending */
    size_t steps; /* valid steps so far */
    double mean[KL_METRIC_COUNT]; /* over the last 60 valid steps, SI */
    double sd[KL_METRIC_COUNT];
    size_t n[KL_METRIC_COUNT];
    bool waiting[KL_METRIC_COUNT]; /* `last` still shows the value of an earlier step here */
    size_t curve_count;
    bool curves_in_bw;                     /* false: body weight not known, kN */
    struct kl_curve curve[KL_CURVE_STEPS]; /* newest first */
    size_t motion_count;
    struct kl_motion_curve motion[KL_MOTION_CURVE_STEPS]; /* newest first */
};

/** Mean of the last stances of a side at each point; NAN where none is valid. The band is that of
 *  one stance, averaged: what it holds is mostly the same in all of them.
 *  @return how many stances have this curve */
size_t kl_motion_curve_mean(const struct kl_snapshot_side *side, enum kl_motion_curve_kind kind,
                            float out[KL_CURVE_POINTS], float *band);

struct kl_snapshot_plate {
    char name[KL_NAME_MAX];
    enum kl_side side;
    size_t trace_head; /* index of the oldest point */
    size_t trace_count;
    struct kl_trace_point trace[KL_TRACE_SAMPLES];
    int64_t trace_end_ns; /* session time of the newest point */
    double corner_x_m[4], corner_z_m[4];
    bool has_corners, has_cop;
};

/* The phases of the body calibration, and after them the maximal contractions. */
#define KL_SNAPSHOT_PHASE_MVC KL_CALIBRATION_PHASE_COUNT
#define KL_SNAPSHOT_PHASES (KL_CALIBRATION_PHASE_COUNT + 1)

/** Word of a phase as in its KL_EVENT_CALIBRATION: "still", "squats", "bows", "march",
 *  "still again", "mvc"; "none" for anything else. */
const char *kl_snapshot_phase_text(size_t phase);

/** What the operator tells the runner; "" for anything else. */
const char *kl_snapshot_phase_instruction(size_t phase);

/** How long its event asks for, s. Source: methods 9.1; squats and bows at the pace of one in 2 s
 *  and 3 s, three contractions of 2 s with rest (methods 13). 0 for anything else. */
double kl_snapshot_phase_seconds(size_t phase);

/** The phase of an event's text ("marching" and "mvc.vmo.right" too); KL_SNAPSHOT_PHASES: none. */
size_t kl_snapshot_phase_find(const char *text);

struct kl_snapshot_phase {
    bool asked; /* something is worn that needs it */
    bool running, done;
    bool pass;
    double quality; /* 0 to 1, of the worst sensor */
    double elapsed_s;
    char message[160]; /* what is wrong and what to do; or that it is good */
};

struct kl_snapshot_calibration {
    struct kl_snapshot_phase phase[KL_SNAPSHOT_PHASES];
    size_t finding_count;
    struct kl_snapshot_finding {
        bool corrected; /* already accounted for */
        char text[160];
    } finding[KL_FINDINGS_MAX];
    bool worn[KL_SEGMENT_COUNT], calibrated[KL_SEGMENT_COUNT];
    bool electrode[KL_SIDE_COUNT][KL_MUSCLE_COUNT]; /* worn */
    bool reference[KL_SIDE_COUNT][KL_MUSCLE_COUNT]; /* a maximal contraction is known */
};

/** Filled by the session loop. */
struct kl_snapshot_device {
    char name[KL_NAME_MAX];
    char state[32]; /* "streaming", "simulated", "file"; or what is wrong: "lost", "no data", "rate
                     * 96 Hz, not 100", "clipping", "battery 12 %" */
    bool alarm;
    double rate_hz;     /* nominal, of its fastest stream */
    double measured_hz; /* by arrivals, over up to 10 s; 0: not known */
    double battery;     /* 0 to 1; negative: it does not say */
    uint64_t samples, lost;
};

struct kl_snapshot_recording {
    enum kl_recording {
        KL_RECORDING_OFF = 0,
        KL_RECORDING_ON,
        KL_RECORDING_HELD,
        KL_RECORDING_REPLAY
    } state;
    char path[256];
    double seconds;      /* recorded, or replayed */
    double duration_s;   /* of the file being replayed; 0 live */
    double held_seconds; /* in memory while the disk refuses */
    char problem[160];   /* recording, space on the disk, capture; "" when all is well */
    bool paused;
    double speed; /* of the replay */
};

struct kl_snapshot {
    int64_t t_ns; /* session time of the newest sample */
    enum kl_gait gait;
    double body_weight_n;         /* 0: not known */
    const char *body_weight_from; /* static: "entered", "weighed", "running mean" */
    double height_m, speed_m_s;
    char subject[32];
    char condition[96];
    double target_cadence_spm;
    double cutoff_hz, threshold_n;
    enum kl_loading_rule loading_rule; /* in force for steps without impact peak */
    bool loading_rule_for_all;         /* and for all others too: only some have one (methods 6) */
    double cadence_spm;                /* 60 N / (IC_k - IC_k-N), N = 20; 0: not yet */
    double cadence_fft_spm;            /* spectral check; 0: not yet */
    bool cadence_disagrees;
    size_t cadence_count;
    float cadence_history[KL_HISTORY_STEPS]; /* steps/min, newest last */
    size_t contacts;
    struct kl_snapshot_side side[KL_SIDE_COUNT]; /* UNKNOWN: steps whose side cannot be told */
    double side_confidence;                      /* q of methods 4.4; 0: not used */
    char plate_problem[160]; /* "plate reads -686 N: sign wrong?"; "" when all is well */
    size_t plate_count;
    struct kl_snapshot_plate plate[KL_SNAPSHOT_PLATES];
    size_t flag_count;
    struct kl_flag flag[KL_SNAPSHOT_FLAGS];
    const struct kl_flag_table *flag_table; /* lives as long as the pipeline */
    enum kl_flag_state factor[KL_FACTOR_COUNT];
    const char *factor_reason[KL_FACTOR_COUNT]; /* why grey; static */
    struct kl_snapshot_calibration calibration;
    struct kl_session_figures figures; /* of the condition that runs */
    size_t device_count;
    struct kl_snapshot_device device[KL_SNAPSHOT_DEVICES];
    struct kl_snapshot_recording recording;
};

#endif
