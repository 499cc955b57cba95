#include "process/worn.h"

#include "process/force/com_anchor.h"
#include "process/knee/knee_force.h"
#include "process/knee/knee_metric.h"
#include "process/motion/motion_chain.h"
#include "process/motion/motion_metric.h"
#include "process/muscle/muscle_signal.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LEFT_BEHIND_NS KL_NS_PER_S /* a sensor this far behind the others is not waited for */
#define COM_STEPS 8                /* 4 strides around a step: methods 7.4 asks for 4 to 10 */
#define COM_BEFORE 6               /* of them so many before the step */
#define CONTACTS (COM_STEPS + 4)
#define JOINTS_HELD_S 8.0
#define JOINT_CHANNELS 9 /* hip, knee, ankle centre: x y z each */
#define KNEE_CHANNEL 3
#define RATES 4 /* plates of different rates */

/* Joint centres as motion capture streams them: joints.left, joints.right. */
struct joints {
    bool seen;
    size_t stream, channels, capacity, head, count;
    double rate_hz;
    int64_t *t_ns;
    struct kl_vec *knee_m;
    uint32_t *quality;
};

struct kl_worn {
    bool any;
    struct kl_motion_chain *chain;
    struct kl_body_calibration *calibration;
    bool phase_runs;
    enum kl_calibration_phase phase;
    int64_t phase_end_ns;
    struct kl_muscle_signals *muscle;
    struct joints joints[KL_SIDE_COUNT];

    struct kl_body_lengths length; /* ankle_offset_m by side below */
    double ankle_offset_m[KL_SIDE_COUNT];
    double slope_rad;

    struct kl_com_anchor *anchor;
    size_t contacts; /* newest last */
    double ic_ns[CONTACTS];

    size_t rates;
    double rate_hz[RATES];
    struct kl_knee_force *force[RATES];

    char runner[KL_NAME_MAX]; /* the newest; "": none told */
    bool has_window;
    struct kl_motion_window window;
    struct kl_shock_window shock;
    struct kl_com com;
    double wrench[KL_MOTION_SAMPLES][KL_WRENCH_COUNT];
    struct kl_vec knee_m[KL_MOTION_SAMPLES];
    struct kl_knee_step knee;
};

/* --------------------------------------------------------------------- life */

static bool open_joints(struct kl_worn *worn, const struct kl_stream *streams, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        for (unsigned s = KL_SIDE_LEFT; s < KL_SIDE_COUNT; s++) {
            char name[KL_NAME_MAX];
            (void)snprintf(name, sizeof(name), "joints.%s", kl_side_text((enum kl_side)s));
            struct joints *joints = &worn->joints[s];
            if (strcmp(streams[i].name, name) != 0 || streams[i].channel_count < JOINT_CHANNELS ||
                joints->seen) {
                continue;
            }
            joints->seen = true;
            joints->stream = i;
            joints->channels = streams[i].channel_count;
            joints->rate_hz = streams[i].rate_hz;
            joints->capacity = (size_t)ceil(JOINTS_HELD_S * streams[i].rate_hz) + 1;
            joints->t_ns = calloc(joints->capacity, sizeof(*joints->t_ns));
            joints->knee_m = calloc(joints->capacity, sizeof(*joints->knee_m));
            joints->quality = calloc(joints->capacity, sizeof(*joints->quality));
            if (joints->t_ns == NULL || joints->knee_m == NULL || joints->quality == NULL) {
                return false;
            }
        }
    }
    return true;
}

static bool open_forces(struct kl_worn *worn, const struct kl_stream *streams, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        bool known = streams[i].kind != KL_KIND_FORCE || worn->rates == RATES ||
                     streams[i].rate_hz < KL_KNEE_CUTOFF_HZ * 2.5;
        for (size_t k = 0; k < worn->rates; k++) {
            known = known || worn->rate_hz[k] == streams[i].rate_hz;
        }
        if (known) {
            continue;
        }
        worn->rate_hz[worn->rates] = streams[i].rate_hz;
        worn->force[worn->rates] = kl_knee_force_create(streams[i].rate_hz, KL_KNEE_CUTOFF_HZ);
        if (worn->force[worn->rates++] == NULL) {
            return false;
        }
    }
    return true;
}

