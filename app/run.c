#include "app/run.h"

#include "acquire/formats/recording.h"
#include "app/settings_json.h"
#include "app/snapshot_exchange.h"
#include "process/steps/step_record.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SOURCE_WAIT_NS INT64_C(1000000)       /* 1 ms: how late a stop may be seen */
#define PUBLISH_EVERY_NS INT64_C(15000000)    /* a little faster than a 60 Hz screen */
#define PROGRESS_EVERY_NS INT64_C(1000000000) /* 1 s */
#define OPERATE_EVERY_NS INT64_C(100000000)   /* 100 ms */
#define PACE_SLICE_NS INT64_C(10000000)       /* 10 ms: longest sleep before looking at commands */
#define DRAIN_NS INT64_C(30000000)            /* 30 ms for what is still in the rings at a stop */

struct kl_run {
    struct kl_run_config config;
    struct kl_source *source;
    struct kl_pipeline *pipeline;
    struct kl_recorder *recorder;
    struct kl_alignment_trial *alignment; /* live only: a replay uses what was found then */
    struct kl_record_digest digest;       /* of the step records so far */
    struct kl_snapshot_exchange *exchange;
    struct kl_snapshot *scratch; /* progress and final state */
    struct kl_run_stream stream[KL_STREAMS_MAX];
    int64_t pace_session_ns, pace_wall_ns; /* session time and wall time of the last re-start */
    int64_t next_publish_ns, next_progress_ns;
    int64_t next_operate_ns, next_operate_wall_ns;
    int64_t skip_until_ns; /* while seeking: no pacing before this session time */
    int64_t duration_ns;
    struct kl_recorder_state recorder_state; /* kept after the recorder is closed */
    /* written by screen or signal, read by session */
    _Atomic bool stop, paused;
    _Atomic int64_t seek_ns; /* 0: none */
    _Atomic double speed;
    /* written by session, read by screen */
    _Atomic int64_t now_ns;
    _Atomic bool finished;
};

static int64_t wall_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * KL_NS_PER_S + now.tv_nsec;
}

static void sleep_ns(int64_t ns)
{
    struct timespec wait = {.tv_sec = ns / KL_NS_PER_S, .tv_nsec = ns % KL_NS_PER_S};
    (void)nanosleep(&wait, NULL);
}

/* ----------------------------------------------------------------- results */

static void on_step(void *self, const struct kl_step *step)
{
    struct kl_run *run = self;
    if (run->recorder != NULL) {
        char line[KL_RECORD_MAX];
        int64_t t_ns = (int64_t)step->off_ns;
        (void)kl_step_record(step, line, sizeof(line));
        (void)kl_recorder_step(run->recorder, t_ns, line);
        if (kl_record_digest_add(&run->digest, line)) {
            (void)kl_record_digest_line(&run->digest, line, sizeof(line));
            (void)kl_recorder_step(run->recorder, t_ns, line);
        }
    }
    if (run->config.sink.step != NULL) {
        run->config.sink.step(run->config.sink.self, step);
    }
}

static void on_flag(void *self, const struct kl_rule *rule, const struct kl_flag *flag)
{
    struct kl_run *run = self;
    if (run->recorder != NULL) {
        char line[KL_RECORD_MAX];
        (void)kl_flag_record(rule, flag, line, sizeof(line));
        (void)kl_recorder_flag(run->recorder, (int64_t)flag->t_ns, line);
    }
    if (run->config.sink.flag != NULL) {
        run->config.sink.flag(run->config.sink.self, rule, flag);
    }
}

/* ------------------------------------------------------------------- setup */

static int open_source(struct kl_run *run, struct kl_fault *fault)
{
    run->source = run->config.open(run->config.self, fault);
    if (run->source == NULL) {
        return KL_ERR_IO;
    }
    struct kl_pipeline_sink sink = {.self = run, .step = on_step, .flag = on_flag};
    run->pipeline = kl_pipeline_create(run->source->stream, run->source->stream_count,
                                       &run->config.settings, run->config.flags, sink);
    if (run->pipeline == NULL) {
        return kl_fault(fault, KL_ERR_RANGE,
                        "%s: the streams cannot be processed: a rate is not above 0, or the "
                        "cut-off of %g Hz is too high for the plate's rate",
                        run->config.path != NULL ? run->config.path : "the session",
                        run->config.settings.force.cutoff_hz);
    }
    run->duration_ns = run->source->duration_ns;
    memset(run->stream, 0, sizeof(run->stream));
    return KL_OK;
}

