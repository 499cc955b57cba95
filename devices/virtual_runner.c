#include "devices/virtual_runner.h"

#include "devices/virtual_belt.h"
#include "devices/virtual_body.h"
#include "devices/virtual_emg.h"
#include "devices/virtual_imu.h"
#include "devices/virtual_joint.h"
#include "devices/virtual_load.h"
#include "devices/virtual_markers.h"
#include "devices/virtual_parameters.h"
#include "devices/virtual_plate.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum {
    FEET = 2,
    MUSCLES = 4,
    STREAMS_MAX = FEET + KL_VIRTUAL_SENSOR_COUNT,
    EVENTS_MAX = 10 + KL_VIRTUAL_PART_COUNT,
};

static const enum kl_side foot_side[FEET] = {KL_SIDE_LEFT, KL_SIDE_RIGHT};

/* ---------------------------------------------------------------- parameters */

struct kl_virtual_runner kl_virtual_runner_defaults(void)
{
    struct kl_virtual_runner runner = {
        .mass_kg = 70,
        .height_m = 1.75,
        .speed_m_s = 3.0,
        .step_time_s = {0.35, 0.35},
        .contact_time_s = {0.25, 0.25},
        .braking_bw = 0.25,
        .overstride = 0,
        .mediolateral_bw = 0.06,
        .free_moment_bwh = 0.003,
        .step_width_m = 0.08, /* [P]: sides can be told from one belt (methods 4.4) */
        .com_x_m = 0,
        .com_z_m = 0,
        .step_time_cv = 0.015,
        .step_time_phi = 0.3,
        .rate_hz = 1000,
        .imu_rate_hz = 200, /* methods 2 */
        .plate_depth_m = 0.04,
        .noise_scale = 1,
        .quiet_s = 4, /* a tare of 3 s and a margin */
        .stand_s = 4, /* a weighing of 3 s and stepping on and off */
        .split_belt = false,
        .imu = true,
        .seed = 1,
        .subject = "virtual",
    };
    kl_virtual_runner_strike(&runner, KL_VIRTUAL_REARFOOT);
    kl_virtual_parameters_defaults(&runner);
    return runner;
}

void kl_virtual_runner_strike(struct kl_virtual_runner *runner, enum kl_virtual_strike strike)
{
    static const struct {
        double impact_bw, impact_end;
    } preset[KL_VIRTUAL_STRIKE_COUNT] = {
        [KL_VIRTUAL_REARFOOT] = {0.9, 0.24},
        [KL_VIRTUAL_HARD_REARFOOT] = {1.0, 0.22},
        [KL_VIRTUAL_MIDFOOT] = {0.45, 0.30},
        [KL_VIRTUAL_FOREFOOT] = {0, 0.24},
    };
    for (int i = 0; i < FEET; i++) {
        runner->impact_bw[i] = preset[strike].impact_bw;
        runner->impact_start[i] = 0;
        runner->impact_end[i] = preset[strike].impact_end;
    }
}

/* Limits [P]: wide enough for every runner and for walking, narrow enough to catch a wrong unit. */
static const struct limit {
    const char *name;
    size_t offset;
    double low, high;
} limits[] = {
#define FIELD(name, low, high)                                                                     \
    {                                                                                              \
#name, offsetof(struct kl_virtual_runner, name), low, high                                 \
    }
    FIELD(mass_kg, 20, 250),
    FIELD(height_m, 0.8, 2.5),
    FIELD(speed_m_s, 0, 12),
    FIELD(step_time_s[0], 0.15, 1.5),
    FIELD(step_time_s[1], 0.15, 1.5),
    FIELD(contact_time_s[0], 0.05, 1.5),
    FIELD(contact_time_s[1], 0.05, 1.5),
    FIELD(impact_bw[0], 0, 5),
    FIELD(impact_bw[1], 0, 5),
    FIELD(impact_start[0], 0, 0.95),
    FIELD(impact_start[1], 0, 0.95),
    FIELD(impact_end[0], 0.05, 1),
    FIELD(impact_end[1], 0.05, 1),
    FIELD(braking_bw, -1, 1),
    FIELD(overstride, -0.95, 0.95),
    FIELD(mediolateral_bw, -0.5, 0.5),
    FIELD(free_moment_bwh, -0.1, 0.1),
    FIELD(step_width_m, -0.3, 0.4),
    FIELD(com_x_m, -0.8, 0.8),
    FIELD(com_z_m, -0.25, 0.25),
    FIELD(step_time_cv, 0, 0.1),
    FIELD(step_time_phi, -0.99, 0.99),
    FIELD(rate_hz, 10, 50000),
    FIELD(imu_rate_hz, 1, 50000),
    FIELD(plate_depth_m, 0, 0.5),
    FIELD(noise_scale, 0, 100),
    FIELD(quiet_s, 0, 3600),
    FIELD(stand_s, 0, 3600),
#undef FIELD
};