struct kl_worn *kl_worn_create(const struct kl_stream *streams, size_t count,
                               struct kl_fault *fault)
{
    struct kl_worn *worn = calloc(1, sizeof(*worn));
    int status = worn == NULL ? KL_ERR_MEM
                              : kl_motion_chain_create(streams, count, NULL, &worn->chain, fault);
    if (status == KL_OK) {
        worn->calibration = kl_body_calibration_create();
        worn->muscle = kl_muscle_signals_create(streams, count);
        worn->anchor = kl_com_anchor_create();
        bool whole = worn->calibration != NULL && worn->muscle != NULL && worn->anchor != NULL;
        status = whole && open_joints(worn, streams, count) && open_forces(worn, streams, count)
                     ? KL_OK
                     : kl_fault(fault, KL_ERR_MEM, "no memory for what is worn");
    }
    if (status != KL_OK) {
        kl_worn_destroy(worn);
        return NULL;
    }
    worn->any = kl_worn_moves(worn);
    for (unsigned s = KL_SIDE_LEFT; s < KL_SIDE_COUNT; s++) {
        worn->any = worn->any || worn->joints[s].seen;
        for (unsigned m = 0; m < KL_MUSCLE_COUNT; m++) {
            worn->any = worn->any ||
                        kl_muscle_signals_has(worn->muscle, (enum kl_side)s, (enum kl_muscle)m);
        }
    }
    return worn;
}

void kl_worn_destroy(struct kl_worn *worn)
{
    if (worn == NULL) {
        return;
    }
    kl_motion_chain_destroy(worn->chain);
    kl_body_calibration_destroy(worn->calibration);
    kl_muscle_signals_destroy(worn->muscle);
    kl_com_anchor_destroy(worn->anchor);
    for (size_t i = 0; i < worn->rates; i++) {
        kl_knee_force_destroy(worn->force[i]);
    }
    for (unsigned s = 0; s < KL_SIDE_COUNT; s++) {
        free(worn->joints[s].t_ns);
        free(worn->joints[s].knee_m);
        free(worn->joints[s].quality);
    }
    free(worn);
}

bool kl_worn_any(const struct kl_worn *worn)
{
    return worn->any;
}

bool kl_worn_moves(const struct kl_worn *worn)
{
    bool moves = false;
    for (unsigned s = 0; s < KL_SEGMENT_COUNT; s++) {
        moves = moves || kl_motion_chain_has(worn->chain, (enum kl_segment)s);
    }
    return moves;
}

const struct kl_body_calibration *kl_worn_calibration(const struct kl_worn *worn)
{
    return worn->calibration;
}

const struct kl_motion_window *kl_worn_window(const struct kl_worn *worn)
{
    return worn->has_window ? &worn->window : NULL;
}

bool kl_worn_calibrating(const struct kl_worn *worn)
{
    return worn->phase_runs;
}

const struct kl_knee_step *kl_worn_knee(const struct kl_worn *worn)
{
    return &worn->knee;
}

bool kl_worn_has(const struct kl_worn *worn, enum kl_segment segment)
{
    return kl_motion_chain_has(worn->chain, segment);
}

const struct kl_muscle_signals *kl_worn_muscles(const struct kl_worn *worn)
{
    return worn->muscle;
}

const struct kl_shock_window *kl_worn_shock(const struct kl_worn *worn)
{
    return worn->has_window ? &worn->shock : NULL;
}

/* ---------------------------------------------------------------- how far */