static void close_source(struct kl_run *run)
{
    kl_pipeline_destroy(run->pipeline);
    run->pipeline = NULL;
    if (run->source != NULL) {
        run->config.close(run->config.self, run->source);
        run->source = NULL;
    }
}

/** What the test of the clocks found is told, and goes into the sequence as if an operator had
 *  entered it; at the end only into the file: no sample comes after it. */
static void post_alignment(struct kl_run *run, bool ended)
{
    struct kl_alignment_finding finding;
    while (kl_alignment_trial_next(run->alignment, &finding)) {
        char note[sizeof(finding.text) + 16];
        (void)snprintf(note, sizeof(note), "clocks: %s", finding.text);
        const struct kl_item marker = {
            .kind = KL_ITEM_EVENT,
            .event = {.kind = KL_EVENT_MARKER, .t_ns = atomic_load(&run->now_ns), .text = note}};
        if (ended && run->recorder != NULL) {
            (void)kl_recorder_item(run->recorder, &marker);
        } else if (!ended) {
            if (finding.accepted) {
                (void)kl_hub_event(run->config.hub, &finding.event);
            }
            (void)kl_hub_event(run->config.hub, &marker.event);
        }
        if (run->config.tell != NULL) {
            run->config.tell(run->config.self, note);
        }
    }
}

/** Recording and pipeline see the same items; what was chosen before the first sample is the first
 *  of them. */
static void take_item(struct kl_run *run, const struct kl_item *item)
{
    if (run->recorder != NULL) {
        (void)kl_recorder_item(run->recorder, item);
    }
    kl_pipeline_item(run->pipeline, item);
    if (run->alignment != NULL) {
        kl_alignment_trial_item(run->alignment, item);
        post_alignment(run, false);
    }
}

static int open_alignment(struct kl_run *run, struct kl_fault *fault)
{
    if (run->config.hub == NULL) {
        return KL_OK;
    }
    run->alignment = kl_alignment_trial_create(run->source->stream, run->source->stream_count,
                                               run->config.pulse, run->config.pulse_count);
    return run->alignment != NULL ? KL_OK : kl_fault(fault, KL_ERR_MEM, "out of memory");
}

static int open_recorder(struct kl_run *run, struct kl_fault *fault)
{
    if (run->config.record_path == NULL) {
        return KL_OK;
    }
    run->recorder = kl_recorder_open(run->config.record_path, run->source->stream,
                                     run->source->stream_count, 0, fault);
    if (run->recorder == NULL) {
        return KL_ERR_IO;
    }
    char *settings = kl_settings_write(&run->config.settings);
    if (settings == NULL) {
        return kl_fault(fault, KL_ERR_MEM, "out of memory");
    }
    struct kl_item item = {
        .kind = KL_ITEM_EVENT,
        .event = {.kind = KL_EVENT_SETTINGS, .t_ns = KL_EPOCH_NS, .text = settings}};
    take_item(run, &item);
    if (run->config.flags_text != NULL) {
        item.event.kind = KL_EVENT_FLAG_TABLE;
        item.event.text = run->config.flags_text;
        take_item(run, &item);
    }
    free(settings);
    return KL_OK;
}

static void take_first(struct kl_run *run)
{
    for (size_t i = 0; i < run->config.first_count; i++) {
        const struct kl_item item = {.kind = KL_ITEM_EVENT, .event = run->config.first[i]};
        take_item(run, &item);
    }
}

/** A simulated runner says who it is at the first sample; what people entered holds instead. */
static bool said_by_people(const struct kl_run *run, const struct kl_item *item)
{
    for (size_t i = 0; item->kind == KL_ITEM_EVENT && i < run->config.first_count; i++) {
        const struct kl_event *first = &run->config.first[i];
        bool same = first->kind == KL_EVENT_SUBJECT || strcmp(first->text, item->event.text) == 0;
        if (item->event.kind == first->kind && item->event.t_ns == KL_EPOCH_NS && same) {
            return true;
        }
    }
    return false;
}