static double value_of(const struct kl_virtual_runner *runner, const struct limit *limit)
{
    double value = 0;
    memcpy(&value, (const char *)runner + limit->offset, sizeof(value));
    return value;
}

/* What single limits cannot say: the closed forms must stay forces, also at the edge of jitter. */
static int check_gait(const struct kl_virtual_runner *runner, struct kl_fault *fault)
{
    double longest = 1 + KL_VIRTUAL_JITTER_MAX_SD * runner->step_time_cv;
    double shortest = 1 - KL_VIRTUAL_JITTER_MAX_SD * runner->step_time_cv;
    for (int i = 0; i < FEET; i++) {
        const char *side = kl_side_text(foot_side[i]);
        double width = runner->impact_end[i] - runner->impact_start[i];
        if (runner->impact_bw[i] > 0 && width < 0.01) {
            return kl_fault(fault, KL_ERR_RANGE,
                            "virtual_runner: %s: impact_end %g must be at least 0.01 above "
                            "impact_start %g",
                            side, runner->impact_end[i], runner->impact_start[i]);
        }
        double impact_s = runner->impact_bw[i] * longest * runner->contact_time_s[i] * width / 2;
        if (runner->step_time_s[i] * shortest <= impact_s) {
            return kl_fault(fault, KL_ERR_RANGE,
                            "virtual_runner: %s: the impact alone (%.3f BW s) carries more than "
                            "step_time_s %g allows; lower impact_bw or step_time_cv",
                            side, impact_s, runner->step_time_s[i]);
        }
        double stride_s = shortest * (runner->step_time_s[0] + runner->step_time_s[1]);
        if (longest * runner->contact_time_s[i] >= stride_s) {
            return kl_fault(fault, KL_ERR_RANGE,
                            "virtual_runner: %s: contact_time_s %g reaches into the foot's next "
                            "contact (stride %.3f s with jitter); lower it or step_time_cv",
                            side, runner->contact_time_s[i], stride_s);
        }
    }
    return KL_OK;
}

int kl_virtual_runner_check(const struct kl_virtual_runner *runner, struct kl_fault *fault)
{
    for (size_t i = 0; i < COUNT(limits); i++) {
        double value = value_of(runner, &limits[i]);
        if (!(value >= limits[i].low && value <= limits[i].high)) { /* NaN fails too */
            return kl_fault(fault, KL_ERR_RANGE,
                            "virtual_runner: %s is %g; allowed are %g to %g (SI units)",
                            limits[i].name, value, limits[i].low, limits[i].high);
        }
    }
    if (memchr(runner->subject, '\0', sizeof(runner->subject)) == NULL) {
        return kl_fault(fault, KL_ERR_RANGE,
                        "virtual_runner: subject is longer than %zu bytes; shorten the code",
                        sizeof(runner->subject) - 1);
    }
    if (runner->seed > INT64_MAX) { /* YAML and JSON hold signed numbers */
        return kl_fault(fault, KL_ERR_RANGE, "virtual_runner: seed is above %lld",
                        (long long)INT64_MAX);
    }
    int status = kl_virtual_parameters_check(runner, fault);
    return status == KL_OK ? check_gait(runner, fault) : status;
}

/* -------------------------------------------------------------------- driver */