/* Newest samples of everything worn, session time. @return how many */
static size_t all_newest(const struct kl_worn *worn, int64_t *out)
{
    size_t count = 0;
    for (unsigned s = 0; s < KL_SEGMENT_COUNT; s++) {
        if (kl_motion_chain_has(worn->chain, (enum kl_segment)s)) {
            out[count++] = kl_motion_chain_newest(worn->chain, (enum kl_segment)s);
        }
    }
    for (unsigned s = KL_SIDE_LEFT; s < KL_SIDE_COUNT; s++) {
        const struct joints *joints = &worn->joints[s];
        if (joints->seen) {
            size_t last = (joints->head + joints->capacity - 1) % joints->capacity;
            out[count++] = joints->count > 0 ? joints->t_ns[last] : 0;
        }
        for (unsigned m = 0; m < KL_MUSCLE_COUNT; m++) {
            int64_t t_ns = 0;
            if (kl_muscle_signals_has(worn->muscle, (enum kl_side)s, (enum kl_muscle)m)) {
                (void)kl_muscle_signals_newest(worn->muscle, (enum kl_side)s, (enum kl_muscle)m,
                                               &t_ns);
                out[count++] = t_ns;
            }
        }
    }
    return count;
}

int64_t kl_worn_newest(const struct kl_worn *worn)
{
    int64_t each[KL_SEGMENT_COUNT + KL_SIDE_COUNT * (KL_MUSCLE_COUNT + 1)];
    size_t count = all_newest(worn, each);
    int64_t most = 0;
    int64_t least = INT64_MAX;
    for (size_t i = 0; i < count; i++) {
        most = each[i] > most ? each[i] : most;
    }
    for (size_t i = 0; i < count; i++) {
        if (each[i] >= most - LEFT_BEHIND_NS && each[i] < least) {
            least = each[i];
        }
    }
    return least;
}

/* -------------------------------------------------------------- calibration */

static enum kl_calibration_phase phase_of(const char *text)
{
    int phase = 0;
    while (phase < KL_CALIBRATION_PHASE_COUNT &&
           strcmp(kl_calibration_phase_text((enum kl_calibration_phase)phase), text) != 0) {
        phase++;
    }
    return (enum kl_calibration_phase)phase;
}

static void end_phase(struct kl_worn *worn)
{
    kl_body_calibration_end(worn->calibration, worn->phase_end_ns);
    if (worn->phase == KL_CALIBRATION_STILL || worn->phase == KL_CALIBRATION_STILL_AGAIN) {
        /* all face +X now: without it the mean turn of a running foot would pass for none */
        (void)kl_motion_chain_still(worn->chain, worn->phase_end_ns);
    }
    kl_motion_chain_adopt(worn->chain, worn->calibration);
    worn->phase_runs = false;
}

static void take_calibration(struct kl_worn *worn, const struct kl_event *event)
{
    if (strcmp(event->text, "mvc") == 0) {
        kl_muscle_signals_contract(worn->muscle, event->t_ns, event->duration_ns);
        return;
    }
    enum kl_calibration_phase phase = phase_of(event->text);
    if (phase == KL_CALIBRATION_PHASE_COUNT) {
        return;
    }
    if (worn->phase_runs) {
        worn->phase_end_ns = event->t_ns < worn->phase_end_ns ? event->t_ns : worn->phase_end_ns;
        end_phase(worn);
    }
    kl_body_calibration_begin(worn->calibration, phase, event->t_ns);
    worn->phase_runs = true;
    worn->phase = phase;
    worn->phase_end_ns = event->duration_ns > 0 ? event->t_ns + event->duration_ns : INT64_MAX;
}

