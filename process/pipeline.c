#include "process/pipeline.h"

#include "process/alignment.h"
#include "process/belt_speed.h"
#include "process/snapshot_steps.h"
#include "process/steps/cadence.h"
#include "process/steps/gait_mode.h"
#include "process/steps/step_assembler.h"
#include "process/steps/step_statistics.h"
#include "process/trace.h"
#include "process/worn.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECONDS_PER_MINUTE 60
#define WORN_PART 256 /* samples of a block whose times are shifted at once */
#define ONSETS 8      /* contacts that have begun and are not accepted yet */

struct plate {
    size_t stream;
    struct kl_force_chain *chain;
    struct kl_trace trace;
    int64_t reach_ns;
    bool in_contact;
};

struct kl_pipeline {
    size_t stream_count;
    struct kl_stream *stream;
    int64_t offset_ns[KL_STREAMS_MAX]; /* to add to a stream's times: see process/alignment.h */
    struct kl_settings settings;
    struct kl_flag_table table;
    struct kl_pipeline_sink sink;
    size_t plate_count;
    struct plate plate[KL_SNAPSHOT_PLATES];

    struct kl_total_force total;
    struct kl_gait_mode gait;
    struct kl_body_weight weight;
    struct kl_cadence *cadence;
    struct kl_step_assembler *assembler;
    struct kl_flag_engine *flags;
    struct kl_worn *worn;
    struct kl_figures *figures;
    struct kl_belt_speed *belt;

    struct kl_step_statistics statistics[KL_SIDE_COUNT];
    struct kl_running pooled[KL_METRIC_COUNT];

    size_t onset_count; /* contacts that began on any plate, oldest first */
    double onset_ns[ONSETS];
    bool restart_due; /* another condition or runner: from the first step after restart_ns */
    int64_t restart_ns;
    char unfit[160]; /* a plate that cannot be processed; "" */
    struct kl_snapshot now;
};

struct kl_settings kl_settings_defaults(void)
{
    return (struct kl_settings){.force = kl_force_settings_defaults(),
                                .loading_rule = KL_LOADING_P13};
}

/* ------------------------------------------------------------------ life */

static bool create_plates(struct kl_pipeline *pipeline, struct kl_assembler_plate *out)
{
    for (size_t i = 0; i < pipeline->stream_count; i++) {
        const struct kl_stream *stream = &pipeline->stream[i];
        if (stream->kind != KL_KIND_FORCE || pipeline->plate_count == KL_SNAPSHOT_PLATES) {
            continue;
        }
        struct kl_snapshot_plate *shown = &pipeline->now.plate[pipeline->plate_count];
        struct plate *plate = &pipeline->plate[pipeline->plate_count];
        plate->stream = i;
        plate->reach_ns = (int64_t)(1.5e9 / stream->rate_hz); /* a later sample follows a gap */
        if (!kl_force_settings_fit(&pipeline->settings.force, stream->rate_hz)) {
            (void)snprintf(pipeline->unfit, sizeof(pipeline->unfit),
                           "%.40s: %g Hz is too slow for a filter at %g Hz; no steps from it",
                           stream->name, stream->rate_hz, pipeline->settings.force.cutoff_hz);
            continue;
        }
        plate->chain = kl_force_chain_create(stream, &pipeline->settings.force);
        if (plate->chain == NULL) {
            return false;
        }
        (void)snprintf(shown->name, sizeof(shown->name), "%s", stream->name);
        shown->side = stream->plate.side;
        for (size_t c = 0; c < 4; c++) {
            shown->corner_x_m[c] = stream->plate.corner_x_m[c];
            shown->corner_z_m[c] = stream->plate.corner_z_m[c];
            shown->has_corners =
                shown->has_corners || shown->corner_x_m[c] != 0 || shown->corner_z_m[c] != 0;
        }
        const unsigned cop = (1u << KL_FY) | (1u << KL_MX) | (1u << KL_MZ);
        shown->has_cop = (stream->plate.measured & cop) == cop;
        out[pipeline->plate_count++] =
            (struct kl_assembler_plate){.stream = i,
                                        .side = stream->plate.side,
                                        .measured = stream->plate.measured,
                                        .rate_hz = stream->rate_hz};
    }
    return true;
}

