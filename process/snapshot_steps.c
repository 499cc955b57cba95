#include "process/snapshot_steps.h"

#include "process/trace.h"

#include <string.h>

static void add_curve(struct kl_snapshot_side *side, const struct kl_assembly *assembly)
{
    bool in_bw = assembly->step.body_weight_n > 0;
    if (side->curve_count > 0 && side->curves_in_bw != in_bw) {
        side->curve_count = 0; /* curves of another unit do not lie over each other */
    }
    side->curves_in_bw = in_bw;
    memmove(&side->curve[1], &side->curve[0], (KL_CURVE_STEPS - 1) * sizeof(side->curve[0]));
    side->curve_count += side->curve_count < KL_CURVE_STEPS;
    kl_curve_fill(&side->curve[0], assembly->contact, assembly->step.index,
                  assembly->step.body_weight_n);
}

/* What waits for the next contact keeps its newest finished value on screen meanwhile. */
static void take_finished(const struct kl_step *finished, struct kl_snapshot_side *side)
{
    for (int m = 0; m < KL_METRIC_COUNT; m++) {
        if (side->waiting[m] && finished->metric_reasons[m] == 0) {
            side->last.metric[m] = finished->metric[m];
            side->last.metric_reasons[m] = 0;
            side->last.metric_marks[m] = finished->metric_marks[m];
        }
    }
}

static void open_step(struct kl_snapshot_side *side, const struct kl_step *step)
{
    struct kl_step before = side->last;
    bool had_step = side->has_step;
    side->has_step = true;
    side->last = *step;
    for (int m = 0; m < KL_METRIC_COUNT; m++) {
        side->waiting[m] = step->metric_reasons[m] == (uint32_t)KL_REASON_NO_NEXT;
    }
    if (had_step) {
        take_finished(&before, side);
    }
}

void kl_snapshot_contact(struct kl_snapshot *now, const struct kl_assembly *assembly,
                         const struct kl_step *step)
{
    struct kl_snapshot_side *side = &now->side[step->side];
    open_step(side, step);
    if (assembly->contact->has_ic && assembly->contact->has_to) {
        add_curve(side, assembly);
    }
}

void kl_snapshot_step(struct kl_snapshot *now, const struct kl_step *step)
{
    for (unsigned s = 0; s < KL_SIDE_COUNT; s++) {
        struct kl_snapshot_side *side = &now->side[s];
        if (s != (unsigned)step->side && side->has_step && side->last.index == step->index) {
            side->has_step = false; /* its foot has become known, or is not certain any more */
        }
    }
    struct kl_snapshot_side *side = &now->side[step->side];
    if (!side->has_step || side->last.index <= step->index) {
        side->has_step = true;
        side->last = *step;
        memset(side->waiting, 0, sizeof(side->waiting));
    } else {
        take_finished(step, side);
    }
}

void kl_snapshot_statistics(struct kl_snapshot_side *side,
                            const struct kl_step_statistics *statistics)
{
    side->steps = statistics->steps;
    for (int m = 0; m < KL_METRIC_COUNT; m++) {
        side->mean[m] = side->sd[m] = 0;
        side->n[m] = kl_step_statistics_recent(statistics, (enum kl_metric_id)m, &side->mean[m],
                                               &side->sd[m]);
    }
}

void kl_snapshot_cadence(struct kl_snapshot *now, double cadence_spm)
{
    now->cadence_spm = cadence_spm;
    if (now->cadence_spm <= 0) {
        return;
    }
    if (now->cadence_count == KL_HISTORY_STEPS) {
        memmove(now->cadence_history, now->cadence_history + 1,
                (KL_HISTORY_STEPS - 1) * sizeof(now->cadence_history[0]));
        now->cadence_count--;
    }
    now->cadence_history[now->cadence_count++] = (float)now->cadence_spm;
}