static void take_entry(struct kl_worn *worn, const struct kl_event *event)
{
    const struct {
        const char *key;
        double *value;
    } entries[] = {
        {"shank_length_m", &worn->length.shank_m},
        {"thigh_length_m", &worn->length.thigh_m},
        {"asis_width_m", &worn->length.asis_width_m},
        {"ankle_offset_left_m", &worn->ankle_offset_m[KL_SIDE_LEFT]},
        {"ankle_offset_right_m", &worn->ankle_offset_m[KL_SIDE_RIGHT]},
    };
    for (size_t i = 0; i < sizeof(entries) / sizeof(entries[0]); i++) {
        if (strcmp(event->text, entries[i].key) == 0) {
            *entries[i].value = event->value[0];
        }
    }
    /* toe-out is outwards; a heading is to the left */
    if (strcmp(event->text, "toe_out_left_rad") == 0) {
        kl_body_calibration_standing_heading(worn->calibration, KL_SEGMENT_FOOT_LEFT,
                                             event->value[0]);
    } else if (strcmp(event->text, "toe_out_right_rad") == 0) {
        kl_body_calibration_standing_heading(worn->calibration, KL_SEGMENT_FOOT_RIGHT,
                                             -event->value[0]);
    } else if (strcmp(event->text, "line_hz") == 0) {
        kl_muscle_signals_line(worn->muscle, event->value[0]);
    }
}

/* The same name told again corrects a mass or a height; electrodes stay where they are. */
static void take_runner(struct kl_worn *worn, const struct kl_event *event)
{
    char name[sizeof(worn->runner)];
    (void)snprintf(name, sizeof(name), "%.*s", (int)sizeof(name) - 1, event->text);
    if (worn->runner[0] != '\0' && strcmp(worn->runner, name) != 0) {
        kl_muscle_signals_runner(worn->muscle, event->t_ns);
    }
    memcpy(worn->runner, name, sizeof(name));
}

void kl_worn_event(struct kl_worn *worn, const struct kl_event *event)
{
    if (event->kind == KL_EVENT_CALIBRATION) {
        take_calibration(worn, event);
    } else if (event->kind == KL_EVENT_ENTRY) {
        take_entry(worn, event);
    } else if (event->kind == KL_EVENT_SUBJECT) {
        take_runner(worn, event);
    }
}

void kl_worn_slope(struct kl_worn *worn, double slope_rad)
{
    worn->slope_rad = slope_rad;
}

/* ------------------------------------------------------------------ samples */

static void take_joints(struct joints *joints, const struct kl_block *block)
{
    for (size_t i = 0; i < block->count; i++) {
        const double *value = &block->value[i * joints->channels + KNEE_CHANNEL];
        joints->t_ns[joints->head] = block->t_ns[i];
        joints->knee_m[joints->head] = (struct kl_vec){value[0], value[1], value[2]};
        joints->quality[joints->head] = block->quality[i];
        joints->head = (joints->head + 1) % joints->capacity;
        joints->count += joints->count < joints->capacity;
    }
}

/* Samples of a block before the end of the phase that runs go into it; the end is decided by the
 * times of samples, so that cutting a block changes nothing. */
static void feed_calibration(struct kl_worn *worn, const struct kl_block *block)
{
    struct kl_block part = *block;
    part.count = 0;
    while (part.count < block->count && block->t_ns[part.count] < worn->phase_end_ns) {
        part.count++;
    }
    if (part.count > 0) {
        kl_motion_chain_feed(worn->chain, &part, worn->calibration);
    }
}

void kl_worn_block(struct kl_worn *worn, const struct kl_block *block)
{
    kl_motion_chain_push(worn->chain, block);
    kl_muscle_signals_push(worn->muscle, block);
    for (unsigned s = KL_SIDE_LEFT; s < KL_SIDE_COUNT; s++) {
        if (worn->joints[s].seen && worn->joints[s].stream == block->stream) {
            take_joints(&worn->joints[s], block);
        }
    }
    if (worn->phase_runs) {
        feed_calibration(worn, block);
        if (kl_worn_newest(worn) >= worn->phase_end_ns) {
            end_phase(worn);
        }
    }
}

/* ------------------------------------------------------------ centre of mass */

void kl_worn_contact(struct kl_worn *worn, const struct kl_contact *contact)
{
    kl_com_anchor_contact(worn->anchor, contact);
    if (!contact->has_ic) {
        worn->contacts = 0; /* the chain of steps is broken */
        return;
    }
    if (worn->contacts == CONTACTS) {
        memmove(worn->ic_ns, worn->ic_ns + 1, (CONTACTS - 1) * sizeof(worn->ic_ns[0]));
        worn->contacts--;
    }
    worn->ic_ns[worn->contacts++] = contact->ic_ns;
}