/* Sensors that contradict each other are told and left out: forces go on. */
static struct kl_worn *create_worn(struct kl_pipeline *pipeline)
{
    struct kl_fault fault = {""};
    struct kl_worn *worn = kl_worn_create(pipeline->stream, pipeline->stream_count, &fault);
    if (worn == NULL) {
        (void)snprintf(pipeline->unfit, sizeof(pipeline->unfit), "%.150s", fault.text);
        worn = kl_worn_create(NULL, 0, NULL);
    }
    return worn;
}

static bool create_parts(struct kl_pipeline *pipeline)
{
    struct kl_assembler_plate plates[KL_SNAPSHOT_PLATES];
    if (!create_plates(pipeline, plates)) {
        return false;
    }
    kl_total_force_init(&pipeline->total, pipeline->plate_count);
    pipeline->cadence = kl_cadence_create();
    pipeline->flags = kl_flag_engine_create(&pipeline->table);
    pipeline->worn = create_worn(pipeline);
    pipeline->figures = kl_figures_create();
    pipeline->belt = kl_belt_speed_create(pipeline->stream, pipeline->stream_count);
    pipeline->assembler =
        kl_step_assembler_create(plates, pipeline->plate_count, pipeline->settings.loading_rule,
                                 &pipeline->weight, pipeline->cadence);
    return pipeline->cadence != NULL && pipeline->flags != NULL && pipeline->assembler != NULL &&
           pipeline->worn != NULL && pipeline->figures != NULL && pipeline->belt != NULL;
}

struct kl_pipeline *kl_pipeline_create(const struct kl_stream *streams, size_t count,
                                       const struct kl_settings *settings,
                                       const struct kl_flag_table *flags,
                                       struct kl_pipeline_sink sink)
{
    for (size_t i = 0; i < count; i++) {
        if (!(streams[i].rate_hz > 0)) {
            return NULL;
        }
    }
    struct kl_pipeline *pipeline = calloc(1, sizeof(*pipeline));
    if (pipeline == NULL) {
        return NULL;
    }
    pipeline->settings = *settings;
    pipeline->sink = sink;
    pipeline->table.timing = kl_flag_timing_defaults();
    if (flags != NULL) {
        pipeline->table = *flags;
    }
    pipeline->stream_count = count;
    pipeline->stream = calloc(count + 1, sizeof(*pipeline->stream));
    if (pipeline->stream != NULL && count > 0) {
        memcpy(pipeline->stream, streams, count * sizeof(*streams));
    }
    if (pipeline->stream == NULL || !create_parts(pipeline)) {
        kl_pipeline_destroy(pipeline);
        return NULL;
    }
    struct kl_snapshot *now = &pipeline->now;
    now->plate_count = pipeline->plate_count;
    now->body_weight_from = "";
    now->target_cadence_spm = settings->target_cadence_spm;
    now->cutoff_hz = settings->force.cutoff_hz;
    now->threshold_n = settings->force.threshold_n;
    now->loading_rule = settings->loading_rule;
    now->flag_table = &pipeline->table;
    kl_worn_show_calibration(pipeline->worn, &now->calibration);
    return pipeline;
}

void kl_pipeline_destroy(struct kl_pipeline *pipeline)
{
    if (pipeline == NULL) {
        return;
    }
    for (size_t i = 0; i < pipeline->plate_count; i++) {
        kl_force_chain_destroy(pipeline->plate[i].chain);
    }
    kl_step_assembler_destroy(pipeline->assembler);
    kl_flag_engine_destroy(pipeline->flags);
    kl_worn_destroy(pipeline->worn);
    kl_figures_destroy(pipeline->figures);
    kl_belt_speed_destroy(pipeline->belt);
    kl_cadence_destroy(pipeline->cadence);
    free(pipeline->stream);
    free(pipeline);
}

/* --------------------------------------------------------- steps and flags */

/* A contact shows at once, with what depends on the next one still open. */
static void show_contact(struct kl_pipeline *pipeline, const struct kl_assembly *assembly)
{
    struct kl_step step = assembly->step;
    kl_worn_contact(pipeline->worn, assembly->contact);
    kl_worn_pending(pipeline->worn, &step);
    kl_snapshot_contact(&pipeline->now, assembly, &step);
    pipeline->now.contacts = kl_step_assembler_contacts(pipeline->assembler);
    size_t kept = 0;
    for (size_t i = 0; i < pipeline->onset_count; i++) {
        /* The onset is seen a little later than the contact that came of it. */
        if (pipeline->onset_ns[i] > assembly->contact->to_ns) {
            pipeline->onset_ns[kept++] = pipeline->onset_ns[i];
        }
    }
    pipeline->onset_count = kept;
}

