#include "app/summary_json.h"

#include "process/motion/body_calibration.h"

#include <math.h>

double kl_recording_seconds(double session_ns)
{
    return (session_ns - (double)KL_EPOCH_NS) / 1e9;
}

/** A number, or null where JSON has no word for it. */
static json_t *number(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

static json_t *reasons_json(uint32_t reasons)
{
    json_t *list = json_array();
    for (unsigned i = 0; i < KL_REASON_COUNT; i++) {
        if ((reasons & 1u << i) != 0) {
            (void)json_array_append_new(list,
                                        json_string(kl_reason_text((enum kl_reason)(1u << i))));
        }
    }
    return list;
}

static json_t *marks_json(uint32_t marks)
{
    json_t *list = json_array();
    for (unsigned i = 0; i < KL_MARK_COUNT; i++) {
        if ((marks & 1u << i) != 0) {
            (void)json_array_append_new(list, json_string(kl_mark_text((enum kl_mark)(1u << i))));
        }
    }
    return list;
}

static json_t *step_json(const struct kl_step *step)
{
    json_t *object = json_object();
    json_t *metrics = json_object();
    json_t *marks = json_object();
    uint32_t reasons = step->reasons;
    for (int i = 0; i < KL_METRIC_COUNT; i++) {
        bool valid = step->metric_reasons[i] == 0;
        reasons |= step->metric_reasons[i];
        const char *key = kl_metric_get((enum kl_metric_id)i)->key;
        (void)json_object_set_new(metrics, key, valid ? number(step->metric[i]) : json_null());
        if (valid && step->metric_marks[i] != 0) {
            (void)json_object_set_new(marks, key, marks_json(step->metric_marks[i]));
        }
    }
    (void)json_object_set_new(object, "side", json_string(kl_side_text(step->side)));
    (void)json_object_set_new(object, "contact_s",
                              step->has_contact ? number(kl_recording_seconds(step->contact_ns))
                                                : json_null());
    (void)json_object_set_new(
        object, "off_s", step->has_off ? number(kl_recording_seconds(step->off_ns)) : json_null());
    (void)json_object_set_new(object, "valid", json_boolean(step->valid));
    (void)json_object_set_new(object, "reasons", reasons_json(reasons));
    (void)json_object_set_new(object, "loading_rule",
                              json_string(kl_loading_rule_text(step->loading_rule)));
    (void)json_object_set_new(object, "metrics", metrics);
    (void)json_object_set_new(object, "marks", marks);
    return object;
}

static json_t *streams_json(const struct kl_run *run, double *duration_s)
{
    const struct kl_stream *stream = NULL;
    const struct kl_run_stream *counts = NULL;
    size_t count = kl_run_streams(run, &stream, &counts);
    json_t *list = json_array();
    *duration_s = 0.0;
    for (size_t i = 0; i < count; i++) {
        (void)json_array_append_new(
            list, json_pack("{s:s, s:s, s:f, s:I, s:I, s:I}", "name", stream[i].name, "kind",
                            kl_kind_text(stream[i].kind), "rate_hz", stream[i].rate_hz, "channels",
                            (json_int_t)stream[i].channel_count, "samples",
                            (json_int_t)counts[i].samples, "lost", (json_int_t)counts[i].lost));
        if (counts[i].samples > 0) {
            double end_s = kl_seconds(counts[i].last_ns - KL_EPOCH_NS) + 1.0 / stream[i].rate_hz;
            *duration_s = end_s > *duration_s ? end_s : *duration_s;
        }
    }
    return list;
}

static const struct side_row {
    const char *key;
    enum kl_side side;
} side_rows[] = {{"left", KL_SIDE_LEFT}, {"right", KL_SIDE_RIGHT}, {"both", KL_SIDE_UNKNOWN}};

/* What was said beside any valid value that a mean is made of. */
static uint32_t marks_of(const struct kl_results *results, enum kl_side side, int id)
{
    uint32_t marks = 0;
    for (size_t i = 0; i < results->step_count; i++) {
        const struct kl_step *step = &results->step[i];
        bool counts = step->valid && step->metric_reasons[id] == 0 &&
                      (side == KL_SIDE_UNKNOWN || step->side == side);
        marks |= counts ? step->metric_marks[id] : 0u;
    }
    return marks;
}

static json_t *summary_json(const struct kl_pipeline *pipeline, const struct kl_results *results)
{
    json_t *object = json_object();
    for (size_t i = 0; i < sizeof(side_rows) / sizeof(side_rows[0]); i++) {
        json_t *side = json_object();
        for (int id = 0; id < KL_METRIC_COUNT; id++) {
            double mean = 0.0;
            double sd = 0.0;
            size_t n =
                kl_pipeline_summary(pipeline, side_rows[i].side, (enum kl_metric_id)id, &mean, &sd);
            const struct kl_metric *metric = kl_metric_get((enum kl_metric_id)id);
            if (n == 0) {
                continue;
            }
            json_t *value = json_pack("{s:f, s:f, s:I, s:s}", "mean", mean, "sd", sd, "n",
                                      (json_int_t)n, "unit", metric->unit);
            uint32_t marks = marks_of(results, side_rows[i].side, id);
            if (marks != 0) {
                (void)json_object_set_new(value, "marks", marks_json(marks));
            }
            (void)json_object_set_new(side, metric->key, value);
        }
        (void)json_object_set_new(object, side_rows[i].key, side);
    }
    return object;
}

static json_t *flag_json(const struct kl_result_flag *result)
{
    char message[1024];
    kl_flag_message(&result->rule, &result->flag, message, sizeof(message));
    static const char *const grades[] = {"X", "W", "M", "S"};
    bool grey = result->flag.state == KL_FLAG_GREY;
    return json_pack(
        "{s:s, s:s, s:s, s:s, s:o, s:s, s:o, s:s, s:f, s:s}", "factor",
        kl_factor_get(result->rule.factor)->key, "indicator", result->rule.indicator, "side",
        kl_side_text(result->flag.side), "state", kl_flag_state_text(result->flag.state), "value",
        grey ? json_null() : number(result->flag.value), "unit",
        kl_metric_get(result->rule.metric)->display_unit, "limit",
        number(result->rule.limit[result->flag.high ? 1 : 0]), "grade", grades[result->rule.grade],
        "at_s", kl_recording_seconds(result->flag.t_ns), "message", message);
}

static json_t *figures_json(const struct kl_session_figures *figures)
{
    json_t *object = json_object();
    for (size_t i = 0; i < sizeof(side_rows) / sizeof(side_rows[0]); i++) {
        json_t *side = json_object();
        bool both = side_rows[i].side == KL_SIDE_UNKNOWN;
        for (int f = 0; f < KL_FIGURE_COUNT; f++) {
            const struct kl_figure *figure = kl_figure_get((enum kl_figure_id)f);
            const struct kl_figure_value *value = &figures->figure[f][side_rows[i].side];
            if (both ? figure->of_sides : figure->of_both) {
                continue;
            }
            json_t *row = json_pack("{s:o, s:I, s:s}", "value",
                                    value->valid ? number(value->value) : json_null(), "n",
                                    (json_int_t)value->n, "unit", figure->metric.unit);
            if (!value->valid) {
                (void)json_object_set_new(row, "needs", json_string(figure->needs));
            }
            (void)json_object_set_new(side, figure->metric.key, row);
        }
        (void)json_object_set_new(object, side_rows[i].key, side);
    }
    return object;
}

static json_t *asymmetry_json(const struct kl_session_figures *figures)
{
    json_t *object = json_object();
    for (size_t a = 0; a < KL_ASYMMETRY_COUNT; a++) {
        const struct kl_asymmetry_value *value = &figures->asymmetry[a];
        const struct kl_metric *metric = kl_metric_get(kl_asymmetry_get(a)->metric);
        if (!value->valid) {
            continue;
        }
        double left = value->mean[KL_SIDE_LEFT];
        double right = value->mean[KL_SIDE_RIGHT];
        (void)json_object_set_new(
            object, metric->key,
            json_pack("{s:f, s:f, s:f, s:s, s:I, s:I, s:o, s:o, s:f}", "left", left, "right", right,
                      "difference", right - left, "unit", metric->unit, "n_left",
                      (json_int_t)value->n[KL_SIDE_LEFT], "n_right",
                      (json_int_t)value->n[KL_SIDE_RIGHT], "asi_percent",
                      value->has_index ? number(value->asi_percent) : json_null(), "sa_percent",
                      value->has_index ? number(value->sa_percent) : json_null(),
                      "usual_asi_percent", kl_asymmetry_get(a)->usual_percent));
    }
    return object;
}

static json_t *phases_json(const struct kl_body_calibration *calibration)
{
    json_t *list = json_array();
    for (int p = 0; p < KL_CALIBRATION_PHASE_COUNT; p++) {
        struct kl_calibration_check check;
        kl_body_calibration_check(calibration, (enum kl_calibration_phase)p, &check);
        (void)json_array_append_new(
            list, json_pack("{s:s, s:b, s:b, s:o, s:s}", "phase",
                            kl_calibration_phase_text((enum kl_calibration_phase)p), "done",
                            check.done, "pass", check.pass, "quality",
                            check.done ? number(check.quality) : json_null(), "text", check.text));
    }
    return list;
}

static json_t *findings_json(const struct kl_body_calibration *calibration)
{
    struct kl_calibration_finding finding[KL_FINDINGS_MAX];
    size_t count = kl_body_calibration_findings(calibration, finding);
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++) {
        json_t *segments = json_array();
        (void)json_array_append_new(segments, json_string(kl_segment_text(finding[i].a)));
        if (finding[i].b != KL_SEGMENT_COUNT) {
            (void)json_array_append_new(segments, json_string(kl_segment_text(finding[i].b)));
        }
        (void)json_array_append_new(list, json_pack("{s:s, s:o, s:b, s:s}", "kind",
                                                    kl_calibration_finding_text(finding[i].kind),
                                                    "segments", segments, "corrected",
                                                    finding[i].corrected, "text", finding[i].text));
    }
    return list;
}