struct kl_run *kl_run_create(const struct kl_run_config *config, struct kl_fault *fault)
{
    struct kl_run *run = calloc(1, sizeof(*run));
    if (run == NULL) {
        (void)kl_fault(fault, KL_ERR_MEM, "out of memory");
        return NULL;
    }
    run->config = *config;
    atomic_init(&run->speed, config->speed);
    run->scratch = calloc(1, sizeof(*run->scratch));
    run->exchange = config->screen ? kl_snapshot_exchange_create() : NULL;
    if (run->scratch == NULL || (config->screen && run->exchange == NULL)) {
        (void)kl_fault(fault, KL_ERR_MEM, "out of memory");
        kl_run_destroy(run);
        return NULL;
    }
    run->digest = kl_record_digest_init();
    if (open_source(run, fault) != KL_OK || open_alignment(run, fault) != KL_OK ||
        open_recorder(run, fault) != KL_OK) {
        kl_run_destroy(run);
        return NULL;
    }
    take_first(run);
    return run;
}

void kl_run_destroy(struct kl_run *run)
{
    if (run == NULL) {
        return;
    }
    (void)kl_recorder_close(run->recorder, NULL);
    close_source(run);
    kl_alignment_trial_destroy(run->alignment);
    kl_snapshot_exchange_destroy(run->exchange);
    free(run->scratch);
    free(run);
}

/* ---------------------------------------------------------------- snapshot */

/** A file's streams stand where devices do. */
static void describe_streams(const struct kl_run *run, struct kl_snapshot *out)
{
    for (size_t i = 0; i < run->source->stream_count && i < KL_SNAPSHOT_DEVICES; i++) {
        struct kl_snapshot_device *shown = &out->device[out->device_count++];
        *shown = (struct kl_snapshot_device){.rate_hz = run->source->stream[i].rate_hz,
                                             .samples = run->stream[i].samples,
                                             .lost = run->stream[i].lost,
                                             .battery = -1};
        (void)snprintf(shown->name, sizeof(shown->name), "%.*s", KL_NAME_MAX - 1,
                       run->source->stream[i].name);
        (void)snprintf(shown->state, sizeof(shown->state), "file");
    }
}

static void describe_devices(const struct kl_run *run, struct kl_snapshot *out)
{
    struct kl_hub_device device[KL_SNAPSHOT_DEVICES];
    size_t count = kl_hub_devices(run->config.hub, device, KL_SNAPSHOT_DEVICES);
    for (size_t i = 0; i < count; i++) {
        struct kl_snapshot_device *shown = &out->device[out->device_count++];
        *shown = (struct kl_snapshot_device){.samples = device[i].samples,
                                             .lost = device[i].lost,
                                             .measured_hz = device[i].measured_hz,
                                             .battery = device[i].battery};
        (void)snprintf(shown->name, sizeof(shown->name), "%.*s", KL_NAME_MAX - 1, device[i].name);
        bool alarm = kl_hub_device_state(&device[i], shown->state);
        shown->alarm = alarm || device[i].lost > 0;
        for (size_t s = 0; s < run->source->stream_count; s++) { /* its fastest stream */
            const struct kl_stream *stream = &run->source->stream[s];
            if (strcmp(stream->source, device[i].name) == 0 && stream->rate_hz > shown->rate_hz) {
                shown->rate_hz = stream->rate_hz;
            }
        }
    }
}