/* Eight steps around this one, as far as there are; all of step times a run can have. */
static const struct kl_com *com_around(struct kl_worn *worn, double contact_ns, double height_m)
{
    size_t at = 0;
    while (at < worn->contacts && worn->ic_ns[at] < contact_ns) {
        at++;
    }
    if (at < COM_BEFORE || at + COM_STEPS - COM_BEFORE >= worn->contacts) {
        return NULL;
    }
    const double *first = &worn->ic_ns[at - COM_BEFORE];
    double mean_ns = (first[COM_STEPS] - first[0]) / COM_STEPS;
    for (size_t i = 0; i < COM_STEPS; i++) {
        if (fabs(first[i + 1] - first[i] - mean_ns) > mean_ns / 2) {
            return NULL; /* a step is missing among them */
        }
    }
    return kl_com_anchor_find(worn->anchor, first[0], first[COM_STEPS], height_m, &worn->com)
               ? &worn->com
               : NULL;
}

/* --------------------------------------------------------------------- step */

/* Knee centres on the grid of the window. @return false when they do not cover it */
static bool knees_seen(struct kl_worn *worn, enum kl_side side)
{
    const struct joints *joints = &worn->joints[side];
    size_t from = 0;
    for (size_t i = 0; joints->seen && i < worn->window.count; i++) {
        double t_ns = worn->window.t0_ns + 1e9 * (double)i / KL_MOTION_RATE_HZ;
        size_t oldest = (joints->head + joints->capacity - joints->count) % joints->capacity;
        while (from + 1 < joints->count &&
               (double)joints->t_ns[(oldest + from + 1) % joints->capacity] <= t_ns) {
            from++;
        }
        size_t a = (oldest + from) % joints->capacity;
        size_t b = (oldest + from + 1) % joints->capacity;
        double step_ns = (double)(joints->t_ns[b] - joints->t_ns[a]);
        double part = (t_ns - (double)joints->t_ns[a]) / step_ns;
        uint32_t bad = (joints->quality[a] | joints->quality[b]) & (uint32_t)KL_QUALITY_INVALID;
        if (from + 1 >= joints->count || bad != 0 || !(part >= 0 && part <= 1) ||
            step_ns > 2e9 / joints->rate_hz) {
            return false;
        }
        worn->knee_m[i] = kl_vec_add(kl_vec_scale(joints->knee_m[a], 1 - part),
                                     kl_vec_scale(joints->knee_m[b], part));
    }
    return joints->seen && worn->window.count > 0;
}

static void set(struct kl_step *step, int id, uint32_t reasons, double value)
{
    step->metric_reasons[id] =
        reasons == 0 && !isfinite(value) ? (uint32_t)KL_REASON_NOT_A_NUMBER : reasons;
    step->metric[id] = step->metric_reasons[id] == 0 ? value : 0;
}

static void fill_motion(struct kl_worn *worn, struct kl_step *step)
{
    const struct kl_motion_input input = {.window = &worn->window, .shock = &worn->shock};
    for (int m = 0; m < KL_MOTION_METRICS; m++) {
        double value = 0;
        uint32_t marks = 0;
        bool has = kl_motion_metric_compute((enum kl_motion_metric)m, &input, &value, &marks);
        uint32_t reasons = has ? 0 : kl_motion_reasons(marks);
        set(step, KL_METRIC_MOTION + m, has || reasons != 0 ? reasons : KL_REASON_CUT, value);
    }
}