static void restart_if_due(struct kl_pipeline *pipeline, const struct kl_step *step)
{
    if (!pipeline->restart_due || step->contact_ns < (double)pipeline->restart_ns) {
        return;
    }
    pipeline->restart_due = false;
    kl_flag_engine_restart(pipeline->flags);
    kl_step_assembler_bout(pipeline->assembler);
    kl_figures_reset(pipeline->figures);
    for (unsigned s = 0; s < KL_SIDE_COUNT; s++) {
        pipeline->statistics[s].count = 0; /* what is shown as recent was another condition */
    }
}

/* Newest first, like the force curves. */
static void show_motion(struct kl_pipeline *pipeline, const struct kl_step *step)
{
    struct kl_snapshot_side *side = &pipeline->now.side[step->side];
    struct kl_motion_curve curve;
    if (!step->valid || !kl_worn_curve(pipeline->worn, step->index, &curve)) {
        return;
    }
    memmove(&side->motion[1], &side->motion[0],
            (KL_MOTION_CURVE_STEPS - 1) * sizeof(side->motion[0]));
    side->motion[0] = curve;
    side->motion_count += side->motion_count < KL_MOTION_CURVE_STEPS;
}

static void take_step(struct kl_pipeline *pipeline, struct kl_assembly *assembly)
{
    struct kl_step *step = &assembly->step;
    const struct kl_stream *plate = &pipeline->stream[step->stream];
    bool moved = kl_worn_step(pipeline->worn, assembly, plate->plate.measured, plate->rate_hz,
                              step->body_weight_n / KL_GRAVITY_M_S2, pipeline->now.height_m, step);
    show_motion(pipeline, step);
    restart_if_due(pipeline, step);
    kl_figures_step(pipeline->figures, step, moved ? kl_worn_window(pipeline->worn) : NULL,
                    moved ? kl_worn_shock(pipeline->worn) : NULL);
    kl_figures_read(pipeline->figures, &pipeline->now.figures);
    kl_gait_mode_step(&pipeline->gait, step->contact_ns, assembly->flight_s);
    kl_step_statistics_add(&pipeline->statistics[step->side], step);
    for (int m = 0; m < KL_METRIC_COUNT; m++) {
        if (step->valid && step->metric_reasons[m] == 0) {
            kl_running_add(&pipeline->pooled[m], step->metric[m]);
        }
    }
    struct kl_snapshot *now = &pipeline->now;
    kl_snapshot_step(now, step);
    now->loading_rule_for_all = kl_step_assembler_forces_rule(pipeline->assembler);
    now->side_confidence = kl_step_assembler_confidence(pipeline->assembler);
    kl_snapshot_statistics(&now->side[step->side], &pipeline->statistics[step->side]);
    kl_snapshot_cadence(now, SECONDS_PER_MINUTE * kl_cadence_counted(pipeline->cadence));
    if (pipeline->sink.step != NULL) {
        pipeline->sink.step(pipeline->sink.self, step);
    }
    size_t changed = kl_flag_engine_step(pipeline->flags, step, pipeline->now.height_m);
    for (size_t i = 0; i < changed && pipeline->sink.flag != NULL; i++) {
        struct kl_flag flag = kl_flag_engine_changed(pipeline->flags, i);
        pipeline->sink.flag(pipeline->sink.self, &pipeline->table.rule[flag.rule], &flag);
    }
}

static void drain(struct kl_pipeline *pipeline)
{
    struct kl_assembly assembly;
    enum kl_assembled what;
    while ((what = kl_step_assembler_next(pipeline->assembler, &assembly)) !=
           KL_ASSEMBLED_NOTHING) {
        if (what == KL_ASSEMBLED_CONTACT) {
            show_contact(pipeline, &assembly);
        } else {
            take_step(pipeline, &assembly);
        }
    }
}

/* ------------------------------------------------------------------ samples */

static bool is_walking(enum kl_gait gait)
{
    return gait == KL_GAIT_WALK || gait == KL_GAIT_GROUNDED;
}