static void describe_recording(const struct kl_run *run, struct kl_snapshot *out)
{
    struct kl_snapshot_recording *recording = &out->recording;
    memset(recording, 0, sizeof(*recording));
    recording->seconds = kl_seconds(out->t_ns > KL_EPOCH_NS ? out->t_ns - KL_EPOCH_NS : 0);
    recording->duration_s = kl_seconds(run->duration_ns);
    recording->paused = atomic_load_explicit(&run->paused, memory_order_relaxed);
    recording->speed = atomic_load_explicit(&run->speed, memory_order_relaxed);
    if (run->config.replay) {
        recording->state = KL_RECORDING_REPLAY;
        (void)snprintf(recording->path, sizeof(recording->path), "%s",
                       run->config.path != NULL ? run->config.path : "");
    } else if (run->config.record_path != NULL) {
        struct kl_recorder_state state =
            run->recorder != NULL ? kl_recorder_get(run->recorder) : run->recorder_state;
        recording->state = state.holding ? KL_RECORDING_HELD : KL_RECORDING_ON;
        recording->held_seconds = kl_seconds(state.held_ns);
        (void)snprintf(recording->path, sizeof(recording->path), "%s", run->config.record_path);
        (void)snprintf(recording->problem, sizeof(recording->problem), "%s",
                       state.problem[0] != '\0' ? state.problem : state.warning);
    }
    struct kl_fault fault;
    if (run->config.hub != NULL && recording->problem[0] == '\0' &&
        kl_hub_capture_state(run->config.hub, false, &fault) != KL_OK) {
        (void)snprintf(recording->problem, sizeof(recording->problem), "%.*s",
                       (int)sizeof(recording->problem) - 1, fault.text);
    }
}

static void describe(const struct kl_run *run, struct kl_snapshot *out)
{
    kl_pipeline_snapshot(run->pipeline, out);
    out->flag_table = run->config.flags; /* outlives the pipeline, which a seek replaces */
    out->device_count = 0;
    if (run->config.hub != NULL) {
        describe_devices(run, out);
    } else {
        describe_streams(run, out);
    }
    describe_recording(run, out);
}

static void publish_when_due(struct kl_run *run, bool now)
{
    int64_t wall = wall_ns();
    if (run->exchange != NULL && (now || wall >= run->next_publish_ns)) {
        run->next_publish_ns = wall + PUBLISH_EVERY_NS;
        describe(run, kl_snapshot_exchange_back(run->exchange));
        kl_snapshot_exchange_publish(run->exchange);
    }
    if (run->config.progress != NULL && wall >= run->next_progress_ns) {
        run->next_progress_ns = wall + PROGRESS_EVERY_NS;
        describe(run, run->scratch);
        run->config.progress(run->config.self, run->scratch);
    }
}

/* -------------------------------------------------------------------- loop */

static int64_t item_time(const struct kl_item *item)
{
    return item->kind == KL_ITEM_BLOCK ? item->block.t_ns[item->block.count - 1] : item->event.t_ns;
}

static void restart_pace(struct kl_run *run, int64_t session_ns)
{
    run->pace_session_ns = session_ns;
    run->pace_wall_ns = wall_ns();
}

/** Replay at a speed: waits until the item is due, unless a command or a stop comes first. */
static void pace(struct kl_run *run, int64_t t_ns)
{
    double speed = atomic_load(&run->speed);
    if (speed <= 0.0 || t_ns < run->skip_until_ns) {
        restart_pace(run, t_ns);
        return;
    }
    while (!atomic_load(&run->stop) && atomic_load(&run->seek_ns) == 0) {
        double now_speed = atomic_load(&run->speed);
        int64_t wall = wall_ns();
        if (now_speed != speed || atomic_load(&run->paused)) {
            int64_t reached = atomic_load(&run->now_ns);
            restart_pace(run, reached > 0 ? reached : t_ns);
            speed = now_speed;
            if (speed <= 0.0) {
                return;
            }
            if (atomic_load(&run->paused)) {
                publish_when_due(run, false);
                sleep_ns(PACE_SLICE_NS);
                continue;
            }
        }
        double ahead_ns = (double)(t_ns - run->pace_session_ns) / speed;
        int64_t wait = run->pace_wall_ns + (int64_t)ahead_ns - wall;
        if (wait <= 0) {
            return;
        }
        publish_when_due(run, false);
        sleep_ns(wait < PACE_SLICE_NS ? wait : PACE_SLICE_NS);
    }
}

/** A seek backwards starts again from the first item: state is a function of the order only. */
static int seek(struct kl_run *run, struct kl_fault *fault)
{
    int64_t target = atomic_exchange(&run->seek_ns, 0);
    if (target == 0 || run->config.hub != NULL) {
        return KL_OK;
    }
    run->skip_until_ns = target;
    if (target < atomic_load(&run->now_ns)) {
        close_source(run);
        return open_source(run, fault);
    }
    return KL_OK;
}