static void fill_knee(struct kl_worn *worn, const struct kl_assembly *assembly, unsigned measured,
                      double plate_rate_hz, double mass_kg, double height_m, struct kl_step *step)
{
    const struct kl_contact *contact = assembly->contact;
    struct kl_knee_force *force = NULL;
    for (size_t i = 0; i < worn->rates; i++) {
        force = worn->rate_hz[i] == plate_rate_hz ? worn->force[i] : force;
    }
    bool filled = force != NULL && kl_knee_force_fill(force, contact, &worn->window, worn->wrench);
    const struct kl_com *com = com_around(worn, contact->ic_ns, height_m);
    struct kl_knee_input input = {
        .contact = contact,
        .measured = measured,
        .wrench = filled ? (const double(*)[KL_WRENCH_COUNT])worn->wrench : NULL,
        .window = &worn->window,
        .com = com,
        .knee_m = knees_seen(worn, step->side) ? worn->knee_m : NULL,
        .length = worn->length,
        .mass_kg = mass_kg,
        .height_m = height_m,
        .belt_m_s = step->speed_m_s,
        .slope_rad = worn->slope_rad,
    };
    input.length.ankle_offset_m = worn->ankle_offset_m[step->side];
    kl_knee_step_of(&input, &worn->knee);
    struct kl_com_step com_step;
    double step_s =
        assembly->flight_s >= 0 ? (contact->to_ns - contact->ic_ns) / 1e9 + assembly->flight_s : 0;
    kl_com_step_of(contact, measured, step->side, com, step_s, &com_step);
    double stride_s =
        assembly->next2_ic_ns > 0 ? (assembly->next2_ic_ns - contact->ic_ns) / 1e9 : 0;
    for (int m = 0; m < KL_KNEE_METRICS; m++) {
        double value = 0;
        uint32_t reasons = kl_knee_metric_compute((size_t)m, &worn->knee, &com_step,
                                                  step->speed_m_s, stride_s, &value);
        set(step, KL_METRIC_KNEE + m, reasons, value);
    }
}

static void fill_muscle(struct kl_worn *worn, struct kl_step *step)
{
    struct kl_muscle_pair pair;
    kl_muscle_signals_step(worn->muscle, step->contact_ns, step->off_ns, step->side, step->valid,
                           &pair);
    for (int m = 0; m < KL_MUSCLE_METRICS; m++) {
        double value = 0;
        uint32_t reasons = kl_muscle_metric_compute((size_t)m, &pair, &value);
        set(step, KL_METRIC_MUSCLE + m, reasons, value);
        step->metric_marks[KL_METRIC_MUSCLE + m] = kl_muscle_metric_marks((size_t)m, &pair);
    }
}

static void withhold(struct kl_step *step, uint32_t reasons)
{
    for (int m = KL_METRIC_MOTION; m < KL_METRIC_COUNT; m++) {
        set(step, m, reasons, 0);
    }
}

bool kl_worn_step(struct kl_worn *worn, const struct kl_assembly *assembly, unsigned measured,
                  double plate_rate_hz, double mass_kg, double height_m, struct kl_step *step)
{
    if (!step->has_contact || !step->has_off) {
        withhold(step, (uint32_t)KL_REASON_CUT);
        return false;
    }
    if (kl_motion_window_fill(worn->chain, step->contact_ns, step->off_ns, assembly->next2_ic_ns,
                              step->side, &worn->window) != KL_OK) {
        withhold(step, (uint32_t)KL_REASON_CONTACT_RANGE);
        return false;
    }
    kl_shock_window_fill(worn->chain, step->contact_ns, step->side, &worn->shock);
    kl_motion_chain_stride(worn->chain, &worn->window);
    worn->has_window = worn->any;
    fill_motion(worn, step);
    fill_knee(worn, assembly, measured, plate_rate_hz, mass_kg, height_m, step);
    fill_muscle(worn, step);
    return worn->any;
}

void kl_worn_pending(const struct kl_worn *worn, struct kl_step *step)
{
    uint32_t reasons = worn->any ? (uint32_t)KL_REASON_NO_NEXT : (uint32_t)KL_REASON_NO_SENSOR;
    for (int m = KL_METRIC_MOTION; m < KL_METRIC_COUNT; m++) {
        set(step, m, reasons, 0);
    }
}