/* Where the samples of a stream come from. */
struct part {
    enum { PLATE = 0, IMU, EMG, BELT, MARKERS } kind;
    size_t index; /* of plate[], imu[] ... */
    double rate_hz;
    uint64_t next; /* number of its next sample */
};

struct virtual_runner {
    struct kl_virtual_runner runner;
    struct kl_virtual_load load;
    struct kl_virtual_body body;
    struct kl_virtual_posture posture; /* at posture_ns: sensors of one rate share it */
    int64_t posture_ns;
    struct kl_virtual_plate plate[FEET];
    struct kl_virtual_imu imu[KL_VIRTUAL_SEGMENT_COUNT];
    struct kl_virtual_emg emg[MUSCLES];
    struct kl_virtual_belt belt;
    struct kl_virtual_markers markers[FEET];
    struct part part[STREAMS_MAX]; /* one per stream, in stream order */
    size_t stream_count;
};

static void add_plate(struct virtual_runner *state, size_t index, enum kl_side side,
                      struct kl_stream *out)
{
    double rate_hz = state->runner.rate_hz;
    kl_virtual_plate_init(&state->plate[index], &state->runner, side);
    kl_virtual_plate_describe(&state->plate[index], rate_hz, &out[state->stream_count]);
    state->part[state->stream_count++] =
        (struct part){.kind = PLATE, .index = index, .rate_hz = rate_hz};
}

static void add_sensor(struct virtual_runner *state, unsigned sensor, struct kl_stream *out)
{
    const struct kl_virtual_runner *runner = &state->runner;
    struct part *part = &state->part[state->stream_count];
    struct kl_stream *stream = &out[state->stream_count++];
    *part = (struct part){.kind = BELT};
    if (sensor < (unsigned)KL_VIRTUAL_SEGMENT_COUNT) {
        part->kind = IMU;
        part->index = sensor;
        kl_virtual_imu_init(&state->imu[part->index], runner, (enum kl_virtual_segment)sensor);
        kl_virtual_imu_describe(&state->imu[part->index], stream);
    } else if (sensor < (unsigned)KL_VIRTUAL_TREADMILL) {
        part->kind = EMG;
        part->index = sensor - (unsigned)KL_VIRTUAL_EMG_VMO_LEFT;
        kl_virtual_emg_init(&state->emg[part->index], runner, sensor);
        kl_virtual_emg_describe(&state->emg[part->index], stream);
    } else if (sensor == (unsigned)KL_VIRTUAL_TREADMILL) {
        kl_virtual_belt_init(&state->belt, runner);
        kl_virtual_belt_describe(&state->belt, stream);
    } else {
        part->kind = MARKERS;
        part->index = sensor - (unsigned)KL_VIRTUAL_JOINTS_LEFT;
        kl_virtual_markers_init(&state->markers[part->index], runner, foot_side[part->index]);
        kl_virtual_markers_describe(&state->markers[part->index], stream);
    }
    part->rate_hz = stream->rate_hz;
}

/* The sensors asked for, as bits. */
static unsigned worn(const struct kl_virtual_runner *runner)
{
    unsigned shanks =
        KL_VIRTUAL_SENSOR(KL_VIRTUAL_SHANK_LEFT) | KL_VIRTUAL_SENSOR(KL_VIRTUAL_SHANK_RIGHT);
    return runner->sensors | (runner->imu ? shanks : 0U);
}

static size_t streams_of(const struct kl_virtual_runner *runner)
{
    size_t count = runner->split_belt ? 2 : 1;
    for (unsigned sensor = 0; sensor < KL_VIRTUAL_SENSOR_COUNT; sensor++) {
        count += (worn(runner) & KL_VIRTUAL_SENSOR(sensor)) != 0;
    }
    return count;
}

