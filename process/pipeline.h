/* Items in, steps and flags out: the arithmetic of a whole session.
 *
 * The pipeline is a pure function of the order of items. It holds one force chain per plate, the
 * step assembler and the flag engine, and knows no file, thread or clock: "now" is data time.
 *
 *     item ─▶ force chain per plate ─contacts─▶ step assembler ─steps─▶ flag engine ─▶ snapshot
 *
 * Speed (as the treadmill streams it, else as entered) and condition hold for steps that begin
 * after their time, a subject's mass and height from their place in the order on. Another condition
 * or subject empties the windows of recent steps and the flags.
 *
 * Threads: one. No allocation after the streams and the flag table are set.
 */
#ifndef KL_PROCESS_PIPELINE_H
#define KL_PROCESS_PIPELINE_H

#include "acquire/stream.h"
#include "process/flags/flag.h"
#include "process/force/force_chain.h"
#include "process/snapshot.h"
#include "process/steps/step.h"

struct kl_settings {
    struct kl_force_settings force;
    enum kl_loading_rule loading_rule; /* for steps without an impact peak; default P13 */
    double target_cadence_spm;         /* drawn beside the cadence; 0: none */
};

struct kl_settings kl_settings_defaults(void);

/** Called as results appear, in order. Any may be NULL. Arguments are borrowed. */
struct kl_pipeline_sink {
    void *self;
    void (*step)(void *self, const struct kl_step *step);
    void (*flag)(void *self, const struct kl_rule *rule, const struct kl_flag *flag);
};

struct kl_pipeline;
struct kl_body_calibration;
struct kl_worn;

/** The first KL_SNAPSHOT_PLATES streams of kind force are taken as plates; other streams are only
 *  passed over.
 *  @param streams in [count], copied
 *  @param flags   copied; NULL: no rules
 *  @return NULL without memory, with a rate <= 0, or when a plate's rate is below 2.5 times the
 *          cut-off in settings->force (kl_force_chain_create) */
struct kl_pipeline *kl_pipeline_create(const struct kl_stream *streams, size_t count,
                                       const struct kl_settings *settings,
                                       const struct kl_flag_table *flags,
                                       struct kl_pipeline_sink sink);
void kl_pipeline_destroy(struct kl_pipeline *pipeline);

/** One item of the session, in order. */
void kl_pipeline_item(struct kl_pipeline *pipeline, const struct kl_item *item);

/** No more items: what is pending is finished. */
void kl_pipeline_end(struct kl_pipeline *pipeline);

/** Everything the screen needs for one frame. Cheap enough for every frame: a copy. */
void kl_pipeline_snapshot(const struct kl_pipeline *pipeline, struct kl_snapshot *out);

/** What is wrong with a plate or a weight, in words; "" when nothing is. */
#define KL_PIPELINE_PROBLEM_MAX sizeof(((struct kl_snapshot *)0)->plate_problem)
void kl_pipeline_problem(const struct kl_pipeline *pipeline, char out[KL_PIPELINE_PROBLEM_MAX]);

/** What the runner wears: the calibration so far. Borrowed. */
const struct kl_worn *kl_pipeline_worn(const struct kl_pipeline *pipeline);

/** Statistics of all valid steps so far, whatever the condition. @param side UNKNOWN pools all
 * steps whatever their side.
 *  @return number of valid values; mean and sd untouched when 0 (sd is 0 for one value) */
size_t kl_pipeline_summary(const struct kl_pipeline *pipeline, enum kl_side side,
                           enum kl_metric_id metric, double *mean, double *sd);

/** Figures of the condition that runs, or ran last. Borrowed until the next item. */
const struct kl_session_figures *kl_pipeline_figures(const struct kl_pipeline *pipeline);

/** The guided calibration of what is worn; NULL: no motion sensor is. Borrowed. */
const struct kl_body_calibration *kl_pipeline_calibration(const struct kl_pipeline *pipeline);

/** Initial contacts inside the record so far, complete or not, valid or not. */
size_t kl_pipeline_contacts(const struct kl_pipeline *pipeline);

#endif