static void count_samples(struct kl_run *run, const struct kl_block *block)
{
    struct kl_run_stream *stream = &run->stream[block->stream];
    double dt_ns = 1e9 / run->source->stream[block->stream].rate_hz;
    if (stream->samples == 0) {
        stream->first_ns = stream->last_ns = block->t_ns[0];
    }
    for (size_t i = 0; i < block->count; i++) {
        double steps = (double)(block->t_ns[i] - stream->last_ns) / dt_ns;
        if (steps > 1.5) {
            stream->lost += (uint64_t)(steps - 0.5);
        }
        stream->last_ns = block->t_ns[i];
    }
    stream->samples += block->count;
}

/** What the devices' clocks were learnt from goes into the file; nothing else sees it. */
static void record_clocks(struct kl_run *run)
{
    struct kl_clock_pair pair;
    while (run->recorder != NULL && run->config.hub != NULL &&
           kl_hub_clock(run->config.hub, &pair)) {
        (void)kl_recorder_clock(run->recorder, &pair);
    }
}

/** One turn. @return kl_source_answer or a negative status */
static int turn(struct kl_run *run, struct kl_fault *fault)
{
    struct kl_item item;
    int answer = kl_source_next(run->source, SOURCE_WAIT_NS, &item, fault);
    record_clocks(run);
    if (answer != KL_SOURCE_ITEM) {
        return answer;
    }
    int64_t t_ns = item_time(&item);
    pace(run, t_ns);
    if (!said_by_people(run, &item)) {
        take_item(run, &item);
    }
    if (item.kind == KL_ITEM_BLOCK) {
        count_samples(run, &item.block);
        atomic_store(&run->now_ns, t_ns);
    }
    return answer;
}

/** What the devices had delivered when the stop came still belongs to the session. */
static void drain(struct kl_run *run, struct kl_fault *fault)
{
    if (run->config.hub == NULL) {
        return;
    }
    kl_hub_stop(run->config.hub);
    int64_t until = wall_ns() + DRAIN_NS;
    int answer = KL_SOURCE_ITEM;
    while (answer >= 0 && answer != KL_SOURCE_END && wall_ns() < until) {
        answer = turn(run, fault);
    }
}

static void operate_when_due(struct kl_run *run)
{
    if (run->config.operate == NULL) {
        return;
    }
    int64_t now_ns = atomic_load(&run->now_ns);
    int64_t wall = wall_ns();
    if (now_ns >= run->next_operate_ns || wall >= run->next_operate_wall_ns) {
        run->next_operate_ns = now_ns + OPERATE_EVERY_NS;
        run->next_operate_wall_ns = wall + OPERATE_EVERY_NS;
        run->config.operate(run->config.self, run, now_ns);
    }
}

int kl_run_loop(struct kl_run *run, struct kl_fault *fault)
{
    int status = KL_OK;
    int answer = KL_SOURCE_IDLE;
    while (!atomic_load(&run->stop) && answer >= 0) {
        bool sought = atomic_load(&run->seek_ns) != 0;
        status = seek(run, fault);
        if (status != KL_OK) {
            break;
        }
        if (answer != KL_SOURCE_END || sought) {
            answer = turn(run, fault);
        } else if (run->config.stay) {
            sleep_ns(PACE_SLICE_NS); /* the end is on screen; the operator may go back */
        } else {
            break;
        }
        publish_when_due(run, false);
        operate_when_due(run);
    }
    if (run->source == NULL) {
        atomic_store(&run->finished, true);
        return status;
    }
    if (answer >= 0 && answer != KL_SOURCE_END) {
        drain(run, fault);
    }
    kl_pipeline_end(run->pipeline);
    if (run->alignment != NULL) {
        kl_alignment_trial_end(run->alignment);
        post_alignment(run, true);
    }
    if (run->recorder != NULL) {
        run->recorder_state = kl_recorder_get(run->recorder);
        int closed = kl_recorder_close(run->recorder, answer < 0 ? NULL : fault);
        run->recorder = NULL;
        status = closed != KL_OK ? closed : status;
    }
    if (run->config.hub != NULL && answer >= 0 && status == KL_OK) {
        status = kl_hub_capture_state(run->config.hub, true, fault);
    }
    publish_when_due(run, true);
    atomic_store(&run->finished, true);
    return answer < 0 ? answer : status;
}