static int configure(void *self, const void *config, struct kl_stream *out, size_t cap,
                     struct kl_fault *fault)
{
    struct virtual_runner *state = self;
    const struct kl_virtual_runner defaults = kl_virtual_runner_defaults();
    const struct kl_virtual_runner *runner = config != NULL ? config : &defaults;
    int status = kl_virtual_runner_check(runner, fault);
    if (status != KL_OK) {
        return status;
    }
    size_t wanted = streams_of(runner);
    if (cap < wanted) {
        return kl_fault(fault, KL_ERR_ARG, "virtual_runner: room for %zu streams, needs %zu", cap,
                        wanted);
    }
    state->runner = *runner;
    state->stream_count = 0;
    state->posture_ns = 0; /* before the first sample */
    kl_virtual_load_init(&state->load, runner);
    kl_virtual_body_init(&state->body, runner);
    if (runner->split_belt) {
        add_plate(state, 0, KL_SIDE_LEFT, out);
        add_plate(state, 1, KL_SIDE_RIGHT, out);
    } else {
        add_plate(state, 0, KL_SIDE_UNKNOWN, out);
    }
    for (unsigned sensor = 0; sensor < KL_VIRTUAL_SENSOR_COUNT; sensor++) {
        if ((worn(runner) & KL_VIRTUAL_SENSOR(sensor)) != 0) {
            add_sensor(state, sensor, out);
        }
    }
    return (int)state->stream_count;
}

/* Time of the next sample; from its number, so that rates such as 300 Hz do not drift. */
static int64_t next_ns(const struct part *part)
{
    return KL_EPOCH_NS + (int64_t)llround((double)part->next * 1e9 / part->rate_hz);
}

static size_t earliest(const struct virtual_runner *state)
{
    size_t first = 0;
    int64_t first_ns = next_ns(&state->part[0]);
    for (size_t i = 1; i < state->stream_count; i++) {
        int64_t t_ns = next_ns(&state->part[i]);
        if (t_ns < first_ns) {
            first = i;
            first_ns = t_ns;
        }
    }
    return first;
}

static uint32_t read_plate(struct virtual_runner *state, struct kl_virtual_plate *plate, double t_s,
                           double *volts)
{
    double feet[2][KL_WRENCH_COUNT];
    kl_virtual_load_at(&state->load, t_s, feet);
    double load[KL_WRENCH_COUNT];
    for (int i = 0; i < KL_WRENCH_COUNT; i++) {
        load[i] = (plate->side != KL_SIDE_RIGHT ? feet[0][i] : 0) +
                  (plate->side != KL_SIDE_LEFT ? feet[1][i] : 0);
    }
    return kl_virtual_plate_read(plate, t_s, load, volts);
}

static const struct kl_virtual_posture *posture_at(struct virtual_runner *state, int64_t t_ns)
{
    if (state->posture_ns != t_ns) {
        kl_virtual_body_at(&state->body, state->load.contact, state->load.count, kl_seconds(t_ns),
                           &state->posture);
        state->posture_ns = t_ns;
    }
    return &state->posture;
}

static uint32_t read_part(struct virtual_runner *state, const struct part *part, int64_t t_ns,
                          double *value)
{
    double t_s = kl_seconds(t_ns);
    if (part->kind == PLATE) {
        return read_plate(state, &state->plate[part->index], t_s, value);
    }
    kl_virtual_load_advance(&state->load, t_s);
    const struct kl_virtual_contact *contact = state->load.contact;
    size_t count = state->load.count;
    switch (part->kind) {
    case IMU:
        return kl_virtual_imu_read(&state->imu[part->index], posture_at(state, t_ns), contact,
                                   count, t_s, value);
    case EMG:
        return kl_virtual_emg_read(&state->emg[part->index], contact, count, t_s, value);
    case MARKERS:
        kl_virtual_markers_read(&state->markers[part->index], posture_at(state, t_ns), value);
        return 0;
    default:
        kl_virtual_belt_read(&state->belt, contact, count, t_s, value);
        return 0;
    }
}

static int generate(void *self, int64_t until_ns, struct kl_sample *out, size_t cap)
{
    struct virtual_runner *state = self;
    size_t made = 0;
    while (made < cap) {
        size_t stream = earliest(state);
        struct part *part = &state->part[stream];
        int64_t t_ns = next_ns(part);
        if (t_ns >= until_ns) {
            break;
        }
        part->next++;
        struct kl_sample *sample = &out[made++];
        sample->stream = stream;
        sample->device_ns = t_ns;
        sample->quality = read_part(state, part, t_ns, sample->value);
    }
    return (int)made;
}

