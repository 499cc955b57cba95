#include "devices/virtual_runner.h"

#include "devices/virtual_imu.h"
#include "devices/virtual_load.h"
#include "devices/virtual_plate.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum { FEET = 2, STREAMS_MAX = 4, EVENTS_MAX = 4 };

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
    return check_gait(runner, fault);
}

/* -------------------------------------------------------------------- driver */

/* Where the samples of a stream come from. */
struct part {
    enum { PLATE = 0, IMU } kind;
    size_t index; /* of plate[] or imu[] */
    double rate_hz;
    uint64_t next; /* number of its next sample */
};

struct virtual_runner {
    struct kl_virtual_runner runner;
    struct kl_virtual_load load;
    struct kl_virtual_plate plate[FEET];
    struct kl_virtual_imu imu[FEET];
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

static void add_imu(struct virtual_runner *state, size_t index, struct kl_stream *out)
{
    double rate_hz = state->runner.imu_rate_hz;
    kl_virtual_imu_init(&state->imu[index], &state->runner, foot_side[index]);
    kl_virtual_imu_describe(&state->imu[index], rate_hz, &out[state->stream_count]);
    state->part[state->stream_count++] =
        (struct part){.kind = IMU, .index = index, .rate_hz = rate_hz};
}

static int configure(void *self, const void *config, struct kl_stream *out, size_t cap,
                     struct kl_fault *fault)
{
    struct virtual_runner *state = self;
    const struct kl_virtual_runner defaults = kl_virtual_runner_defaults();
    const struct kl_virtual_runner *runner = config != NULL ? config : &defaults;
    size_t wanted = (runner->split_belt ? 2U : 1U) + (runner->imu ? 2U : 0U);
    if (cap < wanted) {
        return kl_fault(fault, KL_ERR_ARG, "virtual_runner: room for %zu streams, needs %zu", cap,
                        wanted);
    }
    int status = kl_virtual_runner_check(runner, fault);
    if (status != KL_OK) {
        return status;
    }
    state->runner = *runner;
    state->stream_count = 0;
    kl_virtual_load_init(&state->load, runner);
    if (runner->split_belt) {
        add_plate(state, 0, KL_SIDE_LEFT, out);
        add_plate(state, 1, KL_SIDE_RIGHT, out);
    } else {
        add_plate(state, 0, KL_SIDE_UNKNOWN, out);
    }
    for (size_t i = 0; runner->imu && i < FEET; i++) {
        add_imu(state, i, out);
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
    for (size_t i = 1; i < state->stream_count; i++) {
        if (next_ns(&state->part[i]) < next_ns(&state->part[first])) {
            first = i;
        }
    }
    return first;
}

static uint32_t read_plate(struct kl_virtual_plate *plate, double t_s,
                           double wrench[2][KL_WRENCH_COUNT], double *volts)
{
    double load[KL_WRENCH_COUNT];
    for (int i = 0; i < KL_WRENCH_COUNT; i++) {
        load[i] = (plate->side != KL_SIDE_RIGHT ? wrench[0][i] : 0) +
                  (plate->side != KL_SIDE_LEFT ? wrench[1][i] : 0);
    }
    return kl_virtual_plate_read(plate, t_s, load, volts);
}

static void read_imu(struct virtual_runner *state, struct kl_virtual_imu *imu, double t_s,
                     double *value)
{
    double onset_s = 0;
    double stride_s = 1;
    bool running = kl_virtual_load_stride(&state->load, imu->side, t_s, &onset_s, &stride_s);
    kl_virtual_imu_read(imu, running ? t_s - onset_s : -1, stride_s, value);
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
        double t_s = kl_seconds(t_ns);
        double wrench[2][KL_WRENCH_COUNT];
        kl_virtual_load_at(&state->load, t_s, wrench);
        struct kl_sample *sample = &out[made++];
        sample->stream = stream;
        sample->device_ns = t_ns;
        sample->quality = 0;
        if (part->kind == PLATE) {
            sample->quality = read_plate(&state->plate[part->index], t_s, wrench, sample->value);
        } else {
            read_imu(state, &state->imu[part->index], t_s, sample->value);
        }
    }
    return (int)made;
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
    list[count++] = (struct kl_event){.kind = KL_EVENT_SPEED,
                                      .t_ns = kl_nanoseconds(timeline->leave_s),
                                      .value = {runner->speed_m_s, 0},
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