static void take_total(struct kl_pipeline *pipeline)
{
    struct kl_snapshot *now = &pipeline->now;
    struct kl_total_value value;
    while (kl_total_force_next(&pipeline->total, &value)) {
        kl_body_weight_force(&pipeline->weight, &value);
        kl_cadence_force(pipeline->cadence, value.fy_n, value.valid, now->gait == KL_GAIT_WALK);
        bool looked = kl_gait_mode_force(&pipeline->gait, &value, now->threshold_n);
        now->gait = kl_gait_mode_get(&pipeline->gait, kl_body_weight_get(&pipeline->weight));
        if (looked) {
            kl_body_weight_look(&pipeline->weight, pipeline->gait.mean_n,
                                now->gait == KL_GAIT_STAND);
        }
    }
}

/* The foot that is on the plate now. */
static enum kl_side follow_contact(struct kl_pipeline *pipeline, size_t p,
                                   const struct kl_force_now *force)
{
    struct plate *plate = &pipeline->plate[p];
    if (force->in_contact && !plate->in_contact && pipeline->onset_count < ONSETS) {
        pipeline->onset_ns[pipeline->onset_count++] = (double)force->t_ns;
    }
    plate->in_contact = force->in_contact;
    if (!force->in_contact) {
        return KL_SIDE_UNKNOWN;
    }
    size_t begun = pipeline->onset_count;
    return kl_step_assembler_side(pipeline->assembler, p, (unsigned)begun,
                                  begun > 0 ? pipeline->onset_ns[begun - 1] : 0);
}

static void take_sample(struct kl_pipeline *pipeline, size_t p, int64_t t_ns, const double *raw,
                        uint32_t quality)
{
    struct plate *plate = &pipeline->plate[p];
    kl_force_chain_push(plate->chain, t_ns, raw, quality);
    struct kl_force_now force = kl_force_chain_now(plate->chain);
    bool loaded = force.has_level && force.wrench[KL_FY] > pipeline->settings.force.threshold_n;
    struct kl_contact contact;
    while (kl_force_chain_contact(plate->chain, &contact)) {
        kl_step_assembler_contact(pipeline->assembler, p, &contact);
    }
    kl_step_assembler_plate(pipeline->assembler, p, t_ns, kl_force_chain_watermark(plate->chain),
                            loaded);
    drain(pipeline);
    enum kl_side side = follow_contact(pipeline, p, &force);
    if (force.t_ns != t_ns) {
        return; /* the chain refused the sample: it is not a number, or from the past */
    }
    kl_trace_push(&plate->trace, &pipeline->now.plate[p], t_ns, force.wrench[KL_FY],
                  force.in_contact, side, plate->reach_ns);
    kl_total_force_push(&pipeline->total, p, t_ns, force.fy_raw_n);
    take_total(pipeline);
}

/* What is worn, on the times of the session. */
static void take_worn(struct kl_pipeline *pipeline, const struct kl_block *block, int64_t offset_ns)
{
    struct kl_block part = *block;
    int64_t t_ns[WORN_PART];
    for (size_t at = 0; at < block->count; at += part.count) {
        size_t left = block->count - at;
        part.count = left < WORN_PART ? left : WORN_PART;
        for (size_t i = 0; i < part.count; i++) {
            t_ns[i] = block->t_ns[at + i] + offset_ns;
        }
        part.t_ns = t_ns;
        part.value = &block->value[at * pipeline->stream[block->stream].channel_count];
        part.quality = &block->quality[at];
        bool calibrating = kl_worn_calibrating(pipeline->worn);
        kl_worn_block(pipeline->worn, &part);
        if (calibrating && !kl_worn_calibrating(pipeline->worn)) {
            kl_worn_show_calibration(pipeline->worn, &pipeline->now.calibration);
        }
    }
    kl_step_assembler_beside(pipeline->assembler, kl_worn_newest(pipeline->worn));
    drain(pipeline);
}

static void take_speed(struct kl_pipeline *pipeline, const struct kl_event *event)
{
    struct kl_snapshot *now = &pipeline->now;
    now->speed_m_s = event->value[0] > 0 ? event->value[0] : 0;
    kl_step_assembler_speed(pipeline->assembler, event->t_ns, now->speed_m_s);
    kl_worn_slope(pipeline->worn, event->value[1]);
}

static void take_belt(struct kl_pipeline *pipeline, const struct kl_block *block, int64_t offset_ns)
{
    for (size_t i = 0; i < block->count; i++) {
        struct kl_event event;
        if (kl_belt_speed_step(pipeline->belt, block, i, block->t_ns[i] + offset_ns, &event)) {
            take_speed(pipeline, &event);
        }
    }
}