/* Every segment that has its alignment, with the sensor that really sits there. */
static json_t *segments_json(const struct kl_body_calibration *calibration)
{
    json_t *object = json_object();
    for (int s = 0; s < KL_SEGMENT_COUNT; s++) {
        enum kl_segment segment = (enum kl_segment)s;
        struct kl_segment_alignment alignment;
        if (kl_body_calibration_alignment(calibration, segment, &alignment)) {
            enum kl_segment sensor = kl_body_calibration_sensor(calibration, segment);
            (void)json_object_set_new(object, kl_segment_text(segment),
                                      json_pack("{s:s, s:f}", "sensor", kl_segment_text(sensor),
                                                "axis_quality", alignment.quality));
        }
    }
    return object;
}

/* null without a motion sensor. */
static json_t *calibration_json(const struct kl_body_calibration *calibration)
{
    return calibration == NULL
               ? json_null()
               : json_pack("{s:o, s:o, s:o}", "phases", phases_json(calibration), "findings",
                           findings_json(calibration), "segments", segments_json(calibration));
}

json_t *kl_summary_json(const char *file, const struct kl_run *run,
                        const struct kl_results *results)
{
    const struct kl_pipeline *pipeline = kl_run_pipeline(run);
    double duration_s = 0.0;
    json_t *streams = streams_json(run, &duration_s);
    json_t *steps = json_array();
    for (size_t i = 0; i < results->step_count; i++) {
        (void)json_array_append_new(steps, step_json(&results->step[i]));
    }
    json_t *flags = json_array();
    for (size_t i = 0; i < results->flag_count; i++) {
        (void)json_array_append_new(flags, flag_json(&results->flag[i]));
    }
    return json_pack("{s:s, s:s, s:f, s:o, s:I, s:o, s:o, s:o, s:o, s:o, s:o}", "kneelab",
                     KL_VERSION, "file", file, "duration_s", duration_s, "streams", streams,
                     "contacts", (json_int_t)kl_pipeline_contacts(pipeline), "steps", steps,
                     "summary", summary_json(pipeline, results), "flags", flags, "calibration",
                     calibration_json(kl_pipeline_calibration(pipeline)), "figures",
                     figures_json(&results->figures), "asymmetry",
                     asymmetry_json(&results->figures));
}