/* ---------------------------------------------------------------- commands */

void kl_run_stop(struct kl_run *run)
{
    atomic_store(&run->stop, true);
}

bool kl_run_finished(const struct kl_run *run)
{
    return atomic_load(&run->finished);
}

/** Tare and weighing last as long as methods 3.1 says. */
#define TARE_NS (3 * KL_NS_PER_S)
#define WEIGH_NS (3 * KL_NS_PER_S)

int kl_run_event(struct kl_run *run, const struct kl_event *event)
{
    return run->config.hub != NULL ? kl_hub_event(run->config.hub, event) : KL_OK;
}

bool kl_run_stamps(const struct kl_run *run)
{
    return run->alignment != NULL && kl_alignment_trial_stamps(run->alignment);
}

static void post(struct kl_run *run, enum kl_event_kind kind, int64_t duration_ns, double value,
                 const char *text)
{
    const struct kl_event event = {.kind = kind,
                                   .duration_ns = duration_ns,
                                   .value = {value},
                                   .text = text != NULL ? text : ""};
    (void)kl_run_event(run, &event);
}

void kl_run_command(struct kl_run *run, enum kl_command command, double value, const char *text)
{
    switch (command) {
    case KL_COMMAND_QUIT:
        kl_run_stop(run);
        break;
    case KL_COMMAND_TARE:
        post(run, KL_EVENT_TARE, TARE_NS, 0.0, "");
        break;
    case KL_COMMAND_WEIGH:
        post(run, KL_EVENT_WEIGH, WEIGH_NS, 0.0, "");
        break;
    case KL_COMMAND_CONDITION:
        post(run, KL_EVENT_CONDITION, 0, 0.0, text);
        break;
    case KL_COMMAND_MARKER:
        post(run, KL_EVENT_MARKER, 0, 0.0, text);
        break;
    case KL_COMMAND_SPEED:
        post(run, KL_EVENT_SPEED, 0, value, "");
        break;
    case KL_COMMAND_CALIBRATE:
        post(run, KL_EVENT_CALIBRATION, kl_nanoseconds(value), 0.0, text);
        break;
    case KL_COMMAND_PAUSE:
        atomic_store(&run->paused, !atomic_load(&run->paused));
        break;
    case KL_COMMAND_SEEK: {
        int64_t now = atomic_load(&run->now_ns); /* 0 before the first sample */
        int64_t target = (now > 0 ? now : KL_EPOCH_NS) + kl_nanoseconds(value);
        atomic_store(&run->seek_ns, target > KL_EPOCH_NS ? target : KL_EPOCH_NS);
        break;
    }
    case KL_COMMAND_RATE: {
        double speed = atomic_load(&run->speed) * value;
        if (speed >= 1.0 / 16 && speed <= 64.0) {
            atomic_store(&run->speed, speed);
        }
        break;
    }
    }
}

/* ------------------------------------------------------------------- state */

const struct kl_snapshot *kl_run_snapshot(struct kl_run *run)
{
    return run->exchange != NULL ? kl_snapshot_exchange_take(run->exchange) : NULL;
}

void kl_run_final(const struct kl_run *run, struct kl_snapshot *out)
{
    describe(run, out);
}

const struct kl_pipeline *kl_run_pipeline(const struct kl_run *run)
{
    return run->pipeline;
}

size_t kl_run_streams(const struct kl_run *run, const struct kl_stream **stream,
                      const struct kl_run_stream **counts)
{
    *stream = run->source->stream;
    *counts = run->stream;
    return run->source->stream_count;
}

int kl_run_left_out(const struct kl_run *run, struct kl_fault *fault)
{
    char words[400] = "";
    if (run->config.hub != NULL || run->source == NULL) {
        return KL_OK;
    }
    int status = kl_recording_left_out(run->source, words, sizeof(words));
    if (words[0] != '\0') {
        (void)kl_fault(fault, status, "%s: %s", run->config.path, words);
    }
    return status;
}
