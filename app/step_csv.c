#include "app/step_csv.h"

#include "app/summary_json.h"

/* ",key: relative to this run; key: ..." of the metrics that have something beside them. */
static void put_marks(FILE *out, const struct kl_step *step)
{
    const char *separator = ",";
    for (int i = 0; i < KL_METRIC_COUNT; i++) {
        for (unsigned bit = 0; bit < KL_MARK_COUNT && step->metric_reasons[i] == 0; bit++) {
            if ((step->metric_marks[i] & 1u << bit) != 0) {
                (void)fprintf(out, "%s%s: %s", separator, kl_metric_get((enum kl_metric_id)i)->key,
                              kl_mark_text((enum kl_mark)(1u << bit)));
                separator = "; ";
            }
        }
    }
    if (separator[0] == ',') {
        (void)fputc(',', out);
    }
}

void kl_step_csv(FILE *out, const struct kl_results *results)
{
    (void)fprintf(out, "step,side,contact (s),off (s),valid,reasons,loading_rule");
    for (int i = 0; i < KL_METRIC_COUNT; i++) {
        const struct kl_metric *metric = kl_metric_get((enum kl_metric_id)i);
        (void)fprintf(out, ",%s (%s)", metric->key, metric->unit);
    }
    (void)fputs(",marks", out);
    (void)fputc('\n', out);
    for (size_t n = 0; n < results->step_count; n++) {
        const struct kl_step *step = &results->step[n];
        (void)fprintf(out, "%u,%s,", step->index, kl_side_text(step->side));
        if (step->has_contact) {
            (void)fprintf(out, "%.6f", kl_recording_seconds(step->contact_ns));
        }
        (void)fputc(',', out);
        if (step->has_off) {
            (void)fprintf(out, "%.6f", kl_recording_seconds(step->off_ns));
        }
        (void)fprintf(out, ",%d,", step->valid ? 1 : 0);
        const char *separator = "";
        for (unsigned bit = 0; bit < KL_REASON_COUNT; bit++) {
            if ((step->reasons & 1u << bit) != 0) {
                (void)fprintf(out, "%s%s", separator, kl_reason_text((enum kl_reason)(1u << bit)));
                separator = "; ";
            }
        }
        (void)fprintf(out, ",%s", kl_loading_rule_text(step->loading_rule));
        for (int i = 0; i < KL_METRIC_COUNT; i++) {
            if (step->metric_reasons[i] == 0) {
                (void)fprintf(out, ",%.10g", step->metric[i]);
            } else {
                (void)fputc(',', out);
            }
        }
        put_marks(out, step);
        (void)fputc('\n', out);
    }
}

void kl_flag_csv(FILE *out, const struct kl_results *results)
{
    (void)fprintf(out, "time (s),factor,indicator,side,state,value,unit,limit,steps\n");
    for (size_t n = 0; n < results->flag_count; n++) {
        const struct kl_result_flag *row = &results->flag[n];
        (void)fprintf(out, "%.3f,%s,%s,%s,%s,", kl_recording_seconds(row->flag.t_ns),
                      kl_factor_get(row->rule.factor)->key, row->rule.indicator,
                      kl_side_text(row->flag.side), kl_flag_state_text(row->flag.state));
        if (row->flag.state != KL_FLAG_GREY) {
            (void)fprintf(out, "%.10g", row->flag.value);
        }
        (void)fprintf(out, ",%s,%.10g,%u\n", kl_metric_get(row->rule.metric)->display_unit,
                      row->rule.limit[row->flag.high ? 1 : 0], row->flag.steps);
    }
}

void kl_figure_csv(FILE *out, const struct kl_results *results)
{
    (void)fprintf(out, "figure,side,value,unit,n,needs\n");
    for (int f = 0; f < KL_FIGURE_COUNT; f++) {
        const struct kl_figure *figure = kl_figure_get((enum kl_figure_id)f);
        for (unsigned s = 0; s < KL_SIDE_COUNT; s++) {
            const struct kl_figure_value *value = &results->figures.figure[f][s];
            bool both = s == KL_SIDE_UNKNOWN;
            if (both ? figure->of_sides : figure->of_both) {
                continue;
            }
            (void)fprintf(out, "%s,%s,", figure->metric.key,
                          both ? "both" : kl_side_text((enum kl_side)s));
            if (value->valid) {
                (void)fprintf(out, "%.10g", value->value);
            }
            (void)fprintf(out, ",%s,%zu,\"%s\"\n", figure->metric.unit, value->n,
                          value->valid ? "" : figure->needs);
        }
    }
}

void kl_asymmetry_csv(FILE *out, const struct kl_results *results)
{
    (void)fprintf(out, "metric,left,right,difference,unit,steps left,steps right,ASI (%%),SA (%%),"
                       "usual ASI (%%)\n");
    for (size_t a = 0; a < KL_ASYMMETRY_COUNT; a++) {
        const struct kl_asymmetry_value *value = &results->figures.asymmetry[a];
        const struct kl_metric *metric = kl_metric_get(kl_asymmetry_get(a)->metric);
        double left = value->mean[KL_SIDE_LEFT];
        double right = value->mean[KL_SIDE_RIGHT];
        if (!value->valid) {
            continue;
        }
        (void)fprintf(out, "%s,%.10g,%.10g,%.10g,%s,%zu,%zu,", metric->key, left, right,
                      right - left, metric->unit, value->n[KL_SIDE_LEFT], value->n[KL_SIDE_RIGHT]);
        if (value->has_index) {
            (void)fprintf(out, "%.6g,%.6g", value->asi_percent, value->sa_percent);
        } else {
            (void)fputc(',', out);
        }
        (void)fprintf(out, ",%g\n", kl_asymmetry_get(a)->usual_percent);
    }
}