static void take_block(struct kl_pipeline *pipeline, const struct kl_block *block)
{
    if (block->stream >= pipeline->stream_count || block->count == 0) {
        return;
    }
    const struct kl_stream *stream = &pipeline->stream[block->stream];
    int64_t offset_ns = block->stream < KL_STREAMS_MAX ? pipeline->offset_ns[block->stream] : 0;
    for (size_t p = 0; p < pipeline->plate_count; p++) {
        for (size_t i = 0; pipeline->plate[p].stream == block->stream && i < block->count; i++) {
            take_sample(pipeline, p, block->t_ns[i] + offset_ns,
                        &block->value[i * stream->channel_count], block->quality[i]);
        }
    }
    if (stream->kind == KL_KIND_TREADMILL) {
        take_belt(pipeline, block, offset_ns);
    }
    if (stream->kind != KL_KIND_FORCE && kl_worn_any(pipeline->worn)) {
        take_worn(pipeline, block, offset_ns);
    }
    int64_t newest_ns = block->t_ns[block->count - 1] + offset_ns;
    pipeline->now.t_ns = newest_ns > pipeline->now.t_ns ? newest_ns : pipeline->now.t_ns;
}

/* ------------------------------------------------------------------- events */

/* The detector's 0.8 BW rule takes only a weight that does not depend on steps: how far another
 * plate has come when a step is finished must not change what this one finds. */
static void tell_weight(struct kl_pipeline *pipeline)
{
    double known = pipeline->weight.entered_n;
    for (size_t p = 0; p < pipeline->plate_count; p++) {
        kl_force_chain_set_body_weight(pipeline->plate[p].chain, known);
    }
}

static void restart_from(struct kl_pipeline *pipeline, int64_t t_ns)
{
    pipeline->restart_due = true;
    pipeline->restart_ns = t_ns;
}

static void take_subject(struct kl_pipeline *pipeline, const struct kl_event *event)
{
    struct kl_snapshot *now = &pipeline->now;
    kl_body_weight_subject(&pipeline->weight, event->value[0]);
    now->height_m = event->value[1] > 0 ? event->value[1] : 0;
    kl_step_assembler_height(pipeline->assembler, now->height_m);
    (void)snprintf(now->subject, sizeof(now->subject), "%s", event->text);
    tell_weight(pipeline);
    restart_from(pipeline, event->t_ns);
}

static void take_tare(struct kl_pipeline *pipeline, const struct kl_event *event)
{
    for (size_t p = 0; p < pipeline->plate_count; p++) {
        const struct kl_stream *stream = &pipeline->stream[pipeline->plate[p].stream];
        if (event->text[0] == '\0' || strcmp(event->text, stream->name) == 0) {
            kl_force_chain_tare(pipeline->plate[p].chain, event->duration_ns);
        }
    }
}

static void take_alignment(struct kl_pipeline *pipeline, const struct kl_event *event)
{
    for (size_t s = 0; s < pipeline->stream_count && s < KL_STREAMS_MAX; s++) {
        (void)kl_alignment_applies(event, &pipeline->stream[s], &pipeline->offset_ns[s]);
    }
}

static void take_event(struct kl_pipeline *pipeline, const struct kl_event *event)
{
    struct kl_snapshot *now = &pipeline->now;
    switch (event->kind) {
    case KL_EVENT_SUBJECT:
        take_subject(pipeline, event);
        break;
    case KL_EVENT_TARE:
        take_tare(pipeline, event);
        break;
    case KL_EVENT_WEIGH:
        kl_body_weight_weigh(&pipeline->weight, event->t_ns, event->duration_ns);
        break;
    case KL_EVENT_SPEED:
        if (kl_belt_speed_entered(pipeline->belt, event)) {
            take_speed(pipeline, event);
        }
        break;
    case KL_EVENT_CONDITION:
        (void)snprintf(now->condition, sizeof(now->condition), "%s", event->text);
        restart_from(pipeline, event->t_ns);
        break;
    case KL_EVENT_ALIGNMENT:
        take_alignment(pipeline, event);
        break;
    case KL_EVENT_MARKER:
    case KL_EVENT_LOST:
    case KL_EVENT_SETTINGS:    /* read by whoever created the pipeline */
    case KL_EVENT_FLAG_TABLE:  /* likewise */
    case KL_EVENT_CALIBRATION: /* of what is worn, below */
    case KL_EVENT_ENTRY:
    case KL_EVENT_KIND_COUNT:
        break;
    }
}