/* What a lab measures with a tape: the lengths that the knee needs. @return how many */
static size_t entries(const struct kl_virtual_runner *runner, struct kl_event *out)
{
    const struct kl_virtual_size size = kl_virtual_size(runner);
    const struct {
        const char *key;
        double value;
    } rows[] = {
        {"shank_length_m", size.shank_m},
        {"thigh_length_m", size.thigh_m},
        {"asis_width_m", runner->inter_asis_m},
        {"ankle_offset_left_m", runner->ankle_cop_offset_m[0]},
        {"ankle_offset_right_m", runner->ankle_cop_offset_m[1]},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        out[i] = (struct kl_event){.kind = KL_EVENT_ENTRY,
                                   .t_ns = KL_EPOCH_NS,
                                   .value = {rows[i].value},
                                   .text = rows[i].key};
    }
    return sizeof(rows) / sizeof(rows[0]);
}

static int events(void *self, struct kl_event *out, size_t cap)
{
    const struct virtual_runner *state = self;
    const struct kl_virtual_runner *runner = &state->runner;
    const struct kl_virtual_timeline *timeline = &state->load.timeline;
    const double tare_margin_s = 0.5; /* before the runner comes */
    const double weigh_s = 3.0;       /* methods 3.1 */
    struct kl_event list[EVENTS_MAX];
    size_t count = 0;
    list[count++] = (struct kl_event){.kind = KL_EVENT_SUBJECT,
                                      .t_ns = KL_EPOCH_NS,
                                      .value = {runner->mass_kg, runner->height_m},
                                      .text = runner->subject};
    if (runner->sensors != 0) {
        count += entries(runner, list + count);
    }
    if (runner->quiet_s > 0) {
        double tare_s = fmax(runner->quiet_s - tare_margin_s, 0.8 * runner->quiet_s);
        list[count++] = (struct kl_event){.kind = KL_EVENT_TARE,
                                          .t_ns = KL_EPOCH_NS,
                                          .duration_ns = kl_nanoseconds(tare_s),
                                          .text = ""};
    }
    double still_s = timeline->still_end_s - timeline->still_s;
    if (still_s > 0) {
        list[count++] = (struct kl_event){.kind = KL_EVENT_WEIGH,
                                          .t_ns = kl_nanoseconds(timeline->still_s),
                                          .duration_ns = kl_nanoseconds(fmin(still_s, weigh_s)),
                                          .text = ""};
    }
    for (int i = 0; i < KL_VIRTUAL_PART_COUNT; i++) {
        const struct kl_virtual_span *span = &timeline->part[i];
        if (span->end_s > span->start_s) {
            list[count++] =
                (struct kl_event){.kind = KL_EVENT_CALIBRATION,
                                  .t_ns = kl_nanoseconds(span->start_s),
                                  .duration_ns = kl_nanoseconds(span->end_s - span->start_s),
                                  .text = kl_virtual_part_text((enum kl_virtual_part)i)};
        }
    }
    double again_s = timeline->leave_s - timeline->off_s - tare_margin_s;
    if (again_s > 0) {
        list[count++] = (struct kl_event){.kind = KL_EVENT_TARE,
                                          .t_ns = kl_nanoseconds(timeline->off_s),
                                          .duration_ns = kl_nanoseconds(again_s),
                                          .text = ""};
    }
    list[count++] = (struct kl_event){.kind = KL_EVENT_SPEED,
                                      .t_ns = kl_nanoseconds(timeline->leave_s),
                                      .value = {runner->speed_m_s, runner->incline_rad},
                                      .text = ""};
    if (cap < count) {
        return KL_ERR_ARG;
    }
    memcpy(out, list, count * sizeof(list[0]));
    return (int)count;
}

const struct kl_driver kl_virtual_runner_driver = {
    .name = "virtual_runner",
    .label = "Virtual runner",
    .time_meaning = KL_TIME_SESSION,
    .state_size = sizeof(struct virtual_runner),
    .stream_max = STREAMS_MAX,
    .configure = configure,
    .generate = generate,
    .events = events,
};