void kl_pipeline_item(struct kl_pipeline *pipeline, const struct kl_item *item)
{
    if (item->kind == KL_ITEM_BLOCK) {
        take_block(pipeline, &item->block);
    } else {
        take_event(pipeline, &item->event);
        kl_worn_event(pipeline->worn, &item->event);
    }
}

void kl_pipeline_end(struct kl_pipeline *pipeline)
{
    for (size_t p = 0; p < pipeline->plate_count; p++) {
        kl_force_chain_end(pipeline->plate[p].chain);
    }
    kl_step_assembler_end(pipeline->assembler);
    for (size_t p = 0; p < pipeline->plate_count; p++) {
        struct kl_contact contact;
        while (kl_force_chain_contact(pipeline->plate[p].chain, &contact)) {
            kl_step_assembler_contact(pipeline->assembler, p, &contact);
        }
    }
    drain(pipeline);
    kl_figures_finish(pipeline->figures);
    kl_figures_read(pipeline->figures, &pipeline->now.figures);
}

/* ------------------------------------------------------------------ results */

void kl_pipeline_problem(const struct kl_pipeline *pipeline, char out[KL_PIPELINE_PROBLEM_MAX])
{
    const char *problem = kl_body_weight_problem(&pipeline->weight);
    size_t late = kl_step_assembler_late(pipeline->assembler);
    if (problem[0] == '\0' && late > 0) {
        (void)snprintf(out, KL_PIPELINE_PROBLEM_MAX,
                       "%zu contacts came more than 1 s late and are in no step", late);
        return;
    }
    (void)snprintf(out, KL_PIPELINE_PROBLEM_MAX, "%s",
                   problem[0] != '\0' ? problem : pipeline->unfit);
}

void kl_pipeline_snapshot(const struct kl_pipeline *pipeline, struct kl_snapshot *out)
{
    *out = pipeline->now;
    out->body_weight_n = kl_body_weight_get(&pipeline->weight);
    out->body_weight_from = kl_body_weight_source(&pipeline->weight);
    bool moving = out->gait == KL_GAIT_RUN || is_walking(out->gait);
    out->cadence_spm = out->gait == KL_GAIT_RUN ? out->cadence_spm : 0;
    out->cadence_fft_spm = moving ? SECONDS_PER_MINUTE * kl_cadence_spectral(pipeline->cadence) : 0;
    out->cadence_disagrees =
        out->cadence_spm > 0 && moving && kl_cadence_disagrees(pipeline->cadence);
    kl_pipeline_problem(pipeline, out->plate_problem);
    if (kl_worn_calibrating(pipeline->worn)) {
        kl_worn_show_calibration(pipeline->worn, &out->calibration);
    } else {
        kl_worn_show_muscles(pipeline->worn, &out->calibration);
    }
    out->flag_count = kl_flag_engine_get(pipeline->flags, out->flag, KL_SNAPSHOT_FLAGS);
    for (int f = 0; f < KL_FACTOR_COUNT; f++) {
        out->factor[f] =
            kl_flag_engine_factor(pipeline->flags, (enum kl_factor)f, &out->factor_reason[f]);
    }
}

size_t kl_pipeline_summary(const struct kl_pipeline *pipeline, enum kl_side side,
                           enum kl_metric_id metric, double *mean, double *sd)
{
    const struct kl_running *running = side == KL_SIDE_UNKNOWN
                                           ? &pipeline->pooled[metric]
                                           : &pipeline->statistics[side].running[metric];
    if (running->n > 0) {
        *mean = running->mean;
        *sd = kl_running_sd(running);
    }
    return running->n;
}

const struct kl_session_figures *kl_pipeline_figures(const struct kl_pipeline *pipeline)
{
    return &pipeline->now.figures;
}

const struct kl_body_calibration *kl_pipeline_calibration(const struct kl_pipeline *pipeline)
{
    return kl_worn_moves(pipeline->worn) ? kl_worn_calibration(pipeline->worn) : NULL;
}

const struct kl_worn *kl_pipeline_worn(const struct kl_pipeline *pipeline)
{
    return pipeline->worn;
}

size_t kl_pipeline_contacts(const struct kl_pipeline *pipeline)
{
    return kl_step_assembler_contacts(pipeline->assembler);
}
